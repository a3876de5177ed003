/* Against a real DNS server on loopback: tests/servers/dns.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>
#include "leadpipe/clock.h"
#include "leadpipe/dns.h"
#include "dns_server.h"
#include "../within.h"

static struct lp_dns *open_dns(const struct lp_dns_options *o)
{
    struct lp_dns_options options = *o;
    struct lp_err err = {0};
    struct lp_dns *d;

    if (!options.servers)
        options.servers = server;
    d = lp_dns_new(&options, &err);
    if (!d)
        fail_msg("%s", err.msg);
    return d;
}

struct seen {
    int times;
    enum lp_dns_kind kind;
    unsigned hosts;
};

static void note(struct seen *s, const struct lp_dns_answer *a)
{
    s->times++;
    s->kind = a->kind;
    s->hosts = a->hosts;
}

static void on_answer(void *arg, const struct lp_dns_answer *a)
{
    note(arg, a);
}

static void turn(struct lp_dns *d)
{
    struct pollfd fds[16];
    unsigned n = lp_dns_pollfds(d, fds, 16);
    int timeout = lp_dns_timeout(d);

    poll(fds, n, timeout < 0 || timeout > 1000 ? 1000 : timeout);
    lp_dns_dispatch(d, fds, n);
}

static enum lp_dns_kind ask_for(struct lp_dns *d, enum lp_dns_question question, const char *domain)
{
    struct seen seen = {0};
    const struct lp_dns_answer *a = lp_dns_ask(d, question, lp_str(domain), on_answer, &seen);
    int64_t end = lp_clock_mono() + 20000;

    if (a)
        return a->kind;
    while (!seen.times && lp_clock_mono() < end)
        turn(d);
    assert_int_equal(seen.times, 1);
    return seen.kind;
}

static enum lp_dns_kind ask(struct lp_dns *d, const char *domain)
{
    return ask_for(d, LP_DNS_MAIL, domain);
}

static void kinds(void **state)
{
    static const struct {
        const char *domain;
        enum lp_dns_kind kind;
    } of[] = {{"good.test", LP_DNS_MX}, {"alias.test", LP_DNS_MX}, {"many.test", LP_DNS_MX},
        {"xn--mnchen-3ya.test", LP_DNS_MX}, {"implicit.test", LP_DNS_IMPLICIT},
        {"implicit6.test", LP_DNS_IMPLICIT}, {"null.test", LP_DNS_NULL_MX},
        {"txtonly.test", LP_DNS_NO_ADDRESS}, {"dangling.test", LP_DNS_NO_ADDRESS},
        {"nowhere.test", LP_DNS_NXDOMAIN}, {"servfail.test", LP_DNS_SERVFAIL},
        {"refused.example.net", LP_DNS_SERVFAIL}};
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.timeout_ms = 3000});

    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t before = lp_dns_asked(d);
        for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
            enum lp_dns_kind kind = ask(d, of[i].domain);
            if (kind != of[i].kind)
                fail_msg("%s: %d, not %d", of[i].domain, (int)kind, (int)of[i].kind);
        }
        /* The second time nothing is asked. */
        assert_int_equal(lp_dns_asked(d) == before, pass == 1);
    }
    lp_dns_del(d);
}

static void hosts_by_preference(void **state)
{
    static const char *const good[] = {"mx2.good.test", "mx1.good.test", "mx3.good.test"};
    static const unsigned preference[] = {5, 10, 20};
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    const struct lp_dns_answer *a;
    unsigned p = 0;

    (void)state;
    ask(d, "good.test");
    a = lp_dns_mx(d, LP_STR("good.test"), on_answer, NULL);
    assert_non_null(a);
    assert_int_equal(a->hosts, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_string_equal(lp_dns_host(a, i, &p), good[i]);
        assert_int_equal(p, preference[i]);
    }
    assert_null(lp_dns_host(a, 3, &p));
    ask(d, "many.test"); /* more than one datagram and more than is kept */
    a = lp_dns_mx(d, LP_STR("many.test"), on_answer, NULL);
    assert_int_equal(a->hosts, LP_DNS_HOSTS);
    for (unsigned i = 0; i < LP_DNS_HOSTS; i++) {
        lp_dns_host(a, i, &p);
        assert_int_equal(p, i + 1);
    }
    lp_dns_del(d);
}

