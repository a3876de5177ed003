#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include "status.h"

/*
 * What to do about each provider that is not well. How grave it is follows from the provider's state
 * (a circuit that is open, credentials that are refused); what to do comes from the adapter, which
 * knows its vendor. Where the state says nothing (a limit was met) the adapter says how grave it is.
 * Nothing here is kept: once the provider answers well again there is nothing to say.
 */

static const char *const phrases[LP_CLASSES] = {[LP_CLASS_NONE] = "",
    [LP_AUTH] = "credentials refused",
    [LP_QUOTA] = "no credit left",
    [LP_RATE_LIMITED] = "too many requests",
    [LP_TIMEOUT] = "no answer in time",
    [LP_NETWORK] = "cannot be reached",
    [LP_DNS] = "its name is not found",
    [LP_TLS] = "its certificate is not trusted",
    [LP_SERVER] = "the service fails",
    [LP_BAD_RESPONSE] = "its answers are not understood",
    [LP_CONFIG] = "cannot be used as configured",
    [LP_CIRCUIT_OPEN] = "left alone for a while",
    [LP_BUDGET] = "over budget",
    [LP_STOPPED] = "stopped",
    [LP_BENCHED] = "taken out by an operator"};

const char *lp_class_phrase(enum lp_class c)
{
    return phrases[c];
}

const char *lp_severity_name(enum lp_severity v)
{
    static const char *const names[] = {"info", "warning", "critical"};
    return names[v];
}

/* ---- asking the adapter --------------------------------------------------------------------- */

struct answer {
    bool grave; /* it said how grave */
    enum lp_severity severity;
    struct lp_buf action;
};

static bool take_answer(struct lp_str reply, struct answer *a)
{
    struct lp_str v;
    if (lp_json_get(reply, "severity", &v))
        for (int i = LP_INFO; i <= LP_CRITICAL; i++)
            if (lp_json_is(v, lp_severity_name((enum lp_severity)i))) {
                a->severity = (enum lp_severity)i;
                a->grave = true;
            }
    lp_buf_reset(&a->action);
    return lp_json_get(reply, "action", &v) && lp_json_decode(v, &a->action) && a->action.len;
}

/* A failing function is no reason to say nothing of the provider: the defaults' word is taken. */
static bool ask(struct lp_adapter *adapter, const struct lp_seat *seat, enum lp_class class,
    int status, struct answer *a)
{
    struct lp_err err = {0};
    struct lp_buf out = {0}, until = {0};
    if (!adapter || lp_adapter_compile(adapter, LP_ADAPTER_CHECK, &err))
        return false;
    if (seat->out)
        lp_clock_put(&until, seat->health.out_until);
    struct lp_jq_part parts[] = {
        {.name = "call", .kind = LP_JQ_TEXT, .text = LP_STR("advise")},
        {.name = "capability", .kind = LP_JQ_TEXT, .text = lp_str(seat->provider->capability)},
        {.name = "class", .kind = LP_JQ_TEXT, .text = lp_str(lp_class_name(class))},
        {.name = "status", .kind = status ? LP_JQ_REAL : LP_JQ_NULL, .real = status},
        {.name = "detail", .kind = LP_JQ_TEXT, .text = lp_str(seat->health.error_message)},
        {.name = "until", .kind = seat->out ? LP_JQ_TEXT : LP_JQ_NULL, .text = lp_buf_view(&until)},
    };
    bool good = lp_jq_run(adapter->jq[LP_ADAPTER_CHECK], parts, 6, &out, &err) == 0 &&
                take_answer(lp_buf_view(&out), a);
    lp_buf_free(&out);
    lp_buf_free(&until);
    return good;
}

static struct answer advice_of(struct lp_status *s, const struct lp_seat *seat, enum lp_class class)
{
    struct lp_provider *p = seat->provider;
    struct answer a = {.severity = LP_WARNING};
    struct lp_err err = {0};
    int status = 0;
    if (s->gateway.state)
        lp_state_last_status(s->gateway.state, p->capability, p->name, &status, &err);
    else if (seat->checked)
        status = seat->check.http_status;
    if (p->driver->advise && p->driver->advise(class)) {
        lp_buf_puts(&a.action, p->driver->advise(class));
        return a;
    }
    if (ask(p->adapter, seat, class, status, &a))
        return a;
    if (!s->defaults && lp_adapter_open(&s->defaults, "defaults", &err) <= 0)
        s->defaults = NULL;
    if (!ask(s->defaults, seat, class, status, &a))
        lp_buf_puts(&a.action, "see the provider's own status page");
    return a;
}

/* ---- one recommendation --------------------------------------------------------------------- */

static struct lp_recommendation *add(struct lp_status *s, const struct lp_status_chain *chain,
    const struct lp_seat *seat, enum lp_severity severity, const char *status)
{
    s->advice = lp_realloc_array(s->advice, s->n_advice + 1, sizeof *s->advice);
    struct lp_recommendation *r = &s->advice[s->n_advice++];
    *r = (struct lp_recommendation){
        .chain = chain, .seat = seat, .severity = severity, .status = status};
    return r;
}

