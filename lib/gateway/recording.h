/*
 * recording (internal) - what was exchanged with providers, kept in a file, and played back
 *
 * Owns: the gateway owns its recording; an exchange belongs to it from its start to its end
 * Units: milliseconds since the run began; counts of records and exchanges
 * Errors: LP_ERR_USAGE for options that do not go together or a file that is there already; LP_ERR_IO
 *         for one that cannot be written or read; LP_ERR_RECORD (exit 65) for one that is no recording
 *         of this program, or lacks an exchange
 * Source: the format is in leadpipe-recording(5)
 *
 * Over HTTP a request and its response are kept as they go over the wire, so that adapters do their
 * work in a replay too; of a provider with descriptors of its own (a filter, DNS) a whole call is kept.
 * What only computes is not kept, it computes again.
 *
 * When a record is read, a call begun and an answer taken in decides what else happens: which records
 * share a batch, which find a circuit open. So every exchange carries the counts that give its place
 * among those events, and a replay lets them happen in this order, on clocks of its own that stand
 * still in between. Where the run is not quite the recorded one (other options, other input) the order
 * is given up, and every request gets its answer as far as there is one.
 */
#ifndef LP_GATEWAY_RECORDING_H
#define LP_GATEWAY_RECORDING_H

#include "chaos.h"
#include "gateway.h"

/* ---- for the engine ------------------------------------------------------------------------- */

/* By the options; sets the clock, and in a replay what else the run depends on. */
int lp_recording_open(struct lp_gateway *g, struct lp_err *err);
/* The chain is known: writes the file's head, or gives the lanes the health they had. */
int lp_recording_begin(struct lp_gateway *g, struct lp_err *err);
/* The run is over: says what a replay lacked. */
int lp_recording_end(struct lp_gateway *g, struct lp_err *err);
void lp_recording_free(struct lp_gateway *g);

bool lp_recording_replays(const struct lp_gateway *g);
/* The chain as --chain gave it to the recorded run, or NULL. */
const char *lp_recording_chain(const struct lp_gateway *g);
/* In a replay: configured is what was so in the recorded run, with or without its secrets. */
void lp_recording_fit(struct lp_gateway *g, struct lp_provider *p);
/* Are its calls kept as a whole? Then they go through lp_recording_start. */
bool lp_recording_covers(const struct lp_gateway *g, const struct lp_provider *p);

/* Begins the call with its provider, or in its place. */
void lp_recording_start(struct lp_call *call);
/* Lets it fail by --chaos: recorded too, as something that happened in its place among the rest. */
void lp_recording_strike(struct lp_call *call, enum lp_chaos_kind fault);
/* The call has ended. */
void lp_recording_ended(struct lp_call *call);
/* The call is given up: nothing is kept of it. */
void lp_recording_drop(struct lp_call *call);

/* As lp_http_send; `request` is the same request as JSON, secrets masked. In a replay nothing is sent
 * and q is not looked at; one that is not in the recording ends as LP_HTTP_BAD, perhaps at once. */
int lp_recording_send(struct lp_call *call, struct lp_str request, const struct lp_http_request *q,
    lp_http_done *done, void *arg, struct lp_err *err);
/* In a replay: done will not be called with this arg; false: the exchange is not known here. */
bool lp_recording_forget(struct lp_gateway *g, const void *arg);

/* What happens by itself, without an exchange, and decides what comes after. */
enum lp_mark {
    LP_MARK_PROBE,  /* a provider whose cool-down is over is given a record to see */
    LP_MARK_BOUNCE, /* records that waited for a provider go on to others */
    LP_MARK_WORK /* one that only computes is given some: its health is asked about when the order is */
};
void lp_recording_mark(struct lp_gateway *g, const struct lp_provider *p, enum lp_mark mark);
/* Is this a replay that follows the recording's order? */
bool lp_replay_in_step(const struct lp_gateway *g);
/* Is this the place in it for the mark? */
bool lp_replay_marked(struct lp_gateway *g, const struct lp_provider *p, enum lp_mark mark);

/* Does it say when this provider's batches left? */
bool lp_replay_decides(const struct lp_gateway *g, const struct lp_provider *p);
/* Is this the place in it where so many records left for the provider as a batch not full? */
bool lp_replay_leaves(struct lp_gateway *g, const struct lp_provider *p, size_t records);

