/* chaos: faults drawn by lot: as many as asked for, the same again, and seen as any others */
#include "asker.h"
#include "../../../lib/gateway/chaos.h"
#include "../../../lib/gateway/gateway.h"

static struct lp_chaos parsed(const char *spec)
{
    struct lp_chaos c = {0};
    struct lp_err err = {0};
    if (lp_chaos_parse(spec, &c, &err))
        fail_msg("%s", err.msg);
    return c;
}

static void wrong(const char *spec, const char *says)
{
    struct lp_chaos c = {0};
    struct lp_err err = {0};
    assert_int_equal(lp_chaos_parse(spec, &c, &err), -1);
    assert_int_equal(err.kind, LP_ERR_USAGE);
    if (!strstr(err.msg, says))
        fail_msg("%s: %s", spec, err.msg);
}

static void the_option_is_read(void **state)
{
    (void)state;
    struct lp_chaos c = parsed("429@5%,timeout@0.5%,slow@12%,seed=99");
    assert_true(c.share[LP_CHAOS_429] > 0.0499 && c.share[LP_CHAOS_429] < 0.0501);
    assert_true(c.share[LP_CHAOS_TIMEOUT] > 0.00499 && c.share[LP_CHAOS_TIMEOUT] < 0.00501);
    assert_int_equal(c.seed, 99);
    static const char *const none[] = {"429", "429@5", "@5%", "429@%", "429@x%", "teapot@5%",
        "429@-1%", "429@101%", "seed=", "seed=x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        wrong(none[i], none[i]);
    wrong("", "\"\"");
    wrong("429@5%,", "\"\"");
    wrong("429@60%,500@41%", "more than 100% in all");
}

/* Of many lots, by which of them: call number `i` is about the record on line i. */
static void draw(const char *spec, int tries, int n, int counts[LP_CHAOS_KINDS])
{
    struct lp_chaos c = parsed(spec);
    struct lp_slot slot = {.file = "in"};
    struct lp_task task = {.slot = &slot};
    struct lp_item item = {.task = &task}, *items[] = {&item};
    struct lp_provider p = {.name = "p", .driver = &scripted};
    struct lp_call call = {.provider = &p, .items = items, .n = 1};
    memset(counts, 0, LP_CHAOS_KINDS * sizeof *counts);
    for (int i = 0; i < n; i++) {
        slot.line = (uint64_t)i;
        counts[lp_chaos_draw(&c, &call, tries)]++;
    }
}

static void as_many_are_drawn_as_asked_for(void **state)
{
    (void)state;
    int a[LP_CHAOS_KINDS], b[LP_CHAOS_KINDS];
    draw("429@5%,timeout@1%,seed=7", 1, 100000, a);
    assert_in_range(a[LP_CHAOS_429], 4650, 5350); /* five standard deviations */
    assert_in_range(a[LP_CHAOS_TIMEOUT], 840, 1160);
    assert_int_equal(a[LP_CHAOS_NONE] + a[LP_CHAOS_429] + a[LP_CHAOS_TIMEOUT], 100000);
    draw("429@5%,timeout@1%,seed=7", 1, 100000, b);
    assert_memory_equal(a, b, sizeof a);
    draw("429@5%,timeout@1%,seed=8", 1, 100000, b);
    assert_memory_not_equal(a, b, sizeof a);
    draw("429@5%,timeout@1%,seed=7", 2, 100000, b); /* the next try has a lot of its own */
    assert_memory_not_equal(a, b, sizeof a);
    draw("slow@100%,seed=1", 1, 100, a);
    assert_int_equal(a[LP_CHAOS_SLOW], 100);
}

/* ---- in a run ------------------------------------------------------------------------------- */

#define STEADY(chain, providers)                                                                   \
    "{\"health\":{\"unhealthy_after\":100000},\"chains\":{\"lead_enrichment\":{" chain "}},"       \
    "\"providers\":{" providers "}}"
#define A "\"providers\":[\"a\"]"

static void faults_are_outcomes_like_any(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 1000);
    run_with(STEADY(A, P("a", "\"ok\"")), in.p, "--chaos",
        "500@10%,dns@5%,tls@5%,garbage@5%,reset@5%,timeout@5%,seed=3");
    int failures = 0;
    static const struct {
        const char *what;
        int low, high;
    } want[] = {{"=error/server", 60, 140}, {"=error/dns", 25, 75}, {"=error/tls", 25, 75},
        {"=error/bad_response", 25, 75}, {"=error/network", 25, 75}, {"=error/timeout", 25, 75}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_in_range(count(out.p, want[i].what), want[i].low, want[i].high);
        failures += count(out.p, want[i].what);
    }
    assert_int_equal(count(out.p, "found a=ok"), 1000 - failures);
    assert_int_equal(count(trace.p, "a:1 "), 1000 - failures); /* the others never got there */
    assert_int_equal(status, 1);
    lp_buf_free(&in);
}

static void a_seed_gives_the_same_whatever_is_in_flight(void **state)
{
    (void)state;
    struct lp_buf in = {0}, first = {0};
    lines(&in, 300);
    const char *config = STEADY(AB, P("a", "\"ok\"") "," P("b", "\"ok\""));
    run_with(config, in.p, "--chaos", "reset@20%,seed=11");
    lp_buf_str(&first, lp_buf_view(&out));
    run_with(config, in.p, "--chaos", "reset@20%,seed=11");
    assert_string_equal(first.p, out.p);
    assert_in_range(count(out.p, "found a=error/network b=ok"), 30, 90);
    lp_buf_free(&first);
    lp_buf_free(&in);
}

static void tries_are_made_again(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 20);
    run_with(
        STEADY(A, "\"a\":{\"use\":\"scripted\",\"tries\":20}"), in.p, "--chaos", "500@30%,seed=5");
    assert_int_equal(count(out.p, "found a=ok"), 20);
    assert_int_equal(status, 0);
    lp_buf_free(&in);
}

static void a_refused_key_is_not_tried_again(void **state)
{
    (void)state;
    run_with(STEADY(A, P("a", "\"ok\"")), one, "--chaos", "401@100%,seed=1");
    expect("failed a=error/auth ALL_FAILED (1 attempts): a auth");
    assert_int_equal(status, 77);
    assert_non_null(strstr(errors.p, "401, by --chaos"));
}

static void slow_ones_are_slow_and_right(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run_with(STEADY(A, P("a", "\"ok\"")), one, "--chaos", "slow@100%,seed=1");
    expect("found a=ok");
    assert_true(lp_clock_mono() - began >= LP_CHAOS_SLOW_MS);
}

static void what_only_computes_is_spared(void **state)
{
    (void)state;
    run_with(STEADY(A, "\"a\":{\"use\":\"noop\"}"), one, "--chaos", "500@100%,seed=1");
    expect("skipped a=skipped");
}

static void a_wrong_option_ends_it_before_anything_is_read(void **state)
{
    (void)state;
    run_with(STEADY(A, P("a", "\"ok\"")), one, "--chaos", "500");
    assert_int_equal(status, 2);
    assert_string_equal(out.p, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_option_is_read),
        cmocka_unit_test(as_many_are_drawn_as_asked_for),
        T(faults_are_outcomes_like_any),
        T(a_seed_gives_the_same_whatever_is_in_flight),
        T(tries_are_made_again),
        T(a_refused_key_is_not_tried_again),
        T(slow_ones_are_slow_and_right),
        T(what_only_computes_is_spared),
        T(a_wrong_option_ends_it_before_anything_is_read),
    };
    return cmocka_run_group_tests_name("chaos", tests, NULL, NULL);
}
