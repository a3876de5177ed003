/* prober_talk - see prober.h */
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "prober.h"

#define IDLE_MS     2000 /* a connection without work is kept for the next record that long */
#define TARGETS_MAX 50   /* asked over one connection */
#define STRIKES_MAX 3    /* bad ends in a row, then the host is left alone */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void lp_prober_talk_del(struct lp_prober_talk *c)
{
    struct lp_prober *p = c->host->prober;

    c->host->talk = NULL;
    p->talks[c->index] = p->talks[--p->n_talks];
    p->talks[c->index]->index = c->index;
    lp_tcp_close(&c->tcp);
    lp_probe_free(&c->probe);
    free(c);
}

static void say(struct lp_prober_talk *c)
{
    lp_tcp_send(&c->tcp, lp_buf_view(&c->probe.out));
    lp_buf_reset(&c->probe.out);
}

void lp_prober_talk_part(struct lp_prober_talk *c)
{
    lp_probe_quit(&c->probe);
    say(c);
    lp_prober_talk_del(c);
}

/* --- beginning ------------------------------------------------------------------------------- */

static bool free_a_socket(struct lp_prober *p)
{
    for (size_t i = 0; p->n_talks == LP_PROBER_SOCKETS && i < p->n_talks; i++)
        if (!p->talks[i]->target && p->talks[i]->greeted)
            lp_prober_talk_part(p->talks[i]);
    return p->n_talks < LP_PROBER_SOCKETS;
}

static void connected(struct lp_prober_talk *c)
{
    c->host->prober->silent = 0;
    c->due = lp_clock_mono() + c->host->prober->o.reply_ms;
}

bool lp_prober_talk_begin(struct lp_prober_host *h, struct lp_prober_target *t)
{
    struct lp_prober *p = h->prober;
    struct lp_prober_talk *c;
    int64_t now = lp_clock_mono();

    if (!free_a_socket(p))
        return false;
    c = lp_alloc(sizeof *c);
    c->host = h;
    c->target = lp_prober_list_take(&h->queue, t);
    c->over = now + p->o.total_ms;
    c->due = now + p->o.connect_ms;
    c->index = p->n_talks;
    h->talk = p->talks[p->n_talks++] = c;
    p->fresh = true;
    lp_probe_init(&c->probe, p->o.helo, p->o.mail_from, h->plain);
    lp_tcp_open(&c->tcp, h->address[h->at], p->o.port);
    if (c->tcp.state == LP_TCP_ENDED)
        c->due = now; /* it is told in its turn, like every other end */
    else if (c->tcp.state == LP_TCP_OPEN)
        connected(c);
    return true;
}

