/*
 * http_head - the header lines of one HTTP response, collected and handed on as JSON
 *
 * Owns: its buffers, until lp_http_head_free; slices live until the next _reset
 * Units: bytes
 * Errors: lp_http_head_line is false once a response passes the ceilings
 * Source: RFC 9110 section 5 (fields, joining of repeated ones), RFC 9112 section 5.2 (folding)
 *
 * The ceilings count everything one exchange sends before its body, 1xx answers, redirects and
 * trailers included: they are what ends a server that never stops sending headers. Only the fields of
 * the last response are kept; trailers are counted and dropped.
 */
#ifndef LEADPIPE_HTTP_HEAD_H
#define LEADPIPE_HTTP_HEAD_H

#include "leadpipe/buf.h"

#define LP_HTTP_HEAD_MAX   ((size_t)64 * 1024)
#define LP_HTTP_HEAD_LINES 512

struct lp_http_field {
    uint32_t name_at, name_len, value_at, value_len;
};

struct lp_http_head {
    struct lp_buf text; /* names (lower case) and values, one after the other */
    struct lp_http_field field[LP_HTTP_HEAD_LINES];
    unsigned fields;
    size_t seen;    /* bytes of all header lines of the exchange */
    unsigned lines; /* and how many */
    bool complete;  /* the empty line has come: what follows are trailers */
};

/* For a new exchange; memory is kept. */
void lp_http_head_reset(struct lp_http_head *h);
void lp_http_head_free(struct lp_http_head *h);
/* Takes one raw line, the status line and the empty line included. */
bool lp_http_head_line(struct lp_http_head *h, const char *line, size_t n);
/* The first field of that (lower-case) name. */
bool lp_http_head_get(const struct lp_http_head *h, const char *name, struct lp_str *value);
/* Appends {"name":"value",...}; repeated ones joined by ", ", invalid UTF-8 repaired. */
void lp_http_head_json(const struct lp_http_head *h, struct lp_buf *out);
/* Retry-After, seconds or date, as milliseconds from now; -1: none, or not understood. */
int64_t lp_http_head_retry_after(const struct lp_http_head *h);

#endif
