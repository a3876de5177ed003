/*
 * psl - the registrable domain, by the public suffix list
 *
 * Owns: nothing; slices handed out point into the caller's domain
 * Units: bytes
 * Errors: none
 * Source: libpsl's built-in list (https://publicsuffix.org); no file is read
 *
 * The only file that knows libpsl. Domains are lower-case A-labels, as lp_address_parse gives them.
 */
#ifndef LEADPIPE_PSL_H
#define LEADPIPE_PSL_H

#include "leadpipe/mem.h"

/* "mail.example.co.uk" -> "example.co.uk"; the domain itself where it is a public suffix or the
 * list cannot say. */
struct lp_str lp_psl_registrable(struct lp_str domain);
/* The suffix of a registrable domain: "example.co.uk" -> "co.uk". Empty where there is no dot. */
struct lp_str lp_psl_suffix(struct lp_str domain);
/* Is the last label a top-level domain that the list knows? */
bool lp_psl_tld_known(struct lp_str domain);
const char *lp_psl_version(void); /* "libpsl 0.21.2" */

#endif
