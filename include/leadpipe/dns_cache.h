/*
 * dns_cache - the domains of a run: waiting, on the wire, answered, remembered
 *
 * Owns: the cache owns its entries and their waiters; an entry lives until it is forgotten
 * Units: domains; milliseconds on the monotonic clock
 * Errors: none
 *
 * The memory of lib/sys/dns.c. A domain is always in exactly one of the lists.
 */
#ifndef LEADPIPE_DNS_CACHE_H
#define LEADPIPE_DNS_CACHE_H

#include "leadpipe/dns.h"

enum lp_dns_stage {
    LP_DNS_QUEUED,   /* to be sent */
    LP_DNS_ASKED,    /* on the wire, oldest first */
    LP_DNS_ANSWERED, /* not told yet */
    LP_DNS_KEPT,     /* remembered, most recently used first */
    LP_DNS_STAGES
};

struct lp_dns_waiter {
    lp_dns_done *done;
    void *arg;
    struct lp_dns_waiter *next;
};

struct lp_dns_entry {
    struct lp_dns_answer answer;
    struct lp_dns *dns;
    struct lp_dns_entry *prev, *next;            /* in its list */
    struct lp_dns_entry *chain;                  /* in its bucket */
    struct lp_dns_waiter *waiters, *last_waiter; /* in the order of asking */
    int64_t when; /* asked: the deadline; later: asked again after, 0: never */
    uint32_t hash;
    uint8_t stage;
    uint8_t question; /* one domain may be there with each of them */
    uint8_t step;     /* of the questions asked one after the other */
    uint8_t way;      /* of asking: 0 the usual one */
    bool on_wire;     /* the resolver still holds a pointer to it */
    uint8_t length;
    char domain[]; /* with a NUL */
};

struct lp_dns_list {
    struct lp_dns_entry *first, *last;
};

struct lp_dns_cache {
    struct lp_dns_list list[LP_DNS_STAGES];
    struct lp_dns_entry **bucket;
    struct lp_dns_waiter *spare;
    size_t entries, most;
    uint64_t seed;
};

void lp_dns_cache_init(struct lp_dns_cache *c, size_t most);
void lp_dns_cache_free(struct lp_dns_cache *c);

struct lp_dns_entry *lp_dns_cache_find(
    struct lp_dns_cache *c, enum lp_dns_question question, struct lp_str domain);
/* A new entry in LP_DNS_QUEUED. What was used least recently makes room. */
struct lp_dns_entry *lp_dns_cache_add(
    struct lp_dns_cache *c, enum lp_dns_question question, struct lp_str domain);
/* Adds a host to the answer, as "preference name" behind the others, each ended by NUL. False: it is
 * full. */
bool lp_dns_cache_put_host(struct lp_dns_entry *e, unsigned preference, const char *host);
/* To the end of the list of a stage; of LP_DNS_KEPT to the front. */
void lp_dns_cache_move(struct lp_dns_cache *c, struct lp_dns_entry *e, enum lp_dns_stage stage);

void lp_dns_cache_wait(
    struct lp_dns_cache *c, struct lp_dns_entry *e, lp_dns_done *done, void *arg);
/* Takes one waiter off the entry; false when there is none. */
bool lp_dns_cache_unwait(
    struct lp_dns_cache *c, struct lp_dns_entry *e, lp_dns_done **done, void **arg);
/* Takes every waiter with this arg off every entry. */
void lp_dns_cache_cancel(struct lp_dns_cache *c, const void *arg);

#endif
