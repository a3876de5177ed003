/* What mail hosts say, and what it means for an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "leadpipe/probe.h"

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

static const struct {
    const char *text;
    enum lp_probe_meaning meaning;
} said[] = {
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
    {"550 4.1.1 user unknown", LP_PROBE_UNCLEAR}, /* for good or for now? */
    {"450 5.1.1 user unknown", LP_PROBE_LATER},
    {"250 5.1.1 ok", LP_PROBE_TAKEN},
    {"550 5.1.1.7 user unknown", LP_PROBE_NO_MAILBOX}, /* no codes: an IP address */
    {"550 4.1.1.7 user unknown", LP_PROBE_NO_MAILBOX},
    {"550 5.1.0 Sender denied", LP_PROBE_US},
    {"550 sender domain does not exist", LP_PROBE_US},
    {"550 unknown sender mailbox: user unknown", LP_PROBE_US},
    {"550 Mail from domain does not exist", LP_PROBE_US},
    {"550 No such host: reverse lookup failed", LP_PROBE_US},
    {"550 SMTP access from your network has been suspended", LP_PROBE_US},
    {"550 Maximum number of invalid recipients exceeded", LP_PROBE_US},
    {"550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
     "more",
        LP_PROBE_US},
    {"450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents "
     "more",
        LP_PROBE_LATER},
    {"452 4.5.3 Recipient quota exceeded", LP_PROBE_LATER},
    {"452 4.3.1 Mail system quota exceeded", LP_PROBE_LATER},
    {"550 5.4.5 Daily user sending quota exceeded", LP_PROBE_US},
    {"550 Sending quota exceeded", LP_PROBE_US},
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

static void meanings(void **state)
{
    char line[200];

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct lp_probe_reply r;
        snprintf(line, sizeof line, "%s\r\n", said[i].text);
        r = reply_of(line);
        if (lp_probe_reply_meaning(&r) != said[i].meaning)
            fail_msg("%s: %d", said[i].text, (int)lp_probe_reply_meaning(&r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(replies_are_read),
        cmocka_unit_test(replies_in_pieces), cmocka_unit_test(what_is_no_reply),
        cmocka_unit_test(replies_have_a_ceiling), cmocka_unit_test(meanings)};

    return cmocka_run_group_tests_name("probe_reply", tests, NULL, NULL);
}
