#include "report_fixture.h"

/* --- metrics ----------------------------------------------------------------------------------- */

static void a01_a_snapshot_of_metrics(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, ONE_METRIC);
    struct lp_str r = finish(&t), c = look(r, "campaigns.0.channels.0");
    is(c, "channel", "\"linkedin\"");
    is(c, "source", "\"metrics\"");
    is(c, "impressions", "1000");
    is(c, "clicks", "50");
    is(c, "engagements", "100");
    is(c, "conversions", "5");
    is(c, "shares", "4");
    is(c, "comments", "3");
    is(c, "replies", "2");
    is(c, "opens", "1");
    is(c, "bounces", "6");
    stop(&t);
}

static void a02_negative_counters_are_rejects(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    rejected(&t,
        "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\",\"metrics\":{\"clicks\":-1}}",
        "bad_counter");
    assert_string_equal(t.field, "metrics");
    rejected(&t,
        "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\",\"metrics\":{\"clicks\":1.5}"
        "}",
        "bad_counter");
    rejected(&t, "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\"}", "bad_counter");
    rejected(&t, "{\"kind\":\"contact\",\"email\":\"a@b.de\",\"clicks\":-1}", "bad_counter");
    assert_string_equal(t.field, "clicks");
    is(finish(&t), "summary.campaigns", "0");
    stop(&t);
}

static void a03_a04_a05_rates_of_a_channel(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, ONE_METRIC);
    struct lp_str r = finish(&t), c = look(r, "campaigns.0.channels.0");
    is(c, "ctr.value", "0.05");
    is(c, "ctr.numerator", "50");
    is(c, "ctr.denominator", "1000");
    /* Wilson's interval of 50 in 1000, by arithmetic of 40 digits */
    is(c, "ctr.low", "0.038130262");
    is(c, "ctr.high", "0.06531382");
    is(c, "engagement_rate.value", "0.1");
    is(c, "conversion_rate.value", "0.1");
    stop(&t);
}

static void a06_repeated_metrics_add_up(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, ONE_METRIC);
    taken(&t, ONE_METRIC);
    taken(&t, ONE_METRIC);
    is(finish(&t), "summary.impressions", "3000");
    stop(&t);
}

static void more_than_there_was_occasion_for_has_no_interval(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    metric(&t, "c", "x", 10, 20);
    struct lp_str r = finish(&t);
    is(r, "channels.0.engagement_rate.value", "2");
    is(r, "channels.0.engagement_rate.low", "null");
    is(r, "channels.0.engagement_rate.high", "null");
    stop(&t);
}

/* --- campaigns --------------------------------------------------------------------------------- */

static void a07_a25_a_campaign_is_made_by_what_names_it(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, ONE_METRIC);
    taken(&t, "{\"kind\":\"contact\",\"email\":\"a@b.de\",\"imported_from_campaign\":\"autumn\"}");
    struct lp_str r = finish(&t);
    is(r, "summary.campaigns", "2");
    is(r, "campaigns.0.campaign_id", "\"autumn\"");
    is(r, "campaigns.0.contacts.targeted", "1");
    is(r, "campaigns.1.campaign_id", "\"spring\"");
    is(r, "campaigns.1.campaign_name", "\"Spring\"");
    stop(&t);
}

static void a08_a26_a_campaign_adds_up_its_channels(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    metric(&t, "c", "x", 100, 10);
    metric(&t, "c", "y", 300, 10);
    struct lp_str r = finish(&t);
    is(r, "campaigns.0.impressions", "400");
    is(r, "campaigns.0.engagement_rate.value", "0.05");
    stop(&t);
}

static void a09_a30_a31_channels_are_ranked_ties_by_name(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    metric(&t, "c", "b", 100, 10);
    metric(&t, "c", "a", 200, 20);
    metric(&t, "c", "best", 50, 40);
    metric(&t, "c", "worst", 1000, 1);
    metric(&t, "c", "silent", 0, 0);
    struct lp_str r = look(finish(&t), "campaigns.0");
    is(r, "best_channel", "\"best\"");
    is(r, "worst_channel", "\"worst\"");
    is(r, "channels.0.channel", "\"best\"");
    is(r, "channels.1.channel", "\"a\"");
    is(r, "channels.2.channel", "\"b\"");
    is(r, "channels.3.channel", "\"worst\"");
    is(r, "channels.4.channel", "\"silent\"");
    is(r, "channels.4.rank", "5");
    stop(&t);
}

