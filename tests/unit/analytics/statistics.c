#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "leadpipe/statistics.h"

static void assert_near(double got, double want, double within)
{
    if (!(fabs(got - want) <= within))
        fail_msg("%.9g is not %.9g within %g", got, want, within);
}

/* R. G. Newcombe, Two-sided confidence intervals for the single proportion: comparison of seven
 * methods, Statistics in Medicine 17 (1998) 857-872, table I, method 3. */
static void wilson_agrees_with_newcombe_1998(void **state)
{
    static const struct {
        unsigned hits, of;
        double low, high;
    } published[] = {
        {81, 263, 0.2553, 0.3662},
        {15, 148, 0.0624, 0.1605},
        {0, 20, 0.0000, 0.1611},
        {1, 29, 0.0061, 0.1718},
    };
    (void)state;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct lp_interval w;
        assert_true(lp_statistics_wilson(published[i].hits, published[i].of, &w));
        assert_near(w.low, published[i].low, 0.00005);
        assert_near(w.high, published[i].high, 0.00005);
    }
}

static void wilson_has_no_answer_for_what_is_no_rate(void **state)
{
    struct lp_interval w;
    (void)state;
    assert_false(lp_statistics_wilson(0, 0, &w));
    assert_false(lp_statistics_wilson(3, 2, &w)); /* openings counted more than once */
}

static void wilson_is_inside_0_and_1_and_symmetric(void **state)
{
    (void)state;
    for (unsigned of = 1; of < 60; of++) {
        for (unsigned hits = 0; hits <= of; hits++) {
            struct lp_interval w, mirror;
            double rate = (double)hits / of;
            assert_true(lp_statistics_wilson(hits, of, &w));
            assert_true(lp_statistics_wilson(of - hits, of, &mirror));
            assert_true(0 <= w.low && w.low <= rate && rate <= w.high && w.high <= 1);
            assert_near(w.low, 1 - mirror.high, 1e-12);
            assert_true((w.low == 0) == (hits == 0) && (w.high == 1) == (hits == of));
        }
    }
    struct lp_interval large;
    assert_true(lp_statistics_wilson(UINT64_C(1) << 62, UINT64_C(1) << 63, &large));
    assert_near(large.low, 0.5, 1e-9);
}

/* The Physicians' Health Study as in A. Agresti, Categorical Data Analysis, and J. Utts, Seeing Through
 * Statistics: 189 of 11,034 against 104 of 11,037, Pearson's X^2 = 25.01, which is z squared. */
static void compare_agrees_with_the_physicians_health_study(void **state)
{
    struct lp_rates_compared c;
    (void)state;
    assert_true(lp_statistics_compare(189, 11034, 104, 11037, 1, &c));
    assert_true(c.enough);
    assert_near(c.z * c.z, 25.01, 0.005);
    assert_near(c.difference, 0.0077, 0.00005);
    assert_true(c.p < 1e-6);
}

/* The Helsinki Heart Study as in D. S. Moore, The Basic Practice of Statistics: 56 of 2051 against 84 of
 * 2030, z = -2.47, one-sided P = 0.0068. */
static void compare_agrees_with_the_helsinki_heart_study(void **state)
{
    struct lp_rates_compared c;
    (void)state;
    assert_true(lp_statistics_compare(56, 2051, 84, 2030, 1, &c));
    assert_near(c.z, -2.47, 0.005);
    assert_near(c.p / 2, 0.0068, 0.0001);
}

