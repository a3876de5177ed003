/* db - see leadpipe/db.h */
#include "leadpipe/db.h"
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "leadpipe/buf.h"
#include "leadpipe/clock.h"
#include "leadpipe/file.h"

enum { PATIENCE_MS = 10000, NAP_MAX_MS = 50 };

struct lp_stmt {
    struct lp_db *db;
    const char *sql;
    sqlite3_stmt *raw;
    int rc; /* the first thing that went wrong before the first step */
    char why[200];
};

struct lp_db {
    sqlite3 *raw;
    char *path;
    struct lp_stmt **stmts;
    size_t n;
    struct lp_stmt *held; /* a read under way, so that others need not lock anew; NULL: none */
};

const char *lp_db_version(void)
{
    static char text[32];
    snprintf(text, sizeof text, "sqlite %s", sqlite3_libversion());
    return text;
}

/* --- errors and waiting ---------------------------------------------------------------------- */

static bool busy(int rc)
{
    int primary = rc & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_PROTOCOL;
}

static int report(struct lp_db *db, int rc, const char *why, struct lp_err *err)
{
    static const struct {
        int rc;
        const char *code;
    } codes[] = {{SQLITE_CORRUPT, "corrupt"}, {SQLITE_NOTADB, "corrupt"}, {SQLITE_FULL, "full"}};
    if (busy(rc)) {
        lp_err_set(err, LP_ERR_TEMP, "busy", "%s: in use by another process", db->path);
        return -1;
    }
    const char *code = "";
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if ((rc & 0xff) == codes[i].rc)
            code = codes[i].code;
    int os = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN
                 ? sqlite3_system_errno(db->raw)
                 : 0;
    return lp_err_set(
        err, LP_ERR_IO, code, "%s: %s%s%s", db->path, why, os ? ": " : "", os ? strerror(os) : "");
}

static int report_now(struct lp_db *db, int rc, struct lp_err *err)
{
    return report(db, rc, db->raw ? sqlite3_errmsg(db->raw) : sqlite3_errstr(rc), err);
}

/* Some locks (a WAL being set up or recovered) are refused without SQLite's own waiting. */
static int exec_patiently(struct lp_db *db, const char *sql)
{
    int64_t deadline = lp_clock_mono() + PATIENCE_MS;
    for (int nap = 1;; nap = nap < NAP_MAX_MS ? nap * 2 : NAP_MAX_MS) {
        int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);
        if (!busy(rc) || lp_clock_mono() >= deadline)
            return rc;
        long us = nap * 1000L + (long)(lp_clock_mono_us() % 1000); /* not all at the same moment */
        nanosleep(&(struct timespec){.tv_nsec = us * 1000L}, NULL);
    }
}

/* --- opening --------------------------------------------------------------------------------- */

static bool in_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static int set_up(struct lp_db *db, const struct lp_db_options *o, struct lp_err *err)
{
    sqlite3_busy_timeout(db->raw, PATIENCE_MS);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->raw, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    const char *const steps[] = {
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY",
        o->read_only ? "PRAGMA query_only=ON" : "PRAGMA journal_mode=WAL",
        o->sync == LP_DB_SYNC_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL",
        "SELECT count(*) FROM sqlite_schema", /* is it a database at all? */
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        int rc = exec_patiently(db, steps[i]);
        if (rc != SQLITE_OK)
            return report_now(db, rc, err);
    }
    return 0;
}

static struct lp_db *open_file(const char *path, const struct lp_db_options *o, struct lp_err *err)
{
    struct lp_db *db = lp_alloc(sizeof *db);
    db->path = lp_strdup(path);
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= o->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc = sqlite3_open_v2(path, &db->raw, flags, NULL);
    if (rc != SQLITE_OK)
        report_now(db, rc, err);
    else if (set_up(db, o, err) == 0)
        return db;
    lp_db_close(db);
    return NULL;
}

/* The schema and its rows appear together or not at all. */
static int fill(struct lp_db *db, const struct lp_db_options *o, struct lp_err *err)
{
    if (lp_db_begin(db, err))
        return -1;
    if (o->create(db, o->arg, err)) {
        lp_db_rollback(db);
        return -1;
    }
    return lp_db_commit(db, err);
}

