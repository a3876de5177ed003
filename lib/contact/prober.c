/* prober - see prober.h */
#include "prober.h"

#include <stdlib.h>
#include "leadpipe/clock.h"

/* --- lists ----------------------------------------------------------------------------------- */

void lp_prober_list_add(struct lp_prober_list *l, struct lp_prober_target *t, bool front)
{
    t->list = l;
    t->prev = front ? NULL : l->last;
    t->next = front ? l->first : NULL;
    *(t->prev ? &t->prev->next : &l->first) = t;
    *(t->next ? &t->next->prev : &l->last) = t;
}

struct lp_prober_target *lp_prober_list_take(struct lp_prober_list *l, struct lp_prober_target *t)
{
    if (!t)
        return NULL;
    *(t->prev ? &t->prev->next : &l->first) = t->next;
    *(t->next ? &t->next->prev : &l->last) = t->prev;
    t->list = NULL;
    return t;
}

/* --- records --------------------------------------------------------------------------------- */

/* One host, one connection: however its name is written. */
static char *lower(char *name)
{
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c + ('a' - 'A'));
    return name;
}

struct lp_prober_target *lp_prober_target_new(
    struct lp_prober *p, const struct lp_address *address, const struct lp_dns_answer *mx)
{
    struct lp_prober_target *t = lp_alloc(sizeof *t);
    const char *host;

    t->address = *address;
    t->verdict.reason = LP_REASON_NOT_PROBED;
    t->domain = lp_prober_names_get(&p->domains, lp_address_domain(address));
    t->domain->users++;
    t->domain->name.busy = true;
    for (unsigned i = 0; (host = lp_dns_host(mx, i, NULL)); i++)
        t->hosts[t->n_hosts++] = lower(lp_strdup(host));
    if (mx->kind == LP_DNS_IMPLICIT)
        t->hosts[t->n_hosts++] = lp_strdup(address->domain);
    return t;
}

static void target_del(struct lp_prober_target *t)
{
    t->domain->name.busy = --t->domain->users > 0;
    for (unsigned i = 0; i < t->n_hosts; i++)
        free(t->hosts[i]);
    free(t);
}

/* Whose host takes everything takes nothing in particular; a domain is asked that once. */
static void weigh_domain(struct lp_prober_target *t)
{
    struct lp_probe_verdict *v = &t->verdict;

    if (v->catch_all == LP_CHECK_NULL && v->smtp != LP_CHECK_NULL && !t->canary)
        v->catch_all = t->domain->catch_all;
    else if (!t->canary && v->catch_all != LP_CHECK_NULL)
        t->domain->catch_all = v->catch_all;
    if (v->reason == LP_REASON_OK && v->catch_all == LP_CHECK_TRUE)
        v->reason = LP_REASON_CATCH_ALL;
}

void lp_prober_finish(
    struct lp_prober *p, struct lp_prober_target *t, const struct lp_probe_verdict *v)
{
    t->verdict = *v;
    weigh_domain(t);
    lp_prober_list_add(&p->finished, t, false);
    if (!t->canary && p->canary == LP_CANARY_GOOD && ++p->since >= p->o.canary_every)
        p->canary = LP_CANARY_DUE;
}

void lp_prober_ask(struct lp_prober *p, const struct lp_address *address,
    const struct lp_dns_answer *mx, lp_prober_done *done, void *arg)
{
    struct lp_prober_target *t = lp_prober_target_new(p, address, mx);

    t->done = done;
    t->arg = arg;
    lp_prober_route(p, t);
}

/* --- cancelling ------------------------------------------------------------------------------ */

static void cancel_in(struct lp_prober_list *l, const void *arg)
{
    for (struct lp_prober_target *t = l->first, *next; t; t = next) {
        next = t->next;
        if (t->arg == arg && !t->canary)
            target_del(lp_prober_list_take(l, t));
    }
}

