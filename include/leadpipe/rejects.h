/*
 * rejects - records that could not be used, as NDJSON that can be fixed and piped back in
 *
 * Owns: the rejects file (opened for appending, 0600; whole lines a write(2))
 * Units: bytes
 * Errors: LP_ERR_USAGE when the file is an input; LP_ERR_IO
 * Source: spec/records.md "Rejects", with the name of the `file` beside `line`
 *
 * NUL bytes are shown as U+FFFD too, since no record may hold U+0000.
 */
#ifndef LEADPIPE_REJECTS_H
#define LEADPIPE_REJECTS_H

#include "leadpipe/run.h"

#define LP_REJECTS_RAW  (64 * 1024) /* of a line that is no object, at most this much is kept */
#define LP_REJECTS_TOLD 20

struct lp_rejects;
/* `inputs` as the operands are (empty: standard input). path NULL: the first 20 go to standard
 * error, the rest are counted. */
struct lp_rejects *lp_rejects_new(const char *path, char **inputs, struct lp_err *err);
int lp_rejects_add(struct lp_rejects *r, const struct lp_origin *from, struct lp_str raw,
    uint64_t raw_length, bool is_object, const struct lp_err *why, struct lp_err *err);
/* Writes what is gathered; called before output is. NULL: nothing. */
int lp_rejects_flush(struct lp_rejects *r, struct lp_err *err);
uint64_t lp_rejects_lost(const struct lp_rejects *r); /* how many could not be written */
void lp_rejects_del(struct lp_rejects *r);            /* tells how many were not shown */

/* If the line is a reject (an object with an `error` that has a `code`, and `record` or `raw`): the
 * line to read instead, decoded into `out`. A `raw` nobody has touched is read as the bytes it
 * stood for (`raw_base64`), so that U+FFFD never passes for data. header (may be NULL) gets the
 * `header` member of a contacts-import reject, if any. */
bool lp_rejects_unwrap(const struct lp_rec *rec, struct lp_buf *out, struct lp_buf *header);

/* Parses the line, or of a reject what it holds, which is then the line's text (in `unwrapped`). 1: rec is
 * filled; else why says why not: 0 it is an object, but no record to be read; -1 it is none. */
int lp_rejects_parse(
    struct lp_rec *rec, struct lp_line *line, struct lp_buf *unwrapped, struct lp_err *why);

#endif
