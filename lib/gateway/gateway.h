/*
 * gateway (internal) - the engine's own structures, shared by the files of lib/gateway
 *
 * chain.c   which provider a record is given to next, and when it is done
 * lane.c    one provider at work: its queue, batches, first call, circuit, waiting
 * pace.c    how fast it may be asked, by all processes together
 * call.c    one call: tries, retry with jitter, polling, deadlines
 * ask.c     the loop: input, lanes, output in order
 * twins.c   the same thing asked for by several records at a time
 * cache.c   answers kept, so that none is paid for twice
 * pending.c batches handed in and not yet answered, so that a rerun goes on polling
 * budget.c  what may be spent, by run and by day
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
    struct lp_hash128 key; /* of the identity members */
    bool keyed;
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
    struct lp_provider *absent[LP_CHAIN_MAX]; /* named, but not configured */
    size_t absent_at[LP_CHAIN_MAX];           /* how many lanes come before it */
    size_t n_absent;
    struct lp_str want[16];      /* fields a waterfall goes on for, in provider spelling */
    const char *want_member[16]; /* and as the contact spells them */
    size_t n_want;
    uint32_t continue_on; /* bits by lp_outcome */
    unsigned max_attempts;
};

struct lp_work; /* a call with its tries */
struct lp_chaos;
struct lp_recording;

/* An answer that is not in the cache yet; its strings lie in the record's arena. */
struct lp_fresh {
    const struct lp_provider *provider;
    struct lp_hash128 key;
    struct lp_answer answer;
};

/* A batch that was handed in, by another run or ours, and did not come to a good end. */
struct lp_resumed {
    struct lp_lane *lane;
    int64_t id;
    struct lp_buf owner;       /* the run that is no more */
    struct lp_buf memo, items; /* JSON */
    struct lp_hash128 *keys;
    uint64_t among[64]; /* a bit for each key: most records are in none of many batches */
    struct lp_item *stand_ins,
        **at;          /* for records that have not come by (yet); who is asked about */
    struct lp_rec rec; /* whose arena holds the stand-ins' answers */
    size_t n;
    struct lp_work *work;
    bool done;
    struct lp_resumed *next;
};

/* A limit on spending: in credits, or in money where `currency` is set. */
struct lp_budget {
    double limit; /* 0: none */
    char currency[8];
    double spent; /* of the run's own; of the day's, in a replay */
};

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
    struct lp_flight flight;
    struct lp_item **open;       /* by key: what is asked for now */
    struct lp_observation *seen; /* not yet saved */
    size_t n_seen, seen_room;
    uint64_t calls, records;        /* for --stats and plans */
    uint64_t requests[LP_OUTCOMES]; /* calls that have ended, as the audit log has them */
    uint64_t outcomes[LP_OUTCOMES];
    double credits, unsaved_credits; /* used; and not yet in the day's account */
    int64_t reserved_at;             /* UTC: money was last set aside of the day's budget */
    double remaining;                /* credits left, as the provider last said; -1: it did not */
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
    struct lp_fresh *fresh; /* answers to be committed before their records leave */
    size_t n_fresh, fresh_room;
    int64_t latest_before; /* real: the newest in the cache before these, 0: not looked up yet */
    bool paid_since_sync;  /* committed, but a power cut would still lose it */
    struct lp_slot **held; /* records that wait for that */
    size_t n_held, held_room;
    struct lp_resumed *resumed;
    int64_t *ended; /* pending rows whose answers are among the fresh */
    size_t n_ended;
    struct lp_budget run_budget, day_budget;
    size_t reserving; /* records in work that money was set aside for */
    uint64_t failed;  /* records nobody could answer */
    bool fatal;       /* err holds why */
    struct lp_err err;
    struct lp_err unread;           /* why the input broke off */
    bool bad_data;                  /* stopped by --fail-fast or --max-errors */
    uint64_t seed;                  /* of the jitter */
    struct lp_chaos *chaos;         /* NULL: no faults but the real ones */
    struct lp_recording *recording; /* NULL: neither recorded nor replayed */
    uint64_t rounds;                /* of the loop */
};

