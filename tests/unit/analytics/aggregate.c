#include "report_fixture.h"

/* --- events ------------------------------------------------------------------------------------ */

static void events_count_once_by_contact_job_and_type(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    event(&t, "email_sent", "a@b.de", "j1");
    event(&t, "email_sent", "A@B.DE", "j1");
    event(&t, "email_opened", "a@b.de", "j1");
    event(&t, "email_opened", "a@b.de", "j1");
    event(&t, "link_clicked", "a@b.de", "j1");
    event(&t, "email_sent", "a@b.de", "j2");
    event(&t, "bounce", "a@b.de", "j2");
    event(&t, "email_sent", "c@b.de", "j3");
    event(&t, "converted", "c@b.de", "j3");
    struct lp_str r = finish(&t), c = look(r, "campaigns.0");
    is(c, "sent", "3");
    is(c, "bounces", "1");
    is(c, "impressions", "2"); /* what bounced was seen by nobody */
    is(c, "opens", "1");
    is(c, "clicks", "1");
    is(c, "engagements", "1"); /* an opening and a click of one mail */
    is(c, "conversions", "1");
    is(c, "contacts.targeted", "2");
    is(c, "contacts.engaged", "1");
    is(c, "channels.0.channel", "\"email\"");
    is(c, "channels.0.source", "\"events\"");
    assert_int_equal(t.a->events_added - t.a->events_counted, 2);
    is(r, "timeline.buckets.0.from", "\"2026-01-05\"");
    is(r, "timeline.buckets.0.engagements", "1");
    stop(&t);
}

static void metrics_win_over_events_of_their_channel(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    event(&t, "email_sent", "a@b.de", "j1");
    metric(&t, "c", "email", 70, 7);
    struct lp_str r = finish(&t);
    is(r, "campaigns.0.impressions", "70");
    is(r, "campaigns.0.channels.0.source", "\"metrics\"");
    is(r, "campaigns.0.contacts.targeted", "1");
    is(r, "timeline.buckets", "[]");
    stop(&t);
}

static void an_event_has_its_campaign_from_its_job(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, "{\"kind\":\"event\",\"engagement_type\":\"email_opened\",\"email\":\"a@b.de\","
              "\"job_id\":\"j1\",\"timestamp\":\"2026-01-06T10:00:00Z\"}");
    taken(&t, "{\"kind\":\"job\",\"status\":\"published\",\"contact_email\":\"a@b.de\","
              "\"job_id\":\"j1\",\"campaign_id\":\"spring\",\"channel\":\"mail\"}");
    struct lp_str r = finish(&t);
    is(r, "campaigns.0.campaign_id", "\"spring\"");
    is(r, "campaigns.0.channels.0.channel", "\"mail\"");
    is(r, "campaigns.0.opens", "1");
    is(r, "summary.campaigns", "1");
    stop(&t);
}

/* What is not counted itself tells it all the same: the mail of last month, the job that failed. */
static void an_event_has_its_campaign_from_a_job_that_is_not_counted(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    t.s.period[0] = (struct lp_period){1767571200000, INT64_MAX}; /* from 2026-01-05 */
    taken(&t, "{\"kind\":\"event\",\"engagement_type\":\"email_opened\",\"email\":\"a@b.de\","
              "\"job_id\":\"j1\",\"timestamp\":\"2026-01-06T10:00:00Z\"}");
    assert_int_equal(
        take(&t, "{\"kind\":\"job\",\"status\":\"published\",\"contact_email\":\"A@b.de\","
                 "\"job_id\":\"j1\",\"campaign_id\":\"spring\",\"channel\":\"mail\","
                 "\"published_time\":\"2026-01-04T10:00:00Z\"}"),
        LP_TAKEN_OUTSIDE);
    taken(&t, "{\"kind\":\"event\",\"engagement_type\":\"bounce\",\"email\":\"c@b.de\","
              "\"job_id\":\"j2\",\"timestamp\":\"2026-01-06T10:00:00Z\"}");
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            take(&t, "{\"kind\":\"job\",\"status\":\"unknown\",\"contact_email\":\"c@b.de\","
                     "\"job_id\":\"j2\",\"campaign_id\":\"spring\",\"channel\":\"mail\"}"),
            LP_TAKEN_OTHER);
    assert_int_equal(
        take(&t, "{\"kind\":\"job\",\"status\":\"failed\",\"contact_email\":\"c@b.de\","
                 "\"job_id\":\"j3\",\"campaign_id\":\"autumn\",\"channel\":\"mail\"}"),
        LP_TAKEN_OTHER);
    struct lp_str r = finish(&t);
    is(r, "campaigns.0.campaign_id", "\"spring\"");
    is(r, "campaigns.0.channels.0.channel", "\"mail\"");
    is(r, "campaigns.0.opens", "1");
    is(r, "campaigns.0.bounces", "1");
    is(r, "campaigns.0.sent", "0");
    is(r, "summary.campaigns", "1");
    assert_int_equal(lp_json_count(look(r, "campaigns")), 1);
    assert_int_equal(t.a->events_added - t.a->events_counted, 0);
    assert_true(lp_aggregate_holds(t.a, LP_STR("spring")));
    assert_false(lp_aggregate_holds(t.a, LP_STR("autumn")));
    stop(&t);
}

