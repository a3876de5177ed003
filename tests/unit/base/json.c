#include "../../fuzz/plain_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/json.h"
#include "json_corpus.h"

/* In a block of its own size, so that the sanitizer sees one byte read too many. */
static char *exact(const char *p, size_t n)
{
    char *copy = malloc(n ? n : 1);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

static bool accepted(const char *code)
{
    return !code || !strcmp(code, "not_object");
}

static void check_corpus(void **state)
{
    (void)state;
    assert_true(CORPUS_N >= 200);
    for (size_t i = 0; i < CORPUS_N; i++) {
        const struct text *t = &CORPUS[i];
        char *copy = exact(t->p, t->n);
        size_t at = 0;
        const char *why = NULL;
        bool ok = lp_json_check((struct lp_str){copy, t->n}, &at, &why);
        if (ok != accepted(t->code) || (!ok && at != t->at))
            fail_msg("%s: %s at %zu (%s)", t->p, ok ? "accepted" : "refused", at, why ? why : "");
        free(copy);
    }
}

/* Both scanners on the text; they have to agree in all they tell. */
static bool same_verdict(const char *p, size_t n)
{
    struct lp_scan a, b;
    lp_scan_init(&a, (struct lp_str){p, n});
    plain_init(&b, (struct lp_str){p, n});
    bool ok = lp_scan_text(&a);
    assert_int_equal(ok, plain_text(&b));
    if (!ok) {
        assert_string_equal(a.fault->why, b.fault->why);
        assert_string_equal(a.fault->code, b.fault->code);
        assert_ptr_equal(a.at, b.at);
    }
    assert_ptr_equal(a.newline, b.newline);
    return ok;
}

static void plain_path_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < CORPUS_N; i++) {
        char *copy = exact(CORPUS[i].p, CORPUS[i].n);
        same_verdict(copy, CORPUS[i].n);
        free(copy);
    }
}

/* Every odd byte at every place relative to blocks of 16, windows of 64 and the end. */
static void every_place(void **state)
{
    static const char *const odd[] = {"\"", "\\n", "\\", "\x1f", "\xC3\xA9", "\xE4\xB8\xAD",
        "\xF0\x9F\x98\x80", "\xC3", "\xFF", "\x7f"};
    (void)state;
    char text[256];
    for (size_t len = 0; len < 150; len += len < 70 ? 1 : 7) {
        for (size_t at = 0; at <= len; at++) {
            for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) {
                size_t n = 0, m = strlen(odd[k]);
                text[n++] = '"';
                memset(text + n, 'x', len);
                n += at;
                memcpy(text + n, odd[k], m);
                n += m;
                memset(text + n, 'y', len - at);
                n += len - at;
                text[n++] = '"';
                char *copy = exact(text, n);
                bool ok = same_verdict(copy, n);
                bool want = (k >= 4 && k <= 6) || k == 9 || k == 1;
                if (k == 2) /* "\y" is unknown; "\"" never ends */
                    want = false;
                assert_int_equal(ok, want);
                free(copy);
            }
        }
    }
}

static void changed_bytes_agree(void **state)
{
    static const char seed[] = "{\"email\":\"j\xC3\xBCrgen@example.org\",\"n\":[1.5e3,true,null],"
                               "\"x\":\"\\u00e9\\ud83d\\ude00 and a longer run of plain text\"}";
    (void)state;
    uint32_t x = 7;
    size_t accepted_n = 0;
    for (int i = 0; i < 60000; i++) {
        char *copy = exact(seed, sizeof seed - 1);
        size_t n = sizeof seed - 1;
        for (int k = 0; k < 1 + i % 3; k++) {
            x = x * 1664525 + 1013904223;
            copy[(x >> 8) % n] = "{}[]\",:\\u0e19 \n\x80\xC3\xA9\x01tfn"[(x >> 20) % 22];
        }
        if (i % 4 == 0)
            n = (x >> 4) % n;
        accepted_n += same_verdict(copy, n);
        free(copy);
    }
    assert_in_range(accepted_n, 100, 59000);
}

