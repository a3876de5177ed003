#include "leadpipe/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

struct lp_tls {
    SSL *ssl;
    BIO *from, *to; /* of the network; the session owns them */
    enum lp_tls_state state;
};

/* The context is OpenSSL's own object under our name. */
static SSL_CTX *inner(struct lp_tls_context *c)
{
    return (SSL_CTX *)c;
}

struct lp_tls_context *lp_tls_context_new(struct lp_err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (!ctx) {
        lp_err_set(err, LP_ERR_IO, "tls", "TLS cannot be set up");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_default_verify_paths(
        ctx); /* without them no certificate verifies, and that is told */
    return (struct lp_tls_context *)ctx;
}

void lp_tls_context_del(struct lp_tls_context *c)
{
    SSL_CTX_free(inner(c));
}

struct lp_tls *lp_tls_new(struct lp_tls_context *c, const char *host)
{
    struct lp_tls *t = lp_alloc(sizeof *t);

    t->ssl = SSL_new(inner(c));
    t->from = BIO_new(BIO_s_mem());
    t->to = BIO_new(BIO_s_mem());
    if (!t->ssl || !t->from || !t->to)
        lp_mem_exhausted();
    SSL_set_bio(t->ssl, t->from, t->to);
    SSL_set_connect_state(t->ssl);
    SSL_set_tlsext_host_name(t->ssl, host);
    SSL_set1_host(t->ssl, host);
    return t;
}

void lp_tls_del(struct lp_tls *t)
{
    if (!t)
        return;
    SSL_free(t->ssl);
    free(t);
}

static void drain(struct lp_tls *t, struct lp_buf *wire)
{
    char part[4096];
    int n;

    while ((n = BIO_read(t->to, part, sizeof part)) > 0)
        lp_buf_add(wire, part, (size_t)n);
}

/* `result` is what the last call on the session returned. */
static void note_end(struct lp_tls *t, int result)
{
    switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: break;
    case SSL_ERROR_ZERO_RETURN: t->state = LP_TLS_CLOSED; break;
    default: t->state = LP_TLS_FAILED;
    }
    ERR_clear_error(); /* the queue is the thread's: the next session must not find it */
}

static void shake(struct lp_tls *t)
{
    int r = SSL_do_handshake(t->ssl);

    if (r == 1)
        t->state = LP_TLS_OPEN;
    else
        note_end(t, r);
}

static void read_plain(struct lp_tls *t, struct lp_buf *plain)
{
    char part[4096];
    int n;

    while ((n = SSL_read(t->ssl, part, sizeof part)) > 0)
        lp_buf_add(plain, part, (size_t)n);
    note_end(t, n);
}

enum lp_tls_state lp_tls_take(
    struct lp_tls *t, const char *bytes, size_t n, struct lp_buf *wire, struct lp_buf *plain)
{
    if (n && BIO_write(t->from, bytes, (int)n) != (int)n)
        lp_mem_exhausted();
    if (t->state == LP_TLS_SHAKING)
        shake(t);
    if (t->state == LP_TLS_OPEN)
        read_plain(t, plain);
    drain(t, wire);
    return t->state;
}

void lp_tls_put(struct lp_tls *t, struct lp_str plain, struct lp_buf *wire)
{
    if (t->state != LP_TLS_OPEN || plain.n == 0)
        return;
    int n = SSL_write(t->ssl, plain.p, (int)plain.n);
    if (n <= 0)
        note_end(t, n);
    drain(t, wire);
}

const char *lp_tls_trouble(const struct lp_tls *t)
{
    long r = SSL_get_verify_result(t->ssl);
    X509 *certificate = SSL_get1_peer_certificate(t->ssl);

    X509_free(certificate);
    if (!certificate)
        return "no certificate";
    return r == X509_V_OK ? NULL : X509_verify_cert_error_string(r);
}

const char *lp_tls_protocol(const struct lp_tls *t)
{
    return SSL_get_version(t->ssl);
}

const char *lp_tls_version(void)
{
    static char text[32];

    snprintf(text, sizeof text, "OpenSSL %.20s", OpenSSL_version(OPENSSL_VERSION_STRING));
    return text;
}
