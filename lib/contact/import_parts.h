/*
 * import_parts - what the files of the import share
 *
 * Owns: struct import owns all it holds but the run and the options
 * Units: bytes, columns
 * Errors: import_row: -1 with the reject's reason, `field` naming the member
 */
#ifndef LEADPIPE_IMPORT_PARTS_H
#define LEADPIPE_IMPORT_PARTS_H

#include "leadpipe/dedupe.h"
#include "leadpipe/import.h"
#include "leadpipe/mapping.h"
#include "leadpipe/rows.h"

#define IMPORT_TAGS 1000 /* of one contact; each is compared with those before it */

struct import {
    struct lp_run *run;
    const struct lp_import_options *options;
    struct lp_rows rows;
    struct lp_map map;
    struct lp_mapping mapping;
    bool headed;          /* the mapping is this file's */
    const char *preamble; /* the file, between "Notes:" and the header of a LinkedIn export */
    struct lp_buf header; /* its header line, for rejects */
    struct lp_dedupe set;
    struct lp_spool *spool;

    struct lp_buf line;              /* the contact being made */
    struct lp_buf key;               /* of its address */
    const char *field;               /* what a reject is about, or NULL */
    int chosen[LP_MEMBERS];          /* the column each member is taken from; -1: none */
    struct lp_buf value[LP_MEMBERS]; /* what an expression gave, as JSON; empty: nothing */
    struct lp_str tag[IMPORT_TAGS];
    size_t tags;
    struct lp_buf object, scratch, source, tail, campaign;
    int64_t stamp; /* of `tail` */

    struct lp_rec rec; /* a line of NDJSON */
    struct lp_buf raw; /* the row that stood in it */
};

/* Beside the value of a cell: white space of all kinds is no part of it. */
void import_trim_cells(struct import *im);
/* Which column each member is taken from in this row; expressions are run. */
int import_choose(struct import *im, struct lp_err *why);
/* The row's address into im->key; -1: no_email or bad_email. */
int import_key(struct import *im, struct lp_str *email, struct lp_err *why);
/* The contact into im->line, with its "\n". */
int import_contact(struct import *im, struct lp_str email, struct lp_err *why);

#endif
