#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "leadpipe/json.h"
#include "leadpipe/score.h"

#define UNIT LP_SCORE_UNIT

static struct lp_score_settings preset(void)
{
    struct lp_score_settings s;
    lp_score_defaults(&s);
    return s;
}

static struct lp_score score_with(const struct lp_score_settings *s, int64_t sent, int64_t opened,
    int64_t clicks, int64_t conversions)
{
    struct lp_counters c = {
        sent, opened, clicks, conversions, {(double)opened, (double)clicks, (double)conversions}};
    struct lp_score out;
    lp_score_of(s, &c, &out);
    return out;
}

static struct lp_score score(int64_t sent, int64_t opened, int64_t clicks, int64_t conversions)
{
    struct lp_score_settings s = preset();
    return score_with(&s, sent, opened, clicks, conversions);
}

/* The reference points of the specification, exactly. */
static void a15_ltv_at_the_reference_points(void **state)
{
    static const struct {
        int64_t sent, opened, clicks, conversions, tenths;
        const char *tier;
    } points[] = {
        {100, 50, 25, 5, 480, "low"},
        {100, 99, 50, 25, 796, "high"},
        {100, 80, 50, 10, 600, "medium"},
        {100, 40, 10, 3, 400, "low"},
        {50, 10, 0, 0, 80, "inactive"},
        {15, 12, 8, 2, 500, "medium"},
        {10, 10, 0, 0, 400, "low"},
        {0, 0, 0, 0, 0, "inactive"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        struct lp_score s =
            score(points[i].sent, points[i].opened, points[i].clicks, points[i].conversions);
        assert_int_equal(s.ltv, points[i].tenths * (UNIT / 10));
        assert_string_equal(lp_score_tier_name(s.tier), points[i].tier);
    }
}

static void a12_open_rate(void **state)
{
    (void)state;
    assert_true(score(100, 50, 25, 5).engagement_rate == 0.5);
    assert_true(score(0, 50, 25, 5).engagement_rate == 0);
}

static void a13_click_rate(void **state)
{
    (void)state;
    assert_true(score(100, 50, 25, 5).click_rate == 0.5);
    assert_true(score(100, 0, 25, 5).click_rate == 0);
}

static void a14_conversion_rate(void **state)
{
    (void)state;
    assert_true(score(100, 40, 10, 3).conversion_rate == 0.3);
    assert_true(score(100, 40, 0, 3).conversion_rate == 0);
}

static void conversions_normalised_reaches_1_at_the_cap(void **state)
{
    struct lp_score_settings s = preset();
    (void)state;
    assert_true(score(100, 40, 10, 3).conversions_normalised == 0.6);
    assert_true(score(100, 40, 10, 5).conversions_normalised == 1);
    assert_true(score(100, 40, 10, 9).conversions_normalised == 1);
    s.cap = 12;
    assert_true(score_with(&s, 100, 40, 10, 3).conversions_normalised == 0.25);
}

static void more_than_possible_is_capped(void **state)
{
    (void)state;
    struct lp_score s = score(10, 300, 400, 500);
    assert_true(s.engagement_rate == 1 && s.click_rate == 1 && s.conversion_rate == 1);
    assert_true(s.ltv == 100 * (int64_t)UNIT);
    s = score(INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX);
    assert_true(s.ltv == 100 * (int64_t)UNIT);
}

static void a16_the_four_tiers_and_their_bounds(void **state)
{
    struct lp_score_settings s = preset();
    const int64_t unit = UNIT;
    (void)state;
    assert_int_equal(lp_score_tier(&s, 100 * unit), LP_SCORE_HIGH);
    assert_int_equal(lp_score_tier(&s, 75 * unit), LP_SCORE_HIGH);
    assert_int_equal(lp_score_tier(&s, 75 * unit - 1), LP_SCORE_MEDIUM);
    assert_int_equal(lp_score_tier(&s, 50 * unit), LP_SCORE_MEDIUM);
    assert_int_equal(lp_score_tier(&s, 50 * unit - 1), LP_SCORE_LOW);
    assert_int_equal(lp_score_tier(&s, 25 * unit), LP_SCORE_LOW);
    assert_int_equal(lp_score_tier(&s, 25 * unit - 1), LP_SCORE_INACTIVE);
    assert_int_equal(lp_score_tier(&s, 0), LP_SCORE_INACTIVE);
}

/* Wherever thirds and sevenths land, the terms add up, and the printed value times weight is off by no
 * more than its last digit. */
static void points_add_up(void **state)
{
    struct lp_score_settings s = preset();
    (void)state;
    assert_int_equal(
        lp_score_flags(&s, "engagement=0.333333333,conversion=0.333333333,volume=0.333333334", NULL,
            NULL, &(struct lp_err){0}),
        0);
    for (int64_t sent = 1; sent < 20; sent++) {
        for (int64_t opened = 0; opened <= sent; opened++) {
            struct lp_score got = score_with(&s, sent, opened, 7, opened % 8);
            int64_t sum = 0;
            for (int i = 0; i < LP_SCORE_TERMS; i++)
                sum += got.points[i];
            assert_true(sum == got.ltv && sum >= 0 && sum <= 100 * (int64_t)UNIT);
            double exact = 100 * (double)s.weight[0] * (double)opened / (double)sent;
            assert_true(fabs((double)got.points[0] - exact) <= 0.5000001);
        }
    }
}

static void a_half_life_scales_the_score(void **state)
{
    struct lp_score_settings s = preset();
    struct lp_counters c = {100, 50, 25, 5, {25, 12.5, 2.5}};
    struct lp_score half;
    (void)state;
    lp_score_of(&s, &c, &half);
    assert_true(half.ltv == 24 * (int64_t)UNIT); /* of 48 */
    assert_true(half.click_rate == 0.25);
}

static void a11_the_member_as_it_is_written(void **state)
{
    struct lp_score_settings s = preset();
    struct lp_score got = score(3, 2, 1, 0);
    struct lp_buf b = {0};
    (void)state;
    lp_score_put(&b, &s, &got, LP_STR("2026-01-31T10:00:00Z"));
    assert_string_equal(b.p,
        "{\"ltv\":26.666666667,\"tier\":\"low\",\"engagement_rate\":0.666666667,\"click_rate\":0.5,"
        "\"conversion_rate\":0,\"conversions_normalised\":0,\"explain\":["
        "{\"term\":\"engagement_rate\",\"weight\":0.4,\"value\":0.666666667,\"points\":26."
        "666666667},"
        "{\"term\":\"conversion_rate\",\"weight\":0.4,\"value\":0,\"points\":0},"
        "{\"term\":\"conversions_normalised\",\"weight\":0.2,\"value\":0,\"points\":0}],"
        "\"as_of\":\"2026-01-31T10:00:00Z\"}");
    assert_true(lp_json_check(lp_buf_view(&b), &(size_t){0}, &(const char *){NULL}));
    lp_buf_reset(&b);
    got = score(1000000000, 1, 1, 1);
    lp_score_put(&b, &s, &got, LP_STR("t"));
    assert_non_null(strstr(b.p, "\"engagement_rate\":0.000000001,"));
    assert_non_null(strstr(b.p, "{\"ltv\":44.00000004,"));
    lp_buf_free(&b);
}

static int configure(struct lp_score_settings *s, const char *object, struct lp_err *err)
{
    *err = (struct lp_err){0};
    *s = preset();
    return lp_score_configure(s, lp_str(object), err);
}

static void settings_from_the_configuration(void **state)
{
    struct lp_score_settings s;
    struct lp_err err;
    (void)state;
    assert_int_equal(configure(&s,
                         "{\"weights\":{\"engagement\":0.5,\"conversion\":0.25,"
                         "\"volume\":0.25},\"bounds\":{\"conversions\":10},"
                         "\"tiers\":{\"high\":90},\"half_life_days\":30.5}",
                         &err),
        0);
    assert_int_equal(s.weight[LP_SCORE_ENGAGEMENT], UNIT / 2);
    assert_int_equal(s.weight[LP_SCORE_VOLUME], UNIT / 4);
    assert_true(s.cap == 10 && s.half_life_days == 30.5);
    assert_true(s.tier[LP_SCORE_HIGH] == 90 * (int64_t)UNIT);
    assert_true(s.tier[LP_SCORE_LOW] == 25 * (int64_t)UNIT);
    assert_int_equal(lp_score_check(&s, LP_ERR_CONFIG, &err), 0);
}

static void a_wrong_setting_is_named(void **state)
{
    static const struct {
        const char *object, *message;
    } wrong[] = {
        {"{\"weight\":{}}", "score.weight: unknown key"},
        {"{\"a very long name indeed\":{}}", "score.a very long name indeed: unknown key"},
        {"{\"weights\":[]}", "score.weights: must be an object"},
        {"{\"weights\":{\"opens\":1}}", "score.weights.opens: unknown key"},
        {"{\"weights\":{\"volume\":\"1\"}}", "score.weights.volume: must be a number"},
        {"{\"weights\":{\"volume\":1.1}}", "score.weights.volume: must be from 0 to 1"},
        {"{\"weights\":{\"volume\":-0.1}}", "score.weights.volume: must be from 0 to 1"},
        {"{\"tiers\":{\"low\":101}}", "score.tiers.low: must be from 0 to 100"},
        {"{\"bounds\":{\"conversions\":0}}",
            "score.bounds.conversions: must be above 0, up to 1000000000"},
        {"{\"half_life_days\":0}", "score.half_life_days: must be a number of days above 0"},
        {"{\"half_life_days\":\"9\"}", "score.half_life_days: must be a number of days above 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lp_score_settings s;
        struct lp_err err;
        assert_int_equal(configure(&s, wrong[i].object, &err), -1);
        assert_int_equal(err.kind, LP_ERR_CONFIG);
        assert_string_equal(err.msg, wrong[i].message);
    }
}

static void a_wrong_flag_is_named(void **state)
{
    static const struct {
        const char *weights, *bounds, *tiers, *message;
    } wrong[] = {
        {"opens=1", NULL, NULL, "--weights opens=1: is to be one of the names there are"},
        {"engagement", NULL, NULL, "--weights engagement: is to be NAME=NUMBER"},
        {"engagement=,volume=1", NULL, NULL, "--weights engagement=: is to be NAME=NUMBER"},
        {"volume=0.2,engagement=2", NULL, NULL, "--weights engagement=2: is to be from 0 to 1"},
        {NULL, "conversions=0", NULL, "--bounds conversions=0: is to be above 0, up to 1000000000"},
        {NULL, "conversions=-5", NULL,
            "--bounds conversions=-5: is to be above 0, up to 1000000000"},
        {NULL, NULL, "top=75", "--tiers top=75: is to be one of the names there are"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct lp_score_settings s = preset();
        struct lp_err err = {0};
        assert_int_equal(
            lp_score_flags(&s, wrong[i].weights, wrong[i].bounds, wrong[i].tiers, &err), -1);
        assert_int_equal(err.kind, LP_ERR_USAGE);
        assert_string_equal(err.msg, wrong[i].message);
    }
}

static void settings_have_to_make_sense_together(void **state)
{
    struct lp_score_settings s = preset();
    struct lp_err err = {0};
    (void)state;
    assert_int_equal(lp_score_flags(&s, "engagement=1", NULL, NULL, &err), 0);
    assert_int_equal(lp_score_check(&s, LP_ERR_USAGE, &err), -1);
    assert_string_equal(err.msg, "--weights: they add up to 1.6, not to 1");
    err = (struct lp_err){0};
    s = preset();
    assert_int_equal(lp_score_flags(&s, NULL, NULL, "medium=80", &err), 0);
    assert_int_equal(lp_score_check(&s, LP_ERR_CONFIG, &err), -1);
    assert_string_equal(err.msg, "score.tiers: high is to be above medium, and medium above low");
    err = (struct lp_err){0};
    s = preset(); /* rounded thirds are a billionth short, and good enough */
    assert_int_equal(
        lp_score_flags(&s, "engagement=0.33333333333,conversion=0.33333333333,volume=0.33333333333",
            NULL, NULL, &err),
        0);
    assert_int_equal(lp_score_check(&s, LP_ERR_USAGE, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a15_ltv_at_the_reference_points),
        cmocka_unit_test(a12_open_rate),
        cmocka_unit_test(a13_click_rate),
        cmocka_unit_test(a14_conversion_rate),
        cmocka_unit_test(conversions_normalised_reaches_1_at_the_cap),
        cmocka_unit_test(more_than_possible_is_capped),
        cmocka_unit_test(a16_the_four_tiers_and_their_bounds),
        cmocka_unit_test(points_add_up),
        cmocka_unit_test(a_half_life_scales_the_score),
        cmocka_unit_test(a11_the_member_as_it_is_written),
        cmocka_unit_test(settings_from_the_configuration),
        cmocka_unit_test(a_wrong_setting_is_named),
        cmocka_unit_test(a_wrong_flag_is_named),
        cmocka_unit_test(settings_have_to_make_sense_together),
    };
    return cmocka_run_group_tests_name("analytics/score", tests, NULL, NULL);
}
