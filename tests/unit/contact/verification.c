#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "leadpipe/buf.h"
#include "leadpipe/clock.h"
#include "leadpipe/provider.h"
#include "leadpipe/verification.h"

#define DAY INT64_C(86400000)

static const struct lp_provider local = {.name = "local"}, other = {.name = "other"};
static struct lp_rec rec;
static int64_t now;

static struct lp_answer ok(const struct lp_provider *p, const char *data, const char *confidence)
{
    return (struct lp_answer){.provider = p,
        .outcome = LP_OK,
        .data = lp_str(data),
        .confidence = lp_str(confidence),
        .at = now};
}

static struct lp_answer failure(const struct lp_provider *p, enum lp_class class)
{
    return (struct lp_answer){.provider = p, .outcome = LP_ERROR, .class = class, .at = now};
}

/* The line after the merge; *r is what the asking came to. */
static const char *merged(const char *line, enum lp_result_status status,
    const struct lp_answer *answers, size_t n, enum lp_verification_reason *r)
{
    static struct lp_buf out;
    struct lp_err err = {0};
    struct lp_result result = {.status = status, .answers = answers, .n = n};

    lp_buf_reset(&out);
    lp_rec_reset(&rec);
    assert_int_equal(lp_rec_parse(&rec, line, strlen(line), &err), 0);
    *r = lp_verification_merge(&rec, &result, now);
    lp_rec_write(&rec, &out);
    return out.p;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static void C06_valid_sets_flag_and_time(void **state)
{
    struct lp_answer a = ok(&local, "{\"status\":\"valid\",\"reason\":\"ok\"}", "0.9");
    enum lp_verification_reason r;

    (void)state;
    assert_string_equal(merged("{\"email\":\"a@b.example\",\"status\":\"enriched\",\"n\":1.10}",
                            LP_RESULT_FOUND, &a, 1, &r),
        "{\"email\":\"a@b.example\",\"status\":\"verified\",\"n\":1.10,\"verification\":{"
        "\"status\":\"valid\",\"reason\":\"ok\",\"provider\":\"local\","
        "\"verified_at\":\"2026-01-31T10:00:00Z\",\"confidence\":0.9,\"checks\":{\"syntax\":null,"
        "\"mx\":null,\"disposable\":null,\"role\":null,\"free\":null,\"catch_all\":null,"
        "\"smtp\":null}},\"updated_at\":\"2026-01-31T10:00:00Z\"}\n");
    assert_int_equal(r, LP_REASON_OK);
    assert_true(has(merged("{\"email\":\"a\",\"status\":\"engaged\"}", LP_RESULT_FOUND, &a, 1, &r),
        "\"status\":\"engaged\""));
}

static void the_most_confident_verdict_stays(void **state)
{
    struct lp_answer a[] = {
        ok(&local,
            "{\"status\":\"unknown\",\"reason\":\"not_probed\",\"checks\":{\"mx\":true,"
            "\"role\":false,\"smtp\":null},\"did_you_mean\":\"x@y.example\"}",
            "0.3"),
        ok(&other,
            "{\"status\":\"valid\",\"reason\":\"ok\",\"checks\":{\"smtp\":true,\"role\":true}}",
            "0.95")};
    enum lp_verification_reason r;
    const char *text = merged("{\"email\":\"a\"}", LP_RESULT_FOUND, a, 2, &r);

    (void)state;
    assert_int_equal(r, LP_REASON_OK);
    assert_true(has(text, "\"provider\":\"other\""));
    assert_true(has(text, "\"mx\":true")); /* what local saw is kept beside it */
    assert_true(has(text, "\"role\":true"));
    assert_true(has(text, "\"smtp\":true"));
    assert_true(has(text, "\"did_you_mean\":\"x@y.example\""));
    a[1].confidence = LP_STR("0.2");
    merged("{\"email\":\"a\"}", LP_RESULT_FOUND, a, 2, &r);
    assert_int_equal(r, LP_REASON_NOT_PROBED);
}

static void an_error_is_never_valid(void **state)
{
    static const char line[] = "{\"email\":\"a\",\"status\":\"new\"}";
    struct lp_answer a[] = {failure(&local, LP_TIMEOUT), failure(&other, LP_SERVER)};
    struct lp_answer odd = ok(&other, "{\"status\":\"valid\",\"reason\":\"whatever\"}", "1");
    enum lp_verification_reason r;

    (void)state;
    assert_true(has(
        merged(line, LP_RESULT_FAILED, a, 1, &r), "\"status\":\"unknown\",\"reason\":\"timeout\""));
    assert_true(has(merged(line, LP_RESULT_FAILED, a, 2, &r),
        "\"status\":\"unknown\",\"reason\":\"provider_error\""));
    assert_true(lp_verification_failed(r));
    assert_true(has(merged(line, LP_RESULT_FAILED, NULL, 0, &r), "\"reason\":\"provider_error\""));
    /* A verdict in words that are none of ours is none. */
    assert_true(has(merged(line, LP_RESULT_FOUND, &odd, 1, &r), "\"status\":\"unknown\""));
    assert_true(has(merged(line, LP_RESULT_FOUND, &odd, 1, &r), "\"status\":\"new\""));
}

static void unknown_replaces_no_verdict(void **state)
{
    static const char line[] = "{\"email\":\"a\",\"verification\":{\"status\":\"invalid\","
                               "\"reason\":\"no_mx\",\"verified_at\":\"2020-01-01T00:00:00Z\"}}";
    struct lp_answer a[] = {failure(&local, LP_TIMEOUT),
        ok(&local, "{\"status\":\"unknown\",\"reason\":\"not_probed\"}", "0.3"),
        ok(&local, "{\"status\":\"risky\",\"reason\":\"role\"}", "0.8")};
    enum lp_verification_reason r;
    struct lp_buf same = {0};

    (void)state;
    lp_buf_printf(&same, "%s\n", line);
    assert_string_equal(merged(line, LP_RESULT_FAILED, a, 1, &r), same.p);
    assert_int_equal(r, LP_REASON_TIMEOUT); /* and still counts as not found out */
    assert_string_equal(merged(line, LP_RESULT_FOUND, a + 1, 1, &r), same.p);
    assert_string_equal(merged(line, LP_RESULT_SKIPPED, NULL, 0, &r), same.p);
    assert_int_equal(r, LP_REASONS);
    assert_true(has(merged(line, LP_RESULT_FOUND, a + 2, 1, &r), "\"reason\":\"role\""));
    /* Nor one that another program gave in words of its own. */
    lp_buf_reset(&same);
    lp_buf_printf(&same, "{\"email\":\"a\",\"verification\":{\"status\":\"valid\"}}\n");
    assert_string_equal(merged("{\"email\":\"a\",\"verification\":{\"status\":\"valid\"}}",
                            LP_RESULT_FAILED, a, 1, &r),
        same.p);
    lp_buf_free(&same);
}

static bool settled(const char *verification, int64_t max_age)
{
    struct lp_buf line = {0};
    struct lp_err err = {0};
    bool is;

    lp_buf_printf(&line, "{\"email\":\"a\",\"verification\":%s}", verification);
    lp_rec_reset(&rec);
    assert_int_equal(lp_rec_parse(&rec, line.p, line.len, &err), 0);
    is = lp_verification_settled(&rec, now, max_age);
    lp_buf_free(&line);
    return is;
}

static void lifetimes(void **state)
{
    static const char valid[] =
        "{\"status\":\"valid\",\"reason\":\"ok\",\"verified_at\":\"2026-01-01T00:00:00Z\"}";

    (void)state;
    assert_true(settled(valid, -1));
    assert_false(settled(valid, 30 * DAY));
    assert_false(settled("{\"status\":\"valid\",\"reason\":\"ok\",\"verified_at\":\"2025-10-01"
                         "T00:00:00Z\"}",
        -1));
    assert_true(settled("{\"status\":\"invalid\",\"reason\":\"no_mx\",\"verified_at\":\"2025-10-01"
                        "T00:00:00Z\"}",
        -1));
    assert_false(settled("{\"status\":\"unknown\",\"reason\":\"not_probed\",\"verified_at\":\""
                         "2026-01-31T09:59:59Z\"}",
        -1));
    assert_false(settled("{\"status\":\"valid\",\"reason\":\"ok\"}", -1));
    assert_false(settled("{\"status\":\"valid\",\"reason\":\"ok\",\"verified_at\":7}", -1));
    assert_false(settled("null", -1));
    assert_false(settled("\"valid\"", -1));
}

static void who_goes_on(void **state)
{
    static const struct {
        const char *data;
        bool ends;
    } of[] = {{"{\"status\":\"valid\",\"reason\":\"ok\"}", true},
        {"{\"status\":\"invalid\",\"reason\":\"syntax\"}", true},
        {"{\"status\":\"risky\",\"reason\":\"disposable\"}", true},
        {"{\"status\":\"risky\",\"reason\":\"role\"}", false},
        {"{\"status\":\"unknown\",\"reason\":\"not_probed\"}", false}, {"{}", false}};

    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct lp_answer a = ok(&local, of[i].data, "1");
        assert_int_equal(lp_verification_conclusive(&a), of[i].ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(C06_valid_sets_flag_and_time),
        cmocka_unit_test(the_most_confident_verdict_stays),
        cmocka_unit_test(an_error_is_never_valid),
        cmocka_unit_test(unknown_replaces_no_verdict),
        cmocka_unit_test(lifetimes),
        cmocka_unit_test(who_goes_on),
    };
    int rc;

    lp_clock_parse(LP_STR("2026-01-31T10:00:00Z"), &now);
    rc = cmocka_run_group_tests_name("verification", tests, NULL, NULL);
    lp_rec_free(&rec);
    return rc;
}
