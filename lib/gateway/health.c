#include "leadpipe/health.h"

#include <string.h>
#include <stdio.h>

const struct lp_health_rules lp_health_defaults = {5, 3, 30 * 1000, 15 * 60 * 1000};

/* Clocks of one machine do not differ by more; a check later than that was made by a wrong clock. */
#define CLOCK_SLACK_MS 60000
/* After a 429 one more call at a time for so many successes. */
#define SPEED_UP_AFTER 10

static const char *const names[] = {"unknown", "degraded", "healthy", "unhealthy"};

const char *lp_health_name(enum lp_health_state s)
{
    return names[s];
}

static void open_circuit(
    struct lp_health *h, int64_t at, const struct lp_health_rules *rules, double jitter)
{
    int64_t next = h->cool_down_ms ? h->cool_down_ms * 2 : rules->cool_down_ms;
    if (next > rules->cool_down_max_ms)
        next = rules->cool_down_max_ms;
    h->cool_down_ms = next;
    h->out_until = at + (int64_t)((double)next * (0.9 + 0.2 * jitter));
    h->out_reason = LP_CIRCUIT_OPEN;
}

static void slow_down(struct lp_health *h, int64_t in_flight)
{
    if (!h->allowed)
        h->allowed = h->slowed_from = in_flight;
    h->allowed = h->allowed > 1 ? h->allowed / 2 : 1;
    h->good = 0;
}

static void speed_up(struct lp_health *h, int64_t successes)
{
    if (!h->allowed || (h->good += successes) < SPEED_UP_AFTER)
        return;
    h->good = 0;
    if (++h->allowed >= h->slowed_from)
        h->allowed = h->slowed_from = 0;
}

static void forget_limit(struct lp_health *h)
{
    h->limit = LP_CLASS_NONE;
    h->limited_since = 0;
}

static void succeed(
    struct lp_health *h, const struct lp_observation *o, const struct lp_health_rules *rules)
{
    double latency = (double)o->latency_ms;
    h->avg_latency_ms = h->success_count ? 0.7 * h->avg_latency_ms + 0.3 * latency : latency;
    h->latency_ms = latency;
    h->success_count += o->n;
    h->consecutive_successes += o->n;
    h->consecutive_failures = 0;
    h->last_success_at = o->at;
    speed_up(h, o->n);
    h->probe_until = 0;
    h->failing_since = 0;
    if (h->limit != LP_QUOTA || !o->no_word)
        forget_limit(h);
    h->error_class = LP_CLASS_NONE;
    h->error_message[0] = '\0';
    if (h->state == LP_HEALTH_UNKNOWN || h->state == LP_HEALTH_UNHEALTHY)
        h->state = LP_HEALTH_DEGRADED;
    if (h->consecutive_successes >= rules->healthy_after)
        h->state = LP_HEALTH_HEALTHY;
    if (h->state == LP_HEALTH_HEALTHY)
        h->cool_down_ms = 0;
    if (h->out_reason ==
        LP_CIRCUIT_OPEN) { /* a limit stands until its time whatever else succeeds */
        h->out_until = 0;
        h->out_reason = LP_CLASS_NONE;
    }
}

static void fail(struct lp_health *h, const struct lp_observation *o,
    const struct lp_health_rules *rules, double jitter)
{
    if (h->consecutive_failures == 0)
        h->failing_since = o->at;
    forget_limit(h);
    h->failure_count += o->n;
    h->consecutive_failures += o->n;
    h->consecutive_successes = 0;
    h->last_failure_at = o->at;
    h->error_class = o->class;
    snprintf(h->error_message, sizeof h->error_message, "%s", o->message);
    if (h->state == LP_HEALTH_UNKNOWN || h->state == LP_HEALTH_HEALTHY)
        h->state = LP_HEALTH_DEGRADED;
    if (h->consecutive_failures >= rules->unhealthy_after)
        h->state = LP_HEALTH_UNHEALTHY;
    if (h->state == LP_HEALTH_UNHEALTHY && h->out_until <= o->at)
        open_circuit(h, o->at, rules, jitter);
}

static bool is_limit(enum lp_class c)
{
    return c == LP_RATE_LIMITED || c == LP_QUOTA;
}

/* No ill health: merely out for a while. That it was met stands longer than that, until something else
 * is heard. */
static void meet_limit(struct lp_health *h, const struct lp_observation *o)
{
    if (!h->limit)
        h->limited_since = o->at;
    h->limit = o->class;
    if (o->out_until > h->out_until) {
        h->out_until = o->out_until;
        h->out_reason = o->class;
    }
}

void lp_health_fold(struct lp_health *h, const struct lp_observation *o,
    const struct lp_health_rules *rules, double jitter)
{
    if (o->pending)
        return;
    if (o->probe) /* another's news may be older than the probe */
        h->probe_until = 0;
    if (o->outcome == LP_SKIPPED)
        return;
    h->last_check_at = o->at;
    if (o->outcome == LP_ERROR && o->class == LP_RATE_LIMITED)
        slow_down(h, o->in_flight);
    if (o->outcome == LP_ERROR && is_limit(o->class))
        meet_limit(h, o);
    else if (o->outcome == LP_ERROR || o->outcome == LP_UNKNOWN_OUTCOME)
        fail(h, o, rules, jitter);
    else
        succeed(h, o, rules);
}

void lp_health_mend(struct lp_health *h, int64_t now)
{
    if (h->last_check_at <= now + CLOCK_SLACK_MS || h->out_reason == LP_BENCHED)
        return;
    h->out_until = h->probe_until = 0;
    h->out_reason = LP_CLASS_NONE;
}

enum lp_class lp_health_out(const struct lp_health *h, int64_t now)
{
    return h->out_until > now ? h->out_reason : LP_CLASS_NONE;
}

static int rank(enum lp_health_state s)
{
    static const int ranks[] = {[LP_HEALTH_HEALTHY] = 0,
        [LP_HEALTH_DEGRADED] = 1,
        [LP_HEALTH_UNKNOWN] = 2,
        [LP_HEALTH_UNHEALTHY] = 3};
    return ranks[s];
}

int lp_health_compare(const struct lp_health *a, const struct lp_health *b)
{
    if (a->state != b->state)
        return rank(a->state) - rank(b->state);
    if (a->consecutive_successes != b->consecutive_successes)
        return a->consecutive_successes > b->consecutive_successes ? -1 : 1;
    if (a->avg_latency_ms != b->avg_latency_ms)
        return a->avg_latency_ms < b->avg_latency_ms ? -1 : 1;
    return 0;
}
