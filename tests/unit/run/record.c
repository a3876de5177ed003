#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/record.h"
#include "../base/json_corpus.h"

static struct lp_rec *parse(struct lp_rec *r, const char *line)
{
    struct lp_err err = {0};
    if (lp_rec_parse(r, line, strlen(line), &err) < 0)
        fail_msg("%s: %s", line, err.msg);
    return r;
}

static void assert_writes(const struct lp_rec *r, const char *want)
{
    struct lp_buf b = {0};
    lp_rec_write(r, &b);
    assert_int_equal(b.p[b.len - 1], '\n');
    b.p[b.len - 1] = '\0';
    assert_string_equal(b.p, want);
    lp_buf_free(&b);
}

static void assert_value(const struct lp_rec *r, const char *name, const char *want)
{
    struct lp_str v;
    assert_true(lp_rec_get(r, name, &v));
    if (!lp_str_is(v, want))
        fail_msg("%s is %.*s, not %s", name, (int)v.n, v.p, want);
}

/* --- what is taken and what is refused ------------------------------------------------------- */

static void corpus_codes(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    for (size_t i = 0; i < CORPUS_N; i++) {
        const struct text *t = &CORPUS[i];
        struct lp_err err = {0};
        struct lp_str v;
        char *copy = malloc(t->n ? t->n : 1), at[32];
        memcpy(copy, t->p, t->n);
        int got = lp_rec_parse(&r, copy, t->n, &err);
        if (got != (t->code ? -1 : 0) || (t->code && strcmp(err.code, t->code) != 0))
            fail_msg("%s: %d %s (%s)", t->p, got, err.code, err.msg);
        if (t->code) {
            snprintf(at, sizeof at, "byte %zu: ", t->at);
            assert_memory_equal(err.msg, at, strlen(at));
            assert_int_equal(r.error_at, t->at);
            assert_int_equal(err.kind, LP_ERR_RECORD);
            assert_false(lp_rec_get(&r, "a", &v));
        }
        free(copy);
    }
    lp_rec_free(&r);
}

static void message(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    struct lp_err err = {0};
    assert_int_equal(lp_rec_parse(&r, "{\"email\":\"a\tb\"}", 15, &err), -1);
    assert_string_equal(err.msg, "byte 11: control character in string");
    lp_rec_free(&r);
}

static void one_line_only(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    struct lp_err err = {0};
    assert_int_equal(lp_rec_parse(&r, "{\"a\":1,\n\"b\":\n2}", 15, &err), -1);
    assert_string_equal(err.code, "bad_json");
    assert_int_equal(r.error_at, 7);
    lp_rec_free(&r);
}

static void depth_counts_the_record(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    for (int arrays = 254; arrays <= 257; arrays++) {
        char text[600];
        struct lp_err err = {0};
        int n = snprintf(text, sizeof text, "{\"a\":");
        memset(text + n, '[', (size_t)arrays);
        memset(text + n + arrays, ']', (size_t)arrays);
        text[n + 2 * arrays] = '}';
        int got = lp_rec_parse(&r, text, (size_t)(n + 2 * arrays + 1), &err);
        assert_int_equal(got, arrays < LP_JSON_DEPTH ? 0 : -1);
        if (got < 0) {
            assert_string_equal(err.code, "too_deep");
            assert_int_equal(r.error_at, n + LP_JSON_DEPTH - 1);
        }
    }
    lp_rec_free(&r);
}

static void many_members(struct lp_buf *b, unsigned n)
{
    lp_buf_reset(b);
    LP_BUF_LIT(b, "{");
    for (unsigned i = 0; i < n; i++)
        lp_buf_printf(b, "%s\"k%u\":%u", i ? "," : "", i, i);
    LP_BUF_LIT(b, "}");
}

