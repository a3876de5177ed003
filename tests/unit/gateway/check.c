/* What self-check keeps and reads: checks, the audit log, the bench, since when somebody fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/state.h"

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lp-check-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[128];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
    return rmdir(dir);
}

static struct lp_state *open_state(void)
{
    struct lp_err err = {0};
    struct lp_state *s = NULL;
    if (lp_state_open(&s, path, &err))
        fail_msg("%s", err.msg);
    return s;
}

static struct lp_health observe(
    struct lp_state *s, const char *provider, struct lp_observation o, int number)
{
    struct lp_err err = {0};
    struct lp_health after;
    struct lp_state_check c = {.at = o.at,
        .outcome = o.outcome,
        .class = o.class,
        .http_status = o.http_status,
        .latency_ms = o.latency_ms,
        .remaining = -1};
    snprintf(c.capability, sizeof c.capability, "lead_enrichment");
    snprintf(c.provider, sizeof c.provider, "%s", provider);
    snprintf(c.run_id, sizeof c.run_id, "run");
    snprintf(c.detail, sizeof c.detail, "number %d", number);
    o.n = 1;
    struct lp_state_batch b = {.capability = "lead_enrichment",
        .provider = provider,
        .run_id = "run",
        .seen = &o,
        .n = 1,
        .rules = &lp_health_defaults,
        .check = number >= 0 ? &c : NULL};
    if (lp_state_observe(s, &b, &after, &err))
        fail_msg("%s", err.msg);
    return after;
}

static struct lp_observation good(int64_t at)
{
    return (struct lp_observation){.at = at, .outcome = LP_OK, .latency_ms = 5, .method = "check"};
}

static struct lp_observation bad(int64_t at, enum lp_class class, int status)
{
    return (struct lp_observation){.at = at,
        .outcome = LP_ERROR,
        .class = class,
        .http_status = status,
        .method = "ask",
        .message = "it failed"};
}

/* ---- checks --------------------------------------------------------------------------------- */

struct seen {
    int n;
    struct lp_state_check first, last;
};

static int see_check(void *arg, const struct lp_state_check *c)
{
    struct seen *s = arg;
    if (s->n++ == 0)
        s->first = *c;
    s->last = *c;
    return 0;
}

static void g18_a_hundred_checks_are_kept_of_each_provider(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state *s = open_state();
    struct seen seen = {0};
    int64_t n, well;
    observe(s, "other", good(1), 0);
    for (int i = 0; i < LP_CHECKS_KEEP + 5; i++)
        observe(s, "a", i % 2 ? good(1000 + i) : bad(1000 + i, LP_SERVER, 503), i);
    assert_int_equal(lp_state_checks(s, -1, see_check, &seen, &err), 0);
    assert_int_equal(seen.n, LP_CHECKS_KEEP + 1);
    assert_string_equal(seen.first.provider, "other");
    assert_string_equal(seen.last.detail, "number 104");
    assert_int_equal(seen.last.class, LP_SERVER);
    assert_int_equal(seen.last.http_status, 503);
    seen.n = 0;
    assert_int_equal(lp_state_checks(s, LP_CHECKS_KEEP, see_check, &seen, &err), 0);
    assert_string_equal(seen.first.detail, "number 5");
    assert_int_equal(lp_state_count_checks(s, &n, &well, &err), 0);
    assert_int_equal(n, LP_CHECKS_KEEP + 1);
    assert_int_equal(well, LP_CHECKS_KEEP / 2 + 1);
    lp_state_close(s);
}

static void g19_the_last_check_is_there_for_another_process(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state_check c;
    struct lp_state *s = open_state();
    observe(s, "a", good(1), 1);
    observe(s, "a", good(2), 2);
    lp_state_close(s);
    s = open_state();
    assert_int_equal(lp_state_last_check(s, "lead_enrichment", "a", &c, &err), 1);
    assert_string_equal(c.detail, "number 2");
    assert_int_equal(c.at, 2);
    assert_true(c.remaining < 0);
    assert_int_equal(lp_state_last_check(s, "lead_enrichment", "b", &c, &err), 0);
    assert_int_equal(lp_state_last_check(s, "email_verification", "a", &c, &err), 0);
    lp_state_close(s);
}

static void what_is_no_check_leaves_none(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state_check c;
    struct lp_state *s = open_state();
    observe(s, "a", good(1), -1);
    assert_int_equal(lp_state_last_check(s, "lead_enrichment", "a", &c, &err), 0);
    lp_state_close(s);
}

/* ---- the audit log -------------------------------------------------------------------------- */

static int append_time(void *arg, const struct lp_state_entry *e)
{
    struct lp_buf *b = arg;
    lp_buf_printf(b, "%s%lld ", e->provider, (long long)e->at);
    return b->len > 20 ? 7 : 0;
}

static void the_log_is_by_time_and_its_newest_end(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf b = {0};
    struct lp_state *s = open_state();
    observe(s, "a", good(10), -1);
    observe(s, "a", good(30), -1);
    observe(s, "b", good(20), -1); /* entered later, happened before */
    assert_int_equal(lp_state_audit(s, NULL, -1, append_time, &b, &err), 0);
    assert_string_equal(b.p, "a10 b20 a30 ");
    lp_buf_reset(&b);
    assert_int_equal(lp_state_audit(s, "lead_enrichment", 2, append_time, &b, &err), 0);
    assert_string_equal(b.p, "b20 a30 ");
    lp_buf_reset(&b);
    assert_int_equal(lp_state_audit(s, "crm_sync", 2, append_time, &b, &err), 0);
    assert_int_equal(b.len, 0);
    for (int i = 0; i < 9; i++)
        observe(s, "a", good(40 + i), -1);
    assert_int_equal(lp_state_audit(s, NULL, -1, append_time, &b, &err), 7);
    lp_buf_free(&b);
    lp_state_close(s);
}