/* provider.c: 1 usable or merely not configured, 0 no such provider (only where !named), -1 wrong.
 * A setting that is missing leaves `configured` false with `missing` set. */
int lp_provider_make(struct lp_provider **out, const struct lp_config *config, const char *name,
    const char *capability, const struct lp_driver *const *drivers, bool named, struct lp_err *err);
/* terms.c: sets its limits and prices from its entry and what the adapter says of it. */
void lp_provider_terms(struct lp_provider *p, struct lp_str entry, struct lp_str meta);
/* Loads the secrets (commands run now). */
int lp_provider_secrets(struct lp_provider *p, struct lp_err *err);
void lp_provider_del(struct lp_provider *p);
/* Checks every entry under providers{} whose adapter or driver is known. */
int lp_provider_check_all(
    const struct lp_config *config, const struct lp_driver *const *drivers, struct lp_err *err);

/* chain_make.c */
int lp_chain_init(struct lp_gateway *g, struct lp_err *err);
void lp_chain_free(struct lp_gateway *g);

/* chain.c */
void lp_chain_start(struct lp_gateway *g, struct lp_task *t);
/* An item came back with its answer. */
void lp_chain_answered(struct lp_gateway *g, struct lp_item *item);

/* twins.c */
/* The item is on its way to the provider. */
void lp_twins_open(struct lp_lane *l, struct lp_item *item);
/* Is the same asked for already? Then the item gets that answer when it comes. */
bool lp_twins_join(struct lp_lane *l, struct lp_item *item);
/* The item has its answer: so have those that joined it. */
void lp_twins_answer(struct lp_lane *l, struct lp_item *item);

/* lane.c */
struct lp_lane *lp_lane_new(struct lp_gateway *g, struct lp_provider *p, unsigned index);
void lp_lane_del(struct lp_lane *l);
/* Loads the secrets and opens the driver, once. */
int lp_lane_open(struct lp_lane *l, struct lp_err *err);
/* NONE: may be asked; else why not. */
enum lp_class lp_lane_closed(struct lp_lane *l);
/* As above for a batch that was handed in; *wait (ms): how long it is to be left alone all the same. */
enum lp_class lp_lane_closed_to_polls(const struct lp_lane *l, int64_t *wait);
void lp_lane_push(struct lp_lane *l, struct lp_item *item);
/* Starts what may start now; returns the mono time when there is more to do, or INT64_MAX. */
int64_t lp_lane_pump(struct lp_lane *l);
/* A stop was asked for: what is queued goes back unasked. */
void lp_lanes_stop(struct lp_gateway *g);
void lp_lane_observe(struct lp_lane *l, const struct lp_observation *o);
int lp_gateway_sync(struct lp_gateway *g, bool final, struct lp_err *err);

/* pace.c */
/* A token of the provider's rate: 0 taken, else the mono time when there may be one, or -1: further off
 * than max_wait. */
int64_t lp_lane_token(struct lp_lane *l, int64_t now);
/* Has this process a call to spare for it? */
bool lp_lane_has_room(const struct lp_lane *l);
/* Then may it start? 0: yes, its token is taken; else as above. */
int64_t lp_lane_may_start(struct lp_lane *l, int64_t now);
/* It did not start after all. */
void lp_lane_not_started(struct lp_lane *l);
/* A call has ended. */
void lp_lane_ended(struct lp_lane *l);

/* call.c */
void lp_work_start(struct lp_lane *l, struct lp_item **items, size_t n, bool forced);
/* Runs retries and polls that are due. */
void lp_work_pump(struct lp_gateway *g);
/* When the next one is due; INT64_MAX: none waits. */
int64_t lp_work_due(const struct lp_gateway *g);
/* A stop was asked for: calls that wait for a retry or a poll are given up, with `all` the others
 * too. */