static void member_ceiling(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    struct lp_err err = {0};
    struct lp_buf b = {0};
    many_members(&b, LP_REC_MEMBERS);
    assert_int_equal(lp_rec_parse(&r, b.p, b.len, &err), 0);
    assert_value(&r, "k0", "0");
    assert_value(&r, "k65535", "65535");
    lp_rec_set(&r, "k7", LP_STR("null"));
    lp_rec_set(&r, "new", LP_STR("1"));
    assert_value(&r, "new", "1");
    many_members(&b, LP_REC_MEMBERS + 1);
    assert_int_equal(lp_rec_parse(&r, b.p, b.len, &err), -1);
    assert_string_equal(err.code, "too_many_members");
    assert_true(r.room <= 2 * LP_REC_MEMBERS);
    many_members(&b, 1000000);
    assert_int_equal(lp_rec_parse(&r, b.p, b.len, &err), -1);
    assert_true(r.room <= 2 * LP_REC_MEMBERS);
    assert_int_equal(lp_rec_parse(&r, "{\"a\":1}", 7, &err), 0);
    many_members(&b, LP_REC_MEMBERS);
    assert_int_equal(lp_rec_parse(&r, b.p, b.len, &err), 0);
    lp_rec_reset(&r); /* a thousand records of a window keep little of it each */
    assert_true(r.room <= 1024);
    lp_buf_free(&b);
    lp_rec_free(&r);
}

/* --- reading --------------------------------------------------------------------------------- */

static void reads(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    struct lp_str s;
    int64_t n = -1;
    parse(&r, " {\"email\" : \"a\\u0040b.c\", \"n\":1234567890123456789,\"e\":\"\",\"z\":null,"
              "\"o\": {\"x\":1} ,\"n2\":1,\"n2\":2,\"c\\u0069ty\":\"Rome\"} ");
    assert_value(&r, "email", "\"a\\u0040b.c\"");
    assert_value(&r, "o", "{\"x\":1}");
    assert_value(&r, "n2", "2");
    assert_value(&r, "city", "\"Rome\"");
    assert_true(lp_rec_string(&r, "email", &s));
    assert_true(lp_str_is(s, "a@b.c"));
    assert_false(lp_rec_string(&r, "n", &s));
    assert_true(lp_rec_int(&r, "n", &n));
    assert_true(n == 1234567890123456789);
    assert_false(lp_rec_int(&r, "email", &n));
    assert_true(lp_rec_filled(&r, "email"));
    assert_true(lp_rec_filled(&r, "o"));
    assert_false(lp_rec_filled(&r, "e"));
    assert_false(lp_rec_filled(&r, "z"));
    assert_false(lp_rec_filled(&r, "absent"));
    assert_true(lp_rec_is(&r, "email", "a@b.c"));
    assert_false(lp_rec_is(&r, "email", "a@b"));
    assert_false(lp_rec_is(&r, "absent", ""));
    assert_false(lp_rec_get(&r, "x", &s));
    assert_false(lp_rec_get(&r, "emai", &s));
    lp_rec_free(&r);
}

static void kinds(void **state)
{
    static const char *const cases[][2] = {{"{}", ""}, {"{\"email\":\"a@b\"}", "contact"},
        {"{\"kind\":\"job\",\"email\":\"a@b\"}", "job"}, {"{\"kind\":\"j\\u006fb\"}", "job"},
        {"{\"kind\":null,\"email\":1}", "contact"}, {"{\"kind\":7,\"email\":\"a@b\"}", ""},
        {"{\"kind\":\"\"}", ""}, {"{\"kind\":\"job\",\"kind\":\"reply\"}", "reply"}};
    (void)state;
    struct lp_rec r = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(lp_str_is(lp_rec_kind(parse(&r, cases[i][0])), cases[i][1]));
    lp_rec_free(&r);
}

/* --- changing -------------------------------------------------------------------------------- */

static void splices(void **state)
{
    static const struct {
        const char *line, *name, *json, *want;
    } cases[] = {
        {"{}", "a", "1", "{\"a\":1}"},
        {" { } ", "a", "1", " { \"a\":1} "},
        {"{\"x\":1.10}", "a", "[]", "{\"x\":1.10,\"a\":[]}"},
        {"{ \"x\" : 1 }\r", "a", "2", "{ \"x\" : 1 ,\"a\":2}\r"},
        {"{\"a\":1}", "a", "22", "{\"a\":22}"},
        {"{ \"a\" : 1 , \"b\" : 2 }", "a", "\"\"", "{ \"a\" : \"\" , \"b\" : 2 }"},
        {"{\"a\":1,\"b\":2,\"a\":3}", "a", "4", "{\"a\":1,\"b\":2,\"a\":4}"},
        {"{\"\\u0061\":1,\"id\":1234567890123456789}", "a", "4",
            "{\"\\u0061\":4,\"id\":1234567890123456789}"},
        {"{\"o\":{\"a\":1}}", "a", "2", "{\"o\":{\"a\":1},\"a\":2}"},
        {"{\"b\":\"\\u00e9\"}", "a", "{\n  \"x\": \"y z\",\r\n \"n\": [1, 2]\n}",
            "{\"b\":\"\\u00e9\",\"a\":{\"x\":\"y z\",\"n\":[1,2]}}"},
        {"{\"b\":1}", "a", "{\"x\": 1}", "{\"b\":1,\"a\":{\"x\": 1}}"},
        {"{\"b\":1}", "b", "", "{\"b\":null}"},
    };
    (void)state;
    struct lp_rec r = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parse(&r, cases[i].line);
        assert_writes(&r, cases[i].line);
        lp_rec_set(&r, cases[i].name, lp_str(cases[i].json));
        assert_writes(&r, cases[i].want);
        lp_rec_set(&r, cases[i].name, lp_str(cases[i].json));
        assert_writes(&r, cases[i].want);
    }
    lp_rec_free(&r);
}

