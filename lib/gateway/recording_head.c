#include <stdio.h>
#include "leadpipe/clock.h"
#include "recording.h"

/*
 * The first line of a recording: what a run depends on beside its input, its configuration and the
 * answers it gets.
 */

/* ---- written -------------------------------------------------------------------------------- */

static void put_health(struct lp_buf *b, const struct lp_health *h)
{
    int64_t out = h->out_until - lp_clock_real();
    lp_json_key(b, "health");
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "state", lp_str(lp_health_name(h->state)));
    lp_json_put_int(b, "successes", h->consecutive_successes);
    lp_json_put_int(b, "failures", h->consecutive_failures);
    lp_json_put_bool(b, "succeeded", h->success_count > 0);
    lp_json_put_num(b, "avg_latency_ms", h->avg_latency_ms, 3);
    lp_json_put_int(b, "cool_down_ms", h->cool_down_ms);
    if (h->allowed) {
        lp_json_put_int(b, "allowed", h->allowed);
        lp_json_put_int(b, "slowed_from", h->slowed_from);
        lp_json_put_int(b, "good", h->good);
    }
    if (h->out_until && out > 0) {
        lp_json_put_int(b, "out_ms", out);
        lp_json_put_str(b, "out_reason", lp_str(lp_class_name(h->out_reason)));
    }
    LP_BUF_LIT(b, "}");
}

/* What the programs before had left of its rate. */
static int put_bucket(struct lp_buf *b, const struct lp_lane *l, struct lp_err *err)
{
    struct lp_bucket bucket = {0};
    if (!l->gateway->state || l->limit.requests <= 0)
        return 0;
    if (lp_state_bucket(l->gateway->state, l->provider->account, &bucket, err))
        return -1;
    if (bucket.at == 0)
        return 0;
    lp_json_put_num(b, "tokens", bucket.tokens, 6);
    lp_json_put_int(b, "tokens_age_ms", lp_clock_real() - bucket.at);
    return 0;
}

static int put_provider(struct lp_buf *b, const struct lp_lane *l, struct lp_err *err)
{
    const struct lp_provider *p = l->provider;
    bool first = true;
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "provider", lp_str(p->name));
    lp_json_key(b, "secrets");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < p->n_settings; i++) {
        if (!p->settings[i].secret || !p->settings[i].value.p)
            continue;
        if (!first)
            lp_buf_byte(b, ',');
        first = false;
        lp_json_put(b, lp_str(p->settings[i].name));
    }
    LP_BUF_LIT(b, "]");
    put_health(b, &l->health);
    int r = put_bucket(b, l, err);
    LP_BUF_LIT(b, "}");
    return r;
}

static void put_chaos(struct lp_buf *b, const struct lp_gateway *g)
{
    struct lp_buf spec = {0};
    lp_buf_printf(&spec, "%s,seed=%lld", g->settings->chaos, (long long)g->chaos->seed);
    lp_json_put_str(b, "chaos", lp_buf_view(&spec));
    lp_buf_free(&spec);
}

int lp_recording_put_head(struct lp_recording *r, struct lp_err *err)
{
    struct lp_gateway *g = r->gateway;
    struct lp_buf *b = &r->line;
    double spent;
    lp_buf_reset(b);
    LP_BUF_LIT(b, "{");
    lp_json_put_int(b, "leadpipe_recording", 1);
    lp_json_put_str(b, "program", lp_str(g->run->program->name));
    lp_json_put_str(b, "version", LP_STR(LP_VERSION));
    lp_json_put_str(b, "capability", lp_str(g->chain.capability));
    lp_recording_put_time(b, "now", lp_clock_now());
    lp_recording_put_time(b, "recorded_at", lp_clock_real());
    lp_json_put_int(b, "jobs", g->jobs);
    lp_json_put_int(b, "seed", (int64_t)(g->seed & INT64_MAX));
    g->seed &= INT64_MAX;
    if (g->settings->chain)
        lp_json_put_str(b, "chain", lp_str(g->settings->chain));
    if (g->chaos)
        put_chaos(b, g);
    if (g->day_budget.limit > 0) {
        if (lp_budget_today(g, &spent, err))
            return -1;
        lp_json_put_num(b, "spent_today", spent, 6);
    }
    lp_json_key(b, "providers");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < g->chain.n; i++) {
        if (i)
            lp_buf_byte(b, ',');
        if (put_provider(b, g->chain.lanes[i], err))
            return -1;
    }
    LP_BUF_LIT(b, "]}");
    return 0;
}

