/*
 * exec_worker (internal) - one process of a user's filter: fed requests, read answers, ended
 *
 * Owns: the worker owns its process and buffers; a call belongs to the gateway
 * Units: milliseconds, monotonic
 * Errors: reported as the end of the call the worker has in hand
 * Source: spec/gateway.md "Adapters are jq modules", transports
 *
 * One call at a time; its records are written one a line and answered one a line, in order. Nothing
 * waits: what does not fit into the pipe stays here until it does.
 */
#ifndef LP_GATEWAY_EXEC_WORKER_H
#define LP_GATEWAY_EXEC_WORKER_H

#include "leadpipe/child.h"
#include "leadpipe/provider.h"

/* What the workers of a filter have in common. */
struct lp_exec {
    struct lp_provider *provider;
    struct lp_child_options command;
    struct lp_str settings; /* JSON, without secrets */
    int stillborn;          /* processes in a row that ended without reading anything */
    int crashes;            /* processes in a row that ended without an answer */
    int strays;             /* times that an answer came which nobody had asked for */
    int64_t not_before;     /* the next process is started then */
    uint64_t seed;          /* of the jitter */
};

struct lp_worker {
    struct lp_exec *exec;
    struct lp_child child; /* pid 0: none runs */
    struct lp_call *call;  /* NULL: nothing to do */
    size_t next;           /* the record of the call whose answer is waited for */
    struct lp_buf to;      /* requests not yet written */
    struct lp_buf from;    /* what was read and is no line yet */
    struct lp_buf said;    /* the same of its standard error */
    struct lp_buf scratch;
    size_t written;   /* bytes of this call, to this process */
    bool answered;    /* this process has given an answer */
    int64_t deadline; /* of the record; 0: none is waited for */
    int64_t start_at; /* a process is to be started then; 0: no */
};

void lp_worker_begin(struct lp_worker *w, struct lp_call *call);
/* Forgets the call, and ends the process, which is in the middle of it. */
void lp_worker_cancel(struct lp_worker *w);
unsigned lp_worker_fds(const struct lp_worker *w, struct pollfd *fds, unsigned room);
/* When there is something to do even if nothing happens; INT64_MAX: never. */
int64_t lp_worker_due(const struct lp_worker *w);
void lp_worker_dispatch(struct lp_worker *w, const struct pollfd *fds, unsigned n);
/* The end of its input has been given: until the deadline it may finish what it does, then it is sent
 * SIGTERM. */
void lp_worker_see_off(struct lp_worker *w, int64_t deadline);
/* Ends what still runs at the deadline, and frees what the worker owns. */
void lp_worker_end(struct lp_worker *w, int64_t deadline);

#endif
