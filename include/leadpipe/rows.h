/*
 * rows - CSV files as rows, each with its place, good or bad
 *
 * Owns: the reader owns everything it hands out; a row lives until the next call
 * Units: bytes; line numbers from 1 within their file
 * Errors: a row that is none comes as LP_ROWS_BAD with the reason; LP_ROWS_FAIL is a file that
 * cannot be read (LP_ERR_IO), is no CSV (LP_ERR_RECORD) or a wrong --encoding (LP_ERR_USAGE)
 * Source: spec/architecture.md "Other traps"
 *
 * A file is judged by its start: encoding, delimiter, line ends, "sep=;". Of an unclosed quote the
 * first physical line is bad, and reading goes on with the next line: its neighbours are not lost.
 * Memory is bounded by the longest line allowed, whatever the file holds.
 */
#ifndef LEADPIPE_ROWS_H
#define LEADPIPE_ROWS_H

#include "leadpipe/charset.h"
#include "leadpipe/csv.h"
#include "leadpipe/lines.h"

struct lp_rows_options {
    char delimiter;       /* '\0': find out */
    const char *encoding; /* NULL: find out */
    size_t max_line;
    bool single; /* one line is enough to judge a file by (it has no header) */
};

enum lp_rows_kind {
    LP_ROWS_FILE, /* a file begins: `guess` and `csv.delimiter` say how it is read */
    LP_ROWS_JSON, /* the same, and it is NDJSON: its lines come as LP_ROWS_LINE */
    LP_ROWS_ROW,  /* cells in csv.cell */
    LP_ROWS_LINE, /* a line of NDJSON, in row.text */
    LP_ROWS_BAD,  /* row.why */
    LP_ROWS_END,
    LP_ROWS_STOP, /* asked to stop while waiting */
    LP_ROWS_FAIL
};

struct lp_row {
    struct lp_str text;  /* as UTF-8, or the bytes where they do not decode; no line end */
    uint64_t length;     /* true length, where only the beginning was kept */
    uint64_t line, byte; /* of its first physical line */
    struct lp_err why;   /* LP_ROWS_BAD */
};

struct lp_rows {
    struct lp_rows_options options;
    struct lp_lines *in;
    const char *file;
    struct lp_charset_guess guess; /* name and why of this file's encoding */
    bool said;                     /* the delimiter was named in the file ("sep=;") or by option */
    struct lp_csv csv;
    struct lp_row row;
    uint64_t blank;
    /* The rest is the reader's own. */
    struct lp_charset *charset;
    struct lp_buf win;   /* the file's bytes, decoded if it is wide; LP_CSV_PAD zeros behind */
    size_t at;           /* where the next row begins in it */
    uint64_t line, byte; /* the same in the file */
    bool open, eof, json, undecided;
    struct lp_csv_scan scan;
    size_t scanned;     /* from `at`: lines of the row that were looked at */
    size_t searched;    /* from `at`: no line end after `scanned` before it */
    size_t first;       /* length of the row's first physical line with its end */
    uint64_t lines;     /* physical lines of the row so far */
    uint64_t skipped;   /* of a line over the maximum; 0: none */
    struct lp_buf head; /* its beginning */
    struct lp_buf text; /* a row decoded */
};

void lp_rows_init(struct lp_rows *r, struct lp_lines *in, const struct lp_rows_options *options);
void lp_rows_free(struct lp_rows *r);
enum lp_rows_kind lp_rows_next(struct lp_rows *r, struct lp_err *err);
/* A row that stood in a reject: LP_ROWS_ROW or LP_ROWS_BAD, in r->row with the place of the last
 * line. `text` must live as long as the row. */
enum lp_rows_kind lp_rows_parse(struct lp_rows *r, struct lp_str text);

/* The delimiter of a text: the one of , ; tab | that gives most of its first rows the same number
 * of cells; a comma where there is none. */
char lp_rows_delimiter(struct lp_str text, char eol);

#endif
