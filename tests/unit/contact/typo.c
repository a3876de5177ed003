#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "leadpipe/typo.h"

static struct lp_lists *lists;

static const struct {
    const char *typed, *meant; /* NULL: no hint */
} cases[] = {
    /* slips of the fingers */
    {"gmial.com", "gmail.com"},
    {"gmal.com", "gmail.com"},
    {"gmaill.com", "gmail.com"},
    {"gamil.com", "gmail.com"},
    {"mgail.com", "gmail.com"},
    {"gmail.con", "gmail.com"},
    {"gmail.co", "gmail.com"},
    {"gmail.cmo", "gmail.com"},
    {"gmial.con", "gmail.com"},
    {"hotmial.com", "hotmail.com"},
    {"hotmali.com", "hotmail.com"},
    {"otmail.com", "hotmail.com"},
    {"hotmail.cm", "hotmail.com"},
    {"hotmail.ff", "hotmail.fr"},
    {"yaho.com", "yahoo.com"},
    {"yahooo.com", "yahoo.com"},
    {"yhaoo.com", "yahoo.com"},
    {"yahoo.cm", "yahoo.com"},
    {"yaho.co.uk", "yahoo.co.uk"},
    {"outlok.com", "outlook.com"},
    {"outloook.com", "outlook.com"},
    {"oulook.com", "outlook.com"},
    {"iclod.com", "icloud.com"},
    {"gmx.ed", "gmx.de"},
    {"web.ed", "web.de"},
    {"live.con", "live.com"},
    {"aol.con", "aol.com"},
    {"googlemial.com", "googlemail.com"},
    {"t-onlin.de", "t-online.de"},
    {"protonmial.com", "protonmail.com"},
    /* names of their own */
    {"gmail.com", NULL},
    {"hotmail.fe", NULL},
    {"mail.com", NULL},
    {"ymail.com", NULL},
    {"email.com", NULL},
    {"gmx.at", NULL},
    {"gmx.fr", NULL},
    {"web.be", NULL},
    {"live.cl", NULL},
    {"love.com", NULL},
    {"like.com", NULL},
    {"small.com", NULL},
    {"cloud.com", NULL},
    {"gmail.de", NULL},
    {"hotmail.gr", NULL},
    {"horizon.net", NULL},
    {"postmail.com", NULL},
    {"range.fr", NULL},
    {"tree.fr", NULL},
    {"proton.com", NULL},
    {"main.ru", NULL},
    {"example.com", NULL},
    {"mx.gmial.com", NULL},
    {"co.uk", NULL},
    {"com", NULL},
    {"", NULL},
    {"a-name-much-too-long-to-be-mistaken-for-another.example.com", NULL},
};

static void hints(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_str meant = lp_typo_domain(lists, lp_str(cases[i].typed));
        bool right = cases[i].meant ? meant.p && lp_str_is(meant, cases[i].meant) : !meant.p;
        if (!right)
            fail_msg("%s: %.*s", cases[i].typed, (int)meant.n, meant.p ? meant.p : "");
    }
}

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned n;
    } of[] = {{"", "", 0}, {"a", "", 1}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1},
        {"abc", "abxc", 1}, {"abc", "axc", 1}, {"ca", "abc", 3}, {"kitten", "sitting", 3}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        assert_int_equal(lp_typo_distance(lp_str(of[i].a), lp_str(of[i].b), 9), of[i].n);
        assert_int_equal(lp_typo_distance(lp_str(of[i].b), lp_str(of[i].a), 9), of[i].n);
        if (of[i].n > 1)
            assert_int_equal(lp_typo_distance(lp_str(of[i].a), lp_str(of[i].b), 1), 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(hints), cmocka_unit_test(distances)};
    struct lp_err err = {0};
    int rc;

    lists = lp_lists_new(NULL, &err);
    rc = cmocka_run_group_tests_name("typo", tests, NULL, NULL);
    lp_lists_del(lists);
    return rc;
}
