#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leadpipe/lines.h"

#define MAX ((size_t)100 * 1024)

/* A temporary file with this content; the name lives until the next call but three. */
static char *file_of(const void *bytes, size_t n)
{
    static char names[4][64];
    static size_t turn;
    char *name = names[turn++ % 4];
    snprintf(
        name, sizeof names[0], "%s/lines.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
    return name;
}

static char *file_with(const char *text)
{
    return file_of(text, strlen(text));
}

static void expect_line(struct lp_lines *in, const char *text, uint64_t number, uint64_t at)
{
    struct lp_line line;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
    assert_int_equal(line.text.n, strlen(text));
    assert_memory_equal(line.text.p, text, line.text.n);
    assert_int_equal(line.number, number);
    assert_int_equal(line.at, at);
}

static void expect_end(struct lp_lines *in)
{
    struct lp_line line;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_EOF);
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_EOF);
    assert_int_equal(lp_lines_fd(in), -1);
}

static void ends_bom_and_blanks(void **state)
{
    (void)state;
    char *files[] = {file_with("\xef\xbb\xbf{\"a\":1}\r\n\n  \t\r\n{\"b\":2}\n{\"c\":3}"),
        file_with("\n{\"d\":4}\n"), file_with(""), NULL};
    struct lp_lines *in = lp_lines_new(files, MAX);
    uint64_t done, total;
    lp_lines_progress(in, &done, &total);
    assert_int_equal(done, 0);
    assert_int_equal(total, 42);
    expect_line(in, "{\"a\":1}", 1, 3);
    assert_true(lp_lines_pending(in));
    expect_line(in, "{\"b\":2}", 4, 18);
    expect_line(in, "{\"c\":3}", 5, 26);
    expect_line(in, "{\"d\":4}", 2, 1);
    expect_end(in);
    assert_int_equal(lp_lines_blank(in), 3);
    lp_lines_progress(in, &done, &total);
    assert_int_equal(done, total);
    lp_lines_del(in);
    for (char **f = files; *f; f++)
        unlink(*f);
}

static void other_byte_order_marks_stay(void **state)
{
    (void)state;
    char *files[] = {file_of("\n\xef\xbb\xbf{}\n", 7), NULL};
    struct lp_lines *in = lp_lines_new(files, MAX);
    expect_line(in, "\xef\xbb\xbf{}", 2, 1);
    expect_end(in);
    lp_lines_del(in);
    unlink(files[0]);
}

/* Lines around the maximum, with and without "\r", then one that fills several reads. */
static void long_lines(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *end;
        enum lp_line_kind kind;
    } rows[] = {{MAX - 1, "\n", LP_LINE}, {MAX, "\n", LP_LINE}, {MAX, "\r\n", LP_LINE},
        {MAX + 1, "\n", LP_LINE_LONG}, {MAX + 1, "\r\n", LP_LINE_LONG},
        {10 * MAX, "\n", LP_LINE_LONG}, {5, "\n", LP_LINE}, {20 * MAX, "", LP_LINE_LONG}};
    enum { ROWS = sizeof rows / sizeof *rows };
    struct lp_buf text = {0};
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < rows[i].length; k++)
            lp_buf_byte(&text, (char)('a' + i));
        lp_buf_puts(&text, rows[i].end);
    }
    char *files[] = {file_of(text.p, text.len), NULL};
    struct lp_lines *in = lp_lines_new(files, MAX);
    uint64_t at = 0;
    for (size_t i = 0; i < ROWS; i++) {
        struct lp_line line;
        struct lp_err err = {0};
        assert_int_equal(lp_lines_next(in, true, &line, &err), rows[i].kind);
        assert_int_equal(line.number, i + 1);
        assert_int_equal(line.at, at);
        assert_int_equal(line.length, rows[i].length);
        assert_int_equal(line.text.n, rows[i].kind == LP_LINE ? rows[i].length : 64 * 1024);
        for (size_t k = 0; k < line.text.n; k++)
            assert_int_equal(line.text.p[k], 'a' + i);
        at += rows[i].length + strlen(rows[i].end);
    }
    expect_end(in);
    lp_lines_del(in);
    lp_buf_free(&text);
    unlink(files[0]);
}

static void small_maximum(void **state)
{
    (void)state;
    char *files[] = {file_with("123456789\n12345678\n1"), NULL};
    struct lp_lines *in = lp_lines_new(files, 8);
    struct lp_line line;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_LONG);
    assert_int_equal(line.text.n, 9);
    assert_int_equal(line.length, 9);
    expect_line(in, "12345678", 2, 10);
    expect_line(in, "1", 3, 19);
    lp_lines_del(in);
    unlink(files[0]);
}

/* Its end is not in sight yet where a read ends, and what is over the maximum is none of the line. */
static void longest_line_with_mark_and_return(void **state)
{
    (void)state;
    const size_t block = (size_t)256 * 1024;
    for (size_t over = 0; over <= 4; over++) {
        size_t max = block - over;
        char *text = malloc(max + 5);
        memcpy(text, "\xef\xbb\xbf", 3);
        memset(text + 3, 'x', max);
        memcpy(text + 3 + max, "\r\n", 2);
        char *files[] = {file_of(text, max + 5), NULL};
        struct lp_lines *in = lp_lines_new(files, max);
        struct lp_line line;
        struct lp_err err = {0};
        assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
        assert_int_equal(line.text.n, max);
        assert_memory_equal(line.text.p, text + 3, max);
        lp_lines_del(in);
        unlink(files[0]);
        free(text);
    }
}

