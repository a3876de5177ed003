#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "leadpipe/clock.h"
#include "leadpipe/json.h"
#include "leadpipe/probe.h"
#include "leadpipe/verify_local.h"

static struct lp_lists *lists;

/* The verdict's JSON when DNS says `kind`; the confidence is put behind it. */
static const char *verdict(const char *email, enum lp_dns_kind kind, bool accept_mx)
{
    static struct lp_buf out;
    struct lp_verify_local s = {.lists = lists, .accept_mx = accept_mx};
    struct lp_dns_answer answer = {.kind = kind};
    struct lp_local_verdict v;
    size_t at;
    const char *why;

    lp_buf_reset(&out);
    if (lp_verify_local_begin(&s, lp_str(email), &v))
        lp_verify_local_mx(&s, &v, &answer);
    lp_verify_local_put(&v, &out);
    assert_true(lp_json_check(lp_buf_view(&out), &at, &why));
    lp_buf_byte(&out, ' ');
    lp_buf_str(&out, lp_verify_local_confidence(&v));
    return out.p;
}

#define CHECKS(syntax, mx, disposable, role, free)                                                 \
    "\"checks\":{\"syntax\":" syntax ",\"mx\":" mx ",\"disposable\":" disposable ",\"role\":" role \
    ",\"free\":" free ",\"catch_all\":null,\"smtp\":null}"

static void by_domain(void **state)
{
    static const struct {
        enum lp_dns_kind kind;
        const char *status, *mx, *confidence;
    } of[] = {
        {LP_DNS_MX, "\"status\":\"unknown\",\"reason\":\"not_probed\"", "true", "0.3"},
        {LP_DNS_IMPLICIT, "\"status\":\"unknown\",\"reason\":\"not_probed\"", "true", "0.3"},
        {LP_DNS_NULL_MX, "\"status\":\"invalid\",\"reason\":\"null_mx\"", "false", "1"},
        {LP_DNS_NO_ADDRESS, "\"status\":\"invalid\",\"reason\":\"no_mx\"", "false", "0.95"},
        {LP_DNS_NXDOMAIN, "\"status\":\"invalid\",\"reason\":\"no_domain\"", "false", "0.99"},
        {LP_DNS_SERVFAIL, "\"status\":\"unknown\",\"reason\":\"provider_error\"", "null", "0"},
        {LP_DNS_TIMEOUT, "\"status\":\"unknown\",\"reason\":\"timeout\"", "null", "0"},
        {LP_DNS_NO_NETWORK, "\"status\":\"unknown\",\"reason\":\"provider_error\"", "null", "0"},
    };
    char want[300];

    (void)state;
    assert_int_equal(sizeof of / sizeof *of, LP_DNS_KINDS);
    for (size_t i = 0; i < LP_DNS_KINDS; i++) {
        snprintf(want, sizeof want, "{%s," CHECKS("true", "%s", "false", "false", "false") "} %s",
            of[i].status, of[i].mx, of[i].confidence);
        assert_string_equal(verdict("john@example.org", of[i].kind, false), want);
    }
}

static void absence_needs_a_witness(void **state)
{
    static const struct {
        const char *email, *witness;
    } of[] = {{"john@nowhere.test", "com"}, {"john@gone.example.org", "org"}, {"a@b.co.uk", "uk"},
        {"a@b.qqqq", "com"}, {"a@m\xc3\xbcnchen.de", "de"}};
    struct lp_verify_local s = {.lists = lists};
    struct lp_local_verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_dns_answer a = {.kind = LP_DNS_NO_ADDRESS};
        assert_true(lp_verify_local_begin(&s, lp_str(of[i].email), &v));
        assert_true(lp_str_is(lp_verify_local_witness(&v), of[i].witness));
        lp_verify_local_doubted(&v, LP_DNS_NXDOMAIN, &a);
        assert_int_equal(v.reason, LP_REASON_NO_DOMAIN);
        a.kind = LP_DNS_MX;
        lp_verify_local_doubted(&v, LP_DNS_NXDOMAIN, &a);
        assert_int_equal(v.reason, LP_REASON_NO_DOMAIN);
        lp_verify_local_doubted(&v, LP_DNS_NO_ADDRESS, &a);
        assert_int_equal(v.reason, LP_REASON_NO_MX);
        assert_int_equal(v.mx, LP_CHECK_FALSE);
        for (a.kind = LP_DNS_NO_ADDRESS; a.kind < LP_DNS_KINDS; a.kind++) {
            lp_verify_local_doubted(
                &v, a.kind == LP_DNS_NO_ADDRESS ? LP_DNS_NO_ADDRESS : LP_DNS_NXDOMAIN, &a);
            assert_int_equal(v.reason, LP_REASON_PROVIDER_ERROR);
            assert_int_equal(v.mx, LP_CHECK_NULL);
        }
    }
}