static void say(char *to, size_t room, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Texts may hold words of vendors: secrets are masked, and none of it is too long. */
static void say(char *to, size_t room, const char *fmt, ...)
{
    struct lp_buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    lp_buf_vprintf(&b, fmt, ap);
    va_end(ap);
    lp_log_redact(&b);
    lp_utf8_copy(to, room, lp_buf_view(&b));
    lp_buf_free(&b);
}
#define SAY(field, ...) say(field, sizeof(field), __VA_ARGS__)

static void advise_absent(
    struct lp_status *s, const struct lp_status_chain *chain, const struct lp_seat *seat)
{
    const struct lp_provider *p = seat->provider;
    struct lp_recommendation *r = add(s, chain, seat, LP_INFO, "not_configured");
    SAY(r->issue, "not configured: %s is not set", p->missing);
    SAY(r->action, "set %s to have %s asked", p->missing, p->name);
}

static void advise_benched(
    struct lp_status *s, const struct lp_status_chain *chain, const struct lp_seat *seat)
{
    struct lp_recommendation *r = add(s, chain, seat, LP_INFO, lp_class_name(LP_BENCHED));
    SAY(r->issue, "%s", lp_class_phrase(LP_BENCHED));
    SAY(r->action, "self-check --unbench %s puts it back", seat->provider->name);
}

static bool is_limit(enum lp_class c)
{
    return c == LP_RATE_LIMITED || c == LP_QUOTA;
}

enum lp_class lp_status_trouble(const struct lp_seat *seat)
{
    const struct lp_health *h = &seat->health;
    if (h->limit)
        return h->limit;
    if (h->consecutive_failures && h->error_class)
        return h->error_class;
    return is_limit(seat->out) ? seat->out : LP_CLASS_NONE;
}

/* Without a key, or with one that is refused, nothing will go well by itself. */
static bool is_critical(
    const struct lp_status_chain *chain, const struct lp_seat *seat, enum lp_class class)
{
    bool ill = seat->health.state == LP_HEALTH_UNHEALTHY && !seat->provider->embedded;
    return !chain->usable || ill || class == LP_AUTH || class == LP_CONFIG;
}

static void advise_ill(
    struct lp_status *s, const struct lp_status_chain *chain, const struct lp_seat *seat)
{
    const struct lp_health *h = &seat->health;
    enum lp_class class = lp_status_trouble(seat);
    if (!class)
        return;
    bool limited = is_limit(class);
    struct answer a = advice_of(s, seat, class);
    enum lp_severity severity = limited && a.grave ? a.severity : LP_WARNING;
    if (is_critical(chain, seat, class))
        severity = LP_CRITICAL;
    struct lp_recommendation *r =
        add(s, chain, seat, severity, limited ? lp_class_name(class) : lp_health_name(h->state));
    r->since = limited ? h->limited_since : h->failing_since;
    struct lp_buf until = {0};
    if (limited && seat->out)
        lp_clock_put(&until, h->out_until / 1000 * 1000);
    bool own_words =
        !limited && h->error_message[0] && strcmp(h->error_message, lp_class_phrase(class)) != 0;
    SAY(r->issue, "%s%s%s%s%s", lp_class_phrase(class), own_words ? ": " : "",
        own_words ? h->error_message : "", until.len ? ", left alone until " : "",
        until.p ? until.p : "");
    SAY(r->action, "%s", a.action.p);
    lp_buf_free(&until);
    lp_buf_free(&a.action);
}

static void advise_chain(struct lp_status *s, const struct lp_status_chain *chain)
{
    struct lp_buf b = {0};
    if (chain->usable)
        return;
    struct lp_recommendation *r = add(s, chain, NULL, LP_CRITICAL, "unavailable");
    for (size_t i = 0; i < chain->n; i++)
        if (!chain->seats[i].lane)
            lp_buf_printf(&b, "%s%s", b.len ? ", " : "", chain->seats[i].provider->missing);
    SAY(r->issue, "%s", chain->chain.n ? "no provider can be asked" : "no provider is configured");
    if (chain->chain.n)
        SAY(r->action, "see to one of its providers%s%s", b.len ? ", or set one of " : "",
            b.len ? b.p : "");
    else
        SAY(r->action, "%s%s", b.len ? "set one of " : "name providers in the chain",
            b.len ? b.p : "");
    lp_buf_free(&b);
}

static void advise_seat(
    struct lp_status *s, const struct lp_status_chain *chain, const struct lp_seat *seat)
{
    if (!seat->lane)
        advise_absent(s, chain, seat);
    else if (seat->out == LP_BENCHED)
        advise_benched(s, chain, seat);
    else
        advise_ill(s, chain, seat);
}

static int gravest_first(const void *a, const void *b)
{
    const struct lp_recommendation *x = a, *y = b;
    if (x->severity != y->severity)
        return (int)y->severity - (int)x->severity;
    if (x->chain != y->chain)
        return x->chain < y->chain ? -1 : 1;
    return (x->seat > y->seat) - (x->seat < y->seat);
}

void lp_status_advise(struct lp_status *s)
{
    s->n_advice = 0;
    for (size_t i = 0; i < s->n_chains; i++) {
        const struct lp_status_chain *c = &s->chains[i];
        advise_chain(s, c);
        for (size_t k = 0; k < c->n; k++)
            advise_seat(s, c, &c->seats[k]);
    }
    if (s->n_advice)
        qsort(s->advice, s->n_advice, sizeof *s->advice, gravest_first);
}
