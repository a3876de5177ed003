/*
 * dns - does a domain take mail, and where: many MX look-ups in flight, remembered for the run
 *
 * Owns: struct lp_dns owns its sockets and its memory of domains; an answer lives until the next
 *       call of lp_dns_mx or lp_dns_dispatch
 * Units: milliseconds, domains, bytes
 * Errors: lp_dns_new: LP_ERR_CONFIG for servers that are none, LP_ERR_IO otherwise. A look-up that
 *         failed is an answer of its own kind.
 * Source: c-ares 1.18; RFC 5321 section 5.1 (implicit MX), RFC 7505 (null MX)
 *
 * The only file that knows c-ares. Of a domain MX is asked first, where there is none A, then AAAA. An
 * answer too long for a datagram is asked for again over TCP.
 * Nothing blocks: give the descriptors to poll(2) and come back. Concurrent questions for a domain wait for
 * one look-up; settled answers are kept until the memory is full (least recently used go first),
 * failures are asked again after `retry_ms`. When `silence` look-ups in a row got no word from any
 * server, new ones fail at once as LP_DNS_NO_NETWORK until `retry_ms` have passed, so that a run
 * without a network ends in seconds.
 */
#ifndef LEADPIPE_DNS_H
#define LEADPIPE_DNS_H

#include <poll.h>
#include <stdint.h>
#include "leadpipe/err.h"
#include "leadpipe/mem.h"

enum lp_dns_kind {
    LP_DNS_MX,         /* it names mail hosts */
    LP_DNS_IMPLICIT,   /* no MX, but an address: the domain itself takes mail */
    LP_DNS_NULL_MX,    /* it says that it takes no mail */
    LP_DNS_NO_ADDRESS, /* it exists, without MX and address */
    LP_DNS_NXDOMAIN,   /* it does not exist */
    LP_DNS_SERVFAIL,   /* a server answered, but could or would not say */
    LP_DNS_TIMEOUT,    /* no answer in time */
    LP_DNS_NO_NETWORK, /* no server can be reached */
    LP_DNS_KINDS
};

#define LP_DNS_HOSTS 8 /* mail hosts kept of a domain, addresses of a host */

enum lp_dns_question {
    LP_DNS_MAIL,      /* where does the domain take mail? */
    LP_DNS_ADDRESSES, /* of a host: LP_DNS_IMPLICIT, and lp_dns_host gives them as text, IPv4 first */
    LP_DNS_ZONE /* is there such a name at all? LP_DNS_MX if so, as its name servers are named,
                   LP_DNS_NO_ADDRESS if nothing is; kept for `retry_ms` */
};

struct lp_dns_answer {
    enum lp_dns_kind kind;
    unsigned hosts;
    char *packed; /* for lp_dns_host */
};

/* The i-th mail host, lowest preference first; NULL beyond the last. */
const char *lp_dns_host(const struct lp_dns_answer *a, unsigned i, unsigned *preference);

struct lp_dns_options {
    const char *servers; /* "127.0.0.1:5353,[::1]:53"; NULL: the system's */
    int timeout_ms;      /* of one try; 0: 2000 */
    int tries;           /* 0: 2 */
    int deadline_ms;     /* of a domain's whole look-up; 0: 10 000 */
    int retry_ms;        /* 0: 30 000 */
    unsigned in_flight;  /* look-ups on the wire at a time; 0: 100 */
    unsigned silence;    /* 0: 32 */
    size_t remembered;   /* domains; 0: 50 000 */
};

struct lp_dns;
struct lp_dns *lp_dns_new(const struct lp_dns_options *options, struct lp_err *err); /* or NULL */
void lp_dns_del(struct lp_dns *d); /* callbacks still due are not called */

typedef void lp_dns_done(void *arg, const struct lp_dns_answer *a);

/* The answer if it is known, and `done` is not called; else NULL, and `done` is called once from a
 * later lp_dns_dispatch. `domain` is lower-case A-labels of at most 255 bytes. `done` may ask for
 * further domains. */
const struct lp_dns_answer *lp_dns_mx(
    struct lp_dns *d, struct lp_str domain, lp_dns_done *done, void *arg);
/* The same for any of the questions; the answers of each are kept apart. */
const struct lp_dns_answer *lp_dns_ask(struct lp_dns *d, enum lp_dns_question question,
    struct lp_str name, lp_dns_done *done, void *arg);
/* Forgets a question that was asked with this arg: its `done` will not be called. */
void lp_dns_cancel(struct lp_dns *d, const void *arg);

/* Fills at most `room` descriptors; returns how many. */
unsigned lp_dns_pollfds(struct lp_dns *d, struct pollfd *fds, unsigned room);
/* How long to wait at most for the next lp_dns_dispatch; -1: for ever. */
int lp_dns_timeout(struct lp_dns *d);
void lp_dns_dispatch(struct lp_dns *d, const struct pollfd *fds, unsigned n);

/* Look-ups sent to a server so far (coalesced and remembered ones are not). */
uint64_t lp_dns_asked(const struct lp_dns *d);

const char *lp_dns_version(void); /* "c-ares 1.18.1" */

#endif
