/* enrichment: what several providers said, merged into one member */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>
#include "leadpipe/clock.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/provider.h"

#define NOON INT64_C(1769853600000) /* 2026-01-31T10:00:00Z */
#define DAY  INT64_C(86400000)
#define AT   "\"at\":\"2026-01-31T10:00:00Z\""
#define WHEN "\"enriched_at\":\"2026-01-31T10:00:00Z\""

static struct lp_rec rec;
static const struct lp_provider apollo = {.name = "apollo"}, hunter = {.name = "hunter"},
                                offline = {.name = "offline"};

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
    b.p[b.len - 1] = '\0';
    assert_string_equal(b.p, line);
    lp_buf_free(&b);
}

static void assert_member(const char *path, const char *json)
{
    struct lp_str member, v;
    assert_true(lp_rec_get(&rec, "enrichment", &member));
    if (!json) {
        assert_false(lp_json_path(member, path, &v));
        return;
    }
    assert_true(lp_json_path(member, path, &v));
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)v.n, v.p);
    assert_string_equal(text, json);
}

static struct lp_answer ok(const struct lp_provider *p, const char *data, const char *confidence)
{
    return (struct lp_answer){.provider = p,
        .outcome = LP_OK,
        .data = lp_str(data),
        .confidence = lp_str(confidence),
        .latency_ms = 12,
        .at = NOON};
}

static struct lp_answer none(const struct lp_provider *p, enum lp_outcome o, enum lp_class c)
{
    return (struct lp_answer){.provider = p, .outcome = o, .class = c, .latency_ms = 7, .at = NOON};
}

static enum lp_enrichment_status merge(
    enum lp_result_status status, const struct lp_answer *answers, size_t n, bool overwrite)
{
    struct lp_result result = {.status = status, .answers = answers, .n = n};
    if (status == LP_RESULT_FAILED)
        snprintf(result.error, sizeof result.error, "ALL_FAILED (%zu attempts)", n);
    return lp_enrichment_merge(&rec, &result, overwrite, NOON);
}

static void c09_creation(void **state)
{
    struct lp_answer a = ok(&apollo, "{\"job_title\":\"CTO\",\"phone\":null,\"city\":\"\"}", "0.9");
    (void)state;
    a.credits = 1;
    read_record("{\"email\":\"a@b.de\",\"id\":12345678901234567890}");
    assert_int_equal(merge(LP_RESULT_FOUND, &a, 1, false), LP_ENRICHMENT_FOUND);
    assert_record("{\"email\":\"a@b.de\",\"id\":12345678901234567890,\"enrichment\":{\"status\":"
                  "\"found\"," WHEN ",\"job_title\":\"CTO\",\"enrichment_source\":\"apollo\","
                  "\"provenance\":{\"job_title\":{\"provider\":\"apollo\"," AT
                  ",\"confidence\":0.9}},\"attempts\":[{\"provider\":\"apollo\",\"outcome\":\"ok\","
                  "\"latency_ms\":0}],\"cost\":{\"apollo\":1}},\"title\":\"CTO\",\"status\":"
                  "\"enriched\",\"updated_at\":\"2026-01-31T10:00:00Z\"}");
}

static void c05_fills_company_and_status(void **state)
{
    struct lp_answer a = ok(&apollo,
        "{\"company_name\":\"Acme\",\"job_title\":\"CTO\",\"first_name\":\"Ann\",\"last_name\":"
        "\"Lee\","
        "\"city\":\"Rome\",\"country\":\"IT\",\"linkedin_url\":\"l\",\"phone\":\"1\"}",
        "0.5");
    static const char *const filled[][2] = {{"company", "Acme"}, {"title", "Chef"},
        {"first_name", "Ann"}, {"last_name", "Lee"}, {"city", "Rome"}, {"country", "IT"},
        {"linkedin_url", "l"}, {"phone", "1"}, {"status", "enriched"}};
    (void)state;
    read_record("{\"email\":\"a@b.de\",\"company\":\"\",\"title\":\"Chef\",\"status\":\"new\"}");
    merge(LP_RESULT_FOUND, &a, 1, false);
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++)
        assert_true(lp_rec_is(&rec, filled[i][0], filled[i][1]));
    merge(LP_RESULT_FOUND, &a, 1, true);
    assert_true(lp_rec_is(&rec, "title", "CTO"));
}

