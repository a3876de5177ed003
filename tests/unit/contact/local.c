/* The driver as the gateway sees it, against the tests' DNS server; mail hosts are in probe.test.sh. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "leadpipe/clock.h"
#include "leadpipe/json.h"
#include "leadpipe/local.h"
#include "leadpipe/provider.h"
#include "../sys/dns_plain.h"
#include "../sys/dns_server.h"

static char hollow[32], portal[32];

/* Says of every name that there is nothing of it. */
static size_t hollow_answer(unsigned char *b, size_t end)
{
    (void)b;
    return end;
}

/* Gives an address whatever it is asked, as the way to a log-in page does. */
static size_t portal_answer(unsigned char *b, size_t end)
{
    static const char a[] = "\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    b[7] = 1;
    memcpy(b + end, a, sizeof a - 1);
    return end + sizeof a - 1;
}

static int start_server(void **state)
{
    (void)state;
    dns_plain_start(hollow, hollow_answer);
    dns_plain_start(portal, portal_answer);
    return start_dns_server();
}

static int stop_server(void **state)
{
    (void)state;
    return stop_dns_server();
}

/* --- a provider and a call of our own ----------------------------------------------------------- */

#define MOST 8

struct asked {
    struct lp_call call; /* first: the end of the call is told through it */
    struct lp_rec rec[MOST];
    struct lp_item item[MOST], *items[MOST];
    int ended;
};

static void on_end(struct lp_call *call)
{
    ((struct asked *)call)->ended++;
}

static struct lp_provider_setting settings[12];

static struct lp_provider provider_with(const char *name, const char *value)
{
    struct lp_provider p = {.name = "local",
        .capability = "email_verification",
        .timeout_ms = 30000,
        .settings = settings,
        .n_settings = 2};

    settings[0] =
        (struct lp_provider_setting){.name = "check_domain", .value = LP_STR("\"good.test\"")};
    settings[1] = (struct lp_provider_setting){.name = name, .value = lp_str(value)};
    return p;
}

static void open_at(struct lp_provider *p, const char *dns)
{
    struct lp_err err = {0};

    if (lp_local_open(p, &(struct lp_local_options){.dns = dns}, &err))
        fail_msg("%s", err.msg);
}

static void make_call(struct asked *a, struct lp_provider *p, const char *const *emails)
{
    *a = (struct asked){.call = {.provider = p, .ended = on_end, .items = a->items}};
    for (size_t i = 0; emails && emails[i]; i++) {
        struct lp_buf line = {0};
        struct lp_err err = {0};
        lp_buf_printf(&line, "{\"email\":\"%s\"}", emails[i]);
        assert_int_equal(lp_rec_parse(&a->rec[i], line.p, line.len, &err), 0);
        lp_rec_keep(&a->rec[i]);
        lp_buf_free(&line);
        a->item[i].rec = &a->rec[i];
        a->items[i] = &a->item[i];
        a->call.n = i + 1;
    }
}

static void free_call(struct asked *a)
{
    for (size_t i = 0; i < MOST; i++)
        lp_rec_free(&a->rec[i]);
}

static void turn(struct lp_provider *p)
{
    struct pollfd fds[64];
    unsigned n = lp_local_fds(p, fds, 64);
    int timeout = lp_local_timeout(p);

    poll(fds, n, timeout < 0 || timeout > 1000 ? 1000 : timeout);
    lp_local_dispatch(p, fds, n);
}

static void wait_for(struct lp_provider *p, const struct asked *a)
{
    int64_t until = lp_clock_mono() + 20000;

    while (!a->ended && lp_clock_mono() < until)
        turn(p);
    assert_int_equal(a->ended, 1);
}

static bool says(const struct asked *a, size_t i, const char *reason)
{
    struct lp_str v;

    assert_true(a->item[i].answered);
    assert_int_equal(a->item[i].answer.outcome, LP_OK);
    assert_true(lp_json_get(a->item[i].answer.data, "reason", &v));
    return lp_json_is(v, reason);
}

/* --- start ------------------------------------------------------------------------------------- */

static const char *const mixed[] = {"john@good.test", "john@nowhere.test", "no address",
    "info@good.test", "john@null.test", "john@noaddress.test", "john@doubt.test",
    "john@nowhere.com", NULL};

