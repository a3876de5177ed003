/* take - the next record for the program: what is not for it has been dealt with here */
#include "parts.h"

#include "leadpipe/hash.h"
#include "leadpipe/rejects.h"

/* Looking at the clock for each record would cost more than many a filter does with it. */
#define TICK_EVERY 256

int lp_run_count_in(struct lp_run *run, struct lp_err *err)
{
    if (run->counts.in == LP_RUN_JUDGE_FROM && lp_run_judge(run, false, err) < 0)
        return -1;
    if (run->counts.in++ % TICK_EVERY == 0)
        lp_run_tick(run);
    return 0;
}

bool lp_run_mine(const struct lp_run *run, struct lp_str key)
{
    if (run->shard_n <= 1)
        return true;
    return (key.n ? lp_hash64(key.p, key.n) % run->shard_n : 0) == run->shard_i;
}

static bool in_shard(struct lp_run *run, struct lp_rec *rec)
{
    if (run->shard_n <= 1)
        return true;
    lp_buf_reset(&run->key);
    bool has = rec && run->program->key && run->program->key(rec, &run->key);
    return lp_run_mine(run, has ? lp_buf_view(&run->key) : (struct lp_str){NULL, 0});
}

static bool is_foreign(const struct lp_program *p, struct lp_rec *rec)
{
    if (!p->kinds)
        return false;
    struct lp_str kind = lp_rec_kind(rec);
    for (size_t i = 0; p->kinds[i]; i++)
        if (lp_str_is(kind, p->kinds[i]))
            return false;
    return true;
}

/* A line that is no record (but may be an object). It has no key, so it belongs to shard 0. */
static int bad_line(struct lp_run *run, const struct lp_line *line, bool is_object,
    const struct lp_err *why, struct lp_err *err)
{
    if (!in_shard(run, NULL)) {
        lp_run_drop(run, "other_shard");
        return 0;
    }
    run->taken++;
    struct lp_origin from = {.file = line->file, .line = line->number, .byte = line->at};
    return lp_run_reject(run, &from, line->text, line->length, is_object, why, err);
}

static int long_line(struct lp_run *run, const struct lp_line *line, struct lp_err *err)
{
    struct lp_err why = {0};
    lp_err_set(&why, LP_ERR_RECORD, "line_too_long", "a line of %llu bytes, longer than %llu",
        (unsigned long long)line->length, (unsigned long long)run->common.max_line);
    lp_err_hint(&why, "--max-line");
    return bad_line(run, line, false, &why, err);
}

/* 1: rec is filled; 0: the line has become a reject; -1: and that ends the run. */
static int parse(struct lp_run *run, struct lp_line *line, struct lp_rec *rec, struct lp_err *err)
{
    struct lp_err why = {0};
    int got = lp_rejects_parse(rec, line, &run->unwrapped, &why);
    return got > 0 ? 1 : bad_line(run, line, got == 0, &why, err);
}

/* The record for the program, or LP_TAKE_WAIT if this one was not for it. */
static enum lp_take one(struct lp_run *run, bool keep, struct lp_rec *rec, struct lp_line *line,
    bool *foreign, struct lp_err *err)
{
    int got = parse(run, line, rec, err);
    if (got <= 0)
        return got < 0 ? LP_TAKE_FAIL : LP_TAKE_WAIT;
    if (!in_shard(run, rec)) {
        lp_run_drop(run, "other_shard");
        return LP_TAKE_WAIT;
    }
    run->taken++;
    if (keep) {
        lp_rec_keep(rec);
        line->text = rec->line;
    }
    *foreign = is_foreign(run->program, rec);
    run->counts.passed += *foreign;
    return LP_TAKE_RECORD;
}

static bool at_end(struct lp_run *run)
{
    if (lp_run_stopping(run) || run->fault.kind)
        run->input_ended = true;
    if (run->common.limit >= 0 && run->taken >= (uint64_t)run->common.limit)
        run->input_ended = true;
    return run->input_ended;
}

static enum lp_take ended(struct lp_run *run, struct lp_err *err)
{
    run->input_ended = true;
    if (run->fault.kind && !err->kind)
        *err = run->fault;
    return run->fault.kind ? LP_TAKE_FAIL : LP_TAKE_END;
}

enum lp_take lp_run_take(struct lp_run *run, bool wait, bool keep, struct lp_rec *rec,
    struct lp_line *line, bool *foreign, struct lp_err *err)
{
    *foreign = false;
    while (!at_end(run)) {
        enum lp_line_kind kind = lp_lines_next(run->in, wait, line, err);
        if (kind == LP_LINE_WAIT)
            return LP_TAKE_WAIT;
        if (kind == LP_LINE_FAIL) {
            run->input_failed = true;
            return LP_TAKE_FAIL;
        }
        if (kind != LP_LINE && kind != LP_LINE_LONG)
            break;
        if (lp_run_count_in(run, err) < 0)
            return LP_TAKE_FAIL;
        if (kind == LP_LINE_LONG) {
            if (long_line(run, line, err) < 0)
                return LP_TAKE_FAIL;
            continue;
        }
        enum lp_take got = one(run, keep, rec, line, foreign, err);
        if (got != LP_TAKE_WAIT)
            return got;
    }
    return ended(run, err);
}