static void addresses_of_a_host(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    static const struct {
        const char *host, *address;
        enum lp_dns_kind kind;
    } of[] = {{"mx.probe.test", "127.0.0.1", LP_DNS_IMPLICIT},
        {"implicit6.test", "2001:db8::1", LP_DNS_IMPLICIT}, {"good.test", NULL, LP_DNS_NO_ADDRESS},
        {"nowhere.test", NULL, LP_DNS_NXDOMAIN}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        const struct lp_dns_answer *a;
        assert_int_equal(ask_for(d, LP_DNS_ADDRESSES, of[i].host), of[i].kind);
        a = lp_dns_ask(d, LP_DNS_ADDRESSES, lp_str(of[i].host), on_answer, NULL);
        assert_int_equal(a->hosts, of[i].address ? 1 : 0);
        if (of[i].address)
            assert_string_equal(lp_dns_host(a, 0, NULL), of[i].address);
    }
    /* the answers to one question are not those to another */
    assert_int_equal(ask(d, "mx.probe.test"), LP_DNS_IMPLICIT);
    assert_int_equal(ask(d, "good.test"), LP_DNS_MX);
    lp_dns_del(d);
}

static void names_that_are_there(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.retry_ms = 100});
    struct lp_dns *liar = open_dns(&(struct lp_dns_options){.servers = behind});
    uint64_t before;

    (void)state;
    assert_int_equal(ask_for(d, LP_DNS_ZONE, "com"), LP_DNS_MX);
    assert_int_equal(ask_for(d, LP_DNS_ZONE, "txtonly.test"), LP_DNS_NO_ADDRESS);
    assert_int_equal(ask_for(d, LP_DNS_ZONE, "nowhere.test"), LP_DNS_NXDOMAIN);
    assert_int_equal(ask_for(liar, LP_DNS_ZONE, "com"), LP_DNS_NXDOMAIN);
    before = lp_dns_asked(d);
    poll(NULL, 0, 150); /* it is asked again and again: a resolver may lose its network */
    ask_for(d, LP_DNS_ZONE, "com");
    assert_int_equal(lp_dns_asked(d), before + 1);
    lp_dns_del(d);
    lp_dns_del(liar);
}

static unsigned told;

static void note_place(void *arg, const struct lp_dns_answer *a)
{
    (void)a;
    *(unsigned *)arg = ++told;
}

static void answers_keep_the_order(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    unsigned place[5] = {0};

    (void)state;
    told = 0;
    for (int i = 0; i < 5; i++)
        assert_null(lp_dns_mx(d, LP_STR("good.test"), note_place, &place[i]));
    lp_dns_cancel(d, &place[4]); /* the last one, and one more behind the gap */
    assert_null(lp_dns_mx(d, LP_STR("good.test"), note_place, &place[4]));
    while (told < 5)
        turn(d);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(place[i], i + 1);
    lp_dns_del(d);
}

static void one_look_up_for_all_who_ask(void **state)
{
    enum { N = 1000 };
    static struct seen seen[N];
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    int64_t end = lp_clock_mono() + 10000;

    (void)state;
    for (int i = 0; i < N; i++)
        assert_null(lp_dns_mx(d, LP_STR("good.test"), on_answer, &seen[i]));
    while (!seen[0].times && lp_clock_mono() < end)
        turn(d);
    for (int i = 0; i < N; i++) {
        assert_int_equal(seen[i].times, 1);
        assert_int_equal(seen[i].kind, LP_DNS_MX);
    }
    assert_int_equal(lp_dns_asked(d), 1);
    lp_dns_del(d);
}

static void many_in_flight_and_memory_bounded(void **state)
{
    enum { N = 600 };
    static struct seen seen[N];
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.in_flight = 50, .remembered = 100});
    int64_t end = lp_clock_mono() + 20000;
    char name[32];
    int done = 0;

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(name, sizeof name, "no%d.test", i);
        assert_null(lp_dns_mx(d, lp_str(name), on_answer, &seen[i]));
    }
    while (done < N && lp_clock_mono() < end) {
        turn(d);
        done = 0;
        for (int i = 0; i < N; i++)
            done += seen[i].times;
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(seen[i].times, 1);
        assert_int_equal(seen[i].kind, LP_DNS_NXDOMAIN);
    }
    assert_int_equal(lp_dns_asked(d), N);
    ask(d, "no599.test"); /* still known ... */
    assert_int_equal(lp_dns_asked(d), N);
    for (int i = 0; i < 600; i++) { /* ... until others pushed it out */
        snprintf(name, sizeof name, "other%d.test", i);
        ask(d, name);
    }
    ask(d, "no599.test");
    assert_int_equal(lp_dns_asked(d), N + 601);
    lp_dns_del(d);
}

