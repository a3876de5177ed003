#include "leadpipe/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include "leadpipe/clock.h"
#include "leadpipe/dns_cache.h"

#define DOMAIN_MAX 255
#define EDNS_SIZE  1232 /* what passes every path unfragmented (DNS flag day 2020) */

/* c-ares 1.18 either hands out a SERVFAIL without asking the next server, or asks the next one and, when
 * all fail, says that none could be reached. So there is a channel of each kind: the first is asked, the
 * second only after a failure and only where there are several servers. The third asks over TCP, after an
 * answer that was cut: a server that takes no TCP fails all that are on a channel. */
enum { FIRST, EVERY, WHOLE, CHANNELS };

struct lp_dns {
    ares_channel channel[CHANNELS];
    struct lp_dns_options o;
    struct lp_dns_cache cache;
    struct pollfd *fds;
    unsigned n_fds, room_fds;
    unsigned on_wire;
    unsigned silent;    /* look-ups in a row without a word from any server */
    int64_t mute_until; /* 0: servers are thought to be there */
    uint64_t asked_total;
    bool dying;
};

/* What is asked in turn; of a domain's mail only after an empty answer to the one before. */
static const int steps[][4] = {
    [LP_DNS_MAIL] = {ns_t_mx, ns_t_a, ns_t_aaaa},
    [LP_DNS_ADDRESSES] = {ns_t_a, ns_t_aaaa},
    [LP_DNS_ZONE] = {ns_t_ns},
};

static void send_step(struct lp_dns_entry *e);

static int step_of(const struct lp_dns_entry *e)
{
    return steps[e->question][e->step];
}

static struct lp_dns_entry *first_of(const struct lp_dns *d, enum lp_dns_stage stage)
{
    return d->cache.list[stage].first;
}

static void move(struct lp_dns_entry *e, enum lp_dns_stage stage)
{
    lp_dns_cache_move(&e->dns->cache, e, stage);
}

/* --- answers ---------------------------------------------------------------------------------- */

static bool is_failure(enum lp_dns_kind kind)
{
    return kind >= LP_DNS_SERVFAIL;
}

/* Where no server says a word, asking on would only add up waiting. */
static void note_silence(struct lp_dns *d, bool silence)
{
    d->silent = silence ? d->silent + 1 : 0;
    if (d->silent >= d->o.silence)
        d->mute_until = lp_clock_mono() + d->o.retry_ms;
    else if (!silence)
        d->mute_until = 0;
}

/* What is asked to judge the servers themselves is no lasting truth either. */
static void answer(struct lp_dns_entry *e, enum lp_dns_kind kind)
{
    bool passing = is_failure(kind) || e->question == LP_DNS_ZONE;

    e->answer.kind = kind;
    e->when = passing ? lp_clock_mono() + e->dns->o.retry_ms : 0;
    move(e, LP_DNS_ANSWERED);
}

static void settle(struct lp_dns_entry *e, enum lp_dns_kind kind)
{
    note_silence(e->dns, kind == LP_DNS_TIMEOUT || kind == LP_DNS_NO_NETWORK);
    if (e->question == LP_DNS_ADDRESSES && e->answer.hosts) /* of one family, that is enough */
        kind = LP_DNS_IMPLICIT;
    answer(e, kind);
}

static int by_preference(const void *a, const void *b)
{
    const struct ares_mx_reply *const *x = a, *const *y = b;

    return (int)(*x)->priority - (int)(*y)->priority;
}

static enum lp_dns_kind read_mx(struct lp_dns_entry *e, const unsigned char *reply, int n)
{
    struct ares_mx_reply *all = NULL, *mx[64];
    enum lp_dns_kind kind = LP_DNS_KINDS;
    size_t named = 0, any = 0;
    int rc = ares_parse_mx_reply(reply, n, &all);

    for (struct ares_mx_reply *m = all; m && named < 64; m = m->next, any++)
        if (*m->host && strcmp(m->host, ".") != 0)
            mx[named++] = m;
    qsort(mx, named, sizeof *mx, by_preference);
    for (size_t i = 0; i < named && lp_dns_cache_put_host(e, mx[i]->priority, mx[i]->host); i++)
        ;
    if (named) {
        kind = LP_DNS_MX;
    } else if (any) {
        kind = LP_DNS_NULL_MX;
    } else if (rc != ARES_SUCCESS && rc != ARES_ENODATA) {
        kind = LP_DNS_SERVFAIL;
    }
    ares_free_data(all);
    return kind;
}

