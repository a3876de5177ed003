/* buf: grows, stops at its ceiling, is always ended by a NUL */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "leadpipe/buf.h"

static void appends(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    assert_string_equal(lp_buf_view(&b).p, "");
    LP_BUF_LIT(&b, "ab");
    lp_buf_byte(&b, 'c');
    lp_buf_str(&b, LP_STR("d"));
    lp_buf_add(&b, NULL, 0);
    lp_buf_printf(&b, "-%s-%05d", "x", 42);
    assert_string_equal(b.p, "abcd-x-00042");
    assert_int_equal(b.len, 12);
    for (int i = 0; i < 1000; i++)
        lp_buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 12 + 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(b.p[b.len], 0);
    lp_buf_shift(&b, 5);
    assert_memory_equal(b.p, "x-00042", 7);
    lp_buf_shift(&b, b.len + 100);
    assert_int_equal(b.len, 0);
    assert_string_equal(b.p, "");
    lp_buf_free(&b);
    lp_buf_shift(&b, 3);
    lp_buf_reset(&b);
}

static void trims(void **state)
{
    (void)state;
    struct lp_buf b = {.max = 1000};
    lp_buf_puts(&b, "small");
    lp_buf_trim(&b, 64);
    assert_int_equal(b.len, 0);
    assert_int_equal(b.cap, 64);
    assert_string_equal(b.p, "");
    lp_buf_printf(&b, "%0500d", 1);
    lp_buf_printf(&b, "%0600d", 1);
    assert_true(b.overflow);
    lp_buf_trim(&b, 64);
    assert_int_equal(b.cap, 0);
    assert_false(b.overflow);
    assert_int_equal(b.max, 1000);
    lp_buf_free(&b);
}

static void integers(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    const int64_t v[] = {0, 7, -7, 1234567890123, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        lp_buf_int(&b, v[i]);
        lp_buf_byte(&b, ' ');
    }
    assert_string_equal(b.p, "0 7 -7 1234567890123 9223372036854775807 -9223372036854775808 ");
    lp_buf_free(&b);
}

static void ceiling(void **state)
{
    (void)state;
    for (size_t max = 1; max < 300; max++) {
        struct lp_buf b = {.max = max};
        for (size_t i = 0; i < max; i++)
            lp_buf_byte(&b, 'x');
        assert_false(b.overflow);
        assert_int_equal(b.len, max);
        lp_buf_byte(&b, 'y');
        assert_true(b.overflow);
        lp_buf_printf(&b, "%s", "more");
        assert_int_equal(b.len, max);
        assert_int_equal(b.p[max - 1], 'x');
        assert_int_equal(b.p[max], 0);
        lp_buf_reset(&b);
        assert_false(b.overflow);
        lp_buf_free(&b);
        assert_int_equal(b.max, max);
    }
    struct lp_buf b = {.max = 10};
    lp_buf_add(&b, "0123456789abcdef", 16);
    assert_true(b.overflow);
    assert_int_equal(b.len, 0);
    assert_false(lp_buf_grow(&b, SIZE_MAX));
    lp_buf_free(&b);
}

static void taking(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    char *p = lp_buf_take(&b);
    assert_string_equal(p, "");
    free(p);
    lp_buf_puts(&b, "mine");
    p = lp_buf_take(&b);
    assert_string_equal(p, "mine");
    assert_null(b.p);
    assert_int_equal(b.len + b.cap, 0);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(trims),
        cmocka_unit_test(integers),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(taking),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
