/* file: whole files, replaced or published in one step, and where things are */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/file.h"

static char dir[] = "/tmp/leadpipe-file-XXXXXX";
static char cwd[4096];

static int enter(void **state)
{
    (void)state;
    return getcwd(cwd, sizeof cwd) && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    static const char *const left[] = {"a", "b", "link", "sub/leadpipe", "sub",
        "home/.local/state/leadpipe", "home/.local/state", "home/.local", "home"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        remove(left[i]);
    return chdir(cwd) || rmdir(dir); /* fails if a temporary file was left */
}

static void expect(const char *path, const char *want)
{
    struct lp_err err = {0};
    struct lp_buf b = {0};
    assert_int_equal(lp_file_read(path, 0, &b, &err), 0);
    assert_string_equal(b.p, want);
    lp_buf_free(&b);
}

static int mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

static void replaces(void **state)
{
    (void)state;
    struct lp_err err = {0};
    assert_int_equal(lp_file_replace("a", LP_STR("one\n"), 0600, &err), 0);
    expect("a", "one\n");
    assert_int_equal(mode_of("a"), 0600);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(lp_file_replace("link", LP_STR("two"), 0644, &err), 0);
    expect("a", "two");
    assert_int_equal(mode_of("a"), 0644);
    struct stat st;
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(lp_file_replace("no/where", LP_STR("x"), 0600, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_string_equal(err.msg, "no/where: No such file or directory");
}

static void reads_within_bounds(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    struct lp_err err = {0}, big = {0}, folder = {0}, none = {0};
    assert_int_equal(lp_file_replace("a", LP_STR("12345"), 0600, &err), 0);
    lp_buf_puts(&b, "x");
    assert_int_equal(lp_file_read("a", 5, &b, &err), 0);
    assert_string_equal(b.p, "x12345");
    assert_int_equal(lp_file_read("a", 4, &b, &big), -1);
    assert_string_equal(big.code, "too_big");
    assert_int_equal(lp_file_read(".", 0, &b, &folder), -1);
    assert_string_equal(folder.msg, ".: Is a directory");
    assert_int_equal(lp_file_read("nope", 0, &b, &none), -1);
    assert_string_equal(none.msg, "nope: No such file or directory");
    assert_true(lp_file_exists("a") && !lp_file_exists("nope"));
    lp_buf_free(&b);
}

static void publishes_once(void **state)
{
    (void)state;
    struct lp_err err = {0};
    remove("b");
    assert_int_equal(lp_file_replace("a", LP_STR("first"), 0600, &err), 0);
    assert_int_equal(lp_file_publish("a", "b", &err), 1);
    assert_false(lp_file_exists("a"));
    assert_int_equal(lp_file_replace("a", LP_STR("second"), 0600, &err), 0);
    assert_int_equal(lp_file_publish("a", "b", &err), 0);
    assert_false(lp_file_exists("a"));
    expect("b", "first");
    assert_int_equal(lp_file_publish("nope", "c", &err), -1);
}

static void follows_xdg(void **state)
{
    (void)state;
    char want[300], home[200];
    snprintf(home, sizeof home, "%s/home", dir);
    setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", "/etc/me", 1);
    unsetenv("XDG_STATE_HOME");
    char *p = lp_file_config("config.jq");
    assert_string_equal(p, "/etc/me/leadpipe/config.jq");
    free(p);
    setenv("XDG_CONFIG_HOME", "relative/is/ignored", 1);
    p = lp_file_config("config.jq");
    snprintf(want, sizeof want, "%s/.config/leadpipe/config.jq", home);
    assert_string_equal(p, want);
    free(p);
    struct lp_err err = {0};
    p = lp_file_state("state.db", &err);
    snprintf(want, sizeof want, "%s/.local/state/leadpipe/state.db", home);
    assert_string_equal(p, want);
    free(p);
    assert_int_equal(mode_of("home/.local/state/leadpipe"), 0700);
    assert_int_equal(mode_of("home"), 0700);
    unsetenv("HOME");
    unsetenv("XDG_CONFIG_HOME");
    assert_null(lp_file_config("config.jq"));
    assert_null(lp_file_state("state.db", &err));
    assert_int_equal(err.kind, LP_ERR_IO);
    setenv("XDG_STATE_HOME", "/dev/null/x", 1);
    struct lp_err blocked = {0};
    assert_null(lp_file_state("state.db", &blocked));
    assert_int_equal(blocked.kind, LP_ERR_IO);
    unsetenv("XDG_STATE_HOME");
}

static void finds_what_ships(void **state)
{
    (void)state;
    setenv("LEADPIPE_LIB", dir, 1);
    assert_string_equal(lp_file_lib(), dir);
    char *p = lp_file_shipped("b"), want[200];
    snprintf(want, sizeof want, "%s/b", dir);
    assert_string_equal(p, want);
    free(p);
    assert_null(lp_file_shipped("nope"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces),
        cmocka_unit_test(reads_within_bounds),
        cmocka_unit_test(publishes_once),
        cmocka_unit_test(follows_xdg),
        cmocka_unit_test(finds_what_ships),
    };
    return cmocka_run_group_tests_name("file", tests, enter, leave);
}
