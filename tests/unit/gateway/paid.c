#include "asker.h"
#include "leadpipe/db.h"

/* ---- what is paid for is kept ----------------------------------------------------------------- */

static void an_answer_on_file_is_not_asked_for_again(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"has:title\"")), one);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:server\"")), "{\"email\":\" A@X.org \"}\n");
    assert_int_equal(trace.len, 1);
    assert_non_null(strstr(out.p, "found a=ok"));
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), "{\"email\":\"b@x.org\"}\n");
    assert_string_equal(trace.p, "a:1 ");
}

static void a_miss_is_kept_too_an_error_is_not(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"not_found\"")), one);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    expect("not_found a=not_found");
    run(CONFIG("\"providers\":[\"b\"]", P("b", "\"error:server\"")), one);
    run(CONFIG("\"providers\":[\"b\"]", P("b", "\"ok\"")), one);
    expect("found b=ok");
}

static void a_status_is_a_verdict_only_of_a_verification(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"has:status\"")), one);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:server\"")), one);
    expect("found a=ok");
}

static void the_same_thing_is_asked_once_at_a_time(void **state)
{
    (void)state;
    cached = true;
    const char *twice =
        "{\"email\":\"a@x.org\"}\n{\"email\":\"b@x.org\"}\n{\"email\":\"A@X.org\"}\n";
    const char *config =
        CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"script\":[\"next:30\",\"next:30\","
                   "\"ok\"]}," P("b", "\"ok\""));
    run(config, twice);
    assert_int_equal(count(trace.p, "a:1 "), 2);
    assert_int_equal(count(out.p, "found a=ok"), 3);
    run_with(config, twice, "--refresh", NULL);
    assert_int_equal(count(trace.p, "a:1 "), 2);
    cached = false; /* each for itself */
    run(config, twice);
    assert_int_equal(count(trace.p, "a:1 "), 3);
    cached = true; /* one after the other, where the first comes to grief */
    run(CONFIG(AB, P("a", "\"next:30\",\"error:server\"") "," P("b", "\"next:30\",\"not_found\"")),
        "{\"email\":\"c@x.org\"}\n{\"email\":\"c@x.org\"}\n{\"email\":\"c@x.org\"}\n");
    assert_int_equal(count(trace.p, "a:1 "), 1);
    assert_int_equal(count(trace.p, "b:1 "), 1);
    assert_int_equal(count(out.p, "a=error/server b=not_found"), 3);
}

static void refresh_asks_again_and_a_lifetime_of_nothing_keeps_nothing(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    run_with(CONFIG("\"providers\":[\"a\"]", P("a", "\"not_found\"")), one, "--refresh", NULL);
    expect("not_found a=not_found");
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one); /* what --refresh learnt is kept */
    expect("not_found a=not_found");
    const char *brief =
        CONFIG("\"providers\":[\"c\"],\"lifetime_days\":{\"found\":0}", P("c", "\"ok\""));
    run(brief, one);
    run(brief, one);
    assert_string_equal(trace.p, "c:1 ");
}

static void answers_whose_time_is_over_make_room(void **state)
{
    (void)state;
    enum { OLD = 400, RUNS = 40, EACH = 25 };
    const char *found = CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\""));
    struct lp_buf in = {0};
    struct lp_err err = {0};
    int64_t over, standing;
    cached = true;
    lines(&in, OLD);
    run(found, in.p);
    struct lp_db *db = lp_db_open(at("state.db"), NULL, &err);
    assert_int_equal(lp_db_exec(db, "UPDATE cache SET until = 1", &err), 0);
    lp_db_close(db); /* none is carried over a fork */
    for (int r = 0; r < RUNS; r++) {
        lp_buf_reset(&in);
        for (int i = 0; i < EACH; i++)
            lp_buf_printf(&in, "{\"email\":\"run%d.%d@x.org\"}\n", r, i);
        run(found, in.p);
    }
    db = lp_db_open(at("state.db"), NULL, &err);
    lp_db_int(db, "SELECT count(*) FROM cache WHERE until = 1", &over, &err);
    lp_db_int(db, "SELECT count(*) FROM cache WHERE until > 1", &standing, &err);
    lp_db_close(db);
    assert_true(
        over < OLD / 2); /* 2,000 were looked at: which, is chance; that many were old, is not */
    assert_int_equal(standing, RUNS * EACH);
    run(found, in.p);
    assert_string_equal(trace.p, ""); /* nobody was asked */
    lp_buf_free(&in);
}

