#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leadpipe/hash.h"
#include "leadpipe/run.h"
#include "leadpipe/signals.h"
#include "../../../lib/run/parts.h"

static void dropped_by_reason(void **state)
{
    (void)state;
    struct lp_run run = {0};
    static const char *const more[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    char copy[] = "duplicate";
    lp_run_drop(&run, "duplicate");
    lp_run_drop(&run, "other_shard");
    lp_run_drop(&run, copy);
    assert_int_equal(run.counts.dropped, 3);
    assert_int_equal(run.counts.drops[0].n, 2);
    assert_string_equal(run.counts.drops[1].reason, "other_shard");
    for (size_t i = 0; i < 10; i++) /* more reasons than places: still all counted */
        lp_run_drop(&run, more[i]);
    uint64_t sum = 0;
    for (size_t i = 0; i < LP_RUN_DROPS; i++)
        sum += run.counts.drops[i].n;
    assert_int_equal(sum, 13);
    assert_int_equal(run.counts.dropped, 13);
}

static void shards_share_everything_once(void **state)
{
    (void)state;
    size_t per_shard[4] = {0};
    for (int i = 0; i < 4000; i++) {
        char key[32];
        int n = snprintf(key, sizeof key, "user%d@example.com", i), owners = 0;
        for (uint64_t k = 0; k < 4; k++) {
            struct lp_run run = {.shard_i = k, .shard_n = 4};
            bool mine = lp_run_mine(&run, (struct lp_str){key, (size_t)n});
            owners += mine;
            per_shard[k] += mine;
        }
        assert_int_equal(owners, 1);
    }
    for (size_t k = 0; k < 4; k++)
        assert_in_range(per_shard[k], 850, 1150);
    struct lp_run first = {.shard_n = 4}, second = {.shard_i = 1, .shard_n = 4}, alone = {0};
    assert_true(lp_run_mine(&first, (struct lp_str){NULL, 0}));
    assert_false(lp_run_mine(&second, (struct lp_str){NULL, 0}));
    assert_true(lp_run_mine(&alone, LP_STR("x")));
}

static void judged(void **state)
{
    (void)state;
    static const struct {
        int64_t max;
        double share;
        uint64_t in, rejects;
        bool at_end, over;
    } rows[] = {
        {-1, -1, 10, 10, true, false}, /* no bound */
        {2, -1, 10, 2, false, false},
        {2, -1, 10, 3, false, true},
        {0, -1, 1, 1, false, true},
        {0, -1, 1, 0, true, false},
        {-1, 0.05, 999, 500, false, false}, /* too early to tell */
        {-1, 0.05, 999, 500, true, true},
        {-1, 0.05, 1000, 50, false, false},
        {-1, 0.05, 1000, 51, false, true},
        {-1, 1, 5000, 5000, false, false}, /* all: only the end tells */
        {-1, 1, 5000, 5000, true, true},
        {-1, 1, 5000, 4999, true, false},
        {-1, 0, 1000, 1, false, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lp_run run = {.max_rejects = rows[i].max, .max_share = rows[i].share};
        struct lp_err err = {0};
        run.common.max_errors = "N";
        run.counts.in = rows[i].in;
        run.counts.rejects = rows[i].rejects;
        assert_int_equal(lp_run_judge(&run, rows[i].at_end, &err), rows[i].over ? -1 : 0);
        assert_int_equal(err.kind, rows[i].over ? LP_ERR_RECORD : LP_ERR_NONE);
    }
}

static void signals_wake_and_count_once(void **state)
{
    (void)state;
    lp_signals_init();
    struct pollfd p = {.fd = lp_signals_fd(), .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_false(lp_signals_usr1());
    raise(SIGUSR1);
    assert_int_equal(poll(&p, 1, 0), 1);
    lp_signals_drain();
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_true(lp_signals_usr1());
    assert_false(lp_signals_usr1());
    assert_false(lp_signals_stop());
}

/* In a child: the first TERM asks, the second ends. */
static void second_signal_ends(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        lp_signals_init();
        raise(SIGTERM);
        if (!lp_signals_stop() || lp_signals_stop_number() != SIGTERM)
            _exit(1);
        raise(SIGTERM);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 143);
}

static void dies_by_pipe(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        lp_signals_init();
        raise(SIGPIPE); /* is survived */
        lp_signals_die_by_pipe();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGPIPE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropped_by_reason),
        cmocka_unit_test(shards_share_everything_once),
        cmocka_unit_test(judged),
        cmocka_unit_test(second_signal_ends),
        cmocka_unit_test(dies_by_pipe),
        cmocka_unit_test(signals_wake_and_count_once),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
