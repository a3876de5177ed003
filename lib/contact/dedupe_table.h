/*
 * dedupe (private) - the table below both ways of deduplication
 *
 * Owns: struct lp_dedupe owns the slots
 * Units: slots
 * Errors: none
 */
#ifndef LEADPIPE_DEDUPE_TABLE_H
#define LEADPIPE_DEDUPE_TABLE_H

#include "leadpipe/dedupe.h"

/* The bits of `lo` that belong to the hash; the rest is the user's. */
#define DEDUPE_ALL UINT64_MAX

/* The slot of the hash, making it (with `lo` as given) if it is not there: then *fresh. */
struct lp_dedupe_slot *dedupe_slot(
    struct lp_dedupe *d, struct lp_dedupe_slot want, uint64_t mask, bool *fresh);

#endif
