#include "status.h"

#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/secret.h"

/* ---- setting up ----------------------------------------------------------------------------- */

static void take_seats(struct lp_status_chain *c)
{
    const struct lp_chain *from = &c->chain;
    size_t absent = 0;
    for (size_t i = 0; i <= from->n; i++) {
        for (; absent < from->n_absent && from->absent_at[absent] == i; absent++)
            c->seats[c->n++] = (struct lp_seat){.provider = from->absent[absent]};
        if (i < from->n)
            c->seats[c->n++] =
                (struct lp_seat){.provider = from->lanes[i]->provider, .lane = from->lanes[i]};
    }
}

/* A chain is made as its own program makes it; then it is kept beside the gateway. */
static int add_chain(struct lp_status *s, const struct lp_check_chain *from, struct lp_err *err)
{
    static const struct lp_ask_settings no_flags = {0};
    struct lp_gateway *g = &s->gateway;
    struct lp_status_chain *to = &s->chains[s->n_chains++];
    const struct lp_asking asking = {.capability = from->capability,
        .mode = from->mode,
        .drivers = from->drivers,
        .want = from->want,
        .field = from->field};
    g->asking = &asking;
    g->settings = &no_flags;
    g->chain = (struct lp_chain){0};
    int r = lp_chain_init(g, err);
    to->chain = g->chain;
    g->chain = (struct lp_chain){0};
    g->asking = NULL;
    take_seats(to);
    return r;
}

int lp_status_init(struct lp_status *s, struct lp_run *run, struct lp_err *err)
{
    const struct lp_check_chain *table = run->program->context;
    struct lp_gateway *g = &s->gateway;
    size_t n = 0;
    g->run = run;
    if (lp_config_load(&g->config, run->common.config, err))
        return -1;
    lp_gateway_rules(g);
    while (table[n].capability)
        n++;
    s->chains = lp_alloc(n * sizeof *s->chains);
    for (size_t i = 0; i < n; i++)
        if (add_chain(s, &table[i], err))
            return -1;
    return 0;
}

void lp_status_free(struct lp_status *s)
{
    struct lp_gateway *g = &s->gateway;
    lp_http_del(g->http); /* before the lanes: cancelled exchanges still point at them */
    for (size_t i = 0; i < s->n_chains; i++) {
        g->chain = s->chains[i].chain;
        lp_chain_free(g);
    }
    lp_secret_wipe();
    lp_adapter_del(s->defaults);
    lp_state_close(g->state);
    lp_config_free(&g->config);
    free(s->chains);
    free(s->advice);
}

/* ---- what is stored ------------------------------------------------------------------------- */

static bool refused(const struct lp_health *h)
{
    return h->consecutive_failures && !h->limit &&
           (h->error_class == LP_AUTH || h->error_class == LP_CONFIG);
}

/* May it be asked now? A limit that ends soon is only waited for. */
static bool usable(const struct lp_seat *seat, int64_t now)
{
    const struct lp_health *h = &seat->health;
    bool soon = seat->out == LP_RATE_LIMITED && h->out_until - now <= seat->provider->max_wait_ms;
    return seat->lane && (seat->out == LP_CLASS_NONE || soon) && !refused(h) &&
           h->state != LP_HEALTH_UNHEALTHY;
}

static int load_seat(struct lp_status *s, struct lp_seat *seat, struct lp_err *err)
{
    struct lp_state *state = s->gateway.state;
    const struct lp_provider *p = seat->provider;
    struct lp_state_check last;
    if (!seat->lane)
        return 0;
    if (!state) {
        seat->health = seat->lane->health;
    } else if (lp_state_health(state, p->capability, p->name, &seat->health, err)) {
        return -1;
    } else {
        int r = lp_state_last_check(state, p->capability, p->name, &last, err);
        if (r < 0)
            return -1;
        seat->checked = r > 0;
        if (r > 0)
            seat->check = last;
    }
    seat->out = lp_health_out(&seat->health, s->now);
    seat->usable = usable(seat, s->now);
    return 0;
}

static void judge(struct lp_status_chain *c)
{
    static const enum lp_health_state best_first[] = {
        LP_HEALTH_HEALTHY, LP_HEALTH_DEGRADED, LP_HEALTH_UNHEALTHY, LP_HEALTH_UNKNOWN};
    bool seen[LP_HEALTH_UNHEALTHY + 1] = {false};
    c->usable = false;
    for (size_t i = 0; i < c->n; i++) {
        c->usable |= c->seats[i].usable;
        if (c->seats[i].lane)
            seen[c->seats[i].health.state] = true;
    }
    c->overall = LP_HEALTH_UNKNOWN;
    for (size_t i = 4; i-- > 0;)
        if (seen[best_first[i]])
            c->overall = best_first[i];
}

static int take_operation(void *arg, const struct lp_state_entry *e)
{
    struct lp_status_chain *c = arg;
    c->recent[c->n_recent++] = *e;
    return 0;
}

static int add_total(void *arg, const struct lp_state_total *t)
{
    struct lp_status *s = arg;
    for (size_t i = 0; i < s->n_chains; i++)
        if (strcmp(s->chains[i].chain.capability, t->capability) == 0)
            s->chains[i].operations += t->requests;
    return 0;
}

static int take_check(void *arg, const struct lp_state_check *c)
{
    struct lp_status *s = arg;
    s->recent[s->n_recent++] = *c;
    return 0;
}

static int load_history(struct lp_status *s, struct lp_err *err)
{
    struct lp_state *state = s->gateway.state;
    if (!state)
        return 0;
    s->n_recent = 0;
    for (size_t i = 0; i < s->n_chains; i++) {
        struct lp_status_chain *c = &s->chains[i];
        c->n_recent = 0;
        c->operations = 0;
        if (lp_state_audit(
                state, c->chain.capability, LP_RECENT_OPERATIONS, take_operation, c, err))
            return -1;
    }
    if (lp_state_totals(state, add_total, s, err) ||
        lp_state_checks(state, LP_RECENT_CHECKS, take_check, s, err))
        return -1;
    return lp_state_count_checks(state, &s->n_checks, &s->good_checks, err);
}

int lp_status_load(struct lp_status *s, struct lp_err *err)
{
    s->now = lp_clock_now();
    for (size_t i = 0; i < s->n_chains; i++) {
        for (size_t k = 0; k < s->chains[i].n; k++)
            if (load_seat(s, &s->chains[i].seats[k], err))
                return -1;
        judge(&s->chains[i]);
    }
    if (load_history(s, err))
        return -1;
    lp_status_advise(s);
    return 0;
}

bool lp_status_unusable(const struct lp_status *s)
{
    for (size_t i = 0; i < s->n_chains; i++)
        if (!s->chains[i].usable)
            return true;
    return false;
}

bool lp_status_critical(const struct lp_status *s)
{
    for (size_t i = 0; i < s->n_advice; i++)
        if (s->advice[i].severity == LP_CRITICAL)
            return true;
    return false;
}
