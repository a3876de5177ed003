/*
 * tcp - one connection that never blocks, in the clear or by TLS
 *
 * Owns: its socket and buffers, until lp_tcp_close; the TLS context is the caller's
 * Units: bytes
 * Errors: none; how a connection ended is its fate
 * Source: connect(2), poll(2), send(2)
 *
 * Give `fd` and lp_tcp_events to poll(2), then call lp_tcp_turn. What came stands in `in`, which the
 * caller empties. A closed reader raises no SIGPIPE. Time limits are the caller's.
 */
#ifndef LEADPIPE_TCP_H
#define LEADPIPE_TCP_H

#include <stdint.h>
#include "leadpipe/tls.h"

enum lp_tcp_state { LP_TCP_CONNECTING, LP_TCP_OPEN, LP_TCP_SECURING, LP_TCP_ENDED };

enum lp_tcp_fate {
    LP_TCP_GOING,
    LP_TCP_REFUSED,     /* nobody listens there */
    LP_TCP_UNREACHABLE, /* no way there, or it is not allowed */
    LP_TCP_SILENT,      /* the system gave up */
    LP_TCP_CLOSED,      /* by the other side, with or without a word */
    LP_TCP_BAD_TLS      /* the handshake failed */
};

struct lp_tcp {
    int fd; /* -1: none */
    enum lp_tcp_state state;
    enum lp_tcp_fate fate;
    struct lp_tls *tls;
    struct lp_buf in, wire; /* wire: still to be sent */
};

/* Begins to connect; a failure that shows at once is a fate too. `address` is one in digits. */
void lp_tcp_open(struct lp_tcp *c, const char *address, uint16_t port);
void lp_tcp_close(struct lp_tcp *c);

short lp_tcp_events(const struct lp_tcp *c);
void lp_tcp_turn(struct lp_tcp *c, short revents);
void lp_tcp_send(struct lp_tcp *c, struct lp_str bytes);
/* Begins the handshake; LP_TCP_OPEN again when it is done. What is in `in` is thrown away. */
void lp_tcp_secure(struct lp_tcp *c, struct lp_tls_context *context, const char *host);

/* Is this an address of another machine? Not loopback, not "any", not multicast, and one at all. */
bool lp_tcp_elsewhere(const char *address);

#endif
