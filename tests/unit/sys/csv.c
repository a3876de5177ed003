#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <csv.h>

#include "leadpipe/csv.h"

/* The line with its padding, as lp_csv_line wants it. */
static char *padded(const char *text, size_t n)
{
    char *p = calloc(1, n + LP_CSV_PAD);
    assert_non_null(p);
    memcpy(p, text, n);
    return p;
}

static void expect_cells(const struct lp_csv *c, const char *const *want)
{
    size_t n = 0;
    while (want[n])
        n++;
    assert_int_equal(c->cells, n);
    for (size_t i = 0; i < n; i++)
        assert_true(lp_str_is(c->cell[i], want[i]));
}

static void line_is_cut(void **state)
{
    (void)state;
    struct lp_csv c;
    size_t length;
    lp_csv_init(&c, ',', '\n');
    static const char text[] = "a,  b c ,,\xc3\xa9,last cell of a line longer than a block\r\nnext";
    char *p = padded(text, sizeof(text) - 1);
    assert_true(lp_csv_line(&c, p, sizeof(text) - 1, &length));
    expect_cells(&c, (const char *[]){"a", "b c", "", "\xc3\xa9",
                         "last cell of a line longer than a block", NULL});
    assert_int_equal(p[length - 1], '\n');
    assert_true(c.plain);
    assert_false(c.ascii);
    free(p);
    p = padded("a\tb\\c\n", 6);
    lp_csv_free(&c);
    lp_csv_init(&c, '\t', '\n');
    assert_true(lp_csv_line(&c, p, 6, &length));
    expect_cells(&c, (const char *[]){"a", "b\\c", NULL});
    assert_false(c.plain);
    assert_true(c.ascii);
    free(p);
    lp_csv_free(&c);
}

static void line_without_end_or_with_quote_is_left(void **state)
{
    (void)state;
    struct lp_csv c;
    size_t length;
    lp_csv_init(&c, ',', '\n');
    char *p = padded("a,b\nc", 5);
    assert_false(lp_csv_line(&c, p, 3, &length));
    assert_true(lp_csv_line(&c, p, 4, &length));
    free(p);
    p = padded("a,\"b\"\n", 6);
    assert_false(lp_csv_line(&c, p, 6, &length));
    free(p);
    lp_csv_free(&c);
}

static void split_unquotes(void **state)
{
    (void)state;
    struct lp_csv c;
    lp_csv_init(&c, ';', '\n');
    lp_csv_split(&c, LP_STR("\"a;\"\"b\"\"\nc\" ; 5\" pipe;\" kept \";x\ry;"));
    expect_cells(&c, (const char *[]){"a;\"b\"\nc", "5\" pipe", " kept ", "x\ry", "", NULL});
    lp_csv_split(&c, LP_STR("one"));
    expect_cells(&c, (const char *[]){"one", NULL});
    lp_csv_free(&c);
}

static unsigned int roll(uint64_t *seed, unsigned int n)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned int)(*seed >> 33) % n;
}

/* The short way must give what libcsv gives. */
static void both_ways_agree(void **state)
{
    (void)state;
    static const char letters[] = "ab, \t\\\xc3;,,  z";
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char text[80];
        size_t n = 1 + roll(&seed, 70), length;
        for (size_t i = 0; i < n; i++)
            text[i] = letters[roll(&seed, sizeof(letters) - 1)];
        text[0] = 'x';
        text[n] = '\n';
        struct lp_csv a, b;
        char delimiter = ",;\t"[round % 3];
        lp_csv_init(&a, delimiter, '\n');
        lp_csv_init(&b, delimiter, '\n');
        char *p = padded(text, n + 1);
        assert_true(lp_csv_line(&a, p, n + 1, &length));
        lp_csv_split(&b, (struct lp_str){p, n});
        assert_int_equal(a.cells, b.cells);
        assert_int_equal(a.ascii, b.ascii);
        for (size_t i = 0; i < a.kept; i++)
            assert_true(lp_str_eq(a.cell[i], b.cell[i]));
        free(p);
        lp_csv_free(&a);
        lp_csv_free(&b);
    }
}

