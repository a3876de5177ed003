/*
 * vault - memory for secrets: kept out of core files, wiped when given back
 *
 * Owns: lp_vault_keep's copy lives until lp_vault_wipe or the end of the program; its room is not
 *       used again (a program holds a handful of secrets)
 * Units: bytes
 * Errors: none; out of memory ends the program
 * Source: madvise(2) MADV_DONTDUMP
 */
#ifndef LEADPIPE_VAULT_H
#define LEADPIPE_VAULT_H

#include "leadpipe/mem.h"

/* A NUL-terminated copy on pages that no core file holds. */
char *lp_vault_keep(struct lp_str secret);
/* Overwrites the copy (NULL: nothing to do). */
void lp_vault_wipe(char *copy);

#endif
