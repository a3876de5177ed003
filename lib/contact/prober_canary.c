/* prober_canary - see prober.h */
#include "leadpipe/log.h"
#include "prober.h"

/* Whom a canary is asked of: the good one first. */
static void ask(struct lp_prober *p, const struct lp_address *address);

static void pass(struct lp_prober *p)
{
    p->canary = LP_CANARY_GOOD;
    p->since = 0;
}

/* What is queued or under way is void too; what has been given out is beyond recall. */
static void fail(struct lp_prober *p, const char *why, const char *detail)
{
    struct lp_prober_target *t;

    p->canary = LP_CANARY_VOID;
    lp_log_warn(
        "%s: %s (%s): no probe of this run is believed from here on", p->o.name, why, detail);
    for (size_t i = p->n_talks; i-- > 0;) {
        struct lp_prober_talk *c = p->talks[i];
        if (c->target)
            lp_prober_list_add(&c->host->queue, c->target, true);
        c->target = NULL;
        lp_prober_talk_del(c);
    }
    for (struct lp_prober_host *h = p->first; h; h = h->next)
        while ((t = lp_prober_list_take(&h->queue, h->queue.first)))
            lp_prober_route(p, t);
}

/* No answer either way proves nothing: what an earlier canary showed stands, but one there must be. */
static void undecided(struct lp_prober *p, const struct lp_probe_verdict *v)
{
    if (p->ever_good)
        pass(p);
    else
        fail(p, "the known good address of the canary got no answer", v->detail);
}

static void on_bad(struct lp_prober *p, const struct lp_probe_verdict *v)
{
    if (v->smtp == LP_CHECK_TRUE) {
        fail(p, "the known bad address of the canary was taken", v->detail);
        return;
    }
    p->ever_good = true;
    pass(p);
}

static void on_good(struct lp_prober *p, const struct lp_probe_verdict *v)
{
    if (v->smtp == LP_CHECK_TRUE)
        ask(p, &p->bad);
    else if (v->smtp == LP_CHECK_FALSE || v->reason == LP_REASON_BLOCKED)
        fail(p, "the known good address of the canary was refused", v->detail);
    else
        undecided(p, v);
}

static void on_verdict(void *arg, const struct lp_probe_verdict *v)
{
    struct lp_prober *p = arg;
    bool good = !p->asks_bad;

    if (good)
        on_good(p, v);
    else
        on_bad(p, v);
}

static void start(struct lp_prober *p, const struct lp_dns_answer *mx)
{
    static const struct lp_probe_verdict nowhere = {
        .reason = LP_REASON_NOT_PROBED, .detail = "its domain takes no mail, or DNS fails"};
    const struct lp_address *address = p->asks_bad ? &p->bad : &p->good;
    struct lp_prober_target *t;

    if (mx->kind != LP_DNS_MX && mx->kind != LP_DNS_IMPLICIT) {
        on_verdict(p, &nowhere);
        return;
    }
    t = lp_prober_target_new(p, address, mx);
    t->canary = true;
    t->done = on_verdict;
    t->arg = p;
    lp_prober_route(p, t);
}

static void on_mx(void *arg, const struct lp_dns_answer *mx)
{
    start(arg, mx);
}

static void ask(struct lp_prober *p, const struct lp_address *address)
{
    const struct lp_dns_answer *mx;

    p->canary = LP_CANARY_OUT;
    p->asks_bad = address == &p->bad;
    mx = lp_dns_mx(p->dns, lp_address_domain(address), on_mx, p);
    if (mx)
        start(p, mx);
}

static bool somebody_waits(const struct lp_prober *p)
{
    for (const struct lp_prober_host *h = p->first; h; h = h->next)
        if (h->queue.first)
            return true;
    return false;
}

void lp_prober_canary_pump(struct lp_prober *p)
{
    if (p->canary == LP_CANARY_DUE && somebody_waits(p))
        ask(p, &p->good);
}
