#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "leadpipe/out.h"

static void fill(struct lp_out *o, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        LP_BUF_LIT(&o->buf, "{\"email\":\"a@example.com\"}\n");
}
#define LINE_BYTES 26

static void writes_what_it_was_given(void **state)
{
    (void)state;
    int p[2];
    struct lp_out o;
    struct lp_err err = {0};
    char got[LINE_BYTES * 3 + 1];
    assert_int_equal(pipe(p), 0);
    lp_out_init(&o, p[1]);
    assert_true(o.pipe);
    fill(&o, 3);
    assert_int_equal(lp_out_pending(&o), LINE_BYTES * 3);
    assert_int_equal(lp_out_finish(&o, &err), 0);
    assert_int_equal(lp_out_pending(&o), 0);
    assert_int_equal(o.total, LINE_BYTES * 3);
    assert_int_equal(read(p[0], got, sizeof got), LINE_BYTES * 3);
    lp_out_free(&o);
    close(p[0]);
    close(p[1]);
}

/* A reader who takes nothing holds nobody up, and nothing is lost or doubled when he goes on. */
static void try_never_blocks(void **state)
{
    (void)state;
    int p[2];
    struct lp_out o;
    struct lp_err err = {0};
    size_t lines = 40000, read_bytes = 0;
    char *all = lp_alloc(lines * LINE_BYTES);
    assert_int_equal(pipe(p), 0);
    lp_out_init(&o, p[1]);
    fill(&o, lines);
    while (read_bytes < lines * LINE_BYTES) {
        assert_int_equal(lp_out_try(&o, &err), 0);
        assert_int_equal(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);
        ssize_t n = read(p[0], all + read_bytes, lines * LINE_BYTES - read_bytes);
        assert_true(n > 0);
        read_bytes += (size_t)n;
    }
    assert_int_equal(lp_out_pending(&o), 0);
    for (size_t i = 0; i < lines; i++)
        assert_memory_equal(all + i * LINE_BYTES, "{\"email\":\"a@example.com\"}\n", LINE_BYTES);
    free(all);
    lp_out_free(&o);
    close(p[0]);
    close(p[1]);
}

static void reader_gone(void **state)
{
    (void)state;
    int p[2];
    struct lp_out o;
    struct lp_err err = {0};
    assert_int_equal(pipe(p), 0);
    lp_out_init(&o, p[1]);
    assert_false(lp_out_hung_up(&o));
    close(p[0]);
    fill(&o, 2);
    assert_int_equal(lp_out_flush(&o, &err), -1);
    assert_string_equal(err.code, "reader_gone");
    assert_true(o.closed);
    assert_int_equal(lp_out_unsent(&o), 2);
    struct lp_err again = {0};
    assert_int_equal(lp_out_try(&o, &again), -1); /* and it stays so */
    lp_out_free(&o);
    lp_out_init(&o, p[1]);
    assert_true(lp_out_hung_up(&o));              /* seen without writing */
    assert_int_equal(lp_out_finish(&o, &err), 0); /* nothing was to be written */
    lp_out_free(&o);
    close(p[1]);
}

static void full_device(void **state)
{
    (void)state;
    struct lp_out o;
    struct lp_err err = {0};
    int fd = open("/dev/full", O_WRONLY);
    assert_true(fd >= 0);
    lp_out_init(&o, fd);
    assert_int_equal(lp_out_finish(&o, &err), 0);
    fill(&o, 1);
    assert_int_equal(lp_out_finish(&o, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, strerror(ENOSPC)));
    assert_int_equal(o.failed, ENOSPC);
    lp_out_free(&o);
    close(fd);
}

/* A disk that is full within a line: the file ends with the last whole one. */
static void half_a_line_is_taken_back(void **state)
{
    (void)state;
    char name[] = "/tmp/out.XXXXXX";
    struct lp_out o;
    struct lp_err err = {0};
    struct rlimit old, small;
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    lp_out_init(&o, fd);
    assert_false(o.pipe);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){LINE_BYTES * 10 + 7, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    fill(&o, 4);
    assert_int_equal(lp_out_flush(&o, &err), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    fill(&o, 20);
    int status = lp_out_flush(&o, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, -1);
    assert_int_equal(lseek(fd, 0, SEEK_END), LINE_BYTES * 10);
    assert_int_equal(o.total, LINE_BYTES * 10);
    assert_int_equal(lp_out_unsent(&o), 14);
    assert_int_equal(lp_out_flush(&o, &err), -1); /* nothing follows */
    assert_int_equal(lseek(fd, 0, SEEK_END), LINE_BYTES * 10);
    lp_out_free(&o);
    close(fd);
}

/* Whoever ends the program while the pipe is full ends it between two lines. */
static void try_writes_whole_lines(void **state)
{
    (void)state;
    enum { LINES = 200 };
    int p[2];
    struct lp_out o;
    struct lp_err err = {0};
    assert_int_equal(pipe(p), 0);
    fcntl(p[1], F_SETPIPE_SZ, 4096);
    lp_out_init(&o, p[1]);
    fill(&o, LINES);
    assert_int_equal(lp_out_try(&o, &err), 0);
    assert_int_equal(o.sent, 4096 / LINE_BYTES * LINE_BYTES);
    lp_out_free(&o);
    close(p[0]);
    close(p[1]);
}

/* As lp_out_try leaves a line that no pipe takes at once: without memory it is ended all the same. */
static void a_line_begun_is_ended_without_memory(void **state)
{
    (void)state;
    enum { LONG = 6000 };
    int p[2];
    struct lp_out o;
    struct lp_err err = {0};
    char got[2 * LONG];
    assert_int_equal(pipe(p), 0);
    fcntl(p[1], F_SETPIPE_SZ, 4096);
    lp_out_init(&o, p[1]);
    lp_buf_printf(&o.buf, "{\"n\":%0*d}\n", LONG - 7, 1);
    assert_int_equal(lp_out_pending(&o), LONG);
    fill(&o, 3);
    assert_int_equal(lp_out_try(&o, &err), 0);
    assert_int_equal(o.sent, 4096);
    assert_int_equal(read(p[0], got, 4096), 4096);
    lp_out_end_line(&o);
    lp_out_end_line(&o);
    ssize_t rest = read(p[0], got + 4096, sizeof got - 4096);
    assert_int_equal(rest, LONG - 4096);
    assert_int_equal(got[LONG - 1], '\n');
    lp_out_free(&o);
    lp_out_end_line(&o); /* nothing is left of it */
    close(p[0]);
    close(p[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_was_given),
        cmocka_unit_test(try_never_blocks),
        cmocka_unit_test(reader_gone),
        cmocka_unit_test(full_device),
        cmocka_unit_test(half_a_line_is_taken_back),
        cmocka_unit_test(try_writes_whole_lines),
        cmocka_unit_test(a_line_begun_is_ended_without_memory),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("out", tests, NULL, NULL);
}
