/*
 * http - many HTTP exchanges in flight over libcurl's multi interface
 *
 * Owns: struct lp_http owns its handles and connections; a request's strings are copied by
 *       lp_http_send; a response lives during its callback
 * Units: milliseconds, bytes
 * Errors: an exchange that did not end in a full HTTP response carries a `fault`
 * Source: libcurl 7.88
 *
 * The only file that knows libcurl. Every exchange ends by its deadline. Only http and https;
 * redirects: at most 3, same scheme, host and port, and never with a changed method (others end as
 * LP_HTTP_BAD); decompressed bodies are capped (8 MiB), headers too (64 KiB). TLS 1.2 or newer with
 * peer and host verified; `ca_file` adds a CA. No proxy or netrc surprises: proxies from the
 * environment are honoured, ~/.netrc and ~/.curlrc are not.
 */
#ifndef LEADPIPE_HTTP_H
#define LEADPIPE_HTTP_H

#include <poll.h>
#include "leadpipe/buf.h"
#include "leadpipe/err.h"

enum lp_http_fault {
    LP_HTTP_NONE,
    LP_HTTP_TIMEOUT, /* the deadline passed */
    LP_HTTP_DNS,
    LP_HTTP_CONNECT, /* refused, unreachable: nothing was sent */
    LP_HTTP_NETWORK, /* reset, closed early, wrong length */
    LP_HTTP_TLS,
    LP_HTTP_BAD, /* not HTTP, too large, forbidden redirect, bad encoding */
    LP_HTTP_CANCELLED
};

struct lp_http_request {
    const char *method, *url;
    /* "Name: value", ended by NULL; no CR/LF allowed (refused); one without a value is not sent */
    const char *const *headers;
    struct lp_str body;                      /* p == NULL: none */
    const char *basic_user, *basic_password; /* or NULL */
    int64_t deadline;                        /* lp_clock_mono */
    int64_t connect_timeout_ms;              /* 0: 10 000; passing it is LP_HTTP_DNS or _CONNECT */
    const char *ca_file;                     /* or NULL */
    /* An effect: on a connection of its own, so that libcurl never sends it a second time because a
     * kept-alive one turned out to be dead. */
    bool once;
};

struct lp_http_response {
    enum lp_http_fault fault;
    char fault_detail[160]; /* no URL, no secret */
    bool sent;              /* request bytes may have reached the other side */
    int status;
    struct lp_str headers; /* JSON object: lower-case names; repeated ones joined by ", " */
    struct lp_str body;
    int64_t latency_ms;
    int64_t retry_after_ms; /* from Retry-After, seconds or date; -1: none */
};

typedef void lp_http_done(void *arg, const struct lp_http_response *r);

struct lp_http;
struct lp_http *lp_http_new(struct lp_err *err);
void lp_http_del(struct lp_http *h); /* in-flight exchanges are cancelled without callbacks */
/* Starts an exchange; `done` is called from lp_http_poll exactly once. */
int lp_http_send(struct lp_http *h, const struct lp_http_request *q, lp_http_done *done, void *arg,
    struct lp_err *err);
/* Waits until something happens on an exchange or on one of `fds`, at most timeout_ms; then runs
 * what is due. fds[].revents are filled as by poll(2). */
int lp_http_poll(
    struct lp_http *h, struct pollfd *fds, unsigned n, int timeout_ms, struct lp_err *err);
size_t lp_http_in_flight(const struct lp_http *h);
const char *lp_http_version(void); /* "libcurl 7.88.1 OpenSSL/..." */

#endif