static void a_batch_handed_in_is_asked_about_after_a_kill(void **state)
{
    (void)state;
    cached = true;
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]",
                          "\"a\":{\"use\":\"scripted\",\"batch\":10,\"script\":[\"next:60000\"]}"),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"2@x.org\"}\n{\"email\":\"3@x.org\"}\n", NULL, NULL);
    wait_until_asked();
    kill(pid, SIGKILL);
    collect(pid);
    assert_string_equal(trace.p, "a:3 ");
    /* one of the three is not in the next run's input: its answer is kept for when it is */
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"batch\":10,\"script\":[\"ok\"]}"),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"9@x.org\"}\n{\"email\":\"3@x.org\"}\n");
    assert_int_equal(count(trace.p, "a:3+memo"), 1);
    assert_int_equal(count(trace.p, "a:1 "), 1);
    assert_int_equal(count(out.p, "found a=ok"), 3);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:server\"")), "{\"email\":\"2@x.org\"}\n");
    assert_int_equal(trace.len, 1);
}

static void batches_taken_over_keep_to_jobs(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    cached = true;
    lines(&in, 4);
    const char *config =
        CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"script\":[\"next:60000\"]}");
    pid_t pid = begin(config, in.p, NULL, NULL);
    wait_until_asked();
    kill(pid, SIGKILL);
    collect(pid);
    assert_string_equal(trace.p, "a:1 a:1 a:1 a:1 ");
    int64_t began = lp_clock_mono();
    run_with(CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"script\":[\"next:100\","
                                             "\"ok\",\"next:100\",\"ok\",\"next:100\",\"ok\"]}"),
        in.p, "--jobs", "1");
    assert_string_equal(trace.p, "a:1+memo a:1+memo a:1+memo a:1+memo a:1+memo a:1+memo a:1+memo ");
    assert_true(lp_clock_mono() - began >= 300); /* one after the other */
    assert_int_equal(count(out.p, "found a=ok"), 4);
    lp_buf_free(&in);
}

static void a_batch_of_a_living_run_is_left_to_it(void **state)
{
    (void)state;
    cached = true;
    const char *slow =
        CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"script\":[\"next:60000\"]}");
    pid_t pid = begin(slow, one, NULL, NULL);
    wait_until_asked();
    collect(begin(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one, NULL, NULL));
    assert_string_equal(trace.p, "a:1 ");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* Hands a batch in and kills the run. */
static void hand_in(void)
{
    cached = true;
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]", P("a", "\"next:60000\"")), one, NULL, NULL);
    wait_until_asked();
    kill(pid, SIGKILL);
    collect(pid);
    assert_string_equal(trace.p, "a:1 ");
}

/* Hands in three batches of two and kills the run. */
static void hand_in_three(void)
{
    struct lp_buf in = {0};
    cached = true;
    lines(&in, 6);
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]",
                          "\"a\":{\"use\":\"scripted\",\"batch\":2,\"script\":[\"next:60000\"]}"),
        in.p, NULL, NULL);
    wait_until_asked();
    kill(pid, SIGKILL);
    collect(pid);
    assert_string_equal(trace.p, "a:2 a:2 a:2 ");
    lp_buf_free(&in);
}

static const char one_of_each[] = "{\"email\":\"0@x.org\"}\n{\"email\":\"2@x.org\"}\n"
                                  "{\"email\":\"4@x.org\"}\n{\"email\":\"5@x.org\"}\n";

