#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../lib/gateway/work.h"
#include "leadpipe/clock.h"

/* However many tries a patient configuration allows, each waits its turn: 0 to 10 s. */
static void waits_grow_to_their_bound_and_stay(void **state)
{
    (void)state;
    struct lp_gateway g = {.seed = 1};
    struct lp_provider p = {.tries = 1000000, .total_ms = INT64_C(1000000000000)};
    struct lp_lane lane = {.gateway = &g, .provider = &p};
    for (int tries = 1; tries < 200; tries++) {
        struct lp_work w = {.lane = &lane, .tries = tries, .began_at = lp_clock_mono()};
        int64_t bound = tries < 6 ? INT64_C(500) << (tries - 1) : 10000, longest = 0;
        w.call.retry_after_ms = -1;
        for (int i = 0; i < 100; i++) {
            int64_t wait = lp_retry_wait(&w, LP_SERVER);
            assert_true(wait >= 1 && wait <= bound + 1);
            longest = wait > longest ? wait : longest;
        }
        assert_true(longest > bound / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_grow_to_their_bound_and_stay)};
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