static void a29_campaigns_are_compared(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    metric(&t, "good", "x", 1000, 200);
    metric(&t, "bad", "x", 1000, 100);
    metric(&t, "also-bad", "x", 500, 50);
    struct lp_str r = look(finish(&t), "comparison.engagement_rate");
    is(r, "campaigns", "3");
    is(r, "mean", "0.133333333");
    is(r, "best.campaign_id", "\"good\"");
    is(r, "worst.campaign_id", "\"bad\"");
    is(r, "evidence.verdict", "\"different\"");
    is(r, "evidence.picked_from_pairs", "3");
    stop(&t);
}

static void a10_conversions_per_cost(void **state)
{
    struct fixture t;
    char line[200];
    (void)state;
    start(&t);
    t.f.cost_per_contact = 0.5;
    memcpy(t.f.currency, "EUR", 4);
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof line,
            "{\"email\":\"p%d@b.de\",\"imported_from_campaign\":\"c\",\"verification\":{"
            "\"status\":\"%s\"}}",
            i, i < 80 ? "valid" : "invalid");
        taken(&t, line);
    }
    taken(&t, "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\",\"metrics\":{"
              "\"conversions\":10}}");
    struct lp_str c = look(finish(&t), "campaigns.0");
    is(c, "cost", "50");
    is(c, "cost_basis", "\"per_contact\"");
    is(c, "conversions_per_cost", "20");
    is(c, "cost_per_contact", "0.5");
    is(c, "cost_per_valid_address", "0.625");
    is(c, "cost_per_conversion", "5");
    is(c, "roi_percent", "null");
    stop(&t);
}

static void spend(struct fixture *t, const char *kind, const char *amount, const char *currency)
{
    char line[200];
    snprintf(line, sizeof line,
        "{\"kind\":\"%s\",\"campaign_id\":\"c\",\"amount\":%s,\"currency\":\"%s\"}", kind, amount,
        currency);
    taken(t, line);
}

static void roi_where_revenue_is_known(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    spend(&t, "spend", "0.10", "EUR");
    spend(&t, "spend", "0.20", "eur");
    spend(&t, "revenue", "0.45", "EUR");
    struct lp_str c = look(finish(&t), "campaigns.0");
    is(c, "cost", "0.3");
    is(c, "revenue", "0.45");
    is(c, "roi_percent", "50");
    stop(&t);
}

static void currencies_are_never_added(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    spend(&t, "spend", "10", "USD");
    spend(&t, "spend", "20", "EUR");
    spend(&t, "revenue", "50", "EUR");
    struct lp_str s = look(finish(&t), "summary");
    is(s, "cost", "null");
    is(s, "roi_percent", "null");
    is(s, "amounts",
        "[{\"currency\":\"EUR\",\"cost\":20,\"revenue\":50},"
        "{\"currency\":\"USD\",\"cost\":10,\"revenue\":null}]");
    stop(&t);
}

static void bad_money_is_rejected(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    rejected(&t, "{\"kind\":\"spend\",\"campaign_id\":\"c\",\"amount\":-1,\"currency\":\"EUR\"}",
        "bad_amount");
    rejected(&t, "{\"kind\":\"spend\",\"campaign_id\":\"c\",\"amount\":\"1\",\"currency\":\"EUR\"}",
        "bad_amount");
    rejected(&t, "{\"kind\":\"spend\",\"campaign_id\":\"c\",\"amount\":1,\"currency\":\"E\"}",
        "bad_currency");
    rejected(&t, "{\"kind\":\"spend\",\"amount\":1,\"currency\":\"EUR\"}", "no_campaign");
    rejected(
        &t, "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"metrics\":{\"clicks\":1}}", "no_channel");
    rejected(&t,
        "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\",\"at\":\"noon\",\"metrics\":{"
        "}}",
        "bad_time");
    stop(&t);
}

/* The parts are good, the sum of all campaigns would not be. */
static void what_cannot_be_added_up_is_rejected(void **state)
{
    static const char line[] = "{\"kind\":\"spend\",\"campaign_id\":\"%d\",\"amount\":1e12,"
                               "\"currency\":\"IDR\"}";
    struct fixture t;
    char text[sizeof line + 8];
    (void)state;
    start(&t);
    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text, line, i);
        if (i < 2)
            taken(&t, text);
        else
            rejected(&t, text, "bad_amount");
    }
    is(finish(&t), "summary.cost", "2000000000000");
    stop(&t);
}

