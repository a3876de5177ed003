/* tally - see leadpipe/tally.h */
#include "leadpipe/tally.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "leadpipe/mem.h"

#define FIRST 256  /* homes of the first table */
#define SLACK 1024 /* slots behind the last home, for the run that begins there */

static uint64_t hash_at(const struct lp_tally *t, size_t i)
{
    uint64_t h;
    memcpy(&h, t->slot + i * t->size, sizeof h);
    return h;
}

/* An empty slot is all zeros. */
static uint64_t never_zero(uint64_t hash)
{
    return hash ? hash : 1;
}

/* Monotone in the hash: the table stays sorted whatever its size. */
static size_t home(const struct lp_tally *t, uint64_t hash)
{
    return (size_t)(((unsigned __int128)hash * t->homes) >> 64);
}

void lp_tally_init(struct lp_tally *t, size_t payload)
{
    *t = (struct lp_tally){
        .size = sizeof(uint64_t) + payload, .homes = FIRST, .room = FIRST + SLACK};
    t->slot = lp_alloc(t->room * t->size);
}

void lp_tally_free(struct lp_tally *t)
{
    free(t->slot);
    *t = (struct lp_tally){0};
}

uint64_t lp_tally_seed(void)
{
    static const char anchor;
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed)
        seed = (uint64_t)(uintptr_t)&anchor;
    return seed;
}

size_t lp_tally_bytes(const struct lp_tally *t)
{
    return t->room * t->size;
}

/* All entries to the far end, in their order; the first of them. */
static size_t gather(struct lp_tally *t)
{
    size_t to = t->room;
    for (size_t i = t->room; i-- > 0;)
        if (hash_at(t, i) && --to != i)
            memcpy(t->slot + to * t->size, t->slot + i * t->size, t->size);
    return to;
}

/* Each entry to its home or behind the one before it. Reading stays ahead of writing. False if the
 * last ones had to stand before their homes. */
static bool spread(struct lp_tally *t, size_t from)
{
    size_t next = 0;
    bool good = true;
    for (; from < t->room; from++) {
        size_t at = home(t, hash_at(t, from));
        if (at < next)
            at = next;
        if (at > from) {
            good = false;
            at = from;
        }
        memset(t->slot + next * t->size, 0, (at - next) * t->size);
        if (at != from)
            memcpy(t->slot + at * t->size, t->slot + from * t->size, t->size);
        next = at + 1;
    }
    memset(t->slot + next * t->size, 0, (t->room - next) * t->size);
    return good;
}

/* More homes where the table is full; else, where the last run does not fit, more slack. Hashes that
 * are hashes do not come to that, and others find room in the end. */
static void grow(struct lp_tally *t, bool full)
{
    do {
        size_t old = t->room, slack = old - t->homes;
        t->homes += full ? t->homes / 4 : 0;
        t->room = t->homes + (full ? slack : 2 * slack);
        t->slot = lp_realloc_array(t->slot, t->room, t->size);
        memset(t->slot + old * t->size, 0, (t->room - old) * t->size);
        full = false;
    } while (!spread(t, gather(t)));
}

/* Where the hash stands, or where it would have to. */
static size_t place(const struct lp_tally *t, uint64_t hash)
{
    size_t i = home(t, hash);
    uint64_t h;
    while (i < t->room && (h = hash_at(t, i)) != 0 && h < hash)
        i++;
    return i;
}

/* Moves the run that begins at `at` one up; false if it reaches the end. */
static bool make_room(struct lp_tally *t, size_t at)
{
    size_t end = at;
    while (end < t->room && hash_at(t, end))
        end++;
    if (end >= t->room)
        return false;
    memmove(t->slot + (at + 1) * t->size, t->slot + at * t->size, (end - at) * t->size);
    return true;
}

void *lp_tally_make(struct lp_tally *t, uint64_t hash, bool *fresh)
{
    hash = never_zero(hash);
    size_t i = place(t, hash);
    *fresh = i >= t->room || hash_at(t, i) != hash;
    if (*fresh) {
        bool full;
        while ((full = t->n >= t->homes - t->homes / 5) || !make_room(t, i)) {
            grow(t, full);
            i = place(t, hash);
        }
        t->n++;
        memcpy(t->slot + i * t->size, &hash, sizeof hash);
        memset(t->slot + i * t->size + sizeof hash, 0, t->size - sizeof hash);
    }
    return t->slot + i * t->size + sizeof hash;
}

void *lp_tally_find(const struct lp_tally *t, uint64_t hash)
{
    hash = never_zero(hash);
    size_t i = place(t, hash);
    return i < t->room && hash_at(t, i) == hash ? t->slot + i * t->size + sizeof hash : NULL;
}

void lp_tally_expect(const struct lp_tally *t, uint64_t hash)
{
    __builtin_prefetch(t->slot + home(t, never_zero(hash)) * t->size);
}
