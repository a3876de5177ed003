/* The talk with a mail host, without a socket: bytes in, bytes out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "leadpipe/probe.h"

/* --- replies --------------------------------------------------------------------------------- */

static struct lp_probe_reply reply_of(const char *text)
{
    struct lp_probe_reply r;
    size_t used;

    lp_probe_reply_reset(&r);
    assert_int_equal(lp_probe_reply_feed(&r, text, strlen(text), &used), LP_PROBE_REPLY_COMPLETE);
    assert_int_equal(used, strlen(text));
    return r;
}

static void replies_are_read(void **state)
{
    struct lp_probe_reply r =
        reply_of("250-mx.test\r\n250-SIZE 10\r\n250-STARTTLS\r\n250 SMTPUTF8\r\n");

    (void)state;
    assert_int_equal(r.code, 250);
    assert_true(r.starttls && r.utf8);
    r = reply_of("250-mx.test has no STARTTLS\r\n250 ok\n"); /* a bare LF is one too */
    assert_false(r.starttls || r.utf8);
    r = reply_of("550-5.1.1 The account does\r\n550 5.1.1 not exist <Not.Exist@X.test> Sorry\r\n");
    assert_int_equal(r.subject, 1);
    assert_int_equal(r.detail, 1);
    assert_string_equal(r.text, "the account does not exist sorry ");
    r = reply_of("550 #5.1.0 Address rejected.\r\n");
    assert_int_equal(r.subject, 1);
    assert_int_equal(r.detail, 0);
    r = reply_of("550 4.1.1 of another class\r\n");
    assert_int_equal(r.subject, -1);
    r = reply_of("250\r\n");
    assert_int_equal(r.code, 250);
}

static void replies_in_pieces(void **state)
{
    static const char text[] = "450-4.7.1 Greylisted\r\n450 4.7.1 later\r\n";
    struct lp_probe_reply r;
    size_t used;

    (void)state;
    lp_probe_reply_reset(&r);
    for (size_t i = 0; i + 1 < sizeof text - 1; i++)
        assert_int_equal(lp_probe_reply_feed(&r, text + i, 1, &used), LP_PROBE_REPLY_MORE);
    assert_int_equal(lp_probe_reply_feed(&r, "\n250 more", 9, &used), LP_PROBE_REPLY_COMPLETE);
    assert_int_equal(used, 1);
    assert_string_equal(r.text, "greylisted later ");
}

static void what_is_no_reply(void **state)
{
    static const char *const bad[] = {"HTTP/1.1 400 Bad Request\r\n", "\r\n", "25\r\n", "250_x\r\n",
        "2500 x\r\n", "650 x\r\n", "150 x\r\n", "250-a\r\n550 b\r\n", "250-a\r\nb\r\n"};
    struct lp_probe_reply r;
    size_t used;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lp_probe_reply_reset(&r);
        if (lp_probe_reply_feed(&r, bad[i], strlen(bad[i]), &used) != LP_PROBE_REPLY_BAD)
            fail_msg("%s", bad[i]);
    }
    lp_probe_reply_reset(&r); /* NUL ends no text */
    assert_int_equal(lp_probe_reply_feed(&r, "250 a\0b\r\n", 9, &used), LP_PROBE_REPLY_COMPLETE);
    assert_string_equal(r.text, "a?b ");
}

static void replies_have_a_ceiling(void **state)
{
    static char line[2000];
    struct lp_probe_reply r;
    size_t used, lines = 0;
    enum lp_probe_reply_state s;

    (void)state;
    memset(line, 'a', sizeof line);
    memcpy(line, "250-", 4);
    memcpy(line + sizeof line - 2, "\r\n", 2);
    lp_probe_reply_reset(&r);
    /* far beyond 512 bytes a line: cut, and no harm */
    while ((s = lp_probe_reply_feed(&r, line, sizeof line, &used)) == LP_PROBE_REPLY_MORE)
        lines++;
    assert_int_equal(s, LP_PROBE_REPLY_BAD);
    assert_int_equal(lines, LP_PROBE_REPLY_MAX / sizeof line);
}

