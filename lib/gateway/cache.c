#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/db.h"
#include "leadpipe/key.h"
#include "seal.h"

#define DAY_MS INT64_C(86400000)

/*
 * How long a verdict stands. Transient ones are not kept: greylisted or timed out says nothing about
 * tomorrow. The settings `lifetime_days` of a chain change single lines.
 */
static const struct {
    const char *verdict;
    int days;
} lifetimes[] = {
    {"found", 90},
    {"not_found", 30},
    {"rejected", 30},
    {"valid", 90},
    {"invalid", 180},
    {"catch_all", 30},
    {"disposable", 90},
    {"role", 90},
    {"mailbox_full", 1},
    {NULL, 0},
};

static bool cacheable(const struct lp_gateway *g, const struct lp_lane *l)
{
    return g->state && !l->provider->embedded;
}

/* The word that decides the lifetime: a verification's status (its reason where it is risky), else
 * the outcome. What another capability's provider calls a status is no verdict. */
static struct lp_str verdict(const struct lp_gateway *g, const struct lp_answer *a)
{
    struct lp_str v;
    if (a->outcome == LP_NOT_FOUND)
        return LP_STR("not_found");
    if (a->outcome == LP_REJECTED)
        return LP_STR("rejected");
    bool verifies = strcmp(g->chain.capability, "email_verification") == 0;
    if (!verifies || !a->data.p || !lp_json_get(a->data, "status", &v) || v.n < 2)
        return LP_STR("found");
    if (lp_json_is(v, "risky") && !lp_json_get(a->data, "reason", &v))
        return LP_STR("");
    return lp_json_type(v) == LP_JSON_STRING ? (struct lp_str){v.p + 1, v.n - 2} : LP_STR("");
}

