#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/db.h"
#include "owner.h"

/*
 * Vendors that work on a batch for a while are asked twice: once to take it, then for the answers. If
 * the run ends in between, what was handed in is paid for; so each such batch is on file with the
 * vendor's reference (the memo) before it is waited for, and a later run asks for the answers of
 * those whose owner is no more, as soon as it comes upon one of their records.
 */

/* A job that runs every night comes back to its batches a day later, or more where a night is left out;
 * vendors keep answers for about a month. */
#define DAY_MS  INT64_C(86400000)
#define KEEP_MS (30 * DAY_MS)

/* The id of a batch of a run without a state file, which knows of its own only. */
#define NOT_ON_FILE (-1)

static int64_t row_crc(struct lp_str memo, struct lp_str items, struct lp_str keys)
{
    struct lp_buf b = {0};
    lp_buf_str(&b, memo);
    lp_buf_byte(&b, '\n');
    lp_buf_str(&b, items);
    lp_buf_byte(&b, '\n');
    lp_buf_str(&b, keys);
    int64_t crc = lp_crc32(b.p, b.len);
    lp_buf_free(&b);
    return crc;
}

/* ---- our own -------------------------------------------------------------------------------- */

static void describe(struct lp_item **items, size_t n, struct lp_buf *json, struct lp_buf *keys)
{
    LP_BUF_LIT(json, "[");
    for (size_t i = 0; i < n; i++) {
        if (i)
            LP_BUF_LIT(json, ",");
        lp_buf_str(json, items[i]->json);
        lp_buf_add(keys, &items[i]->key, sizeof items[i]->key);
    }
    LP_BUF_LIT(json, "]");
}

static int64_t store(struct lp_gateway *g, struct lp_lane *l, struct lp_item **items, size_t n,
    struct lp_str memo, struct lp_err *err)
{
    struct lp_buf json = {0}, keys = {0};
    char owner[LP_OWNER_SIZE];
    lp_owner_self(owner);
    describe(items, n, &json, &keys);
    struct lp_str j = lp_buf_view(&json), k = lp_buf_view(&keys);
    int r = lp_db_run(lp_state_db(g->state), err,
        "INSERT INTO pending (capability, provider, memo, items, keys, at, owner, crc)"
        " VALUES (?,?,?,?,?,?,?,?)",
        "ssttbisi", l->provider->capability, l->provider->name, memo, j, k, lp_clock_real(), owner,
        row_crc(memo, j, k));
    lp_buf_free(&json);
    lp_buf_free(&keys);
    return r ? -1 : lp_db_last_id(lp_state_db(g->state));
}

static int update(struct lp_gateway *g, int64_t id, struct lp_str memo, struct lp_err *err)
{
    struct lp_db *db = lp_state_db(g->state);
    struct lp_stmt *q = lp_db_stmt(db, "SELECT memo, items, keys FROM pending WHERE id = ?");
    lp_stmt_bind(q, "i", id);
    int r = lp_stmt_row(q, err);
    if (r <= 0)
        return r;
    bool same = lp_str_eq(lp_stmt_text(q, 0), memo);
    int64_t crc = row_crc(memo, lp_stmt_text(q, 1), lp_stmt_blob(q, 2));
    lp_stmt_reset(q);
    if (same)
        return 0;
    return lp_db_run(
        db, err, "UPDATE pending SET memo = ?, crc = ? WHERE id = ?", "tii", memo, crc, id);
}

void lp_pending_put(
    struct lp_lane *l, struct lp_item **items, size_t n, struct lp_str memo, int64_t *id)
{
    struct lp_gateway *g = l->gateway;
    struct lp_err err = {0};
    if (!g->state)
        *id = NOT_ON_FILE;
    else if (*id)
        update(g, *id, memo, &err);
    else
        *id = store(g, l, items, n, memo, &err);
    if (err.kind)
        lp_gateway_fail(g, &err);
}

void lp_pending_end(struct lp_gateway *g, int64_t id)
{
    if (id == NOT_ON_FILE)
        return;
    g->ended = lp_realloc_array(g->ended, g->n_ended + 1, sizeof *g->ended);
    g->ended[g->n_ended++] = id;
}

