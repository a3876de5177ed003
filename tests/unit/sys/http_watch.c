/* http_watch: the set of sockets, the timer and the caller's descriptors in one wait. */
#include "leadpipe/http_watch.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>
#include "leadpipe/clock.h"

static int64_t wait_for(
    struct lp_http_watch *w, struct pollfd *fds, unsigned n, int timeout_ms, int *got)
{
    struct lp_err err = {0};
    int64_t begin = lp_clock_mono();
    *got = lp_http_watch_wait(w, fds, n, timeout_ms, &err);
    return lp_clock_mono() - begin;
}

static void callers_descriptors(void **state)
{
    (void)state;
    struct lp_http_watch w = {.due = -1};
    int in[2], got;
    char c;
    assert_int_equal(pipe(in), 0);
    struct pollfd p[2] = {{.fd = in[0], .events = POLLIN}, {.fd = -1, .events = POLLIN}};
    assert_in_range(wait_for(&w, p, 2, 50, &got), 45, 1000);
    assert_int_equal(p[0].revents, 0);
    assert_int_equal(write(in[1], "x", 1), 1);
    assert_true(wait_for(&w, p, 2, 5000, &got) < 2000);
    assert_int_equal(p[0].revents, POLLIN);
    assert_int_equal(read(in[0], &c, 1), 1);
    close(in[1]);
    assert_true(wait_for(&w, p, 2, 5000, &got) < 2000);
    assert_int_equal(p[0].revents, POLLHUP);
    close(in[0]);
    lp_http_watch_free(&w);
}

static void sockets_come_and_go(void **state)
{
    (void)state;
    struct lp_http_watch w = {.due = -1};
    int in[100][2], got;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(pipe(in[i]), 0);
        lp_http_watch_set(&w, in[i][0], POLLIN);
        lp_http_watch_set(&w, in[i][0], POLLIN); /* twice is once */
    }
    assert_int_equal(w.n, 100);
    for (int i = 0; i < 100; i += 2)
        lp_http_watch_set(&w, in[i][0], 0);
    lp_http_watch_set(&w, in[0][0], 0);
    lp_http_watch_set(&w, 100000, 0); /* never seen */
    assert_int_equal(w.n, 50);
    assert_int_equal(write(in[0][1], "x", 1), 1);
    wait_for(&w, NULL, 0, 20, &got);
    assert_int_equal(got, 0);
    assert_int_equal(write(in[51][1], "x", 1), 1);
    wait_for(&w, NULL, 0, 5000, &got);
    assert_int_equal(got, 50);
    for (int i = 0; i < got; i++)
        assert_int_equal(w.ready[i].revents, w.ready[i].fd == in[51][0] ? POLLIN : 0);
    for (int i = 0; i < 100; i++) {
        close(in[i][0]);
        close(in[i][1]);
    }
    lp_http_watch_free(&w);
}

static void timer_shortens_the_wait(void **state)
{
    (void)state;
    struct lp_http_watch w = {.due = lp_clock_mono() + 30};
    int got;
    assert_in_range(wait_for(&w, NULL, 0, -1, &got), 20, 1000);
    w.due = lp_clock_mono() - 5;
    assert_true(wait_for(&w, NULL, 0, 5000, &got) < 1000);
    w.due = lp_clock_mono() + 5000;
    assert_true(wait_for(&w, NULL, 0, 10, &got) < 1000);
    lp_http_watch_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_descriptors),
        cmocka_unit_test(sockets_come_and_go),
        cmocka_unit_test(timer_shortens_the_wait),
    };
    return cmocka_run_group_tests_name("sys/http_watch", tests, NULL, NULL);
}
