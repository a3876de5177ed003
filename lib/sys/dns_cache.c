#include "leadpipe/dns_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/hash.h"

#define BUCKETS    ((size_t)1 << 16)
#define PACKED_MAX 1024

static void unlink_entry(struct lp_dns_cache *c, struct lp_dns_entry *e)
{
    struct lp_dns_list *l = &c->list[e->stage];

    *(e->prev ? &e->prev->next : &l->first) = e->next;
    *(e->next ? &e->next->prev : &l->last) = e->prev;
}

static void link_entry(struct lp_dns_cache *c, struct lp_dns_entry *e, enum lp_dns_stage stage)
{
    struct lp_dns_list *l = &c->list[stage];
    bool first = stage == LP_DNS_KEPT;

    e->stage = (uint8_t)stage;
    e->prev = first ? NULL : l->last;
    e->next = first ? l->first : NULL;
    *(e->prev ? &e->prev->next : &l->first) = e;
    *(e->next ? &e->next->prev : &l->last) = e;
}

void lp_dns_cache_move(struct lp_dns_cache *c, struct lp_dns_entry *e, enum lp_dns_stage stage)
{
    unlink_entry(c, e);
    link_entry(c, e, stage);
}

static uint32_t hash_of(
    const struct lp_dns_cache *c, enum lp_dns_question question, struct lp_str domain)
{
    return (uint32_t)lp_hash128_seeded(domain.p, domain.n, c->seed + question).lo;
}

struct lp_dns_entry *lp_dns_cache_find(
    struct lp_dns_cache *c, enum lp_dns_question question, struct lp_str domain)
{
    uint32_t hash = hash_of(c, question, domain);
    struct lp_dns_entry *e = c->bucket[hash % BUCKETS];

    while (e && !(e->hash == hash && e->question == question &&
                    lp_str_eq((struct lp_str){e->domain, e->length}, domain)))
        e = e->chain;
    return e;
}

static void free_waiters(struct lp_dns_waiter *w)
{
    while (w) {
        struct lp_dns_waiter *next = w->next;
        free(w);
        w = next;
    }
}

static void forget(struct lp_dns_cache *c, struct lp_dns_entry *e)
{
    struct lp_dns_entry **at = &c->bucket[e->hash % BUCKETS];

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    unlink_entry(c, e);
    c->entries--;
    free_waiters(e->waiters);
    free(e->answer.packed);
    free(e);
}

/* What the resolver still holds cannot go: it is put to the front instead. */
static void make_room(struct lp_dns_cache *c)
{
    struct lp_dns_entry *oldest;

    for (int i = 0; i < 64 && c->entries >= c->most; i++) {
        oldest = c->list[LP_DNS_KEPT].last;
        if (!oldest)
            return;
        if (oldest->on_wire)
            lp_dns_cache_move(c, oldest, LP_DNS_KEPT);
        else
            forget(c, oldest);
    }
}

struct lp_dns_entry *lp_dns_cache_add(
    struct lp_dns_cache *c, enum lp_dns_question question, struct lp_str domain)
{
    struct lp_dns_entry *e;

    make_room(c);
    e = lp_alloc(sizeof *e + domain.n + 1);
    e->hash = hash_of(c, question, domain);
    e->question = (uint8_t)question;
    e->length = (uint8_t)domain.n;
    memcpy(e->domain, domain.p, domain.n);
    e->chain = c->bucket[e->hash % BUCKETS];
    c->bucket[e->hash % BUCKETS] = e;
    c->entries++;
    link_entry(c, e, LP_DNS_QUEUED);
    return e;
}

/* Grown by what each takes: a buffer's spare room would outweigh the names over many thousand domains. */
bool lp_dns_cache_put_host(struct lp_dns_entry *e, unsigned preference, const char *host)
{
    struct lp_dns_answer *a = &e->answer;
    size_t used = 0, n = (size_t)snprintf(NULL, 0, "%u %s", preference, host) + 1;

    for (unsigned i = 0; i < a->hosts; i++)
        used += strlen(a->packed + used) + 1;
    if (a->hosts == LP_DNS_HOSTS || used + n > PACKED_MAX)
        return false;
    a->packed = lp_realloc(a->packed, used + n);
    snprintf(a->packed + used, n, "%u %s", preference, host);
    a->hosts++;
    return true;
}

const char *lp_dns_host(const struct lp_dns_answer *a, unsigned i, unsigned *preference)
{
    const char *p = a->packed;

    if (i >= a->hosts)
        return NULL;
    while (i--)
        p += strlen(p) + 1;
    if (preference)
        *preference = (unsigned)strtoul(p, NULL, 10);
    return strchr(p, ' ') + 1;
}

static void spare(struct lp_dns_cache *c, struct lp_dns_waiter *w)
{
    w->next = c->spare;
    c->spare = w;
}

void lp_dns_cache_wait(struct lp_dns_cache *c, struct lp_dns_entry *e, lp_dns_done *done, void *arg)
{
    struct lp_dns_waiter *w = c->spare;

    if (w)
        c->spare = w->next;
    else
        w = lp_alloc(sizeof *w);
    *w = (struct lp_dns_waiter){done, arg, NULL};
    *(e->waiters ? &e->last_waiter->next : &e->waiters) = w;
    e->last_waiter = w;
}

bool lp_dns_cache_unwait(
    struct lp_dns_cache *c, struct lp_dns_entry *e, lp_dns_done **done, void **arg)
{
    struct lp_dns_waiter *w = e->waiters;

    if (!w)
        return false;
    e->waiters = w->next;
    *done = w->done;
    *arg = w->arg;
    spare(c, w);
    return true;
}

static void cancel_at(struct lp_dns_cache *c, struct lp_dns_entry *e, const void *arg)
{
    for (struct lp_dns_waiter **at = &e->waiters, *w; (w = *at);) {
        if (w->arg == arg) {
            *at = w->next;
            spare(c, w);
        } else {
            e->last_waiter = w;
            at = &w->next;
        }
    }
}

void lp_dns_cache_cancel(struct lp_dns_cache *c, const void *arg)
{
    for (int stage = LP_DNS_QUEUED; stage < LP_DNS_KEPT; stage++)
        for (struct lp_dns_entry *e = c->list[stage].first; e; e = e->next)
            cancel_at(c, e, arg);
}

void lp_dns_cache_init(struct lp_dns_cache *c, size_t most)
{
    *c = (struct lp_dns_cache){.most = most};
    c->bucket = lp_alloc(BUCKETS * sizeof(struct lp_dns_entry *));
    /* Strangers choose the names; where this lies and when it began they do not know. */
    c->seed = (uint64_t)(uintptr_t)c->bucket ^ ((uint64_t)lp_clock_mono_us() << 20);
}

void lp_dns_cache_free(struct lp_dns_cache *c)
{
    for (int stage = 0; stage < LP_DNS_STAGES; stage++)
        while (c->list[stage].first)
            forget(c, c->list[stage].first);
    free_waiters(c->spare);
    free(c->bucket);
}
