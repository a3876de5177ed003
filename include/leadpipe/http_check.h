/*
 * http_check - what may go into a request, and where a redirect may lead
 *
 * Owns: nothing
 * Units: -
 * Errors: LP_ERR_RECORD, code bad_request: these bytes come from adapters, thus from records
 * Source: RFC 9110 sections 5.1, 5.5, 9.1, 15.4; RFC 3986 section 5.2
 */
#ifndef LEADPIPE_HTTP_CHECK_H
#define LEADPIPE_HTTP_CHECK_H

#include "leadpipe/buf.h"
#include "leadpipe/http.h"

/* Method a token, URL without blanks and control bytes, headers named and on one line each: no
 * field of a record may begin a line of its own in the request. */
int lp_http_check(const struct lp_http_request *q, struct lp_err *err);
bool lp_http_check_header(const struct lp_http_request *q, const char *name); /* is it given? */

/* Is this status a redirect that a client follows? */
bool lp_http_is_redirect(long status);
/* Replaces `url` by what `location` means beside it, and returns NULL; or returns why that redirect
 * may not be followed, `url` untouched:
 * - it would turn the request into another (303 makes everything but HEAD a GET, 301 and 302 do so to
 *   POST in practice: only 307 and 308 keep a method that is not safe);
 * - it leads elsewhere. The new URL is always made of the old one's own scheme and authority, which
 *   `location` must name letter for letter where it names any (a default port counts as none), so
 *   that two readings of one URL cannot disagree. */
const char *lp_http_redirect(
    const char *method, long status, struct lp_str location, struct lp_buf *url);

#endif
