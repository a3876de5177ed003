/*
 * prober (internal) - many mail hosts asked at a time, each one gently
 *
 * prober.c         its callers' side: records in, verdicts out, the loop
 * prober_host.c    one host: its queue, pace, addresses, health
 * prober_talk.c    one connection: the talk of leadpipe/probe.h over a socket, with its time limits
 * prober_canary.c  two addresses whose answers are known, asked before others are believed
 * prober_names.c   what is remembered by name for the run
 *
 * A record waits at the host its domain prefers. A host has at most one connection, over which its
 * records are asked one after the other, at most `rate` recipients a second; a host that cannot be
 * reached sends its records on to their next one.
 */
#ifndef LP_PROBER_H
#define LP_PROBER_H

#include "leadpipe/dns.h"
#include "leadpipe/probe.h"
#include "leadpipe/tcp.h"

#define LP_PROBER_SOCKETS   64
#define LP_PROBER_ADDRESSES 3

struct lp_prober_options {
    const char *name;             /* of the provider, for messages */
    const char *helo, *mail_from; /* checked; live as long as the prober */
    uint16_t port;
    bool anywhere; /* this machine's own addresses too */
    double rate;   /* recipients a second at one host */
    int64_t connect_ms, reply_ms, total_ms;
    const struct lp_address *good, *bad; /* the canary, or NULL; copied */
    unsigned canary_every;
};

typedef void lp_prober_done(void *arg, const struct lp_probe_verdict *v);

/* --- names ----------------------------------------------------------------------------------- */

struct lp_prober_name {
    char *text;
    uint32_t hash;
    bool busy; /* must not be forgotten */
    struct lp_prober_name *chain, *newer, *older;
};

struct lp_prober_names {
    struct lp_prober_name **bucket, *newest, *oldest;
    size_t n, size; /* size: of the structure that begins with a lp_prober_name */
};

void lp_prober_names_init(struct lp_prober_names *t, size_t size);
/* Finds it or makes it (zeroed); the longest unused one that is not busy makes room. */
void *lp_prober_names_get(struct lp_prober_names *t, struct lp_str text);
void lp_prober_names_free(struct lp_prober_names *t);

/* --- records --------------------------------------------------------------------------------- */

struct lp_prober_list {
    struct lp_prober_target *first, *last;
};

/* An address on its way. It is in one list, or a connection's. */
struct lp_prober_target {
    struct lp_prober_target *prev, *next;
    struct lp_prober_list *list;
    struct lp_address address;
    struct lp_prober_domain *domain;
    char *hosts[LP_DNS_HOSTS]; /* those still to be tried begin at `at` */
    unsigned n_hosts, at;
    bool retried; /* a connection was lost under it */
    bool canary;  /* goes while others wait for it, and asks for no second recipient */
    struct lp_probe_verdict verdict; /* the first host's word, should no other have one */
    lp_prober_done *done;
    void *arg;
};

struct lp_prober_domain {
    struct lp_prober_name name;
    enum lp_check catch_all;
    unsigned users; /* targets that point here */
};

/* --- hosts and connections ------------------------------------------------------------------- */

struct lp_prober_host {
    struct lp_prober_name name;
    struct lp_prober *prober;
    struct lp_prober_host *prev, *next; /* of those that have something to do */
    struct lp_prober_list queue;
    struct lp_prober_talk *talk;
    bool active, resolving, plain, told;
    char address[LP_PROBER_ADDRESSES][48];
    unsigned n_addresses, at;
    unsigned strikes; /* bad ends in a row */
    int64_t next_at;  /* mono: the pace allows another recipient */
    int64_t down_until;
    struct lp_probe_verdict down; /* what is said meanwhile */
};

struct lp_prober_talk {
    struct lp_prober_host *host;
    struct lp_prober_target *target; /* NULL: idle */
    struct lp_tcp tcp;
    struct lp_probe probe;
    bool greeted;     /* ready for recipients */
    int64_t due;      /* mono: connected, answered, or idle long enough by then */
    int64_t over;     /* mono: the target's time is up */
    unsigned targets; /* asked here */
    size_t index;     /* among the prober's */
};

