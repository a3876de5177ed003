/* clock: RFC 3339 to the letter, HTTP's three forms, every day of 8,030 years */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>
#include <stdio.h>

#include "leadpipe/clock.h"

static void parsing(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t t; /* -1: refused */
    } t[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"2026-01-31T10:00:00Z", 1769853600000},
        {"2026-01-31t10:00:00z", 1769853600000},
        {"2026-01-31 10:00:00Z", 1769853600000},
        {"2026-01-31T12:00:00+02:00", 1769853600000},
        {"2026-01-31T04:30:00-05:30", 1769853600000},
        {"2026-01-31T10:00:00.5Z", 1769853600500},
        {"2026-01-31T10:00:00.1239999Z", 1769853600123},
        {"2024-02-29", 1709164800000},
        {"2000-02-29", 951782400000},
        {"2038-01-19T03:14:08Z", 2147483648000},
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2017-01-01T00:59:60+01:00", 1483228800000},
        {"2016-12-31T22:59:60Z", -1},
        {"2023-02-29", -1},
        {"2100-02-29", -1},
        {"2026-13-01", -1},
        {"2026-00-01", -1},
        {"2026-01-00", -1},
        {"2026-04-31", -1},
        {"2026-01-31T24:00:00Z", -1},
        {"2026-01-31T10:60:00Z", -1},
        {"2026-01-31T10:00:61Z", -1},
        {"2026-01-31T10:00:00", -1},
        {"2026-01-31T10:00Z", -1},
        {"2026-01-31T10:00:00.Z", -1},
        {"2026-01-31T10:00:00+0200", -1},
        {"2026-01-31T10:00:00+24:00", -1},
        {"2026-01-31T10:00:00Zx", -1},
        {"2026-1-31", -1},
        {" 2026-01-31", -1},
        {"1969-12-31T23:59:59Z", -1},
        {"1970-01-01T00:00:00+00:01", -1},
        {"9999-12-31T23:59:59-00:01", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t got = -1;
        bool good = lp_clock_parse(lp_str(t[i].text), &got);
        if (good != (t[i].t >= 0) || got != t[i].t)
            print_message("%s -> %lld\n", t[i].text, (long long)got);
        assert_int_equal(good, t[i].t >= 0);
        assert_int_equal(got, t[i].t);
    }
    int64_t v;
    assert_false(lp_clock_parse((struct lp_str){0}, &v));
    assert_false(lp_clock_parse((struct lp_str){"2026-01-31", 9}, &v)); /* a slice */
}

/* Counts the days on its own, one at a time, and compares. */
static void every_day(void **state)
{
    (void)state;
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t t = 0;
    struct lp_buf b = {0};
    for (int y = 1970; y <= 9999; y++) {
        bool leap = y % 400 == 0 || (y % 4 == 0 && y % 100 != 0);
        for (int m = 1; m <= 12; m++) {
            for (int d = 1; d <= length[m - 1] + (m == 2 && leap); d++, t += 86400000) {
                lp_buf_reset(&b);
                lp_clock_put(&b, t);
                int64_t back;
                if (memcmp(b.p + 10, "T00:00:00Z", 11) != 0 ||
                    (b.p[8] - '0') * 10 + b.p[9] - '0' != d ||
                    (b.p[5] - '0') * 10 + b.p[6] - '0' != m ||
                    !lp_clock_parse(lp_buf_view(&b), &back) || back != t)
                    fail_msg("%d-%d-%d became %s", y, m, d, b.p);
            }
        }
    }
    assert_int_equal(t, INT64_C(253402300800000));
    lp_buf_free(&b);
}

static void printing(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    const int64_t t[] = {1769853600000, 1769853600007, 253402300799999, -5, INT64_MAX};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        lp_clock_put(&b, t[i]);
        lp_buf_byte(&b, ' ');
    }
    assert_string_equal(b.p, "2026-01-31T10:00:00Z 2026-01-31T10:00:00.007Z "
                             "9999-12-31T23:59:59.999Z 1970-01-01T00:00:00Z "
                             "9999-12-31T23:59:59.999Z ");
    lp_buf_free(&b);
}

static void http_dates(void **state)
{
    (void)state;
    int64_t v;
    lp_clock_fix(INT64_C(1769853600000)); /* two-digit years are read from 2026 */
    const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994"};
    for (int i = 0; i < 3; i++) {
        assert_true(lp_clock_parse_http(lp_str(same[i]), &v));
        assert_int_equal(v, 784111777000);
    }
    assert_true(lp_clock_parse_http(LP_STR("Wednesday, 01-Jan-76 00:00:00 GMT"), &v));
    assert_int_equal(v, INT64_C(3345062400000)); /* 2076: not more than 50 years ahead */
    assert_true(lp_clock_parse_http(LP_STR("Saturday, 01-Jan-77 00:00:00 GMT"), &v));
    assert_int_equal(v, INT64_C(220924800000)); /* 1977 */
    assert_true(lp_clock_parse_http(LP_STR("Sun Nov 16 08:49:37 1997"), &v));
    const char *const bad[] = {"", "Sun", "Sun,", "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ", "120"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(lp_clock_parse_http(lp_str(bad[i]), &v));
}

static void durations(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int64_t ms;
    } t[] = {{"90s", 90000}, {"15m", 900000}, {"2h", 7200000}, {"30d", INT64_C(2592000000)},
        {"250ms", 250}, {"45", 45000}, {"1.5h", 5400000}, {"0", 0}, {"2w", 1209600000}, {"-5s", -1},
        {"5 s", -1}, {"s", -1}, {"", -1}, {"1e3", -1}, {"9999999999999d", -1}, {"5sx", -1},
        {"1.2.3s", -1}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t v = -1;
        assert_int_equal(lp_clock_parse_duration(lp_str(t[i].text), &v), t[i].ms >= 0);
        assert_int_equal(v, t[i].ms);
    }
}

static void fixed_clock_stands_still(void **state)
{
    (void)state;
    lp_clock_fix(1000);
    assert_int_equal(lp_clock_now(), 1000);
    assert_true(lp_clock_real() > INT64_C(1700000000000));
    int64_t a = lp_clock_mono(), us = lp_clock_mono_us();
    assert_true(lp_clock_mono() >= a && lp_clock_mono_us() >= us);
    assert_true(us / 1000 - a <= 1000);
}

static void held_clocks_move_as_told_and_never_back(void **state)
{
    (void)state;
    lp_clock_hold();
    int64_t mono = lp_clock_mono(), real = lp_clock_real();
    struct timespec nap = {.tv_nsec = 5000000};
    nanosleep(&nap, NULL);
    assert_int_equal(lp_clock_mono(), mono);
    assert_int_equal(lp_clock_real(), real);
    lp_clock_move(mono + 1500);
    lp_clock_move(mono + 700);
    assert_int_equal(lp_clock_mono(), mono + 1500);
    assert_in_range(
        lp_clock_real(), real + 1499, real + 1501); /* each is cut to its own millisecond */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing), cmocka_unit_test(every_day), cmocka_unit_test(printing),
        cmocka_unit_test(http_dates), cmocka_unit_test(durations),
        cmocka_unit_test(fixed_clock_stands_still),
        cmocka_unit_test(held_clocks_move_as_told_and_never_back), /* last: they stay so */
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