/* What comes of an address whose domain takes mail, when the mail host has been asked. */
static void by_probe(void **state)
{
    static const struct {
        const char *email;
        bool accept_mx;
        struct lp_probe_verdict said;
        enum lp_verification_reason reason;
        const char *confidence;
    } of[] = {
        {"john@x.test", false, {LP_REASON_OK, LP_CHECK_TRUE, LP_CHECK_FALSE, ""}, LP_REASON_OK,
            "0.95"},
        {"john@x.test", false, {LP_REASON_CATCH_ALL, LP_CHECK_TRUE, LP_CHECK_TRUE, ""},
            LP_REASON_CATCH_ALL, "0.9"},
        {"john@x.test", true, {LP_REASON_MAILBOX_NOT_FOUND, LP_CHECK_FALSE, LP_CHECK_NULL, ""},
            LP_REASON_MAILBOX_NOT_FOUND, "0.95"},
        {"john@x.test", true, {LP_REASON_GREYLISTED, LP_CHECK_NULL, LP_CHECK_NULL, ""},
            LP_REASON_GREYLISTED, "0"},
        {"john@x.test", true, {LP_REASON_BLOCKED, LP_CHECK_NULL, LP_CHECK_NULL, ""},
            LP_REASON_BLOCKED, "0"},
        {"john@x.test", true, {LP_REASON_NOT_PROBED, LP_CHECK_NULL, LP_CHECK_NULL, ""},
            LP_REASON_OK, "0.6"},
        {"info@x.test", false, {LP_REASON_OK, LP_CHECK_TRUE, LP_CHECK_FALSE, ""}, LP_REASON_ROLE,
            "0.8"},
        {"info@x.test", false, {LP_REASON_BLOCKED, LP_CHECK_NULL, LP_CHECK_NULL, ""},
            LP_REASON_ROLE, "0.8"},
        {"info@x.test", false, {LP_REASON_MAILBOX_NOT_FOUND, LP_CHECK_FALSE, LP_CHECK_NULL, ""},
            LP_REASON_MAILBOX_NOT_FOUND, "0.95"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_verify_local s = {.lists = lists, .accept_mx = of[i].accept_mx};
        struct lp_dns_answer mx = {.kind = LP_DNS_MX};
        struct lp_local_verdict v;
        assert_true(lp_verify_local_begin(&s, lp_str(of[i].email), &v));
        lp_verify_local_mx(&s, &v, &mx);
        assert_true(lp_verify_local_open_to_probe(&v));
        lp_verify_local_probed(&v, &of[i].said);
        assert_int_equal(v.reason, of[i].reason);
        assert_int_equal(v.smtp, of[i].said.smtp);
        assert_int_equal(v.catch_all, of[i].said.catch_all);
        assert_true(lp_str_is(lp_verify_local_confidence(&v), of[i].confidence));
    }
}

static void what_is_not_probed(void **state)
{
    static const struct {
        const char *email;
        enum lp_dns_kind kind;
    } of[] = {{"a@mailinator.com", LP_DNS_MX}, {"a@x.test", LP_DNS_NULL_MX},
        {"a@x.test", LP_DNS_TIMEOUT}, {"a@x.test", LP_DNS_NO_ADDRESS}};
    struct lp_verify_local s = {.lists = lists};
    struct lp_local_verdict v;

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_dns_answer a = {.kind = of[i].kind};
        lp_verify_local_begin(&s, lp_str(of[i].email), &v);
        lp_verify_local_mx(&s, &v, &a);
        assert_false(lp_verify_local_open_to_probe(&v));
    }
}

static void accept_mx_makes_valid(void **state)
{
    (void)state;
    assert_string_equal(verdict("john@example.org", LP_DNS_MX, true),
        "{\"status\":\"valid\",\"reason\":\"ok\"," CHECKS(
            "true", "true", "false", "false", "false") "} 0.6");
    /* only what takes mail, and nothing that is risky */
    for (int kind = LP_DNS_NULL_MX; kind < LP_DNS_KINDS; kind++)
        assert_null(strstr(
            verdict("john@example.org", (enum lp_dns_kind)kind, true), "valid\",\"reason\":\"ok"));
    assert_non_null(strstr(verdict("info@example.org", LP_DNS_MX, true), "\"reason\":\"role\""));
    assert_non_null(
        strstr(verdict("a@mailinator.com", LP_DNS_MX, true), "\"reason\":\"disposable\""));
}

static void lists_make_risky(void **state)
{
    (void)state;
    assert_string_equal(verdict("Info@example.org", LP_DNS_MX, false),
        "{\"status\":\"risky\",\"reason\":\"role\"," CHECKS(
            "true", "true", "false", "true", "false") "} 0.8");
    assert_string_equal(verdict("info@x.yopmail.com", LP_DNS_MX, false),
        "{\"status\":\"risky\",\"reason\":\"disposable\"," CHECKS(
            "true", "true", "true", "true", "false") "} 0.95");
    /* A throw-away domain that is gone is gone. */
    assert_non_null(
        strstr(verdict("a@yopmail.com", LP_DNS_NXDOMAIN, false), "\"reason\":\"no_domain\""));
    assert_string_equal(verdict("john@gmx.de", LP_DNS_MX, false),
        "{\"status\":\"unknown\",\"reason\":\"not_probed\"," CHECKS(
            "true", "true", "false", "false", "true") "} 0.3");
}

