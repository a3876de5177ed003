/*
 * pass - the smallest filter there can be, to test the life of a filter
 *
 * A record with a member `reject` becomes a reject, one with `drop` is dropped, one with `fatal`
 * ends the run, one with `failed` counts as failed; every other record leaves as it came. --drive N
 * asks for records without waiting, as an asking program does, and keeps N of them in a window.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "leadpipe/run.h"
#include "leadpipe/signals.h"
#include "leadpipe/window.h"

static struct {
    int64_t drive;
    const char *ended;
    const char *begin;
} settings;

#define AT(member) (size_t)((char *)&settings.member - (char *)&settings)

static const struct lp_opt opts[] = {
    {0, "drive", LP_OPT_INT, AT(drive), "N", "keep N records in a window", "", 0},
    {0, "ended", LP_OPT_STRING, AT(ended), "FILE", "made when the state has been saved", "file", 0},
    {0, "begin", LP_OPT_STRING, AT(begin), "KIND", "fail at the start: config, auth", "", 0},
    LP_OPT_END,
};

static void more_stats(struct lp_run *run, struct lp_buf *json)
{
    (void)run;
    lp_json_put_str(json, "more", LP_STR("stats"));
}

static void note(struct lp_run *run, struct lp_buf *out)
{
    (void)run;
    LP_BUF_LIT(out, "apollo healthy");
}

static int begin(struct lp_run *run, struct lp_err *err)
{
    run->stats = more_stats;
    run->progress_note = note;
    if (settings.begin && strcmp(settings.begin, "config") == 0)
        return lp_err_set(err, LP_ERR_CONFIG, NULL, "config.jq: no such setting");
    if (settings.begin && strcmp(settings.begin, "auth") == 0)
        run->auth_refused = run->no_provider = true;
    return 0;
}

static enum lp_verdict record(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    if (lp_rec_filled(rec, "reject")) {
        lp_err_set(err, LP_ERR_RECORD, "test_reject", "asked for");
        lp_err_hint(err, "take the member out");
        return LP_REJECT;
    }
    if (lp_rec_filled(rec, "drop")) {
        lp_run_drop(run, "duplicate");
        return LP_DROP;
    }
    if (lp_rec_filled(rec, "fatal")) {
        lp_err_set(err, LP_ERR_IO, NULL, "cannot write the state");
        return LP_FATAL;
    }
    if (lp_rec_filled(rec, "failed"))
        run->counts.failed++;
    if (lp_rec_filled(rec, "budget")) {
        run->stopped = run->input_ended = true;
        run->stopped_by = "budget";
    }
    return LP_PASS;
}

static int put_ready(struct lp_run *run, struct lp_window *w, struct lp_err *err)
{
    struct lp_slot *s;
    while ((s = lp_window_ready(w))) {
        if (lp_run_put(run, &s->rec, err) < 0)
            return -1;
        lp_window_release(w, s);
    }
    return 0;
}

/* What an event loop does: take without waiting, and wait for its own descriptors. */
static int drive_window(struct lp_run *run, struct lp_window *w, struct lp_err *err)
{
    for (;;) {
        bool foreign;
        struct lp_line line;
        struct lp_slot *s = lp_window_claim(w);
        enum lp_take got = lp_run_take(run, false, true, &s->rec, &line, &foreign, err);
        if (got == LP_TAKE_RECORD) {
            lp_window_charge(w, s, line.text.n);
            lp_window_done(w, s);
            if (lp_window_full(w) && put_ready(run, w, err) < 0)
                return -1;
            continue;
        }
        lp_window_unclaim(w, s);
        if (put_ready(run, w, err) < 0 || got == LP_TAKE_FAIL)
            return -1;
        if (got == LP_TAKE_END)
            return 0;
        if (lp_run_idle(run, err) < 0)
            return -1;
        struct pollfd p[] = {{.fd = lp_lines_fd(run->in), .events = POLLIN},
            {.fd = lp_signals_fd(), .events = POLLIN}, {.fd = run->out.pipe ? run->out.fd : -1}};
        poll(p, 3, -1);
        lp_signals_drain();
    }
}

static int drive(struct lp_run *run, struct lp_err *err)
{
    size_t slots = settings.drive > 0 ? (size_t)settings.drive : 1;
    struct lp_window *w = lp_window_new(slots, 1 << 20, run->common.unordered);
    int status = drive_window(run, w, err);
    lp_window_del(w, NULL);
    return status;
}

static int end(struct lp_run *run, struct lp_err *err)
{
    FILE *f = settings.ended ? fopen(settings.ended, "w") : NULL;
    (void)run;
    if (settings.ended && !f)
        return lp_err_errno(err, "cannot write %s", settings.ended);
    if (f)
        fclose(f);
    return 0;
}

static bool key(struct lp_rec *rec, struct lp_buf *out)
{
    struct lp_str email;
    if (!lp_rec_string(rec, "email", &email))
        return false;
    lp_buf_reset(out);
    lp_buf_str(out, email);
    return true;
}

static const char *no_library(void)
{
    return "libnone 1.0";
}

static const char *(*const versions[])(void) = {no_library, NULL};
static const char *const kinds[] = {"contact", NULL};

int main(int argc, char **argv)
{
    struct lp_program program = {.name = "pass",
        .summary = "let records pass",
        .operands = "[FILE...]",
        .examples = "pass < contacts.ndjson",
        .opts = opts,
        .settings = &settings,
        .versions = versions,
        .begin = begin,
        .record = record,
        .end = end,
        .kinds = kinds,
        .key = key};
    if (argc > 1 && strncmp(argv[1], "--drive", 7) == 0)
        program.drive = drive;
    return lp_run(&program, argc, argv);
}
