#include "leadpipe/clock.h"
#include "leadpipe/num.h"
#include "work.h"

/*
 * Whether a try that failed is made again, and when: full jitter, unless the provider has named a time.
 */

#define BACKOFF_MS     500
#define BACKOFF_MAX_MS 10000

static bool may_retry(enum lp_class c)
{
    return c == LP_NETWORK || c == LP_TIMEOUT || c == LP_SERVER || c == LP_RATE_LIMITED;
}

int64_t lp_retry_wait(struct lp_work *w, enum lp_class class)
{
    const struct lp_provider *p = w->lane->provider;
    int64_t now = lp_clock_mono();
    if (!may_retry(class) || w->forced || w->probe || w->tries >= p->tries ||
        w->lane->gateway->stop_at)
        return -1;
    int64_t cap = BACKOFF_MS;
    for (int i = 1; i < w->tries && cap < BACKOFF_MAX_MS; i++)
        cap *= 2;
    if (cap > BACKOFF_MAX_MS)
        cap = BACKOFF_MAX_MS;
    int64_t wait = w->call.retry_after_ms >= 0
                       ? w->call.retry_after_ms
                       : 1 + (int64_t)(lp_num_random(&w->lane->gateway->seed) * (double)cap);
    if (w->call.retry_after_ms > p->max_wait_ms)
        return -1;
    int64_t total =
        class == LP_RATE_LIMITED ? p->total_ms + p->max_wait_ms * p->tries : p->total_ms;
    return now + wait - w->began_at > total && !w->polling_since ? -1 : wait;
}

int64_t lp_retry_out_until(const struct lp_work *w, enum lp_class class)
{
    int64_t wait = w->call.retry_after_ms;
    if (class == LP_QUOTA)
        return lp_clock_real() + (wait > 0 ? wait : 3600 * 1000);
    if (class == LP_RATE_LIMITED && wait > 0)
        return lp_clock_real() + wait;
    return 0;
}
