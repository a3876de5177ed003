#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "leadpipe/limit.h"

static void a_new_bucket_is_full_and_empties(void **state)
{
    (void)state;
    struct lp_bucket b = {0};
    int64_t wait;
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5000, 4, &wait), 4);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5000, 99, &wait), 6);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5000, 1, &wait), 0);
    assert_int_equal(wait, 100); /* 10 a second: the next in 100 ms */
}

static void it_refills_with_time_up_to_its_size(void **state)
{
    (void)state;
    struct lp_bucket b = {0};
    int64_t wait;
    lp_bucket_take(&b, 10, 1000, 5000, 10, &wait);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5250, 10, &wait), 2);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5300, 10, &wait), 1); /* the half was kept */
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 99000, 99, &wait), 10);
}

static void a_clock_set_back_neither_fills_nor_freezes_it(void **state)
{
    (void)state;
    struct lp_bucket b = {0};
    int64_t wait;
    lp_bucket_take(&b, 10, 1000, 1000000, 10, &wait);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5000, 1, &wait), 0);
    assert_int_equal(lp_bucket_take(&b, 10, 1000, 5100, 1, &wait), 1);
}

static void never_more_than_burst_and_rate_in_any_window(void **state)
{
    (void)state;
    struct lp_bucket b = {0};
    int64_t wait, taken = 0;
    for (int64_t now = 1; now <= 10001; now += 7)
        taken += lp_bucket_take(&b, 50, 60000, now, 3, &wait);
    assert_in_range(taken, 57, 59); /* 50 at once and 50 a minute for 10 s */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_is_full_and_empties),
        cmocka_unit_test(it_refills_with_time_up_to_its_size),
        cmocka_unit_test(a_clock_set_back_neither_fills_nor_freezes_it),
        cmocka_unit_test(never_more_than_burst_and_rate_in_any_window),
    };
    return cmocka_run_group_tests_name("gateway/limit", tests, NULL, NULL);
}
