#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/fold.h"
#include "leadpipe/idn.h"

static void expect_ascii(const char *domain, const char *want)
{
    struct lp_buf out = {0};
    bool good = lp_idn_to_ascii(lp_str(domain), &out);
    assert_int_equal(good, want != NULL);
    if (want)
        assert_string_equal(out.p, want);
    else
        assert_int_equal(out.len, 0);
    lp_buf_free(&out);
}

static void to_ascii(void **state)
{
    (void)state;
    expect_ascii("Example.COM", "example.com");
    expect_ascii("MÜNCHEN.example", "xn--mnchen-3ya.example");
    expect_ascii("straße.example", "xn--strae-oqa.example");
    expect_ascii("例え。テスト", "xn--r8jz45g.xn--zckzah");
    expect_ascii("xn--mnchen-3ya.example", "xn--mnchen-3ya.example");
    expect_ascii("under_score.example", "under_score.example");
    expect_ascii("", NULL);
    expect_ascii("\xff.example", NULL);
}

static void endless_name(void **state)
{
    (void)state;
    char name[5001];
    memset(name, 'a', 5000);
    memcpy(name, "ü", 2);
    name[5000] = '\0';
    expect_ascii(name, NULL);
}

static void to_unicode(void **state)
{
    (void)state;
    struct lp_buf out = {0};
    assert_true(lp_idn_to_unicode(LP_STR("xn--mnchen-3ya.de"), &out));
    assert_string_equal(out.p, "münchen.de");
    lp_buf_free(&out);
}

static void folds(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"ABCxyz09", "abcxyz09"}, {"ÄÖÜ", "äöü"},
        {"Straße", "strasse"}, {"JOSE\xcc\x81", "josé"}, {"ΣΊΣΥΦΟΣ", "σίσυφοσ"},
        {"\xff"
         "AB",
            "\xff"
            "ab"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct lp_buf out = {0};
        lp_fold(lp_str(pairs[i][0]), &out);
        assert_string_equal(out.p, pairs[i][1]);
        lp_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_ascii),
        cmocka_unit_test(endless_name),
        cmocka_unit_test(to_unicode),
        cmocka_unit_test(folds),
    };
    return cmocka_run_group_tests_name("idn", tests, NULL, NULL);
}
