#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "leadpipe/psl.h"

static const struct {
    const char *domain, *registrable, *suffix;
    bool known;
} cases[] = {
    {"example.com", "example.com", "com", true},
    {"a.b.example.com", "example.com", "com", true},
    {"mail.example.co.uk", "example.co.uk", "co.uk", true},
    {"co.uk", "co.uk", "uk", true},
    {"com", "com", "", true},
    {"x.example.con", "example.con", "con", false},
    {"gmx.ed", "gmx.ed", "ed", false},
    {"a.xn--80ak6aa92e.xn--p1ai", "xn--80ak6aa92e.xn--p1ai", "xn--p1ai", true},
    {"", "", "", false},
};

static void splits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_str d = lp_str(cases[i].domain), r = lp_psl_registrable(d);
        assert_true(lp_str_is(r, cases[i].registrable));
        assert_true(lp_str_is(lp_psl_suffix(d), cases[i].suffix));
        assert_int_equal(lp_psl_tld_known(d), cases[i].known);
        assert_ptr_equal(r.p + r.n, d.p + d.n); /* a part of what was given */
    }
}

static void what_is_too_long_is_left_alone(void **state)
{
    char longest[400];
    struct lp_str d = {longest, sizeof longest};

    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[200] = '.';
    assert_int_equal(lp_psl_registrable(d).n, d.n);
}

static void names_its_version(void **state)
{
    (void)state;
    assert_int_equal(strncmp(lp_psl_version(), "libpsl 0.", 9), 0);
    assert_null(strchr(lp_psl_version(), '('));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(what_is_too_long_is_left_alone),
        cmocka_unit_test(names_its_version),
    };
    return cmocka_run_group_tests_name("psl", tests, NULL, NULL);
}
