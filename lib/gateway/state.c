#include "leadpipe/state.h"

#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/db.h"
#include "leadpipe/file.h"
#include "leadpipe/hash.h"
#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "seal.h"

struct lp_state {
    struct lp_db *db;
    uint64_t seed; /* of the cool-down's jitter */
};

/* A health row is its JSON text with a CRC over key and text: SQLite's own check does not see bits
 * flipped within a value. */
static const char first_format[] =
    "CREATE TABLE health (capability TEXT NOT NULL, provider TEXT NOT NULL, data TEXT NOT NULL,"
    " crc INTEGER NOT NULL, PRIMARY KEY (capability, provider)) WITHOUT ROWID;"
    "CREATE TABLE bucket (provider TEXT PRIMARY KEY, tokens REAL NOT NULL, at INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, run_id TEXT,"
    " capability TEXT, method TEXT, provider TEXT, outcome TEXT, error_class TEXT,"
    " http_status INTEGER, latency_ms INTEGER, records INTEGER, credits REAL);"
    "CREATE TABLE total (capability TEXT NOT NULL, provider TEXT NOT NULL, outcome TEXT NOT NULL,"
    " error_class TEXT NOT NULL, requests INTEGER NOT NULL, records INTEGER NOT NULL,"
    " credits REAL NOT NULL, PRIMARY KEY (capability, provider, outcome, error_class))"
    " WITHOUT ROWID;"
    /* Rows of answers are appended; only the slim index is written at random. */
    "CREATE TABLE cache (id INTEGER PRIMARY KEY, request BLOB NOT NULL, capability TEXT NOT NULL,"
    " provider TEXT NOT NULL, outcome TEXT NOT NULL, data TEXT, confidence TEXT, detail TEXT,"
    " at INTEGER NOT NULL, until INTEGER NOT NULL, crc INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX cache_request ON cache (request);"
    "CREATE TABLE pending (id INTEGER PRIMARY KEY, capability TEXT NOT NULL, provider TEXT NOT "
    "NULL,"
    " memo TEXT NOT NULL, items TEXT NOT NULL, keys BLOB NOT NULL, at INTEGER NOT NULL,"
    " owner TEXT NOT NULL, crc INTEGER NOT NULL);"
    "CREATE TABLE checks (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, run_id TEXT,"
    " capability TEXT NOT NULL, provider TEXT NOT NULL, outcome TEXT, error_class TEXT,"
    " http_status INTEGER, latency_ms INTEGER, remaining REAL, detail TEXT);"
    "CREATE INDEX checks_of ON checks (capability, provider, id);"
    "CREATE TABLE spend (day TEXT NOT NULL, provider TEXT NOT NULL, credits REAL NOT NULL,"
    " money REAL NOT NULL, currency TEXT NOT NULL, PRIMARY KEY (day, provider, currency))"
    " WITHOUT ROWID;";

/* Makes each format of the one before it; a new file goes through them all. */
static const struct {
    const char *sql;
    int (*convert)(struct lp_db *db, struct lp_err *err);
} formats[LP_STATE_VERSION] = {
    {first_format, NULL},
    {"CREATE TABLE flight (account TEXT NOT NULL, owner TEXT NOT NULL, calls INTEGER NOT NULL,"
     " since INTEGER NOT NULL, looked INTEGER NOT NULL, PRIMARY KEY (account, owner)) WITHOUT "
     "ROWID;",
        lp_cache_seal},
};

static int bring_up(struct lp_db *db, int64_t from, struct lp_err *err)
{
    for (int64_t f = from; f < LP_STATE_VERSION; f++)
        if (lp_db_exec(db, formats[f].sql, err) ||
            (formats[f].convert && formats[f].convert(db, err)))
            return -1;
    return lp_db_set_user_version(db, LP_STATE_VERSION, err);
}

static int create(struct lp_db *db, void *arg, struct lp_err *err)
{
    (void)arg;
    return bring_up(db, 0, err);
}

