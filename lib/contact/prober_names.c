/* prober_names - see prober.h */
#include <stdlib.h>
#include "leadpipe/hash.h"
#include "prober.h"

#define BUCKETS ((size_t)1 << 14)
#define MOST    20000

void lp_prober_names_init(struct lp_prober_names *t, size_t size)
{
    *t = (struct lp_prober_names){.size = size};
    t->bucket = lp_alloc(BUCKETS * sizeof *t->bucket);
}

static void unlink_name(struct lp_prober_names *t, struct lp_prober_name *e)
{
    *(e->newer ? &e->newer->older : &t->newest) = e->older;
    *(e->older ? &e->older->newer : &t->oldest) = e->newer;
}

static void link_newest(struct lp_prober_names *t, struct lp_prober_name *e)
{
    e->newer = NULL;
    e->older = t->newest;
    *(t->newest ? &t->newest->newer : &t->oldest) = e;
    t->newest = e;
}

static void forget(struct lp_prober_names *t, struct lp_prober_name *e)
{
    struct lp_prober_name **at = &t->bucket[e->hash % BUCKETS];

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    unlink_name(t, e);
    t->n--;
    free(e->text);
    free(e);
}

/* The busy ones are as many as there are records in work: a few steps find one that is not. */
static void make_room(struct lp_prober_names *t)
{
    struct lp_prober_name *e = t->oldest;

    while (e && e->busy)
        e = e->newer;
    if (e && t->n >= MOST)
        forget(t, e);
}

void *lp_prober_names_get(struct lp_prober_names *t, struct lp_str text)
{
    uint32_t hash = (uint32_t)lp_hash128_seeded(text.p, text.n, (uintptr_t)t->bucket).lo;
    struct lp_prober_name *e = t->bucket[hash % BUCKETS];

    while (e && !(e->hash == hash && lp_str_is(text, e->text)))
        e = e->chain;
    if (e) {
        unlink_name(t, e);
    } else {
        make_room(t);
        e = lp_alloc(t->size);
        e->text = lp_strndup(text.p, text.n);
        e->hash = hash;
        e->chain = t->bucket[hash % BUCKETS];
        t->bucket[hash % BUCKETS] = e;
        t->n++;
    }
    link_newest(t, e);
    return e;
}

void lp_prober_names_free(struct lp_prober_names *t)
{
    while (t->newest)
        forget(t, t->newest);
    free(t->bucket);
}