static void counts_end_where_numbers_do(void **state)
{
    struct fixture t;
    char line[200];
    (void)state;
    start(&t);
    for (int i = 0; i < 2050; i++) { /* 2^11 times 2^53 would be 0 again */
        snprintf(line, sizeof line,
            "{\"kind\":\"metric\",\"campaign_id\":\"%d\",\"channel\":\"x\",\"at\":\"2026-01-05\","
            "\"metrics\":{\"impressions\":9007199254740992}}",
            i);
        taken(&t, line);
    }
    struct lp_str r = finish(&t);
    is(r, "summary.impressions", "9007199254740992");
    is(r, "channels.0.impressions", "9007199254740992");
    is(r, "timeline.buckets.0.impressions", "9007199254740992");
    stop(&t);
}

/* --- the whole --------------------------------------------------------------------------------- */

static void a23_an_empty_stream_is_a_report_too(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    struct lp_str r = finish(&t);
    is(r, "summary.campaigns", "0");
    is(r, "summary.overall_ctr.value", "0");
    is(r, "summary.overall_ctr.low", "null");
    is(r, "best_channel", "null");
    is(r, "compare", "null");
    is(r, "next_steps", "[]");
    stop(&t);
}

static void a17_id_and_period_and_a24_the_same_bytes(void **state)
{
    struct fixture t[2];
    (void)state;
    for (int k = 0; k < 2; k++) {
        start(&t[k]);
        taken(&t[k], ONE_METRIC);
        finish(&t[k]);
    }
    assert_true(lp_str_eq(lp_buf_view(&t[0].json), lp_buf_view(&t[1].json)));
    struct lp_str r = lp_buf_view(&t[0].json), id = look(r, "report_id");
    assert_int_equal(id.n, 22);
    is(r, "as_of", "\"2026-01-31T10:00:00Z\"");
    is(r, "period.first", "\"2026-01-05T00:00:00Z\"");
    is(r, "period.last", "\"2026-01-05T00:00:00Z\"");
    stop(&t[0]);
    stop(&t[1]);
}

static void a18_a22_the_summary_adds_up_campaigns(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, ONE_METRIC);
    metric(&t, "other", "x", 1000, 0);
    taken(&t, "{\"email\":\"a@b.de\"}");
    struct lp_str r = look(finish(&t), "summary");
    is(r, "campaigns", "2");
    is(r, "contacts", "1");
    is(r, "impressions", "2000");
    is(r, "overall_ctr.value", "0.025");
    is(r, "overall_conversion_rate.value", "0.1");
    stop(&t);
}

/* However much there is to say of campaigns: what doubts all figures is not cut off behind it. */
static void rejects_are_the_first_thing_to_mend(void **state)
{
    struct fixture t;
    char name[16];
    (void)state;
    start(&t);
    t.f.input.rejects = 2;
    for (int i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "c%d", i);
        metric(&t, name, "x", 1000, 300);
        metric(&t, name, "y", 1000, 100);
    }
    struct lp_str steps = look(finish(&t), "next_steps");
    assert_int_equal(lp_json_count(steps), 20);
    is(steps, "0",
        "\"Mend the 2 records that were rejected, for these figures are short of what they say.\"");
    stop(&t);
}

static void two_campaigns_are_tested(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    metric(&t, "a", "x", 100, 20);
    metric(&t, "b", "x", 100, 40);
    t.f.compared = LP_COMPARED_CAMPAIGNS;
    t.f.label[0] = LP_STR("a");
    t.f.label[1] = LP_STR("b");
    struct lp_str r = look(finish(&t), "compare");
    is(r, "a.engagement_rate.value", "0.2");
    /* 20 and 40 of 100: z = -0.2 / sqrt(0.3 * 0.7 * 0.02); needed: 81.2, as in power.prop.test */
    is(r, "tests.engagement_rate.z", "-3.086066999");
    is(r, "tests.engagement_rate.verdict", "\"different\"");
    is(r, "tests.engagement_rate.needed_per_group", "82");
    is(r, "tests.ctr.verdict", "\"not enough data\"");
    is(r, "tests.conversion_rate.verdict", "\"not enough data\"");
    is(r, "tests.conversion_rate.z", "null");
    stop(&t);
}

static void two_periods_are_tested(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    assert_int_equal(lp_report_compare("2026-01-01..2026-01-06,2026-01-06..", &t.f.compared,
                         t.f.label, &t.s.period[LP_SLOT_A], &t.err),
        0);
    t.s.slots = LP_SLOTS;
    taken(&t, ONE_METRIC);
    event(&t, "email_sent", "a@b.de", "j1");
    taken(&t, "{\"kind\":\"event\",\"engagement_type\":\"email_sent\",\"email\":\"a@b.de\","
              "\"job_id\":\"j1\",\"timestamp\":\"2026-01-07T10:00:00Z\"}");
    struct lp_str r = finish(&t);
    is(r, "summary.sent", "1");
    is(r, "compare.what", "\"periods\"");
    is(r, "compare.a.impressions", "1001");
    is(r, "compare.a.until", "\"2026-01-06T00:00:00Z\"");
    is(r, "compare.b.impressions", "1");
    is(r, "compare.b.until", "null");
    stop(&t);
}

