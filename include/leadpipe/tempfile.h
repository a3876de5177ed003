/*
 * tempfile - bytes set aside in $TMPDIR, in a file without a name
 *
 * Owns: the struct owns its descriptor and its buffer; the file goes away with them, however the
 *       process ends
 * Units: bytes, places from the start
 * Errors: LP_ERR_IO naming the directory
 *
 * The first LP_TEMPFILE_BUFFER bytes stay in memory, so that little work touches no disk. A zeroed
 * struct is empty.
 */
#ifndef LEADPIPE_TEMPFILE_H
#define LEADPIPE_TEMPFILE_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"

#define LP_TEMPFILE_BUFFER ((size_t)256 << 10)

struct lp_tempfile {
    int file; /* the descriptor plus one; 0: not opened yet */
    uint64_t written;
    struct lp_buf tail; /* what comes after that */
};

/* Where the next byte will be. */
uint64_t lp_tempfile_size(const struct lp_tempfile *t);
/* What was there before stays readable when it fails. */
int lp_tempfile_append(struct lp_tempfile *t, const void *p, size_t n, struct lp_err *err);
/* Exactly n bytes; more than there are is an error. */
int lp_tempfile_read(
    const struct lp_tempfile *t, uint64_t at, void *to, size_t n, struct lp_err *err);
void lp_tempfile_free(struct lp_tempfile *t);

#endif
