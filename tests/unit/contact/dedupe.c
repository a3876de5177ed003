#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "leadpipe/dedupe.h"

static struct lp_str number(char text[24], unsigned int i)
{
    return (struct lp_str){text, (size_t)snprintf(text, 24, "k%u@example.com", i)};
}

static void every_key_once(void **state)
{
    (void)state;
    enum { KEYS = 300000 };
    struct lp_dedupe d;
    char text[24];
    lp_dedupe_init(&d);
    for (unsigned int i = 0; i < KEYS; i++) {
        assert_true(lp_dedupe_add(&d, number(text, i)));
        if (i > 10000) /* at its worst just after it has grown */
            assert_true(lp_dedupe_bytes(&d) <= 24u * (i + 1));
        if (i % 3 == 0)
            assert_false(lp_dedupe_add(&d, number(text, i / 2)));
    }
    for (unsigned int i = 0; i < KEYS; i++)
        assert_false(lp_dedupe_add(&d, number(text, i)));
    assert_int_equal(d.keys, KEYS);
    lp_dedupe_free(&d);
}

static int collect(void *arg, struct lp_str line, struct lp_err *err)
{
    (void)err;
    lp_buf_str(arg, line);
    return 0;
}

static void drain(bool merge, const char *const lines[][2], size_t n, const char *want)
{
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_spool *s = lp_spool_new(merge);
    for (size_t i = 0; i < n; i++) {
        bool fresh, first = true;
        for (size_t k = 0; k < i; k++)
            first &= strcmp(lines[k][0], lines[i][0]) != 0;
        assert_int_equal(
            lp_spool_add(s, lp_str(lines[i][0]), lp_str(lines[i][1]), &fresh, &err), 0);
        assert_int_equal(fresh, first);
    }
    assert_int_equal(lp_spool_drain(s, collect, &out, &err), 0);
    assert_string_equal(out.p, want);
    lp_spool_del(s);
    lp_buf_free(&out);
}

static const char *const lines[][2] = {
    {"a", "{\"email\":1,\"tags\":[\"x\"],\"custom_fields\":{\"p\":\"1\"}}\n"},
    {"b", "{\"email\":2}\n"},
    {"a", "{\"email\":3,\"city\":\"Berlin\",\"tags\":[\"y\",\"x\"],\"custom_fields\":{\"p\":\"9\","
          "\"q\":\"2\"}}\n"},
    {"c", "{\"email\":4}\n"},
    {"a", "{\"email\":5,\"title\":\"CTO\",\"city\":\"Bonn\",\"tags\":[\"z\"]}\n"},
};

static void last_keeps_the_first_place(void **state)
{
    (void)state;
    drain(false, lines, 5,
        "{\"email\":5,\"title\":\"CTO\",\"city\":\"Bonn\",\"tags\":[\"z\"]}\n{\"email\":2}\n{"
        "\"email\":4}\n");
}

static void merge_completes_the_first(void **state)
{
    (void)state;
    drain(true, lines, 5,
        "{\"email\":1,\"title\":\"CTO\",\"city\":\"Berlin\",\"tags\":[\"x\",\"y\",\"z\"],"
        "\"custom_fields\":{\"p\":\"1\",\"q\":\"2\"}}\n{\"email\":2}\n{\"email\":4}\n");
}

/* Fields of files whose columns stand in another order: each is found wherever it is. */
static void merge_finds_fields_in_any_order(void **state)
{
    (void)state;
    struct lp_buf out = {0};
    lp_dedupe_merge(lp_str("{\"email\":1,\"custom_fields\":{\"a\":1,\"b\":2,\"c\":3}}"),
        lp_str("{\"email\":1,\"custom_fields\":{\"c\":9,\"x\":4,\"a\":9,\"y\":5,\"x\":6,\"b\":9}}"),
        &out);
    assert_string_equal(out.p, "{\"email\":1,\"custom_fields\":{\"a\":1,\"b\":2,\"c\":3,"
                               "\"x\":4,\"y\":5,\"x\":6}}\n");
    lp_buf_free(&out);
}

static void spool_larger_than_its_blocks(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    struct lp_err err = {0};
    struct lp_buf out = {0}, want = {0};
    struct lp_spool *s = lp_spool_new(false);
    char key[24], line[200];
    bool fresh;
    for (int round = 0; round < 2; round++)
        for (unsigned int i = 0; i < KEYS; i += 1 + (unsigned int)round) {
            snprintf(
                line, sizeof(line), "{\"i\":%u,\"round\":%d,\"pad\":\"%0100u\"}\n", i, round, i);
            assert_int_equal(lp_spool_add(s, number(key, i), lp_str(line), &fresh, &err), 0);
        }
    for (unsigned int i = 0; i < KEYS; i++)
        lp_buf_printf(&want, "{\"i\":%u,\"round\":%d,\"pad\":\"%0100u\"}\n", i, i % 2 == 0, i);
    assert_int_equal(lp_spool_drain(s, collect, &out, &err), 0);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.p, want.p, want.len);
    lp_spool_del(s);
    lp_buf_free(&out);
    lp_buf_free(&want);
}

static int count(void *arg, struct lp_str line, struct lp_err *err)
{
    (void)err;
    assert_true(lp_str_is(line, "{\"email\":1}\n"));
    ++*(unsigned int *)arg;
    return 0;
}

static void no_directory_for_the_spool(void **state)
{
    (void)state;
    struct lp_err err = {0}, none = {0};
    unsigned int kept = 0, drained = 0;
    struct lp_spool *s = lp_spool_new(false);
    char key[24];
    bool fresh;
    int rc = 0;
    setenv("TMPDIR", "/nonexistent", 1);
    while (rc == 0 && kept < 20000) { /* the first ones stay in memory */
        rc = lp_spool_add(s, number(key, kept), lp_str("{\"email\":1}\n"), &fresh, &err);
        kept += rc == 0;
    }
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, "/nonexistent"));
    assert_int_equal(lp_spool_drain(s, count, &drained, &none), 0);
    assert_true(kept > 1000);
    assert_int_equal(drained, kept);
    lp_spool_del(s);
    unsetenv("TMPDIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_once),
        cmocka_unit_test(last_keeps_the_first_place),
        cmocka_unit_test(merge_completes_the_first),
        cmocka_unit_test(merge_finds_fields_in_any_order),
        cmocka_unit_test(spool_larger_than_its_blocks),
        cmocka_unit_test(no_directory_for_the_spool),
    };
    return cmocka_run_group_tests_name("dedupe", tests, NULL, NULL);
}
