#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/key.h"

static void expect_key(const char *email, const char *want)
{
    struct lp_buf out = {0};
    bool good = lp_key(lp_str(email), &out);
    assert_int_equal(good, want != NULL);
    if (want)
        assert_string_equal(out.p, want);
    lp_buf_free(&out);
}

static void C13_keys_ignore_case(void **state)
{
    (void)state;
    expect_key("Anna.Smith@Example.COM", "anna.smith@example.com");
    expect_key("  a@b.c\t", "a@b.c");
    expect_key("\xc2\xa0"
               "a@b.c\xe2\x80\x8b",
        "a@b.c");
    expect_key("JOSÉ@MÜNCHEN.example", "josé@xn--mnchen-3ya.example");
    expect_key("jose\xcc\x81@x.y", "josé@x.y");
    expect_key("\"A@B\"@X.Y", "\"a@b\"@x.y");
    expect_key("a@\xff.x", "a@\xff.x");
}

/* "ß" case-folds to "ss": another's name. U+04C0 has no A-label, what it folds to has one. */
static void the_key_of_a_key_is_itself(void **state)
{
    static const char *const texts[] = {"a@ \u00dfX.com", "A@r3---sn.STRA\u00dfE.com",
        "a@x\u04c0y.com", "a@X\u00dfy(c).COM", "\u00c9@\u00c9_X.com"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct lp_buf once = {0};
        assert_true(lp_key(lp_str(texts[i]), &once));
        expect_key(once.p, once.p);
        lp_buf_free(&once);
    }
    expect_key("A@ STRA\u00dfE.com", "a@ stra\u00dfe.com");
}

static void no_key(void **state)
{
    (void)state;
    expect_key("", NULL);
    expect_key("  ", NULL);
    expect_key("anna", NULL);
    expect_key("@x.y", NULL);
    expect_key("anna@", NULL);
}

static void key_of_a_record(void **state)
{
    (void)state;
    struct lp_rec rec = {0};
    struct lp_err err = {0};
    struct lp_buf out = {0};
    static const char line[] = "{\"email\":\"\\u0041@B.c\"}";
    assert_int_equal(lp_rec_parse(&rec, line, sizeof(line) - 1, &err), 0);
    assert_true(lp_key_rec(&rec, &out));
    assert_string_equal(out.p, "a@b.c");
    assert_int_equal(lp_rec_parse(&rec, "{\"email\":1}", 11, &err), 0);
    assert_false(lp_key_rec(&rec, &out));
    lp_rec_free(&rec);
    lp_buf_free(&out);
}

static void domains(void **state)
{
    (void)state;
    struct lp_buf out = {0};
    assert_true(lp_key_domain(LP_STR("x@BÜRO.example"), &out));
    assert_string_equal(out.p, "xn--bro-hoa.example");
    lp_buf_reset(&out);
    assert_false(lp_key_domain(LP_STR("x"), &out));
    lp_buf_free(&out);
}

static void faults(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a@b", "a.b+c@d.e", "\"a@b\"@c.d", "\"a\\\"@b\"@c.d", "é@ü.de", "o'x@y.z"};
    static const char *const bad[] = {"", "a", "@b", "a@", "a@b@c", "a b@c.d", "a@b c",
        "\"a b\"@c.d", "a\t@b", "a\x01@b", "a\xc2\xa0@b", "\"a@b.c", "\"a\\ b\"@c", "a\x7f@b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(lp_key_fault(lp_str(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(lp_key_fault(lp_str(bad[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C13_keys_ignore_case),
        cmocka_unit_test(the_key_of_a_key_is_itself),
        cmocka_unit_test(no_key),
        cmocka_unit_test(key_of_a_record),
        cmocka_unit_test(domains),
        cmocka_unit_test(faults),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
