#include "leadpipe/log.h"
#include "leadpipe/num.h"
#include "status.h"

/*
 * The text exposition format, as a node exporter's textfile collector reads it: families of samples
 * with HELP and TYPE, base units (seconds), counters ending in _total, no time stamps.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */

static void family(struct lp_buf *b, const char *name, const char *type, const char *help)
{
    lp_buf_printf(b, "# HELP leadpipe_%s %s\n# TYPE leadpipe_%s %s\n", name, help, name, type);
}

static void put_label(struct lp_buf *b, const char *name, const char *value, bool first)
{
    lp_buf_printf(b, "%s%s=\"", first ? "{" : ",", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            lp_buf_byte(b, '\\');
        if (*value == '\n')
            LP_BUF_LIT(b, "\\n");
        else
            lp_buf_byte(b, *value);
    }
    LP_BUF_LIT(b, "\"");
}

static void put_value(struct lp_buf *b, double v)
{
    LP_BUF_LIT(b, "} ");
    lp_num_put(b, v, 6);
    LP_BUF_LIT(b, "\n");
}

/* ---- by provider ---------------------------------------------------------------------------- */

static double grade(enum lp_health_state h)
{
    static const double grades[] = {[LP_HEALTH_UNKNOWN] = -1,
        [LP_HEALTH_UNHEALTHY] = 0,
        [LP_HEALTH_DEGRADED] = 1,
        [LP_HEALTH_HEALTHY] = 2};
    return grades[h];
}

static bool health_of(const struct lp_seat *s, double *v)
{
    *v = grade(s->health.state);
    return true;
}

static bool usable_of(const struct lp_seat *s, double *v)
{
    *v = s->usable;
    return true;
}

static bool latency_of(const struct lp_seat *s, double *v)
{
    *v = s->health.latency_ms / 1000;
    return s->health.success_count > 0;
}

static bool average_of(const struct lp_seat *s, double *v)
{
    *v = s->health.avg_latency_ms / 1000;
    return s->health.success_count > 0;
}

static bool successes_of(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.success_count;
    return true;
}

static bool failures_of(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.failure_count;
    return true;
}

static bool in_a_row_of(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.consecutive_failures;
    return true;
}

static bool success_at(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.last_success_at / 1000;
    return s->health.last_success_at > 0;
}

static bool failure_at(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.last_failure_at / 1000;
    return s->health.last_failure_at > 0;
}

static bool out_at(const struct lp_seat *s, double *v)
{
    *v = (double)s->health.out_until / 1000;
    return s->out != LP_CLASS_NONE;
}

static bool remaining_of(const struct lp_seat *s, double *v)
{
    *v = s->check.remaining;
    return s->checked && s->check.remaining >= 0;
}

static const struct {
    const char *name, *type, *help;
    bool (*value)(const struct lp_seat *s, double *v); /* false: not known */
} families[] = {
    {"provider_health", "gauge", "2 healthy, 1 degraded, 0 unhealthy, -1 unknown.", health_of},
    {"provider_usable", "gauge", "1 if the provider may be asked now.", usable_of},
    {"provider_latency_seconds", "gauge", "Latency of the last success.", latency_of},
    {"provider_latency_average_seconds", "gauge", "Moving average of the latency of successes.",
        average_of},
    {"provider_successes_total", "counter", "Requests that went well.", successes_of},
    {"provider_failures_total", "counter", "Requests the provider failed.", failures_of},
    {"provider_failures_in_a_row", "gauge", "Failures since the last success.", in_a_row_of},
    {"provider_last_success_timestamp_seconds", "gauge", "When it last went well.", success_at},
    {"provider_last_failure_timestamp_seconds", "gauge", "When it last failed.", failure_at},
    {"provider_out_until_timestamp_seconds", "gauge",
        "Until when the provider is not asked; only while it is out.", out_at},
    {"provider_credits_remaining", "gauge", "Credits left, as the last check was told.",
        remaining_of},
};