/* Whichever of them is read first. */
static void records_that_contradict_each_other_count_the_same_in_any_order(void **state)
{
    static const char *const said[] = {
        "{\"kind\":\"event\",\"engagement_type\":\"email_opened\",\"email\":\"a@b.de\","
        "\"job_id\":\"j1\",\"campaign_id\":\"autumn\",\"channel\":\"a\"}",
        "{\"kind\":\"event\",\"engagement_type\":\"email_sent\",\"email\":\"a@b.de\","
        "\"job_id\":\"j1\",\"campaign_id\":\"winter\",\"channel\":\"x\"}",
        "{\"kind\":\"event\",\"engagement_type\":\"email_sent\",\"email\":\"a@b.de\","
        "\"job_id\":\"j1\",\"campaign_id\":\"spring\",\"channel\":\"y\"}",
    };
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct fixture t;
        size_t first = i / 2, second = (first + 1 + i % 2) % 3;
        start(&t);
        taken(&t, said[first]);
        taken(&t, said[second]);
        taken(&t, said[3 - first - second]);
        struct lp_str r = finish(&t);
        is(r, "summary.campaigns", "1");
        is(r, "campaigns.0.campaign_id", "\"spring\"");
        is(r, "campaigns.0.channels.0.channel", "\"x\"");
        stop(&t);
    }
}

static void a32_only_the_period_is_counted(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    t.s.period[0] = (struct lp_period){1767571200000, 1767657600000}; /* 2026-01-05 */
    event(&t, "email_sent", "a@b.de", "j1");
    assert_int_equal(take(&t, "{\"kind\":\"event\",\"engagement_type\":\"email_opened\",\"email\":"
                              "\"a@b.de\",\"timestamp\":\"2026-01-06T00:00:00Z\"}"),
        LP_TAKEN_OUTSIDE);
    assert_int_equal(take(&t, "{\"kind\":\"metric\",\"campaign_id\":\"d\",\"channel\":\"x\","
                              "\"metrics\":{\"clicks\":1}}"),
        LP_TAKEN_UNTIMED);
    struct lp_str r = finish(&t);
    is(r, "summary.campaigns", "1");
    is(r, "summary.sent", "1");
    is(r, "summary.opens", "0");
    is(r, "period.since", "\"2026-01-05T00:00:00Z\"");
    stop(&t);
}

/* --- contacts ---------------------------------------------------------------------------------- */

static void a27_a28_a_contact_counts_once_and_later_counters_replace(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(&t, "{\"email\":\"Ann@B\xC3\xBC"
              "cher.example\",\"emails_sent\":10,\"emails_opened\":10}");
    taken(&t, "{\"email\":\"x@y.de\",\"emails_sent\":10,\"emails_opened\":10}");
    taken(&t, "{\"email\":\"ann@xn--bcher-kva.example\",\"emails_sent\":10,\"emails_opened\":5}");
    struct lp_str r = look(finish(&t), "contacts");
    is(r, "total", "2");
    is(r, "top.0.email", "\"x@y.de\"");
    is(r, "top.0.ltv", "40");
    is(r, "top.1.ltv", "20");
    assert_int_equal(t.a->contacts.repeated, 1);
    stop(&t);
}

