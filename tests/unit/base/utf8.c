#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/utf8.h"

#define T(text) text, sizeof(text) - 1

static void round_trip_every_code_point(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        size_t len = 0;
        lp_buf_reset(&b);
        lp_utf8_put(&b, cp);
        assert_int_equal(lp_utf8_valid(b.p, b.len), b.len);
        assert_int_equal(lp_utf8_decode(b.p, b.len, &len), cp);
        assert_int_equal(len, b.len);
    }
    lp_buf_free(&b);
}

static void no_code_point_is_replaced(void **state)
{
    static const uint32_t bad[] = {0xD800, 0xDFFF, 0x110000, 0xFFFFFFFF};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct lp_buf b = {0};
        lp_utf8_put(&b, bad[i]);
        assert_string_equal(b.p, "\xEF\xBF\xBD");
        lp_buf_free(&b);
    }
}

/* Written down from the table in RFC 3629, section 4, independently of the code. */
static size_t by_the_rfc(const unsigned char *p, size_t n)
{
    static const struct {
        unsigned char lead[2], second[2];
        size_t len;
    } rows[] = {{{0x00, 0x7F}, {0, 0}, 1}, {{0xC2, 0xDF}, {0x80, 0xBF}, 2},
        {{0xE0, 0xE0}, {0xA0, 0xBF}, 3}, {{0xE1, 0xEC}, {0x80, 0xBF}, 3},
        {{0xED, 0xED}, {0x80, 0x9F}, 3}, {{0xEE, 0xEF}, {0x80, 0xBF}, 3},
        {{0xF0, 0xF0}, {0x90, 0xBF}, 4}, {{0xF1, 0xF3}, {0x80, 0xBF}, 4},
        {{0xF4, 0xF4}, {0x80, 0x8F}, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (p[0] < rows[i].lead[0] || p[0] > rows[i].lead[1])
            continue;
        if (rows[i].len > n)
            return 0;
        if (rows[i].len > 1 && (p[1] < rows[i].second[0] || p[1] > rows[i].second[1]))
            return 0;
        for (size_t k = 2; k < rows[i].len; k++)
            if (p[k] < 0x80 || p[k] > 0xBF)
                return 0;
        return rows[i].len;
    }
    return 0;
}

static void every_short_sequence(void **state)
{
    static const unsigned char tails[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    (void)state;
    for (unsigned lead = 0; lead < 256; lead++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t k = 0; k < 36; k++) {
                unsigned char p[4] = {
                    (unsigned char)lead, (unsigned char)second, tails[k % 6], tails[k / 6]};
                size_t want = by_the_rfc(p, 4), got = lp_utf8_valid((char *)p, want ? want : 4);
                assert_int_equal(got, want);
            }
        }
    }
}

static void where_it_breaks(void **state)
{
    static const struct {
        const char *p;
        size_t n, at;
    } cases[] = {{T(""), 0}, {T("plain"), 5}, {T("\xFF"), 0}, {T("a\xC3"), 1},
        {T("\xC3\xA9\xC3"), 2}, {T("0123456789abcdef0123456789abcdef\x80"), 32},
        {T("0123456789abcde\xC3\xA9"
           "f\xE4\xB8"),
            18},
        {T("\xF0\x9F\x98\x80\xED\xA0\x80"), 4}, {T("a\0b\xC0\x80"), 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *copy = malloc(cases[i].n + 1);
        memcpy(copy, cases[i].p, cases[i].n);
        copy = realloc(copy, cases[i].n ? cases[i].n : 1);
        assert_int_equal(lp_utf8_valid(copy, cases[i].n), cases[i].at);
        free(copy);
    }
}

#define R "\xEF\xBF\xBD"
static void repairs(void **state)
{
    static const struct {
        const char *p;
        size_t n;
        const char *want;
    } cases[] = {{T(""), ""}, {T("abc"), "abc"}, {T("M\xFCller"), "M" R "ller"}, {T("\xC3"), R},
        {T("\xE4\xB8"), R}, {T("\xE4\xB8x"), R "x"}, {T("\xE4\xB8\xE4\xB8\xAD"), R "\xE4\xB8\xAD"},
        {T("\xF0\x9F\x98"), R}, {T("\xF0\x9F\x98!"), R "!"}, {T("\xC0\x80"), R R},
        {T("\xED\xA0\x80"), R R R}, {T("\xF4\x90\x80\x80"), R R R R}, {T("\xF5\x80"), R R},
        {T("\xFF\xFE"), R R}, {T("\xE0\x80\x80"), R R R}, {T("\xF0\x80\x80\x80"), R R R R},
        {T("a\x80\x80"
           "b"),
            "a" R R "b"},
        {T("\xC3\xA9\xC3\x28"), "\xC3\xA9" R "("}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_buf b = {0};
        lp_utf8_repair(&b, cases[i].p, cases[i].n);
        assert_true(lp_str_is(lp_buf_view(&b), cases[i].want));
        lp_buf_free(&b);
    }
}

static void copies_whole_characters(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t room;
        const char *copy;
    } cases[] = {{"plain", 6, "plain"}, {"plain", 5, "plai"}, {"plain", 1, ""}, {"", 4, ""},
        {"a\u00e9", 4, "a\u00e9"}, {"a\u00e9", 3, "a"}, {"a\u00e9", 2, "a"},
        {"\U0001f600x", 5, "\U0001f600"}, {"\U0001f600x", 4, ""}, {"a\xc3", 8, "a\ufffd"},
        {"a\xc3", 4, "a"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char to[16];
        memset(to, 'z', sizeof to);
        lp_utf8_copy(to, cases[i].room, lp_str(cases[i].text));
        assert_string_equal(to, cases[i].copy);
        assert_int_equal(to[cases[i].room], 'z');
    }
}

static void broken_promise_ends(void **state)
{
    (void)state;
    size_t len = 0;
    assert_int_equal(lp_utf8_decode("\xC3", 1, &len), 0xFFFD);
    assert_int_equal(len, 1);
    lp_utf8_decode("", 0, &len);
    assert_int_equal(len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_every_code_point),
        cmocka_unit_test(no_code_point_is_replaced),
        cmocka_unit_test(every_short_sequence),
        cmocka_unit_test(where_it_breaks),
        cmocka_unit_test(repairs),
        cmocka_unit_test(copies_whole_characters),
        cmocka_unit_test(broken_promise_ends),
    };
    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
