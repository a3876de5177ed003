#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/events.h"

static struct lp_rec rec;

static enum lp_event_is read_line(const char *line, struct lp_event *e, struct lp_err *err)
{
    struct lp_err bad = {0};
    *err = (struct lp_err){0};
    if (lp_rec_parse(&rec, line, strlen(line), &bad) < 0)
        fail_msg("%s: %s", line, bad.msg);
    return lp_events_read(&rec, e, err);
}

/* The table of events.h, row by row; what is not in it counts as nothing. */
static void what_counts_as_what(void **state)
{
    static const struct {
        const char *line, *name; /* NULL: nothing */
    } rows[] = {
        {"{'kind':'event','engagement_type':'email_sent','email':'a@b.test'}", "sent"},
        {"{'kind':'event','engagement_type':'email_delivered','email':'a@b.test'}", "delivered"},
        {"{'kind':'event','engagement_type':'email_opened','email':'a@b.test'}", "opened"},
        {"{'kind':'event','engagement_type':'link_clicked','email':'a@b.test'}", "clicked"},
        {"{'kind':'event','engagement_type':'reply_received','email':'a@b.test'}", "replied"},
        {"{'kind':'event','engagement_type':'bounce','email':'a@b.test'}", "bounced"},
        {"{'kind':'event','engagement_type':'email_bounced','email':'a@b.test'}", "bounced"},
        {"{'kind':'event','engagement_type':'unsubscribed','email':'a@b.test'}", "unsubscribed"},
        {"{'kind':'event','engagement_type':'converted','email':'a@b.test'}", "converted"},
        {"{'kind':'event','engagement_type':'website_visit','email':'a@b.test'}", NULL},
        {"{'kind':'event','engagement_type':7,'email':'a@b.test'}", NULL},
        {"{'kind':'event','email':'a@b.test'}", NULL},
        {"{'kind':'job','status':'published','contact_email':'a@b.test'}", "sent"},
        {"{'kind':'job','status':'queued_locally','contact_email':'a@b.test'}", NULL},
        {"{'kind':'job','status':'failed','contact_email':'a@b.test'}", NULL},
        {"{'kind':'job','status':'published','channel':'linkedin'}", NULL},
        {"{'kind':'reply','reply_class':'reply','contact_email':'a@b.test'}", "replied"},
        {"{'kind':'reply','reply_class':'reply','from_email':'a@b.test'}", "replied"},
        {"{'kind':'reply','reply_class':'bounce','contact_email':'a@b.test'}", "bounced"},
        {"{'kind':'reply','reply_class':'bounce','from_email':'mailer-daemon@mx.test',"
         "'bounce':{'kind':'hard','recipient':'a@b.test'}}",
            "bounced"},
        {"{'kind':'reply','reply_class':'unsubscribe','contact_email':'a@b.test'}", "unsubscribed"},
        {"{'kind':'reply','reply_class':'auto_reply','contact_email':'a@b.test'}", NULL},
        {"{'kind':'reply','reply_class':'complaint','contact_email':'a@b.test'}", NULL},
        {"{'kind':'metric','metrics':{'clicks':3}}", NULL},
        {"{'email':'a@b.test'}", NULL},
        {"{}", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lp_event e;
        struct lp_err err;
        char line[200];
        snprintf(line, sizeof line, "%s", rows[i].line);
        for (char *p = line; *p; p++)
            if (*p == '\'')
                *p = '"';
        enum lp_event_is is = read_line(line, &e, &err);
        if (is != (rows[i].name ? LP_EVENT_COUNTS : LP_EVENT_OTHER))
            fail_msg("%s: %d %s", line, is, err.msg);
        if (rows[i].name && strcmp(lp_events_name(e.what), rows[i].name) != 0)
            fail_msg("%s: %s", line, lp_events_name(e.what));
        if (rows[i].name && !lp_str_is(e.email, "a@b.test"))
            fail_msg("%s: whose?", line);
    }
}

static void everything_a_record_says(void **state)
{
    struct lp_event e;
    struct lp_err err;
    (void)state;
    assert_int_equal(read_line("{\"kind\":\"job\",\"status\":\"published\",\"job_id\":\"j\\u00e9\","
                               "\"campaign_id\":\"c\",\"channel\":\"email\","
                               "\"contact_email\":\"a@b.test\",\"published_time\":"
                               "\"1970-01-01T01:00:01+01:00\"}",
                         &e, &err),
        LP_EVENT_COUNTS);
    assert_true(lp_str_is(e.job_id, "j\xc3\xa9"));
    assert_true(lp_str_is(e.campaign_id, "c"));
    assert_true(lp_str_is(e.channel, "email"));
    assert_true(e.timed);
    assert_int_equal(e.at, 1000);
    assert_int_equal(read_line("{\"kind\":\"event\",\"engagement_type\":\"converted\","
                               "\"email\":\"a@b.test\",\"timestamp\":null,\"job_id\":\"\"}",
                         &e, &err),
        LP_EVENT_COUNTS);
    assert_false(e.timed);
    assert_null(e.job_id.p);
}

static void bad_ones_say_why(void **state)
{
    struct lp_event e;
    struct lp_err err;
    (void)state;
    assert_int_equal(read_line("{\"kind\":\"event\",\"engagement_type\":\"converted\"}", &e, &err),
        LP_EVENT_BAD);
    assert_string_equal(err.code, "no_email");
    assert_int_equal(read_line("{\"kind\":\"event\",\"engagement_type\":\"converted\","
                               "\"email\":\"a@b.test\",\"timestamp\":\"yesterday\"}",
                         &e, &err),
        LP_EVENT_BAD);
    assert_string_equal(err.code, "bad_time");
    assert_int_equal(read_line("{\"kind\":\"event\",\"engagement_type\":\"converted\","
                               "\"email\":\"a@b.test\",\"timestamp\":1700000000}",
                         &e, &err),
        LP_EVENT_BAD);
    assert_string_equal(err.code, "bad_time");
    assert_int_equal(err.kind, LP_ERR_RECORD);
}

static void a32_the_period_takes_its_start_and_not_its_end(void **state)
{
    struct lp_event e = {.timed = true, .at = 100};
    (void)state;
    assert_true(lp_events_within(&e, 100, 101));
    assert_true(lp_events_within(&e, INT64_MIN, 101));
    assert_true(lp_events_within(&e, 100, INT64_MAX));
    assert_false(lp_events_within(&e, 101, INT64_MAX));
    assert_false(lp_events_within(&e, INT64_MIN, 100));
    e.timed = false;
    assert_true(lp_events_within(&e, INT64_MIN, INT64_MAX));
    assert_false(lp_events_within(&e, 0, INT64_MAX));
    assert_false(lp_events_within(&e, INT64_MIN, 1000));
}

static void one_occasion_is_a_job_or_a_time_and_campaign(void **state)
{
    struct lp_event job = {.job_id = LP_STR("j1"), .timed = true, .at = 5};
    struct lp_event later = job, other = job, time = {.timed = true, .at = 5}, again = time;
    struct lp_event moved = time, campaign = time, nothing = {.email = LP_STR("a@b.test")};
    (void)state;
    later.at = 6;
    other.job_id = LP_STR("j2");
    moved.at = 6;
    campaign.campaign_id = LP_STR("spring");
    assert_true(lp_events_occasion(&job, 1) == lp_events_occasion(&later, 1));
    assert_true(lp_events_occasion(&time, 1) == lp_events_occasion(&again, 1));
    const uint64_t apart[] = {lp_events_occasion(&job, 1), lp_events_occasion(&job, 2),
        lp_events_occasion(&other, 1), lp_events_occasion(&time, 1), lp_events_occasion(&time, 2),
        lp_events_occasion(&moved, 1), lp_events_occasion(&campaign, 1),
        lp_events_occasion(&nothing, 1)};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(apart[i] != apart[k]);
}

static int teardown(void **state)
{
    (void)state;
    lp_rec_free(&rec);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_counts_as_what),
        cmocka_unit_test(everything_a_record_says),
        cmocka_unit_test(bad_ones_say_why),
        cmocka_unit_test(a32_the_period_takes_its_start_and_not_its_end),
        cmocka_unit_test(one_occasion_is_a_job_or_a_time_and_campaign),
    };
    return cmocka_run_group_tests_name("analytics/events", tests, NULL, teardown);
}
