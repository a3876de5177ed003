#include "leadpipe/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_ONCE 16384 /* so that one endless talker does not keep the others waiting */

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t length;
};

static bool read_address(const char *text, uint16_t port, struct address *a)
{
    *a = (struct address){.length = sizeof a->u.v4};
    if (inet_pton(AF_INET, text, &a->u.v4.sin_addr) == 1) {
        a->u.v4.sin_family = AF_INET;
        a->u.v4.sin_port = htons(port);
        return true;
    }
    a->length = sizeof a->u.v6;
    a->u.v6.sin6_family = AF_INET6;
    a->u.v6.sin6_port = htons(port);
    return inet_pton(AF_INET6, text, &a->u.v6.sin6_addr) == 1;
}

static bool elsewhere_v4(uint32_t a) /* in host order */
{
    return a >> 24 != 0 && a >> 24 != 127 && a >> 24 < 224;
}

bool lp_tcp_elsewhere(const char *address)
{
    struct address a;

    if (!read_address(address, 0, &a))
        return false;
    if (a.u.any.sa_family == AF_INET)
        return elsewhere_v4(ntohl(a.u.v4.sin_addr.s_addr));
    const struct in6_addr *v6 = &a.u.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(v6) || IN6_IS_ADDR_V4COMPAT(v6))
        return false;
    return !IN6_IS_ADDR_LOOPBACK(v6) && !IN6_IS_ADDR_UNSPECIFIED(v6) && !IN6_IS_ADDR_MULTICAST(v6);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void end(struct lp_tcp *c, enum lp_tcp_fate fate)
{
    if (c->state != LP_TCP_ENDED)
        c->fate = fate;
    c->state = LP_TCP_ENDED;
}

static enum lp_tcp_fate fate_of(int error)
{
    switch (error) {
    case ECONNREFUSED: return LP_TCP_REFUSED;
    case ETIMEDOUT: return LP_TCP_SILENT;
    case ECONNRESET:
    case EPIPE: return LP_TCP_CLOSED;
    default: return LP_TCP_UNREACHABLE;
    }
}

static bool again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

void lp_tcp_close(struct lp_tcp *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->state = LP_TCP_ENDED;
    lp_tls_del(c->tls);
    c->tls = NULL;
    lp_buf_free(&c->in);
    lp_buf_free(&c->wire);
}

/* --- the wire -------------------------------------------------------------------------------- */

void lp_tcp_open(struct lp_tcp *c, const char *address, uint16_t port)
{
    struct address a;

    *c = (struct lp_tcp){.fd = -1};
    if (!read_address(address, port, &a)) {
        end(c, LP_TCP_UNREACHABLE);
        return;
    }
    c->fd = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        end(c, LP_TCP_UNREACHABLE);
    else if (connect(c->fd, &a.u.any, a.length) == 0)
        c->state = LP_TCP_OPEN;
    else if (errno != EINPROGRESS && errno != EINTR)
        end(c, fate_of(errno));
}

short lp_tcp_events(const struct lp_tcp *c)
{
    if (c->state == LP_TCP_CONNECTING)
        return POLLOUT;
    return (short)(POLLIN | (c->wire.len ? POLLOUT : 0));
}

static void see_connected(struct lp_tcp *c)
{
    int error = 0;
    socklen_t n = sizeof error;

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
        error = errno;
    if (error)
        end(c, fate_of(error));
    else
        c->state = LP_TCP_OPEN;
}

static void flush(struct lp_tcp *c)
{
    while (c->wire.len && c->state != LP_TCP_ENDED) {
        ssize_t n = send(c->fd, c->wire.p, c->wire.len, MSG_NOSIGNAL);
        if (n > 0)
            lp_buf_shift(&c->wire, (size_t)n);
        else if (again())
            return;
        else
            end(c, fate_of(errno));
    }
}

static void take_secure(struct lp_tcp *c, const char *bytes, size_t n)
{
    bool shaking = c->state == LP_TCP_SECURING;

    switch (lp_tls_take(c->tls, bytes, n, &c->wire, &c->in)) {
    case LP_TLS_SHAKING: break;
    case LP_TLS_OPEN: c->state = LP_TCP_OPEN; break;
    case LP_TLS_CLOSED: end(c, LP_TCP_CLOSED); break;
    case LP_TLS_FAILED: end(c, shaking ? LP_TCP_BAD_TLS : LP_TCP_CLOSED); break;
    }
}

static void fill(struct lp_tcp *c)
{
    char part[READ_ONCE];
    ssize_t n = recv(c->fd, part, sizeof part, 0);

    if (n < 0 && again())
        return;
    if (n <= 0)
        end(c, c->state == LP_TCP_SECURING ? LP_TCP_BAD_TLS : LP_TCP_CLOSED);
    else if (c->tls)
        take_secure(c, part, (size_t)n);
    else
        lp_buf_add(&c->in, part, (size_t)n);
}

void lp_tcp_turn(struct lp_tcp *c, short revents)
{
    if (c->state == LP_TCP_CONNECTING && revents)
        see_connected(c);
    else if (c->state != LP_TCP_ENDED && revents & (POLLIN | POLLERR | POLLHUP))
        fill(c);
    if (c->state != LP_TCP_CONNECTING)
        flush(c);
}

void lp_tcp_send(struct lp_tcp *c, struct lp_str bytes)
{
    if (c->tls)
        lp_tls_put(c->tls, bytes, &c->wire);
    else
        lp_buf_str(&c->wire, bytes);
    flush(c);
}

void lp_tcp_secure(struct lp_tcp *c, struct lp_tls_context *context, const char *host)
{
    lp_buf_reset(&c->in);
    c->tls = lp_tls_new(context, host);
    c->state = LP_TCP_SECURING;
    take_secure(c, "", 0);
    flush(c);
}
