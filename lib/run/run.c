/* run - see leadpipe/run.h */
#include "leadpipe/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include "leadpipe/progress.h"
#include "leadpipe/rejects.h"
#include "leadpipe/signals.h"
#include "parts.h"

#define WAKE_MS 1000 /* how often a shown progress is renewed while no input comes */

/* --- before ------------------------------------------------------------------------------------
 */

/* A descriptor that was closed is taken by the next file opened, and records or messages would go
 * into it. The places are filled so that using them fails as it would have (EBADF), but standard
 * error swallows what it is told. */
static void fill_descriptors(void)
{
    static const int mode[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", mode[fd]) != fd)
            _exit(LP_EXIT_IO);
}

static void make_id(char id[17])
{
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        bits = (uint64_t)lp_clock_real() << 20 ^ (uint64_t)lp_clock_mono_us() ^ (uint64_t)getpid();
    snprintf(id, 17, "%016llx", (unsigned long long)bits);
}

static bool on_idle(void *arg)
{
    struct lp_run *run = arg;
    return lp_run_idle(run, &run->fault) == 0 && !lp_run_stopping(run);
}

static int open_all(struct lp_run *run, char **files, int *stats_fd, struct lp_err *err)
{
    const struct lp_common *c = &run->common;
    char **inputs = run->program->no_input ? NULL : files;
    if (lp_run_stats_open(run, inputs, stats_fd, err) < 0)
        return -1;
    run->rejects = lp_rejects_new(c->rejects, inputs, err);
    if (!run->rejects)
        return -1;
    run->progress = lp_progress_new(c->quiet && c->progress == 0 ? 2 : c->progress, !c->no_color);
    run->in = lp_lines_new(files, c->max_line);
    lp_lines_on_stop(run->in, lp_signals_stop);
    lp_lines_on_idle(run->in, on_idle, run);
    lp_lines_on_wait(
        run->in, lp_progress_on(run->progress) ? WAKE_MS : -1, run->out.pipe ? run->out.fd : -1);
    return 0;
}

/* --- the loop of a pure program ----------------------------------------------------------------
 */

static int handle(
    struct lp_run *run, struct lp_rec *rec, const struct lp_line *line, struct lp_err *err)
{
    struct lp_err why = {0};
    struct lp_origin from = {.file = line->file, .line = line->number, .byte = line->at};
    run->field = NULL;
    switch (run->program->record(run, rec, &why)) {
    case LP_PASS: return lp_run_put(run, rec, err);
    case LP_REJECT:
        from.field = run->field;
        return lp_run_reject(run, &from, line->text, line->text.n, true, &why, err);
    case LP_FATAL:
        lp_err_prefix(&why, "%s:%llu", line->file, (unsigned long long)line->number);
        *err = why;
        return -1;
    case LP_DROP:
    case LP_CONSUMED: break;
    }
    return 0;
}

static int loop(struct lp_run *run, struct lp_err *err)
{
    struct lp_rec rec = {0};
    struct lp_line line;
    bool foreign;
    int status = 0;
    while (status == 0) {
        enum lp_take got = lp_run_take(run, true, false, &rec, &line, &foreign, err);
        if (got == LP_TAKE_END)
            break;
        if (got == LP_TAKE_FAIL)
            status = -1;
        else if (foreign || !run->program->record)
            status = lp_run_put(run, &rec, err);
        else
            status = handle(run, &rec, &line, err);
    }
    lp_rec_free(&rec);
    return status;
}

/* A failure without a reason would end with status 0. */
static void check_reason(int status, const char *what, struct lp_err *err)
{
    if (status < 0)
        lp_err_set(err, LP_ERR_BUG, NULL, "%s failed and gave no reason", what);
}

static void work(struct lp_run *run, struct lp_err *err)
{
    const struct lp_program *p = run->program;
    struct lp_err late = {0};
    int status = p->begin ? p->begin(run, err) : 0;
    check_reason(status, "begin", err);
    if (status < 0)
        return;
    if (p->drive)
        status = p->drive(run, err);
    else if (!p->no_input)
        status = loop(run, err);
    check_reason(status, "drive", err);
    /* Also after a failure: what was done is to be recorded. */
    if (p->end)
        check_reason(p->end(run, &late), "end", &late);
    if (!err->kind)
        *err = late;
}

/* --- after -------------------------------------------------------------------------------------
 */

static void say(const struct lp_err *err)
{
    bool hint = err->hint[0] != '\0';
    if (err->kind && strcmp(err->code, "reader_gone") != 0)
        lp_log_error("%s%s%s%s", err->msg, hint ? " (" : "", err->hint, hint ? ")" : "");
}

/* Each step goes on after the failure of another; each failure is told, the gravest is the status.
 */
static void worse(int *status, int other)
{
    static const int order[] = {LP_EXIT_BUG, LP_EXIT_USAGE, LP_EXIT_IO, LP_EXIT_CONFIG,
        LP_EXIT_NOPERM, LP_EXIT_UNAVAILABLE, LP_EXIT_TEMP, LP_EXIT_DATA, LP_EXIT_REJECTS};
    for (size_t i = 0; i < sizeof order / sizeof *order && *status != order[i]; i++)
        if (other == order[i])
            *status = other;
}

static void take_in(int *status, const struct lp_err *err)
{
    if (!err->kind || strcmp(err->code, "reader_gone") == 0)
        return;
    say(err);
    worse(status, lp_err_exit(err->kind));
}

static void judge(int *status, const struct lp_run *run)
{
    struct lp_err err = {0};
    bool bounded = run->common.max_errors != NULL;
    if (*status != LP_EXIT_DATA && lp_run_judge(run, true, &err) < 0)
        take_in(status, &err);
    if (run->auth_refused)
        worse(status, LP_EXIT_NOPERM);
    if (run->no_provider)
        worse(status, LP_EXIT_UNAVAILABLE);
    if (run->stopped)
        worse(status, LP_EXIT_TEMP);
    if ((run->counts.rejects && !bounded) || run->counts.failed)
        worse(status, LP_EXIT_REJECTS);
}

/* Why the run did not go to the end of its input, where the program has not said so itself. */
static const char *stopped_by(const struct lp_run *run, const struct lp_err *err)
{
    static const struct {
        const char *code, *reason;
    } by_code[] = {
        {"max_errors", "max_errors"}, {"fail_fast", "fail_fast"}, {"reader_gone", "reader_gone"}};
    for (size_t i = 0; i < sizeof by_code / sizeof *by_code; i++)
        if (strcmp(err->code, by_code[i].code) == 0)
            return by_code[i].reason;
    if (run->out.closed)
        return "reader_gone";
    if (err->kind)
        return "error";
    return lp_signals_stop() ? "signal" : NULL;
}

/* Nothing is claimed done that is not. */
static void claim_no_more(struct lp_run *run)
{
    uint64_t unsent = lp_out_unsent(&run->out), lost = lp_rejects_lost(run->rejects);
    run->counts.out -= unsent < run->counts.out ? unsent : run->counts.out;
    run->counts.rejects -= lost < run->counts.rejects ? lost : run->counts.rejects;
}

/* The first failure is why the run ended; what follows is told too. */
static void after(struct lp_err *err, struct lp_err *other)
{
    if (err->kind)
        return;
    *err = *other;
    *other = (struct lp_err){0};
}

static int finish(struct lp_run *run, int stats_fd, struct lp_err *err)
{
    int status = LP_EXIT_OK;
    struct lp_err rejects = {0}, output = {0}, stats = {0};
    after(err, &run->fault);
    lp_rejects_flush(run->rejects, &rejects);
    after(err, &rejects);
    if (!run->out.failed)
        lp_out_finish(&run->out, &output);
    after(err, &output);
    if (run->in)
        run->counts.blank += lp_lines_blank(run->in);
    claim_no_more(run);
    if (!run->stopped_by)
        run->stopped_by = stopped_by(run, err);
    if (run->progress && run->common.progress == 3)
        lp_progress_show(run->progress, run);
    lp_rejects_del(run->rejects);
    const struct lp_err *all[] = {err, &run->late, &rejects, &output};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        take_in(&status, all[i]);
    judge(&status, run);
    lp_run_stats_write(run, stats_fd, &stats);
    take_in(&status, &stats);
    if (!run->out.closed && run->in && (run->counts.in || !err->kind))
        lp_run_summary(run);
    return status;
}

static void release(struct lp_run *run)
{
    if (run->release)
        run->release(run);
    lp_progress_del(run->progress);
    lp_lines_del(run->in);
    lp_out_free(&run->out);
    lp_buf_free(&run->unwrapped);
    lp_buf_free(&run->key);
}

/* The signals' own statuses stand for "as far as it got, all is well". */
static int with_signals(const struct lp_run *run, int status)
{
    if (status == LP_EXIT_IO || status == LP_EXIT_CONFIG || status == LP_EXIT_USAGE ||
        status == LP_EXIT_BUG)
        return status;
    if (lp_signals_stop())
        return 128 + lp_signals_stop_number();
    if (!run->out.closed)
        return status;
    lp_signals_die_by_pipe();
    return 128 + SIGPIPE;
}

/* Without memory there is no way back to the run but this one. */
static struct lp_out *standard_output;

static void end_line(void)
{
    lp_out_end_line(standard_output);
}

int lp_run(const struct lp_program *program, int argc, char **argv)
{
    struct lp_run run = {.program = program};
    struct lp_err err = {0};
    char **operands = NULL;
    int status = 0, stats_fd = -1;
    fill_descriptors();
    lp_log_init(program->name, LP_LOG_NORMAL);
    if (!lp_run_options(&run, argc, argv, &operands, &status))
        return status;
    run.started_mono = lp_clock_mono();
    make_id(run.id);
    lp_signals_init();
    lp_out_init(&run.out, STDOUT_FILENO);
    standard_output = &run.out;
    lp_mem_at_end(end_line);
    if (open_all(&run, operands, &stats_fd, &err) == 0)
        work(&run, &err);
    status = finish(&run, stats_fd, &err);
    lp_mem_at_end(NULL);
    release(&run);
    return with_signals(&run, status);
}
