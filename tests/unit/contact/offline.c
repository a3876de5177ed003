/* offline: what is read off an address, and what is not */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "leadpipe/buf.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/offline.h"

static struct lp_lists *lists;

static void names_and_their_confidence(void **state)
{
    static const struct {
        const char *local, *first, *last;
        double confidence;
    } cases[] = {
        {"john.doe", "John", "Doe", 0.6},
        {"JOHN_DOE", "John", "Doe", 0.6},
        {"john.doe+news", "John", "Doe", 0.6},
        {"john.doe42", "John", "Doe", 0.55},
        {"john.doe.1984", "John", "Doe", 0.55},
        {"john-doe", "John", "Doe", 0.6},
        {"jean-pierre.dupont", "Jean-Pierre", "Dupont", 0.6},
        {"sean.o'brien", "Sean", "O'Brien", 0.6},
        {"anna.smith-jones", "Anna", "Smith-Jones", 0.6},
        {"anna.q.public", "Anna", "Public", 0.6},
        {"ludwig.van.der.rohe", "Ludwig", "van der Rohe", 0.6},
        {"maria.garcia.lopez", "Maria", "Garcia Lopez", 0.6},
        {"jane.price", "Jane", "Price", 0.6},
        {"dupont.jean", "Jean", "Dupont", 0.4}, /* which is first is a guess */
        {"xqzt.wvut", "Xqzt", "Wvut", 0.4},
        {"j.doe", "", "Doe", 0.4}, /* an initial is not completed */
        {"doe.j", "", "Doe", 0.4},
        {"john.d", "John", "", 0.6},
        {"jean-pierre", "Jean-Pierre", "", 0.4}, /* one name or two */
        {"john", "John", "", 0.4},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_offline_name n;
        if (!lp_offline_name(lists, lp_str(cases[i].local), &n))
            fail_msg("%s: no name", cases[i].local);
        char first[LP_OFFLINE_NAME_MAX + 1], last[LP_OFFLINE_NAME_MAX + 1];
        snprintf(first, sizeof first, "%.*s", (int)n.first_len, n.first);
        snprintf(last, sizeof last, "%.*s", (int)n.last_len, n.last);
        assert_string_equal(first, cases[i].first);
        assert_string_equal(last, cases[i].last);
        if (n.confidence < cases[i].confidence - 1e-9 || n.confidence > cases[i].confidence + 1e-9)
            fail_msg("%s: %g", cases[i].local, n.confidence);
        assert_true(n.confidence < 1);
    }
}

static void nothing_is_invented(void **state)
{
    static const char *const locals[] = {"johndoe", "jdoe", "sales", "info", "sales.emea",
        "hr.team", "j.d", "x", "", "+", "...", "john..doe", ".john", "john.", "j0hn.doe", "12345",
        "a.b.c.d.e.f.g", "new.customer.request", "m\xc3\xbcller.j\xc3\xb6rg", "-john.doe",
        "john.doe-", "\"john doe\"", "will"};
    (void)state;
    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++) {
        struct lp_offline_name n;
        if (lp_offline_name(lists, lp_str(locals[i]), &n))
            fail_msg(
                "%s: %.*s %.*s", locals[i], (int)n.first_len, n.first, (int)n.last_len, n.last);
    }
}

static void long_names_fit_or_are_left_out(void **state)
{
    char local[200];
    struct lp_offline_name n;
    (void)state;
    for (size_t k = 1; k < sizeof local; k++) {
        memset(local, 'a', k);
        lp_offline_name(lists, (struct lp_str){local, k}, &n);
        if (k > 5)
            memcpy(local, "john.", 5);
        lp_offline_name(lists, (struct lp_str){local, k}, &n);
        assert_true(n.first_len <= LP_OFFLINE_NAME_MAX && n.last_len <= LP_OFFLINE_NAME_MAX);
        for (size_t i = 0; i < k; i += 3)
            local[i] = '.';
        lp_offline_name(lists, (struct lp_str){local, k}, &n);
    }
}

static void company_from_the_domain(void **state)
{
    static const struct {
        const char *domain, *company;
    } cases[] = {
        {"acme.com", "Acme"},
        {"acme-widgets.co.uk", "Acme Widgets"},
        {"bmw.de", "BMW"},
        {"3m.com", "3M"},
        {"xn--mnchen-3ya.de", "M\xc3\xbcnchen"},
        {"mit.edu", NULL},
        {"ox.ac.uk", NULL},
        {"service.gov.uk", NULL},
        {"startup.ac", "Startup"},
        {"163.net", NULL},
        {"x.com", NULL}, /* a letter is no name */
        {"localhost", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_buf b = {0};
        assert_int_equal(lp_offline_company(lp_str(cases[i].domain), &b), cases[i].company != NULL);
        assert_string_equal(b.p ? b.p : "", cases[i].company ? cases[i].company : "");
        lp_buf_free(&b);
    }
}

static void given_names(void **state)
{
    static const char *const yes[] = {
        "aaron", "john", "juergen", "jurgen", "zuzana", "li", "maria"};
    static const char *const no[] = {"", "a", "joh", "johnn", "zzz", "aaaa", "will", "sales"};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_true(lp_offline_given(lp_str(yes[i])));
    assert_true(lp_offline_given(lp_str(yes[6])));
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(lp_offline_given(lp_str(no[i])));
}

static int set_up(void **state)
{
    struct lp_err err = {0};
    (void)state;
    lists = lp_lists_new(NULL, &err);
    return lists ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    lp_lists_del(lists);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_their_confidence),
        cmocka_unit_test(nothing_is_invented),
        cmocka_unit_test(long_names_fit_or_are_left_out),
        cmocka_unit_test(company_from_the_domain),
        cmocka_unit_test(given_names),
    };
    return cmocka_run_group_tests_name("offline", tests, set_up, tear_down);
}
