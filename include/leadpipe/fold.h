/*
 * fold - text made comparable regardless of case
 *
 * Owns: nothing; the result is appended to the caller's buffer
 * Units: bytes of valid UTF-8
 * Errors: text that is not valid UTF-8 is appended with only its ASCII letters folded
 * Source: libunistring: Unicode full case folding, then NFC
 */
#ifndef LEADPIPE_FOLD_H
#define LEADPIPE_FOLD_H

#include "leadpipe/buf.h"

/* ASCII text never leaves the fast path. */
void lp_fold(struct lp_str s, struct lp_buf *out);

const char *lp_fold_version(void); /* "libunistring 1.0" */

#endif
