#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "leadpipe/tempfile.h"
#include "leadpipe/width.h"

static void little_touches_no_disk(void **state)
{
    struct lp_tempfile t = {0};
    struct lp_err err = {0};
    char got[6] = "";
    (void)state;
    setenv("TMPDIR", "/nonexistent/for/leadpipe", 1);
    assert_int_equal(lp_tempfile_append(&t, "hello", 5, &err), 0);
    assert_int_equal(lp_tempfile_read(&t, 0, got, 5, &err), 0);
    assert_string_equal(got, "hello");
    unsetenv("TMPDIR");
    lp_tempfile_free(&t);
}

static void what_was_put_is_read_across_the_buffer(void **state)
{
    enum { N = 400000, PIECE = 7 };
    struct lp_tempfile t = {0};
    struct lp_err err = {0};
    unsigned char piece[PIECE], *all = malloc(N * PIECE);
    (void)state;
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < PIECE; k++)
            piece[k] = (unsigned char)(i * 31 + k);
        assert_int_equal(lp_tempfile_append(&t, piece, PIECE, &err), 0);
    }
    assert_int_equal(lp_tempfile_size(&t), N * PIECE);
    assert_int_equal(lp_tempfile_read(&t, 0, all, N * PIECE, &err), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(all[i * PIECE + 3], (unsigned char)(i * 31 + 3));
    /* From the file into what is still in memory. */
    uint64_t edge = t.written - 2;
    assert_int_equal(lp_tempfile_read(&t, edge, piece, 4, &err), 0);
    assert_memory_equal(piece, all + edge, 4);
    free(all);
    lp_tempfile_free(&t);
}

static void more_than_its_buffer_at_once(void **state)
{
    struct lp_tempfile t = {0};
    struct lp_err err = {0};
    size_t n = LP_TEMPFILE_BUFFER * 2 + 1;
    char *big = calloc(n, 1), last = 'x';
    (void)state;
    big[n - 1] = 'z';
    assert_int_equal(lp_tempfile_append(&t, "ab", 2, &err), 0);
    assert_int_equal(lp_tempfile_append(&t, big, n, &err), 0);
    assert_int_equal(lp_tempfile_read(&t, n + 1, &last, 1, &err), 0);
    assert_int_equal(last, 'z');
    free(big);
    lp_tempfile_free(&t);
}

/* A limit within a block: the system takes a part of it, then refuses. */
static void what_was_there_outlives_a_full_disk(void **state)
{
    enum { PIECE = 1000, LIMIT = 300000 };
    struct rlimit before, low;
    struct lp_tempfile t = {0};
    struct lp_err err = {0};
    char piece[PIECE], got[PIECE];
    unsigned int n = 0;
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    low = before;
    low.rlim_cur = LIMIT;
    setrlimit(RLIMIT_FSIZE, &low);
    do
        memset(piece, 'a' + (int)(n % 26), PIECE);
    while (lp_tempfile_append(&t, piece, PIECE, &err) == 0 && ++n < 1000);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_true(n > LIMIT / PIECE && n < 1000);
    for (unsigned int i = 0; i < n; i++) {
        memset(piece, 'a' + (int)(i % 26), PIECE);
        assert_int_equal(lp_tempfile_read(&t, (uint64_t)i * PIECE, got, PIECE, &err), 0);
        assert_memory_equal(got, piece, PIECE);
    }
    lp_tempfile_free(&t);
}

static void past_the_end_is_refused(void **state)
{
    struct lp_tempfile t = {0};
    struct lp_err err = {0};
    char got[4];
    (void)state;
    assert_int_equal(lp_tempfile_append(&t, "ab", 2, &err), 0);
    assert_int_equal(lp_tempfile_read(&t, 1, got, 2, &err), -1);
    lp_tempfile_free(&t);
}

static void wide_marks_and_controls(void **state)
{
    (void)state;
    assert_int_equal(lp_width('a'), 1);
    assert_int_equal(lp_width(0xE9), 1);
    assert_int_equal(lp_width(0x6771), 2); /* a Chinese character */
    assert_int_equal(lp_width(0xFF21), 2); /* a full-width letter */
    assert_int_equal(lp_width(0x301), 0);  /* a combining accent */
    assert_int_equal(lp_width(0x7), 1);    /* shown as a mark */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_touches_no_disk),
        cmocka_unit_test(what_was_put_is_read_across_the_buffer),
        cmocka_unit_test(more_than_its_buffer_at_once),
        cmocka_unit_test(what_was_there_outlives_a_full_disk),
        cmocka_unit_test(past_the_end_is_refused),
        cmocka_unit_test(wide_marks_and_controls),
    };
    return cmocka_run_group_tests_name("tempfile", tests, NULL, NULL);
}