static void a_batch_is_answered_and_ends_once(void **state)
{
    static const char *const reasons[] = {"not_probed", "no_domain", "syntax", "role", "null_mx",
        "no_mx", "provider_error", "provider_error"};
    struct lp_provider p = provider_with("allow", "null");
    static struct asked a;

    (void)state;
    open_at(&p, server);
    for (int pass = 0; pass < 2; pass++) {
        make_call(&a, &p, mixed);
        lp_local_start(&p, &a.call);
        assert_int_equal(a.ended, pass); /* the second time all of it is known at once */
        wait_for(&p, &a);
        assert_int_equal(a.call.end, LP_CALL_RESULTS);
        for (size_t i = 0; i < 7; i++)
            if (!says(&a, i, reasons[i]))
                fail_msg(
                    "%s: %.*s", mixed[i], (int)a.item[i].answer.data.n, a.item[i].answer.data.p);
        free_call(&a);
        a.ended = 0;
    }
    lp_local_close(&p);
    lp_local_close(&p); /* nothing is open any more */
}

/* On an isolated network every name is said not to exist, to be empty, or to be the door: that is no word
 * on the addresses. */
static void a_resolver_that_knows_nothing_is_not_believed(void **state)
{
    static const char *const emails[] = {"john@nowhere.test", "jane@nowhere.test", "bad", NULL};
    const char *servers[] = {behind, hollow, portal};
    static struct asked a;

    (void)state;
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct lp_provider p = provider_with("accept", "\"mx\"");
        open_at(&p, servers[i]);
        a = (struct asked){0};
        make_call(&a, &p, emails);
        lp_local_start(&p, &a.call);
        wait_for(&p, &a);
        assert_true(says(&a, 0, "provider_error"));
        assert_true(says(&a, 1, "provider_error"));
        assert_true(says(&a, 2, "syntax"));
        assert_non_null(strstr(a.item[0].answer.detail.p, "top-level domain"));
        free_call(&a);
        lp_local_close(&p);
    }
}

/* --- cancel ------------------------------------------------------------------------------------ */

/* A server that takes questions and answers none; returns its socket. */
static int silent_server(char *address, size_t room)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof in;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    snprintf(address, room, "127.0.0.1:%d", ntohs(in.sin_port));
    return fd;
}

static void a_cancelled_call_is_not_answered(void **state)
{
    static const char *const some[] = {"john@one.test", "jane@one.test", NULL};
    static const char *const other[] = {"joe@one.test", "no address", NULL};
    static const char *const last[] = {"joe@two.test", NULL};
    struct lp_provider p = provider_with("allow", "null");
    static struct asked a, b;
    char silent[64];
    int fd = silent_server(silent, sizeof silent);

    (void)state;
    p.timeout_ms = 500;
    open_at(&p, silent);
    make_call(&a, &p, some);
    make_call(&b, &p, other);
    lp_local_start(&p, &a.call);
    lp_local_start(&p, &b.call);
    lp_local_timeout(&p); /* the question is on its way */
    lp_local_cancel(&p, &a.call);
    wait_for(&p, &b);
    assert_int_equal(a.ended, 0);
    assert_false(a.item[0].answered || a.item[1].answered);
    assert_true(says(&b, 0, "timeout") && says(&b, 1, "syntax"));
    free_call(&a);
    free_call(&b);
    /* what is still under way at the end is let go of */
    make_call(&a, &p, last);
    lp_local_start(&p, &a.call);
    lp_local_close(&p);
    assert_int_equal(a.ended, 0);
    free_call(&a);
    close(fd);
}

static void a_probe_is_cancelled_too(void **state)
{
    static const char *const emails[] = {"ann@closed.test", NULL};
    struct lp_provider p = provider_with("probe", "true");
    static struct asked a;

    (void)state;
    settings[2] = (struct lp_provider_setting){.name = "probe_port", .value = LP_STR("1")};
    p.n_settings = 3;
    open_at(&p, server);
    make_call(&a, &p, emails);
    lp_local_start(&p, &a.call);
    for (int i = 0; i < 3 && !a.ended; i++)
        turn(&p);
    lp_local_cancel(&p, &a.call);
    free_call(&a);
    make_call(&a, &p, emails); /* and the next one is none the worse for it */
    lp_local_start(&p, &a.call);
    wait_for(&p, &a);
    assert_true(says(&a, 0, "blocked"));
    free_call(&a);
    lp_local_close(&p);
}

/* --- check ------------------------------------------------------------------------------------- */

