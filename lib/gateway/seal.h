/*
 * seal (internal) - the checksum of a cached answer
 *
 * Owns: nothing
 * Units: -
 * Errors: those of db
 * Source: spec/gateway.md "The state file": SQLite's own check does not see bits flipped in a value
 */
#ifndef LP_GATEWAY_SEAL_H
#define LP_GATEWAY_SEAL_H

#include "leadpipe/db.h"

/* Rows of format 1, whose checksum leaves out when and why, get one over all of the answer. A row that
 * is damaged keeps the one it has, which is wrong as before. */
int lp_cache_seal(struct lp_db *db, struct lp_err *err);

#endif