void lp_prober_cancel(struct lp_prober *p, const void *arg)
{
    cancel_in(&p->finished, arg);
    for (struct lp_prober_host *h = p->first; h; h = h->next)
        cancel_in(&h->queue, arg);
    for (size_t i = p->n_talks; i-- > 0;) {
        struct lp_prober_talk *c = p->talks[i];
        if (!c->target || c->target->arg != arg || c->target->canary)
            continue;
        target_del(c->target);
        c->target = NULL;
        lp_prober_talk_del(c);
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t pump(struct lp_prober *p)
{
    lp_prober_canary_pump(p);
    return lp_prober_hosts_pump(p);
}

unsigned lp_prober_fds(struct lp_prober *p, struct pollfd *fds, unsigned room)
{
    unsigned n = 0;

    pump(p);
    p->fresh = false;
    for (size_t i = 0; i < p->n_talks && n < room; i++)
        fds[n++] =
            (struct pollfd){.fd = p->talks[i]->tcp.fd, .events = lp_tcp_events(&p->talks[i]->tcp)};
    return n;
}

int lp_prober_timeout(struct lp_prober *p)
{
    int64_t due = pump(p), now = lp_clock_mono();

    if (p->finished.first || p->fresh)
        return 0;
    for (size_t i = 0; i < p->n_talks; i++) {
        struct lp_prober_talk *c = p->talks[i];
        due = sooner(due, c->target ? sooner(c->due, c->over) : c->due);
    }
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

static struct lp_prober_talk *talk_of(const struct lp_prober *p, int fd)
{
    for (size_t i = 0; i < p->n_talks; i++)
        if (p->talks[i]->tcp.fd == fd)
            return p->talks[i];
    return NULL;
}

static void tell(struct lp_prober *p)
{
    struct lp_prober_target *t;

    while ((t = lp_prober_list_take(&p->finished, p->finished.first))) {
        t->done(t->arg, &t->verdict);
        target_del(t);
    }
}

void lp_prober_dispatch(struct lp_prober *p, const struct pollfd *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct lp_prober_talk *c = fds[i].revents ? talk_of(p, fds[i].fd) : NULL;
        if (c)
            lp_prober_talk_turn(c, fds[i].revents);
    }
    for (size_t i = p->n_talks; i-- > 0;)
        lp_prober_talk_tick(p->talks[i], lp_clock_mono());
    pump(p);
    tell(p);
}

/* --- life ------------------------------------------------------------------------------------ */

struct lp_prober *lp_prober_new(
    const struct lp_prober_options *o, struct lp_dns *dns, struct lp_err *err)
{
    struct lp_prober *p = lp_alloc(sizeof *p);

    p->o = *o;
    p->dns = dns;
    lp_prober_names_init(&p->hosts, sizeof(struct lp_prober_host));
    lp_prober_names_init(&p->domains, sizeof(struct lp_prober_domain));
    if (o->good && o->bad) {
        p->good = *o->good;
        p->bad = *o->bad;
        p->canary = LP_CANARY_DUE;
    }
    p->o.good = p->o.bad = NULL;
    p->tls = lp_tls_context_new(err);
    if (p->tls)
        return p;
    lp_prober_del(p);
    return NULL;
}

static void empty(struct lp_prober_list *l)
{
    while (l->first)
        target_del(lp_prober_list_take(l, l->first));
}

/* Hosts that look for their address are forgotten by the resolver: it outlives nobody here. */
void lp_prober_del(struct lp_prober *p)
{
    if (!p)
        return;
    while (p->n_talks) {
        struct lp_prober_talk *c = p->talks[p->n_talks - 1];
        if (c->greeted && !c->target) {
            lp_prober_talk_part(c);
            continue;
        }
        if (c->target)
            target_del(c->target);
        lp_prober_talk_del(c);
    }
    lp_dns_cancel(p->dns, p);
    for (struct lp_prober_host *h = p->first; h; h = h->next) {
        lp_dns_cancel(p->dns, h);
        empty(&h->queue);
    }
    empty(&p->finished);
    lp_prober_names_free(&p->hosts);
    lp_prober_names_free(&p->domains);
    lp_tls_context_del(p->tls);
    free(p);
}
