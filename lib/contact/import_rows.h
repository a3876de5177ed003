/*
 * import_rows - what the two halves of the row reader share
 *
 * Owns: nothing
 * Units: bytes
 * Errors: LP_ERR_RECORD "not_csv"
 */
#ifndef LEADPIPE_IMPORT_ROWS_H
#define LEADPIPE_IMPORT_ROWS_H

#include "leadpipe/rows.h"

/* Refuses what is plainly another kind of file. */
int rows_refuse(const char *file, struct lp_str head, struct lp_err *err);
/* Is the line "sep=;", as spreadsheets write before the header? */
bool rows_sep(struct lp_str line, char *delimiter);

#endif