static void a_key_that_is_refused_costs_one_call_of_batches_too(void **state)
{
    (void)state;
    hand_in_three();
    run(CONFIG(AB, P("a", "\"error:auth\"") "," P("b", "\"ok\"")), one_of_each);
    assert_int_equal(count(trace.p, "a:2+memo"), 1);
    assert_int_equal(count(trace.p, "a:"), 1);
    assert_int_equal(count(out.p, "found a="), 4);
    assert_int_equal(count(out.p, "a=skipped/auth b=ok"), 4 - count(out.p, "a=error/auth b=ok"));
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"error:server\"")), one_of_each);
    assert_int_equal(count(trace.p, "a:2+memo"), 3); /* they are there for the right one */
    assert_int_equal(count(out.p, "found a=ok"), 4);
}

static void batches_are_asked_for_though_the_circuit_opens(void **state)
{
    (void)state;
    hand_in_three();
    run_with("{\"health\":{\"unhealthy_after\":1},\"chains\":{\"lead_enrichment\":{\"providers\":["
             "\"a\"]}},"
             "\"providers\":{" P("a", "\"error:server\",\"ok\"") "}}",
        one_of_each, "--jobs", "1");
    assert_string_equal(trace.p, "a:2+memo a:2+memo a:2+memo ");
    assert_int_equal(count(out.p, "\n"), 4);
    assert_true(count(out.p, "found a=ok") >= 2);
}

static void a_run_with_other_records_leaves_a_batch_to_its_own(void **state)
{
    (void)state;
    hand_in();
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]", P("a", "\"next:60000\"")),
        "{\"email\":\"b@x.org\"}\n", NULL, NULL);
    wait_until_asked();
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    assert_string_equal(trace.p, "a:1+memo ");
    expect("found a=ok");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void of_two_reruns_one_has_the_batch(void **state)
{
    (void)state;
    hand_in();
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]", P("a", "\"next:60000\"")), one, NULL, NULL);
    wait_until_asked();
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    assert_string_equal(trace.p, "a:1 "); /* the living one's is left to it */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void make_older(int hours)
{
    struct lp_err err = {0};
    struct lp_db *db = lp_db_open(at("state.db"), NULL, &err);
    assert_int_equal(
        lp_db_run(db, &err, "UPDATE pending SET at = at - ?", "i", hours * INT64_C(3600000)), 0);
    lp_db_close(db);
}

static void a_nightly_run_comes_back_to_its_batch(void **state)
{
    (void)state;
    hand_in();
    make_older(3 * 24 + 1);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    assert_string_equal(trace.p, "a:1+memo ");
    expect("found a=ok");
}

static void a_batch_that_is_not_ready_on_a_later_day_is_given_up(void **state)
{
    (void)state;
    const char *impatient = CONFIG("\"providers\":[\"a\"]",
        "\"a\":{\"use\":\"scripted\",\"poll_limit_s\":0.1,\"script\":[\"next:80\"]}");
    const char *ready = CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\""));
    hand_in();
    run(impatient, one);
    expect("failed a=error/timeout ALL_FAILED (1 attempts): a timeout");
    make_older(25); /* the same day it is still asked for */
    run(impatient, one);
    assert_non_null(strstr(trace.p, "+memo"));
    run(ready, one);
    assert_string_equal(trace.p, "a:1 ");
    expect("found a=ok");
}

static void a_batch_the_vendor_does_not_know_is_handed_in_anew(void **state)
{
    (void)state;
    const char *gone = CONFIG("\"providers\":[\"a\"]", P("a", "\"gone\""));
    hand_in();
    run(gone, one);
    expect("failed a=error/bad_response ALL_FAILED (1 attempts): a bad_response");
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    expect("found a=ok");
    assert_string_equal(trace.p, "a:1 "); /* no memo */
}

/* ---- budgets ----------------------------------------------------------------------------------- */

