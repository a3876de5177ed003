/* jq: no environment, no HOME, no abort, no input data in messages, nothing leaked (valgrind) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/buf.h"
#include "leadpipe/jq.h"

static char dir[] = "/tmp/leadpipe-jq-XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    for (const char *const *name = (const char *const[]){".jq", "part.jq", NULL}; *name; name++) {
        char path[200];
        snprintf(path, sizeof path, "%s/%s", dir, *name);
        unlink(path);
    }
    return rmdir(dir);
}

static struct lp_jq *good(const char *text, const char *lib, bool with_env)
{
    struct lp_err err = {0};
    struct lp_jq *q = lp_jq_compile("test", text, lib, with_env, &err);
    if (!q)
        print_message("%s\n", err.msg);
    assert_non_null(q);
    assert_int_equal(err.kind, LP_ERR_NONE);
    return q;
}

/* Runs `text` on one JSON member "x" and compares. */
static void expect(const char *text, const char *x, bool with_env, const char *want)
{
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_jq *q = good(text, NULL, with_env);
    struct lp_jq_part part = {"x", LP_JQ_JSON, lp_str(x), 0, NULL};
    int rc = lp_jq_run(q, &part, 1, &out, &err);
    if (rc)
        print_message("%s\n", err.msg);
    assert_int_equal(rc, 0);
    assert_string_equal(out.p, want);
    lp_buf_free(&out);
    lp_jq_del(q);
}

static void expect_error(const char *text, const char *x, const char *want)
{
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_jq *q = good(text, NULL, false);
    struct lp_jq_part part = {"x", LP_JQ_JSON, lp_str(x), 0, NULL};
    assert_int_equal(lp_jq_run(q, &part, 1, &out, &err), -1);
    assert_int_equal(err.kind, LP_ERR_RECORD);
    assert_string_equal(err.code, "jq");
    assert_string_equal(err.msg, want);
    assert_int_equal(out.len, 0);
    /* and the program is usable afterwards */
    struct lp_err again = {0};
    assert_int_equal(lp_jq_run(q, &part, 1, &out, &again), -1);
    assert_string_equal(again.msg, want);
    lp_buf_free(&out);
    lp_jq_del(q);
}

static void runs_on_parts(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_jq *q = good(".", NULL, false);
    struct lp_jq_part parts[] = {
        {"body", LP_JQ_JSON, LP_STR("{\"a\":[1,2.5,\"\\u00e9\"]}]]]"), 0, NULL},
        {"text", LP_JQ_TEXT, LP_STR("a\"\xff\n"), 0, NULL},
        {"status", LP_JQ_REAL, {0}, 200, NULL},
        {"memo", LP_JQ_NULL, {0}, 0, NULL},
    };
    parts[0].text.n -= 3; /* a slice: what follows is not read */
    for (int i = 0; i < 3; i++) {
        lp_buf_reset(&out);
        assert_int_equal(lp_jq_run(q, parts, 4, &out, &err), 0);
        assert_string_equal(out.p,
            "{\"body\":{\"a\":[1,2.5,\"\xc3\xa9\"]},"
            "\"text\":\"a\\\"\xef\xbf\xbd\\n\",\"status\":200,\"memo\":null}");
    }
    lp_buf_free(&out);
    lp_jq_del(q);
}

static void first_result_only(void **state)
{
    (void)state;
    expect(".x[]", "[1,2,3]", false, "1");
    expect_error("empty", "1", "test: no result");
    expect_error("halt", "1", "test: halted");
}

static void sees_no_environment(void **state)
{
    (void)state;
    setenv("CANARY", "s3cret", 1);
    setenv("HOME", dir, 1);
    write_file(".jq", "def from_home: \"bad\";");
    expect("[env.CANARY, $ENV.CANARY, (env|length), ($ENV|length)]", "1", false, "[null,null,0,0]");
    expect("[env.CANARY, $ENV.CANARY]", "1", true, "[\"s3cret\",\"s3cret\"]");
    assert_string_equal(getenv("CANARY"), "s3cret"); /* ours is back */
    for (int with_env = 0; with_env < 2; with_env++) {
        struct lp_err err = {0};
        assert_null(lp_jq_compile("test", "from_home", NULL, with_env, &err));
        assert_int_equal(err.kind, LP_ERR_CONFIG);
    }
    unsetenv("CANARY");
}

