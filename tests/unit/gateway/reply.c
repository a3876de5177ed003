#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../lib/gateway/reply.h"
#include "../../../lib/gateway/work.h"

#define TEN_YEARS_MS (INT64_C(10) * 366 * 86400 * 1000)

static void ended(struct lp_call *call)
{
    (void)call;
}

/* A vendor's number, or a filter's, is anybody's: no wait is past reckoning. */
static void waits_are_bounded(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        int64_t ms;
    } cases[] = {{"0", 0}, {"0.25", 250}, {"90", 90000}, {"9e9", TEN_YEARS_MS},
        {"1e300", TEN_YEARS_MS}, {"316224000", TEN_YEARS_MS}};
    struct lp_buf text = {0}, scratch = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_call failed = {.ended = ended, .retry_after_ms = -1};
        lp_buf_reset(&text);
        lp_buf_printf(
            &text, "{\"error\":{\"class\":\"rate_limited\",\"retry_after_s\":%s}}", cases[i].s);
        lp_reply_take(&failed, lp_buf_view(&text), &scratch);
        assert_int_equal(failed.end, LP_CALL_ERROR);
        assert_int_equal(failed.retry_after_ms, cases[i].ms);

        struct lp_work taken = {.starting = true};
        lp_buf_reset(&text);
        lp_buf_printf(&text, "{\"next\":{\"after_s\":%s,\"memo\":1}}", cases[i].s);
        lp_reply_take(&taken.call, lp_buf_view(&text), &scratch);
        assert_int_equal(taken.call.end, LP_CALL_NEXT);
        assert_int_equal(taken.call.after_ms, cases[i].ms);
        lp_buf_free(&taken.memo);
    }
    lp_buf_free(&text);
    lp_buf_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(waits_are_bounded)};
    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
