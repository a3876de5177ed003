/*
 * tls - the client's side of TLS as a filter of bytes, without a socket
 *
 * Owns: struct lp_tls_context and struct lp_tls belong to the caller; the context outlives its uses
 * Units: bytes
 * Errors: lp_tls_context_new: LP_ERR_IO. A handshake that fails is a state.
 * Source: OpenSSL 3.0, memory BIOs; RFC 3207 for its use here
 *
 * The only file that knows OpenSSL; libcurl brings TLS of its own for HTTP. A certificate that cannot be
 * verified does not end the connection: the caller asks lp_tls_trouble and decides. Nothing secret
 * may be sent before it has.
 */
#ifndef LEADPIPE_TLS_H
#define LEADPIPE_TLS_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"

enum lp_tls_state {
    LP_TLS_SHAKING, /* more bytes are wanted */
    LP_TLS_OPEN,
    LP_TLS_CLOSED, /* the other side has said its end */
    LP_TLS_FAILED
};

struct lp_tls_context;
struct lp_tls_context *lp_tls_context_new(struct lp_err *err);
void lp_tls_context_del(struct lp_tls_context *c);

struct lp_tls;
struct lp_tls *lp_tls_new(struct lp_tls_context *c, const char *host);
void lp_tls_del(struct lp_tls *t);

/* Takes what came from the network (n == 0 begins the handshake), appends what is to be sent there to
 * `wire` and what was said to `plain`. */
enum lp_tls_state lp_tls_take(
    struct lp_tls *t, const char *bytes, size_t n, struct lp_buf *wire, struct lp_buf *plain);
/* Once open: encrypts. */
void lp_tls_put(struct lp_tls *t, struct lp_str plain, struct lp_buf *wire);

/* Once open: why the certificate cannot be verified for the host; NULL: it is in order. */
const char *lp_tls_trouble(const struct lp_tls *t);
const char *lp_tls_protocol(const struct lp_tls *t); /* "TLSv1.3" */
const char *lp_tls_version(void);                    /* "OpenSSL 3.0.15" */

#endif
