/*
 * import - CSV files in, contacts out
 *
 * Owns: nothing beyond the run
 * Units: rows
 * Errors: LP_ERR_RECORD where a whole file is of no use (no CSV, no column for the address), LP_ERR_IO,
 *         LP_ERR_CONFIG for the map; a bad row becomes a reject: no_email, bad_email, ragged_row,
 *         unclosed_quote, bad_encoding, nul_byte, cell_too_long, line_too_long, record_too_long,
 *         bad_integer, bad_value, too_many_tags, jq, not_csv, raw_truncated
 * Source: spec/records.md "contact"
 */
#ifndef LEADPIPE_IMPORT_H
#define LEADPIPE_IMPORT_H

#include "leadpipe/run.h"

enum lp_import_dedupe { LP_IMPORT_FIRST, LP_IMPORT_LAST, LP_IMPORT_MERGE, LP_IMPORT_NONE };
#define LP_IMPORT_DEDUPE "first|last|merge|none" /* in their order, for an option table */

struct lp_import_options {
    const char *map, *campaign, *delimiter, *encoding;
    struct lp_opt_list tags;
    int dedupe;
    bool no_header, print_map;
};

/* The drive of a program whose settings are a struct lp_import_options. */
int lp_import_drive(struct lp_run *run, struct lp_err *err);

#endif
