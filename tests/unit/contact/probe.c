/* The talk with a mail host, without a socket: bytes in, bytes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "leadpipe/probe.h"

#define EHLO_PLAIN                                                                                 \
    "220 mx.test ESMTP\r\n", "EHLO me.test\r\n", "250-mx.test\r\n250 PIPELINING\r\n", ""

static struct lp_probe probe;
static struct lp_address ann;

static int begin(void **state)
{
    (void)state;
    lp_probe_init(&probe, "me.test", "check@me.test", false);
    assert_true(lp_address_parse(LP_STR("Ann@x.test"), NULL, &ann));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    lp_probe_free(&probe);
    return 0;
}

static void expect_out(const char *want)
{
    assert_string_equal(probe.out.p ? probe.out.p : "", want);
    lp_buf_reset(&probe.out);
    if (probe.out.p)
        probe.out.p[0] = '\0';
}

static enum lp_probe_event hear(const char *text)
{
    return lp_probe_feed(&probe, text, strlen(text));
}

/* What they say, and what we say to that, in turn; ended by NULL. The last event is returned. */
static enum lp_probe_event talk(const char *first, ...)
{
    enum lp_probe_event e = LP_PROBE_WAIT;
    va_list ap;

    va_start(ap, first);
    for (const char *s = first; s; s = va_arg(ap, const char *)) {
        e = hear(s);
        expect_out(va_arg(ap, const char *));
    }
    va_end(ap);
    return e;
}

static void expect_verdict(
    enum lp_verification_reason reason, enum lp_check smtp, enum lp_check catch_all)
{
    assert_string_equal(
        lp_verification_reason_word(probe.verdict.reason), lp_verification_reason_word(reason));
    assert_int_equal(probe.verdict.smtp, smtp);
    assert_int_equal(probe.verdict.catch_all, catch_all);
}

static void greet(void)
{
    assert_int_equal(talk(EHLO_PLAIN, NULL), LP_PROBE_READY);
}

static void ask(const char *nobody)
{
    assert_int_equal(lp_probe_ask(&probe, &ann, nobody), LP_PROBE_WAIT);
    expect_out("MAIL FROM:<check@me.test>\r\n");
}

#define TAKEN                                                                                      \
    "250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", "250 2.1.5 ok\r\n", "RSET\r\n", "250 ok\r\n",        \
        "MAIL FROM:<check@me.test>\r\n", "250 ok\r\n", "RCPT TO:<nobody1@x.test>\r\n"

static void valid_where_nobody_is_refused(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    assert_int_equal(talk(TAKEN, "550 5.1.1 unknown\r\n", "RSET\r\n", "250 ok\r\n", "", NULL),
        LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_OK, LP_CHECK_TRUE, LP_CHECK_FALSE);
    assert_int_equal(probe.recipients, 2);
    assert_string_equal(probe.verdict.detail, "RCPT: 250 2.1.5");
    /* the connection is good for another */
    assert_false(probe.closed);
    ask(NULL);
    assert_int_equal(talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", "250 ok\r\n", "RSET\r\n",
                         "250 ok\r\n", "", NULL),
        LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_OK, LP_CHECK_TRUE, LP_CHECK_NULL);
    lp_probe_quit(&probe);
    expect_out("QUIT\r\n");
}

static void catch_all_where_nobody_is_taken(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    assert_int_equal(
        talk(TAKEN, "250 ok\r\n", "RSET\r\n", "250 ok\r\n", "", NULL), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_CATCH_ALL, LP_CHECK_TRUE, LP_CHECK_TRUE);
}

