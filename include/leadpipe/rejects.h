/*
 * rejects - records that could not be used, as NDJSON that can be fixed and piped back in
 *
 * Owns: the rejects file (opened for appending, 0600; one write(2) a line)
 * Units: bytes
 * Errors: LP_ERR_USAGE when the file is an input; LP_ERR_IO
 * Source: spec/records.md "Rejects"
 */
#ifndef LEADPIPE_REJECTS_H
#define LEADPIPE_REJECTS_H

#include "leadpipe/run.h"

struct lp_rejects;
/* path NULL: the first 20 go to standard error, the rest are counted. */
struct lp_rejects *lp_rejects_new(const char *path, char **inputs, struct lp_err *err);
int lp_rejects_add(struct lp_rejects *r, const struct lp_origin *from, struct lp_str raw,
    uint64_t raw_length, bool is_object, const struct lp_err *why, struct lp_err *err);
void lp_rejects_del(struct lp_rejects *r); /* tells how many were not shown */

/* If the line is a reject (an object with `error` and `record` or `raw`): the line to read instead,
 * decoded into `out`. header gets the `header` member of a contacts-import reject, if any. */
bool lp_rejects_unwrap(const struct lp_rec *rec, struct lp_buf *out, struct lp_buf *header);

#endif
