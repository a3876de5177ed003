#include "asker.h"

/* ---- tries ----------------------------------------------------------------------------------- */

#define TRIES(name, tries, script)                                                                 \
    "\"" name "\":{\"use\":\"scripted\",\"tries\":" tries ",\"script\":[" script "]}"

static void network_faults_are_tried_again(void **state)
{
    (void)state;
    run(CONFIG(
            "\"providers\":[\"a\"]", TRIES("a", "3", "\"error:network\",\"error:server\",\"ok\"")),
        one);
    expect("found a=ok");
    assert_string_equal(trace.p, "a:1 a:1 a:1 ");
}

static void refused_keys_are_asked_once_and_by_one_record(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\"]", TRIES("a", "3", "\"error:auth\"")),
        "{\"email\":\"a@x.org\"}\n{\"email\":\"b@x.org\"}\n{\"email\":\"c@x.org\"}\n");
    assert_string_equal(trace.p, "a:1 ");
    assert_int_equal(status, 77);
    assert_non_null(strstr(errors.p, "credentials refused"));
}

static void quota_is_asked_once_and_kept_for_the_next_run(void **state)
{
    (void)state;
    const char *config = CONFIG(AB, TRIES("a", "3", "\"error:quota\"") "," P("b", "\"ok\""));
    run(config, one);
    expect("found a=error/quota b=ok");
    run(config, one);
    expect("found a=skipped/quota b=ok");
    assert_string_equal(trace.p, "b:1 ");
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG("\"providers\":[\"a\"]", TRIES("a", "3", "\"limited:300\",\"ok\"")), one);
    expect("found a=ok");
    assert_true(lp_clock_mono() - began >= 300);
}

static void a_wait_over_max_wait_goes_to_the_next(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"max_wait_s\":1,\"script\":[\"limited:3000\"]}," P(
                       "b", "\"ok\"")),
        one);
    expect("found a=error/rate_limited b=ok");
    assert_true(lp_clock_mono() - began < within(2500));
}

static void polling_is_bounded(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"poll_limit_s\":0.2,\"script\":[\"next:40\"]}"),
        one);
    expect("failed a=error/timeout ALL_FAILED (1 attempts): a timeout");
}

static void a_poll_without_a_call_left_is_bounded_too(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":1,\"per_s\":3600},"
            "\"max_wait_s\":0.1,\"poll_limit_s\":0.3,\"script\":[\"next:10\"]}"),
        one);
    expect("failed a=error/timeout ALL_FAILED (1 attempts): a timeout");
    assert_string_equal(trace.p, "a:1 ");
    assert_true(lp_clock_mono() - began < within(2000));
}

static void no_call_left_for_another_try_goes_to_the_next(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":1,\"per_s\":3600},"
                   "\"max_wait_s\":0.1,\"script\":[\"error:network\"]}," P("b", "\"ok\"")),
        one);
    expect("found a=error/network b=ok");
    assert_string_equal(trace.p, "a:1 b:1 ");
    assert_true(lp_clock_mono() - began < within(2000));
}

static void those_who_come_after_the_last_call_go_to_the_next_too(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3000); /* more than the window holds */
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":2,\"per_s\":7200}}," P(
                       "b", "\"ok\"")),
        in.p);
    assert_int_equal(count(out.p, "found a=ok"), 2);
    assert_int_equal(count(out.p, "found a=skipped/rate_limited b=ok"), 2998);
    lp_buf_free(&in);
}

/* ---- batches, limits, circuit ---------------------------------------------------------------- */

static void batches_are_full_but_the_last(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 25);
    run(CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"batch\":10}"), in.p);
    assert_string_equal(trace.p, "a:10 a:10 a:5 ");
    assert_int_equal(count(out.p, "found a=ok"), 25);
    lp_buf_free(&in);
}

static void one_bad_record_in_a_batch_harms_only_itself(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 100);
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"batch\":10,\"tries\":1,\"script\":[\"first_bad\"]}"),
        in.p);
    assert_int_equal(count(out.p, "found a=ok"), 90);
    assert_int_equal(count(out.p, "failed a=error/bad_response"), 10);
    assert_int_equal(status, 1);
    lp_buf_free(&in);
}

