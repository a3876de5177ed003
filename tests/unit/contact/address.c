#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "leadpipe/address.h"

#define S10 "aaaaaaaaaa"
#define S60 S10 S10 S10 S10 S10 S10
#define L63 S60 "aaa"

static const struct {
    const char *text, *local, *domain;
} good[] = {
    {"john@example.com", "john", "example.com"},
    {"  john@example.com\r\n", "john", "example.com"},
    {"\u00a0john@example.com\u200b\u3000", "john", "example.com"},
    {"\ufeffjohn@example.com\v", "john", "example.com"},
    {"John.Doe+tag@EXAMPLE.Com", "John.Doe+tag", "example.com"},
    {"!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", "example.com"},
    {"a@b.cd", "a", "b.cd"},
    {"1@1.de", "1", "1.de"},
    {"x@r3---sn.example.com", "x", "r3---sn.example.com"},
    {"x@r3---sn.XN--mnchen-3ya.de", "x", "r3---sn.xn--mnchen-3ya.de"},
    {"x@123.456.de", "x", "123.456.de"},
    {"x@example.c0m", "x", "example.c0m"},
    {S60 "aaaa@example.com", S60 "aaaa", "example.com"},
    {"x@" L63 ".com", "x", L63 ".com"},
    {"x@münchen.de", "x", "xn--mnchen-3ya.de"},
    {"x@MÜNCHEN.DE", "x", "xn--mnchen-3ya.de"},
    {"x@xn--mnchen-3ya.de", "x", "xn--mnchen-3ya.de"},
    {"x@例え.テスト", "x", "xn--r8jz45g.xn--zckzah"},
    {"x@straße.de", "x", "xn--strae-oqa.de"},
};

static const struct {
    const char *text;
    enum lp_address_detail detail;
} bad[] = {
    {"", LP_ADDRESS_EMPTY},
    {" \t ", LP_ADDRESS_EMPTY},
    {"j\xff@example.com", LP_ADDRESS_BAD_UTF8},
    {"john", LP_ADDRESS_NO_AT},
    {"@example.com", LP_ADDRESS_NO_LOCAL},
    {"@", LP_ADDRESS_NO_LOCAL},
    {"john@", LP_ADDRESS_NO_DOMAIN},
    {".john@example.com", LP_ADDRESS_LOCAL_DOT},
    {"john.@example.com", LP_ADDRESS_LOCAL_DOT},
    {"jo..hn@example.com", LP_ADDRESS_LOCAL_DOT},
    {"jo hn@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {"John <john@example.com>", LP_ADDRESS_LOCAL_CHARACTER},
    {"jo,hn@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {"jo\x01hn@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {"jo\u200bhn@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {"jo\u00a0hn@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {"a\"b\"@example.com", LP_ADDRESS_LOCAL_CHARACTER},
    {S60 "aaaaa@example.com", LP_ADDRESS_LOCAL_TOO_LONG},
    {"\"john doe\"@example.com", LP_ADDRESS_QUOTED},
    {"\"john\"doe@example.com", LP_ADDRESS_QUOTED},
    {"\"john@example.com", LP_ADDRESS_BAD_QUOTED},
    {"\"john\\", LP_ADDRESS_BAD_QUOTED},
    {"\"\\\u00e9\"@example.com", LP_ADDRESS_BAD_QUOTED},
    {"(\\\x7f)john@example.com", LP_ADDRESS_BAD_COMMENT},
    {"john(comment)@example.com", LP_ADDRESS_COMMENT},
    {"(a(b)c)john@example.com", LP_ADDRESS_COMMENT},
    {"john@(x)example.com", LP_ADDRESS_COMMENT},
    {"john@example.com(x)", LP_ADDRESS_COMMENT},
    {"john@example.com(x", LP_ADDRESS_BAD_COMMENT},
    {"(john@example.com", LP_ADDRESS_BAD_COMMENT},
    {"john@[192.0.2.1]", LP_ADDRESS_LITERAL},
    {"john@[IPv6:2001:db8::1]", LP_ADDRESS_LITERAL},
    {"john@[300.0.2.1]", LP_ADDRESS_BAD_LITERAL},
    {"john@[2001:db8::1]", LP_ADDRESS_BAD_LITERAL},
    {"john@[]", LP_ADDRESS_BAD_LITERAL},
    {"john@[192.0.2.1", LP_ADDRESS_BAD_LITERAL},
    {"john@.example.com", LP_ADDRESS_DOMAIN_DOT},
    {"john@example.com.", LP_ADDRESS_DOMAIN_DOT},
    {"john@example..com", LP_ADDRESS_DOMAIN_DOT},
    {"john@exa_mple.com", LP_ADDRESS_DOMAIN_CHARACTER},
    {"john@exa mple.com", LP_ADDRESS_DOMAIN_CHARACTER},
    {"a@b@example.com", LP_ADDRESS_DOMAIN_CHARACTER},
    {"john@example.com,x", LP_ADDRESS_DOMAIN_CHARACTER},
    {"john@-example.com", LP_ADDRESS_LABEL_HYPHEN},
    {"john@example-.com", LP_ADDRESS_LABEL_HYPHEN},
    {"john@" L63 "a.com", LP_ADDRESS_LABEL_TOO_LONG},
    {"john@localhost", LP_ADDRESS_SINGLE_LABEL},
    {"john@192.0.2.1", LP_ADDRESS_NUMERIC_TLD},
    {"john@example.123", LP_ADDRESS_NUMERIC_TLD},
    {"john@xn--99999999.com", LP_ADDRESS_BAD_IDN},
    {"john@xn--a.com", LP_ADDRESS_BAD_IDN},
    {"john@r3---sn.xn--a.com", LP_ADDRESS_BAD_IDN},
    {"john@xn--abc-.com", LP_ADDRESS_BAD_IDN},
    {"john@\u200d.com", LP_ADDRESS_BAD_IDN},
    {"x@" L63 "." L63 "." L63 "." L63 ".com", LP_ADDRESS_DOMAIN_TOO_LONG},
    {"xx@" L63 "." L63 "." L63 "." S60 ".de", LP_ADDRESS_TOO_LONG},
};

static void takes_good_ones(void **state)
{
    struct lp_address a;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!lp_address_parse(lp_str(good[i].text), NULL, &a))
            fail_msg("%s: %s", good[i].text, lp_address_word(a.detail));
        assert_string_equal(a.local, good[i].local);
        assert_string_equal(a.domain, good[i].domain);
        assert_int_equal(a.local_len, strlen(a.local));
        assert_int_equal(a.domain_len, strlen(a.domain));
        assert_false(a.smtputf8 || a.quoted || a.literal);
    }
}

static void says_what_is_wrong(void **state)
{
    struct lp_address a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (lp_address_parse(lp_str(bad[i].text), NULL, &a))
            fail_msg("%s: taken", bad[i].text);
        if (a.detail != bad[i].detail)
            fail_msg("%s: %s, not %s", bad[i].text, lp_address_word(a.detail),
                lp_address_word(bad[i].detail));
        assert_int_equal(a.local_len + a.domain_len, 0);
    }
}