/* A doubtful answer to the second question must not make `valid` of the first. */
static void undecided_where_nobody_is_put_off(void **state)
{
    static const struct {
        const char *said;
        enum lp_verification_reason reason;
    } of[] = {{"450 4.7.1 greylisted\r\n", LP_REASON_GREYLISTED},
        {"554 5.7.1 too many mistakes\r\n", LP_REASON_BLOCKED},
        {"421 4.7.0 too many errors\r\n", LP_REASON_BLOCKED},
        {"252 cannot tell\r\n", LP_REASON_BLOCKED}, {"354 go ahead\r\n", LP_REASON_BLOCKED},
        {"421 closing\r\n", LP_REASON_GREYLISTED}, {"hello\r\n", LP_REASON_PROVIDER_ERROR}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        enum lp_probe_event e;
        lp_probe_free(&probe);
        begin(state);
        greet();
        ask("nobody1");
        talk(TAKEN, NULL);
        e = hear(of[i].said);
        if (e == LP_PROBE_WAIT)
            e = hear("250 ok\r\n");
        assert_int_equal(e, LP_PROBE_ANSWERED);
        expect_verdict(of[i].reason, LP_CHECK_TRUE, LP_CHECK_NULL);
    }
    lp_probe_free(&probe);
    begin(state);
    greet();
    ask("nobody1");
    talk(TAKEN, NULL);
    assert_int_equal(
        lp_probe_end(&probe, LP_REASON_TIMEOUT, "no answer in time"), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_TIMEOUT, LP_CHECK_TRUE, LP_CHECK_NULL);
    assert_true(probe.closed && probe.lost);
}

static void refused_addresses_ask_for_nobody_else(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    assert_int_equal(talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n",
                         "550 5.1.1 <Ann@x.test> unknown\r\n", "RSET\r\n", "250 ok\r\n", "", NULL),
        LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_MAILBOX_NOT_FOUND, LP_CHECK_FALSE, LP_CHECK_NULL);
    assert_string_equal(probe.verdict.detail, "RCPT: 550 5.1.1"); /* nothing of the address */
    ask("nobody1");
    talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", "450 4.7.1 Greylisted\r\n", "RSET\r\n", NULL);
    assert_int_equal(hear("500 what?\r\n"), LP_PROBE_ANSWERED); /* known is known */
    expect_verdict(LP_REASON_GREYLISTED, LP_CHECK_NULL, LP_CHECK_NULL);
    assert_true(probe.closed);
}

static void no_refusal_is_none(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", "252 cannot tell\r\n", "RSET\r\n", "250 ok\r\n",
        "", NULL);
    expect_verdict(LP_REASON_BLOCKED, LP_CHECK_NULL, LP_CHECK_NULL);
}

/* As Postfix does past its limit of errors: both lines in one packet. */
static void an_answer_stands_though_they_take_their_leave(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", NULL);
    assert_int_equal(hear("550 5.1.1 unknown\r\n421 4.7.0 too many errors\r\n"), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_MAILBOX_NOT_FOUND, LP_CHECK_FALSE, LP_CHECK_NULL);
    assert_true(probe.closed && !probe.lost);
    expect_out("");
    lp_probe_free(&probe);
    begin(state);
    greet();
    ask("nobody1");
    talk(TAKEN, NULL);
    assert_int_equal(hear("550 5.1.1 unknown\r\n421-bye\r\n421 bye\r\n"), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_OK, LP_CHECK_TRUE, LP_CHECK_FALSE);
    lp_probe_free(&probe);
    begin(state);
    greet();
    ask("nobody1");
    talk("250 ok\r\n", "RCPT TO:<Ann@x.test>\r\n", NULL);
    assert_int_equal(hear("250 ok\r\n421\r\n"), LP_PROBE_ANSWERED); /* nobody was not asked for */
    expect_verdict(LP_REASON_GREYLISTED, LP_CHECK_TRUE, LP_CHECK_NULL);
    assert_true(probe.closed && probe.lost);
}

static void a_refused_sender_is_about_us(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    assert_int_equal(
        talk("550 5.1.1 no such user\r\n", "RSET\r\n", "250 ok\r\n", "", NULL), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_BLOCKED, LP_CHECK_NULL, LP_CHECK_NULL);
    ask("nobody1");
    talk("451 4.3.0 try again\r\n", "RSET\r\n", "250 ok\r\n", "", NULL);
    expect_verdict(LP_REASON_GREYLISTED, LP_CHECK_NULL, LP_CHECK_NULL);
}

