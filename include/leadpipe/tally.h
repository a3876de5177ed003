/*
 * tally - a table of small fixed-size entries found by a 64-bit hash
 *
 * Owns: the struct owns its memory; entries move whenever one is made
 * Units: bytes an entry, the 8 of its hash included
 * Errors: none; out of memory ends the program
 *
 * Entries stand in the order of their hashes, so that the table grows in place by a quarter at a time
 * and is never less than 64 % full: an entry costs at most 1.6 times its size (and 1,024 slots once).
 * Two keys are taken for one where their hashes agree: among n keys with odds of n * n / 2^65, which
 * is 1 in 37 million for a million keys and 1 in 370,000 for ten million. Hash with a random seed
 * (lp_tally_seed), so that no input can be written to collide.
 */
#ifndef LEADPIPE_TALLY_H
#define LEADPIPE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lp_tally {
    unsigned char *slot;
    size_t size;        /* of an entry */
    size_t homes, room; /* slots an entry may belong to, and in all */
    size_t n;           /* entries */
};

/* `payload`: bytes kept with every hash. A zeroed struct is to be given to lp_tally_init first. */
void lp_tally_init(struct lp_tally *t, size_t payload);
void lp_tally_free(struct lp_tally *t);
uint64_t lp_tally_seed(void);

/* The payload kept with the hash, zeroed and *fresh where there was none. It has no alignment (copy
 * with memcpy) and lives until the next lp_tally_make. */
void *lp_tally_make(struct lp_tally *t, uint64_t hash, bool *fresh);
/* The same where there is one, or NULL. */
void *lp_tally_find(const struct lp_tally *t, uint64_t hash);
/* Tells the processor that the hash will be asked for soon. */
void lp_tally_expect(const struct lp_tally *t, uint64_t hash);
size_t lp_tally_bytes(const struct lp_tally *t);

#endif
