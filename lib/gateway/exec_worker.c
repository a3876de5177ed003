#include "exec_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/num.h"
#include "leadpipe/utf8.h"
#include "reply.h"

#define LINE_MAX_BYTES (8 * 1024 * 1024)
#define SAID_MAX       2000
#define CHUNK          65536
#define READS          16 /* at a time, so that one busy filter does not hold up the rest */
#define STILLBORN_MAX  3
#define STRAYS_MAX     3
#define BACKOFF_MS     500
#define BACKOFF_MAX_MS 10000
#define CHECK_MS       300 /* a filter that lives this long has started */

/* ---- its standard error --------------------------------------------------------------------- */

static void say(struct lp_worker *w, struct lp_str line)
{
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n)
        lp_log_warn("%s: %.*s", w->exec->provider->name, (int)line.n, line.p);
}

static void say_lines(struct lp_worker *w, bool all)
{
    const char *end;
    size_t at = 0;
    if (!w->said.len)
        return;
    while ((end = memchr(w->said.p + at, '\n', w->said.len - at))) {
        size_t stop = (size_t)(end - w->said.p);
        say(w, (struct lp_str){w->said.p + at, stop - at});
        at = stop + 1;
    }
    if (all || w->said.len - at > SAID_MAX) {
        say(w, (struct lp_str){w->said.p + at, w->said.len - at});
        at = w->said.len;
    }
    lp_buf_shift(&w->said, at);
}

static void hear(struct lp_worker *w)
{
    char chunk[SAID_MAX];
    ssize_t n = 0;
    for (int i = 0; i < READS && w->child.err >= 0; i++) {
        n = read(w->child.err, chunk, sizeof chunk);
        if (n <= 0)
            break;
        lp_buf_add(&w->said, chunk, (size_t)n);
        say_lines(w, false);
    }
    if (n == 0 && w->child.err >= 0) { /* it has closed it: nothing more to poll for */
        close(w->child.err);
        w->child.err = -1;
    }
}

/* ---- how a call ends ------------------------------------------------------------------------ */

static void finish(struct lp_worker *w)
{
    struct lp_call *call = w->call;
    const struct lp_answer *a = call->n ? &call->items[0]->answer : NULL;
    w->call = NULL;
    w->deadline = w->start_at = 0;
    lp_buf_reset(&w->to);
    /* An error of the only record is the call's: it may be tried again, or be about our account. */
    if (call->n == 1 && a->outcome == LP_ERROR) {
        char detail[200];
        lp_utf8_copy(detail, sizeof detail, a->detail);
        lp_call_error(call, a->class, detail);
    } else {
        lp_call_results(call);
    }
}

static void fail(struct lp_item *item, enum lp_class class, const char *detail)
{
    lp_item_answer(item, LP_ERROR, class, (struct lp_str){0}, (struct lp_str){0}, lp_str(detail));
}

/* No record of the call that has no answer yet will get one. */
static void give_up(struct lp_worker *w, enum lp_class class, const char *detail)
{
    struct lp_call *call = w->call;
    w->call = NULL;
    w->deadline = w->start_at = 0;
    lp_buf_reset(&w->to);
    if (w->next == 0) {
        lp_call_error(call, class, detail);
        return;
    }
    for (size_t i = w->next; i < call->n; i++)
        fail(call->items[i], class, detail);
    lp_call_results(call);
}

/* ---- a process ------------------------------------------------------------------------------ */

static void put_requests(struct lp_worker *w)
{
    const struct lp_call *call = w->call;
    lp_buf_reset(&w->to);
    for (size_t i = w->next; i < call->n; i++) {
        LP_BUF_LIT(&w->to, "{");
        lp_json_put_str(&w->to, "capability", lp_str(call->capability));
        lp_json_put_raw(&w->to, "settings", w->exec->settings);
        lp_json_put_raw(&w->to, "item", call->items[i]->json);
        LP_BUF_LIT(&w->to, "}\n");
    }
}

