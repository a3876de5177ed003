#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/signals.h"
#include "leadpipe/utf8.h"
#include "status.h"

/*
 * Every provider's own check, all at once. Each is one request without a second try: a provider that
 * fails one request in two is to be seen as it is. What was found goes into health like any other
 * request, and into the table of checks.
 */

#define FDS_MAX 512
#define LATE_MS 500 /* a driver that does not end a call by its deadline is helped */

struct check {
    struct lp_call call; /* first */
    struct lp_seat *seat;
    int64_t began; /* mono */
    int64_t took;
    bool running, cancelled;
};

/* ---- one check ------------------------------------------------------------------------------ */

static void ended(struct lp_call *call)
{
    struct check *c = (struct check *)call;
    c->running = false;
    c->took = lp_clock_mono() - c->began;
}

static void begin(struct lp_status *s, struct check *c)
{
    struct lp_provider *p = c->seat->provider;
    const struct lp_driver *d = p->driver;
    struct lp_err err = {0};
    c->began = lp_clock_mono();
    c->call = (struct lp_call){.provider = p,
        .capability = p->capability,
        .check = true,
        .ended = ended,
        .deadline = c->began + p->timeout_ms,
        .gateway = &s->gateway,
        .retry_after_ms = -1,
        .credits = -1,
        .remaining = -1};
    c->running = true;
    if (lp_lane_open(c->seat->lane, &err)) {
        lp_call_error(&c->call, LP_CONFIG, err.msg);
    } else if (d->check) {
        d->check(p, &c->call);
    } else {
        c->call.nothing = !p->embedded;
        snprintf(c->call.detail, sizeof c->call.detail, "ready");
        lp_call_results(&c->call);
    }
}

static void cancel(struct check *c)
{
    const struct lp_driver *d = c->seat->provider->driver;
    if (d->cancel)
        d->cancel(c->seat->provider, &c->call);
    c->running = false;
    c->cancelled = true;
}

/* ---- what it showed ------------------------------------------------------------------------- */

static int64_t out_until(const struct lp_call *call, int64_t now)
{
    if (call->end != LP_CALL_ERROR)
        return 0;
    if (call->class == LP_QUOTA)
        return now + (call->retry_after_ms > 0 ? call->retry_after_ms : 3600 * 1000);
    if (call->class == LP_RATE_LIMITED && call->retry_after_ms > 0)
        return now + call->retry_after_ms;
    return 0;
}

static void describe(const struct lp_status *s, const struct check *c, struct lp_state_check *to)
{
    const struct lp_call *call = &c->call;
    const struct lp_provider *p = c->seat->provider;
    struct lp_buf detail = {.max = sizeof to->detail - 1};
    bool good = call->end == LP_CALL_RESULTS;
    lp_buf_puts(&detail, call->detail);
    lp_log_redact(&detail);
    *to = (struct lp_state_check){.at = lp_clock_real(),
        .outcome = good ? LP_OK : LP_ERROR,
        .class = good ? LP_CLASS_NONE : call->class,
        .http_status = call->http_status,
        .latency_ms = c->took,
        .remaining = call->remaining};
    snprintf(to->capability, sizeof to->capability, "%s", p->capability);
    snprintf(to->provider, sizeof to->provider, "%s", p->name);
    snprintf(to->run_id, sizeof to->run_id, "%s", s->gateway.run->id);
    lp_utf8_copy(to->detail, sizeof to->detail, lp_buf_view(&detail));
    lp_buf_free(&detail);
}

/* Without a state file the run itself is all the memory there is. */
static void remember(
    struct lp_status *s, const struct lp_seat *seat, const struct lp_observation *o)
{
    lp_health_fold(&seat->lane->health, o, &s->gateway.rules, 0.5);
    if (s->n_recent == LP_RECENT_CHECKS)
        memmove(s->recent, s->recent + 1, --s->n_recent * sizeof *s->recent);
    s->recent[s->n_recent++] = seat->check;
    s->n_checks++;
    s->good_checks += o->outcome == LP_OK;
}

