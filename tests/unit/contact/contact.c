/* contact: the status and what moves it, defaults, gaps, tags, engagements */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "leadpipe/clock.h"
#include "leadpipe/contact.h"

#define NOON INT64_C(1769853600000) /* 2026-01-31T10:00:00Z */

static struct lp_rec rec;

static void read_record(const char *line)
{
    struct lp_err err = {0};
    lp_rec_reset(&rec);
    assert_int_equal(lp_rec_parse(&rec, line, strlen(line), &err), 0);
}

static void assert_record(const char *line)
{
    struct lp_buf b = {0};
    lp_rec_write(&rec, &b);
    assert_true(b.len > 0 && b.p[b.len - 1] == '\n');
    b.p[b.len - 1] = '\0';
    assert_string_equal(b.p, line);
    lp_buf_free(&b);
}

static void c01_defaults(void **state)
{
    (void)state;
    read_record("{\"email\":\"a@b.de\"}");
    assert_true(lp_contact_defaults(&rec, NOON));
    assert_record("{\"email\":\"a@b.de\",\"kind\":\"contact\",\"status\":\"new\","
                  "\"created_at\":\"2026-01-31T10:00:00Z\"}");
    read_record(
        "{\"kind\":\"contact\",\"status\":\"engaged\",\"created_at\":\"2020-01-01T00:00:00Z\"}");
    assert_false(lp_contact_defaults(&rec, NOON));
}

static void c02_names_kept(void **state)
{
    static const char line[] =
        "{\"email\":\"a@b.de\",\"first_name\":\"Zo\\u00eb\",\"last_name\":\"O'Brien "
        "\xe5\xb1\xb1\"}";
    (void)state;
    read_record(line);
    assert_false(lp_contact_fill(&rec, "first_name", LP_STR("\"Max\""), false));
    assert_false(lp_contact_fill(&rec, "last_name", LP_STR("\"Max\""), false));
    assert_record(line);
}

static void c03_an_engagement_makes_engaged(void **state)
{
    (void)state;
    read_record("{\"status\":\"verified\"}");
    assert_true(lp_contact_engage(&rec, LP_STR("link_clicked"), NOON, LP_STR("{\"url\":\"x\"}")));
    assert_record("{\"status\":\"engaged\",\"engagements\":[{\"engagement_type\":\"link_clicked\","
                  "\"timestamp\":\"2026-01-31T10:00:00Z\",\"metadata\":{\"url\":\"x\"}}]}");
}

static void c04_three_engagements_counted(void **state)
{
    (void)state;
    read_record("{\"engagements\":[]}");
    assert_int_equal(lp_contact_engagements(&rec), 0);
    lp_contact_engage(&rec, LP_STR("email_opened"), NOON, (struct lp_str){0});
    lp_contact_engage(&rec, LP_STR("email_opened"), NOON, (struct lp_str){0});
    lp_contact_engage(&rec, LP_STR("reply_received"), NOON, (struct lp_str){0});
    assert_int_equal(lp_contact_engagements(&rec), 3);
}

static void c28_our_own_mail_and_machines_do_not_engage(void **state)
{
    static const char *const person[] = {"email_opened", "link_clicked", "reply_received",
        "website_visit", "form_submission", "call_scheduled", "call_completed", "demo_attended"};
    static const char *const not_person[] = {
        "email_sent", "email_delivered", "bounce", "auto_reply", "unsubscribed", "converted", ""};
    (void)state;
    for (size_t i = 0; i < sizeof person / sizeof *person; i++)
        assert_true(lp_contact_engages(lp_str(person[i])));
    for (size_t i = 0; i < sizeof not_person / sizeof *not_person; i++)
        assert_false(lp_contact_engages(lp_str(not_person[i])));
    read_record("{\"status\":\"new\"}");
    lp_contact_engage(&rec, LP_STR("email_sent"), NOON, (struct lp_str){0});
    assert_true(lp_rec_is(&rec, "status", "new"));
    assert_int_equal(lp_contact_engagements(&rec), 1);
}

static void engagements_of_another_form_are_left_alone(void **state)
{
    (void)state;
    read_record("{\"engagements\":{\"n\":3}}");
    assert_false(lp_contact_engage(&rec, LP_STR("link_clicked"), NOON, (struct lp_str){0}));
    assert_record("{\"engagements\":{\"n\":3}}");
}

static void status_moves_only_forward(void **state)
{
    (void)state;
    for (int from = 0; from < LP_CONTACT_STATUSES; from++) {
        for (int to = 0; to < LP_CONTACT_STATUSES; to++) {
            read_record("{\"status\":\"new\"}");
            lp_rec_set_string(
                &rec, "status", lp_str(lp_contact_status_name((enum lp_contact_status)from)));
            assert_int_equal(lp_contact_advance(&rec, (enum lp_contact_status)to), to > from);
            int now = to > from ? to : from;
            assert_true(
                lp_rec_is(&rec, "status", lp_contact_status_name((enum lp_contact_status)now)));
        }
    }
}

