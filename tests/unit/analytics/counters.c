#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/counters.h"

#define DAY INT64_C(86400000)

static int of(const char *line, struct lp_counters *c, const char **field, struct lp_err *err)
{
    static struct lp_rec rec;
    struct lp_err bad = {0};
    *err = (struct lp_err){0};
    if (lp_rec_parse(&rec, line, strlen(line), &bad) < 0)
        fail_msg("%s: %s", line, bad.msg);
    int got = lp_counters_of(&rec, c, field, err);
    lp_rec_free(&rec);
    return got;
}

static void assert_counters(
    const struct lp_counters *c, int64_t sent, int64_t opened, int64_t clicks, int64_t conversions)
{
    assert_int_equal(c->sent, sent);
    assert_int_equal(c->opened, opened);
    assert_int_equal(c->clicks, clicks);
    assert_int_equal(c->conversions, conversions);
}

static void a01_a_contacts_own_counters(void **state)
{
    struct lp_counters c;
    struct lp_err err;
    const char *field = "";
    (void)state;
    assert_int_equal(of("{\"emails_sent\":4,\"emails_opened\":3,\"clicks\":2,\"conversions\":1}",
                         &c, &field, &err),
        0);
    assert_counters(&c, 4, 3, 2, 1);
    assert_true(c.decayed.opened == 3 && c.decayed.clicks == 2 && c.decayed.conversions == 1);
    assert_null(field);
    assert_int_equal(
        of("{\"emails_sent\":null,\"clicks\":1e2,\"conversions\":3.0}", &c, &field, &err), 0);
    assert_counters(&c, 0, 0, 100, 3);
}

static void a02_negative_or_broken_counters_are_refused_by_name(void **state)
{
    static const struct {
        const char *line, *field;
    } bad[] = {
        {"{\"emails_sent\":-1}", "emails_sent"},
        {"{\"emails_opened\":1.5}", "emails_opened"},
        {"{\"clicks\":\"7\"}", "clicks"},
        {"{\"conversions\":[1]}", "conversions"},
        {"{\"conversions\":1e300}", "conversions"},
        {"{\"clicks\":true,\"emails_sent\":5}", "clicks"},
        {"{\"emails_sent\":9223372036854775808}", "emails_sent"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lp_counters c;
        struct lp_err err;
        const char *field = NULL;
        assert_int_equal(of(bad[i].line, &c, &field, &err), -1);
        assert_int_equal(err.kind, LP_ERR_RECORD);
        assert_string_equal(err.code, "bad_counter");
        assert_string_equal(field, bad[i].field);
    }
}

static void excess(void **state)
{
    (void)state;
    assert_false(lp_counters_excess(&(struct lp_counters){.sent = 1, .opened = 1}));
    assert_true(lp_counters_excess(&(struct lp_counters){.sent = 1, .opened = 2}));
    assert_true(lp_counters_excess(&(struct lp_counters){.clicks = 1}));
    assert_true(lp_counters_excess(&(struct lp_counters){.conversions = 1}));
}

static struct lp_event event(enum lp_happened what, const char *email, const char *job, int64_t at)
{
    return (struct lp_event){
        .what = what, .email = lp_str(email), .job_id = lp_str(job), .timed = at >= 0, .at = at};
}

static enum lp_counted add(struct lp_counters_book *b, enum lp_happened what, const char *email,
    const char *job, int64_t at)
{
    struct lp_event e = event(what, email, job, at);
    return lp_counters_add(b, &e);
}

static struct lp_counters look(const struct lp_counters_book *b, const char *key)
{
    struct lp_counters c;
    lp_counters_look(b, lp_str(key), &c);
    return c;
}

static void each_contact_job_and_type_counts_once(void **state)
{
    struct lp_counters_book b;
    (void)state;
    lp_counters_open(&b, 0, 0);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j1", 1), LP_COUNTED);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j1", 1), LP_COUNTED_BEFORE);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j1", 9), LP_COUNTED_BEFORE);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", "j1", 2), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", "j1", 3), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", "j1", 4), LP_COUNTED_BEFORE);
    assert_int_equal(add(&b, LP_CONVERTED, "a@b.test", "j1", 5), LP_COUNTED);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j2", 6), LP_COUNTED);
    assert_int_equal(add(&b, LP_SENT, "c@b.test", "j1", 1), LP_COUNTED);
    assert_int_equal(add(&b, LP_DELIVERED, "a@b.test", "j1", 1), LP_COUNTED_NOT);
    assert_int_equal(add(&b, LP_REPLIED, "a@b.test", "j1", 1), LP_COUNTED_NOT);
    assert_int_equal(add(&b, LP_SENT, "nobody", "j1", 1), LP_COUNTED_NOBODY);
    struct lp_counters a = look(&b, "a@b.test"), c = look(&b, "c@b.test");
    assert_counters(&a, 2, 1, 1, 1);
    assert_counters(&c, 1, 0, 0, 0);
    c = look(&b, "stranger@b.test");
    assert_counters(&c, 0, 0, 0, 0);
    lp_counters_close(&b);
}