static int record(struct lp_status *s, struct check *c, struct lp_err *err)
{
    struct lp_seat *seat = c->seat;
    struct lp_gateway *g = &s->gateway;
    struct lp_state_check *found = &seat->check;
    seat->no_check = c->call.nothing;
    if (c->call.nothing || c->cancelled)
        return 0;
    describe(s, c, found);
    seat->checked = true;
    struct lp_observation o = {.at = found->at,
        .outcome = found->outcome,
        .class = found->class,
        .latency_ms = found->latency_ms,
        .n = 1,
        .http_status = found->http_status,
        .method = "check",
        .no_word = c->call.remaining <= 0,
        .out_until = out_until(&c->call, found->at)};
    if (found->outcome == LP_ERROR)
        lp_utf8_copy(o.message, sizeof o.message, lp_str(found->detail));
    if (!g->state) {
        remember(s, seat, &o);
        return 0;
    }
    struct lp_state_batch batch = {.capability = seat->provider->capability,
        .provider = seat->provider->name,
        .run_id = g->run->id,
        .seen = &o,
        .n = 1,
        .rules = &g->rules,
        .check = found};
    return lp_state_observe(g->state, &batch, &seat->lane->health, err);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static struct check *all_checks(struct lp_status *s, size_t *n)
{
    struct check *all = NULL;
    *n = 0;
    for (size_t i = 0; i < s->n_chains; i++)
        *n += s->chains[i].chain.n;
    all = lp_alloc((*n + 1) * sizeof *all);
    struct check *c = all;
    for (size_t i = 0; i < s->n_chains; i++)
        for (size_t k = 0; k < s->chains[i].n; k++)
            if (s->chains[i].seats[k].lane)
                (c++)->seat = &s->chains[i].seats[k];
    return all;
}

static int64_t next_due(const struct check *all, size_t n)
{
    int64_t due = INT64_MAX;
    for (size_t i = 0; i < n; i++)
        if (all[i].running && all[i].call.deadline + LATE_MS < due)
            due = all[i].call.deadline + LATE_MS;
    return due;
}

static int wait_for_events(struct lp_gateway *g, struct check *all, size_t n, struct lp_err *err)
{
    struct pollfd fds[FDS_MAX] = {{.fd = lp_signals_fd(), .events = POLLIN}};
    unsigned used = 1;
    int64_t left = next_due(all, n) - lp_clock_mono();
    int timeout = left < 0 ? 0 : left > 1000 ? 1000 : (int)left;
    for (size_t i = 0; i < n; i++) {
        struct lp_provider *p = all[i].seat->provider;
        if (!all[i].seat->lane->opened)
            continue;
        if (p->driver->fds)
            used += p->driver->fds(p, fds + used, FDS_MAX - used);
        int t = p->driver->timeout ? p->driver->timeout(p) : -1;
        if (t >= 0 && t < timeout)
            timeout = t;
    }
    if (g->http && lp_http_in_flight(g->http)) {
        if (lp_http_poll(g->http, fds, used, timeout, err))
            return -1;
    } else if (poll(fds, used, timeout) < 0) {
        for (unsigned i = 0; i < used; i++) /* EINTR: nothing is known of the descriptors */
            fds[i].revents = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct lp_provider *p = all[i].seat->provider;
        if (all[i].seat->lane->opened && p->driver->dispatch)
            p->driver->dispatch(p, fds, used);
    }
    lp_signals_drain();
    return 0;
}

static void see_to_late(struct check *all, size_t n, bool stop)
{
    int64_t now = lp_clock_mono();
    for (size_t i = 0; i < n; i++) {
        struct check *c = &all[i];
        if (!c->running || (!stop && now < c->call.deadline + LATE_MS))
            continue;
        cancel(c);
        if (stop)
            continue;
        c->cancelled = false;
        lp_call_error(&c->call, LP_TIMEOUT, "no answer in time");
    }
}

int lp_status_check(struct lp_status *s, struct lp_err *err)
{
    size_t n;
    struct check *all = all_checks(s, &n);
    int r = 0;
    for (size_t i = 0; i < n; i++)
        begin(s, &all[i]);
    while (r == 0 && next_due(all, n) != INT64_MAX) {
        r = wait_for_events(&s->gateway, all, n, err);
        see_to_late(all, n, lp_signals_stop());
    }
    see_to_late(all, n, true);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = record(s, &all[i], err);
    free(all);
    return r;
}