static void sets_several(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    struct lp_str v;
    parse(&r, "{\"a\":1,\"b\":\"old\",\"c\":[1, 2]}");
    lp_rec_set_string(&r, "x", LP_STR("say \"hi\"\n"));
    lp_rec_set(&r, "y", LP_STR("1"));
    lp_rec_set_string(&r, "b", LP_STR("new and longer"));
    lp_rec_set(&r, "y", LP_STR("22"));
    assert_value(&r, "x", "\"say \\\"hi\\\"\\n\"");
    assert_value(&r, "y", "22");
    assert_value(&r, "b", "\"new and longer\"");
    assert_true(lp_rec_string(&r, "x", &v));
    assert_true(lp_str_is(v, "say \"hi\"\n"));
    assert_writes(
        &r, "{\"a\":1,\"b\":\"new and longer\",\"c\":[1, 2],\"x\":\"say \\\"hi\\\"\\n\",\"y\":22}");
    /* A value may come from the record itself. */
    assert_true(lp_rec_get(&r, "c", &v));
    lp_rec_set(&r, "a", v);
    assert_writes(&r, "{\"a\":[1, 2],\"b\":\"new and longer\",\"c\":[1, 2],\"x\":\"say "
                      "\\\"hi\\\"\\n\",\"y\":22}");
    lp_rec_reset(&r);
    assert_false(lp_rec_get(&r, "a", &v));
    parse(&r, "{}");
    assert_writes(&r, "{}");
    lp_rec_free(&r);
}

static void keeps_the_line(void **state)
{
    (void)state;
    struct lp_rec r = {0};
    char line[] = "{\"a\":1,\"b\":2}";
    parse(&r, line);
    lp_rec_set(&r, "c", LP_STR("3"));
    lp_rec_keep(&r);
    memset(line, '#', sizeof line - 1);
    lp_rec_set(&r, "a", LP_STR("9"));
    assert_value(&r, "b", "2");
    assert_writes(&r, "{\"a\":9,\"b\":2,\"c\":3}");
    lp_rec_free(&r);
}

static void whole_lines_or_nothing(void **state)
{
    static const char want[] = "{\"a\":22222,\"b\":3}\n";
    (void)state;
    struct lp_rec r = {0};
    parse(&r, "{\"a\":1}");
    lp_rec_set(&r, "a", LP_STR("22222"));
    lp_rec_set(&r, "b", LP_STR("3"));
    for (size_t max = 1; max < 40; max++) {
        struct lp_buf b = {.max = max};
        lp_rec_write(&r, &b);
        if (max < sizeof want - 1) {
            assert_true(b.overflow);
            assert_int_equal(b.len, 0);
        } else {
            assert_false(b.overflow);
            assert_string_equal(b.p, want);
        }
        lp_buf_free(&b);
    }
    lp_rec_free(&r);
}

/* --- any record ------------------------------------------------------------------------------ */

static uint32_t seed;

static unsigned pick(unsigned n)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

static void make_space(struct lp_buf *b)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\t", "  \r", " \t "};
    lp_buf_puts(b, spaces[pick(8)]);
}

static void make_string(struct lp_buf *b)
{
    static const char *const parts[] = {"a", "email", "x y", "{[,:]}", "0123456789abcdef", "\\\"",
        "\\\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\xC3\xA9", "\xE4\xB8\xAD\xE6\x96\x87",
        "\xF0\x9F\x98\x80", "\\/"};
    lp_buf_byte(b, '"');
    for (unsigned n = pick(6); n > 0; n--)
        lp_buf_puts(b, parts[pick(14)]);
    lp_buf_byte(b, '"');
}

