/* secret: the four forms and the environment, refusals by key, masked and wiped */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/buf.h"
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/secret.h"

static char dir[] = "/tmp/leadpipe-secret-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put_file(const char *name, const char *text, int mode)
{
    int fd = open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, (mode_t)mode), 0);
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const left[] = {"good", "wide", "empty", "big", "TEST_CRED", "ran", "fifo"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        remove(in_dir(left[i]));
    lp_secret_wipe();
    return rmdir(dir);
}

static void loads(const char *given, const char *env, const char *want)
{
    struct lp_err err = {0};
    struct lp_str v = {0};
    lp_secret_wipe();
    assert_int_equal(lp_secret_present("acme", "key", lp_str(given), env, &err), want != NULL);
    int rc = lp_secret_load("acme", "key", lp_str(given), env, &v, &err);
    if (rc < 0)
        print_message("%s\n", err.msg);
    assert_int_equal(rc, want != NULL);
    if (!want)
        return;
    assert_true(lp_str_is(v, want));
    struct lp_buf b = {0};
    lp_buf_str(&b, v);
    lp_log_redact(&b);
    assert_string_equal(b.p, "****");
    lp_buf_free(&b);
}

static void refuses(const char *given, bool already, const char *want)
{
    struct lp_err err = {0}, early = {0};
    struct lp_str v = {0};
    lp_secret_wipe();
    assert_int_equal(lp_secret_load("acme", "key", lp_str(given), NULL, &v, &err), -1);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    if (!strstr(err.msg, want))
        print_message("%s\n", err.msg);
    assert_int_equal(strncmp(err.msg, "providers.acme.key: ", 20), 0);
    assert_non_null(strstr(err.msg, want));
    assert_int_equal(
        lp_secret_present("acme", "key", lp_str(given), NULL, &early), already ? -1 : 1);
}

static const char *json(const char *form, const char *file)
{
    static char text[300];
    snprintf(text, sizeof text, "{\"%s\": \"%s/%s\"}", form, dir, file);
    return text;
}

static void literal(void **state)
{
    (void)state;
    loads("\"s3\\u0063ret\\\"x\"", NULL, "s3cret\"x");
    loads("\"\"", NULL, NULL);
    loads("null", NULL, NULL);
    loads(NULL, NULL, NULL);
}

static void environment(void **state)
{
    (void)state;
    setenv("TEST_SECRET", "from-env", 1);
    setenv("TEST_EMPTY", "", 1);
    unsetenv("TEST_CRED");
    unsetenv("CREDENTIALS_DIRECTORY");
    loads(NULL, "TEST_SECRET", "from-env");
    loads("null", "TEST_SECRET", "from-env");
    loads("{\"env\":\"TEST_SECRET\"}", "OTHER", "from-env");
    loads("\"given\"", "TEST_SECRET", "given");
    loads(NULL, "TEST_EMPTY", NULL);
    loads(NULL, "TEST_CRED", NULL);
    put_file("TEST_CRED", "from-systemd\n", 0440);
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    loads(NULL, "TEST_CRED", "from-systemd");
    loads("{\"env\":\"TEST_CRED\"}", NULL, "from-systemd");
    loads("{\"env\":\"../TEST_CRED\"}", NULL, NULL);
}

static void files(void **state)
{
    (void)state;
    put_file("good", "from-file\r\n", 0600);
    put_file("wide", "from-file", 0640);
    put_file("empty", "\n", 0400);
    loads(json("file", "good"), "TEST_SECRET", "from-file");
    refuses(json("file", "wide"), true, "others may read it (mode 640)");
    refuses(json("file", "empty"), false, "is empty");
    refuses(json("file", "nope"), true, "No such file or directory");
    refuses(json("file", "."), true, "not a regular file");
    assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
    refuses(json("file", "fifo"), true, "not a regular file");
    char *big = calloc(1, 70000);
    memset(big, 'x', 66000);
    put_file("big", big, 0600);
    free(big);
    refuses(json("file", "big"), false, "longer than 65536 bytes");
}

static void commands(void **state)
{
    (void)state;
    loads("{\"cmd\":\"printf 'from-cmd\\\\nsecond'\"}", NULL, "from-cmd");
    loads("{\"cmd\":\"cat; echo \\\"$TEST_SECRET\\\"\"}", NULL, "from-env");
    refuses("{\"cmd\":\"echo no; exit 3\"}", false, "cmd ended with status 3");
    refuses("{\"cmd\":\"true\"}", false, "is empty");
    loads("{\"cmd\":\"echo from-cmd; yes | head -c 100000\"}", NULL, "from-cmd");
    refuses("{\"cmd\":\"yes | head -c 200000 | tr -d '\\\\n'\"}", false, "longer than 65536 bytes");
}

static void commands_run_once_and_only_when_asked(void **state)
{
    (void)state;
    char given[300];
    struct lp_err err = {0};
    struct lp_str v, again;
    snprintf(given, sizeof given, "{\"cmd\":\"echo x >> %s; echo value\"}", in_dir("ran"));
    assert_int_equal(lp_secret_present("acme", "once", lp_str(given), NULL, &err), 1);
    assert_int_equal(access(in_dir("ran"), F_OK), -1);
    assert_int_equal(lp_secret_load("acme", "once", lp_str(given), NULL, &v, &err), 1);
    assert_int_equal(lp_secret_load("acme", "once", lp_str(given), NULL, &again, &err), 1);
    assert_ptr_equal(v.p, again.p);
    struct stat st;
    assert_int_equal(stat(in_dir("ran"), &st), 0);
    assert_int_equal(st.st_size, 2);
}

static void unknown_forms(void **state)
{
    (void)state;
    const char *const bad[] = {"{\"envv\":\"X\"}", "{}", "7", "[]", "true", "{\"env\":7}",
        "{\"env\":\"\"}", "{\"env\":\"A\",\"file\":\"B\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuses(bad[i], true, "a secret is {env: NAME}");
}

static void no_core_and_wiped(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_str v;
    assert_int_equal(lp_secret_load("acme", "key", LP_STR("\"wipe-me\""), NULL, &v, &err), 1);
    assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
    lp_secret_wipe();
    for (size_t i = 0; i < v.n; i++)
        assert_int_equal(v.p[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literal),
        cmocka_unit_test(environment),
        cmocka_unit_test(files),
        cmocka_unit_test(commands),
        cmocka_unit_test(commands_run_once_and_only_when_asked),
        cmocka_unit_test(unknown_forms),
        cmocka_unit_test(no_core_and_wiped),
    };
    return cmocka_run_group_tests_name("secret", tests, set_up, tear_down);
}