static void hosts_that_turn_us_away(void **state)
{
    static const struct {
        const char *said;
        enum lp_verification_reason reason;
    } of[] = {{"554 5.7.1 blocked, see spamhaus.test\r\n", LP_REASON_BLOCKED},
        {"554 no SMTP service here\r\n", LP_REASON_BLOCKED},
        {"421 too many connections from your IP\r\n", LP_REASON_BLOCKED},
        {"421 busy\r\n", LP_REASON_GREYLISTED}, {"450 4.3.2 not now\r\n", LP_REASON_GREYLISTED},
        {"SSH-2.0-OpenSSH_9.2\r\n", LP_REASON_PROVIDER_ERROR},
        {"354 go ahead\r\n", LP_REASON_BLOCKED},
        {"220 mx.test\r\n250 too eager\r\n", LP_REASON_PROVIDER_ERROR}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        lp_probe_free(&probe);
        begin(state);
        if (hear(of[i].said) != LP_PROBE_FAILED)
            fail_msg("%s", of[i].said);
        expect_verdict(of[i].reason, LP_CHECK_NULL, LP_CHECK_NULL);
        assert_true(probe.closed);
    }
}

static void old_hosts_get_helo(void **state)
{
    (void)state;
    assert_int_equal(talk("220 mx\r\n", "EHLO me.test\r\n", "502 5.5.2 what?\r\n",
                         "HELO me.test\r\n", "250 mx\r\n", "", NULL),
        LP_PROBE_READY);
}

/* --- TLS ------------------------------------------------------------------------------------- */

#define OFFERED                                                                                    \
    "220 mx.test\r\n", "EHLO me.test\r\n", "250-mx\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n",           \
        "STARTTLS\r\n"

static void tls_where_it_is_offered(void **state)
{
    (void)state;
    talk(OFFERED, NULL);
    assert_int_equal(hear("220 go ahead\r\n"), LP_PROBE_SECURE);
    expect_out("");
    assert_int_equal(lp_probe_secured(&probe), LP_PROBE_WAIT);
    expect_out("EHLO me.test\r\n");
    assert_false(probe.utf8); /* what was said in the clear counts for nothing */
    assert_int_equal(hear("250-mx\r\n250 STARTTLS\r\n"), LP_PROBE_READY); /* and not again */
    expect_out("");
    assert_true(probe.secure);
}

static void tls_that_is_not_to_be_had(void **state)
{
    (void)state;
    talk(OFFERED, NULL);
    assert_int_equal(hear("454 4.7.0 not now\r\n"), LP_PROBE_READY);
    assert_false(probe.secure);
    lp_probe_free(&probe);
    lp_probe_init(&probe, "me.test", "", true); /* a host whose handshake failed before */
    assert_int_equal(
        talk("220 mx\r\n", "EHLO me.test\r\n", "250 STARTTLS\r\n", "", NULL), LP_PROBE_READY);
    lp_probe_ask(&probe, &ann, NULL);
    expect_out("MAIL FROM:<>\r\n");
}

static void text_before_the_handshake_is_refused(void **state)
{
    (void)state;
    talk(OFFERED, NULL);
    assert_int_equal(hear("220 go ahead\r\n250 injected\r\n"), LP_PROBE_FAILED);
    expect_verdict(LP_REASON_PROVIDER_ERROR, LP_CHECK_NULL, LP_CHECK_NULL);
    assert_non_null(strstr(probe.verdict.detail, "before the TLS handshake"));
    expect_out("");
    assert_true(probe.closed);
}

/* An answer that came too early must not be taken for the answer to RCPT. */
static void nobody_speaks_out_of_turn(void **state)
{
    (void)state;
    greet();
    ask("nobody1");
    assert_int_equal(hear("250 ok\r\n250 taken, taken\r\n"), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_PROVIDER_ERROR, LP_CHECK_NULL, LP_CHECK_NULL);
    lp_probe_free(&probe);
    begin(state);
    greet();
    assert_int_equal(hear("250 unasked\r\n"), LP_PROBE_READY);
    assert_true(probe.closed);
    lp_probe_free(&probe);
    begin(state);
    greet();
    assert_int_equal(hear("421 idle for too long\r\n"), LP_PROBE_READY);
    assert_true(probe.closed);
}

/* --- addresses ------------------------------------------------------------------------------- */