/* ---- read again ----------------------------------------------------------------------------- */

static bool head_of(const struct lp_recording *r, const char *provider, struct lp_str *entry)
{
    struct lp_str list, name, v;
    if (!lp_json_get(r->head, "providers", &list))
        return false;
    struct lp_json_iter it = lp_json_iter(list);
    while (lp_json_next(&it, &name, entry))
        if (lp_json_get(*entry, "provider", &v) && lp_json_is(v, provider))
            return true;
    return false;
}

static bool holds(struct lp_str list, const char *word)
{
    struct lp_json_iter it = lp_json_iter(list);
    struct lp_str name, v;
    while (lp_json_next(&it, &name, &v))
        if (lp_json_is(v, word))
            return true;
    return false;
}

void lp_recording_fit(struct lp_gateway *g, struct lp_provider *p)
{
    struct lp_str entry = {0}, secrets = LP_STR("[]");
    p->configured = head_of(g->recording, p->name, &entry);
    if (p->configured)
        lp_json_get(entry, "secrets", &secrets);
    else
        snprintf(p->missing, sizeof p->missing, "in the recording it");
    for (size_t i = 0; i < p->n_settings; i++) {
        struct lp_provider_setting *s = &p->settings[i];
        if (s->secret && !holds(secrets, s->name)) {
            s->value = (struct lp_str){0};
            s->token[0] = '\0';
        }
    }
}

static int64_t int_at(struct lp_str object, const char *path, int64_t preset)
{
    struct lp_str v;
    int64_t n;
    return lp_json_path(object, path, &v) && lp_json_int(v, &n) ? n : preset;
}

static void take_health(struct lp_str health, struct lp_health *h)
{
    struct lp_str v;
    int64_t out = int_at(health, "out_ms", 0);
    *h = (struct lp_health){.consecutive_successes = int_at(health, "successes", 0),
        .consecutive_failures = int_at(health, "failures", 0),
        .cool_down_ms = int_at(health, "cool_down_ms", 0),
        .allowed = int_at(health, "allowed", 0),
        .slowed_from = int_at(health, "slowed_from", 0),
        .good = int_at(health, "good", 0)};
    for (int s = LP_HEALTH_UNKNOWN; s <= LP_HEALTH_UNHEALTHY; s++)
        if (lp_json_get(health, "state", &v) && lp_json_is(v, lp_health_name(s)))
            h->state = (enum lp_health_state)s;
    if (lp_json_get(health, "avg_latency_ms", &v))
        lp_json_real(v, &h->avg_latency_ms);
    h->success_count = lp_json_get(health, "succeeded", &v) && lp_json_true(v);
    if (out > 0 && lp_json_get(health, "out_reason", &v) && v.n > 2) {
        h->out_until = lp_clock_real() + out;
        lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &h->out_reason);
    }
}

static void take_bucket(struct lp_str entry, struct lp_bucket *b)
{
    struct lp_str v;
    if (!lp_json_get(entry, "tokens", &v) || !lp_json_real(v, &b->tokens))
        return;
    b->at = lp_clock_real() - int_at(entry, "tokens_age_ms", 0);
}

void lp_recording_take_state(struct lp_recording *r)
{
    struct lp_gateway *g = r->gateway;
    struct lp_str entry, v;
    if (lp_json_get(r->head, "spent_today", &v))
        lp_json_real(v, &g->day_budget.spent);
    for (size_t i = 0; i < g->chain.n; i++) {
        struct lp_lane *l = g->chain.lanes[i];
        if (!head_of(r, l->provider->name, &entry))
            continue;
        take_bucket(entry, &l->limit.own);
        if (lp_json_get(entry, "health", &v))
            take_health(v, &l->health);
    }
}
