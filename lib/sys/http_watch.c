/* The set of sockets to wait for; see leadpipe/http_watch.h. */
#include "leadpipe/http_watch.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/mem.h"

static void grow_places(struct lp_http_watch *w, int fd)
{
    int n = w->places ? w->places : 64;
    while (n <= fd)
        n *= 2;
    w->place = lp_realloc_array(w->place, (size_t)n, sizeof *w->place);
    while (w->places < n)
        w->place[w->places++] = -1;
}

static void take_out(struct lp_http_watch *w, int fd)
{
    if (fd >= w->places || w->place[fd] < 0)
        return;
    unsigned at = (unsigned)w->place[fd];
    w->place[fd] = -1;
    if (at == --w->n)
        return;
    w->set[at] = w->set[w->n];
    w->place[w->set[at].fd] = (int)at;
}

void lp_http_watch_set(struct lp_http_watch *w, int fd, short events)
{
    if (!events) {
        take_out(w, fd);
        return;
    }
    if (fd >= w->places)
        grow_places(w, fd);
    if (w->place[fd] < 0) {
        if (w->n == w->room) {
            w->room = w->room ? w->room * 2 : 32;
            w->set = lp_realloc_array(w->set, w->room, sizeof *w->set);
        }
        w->place[fd] = (int)w->n;
        w->set[w->n++].fd = fd;
    }
    w->set[w->place[fd]].events = events;
}

/* timeout_ms, or less where the timer is due before. */
static int wait_ms(const struct lp_http_watch *w, int timeout_ms)
{
    if (w->due < 0)
        return timeout_ms;
    int64_t left = w->due - lp_clock_mono();
    if (left <= 0)
        return 0;
    if (timeout_ms >= 0 && timeout_ms < left)
        return timeout_ms;
    return left < INT_MAX ? (int)left : INT_MAX;
}

int lp_http_watch_wait(
    struct lp_http_watch *w, struct pollfd *fds, unsigned n, int timeout_ms, struct lp_err *err)
{
    unsigned all = w->n + n, own = w->n;
    if (all > w->ready_room) {
        w->ready_room = all * 2;
        w->ready = lp_realloc_array(w->ready, w->ready_room, sizeof *w->ready);
    }
    if (own)
        memcpy(w->ready, w->set, own * sizeof *w->ready);
    if (n)
        memcpy(w->ready + own, fds, n * sizeof *fds);
    int got = poll(w->ready, all, wait_ms(w, timeout_ms));
    if (got < 0 && errno != EINTR && errno != EAGAIN)
        return lp_err_errno(err, "poll");
    for (unsigned i = 0; i < n; i++)
        fds[i].revents = got > 0 ? w->ready[own + i].revents : 0;
    return got > 0 ? (int)own : 0;
}

void lp_http_watch_free(struct lp_http_watch *w)
{
    free(w->set);
    free(w->ready);
    free(w->place);
    *w = (struct lp_http_watch){0};
}
