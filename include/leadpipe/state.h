/*
 * state - the SQLite file all processes share: health, buckets, audit log
 *
 * Owns: struct lp_state owns the connection
 * Units: UTC ms
 * Errors: LP_ERR_IO: the file cannot be used, is of a newer version, or a row fails its CRC
 * (named); the program ends and the file is never replaced Source: spec/gateway.md "The state
 * file", "Health", "Audit log"
 */
#ifndef LEADPIPE_STATE_H
#define LEADPIPE_STATE_H

#include "leadpipe/err.h"
#include "leadpipe/health.h"
#include "leadpipe/limit.h"

#define LP_STATE_VERSION 1
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

/* Several observations of one provider, folded into the stored health in one transaction with their
 * audit entries and totals; *after is the new stored state. */
struct lp_state_batch {
    const char *capability, *provider, *run_id;
    const struct lp_observation *seen;
    size_t n;
    const struct lp_health_rules *rules;
};
int lp_state_observe(struct lp_state *s, const struct lp_state_batch *b, struct lp_health *after,
    struct lp_err *err);

/* One process in all may probe a provider whose cool-down is over: 1 it is us, until `until`;
 * 0 someone else is. */
int lp_state_claim_probe(struct lp_state *s, const char *capability, const char *provider,
    int64_t now, int64_t until, struct lp_err *err);

/* Takes up to `want` tokens of a provider's shared bucket. */
int lp_state_take(struct lp_state *s, const char *provider, const struct lp_limit *limit,
    int64_t want, int64_t *got, int64_t *wait_ms, struct lp_err *err);

/* Totals of a (capability, provider, outcome, class): exact over all processes. */
struct lp_state_total {
    char capability[48], provider[64], outcome[20], class[20];
    int64_t requests, records;
    double credits;
};
int lp_state_totals(struct lp_state *s, int (*each)(void *arg, const struct lp_state_total *t),
    void *arg, struct lp_err *err);

#endif