static void feed(struct lp_worker *w)
{
    while (w->to.len && w->child.in >= 0) {
        ssize_t n = write(w->child.in, w->to.p, w->to.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            lp_buf_reset(&w->to); /* it reads no more: the end of its output tells the rest */
        if (n < 0)
            return;
        w->written += (size_t)n;
        lp_buf_shift(&w->to, (size_t)n);
    }
}

static void set_to_work(struct lp_worker *w)
{
    int64_t patience = w->call->check ? CHECK_MS : w->exec->provider->timeout_ms;
    w->deadline = lp_clock_mono() + patience;
    w->written = 0;
    put_requests(w);
    feed(w);
}

static void launch(struct lp_worker *w)
{
    struct lp_err err = {0};
    w->start_at = 0;
    w->answered = false;
    lp_buf_reset(&w->from);
    if (lp_child_start(&w->child, &w->exec->command, &err) || lp_child_unblock(&w->child, &err)) {
        lp_child_stop(&w->child, 0);
        give_up(w, LP_CONFIG, err.msg);
        return;
    }
    set_to_work(w);
}

/* By the next turn of the loop, or when the filter may be started again. */
static void launch_in_time(struct lp_worker *w)
{
    int64_t now = lp_clock_mono(), at = w->exec->not_before;
    w->start_at = at > now ? at : now;
    w->deadline = 0;
}

/* The record in front is lost; those behind it are given to another process. */
static void lose_record(struct lp_worker *w, enum lp_class class, const char *detail)
{
    struct lp_call *call = w->call;
    if (call->n <= 1) {
        give_up(w, class, detail);
        return;
    }
    fail(call->items[w->next++], class, detail);
    if (w->next == call->n)
        finish(w);
    else
        launch_in_time(w);
}

static void stop_process(struct lp_worker *w, int *status)
{
    hear(w);
    say_lines(w, true);
    *status = lp_child_end(&w->child, 0);
}

static void count_crash(struct lp_exec *x, bool stillborn)
{
    int64_t cap = BACKOFF_MAX_MS;
    x->stillborn = stillborn ? x->stillborn + 1 : 0;
    if (x->crashes < 5)
        cap = (int64_t)BACKOFF_MS << x->crashes;
    x->crashes++;
    x->not_before = lp_clock_mono() + (int64_t)(lp_num_random(&x->seed) * (double)cap);
}

/* Its output has ended. A filter that reads a record and falls over it is ill by this record; one
 * that never reads at all cannot be started as it is. */
static void died(struct lp_worker *w)
{
    struct lp_exec *x = w->exec;
    bool gone = lp_child_ended(&w->child, lp_clock_mono() + 100);
    bool unread = lp_child_unread(&w->child) == w->written;
    char detail[160];
    int status;
    stop_process(w, &status);
    if (!gone)
        snprintf(detail, sizeof detail, "closed its standard output");
    else if (status > 128)
        snprintf(detail, sizeof detail, "was killed by signal %d", status - 128);
    else
        snprintf(detail, sizeof detail, "ended with status %d", status);
    if (!w->call) {
        lp_log_verbose("%s: %s while it had nothing to do", x->provider->name, detail);
        return;
    }
    if (w->answered &&
        unread) { /* it had ended before it was given this call: not its record's fault */
        launch_in_time(w);
        return;
    }
    if (!w->answered)
        count_crash(x, unread);
    if (w->call->check || x->stillborn >= STILLBORN_MAX) {
        snprintf(detail + strlen(detail), sizeof detail - strlen(detail),
            w->call->check ? " as soon as it was started"
                           : ", for the third time without reading anything");
        give_up(w, LP_CONFIG, detail);
    } else {
        lose_record(w, LP_SERVER, detail);
    }
}

/* ---- its answers ---------------------------------------------------------------------------- */

/* A banner, a word of debugging: the record's own answer may follow yet, and would be taken for the
 * next one's. */
static void misunderstood(struct lp_worker *w, const char *detail)
{
    int status;
    stop_process(w, &status);
    lose_record(w, LP_BAD_RESPONSE, detail);
}

static void take_answer(struct lp_worker *w, struct lp_str line)
{
    struct lp_call *call = w->call;
    struct lp_item *item = call->items[w->next];
    size_t at;
    const char *why;
    bool json = lp_json_check(line, &at, &why) && lp_json_type(line) == LP_JSON_OBJECT;
    if (json)
        lp_reply_item(item, line, &w->scratch);
    if (!item->answered) {
        misunderstood(
            w, json ? "the answer has no known outcome" : "the answer is not a JSON object");
        return;
    }
    double after = json ? lp_reply_real(line, "retry_after_s", -1) : -1;
    if (after >= 0 && call->n == 1)
        call->retry_after_ms = lp_reply_ms(after);
    w->answered = true;
    w->exec->crashes = w->exec->stillborn = 0;
    w->deadline = lp_clock_mono() + w->exec->provider->timeout_ms;
    if (++w->next == call->n)
        finish(w);
}

/* An answer nobody asked for: from here on, answers would be taken for those of other records. */
static void out_of_step(struct lp_worker *w)
{
    int status;
    w->exec->strays++;
    lp_log_warn(
        "%s: answered more than it was asked: answers before this one may be those of other "
        "records; started anew",
        w->exec->provider->name);
    stop_process(w, &status);
}

static bool blank(struct lp_str line)
{
    size_t i = 0;
    while (i < line.n && strchr(" \t\r", line.p[i]))
        i++;
    return i == line.n;
}

static void take_lines(struct lp_worker *w)
{
    const char *end;
    size_t at = 0;
    while (w->child.pid && (end = memchr(w->from.p + at, '\n', w->from.len - at))) {
        struct lp_str line = {w->from.p + at, (size_t)(end - w->from.p) - at};
        at += line.n + 1;
        if (blank(line))
            continue;
        if (w->call && !w->call->check)
            take_answer(w, line);
        else
            out_of_step(w);
    }
    lp_buf_shift(&w->from, at < w->from.len ? at : w->from.len);
}

/* A line it did not come to end is an answer only if it is whole. */
static void take_last_line(struct lp_worker *w)
{
    size_t at;
    const char *why;
    if (!w->from.len || !w->call || !lp_json_check(lp_buf_view(&w->from), &at, &why))
        return;
    lp_buf_byte(&w->from, '\n');
    take_lines(w);
}

static void take_output(struct lp_worker *w)
{
    char chunk[CHUNK];
    for (int i = 0; i < READS && w->child.pid; i++) {
        ssize_t n = read(w->child.out, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            take_last_line(w);
            if (w->child.pid)
                died(w);
            return;
        }
        lp_buf_add(&w->from, chunk, (size_t)n);
        take_lines(w);
        if (w->child.pid && w->from.len > LINE_MAX_BYTES) {
            int status;
            stop_process(w, &status);
            if (w->call)
                lose_record(w, LP_BAD_RESPONSE, "an answer over 8 MiB");
        }
    }
}

/* ---- the driver's side ---------------------------------------------------------------------- */

void lp_worker_begin(struct lp_worker *w, struct lp_call *call)
{
    if (w->child.pid)
        take_output(w); /* what it has said meanwhile must not be taken for an answer to this */
    w->call = call;
    w->next = 0;
    if (w->exec->strays >= STRAYS_MAX)
        give_up(w, LP_CONFIG, "it answers more than it is asked, time and again");
    else if (w->child.pid)
        set_to_work(w);
    else
        launch_in_time(w);
}

void lp_worker_cancel(struct lp_worker *w)
{
    int status;
    w->call = NULL;
    w->deadline = w->start_at = 0;
    lp_buf_reset(&w->to);
    if (w->child.pid)
        stop_process(w, &status);
}

unsigned lp_worker_fds(const struct lp_worker *w, struct pollfd *fds, unsigned room)
{
    const struct pollfd all[] = {{.fd = w->child.out, .events = POLLIN},
        {.fd = w->child.err, .events = POLLIN},
        {.fd = w->to.len ? w->child.in : -1, .events = POLLOUT}};
    unsigned n = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (w->child.pid && all[i].fd >= 0 && n < room)
            fds[n++] = all[i];
    return n;
}

int64_t lp_worker_due(const struct lp_worker *w)
{
    return w->start_at ? w->start_at : w->deadline ? w->deadline : INT64_MAX;
}

static void too_late(struct lp_worker *w)
{
    char detail[80];
    int status;
    if (w->call->check) {
        snprintf(w->call->detail, sizeof w->call->detail, "started");
        finish(w);
        return;
    }
    snprintf(detail, sizeof detail, "no answer within %.3g s",
        (double)w->exec->provider->timeout_ms / 1000);
    stop_process(w, &status);
    lose_record(w, LP_TIMEOUT, detail);
}

static bool ready(const struct pollfd *fds, unsigned n, int fd)
{
    for (unsigned i = 0; fd >= 0 && i < n; i++)
        if (fds[i].fd == fd && fds[i].revents)
            return true;
    return false;
}

void lp_worker_dispatch(struct lp_worker *w, const struct pollfd *fds, unsigned n)
{
    if (ready(fds, n, w->child.err))
        hear(w);
    if (w->to.len && ready(fds, n, w->child.in))
        feed(w);
    if (w->child.pid && ready(fds, n, w->child.out))
        take_output(w);
    if (w->start_at && w->start_at <= lp_clock_mono())
        launch(w);
    else if (w->call && w->deadline && w->deadline <= lp_clock_mono())
        too_late(w);
}

/* What it still writes is read away, so that it does not wait for us instead of ending. */
void lp_worker_see_off(struct lp_worker *w, int64_t deadline)
{
    char away[4096];
    bool open = w->child.pid;
    while (open && lp_clock_mono() < deadline && !lp_child_ended(&w->child, 0)) {
        struct pollfd fds[] = {
            {.fd = w->child.out, .events = POLLIN}, {.fd = w->child.err, .events = POLLIN}};
        poll(fds, 2, 10);
        hear(w);
        if (fds[0].revents && read(w->child.out, away, sizeof away) == 0)
            open = !lp_child_ended(&w->child, deadline);
    }
    lp_child_term(&w->child);
}

void lp_worker_end(struct lp_worker *w, int64_t deadline)
{
    int64_t left = deadline - lp_clock_mono();
    if (w->child.pid) {
        hear(w);
        say_lines(w, true);
        lp_child_end(&w->child, left > 0 ? left : 0);
    }
    struct lp_buf *bufs[] = {&w->to, &w->from, &w->said, &w->scratch};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        lp_buf_free(bufs[i]);
}
