#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "leadpipe/health.h"

static struct lp_observation good(int64_t at, int64_t latency)
{
    return (struct lp_observation){.at = at, .outcome = LP_OK, .latency_ms = latency, .n = 1};
}

static struct lp_observation bad(int64_t at, enum lp_class class)
{
    return (struct lp_observation){.at = at, .outcome = LP_ERROR, .class = class, .n = 1};
}

static void fold(struct lp_health *h, struct lp_observation o)
{
    lp_health_fold(h, &o, &lp_health_defaults, 0.5);
}

static void fold_n(struct lp_health *h, struct lp_observation o, int n)
{
    while (n--)
        fold(h, o);
}

static void g06_unknown_becomes_degraded_on_the_first_call(void **state)
{
    (void)state;
    struct lp_health h = {0}, i = {0};
    fold(&h, good(1, 10));
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
    fold(&i, bad(1, LP_SERVER));
    assert_int_equal(i.state, LP_HEALTH_DEGRADED);
}

static void g07_degraded_becomes_healthy_after_five_in_a_row(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, good(1, 10), 4);
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
    fold(&h, good(2, 10));
    assert_int_equal(h.state, LP_HEALTH_HEALTHY);
    assert_int_equal(h.consecutive_successes, 5);
}

static void g07_a_failure_between_starts_the_count_anew(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, good(1, 10), 4);
    fold(&h, bad(2, LP_SERVER));
    fold_n(&h, good(3, 10), 4);
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
}

static void g08_degraded_becomes_unhealthy_after_three_failures(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, bad(1000, LP_NETWORK), 2);
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
    assert_int_equal(lp_health_out(&h, 1000), LP_CLASS_NONE);
    fold(&h, bad(1000, LP_NETWORK));
    assert_int_equal(h.state, LP_HEALTH_UNHEALTHY);
    assert_int_equal(h.error_class, LP_NETWORK);
    assert_int_equal(lp_health_out(&h, 1001), LP_CIRCUIT_OPEN);
    assert_int_equal(h.out_until, 1000 + 30000);
}

static void g09_healthy_becomes_degraded_on_one_failure(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, good(1, 10), 5);
    fold(&h, bad(2, LP_TIMEOUT));
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
    assert_int_equal(h.failure_count, 1);
}

static void g10_unhealthy_becomes_degraded_on_one_success(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, bad(1, LP_SERVER), 3);
    fold(&h, good(40000, 10));
    assert_int_equal(h.state, LP_HEALTH_DEGRADED);
    assert_int_equal(lp_health_out(&h, 2), LP_CLASS_NONE);
    assert_int_equal(h.error_class, LP_CLASS_NONE);
}

static void g11_average_latency_is_an_ema_of_successes(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold(&h, bad(1, LP_SERVER));
    assert_float_equal(h.avg_latency_ms, 0, 1e-9);
    fold(&h, good(2, 100)); /* the first sample starts it */
    assert_float_equal(h.avg_latency_ms, 100, 1e-9);
    fold(&h, good(3, 200));
    assert_float_equal(h.avg_latency_ms, 0.7 * 100 + 0.3 * 200, 1e-9);
    fold(&h, bad(4, LP_SERVER));
    assert_float_equal(h.avg_latency_ms, 130, 1e-9);
    assert_float_equal(h.latency_ms, 200, 1e-9);
}

static void the_cool_down_doubles_to_its_cap_and_starts_anew_when_healthy(void **state)
{
    (void)state;
    struct lp_health h = {0};
    int64_t at = 0, want = 30000;
    fold_n(&h, bad(at, LP_SERVER), 3);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(h.out_until - at, want);
        at = h.out_until + 1;
        fold(&h, bad(at, LP_SERVER)); /* the probe fails */
        want = want * 2 > 900000 ? 900000 : want * 2;
    }
    fold_n(&h, good(at, 1), 5);
    assert_int_equal(h.state, LP_HEALTH_HEALTHY);
    fold_n(&h, bad(at, LP_SERVER), 3);
    assert_int_equal(h.out_until - at, 30000);
}

static void failures_while_it_is_out_do_not_push_the_time_away(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, bad(0, LP_SERVER), 3);
    int64_t until = h.out_until;
    fold(&h, bad(10, LP_SERVER));
    assert_int_equal(h.out_until, until);
}

static void what_others_saw_before_does_not_end_a_probe(void **state)
{
    (void)state;
    struct lp_health h = {0};
    struct lp_observation probe = bad(40000, LP_NETWORK);
    fold_n(&h, bad(0, LP_NETWORK), 3);
    h.probe_until = 99000;
    fold(&h, bad(10, LP_NETWORK)); /* from a process that comes late to tell it */
    assert_int_equal(h.probe_until, 99000);
    probe.probe = true;
    fold(&h, probe);
    assert_int_equal(h.probe_until, 0);
    h.probe_until = 99000;
    fold(&h, good(50000, 10)); /* nothing is left to be probed for */
    assert_int_equal(h.probe_until, 0);
}

static void the_cool_down_is_spread_by_ten_percent(void **state)
{
    (void)state;
    struct lp_health lo = {0}, hi = {0};
    struct lp_observation o = bad(0, LP_SERVER);
    for (int i = 0; i < 3; i++) {
        lp_health_fold(&lo, &o, &lp_health_defaults, 0);
        lp_health_fold(&hi, &o, &lp_health_defaults, 0.999999);
    }
    assert_in_range(lo.out_until, 26999, 27001);
    assert_in_range(hi.out_until, 32998, 33000);
}

