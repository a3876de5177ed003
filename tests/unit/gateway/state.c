#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/db.h"
#include "leadpipe/state.h"
#include "../../../lib/gateway/owner.h"

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lp-state-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/state.db", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[128];
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

static void observe(struct lp_state *s, int n, enum lp_outcome outcome, struct lp_health *after)
{
    struct lp_err err = {0};
    for (int i = 0; i < n; i++) {
        struct lp_observation o = {.at = lp_clock_real(),
            .outcome = outcome,
            .class = outcome == LP_ERROR ? LP_SERVER : LP_CLASS_NONE,
            .latency_ms = 7,
            .n = 1,
            .records = 2,
            .credits = 0.5,
            .method = "ask",
            .message = "500"};
        struct lp_state_batch b = {.capability = "lead_enrichment",
            .provider = "a",
            .run_id = "r",
            .seen = &o,
            .n = 1,
            .rules = &lp_health_defaults};
        assert_int_equal(lp_state_observe(s, &b, after, &err), 0);
    }
}

static void health_survives_the_process(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    observe(s, 5, LP_OK, &h);
    lp_state_close(s);
    s = open_state();
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(h.state, LP_HEALTH_HEALTHY);
    assert_int_equal(h.success_count, 5);
    assert_float_equal(h.avg_latency_ms, 7, 1e-6);
    lp_state_close(s);
}

static void the_error_and_the_time_it_is_out_are_kept(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h, again;
    struct lp_state *s = open_state();
    observe(s, 3, LP_ERROR, &h);
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &again, &err), 0);
    assert_int_equal(again.state, LP_HEALTH_UNHEALTHY);
    assert_int_equal(again.error_class, LP_SERVER);
    assert_string_equal(again.error_message, "500");
    assert_int_equal(again.out_until, h.out_until);
    assert_int_equal(again.out_reason, LP_CIRCUIT_OPEN);
    lp_state_close(s);
}

static void the_file_is_ours_alone(void **state)
{
    (void)state;
    struct stat st;
    struct lp_state *s = open_state();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    lp_state_close(s);
}

static void a_flipped_bit_is_refused_by_name(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    observe(s, 1, LP_OK, &h);
    lp_state_close(s);
    struct lp_db *db = lp_db_open(path, NULL, &err);
    assert_non_null(db);
    assert_int_equal(
        lp_db_exec(db,
            "UPDATE health SET data = replace(data, '\"success_count\":1', '\"success_count\":9')",
            &err),
        0);
    lp_db_close(db);
    s = open_state();
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, "lead_enrichment/a"));
    lp_state_close(s);
}

static void a_newer_format_is_refused(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state *s = open_state();
    lp_state_close(s);
    struct lp_db *db = lp_db_open(path, NULL, &err);
    assert_int_equal(lp_db_set_user_version(db, 99, &err), 0);
    lp_db_close(db);
    assert_int_equal(lp_state_open(&s, path, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, "99"));
}

static void none_is_no_state(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state *s = (void *)1;
    assert_int_equal(lp_state_open(&s, "none", &err), 0);
    assert_null(s);
    lp_state_close(open_state()); /* for teardown */
}

static void one_prober_at_a_time(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_state *s = open_state(), *other = open_state();
    assert_int_equal(lp_state_claim_probe(s, "c", "p", 1000, 2000, &err), 1);
    assert_int_equal(lp_state_claim_probe(other, "c", "p", 1500, 2500, &err), 0);
    assert_int_equal(
        lp_state_claim_probe(other, "c", "p", 2000, 3000, &err), 1); /* the first died */
    lp_state_close(s);
    lp_state_close(other);
}

static int add_up(void *arg, const struct lp_state_total *t)
{
    int64_t *sum = arg;
    sum[0] += t->requests;
    sum[1] += t->records;
    return 0;
}

static void work_as_child(void)
{
    struct lp_health h;
    struct lp_state *s = open_state();
    observe(s, 200, LP_OK, &h);
    lp_state_close(s);
    _exit(0);
}