static void an_include_that_cannot_be_read_is_not_the_programs_fault(void **state)
{
    (void)state;
    struct lp_err err = {0}, absent = {0};
    char path[96];
    snprintf(path, sizeof path, "%s/there.jq", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_null(lp_jq_compile("p", "include \"there\"; 1", dir, false, &err));
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_int_equal(rmdir(path), 0);
    assert_null(lp_jq_compile("p", "include \"there\"; 1", dir, false, &absent));
    assert_int_equal(absent.kind, LP_ERR_CONFIG);
}

static void includes_from_lib_dir(void **state)
{
    (void)state;
    write_file("part.jq", "module {\"name\":\"part\"}; def double: . * 2;");
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_jq *q = good("include \"part\"; .x | double", dir, false);
    struct lp_jq_part part = {"x", LP_JQ_REAL, {0}, 21, NULL};
    assert_int_equal(lp_jq_run(q, &part, 1, &out, &err), 0);
    assert_string_equal(out.p, "42");
    lp_buf_free(&out);
    lp_jq_del(q);
    /* without a directory an import fails; libjq left alone would abort here */
    assert_null(lp_jq_compile("test", "import \"part\" as p; p::double", NULL, false, &err));
    assert_int_equal(err.kind, LP_ERR_CONFIG);
}

static void compile_errors_are_one_line(void **state)
{
    (void)state;
    struct lp_err err = {0};
    assert_null(lp_jq_compile("map.jq", ".a | (", NULL, false, &err));
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_non_null(strstr(err.msg, "map.jq: syntax error"));
    assert_null(strchr(err.msg, '\n'));
    assert_true(strlen(err.msg) <= 220);
    struct lp_err undefined = {0};
    assert_null(lp_jq_compile("map.jq", "nope", NULL, false, &undefined));
    assert_non_null(strstr(undefined.msg, "nope/0 is not defined"));
}

static void run_errors_hold_no_data(void **state)
{
    (void)state;
    expect_error(".x.a", "\"jane@example.com\"", "test: Cannot index string with string");
    expect_error(".x + 1", "{\"a\":\"jane\"}", "test: object");
    expect_error(
        ".x | tonumber", "\"jane\"", "test: Invalid numeric literal at EOF at line 1, column 4");
    expect_error("error({a:1})", "1", "test: raised an error that is no text");
    expect_error("error(\"x\" * 300)", "1",
        "test: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void nested(struct lp_buf *b, int depth)
{
    for (int i = 0; i < depth; i++)
        lp_buf_byte(b, '[');
    for (int i = 0; i < depth; i++)
        lp_buf_byte(b, ']');
}

static void depth_is_bounded(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    nested(&b, 256);
    expect(".x|tojson|length", b.p, false, "512");
    lp_buf_reset(&b);
    nested(&b, 257);
    expect_error(".x|length", b.p, "test: Exceeds depth limit for parsing at line 1, column 257");
    lp_buf_free(&b);
}

struct seen {
    struct lp_buf all;
    int left;
};

static int collect(void *arg, struct lp_str result, struct lp_err *err)
{
    struct seen *seen = arg;
    lp_buf_str(&seen->all, result);
    lp_buf_byte(&seen->all, ';');
    if (--seen->left == 0)
        return lp_err_set(err, LP_ERR_IO, NULL, "enough");
    return 0;
}

static void each_result_is_given(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct seen seen = {.left = -1};
    struct lp_jq *q = good(".[]", NULL, false);
    assert_int_equal(lp_jq_each(q, LP_STR("[1,{\"a\":null},\"x\"]"), collect, &seen, &err), 0);
    assert_string_equal(seen.all.p, "1;{\"a\":null};\"x\";");
    assert_int_equal(lp_jq_each(q, LP_STR("[]"), collect, &seen, &err), 0);
    lp_buf_reset(&seen.all);
    seen.left = 2;
    assert_int_equal(lp_jq_each(q, LP_STR("[1,2,3]"), collect, &seen, &err), -1);
    assert_string_equal(seen.all.p, "1;2;");
    assert_string_equal(err.msg, "enough");
    struct lp_err failed = {0};
    assert_int_equal(lp_jq_each(q, LP_STR("7"), collect, &seen, &failed), -1);
    assert_int_equal(failed.kind, LP_ERR_RECORD);
    lp_buf_free(&seen.all);
    lp_jq_del(q);
}

static void numbers_stay_json(void **state)
{
    (void)state;
    expect("[nan, infinite, 1e1000, 3.0, 0.1, 100000000000000000]", "1", false,
        "[null,1.7976931348623157e+308,1.7976931348623157e+308,3,0.1,1e+17]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_on_parts),
        cmocka_unit_test(first_result_only),
        cmocka_unit_test(sees_no_environment),
        cmocka_unit_test(includes_from_lib_dir),
        cmocka_unit_test(an_include_that_cannot_be_read_is_not_the_programs_fault),
        cmocka_unit_test(compile_errors_are_one_line),
        cmocka_unit_test(run_errors_hold_no_data),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(each_result_is_given),
        cmocka_unit_test(numbers_stay_json),
    };
    return cmocka_run_group_tests_name("jq", tests, make_dir, remove_dir);
}
