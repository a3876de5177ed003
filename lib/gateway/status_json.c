#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "status.h"

static void comma(struct lp_buf *b, size_t i)
{
    if (i)
        LP_BUF_LIT(b, ",");
}

static void put_time(struct lp_buf *b, const char *name, int64_t at)
{
    struct lp_buf text = {0};
    if (at)
        lp_clock_put(&text, at);
    if (at)
        lp_json_put_str(b, name, lp_buf_view(&text));
    else
        lp_json_put_raw(b, name, LP_STR("null"));
    lp_buf_free(&text);
}

/* Text or null: an empty string would be a value. */
static void put_text(struct lp_buf *b, const char *name, const char *text)
{
    if (text && *text)
        lp_json_put_str(b, name, lp_str(text));
    else
        lp_json_put_raw(b, name, LP_STR("null"));
}

static void put_count(struct lp_buf *b, const char *name, int64_t n)
{
    if (n)
        lp_json_put_int(b, name, n);
    else
        lp_json_put_raw(b, name, LP_STR("null"));
}

static void put_real(struct lp_buf *b, const char *name, double v, bool known, int decimals)
{
    if (known)
        lp_json_put_num(b, name, v, decimals);
    else
        lp_json_put_raw(b, name, LP_STR("null"));
}

/* ---- chains --------------------------------------------------------------------------------- */

static void put_health(struct lp_buf *b, const struct lp_health *h)
{
    bool once = h->success_count > 0;
    lp_json_put_str(b, "health", lp_str(lp_health_name(h->state)));
    lp_json_put_int(b, "consecutive_successes", h->consecutive_successes);
    lp_json_put_int(b, "consecutive_failures", h->consecutive_failures);
    lp_json_put_int(b, "success_count", h->success_count);
    lp_json_put_int(b, "failure_count", h->failure_count);
    put_real(b, "latency_ms", h->latency_ms, once, 3);
    put_real(b, "avg_latency_ms", h->avg_latency_ms, once, 3);
    put_time(b, "last_check_at", h->last_check_at);
    put_time(b, "last_success_at", h->last_success_at);
    put_time(b, "last_failure_at", h->last_failure_at);
    put_time(b, "failing_since", h->failing_since);
    put_text(b, "error_class", lp_class_name(h->error_class));
    put_text(b, "error_message", h->error_message);
    put_time(b, "out_until", h->out_until);
    put_text(b, "out_reason", lp_class_name(h->out_reason));
}

static void put_seat(struct lp_buf *b, const struct lp_seat *seat)
{
    const struct lp_provider *p = seat->provider;
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "provider", lp_str(p->name));
    lp_json_put_bool(b, "configured", seat->lane != NULL);
    lp_json_put_bool(b, "embedded", p->embedded);
    lp_json_put_bool(b, "usable", seat->usable);
    put_text(b, "missing", seat->lane ? NULL : p->missing);
    put_health(b, &seat->health);
    put_real(b, "remaining", seat->check.remaining, seat->checked && seat->check.remaining >= 0, 6);
    LP_BUF_LIT(b, "}");
}

/* With milliseconds also where they are none, so that a log sorts as text. */
static void put_moment(struct lp_buf *b, const char *name, int64_t at)
{
    struct lp_buf text = {0};
    lp_clock_put(&text, at);
    if (at % 1000 == 0) {
        text.len--;
        LP_BUF_LIT(&text, ".000Z");
    }
    lp_json_put_str(b, name, lp_buf_view(&text));
    lp_buf_free(&text);
}

void lp_status_put_entry(const struct lp_state_entry *e, struct lp_buf *b)
{
    LP_BUF_LIT(b, "{");
    put_moment(b, "at", e->at);
    lp_json_put_str(b, "run_id", lp_str(e->run_id));
    lp_json_put_str(b, "capability", lp_str(e->capability));
    lp_json_put_str(b, "method", lp_str(e->method));
    lp_json_put_str(b, "provider", lp_str(e->provider));
    lp_json_put_str(b, "outcome", lp_str(e->outcome));
    put_text(b, "error_class", e->class);
    put_count(b, "http_status", e->http_status);
    lp_json_put_int(b, "latency_ms", e->latency_ms);
    lp_json_put_int(b, "records", e->records);
    lp_json_put_num(b, "credits", e->credits, 6);
    LP_BUF_LIT(b, "}");
}