static void the_check_asks_the_name_servers(void **state)
{
    static const struct {
        const char *dns;
        struct lp_str domain;
        enum lp_call_end end;
        enum lp_class class;
    } of[] = {
        {server, LP_STR("\"good.test\""), LP_CALL_RESULTS, LP_CLASS_NONE},
        {server, LP_STR("\"nowhere.test\""), LP_CALL_RESULTS, LP_CLASS_NONE},
        {behind, LP_STR("\"nowhere.test\""), LP_CALL_ERROR, LP_DNS}, /* it knows no "com" */
        {portal, LP_STR("\"good.test\""), LP_CALL_ERROR, LP_DNS},
        {hollow, LP_STR("\"good.test\""), LP_CALL_ERROR, LP_DNS}, /* nothing of it either */
        {"127.0.0.1:1", LP_STR("\"good.test\""), LP_CALL_ERROR, LP_NETWORK},
    };
    static struct asked a;

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_provider p = provider_with("allow", "null");
        settings[0].value = of[i].domain;
        open_at(&p, of[i].dns);
        make_call(&a, &p, NULL);
        a.call.check = true;
        lp_local_check(&p, &a.call);
        wait_for(&p, &a);
        assert_int_equal(a.call.end, of[i].end);
        assert_int_equal(a.call.class, of[i].class);
        assert_true(a.call.detail[0]);
        lp_local_close(&p);
    }
}

static void a_check_begins_anew_and_can_be_cancelled(void **state)
{
    struct lp_provider p = provider_with("probe", "true");
    static struct asked a;

    (void)state;
    open_at(&p, server);
    for (int i = 0; i < 2; i++) {
        make_call(&a, &p, NULL);
        a.call.check = true;
        lp_local_check(&p, &a.call);
        assert_int_equal(a.ended, 0); /* nothing of the last time is taken for an answer */
        wait_for(&p, &a);
    }
    make_call(&a, &p, NULL);
    a.call.check = true;
    lp_local_check(&p, &a.call);
    lp_local_cancel(&p, &a.call);
    for (int i = 0; i < 3; i++)
        turn(&p);
    assert_int_equal(a.ended, 0);
    lp_local_close(&p);
}

/* --- settings ---------------------------------------------------------------------------------- */

static void mistakes_name_their_key(void **state)
{
    static const struct {
        const char *name, *value;
    } wrong[] = {{"accept", "\"smtp\""}, {"allow", "[\"all\"]"}, {"probe", "1"},
        {"probe_port", "65536"}, {"probe_port", "\"25\""}, {"probe_rate", "0"}, {"helo", "\"\""},
        {"helo", "\"a\\r\\nb\""}, {"mail_from", "\"nobody\""},
        {"mail_from", "\"a@x.test\\r\\nDATA\""}, {"mail_from", "7"}, {"canary", "\"a@x.test\""},
        {"canary", "[\"a@x.test\",\"b\"]"}, {"canary", "[\"a@x.test\",\"b@x.test\",\"c@x.test\"]"},
        {"canary_every", "0"}, {"connect_timeout_s", "0"}, {"reply_timeout_s", "601"}};
    static const struct {
        const char *name, *value;
    } right[] = {{"accept", "null"}, {"probe", "false"}, {"probe_port", "null"},
        {"helo", "\"mx.x.test\""}, {"helo", "\"[192.0.2.1]\""}, {"mail_from", "\"\""},
        {"mail_from", "\"a@x.test\""}, {"canary", "[\"a@x.test\",\"b@x.test\"]"},
        {"probe_rate", "0.5"}};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lp_provider p = provider_with(wrong[i].name, wrong[i].value);
        struct lp_err err = {0};
        if (lp_local_accept(&p, &err) == 0)
            fail_msg("%s: %s", wrong[i].name, wrong[i].value);
        assert_int_equal(err.kind, LP_ERR_CONFIG);
        assert_non_null(strstr(err.msg, wrong[i].name));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        struct lp_provider p = provider_with(right[i].name, right[i].value);
        struct lp_err err = {0};
        if (lp_local_accept(&p, &err))
            fail_msg("%s", err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_batch_is_answered_and_ends_once),
        cmocka_unit_test(a_resolver_that_knows_nothing_is_not_believed),
        cmocka_unit_test(a_cancelled_call_is_not_answered),
        cmocka_unit_test(a_probe_is_cancelled_too),
        cmocka_unit_test(the_check_asks_the_name_servers),
        cmocka_unit_test(a_check_begins_anew_and_can_be_cancelled),
        cmocka_unit_test(mistakes_name_their_key)};

    return cmocka_run_group_tests_name("local", tests, start_server, stop_server);
}