static void depth_limit(void **state)
{
    (void)state;
    for (int open = 255; open <= 257; open++) {
        char text[600];
        memset(text, '[', (size_t)open);
        memset(text + open, ']', (size_t)open);
        assert_int_equal(same_verdict(text, (size_t)open * 2), open <= LP_JSON_DEPTH);
    }
    size_t n = 1000000, at;
    const char *why;
    char *deep = malloc(n);
    memset(deep, '[', n);
    assert_false(lp_json_check((struct lp_str){deep, n}, &at, &why));
    assert_int_equal(at, LP_JSON_DEPTH);
    assert_string_equal(why, "nested too deep");
    free(deep);
}

/* --- readers --------------------------------------------------------------------------------- */

static void types(void **state)
{
    (void)state;
    assert_int_equal(lp_json_type(LP_STR("null")), LP_JSON_NULL);
    assert_int_equal(lp_json_type(LP_STR("false")), LP_JSON_FALSE);
    assert_int_equal(lp_json_type(LP_STR("true")), LP_JSON_TRUE);
    assert_int_equal(lp_json_type(LP_STR("-1")), LP_JSON_NUMBER);
    assert_int_equal(lp_json_type(LP_STR("\"x\"")), LP_JSON_STRING);
    assert_int_equal(lp_json_type(LP_STR("[]")), LP_JSON_ARRAY);
    assert_int_equal(lp_json_type(LP_STR(" {}")), LP_JSON_OBJECT);
    assert_true(lp_json_true(LP_STR("true")));
    assert_false(lp_json_true(LP_STR("\"true\"")));
}

static void walks_objects(void **state)
{
    (void)state;
    struct lp_json_iter it = lp_json_iter(
        LP_STR(" { \"a\" : 1 , \"b\\\"\":\"x,]}\" ,\"c\":[{\"d\":\"}\"}, 2] , \"\":{} } "));
    static const char *const want[][2] = {
        {"a", "1"}, {"b\\\"", "\"x,]}\""}, {"c", "[{\"d\":\"}\"}, 2]"}, {"", "{}"}};
    struct lp_str name, value;
    for (size_t i = 0; i < 4; i++) {
        assert_true(lp_json_next(&it, &name, &value));
        assert_true(lp_str_is(name, want[i][0]));
        assert_true(lp_str_is(value, want[i][1]));
    }
    assert_false(lp_json_next(&it, &name, &value));
    assert_false(lp_json_next(&it, &name, &value));
}

static void walks_arrays(void **state)
{
    (void)state;
    struct lp_json_iter it = lp_json_iter(LP_STR("[1 ,\"a\\\\\",\"b\\\"]\",[ ], -0.5 ,null]"));
    static const char *const want[] = {"1", "\"a\\\\\"", "\"b\\\"]\"", "[ ]", "-0.5", "null"};
    struct lp_str name, value;
    for (size_t i = 0; i < 6; i++) {
        assert_true(lp_json_next(&it, &name, &value));
        assert_null(name.p);
        assert_true(lp_str_is(value, want[i]));
    }
    assert_false(lp_json_next(&it, &name, &value));
    it = lp_json_iter(LP_STR("\"[1]\""));
    assert_false(lp_json_next(&it, &name, &value));
    assert_int_equal(lp_json_count(LP_STR("[]")), 0);
    assert_int_equal(lp_json_count(LP_STR("[ ]")), 0);
    assert_int_equal(lp_json_count(LP_STR("[[1,2],3]")), 2);
    assert_int_equal(lp_json_count(LP_STR("{\"a\":1,\"b\":{\"c\":2}}")), 2);
    assert_int_equal(lp_json_count(LP_STR("17")), 0);
}

static void gets_members(void **state)
{
    (void)state;
    struct lp_str o = LP_STR("{\"a\":1,\"b\":{\"c\":{\"d\":\"x\"}},\"a\":2,\"e\\u006dail\":\"y\"}"),
                  v;
    assert_true(lp_json_get(o, "a", &v));
    assert_true(lp_str_is(v, "2"));
    assert_true(lp_json_get(o, "email", &v));
    assert_true(lp_str_is(v, "\"y\""));
    assert_false(lp_json_get(o, "c", &v));
    assert_false(lp_json_get(o, "e\\u006dail", &v));
    assert_true(lp_json_path(o, "b.c.d", &v));
    assert_true(lp_json_is(v, "x"));
    assert_false(lp_json_path(o, "b.c.d.e", &v));
    assert_false(lp_json_path(o, "b.x.d", &v));
    assert_false(lp_json_get(LP_STR("[1]"), "a", &v));
}