static void meanings(void **state)
{
    static const struct {
        const char *text;
        enum lp_probe_meaning meaning;
    } of[] = {
        {"250 2.1.5 Ok", LP_PROBE_TAKEN},
        {"251 will forward", LP_PROBE_TAKEN},
        {"252 cannot tell", LP_PROBE_UNCLEAR},
        {"354 go ahead", LP_PROBE_UNCLEAR},
        {"550 5.1.1 <a@x.test>: Recipient address rejected: User unknown in relay recipient table",
            LP_PROBE_NO_MAILBOX},
        {"550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found", LP_PROBE_NO_MAILBOX},
        {"550 #5.1.0 Address rejected.", LP_PROBE_NO_MAILBOX},
        {"550 no such user", LP_PROBE_NO_MAILBOX},
        {"550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", LP_PROBE_NO_MAILBOX},
        {"554 delivery error: dd This user doesn't have a yahoo.test account (x@yahoo.test)",
            LP_PROBE_NO_MAILBOX},
        {"550 Requested action not taken: mailbox unavailable", LP_PROBE_NO_MAILBOX},
        {"550 5.2.1 The account is disabled", LP_PROBE_DISABLED},
        {"550 This account has been suspended", LP_PROBE_DISABLED},
        {"552 5.2.2 Mailbox is over quota", LP_PROBE_FULL},
        {"452 4.2.2 mailbox full", LP_PROBE_FULL},
        {"452 Mailbox full", LP_PROBE_FULL},
        {"452 4.3.1 Insufficient system storage", LP_PROBE_LATER},
        {"450 4.7.1 Greylisted", LP_PROBE_LATER},
        {"451 4.7.1 Greylisting in action (antispam), come back", LP_PROBE_LATER},
        {"451 Temporary local problem", LP_PROBE_LATER},
        {"450 4.1.1 unverified address", LP_PROBE_LATER}, /* never invalid for now */
        {"450 4.2.1 receiving mail too quickly", LP_PROBE_LATER},
        {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.test",
            LP_PROBE_US},
        {"550 5.1.1 rejected: your IP is on a blacklist", LP_PROBE_US}, /* words outweigh codes */
        {"451 4.7.0 blocked using a dnsbl", LP_PROBE_US},
        {"550 5.7.1 anything", LP_PROBE_US},
        {"550 5.7.26 unauthenticated", LP_PROBE_US},
        {"550 5.1.8 bad sender", LP_PROBE_US},
        {"550 Access denied", LP_PROBE_US},
        {"554 5.7.1 <a@x.test>: Relay access denied", LP_PROBE_US},
        {"550 greylisted for good", LP_PROBE_US},
        {"550 rejected", LP_PROBE_UNCLEAR},
        {"550", LP_PROBE_UNCLEAR},
        {"554 5.0.0 no", LP_PROBE_UNCLEAR},
        /* The address is not searched for words. */
        {"550 5.1.1 <spamhaus.blacklist@x.test>: User unknown", LP_PROBE_NO_MAILBOX},
        {"550 rejected <no such user@x.test>", LP_PROBE_NO_MAILBOX},
    };
    char line[200];

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_probe_reply r;
        snprintf(line, sizeof line, "%s\r\n", of[i].text);
        r = reply_of(line);
        if (lp_probe_reply_meaning(&r) != of[i].meaning)
            fail_msg("%s: %d", of[i].text, (int)lp_probe_reply_meaning(&r));
    }
}

/* --- the talk -------------------------------------------------------------------------------- */

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
    const struct CMUnitTest tests[] = {TEST(replies_are_read), TEST(replies_in_pieces),
        TEST(what_is_no_reply), TEST(replies_have_a_ceiling), TEST(meanings),
        TEST(valid_where_nobody_is_refused), TEST(catch_all_where_nobody_is_taken),
        TEST(undecided_where_nobody_is_put_off), TEST(refused_addresses_ask_for_nobody_else),
        TEST(a_refused_sender_is_about_us), TEST(hosts_that_turn_us_away), TEST(old_hosts_get_helo),
        TEST(tls_where_it_is_offered), TEST(tls_that_is_not_to_be_had),
        TEST(text_before_the_handshake_is_refused), TEST(nobody_speaks_out_of_turn),
        TEST(nothing_but_an_address_reaches_the_wire), TEST(wide_addresses_need_smtputf8),
        TEST(any_bytes_at_all)};

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