/* 1: it is of this version. */
static int right_version(struct lp_db *db, int64_t *version, struct lp_err *err)
{
    if (lp_db_user_version(db, version, err))
        return -1;
    if (*version > LP_STATE_VERSION)
        return lp_err_set(err, LP_ERR_IO, "version",
            "%s: written by a newer version of leadpipe (format %lld, this one knows %d)",
            lp_db_path(db), (long long)*version, LP_STATE_VERSION);
    if (*version < 1)
        return lp_err_set(
            err, LP_ERR_IO, "version", "%s: a database, but no state of leadpipe", lp_db_path(db));
    return *version == LP_STATE_VERSION;
}

/* Another process may be at it too: who has the lock looks again. */
static int migrate(struct lp_db *db, struct lp_err *err)
{
    int64_t version;
    int r = right_version(db, &version, err);
    if (r)
        return r < 0 ? -1 : 0;
    if (lp_db_begin(db, err))
        return -1;
    r = right_version(db, &version, err);
    if (r == 0)
        r = bring_up(db, version, err);
    if (r >= 0)
        return lp_db_commit(db, err);
    lp_db_rollback(db);
    return -1;
}

int lp_state_open(struct lp_state **out, const char *flag, struct lp_err *err)
{
    const char *env = getenv("LEADPIPE_STATE");
    const char *named = flag ? flag : env && *env ? env : NULL;
    *out = NULL;
    if (named && strcmp(named, "none") == 0)
        return 0;
    char *path = named ? lp_strdup(named) : lp_file_state("state.db", err);
    if (!path)
        return -1;
    /* NORMAL: a kill loses nothing committed; against a power cut the log is synced once a second. An
     * fsync a commit would hold all other processes up. */
    struct lp_db_options options = {.sync = LP_DB_SYNC_NORMAL, .create = create};
    struct lp_db *db = lp_db_open(path, &options, err);
    free(path);
    if (!db)
        return -1;
    /* A checkpoint every 16 MiB: each costs two fsyncs while nobody else can write. */
    if (migrate(db, err) || lp_db_exec(db, "PRAGMA wal_autocheckpoint = 4000", err)) {
        lp_db_close(db);
        return -1;
    }
    *out = lp_alloc(sizeof **out);
    (*out)->db = db;
    (*out)->seed = (uint64_t)lp_clock_mono_us() | 1;
    return 0;
}

void lp_state_close(struct lp_state *s)
{
    if (!s)
        return;
    lp_db_close(s->db);
    free(s);
}

struct lp_db *lp_state_db(struct lp_state *s)
{
    return s->db;
}

const char *lp_state_path(const struct lp_state *s)
{
    return lp_db_path(s->db);
}

static void put_health(struct lp_buf *b, const struct lp_health *h)
{
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "health", lp_str(lp_health_name(h->state)));
    lp_json_put_int(b, "consecutive_successes", h->consecutive_successes);
    lp_json_put_int(b, "consecutive_failures", h->consecutive_failures);
    lp_json_put_int(b, "success_count", h->success_count);
    lp_json_put_int(b, "failure_count", h->failure_count);
    lp_json_put_num(b, "latency_ms", h->latency_ms, 3);
    lp_json_put_num(b, "avg_latency_ms", h->avg_latency_ms, 6);
    lp_json_put_int(b, "last_check_at", h->last_check_at);
    lp_json_put_int(b, "last_success_at", h->last_success_at);
    lp_json_put_int(b, "last_failure_at", h->last_failure_at);
    lp_json_put_str(b, "error_class", lp_str(lp_class_name(h->error_class)));
    lp_json_put_str(b, "error_message", lp_str(h->error_message));
    lp_json_put_int(b, "out_until", h->out_until);
    lp_json_put_str(b, "out_reason", lp_str(lp_class_name(h->out_reason)));
    lp_json_put_int(b, "cool_down_ms", h->cool_down_ms);
    lp_json_put_int(b, "probe_until", h->probe_until);
    lp_json_put_int(b, "failing_since", h->failing_since);
    lp_json_put_str(b, "limit", lp_str(lp_class_name(h->limit)));
    lp_json_put_int(b, "limited_since", h->limited_since);
    lp_json_put_int(b, "allowed", h->allowed);
    lp_json_put_int(b, "slowed_from", h->slowed_from);
    lp_json_put_int(b, "good", h->good);
    LP_BUF_LIT(b, "}");
}