static void decodes_strings(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u00e9b\"", "a\xC3\xA9"
                          "b"},
        {"\"\\u0041\\u07FF\\u0800\\uFFFF\"", "A\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF"},
        {"\"\\ud83d\\uDE00!\"", "\xF0\x9F\x98\x80!"},
        {"\"\\uD800\\uDC00\\udbff\\udfff\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"},
        {"\"\\\\u0041\"", "\\u0041"},
        {"\"\xC3\xA9\\n\xE4\xB8\xAD\"", "\xC3\xA9\n\xE4\xB8\xAD"},
    };
    struct lp_arena arena = {0};
    struct lp_buf b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_str v = lp_str(cases[i].json), out;
        lp_buf_reset(&b);
        LP_BUF_LIT(&b, ">");
        assert_true(lp_json_decode(v, &b));
        assert_string_equal(b.p + 1, cases[i].text);
        assert_true(lp_json_string(v, &arena, &out));
        assert_true(lp_str_is(out, cases[i].text));
        assert_int_equal(out.p == v.p + 1, !strchr(cases[i].json, '\\'));
        assert_true(lp_json_is(v, cases[i].text));
        assert_false(lp_json_is(v, "something else"));
    }
    lp_buf_reset(&b);
    assert_false(lp_json_decode(LP_STR("17"), &b));
    assert_false(lp_json_decode(LP_STR("[\"a\"]"), &b));
    assert_int_equal(b.len, 0);
    lp_buf_free(&b);
    lp_arena_free(&arena);
}

static void compares_names(void **state)
{
    (void)state;
    assert_true(lp_json_name_is(LP_STR("email"), "email"));
    assert_true(lp_json_name_is(LP_STR("em\\u0061il"), "email"));
    assert_true(lp_json_name_is(LP_STR("\\u0065mail"), "email"));
    assert_true(lp_json_name_is(LP_STR(""), ""));
    assert_false(lp_json_name_is(LP_STR("emails"), "email"));
    assert_false(lp_json_name_is(LP_STR("emai"), "email"));
    assert_false(lp_json_name_is(LP_STR("em\\u0061i"), "email"));
    assert_false(lp_json_name_is(LP_STR("em\\u0061ils"), "email"));
    assert_false(lp_json_name_is(LP_STR("\\n"), "\\n"));
    assert_false(lp_json_is(LP_STR("17"), "17"));
    assert_true(lp_json_is(LP_STR("\"\""), ""));
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *json;
        bool ok;
        int64_t want;
    } cases[] = {{"0", true, 0}, {"-17", true, -17}, {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN}, {"9223372036854775808", false, 0},
        {"3.0", true, 3}, {"1e3", true, 1000}, {"1.5", false, 0}, {"1e300", false, 0},
        {"1e400", false, 0}, {"\"3\"", false, 0}, {"null", false, 0}, {"true", false, 0},
        {"[1]", false, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = 99;
        assert_int_equal(lp_json_int(lp_str(cases[i].json), &v), cases[i].ok);
        assert_true(v == (cases[i].ok ? cases[i].want : 99));
    }
    double d;
    assert_true(lp_json_real(LP_STR("-2.5e-1"), &d));
    assert_true(d == -0.25);
    assert_false(lp_json_real(LP_STR("\"1\""), &d));
    assert_false(lp_json_real(LP_STR("null"), &d));
}

/* --- writers --------------------------------------------------------------------------------- */