/* Vendors are ready within minutes. One that is not a day later never will be. */
bool lp_pending_late(struct lp_gateway *g, int64_t id)
{
    struct lp_err err = {0};
    struct lp_db *db;
    if (id <= 0)
        return false;
    db = lp_state_db(g->state);
    if (lp_db_run(db, &err, "DELETE FROM pending WHERE id = ? AND at < ?", "ii", id,
            lp_clock_real() - DAY_MS)) {
        lp_gateway_fail(g, &err);
        return false;
    }
    return lp_db_changes(db) > 0;
}

int lp_pending_drop_done(struct lp_gateway *g, struct lp_err *err)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->n_ended; i++)
        r = lp_db_run(
            lp_state_db(g->state), err, "DELETE FROM pending WHERE id = ?", "i", g->ended[i]);
    return r;
}

/* ---- those that may be asked for again ------------------------------------------------------ */

static uint64_t *word_of(struct lp_resumed *r, const struct lp_hash128 *key)
{
    return &r->among[key->lo >> 6 & 63];
}

static uint64_t bit_of(const struct lp_hash128 *key)
{
    return UINT64_C(1) << (key->lo & 63);
}

static void add_resumed(struct lp_lane *l, int64_t id, struct lp_str owner, struct lp_str memo,
    struct lp_str items, struct lp_str keys)
{
    struct lp_gateway *g = l->gateway;
    struct lp_resumed *r = lp_alloc(sizeof *r);
    struct lp_str name, v;
    r->lane = l;
    r->id = id;
    lp_buf_str(&r->owner, owner);
    lp_buf_str(&r->memo, memo);
    lp_buf_str(&r->items, items);
    r->n = keys.n / sizeof *r->keys;
    r->keys = lp_realloc_array(NULL, r->n, sizeof *r->keys);
    memcpy(r->keys, keys.p, r->n * sizeof *r->keys);
    r->stand_ins = lp_alloc(r->n * sizeof *r->stand_ins);
    r->at = lp_alloc(r->n * sizeof *r->at);
    struct lp_json_iter it = lp_json_iter(lp_buf_view(&r->items));
    for (size_t i = 0; i < r->n && lp_json_next(&it, &name, &v); i++) {
        r->stand_ins[i] = (struct lp_item){.rec = &r->rec, .json = v, .key = r->keys[i]};
        r->at[i] = &r->stand_ins[i];
        *word_of(r, &r->keys[i]) |= bit_of(&r->keys[i]);
    }
    r->next = g->resumed;
    g->resumed = r;
}

static int load_row(struct lp_gateway *g, struct lp_lane *l, struct lp_stmt *q, struct lp_err *err)
{
    struct lp_str memo = lp_stmt_text(q, 1), items = lp_stmt_text(q, 2), keys = lp_stmt_blob(q, 3);
    if (row_crc(memo, items, keys) != lp_stmt_int(q, 5))
        return lp_err_set(err, LP_ERR_IO, "corrupt",
            "%s: pending row %lld of %s fails its checksum; it is damaged and not used",
            lp_state_path(g->state), (long long)lp_stmt_int(q, 0), l->provider->name);
    add_resumed(l, lp_stmt_int(q, 0), lp_stmt_text(q, 4), memo, items, keys);
    return 0;
}

static int load_lane(struct lp_gateway *g, struct lp_lane *l, struct lp_err *err)
{
    const struct lp_provider *p = l->provider;
    struct lp_stmt *q =
        lp_db_stmt(lp_state_db(g->state), "SELECT id, memo, items, keys, owner, crc FROM pending "
                                          "WHERE capability = ? AND provider = ?");
    int r;
    lp_stmt_bind(q, "ss", p->capability, p->name);
    while ((r = lp_stmt_row(q, err)) > 0)
        if (!lp_owner_alive(lp_stmt_text(q, 4)) && load_row(g, l, q, err)) {
            lp_stmt_reset(q);
            return -1;
        }
    return r;
}