static void without_a_job_each_time_counts(void **state)
{
    struct lp_counters_book b;
    (void)state;
    lp_counters_open(&b, 0, 0);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", NULL, 1), LP_COUNTED);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", NULL, 1), LP_COUNTED_BEFORE);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", NULL, 2), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", NULL, 1), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", NULL, -1), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", NULL, -1), LP_COUNTED_BEFORE);
    struct lp_counters a = look(&b, "a@b.test");
    assert_counters(&a, 0, 2, 2, 0);
    lp_counters_close(&b);
}

static void a27_contacts_are_joined_by_key(void **state)
{
    struct lp_counters_book b;
    (void)state;
    lp_counters_open(&b, 0, 0);
    assert_int_equal(add(&b, LP_SENT,
                         " Ann@B\xc3\x9c"
                         "CHER.test ",
                         "j1", 1),
        LP_COUNTED);
    assert_int_equal(add(&b, LP_SENT, "ANN@xn--bcher-kva.TEST", "j1", 1), LP_COUNTED_BEFORE);
    assert_int_equal(add(&b, LP_OPENED,
                         "ann@b\xc3\xbc"
                         "cher.test",
                         "j1", 1),
        LP_COUNTED);
    struct lp_counters a = look(&b, "ann@xn--bcher-kva.test");
    assert_counters(&a, 1, 1, 0, 0);
    lp_counters_close(&b);
}

static void a32_only_inside_the_period(void **state)
{
    struct lp_counters_book b;
    (void)state;
    lp_counters_open(&b, 0, 0);
    b.since = 100;
    b.until = 200;
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j0", 99), LP_COUNTED_OUTSIDE);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j0", 100), LP_COUNTED); /* not used up by that */
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j1", 199), LP_COUNTED);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j2", 200), LP_COUNTED_OUTSIDE);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j3", -1), LP_COUNTED_UNTIMED);
    struct lp_counters a = look(&b, "a@b.test");
    assert_counters(&a, 2, 0, 0, 0);
    lp_counters_close(&b);
}

static void a_half_life_halves_what_is_that_old(void **state)
{
    struct lp_counters_book b;
    (void)state;
    lp_counters_open(&b, 30, 100 * DAY);
    assert_int_equal(add(&b, LP_SENT, "a@b.test", "j1", 40 * DAY), LP_COUNTED);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", "j1", 100 * DAY), LP_COUNTED);
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", "j2", 70 * DAY), LP_COUNTED);
    assert_int_equal(add(&b, LP_CLICKED, "a@b.test", "j2", 40 * DAY), LP_COUNTED);
    assert_int_equal(add(&b, LP_CONVERTED, "a@b.test", "j2", 400 * DAY), LP_COUNTED); /* ahead */
    assert_int_equal(add(&b, LP_OPENED, "a@b.test", "j3", -1), LP_COUNTED_UNTIMED);
    struct lp_counters a = look(&b, "a@b.test");
    assert_counters(&a, 1, 2, 1, 1);
    assert_true(a.decayed.opened == 1.5);
    assert_true(a.decayed.clicks == 0.25);
    assert_true(a.decayed.conversions == 1);
    lp_counters_close(&b);
}

/* The figures of the manual: 60 bytes a contact and 16 a contact and job, with room for the tables'
 * slack, with and without a half-life. */
static void memory_by_contact_and_job(void **state)
{
    (void)state;
    for (int half_life = 0; half_life <= 30; half_life += 30) {
        struct lp_counters_book b;
        size_t contacts = 30000, jobs = 3;
        lp_counters_open(&b, half_life, 0);
        for (size_t i = 0; i < contacts * jobs; i++) {
            char email[40], job[40];
            snprintf(email, sizeof email, "p%zu@b.test", i % contacts);
            snprintf(job, sizeof job, "job-%zu", i / contacts);
            assert_int_equal(add(&b, LP_SENT, email, job, 1), LP_COUNTED);
            assert_int_equal(add(&b, LP_OPENED, email, job, 1), LP_COUNTED);
        }
        size_t allowed = contacts * 60 + contacts * jobs * 16 + 2 * 1280 * 36;
        if (lp_counters_bytes(&b) > allowed)
            fail_msg("%zu bytes, allowed are %zu", lp_counters_bytes(&b), allowed);
        lp_counters_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a01_a_contacts_own_counters),
        cmocka_unit_test(a02_negative_or_broken_counters_are_refused_by_name),
        cmocka_unit_test(excess),
        cmocka_unit_test(each_contact_job_and_type_counts_once),
        cmocka_unit_test(without_a_job_each_time_counts),
        cmocka_unit_test(a27_contacts_are_joined_by_key),
        cmocka_unit_test(a32_only_inside_the_period),
        cmocka_unit_test(a_half_life_halves_what_is_that_old),
        cmocka_unit_test(memory_by_contact_and_job),
    };
    return cmocka_run_group_tests_name("analytics/counters", tests, NULL, NULL);
}
