/*
 * db - an SQLite file: opened with care, statements kept, transactions that wait their turn
 *
 * Owns: lp_db_open's result until lp_db_close; statements belong to the database, callers never
 *       free them; text and blob columns live until the statement's next row, reset or end
 * Units: bytes; times as the caller stores them
 * Errors: LP_ERR_IO naming the file, with SQLite's own message; codes "absent" (no such file and
 *         not to be created), "empty" (the file is there and has no content), "corrupt" (damaged
 *         or no database), "full" (no room), else "". LP_ERR_TEMP code "busy" when another
 *         process held the lock for over 10 s.
 * Source: libsqlite3, https://sqlite.org/c3ref; WAL: https://sqlite.org/wal.html
 *
 * The only file that knows SQLite. Files are made mode 0600 (-wal and -shm follow it), and appear
 * under their name only when complete: an empty or half made database is never taken for a new one.
 *
 *     struct lp_stmt *s = lp_db_stmt(db, "SELECT v FROM t WHERE k = ?");
 *     lp_stmt_bind(s, "t", key);
 *     int got;
 *     while ((got = lp_stmt_row(s, err)) > 0)
 *         use(lp_stmt_text(s, 0));
 */
#ifndef LEADPIPE_DB_H
#define LEADPIPE_DB_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/err.h"
#include "leadpipe/mem.h"

struct lp_db;
struct lp_stmt;

enum lp_db_sync { LP_DB_SYNC_FULL, LP_DB_SYNC_NORMAL };

struct lp_db_options {
    enum lp_db_sync sync; /* FULL: a commit that returned survives a power cut */
    bool read_only;
    /* Makes the schema of a new file, inside a transaction. NULL: a missing file is "absent". */
    int (*create)(struct lp_db *db, void *arg, struct lp_err *err);
    void *arg;
};

/* Opens `path` (":memory:" for tests; then `create` runs at once). A file owned by someone else, a
 * directory and an empty file are refused. NULL options: all zero. */
struct lp_db *lp_db_open(const char *path, const struct lp_db_options *options, struct lp_err *err);
void lp_db_close(struct lp_db *db); /* NULL: nothing; an open transaction is rolled back */
const char *lp_db_path(const struct lp_db *db);
const char *lp_db_version(void); /* "sqlite 3.40.1" */

/* Runs one or more statements that return no rows: schema, PRAGMA. Not kept. */
int lp_db_exec(struct lp_db *db, const char *sql, struct lp_err *err);
/* Binds `types` as lp_stmt_bind does and runs to the end, for a statement without rows. */
int lp_db_run(struct lp_db *db, struct lp_err *err, const char *sql, const char *types, ...);
/* First column of the first row; 1 found, 0 no row (or NULL), -1 error. `sql` is a literal. */
int lp_db_int(struct lp_db *db, const char *sql, int64_t *out, struct lp_err *err);

/* The statement for this SQL, prepared on first use and kept: `sql` must be a literal (it is known
 * by its address). Ready to be bound: reset, nothing bound. Never NULL: what went wrong in
 * preparing or binding is told by the lp_stmt_row or lp_stmt_done that follows. One use at a time.
 */
struct lp_stmt *lp_db_stmt(struct lp_db *db, const char *sql);

/* Binds parameters from the first on, one letter each; bytes are copied:
 *     i int64_t (cast what is not one)   d double   n NULL (takes no argument)
 *     s const char * (NULL: NULL)        t struct lp_str as text, b as blob (p NULL: NULL) */
void lp_stmt_bind(struct lp_stmt *s, const char *types, ...);
/* One parameter by its number, from 1. */
void lp_stmt_bind_int(struct lp_stmt *s, int at, int64_t v);
void lp_stmt_bind_real(struct lp_stmt *s, int at, double v);
void lp_stmt_bind_text(struct lp_stmt *s, int at, struct lp_str v);
void lp_stmt_bind_blob(struct lp_stmt *s, int at, struct lp_str v);
void lp_stmt_bind_null(struct lp_stmt *s, int at);

/* The next row: 1 there is one, 0 no more (the statement is reset), -1 error (reset too). */
int lp_stmt_row(struct lp_stmt *s, struct lp_err *err);
/* Runs to the end, throwing rows away; 0 or -1. */
int lp_stmt_done(struct lp_stmt *s, struct lp_err *err);
/* Ends a statement of which not every row was taken; until then it holds a read lock. */
void lp_stmt_reset(struct lp_stmt *s);

/* Columns of the current row, from 0. */
int64_t lp_stmt_int(struct lp_stmt *s, int column);
double lp_stmt_real(struct lp_stmt *s, int column);
struct lp_str lp_stmt_text(struct lp_stmt *s, int column); /* NULL: {NULL, 0} */
struct lp_str lp_stmt_blob(struct lp_stmt *s, int column); /* NULL: {NULL, 0}; empty: {"", 0} */
bool lp_stmt_null(struct lp_stmt *s, int column);
int lp_stmt_columns(struct lp_stmt *s);

/* Between the two, reads share one snapshot and one lock instead of taking it each: for many small
 * look-ups in a row. lp_db_begin releases too; write nothing outside a transaction in between. */
void lp_db_hold(struct lp_db *db);
void lp_db_release(struct lp_db *db);

/* BEGIN IMMEDIATE: from here on the file is ours to write; waits up to 10 s for its turn. */
int lp_db_begin(struct lp_db *db, struct lp_err *err);
/* -1: nothing is committed, and the transaction has been rolled back. */
int lp_db_commit(struct lp_db *db, struct lp_err *err);
void lp_db_rollback(struct lp_db *db); /* nothing to do outside a transaction */
/* With LP_DB_SYNC_NORMAL: what is committed by now survives a power cut too. Takes no lock. */
int lp_db_sync_log(struct lp_db *db, struct lp_err *err);
bool lp_db_in_transaction(const struct lp_db *db);

int64_t lp_db_changes(const struct lp_db *db); /* rows changed by the last statement */
int64_t lp_db_last_id(const struct lp_db *db); /* rowid of the last insert */
/* PRAGMA user_version: the schema's version. */
int lp_db_user_version(struct lp_db *db, int64_t *version, struct lp_err *err);
int lp_db_set_user_version(struct lp_db *db, int64_t version, struct lp_err *err);

#endif