static void a_number_fills_a_gap_as_text(void **state)
{
    struct lp_answer a = ok(&apollo, "{\"phone\":4930123456789012345}", "1");
    (void)state;
    read_record("{\"email\":\"a@b.de\"}");
    merge(LP_RESULT_FOUND, &a, 1, false);
    assert_true(lp_rec_is(&rec, "phone", "4930123456789012345"));
    assert_member("phone", "4930123456789012345");
}

static void an_engaged_contact_stays_engaged(void **state)
{
    struct lp_answer a = ok(&apollo, "{\"job_title\":\"CTO\"}", "1");
    (void)state;
    read_record("{\"status\":\"engaged\"}");
    merge(LP_RESULT_FOUND, &a, 1, false);
    assert_true(lp_rec_is(&rec, "status", "engaged"));
}

static void a_guess_stays_a_guess(void **state)
{
    struct lp_answer a =
        ok(&offline, "{\"company_name\":\"Acme\",\"free\":false,\"domain\":\"acme.de\"}",
            "{\"company_name\":0.499}");
    (void)state;
    read_record("{\"status\":\"new\"}");
    assert_int_equal(merge(LP_RESULT_FOUND, &a, 1, false), LP_ENRICHMENT_NOT_FOUND);
    assert_member("status", "\"not_found\"");
    assert_member("company_name", "\"Acme\"");
    assert_member("provenance.company_name.confidence", "0.499");
    assert_member("free", "false");
    assert_true(lp_rec_is(&rec, "status", "new"));
    assert_true(lp_rec_is(&rec, "domain", "acme.de"));
    assert_false(lp_rec_filled(&rec, "company"));
}

static void first_to_know_keeps_the_field(void **state)
{
    struct lp_answer a[] = {
        ok(&hunter, "{\"job_title\":\"Boss\",\"city\":\"Bonn\",\"phone\":\"1\"}",
            "{\"job_title\":0.3,\"city\":0.6,\"phone\":0.2}"),
        ok(&apollo, "{\"job_title\":\"CTO\",\"city\":\"Rome\",\"industry\":\"x\"}", "0.9"),
        ok(&offline, "{\"phone\":\"2\",\"job_title\":\"?\"}", "0.1")};
    (void)state;
    read_record("{}");
    merge(LP_RESULT_FOUND, a, 3, false);
    assert_member("job_title", "\"CTO\"");
    assert_member("provenance.job_title.provider", "\"apollo\"");
    assert_member("city", "\"Bonn\"");
    assert_member("phone", "\"1\""); /* the better of two guesses */
    assert_member("enrichment_source", "[\"hunter\",\"apollo\"]");
    assert_false(lp_rec_filled(&rec, "phone"));
}

static void failed_never_replaces_an_answer(void **state)
{
    static const char found[] =
        "{\"enrichment\":{\"status\":\"found\",\"job_title\":\"CTO\"}, \"x\":1}";
    static const char missed[] = "{\"enrichment\":{\"status\":\"not_found\"}}";
    struct lp_answer bad = none(&apollo, LP_ERROR, LP_SERVER), no = none(&apollo, LP_NOT_FOUND, 0);
    (void)state;
    read_record(found);
    assert_int_equal(merge(LP_RESULT_FAILED, &bad, 1, false), LP_ENRICHMENT_FAILED);
    assert_int_equal(merge(LP_RESULT_NOT_FOUND, &no, 1, false), LP_ENRICHMENT_NOT_FOUND);
    assert_int_equal(merge(LP_RESULT_SKIPPED, NULL, 0, false), LP_ENRICHMENT_SKIPPED);
    assert_record(found);
    read_record(missed);
    merge(LP_RESULT_FAILED, &bad, 1, false);
    assert_record(missed);
}