static void put_chain(struct lp_buf *b, const struct lp_status_chain *c)
{
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "capability", lp_str(c->chain.capability));
    lp_json_put_str(b, "overall_health", lp_str(lp_health_name(c->overall)));
    lp_json_key(b, "providers");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < c->n; i++) {
        comma(b, i);
        put_seat(b, &c->seats[i]);
    }
    LP_BUF_LIT(b, "]");
    lp_json_key(b, "recent_operations");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < c->n_recent; i++) {
        comma(b, i);
        lp_status_put_entry(&c->recent[i], b);
    }
    LP_BUF_LIT(b, "]");
    lp_json_put_int(b, "total_operations", c->operations);
    LP_BUF_LIT(b, "}");
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void put_check(struct lp_buf *b, const struct lp_state_check *c)
{
    LP_BUF_LIT(b, "{");
    put_time(b, "at", c->at);
    lp_json_put_str(b, "run_id", lp_str(c->run_id));
    lp_json_put_str(b, "capability", lp_str(c->capability));
    lp_json_put_str(b, "provider", lp_str(c->provider));
    lp_json_put_str(b, "outcome", lp_str(lp_outcome_name(c->outcome)));
    put_text(b, "error_class", lp_class_name(c->class));
    put_count(b, "http_status", c->http_status);
    lp_json_put_int(b, "latency_ms", c->latency_ms);
    put_text(b, "detail", c->detail);
    put_real(b, "remaining", c->remaining, c->remaining >= 0, 6);
    LP_BUF_LIT(b, "}");
}

static void put_recommendation(struct lp_buf *b, const struct lp_recommendation *r)
{
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "capability", lp_str(r->chain->chain.capability));
    put_text(b, "provider", r->seat ? r->seat->provider->name : NULL);
    lp_json_put_str(b, "status", lp_str(r->status));
    lp_json_put_str(b, "issue", lp_str(r->issue));
    lp_json_put_str(b, "action", lp_str(r->action));
    lp_json_put_str(b, "severity", lp_str(lp_severity_name(r->severity)));
    put_time(b, "since", r->since);
    LP_BUF_LIT(b, "}");
}

static void put_summary(struct lp_buf *b, const struct lp_status *s)
{
    int64_t tracked = 0;
    double good = s->n_checks ? 100.0 * (double)s->good_checks / (double)s->n_checks : 0;
    for (size_t i = 0; i < s->n_chains; i++)
        tracked += (int64_t)s->chains[i].chain.n;
    lp_json_key(b, "summary");
    LP_BUF_LIT(b, "{");
    lp_json_put_int(b, "total_providers_tracked", tracked);
    lp_json_put_int(b, "total_checks_recorded", s->n_checks);
    put_real(b, "success_rate_percent", good, s->n_checks > 0, 1);
    lp_json_put_int(b, "active_recommendations", (int64_t)s->n_advice);
    LP_BUF_LIT(b, "}");
}

void lp_status_json(const struct lp_status *s, struct lp_buf *b)
{
    LP_BUF_LIT(b, "{");
    put_time(b, "timestamp", s->now);
    put_summary(b, s);
    lp_json_key(b, "chains");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < s->n_chains; i++) {
        comma(b, i);
        put_chain(b, &s->chains[i]);
    }
    LP_BUF_LIT(b, "]");
    lp_json_key(b, "recent_checks");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < s->n_recent; i++) {
        comma(b, i);
        put_check(b, &s->recent[i]);
    }
    LP_BUF_LIT(b, "]");
    lp_json_key(b, "recommendations");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < s->n_advice; i++) {
        comma(b, i);
        put_recommendation(b, &s->advice[i]);
    }
    LP_BUF_LIT(b, "]");
    LP_BUF_LIT(b, "}");
    lp_log_redact(b);
}