enum lp_prober_canary {
    LP_CANARY_NONE,
    LP_CANARY_DUE,
    LP_CANARY_OUT,
    LP_CANARY_GOOD,
    LP_CANARY_VOID
};

struct lp_prober {
    struct lp_prober_options o;
    struct lp_dns *dns;
    struct lp_tls_context *tls;
    struct lp_prober_names hosts, domains;
    struct lp_prober_host *first; /* the active ones */
    struct lp_prober_list finished;
    bool fresh; /* something waits for a descriptor that the loop does not know yet */
    bool moved; /* a host has come to have something to do */
    struct lp_prober_talk *talks[LP_PROBER_SOCKETS];
    size_t n_talks;
    unsigned silent;    /* hosts in a row that could not be reached */
    int64_t mute_until; /* mono: none is tried before */
    bool told_mute;
    enum lp_prober_canary canary;
    struct lp_address good, bad;
    bool asks_bad, ever_good;
    unsigned since; /* verdicts since the last good canary */
};

void lp_prober_list_add(struct lp_prober_list *l, struct lp_prober_target *t, bool front);
struct lp_prober_target *lp_prober_list_take(struct lp_prober_list *l, struct lp_prober_target *t);

/* prober.c */
struct lp_prober *lp_prober_new(
    const struct lp_prober_options *o, struct lp_dns *dns, struct lp_err *err);
void lp_prober_del(struct lp_prober *p);
/* `done` is called once, from a later lp_prober_dispatch. `mx` names where the domain takes mail. */
void lp_prober_ask(struct lp_prober *p, const struct lp_address *address,
    const struct lp_dns_answer *mx, lp_prober_done *done, void *arg);
void lp_prober_cancel(struct lp_prober *p, const void *arg);
unsigned lp_prober_fds(struct lp_prober *p, struct pollfd *fds, unsigned room);
int lp_prober_timeout(struct lp_prober *p);
void lp_prober_dispatch(struct lp_prober *p, const struct pollfd *fds, unsigned n);
struct lp_prober_target *lp_prober_target_new(
    struct lp_prober *p, const struct lp_address *address, const struct lp_dns_answer *mx);
/* The target, in no list, has its verdict. */
void lp_prober_finish(
    struct lp_prober *p, struct lp_prober_target *t, const struct lp_probe_verdict *v);

/* prober_host.c */
/* To the queue of the next host it has; finished where there is none. */
void lp_prober_route(struct lp_prober *p, struct lp_prober_target *t);
/* What can be done now at every host; returns the mono time when there is more, or INT64_MAX. */
int64_t lp_prober_hosts_pump(struct lp_prober *p);
void lp_prober_host_down(struct lp_prober_host *h, const struct lp_probe_verdict *v);
/* The connection could not be used for anything. `unreachable`: nobody was there. */
void lp_prober_host_failed(
    struct lp_prober_host *h, const struct lp_probe_verdict *v, bool unreachable);

/* prober_talk.c */
/* Takes the target; false: no socket is free. */
bool lp_prober_talk_begin(struct lp_prober_host *h, struct lp_prober_target *t);
void lp_prober_talk_ask(struct lp_prober_talk *c, struct lp_prober_target *t);
void lp_prober_talk_turn(struct lp_prober_talk *c, short revents);
/* Looks at the time limits. */
void lp_prober_talk_tick(struct lp_prober_talk *c, int64_t now);
/* Idle: takes its leave. */
void lp_prober_talk_part(struct lp_prober_talk *c);
void lp_prober_talk_del(struct lp_prober_talk *c);

/* prober_canary.c */
/* Starts it where it is due and somebody waits for it. */
void lp_prober_canary_pump(struct lp_prober *p);

#endif
