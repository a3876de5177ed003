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

#include <stdbool.h>
#include "leadpipe/buf.h"

/* Appends the text in lower case if it is wholly ASCII; else nothing, and false. */
bool lp_fold_ascii(struct lp_str s, struct lp_buf *out);
/* Any text. */
void lp_fold(struct lp_str s, struct lp_buf *out);

const char *lp_fold_version(void); /* "libunistring 1.0" */

#endif
