/*
 * gateway (internal) - the engine's own structures, shared by the files of lib/gateway
 *
 * chain.c   which provider a record is given to next, and when it is done
 * lane.c    one provider at work: its queue, batches, first call, circuit, waiting
 * call.c    one call: tries, retry with jitter, polling, deadlines
 * ask.c     the loop: input, lanes, output in order
 * plan.c    what a dry run would have done
 */
#ifndef LP_GATEWAY_H
#define LP_GATEWAY_H

#include "leadpipe/adapter.h"
#include "leadpipe/ask.h"
#include "leadpipe/config.h"
#include "leadpipe/health.h"
#include "leadpipe/http.h"
#include "leadpipe/limit.h"
#include "leadpipe/provider.h"
#include "leadpipe/state.h"
#include "leadpipe/window.h"

#define LP_CHAIN_MAX 16

struct lp_lane;

/* One record in work. Lives in its slot and is kept from use to use. */
struct lp_task {
    struct lp_slot *slot;
    struct lp_str json;                 /* what providers may see; made once, when first needed */
    struct lp_item items[LP_CHAIN_MAX]; /* by position in the chain */
    struct lp_answer answers[2 * LP_CHAIN_MAX]; /* a forced provider answers twice */
    size_t n_answers;
    uint32_t tried, forced; /* bits by position in the chain */
    unsigned asked, pending;
    bool rejected; /* already written as a reject: not to be written again */
};

enum lp_order { LP_BY_PRIORITY, LP_BY_HEALTH, LP_BY_LATENCY };

struct lp_chain {
    const char *capability;
    enum lp_mode mode;
    enum lp_order order;
    struct lp_lane *lanes[LP_CHAIN_MAX]; /* in configured order; configured providers only */
    size_t n;
    struct lp_str want[16];      /* fields a waterfall goes on for, in provider spelling */
    const char *want_member[16]; /* and as the contact spells them */
    size_t n_want;
    uint32_t continue_on; /* bits by lp_outcome */
    unsigned max_attempts;
};

struct lp_work; /* a call with its tries */

/* One provider at work. */
struct lp_lane {
    struct lp_gateway *gateway;
    struct lp_provider *provider;
    unsigned index;         /* in the chain */
    struct lp_item **queue; /* ring of records waiting for a call */
    size_t head, queued, room;
    int64_t pushed_at; /* mono: the last record queued */
    unsigned in_flight;
    bool opened, proved; /* driver opened; a first try has ended without refusal */
    bool any_success;
    enum lp_class refused;   /* AUTH or CONFIG: not asked again in this run */
    bool probing;            /* our probe is under way */
    struct lp_health health; /* as last read from the state, own observations folded in */
    struct lp_limit limit;
    struct lp_observation *seen; /* not yet saved */
    size_t n_seen, seen_room;
    uint64_t calls, records; /* for --stats and plans */
    uint64_t outcomes[LP_OUTCOMES];
    double credits;
};

struct lp_gateway {
    struct lp_run *run;
    const struct lp_asking *asking;
    const struct lp_ask_settings *settings;
    struct lp_config config;
    struct lp_state *state; /* NULL: --state none */
    struct lp_health_rules rules;
    struct lp_chain chain;
    struct lp_window *window;
    struct lp_http *http;          /* NULL until an HTTP provider opens */
    struct lp_work *works, *spare; /* calls under way; finished ones to use again */
    unsigned jobs, jobs_used;      /* calls in flight to providers that are not embedded */
    int64_t synced_at;             /* mono: state last written or read */
    int64_t stop_at;               /* mono: when what is in flight is given up, 0: no stop asked */
    int64_t seen_input_at;
    uint64_t failed; /* records nobody could answer */
    bool fatal;      /* err holds why */
    struct lp_err err;
    uint64_t seed; /* of the jitter */
};

/* provider.c: 1 usable or merely not configured, 0 no such provider (only where !named), -1 wrong.
 * A setting that is missing leaves `configured` false with `missing` set. */
int lp_provider_make(struct lp_provider **out, const struct lp_config *config, const char *name,
    const char *capability, const struct lp_driver *const *drivers, bool named, struct lp_err *err);
/* Loads the secrets (commands run now). */
int lp_provider_secrets(struct lp_provider *p, struct lp_err *err);
void lp_provider_del(struct lp_provider *p);
/* Checks every entry under providers{} whose adapter or driver is known. */
int lp_provider_check_all(
    const struct lp_config *config, const struct lp_driver *const *drivers, struct lp_err *err);

/* chain.c */
int lp_chain_init(struct lp_gateway *g, struct lp_err *err);
void lp_chain_start(struct lp_gateway *g, struct lp_task *t);
/* An item came back with its answer. */
void lp_chain_answered(struct lp_gateway *g, struct lp_item *item);
void lp_chain_free(struct lp_gateway *g);

/* lane.c */
struct lp_lane *lp_lane_new(struct lp_gateway *g, struct lp_provider *p, unsigned index);
void lp_lane_del(struct lp_lane *l);
/* NONE: may be asked; else why not. */
enum lp_class lp_lane_closed(struct lp_lane *l);
void lp_lane_push(struct lp_lane *l, struct lp_item *item);
/* Starts what may start now; returns the mono time when there is more to do, or INT64_MAX. */
int64_t lp_lane_pump(struct lp_lane *l);
/* A stop was asked for: what is queued goes back unasked. */
void lp_lanes_stop(struct lp_gateway *g);
void lp_lane_observe(struct lp_lane *l, const struct lp_observation *o);
int lp_gateway_sync(struct lp_gateway *g, bool final, struct lp_err *err);

/* call.c */
void lp_work_start(struct lp_lane *l, struct lp_item **items, size_t n, bool forced);
/* Runs retries and polls that are due; returns the next due time. */
int64_t lp_work_pump(struct lp_gateway *g);
/* A stop was asked for: calls that wait for a retry or a poll are given up, with `all` the others
 * too. */
void lp_work_stop(struct lp_gateway *g, bool all);
void lp_work_abandon(struct lp_gateway *g);
void lp_work_free(struct lp_gateway *g);

/* plan.c */
void lp_plan_record(struct lp_gateway *g, struct lp_task *t);
int lp_plan_write(struct lp_gateway *g, struct lp_err *err);

void lp_gateway_fail(struct lp_gateway *g, const struct lp_err *err);

extern const struct lp_driver lp_driver_http;
extern const struct lp_driver lp_driver_noop;

#endif