void lp_pending_leave(
    struct lp_lane *l, struct lp_item **items, size_t n, struct lp_str memo, int64_t id)
{
    struct lp_buf json = {0}, keys = {0};
    char owner[LP_OWNER_SIZE];
    lp_owner_self(owner);
    describe(items, n, &json, &keys);
    add_resumed(l, id, lp_str(owner), memo, lp_buf_view(&json), lp_buf_view(&keys));
    lp_buf_free(&json);
    lp_buf_free(&keys);
}

void lp_pending_over(struct lp_resumed *r, struct lp_str memo, bool again)
{
    lp_buf_reset(&r->memo);
    lp_buf_str(&r->memo, memo);
    r->work = NULL;
    r->done = !again;
    for (size_t i = 0; i < r->n; i++)
        r->at[i] = &r->stand_ins[i];
}

static int load(struct lp_gateway *g, struct lp_err *err)
{
    if (lp_db_run(lp_state_db(g->state), err, "DELETE FROM pending WHERE at < ?", "i",
            lp_clock_real() - KEEP_MS))
        return -1;
    for (size_t i = 0; i < g->chain.n; i++)
        if (!g->chain.lanes[i]->provider->embedded && load_lane(g, g->chain.lanes[i], err))
            return -1;
    return 0;
}

int lp_pending_load(struct lp_gateway *g, struct lp_err *err)
{
    int64_t any = 0;
    struct lp_db *db;
    if (!g->state || g->run->common.dry_run)
        return 0;
    db = lp_state_db(g->state);
    if (lp_db_int(db, "SELECT count(*) FROM pending", &any, err) < 0)
        return -1;
    if (!any)
        return 0;
    if (lp_db_begin(db, err))
        return -1;
    if (load(g, err)) {
        lp_db_rollback(db);
        return -1;
    }
    return lp_db_commit(db, err);
}

static int take(struct lp_gateway *g, const struct lp_resumed *r, struct lp_err *err)
{
    char self[LP_OWNER_SIZE];
    struct lp_db *db = lp_state_db(g->state);
    lp_owner_self(self);
    if (lp_db_begin(db, err))
        return -1;
    if (lp_db_run(db, err, "UPDATE pending SET owner = ? WHERE id = ? AND owner = ?", "sit", self,
            r->id, lp_buf_view(&r->owner))) {
        lp_db_rollback(db);
        return -1;
    }
    bool taken = lp_db_changes(db) > 0;
    return lp_db_commit(db, err) ? -1 : taken;
}

/* A batch is ours from the first record on that is part of it, not before: a run with other records must
 * not keep it from the one that will ask. Of two such runs the first has it. */
static bool is_ours(struct lp_gateway *g, struct lp_resumed *r)
{
    struct lp_err err = {0};
    if (r->work || r->id == NOT_ON_FILE)
        return true;
    int taken = take(g, r, &err);
    if (taken < 0)
        lp_gateway_fail(g, &err);
    r->done = taken <= 0;
    return taken > 0;
}

static bool join(struct lp_gateway *g, struct lp_resumed *r, struct lp_item *item)
{
    if (!(*word_of(r, &item->key) & bit_of(&item->key)))
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (memcmp(&r->keys[i], &item->key, sizeof item->key) == 0 &&
            r->at[i] == &r->stand_ins[i]) {
            if (!is_ours(g, r))
                return false;
            lp_work_resume(r, i, item);
            return true;
        }
    return false;
}

bool lp_pending_join(struct lp_gateway *g, struct lp_lane *l, struct lp_item *item)
{
    for (struct lp_resumed *r = g->resumed; r; r = r->next)
        if (r->lane == l && !r->done && join(g, r, item))
            return true;
    return false;
}

void lp_pending_free(struct lp_gateway *g)
{
    while (g->resumed) {
        struct lp_resumed *r = g->resumed;
        g->resumed = r->next;
        lp_buf_free(&r->owner);
        lp_buf_free(&r->memo);
        lp_buf_free(&r->items);
        lp_rec_free(&r->rec);
        free(r->keys);
        free(r->stand_ins);
        free(r->at);
        free(r);
    }
}
