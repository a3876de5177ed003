/* err: the first cause wins, context goes in front, nothing unprintable gets through */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "leadpipe/err.h"

static void first_cause_wins(void **state)
{
    (void)state;
    struct lp_err e = {0};
    assert_int_equal(lp_err_set(&e, LP_ERR_RECORD, "bad_json", "byte %d", 17), -1);
    assert_int_equal(lp_err_set(&e, LP_ERR_BUG, "other", "later"), -1);
    assert_int_equal(e.kind, LP_ERR_RECORD);
    assert_string_equal(e.code, "bad_json");
    assert_string_equal(e.msg, "byte 17");
    lp_err_hint(&e, "try %s", "this");
    lp_err_hint(&e, "or that");
    assert_string_equal(e.hint, "try this");
    assert_int_equal(lp_err_set(NULL, LP_ERR_IO, NULL, "nobody listens"), -1);
    assert_int_equal(lp_err_prefix(NULL, "x"), -1);
}

static void context_goes_in_front(void **state)
{
    (void)state;
    const char *const forms[] = {"leads.csv:12", "leads.csv:12:", "leads.csv:12: "};
    for (int i = 0; i < 3; i++) {
        struct lp_err e = {0};
        lp_err_set(&e, LP_ERR_RECORD, NULL, "bad");
        assert_int_equal(lp_err_prefix(&e, "%s", forms[i]), -1);
        assert_string_equal(e.msg, "leads.csv:12: bad");
        lp_err_prefix(&e, "in");
        assert_string_equal(e.msg, "in: leads.csv:12: bad");
    }
}

static void names_errno(void **state)
{
    (void)state;
    struct lp_err e = {0};
    errno = ENOSPC;
    lp_err_errno(&e, "%s", "out");
    assert_int_equal(e.kind, LP_ERR_IO);
    assert_string_equal(e.msg, "out: No space left on device");
    assert_int_equal(errno, ENOSPC);
}

static void control_bytes_and_halves_are_kept_out(void **state)
{
    (void)state;
    struct lp_err e = {0};
    lp_err_set(&e, LP_ERR_RECORD, NULL, "a\033[2J\nb\x7f");
    assert_string_equal(e.msg, "a?[2J?b?");
    for (size_t lead = 505; lead < 512; lead++) {
        char text[700];
        memset(text, 'x', lead);
        memcpy(text + lead, "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 10);
        struct lp_err cut = {0};
        lp_err_set(&cut, LP_ERR_RECORD, NULL, "%s", text);
        size_t tail = strlen(cut.msg) - lead;
        assert_true(strlen(cut.msg) < sizeof cut.msg && tail % 3 == 0);
    }
}

static void long_context_leaves_the_cause(void **state)
{
    (void)state;
    char path[1000];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    struct lp_err e = {0};
    lp_err_set(&e, LP_ERR_IO, NULL, "the cause");
    lp_err_prefix(&e, "%s", path);
    assert_non_null(strstr(e.msg, "p: the cause"));
}

static void kinds_have_exit_statuses(void **state)
{
    (void)state;
    const struct {
        enum lp_errkind kind;
        int status;
    } table[] = {{LP_ERR_NONE, 0}, {LP_ERR_RECORD, 65}, {LP_ERR_PROVIDER, 69}, {LP_ERR_AUTH, 77},
        {LP_ERR_CONFIG, 78}, {LP_ERR_USAGE, 2}, {LP_ERR_IO, 74}, {LP_ERR_TEMP, 75},
        {LP_ERR_BUG, 70}, {(enum lp_errkind)99, 70}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_int_equal(lp_err_exit(table[i].kind), table[i].status);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_cause_wins),
        cmocka_unit_test(context_goes_in_front),
        cmocka_unit_test(names_errno),
        cmocka_unit_test(control_bytes_and_halves_are_kept_out),
        cmocka_unit_test(long_context_leaves_the_cause),
        cmocka_unit_test(kinds_have_exit_statuses),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