static int64_t lifetime(const struct lp_gateway *g, const struct lp_answer *a)
{
    struct lp_str word = verdict(g, a), own, v;
    double days;
    char name[32];
    if (a->outcome != LP_OK && a->outcome != LP_NOT_FOUND && a->outcome != LP_REJECTED)
        return 0;
    snprintf(name, sizeof name, "%.*s", (int)word.n, word.p);
    if (lp_json_get(lp_config_chain(&g->config, g->chain.capability), "lifetime_days", &own) &&
        lp_json_get(own, name, &v) && lp_json_real(v, &days))
        return (int64_t)(days * (double)DAY_MS);
    for (size_t i = 0; lifetimes[i].verdict; i++)
        if (strcmp(lifetimes[i].verdict, name) == 0)
            return lifetimes[i].days * DAY_MS;
    return 0;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Who is asked about whom, in 16 bytes. */
struct request {
    struct lp_hash128 hash;
};

static struct request request_of(const struct lp_provider *p, const struct lp_hash128 *key)
{
    char text[192];
    int n = snprintf(text, sizeof text, "%016llx%016llx %s %s", (unsigned long long)key->hi,
        (unsigned long long)key->lo, p->capability, p->name);
    size_t len = (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    return (struct request){lp_hash128(text, len)};
}

static struct lp_str blob(const struct request *q)
{
    return (struct lp_str){(const char *)&q->hash, sizeof q->hash};
}

static struct lp_str kept(struct lp_arena *a, struct lp_str s)
{
    return s.p ? lp_arena_str(a, s) : s;
}

/* 1: the answer stands; 0: its time is over. */
static int take_row(struct lp_stmt *q, const struct lp_provider *p, const struct request *asked,
    struct lp_item *item, struct lp_err *err)
{
    struct lp_arena *arena = &item->rec->arena;
    struct lp_cache_row row = lp_cache_row_of(q);
    enum lp_outcome o;
    if (!lp_outcome_from(row.outcome, &o) || lp_cache_crc(blob(asked), &row) != lp_stmt_int(q, 6))
        return lp_err_set(err, LP_ERR_IO, "corrupt",
            "the state file: a cache row of %s/%s fails its checksum; it is damaged and not used "
            "(--no-cache goes on without the cache)",
            p->capability, p->name);
    if (row.until <= lp_clock_real())
        return 0;
    item->answer = (struct lp_answer){.provider = p,
        .outcome = o,
        .data = kept(arena, row.data),
        .confidence = kept(arena, row.confidence),
        .detail = kept(arena, row.detail),
        .at = row.at,
        .cached = true};
    return 1;
}

int lp_cache_find(struct lp_gateway *g, struct lp_lane *l, struct lp_item *item, struct lp_err *err)
{
    if (g->recording) /* it holds exchanges, not what was known before */
        return 0;
    const struct lp_provider *p = l->provider;
    if (!cacheable(g, l) || g->settings->no_cache || g->settings->refresh)
        return 0;
    struct lp_stmt *q = lp_db_stmt(lp_state_db(g->state),
        "SELECT outcome, data, confidence, detail, at, until, crc FROM cache WHERE request = ?");
    struct request asked = request_of(p, &item->key);
    lp_stmt_bind(q, "b", blob(&asked));
    int r = lp_stmt_row(q, err);
    if (r > 0)
        r = take_row(q, p, &asked, item, err);
    lp_stmt_reset(q);
    return r;
}

/* ---- keeping -------------------------------------------------------------------------------- */

void lp_cache_keep(struct lp_gateway *g, const struct lp_lane *l, const struct lp_item *item)
{
    if (!cacheable(g, l) || g->settings->no_cache || item->answer.cached ||
        lifetime(g, &item->answer) <= 0)
        return;
    if (g->n_fresh == g->fresh_room)
        g->fresh = lp_realloc_array(
            g->fresh, g->fresh_room = g->fresh_room ? 2 * g->fresh_room : 64, sizeof *g->fresh);
    g->fresh[g->n_fresh++] = (struct lp_fresh){l->provider, item->key, item->answer};
}

void lp_cache_release(struct lp_gateway *g, struct lp_slot *s)
{
    if (g->n_fresh == 0) {
        lp_window_done(g->window, s);
        return;
    }
    if (g->n_held == g->held_room)
        g->held = lp_realloc_array(
            g->held, g->held_room = g->held_room ? 2 * g->held_room : 64, sizeof *g->held);
    g->held[g->n_held++] = s;
}

static int store(struct lp_gateway *g, const struct lp_fresh *f, struct lp_err *err)
{
    const struct lp_answer *a = &f->answer;
    int64_t now = lp_clock_real();
    struct lp_cache_row row = {.outcome = lp_str(lp_outcome_name(a->outcome)),
        .data = a->data,
        .confidence = a->confidence,
        .detail = a->detail,
        .at = now,
        .until = now + lifetime(g, a)};
    struct request asked = request_of(f->provider, &f->key);
    return lp_db_run(lp_state_db(g->state), err,
        "INSERT INTO cache (request, capability, provider, outcome, data, confidence, detail, at,"
        " until, crc) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (request) DO UPDATE SET outcome = "
        "excluded.outcome, data = excluded.data,"
        " confidence = excluded.confidence, detail = excluded.detail, at = excluded.at,"
        " until = excluded.until, crc = excluded.crc",
        "bssttttiii", blob(&asked), f->provider->capability, f->provider->name, row.outcome,
        row.data, row.confidence, row.detail, row.at, row.until, lp_cache_crc(blob(&asked), &row));
}

/* The newest answer that was there before this run's: a time that one wrong clock has no part in. */
static int look_back(struct lp_gateway *g, struct lp_err *err)
{
    if (g->latest_before)
        return 0;
    g->latest_before = 1;
    int found = lp_db_int(lp_state_db(g->state), "SELECT at FROM cache ORDER BY id DESC LIMIT 1",
        &g->latest_before, err);
    return found < 0 ? -1 : 0;
}

/* For each new row two others are looked at, from a chance place on, and go if their time was over
 * already when the last run kept an answer. So the table stays within about twice what stands in it,
 * no run has to walk through all of it, and a clock that is years ahead throws nothing away. */
static int sweep(struct lp_gateway *g, struct lp_err *err)
{
    int64_t now = lp_clock_real();
    return lp_db_run(lp_state_db(g->state), err,
        "DELETE FROM cache WHERE id IN (SELECT id FROM (SELECT id, until FROM cache WHERE id > "
        "(SELECT abs(random() % (SELECT max(id) FROM cache))) ORDER BY id LIMIT ?) WHERE until <= "
        "?)",
        "ii", (int64_t)(2 * g->n_fresh), now < g->latest_before ? now : g->latest_before);
}

static int store_all(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_db *db = lp_state_db(g->state);
    if (lp_db_begin(db, err))
        return -1;
    int r = look_back(g, err);
    for (size_t i = 0; r == 0 && i < g->n_fresh; i++)
        r = store(g, &g->fresh[i], err);
    if (r == 0 && g->n_fresh)
        r = sweep(g, err);
    if (r == 0)
        r = lp_pending_drop_done(g, err);
    if (r == 0)
        return lp_db_commit(db, err);
    lp_db_rollback(db);
    return -1;
}

/* What arrived in one turn of the loop shares a transaction, and none waits for another turn: were the
 * run killed meanwhile, it would be paid for again. */
int lp_cache_commit(struct lp_gateway *g, struct lp_err *err)
{
    if (g->n_fresh == 0 && g->n_ended == 0)
        return 0;
    if (store_all(g, err))
        return -1;
    g->n_fresh = g->n_ended = 0;
    g->paid_since_sync = true;
    for (size_t i = 0; i < g->n_held; i++)
        lp_window_done(g->window, g->held[i]);
    g->n_held = 0;
    return 0;
}

void lp_cache_free(struct lp_gateway *g)
{
    free(g->fresh);
    free(g->held);
    free(g->ended);
}

/* ---- the key -------------------------------------------------------------------------------- */

/* The request is the same whenever the identity members are: addresses are compared by their key,
 * the rest by its exact JSON text. */
struct lp_hash128 lp_cache_key(struct lp_gateway *g, struct lp_rec *r)
{
    struct lp_buf b = {0};
    struct lp_str v, text;
    for (const char *const *m = g->asking->identity; m && *m; m++) {
        lp_buf_puts(&b, *m);
        lp_buf_byte(&b, '=');
        bool address = strcmp(*m, "email") == 0 && lp_rec_string(r, *m, &text);
        if (address && !lp_key(text, &b))
            lp_buf_str(&b, text);
        if (!address && lp_rec_filled(r, *m) && lp_rec_get(r, *m, &v))
            lp_buf_str(&b, v);
        lp_buf_byte(&b, '\n');
    }
    struct lp_hash128 h = lp_hash128(b.p ? b.p : "", b.len);
    lp_buf_free(&b);
    return h;
}