static void one_bad_address_in_each_of_a_thousand_batches(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 10000);
    run(CONFIG(AB,
            "\"a\":{\"use\":\"scripted\",\"batch\":10,\"tries\":1,\"script\":[\"first_bad\"]}," P(
                "b", "\"not_found\"")),
        in.p);
    assert_int_equal(count(trace.p, "a:10 "), 1000);
    assert_int_equal(count(out.p, "found a=ok"), 9000);
    assert_int_equal(count(out.p, "not_found a=error/bad_response b=not_found"), 1000);
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one); /* it is healthy still */
    expect("found a=ok");
    lp_buf_free(&in);
}

static void after_three_failures_the_circuit_is_open(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 50);
    run(CONFIG(AB, P("a", "\"error:network\"") "," P("b", "\"ok\"")), in.p);
    assert_int_equal(count(trace.p, "a:1"), 3);
    assert_int_equal(count(out.p, "a=skipped/circuit_open b=ok"), 47);
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one); /* another process knows it too */
    expect("found a=skipped/circuit_open b=ok");
    lp_buf_free(&in);
}

static void no_other_try_is_made_past_an_open_circuit(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 50);
    run(CONFIG(AB, TRIES("a", "3", "\"error:network\"") "," P("b", "\"ok\"")), in.p);
    assert_int_equal(count(trace.p, "a:1"), 3); /* side by side; none of them once more */
    assert_int_equal(count(out.p, "a=skipped/circuit_open b=ok"), 50);
    lp_buf_free(&in);
}

static void an_unknown_outcome_is_a_failure(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3);
    run(CONFIG(AB, P("a", "\"unknown_outcome\"") "," P("b", "\"ok\"")), in.p);
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found a=skipped/circuit_open b=ok");
    lp_buf_free(&in);
}

static void the_last_provider_is_tried_even_with_its_circuit_open(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:network\"")), in.p);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    expect("found a=skipped/circuit_open a=ok");
    lp_buf_free(&in);
}

static void one_probe_after_the_cool_down(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 20);
    const char *config = "{\"health\":{\"cool_down_s\":0.2},\"chains\":{\"lead_enrichment\":{" AB
                         "}},\"providers\":{" P("a", "\"error:network\"") "," P("b", "\"ok\"") "}}";
    run(config, in.p);
    usleep(250 * 1000);
    run(config, in.p);
    assert_int_equal(count(trace.p, "a:1"), 1);
    lp_buf_free(&in);
}

static void a_rate_is_kept(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 8);
    int64_t began = lp_clock_mono();
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":4,\"per_s\":0.4}}"),
        in.p);
    int64_t took = lp_clock_mono() - began;
    assert_int_equal(count(out.p, "found a=ok"), 8);
    assert_true(took >= 380 && took < within(3000)); /* 4 at once, then one every 100 ms */
    lp_buf_free(&in);
}

static void a_rate_used_up_for_long_lets_records_go_on(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3000); /* more than are in work at once: some come when it is known */
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":2,\"per_s\":86400}}," P(
                       "b", "\"ok\"")),
        in.p);
    assert_int_equal(count(trace.p, "a:1"), 2);
    assert_int_equal(count(out.p, "found a=skipped/rate_limited b=ok"), 2998);
    lp_buf_free(&in);
}

static void no_try_waits_for_a_rate_used_up_for_long(void **state)
{
    (void)state;
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":1,\"per_s\":86400},"
                   "\"script\":[\"error:server\"]}," P("b", "\"ok\"")),
        one);
    expect("found a=error/server b=ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(network_faults_are_tried_again),
        T(refused_keys_are_asked_once_and_by_one_record),
        T(quota_is_asked_once_and_kept_for_the_next_run),
        T(retry_after_is_waited_for),
        T(a_wait_over_max_wait_goes_to_the_next),
        T(polling_is_bounded),
        T(a_poll_without_a_call_left_is_bounded_too),
        T(no_call_left_for_another_try_goes_to_the_next),
        T(those_who_come_after_the_last_call_go_to_the_next_too),
        T(batches_are_full_but_the_last),
        T(one_bad_record_in_a_batch_harms_only_itself),
        T(one_bad_address_in_each_of_a_thousand_batches),
        T(after_three_failures_the_circuit_is_open),
        T(an_unknown_outcome_is_a_failure),
        T(no_other_try_is_made_past_an_open_circuit),
        T(the_last_provider_is_tried_even_with_its_circuit_open),
        T(one_probe_after_the_cool_down),
        T(a_rate_is_kept),
        T(a_rate_used_up_for_long_lets_records_go_on),
        T(no_try_waits_for_a_rate_used_up_for_long),
    };
    return cmocka_run_group_tests_name("gateway/tries", tests, NULL, NULL);
}
