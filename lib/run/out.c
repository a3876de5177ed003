/* out - see leadpipe/out.h */
#include "leadpipe/out.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/clock.h"
#include "leadpipe/signals.h"

#define GIVE_UP_MS 10000 /* a stopped run waits this long for a stuck reader */
#define KEEP_BYTES                                                                                 \
    (4 * LP_OUT_BLOCK) /* a buffer grown past this by one huge record is given back */

static const char *name(const struct lp_out *o)
{
    return o->fd == STDOUT_FILENO ? "standard output" : "output";
}

void lp_out_init(struct lp_out *o, int fd)
{
    struct stat st;
    *o = (struct lp_out){.fd = fd};
    if (fstat(fd, &st) == 0)
        o->pipe = S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd);
}

/* Takes half a line back off a file that nobody else has added to since. */
static void cut_back(struct lp_out *o)
{
    struct stat st;
    if (o->sent == 0 || fstat(o->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    const char *end = memrchr(o->buf.p, '\n', o->sent);
    off_t part = (off_t)(o->sent - (end ? (size_t)(end - o->buf.p) + 1 : 0));
    off_t at = lseek(o->fd, 0, SEEK_CUR);
    if (part == 0 || at != st.st_size || at < part || ftruncate(o->fd, at - part) != 0)
        return;
    lseek(o->fd, at - part, SEEK_SET);
    o->sent -= (size_t)part;
    o->total -= (uint64_t)part;
}

static int fail(struct lp_out *o, int number, struct lp_err *err)
{
    if (!o->failed)
        cut_back(o);
    o->failed = number;
    if (number == EPIPE) {
        o->closed = true;
        return lp_err_set(err, LP_ERR_IO, "reader_gone", "the reader of %s has gone", name(o));
    }
    if (number == ETIMEDOUT)
        return lp_err_set(err, LP_ERR_IO, "reader_stuck",
            "stopped while nobody read %s: %llu lines not written", name(o),
            (unsigned long long)lp_out_unsent(o));
    errno = number;
    return lp_err_errno(err, "cannot write %s", name(o));
}

/* After a stop, waits for room until the time is up. Returns 0 or an errno. */
static int wait_stopped(struct lp_out *o)
{
    int64_t now = lp_clock_mono();
    if (o->give_up == 0)
        o->give_up = now + GIVE_UP_MS;
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    int64_t left = o->give_up - now;
    int n = poll(&p, 1, left > 0 ? (int)left : 0);
    return n > 0 || (n < 0 && errno == EINTR) ? 0 : ETIMEDOUT;
}

static void sent(struct lp_out *o, size_t n)
{
    o->sent += n;
    o->total += n;
    if (lp_out_pending(o) > 0)
        return;
    o->sent = 0;
    lp_buf_trim(&o->buf, KEEP_BYTES);
}

/* As many whole lines as fit into `max` bytes: what a pipe takes at once it takes whole, so a program
 * that is ended between two writes leaves no half line behind. */
static size_t whole_lines(const char *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    const char *end = memrchr(p, '\n', max);
    return end ? (size_t)(end - p) + 1 : max;
}

/* One write of at most `max` bytes. Returns 0 or an errno that is final. */
static int write_some(struct lp_out *o, size_t max)
{
    const char *p = o->buf.p + o->sent;
    ssize_t done = write(o->fd, p, whole_lines(p, lp_out_pending(o), max));
    if (done > 0)
        sent(o, (size_t)done);
    if (done >= 0 || errno == EINTR)
        return 0;
    if (errno != EAGAIN)
        return errno;
    /* Another program of the pipe has set O_NONBLOCK on what we share. */
    struct pollfd room = {.fd = o->fd, .events = POLLOUT};
    return poll(&room, 1, 1000) < 0 && errno != EINTR ? errno : 0;
}

int lp_out_flush(struct lp_out *o, struct lp_err *err)
{
    while (lp_out_pending(o) > 0) {
        bool stopped = o->pipe && lp_signals_stop();
        int number = o->failed;
        if (!number && stopped)
            number = wait_stopped(o);
        if (!number)
            number = write_some(o, stopped ? PIPE_BUF : SIZE_MAX);
        if (number)
            return fail(o, number, err);
    }
    return 0;
}

int lp_out_try(struct lp_out *o, struct lp_err *err)
{
    if (!o->pipe)
        return lp_out_flush(o, err);
    while (lp_out_pending(o) > 0) {
        struct pollfd p = {.fd = o->fd, .events = POLLOUT};
        if (!o->failed && poll(&p, 1, 0) <= 0)
            return 0;
        int number = o->failed ? o->failed : write_some(o, PIPE_BUF);
        if (number)
            return fail(o, number, err);
    }
    return 0;
}

void lp_out_end_line(struct lp_out *o)
{
    if (o->failed || o->sent == 0 || o->buf.p[o->sent - 1] == '\n')
        return;
    const char *end = memchr(o->buf.p + o->sent, '\n', lp_out_pending(o));
    size_t stop = end ? (size_t)(end - o->buf.p) + 1 : o->sent;
    struct pollfd p = {.fd = o->fd, .events = POLLOUT};
    while (o->sent < stop && poll(&p, 1, GIVE_UP_MS) > 0) {
        size_t n = stop - o->sent < PIPE_BUF ? stop - o->sent : PIPE_BUF;
        ssize_t done = write(o->fd, o->buf.p + o->sent, n);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return;
        o->sent += done > 0 ? (size_t)done : 0;
    }
}

bool lp_out_hung_up(struct lp_out *o)
{
    struct pollfd p = {.fd = o->fd};
    if (o->pipe && !o->closed && poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP))) {
        o->closed = true;
        o->failed = EPIPE;
    }
    return o->closed;
}

uint64_t lp_out_unsent(const struct lp_out *o)
{
    uint64_t n = 0;
    const char *p = o->buf.p + o->sent, *end = o->buf.p + o->buf.len;
    while (lp_out_pending(o) > 0 && p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        n++;
        p++;
    }
    return n;
}

int lp_out_finish(struct lp_out *o, struct lp_err *err)
{
    if (lp_out_flush(o, err) < 0)
        return -1;
    if (o->total == 0)
        return 0;
    /* Some file systems (NFS, quotas) say only at close that data did not arrive. Closing a copy
     * asks them, and keeps the number 1 from being taken by the next file opened. */
    int copy = dup(o->fd);
    if (copy < 0 || close(copy) < 0)
        return fail(o, errno, err);
    return 0;
}

void lp_out_free(struct lp_out *o)
{
    lp_buf_free(&o->buf);
    o->sent = 0;
}