/* Moves the WAL into the file. A close does so too, but does not say when the disk was full. */
static int fold_in(struct lp_db *db, struct lp_err *err)
{
    int rc = sqlite3_wal_checkpoint_v2(db->raw, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return rc == SQLITE_OK ? 0 : report_now(db, rc, err);
}

static int build(
    const char *path, const char *draft, const struct lp_db_options *o, struct lp_err *err)
{
    int fd = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return lp_err_errno(err, "%s", path);
    close(fd);
    struct lp_db_options writable = *o;
    writable.read_only = false;
    struct lp_db *db = open_file(draft, &writable, err);
    int failed = db ? fill(db, o, err) || fold_in(db, err) : -1;
    lp_db_close(db); /* the last one to close removes the WAL, which is empty by now */
    return failed ? -1 : 0;
}

/* Built beside and renamed, so that a crash in between never leaves an empty file that looks like
 * someone's lost state. */
static int make(const char *path, const struct lp_db_options *o, struct lp_err *err)
{
    struct lp_buf draft = {0}, wal = {0};
    lp_buf_printf(&draft, "%s.new-%ld", path, (long)getpid());
    lp_buf_printf(&wal, "%s-wal", path);
    int rc = -1;
    if (lp_file_exists(wal.p) && !lp_file_exists(path)) {
        lp_err_set(err, LP_ERR_IO, "corrupt",
            "%s: missing, yet its journal %s is there; not started anew", path, wal.p);
    } else {
        lp_db_file_unlink(draft.p); /* a dead process of the same number may have left one */
        rc = build(path, draft.p, o, err);
        if (rc)
            lp_db_file_unlink(draft.p);
        else if (lp_file_publish(draft.p, path, err) < 0) /* 0: another's file serves both */
            rc = -1;
    }
    lp_buf_free(&draft);
    lp_buf_free(&wal);
    return rc;
}

/* Seen again while nobody can be writing, it is a tear and not a write under way. */
static void tell_torn(struct lp_db *db)
{
    if (lp_db_file_torn(db->path) && exec_patiently(db, "BEGIN IMMEDIATE") == SQLITE_OK) {
        lp_db_file_tell_torn(db->path);
        lp_db_rollback(db);
    }
}

struct lp_db *lp_db_open(const char *path, const struct lp_db_options *options, struct lp_err *err)
{
    const struct lp_db_options none = {0}, *o = options ? options : &none;
    if (in_memory(path)) {
        struct lp_db *db = open_file(path, o, err);
        if (db && o->create && fill(db, o, err)) {
            lp_db_close(db);
            db = NULL;
        }
        return db;
    }
    int there = lp_db_file_look(path, err);
    if (there == 0 && !o->create)
        lp_err_set(err, LP_ERR_IO, "absent", "%s: %s", path, strerror(ENOENT));
    else if (there == 0 && make(path, o, err) == 0)
        there = lp_db_file_look(path, err);
    struct lp_db *db = there == 1 ? open_file(path, o, err) : NULL;
    if (db && !o->read_only)
        tell_torn(db);
    return db;
}

void lp_db_close(struct lp_db *db)
{
    if (!db)
        return;
    lp_db_rollback(db);
    for (size_t i = 0; i < db->n; i++) {
        sqlite3_finalize(db->stmts[i]->raw);
        free(db->stmts[i]);
    }
    free(db->stmts);
    sqlite3_close(db->raw);
    free(db->path);
    free(db);
}

int lp_db_sync_log(struct lp_db *db, struct lp_err *err)
{
    sqlite3_file *log = NULL;
    int rc = sqlite3_file_control(db->raw, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
    if (rc == SQLITE_OK && log && log->pMethods)
        rc = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    return rc == SQLITE_OK ? 0 : report_now(db, rc, err);
}

const char *lp_db_path(const struct lp_db *db)
{
    return db->path;
}

/* --- statements ------------------------------------------------------------------------------ */

int lp_db_exec(struct lp_db *db, const char *sql, struct lp_err *err)
{
    int rc = sqlite3_exec(db->raw, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : report_now(db, rc, err);
}

static void note(struct lp_stmt *s, int rc)
{
    if (rc == SQLITE_OK || s->rc != SQLITE_OK)
        return;
    s->rc = rc;
    snprintf(s->why, sizeof s->why, "%s", sqlite3_errmsg(s->db->raw));
}

struct lp_stmt *lp_db_stmt(struct lp_db *db, const char *sql)
{
    struct lp_stmt *s = NULL;
    for (size_t i = 0; i < db->n && !s; i++)
        if (db->stmts[i]->sql == sql)
            s = db->stmts[i];
    if (!s) {
        db->stmts = lp_realloc_array(db->stmts, db->n + 1, sizeof *db->stmts);
        s = db->stmts[db->n++] = lp_alloc(sizeof *s);
        s->db = db;
        s->sql = sql;
    }
    s->rc = SQLITE_OK;
    if (s->raw) {
        sqlite3_reset(s->raw);
        sqlite3_clear_bindings(s->raw);
    } else {
        note(s, sqlite3_prepare_v3(db->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->raw, NULL));
    }
    return s;
}

void lp_stmt_bind_int(struct lp_stmt *s, int at, int64_t v)
{
    if (s->raw)
        note(s, sqlite3_bind_int64(s->raw, at, v));
}

void lp_stmt_bind_real(struct lp_stmt *s, int at, double v)
{
    if (s->raw)
        note(s, sqlite3_bind_double(s->raw, at, v));
}

void lp_stmt_bind_text(struct lp_stmt *s, int at, struct lp_str v)
{
    if (s->raw)
        note(s, sqlite3_bind_text64(s->raw, at, v.p, v.n, SQLITE_TRANSIENT, SQLITE_UTF8));
}

void lp_stmt_bind_blob(struct lp_stmt *s, int at, struct lp_str v)
{
    if (s->raw)
        note(s, sqlite3_bind_blob64(s->raw, at, v.p, v.n, SQLITE_TRANSIENT));
}

void lp_stmt_bind_null(struct lp_stmt *s, int at)
{
    if (s->raw)
        note(s, sqlite3_bind_null(s->raw, at));
}

static void bind(struct lp_stmt *s, const char *types, va_list ap)
{
    for (int at = 1; *types; types++, at++) {
        switch (*types) {
        case 'i': lp_stmt_bind_int(s, at, va_arg(ap, int64_t)); break;
        case 'd': lp_stmt_bind_real(s, at, va_arg(ap, double)); break;
        case 's': lp_stmt_bind_text(s, at, lp_str(va_arg(ap, const char *))); break;
        case 't': lp_stmt_bind_text(s, at, va_arg(ap, struct lp_str)); break;
        case 'b': lp_stmt_bind_blob(s, at, va_arg(ap, struct lp_str)); break;
        case 'n': lp_stmt_bind_null(s, at); break;
        default:
            s->rc = SQLITE_MISUSE;
            snprintf(s->why, sizeof s->why, "no such type to bind: '%c'", *types);
            return;
        }
    }
}

void lp_stmt_bind(struct lp_stmt *s, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    bind(s, types, ap);
    va_end(ap);
}

int lp_stmt_row(struct lp_stmt *s, struct lp_err *err)
{
    int rc = s->rc;
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(s->raw);
        if (rc == SQLITE_ROW)
            return 1;
        if (rc != SQLITE_DONE)
            note(s, rc);
    }
    sqlite3_reset(s->raw);
    return rc == SQLITE_DONE ? 0 : report(s->db, rc, s->why, err);
}

int lp_stmt_done(struct lp_stmt *s, struct lp_err *err)
{
    int rc;
    do
        rc = lp_stmt_row(s, err);
    while (rc > 0);
    return rc;
}

void lp_stmt_reset(struct lp_stmt *s)
{
    sqlite3_reset(s->raw);
}

int lp_db_run(struct lp_db *db, struct lp_err *err, const char *sql, const char *types, ...)
{
    struct lp_stmt *s = lp_db_stmt(db, sql);
    va_list ap;
    va_start(ap, types);
    bind(s, types, ap);
    va_end(ap);
    return lp_stmt_done(s, err);
}

int lp_db_int(struct lp_db *db, const char *sql, int64_t *out, struct lp_err *err)
{
    struct lp_stmt *s = lp_db_stmt(db, sql);
    int got = lp_stmt_row(s, err);
    if (got > 0 && lp_stmt_null(s, 0))
        got = 0;
    if (got > 0)
        *out = lp_stmt_int(s, 0);
    lp_stmt_reset(s);
    return got;
}

int64_t lp_stmt_int(struct lp_stmt *s, int column)
{
    return sqlite3_column_int64(s->raw, column);
}

double lp_stmt_real(struct lp_stmt *s, int column)
{
    return sqlite3_column_double(s->raw, column);
}

static struct lp_str column_bytes(struct lp_stmt *s, int column, const void *p)
{
    if (lp_stmt_null(s, column))
        return (struct lp_str){0};
    return (struct lp_str){p ? p : "", (size_t)sqlite3_column_bytes(s->raw, column)};
}

struct lp_str lp_stmt_text(struct lp_stmt *s, int column)
{
    return column_bytes(s, column, sqlite3_column_text(s->raw, column));
}

struct lp_str lp_stmt_blob(struct lp_stmt *s, int column)
{
    return column_bytes(s, column, sqlite3_column_blob(s->raw, column));
}

bool lp_stmt_null(struct lp_stmt *s, int column)
{
    return sqlite3_column_type(s->raw, column) == SQLITE_NULL;
}

int lp_stmt_columns(struct lp_stmt *s)
{
    return sqlite3_column_count(s->raw);
}

/* --- transactions ---------------------------------------------------------------------------- */

/* A statement that is not stepped to its end keeps the read transaction open. */
void lp_db_hold(struct lp_db *db)
{
    struct lp_err none = {0};
    if (db->held)
        return;
    db->held = lp_db_stmt(db, "SELECT 1 FROM sqlite_schema UNION ALL SELECT 2");
    if (lp_stmt_row(db->held, &none) <= 0)
        db->held = NULL;
}

void lp_db_release(struct lp_db *db)
{
    if (db->held)
        lp_stmt_reset(db->held);
    db->held = NULL;
}

int lp_db_begin(struct lp_db *db, struct lp_err *err)
{
    lp_db_release(db); /* a snapshot that others have moved on from cannot be written to */
    int rc = exec_patiently(db, "BEGIN IMMEDIATE");
    return rc == SQLITE_OK ? 0 : report_now(db, rc, err);
}

int lp_db_commit(struct lp_db *db, struct lp_err *err)
{
    int rc = exec_patiently(db, "COMMIT");
    if (rc == SQLITE_OK)
        return 0;
    report_now(db, rc, err);
    lp_db_rollback(db);
    return -1;
}

void lp_db_rollback(struct lp_db *db)
{
    if (lp_db_in_transaction(db))
        sqlite3_exec(db->raw, "ROLLBACK", NULL, NULL, NULL);
}

bool lp_db_in_transaction(const struct lp_db *db)
{
    return db->raw && !sqlite3_get_autocommit(db->raw);
}

int64_t lp_db_changes(const struct lp_db *db)
{
    return sqlite3_changes64(db->raw);
}

int64_t lp_db_last_id(const struct lp_db *db)
{
    return sqlite3_last_insert_rowid(db->raw);
}

int lp_db_user_version(struct lp_db *db, int64_t *version, struct lp_err *err)
{
    return lp_db_int(db, "PRAGMA user_version", version, err) < 0 ? -1 : 0;
}

int lp_db_set_user_version(struct lp_db *db, int64_t version, struct lp_err *err)
{
    char sql[64]; /* a PRAGMA takes no parameters */
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", (int)version);
    return lp_db_exec(db, sql, err);
}