static void every_detail_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < LP_ADDRESS_DETAILS; i++) {
        assert_non_null(lp_address_word((enum lp_address_detail)i));
        assert_non_null(lp_address_phrase((enum lp_address_detail)i));
    }
}

static void path_of_254_is_the_limit(void **state)
{
    static const char fits[] = "x@" L63 "." L63 "." L63 "." S60; /* 2 + 3 * 64 + 60 = 254 */
    struct lp_address a;
    char longer[sizeof fits + 1];

    (void)state;
    assert_int_equal(strlen(fits), 254);
    assert_true(lp_address_parse(lp_str(fits), NULL, &a));
    longer[0] = 'y';
    memcpy(longer + 1, fits, sizeof fits);
    assert_false(lp_address_parse(lp_str(longer), NULL, &a));
    assert_int_equal(a.detail, LP_ADDRESS_TOO_LONG);
}

static void policy_lets_pass(void **state)
{
    static const struct lp_address_policy all = {true, true, true};
    struct lp_address a;

    (void)state;
    assert_true(lp_address_parse(lp_str("\"john \\\"d\\\" @ doe\"@example.com"), &all, &a));
    assert_string_equal(a.local, "\"john \\\"d\\\" @ doe\"");
    assert_true(a.quoted);
    assert_true(lp_address_parse(lp_str("(a(b\\))c)john(x)@(y)example.com(z)"), &all, &a));
    assert_string_equal(a.local, "john");
    assert_string_equal(a.domain, "example.com");
    assert_true(lp_address_parse(lp_str("john@[IPv6:2001:db8::1]"), &all, &a));
    assert_string_equal(a.domain, "[IPv6:2001:db8::1]");
    assert_true(a.literal);
    assert_false(lp_address_parse(lp_str("john@[192.0.2.1]x"), &all, &a));
    assert_int_equal(a.detail, LP_ADDRESS_DOMAIN_CHARACTER);
    assert_false(lp_address_parse(lp_str("\"john\"doe@example.com"), &all, &a));
    assert_int_equal(a.detail, LP_ADDRESS_LOCAL_CHARACTER);
}

static void international_local_parts(void **state)
{
    struct lp_address a;

    (void)state;
    assert_true(lp_address_parse(lp_str("jörg@müller.de"), NULL, &a));
    assert_string_equal(a.local, "jörg");
    assert_true(a.smtputf8);
    assert_true(lp_address_parse(lp_str("用户@例子.广告"), NULL, &a));
    assert_true(a.smtputf8);
    /* 33 two-octet letters are 66 octets. */
    assert_false(
        lp_address_parse(lp_str("ääääääääääääääääääääääääääääääääää@example.com"), NULL, &a));
    assert_int_equal(a.detail, LP_ADDRESS_LOCAL_TOO_LONG);
}

/* Every prefix of everything, in a buffer of exactly its size, so that a sanitizer sees overreads. */
static void never_reads_beyond(void **state)
{
    static const struct lp_address_policy all = {true, true, true};
    struct lp_address a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        for (size_t n = strlen(bad[i].text); n-- > 0;) {
            char *copy = lp_alloc(n ? n : 1);
            memcpy(copy, bad[i].text, n);
            lp_address_parse((struct lp_str){copy, n}, &all, &a);
            assert_true(a.detail < LP_ADDRESS_DETAILS);
            free(copy);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_good_ones),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(every_detail_has_words),
        cmocka_unit_test(path_of_254_is_the_limit),
        cmocka_unit_test(policy_lets_pass),
        cmocka_unit_test(international_local_parts),
        cmocka_unit_test(never_reads_beyond),
    };
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