static int64_t whole(struct lp_str o, const char *name)
{
    struct lp_str v;
    int64_t i = 0;
    return lp_json_get(o, name, &v) && lp_json_int(v, &i) ? i : 0;
}

static double real(struct lp_str o, const char *name)
{
    struct lp_str v;
    double d = 0;
    return lp_json_get(o, name, &v) && lp_json_real(v, &d) ? d : 0;
}

static enum lp_class class(struct lp_str o, const char *name) {
    struct lp_str v; enum lp_class c = LP_CLASS_NONE;
    if (lp_json_get(o, name, &v) && v.n > 2) lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &c);
    return c;
}

static void get_health(struct lp_str o, struct lp_health *h)
{
    struct lp_str v;
    struct lp_buf text = {.max = sizeof h->error_message - 1};
    *h = (struct lp_health){0};
    for (int i = LP_HEALTH_UNKNOWN; i <= LP_HEALTH_UNHEALTHY; i++)
        if (lp_json_get(o, "health", &v) && lp_json_is(v, lp_health_name((enum lp_health_state)i)))
            h->state = (enum lp_health_state)i;
    h->consecutive_successes = whole(o, "consecutive_successes");
    h->consecutive_failures = whole(o, "consecutive_failures");
    h->success_count = whole(o, "success_count");
    h->failure_count = whole(o, "failure_count");
    h->latency_ms = real(o, "latency_ms");
    h->avg_latency_ms = real(o, "avg_latency_ms");
    h->last_check_at = whole(o, "last_check_at");
    h->last_success_at = whole(o, "last_success_at");
    h->last_failure_at = whole(o, "last_failure_at");
    h->error_class = class(o, "error_class");
    h->out_until = whole(o, "out_until");
    h->out_reason = class(o, "out_reason");
    h->cool_down_ms = whole(o, "cool_down_ms");
    h->probe_until = whole(o, "probe_until");
    h->failing_since = whole(o, "failing_since");
    h->limit = class(o, "limit");
    h->limited_since = whole(o, "limited_since");
    h->allowed = whole(o, "allowed");
    h->slowed_from = whole(o, "slowed_from");
    h->good = whole(o, "good");
    if (lp_json_get(o, "error_message", &v) && lp_json_decode(v, &text) && text.len)
        memcpy(h->error_message, text.p, text.len + 1);
    lp_buf_free(&text);
}

static int64_t row_crc(const char *capability, const char *provider, struct lp_str data)
{
    struct lp_buf b = {0};
    lp_buf_printf(&b, "%s\n%s\n", capability, provider);
    lp_buf_str(&b, data);
    int64_t crc = lp_crc32(b.p, b.len);
    lp_buf_free(&b);
    return crc;
}

int lp_state_health(struct lp_state *s, const char *capability, const char *provider,
    struct lp_health *h, struct lp_err *err)
{
    struct lp_stmt *q =
        lp_db_stmt(s->db, "SELECT data, crc FROM health WHERE capability = ? AND provider = ?");
    lp_stmt_bind(q, "ss", capability, provider);
    int r = lp_stmt_row(q, err);
    if (r <= 0) {
        *h = (struct lp_health){0};
        return r;
    }
    struct lp_str data = lp_stmt_text(q, 0);
    size_t at;
    const char *why;
    bool sound =
        row_crc(capability, provider, data) == lp_stmt_int(q, 1) && lp_json_check(data, &at, &why);
    if (sound) {
        get_health(data, h);
        lp_health_mend(h, lp_clock_real());
    }
    lp_stmt_reset(q);
    if (sound)
        return 0;
    return lp_err_set(err, LP_ERR_IO, "corrupt",
        "%s: the health row of %s/%s fails its checksum; it is damaged and not used",
        lp_state_path(s), capability, provider);
}