/* May the next record be read now? */
bool lp_replay_reads(const struct lp_gateway *g);
/* Had more been read when the next thing happened? Then that is to come first. */
bool lp_replay_starves(const struct lp_gateway *g);
/* Lets the next thing happen, unless it waits for input; `due` is when the engine has something to do
 * by itself. Returns how long to wait for input and output. */
int lp_replay_pass(struct lp_gateway *g, bool starved, int64_t due);

/* ---- shared by recording*.c ----------------------------------------------------------------- */

struct lp_exchange {
    struct lp_recording *recording;
    struct lp_call *call; /* kept as a whole; or NULL */
    lp_http_done *done;
    void *arg;
    const struct lp_provider *provider;
    char *request; /* JSON, masked */
    size_t request_n;
    size_t records;
    int tries;
    bool poll;
    uint64_t n, in, ends; /* in: records read, and one more for the end of the input */
    int64_t started;
    bool starting; /* it may end before the provider has let go of it */
    struct lp_taken *taken;
    struct lp_exchange *prev, *next;
};

/* An exchange of the file. */
struct lp_taken {
    struct lp_hash128 key;
    struct lp_str text; /* the line */
    struct lp_str provider;
    int64_t records;
    bool first; /* try of a batch, which left when it was begun */
    uint64_t n, in_at_start, in_at_end, ends, round;
    int64_t started, ended;
    size_t asked; /* of the first of its key: how many of them were asked for */
    bool at_once, used, delivered;
    struct lp_exchange *held; /* asked for, not yet answered */
};

struct lp_recording {
    struct lp_gateway *gateway;
    const char *path;
    int fd;       /* -1: this is a replay */
    int64_t base; /* mono: when the run began */
    uint64_t starts, ends;
    struct lp_exchange *live;
    struct lp_buf line, part, scratch;
    /* of a replay: */
    struct lp_buf file;
    struct lp_str head;
    struct lp_buf chain, chaos; /* options of the recorded run */
    struct lp_taken *taken;     /* in the order of their ends */
    size_t n, next_end, next_start;
    struct lp_taken **by_start;
    struct lp_taken **by_key; /* and by start */
    unsigned idle;            /* rounds in which nothing came about */
    bool loose;               /* the order is given up */
    uint64_t missing;
    char first_missing[200];
};

/* recording_head.c */
int lp_recording_put_head(struct lp_recording *r, struct lp_err *err);
/* What the recorded run found in its state file: health, rates, and what was spent that day. */
void lp_recording_take_state(struct lp_recording *r);

/* recording_text.c: to and from JSON */
void lp_recording_put_json(struct lp_recording *r, const char *name, struct lp_str json);
void lp_recording_put_response(struct lp_recording *r, const struct lp_http_response *response);
void lp_recording_put_call(struct lp_recording *r, const struct lp_call *call);
void lp_recording_request_of(
    const struct lp_call *call, enum lp_chaos_kind fault, struct lp_buf *json);
void lp_recording_take_response(
    struct lp_recording *r, struct lp_str line, struct lp_http_response *response);

/* recording.c */
void lp_recording_put_time(struct lp_buf *b, const char *name, int64_t utc_ms);
uint64_t lp_recording_read(const struct lp_recording *r);
/* `call` may be NULL: nobody is asked. */
struct lp_exchange *lp_exchange_new(struct lp_recording *r, const struct lp_provider *p,
    const struct lp_call *call, struct lp_str request);
void lp_exchange_del(struct lp_exchange *x);
struct lp_hash128 lp_exchange_key(const struct lp_provider *p, struct lp_str request);

/* replay.c */
int lp_replay_load(struct lp_recording *r, struct lp_err *err);
struct lp_taken *lp_replay_next_start(struct lp_recording *r);
/* Has it the answer? Then the exchange holds it. */
bool lp_replay_ask(struct lp_recording *r, struct lp_exchange *x);
/* The exchange ends. */
void lp_replay_past(struct lp_recording *r, struct lp_taken *t);
/* This is not quite the recorded run: its order is given up. */
void lp_replay_loose(struct lp_recording *r);
void lp_replay_miss(struct lp_recording *r, const struct lp_provider *p, struct lp_str request);
/* Gives the exchange its recorded answer and frees it. */
void lp_replay_deliver(struct lp_recording *r, struct lp_taken *t);

#endif
