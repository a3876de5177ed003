#include "dedupe_table.h"
#include "leadpipe/hash.h"
#include <stdlib.h>
#include <sys/random.h>

enum {
    FIRST = 1024, /* homes of the first table */
    SLACK =
        512, /* slots behind the last home: fourteen standard deviations of what they must hold */
};

void lp_dedupe_init(struct lp_dedupe *d)
{
    *d = (struct lp_dedupe){.homes = FIRST, .room = FIRST + SLACK};
    d->slot = lp_alloc(d->room * sizeof(*d->slot));
    /* Whoever writes the file must not be able to choose keys that collide. */
    if (getrandom(&d->seed, sizeof(d->seed), GRND_NONBLOCK) != (ssize_t)sizeof(d->seed))
        d->seed = (uint64_t)(uintptr_t)d->slot;
}

void lp_dedupe_free(struct lp_dedupe *d)
{
    free(d->slot);
    *d = (struct lp_dedupe){0};
}

size_t lp_dedupe_bytes(const struct lp_dedupe *d)
{
    return d->room * sizeof(*d->slot);
}

static bool is_empty(struct lp_dedupe_slot s)
{
    return (s.hi | s.lo) == 0;
}

/* Monotone in the hash: the table stays sorted whatever its size. */
static size_t home(const struct lp_dedupe *d, uint64_t hi)
{
    return (size_t)(((unsigned __int128)hi * d->homes) >> 64);
}

/* Grows in place: all entries to the far end in their order, then each to its home or behind the
 * one before it. Reading stays ahead of writing, for there are more slots than entries. */
static void grow(struct lp_dedupe *d)
{
    size_t old = d->room, to;

    d->homes += d->homes / 5;
    d->room = d->homes + SLACK;
    d->slot = lp_realloc_array(d->slot, d->room, sizeof(*d->slot));
    memset(d->slot + old, 0, (d->room - old) * sizeof(*d->slot));
    to = d->room;
    for (size_t i = old; i-- > 0;) {
        struct lp_dedupe_slot s = d->slot[i];
        d->slot[i] = (struct lp_dedupe_slot){0, 0};
        if (!is_empty(s))
            d->slot[--to] = s;
    }
    for (size_t from = to, next = 0; from < d->room; from++) {
        struct lp_dedupe_slot s = d->slot[from];
        d->slot[from] = (struct lp_dedupe_slot){0, 0};
        size_t at = home(d, s.hi);
        if (at < next)
            at = next;
        if (at > from)
            at = from;
        d->slot[at] = s;
        next = at + 1;
    }
}

/* Makes room at `at` by moving the run there one up; false if it reaches the end. */
static bool open_slot(struct lp_dedupe *d, size_t at)
{
    size_t end = at;

    while (end < d->room && !is_empty(d->slot[end]))
        end++;
    if (end == d->room)
        return false;
    memmove(d->slot + at + 1, d->slot + at, (end - at) * sizeof(*d->slot));
    return true;
}

struct lp_dedupe_slot *dedupe_slot(
    struct lp_dedupe *d, struct lp_dedupe_slot want, uint64_t mask, bool *fresh)
{
    for (;;) {
        size_t at = home(d, want.hi);
        while (at < d->room && !is_empty(d->slot[at]) && d->slot[at].hi < want.hi)
            at++;
        for (; at < d->room && !is_empty(d->slot[at]) && d->slot[at].hi == want.hi; at++)
            if (((d->slot[at].lo ^ want.lo) & mask) == 0) {
                *fresh = false;
                return d->slot + at;
            }
        if (d->keys < d->homes - d->homes / 8 && at < d->room && open_slot(d, at)) {
            d->keys++;
            d->slot[at] = want;
            *fresh = true;
            return d->slot + at;
        }
        grow(d);
    }
}

struct lp_dedupe_slot lp_dedupe_announce(const struct lp_dedupe *d, struct lp_str key)
{
    struct lp_hash128 h = lp_hash128_seeded(key.p, key.n, d->seed);

    __builtin_prefetch(d->slot + home(d, h.hi));
    /* Both zero means an empty slot. */
    return (struct lp_dedupe_slot){h.hi, h.lo | 1};
}

bool lp_dedupe_add_slot(struct lp_dedupe *d, struct lp_dedupe_slot slot)
{
    bool fresh;

    dedupe_slot(d, slot, DEDUPE_ALL, &fresh);
    return fresh;
}

bool lp_dedupe_add(struct lp_dedupe *d, struct lp_str key)
{
    return lp_dedupe_add_slot(d, lp_dedupe_announce(d, key));
}
