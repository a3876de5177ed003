/*
 * http_watch - the sockets an event-driven client waits for, beside its caller's descriptors
 *
 * Owns: its arrays, until lp_http_watch_free; descriptors belong to others
 * Units: milliseconds
 * Errors: LP_ERR_IO where poll(2) itself fails; an interrupted wait is no error
 * Source: poll(2)
 *
 * poll(2) rather than epoll: a kept-alive connection enters and leaves the set with every exchange,
 * which here is a store, and would be a system call there.
 */
#ifndef LEADPIPE_HTTP_WATCH_H
#define LEADPIPE_HTTP_WATCH_H

#include <poll.h>
#include <stdint.h>
#include "leadpipe/err.h"

struct lp_http_watch {
    struct pollfd *set, *ready; /* ready: a copy, filled by the last wait */
    unsigned n, room, ready_room;
    int *place; /* descriptor -> index in `set`, or -1 */
    int places;
    int64_t due; /* lp_clock_mono: no wait lasts beyond it; -1: none (set it before the first) */
};

/* events == 0 takes the descriptor out. */
void lp_http_watch_set(struct lp_http_watch *w, int fd, short events);
/* Waits for the set and for fds[0..n), whose revents are filled. Returns how many of `ready` are
 * the set's own, 0 if nothing happened to any, -1 on failure. The set may change while the caller
 * walks `ready`. */
int lp_http_watch_wait(
    struct lp_http_watch *w, struct pollfd *fds, unsigned n, int timeout_ms, struct lp_err *err);
void lp_http_watch_free(struct lp_http_watch *w);

#endif