static void put_addresses(struct lp_dns_entry *e, int family, const void *a, size_t size, int n)
{
    char text[INET6_ADDRSTRLEN];

    for (int i = 0; i < n; i++)
        if (inet_ntop(family, (const char *)a + size * (size_t)i, text, sizeof text))
            lp_dns_cache_put_host(e, 0, text);
}

static enum lp_dns_kind read_address(struct lp_dns_entry *e, const unsigned char *reply, int n)
{
    struct ares_addrttl a[LP_DNS_HOSTS];
    struct ares_addr6ttl a6[LP_DNS_HOSTS];
    int found = LP_DNS_HOSTS;
    bool v4 = step_of(e) == ns_t_a;
    int rc = v4 ? ares_parse_a_reply(reply, n, NULL, a, &found)
                : ares_parse_aaaa_reply(reply, n, NULL, a6, &found);

    if (rc != ARES_SUCCESS || found <= 0)
        return rc == ARES_SUCCESS || rc == ARES_ENODATA ? LP_DNS_KINDS : LP_DNS_SERVFAIL;
    if (e->question == LP_DNS_MAIL)
        return LP_DNS_IMPLICIT;
    if (v4)
        put_addresses(e, AF_INET, a, sizeof *a, found);
    else
        put_addresses(e, AF_INET6, a6, sizeof *a6, found);
    return LP_DNS_KINDS;
}

static enum lp_dns_kind read_ns(const unsigned char *reply, int n)
{
    struct hostent *servers = NULL;
    bool named = ares_parse_ns_reply(reply, n, &servers) == ARES_SUCCESS;

    ares_free_hostent(servers);
    return named ? LP_DNS_MX : LP_DNS_KINDS;
}

/* LP_DNS_KINDS: nothing in it, ask the next question. A code that c-ares does not know is success to it. */
static enum lp_dns_kind read_reply(struct lp_dns_entry *e, const unsigned char *reply, int n)
{
    if (reply[3] & 15)
        return LP_DNS_SERVFAIL;
    switch (step_of(e)) {
    case ns_t_mx: return read_mx(e, reply, n);
    case ns_t_ns: return read_ns(reply, n);
    default: return read_address(e, reply, n);
    }
}

static enum lp_dns_kind kind_of(int status)
{
    switch (status) {
    case ARES_ENOTFOUND: return LP_DNS_NXDOMAIN;
    case ARES_ETIMEOUT: return LP_DNS_TIMEOUT;
    case ARES_ECONNREFUSED: return LP_DNS_NO_NETWORK;
    default: return LP_DNS_SERVFAIL;
    }
}

/* How the same is to be asked once more; FIRST: not at all. */
static uint8_t other_way(const struct lp_dns_entry *e, enum lp_dns_kind kind, bool cut)
{
    if (cut)
        return WHOLE;
    return kind == LP_DNS_SERVFAIL && e->way == FIRST && e->dns->channel[EVERY] ? EVERY : FIRST;
}

