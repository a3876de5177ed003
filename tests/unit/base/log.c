/* log: one line, one write, nothing secret, nothing that moves the cursor */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "leadpipe/log.h"
#include "leadpipe/vault.h"

static char said[20000];

/* Runs `f` with standard error going to `said`. */
static void listen_to(void (*f)(void))
{
    int real = dup(STDERR_FILENO);
    FILE *t = tmpfile();
    assert_non_null(t);
    dup2(fileno(t), STDERR_FILENO);
    f();
    dup2(real, STDERR_FILENO);
    close(real);
    ssize_t n = pread(fileno(t), said, sizeof said - 1, 0);
    said[n > 0 ? n : 0] = '\0';
    fclose(t);
}

static void say_all(void)
{
    errno = 7;
    lp_log_error("e%d", 1);
    lp_log_warn("w");
    lp_log_info("i");
    lp_log_verbose("v");
    assert_int_equal(errno, 7);
}

static void levels(void **state)
{
    (void)state;
    lp_log_init("prog", LP_LOG_QUIET);
    listen_to(say_all);
    assert_string_equal(said, "prog: e1\nprog: w\n");
    lp_log_init("prog", LP_LOG_NORMAL);
    listen_to(say_all);
    assert_string_equal(said, "prog: e1\nprog: w\nprog: i\n");
    lp_log_init("prog", LP_LOG_VERBOSE);
    listen_to(say_all);
    assert_string_equal(said, "prog: e1\nprog: w\nprog: i\nprog: v\n");
    assert_string_equal(lp_log_program(), "prog");
}

static void say_control(void)
{
    lp_log_error("a\033]0;title\007\r\nb\x7f\xc2\x9b"
                 "c \xc3\xa9\xe2\x82\xac");
}

static void control_bytes_are_tamed(void **state)
{
    (void)state;
    listen_to(say_control);
    assert_string_equal(said, "prog: a?]0;title???b???c \xc3\xa9\xe2\x82\xac\n");
}

static void say_much(void)
{
    char text[9000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    lp_log_error("%s", text);
}

static void a_line_fits_one_atomic_write(void **state)
{
    (void)state;
    listen_to(say_much);
    assert_int_equal(strlen(said), 4096);
    assert_string_equal(said + 4096 - 4, "...\n");
}

static void expect_masked(const char *text, const char *want)
{
    struct lp_buf b = {0};
    lp_buf_puts(&b, text);
    lp_log_redact(&b);
    assert_string_equal(b.p, want);
    assert_int_equal(b.len, strlen(want));
    lp_buf_free(&b);
}

static void secrets_are_masked_by_value(void **state)
{
    (void)state;
    assert_false(lp_log_secret_in(LP_STR("anything")));
    lp_log_secret(LP_STR("abc")); /* too short to tell from text */
    expect_masked("abc", "abc");
    lp_log_secret(LP_STR("k3y/with \"both\"+\xc3\xa9"));
    lp_log_secret(LP_STR("hunter2"));
    lp_log_secret(LP_STR("hunter2-longer"));
    assert_true(lp_log_secret_in(LP_STR("a hunter2-longer b")));
    assert_true(lp_log_secret_in(LP_STR("aHVudGVyMi1sb25nZXI")));
    assert_false(lp_log_secret_in(LP_STR("hunter2, a word as any other")));
    expect_masked("", "");
    expect_masked("hunter2", "****");
    expect_masked("a hunter2 b hunter2hunter2 c", "a **** b ******** c");
    expect_masked("pw=hunter2-longer;", "pw=****;");
    expect_masked("k3y/with \"both\"+\xc3\xa9", "****");
    expect_masked("{\"k\":\"k3y/with \\\"both\\\"+\xc3\xa9\"}", "{\"k\":\"****\"}");
    expect_masked("?k=k3y%2Fwith%20%22both%22%2B%C3%A9&", "?k=****&");
    expect_masked("?k=k3y%2fwith%20%22both%22%2b%c3%a9&", "?k=****&");
    expect_masked("Basic azN5L3dpdGggImJvdGgiK8Op.", "Basic ****.");
    expect_masked("aHVudGVyMg==", "****==");
    expect_masked("hunter", "hunter");
    expect_masked("?k=k3y%2Fwith+%22both%22%2B%C3%A9&", "?k=****&");
}

/* base64 of "hunter2" with a user before it and a colon after: only what neighbours share is left. */
static void secrets_are_masked_within_longer_base64(void **state)
{
    (void)state;
    expect_masked("Basic aHVudGVyMjo=", "Basic ****jo=");         /* hunter2: */
    expect_masked("Basic OmhodW50ZXIyOg==", "Basic Omh****Og=="); /* :hhunter2: */
    expect_masked("Basic dTpodW50ZXIy", "Basic dTp****");         /* u:hunter2 */
    expect_masked("Basic OmF1Omh1bnRlcjI=", "Basic OmF1Om****="); /* :au:hunter2 */
}

static void say_secret(void)
{
    char text[8200];
    memset(text, 'x', sizeof text);
    memcpy(text + 4080, " hunter2-longer ", 17); /* across the cut: masked first, then cut */
    lp_log_error("%s", text);
    lp_log_info("key hunter2");
}

static void messages_are_masked_before_they_are_cut(void **state)
{
    (void)state;
    listen_to(say_secret);
    assert_null(strstr(said, "hunt"));
    assert_non_null(strstr(said, "prog: key ****\n"));
}

static int cleared;
static void clear(void *arg)
{
    cleared += *(int *)arg;
}

static void the_bar_leaves_first(void **state)
{
    (void)state;
    int by = 3;
    lp_log_before(clear, &by);
    listen_to(say_control);
    lp_log_before(NULL, NULL);
    listen_to(say_control);
    assert_int_equal(cleared, 3);
}

static void vault_keeps_and_wipes(void **state)
{
    (void)state;
    char *a = lp_vault_keep((struct lp_str){"se\0cret", 7});
    char *b = lp_vault_keep(LP_STR("other"));
    char *empty = lp_vault_keep((struct lp_str){0});
    static char big[200000];
    memset(big, 'b', sizeof big);
    char *c = lp_vault_keep((struct lp_str){big, sizeof big});
    assert_memory_equal(a, "se\0cret", 8);
    assert_string_equal(empty, "");
    assert_memory_equal(c, big, sizeof big);
    lp_vault_wipe(a);
    assert_memory_equal(a, "\0\0\0\0\0\0\0", 8);
    assert_string_equal(b, "other");
    lp_vault_wipe(c);
    assert_int_equal(c[sizeof big - 1], 0);
    lp_vault_wipe(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(control_bytes_are_tamed),
        cmocka_unit_test(a_line_fits_one_atomic_write),
        cmocka_unit_test(secrets_are_masked_by_value),
        cmocka_unit_test(secrets_are_masked_within_longer_base64),
        cmocka_unit_test(messages_are_masked_before_they_are_cut),
        cmocka_unit_test(the_bar_leaves_first),
        cmocka_unit_test(vault_keeps_and_wipes),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
