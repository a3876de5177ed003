#include "gateway.h"

#include "leadpipe/clock.h"
#include "owner.h"

/*
 * How fast a provider may be asked: its rate, calls at a time, and fewer of them after a 429. What the
 * configuration or the adapter says holds for all processes of a state file together.
 */

/* Tokens are taken from the shared bucket for this much time at once, so that a fast provider does
 * not cost a transaction a request. */
#define RESERVE_MS 50
/* Others do not say when they have finished a call: who waits for that looks again. */
#define LOOK_AGAIN_MS 5

/* ---- rate ----------------------------------------------------------------------------------- */

static int take_tokens(struct lp_lane *l, int64_t *wait)
{
    struct lp_limit *m = &l->limit;
    struct lp_err err = {0};
    int64_t want = (int64_t)(m->requests * RESERVE_MS / (double)m->per_ms);
    want = want < 1 ? 1 : want > 64 ? 64 : want;
    if (!l->gateway->state)
        m->reserved = lp_bucket_take(&m->own, m->requests, m->per_ms, lp_clock_real(), want, wait);
    else if (lp_state_take(
                 l->gateway->state, l->provider->account, m, want, &m->reserved, wait, &err))
        lp_gateway_fail(l->gateway, &err);
    return err.kind ? -1 : 0;
}

int64_t lp_lane_token(struct lp_lane *l, int64_t now)
{
    struct lp_limit *m = &l->limit;
    int64_t wait = 0;
    if (m->requests <= 0)
        return 0;
    if (m->reserved == 0 && m->ready_at <= now) {
        if (take_tokens(l, &wait))
            return -1;
        m->ready_at = now + wait;
    }
    if (m->reserved == 0)
        return m->ready_at - now > l->provider->max_wait_ms ? -1 : m->ready_at;
    m->reserved--;
    return 0;
}

static void keep_token(struct lp_lane *l)
{
    l->limit.reserved += l->limit.requests > 0;
}

/* ---- calls at a time ------------------------------------------------------------------------ */

bool lp_lane_has_room(const struct lp_lane *l)
{
    const struct lp_gateway *g = l->gateway;
    const struct lp_provider *p = l->provider;
    if (!l->proved && l->in_flight)
        return false; /* the first call goes alone, so that a refused key costs one call */
    if (l->health.allowed && l->in_flight >= l->health.allowed)
        return false;
    if (p->max_in_flight && l->in_flight >= (unsigned)p->max_in_flight)
        return false;
    return p->embedded || g->jobs_used < g->jobs;
}

/* Says how many calls are in flight here; `more`: may there be another? */
static bool among_others(struct lp_lane *l, bool more)
{
    struct lp_gateway *g = l->gateway;
    const struct lp_provider *p = l->provider;
    struct lp_err err = {0};
    if (!p->max_together || !g->state)
        return true;
    if (!l->flight.owner[0])
        lp_owner_self(l->flight.owner);
    l->flight.account = p->flight;
    l->flight.calls = l->in_flight;
    l->flight.max = more ? p->max_together : 0;
    int r = lp_state_fly(g->state, &l->flight, &err);
    if (r < 0)
        lp_gateway_fail(g, &err);
    return r > 0;
}

int64_t lp_lane_may_start(struct lp_lane *l, int64_t now)
{
    if (l->flight.look_at > now)
        return l->flight.look_at;
    int64_t at = lp_lane_token(l, now);
    if (at || among_others(l, true))
        return at;
    keep_token(l);
    return l->flight.look_at = now + LOOK_AGAIN_MS;
}

void lp_lane_not_started(struct lp_lane *l)
{
    keep_token(l);
    among_others(l, false);
}

void lp_lane_ended(struct lp_lane *l)
{
    l->in_flight--;
    if (!l->provider->embedded)
        l->gateway->jobs_used--;
    among_others(l, false);
}
