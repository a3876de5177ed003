/* A name server that takes datagrams only and gives odd answers: each costs its own name alone. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/wait.h>
#include "leadpipe/clock.h"
#include "leadpipe/dns.h"
#include "dns_plain.h"

struct seen {
    int times;
    enum lp_dns_kind kind;
};

static void on_answer(void *arg, const struct lp_dns_answer *a)
{
    struct seen *s = arg;

    s->times++;
    s->kind = a->kind;
}

static void wait_for(struct lp_dns *d, const struct seen *seen, int n)
{
    int64_t end = lp_clock_mono() + 20000;
    struct pollfd fds[16];

    for (int done = 0; done < n; assert_true(lp_clock_mono() < end)) {
        unsigned open = lp_dns_pollfds(d, fds, 16);
        int timeout = lp_dns_timeout(d);
        poll(fds, open, timeout < 0 || timeout > 1000 ? 1000 : timeout);
        lp_dns_dispatch(d, fds, open);
        done = 0;
        for (int i = 0; i < n; i++)
            done += seen[i].times;
    }
}

/* Names with "cut" get an answer that was cut, names with "odd" a code of no resolver, others a mail
 * host. */
static size_t odd_answer(unsigned char *b, size_t end)
{
    static const char mx[] = "\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x04\0\x0a\xc0\x0c";
    bool cut = memcmp(b + 13, "cut", 3) == 0, odd = memcmp(b + 13, "odd", 3) == 0;

    b[2] = cut ? 0x83 : 0x81;
    b[3] = odd ? 0x89 : 0x80;
    b[7] = !cut && !odd;
    memcpy(b + end, mx, sizeof mx - 1);
    return b[7] ? end + sizeof mx - 1 : end;
}

static void odd_answers_cost_themselves_alone(void **state)
{
    char address[32], name[32];
    struct seen seen[60] = {0};
    pid_t pid = dns_plain_start(address, odd_answer);
    struct lp_err err = {0};
    struct lp_dns *d = lp_dns_new(&(struct lp_dns_options){.servers = address}, &err);

    (void)state;
    assert_non_null(d);
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%s%d.test", i == 20 ? "cut" : i == 40 ? "odd" : "x", i);
        lp_dns_mx(d, lp_str(name), on_answer, &seen[i]);
    }
    wait_for(d, seen, 60);
    for (int i = 0; i < 60; i++)
        assert_int_equal(seen[i].kind, i == 20 || i == 40 ? LP_DNS_SERVFAIL : LP_DNS_MX);
    seen[20].times = 0;
    lp_dns_mx(d, LP_STR("later.test"), on_answer, &seen[20]);
    wait_for(d, seen, 60);
    assert_int_equal(seen[20].kind, LP_DNS_MX);
    lp_dns_del(d);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_answers_cost_themselves_alone)};

    return cmocka_run_group_tests_name("dns_odd", tests, NULL, NULL);
}