static void on_reply(void *arg, int status, int timeouts, unsigned char *reply, int n)
{
    struct lp_dns_entry *e = arg;
    struct lp_dns *d = e->dns;
    bool spoke = status == ARES_SUCCESS || status == ARES_ENODATA;
    bool cut = spoke && e->way != WHOLE && reply[2] & 2;
    enum lp_dns_kind kind = LP_DNS_KINDS;

    (void)timeouts;
    e->on_wire = false;
    d->on_wire--;
    if (d->dying || e->stage != LP_DNS_ASKED) /* its deadline passed meanwhile */
        return;
    if (status == ARES_SUCCESS && !cut)
        kind = read_reply(e, reply, n);
    else if (!spoke) /* where one has spoken it is not the network */
        kind = e->way == FIRST || status == ARES_ENOTFOUND ? kind_of(status) : LP_DNS_SERVFAIL;
    uint8_t way = other_way(e, kind, cut);
    if (!way && (kind != LP_DNS_KINDS || !steps[e->question][e->step + 1])) {
        settle(e, kind == LP_DNS_KINDS ? LP_DNS_NO_ADDRESS : kind);
        return;
    }
    e->step += !way;
    e->way = way;
    send_step(e);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* c-ares may call back before ares_query returns. */
static void send_step(struct lp_dns_entry *e)
{
    e->on_wire = true;
    e->dns->on_wire++;
    e->dns->asked_total++;
    ares_query(e->dns->channel[e->way], e->domain, ns_c_in, step_of(e), on_reply, e);
}

/* Sends what is queued as far as the wire has room; after a mute time one look-up goes alone. */
static void pump(struct lp_dns *d)
{
    struct lp_dns_entry *e;

    while ((e = first_of(d, LP_DNS_QUEUED))) {
        bool mute = d->mute_until && lp_clock_mono() < d->mute_until;
        if (!mute && d->on_wire >= (d->mute_until ? 1 : d->o.in_flight))
            return;
        if (mute) {
            answer(e, LP_DNS_NO_NETWORK);
        } else if (e->on_wire) { /* given up earlier, and c-ares has not: the same again */
            answer(e, LP_DNS_TIMEOUT);
        } else {
            e->when = lp_clock_mono() + d->o.deadline_ms;
            move(e, LP_DNS_ASKED);
            send_step(e);
        }
    }
}

static bool is_fresh(const struct lp_dns_entry *e)
{
    return e->stage == LP_DNS_ANSWERED || e->when == 0 || lp_clock_mono() < e->when;
}

const struct lp_dns_answer *lp_dns_ask(struct lp_dns *d, enum lp_dns_question question,
    struct lp_str domain, lp_dns_done *done, void *arg)
{
    static const struct lp_dns_answer never = {.kind = LP_DNS_NXDOMAIN};
    struct lp_dns_entry *e;

    if (domain.n == 0 || domain.n > DOMAIN_MAX || memchr(domain.p, '\0', domain.n))
        return &never;
    e = lp_dns_cache_find(&d->cache, question, domain);
    if (e && e->stage >= LP_DNS_ANSWERED) {
        if (is_fresh(e)) {
            if (e->stage == LP_DNS_KEPT && e != first_of(d, LP_DNS_KEPT))
                move(e, LP_DNS_KEPT);
            return &e->answer;
        }
        e->step = 0;
        e->way = FIRST;
        move(e, LP_DNS_QUEUED);
    }
    if (!e) {
        e = lp_dns_cache_add(&d->cache, question, domain);
        e->dns = d;
    }
    lp_dns_cache_wait(&d->cache, e, done, arg);
    return NULL;
}

const struct lp_dns_answer *lp_dns_mx(
    struct lp_dns *d, struct lp_str domain, lp_dns_done *done, void *arg)
{
    return lp_dns_ask(d, LP_DNS_MAIL, domain, done, arg);
}

void lp_dns_cancel(struct lp_dns *d, const void *arg)
{
    lp_dns_cache_cancel(&d->cache, arg);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void on_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct lp_dns *d = arg;
    short events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
    unsigned i = 0;

    while (i < d->n_fds && d->fds[i].fd != fd)
        i++;
    if (!events) {
        if (i < d->n_fds)
            d->fds[i] = d->fds[--d->n_fds];
        return;
    }
    if (i == d->room_fds) {
        d->room_fds = d->room_fds ? 2 * d->room_fds : 8;
        d->fds = lp_realloc_array(d->fds, d->room_fds, sizeof *d->fds);
    }
    if (i == d->n_fds)
        d->n_fds++;
    d->fds[i] = (struct pollfd){.fd = fd, .events = events};
}

unsigned lp_dns_pollfds(struct lp_dns *d, struct pollfd *fds, unsigned room)
{
    unsigned n;

    pump(d);
    n = d->n_fds < room ? d->n_fds : room;
    if (n)
        memcpy(fds, d->fds, n * sizeof *fds);
    return n;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

int lp_dns_timeout(struct lp_dns *d)
{
    struct timeval tv, *next;
    int64_t wait = -1, left;

    pump(d);
    if (first_of(d, LP_DNS_ANSWERED))
        return 0;
    if (first_of(d, LP_DNS_ASKED)) {
        left = first_of(d, LP_DNS_ASKED)->when - lp_clock_mono();
        wait = left > 0 ? left : 0;
    }
    for (int i = 0; i < CHANNELS; i++) {
        next = d->channel[i] ? ares_timeout(d->channel[i], NULL, &tv) : NULL;
        if (next)
            wait = sooner(wait, (int64_t)next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
    }
    return (int)wait;
}

static void tell(struct lp_dns *d)
{
    struct lp_dns_entry *e;
    lp_dns_done *done;
    void *arg;

    while ((e = first_of(d, LP_DNS_ANSWERED))) {
        while (lp_dns_cache_unwait(&d->cache, e, &done, &arg))
            done(arg, &e->answer);
        move(e, LP_DNS_KEPT);
    }
}

/* A channel passes over descriptors that are not its own. */
static void process(struct lp_dns *d, ares_socket_t in, ares_socket_t out)
{
    for (int i = 0; i < CHANNELS; i++)
        if (d->channel[i])
            ares_process_fd(d->channel[i], in, out);
}

void lp_dns_dispatch(struct lp_dns *d, const struct pollfd *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        short r = fds[i].revents;
        if (r)
            process(d, r & (POLLIN | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD,
                r & (POLLOUT | POLLERR | POLLHUP) ? fds[i].fd : ARES_SOCKET_BAD);
    }
    process(d, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    while (first_of(d, LP_DNS_ASKED) && first_of(d, LP_DNS_ASKED)->when <= lp_clock_mono())
        settle(first_of(d, LP_DNS_ASKED), LP_DNS_TIMEOUT);
    pump(d);
    tell(d);
}

/* --- life ------------------------------------------------------------------------------------- */

static void set_defaults(struct lp_dns_options *o)
{
    o->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : 2000;
    o->tries = o->tries > 0 ? o->tries : 2;
    o->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : 10000;
    o->retry_ms = o->retry_ms > 0 ? o->retry_ms : 30000;
    o->in_flight = o->in_flight ? o->in_flight : 100;
    o->silence = o->silence ? o->silence : 32;
    o->remembered = o->remembered ? o->remembered : 50000;
}

/* Of a port's number c-ares takes the lower 16 bits. */
static bool ports_hold(const char *servers)
{
    for (size_t n; *servers; servers += n + (servers[n] == ',')) {
        n = strcspn(servers, ",");
        const char *first = memchr(servers, ':', n), *last = memrchr(servers, ':', n);
        unsigned long port = last ? strtoul(last + 1, NULL, 10) : 0;
        bool is_port = last && (first == last || last[-1] == ']');
        if (is_port && (port == 0 || port > 65535))
            return false;
    }
    return true;
}

static int open_channel(struct lp_dns *d, int which, struct lp_err *err)
{
    static const int flags[CHANNELS] = {[FIRST] = ARES_FLAG_IGNTC | ARES_FLAG_NOCHECKRESP,
        [EVERY] = ARES_FLAG_IGNTC,
        [WHOLE] = ARES_FLAG_USEVC};
    struct ares_options a = {.timeout = d->o.timeout_ms,
        .tries = d->o.tries,
        .flags = ARES_FLAG_EDNS | flags[which],
        .ednspsz = EDNS_SIZE,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = d};
    int rc = ares_init_options(&d->channel[which], &a,
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ |
            ARES_OPT_SOCK_STATE_CB);

    if (rc != ARES_SUCCESS)
        return lp_err_set(err, LP_ERR_IO, "dns", "DNS resolver: %s", ares_strerror(rc));
    if (!d->o.servers)
        return 0;
    rc = ares_set_servers_ports_csv(d->channel[which], d->o.servers);
    if (rc != ARES_SUCCESS || !*d->o.servers || !ports_hold(d->o.servers))
        return lp_err_set(
            err, LP_ERR_CONFIG, "dns_server", "not a list of DNS servers: %.80s", d->o.servers);
    return 0;
}

static bool has_several_servers(const struct lp_dns *d)
{
    struct ares_addr_port_node *servers = NULL;
    bool several = ares_get_servers_ports(d->channel[FIRST], &servers) == ARES_SUCCESS && servers &&
                   servers->next;

    ares_free_data(servers);
    return several;
}

struct lp_dns *lp_dns_new(const struct lp_dns_options *options, struct lp_err *err)
{
    struct lp_dns *d = lp_alloc(sizeof *d);

    if (options)
        d->o = *options;
    set_defaults(&d->o);
    lp_dns_cache_init(&d->cache, d->o.remembered);
    ares_library_init(ARES_LIB_INIT_ALL);
    if (open_channel(d, FIRST, err) == 0 && open_channel(d, WHOLE, err) == 0 &&
        (!has_several_servers(d) || open_channel(d, EVERY, err) == 0))
        return d;
    lp_dns_del(d);
    return NULL;
}

void lp_dns_del(struct lp_dns *d)
{
    if (!d)
        return;
    d->dying = true;
    for (int i = 0; i < CHANNELS; i++)
        if (d->channel[i])
            ares_destroy(d->channel[i]);
    ares_library_cleanup();
    lp_dns_cache_free(&d->cache);
    free(d->fds);
    free(d);
}

uint64_t lp_dns_asked(const struct lp_dns *d)
{
    return d->asked_total;
}

const char *lp_dns_version(void)
{
    static char text[32];

    snprintf(text, sizeof text, "c-ares %.20s", ares_version(NULL));
    return text;
}