static void the_last_status_is_that_of_a_failure(void **state)
{
    (void)state;
    struct lp_err err = {0};
    int status = -1;
    struct lp_state *s = open_state();
    assert_int_equal(lp_state_last_status(s, "lead_enrichment", "a", &status, &err), 0);
    assert_int_equal(status, 0);
    observe(s, "a", bad(1, LP_AUTH, 401), -1);
    observe(s, "a", good(2), -1);
    assert_int_equal(lp_state_last_status(s, "lead_enrichment", "a", &status, &err), 0);
    assert_int_equal(status, 401);
    lp_state_close(s);
}

/* ---- the bench ------------------------------------------------------------------------------ */

static void who_is_benched_stays_out_whatever_happens(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state *s = open_state();
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", true, &err), 1);
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", true, &err), 0);
    struct lp_health h = observe(s, "a", good(1), -1);
    assert_int_equal(lp_health_out(&h, lp_clock_real()), LP_BENCHED);
    for (int i = 0; i < 4; i++)
        h = observe(s, "a", bad(2, LP_SERVER, 500), -1);
    assert_int_equal(h.state, LP_HEALTH_UNHEALTHY);
    struct lp_observation limited = bad(3, LP_RATE_LIMITED, 429);
    limited.out_until = 5000;
    h = observe(s, "a", limited, -1);
    assert_int_equal(h.out_reason, LP_BENCHED);
    assert_int_equal(h.out_until, LP_FOREVER);
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", false, &err), 1);
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", false, &err), 0);
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(lp_health_out(&h, lp_clock_real()), LP_CLASS_NONE);
    lp_state_close(s);
}

/* The account was topped up: nobody else can know. */
static void who_is_out_by_itself_is_put_back_too(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    int64_t now = lp_clock_real();
    struct lp_observation limited = bad(now, LP_QUOTA, 402);
    limited.out_until = now + 86400000;
    observe(s, "a", limited, -1);
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", false, &err), 1);
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(lp_health_out(&h, now), LP_CLASS_NONE);
    assert_int_equal(h.limit, LP_CLASS_NONE);
    assert_int_equal(lp_state_bench(s, "lead_enrichment", "a", false, &err), 0);
    lp_state_close(s);
}

/* ---- since when ----------------------------------------------------------------------------- */

static void the_first_failure_in_a_row_is_since_when(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    observe(s, "a", bad(100, LP_SERVER, 500), -1);
    observe(s, "a", bad(200, LP_TIMEOUT, 0), -1);
    lp_state_close(s);
    s = open_state();
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(h.failing_since, 100);
    h = observe(s, "a", good(300), -1);
    assert_int_equal(h.failing_since, 0);
    h = observe(s, "a", bad(400, LP_SERVER, 500), -1);
    assert_int_equal(h.failing_since, 400);
    lp_state_close(s);
}

/* Out for an hour a night, an account without credit would be well all day. */
static void a_limit_is_known_until_something_else_is_heard(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    struct lp_observation checked = good(300), limited = bad(100, LP_QUOTA, 402);
    limited.out_until = 150;
    observe(s, "a", limited, -1);
    limited.at = 200;
    limited.out_until = 250;
    observe(s, "a", limited, -1);
    lp_state_close(s);
    s = open_state();
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(h.limit, LP_QUOTA);
    assert_int_equal(h.limited_since, 100);
    checked.no_word = true;
    h = observe(s, "a", checked, -1);
    assert_int_equal(h.limit, LP_QUOTA);
    h = observe(s, "a", good(400), -1);
    assert_int_equal(h.limit, LP_CLASS_NONE);
    observe(s, "a", limited, -1);
    h = observe(s, "a", bad(500, LP_SERVER, 500), -1);
    assert_int_equal(h.limit, LP_CLASS_NONE);
    assert_int_equal(h.failing_since, 500);
    lp_state_close(s);
}

static void polls_not_yet_answered_and_skips_say_nothing_of_health(void **state)
{
    (void)state;
    struct lp_health h = {0}, before;
    struct lp_observation o = good(100);
    o.n = 1;
    lp_health_fold(&h, &o, &lp_health_defaults, 0.5);
    before = h;
    o.at = 200;
    o.pending = true;
    lp_health_fold(&h, &o, &lp_health_defaults, 0.5);
    assert_memory_equal(&h, &before, sizeof h);
    o.pending = false;
    o.outcome = LP_SKIPPED;
    lp_health_fold(&h, &o, &lp_health_defaults, 0.5);
    assert_memory_equal(&h, &before, sizeof h);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(g18_a_hundred_checks_are_kept_of_each_provider),
        T(g19_the_last_check_is_there_for_another_process),
        T(what_is_no_check_leaves_none),
        T(the_log_is_by_time_and_its_newest_end),
        T(the_last_status_is_that_of_a_failure),
        T(who_is_benched_stays_out_whatever_happens),
        T(who_is_out_by_itself_is_put_back_too),
        T(the_first_failure_in_a_row_is_since_when),
        T(a_limit_is_known_until_something_else_is_heard),
        cmocka_unit_test(polls_not_yet_answered_and_skips_say_nothing_of_health),
    };
    return cmocka_run_group_tests_name("gateway/check", tests, NULL, NULL);
}
