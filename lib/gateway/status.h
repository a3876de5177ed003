/*
 * status (internal) - the chains as self-check sees them: providers, health, what to do
 *
 * status.c       reads them from the configuration and the state
 * advice.c       what to do about them
 * check_run.c    asks every provider for its own check
 * status_json.c, status_text.c, status_prometheus.c   show them
 * show_config.c  shows what they are made of
 * check.c        the program's order of things
 */
#ifndef LP_GATEWAY_STATUS_H
#define LP_GATEWAY_STATUS_H

#include "gateway.h"
#include "leadpipe/check.h"

#define LP_RECENT_OPERATIONS 10
#define LP_RECENT_CHECKS     20

/* A provider's place in a chain. */
struct lp_seat {
    struct lp_provider *provider;
    struct lp_lane *lane; /* NULL: not configured */
    struct lp_health health;
    enum lp_class out; /* why it is not asked now, or NONE */
    bool usable;
    bool no_check;               /* nobody to ask: it has no check of its own */
    bool checked;                /* `check` holds the last one */
    struct lp_state_check check; /* with check.at */
};

struct lp_status_chain {
    struct lp_chain chain;
    struct lp_seat seats[2 * LP_CHAIN_MAX]; /* in configured order */
    size_t n;
    enum lp_health_state overall;
    bool usable; /* somebody may be asked */
    struct lp_state_entry recent[LP_RECENT_OPERATIONS];
    size_t n_recent;
    int64_t operations;
};

enum lp_severity { LP_INFO, LP_WARNING, LP_CRITICAL };

struct lp_recommendation {
    const struct lp_status_chain *chain;
    const struct lp_seat *seat; /* NULL: the chain as a whole */
    const char *status;
    enum lp_severity severity;
    int64_t since; /* UTC ms; 0: not known */
    char issue[320], action[320];
};

struct lp_status {
    struct lp_gateway gateway; /* config, state, http; its chain is only used while one is made */
    int64_t now;
    struct lp_status_chain *chains;
    size_t n_chains;
    struct lp_state_check recent[LP_RECENT_CHECKS];
    size_t n_recent;
    int64_t n_checks, good_checks;
    struct lp_recommendation *advice;
    size_t n_advice;
    struct lp_adapter *defaults; /* advice of providers without an adapter; NULL: not yet needed */
};

/* status.c */
int lp_status_init(struct lp_status *s, struct lp_run *run, struct lp_err *err);
/* Reads health, checks and operations anew, and makes up the advice. */
int lp_status_load(struct lp_status *s, struct lp_err *err);
void lp_status_free(struct lp_status *s);
bool lp_status_unusable(const struct lp_status *s); /* has some chain nobody to ask? */
bool lp_status_critical(const struct lp_status *s);

/* check_run.c: asks all at once; a stop asked for meanwhile leaves the rest unasked. */
int lp_status_check(struct lp_status *s, struct lp_err *err);

/* advice.c */
void lp_status_advise(struct lp_status *s);
/* Health first; a limit that was met while all is well otherwise. NONE: there is nothing to say. */
enum lp_class lp_status_trouble(const struct lp_seat *seat);
const char *lp_severity_name(enum lp_severity v);
const char *lp_class_phrase(enum lp_class c); /* "no answer in time" */

/* status_json.c: one object, without a newline */
void lp_status_json(const struct lp_status *s, struct lp_buf *out);
void lp_status_put_entry(const struct lp_state_entry *e, struct lp_buf *out);

/* status_text.c */
struct lp_style {
    bool color, ascii;
};
void lp_status_text(const struct lp_status *s, struct lp_style style, struct lp_buf *out);

/* status_prometheus.c */
int lp_status_prometheus(const struct lp_status *s, struct lp_buf *out, struct lp_err *err);

/* show_config.c */
void lp_show_config(const struct lp_status *s, bool json, struct lp_buf *out);

#endif
