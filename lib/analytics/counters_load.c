/* counters_load - files of events into the book; see leadpipe/counters.h */
#include "leadpipe/counters.h"

#include <sys/stat.h>

#include "leadpipe/rejects.h"
#include "leadpipe/run.h"
#include "leadpipe/signals.h"

#define AHEAD                                                                                      \
    16 /* events whose places in memory are asked for before the first of them is needed */

/* What becomes of an event's line, as the run's counts call it. */
static const char *const reasons[] = {
    [LP_COUNTED] = "event_counted",
    [LP_COUNTED_BEFORE] = "event_repeated",
    [LP_COUNTED_NOT] = "event_other",
    [LP_COUNTED_OUTSIDE] = "event_outside",
    [LP_COUNTED_UNTIMED] = "event_untimed",
};

struct load {
    struct lp_counters_book *book;
    struct lp_run *run;
    struct lp_rec rec;
    struct lp_buf unwrapped;
    struct lp_counters_step step[AHEAD];
    size_t n; /* steps taken so far; the last AHEAD of them wait */
};

static void apply(struct load *l, size_t i)
{
    lp_run_drop(l->run, reasons[lp_counters_apply(l->book, &l->step[i % AHEAD])]);
}

static void apply_rest(struct load *l)
{
    for (size_t i = l->n > AHEAD ? l->n - AHEAD : 0; i < l->n; i++)
        apply(l, i);
}

/* Counts the record that was parsed, soon; -1: err says why it cannot be, *field where. */
static int take(struct load *l, const char **field, struct lp_err *err)
{
    struct lp_event e = {.field = NULL};
    struct lp_counters_step step;
    enum lp_counted counted = LP_COUNTED_NOT;
    enum lp_event_is is = lp_events_read(&l->rec, &e, err);
    *field = e.field;
    if (is == LP_EVENT_BAD)
        return -1;
    if (is == LP_EVENT_COUNTS)
        counted = lp_counters_plan(l->book, &e, &step);
    if (counted == LP_COUNTED_NOBODY)
        return lp_err_set(
            err, LP_ERR_RECORD, "bad_email", "the address has no local part or domain");
    if (counted != LP_COUNTED) {
        lp_run_drop(l->run, reasons[counted]);
        return 0;
    }
    if (l->n >= AHEAD)
        apply(l, l->n);
    l->step[l->n++ % AHEAD] = step;
    return 0;
}

/* One line; its rejects are those of the run. */
static int line(struct load *l, bool too_long, struct lp_line *line, struct lp_err *err)
{
    struct lp_err why = {0};
    struct lp_origin from = {.file = line->file, .line = line->number, .byte = line->at};
    int got = -1;
    l->run->counts.in++;
    if (too_long) {
        lp_err_set(&why, LP_ERR_RECORD, "line_too_long", "a line of %llu bytes, longer than %llu",
            (unsigned long long)line->length, (unsigned long long)l->run->common.max_line);
        lp_err_hint(&why, "--max-line");
    } else {
        got = lp_rejects_parse(&l->rec, line, &l->unwrapped, &why);
    }
    if (got > 0 && take(l, &from.field, &why) == 0)
        return 0;
    return lp_run_reject(l->run, &from, line->text, line->length, got >= 0, &why, err);
}

static bool same_file(const char *a, const char *b)
{
    struct stat one, other;
    return a && stat(a, &one) == 0 && stat(b, &other) == 0 && S_ISREG(one.st_mode) &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int check_files(const struct lp_run *run, char **files, struct lp_err *err)
{
    for (; *files; files++) {
        if (strcmp(*files, "-") == 0)
            return lp_err_set(err, LP_ERR_USAGE, NULL,
                "--events -: standard input is for contacts; name a file, or <(COMMAND)");
        if (same_file(run->common.rejects, *files) || same_file(run->common.stats, *files))
            return lp_err_set(err, LP_ERR_USAGE, NULL, "--events %s: is written to", *files);
    }
    return 0;
}

int lp_counters_load(
    struct lp_counters_book *b, struct lp_run *run, char **files, struct lp_err *err)
{
    struct load l = {.book = b, .run = run};
    struct lp_line text;
    enum lp_line_kind kind;
    int status = 0;
    if (check_files(run, files, err) < 0)
        return -1;
    struct lp_lines *in = lp_lines_new(files, run->common.max_line);
    lp_lines_on_stop(in, lp_signals_stop);
    while (status == 0 &&
           ((kind = lp_lines_next(in, true, &text, err)) == LP_LINE || kind == LP_LINE_LONG))
        status = line(&l, kind == LP_LINE_LONG, &text, err);
    if (status == 0 && kind == LP_LINE_FAIL)
        status = -1;
    apply_rest(&l);
    lp_lines_del(in);
    lp_rec_free(&l.rec);
    lp_buf_free(&l.unwrapped);
    return status;
}