static void nothing_but_an_address_reaches_the_wire(void **state)
{
    static const char *const bad[] = {"a\r\nDATA@x.test", "a b@x.test", "a\tb@x.test", "a>@x.test",
        "a<b@x.test", "\x7f@x.test", "a\n@x.test"};
    struct lp_address a = ann;

    (void)state;
    greet();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(lp_probe_may_send(bad[i]));
        a.local_len = (size_t)(strchr(bad[i], '@') - bad[i]);
        memcpy(a.local, bad[i], a.local_len);
        a.local[a.local_len] = '\0';
        assert_int_equal(lp_probe_ask(&probe, &a, "nobody1"), LP_PROBE_ANSWERED);
        expect_verdict(LP_REASON_NOT_PROBED, LP_CHECK_NULL, LP_CHECK_NULL);
        expect_out("");
    }
    assert_int_equal(lp_probe_ask(&probe, &ann, "no body"), LP_PROBE_ANSWERED);
    expect_out("");
    assert_false(probe.closed); /* the host has not done anything */
}

static void wide_addresses_need_smtputf8(void **state)
{
    struct lp_address wide;

    (void)state;
    assert_true(lp_address_parse(LP_STR("j\xc3\xb6rg@x.test"), NULL, &wide));
    greet();
    assert_int_equal(lp_probe_ask(&probe, &wide, "nobody1"), LP_PROBE_ANSWERED);
    expect_verdict(LP_REASON_NOT_PROBED, LP_CHECK_NULL, LP_CHECK_NULL);
    lp_probe_free(&probe);
    begin(state);
    talk("220 mx\r\n", "EHLO me.test\r\n", "250-mx\r\n250 SMTPUTF8\r\n", "", NULL);
    lp_probe_ask(&probe, &wide, "nobody1");
    expect_out("MAIL FROM:<check@me.test> SMTPUTF8\r\n");
    talk("250 ok\r\n", "RCPT TO:<j\xc3\xb6rg@x.test>\r\n", "250 ok\r\n", "RSET\r\n", "250 ok\r\n",
        "MAIL FROM:<check@me.test>\r\n", NULL);
}

/* --- any bytes at all ------------------------------------------------------------------------ */

static unsigned long roll(void)
{
    static unsigned long seed = 20260131;

    return seed = seed * 6364136223846793005ul + 1442695040888963407ul;
}

/* Whatever comes, it ends in a verdict or waits, never says DATA and never grows. */
static void any_bytes_at_all(void **state)
{
    static const char *const parts[] = {"2", "5", "50 ", "20 ", "-", "\r\n", "\n", "\r", "\0",
        "421 x\r\n", "220 ok\r\n", "250 ok\r\n", "250-STARTTLS\r\n", "550 5.1.1 no\r\n", "\xff",
        "354 data\r\n"};

    (void)state;
    for (int round = 0; round < 20000; round++) {
        lp_probe_free(&probe);
        begin(state);
        for (int i = 0; i < 40 && !probe.closed; i++) {
            const char *part = parts[(roll() >> 33) % (sizeof parts / sizeof *parts)];
            enum lp_probe_event e = lp_probe_feed(&probe, part, *part ? strlen(part) : 1);
            if (e == LP_PROBE_SECURE)
                lp_probe_secured(&probe);
            if ((e == LP_PROBE_READY || e == LP_PROBE_ANSWERED) && !probe.closed)
                lp_probe_ask(&probe, &ann, roll() >> 62 ? "nobody1" : NULL);
            assert_true(probe.out.len < 400);
            assert_true(!probe.out.p || !strstr(probe.out.p, "DATA"));
            if (e == LP_PROBE_FAILED)
                assert_true(probe.verdict.reason >= LP_REASON_NOT_PROBED && probe.closed);
            lp_buf_reset(&probe.out);
        }
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)
    const struct CMUnitTest tests[] = {TEST(valid_where_nobody_is_refused),
        TEST(catch_all_where_nobody_is_taken), TEST(undecided_where_nobody_is_put_off),
        TEST(refused_addresses_ask_for_nobody_else), TEST(no_refusal_is_none),
        TEST(an_answer_stands_though_they_take_their_leave), TEST(a_refused_sender_is_about_us),
        TEST(hosts_that_turn_us_away), TEST(old_hosts_get_helo), TEST(tls_where_it_is_offered),
        TEST(tls_that_is_not_to_be_had), TEST(text_before_the_handshake_is_refused),
        TEST(nobody_speaks_out_of_turn), TEST(nothing_but_an_address_reaches_the_wire),
        TEST(wide_addresses_need_smtputf8), TEST(any_bytes_at_all)};

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
