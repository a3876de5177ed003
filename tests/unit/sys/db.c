/* db: rows, transactions, refusals, and many processes on one new file */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadpipe/db.h"

static char dir[] = "/tmp/leadpipe-db-XXXXXX";
static char cwd[4096];

static int enter(void **state)
{
    (void)state;
    return getcwd(cwd, sizeof cwd) && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    static const char *const left[] = {"s.db", "s.db-wal", "s.db-shm", "empty.db", "junk.db",
        "many.db", "many.db-wal", "many.db-shm", "lost.db-wal", "bad.db"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        remove(left[i]);
    return chdir(cwd) || rmdir(dir); /* fails if a draft was left */
}

static int schema(struct lp_db *db, void *arg, struct lp_err *err)
{
    if (arg)
        ++*(int *)arg;
    if (lp_db_exec(db,
            "CREATE TABLE t (k TEXT PRIMARY KEY, v); CREATE TABLE c (n INTEGER);"
            "INSERT INTO c VALUES (0)",
            err))
        return -1;
    return lp_db_set_user_version(db, 3, err);
}

static struct lp_db *open_good(const char *path, int *made)
{
    struct lp_err err = {0};
    struct lp_db_options o = {.create = schema, .arg = made};
    struct lp_db *db = lp_db_open(path, &o, &err);
    if (!db)
        print_message("%s\n", err.msg);
    assert_non_null(db);
    return db;
}

static void expect_refused(
    const char *path, const struct lp_db_options *o, const char *code, const char *msg)
{
    struct lp_err err = {0};
    assert_null(lp_db_open(path, o, &err));
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_string_equal(err.code, code);
    if (!strstr(err.msg, msg))
        print_message("%s\n", err.msg);
    assert_non_null(strstr(err.msg, msg));
}

static void makes_a_private_file_once(void **state)
{
    (void)state;
    int made = 0;
    struct stat st;
    mode_t old = umask(0);
    struct lp_db *db = open_good("s.db", &made);
    struct lp_err err = {0};
    assert_int_equal(lp_db_run(db, &err, "INSERT INTO t VALUES ('a', 1)", ""), 0);
    const char *const files[] = {"s.db", "s.db-wal", "s.db-shm"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(stat(files[i], &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    umask(old);
    assert_string_equal(lp_db_path(db), "s.db");
    lp_db_close(db);
    db = open_good("s.db", &made);
    assert_int_equal(made, 1);
    int64_t version = 0, n = 0;
    assert_int_equal(lp_db_user_version(db, &version, &err), 0);
    assert_int_equal(version, 3);
    assert_int_equal(lp_db_int(db, "SELECT count(*) FROM t", &n, &err), 1);
    assert_int_equal(n, 1);
    assert_int_equal(lp_db_int(db, "SELECT v FROM t WHERE k = 'none'", &n, &err), 0);
    assert_int_equal(lp_db_int(db, "SELECT NULL", &n, &err), 0);
    lp_db_close(db);
    lp_db_close(NULL);
}

static void binds_and_reads(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_db *db = open_good(":memory:", NULL);
    assert_int_equal(lp_db_exec(db, "CREATE TABLE x (i, d, s, t, b, n, z, e)", &err), 0);
    assert_int_equal(lp_db_run(db, &err, "INSERT INTO x VALUES (?,?,?,?,?,?,?,?)", "idstbnsb",
                         INT64_MIN, 2.5, "str", LP_STR("te\xc3\xa9t"),
                         (struct lp_str){"\0b\xff", 3}, (const char *)NULL, LP_STR("")),
        0);
    assert_int_equal(lp_db_changes(db), 1);
    assert_int_equal(lp_db_last_id(db), 1);
    struct lp_stmt *s = lp_db_stmt(db, "SELECT * FROM x");
    assert_int_equal(lp_stmt_row(s, &err), 1);
    assert_int_equal(lp_stmt_columns(s), 8);
    assert_true(lp_stmt_int(s, 0) == INT64_MIN);
    assert_true(lp_stmt_real(s, 1) == 2.5);
    assert_true(lp_str_is(lp_stmt_text(s, 2), "str"));
    assert_true(lp_str_is(lp_stmt_text(s, 3), "te\xc3\xa9t"));
    assert_true(lp_str_eq(lp_stmt_blob(s, 4), (struct lp_str){"\0b\xff", 3}));
    assert_true(lp_stmt_null(s, 5) && lp_stmt_null(s, 6) && !lp_stmt_null(s, 7));
    assert_null(lp_stmt_text(s, 5).p);
    assert_non_null(lp_stmt_blob(s, 7).p);
    assert_int_equal(lp_stmt_blob(s, 7).n, 0);
    assert_int_equal(lp_stmt_row(s, &err), 0);

    static const char by_id[] = "SELECT i FROM x WHERE rowid = ?";
    struct lp_stmt *q = lp_db_stmt(db, by_id);
    lp_stmt_bind_int(q, 1, 1);
    assert_int_equal(lp_stmt_row(q, &err), 1);
    lp_stmt_reset(q);
    assert_ptr_equal(lp_db_stmt(db, by_id), q); /* kept, and its binding forgotten */
    assert_int_equal(lp_stmt_row(q, &err), 0);
    lp_db_close(db);
}

static void errors_are_told_when_run(void **state)
{
    (void)state;
    struct lp_db *db = open_good(":memory:", NULL);
    struct lp_err syntax = {0}, range = {0}, unique = {0}, type = {0};
    static const char wrong[] = "SELEKT 1";
    for (int i = 0; i < 2; i++) {
        struct lp_stmt *s = lp_db_stmt(db, wrong);
        lp_stmt_bind(s, "i", INT64_C(1));
        assert_int_equal(lp_stmt_done(s, &syntax), -1);
    }
    assert_int_equal(syntax.kind, LP_ERR_IO);
    assert_string_equal(syntax.msg, ":memory:: near \"SELEKT\": syntax error");
    assert_int_equal(lp_db_run(db, &range, "SELECT 1", "i", INT64_C(1)), -1);
    assert_int_equal(lp_db_run(db, &type, "SELECT ?", "q"), -1);
    assert_non_null(strstr(type.msg, "no such type to bind: 'q'"));
    static const char insert[] = "INSERT INTO t VALUES (?, 1)";
    assert_int_equal(lp_db_run(db, &unique, insert, "s", "jane@example.com"), 0);
    assert_int_equal(lp_db_run(db, &unique, insert, "s", "jane@example.com"), -1);
    assert_string_equal(unique.msg, ":memory:: UNIQUE constraint failed: t.k"); /* no data */
    struct lp_err fine = {0};
    assert_int_equal(lp_db_run(db, &fine, insert, "s", "b"), 0);
    lp_db_close(db);
}

static int64_t count(struct lp_db *db)
{
    struct lp_err err = {0};
    int64_t n = -1;
    assert_int_equal(lp_db_int(db, "SELECT count(*) FROM t", &n, &err), 1);
    return n;
}

static void transactions(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_db *db = open_good(":memory:", NULL);
    assert_false(lp_db_in_transaction(db));
    lp_db_rollback(db);
    assert_int_equal(lp_db_begin(db, &err), 0);
    assert_true(lp_db_in_transaction(db));
    assert_int_equal(lp_db_run(db, &err, "INSERT INTO t VALUES ('a', 1)", ""), 0);
    lp_db_rollback(db);
    assert_int_equal(count(db), 0);
    assert_int_equal(lp_db_begin(db, &err), 0);
    assert_int_equal(lp_db_run(db, &err, "INSERT INTO t VALUES ('a', 1)", ""), 0);
    assert_int_equal(lp_db_commit(db, &err), 0);
    assert_int_equal(count(db), 1);
    lp_db_close(db);
}

static void put_file(const char *path, const char *text, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    close(fd);
}

static int schema_fails(struct lp_db *db, void *arg, struct lp_err *err)
{
    (void)arg;
    return lp_db_exec(db, "CREATE TABLE t (k); NONSENSE", err);
}

static void unusable_files_are_refused(void **state)
{
    (void)state;
    struct lp_db_options o = {.create = schema}, bad = {.create = schema_fails};
    static char junk[8192];
    memset(junk, 'j', sizeof junk);
    put_file("empty.db", "", 0);
    put_file("junk.db", junk, sizeof junk);
    put_file("lost.db-wal", junk, 100);
    expect_refused("empty.db", &o, "empty", "empty.db: is empty; not started anew");
    expect_refused("junk.db", &o, "corrupt", "junk.db: file is not a database");
    expect_refused("lost.db", &o, "corrupt", "lost.db: missing, yet its journal");
    expect_refused(".", &o, "", ".: is a directory");
    expect_refused("/dev/null", &o, "", "/dev/null: is not a regular file");
    assert_int_equal(symlink("not/mounted.db", "link.db"), 0);
    expect_refused("link.db", &o, "", "link.db: a link to a file that is not there");
    unlink("link.db");
    expect_refused("no/such.db", &o, "", "no/such.db: No such file or directory");
    expect_refused("absent.db", NULL, "absent", "absent.db: No such file or directory");
    expect_refused("bad.db", &bad, "", "syntax error");
    assert_int_equal(access("bad.db", F_OK), -1);
    struct stat st;
    assert_int_equal(stat("empty.db", &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void read_only_does_not_write(void **state)
{
    (void)state;
    struct lp_err err = {0}, refused = {0};
    lp_db_close(open_good("s.db", NULL));
    struct lp_db_options o = {.read_only = true};
    struct lp_db *db = lp_db_open("s.db", &o, &err);
    assert_non_null(db);
    count(db);
    assert_int_equal(lp_db_run(db, &refused, "DELETE FROM t", ""), -1);
    lp_db_close(db);
}

/* One of many: opens the file that may not be there yet and counts up, each step a transaction. */
static int compete(int steps)
{
    struct lp_err err = {0};
    struct lp_db_options o = {.create = schema};
    struct lp_db *db = lp_db_open("many.db", &o, &err);
    for (int i = 0; db && i < steps; i++) {
        int64_t n = 0;
        if (lp_db_begin(db, &err) || lp_db_int(db, "SELECT n FROM c", &n, &err) != 1 ||
            lp_db_run(db, &err, "UPDATE c SET n = ?", "i", n + 1) || lp_db_commit(db, &err))
            break;
    }
    if (err.kind)
        fprintf(stderr, "%s\n", err.msg);
    lp_db_close(db);
    return err.kind != LP_ERR_NONE;
}

static void many_processes_share_one_file(void **state)
{
    (void)state;
    enum { PROCESSES = 8, STEPS = 20 };
    pid_t pid[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pid[i] = fork();
        assert_true(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(compete(STEPS));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_int_equal(status, 0);
    }
    struct lp_err err = {0};
    struct lp_db *db = open_good("many.db", NULL);
    int64_t n = 0;
    assert_int_equal(lp_db_int(db, "SELECT n FROM c", &n, &err), 1);
    assert_int_equal(n, PROCESSES * STEPS);
    lp_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_a_private_file_once),
        cmocka_unit_test(binds_and_reads),
        cmocka_unit_test(errors_are_told_when_run),
        cmocka_unit_test(transactions),
        cmocka_unit_test(unusable_files_are_refused),
        cmocka_unit_test(read_only_does_not_write),
        cmocka_unit_test(many_processes_share_one_file),
    };
    return cmocka_run_group_tests_name("db", tests, enter, leave);
}
