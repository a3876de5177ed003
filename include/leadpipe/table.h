/*
 * table - a CSV file of known contacts or companies, found by address or domain
 *
 * Owns: the table owns everything it hands out, until lp_table_del
 * Units: bytes; line numbers of the file from 1
 * Errors: LP_ERR_CONFIG naming file and line: no such column, ragged row, unclosed quote, not UTF-8;
 *         LP_ERR_IO for a file that cannot be read; a file over LP_TABLE_MAX is refused
 *
 * Columns are named as members of a contact or of `enrichment`, in any case, "Job Title" as well as
 * job_title; others are passed over. Of several rows with one key the first counts. A domain may be
 * given as the address of a web site.
 */
#ifndef LEADPIPE_TABLE_H
#define LEADPIPE_TABLE_H

#include "leadpipe/err.h"
#include "leadpipe/mem.h"

#define LP_TABLE_MAX     ((size_t)256 << 20)
#define LP_TABLE_COLUMNS 32

struct lp_table;

/* key: "domain" or "email", the column that is looked up. */
struct lp_table *lp_table_load(const char *path, const char *key, struct lp_err *err);
void lp_table_del(struct lp_table *t);

struct lp_table_cell {
    const char *field;   /* name in `enrichment` */
    struct lp_str value; /* JSON string */
};
/* The filled cells of the key's row; how many (0: no such key). `key` is an A-label domain in lower
 * case, or a contact's key (lp_key). */
size_t lp_table_find(
    const struct lp_table *t, struct lp_str key, struct lp_table_cell cell[LP_TABLE_COLUMNS]);
size_t lp_table_rows(const struct lp_table *t);

#endif
