/*
 * owner (internal) - which process something in the state file belongs to, and whether it still lives
 *
 * Owns: nothing
 * Units: -
 * Errors: none: a process that cannot be looked at is no more
 * Source: proc(5)
 */
#ifndef LP_GATEWAY_OWNER_H
#define LP_GATEWAY_OWNER_H

#include <stdbool.h>
#include "leadpipe/mem.h"

#define LP_OWNER_SIZE 64

/* This process: its id and when it started, for an id alone comes round again. */
void lp_owner_self(char out[LP_OWNER_SIZE]);
bool lp_owner_alive(struct lp_str owner);

#endif