/* Long enough that nobody has it, and not to be guessed by a host that wants to please. */
static const char *nobody(char text[24])
{
    static const char set[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char r[20];

    if (getrandom(r, sizeof r, 0) != sizeof r)
        for (size_t i = 0; i < sizeof r; i++)
            r[i] = (unsigned char)(lp_clock_mono_us() >> i);
    for (size_t i = 0; i < sizeof r; i++)
        text[i] = set[r[i] % 32];
    text[sizeof r] = '\0';
    return text;
}

/* --- events ---------------------------------------------------------------------------------- */

static void on_event(struct lp_prober_talk *c, enum lp_probe_event e);

static void pace(struct lp_prober_talk *c)
{
    double each = 1000 / c->host->prober->o.rate;
    int64_t now = lp_clock_mono();
    int64_t from = c->host->next_at > now ? c->host->next_at : now;

    c->host->next_at = from + (int64_t)(each * c->probe.recipients);
}

void lp_prober_talk_ask(struct lp_prober_talk *c, struct lp_prober_target *t)
{
    struct lp_prober *p = c->host->prober;
    bool known = t->canary || t->domain->catch_all != LP_CHECK_NULL;
    char name[24];

    if (c->target != t)
        c->over = lp_clock_mono() + p->o.total_ms;
    c->target = t;
    c->targets++;
    on_event(c, lp_probe_ask(&c->probe, &t->address, known ? NULL : nobody(name)));
}

/* Whoever gives no usable answer time and again is left alone for a while. */
static void count_strike(struct lp_prober_talk *c, const struct lp_probe_verdict *v)
{
    struct lp_prober_host *h = c->host;

    if (v->smtp != LP_CHECK_NULL ||
        (v->reason != LP_REASON_BLOCKED && v->reason != LP_REASON_TIMEOUT &&
            v->reason != LP_REASON_PROVIDER_ERROR))
        h->strikes = 0;
    else if (++h->strikes >= STRIKES_MAX)
        lp_prober_host_down(h, v);
}

static void answered(struct lp_prober_talk *c)
{
    struct lp_prober_host *h = c->host;
    struct lp_prober_target *t = c->target;
    bool unlucky = c->probe.lost && c->targets > 1 && !t->retried;

    pace(c);
    c->target = NULL;
    c->due = lp_clock_mono() + IDLE_MS;
    if (unlucky) { /* hosts end a connection when they have been asked enough over it */
        t->retried = true;
        lp_prober_list_add(&h->queue, t, true);
    } else {
        count_strike(c, &c->probe.verdict);
        lp_prober_finish(h->prober, t, &c->probe.verdict);
    }
    if (c->probe.lost)
        lp_prober_talk_del(c);
    else if (c->probe.closed || c->targets >= TARGETS_MAX || h->down_until > lp_clock_mono())
        lp_prober_talk_part(c);
}

static void failed(struct lp_prober_talk *c, bool unreachable)
{
    struct lp_prober_host *h = c->host;
    struct lp_probe_verdict v = c->probe.verdict;

    if (c->target)
        lp_prober_list_add(&h->queue, c->target, true);
    c->target = NULL;
    say(c);
    lp_prober_talk_del(c);
    lp_prober_host_failed(h, &v, unreachable);
}

static void on_ready(struct lp_prober_talk *c)
{
    c->greeted = true;
    if (c->probe.closed)
        lp_prober_talk_del(c);
    else if (c->target)
        lp_prober_talk_ask(c, c->target);
    else
        c->due = lp_clock_mono() + IDLE_MS;
}

static void on_event(struct lp_prober_talk *c, enum lp_probe_event e)
{
    struct lp_prober *p = c->host->prober;

    if (e == LP_PROBE_WAIT || e == LP_PROBE_SECURE)
        c->due = lp_clock_mono() + p->o.reply_ms;
    if (e != LP_PROBE_FAILED && c->probe.out.len)
        say(c);
    switch (e) {
    case LP_PROBE_WAIT: break;
    case LP_PROBE_SECURE: lp_tcp_secure(&c->tcp, p->tls, c->host->name.text); break;
    case LP_PROBE_READY: on_ready(c); break;
    case LP_PROBE_ANSWERED: answered(c); break;
    case LP_PROBE_FAILED: failed(c, false); break;
    }
}

/* --- the socket ------------------------------------------------------------------------------ */

static const struct {
    enum lp_verification_reason reason;
    const char *detail;
    bool unreachable;
} fates[] = {
    [LP_TCP_GOING] = {LP_REASON_TIMEOUT, "no answer in time", false},
    [LP_TCP_REFUSED] = {LP_REASON_BLOCKED, "connection refused", true},
    [LP_TCP_UNREACHABLE] = {LP_REASON_BLOCKED, "no way to the mail host", true},
    [LP_TCP_SILENT] = {LP_REASON_TIMEOUT, "no connection in time", true},
    [LP_TCP_CLOSED] = {LP_REASON_PROVIDER_ERROR, "the host ended the connection", false},
    [LP_TCP_BAD_TLS] = {LP_REASON_PROVIDER_ERROR, "the TLS handshake failed", false},
};

static void end(struct lp_prober_talk *c, enum lp_tcp_fate fate)
{
    struct lp_prober_host *h = c->host;
    bool refused = fate == LP_TCP_CLOSED && c->probe.state == LP_PROBE_STARTTLS;
    bool again = (fate == LP_TCP_BAD_TLS || refused) && !h->plain;
    enum lp_probe_event e = lp_probe_end(&c->probe, fates[fate].reason, fates[fate].detail);

    if (again) { /* in the clear, then: nothing here is secret */
        h->plain = true;
        lp_prober_list_add(&h->queue, c->target, true);
        c->target = NULL;
        lp_prober_talk_del(c);
    } else if (e == LP_PROBE_FAILED) {
        failed(c, fates[fate].unreachable);
    } else {
        on_event(c, e);
    }
}

static void tell_certificate(struct lp_prober_talk *c)
{
    const char *trouble = lp_tls_trouble(c->tcp.tls);

    if (!c->host->told)
        lp_log_verbose("%s: %s: %s, certificate %s%s", c->host->prober->o.name, c->host->name.text,
            lp_tls_protocol(c->tcp.tls), trouble ? "not verified: " : "verified",
            trouble ? trouble : "");
    c->host->told = true;
}

static void see_state(struct lp_prober_talk *c, enum lp_tcp_state before)
{
    if (before == LP_TCP_CONNECTING && c->tcp.state == LP_TCP_OPEN) {
        connected(c);
    } else if (before == LP_TCP_SECURING && c->tcp.state == LP_TCP_OPEN) {
        tell_certificate(c);
        lp_buf_reset(&c->tcp.in); /* a server speaks when it is spoken to */
        on_event(c, lp_probe_secured(&c->probe));
    }
}

/* Is the connection still there? Events may end it. */
static bool lives(const struct lp_prober_host *h, const struct lp_prober_talk *c)
{
    return h->talk == c;
}

void lp_prober_talk_turn(struct lp_prober_talk *c, short revents)
{
    struct lp_prober_host *h = c->host;
    enum lp_tcp_state before = c->tcp.state;
    enum lp_probe_event e;

    lp_tcp_turn(&c->tcp, revents);
    see_state(c, before);
    if (lives(h, c) && c->tcp.in.len) {
        e = lp_probe_feed(&c->probe, c->tcp.in.p, c->tcp.in.len);
        lp_buf_reset(&c->tcp.in);
        /* A reply that is not complete yet does not begin its time anew. */
        if (e != LP_PROBE_WAIT || c->probe.out.len)
            on_event(c, e);
    }
    if (lives(h, c) && c->tcp.state == LP_TCP_ENDED)
        end(c, c->tcp.fate);
}

void lp_prober_talk_tick(struct lp_prober_talk *c, int64_t now)
{
    if (c->target ? now < earlier(c->due, c->over) : now < c->due)
        return;
    if (c->tcp.state == LP_TCP_ENDED)
        end(c, c->tcp.fate);
    else if (!c->target && c->greeted)
        lp_prober_talk_part(c);
    else
        end(c, c->tcp.state == LP_TCP_CONNECTING ? LP_TCP_SILENT : LP_TCP_GOING);
}