static void a19_a20_a21_contacts_by_tier_and_the_top(void **state)
{
    static const char *const lines[] = {
        "{\"email\":\"d@x.de\",\"emails_sent\":100,\"emails_opened\":50,\"clicks\":25,"
        "\"conversions\":5}",
        "{\"email\":\"c@x.de\",\"emails_sent\":100,\"emails_opened\":99,\"clicks\":50,"
        "\"conversions\":25}",
        "{\"email\":\"b@x.de\",\"score\":{\"ltv\":60,\"tier\":\"medium\"}}",
        "{\"email\":\"a@x.de\",\"score\":{\"ltv\":60,\"tier\":\"medium\"}}",
        "{\"email\":\"e@x.de\"}",
    };
    struct fixture t;
    (void)state;
    start(&t);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        taken(&t, lines[i]);
    rejected(&t, "{\"email\":\"f@x.de\",\"score\":{\"ltv\":101}}", "bad_score");
    struct lp_str r = look(finish(&t), "contacts");
    is(r, "total", "5");
    is(r, "by_tier", "{\"high\":1,\"medium\":2,\"low\":1,\"inactive\":1}");
    is(r, "top.0.email", "\"c@x.de\"");
    is(r, "top.0.ltv", "79.6");
    is(r, "top.0.company", "null");
    is(r, "top.1.email", "\"a@x.de\"");
    is(r, "top.2.email", "\"b@x.de\"");
    assert_int_equal(lp_json_count(look(r, "top")), 3);
    stop(&t);
}

static void events_score_a_contact_without_score(void **state)
{
    struct fixture t;
    (void)state;
    start(&t);
    taken(
        &t, "{\"email\":\"a@b.de\",\"emails_sent\":10,\"emails_opened\":0,\"first_name\":\"Ann\"}");
    event(&t, "email_sent", "a@b.de", "j1");
    event(&t, "email_opened", "a@b.de", "j1");
    struct lp_str r = look(finish(&t), "contacts");
    is(r, "top.0.ltv", "40");
    is(r, "top.0.first_name", "\"Ann\"");
    stop(&t);
}

static void the_funnel_counts_who_came_at_least_so_far(void **state)
{
    static const char *const status[] = {"new", "new", "enriched", "verified", "engaged",
        "converted", "converted", "disqualified", "weird"};
    struct fixture t;
    char line[100];
    (void)state;
    start(&t);
    for (size_t i = 0; i < sizeof status / sizeof *status; i++) {
        snprintf(line, sizeof line, "{\"email\":\"p%zu@x.de\",\"status\":\"%s\"}", i, status[i]);
        taken(&t, line);
    }
    struct lp_str r = look(finish(&t), "funnel");
    is(r, "steps.0.reached", "7");
    is(r, "steps.1.reached", "5");
    is(r, "steps.2.reached", "4");
    is(r, "steps.4.reached", "2");
    is(r, "steps.4.of_previous.numerator", "2");
    is(r, "steps.4.of_previous.denominator", "3");
    is(r, "disqualified", "1");
    is(r, "other", "1");
    stop(&t);
}

/* Spilling changes nothing but the memory that is needed. */
static void the_same_beyond_the_bound_of_memory(void **state)
{
    struct fixture t[2];
    char line[300];
    (void)state;
    for (int k = 0; k < 2; k++) {
        start(&t[k]);
        t[k].s.memory = k ? 8192 : 0;
        for (int i = 0; i < 4000; i++) {
            snprintf(line, sizeof line,
                "{\"email\":\"p%d@x.de\",\"status\":\"new\",\"emails_sent\":%d,\"emails_opened\":%"
                "d}",
                i % 1500, i % 50 + 1, i % 37);
            taken(&t[k], line);
            snprintf(line, sizeof line, "p%d@x.de", i * 7 % 1500);
            event(&t[k], i % 3 ? "email_sent" : "email_opened", line, i % 2 ? "j1" : "j2");
        }
        finish(&t[k]);
    }
    assert_true(t[1].a->people.runs > 1);
    assert_true(lp_str_eq(lp_buf_view(&t[0].json), lp_buf_view(&t[1].json)));
    stop(&t[0]);
    stop(&t[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_count_once_by_contact_job_and_type),
        cmocka_unit_test(metrics_win_over_events_of_their_channel),
        cmocka_unit_test(an_event_has_its_campaign_from_its_job),
        cmocka_unit_test(an_event_has_its_campaign_from_a_job_that_is_not_counted),
        cmocka_unit_test(records_that_contradict_each_other_count_the_same_in_any_order),
        cmocka_unit_test(a32_only_the_period_is_counted),
        cmocka_unit_test(a27_a28_a_contact_counts_once_and_later_counters_replace),
        cmocka_unit_test(a19_a20_a21_contacts_by_tier_and_the_top),
        cmocka_unit_test(events_score_a_contact_without_score),
        cmocka_unit_test(the_funnel_counts_who_came_at_least_so_far),
        cmocka_unit_test(the_same_beyond_the_bound_of_memory),
    };
    return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