static void a_limit_is_no_ill_health(void **state)
{
    (void)state;
    struct lp_health h = {0};
    fold_n(&h, good(1, 10), 5);
    struct lp_observation o = bad(2, LP_RATE_LIMITED);
    o.out_until = 5000;
    fold_n(&h, o, 10);
    assert_int_equal(h.state, LP_HEALTH_HEALTHY);
    assert_int_equal(h.failure_count, 0);
    assert_int_equal(lp_health_out(&h, 4999), LP_RATE_LIMITED);
    assert_int_equal(lp_health_out(&h, 5000), LP_CLASS_NONE);
    fold(&h, good(3, 10)); /* another call succeeds: the limit stands */
    assert_int_equal(lp_health_out(&h, 4999), LP_RATE_LIMITED);
}

static void a_429_halves_the_calls_at_a_time_and_successes_give_them_back(void **state)
{
    (void)state;
    struct lp_health h = {0};
    struct lp_observation limited = bad(1, LP_RATE_LIMITED);
    limited.in_flight = 4;
    assert_int_equal(h.allowed, 0); /* as many as may be */
    fold(&h, limited);
    assert_int_equal(h.allowed, 2);
    fold_n(&h, limited, 3);
    assert_int_equal(h.allowed, 1);
    fold_n(&h, good(2, 10), 9);
    assert_int_equal(h.allowed, 1);
    fold(&h, good(2, 10));
    assert_int_equal(h.allowed, 2);
    fold_n(&h, good(2, 10), 20);
    assert_int_equal(h.allowed, 0); /* back at the four it had */
}

static void rejected_and_not_found_are_successes_skipped_is_nothing(void **state)
{
    (void)state;
    struct lp_health h = {0};
    struct lp_observation o = good(1, 10);
    o.outcome = LP_REJECTED;
    fold(&h, o);
    o.outcome = LP_NOT_FOUND;
    fold(&h, o);
    o.outcome = LP_SKIPPED;
    fold(&h, o);
    assert_int_equal(h.success_count, 2);
    assert_int_equal(h.failure_count, 0);
}

static void a_clock_that_was_ahead_keeps_nobody_out(void **state)
{
    (void)state;
    const int64_t year = INT64_C(365) * 86400000;
    struct lp_health h = {0};
    fold_n(&h, bad(4 * year, LP_SERVER), 3);
    h.probe_until = 4 * year + 1000;
    struct lp_health benched = h;
    benched.out_reason = LP_BENCHED;
    lp_health_mend(&h, 4 * year + 1); /* the same clock: nothing to mend */
    assert_int_equal(lp_health_out(&h, 4 * year + 1), LP_CIRCUIT_OPEN);
    lp_health_mend(&h, year); /* set right again */
    assert_int_equal(lp_health_out(&h, year), LP_CLASS_NONE);
    assert_int_equal(h.probe_until, 0);
    assert_int_equal(h.state, LP_HEALTH_UNHEALTHY);
    lp_health_mend(&benched, year);
    assert_int_equal(lp_health_out(&benched, year), LP_BENCHED);
}

static void g04_order_by_health_successes_latency(void **state)
{
    (void)state;
    struct lp_health healthy = {.state = LP_HEALTH_HEALTHY, .consecutive_successes = 5},
                     degraded = {.state = LP_HEALTH_DEGRADED, .consecutive_successes = 9},
                     unknown = {0}, unhealthy = {.state = LP_HEALTH_UNHEALTHY};
    assert_true(lp_health_compare(&healthy, &degraded) < 0);
    assert_true(lp_health_compare(&degraded, &unknown) < 0);
    assert_true(lp_health_compare(&unknown, &unhealthy) < 0);
    struct lp_health more = healthy, fast = healthy;
    more.consecutive_successes = 6;
    fast.avg_latency_ms = 10;
    healthy.avg_latency_ms = 20;
    more.avg_latency_ms = 99;
    assert_true(lp_health_compare(&more, &healthy) < 0);
    assert_true(lp_health_compare(&fast, &healthy) < 0);
    assert_true(lp_health_compare(&healthy, &healthy) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(g06_unknown_becomes_degraded_on_the_first_call),
        cmocka_unit_test(g07_degraded_becomes_healthy_after_five_in_a_row),
        cmocka_unit_test(g07_a_failure_between_starts_the_count_anew),
        cmocka_unit_test(g08_degraded_becomes_unhealthy_after_three_failures),
        cmocka_unit_test(g09_healthy_becomes_degraded_on_one_failure),
        cmocka_unit_test(g10_unhealthy_becomes_degraded_on_one_success),
        cmocka_unit_test(g11_average_latency_is_an_ema_of_successes),
        cmocka_unit_test(the_cool_down_doubles_to_its_cap_and_starts_anew_when_healthy),
        cmocka_unit_test(failures_while_it_is_out_do_not_push_the_time_away),
        cmocka_unit_test(what_others_saw_before_does_not_end_a_probe),
        cmocka_unit_test(the_cool_down_is_spread_by_ten_percent),
        cmocka_unit_test(a_limit_is_no_ill_health),
        cmocka_unit_test(a_429_halves_the_calls_at_a_time_and_successes_give_them_back),
        cmocka_unit_test(rejected_and_not_found_are_successes_skipped_is_nothing),
        cmocka_unit_test(a_clock_that_was_ahead_keeps_nobody_out),
        cmocka_unit_test(g04_order_by_health_successes_latency),
    };
    return cmocka_run_group_tests_name("gateway/health", tests, NULL, NULL);
}
