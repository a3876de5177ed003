/*
 * idn - international domain names to and from their ASCII form
 *
 * Owns: nothing; results are appended to the caller's buffer
 * Units: bytes
 * Errors: false (nothing appended) where the name has no such form
 * Source: libidn2: IDNA 2008 with UTS #46 mapping, non-transitional
 */
#ifndef LEADPIPE_IDN_H
#define LEADPIPE_IDN_H

#include <stdbool.h>
#include "leadpipe/buf.h"

/* Appends the lower-case A-label form. A wholly ASCII name is only lower-cased: whether it is a
 * good name is for others to say. */
bool lp_idn_to_ascii(struct lp_str domain, struct lp_buf *out);
/* Appends the form people read ("xn--mnchen-3ya.de" gives "münchen.de"). */
bool lp_idn_to_unicode(struct lp_str domain, struct lp_buf *out);

const char *lp_idn_version(void); /* "libidn2 2.3.3" */

#endif
