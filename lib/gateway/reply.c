#include "reply.h"

#include <string.h>
#include "leadpipe/clock.h"
#include "leadpipe/json.h"
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"

#define WAIT_MAX_S 316224000 /* as of Retry-After: ten years */

/* What a vendor says may quote the address; what is said of a failure names nobody. */
static void hide_addresses(char *p, size_t n)
{
    static const char ends[] = " \t\r\n\"'`<>()[]{},;:=";
    for (size_t from = 0, to; from < n; from = to + 1) {
        for (to = from; to < n && !memchr(ends, p[to], sizeof ends);)
            to++;
        if (memchr(p + from, '@', to - from))
            memset(p + from, '*', to - from);
    }
}

void lp_reply_say(struct lp_call *call, const char *detail)
{
    lp_utf8_copy(call->detail, sizeof call->detail, lp_str(detail));
    hide_addresses(call->detail, strlen(call->detail));
}

/* A vendor may give our own key back, as a part of anything. */
static struct lp_str kept(struct lp_arena *a, struct lp_str text)
{
    if (!lp_log_secret_in(text))
        return lp_arena_str(a, text);
    struct lp_buf b = {0};
    lp_buf_str(&b, text);
    lp_log_redact(&b);
    struct lp_str own = lp_arena_str(a, lp_buf_view(&b));
    lp_buf_free(&b);
    return own;
}

void lp_item_answer(struct lp_item *item, enum lp_outcome outcome, enum lp_class class,
    struct lp_str data, struct lp_str confidence, struct lp_str detail)
{
    struct lp_arena *a = &item->rec->arena;
    struct lp_answer *to = &item->answer;
    *to = (struct lp_answer){.outcome = outcome, .class = class};
    if (data.p)
        to->data = kept(a, data);
    if (confidence.p)
        to->confidence = kept(a, confidence);
    if (detail.n) {
        to->detail = kept(a, detail);
        hide_addresses((char *)to->detail.p, to->detail.n);
    }
    item->answered = true;
}

struct lp_str lp_reply_text(struct lp_str object, const char *name, struct lp_buf *out)
{
    struct lp_str v;
    lp_buf_reset(out);
    if (!lp_json_get(object, name, &v) || !lp_json_decode(v, out))
        return (struct lp_str){0};
    return lp_buf_view(out);
}

/* Why a provider was passed over (circuit_open, budget, ...) is ours to say. */
void lp_reply_class(struct lp_str object, enum lp_class *class)
{
    struct lp_str v;
    enum lp_class said;
    if (lp_json_get(object, "class", &v) && v.n > 2 &&
        lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &said) && said <= LP_CONFIG)
        *class = said;
}

void lp_reply_item(struct lp_item *item, struct lp_str result, struct lp_buf *scratch)
{
    struct lp_str v, data = {0}, confidence = {0};
    enum lp_outcome outcome;
    enum lp_class class = LP_CLASS_NONE;
    if (!lp_json_get(result, "outcome", &v) || v.n < 2 ||
        !lp_outcome_from((struct lp_str){v.p + 1, v.n - 2}, &outcome))
        return;
    lp_reply_class(result, &class);
    if (outcome == LP_ERROR && class == LP_CLASS_NONE)
        class = LP_BAD_RESPONSE;
    if (lp_json_get(result, "data", &v) && lp_json_type(v) == LP_JSON_OBJECT)
        data = v;
    if (lp_json_get(result, "confidence", &v) &&
        (lp_json_type(v) == LP_JSON_NUMBER || lp_json_type(v) == LP_JSON_OBJECT))
        confidence = v;
    lp_item_answer(
        item, outcome, class, data, confidence, lp_reply_text(result, "detail", scratch));
}

double lp_reply_real(struct lp_str object, const char *path, double preset)
{
    struct lp_str v;
    double d;
    return lp_json_path(object, path, &v) && lp_json_real(v, &d) ? d : preset;
}

int64_t lp_reply_ms(double seconds)
{
    if (!(seconds > 0))
        return 0;
    return seconds < WAIT_MAX_S ? (int64_t)(seconds * 1000) : (int64_t)WAIT_MAX_S * 1000;
}

/* Milliseconds until `reset_at`: RFC 3339, or seconds since 1970 as a number or as text. -1: there is
 * none, or none ahead. */
static int64_t until_reset(struct lp_str error, struct lp_buf *scratch)
{
    struct lp_str v;
    double epoch_s;
    int64_t at;
    if (!lp_json_get(error, "reset_at", &v))
        return -1;
    if (lp_json_type(v) == LP_JSON_STRING)
        v = lp_reply_text(error, "reset_at", scratch);
    if (lp_json_real(v, &epoch_s) && epoch_s > 0 && epoch_s < 1e11)
        at = (int64_t)(epoch_s * 1000);
    else if (!lp_clock_parse(v, &at))
        return -1;
    int64_t left = at - lp_clock_real();
    return left > 0 ? left : -1;
}

/* What is asked for in so many words goes before the time at which a limit starts anew. */
void lp_reply_wait(struct lp_call *call, struct lp_str reply, struct lp_buf *scratch)
{
    double after = lp_reply_real(reply, "retry_after_s", -1);
    if (after >= 0)
        call->retry_after_ms = lp_reply_ms(after);
    else if (call->retry_after_ms < 0)
        call->retry_after_ms = until_reset(reply, scratch);
}

void lp_reply_error(struct lp_call *call, struct lp_str error, struct lp_buf *scratch)
{
    enum lp_class class = LP_BAD_RESPONSE;
    lp_reply_class(error, &class);
    lp_reply_wait(call, error, scratch);
    lp_reply_text(error, "detail", scratch);
    lp_call_error(call, class, scratch->p ? scratch->p : "");
}

void lp_reply_take(struct lp_call *call, struct lp_str reply, struct lp_buf *scratch)
{
    struct lp_str v, name, each, memo;
    call->credits = lp_reply_real(reply, "usage.credits", -1);
    call->remaining = lp_reply_real(reply, "usage.remaining", -1);
    if (lp_json_get(reply, "error", &v)) {
        lp_reply_error(call, v, scratch);
    } else if (lp_json_get(reply, "next", &v)) {
        double after = lp_reply_real(v, "after_s", 0);
        if (!lp_json_get(v, "memo", &memo))
            memo = LP_STR("null");
        lp_call_next(call, lp_reply_ms(after), memo);
    } else if (lp_json_get(reply, "results", &v) && lp_json_type(v) == LP_JSON_ARRAY) {
        struct lp_json_iter it = lp_json_iter(v);
        for (size_t i = 0; i < call->n && lp_json_next(&it, &name, &each); i++)
            lp_reply_item(call->items[i], each, scratch);
        lp_call_results(call);
    } else {
        lp_call_error(call, LP_BAD_RESPONSE, "the adapter gave neither results, next nor error");
    }
}
