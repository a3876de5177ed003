#include "leadpipe/driver.h"
#include "recording.h"
#include "reply.h"
#include "work.h"

/* How a driver ends a try: whoever waits for it is told, the chain's call or self-check. */

static struct lp_work *work_of(struct lp_call *call)
{
    return (struct lp_work *)((char *)call - offsetof(struct lp_work, call));
}

static void end_try(struct lp_call *call, enum lp_call_end end)
{
    call->end = end;
    lp_recording_ended(call);
    if (call->ended) {
        call->ended(call);
        return;
    }
    struct lp_work *w = work_of(call);
    if (!w->starting)
        lp_work_ended(w);
}

void lp_call_results(struct lp_call *call)
{
    end_try(call, LP_CALL_RESULTS);
}

void lp_call_next(struct lp_call *call, int64_t after_ms, struct lp_str memo)
{
    if (call->check) {
        lp_call_error(call, LP_BAD_RESPONSE, "a check is over with its first answer");
        return;
    }
    struct lp_work *w = work_of(call);
    struct lp_buf copy = {0}; /* the memo may be a slice of the old one */
    lp_buf_str(&copy, memo);
    lp_buf_free(&w->memo);
    w->memo = copy;
    call->after_ms = after_ms;
    call->memo = lp_buf_view(&w->memo);
    end_try(call, LP_CALL_NEXT);
}

void lp_call_error(struct lp_call *call, enum lp_class class, const char *detail)
{
    call->class = class;
    lp_reply_say(call, detail);
    end_try(call, LP_CALL_ERROR);
}