static void a_status_of_the_users_own_stays(void **state)
{
    enum lp_contact_status s;
    (void)state;
    read_record("{\"status\":\"customer\"}");
    assert_false(lp_contact_status(&rec, &s));
    assert_false(lp_contact_advance(&rec, LP_CONTACT_DISQUALIFIED));
    read_record("{\"status\":7}");
    assert_false(lp_contact_advance(&rec, LP_CONTACT_ENRICHED));
    assert_record("{\"status\":7}");
}

static void no_status_is_new(void **state)
{
    enum lp_contact_status s = LP_CONTACT_ENGAGED;
    static const char *const lines[] = {"{}", "{\"status\":null}", "{\"status\":\"\"}"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        read_record(lines[i]);
        assert_true(lp_contact_status(&rec, &s));
        assert_int_equal(s, LP_CONTACT_NEW);
        assert_true(lp_contact_advance(&rec, LP_CONTACT_ENRICHED));
    }
}

static void gaps_are_filled_and_values_kept(void **state)
{
    (void)state;
    read_record("{\"title\":\"\",\"company\":null,\"city\":\"Bonn\"}");
    assert_true(lp_contact_fill(&rec, "title", LP_STR("\"CTO\""), false));
    assert_true(lp_contact_fill(&rec, "company", LP_STR("\"Acme\""), false));
    assert_true(lp_contact_fill(&rec, "country", LP_STR("\"DE\""), false));
    assert_false(lp_contact_fill(&rec, "city", LP_STR("\"Berlin\""), false));
    assert_true(lp_contact_fill(&rec, "city", LP_STR("\"Berlin\""), true));
    assert_false(lp_contact_fill(&rec, "city", LP_STR("\"Berlin\""), true));
    assert_record(
        "{\"title\":\"CTO\",\"company\":\"Acme\",\"city\":\"Berlin\",\"country\":\"DE\"}");
}

static void c07_round_trip(void **state)
{
    static const char line[] = "{ \"email\" : \"a@b.de\", \"id\":1234567890123456789, \"x\":1.10,"
                               "\"n\":\"\\u00e9\", \"email\":\"c@d.de\", \"deep\":[[{}]] }";
    (void)state;
    read_record(line);
    assert_record(line);
    lp_contact_touch(&rec, NOON);
    assert_record("{ \"email\" : \"a@b.de\", \"id\":1234567890123456789, \"x\":1.10,"
                  "\"n\":\"\\u00e9\", \"email\":\"c@d.de\", \"deep\":[[{}]] "
                  ",\"updated_at\":\"2026-01-31T10:00:00Z\"}");
}

static void c08_tags_unique_and_findable(void **state)
{
    (void)state;
    read_record("{\"tags\":[\"vip\",\"caf\\u00e9\"]}");
    assert_true(lp_contact_has_tag(&rec, LP_STR("vip")));
    assert_true(lp_contact_has_tag(&rec, LP_STR("caf\xc3\xa9")));
    assert_false(lp_contact_has_tag(&rec, LP_STR("VIP")));
    assert_false(lp_contact_tag(&rec, LP_STR("caf\xc3\xa9")));
    assert_true(lp_contact_tag(&rec, LP_STR("say \"hi\"")));
    assert_false(lp_contact_tag(&rec, LP_STR("say \"hi\"")));
    assert_record("{\"tags\":[\"vip\",\"caf\\u00e9\",\"say \\\"hi\\\"\"]}");
    read_record("{}");
    assert_false(lp_contact_has_tag(&rec, LP_STR("vip")));
    assert_true(lp_contact_tag(&rec, LP_STR("vip")));
    assert_record("{\"tags\":[\"vip\"]}");
    read_record("{\"tags\":\"vip;new\"}");
    assert_false(lp_contact_tag(&rec, LP_STR("x")));
    assert_record("{\"tags\":\"vip;new\"}");
}

static int free_record(void **state)
{
    (void)state;
    lp_rec_free(&rec);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(c01_defaults),
        cmocka_unit_test(c02_names_kept),
        cmocka_unit_test(c03_an_engagement_makes_engaged),
        cmocka_unit_test(c04_three_engagements_counted),
        cmocka_unit_test(c28_our_own_mail_and_machines_do_not_engage),
        cmocka_unit_test(engagements_of_another_form_are_left_alone),
        cmocka_unit_test(status_moves_only_forward),
        cmocka_unit_test(a_status_of_the_users_own_stays),
        cmocka_unit_test(no_status_is_new),
        cmocka_unit_test(gaps_are_filled_and_values_kept),
        cmocka_unit_test(c07_round_trip),
        cmocka_unit_test(c08_tags_unique_and_findable),
    };
    return cmocka_run_group_tests_name("contact", tests, NULL, free_record);
}
