#include <stdlib.h>
#include "gateway.h"

/*
 * Records that ask a provider the same thing at the same time: it is asked once. Who comes while another
 * is under way waits for that one's answer; who comes later finds it in the cache.
 */

#define BUCKETS 4096 /* the window holds some thousand records */

static struct lp_item **bucket_of(struct lp_lane *l, const struct lp_hash128 *key)
{
    if (!l->open)
        l->open = lp_alloc(BUCKETS * sizeof(struct lp_item *));
    return &l->open[key->lo % BUCKETS];
}

/* A recording keeps what each record asked for; without the cache nobody lives on another's answer. */
static bool wanted(const struct lp_lane *l)
{
    const struct lp_gateway *g = l->gateway;
    return !l->provider->embedded && !g->settings->no_cache && !g->recording;
}

void lp_twins_open(struct lp_lane *l, struct lp_item *item)
{
    if (!wanted(l))
        return;
    struct lp_item **bucket = bucket_of(l, &item->key);
    item->in_bucket = *bucket;
    item->open = true;
    *bucket = item;
}

bool lp_twins_join(struct lp_lane *l, struct lp_item *item)
{
    if (!wanted(l))
        return false;
    struct lp_item *first = *bucket_of(l, &item->key);
    while (first && memcmp(&first->key, &item->key, sizeof item->key) != 0)
        first = first->in_bucket;
    if (!first)
        return false;
    item->twin = first->twin;
    first->twin = item;
    return true;
}

static struct lp_str copy(struct lp_arena *a, struct lp_str s)
{
    return s.p ? lp_arena_str(a, s) : s;
}

static void take_over(struct lp_item *item, const struct lp_answer *from)
{
    struct lp_arena *a = &item->rec->arena;
    item->answer = *from;
    item->answer.data = copy(a, from->data);
    item->answer.confidence = copy(a, from->confidence);
    item->answer.detail = copy(a, from->detail);
    item->answer.credits = 0;
    item->answer.cached = true;
    if (from->outcome == LP_SKIPPED && from->class)
        item->task->asked--; /* nobody was asked */
}

void lp_twins_answer(struct lp_lane *l, struct lp_item *item)
{
    struct lp_item *twin = item->twin, *next;
    if (!item->open)
        return;
    struct lp_item **at = bucket_of(l, &item->key);
    while (*at != item)
        at = &(*at)->in_bucket;
    *at = item->in_bucket;
    item->open = false;
    for (; twin; twin = next) {
        next = twin->twin;
        twin->twin = NULL;
        take_over(twin, &item->answer);
        lp_chain_answered(l->gateway, twin);
    }
}
