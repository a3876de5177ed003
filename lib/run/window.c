/* window - see leadpipe/window.h */
#include "leadpipe/window.h"

#include <stdlib.h>

/*
 * In order: the slots are a ring, claimed at its end and released at its start.
 * Unordered: free slots lie on a stack, finished ones stand in a queue; `order` holds both, the
 * stack growing from its start and the queue running round in `queue`.
 */
struct lp_window {
    struct lp_slot *slot;
    size_t slots, used, first; /* first: oldest slot in use (in order), head of the queue (not) */
    size_t bytes, max_bytes;
    bool unordered;
    uint32_t *idle;  /* unordered: stack of free slots */
    uint32_t *queue; /* unordered: ring of finished ones */
    size_t queued;
};

struct lp_window *lp_window_new(size_t slots, size_t max_bytes, bool unordered)
{
    struct lp_window *w = lp_alloc(sizeof *w);
    w->slots = slots ? slots : 1;
    w->max_bytes = max_bytes;
    w->unordered = unordered;
    w->slot = lp_alloc(w->slots * sizeof *w->slot);
    w->idle = lp_alloc(w->slots * sizeof *w->idle);
    w->queue = lp_alloc(w->slots * sizeof *w->queue);
    for (size_t i = 0; i < w->slots; i++) {
        w->slot[i].index = (uint32_t)i;
        w->idle[i] = (uint32_t)(w->slots - 1 - i);
    }
    return w;
}

void lp_window_del(struct lp_window *w, void (*del_work)(void *))
{
    if (!w)
        return;
    for (size_t i = 0; i < w->slots; i++) {
        lp_rec_free(&w->slot[i].rec);
        if (del_work && w->slot[i].work)
            del_work(w->slot[i].work);
    }
    free(w->slot);
    free(w->idle);
    free(w->queue);
    free(w);
}

size_t lp_window_used(const struct lp_window *w)
{
    return w->used;
}

bool lp_window_full(const struct lp_window *w)
{
    /* A record larger than the bound goes through alone rather than never. */
    return w->used == w->slots || (w->used > 0 && w->bytes >= w->max_bytes);
}

struct lp_slot *lp_window_claim(struct lp_window *w)
{
    if (lp_window_full(w))
        return NULL;
    size_t at = w->unordered ? w->idle[w->slots - w->used - 1] : (w->first + w->used) % w->slots;
    struct lp_slot *s = &w->slot[at];
    w->used++;
    s->busy = true;
    s->done = false;
    s->bytes = 0;
    return s;
}

void lp_window_charge(struct lp_window *w, struct lp_slot *s, size_t bytes)
{
    w->bytes += bytes - s->bytes;
    s->bytes = bytes;
}

void lp_window_done(struct lp_window *w, struct lp_slot *s)
{
    if (s->done || !s->busy)
        return;
    s->done = true;
    if (w->unordered)
        w->queue[(w->first + w->queued++) % w->slots] = s->index;
}

struct lp_slot *lp_window_ready(struct lp_window *w)
{
    if (w->unordered)
        return w->queued ? &w->slot[w->queue[w->first]] : NULL;
    struct lp_slot *s = &w->slot[w->first];
    return w->used && s->done ? s : NULL;
}

static void clear(struct lp_window *w, struct lp_slot *s)
{
    w->bytes -= s->bytes;
    s->bytes = 0;
    s->busy = s->done = false;
    lp_rec_reset(&s->rec);
    w->used--;
    if (w->unordered)
        w->idle[w->slots - w->used - 1] = s->index;
}

void lp_window_unclaim(struct lp_window *w, struct lp_slot *s)
{
    clear(w, s);
}

void lp_window_release(struct lp_window *w, struct lp_slot *s)
{
    if (s != lp_window_ready(w))
        return; /* only what _ready gave can go */
    w->first = (w->first + 1) % w->slots;
    if (w->unordered)
        w->queued--;
    clear(w, s);
}