static void no_maximum_at_all(void **state)
{
    (void)state;
    const size_t n = (size_t)600 * 1024;
    char *text = malloc(n + 1);
    memset(text, 'x', n);
    memcpy(text + n, "\n", 1);
    char *files[] = {file_of(text, n + 1), NULL};
    struct lp_lines *in = lp_lines_new(files, SIZE_MAX);
    struct lp_line line;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
    assert_int_equal(line.text.n, n);
    lp_lines_del(in);
    unlink(files[0]);
    free(text);
}

static void chunks_are_the_bytes(void **state)
{
    (void)state;
    char *files[] = {file_with("\xef\xbb\xbf"
                               "a;b\r\n\n"),
        file_with("c"), NULL};
    struct lp_lines *in = lp_lines_new(files, MAX);
    struct lp_line chunk;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_chunk(in, &chunk, &err), LP_LINE);
    assert_int_equal(chunk.text.n, 9);
    assert_memory_equal(chunk.text.p,
        "\xef\xbb\xbf"
        "a;b\r\n\n",
        9);
    assert_int_equal(lp_lines_chunk(in, &chunk, &err), LP_LINE_EOF);
    assert_string_equal(chunk.file, files[0]);
    assert_int_equal(lp_lines_chunk(in, &chunk, &err), LP_LINE);
    assert_string_equal(chunk.file, files[1]);
    assert_int_equal(chunk.at, 0);
    assert_int_equal(lp_lines_chunk(in, &chunk, &err), LP_LINE_EOF);
    assert_string_equal(chunk.file, files[1]);
    assert_int_equal(lp_lines_chunk(in, &chunk, &err), LP_LINE_EOF);
    assert_null(chunk.file);
    lp_lines_del(in);
    unlink(files[0]);
    unlink(files[1]);
}

static void cannot_be_read(void **state)
{
    (void)state;
    static const char *const names[] = {"/nonexistent/leads.ndjson", "/"};
    for (size_t i = 0; i < 2; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s", names[i]);
        char *files[] = {name, NULL};
        struct lp_lines *in = lp_lines_new(files, MAX);
        struct lp_line line;
        struct lp_err err = {0};
        assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_FAIL);
        assert_int_equal(err.kind, LP_ERR_IO);
        assert_non_null(strstr(err.msg, name));
        lp_lines_del(in);
    }
}

/* Standard input is a pipe whose other end the test holds. */
static int feed = -1;

static int pipe_in(void **state)
{
    int p[2];
    (void)state;
    if (pipe(p) != 0 || dup2(p[0], STDIN_FILENO) < 0)
        return -1;
    close(p[0]);
    feed = p[1];
    return 0;
}

static int pipe_out(void **state)
{
    (void)state;
    if (feed >= 0)
        close(feed);
    feed = -1;
    return 0;
}

static void say(const char *text)
{
    assert_int_equal(write(feed, text, strlen(text)), strlen(text));
}

static void never_waits(void **state)
{
    (void)state;
    struct lp_lines *in = lp_lines_new(NULL, MAX);
    struct lp_line line;
    struct lp_err err = {0};
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE_WAIT);
    assert_int_equal(lp_lines_fd(in), STDIN_FILENO);
    say("{\"half\":");
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE_WAIT);
    assert_false(lp_lines_pending(in));
    say("1}\n{}\n");
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE);
    assert_string_equal(line.file, "-");
    assert_int_equal(line.text.n, 10);
    assert_true(lp_lines_pending(in));
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE);
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE_WAIT);
    close(feed);
    feed = -1;
    assert_int_equal(lp_lines_next(in, false, &line, &err), LP_LINE_EOF);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
    lp_lines_del(in);
}

static bool feed_on_idle(void *count)
{
    ++*(int *)count;
    say("{}\n");
    return true;
}

/* Idle runs before the wait, and only then. */
static void idle_before_waiting(void **state)
{
    (void)state;
    int idle = 0;
    struct lp_lines *in = lp_lines_new(NULL, MAX);
    struct lp_line line;
    struct lp_err err = {0};
    lp_lines_on_idle(in, feed_on_idle, &idle);
    say("{}\n{}\n");
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
    assert_int_equal(idle, 0);
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE);
    assert_int_equal(idle, 1);
    lp_lines_del(in);
}

static bool refuse_idle(void *arg)
{
    (void)arg;
    return false;
}

static bool stop_now(void)
{
    return true;
}

static void waits_can_be_ended(void **state)
{
    (void)state;
    struct lp_lines *in = lp_lines_new(NULL, MAX);
    struct lp_line line;
    struct lp_err err = {0};
    lp_lines_on_idle(in, refuse_idle, NULL);
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_STOP);
    assert_int_equal(lp_lines_chunk(in, &line, &err), LP_LINE_STOP);
    lp_lines_on_idle(in, NULL, NULL);
    lp_lines_on_stop(in, stop_now);
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_STOP);
    say("{}\n"); /* a stop also ends the intake of what is there already */
    assert_int_equal(lp_lines_next(in, true, &line, &err), LP_LINE_STOP);
    lp_lines_del(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_bom_and_blanks),
        cmocka_unit_test(other_byte_order_marks_stay),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(small_maximum),
        cmocka_unit_test(longest_line_with_mark_and_return),
        cmocka_unit_test(no_maximum_at_all),
        cmocka_unit_test(chunks_are_the_bytes),
        cmocka_unit_test(cannot_be_read),
        cmocka_unit_test_setup_teardown(never_waits, pipe_in, pipe_out),
        cmocka_unit_test_setup_teardown(idle_before_waiting, pipe_in, pipe_out),
        cmocka_unit_test_setup_teardown(waits_can_be_ended, pipe_in, pipe_out),
    };
    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
