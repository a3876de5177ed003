/* put - where a record goes: to the output, to the rejects, or nowhere, counted each time */
#include "parts.h"

#include "leadpipe/progress.h"
#include "leadpipe/rejects.h"
#include "leadpipe/signals.h"

static int full_blocks(struct lp_run *run, struct lp_err *err)
{
    if (lp_out_pending(&run->out) < LP_OUT_BLOCK)
        return 0;
    lp_run_tick(run); /* for drives that read by chunk */
    return lp_rejects_flush(run->rejects, err) < 0 ? -1 : lp_out_flush(&run->out, err);
}

int lp_run_put(struct lp_run *run, const struct lp_rec *rec, struct lp_err *err)
{
    lp_rec_write(rec, &run->out.buf);
    run->counts.out++;
    return full_blocks(run, err);
}

int lp_run_put_line(struct lp_run *run, struct lp_str line, bool counted, struct lp_err *err)
{
    lp_buf_str(&run->out.buf, line);
    run->counts.out += counted;
    return full_blocks(run, err);
}

void lp_run_drop(struct lp_run *run, const char *reason)
{
    struct lp_counts *c = &run->counts;
    size_t i = 0;
    while (i < LP_RUN_DROPS - 1 && c->drops[i].reason && strcmp(c->drops[i].reason, reason) != 0)
        i++;
    if (!c->drops[i].reason)
        c->drops[i].reason = reason;
    c->drops[i].n++;
    c->dropped++;
}

int lp_run_judge(const struct lp_run *run, bool at_end, struct lp_err *err)
{
    const struct lp_counts *c = &run->counts;
    bool over = false;
    if (c->rejects == 0)
        return 0;
    if (run->max_rejects >= 0)
        over = c->rejects > (uint64_t)run->max_rejects;
    else if (run->max_share >= 1) /* nothing is more than all: it is to say "not every one" */
        over = at_end && c->rejects == c->in;
    else if (run->max_share >= 0 && (at_end || c->in >= LP_RUN_JUDGE_FROM))
        over = (double)c->rejects > run->max_share * (double)c->in;
    if (!over)
        return 0;
    return lp_err_set(err, LP_ERR_RECORD, "max_errors",
        "%s %llu rejects in %llu records (--max-errors %s)",
        at_end ? "there were" : "stopped after", (unsigned long long)c->rejects,
        (unsigned long long)c->in, run->common.max_errors);
}

int lp_run_reject(struct lp_run *run, const struct lp_origin *from, struct lp_str raw,
    uint64_t raw_length, bool is_object, const struct lp_err *why, struct lp_err *err)
{
    run->counts.rejects++;
    if (lp_rejects_add(run->rejects, from, raw, raw_length, is_object, why, err) < 0)
        return -1;
    if (run->common.fail_fast)
        return lp_err_set(
            err, LP_ERR_RECORD, "fail_fast", "stopped at the first reject (--fail-fast)");
    return lp_run_judge(run, false, err);
}

void lp_run_tick(struct lp_run *run)
{
    if (lp_signals_usr1())
        lp_progress_show(run->progress, run);
    else
        lp_progress_tick(run->progress, run);
    lp_out_hung_up(&run->out);
}

int lp_run_idle(struct lp_run *run, struct lp_err *err)
{
    if (lp_rejects_flush(run->rejects, err) < 0 || lp_out_flush(&run->out, err) < 0)
        return -1;
    lp_run_tick(run);
    return 0;
}

bool lp_run_stopping(const struct lp_run *run)
{
    return run->out.closed || lp_signals_stop();
}
