/* child: pipes, status, deadlines; nothing inherited, nothing left running */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leadpipe/child.h"
#include "leadpipe/clock.h"
#include "../process.h"

static void run(const char *line, int64_t ms, size_t max, int want_rc, const char *want, int status)
{
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_child_options o = {.shell = line, .quiet = true};
    int got = -1;
    int rc = lp_child_run(&o, max, lp_clock_mono() + ms, &out, &got, &err);
    if (rc != want_rc)
        print_message("%s: %s\n", line, err.msg);
    assert_int_equal(rc, want_rc);
    assert_string_equal(lp_buf_view(&out).p, want);
    if (rc == 0)
        assert_int_equal(got, status);
    else
        assert_string_equal(err.code, "timeout");
    lp_buf_free(&out);
}

static void collects_output_and_status(void **state)
{
    (void)state;
    run("echo hello; echo no >&2", 5000, 100, 0, "hello\n", 0);
    run("echo x; exit 3", 5000, 100, 0, "x\n", 3);
    run("kill -9 $$", 5000, 100, 0, "", 137);
    run("cat", 5000, 100, 0, "", 0); /* standard input is empty, not ours */
    run("head -c 100000 /dev/zero | tr '\\0' x", 5000, 5, 0, "xxxxx", 0);
}

static void deadlines_hold(void **state)
{
    (void)state;
    int64_t start = lp_clock_mono();
    run("echo a; sleep 20", 200, 100, -1, "a\n", 0);
    run("trap '' TERM; exec >&-; while :; do sleep 1; done", 200, 100, -1, "", 0);
    assert_true(lp_clock_mono() - start < within(5000));
}

static void nothing_is_inherited(void **state)
{
    (void)state;
    int leak = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    assert_true(leak > 2);
    struct sigaction old, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &old);
    run("ls /proc/self/fd | wc -l", 5000, 100, 0, "4\n", 0); /* 0 1 2 and ls's own */
    run("kill -PIPE $$; echo ignored", 5000, 100, 0, "", 128 + SIGPIPE);
    sigaction(SIGPIPE, &old, NULL);
    close(leak);
}

static void what_cannot_be_started_is_named(void **state)
{
    (void)state;
    const char *const argv[] = {"/nonexistent/program", NULL};
    struct lp_child_options o = {.argv = argv};
    struct lp_child c;
    struct lp_err err = {0};
    assert_int_equal(lp_child_start(&c, &o, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_string_equal(err.msg, "starting /nonexistent/program: No such file or directory");
    assert_int_equal(c.pid, 0);
}

static void talks_both_ways(void **state)
{
    (void)state;
    const char *const argv[] = {"tr", "a-z", "A-Z", NULL};
    struct lp_child_options o = {.argv = argv, .pipe_in = true, .pipe_out = true};
    struct lp_child c;
    struct lp_err err = {0};
    char text[20] = "";
    int status = -1;
    assert_int_equal(lp_child_start(&c, &o, &err), 0);
    assert_int_equal(write(c.in, "hello\n", 6), 6);
    assert_int_equal(lp_child_wait(&c, lp_clock_mono() + 20, &status), 0); /* it is running */
    lp_child_close_in(&c);
    int64_t deadline = lp_clock_mono() + 5000;
    assert_int_equal(lp_child_read(&c, text, sizeof text, deadline, &err), 6);
    assert_string_equal(text, "HELLO\n");
    assert_int_equal(lp_child_read(&c, text, sizeof text, deadline, &err), 0);
    assert_int_equal(lp_child_wait(&c, deadline, &status), 1);
    assert_int_equal(status, 0);
    lp_child_stop(&c, 0);
    assert_int_equal(c.in, -1);
    assert_int_equal(c.out, -1);
}

static void the_group_ends_too(void **state)
{
    (void)state;
    struct lp_child_options o = {.shell = "sleep 60 & echo $!; wait", .pipe_out = true};
    struct lp_child c;
    struct lp_err err = {0};
    char text[20] = "";
    assert_int_equal(lp_child_start(&c, &o, &err), 0);
    assert_true(lp_child_read(&c, text, sizeof text - 1, lp_clock_mono() + 5000, &err) > 0);
    pid_t grandchild = (pid_t)strtol(text, NULL, 10);
    assert_true(grandchild > 1);
    assert_int_equal(kill(grandchild, 0), 0);
    lp_child_stop(&c, 1000);
    assert_true(process_ends(grandchild));
}

static void speaks_on_standard_error_and_hears_what_is_added_to_the_environment(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_child c;
    const char *const env[] = {"LP_ADDED=one two", "HOME=/other", NULL};
    struct lp_child_options o = {
        .shell = "echo \"$LP_ADDED $HOME $PATH\" >&2; read -r line; echo \"got $line\" >&2",
        .pipe_in = true,
        .pipe_err = true,
        .env = env};
    char text[512], want[512];
    assert_int_equal(lp_child_start(&c, &o, &err), 0);
    assert_int_equal(c.out, -1);
    ssize_t n = read(c.err, text, sizeof text - 1); /* waits: these are ordinary pipes */
    text[n > 0 ? n : 0] = '\0';
    snprintf(want, sizeof want, "one two /other %s\n", getenv("PATH"));
    assert_string_equal(text, want);
    assert_int_equal(lp_child_unblock(&c, &err), 0);
    assert_int_equal(read(c.err, text, sizeof text), -1); /* and these do not */
    assert_int_equal(write(c.in, "hi\n", 3), 3);
    struct pollfd p = {.fd = c.err, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(read(c.err, text, sizeof text), 7);
    assert_memory_equal(text, "got hi\n", 7);
    lp_child_stop(&c, 500);
    assert_int_equal(c.err, -1);
}

static void tells_what_was_never_read(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_child c;
    struct lp_child_options o = {.shell = "exit 3", .pipe_in = true};
    int status = 0;
    assert_int_equal(lp_child_start(&c, &o, &err), 0);
    assert_int_equal(lp_child_unread(&c), 0);
    struct sigaction old, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, &old);
    ssize_t n = write(c.in, "12345", 5); /* if the other end is open still */
    assert_int_equal(lp_child_wait(&c, lp_clock_mono() + 5000, &status), 1);
    assert_int_equal(lp_child_unread(&c), n == 5 ? 5 : 0);
    sigaction(SIGPIPE, &old, NULL);
    lp_child_stop(&c, 0);
    o.shell = "cat";
    assert_int_equal(lp_child_start(&c, &o, &err), 0);
    assert_int_equal(write(c.in, "12345", 5), 5);
    lp_child_close_in(&c);
    assert_int_equal(lp_child_wait(&c, lp_clock_mono() + 5000, &status), 1);
    assert_int_equal(lp_child_unread(&c), 0); /* nothing can be told of a closed pipe */
    lp_child_stop(&c, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(collects_output_and_status),
        cmocka_unit_test(deadlines_hold),
        cmocka_unit_test(nothing_is_inherited),
        cmocka_unit_test(what_cannot_be_started_is_named),
        cmocka_unit_test(talks_both_ways),
        cmocka_unit_test(the_group_ends_too),
        cmocka_unit_test(speaks_on_standard_error_and_hears_what_is_added_to_the_environment),
        cmocka_unit_test(tells_what_was_never_read),
    };
    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