#define COSTLY(name, batch)                                                                        \
    "\"" name "\":{\"use\":\"scripted\",\"batch\":" batch                                          \
    ",\"cost\":{\"credits\":2,\"price\":0.5,\"currency\":\"EUR\"}}"

static void a_run_stops_at_its_budget_and_says_so(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3000);
    run_with(CONFIG("\"providers\":[\"a\"]", COSTLY("a", "1")), in.p, "--budget", "21credits");
    assert_int_equal(count(trace.p, "a:1"), 10);
    assert_int_equal(status, 75);
    assert_int_equal(count(out.p, "found a=ok"), 10);
    assert_true(count(out.p, "\n") < 3000);
    run_with(CONFIG("\"providers\":[\"a\"]", COSTLY("a", "4")), in.p, "--budget", "5EUR");
    assert_string_equal(trace.p, "a:4 a:1 ");
    lp_buf_free(&in);
}

static void a_budget_in_money_needs_prices(void **state)
{
    (void)state;
    run_with(CONFIG("\"providers\":[\"a\"]", COSTLY("a", "1")), one, "--budget", "5USD");
    assert_int_equal(status, 78);
    assert_non_null(strstr(errors.p, "providers.a.cost: has no price in USD"));
    run_with(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one, "--budget", "5USD");
    assert_int_equal(status, 0); /* it costs nothing */
}

static void the_days_budget_is_shared_by_all_runs(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 4);
    const char *config =
        CONFIG("\"providers\":[\"a\"],\"budget\":{\"day\":\"12credits\"}", COSTLY("a", "1"));
    run(config, in.p);
    assert_int_equal(status, 0);
    run(config, in.p);
    assert_int_equal(count(trace.p, "a:1"), 2);
    assert_int_equal(status, 75);
    run(config,
        in.p); /* nobody is asked at all: it is the budget all the same, no lack of providers */
    assert_int_equal(count(trace.p, "a:1"), 0);
    assert_int_equal(status, 75);
    lp_buf_free(&in);
}

static void money_set_aside_and_not_spent_is_spent_on_others(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 5);
    const char *config = CONFIG("\"providers\":[\"a\"]",
        "\"a\":{\"use\":\"scripted\",\"cost\":{\"credits\":2},"
        "\"script\":[\"next:40\",\"not_found\",\"next:40\",\"not_found\",\"ok\"]}");
    run_with(config, in.p, "--budget", "3credits");
    assert_int_equal(count(out.p, "not_found a=not_found"), 2); /* they cost nothing */
    assert_int_equal(count(out.p, "\"found a=ok"), 1);
    assert_int_equal(status, 75);
    lp_buf_free(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_answer_on_file_is_not_asked_for_again),
        T(a_miss_is_kept_too_an_error_is_not),
        T(a_status_is_a_verdict_only_of_a_verification),
        T(the_same_thing_is_asked_once_at_a_time),
        T(refresh_asks_again_and_a_lifetime_of_nothing_keeps_nothing),
        T(answers_whose_time_is_over_make_room),
        T(a_batch_handed_in_is_asked_about_after_a_kill),
        T(batches_taken_over_keep_to_jobs),
        T(a_batch_of_a_living_run_is_left_to_it),
        T(a_key_that_is_refused_costs_one_call_of_batches_too),
        T(batches_are_asked_for_though_the_circuit_opens),
        T(a_run_with_other_records_leaves_a_batch_to_its_own),
        T(of_two_reruns_one_has_the_batch),
        T(a_nightly_run_comes_back_to_its_batch),
        T(a_batch_that_is_not_ready_on_a_later_day_is_given_up),
        T(a_batch_the_vendor_does_not_know_is_handed_in_anew),
        T(a_run_stops_at_its_budget_and_says_so),
        T(a_budget_in_money_needs_prices),
        T(the_days_budget_is_shared_by_all_runs),
        T(money_set_aside_and_not_spent_is_spent_on_others),
    };
    return cmocka_run_group_tests_name("gateway/paid", tests, NULL, NULL);
}