static void eight_processes_lose_nothing(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    int64_t sum[2] = {0, 0};
    int status, bad = 0;
    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            work_as_child();
    for (int i = 0; i < 8; i++) {
        wait(&status);
        bad += status != 0;
    }
    assert_int_equal(bad, 0);
    struct lp_state *s = open_state();
    assert_int_equal(lp_state_health(s, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(h.success_count, 1600);
    assert_int_equal(lp_state_totals(s, add_up, sum, &err), 0);
    assert_int_equal(sum[0], 1600);
    assert_int_equal(sum[1], 3200);
    lp_state_close(s);
}

static void a_shared_bucket_gives_each_token_once(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_limit m = {.requests = 10, .per_ms = 3600 * 1000};
    struct lp_state *s = open_state(), *other = open_state();
    int64_t got, wait_ms, sum = 0;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(lp_state_take(i % 2 ? s : other, "p", &m, 3, &got, &wait_ms, &err), 0);
        sum += got;
    }
    assert_int_equal(sum, 10);
    assert_true(wait_ms > 0);
    lp_state_close(s);
    lp_state_close(other);
}

static int64_t audited(struct lp_state *s)
{
    struct lp_err err = {0};
    int64_t n = -1;
    lp_db_int(lp_state_db(s), "SELECT count(*) FROM audit", &n, &err);
    return n;
}

static void the_audit_log_is_bounded_and_totals_are_not(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state();
    int64_t sum[2] = {0, 0};
    observe(s, 5, LP_OK, &h);
    assert_int_equal(audited(s), 5);
    assert_int_equal(lp_db_exec(lp_state_db(s),
                         "UPDATE sqlite_sequence SET seq = seq + 99996 WHERE name = 'audit'", &err),
        0);
    observe(s, 1, LP_OK, &h); /* the 100,002nd: two are too many */
    assert_int_equal(audited(s), 4);
    assert_int_equal(lp_state_totals(s, add_up, sum, &err), 0);
    assert_int_equal(sum[0], 6);
    lp_state_close(s);
}

static void a_429_slows_others_down_too(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_health h;
    struct lp_state *s = open_state(), *other = open_state();
    struct lp_observation o = {.at = lp_clock_real(),
        .outcome = LP_ERROR,
        .class = LP_RATE_LIMITED,
        .n = 1,
        .in_flight = 8};
    struct lp_state_batch b = {.capability = "lead_enrichment",
        .provider = "a",
        .run_id = "r",
        .seen = &o,
        .n = 1,
        .rules = &lp_health_defaults};
    assert_int_equal(lp_state_observe(s, &b, &h, &err), 0);
    assert_int_equal(lp_state_health(other, "lead_enrichment", "a", &h, &err), 0);
    assert_int_equal(h.allowed, 4);
    assert_int_equal(h.slowed_from, 8);
    lp_state_close(s);
    lp_state_close(other);
}

/* A process of its own that does nothing, and its name. */
static pid_t another(struct lp_flight *f, int64_t max)
{
    int ends[2];
    *f = (struct lp_flight){.account = "p", .max = max};
    if (pipe(ends))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        lp_owner_self(f->owner);
        if (write(ends[1], f->owner, sizeof f->owner) > 0)
            pause();
        _exit(0);
    }
    if (read(ends[0], f->owner, sizeof f->owner) != sizeof f->owner)
        f->owner[0] = '\0';
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* In `f`'s name: may it begin a call? */
static bool begins(struct lp_state *s, struct lp_flight *f)
{
    struct lp_err err = {0};
    int r = lp_state_fly(s, f, &err);
    if (r < 0)
        fail_msg("%s", err.msg);
    return r;
}

static void ends_one(struct lp_state *s, struct lp_flight *f)
{
    struct lp_flight less = *f;
    less.calls--;
    less.max = 0;
    assert_false(begins(s, &less));
    f->calls = less.calls;
}

static void calls_in_flight_are_counted_together(void **state)
{
    (void)state;
    struct lp_flight a, b;
    struct lp_state *s = open_state();
    pid_t one = another(&a, 2), two = another(&b, 2);
    assert_true(begins(s, &a));
    assert_true(begins(s, &b));
    assert_int_equal(b.calls, 1);
    assert_false(begins(s, &a));
    assert_false(begins(s, &b));
    ends_one(s, &a);
    assert_true(begins(s, &a));
    end(two); /* what it had is free */
    assert_true(begins(s, &a));
    assert_int_equal(a.calls, 2);
    end(one);
    lp_state_close(s);
}

static void who_waits_longest_is_next(void **state)
{
    (void)state;
    struct lp_flight a, b, c;
    struct lp_state *s = open_state();
    pid_t pids[] = {another(&a, 1), another(&b, 1), another(&c, 1)};
    assert_true(begins(s, &a));
    assert_false(begins(s, &b));
    usleep(2000);
    assert_false(begins(s, &c));
    ends_one(s, &a);
    assert_false(begins(s, &c));
    assert_false(begins(s, &a));
    assert_true(begins(s, &b));
    ends_one(s, &b);
    end(pids[2]); /* it does not wait any more, which is seen within a second */
    for (int i = 0; i < 100 && a.calls == 0; i++)
        if (!begins(s, &a))
            usleep(50 * 1000);
    assert_int_equal(a.calls, 1);
    end(pids[0]);
    end(pids[1]);
    lp_state_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(health_survives_the_process),
        T(the_error_and_the_time_it_is_out_are_kept),
        T(the_file_is_ours_alone),
        T(a_flipped_bit_is_refused_by_name),
        T(a_newer_format_is_refused),
        T(none_is_no_state),
        T(one_prober_at_a_time),
        T(eight_processes_lose_nothing),
        T(the_audit_log_is_bounded_and_totals_are_not),
        T(a_429_slows_others_down_too),
        T(calls_in_flight_are_counted_together),
        T(who_waits_longest_is_next),
        T(a_shared_bucket_gives_each_token_once),
    };
    return cmocka_run_group_tests_name("gateway/state", tests, NULL, NULL);
}