static void compare_says_when_there_is_not_enough_data(void **state)
{
    struct lp_rates_compared c;
    (void)state;
    assert_true(
        lp_statistics_compare(5, 10, 5, 10, 1, &c)); /* 5 expected in each of the four cells */
    assert_true(c.enough && c.equal);
    assert_near(c.p, 1, 0);
    assert_int_equal(c.needed, 0);
    assert_true(lp_statistics_compare(4, 10, 5, 10, 1, &c)); /* 4.5 */
    assert_false(c.enough);
    assert_true(lp_statistics_compare(5, 1000, 4, 900, 1, &c)); /* few events in many mails */
    assert_false(c.enough);
    assert_true(c.needed > 1000);
    assert_true(lp_statistics_compare(0, 100, 0, 100, 1, &c)); /* nothing at all happened */
    assert_false(c.enough);
    assert_true(c.equal);
    assert_true(lp_statistics_compare(100, 100, 100, 100, 1, &c));
    assert_false(c.enough);
    assert_true(
        lp_statistics_compare(1, 3, 100, 300, 1, &c)); /* one fraction, two doubles or not */
    assert_true(c.equal);
    assert_false(lp_statistics_compare(1, 0, 1, 2, 1, &c));
    assert_false(lp_statistics_compare(1, 2, 3, 2, 1, &c));
}

static void compare_is_antisymmetric(void **state)
{
    struct lp_rates_compared one, other;
    (void)state;
    assert_true(lp_statistics_compare(30, 200, 45, 180, 1, &one));
    assert_true(lp_statistics_compare(45, 180, 30, 200, 1, &other));
    assert_near(one.z, -other.z, 1e-12);
    assert_near(one.p, other.p, 1e-12);
    assert_int_equal(one.needed, other.needed);
}

/* The manual of R's power.prop.test: n = 50, 0.50 against 0.75 has power 0.740; power 0.90 needs n =
 * 76.7. The manual of JMP, "Two Sample Proportions": 0.08 against 0.06 with power 0.8 needs 2554. */
static void sample_agrees_with_the_manuals_of_r_and_jmp(void **state)
{
    struct lp_rates_compared c;
    (void)state;
    assert_near(lp_statistics_sample(0.50, 0.75, 1, 0.90), 76.7, 0.05);
    assert_near(lp_statistics_sample(0.50, 0.75, 1, 0.740), 50, 0.1);
    assert_near(ceil(lp_statistics_sample(0.08, 0.06, 1, 0.8)), 2554, 0);
    assert_true(lp_statistics_compare(8, 100, 6, 100, 1, &c));
    assert_int_equal(c.needed, 2554);
    assert_near(lp_statistics_sample(0.3, 0.3, 1, 0.8), 0, 0);
    /* Picked from 15 pairs: Fleiss' formula with z of 0.05 / 30, by Python's statistics.NormalDist. */
    assert_near(lp_statistics_sample(0.08, 0.06, 15, 0.8), 4641.464137, 1e-5);
}

/* Any table of the normal distribution. */
static void normal_distribution(void **state)
{
    (void)state;
    assert_near(lp_statistics_quantile(0.975), 1.959964, 0.0000005);
    assert_near(lp_statistics_quantile(0.8), 0.841621, 0.0000005);
    assert_near(lp_statistics_quantile(0.5), 0, 1e-15);
    assert_near(lp_statistics_quantile(0.001), -3.090232, 0.0000005);
    assert_near(lp_statistics_two_sided(1.959964), 0.05, 0.0000001);
    assert_near(lp_statistics_two_sided(-2.575829), 0.01, 0.0000001);
    assert_near(lp_statistics_two_sided(0), 1, 0);
    assert_true(isinf(lp_statistics_quantile(0)) && isinf(lp_statistics_quantile(1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wilson_agrees_with_newcombe_1998),
        cmocka_unit_test(wilson_has_no_answer_for_what_is_no_rate),
        cmocka_unit_test(wilson_is_inside_0_and_1_and_symmetric),
        cmocka_unit_test(compare_agrees_with_the_physicians_health_study),
        cmocka_unit_test(compare_agrees_with_the_helsinki_heart_study),
        cmocka_unit_test(compare_says_when_there_is_not_enough_data),
        cmocka_unit_test(compare_is_antisymmetric),
        cmocka_unit_test(sample_agrees_with_the_manuals_of_r_and_jmp),
        cmocka_unit_test(normal_distribution),
    };
    return cmocka_run_group_tests_name("analytics/statistics", tests, NULL, NULL);
}