static void bad_syntax_needs_no_network(void **state)
{
    static const char *const bad[] = {"", "john", "john@", "a..b@example.com", "john@localhost",
        "\"a b\"@example.com", "john@[192.0.2.1]", "john@exa_mple.com"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_string_equal(verdict(bad[i], LP_DNS_MX, true),
            "{\"status\":\"invalid\",\"reason\":\"syntax\"," CHECKS(
                "false", "null", "null", "null", "null") "} 1");
}

static void without_a_network_neither_valid_nor_invalid(void **state)
{
    static const char *const any[] = {"john@example.org", "info@example.org", "a@yopmail.com",
        "john@gmail.com", "john@gmial.com", "jörg@müller.example"};

    (void)state;
    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        for (int kind = LP_DNS_SERVFAIL; kind < LP_DNS_KINDS; kind++)
            assert_int_equal(strncmp(verdict(any[i], (enum lp_dns_kind)kind, true),
                                 "{\"status\":\"unknown\"", 19),
                0);
}

static void a_hint_changes_nothing(void **state)
{
    (void)state;
    assert_string_equal(verdict("Jo.Hn+x@gmial.com", LP_DNS_MX, false),
        "{\"status\":\"unknown\",\"reason\":\"not_probed\"," CHECKS("true", "true", "false",
            "false", "false") ",\"did_you_mean\":\"Jo.Hn+x@gmail.com\"} 0.3");
    assert_non_null(
        strstr(verdict("a@gmial.com", LP_DNS_NXDOMAIN, false), "\"did_you_mean\":\"a@gmail.com\""));
}

static void literals_by_policy(void **state)
{
    struct lp_verify_local s = {.lists = lists, .policy = {.literals = true, .quoted = true}};
    struct lp_local_verdict v;

    (void)state;
    assert_false(lp_verify_local_begin(&s, LP_STR("john@[192.0.2.1]"), &v));
    assert_int_equal(v.reason, LP_REASON_NOT_PROBED);
    assert_int_equal(v.mx, LP_CHECK_NULL);
    s.accept_mx = true; /* nobody was asked: nothing to accept */
    assert_false(lp_verify_local_begin(&s, LP_STR("john@[192.0.2.1]"), &v));
    assert_int_equal(v.reason, LP_REASON_NOT_PROBED);
    assert_true(lp_verify_local_begin(&s, LP_STR("\"info\"@example.org"), &v));
    assert_int_equal(v.role, LP_CHECK_FALSE);
}

static void details_name_no_address(void **state)
{
    struct lp_verify_local s = {.lists = lists};
    struct lp_local_verdict v;

    (void)state;
    lp_verify_local_begin(&s, LP_STR("secret..person@example.org"), &v);
    assert_non_null(v.detail);
    assert_null(strstr(v.detail, "secret"));
    assert_true(lp_verify_local_begin(&s, LP_STR("jörg@example.org"), &v));
    lp_verify_local_mx(&s, &v, &(struct lp_dns_answer){.kind = LP_DNS_MX});
    assert_non_null(strstr(v.detail, "SMTPUTF8"));
}

static void words_and_back(void **state)
{
    char data[100];
    enum lp_verification_reason r;

    (void)state;
    for (int i = 0; i < LP_REASONS; i++) {
        enum lp_verification_reason reason = (enum lp_verification_reason)i;
        snprintf(data, sizeof data, "{\"status\":\"%s\",\"reason\":\"%s\"}",
            lp_verification_status_word(lp_verification_status(reason)),
            lp_verification_reason_word(reason));
        assert_true(lp_verification_read(lp_str(data), &r));
        assert_int_equal(r, reason);
    }
    assert_false(lp_verification_read(LP_STR("{\"status\":\"valid\",\"reason\":\"timeout\"}"), &r));
    assert_false(lp_verification_read(LP_STR("{\"status\":\"fine\",\"reason\":\"ok\"}"), &r));
    assert_false(lp_verification_read(LP_STR("{}"), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_domain),
        cmocka_unit_test(absence_needs_a_witness),
        cmocka_unit_test(by_probe),
        cmocka_unit_test(what_is_not_probed),
        cmocka_unit_test(accept_mx_makes_valid),
        cmocka_unit_test(lists_make_risky),
        cmocka_unit_test(bad_syntax_needs_no_network),
        cmocka_unit_test(without_a_network_neither_valid_nor_invalid),
        cmocka_unit_test(a_hint_changes_nothing),
        cmocka_unit_test(literals_by_policy),
        cmocka_unit_test(details_name_no_address),
        cmocka_unit_test(words_and_back),
    };
    struct lp_err err = {0};
    int rc;

    lists = lp_lists_new(NULL, &err);
    rc = cmocka_run_group_tests_name("verify_local", tests, NULL, NULL);
    lp_lists_del(lists);
    return rc;
}
