/*
 * health - a provider's health as a fold over observations; pure, no I/O
 *
 * Owns: nothing
 * Units: UTC ms; latency ms; counts
 * Errors: none
 * Source: spec/gateway.md "Health"
 */
#ifndef LEADPIPE_HEALTH_H
#define LEADPIPE_HEALTH_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/outcome.h"

enum lp_health_state {
    LP_HEALTH_UNKNOWN,
    LP_HEALTH_DEGRADED,
    LP_HEALTH_HEALTHY,
    LP_HEALTH_UNHEALTHY
};

struct lp_health {
    enum lp_health_state state;
    int64_t consecutive_successes, consecutive_failures, success_count, failure_count;
    double latency_ms, avg_latency_ms;                       /* last success; EMA of successes */
    int64_t last_check_at, last_success_at, last_failure_at; /* 0: never */
    enum lp_class error_class;
    char error_message[200];
    int64_t out_until;        /* UTC ms: not asked before; 0: not out */
    enum lp_class out_reason; /* CIRCUIT_OPEN, RATE_LIMITED, QUOTA or BENCHED */
    int64_t cool_down_ms;     /* the last one given; doubles until healthy again */
    int64_t probe_until;      /* a process is probing until then */
    int64_t failing_since;    /* the first of the failures in a row; 0: the last one succeeded */
    enum lp_class limit;      /* RATE_LIMITED or QUOTA, where that is the last that was heard */
    int64_t limited_since;    /* its first, with nothing better heard in between */
    int64_t allowed;     /* calls at a time of each process after a 429; 0: as many as may be */
    int64_t slowed_from; /* back there, nothing is held back any more */
    int64_t good;        /* successes since `allowed` was last changed */
};

/* What one request showed. */
struct lp_observation {
    int64_t at; /* UTC ms */
    enum lp_outcome outcome;
    enum lp_class class; /* of a failure */
    int64_t latency_ms;
    uint32_t n; /* how many alike (embedded providers), at least 1 */
    uint32_t records;
    uint32_t in_flight; /* calls of this process at the time */
    int http_status;
    double credits;
    char method[8];
    char message[120];
    int64_t out_until; /* rate_limited, quota: out until then; 0: nothing of the kind */
    bool no_word;      /* a check that went well without a word of how many credits are left */
    bool probe;        /* it was the one request after a cool-down */
    bool pending;      /* a poll answered "not yet": logged, but it says nothing of health */
};

struct lp_health_rules {
    int healthy_after, unhealthy_after;     /* 5, 3 */
    int64_t cool_down_ms, cool_down_max_ms; /* 30 s, 15 min */
};
extern const struct lp_health_rules lp_health_defaults;

/* Folds one observation in. A 429 halves the calls at a time, and ten successes give one of them back.
 * `jitter` is a number in [0, 1) that spreads the cool-down by +-10 %. */
void lp_health_fold(struct lp_health *h, const struct lp_observation *o,
    const struct lp_health_rules *rules, double jitter);
/* A clock that was ahead when the row was written must not keep a provider out for years: such times are
 * forgotten (an operator's bench is not). */
void lp_health_mend(struct lp_health *h, int64_t now);
/* Why it is not to be asked at this time, or LP_CLASS_NONE. */
enum lp_class lp_health_out(const struct lp_health *h, int64_t now);
const char *lp_health_name(enum lp_health_state s);
/* Orders two providers by health: healthy > degraded > unknown > unhealthy, then more consecutive
 * successes, then lower latency. < 0: a first. */
int lp_health_compare(const struct lp_health *a, const struct lp_health *b);

#endif
