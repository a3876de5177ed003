/*
 * dedupe - which contacts were seen before, and what becomes of the second one
 *
 * Owns: the set owns its table; the spool owns its temporary file (tempfile.h)
 * Units: 16 bytes a key in a table never less than 73 % full while it grows: at most 22 bytes a key
 * Errors: LP_ERR_IO for the temporary file; the set has none (out of memory ends the program)
 * Source: ordered linear probing (Amble and Knuth, 1974): the table is sorted by hash, so it grows
 * in place, without a second table beside it
 *
 * Keys are kept as hashes: 128 bits for the set, 88 for the spool (whose entries also say where the
 * newest record lies), seeded anew in each process. Among 10 million keys two different ones are
 * taken for the same with a chance of 10^-24 and 10^-12.
 */
#ifndef LEADPIPE_DEDUPE_H
#define LEADPIPE_DEDUPE_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"
#include "leadpipe/err.h"

struct lp_dedupe_slot {
    uint64_t hi, lo;
};
struct lp_dedupe {
    struct lp_dedupe_slot *slot;
    size_t homes, room; /* room: homes and what the last ones overflow into */
    size_t keys;
    uint64_t seed;
};

void lp_dedupe_init(struct lp_dedupe *d);
void lp_dedupe_free(struct lp_dedupe *d);
/* Adds the key; false if it was there. */
bool lp_dedupe_add(struct lp_dedupe *d, struct lp_str key);
/* The same in two steps: the table is far larger than the cache, so the key's place is sent for early
 * and looked at when something else has been done meanwhile. */
struct lp_dedupe_slot lp_dedupe_announce(const struct lp_dedupe *d, struct lp_str key);
bool lp_dedupe_add_slot(struct lp_dedupe *d, struct lp_dedupe_slot slot);
size_t lp_dedupe_bytes(const struct lp_dedupe *d); /* of memory */

/* Records held back until all are seen, for `last` and `merge`. */
struct lp_spool;
struct lp_spool *lp_spool_new(bool merge);
void lp_spool_del(struct lp_spool *s);
/* Keeps the record (a line with its "\n"); *fresh: the first of its key. When it fails, those kept
 * before can still be drained. */
int lp_spool_add(
    struct lp_spool *s, struct lp_str key, struct lp_str line, bool *fresh, struct lp_err *err);
/* Hands out one line a key, in the order in which the keys first came: the newest record, or all of
 * its records merged, an earlier one's members before a later one's. */
int lp_spool_drain(struct lp_spool *s,
    int (*put)(void *arg, struct lp_str line, struct lp_err *err), void *arg, struct lp_err *err);

/* The record `into` completed from `from`: members it lacks, tags and custom fields it lacks.
 * Appends the line. */
void lp_dedupe_merge(struct lp_str into, struct lp_str from, struct lp_buf *out);

#endif
