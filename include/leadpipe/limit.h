/*
 * limit - a token bucket, in this process or shared through the state file; pure arithmetic
 *
 * Owns: nothing
 * Units: tokens (requests), ms
 * Errors: none
 */
#ifndef LEADPIPE_LIMIT_H
#define LEADPIPE_LIMIT_H

#include <stdint.h>

struct lp_bucket {
    double tokens;
    int64_t at; /* UTC ms of `tokens`; 0: never used, full */
};

struct lp_limit {
    double requests; /* burst; 0: no limit */
    int64_t per_ms;
    struct lp_bucket own; /* where there is no state file */
    int64_t reserved;     /* tokens taken from the shared bucket and not used yet */
    int64_t ready_at;     /* mono: no token before; 0: ask the bucket */
};

/* Refills to `now` and takes up to `want` whole tokens; returns how many. With none, *wait_ms is
 * the time until there is one. A clock that went back refills nothing. */
int64_t lp_bucket_take(struct lp_bucket *b, double requests, int64_t per_ms, int64_t now,
    int64_t want, int64_t *wait_ms);

#endif