static void too_many_cells_are_counted(void **state)
{
    (void)state;
    struct lp_csv c;
    size_t n = 1000000, length;
    char *p = calloc(1, n + LP_CSV_PAD);
    memset(p, ',', n);
    p[n - 1] = '\n';
    lp_csv_init(&c, ',', '\n');
    assert_true(lp_csv_line(&c, p, n, &length));
    assert_int_equal(c.cells, n);
    assert_int_equal(c.kept, LP_CSV_COLUMNS);
    p[0] = '"';
    p[1] = '"';
    lp_csv_split(&c, (struct lp_str){p, n - 1});
    assert_int_equal(c.cells, n - 2);
    assert_int_equal(c.kept, LP_CSV_COLUMNS);
    lp_csv_free(&c);
    free(p);
}

static void scan_finds_the_end(void **state)
{
    (void)state;
    static const struct {
        const char *line[4];
        enum lp_csv_end end[4];
    } cases[] = {
        {{"a,b"}, {LP_CSV_WHOLE}},
        {{"a,\"b\""}, {LP_CSV_WHOLE}},
        {{"a,5\" pipe"}, {LP_CSV_WHOLE}},
        {{"a,\"b", "c\",d"}, {LP_CSV_OPEN, LP_CSV_WHOLE}},
        {{"a,\"b", "", "c\""}, {LP_CSV_OPEN, LP_CSV_OPEN, LP_CSV_WHOLE}},
        {{"a,\"b", "c\"\"d\" ,e"}, {LP_CSV_OPEN, LP_CSV_WHOLE}},
        {{"a,\"b", "c,\"d\""}, {LP_CSV_OPEN, LP_CSV_UNCLOSED}},
        {{"a,\"b\"c"}, {LP_CSV_UNCLOSED}},
        {{"a,\"b\"c\""}, {LP_CSV_WHOLE}},
        {{"\"\"abc"}, {LP_CSV_UNCLOSED}},
    };
    struct lp_csv c = {.delimiter = ',', .eol = '\n'};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_csv_scan scan = {0};
        for (size_t k = 0; k < 4 && cases[i].line[k]; k++)
            assert_int_equal(lp_csv_scan(&c, &scan, lp_str(cases[i].line[k])), cases[i].end[k]);
    }
}

static void scan_stops_at_a_huge_cell(void **state)
{
    (void)state;
    struct lp_csv c = {.delimiter = ',', .eol = '\n'};
    struct lp_csv_scan scan = {0};
    size_t n = LP_CSV_CELL + 10;
    char *p = malloc(n);
    memset(p, 'x', n);
    assert_int_equal(lp_csv_scan(&c, &scan, (struct lp_str){p, n}), LP_CSV_LONG);
    scan = (struct lp_csv_scan){0};
    assert_int_equal(lp_csv_scan(&c, &scan, LP_STR("\"open")), LP_CSV_OPEN);
    assert_int_equal(lp_csv_scan(&c, &scan, (struct lp_str){p, n}), LP_CSV_UNCLOSED);
    free(p);
}

/* Its own allocation may fail, and then the row comes short of cells without a word. */
static void memory_comes_from_us(void **state)
{
    (void)state;
    struct lp_csv c;
    lp_csv_init(&c, ',', '\n');
    assert_ptr_equal(c.parser->realloc_func, lp_realloc);
    lp_csv_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_is_cut),
        cmocka_unit_test(line_without_end_or_with_quote_is_left),
        cmocka_unit_test(split_unquotes),
        cmocka_unit_test(both_ways_agree),
        cmocka_unit_test(too_many_cells_are_counted),
        cmocka_unit_test(scan_finds_the_end),
        cmocka_unit_test(scan_stops_at_a_huge_cell),
        cmocka_unit_test(memory_comes_from_us),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
