#include <stdio.h>
#include "leadpipe/clock.h"
#include "leadpipe/db.h"
#include "leadpipe/state.h"
#include "owner.h"

/*
 * A row for each process and account: its calls in flight, and since when it waits for another. Who
 * waits longest is next; who has not looked for a while does not wait any more. Rows of processes that
 * are no more go when one of them is in the way.
 */

#define LOOKS_EVERY_MS 1000

/* Those who are in front of us: calls of others in flight, and others who have waited longer. */
static int in_front(
    struct lp_db *db, const struct lp_flight *f, int64_t now, int64_t *n, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(db,
        "SELECT coalesce(sum(calls + (since > 0 AND since < ?3 AND abs(looked - ?4) < ?5)), 0)"
        " FROM flight WHERE account = ?1 AND owner <> ?2");
    int64_t since = f->since ? f->since : now;
    lp_stmt_bind(q, "ssiii", f->account, f->owner, since, now, (int64_t)LOOKS_EVERY_MS);
    int r = lp_stmt_row(q, err);
    *n = r > 0 ? lp_stmt_int(q, 0) : 0;
    lp_stmt_reset(q);
    return r < 0 ? -1 : 0;
}

static int forget(struct lp_db *db, const char *account, const char *owner, struct lp_err *err)
{
    return lp_db_run(
        db, err, "DELETE FROM flight WHERE account = ? AND owner = ?", "ss", account, owner);
}

static int drop_dead(struct lp_db *db, const struct lp_flight *f, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(db, "SELECT owner FROM flight WHERE account = ? AND owner > ?"
                                       " ORDER BY owner LIMIT 1");
    char at[LP_OWNER_SIZE] = "";
    int r;
    while (lp_stmt_bind(q, "ss", f->account, at), (r = lp_stmt_row(q, err)) > 0) {
        struct lp_str owner = lp_stmt_text(q, 0);
        bool alive = lp_owner_alive(owner);
        snprintf(at, sizeof at, "%.*s", (int)owner.n, owner.p);
        lp_stmt_reset(q);
        if (!alive && forget(db, f->account, at, err))
            return -1;
    }
    return r;
}

static int say(struct lp_db *db, const struct lp_flight *f, int64_t now, struct lp_err *err)
{
    if (f->calls == 0 && f->since == 0)
        return forget(db, f->account, f->owner, err);
    return lp_db_run(db, err,
        "INSERT INTO flight VALUES (?,?,?,?,?) ON CONFLICT (account, owner) DO UPDATE SET"
        " calls = excluded.calls, since = excluded.since, looked = excluded.looked",
        "ssiii", f->account, f->owner, f->calls, f->since, now);
}

static int fly(struct lp_db *db, struct lp_flight *f, struct lp_err *err)
{
    int64_t now = lp_clock_real(), others = 0;
    bool granted = false;
    for (int look = 0; f->max && !granted && look < 2; look++) {
        if ((look && drop_dead(db, f, err)) || in_front(db, f, now, &others, err))
            return -1;
        granted = f->calls + others < f->max;
    }
    f->calls += granted;
    f->since = granted || !f->max ? 0 : f->since ? f->since : now;
    f->looked = now;
    return say(db, f, now, err) ? -1 : granted;
}

/* To see that it is not our turn needs no lock, while others still know that we wait. */
static int in_vain(struct lp_db *db, const struct lp_flight *f, struct lp_err *err)
{
    int64_t now = lp_clock_real(), others;
    if (!f->max || !f->since || now - f->looked >= LOOKS_EVERY_MS / 2 || now < f->looked)
        return 0;
    return in_front(db, f, now, &others, err) ? -1 : f->calls + others >= f->max;
}

int lp_state_fly(struct lp_state *s, struct lp_flight *f, struct lp_err *err)
{
    struct lp_db *db = lp_state_db(s);
    int vain = in_vain(db, f, err);
    if (vain)
        return vain < 0 ? -1 : 0;
    if (lp_db_begin(db, err))
        return -1;
    int r = fly(db, f, err);
    if (r >= 0)
        return lp_db_commit(db, err) ? -1 : r;
    lp_db_rollback(db);
    return -1;
}