static void put_family(const struct lp_status *s, size_t f, struct lp_buf *b)
{
    double v;
    bool begun = false;
    for (size_t i = 0; i < s->n_chains; i++)
        for (size_t k = 0; k < s->chains[i].n; k++) {
            const struct lp_seat *seat = &s->chains[i].seats[k];
            if (!seat->lane || !families[f].value(seat, &v))
                continue;
            if (!begun)
                family(b, families[f].name, families[f].type, families[f].help);
            begun = true;
            lp_buf_printf(b, "leadpipe_%s", families[f].name);
            put_label(b, "capability", seat->provider->capability, true);
            put_label(b, "provider", seat->provider->name, false);
            put_value(b, v);
        }
}

/* ---- by chain, and in all ------------------------------------------------------------------- */

static void put_chains(const struct lp_status *s, struct lp_buf *b)
{
    family(b, "chain_health", "gauge", "2 healthy, 1 degraded, 0 unhealthy, -1 unknown.");
    for (size_t i = 0; i < s->n_chains; i++) {
        LP_BUF_LIT(b, "leadpipe_chain_health");
        put_label(b, "capability", s->chains[i].chain.capability, true);
        put_value(b, grade(s->chains[i].overall));
    }
    family(b, "chain_usable", "gauge", "1 if some provider of the chain may be asked now.");
    for (size_t i = 0; i < s->n_chains; i++) {
        LP_BUF_LIT(b, "leadpipe_chain_usable");
        put_label(b, "capability", s->chains[i].chain.capability, true);
        put_value(b, s->chains[i].usable);
    }
}

static void put_advice(const struct lp_status *s, struct lp_buf *b)
{
    size_t n[LP_CRITICAL + 1] = {0};
    for (size_t i = 0; i < s->n_advice; i++)
        n[s->advice[i].severity]++;
    family(b, "recommendations", "gauge", "What self-check recommends, by severity.");
    for (int v = LP_INFO; v <= LP_CRITICAL; v++) {
        LP_BUF_LIT(b, "leadpipe_recommendations");
        put_label(b, "severity", lp_severity_name((enum lp_severity)v), true);
        put_value(b, (double)n[v]);
    }
    family(b, "self_check_timestamp_seconds", "gauge", "When this was written.");
    LP_BUF_LIT(b, "leadpipe_self_check_timestamp_seconds ");
    lp_num_put(b, (double)s->now / 1000, 3);
    LP_BUF_LIT(b, "\n");
}

/* ---- the audit log's totals ----------------------------------------------------------------- */

struct totals {
    struct lp_buf requests, records, credits;
};

static void put_total(struct lp_buf *b, const char *name, const struct lp_state_total *t, double v)
{
    lp_buf_printf(b, "leadpipe_%s", name);
    put_label(b, "capability", t->capability, true);
    put_label(b, "provider", t->provider, false);
    put_label(b, "outcome", t->outcome, false);
    put_label(b, "error_class", t->class, false);
    put_value(b, v);
}

static int take_total(void *arg, const struct lp_state_total *t)
{
    struct totals *all = arg;
    put_total(&all->requests, "requests_total", t, (double)t->requests);
    put_total(&all->records, "records_total", t, (double)t->records);
    put_total(&all->credits, "credits_total", t, t->credits);
    return 0;
}

static int put_totals(const struct lp_status *s, struct lp_buf *b, struct lp_err *err)
{
    struct totals all = {0};
    if (!s->gateway.state)
        return 0;
    int r = lp_state_totals(s->gateway.state, take_total, &all, err);
    if (r == 0 && all.requests.len) {
        family(b, "requests_total", "counter", "Requests sent, by what came of them.");
        lp_buf_str(b, lp_buf_view(&all.requests));
        family(b, "records_total", "counter", "Records these requests were about.");
        lp_buf_str(b, lp_buf_view(&all.records));
        family(b, "credits_total", "counter", "Credits they cost.");
        lp_buf_str(b, lp_buf_view(&all.credits));
    }
    lp_buf_free(&all.requests);
    lp_buf_free(&all.records);
    lp_buf_free(&all.credits);
    return r;
}

int lp_status_prometheus(const struct lp_status *s, struct lp_buf *b, struct lp_err *err)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        put_family(s, f, b);
    put_chains(s, b);
    put_advice(s, b);
    int r = put_totals(s, b, err);
    lp_log_redact(b);
    return r;
}