static void g03_failed_says_who_was_asked(void **state)
{
    struct lp_answer a[] = {
        none(&apollo, LP_ERROR, LP_SERVER), none(&hunter, LP_SKIPPED, LP_CIRCUIT_OPEN)};
    (void)state;
    read_record("{\"status\":\"new\"}");
    assert_int_equal(merge(LP_RESULT_FAILED, a, 2, false), LP_ENRICHMENT_FAILED);
    assert_record(
        "{\"status\":\"new\",\"enrichment\":{\"status\":\"failed\"," WHEN
        ",\"error\":\"ALL_FAILED (2 attempts)\",\"attempts\":[{\"provider\":\"apollo\","
        "\"outcome\":\"error\",\"error_class\":\"server\",\"latency_ms\":0},{\"provider\":"
        "\"hunter\",\"outcome\":\"skipped\",\"error_class\":\"circuit_open\",\"latency_ms\":0}]},"
        "\"updated_at\":\"2026-01-31T10:00:00Z\"}");
}

static void who_fails_now_keeps_what_it_said(void **state)
{
    struct lp_answer a[] = {
        none(&apollo, LP_ERROR, LP_TIMEOUT), ok(&hunter, "{\"city\":\"Bonn\"}", "0.8")};
    (void)state;
    read_record(
        "{\"enrichment\":{\"status\":\"found\",\"job_title\":\"CTO\",\"city\":\"Rome\",\"phone\":"
        "\"1\","
        "\"provenance\":{\"job_title\":{\"provider\":\"apollo\",\"at\":\"2025-01-01T00:00:00Z\","
        "\"confidence\":0.9},\"city\":{\"provider\":\"hunter\",\"at\":\"2025-01-01T00:00:00Z\"},"
        "\"phone\":{\"provider\":\"offline\",\"at\":\"2025-01-01T00:00:00Z\"}}}}");
    assert_int_equal(merge(LP_RESULT_FOUND, a, 2, false), LP_ENRICHMENT_FOUND);
    assert_member("job_title", "\"CTO\"");
    assert_member("provenance.job_title.at", "\"2025-01-01T00:00:00Z\"");
    assert_member("city", "\"Bonn\"");
    assert_member("phone", NULL); /* nobody of this chain said so */
}

static void c10_round_trip(void **state)
{
    struct lp_answer a = ok(&apollo, "{\"job_title\":\"CTO\"}", "0.9");
    struct lp_buf once = {0}, twice = {0};
    (void)state;
    read_record("{\"email\":\"a@b.de\"}");
    merge(LP_RESULT_FOUND, &a, 1, false);
    lp_rec_write(&rec, &once);
    once.p[once.len - 1] = '\0';
    read_record(once.p);
    assert_member("status", "\"found\"");
    merge(LP_RESULT_FOUND, &a, 1, false); /* replaces the member, adds none */
    lp_rec_write(&rec, &twice);
    twice.p[twice.len - 1] = '\0';
    assert_string_equal(once.p, twice.p);
    lp_buf_free(&twice);
    lp_rec_reset(&rec);
    lp_buf_free(&once);
}

static void odd_answers_do_no_harm(void **state)
{
    struct lp_answer a = ok(&apollo,
        "{\"job_title\":[\"x\"],\"phone\":{},\"city\":true,\"company_size\":120,\"free\":\"yes\","
        "\"what\":1}",
        "{\"company_size\":7}");
    (void)state;
    read_record("{}");
    merge(LP_RESULT_FOUND, &a, 1, false);
    assert_member("job_title", NULL);
    assert_member("phone", NULL);
    assert_member("city", NULL);
    assert_member("free", NULL);
    assert_member("what", NULL);
    assert_member("company_size", "120");
    assert_member("provenance.company_size.confidence", "1");
}