void lp_work_stop(struct lp_gateway *g, bool all);
void lp_work_free(struct lp_gateway *g);

/* Puts a record that has just turned up in the place of its stand-in; starts polling if need be. */
void lp_work_resume(struct lp_resumed *r, size_t at, struct lp_item *item);

/* cache.c */
/* 1: the answer is in the cache, item->answer is filled. */
int lp_cache_find(
    struct lp_gateway *g, struct lp_lane *l, struct lp_item *item, struct lp_err *err);
/* An answer to keep; the record leaves only after lp_cache_commit. */
void lp_cache_keep(struct lp_gateway *g, const struct lp_lane *l, const struct lp_item *item);
/* The record is done; it may leave once what it cost is on file. */
void lp_cache_release(struct lp_gateway *g, struct lp_slot *s);
/* Commits what is fresh and lets its records go. */
int lp_cache_commit(struct lp_gateway *g, struct lp_err *err);
void lp_cache_free(struct lp_gateway *g);
/* What makes two requests the same. */
struct lp_hash128 lp_cache_key(struct lp_gateway *g, struct lp_rec *r);

/* pending.c */
/* Before it is waited for, what was handed in is on file: a rerun must not hand it in again. *id is its
 * row, 0 the first time; without a state file it stands for none. */
void lp_pending_put(
    struct lp_lane *l, struct lp_item **items, size_t n, struct lp_str memo, int64_t *id);
/* The batch is answered: its row goes with the transaction that commits the answers. */
void lp_pending_end(struct lp_gateway *g, int64_t id);
int lp_pending_drop_done(struct lp_gateway *g, struct lp_err *err);
/* It was asked for as long as may be, in vain; true where it is given up. */
bool lp_pending_late(struct lp_gateway *g, int64_t id);
/* One of our own has failed, and stays on file, if there is one: a later record that is part of it asks
 * for it again. */
void lp_pending_leave(
    struct lp_lane *l, struct lp_item **items, size_t n, struct lp_str memo, int64_t id);
/* It is no longer asked for; `again`: but may be, with this memo. */
void lp_pending_over(struct lp_resumed *r, struct lp_str memo, bool again);
/* Reads what runs that are no more have left for the chain's providers. */
int lp_pending_load(struct lp_gateway *g, struct lp_err *err);
/* Is the record part of such a batch? Then it is waited for there. */
bool lp_pending_join(struct lp_gateway *g, struct lp_lane *l, struct lp_item *item);
void lp_pending_free(struct lp_gateway *g);

/* budget.c */
int lp_budget_init(struct lp_gateway *g, struct lp_err *err);
/* What was spent today, in the unit of the day's budget. */
int lp_budget_today(struct lp_gateway *g, double *sum, struct lp_err *err);
/* Of n records, how many there is still money for; that much is set aside. */
size_t lp_budget_reserve(struct lp_lane *l, size_t n, struct lp_err *err);
/* What they really cost; `n` is what was set aside for, at reserved_at (UTC; 0: nothing was). */
int lp_budget_settle(
    struct lp_lane *l, size_t n, int64_t reserved_at, double credits, struct lp_err *err);
/* Enters into the day's account what was used without a budget for the day. */
int lp_budget_save(struct lp_lane *l, struct lp_err *err);

/* plan.c */
void lp_plan_record(struct lp_gateway *g, struct lp_task *t);
int lp_plan_write(struct lp_gateway *g, struct lp_err *err);

/* What the configuration says of health. */
void lp_gateway_rules(struct lp_gateway *g);
void lp_gateway_fail(struct lp_gateway *g, const struct lp_err *err);

extern const struct lp_driver lp_driver_http;
extern const struct lp_driver lp_driver_exec;
extern const struct lp_driver lp_driver_noop;

#endif