static void make_value(struct lp_buf *b, unsigned depth);

static void make_container(struct lp_buf *b, unsigned depth, bool object)
{
    lp_buf_byte(b, object ? '{' : '[');
    make_space(b);
    for (unsigned n = pick(depth ? 5 : 20), i = 0; i < n; i++) {
        if (i > 0) {
            lp_buf_byte(b, ',');
            make_space(b);
        }
        if (object) {
            make_string(b);
            make_space(b);
            lp_buf_byte(b, ':');
            make_space(b);
        }
        make_value(b, depth + 1);
        make_space(b);
    }
    lp_buf_byte(b, object ? '}' : ']');
}

static void make_value(struct lp_buf *b, unsigned depth)
{
    static const char *const plain[] = {
        "null", "true", "false", "0", "-0", "1.10", "1234567890123456789", "-1.5E+300", "1e-7"};
    unsigned what = pick(depth < 4 ? 9 : 7);
    if (what < 4)
        make_string(b);
    else if (what < 7)
        lp_buf_puts(b, plain[pick(9)]);
    else
        make_container(b, depth, what == 7);
}

/* After `name` was set to `json`: every other member as it was, byte for byte and in order. */
static void assert_only_changed(
    const struct lp_rec *before, const struct lp_rec *after, const char *name, const char *json)
{
    uint32_t last = UINT32_MAX;
    for (uint32_t i = 0; i < before->parsed; i++) {
        const struct lp_rec_member *m = &before->member[i];
        if (lp_json_name_is((struct lp_str){before->line.p + m->name_at, m->name_len}, name))
            last = i;
    }
    assert_int_equal(after->parsed, before->parsed + (last == UINT32_MAX));
    for (uint32_t i = 0; i < after->parsed; i++) {
        const struct lp_rec_member *a = &after->member[i], *b = &before->member[i];
        struct lp_str an = {after->line.p + a->name_at, a->name_len};
        struct lp_str av = {after->line.p + a->value_at, a->value_len};
        if (i == last || i >= before->parsed) {
            assert_true(lp_str_is(av, json));
            continue;
        }
        assert_true(lp_str_eq(an, (struct lp_str){before->line.p + b->name_at, b->name_len}));
        assert_true(lp_str_eq(av, (struct lp_str){before->line.p + b->value_at, b->value_len}));
    }
}

static void random_records(void **state)
{
    static const char *const names[] = {"email", "a", "new", "x y", "score"};
    static const char *const values[] = {"null", "{\"s\":[1.10,\"\\u00e9\"]}", "\"\""};
    (void)state;
    struct lp_rec r = {0}, again = {0};
    struct lp_buf line = {0}, out = {0};
    seed = 20261120;
    for (int i = 0; i < 20000; i++) {
        struct lp_err err = {0};
        lp_buf_reset(&line);
        make_space(&line);
        make_container(&line, 0, true);
        make_space(&line);
        char *copy = malloc(line.len);
        memcpy(copy, line.p, line.len);
        assert_int_equal(lp_rec_parse(&r, copy, line.len, &err), 0);
        lp_buf_reset(&out);
        lp_rec_write(&r, &out);
        assert_int_equal(out.len, line.len + 1);
        assert_memory_equal(out.p, line.p, line.len);

        const char *name = names[pick(5)], *json = values[pick(3)];
        lp_rec_set(&r, name, lp_str(json));
        lp_buf_reset(&out);
        lp_rec_write(&r, &out);
        assert_int_equal(out.p[out.len - 1], '\n');
        assert_int_equal(lp_rec_parse(&again, out.p, out.len - 1, &err), 0);
        assert_only_changed(&r, &again, name, json);
        assert_value(&r, name, json);
        assert_value(&again, name, json);
        free(copy);
    }
    lp_buf_free(&line);
    lp_buf_free(&out);
    lp_rec_free(&r);
    lp_rec_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_codes),
        cmocka_unit_test(message),
        cmocka_unit_test(one_line_only),
        cmocka_unit_test(depth_counts_the_record),
        cmocka_unit_test(member_ceiling),
        cmocka_unit_test(reads),
        cmocka_unit_test(kinds),
        cmocka_unit_test(splices),
        cmocka_unit_test(sets_several),
        cmocka_unit_test(keeps_the_line),
        cmocka_unit_test(whole_lines_or_nothing),
        cmocka_unit_test(random_records),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
