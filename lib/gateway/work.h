/*
 * work (internal) - a call with its tries, shared by call.c, call_end.c and retry.c
 *
 * Owns: call.c; kept from use to use
 * Units: milliseconds, monotonic
 * Errors: -
 */
#ifndef LP_GATEWAY_WORK_H
#define LP_GATEWAY_WORK_H

#include "chaos.h"
#include "gateway.h"

struct lp_work {
    struct lp_call call;
    struct lp_lane *lane;
    struct lp_item **items;
    size_t n, room;
    int tries;   /* made so far in this phase */
    bool forced; /* the circuit is open and nobody else can answer */
    bool probe;
    bool entered; /* counts among the calls in flight */
    bool held_up; /* by --chaos */
    enum lp_chaos_kind fault;
    bool starting;         /* inside driver->start: the end is looked at when it returns */
    int64_t began_at;      /* mono: first try */
    int64_t polling_since; /* mono, 0: not polling */
    int64_t try_at;        /* mono: this try began */
    int64_t due;           /* mono: next try or poll; 0: a try is under way */
    struct lp_buf memo;
    int64_t pending;            /* row of a batch handed in, 0: none */
    struct lp_resumed *resumed; /* handed in by an earlier run, or earlier in this one */
    bool left;                  /* it has failed, but is still on file */
    size_t reserved;            /* records that money was set aside for */
    int64_t reserved_at;        /* UTC */
    double credits;
    struct lp_work *prev, *next;
};

/* A try has ended: goes on from there. */
void lp_work_ended(struct lp_work *w);
/* How long to wait before another try; -1: no other. */
int64_t lp_retry_wait(struct lp_work *w, enum lp_class class);
/* Until when (UTC) the provider is out for its limit; 0: it is not. */
int64_t lp_retry_out_until(const struct lp_work *w, enum lp_class class);

#endif