static void settled_by_age_and_errors(void **state)
{
    static const struct {
        const char *member;
        bool settled;
    } cases[] = {
        {"{\"status\":\"found\",\"enriched_at\":\"2026-01-30T10:00:00Z\",\"attempts\":[]}", true},
        {"{\"status\":\"not_found\",\"enriched_at\":\"2026-01-30T10:00:00Z\"}", true},
        {"{\"status\":\"failed\",\"enriched_at\":\"2026-01-30T10:00:00Z\"}", false},
        {"{\"status\":\"skipped\",\"enriched_at\":\"2026-01-30T10:00:00Z\"}", false},
        {"{\"status\":\"found\",\"enriched_at\":\"2025-01-30T10:00:00Z\"}", false},
        {"{\"status\":\"found\",\"enriched_at\":\"soon\"}", false},
        {"{\"status\":\"found\"}", false},
        {"{\"status\":\"found\",\"enriched_at\":\"2026-01-30T10:00:00Z\",\"attempts\":[{"
         "\"outcome\":\"ok\"},"
         "{\"outcome\":\"error\"}]}",
            false},
        {"{\"status\":\"found\",\"enriched_at\":\"2026-01-30T10:00:00Z\",\"attempts\":[{"
         "\"outcome\":"
         "\"skipped\"}]}",
            true},
        {"{\"status\":\"not_found\",\"enriched_at\":\"2026-01-30T10:00:00Z\",\"attempts\":[{"
         "\"outcome\":\"skipped\",\"error_class\":\"quota\"},{\"outcome\":\"ok\"}]}",
            false},
        {"\"yes\"", false},
        {"null", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_buf line = {0};
        lp_buf_printf(&line, "{\"enrichment\":%s}", cases[i].member);
        read_record(line.p);
        assert_int_equal(lp_enrichment_settled(&rec, NOON, 90 * DAY), cases[i].settled);
        lp_rec_reset(&rec);
        lp_buf_free(&line);
    }
    read_record("{}");
    assert_false(lp_enrichment_settled(&rec, NOON, 90 * DAY));
}

static void ready_needs_somebody_to_ask_about(void **state)
{
    static const struct {
        const char *line, *code;
    } cases[] = {{"{\"email\":\"a@b.de\"}", NULL}, {"{\"linkedin_url\":\"x\"}", NULL},
        {"{\"last_name\":\"Doe\",\"company\":\"Acme\"}", NULL},
        {"{\"last_name\":\"Doe\",\"domain\":\"acme.de\"}", NULL},
        {"{\"last_name\":\"Doe\"}", "no_identity"}, {"{\"email\":\"\"}", "no_identity"},
        {"{\"email\":12}", "bad_email"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_err err = {0};
        read_record(cases[i].line);
        assert_int_equal(lp_enrichment_ready(&rec, &err), cases[i].code == NULL);
        assert_string_equal(err.code, cases[i].code ? cases[i].code : "");
    }
}

static void names_of_fields(void **state)
{
    (void)state;
    static const struct {
        const char *word, *field, *member;
    } names[] = {
        {"title", "job_title", "title"},
        {"job_title", "job_title", "title"},
        {"company", "company_name", "company"},
        {"company_name", "company_name", "company"},
        {"phone", "phone", "phone"},
        {"industry", "industry", "industry"},
    };
    const char *member = "none";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(lp_enrichment_field(names[i].word, &member), names[i].field);
        assert_string_equal(member, names[i].member);
    }
    assert_null(lp_enrichment_field("titel", &member));
    assert_null(lp_enrichment_known_field(LP_STR("email")));
}

static int set_up(void **state)
{
    (void)state;
    lp_clock_fix(NOON);
    return 0;
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
        cmocka_unit_test(c09_creation),
        cmocka_unit_test(c05_fills_company_and_status),
        cmocka_unit_test(a_number_fills_a_gap_as_text),
        cmocka_unit_test(an_engaged_contact_stays_engaged),
        cmocka_unit_test(a_guess_stays_a_guess),
        cmocka_unit_test(first_to_know_keeps_the_field),
        cmocka_unit_test(failed_never_replaces_an_answer),
        cmocka_unit_test(g03_failed_says_who_was_asked),
        cmocka_unit_test(who_fails_now_keeps_what_it_said),
        cmocka_unit_test(c10_round_trip),
        cmocka_unit_test(odd_answers_do_no_harm),
        cmocka_unit_test(settled_by_age_and_errors),
        cmocka_unit_test(ready_needs_somebody_to_ask_about),
        cmocka_unit_test(names_of_fields),
    };
    return cmocka_run_group_tests_name("enrichment", tests, set_up, free_record);
}
