/*
 * csv - a row of comma-separated values taken apart, and where a row ends
 *
 * Owns: the struct owns its cells and the text of unquoted ones; slices of cells live until the next
 *       row is taken apart (those of lp_csv_line as long as the caller's bytes, too)
 * Units: bytes; columns
 * Errors: none; a row of more than LP_CSV_COLUMNS cells is counted in full but kept in part
 * Source: libcsv 3.0.3, lenient: quotes inside an unquoted cell are data (5" pipe); RFC 4180
 *
 * libcsv joins good rows silently after one unclosed quote. So the caller feeds physical lines to
 * lp_csv_scan until it says where the row ends or that a quote was never closed, and only whole
 * rows are taken apart. Most lines hold no quote at all: lp_csv_line finds such a line's end and
 * its cells in one pass, with the same result as libcsv.
 *
 * Blanks around a cell and outside its quotes are no part of it.
 */
#ifndef LEADPIPE_CSV_H
#define LEADPIPE_CSV_H

#include <stdbool.h>
#include "leadpipe/buf.h"

#define LP_CSV_COLUMNS 16384 /* what the widest spreadsheet has */
#define LP_CSV_CELL    ((size_t)1 << 20)
#define LP_CSV_PAD     32 /* readable bytes behind the text lp_csv_line is given */

struct csv_parser;
struct lp_csv {
    char delimiter, eol; /* eol: '\n', or '\r' for files of old Macs */
    struct lp_str *cell; /* the row's: `kept` of them */
    size_t cells;        /* how many the row has */
    size_t kept, room;
    bool ascii;         /* no byte of the row is above 0x7f */
    bool plain;         /* no cell holds a control character, a quote or a backslash */
    struct lp_buf text; /* unquoted cells */
    struct csv_parser *parser;
};

void lp_csv_init(struct lp_csv *c, char delimiter, char eol);
void lp_csv_free(struct lp_csv *c);

/* The line at p, if its end is within n and there is no quote in it: fills the cells, and *length
 * is its length with its line end. False: take the long way. */
bool lp_csv_line(struct lp_csv *c, const char *p, size_t n, size_t *length);
/* A whole row, without its line end. */
void lp_csv_split(struct lp_csv *c, struct lp_str row);

enum lp_csv_end {
    LP_CSV_WHOLE,    /* the row ends with this line */
    LP_CSV_OPEN,     /* a quoted cell goes on in the next line */
    LP_CSV_UNCLOSED, /* a quoted cell crossed a line end and does not end as one does */
    LP_CSV_LONG      /* a cell is over LP_CSV_CELL */
};
/* Zeroed before each row. */
struct lp_csv_scan {
    int state;
    bool spaces, crossed, odd;
    size_t cell;  /* bytes of the cell so far */
    size_t cells; /* begun so far, from 0 */
};
/* The row's next physical line, without its line end. */
enum lp_csv_end lp_csv_scan(const struct lp_csv *c, struct lp_csv_scan *s, struct lp_str line);

const char *lp_csv_version(void); /* "libcsv 3.0.3" */

#endif
