/* prober_host - see prober.h */
#include <stdio.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "prober.h"

#define DOWN_MS    300000 /* a host that could not be used is left alone that long */
#define MUTE_MS    60000
#define BUSY_MS    50 /* every socket is in use: look again then */
#define SILENT_MAX 12 /* hosts in a row: then it is our side that is closed */

/* --- what has something to do ---------------------------------------------------------------- */

static void activate(struct lp_prober_host *h)
{
    struct lp_prober *p = h->prober;

    if (h->active)
        return;
    h->active = h->name.busy = p->moved = true;
    h->prev = NULL;
    h->next = p->first;
    if (p->first)
        p->first->prev = h;
    p->first = h;
}

static void deactivate(struct lp_prober_host *h)
{
    *(h->prev ? &h->prev->next : &h->prober->first) = h->next;
    if (h->next)
        h->next->prev = h->prev;
    h->active = h->name.busy = false;
}

void lp_prober_route(struct lp_prober *p, struct lp_prober_target *t)
{
    struct lp_prober_host *h;

    if (p->canary == LP_CANARY_VOID) {
        static const struct lp_probe_verdict blocked = {
            .reason = LP_REASON_BLOCKED, .detail = "the canary failed"};
        lp_prober_finish(p, t, &blocked);
        return;
    }
    if (t->at >= t->n_hosts) {
        const struct lp_probe_verdict v = t->verdict;
        lp_prober_finish(p, t, &v);
        return;
    }
    h = lp_prober_names_get(&p->hosts, lp_str(t->hosts[t->at]));
    h->prober = p;
    activate(h);
    lp_prober_list_add(&h->queue, t, false);
}

/* --- hosts that cannot be used --------------------------------------------------------------- */

/* The first host's word stays: the others are its deputies. */
static void send_on(
    struct lp_prober *p, struct lp_prober_target *t, const struct lp_probe_verdict *v)
{
    if (t->verdict.reason == LP_REASON_NOT_PROBED)
        t->verdict = *v;
    t->at++;
    lp_prober_route(p, t);
}

static void send_all_on(struct lp_prober_host *h, const struct lp_probe_verdict *v)
{
    struct lp_prober_target *t;

    while ((t = lp_prober_list_take(&h->queue, h->queue.first)))
        send_on(h->prober, t, v);
}

void lp_prober_host_down(struct lp_prober_host *h, const struct lp_probe_verdict *v)
{
    h->down = *v;
    h->down_until = lp_clock_mono() + DOWN_MS;
    h->strikes = 0;
    h->at = 0;
}

static void note_silence(struct lp_prober *p)
{
    if (++p->silent < SILENT_MAX)
        return;
    p->mute_until = lp_clock_mono() + MUTE_MS;
    if (!p->told_mute)
        lp_log_warn("%s: %u mail hosts in a row cannot be reached: port %u seems to be closed here",
            p->o.name, p->silent, (unsigned)p->o.port);
    p->told_mute = true;
}

void lp_prober_host_failed(
    struct lp_prober_host *h, const struct lp_probe_verdict *v, bool unreachable)
{
    if (unreachable && ++h->at < h->n_addresses)
        return;
    if (unreachable)
        note_silence(h->prober);
    lp_prober_host_down(h, v);
}

/* --- addresses ------------------------------------------------------------------------------- */

static struct lp_probe_verdict no_address(enum lp_dns_kind kind)
{
    struct lp_probe_verdict v = {.reason = LP_REASON_NOT_PROBED};

    if (kind == LP_DNS_TIMEOUT)
        v.reason = LP_REASON_TIMEOUT;
    else if (kind > LP_DNS_TIMEOUT || kind == LP_DNS_SERVFAIL)
        v.reason = LP_REASON_PROVIDER_ERROR;
    snprintf(v.detail, sizeof v.detail, "no usable address of the mail host");
    return v;
}

static void take_addresses(struct lp_prober_host *h, const struct lp_dns_answer *a)
{
    const char *text;
    struct lp_probe_verdict v;

    h->n_addresses = h->at = 0;
    for (unsigned i = 0; h->n_addresses < LP_PROBER_ADDRESSES && (text = lp_dns_host(a, i, NULL));
         i++)
        if (h->prober->o.anywhere || lp_tcp_elsewhere(text))
            snprintf(h->address[h->n_addresses++], sizeof h->address[0], "%s", text);
    if (h->n_addresses)
        return;
    v = no_address(a->kind);
    lp_prober_host_down(h, &v);
}

static void on_addresses(void *arg, const struct lp_dns_answer *a)
{
    struct lp_prober_host *h = arg;

    h->resolving = false;
    take_addresses(h, a);
}

static void resolve(struct lp_prober_host *h)
{
    const struct lp_dns_answer *a =
        lp_dns_ask(h->prober->dns, LP_DNS_ADDRESSES, lp_str(h->name.text), on_addresses, h);

    if (a)
        take_addresses(h, a);
    else
        h->resolving = h->prober->fresh = true;
}

/* --- what can be done now -------------------------------------------------------------------- */

static bool is_muted(const struct lp_prober *p, int64_t now)
{
    return p->mute_until > now;
}

/* While the canary is out nobody else is sent. */
static struct lp_prober_target *next_target(const struct lp_prober_host *h)
{
    enum lp_prober_canary c = h->prober->canary;
    struct lp_prober_target *t = h->queue.first;

    while (t && !t->canary && (c == LP_CANARY_DUE || c == LP_CANARY_OUT))
        t = t->next;
    return t;
}

/* Over the connection there is, or by a new one. Returns when to look again; INT64_MAX: something
 * else will happen first. */
static int64_t ask_next(struct lp_prober_host *h, struct lp_prober_target *t, int64_t now)
{
    struct lp_prober_talk *c = h->talk;

    if (c && (c->target || !c->greeted))
        return INT64_MAX;
    if (h->next_at > now)
        return h->next_at;
    if (c)
        lp_prober_talk_ask(c, lp_prober_list_take(&h->queue, t));
    else if (h->n_addresses == 0)
        resolve(h);
    else if (!lp_prober_talk_begin(h, t))
        return now + BUSY_MS;
    return h->resolving || (h->talk && h->talk->target) ? INT64_MAX : now;
}

static int64_t pump_host(struct lp_prober_host *h)
{
    static const struct lp_probe_verdict closed = {
        .reason = LP_REASON_BLOCKED, .detail = "mail hosts cannot be reached from here"};
    struct lp_prober_target *t = next_target(h);
    int64_t now = lp_clock_mono();

    if (!t || h->resolving)
        return INT64_MAX;
    if (h->down_until > now) {
        send_all_on(h, &h->down);
        return INT64_MAX;
    }
    if (!h->talk && is_muted(h->prober, now)) {
        send_all_on(h, &closed);
        return INT64_MAX;
    }
    return ask_next(h, t, now);
}

static int64_t pump_all(struct lp_prober *p)
{
    int64_t due = INT64_MAX, at;
    struct lp_prober_host *next;

    p->moved = false;
    for (struct lp_prober_host *h = p->first; h; h = next) {
        at = pump_host(h);
        if (at < due)
            due = at;
        next = h->next;
        if (!h->queue.first && !h->talk && !h->resolving)
            deactivate(h);
    }
    return due;
}

/* A record sent on wakes a host that may lie behind us. */
int64_t lp_prober_hosts_pump(struct lp_prober *p)
{
    int64_t due;

    do
        due = pump_all(p);
    while (p->moved);
    return due;
}
