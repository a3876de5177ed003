/*
 * state - the SQLite file all processes share: health, buckets, audit log
 *
 * Owns: struct lp_state owns the connection
 * Units: UTC ms
 * Errors: LP_ERR_IO: the file cannot be used, is of a newer version, or a row fails its CRC
 *         (named); the program ends and the file is never replaced
 * Source: spec/gateway.md "The state file", "Health", "Audit log"
 *
 * A file of an older version is brought up to this one when it is opened.
 */
#ifndef LEADPIPE_STATE_H
#define LEADPIPE_STATE_H

#include <stdbool.h>
#include "leadpipe/err.h"
#include "leadpipe/health.h"
#include "leadpipe/limit.h"

#define LP_STATE_VERSION 2
#define LP_AUDIT_KEEP    100000

struct lp_state;

/* flag: --state or NULL; then $LEADPIPE_STATE, then the XDG place. "none": *out is NULL. */
int lp_state_open(struct lp_state **out, const char *flag, struct lp_err *err);
void lp_state_close(struct lp_state *s);
const char *lp_state_path(const struct lp_state *s);
/* The file itself, for the gateway's other tables (cache, pending, spend). */
struct lp_db;
struct lp_db *lp_state_db(struct lp_state *s);

int lp_state_health(struct lp_state *s, const char *capability, const char *provider,
    struct lp_health *h, struct lp_err *err);

/* What self-check found, kept beside its observation: the newest LP_CHECKS_KEEP per (capability,
 * provider). */
#define LP_CHECKS_KEEP 100
struct lp_state_check {
    int64_t at; /* UTC ms */
    char capability[48], provider[64], run_id[20];
    enum lp_outcome outcome; /* LP_OK or LP_ERROR */
    enum lp_class class;
    int http_status;
    int64_t latency_ms;
    double remaining; /* credits left; -1: not known */
    char detail[200];
};

/* Several observations of one provider, folded into the stored health in one transaction with their
 * audit entries and totals; *after is the new stored state. */
struct lp_state_batch {
    const char *capability, *provider, *run_id;
    const struct lp_observation *seen;
    size_t n;
    const struct lp_health_rules *rules;
    const struct lp_state_check *check; /* where they come from a check, else NULL */
};
int lp_state_observe(struct lp_state *s, const struct lp_state_batch *b, struct lp_health *after,
    struct lp_err *err);

/* One process in all may probe a provider whose cool-down is over: 1 it is us, until `until`;
 * 0 someone else is. */
int lp_state_claim_probe(struct lp_state *s, const char *capability, const char *provider,
    int64_t now, int64_t until, struct lp_err *err);

/* An account's shared bucket as it was last left; `at` 0: never used. */
int lp_state_bucket(
    struct lp_state *s, const char *account, struct lp_bucket *b, struct lp_err *err);
/* Takes up to `want` tokens of it. */
int lp_state_take(struct lp_state *s, const char *account, const struct lp_limit *limit,
    int64_t want, int64_t *got, int64_t *wait_ms, struct lp_err *err);

/* Calls in flight to an account, counted over all processes. */
struct lp_flight {
    const char *account;
    char owner[64];  /* this process: owner.h */
    int64_t calls;   /* its own in flight */
    int64_t max;     /* of all together, if another is wanted; 0: none is */
    int64_t since;   /* UTC ms: waits for one since then; kept from call to call */
    int64_t looked;  /* UTC ms: when others last saw it wait; likewise */
    int64_t look_at; /* mono: the caller's, when to ask again */
};
/* Says how many calls we have in flight. 1: there may be another, it is counted as begun; 0 not now, or
 * none was wanted. */
int lp_state_fly(struct lp_state *s, struct lp_flight *f, struct lp_err *err);

/* Totals of a (capability, provider, outcome, class): exact over all processes. */
struct lp_state_total {
    char capability[48], provider[64], outcome[20], class[20];
    int64_t requests, records;
    double credits;
};
int lp_state_totals(struct lp_state *s, int (*each)(void *arg, const struct lp_state_total *t),
    void *arg, struct lp_err *err);

/* An operator takes a provider out for good: it is not asked before LP_FOREVER. Or puts it back,
 * whatever kept it out.
 * 1 done, 0 it was so already, -1 error. */
#define LP_FOREVER INT64_C(253402300799000) /* the last second of the year 9999 */
int lp_state_bench(struct lp_state *s, const char *capability, const char *provider, bool bench,
    struct lp_err *err);

/* --- state_read.c: what self-check shows ------------------------------------------------------ */

struct lp_state_entry { /* one request */
    int64_t at;
    char run_id[20], capability[48], method[8], provider[64], outcome[20], class[20];
    int http_status;
    int64_t latency_ms, records;
    double credits;
};
/* The newest `limit` entries (-1: all) of a capability (NULL: of all), oldest first, until `each`
 * returns other than 0, which is then returned. */
int lp_state_audit(struct lp_state *s, const char *capability, int64_t limit,
    int (*each)(void *arg, const struct lp_state_entry *e), void *arg, struct lp_err *err);
/* The newest `limit` checks, oldest first. */
int lp_state_checks(struct lp_state *s, int64_t limit,
    int (*each)(void *arg, const struct lp_state_check *c), void *arg, struct lp_err *err);
/* A provider's last check; 1 there is one, 0 none, -1 error. */
int lp_state_last_check(struct lp_state *s, const char *capability, const char *provider,
    struct lp_state_check *c, struct lp_err *err);
/* How many checks are kept, and how many of them went well. */
int lp_state_count_checks(struct lp_state *s, int64_t *n, int64_t *good, struct lp_err *err);
/* HTTP status of a provider's last failed request; 0: none. */
int lp_state_last_status(struct lp_state *s, const char *capability, const char *provider,
    int *status, struct lp_err *err);

#endif