static void silence_is_a_timeout(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.timeout_ms = 200, .tries = 2});
    int64_t began = lp_clock_mono();

    (void)state;
    assert_int_equal(ask(d, "silent.test"), LP_DNS_TIMEOUT);
    assert_in_range(lp_clock_mono() - began, 200, within(3000));
    assert_int_equal(ask(d, "good.test"), LP_DNS_MX);
    lp_dns_del(d);
}

static void the_deadline_holds(void **state)
{
    struct lp_dns *d =
        open_dns(&(struct lp_dns_options){.timeout_ms = 5000, .tries = 3, .deadline_ms = 300});
    int64_t began = lp_clock_mono();

    (void)state;
    assert_int_equal(ask(d, "silent.test"), LP_DNS_TIMEOUT);
    assert_in_range(lp_clock_mono() - began, 290, within(1500));
    lp_dns_del(d);
}

static void a_failure_is_asked_again_later(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.retry_ms = 100});
    uint64_t asked;

    (void)state;
    assert_int_equal(ask(d, "servfail.test"), LP_DNS_SERVFAIL);
    asked = lp_dns_asked(d);
    assert_int_equal(ask(d, "servfail.test"), LP_DNS_SERVFAIL);
    assert_int_equal(lp_dns_asked(d), asked);
    poll(NULL, 0, 150);
    assert_int_equal(ask(d, "servfail.test"), LP_DNS_SERVFAIL);
    assert_true(lp_dns_asked(d) > asked);
    lp_dns_del(d);
}

static void no_network(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){.servers = "127.0.0.1:1"});

    (void)state;
    assert_int_equal(ask(d, "good.test"), LP_DNS_NO_NETWORK);
    lp_dns_del(d);
}

/* The first server fails, the second knows; or none of them does. */
static void the_next_server_is_asked(void **state)
{
    char servers[128];
    struct lp_dns *d;

    (void)state;
    snprintf(servers, sizeof servers, "%s,%s", server, behind);
    d = open_dns(&(struct lp_dns_options){.servers = servers});
    assert_int_equal(ask(d, "servfail.test"), LP_DNS_MX);
    assert_int_equal(ask(d, "good.test"), LP_DNS_MX);
    lp_dns_del(d);
    snprintf(servers, sizeof servers, "%s,%s", server, server);
    d = open_dns(&(struct lp_dns_options){.servers = servers});
    assert_int_equal(ask(d, "servfail.test"), LP_DNS_SERVFAIL);
    lp_dns_del(d);
    snprintf(servers, sizeof servers, "127.0.0.1:1,%s", server);
    d = open_dns(&(struct lp_dns_options){.servers = servers});
    assert_int_equal(ask(d, "good.test"), LP_DNS_MX);
    lp_dns_del(d);
}

static void a_dead_network_ends_in_seconds(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){
        .timeout_ms = 100, .tries = 1, .silence = 8, .in_flight = 8, .retry_ms = 2000});
    struct seen seen[200] = {0};
    int64_t began = lp_clock_mono();
    char name[32];
    int done = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "x%d.silent.test", i);
        lp_dns_mx(d, lp_str(name), on_answer, &seen[i]);
    }
    while (done < 200 && lp_clock_mono() - began < 10000) {
        turn(d);
        done = 0;
        for (int i = 0; i < 200; i++)
            done += seen[i].times;
    }
    assert_int_equal(done, 200);
    assert_true(lp_clock_mono() - began < within(1500)); /* 200 look-ups would take 2.5 s */
    assert_true(lp_dns_asked(d) < 40);
    assert_int_equal(seen[199].kind, LP_DNS_NO_NETWORK);
    /* When the pause is over one word is enough to go on. */
    assert_int_equal(ask(d, "good.test"), LP_DNS_NO_NETWORK);
    poll(NULL, 0, 2100);
    assert_int_equal(ask(d, "good.test"), LP_DNS_MX);
    assert_int_equal(ask(d, "null.test"), LP_DNS_NULL_MX);
    lp_dns_del(d);
}

