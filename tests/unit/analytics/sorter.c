#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leadpipe/sorter.h"

static uint64_t state;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int by_words(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    for (int i = 0; i < 3; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* n entries of which many agree, sorted within so many bytes, beside qsort. */
static void compare_with_qsort(size_t n, size_t bytes, enum lp_sorter_keep keep)
{
    struct lp_sorter s;
    struct lp_err err = {0};
    uint64_t *all = calloc(n + 1, 3 * sizeof *all), got[3], seen = 0;
    state = 88172645463325252;
    lp_sorter_init(&s, 3, keep, bytes);
    for (size_t i = 0; i < n; i++) {
        uint64_t *e = all + i * 3;
        e[0] = (next_random() % (n / 4 + 1)) * UINT64_C(0x9E3779B97F4A7C15);
        e[1] = next_random() % 3;
        e[2] = next_random() % 2 << 60;
        assert_int_equal(lp_sorter_add(&s, e, &err), 0);
    }
    qsort(all, n, 3 * sizeof *all, by_words);
    for (size_t i = 0; i < n; i++) {
        const uint64_t *e = all + i * 3;
        bool last = i + 1 == n || (keep == LP_SORTER_LAST ? e[0] != e[3] : by_words(e, e + 3) != 0);
        if (!last)
            continue;
        assert_int_equal(lp_sorter_next(&s, got, &err), 1);
        assert_memory_equal(got, e, sizeof got);
        seen++;
    }
    assert_int_equal(lp_sorter_next(&s, got, &err), 0);
    assert_true(n == 0 || seen > 0);
    lp_sorter_free(&s);
    free(all);
}

static void nothing_is_sorted(void **unused)
{
    (void)unused;
    compare_with_qsort(0, 1 << 20, LP_SORTER_DISTINCT);
}

static void within_memory(void **unused)
{
    (void)unused;
    compare_with_qsort(1, 1 << 20, LP_SORTER_DISTINCT);
    compare_with_qsort(20000, 1 << 20, LP_SORTER_DISTINCT);
    compare_with_qsort(20000, 1 << 20, LP_SORTER_LAST);
}

static void beyond_memory(void **unused)
{
    (void)unused;
    compare_with_qsort(20000, 24 * 1000, LP_SORTER_DISTINCT);
    compare_with_qsort(20000, 24 * 1000, LP_SORTER_LAST);
    compare_with_qsort(1000, 24 * 2, LP_SORTER_DISTINCT);
}

static void what_agrees_takes_no_room(void **unused)
{
    struct lp_sorter s;
    struct lp_err err = {0};
    uint64_t e[3] = {7, 8, 9}, got[3];
    (void)unused;
    lp_sorter_init(&s, 3, LP_SORTER_DISTINCT, 24 * 100);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(lp_sorter_add(&s, e, &err), 0);
    assert_int_equal(s.runs, 0);
    assert_int_equal(lp_sorter_next(&s, got, &err), 1);
    assert_int_equal(lp_sorter_next(&s, got, &err), 0);
    lp_sorter_free(&s);
}

static void a_missing_directory_is_told(void **unused)
{
    struct lp_sorter s;
    struct lp_err err = {0};
    int status = 0;
    (void)unused;
    setenv("TMPDIR", "/nonexistent/for/leadpipe", 1);
    lp_sorter_init(&s, 3, LP_SORTER_DISTINCT, 1 << 20);
    for (uint64_t i = 0; i < 100000 && status == 0; i++)
        status = lp_sorter_add(&s, (uint64_t[3]){i, i, i}, &err);
    unsetenv("TMPDIR");
    assert_int_equal(status, -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, "TMPDIR"));
    lp_sorter_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_sorted),
        cmocka_unit_test(within_memory),
        cmocka_unit_test(beyond_memory),
        cmocka_unit_test(what_agrees_takes_no_room),
        cmocka_unit_test(a_missing_directory_is_told),
    };
    return cmocka_run_group_tests_name("sorter", tests, NULL, NULL);
}