static int store_health(struct lp_state *s, const char *capability, const char *provider,
    const struct lp_health *h, struct lp_err *err)
{
    struct lp_buf data = {0};
    put_health(&data, h);
    int r = lp_db_run(s->db, err,
        "INSERT INTO health VALUES (?, ?, ?, ?) ON CONFLICT (capability, provider)"
        " DO UPDATE SET data = excluded.data, crc = excluded.crc",
        "ssti", capability, provider, lp_buf_view(&data),
        row_crc(capability, provider, lp_buf_view(&data)));
    lp_buf_free(&data);
    return r;
}

static int log_one(struct lp_state *s, const struct lp_state_batch *b,
    const struct lp_observation *o, struct lp_err *err)
{
    const char *outcome = lp_outcome_name(o->outcome), *class_name = lp_class_name(o->class);
    int64_t requests = o->n, records = o->records;
    if (lp_db_run(s->db, err,
            "INSERT INTO audit (at, run_id, capability, method, provider, outcome, error_class,"
            " http_status, latency_ms, records, credits) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            "issssssiiid", o->at, b->run_id, b->capability, o->method, b->provider, outcome,
            class_name, (int64_t)o->http_status, o->latency_ms, records, o->credits))
        return -1;
    return lp_db_run(s->db, err,
        "INSERT INTO total VALUES (?,?,?,?,?,?,?) ON CONFLICT (capability, provider, outcome,"
        " error_class) DO UPDATE SET requests = requests + excluded.requests,"
        " records = records + excluded.records, credits = credits + excluded.credits",
        "ssssiid", b->capability, b->provider, outcome, class_name, requests, records, o->credits);
}

static int keep_check(struct lp_state *s, const struct lp_state_check *c, struct lp_err *err)
{
    if (lp_db_run(s->db, err,
            "INSERT INTO checks (at, run_id, capability, provider, outcome, error_class,"
            " http_status, latency_ms, remaining, detail) VALUES (?,?,?,?,?,?,?,?,?,?)",
            "isssssiids", c->at, c->run_id, c->capability, c->provider, lp_outcome_name(c->outcome),
            lp_class_name(c->class), (int64_t)c->http_status, c->latency_ms, c->remaining,
            c->detail))
        return -1;
    return lp_db_run(s->db, err,
        "DELETE FROM checks WHERE capability = ?1 AND provider = ?2 AND id <= (SELECT id FROM "
        "checks"
        " WHERE capability = ?1 AND provider = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)",
        "ssi", c->capability, c->provider, (int64_t)LP_CHECKS_KEEP);
}

static int observe(
    struct lp_state *s, const struct lp_state_batch *b, struct lp_health *after, struct lp_err *err)
{
    if (lp_state_health(s, b->capability, b->provider, after, err))
        return -1;
    for (size_t i = 0; i < b->n; i++) {
        lp_health_fold(after, &b->seen[i], b->rules, lp_num_random(&s->seed));
        if (log_one(s, b, &b->seen[i], err))
            return -1;
    }
    if (store_health(s, b->capability, b->provider, after, err) ||
        (b->check && keep_check(s, b->check, err)))
        return -1;
    return lp_db_run(s->db, err, "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?",
        "i", (int64_t)LP_AUDIT_KEEP);
}

int lp_state_observe(
    struct lp_state *s, const struct lp_state_batch *b, struct lp_health *after, struct lp_err *err)
{
    if (lp_db_begin(s->db, err))
        return -1;
    if (observe(s, b, after, err)) {
        lp_db_rollback(s->db);
        return -1;
    }
    return lp_db_commit(s->db, err);
}

static int claim(struct lp_state *s, const char *capability, const char *provider, int64_t now,
    int64_t until, struct lp_err *err)
{
    struct lp_health h;
    if (lp_state_health(s, capability, provider, &h, err))
        return -1;
    if (h.probe_until > now || h.out_until > now)
        return 0;
    h.probe_until = until;
    return store_health(s, capability, provider, &h, err) ? -1 : 1;
}

int lp_state_claim_probe(struct lp_state *s, const char *capability, const char *provider,
    int64_t now, int64_t until, struct lp_err *err)
{
    if (lp_db_begin(s->db, err))
        return -1;
    int r = claim(s, capability, provider, now, until, err);
    if (r <= 0) {
        lp_db_rollback(s->db);
        return r;
    }
    return lp_db_commit(s->db, err) ? -1 : 1;
}

