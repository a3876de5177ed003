/* num: whole texts only, no locale, rounding as printf does */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "leadpipe/num.h"

static void integers(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool good;
        int64_t v;
    } t[] = {{"0", true, 0}, {"-0", true, 0}, {"+12", true, 12}, {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX}, {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0}, {"", false, 0}, {"-", false, 0}, {"1x", false, 0},
        {" 1", false, 0}, {"1 ", false, 0}, {"1.0", false, 0}, {"--1", false, 0}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        int64_t v = -1;
        assert_int_equal(lp_num_int(lp_str(t[i].text), &v), t[i].good);
        assert_true(!t[i].good ? v == -1 : v == t[i].v);
    }
    int64_t v;
    assert_true(lp_num_int((struct lp_str){"123", 2}, &v)); /* a slice is not read past */
    assert_int_equal(v, 12);
    assert_false(lp_num_int((struct lp_str){0}, &v));
}

static void reals(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool good;
        double v;
    } t[] = {{"0", true, 0}, {"-1.5", true, -1.5}, {".5", true, 0.5}, {"1e3", true, 1000},
        {"1.25E-2", true, 0.0125}, {"+2", true, 2}, {"5.", false, 0}, {".", false, 0},
        {"", false, 0}, {"1e", false, 0}, {"1e+", false, 0}, {"nan", false, 0}, {"inf", false, 0},
        {"0x10", false, 0}, {"1,5", false, 0}, {"1e999", false, 0}, {" 1", false, 0}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        double v = -1;
        assert_int_equal(lp_num_real(lp_str(t[i].text), &v), t[i].good);
        assert_true(v == (t[i].good ? t[i].v : -1));
    }
    char zeros[500];
    memset(zeros, '0', sizeof zeros);
    double v;
    assert_true(lp_num_real((struct lp_str){zeros, sizeof zeros}, &v));
}

static void sizes(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool good;
        uint64_t v;
    } t[] = {{"0", true, 0}, {"12", true, 12}, {"64k", true, 65536}, {"64K", true, 65536},
        {"16M", true, 16 << 20}, {"2G", true, UINT64_C(2) << 30}, {"17179869184G", false, 0},
        {"16MB", false, 0}, {"M", false, 0}, {"-1", false, 0}, {"1.5M", false, 0}, {"", false, 0}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        uint64_t v = 1;
        assert_int_equal(lp_num_size(lp_str(t[i].text), &v), t[i].good);
        assert_true(v == (t[i].good ? t[i].v : 1));
    }
}

static void put(double v, int decimals, const char *want)
{
    struct lp_buf b = {0};
    lp_num_put(&b, v, decimals);
    assert_string_equal(b.p, want);
    lp_buf_free(&b);
}

static void printing(void **state)
{
    (void)state;
    put(0, 3, "0");
    put(-0.0, 3, "0");
    put(-0.0004, 3, "0");
    put(12.5, 3, "12.5");
    put(-12.5, 0, "-13");
    put(0.999999, 3, "1");
    put(99.9996, 3, "100");
    put(1234.06, 2, "1234.06");
    put(2.675, 2, "2.67"); /* the double is a little less */
    put(1.005, 2, "1");
    put(1e15, 9, "1000000000000000");
    put(9007199254740991, 9, "9007199254740991");
    put(9.2e18, 2, "9200000000000000000");
    put(-9.2e18, 2, "-9200000000000000000");
    put(0x1p63, 2, "null");
    put(NAN, 2, "null");
    put(-INFINITY, 2, "null");
    put(0.123456789, 9, "0.123456789");
    put(0.1, 40, "0.1");
    put(1.5, -3, "2");
}

/* The reference: printf with its zeros cut. Ties, which printf rounds to even, are left out. */
static void agrees_with_printf(void **state)
{
    (void)state;
    uint64_t r = 88172645463325252;
    for (int i = 0; i < 200000; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        int decimals = (int)(r % 10);
        double v = (double)(int64_t)(r >> 20) / pow(10, (double)(r >> 5 & 15));
        double scaled = v * pow(10, decimals);
        if (fabs(v) > 1e15 || scaled - floor(scaled) == 0.5)
            continue;
        char want[64];
        int n = snprintf(want, sizeof want, "%.*f", decimals, v);
        while (strchr(want, '.') && (want[n - 1] == '0' || want[n - 1] == '.')) {
            bool point = want[--n] == '.';
            want[n] = '\0';
            if (point)
                break;
        }
        put(v, decimals, want);
    }
}

/* The seed is the same each time, so this holds or does not. */
static void by_chance_is_spread_evenly(void **state)
{
    (void)state;
    uint64_t seed = 1;
    int share[10] = {0};
    for (int i = 0; i < 10000; i++) {
        double r = lp_num_random(&seed);
        assert_true(r >= 0 && r < 1);
        share[(int)(10 * r)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(share[i], 800, 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(reals),
        cmocka_unit_test(sizes),
        cmocka_unit_test(printing),
        cmocka_unit_test(agrees_with_printf),
        cmocka_unit_test(by_chance_is_spread_evenly),
    };
    return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