static void writes_strings(void **state)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"a/b", "\"a/b\""},
        {"say \"hi\" \\ there", "\"say \\\"hi\\\" \\\\ there\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
        {"12345678\n", "\"12345678\\n\""},
        {"1234567\"90", "\"1234567\\\"90\""},
        {"\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xE2\x80\xA8",
            "\"\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\xE2\x80\xA8\""},
    };
    (void)state;
    struct lp_buf b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lp_buf_reset(&b);
        lp_json_put(&b, lp_str(cases[i].text));
        assert_string_equal(b.p, cases[i].json);
    }
    lp_buf_reset(&b);
    lp_json_put(&b, LP_STR("a\0b"));
    assert_string_equal(b.p, "\"a\xEF\xBF\xBD"
                             "b\"");
    lp_buf_free(&b);
}

/* Whatever bytes stand at whatever place: what is written reads back as it was. */
static void strings_survive(void **state)
{
    (void)state;
    struct lp_buf json = {0}, back = {0};
    for (int c = 1; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[at] = (char)c;
            struct lp_str s = {text, sizeof text};
            size_t where;
            const char *why;
            lp_buf_reset(&json);
            lp_buf_reset(&back);
            lp_json_put(&json, s);
            assert_true(lp_json_check(lp_buf_view(&json), &where, &why));
            assert_true(lp_json_decode(lp_buf_view(&json), &back));
            assert_true(lp_str_eq(lp_buf_view(&back), s));
        }
    }
    lp_buf_free(&json);
    lp_buf_free(&back);
}

static void writes_members(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    lp_json_key(&b, "start");
    assert_string_equal(b.p, "\"start\":");
    lp_buf_reset(&b);
    LP_BUF_LIT(&b, "{");
    lp_json_put_str(&b, "s", LP_STR("a\"b"));
    lp_json_put_int(&b, "i", INT64_MIN);
    lp_json_put_bool(&b, "t", true);
    lp_json_put_bool(&b, "f", false);
    lp_json_put_num(&b, "n", 12.5, 3);
    lp_json_put_raw(&b, "r", LP_STR("[1.10]"));
    lp_json_key(&b, "o");
    LP_BUF_LIT(&b, "{");
    lp_json_put_int(&b, "x", 1);
    LP_BUF_LIT(&b, "}}");
    assert_string_equal(b.p, "{\"s\":\"a\\\"b\",\"i\":-9223372036854775808,\"t\":true,\"f\":false,"
                             "\"n\":12.5,\"r\":[1.10],\"o\":{\"x\":1}}");
    lp_buf_free(&b);
}

static void compacts(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    lp_json_compact(&b, LP_STR(" {\r\n\t\"a b\" : [ 1 , 2.50,\n\"x  \\\" y\" ] ,\"c\":{ } }\n"));
    assert_string_equal(b.p, "{\"a b\":[1,2.50,\"x  \\\" y\"],\"c\":{}}");
    lp_buf_free(&b);
}

/* A line for tests/fuzz/oracle.py: verdict, then the bytes in hexadecimal. */
static void judge(const char *p, size_t n)
{
    size_t at;
    const char *why;
    printf("%s ", lp_json_check((struct lp_str){p, n}, &at, &why) ? "good" : "bad");
    for (size_t k = 0; k < n; k++)
        printf("%02x", (unsigned char)p[k]);
    printf("\n");
}

static int dump(char **files)
{
    static char text[1 << 16];
    for (size_t i = 0; i < CORPUS_N; i++)
        judge(CORPUS[i].p, CORPUS[i].n);
    for (; *files; files++) {
        FILE *f = fopen(*files, "rb");
        if (!f)
            return 1;
        judge(text, fread(text, 1, sizeof text, f));
        fclose(f);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "--dump"))
        return dump(argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_corpus),
        cmocka_unit_test(plain_path_agrees),
        cmocka_unit_test(every_place),
        cmocka_unit_test(changed_bytes_agree),
        cmocka_unit_test(depth_limit),
        cmocka_unit_test(types),
        cmocka_unit_test(walks_objects),
        cmocka_unit_test(walks_arrays),
        cmocka_unit_test(gets_members),
        cmocka_unit_test(decodes_strings),
        cmocka_unit_test(compares_names),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(writes_strings),
        cmocka_unit_test(strings_survive),
        cmocka_unit_test(writes_members),
        cmocka_unit_test(compacts),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
