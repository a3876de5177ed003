/*
 * seal (internal) - a row of the cache and its checksum
 *
 * Owns: nothing; a row's text lives until its statement moves on
 * Units: UTC ms
 * Errors: those of db
 * Source: spec/gateway.md "The state file": SQLite's own check does not see bits flipped in a value
 */
#ifndef LP_GATEWAY_SEAL_H
#define LP_GATEWAY_SEAL_H

#include "leadpipe/db.h"

/* Everything that an answer from the cache consists of. */
struct lp_cache_row {
    struct lp_str outcome, data, confidence, detail;
    int64_t at, until;
};

/* Of a statement that selects these columns, in this order. */
struct lp_cache_row lp_cache_row_of(struct lp_stmt *q);
/* `request`: the 16 bytes it is found by. */
int64_t lp_cache_crc(struct lp_str request, const struct lp_cache_row *row);

/* Rows of format 1, whose checksum leaves out when and why, get one over all of the answer. A row that
 * is damaged keeps the one it has, which is wrong as before. */
int lp_cache_seal(struct lp_db *db, struct lp_err *err);

#endif