static int bench(
    struct lp_state *s, const char *capability, const char *provider, bool out, struct lp_err *err)
{
    struct lp_health h;
    if (lp_state_health(s, capability, provider, &h, err))
        return -1;
    bool is_out = h.out_until > lp_clock_real() || h.limit;
    if (out ? h.out_reason == LP_BENCHED : !is_out)
        return 0;
    h.out_until = out ? LP_FOREVER : 0;
    h.out_reason = out ? LP_BENCHED : LP_CLASS_NONE;
    if (!out) { /* whatever kept it out: the account may have been topped up */
        h.limit = LP_CLASS_NONE;
        h.limited_since = 0;
    }
    return store_health(s, capability, provider, &h, err) ? -1 : 1;
}

int lp_state_bench(
    struct lp_state *s, const char *capability, const char *provider, bool out, struct lp_err *err)
{
    if (lp_db_begin(s->db, err))
        return -1;
    int r = bench(s, capability, provider, out, err);
    if (r <= 0) {
        lp_db_rollback(s->db);
        return r;
    }
    return lp_db_commit(s->db, err) ? -1 : 1;
}

int lp_state_bucket(
    struct lp_state *s, const char *account, struct lp_bucket *b, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(s->db, "SELECT tokens, at FROM bucket WHERE provider = ?");
    lp_stmt_bind(q, "s", account);
    int r = lp_stmt_row(q, err);
    *b = (struct lp_bucket){0};
    if (r > 0)
        *b = (struct lp_bucket){lp_stmt_real(q, 0), lp_stmt_int(q, 1)};
    lp_stmt_reset(q);
    return r < 0 ? -1 : 0;
}

static int take(struct lp_state *s, const char *account, const struct lp_limit *limit, int64_t want,
    int64_t *got, int64_t *wait_ms, struct lp_err *err)
{
    struct lp_bucket b;
    if (lp_state_bucket(s, account, &b, err))
        return -1;
    *got = lp_bucket_take(&b, limit->requests, limit->per_ms, lp_clock_real(), want, wait_ms);
    return lp_db_run(s->db, err,
        "INSERT INTO bucket VALUES (?, ?, ?) ON CONFLICT (provider)"
        " DO UPDATE SET tokens = excluded.tokens, at = excluded.at",
        "sdi", account, b.tokens, b.at);
}

int lp_state_take(struct lp_state *s, const char *account, const struct lp_limit *limit,
    int64_t want, int64_t *got, int64_t *wait_ms, struct lp_err *err)
{
    if (lp_db_begin(s->db, err))
        return -1;
    if (take(s, account, limit, want, got, wait_ms, err)) {
        lp_db_rollback(s->db);
        return -1;
    }
    return lp_db_commit(s->db, err);
}

static void copy_text(char *to, size_t room, struct lp_str from)
{
    size_t n = from.n < room ? from.n : room - 1;
    if (n)
        memcpy(to, from.p, n);
    to[n] = '\0';
}

int lp_state_totals(struct lp_state *s, int (*each)(void *arg, const struct lp_state_total *t),
    void *arg, struct lp_err *err)
{
    struct lp_stmt *q = lp_db_stmt(s->db,
        "SELECT capability, provider, outcome, error_class, requests, records, credits FROM total"
        " ORDER BY 1, 2, 3, 4");
    lp_stmt_bind(q, "");
    int r;
    while ((r = lp_stmt_row(q, err)) > 0) {
        struct lp_state_total t = {.requests = lp_stmt_int(q, 4),
            .records = lp_stmt_int(q, 5),
            .credits = lp_stmt_real(q, 6)};
        copy_text(t.capability, sizeof t.capability, lp_stmt_text(q, 0));
        copy_text(t.provider, sizeof t.provider, lp_stmt_text(q, 1));
        copy_text(t.outcome, sizeof t.outcome, lp_stmt_text(q, 2));
        copy_text(t.class, sizeof t.class, lp_stmt_text(q, 3));
        if (each(arg, &t)) {
            lp_stmt_reset(q);
            return 0;
        }
    }
    return r;
}
