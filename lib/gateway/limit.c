#include "leadpipe/limit.h"

#include <math.h>

int64_t lp_bucket_take(struct lp_bucket *b, double requests, int64_t per_ms, int64_t now,
    int64_t want, int64_t *wait_ms)
{
    double per_token = (double)per_ms / requests;
    *wait_ms = 0;
    if (b->at == 0)
        b->tokens = requests;
    else if (now > b->at)
        b->tokens = fmin(requests, b->tokens + (double)(now - b->at) / per_token);
    /* A clock set back must not freeze the bucket until it has caught up again. */
    b->at = now;
    int64_t whole = (int64_t)b->tokens;
    int64_t got = want < whole ? want : whole;
    if (got > 0)
        b->tokens -= (double)got;
    else
        *wait_ms = (int64_t)ceil((1 - b->tokens) * per_token);
    return got;
}