static void what_can_be_compared(void **state)
{
    enum lp_compared what;
    struct lp_str name[2];
    struct lp_period p[2];
    static const char *const wrong[] = {
        "a", "a,", ",b", "a,b,c", "2026-01-02..2026-01-01,..", "2026-01-01..noon,2026-01-01.."};
    (void)state;
    struct lp_err err = {0};
    assert_int_equal(lp_report_compare("spring,autumn", &what, name, p, &err), 0);
    assert_int_equal(what, LP_COMPARED_CAMPAIGNS);
    assert_true(lp_str_is(name[1], "autumn"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (struct lp_err){0};
        assert_int_equal(lp_report_compare(wrong[i], &what, name, p, &err), -1);
        assert_int_equal(err.kind, LP_ERR_USAGE);
    }
}

static void what_a_price_is(void **state)
{
    static const char *const wrong[] = {
        "", "EUR", "0.5", "-1EUR", "0EUR", "1eur", "x EUR", "1 EURO"};
    double amount;
    char currency[4];
    (void)state;
    assert_int_equal(lp_report_price(LP_STR("0.50 EUR"), &amount, currency), 0);
    assert_true(amount == 0.5);
    assert_string_equal(currency, "EUR");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(lp_report_price(lp_str(wrong[i]), &amount, currency), -1);
}

static void long_times_come_in_larger_steps(void **state)
{
    static const struct {
        const char *last, *unit, *first;
    } cases[] = {{"2026-01-10", "\"day\"", "\"2026-01-07\""},
        {"2026-04-10", "\"week\"", "\"2026-01-05\""}, {"2028-04-10", "\"month\"", "\"2026-01-01\""},
        {"2090-04-10", "\"year\"", "\"2026-01-01\""}};
    char line[300];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture t;
        const char *days[] = {"2026-01-07", cases[i].last};
        start(&t);
        for (int k = 0; k < 2; k++) {
            snprintf(line, sizeof line,
                "{\"kind\":\"metric\",\"campaign_id\":\"c\",\"channel\":\"x\",\"at\":\"%s\","
                "\"metrics\":{\"impressions\":5}}",
                days[k]);
            taken(&t, line);
        }
        struct lp_str r = look(finish(&t), "timeline");
        is(r, "unit", cases[i].unit);
        is(r, "buckets.0.from", cases[i].first);
        is(r, "buckets.0.impressions", "5");
        assert_true(lp_json_count(look(r, "buckets")) <= 70);
        stop(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a01_a_snapshot_of_metrics),
        cmocka_unit_test(a02_negative_counters_are_rejects),
        cmocka_unit_test(a03_a04_a05_rates_of_a_channel),
        cmocka_unit_test(a06_repeated_metrics_add_up),
        cmocka_unit_test(more_than_there_was_occasion_for_has_no_interval),
        cmocka_unit_test(a07_a25_a_campaign_is_made_by_what_names_it),
        cmocka_unit_test(a08_a26_a_campaign_adds_up_its_channels),
        cmocka_unit_test(a09_a30_a31_channels_are_ranked_ties_by_name),
        cmocka_unit_test(a29_campaigns_are_compared),
        cmocka_unit_test(a10_conversions_per_cost),
        cmocka_unit_test(roi_where_revenue_is_known),
        cmocka_unit_test(currencies_are_never_added),
        cmocka_unit_test(bad_money_is_rejected),
        cmocka_unit_test(what_cannot_be_added_up_is_rejected),
        cmocka_unit_test(counts_end_where_numbers_do),
        cmocka_unit_test(a23_an_empty_stream_is_a_report_too),
        cmocka_unit_test(a17_id_and_period_and_a24_the_same_bytes),
        cmocka_unit_test(a18_a22_the_summary_adds_up_campaigns),
        cmocka_unit_test(rejects_are_the_first_thing_to_mend),
        cmocka_unit_test(two_campaigns_are_tested),
        cmocka_unit_test(two_periods_are_tested),
        cmocka_unit_test(what_can_be_compared),
        cmocka_unit_test(what_a_price_is),
        cmocka_unit_test(long_times_come_in_larger_steps),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
