#include <stdio.h>
#include "leadpipe/db.h"
#include "leadpipe/state.h"

/* The state file as self-check shows it: nothing here writes. */

static void copy(char *to, size_t room, struct lp_stmt *q, int column)
{
    struct lp_str from = lp_stmt_text(q, column);
    snprintf(to, room, "%.*s", (int)from.n, from.p ? from.p : "");
}

static void take_entry(struct lp_stmt *q, struct lp_state_entry *e)
{
    *e = (struct lp_state_entry){.at = lp_stmt_int(q, 0),
        .http_status = (int)lp_stmt_int(q, 7),
        .latency_ms = lp_stmt_int(q, 8),
        .records = lp_stmt_int(q, 9),
        .credits = lp_stmt_real(q, 10)};
    copy(e->run_id, sizeof e->run_id, q, 1);
    copy(e->capability, sizeof e->capability, q, 2);
    copy(e->method, sizeof e->method, q, 3);
    copy(e->provider, sizeof e->provider, q, 4);
    copy(e->outcome, sizeof e->outcome, q, 5);
    copy(e->class, sizeof e->class, q, 6);
}

int lp_state_audit(struct lp_state *s, const char *capability, int64_t limit,
    int (*each)(void *arg, const struct lp_state_entry *e), void *arg, struct lp_err *err)
{
    /* By time: programs enter what they did a second or so later, each provider's in a row. */
    struct lp_stmt *q = lp_db_stmt(lp_state_db(s),
        "SELECT at, run_id, capability, method, provider, outcome, error_class, http_status,"
        " latency_ms, records, credits FROM (SELECT * FROM audit"
        " WHERE ?1 IS NULL OR capability = ?1 ORDER BY at DESC, id DESC LIMIT ?2) ORDER BY at, id");
    struct lp_state_entry e;
    int r, stop = 0;
    lp_stmt_bind(q, "si", capability, limit);
    while (!stop && (r = lp_stmt_row(q, err)) > 0) {
        take_entry(q, &e);
        stop = each(arg, &e);
    }
    lp_stmt_reset(q);
    return stop ? stop : r;
}

static void take_check(struct lp_stmt *q, struct lp_state_check *c)
{
    *c = (struct lp_state_check){.at = lp_stmt_int(q, 0),
        .outcome = LP_ERROR,
        .http_status = (int)lp_stmt_int(q, 6),
        .latency_ms = lp_stmt_int(q, 7),
        .remaining = lp_stmt_real(q, 8)};
    copy(c->run_id, sizeof c->run_id, q, 1);
    copy(c->capability, sizeof c->capability, q, 2);
    copy(c->provider, sizeof c->provider, q, 3);
    lp_outcome_from(lp_stmt_text(q, 4), &c->outcome);
    lp_class_from(lp_stmt_text(q, 5), &c->class);
    copy(c->detail, sizeof c->detail, q, 9);
}

int lp_state_checks(struct lp_state *s, int64_t limit,
    int (*each)(void *arg, const struct lp_state_check *c), void *arg, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(lp_state_db(s),
        "SELECT at, run_id, capability, provider, outcome, error_class, http_status, latency_ms,"
        " remaining, detail FROM (SELECT * FROM checks ORDER BY id DESC LIMIT ?) ORDER BY id");
    struct lp_state_check c;
    int r, stop = 0;
    lp_stmt_bind(q, "i", limit);
    while (!stop && (r = lp_stmt_row(q, err)) > 0) {
        take_check(q, &c);
        stop = each(arg, &c);
    }
    lp_stmt_reset(q);
    return stop ? stop : r;
}

int lp_state_last_check(struct lp_state *s, const char *capability, const char *provider,
    struct lp_state_check *c, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(lp_state_db(s),
        "SELECT at, run_id, capability, provider, outcome, error_class, http_status, latency_ms,"
        " remaining, detail FROM checks WHERE capability = ? AND provider = ?"
        " ORDER BY id DESC LIMIT 1");
    lp_stmt_bind(q, "ss", capability, provider);
    int r = lp_stmt_row(q, err);
    if (r > 0)
        take_check(q, c);
    lp_stmt_reset(q);
    return r;
}

int lp_state_count_checks(struct lp_state *s, int64_t *n, int64_t *good, struct lp_err *err)
{
    *n = *good = 0;
    if (lp_db_int(lp_state_db(s), "SELECT count(*) FROM checks", n, err) < 0)
        return -1;
    int r =
        lp_db_int(lp_state_db(s), "SELECT count(*) FROM checks WHERE outcome = 'ok'", good, err);
    return r < 0 ? -1 : 0;
}

int lp_state_last_status(struct lp_state *s, const char *capability, const char *provider,
    int *status, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(lp_state_db(s),
        "SELECT http_status FROM audit WHERE capability = ? AND provider = ? AND outcome = 'error'"
        " ORDER BY id DESC LIMIT 1");
    lp_stmt_bind(q, "ss", capability, provider);
    int r = lp_stmt_row(q, err);
    *status = r > 0 ? (int)lp_stmt_int(q, 0) : 0;
    lp_stmt_reset(q);
    return r < 0 ? -1 : 0;
}