static void cancelled_questions_stay_silent(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    struct seen a = {0}, b = {0};
    int64_t end = lp_clock_mono() + 5000;

    (void)state;
    lp_dns_mx(d, LP_STR("good.test"), on_answer, &a);
    lp_dns_mx(d, LP_STR("good.test"), on_answer, &b);
    lp_dns_cancel(d, &a);
    while (!b.times && lp_clock_mono() < end)
        turn(d);
    assert_int_equal(b.times, 1);
    assert_int_equal(a.times, 0);
    lp_dns_mx(d, LP_STR("silent.test"), on_answer, &a); /* left open at the end */
    turn(d);
    lp_dns_del(d);
    assert_int_equal(a.times, 0);
}

struct chain {
    struct lp_dns *dns;
    struct seen seen;
};

static void ask_another(void *arg, const struct lp_dns_answer *a)
{
    struct chain *c = arg;

    note(&c->seen, a);
    if (c->seen.times == 1)
        lp_dns_mx(c->dns, LP_STR("null.test"), ask_another, c);
}

static void asking_from_an_answer(void **state)
{
    struct chain c = {.dns = open_dns(&(struct lp_dns_options){0})};
    int64_t end = lp_clock_mono() + 5000;

    (void)state;
    lp_dns_mx(c.dns, LP_STR("good.test"), ask_another, &c);
    while (c.seen.times < 2 && lp_clock_mono() < end)
        turn(c.dns);
    assert_int_equal(c.seen.times, 2);
    assert_int_equal(c.seen.kind, LP_DNS_NULL_MX);
    lp_dns_del(c.dns);
}

static void idle_waits_for_ever(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});

    (void)state;
    assert_int_equal(lp_dns_timeout(d), -1);
    ask(d, "good.test");
    assert_int_equal(lp_dns_timeout(d), -1);
    lp_dns_del(d);
}

static void refuses_what_is_no_server(void **state)
{
    static const char *const bad[] = {"", "dns.example", "127.0.0.1:port", "300.1.1.1",
        "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:53,[::1]:99999", "127.0.0.1:131125,::1"};
    static const char *const good[] = {"::1", "127.0.0.1:65535,[::1]:53", "127.0.0.1,::1"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lp_err err = {0};
        struct lp_dns *d = lp_dns_new(&(struct lp_dns_options){.servers = bad[i]}, &err);
        if (d)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.kind, LP_ERR_CONFIG);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct lp_dns *d = open_dns(&(struct lp_dns_options){.servers = good[i]});
        lp_dns_del(d);
    }
}

static void odd_names_do_not_exist(void **state)
{
    struct lp_dns *d = open_dns(&(struct lp_dns_options){0});
    char longest[300];

    (void)state;
    memset(longest, 'a', sizeof longest);
    assert_int_equal(ask(d, ""), LP_DNS_NXDOMAIN);
    assert_int_equal(
        lp_dns_mx(d, (struct lp_str){longest, 300}, on_answer, NULL)->kind, LP_DNS_NXDOMAIN);
    lp_dns_del(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(hosts_by_preference),
        cmocka_unit_test(addresses_of_a_host),
        cmocka_unit_test(names_that_are_there),
        cmocka_unit_test(answers_keep_the_order),
        cmocka_unit_test(one_look_up_for_all_who_ask),
        cmocka_unit_test(many_in_flight_and_memory_bounded),
        cmocka_unit_test(silence_is_a_timeout),
        cmocka_unit_test(the_deadline_holds),
        cmocka_unit_test(a_failure_is_asked_again_later),
        cmocka_unit_test(no_network),
        cmocka_unit_test(the_next_server_is_asked),
        cmocka_unit_test(a_dead_network_ends_in_seconds),
        cmocka_unit_test(cancelled_questions_stay_silent),
        cmocka_unit_test(asking_from_an_answer),
        cmocka_unit_test(idle_waits_for_ever),
        cmocka_unit_test(refuses_what_is_no_server),
        cmocka_unit_test(odd_names_do_not_exist),
    };
    int rc;

    if (start_dns_server() != 0)
        return 1;
    rc = cmocka_run_group_tests_name("dns", tests, NULL, NULL);
    stop_dns_server();
    return rc;
}
