/* adapter: the metadata read in C, and which file of a name wins */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "leadpipe/adapter.h"
#include "leadpipe/file.h"
#include "leadpipe/json.h"

/* ---- metadata ------------------------------------------------------------------------------- */

static void reads(const char *text, const char *meta)
{
    struct lp_buf b = {0};
    struct lp_err err = {0};
    if (lp_adapter_meta(lp_str(text), &b, &err))
        fail_msg("%s: %s", text, err.msg);
    assert_string_equal(b.p, meta);
    lp_buf_free(&b);
}

static void refuses(struct lp_str text, const char *why)
{
    struct lp_buf b = {0};
    struct lp_err err = {0};
    if (lp_adapter_meta(text, &b, &err) == 0)
        fail_msg("taken: %.*s", (int)text.n, text.p);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    if (!strstr(err.msg, why))
        fail_msg("%s: %s", why, err.msg);
    lp_buf_free(&b);
}

static void the_object_behind_module_is_read(void **state)
{
    (void)state;
    reads("module {\"name\": \"x\"};", "{\"name\":\"x\"}");
    reads("module{};def request: {\"a\": 1};", "{}");
    reads(" \r\n\tmodule\n{ \"a\" : [ 1 , { \"b\" : { } } ] , \"c\" : null }\n;",
        "{\"a\":[1,{\"b\":{}}],\"c\":null}");
}

static void comments_are_left_out(void **state)
{
    (void)state;
    reads("# module {\"no\": 1};\n#\nmodule # {\n{ # }\n\"a\": 1 # \"\n};", "{\"a\":1}");
    reads("module {\"a\": \"# no comment\", # one } with \" in it\n\"b\": 2};",
        "{\"a\":\"# no comment\",\"b\":2}");
}

static void braces_within_strings_count_for_nothing(void **state)
{
    (void)state;
    reads("module {\"a\": \"}\", \"{\": \"\\\"}\\\\\"};", "{\"a\":\"}\",\"{\":\"\\\"}\\\\\"}");
}

static void what_has_no_object_is_refused(void **state)
{
    (void)state;
    static const char begins[] = "does not begin with `module", ends[] = "does not end",
                      json[] = "must be JSON";
    refuses(LP_STR(""), begins);
    refuses(LP_STR("# only a comment"), begins);
    refuses(LP_STR("def request: {};"), begins);
    refuses(LP_STR("modul"), begins);
    refuses(LP_STR("module"), ends);
    refuses(LP_STR("module {\"a\": {}"), ends);
    refuses(LP_STR("module {\"a"), ends);
    refuses(LP_STR("module {\"a\\"), ends);
    refuses(LP_STR("module {\"a\": 1 # }"), ends);
    refuses(LP_STR("module [1];"), json);
    refuses(LP_STR("module \"x\";"), json);
    refuses(LP_STR("module {name: \"x\"};"), json);
    refuses(LP_STR("module {'name': 1};"), json);
    refuses(LP_STR("module {\"a\": 1 + 1};"), json);
    refuses(LP_STR("module {\"a\": [}]};"), json);
    refuses(LP_STR("module \0{\"a\": 1};"), json); /* a NUL is no white space */
}

/* ---- files ---------------------------------------------------------------------------------- */

static char dir[64];

static void put(const char *name, const char *text)
{
    struct lp_err err = {0};
    char path[128];
    snprintf(path, sizeof path, "%s/leadpipe/providers/%s", dir, name);
    if (lp_file_replace(path, lp_str(text), 0600, &err))
        fail_msg("%s", err.msg);
}

static int setup(void **state)
{
    (void)state;
    char path[128];
    snprintf(dir, sizeof dir, "/tmp/lp-adapter-XXXXXX");
    if (!mkdtemp(dir) || setenv("XDG_CONFIG_HOME", dir, 1))
        return -1;
    snprintf(path, sizeof path, "%s/leadpipe", dir);
    if (mkdir(path, 0700))
        return -1;
    snprintf(path, sizeof path, "%s/leadpipe/providers", dir);
    return mkdir(path, 0700);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"/providers/mine.jq", "/providers/apollo.jq",
        "/providers/broken.jq", "/providers/plain.jq", "/providers/more.jq", "/providers", "",
        NULL};
    char path[128];
    for (size_t i = 0; names[i]; i++) {
        snprintf(path, sizeof path, "%s/leadpipe%s", dir, names[i]);
        remove(path);
    }
    return rmdir(dir);
}

static struct lp_adapter *opened(const char *name)
{
    struct lp_adapter *a = NULL;
    struct lp_err err = {0};
    int r = lp_adapter_open(&a, name, &err);
    if (r != 1)
        fail_msg("%s: %d %s", name, r, err.msg);
    return a;
}

static void ours_are_found(void **state)
{
    (void)state;
    struct lp_str v;
    struct lp_adapter *a = opened("apollo");
    assert_true(lp_json_get(lp_buf_view(&a->meta), "name", &v) && lp_json_is(v, "apollo"));
    assert_null(strstr(a->path, dir));
    lp_adapter_del(a);
}

static void a_users_own_wins_over_ours(void **state)
{
    (void)state;
    struct lp_str v;
    put("apollo.jq", "module {\"name\": \"another\"};\n");
    put("mine.jq", "module {\"name\": \"mine\"};\ndef request: {url: \"http://h/\"};\n");
    struct lp_adapter *a = opened("apollo");
    assert_true(lp_json_get(lp_buf_view(&a->meta), "name", &v) && lp_json_is(v, "another"));
    lp_adapter_del(a);
    a = opened("mine");
    assert_string_equal(a->name, "mine");
    assert_memory_equal(a->path, dir, strlen(dir));
    lp_adapter_del(a);
}

static void names_stay_within_their_directory(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "nobody", "../providers/mine", "mine.jq", "a/b", ".", "MINE", "m\xc3\xadne"};
    struct lp_adapter *a = NULL;
    struct lp_err err = {0};
    put("mine.jq", "module {};\n");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(lp_adapter_open(&a, names[i], &err), 0);
    assert_null(a);
}

static void a_broken_one_is_named(void **state)
{
    (void)state;
    struct lp_adapter *a = NULL;
    struct lp_err err = {0};
    put("broken.jq", "module {name: 1};\n");
    assert_int_equal(lp_adapter_open(&a, "broken", &err), -1);
    assert_null(a);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_non_null(strstr(err.msg, "broken.jq: the module's object must be JSON"));
}

static void run(struct lp_adapter *a, enum lp_adapter_use use, const char *call, struct lp_buf *out)
{
    struct lp_err err = {0};
    struct lp_jq_part parts[] = {{.name = "call", .kind = LP_JQ_TEXT, .text = lp_str(call)}};
    lp_buf_reset(out);
    if (lp_jq_run(a->jq[use], parts, 1, out, &err))
        fail_msg("%s: %s", call, err.msg);
}

/* libjq would look where the user is before anywhere else. */
static void what_lies_in_the_working_directory_is_not_included(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    char before[4096];
    assert_non_null(getcwd(before, sizeof before));
    put("plain.jq", "module {};\ninclude \"defaults\";\ndef request: not_found;\n");
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(lp_file_replace("defaults.jq", LP_STR("no jq at all {\n"), 0600, &err), 0);
    struct lp_adapter *a = opened("plain");
    assert_int_equal(lp_adapter_compile(a, LP_ADAPTER_ASK, &err), 0);
    run(a, LP_ADAPTER_ASK, "request", &out);
    assert_string_equal(out.p, "{\"outcome\":\"not_found\"}");
    assert_int_equal(unlink("defaults.jq"), 0); /* we are where we were */
    assert_int_equal(chdir(before), 0);
    lp_adapter_del(a);
    lp_buf_free(&out);
}

/* In libjq 1.6 an import with a missing function does not compile. */
static void what_it_leaves_out_is_the_defaults(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    put("mine.jq", "module {};\ndef request: {url: \"http://h/\", env: (env | length)};\n");
    struct lp_adapter *a = opened("mine");
    for (int i = 0; i < 2; i++) { /* once */
        assert_int_equal(lp_adapter_compile(a, LP_ADAPTER_ASK, &err), 0);
        assert_int_equal(lp_adapter_compile(a, LP_ADAPTER_CHECK, &err), 0);
    }
    run(a, LP_ADAPTER_ASK, "request", &out);
    assert_string_equal(out.p, "{\"url\":\"http://h/\",\"env\":0}");
    run(a, LP_ADAPTER_CHECK, "check", &out);
    assert_string_equal(out.p, "null");
    lp_adapter_del(a);
    put("broken.jq", "module {};\ndef request: nothing_of_that_name;\n");
    a = opened("broken");
    assert_int_equal(lp_adapter_compile(a, LP_ADAPTER_ASK, &err), -1);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_non_null(strstr(err.msg, "broken.jq: "));
    lp_adapter_del(a);
    lp_buf_free(&out);
}

/* Without them `response` is missing, and it does not compile. */
static void the_defaults_are_included_however_that_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *head, *call, *want;
    } cases[] = {
        {"", "not_found", "{\"outcome\":\"not_found\"}"},
        {"# include \"defaults\";\n", "not_found", "{\"outcome\":\"not_found\"}"},
        {"include \"defaults\";\n", "not_found", "{\"outcome\":\"not_found\"}"},
        {"include  # ours\n  \"defaults\" ;\n", "not_found", "{\"outcome\":\"not_found\"}"},
        {"include \"more\";\ninclude \"defaults\";\n", "more", "\"more\""},
        {"include \"more\" {search: \"./\"};\n", "more", "\"more\""},
        {"import \"more\" as m;\ninclude \"defaults\";\n", "m::more", "\"more\""},
        {"import \"more\" as m;\n", "m::more", "\"more\""},
        /* what an adapter includes is its own too */
        {"include \"more\" {search: \"./\"};\n", "lost(1)", "\"mine\""},
        {"include \"more\" {why: \";\"}; # ;\ninclude \"defaults\";\n", "lost(1)", "\"mine\""},
        {"include \"more\";\nimport \"more\" as m;\n", "m::lost(1) + lost(1)", "\"minemine\""},
    };
    struct lp_err err = {0};
    struct lp_buf text = {0}, out = {0};
    put("more.jq", "def more: \"more\"; def lost($detail): \"mine\";\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lp_buf_reset(&text);
        lp_buf_printf(&text, "module {};\n%sdef request: \"include \\\"defaults\\\";\" | %s;\n",
            cases[i].head, cases[i].call);
        put("mine.jq", text.p);
        struct lp_adapter *a = opened("mine");
        if (lp_adapter_compile(a, LP_ADAPTER_ASK, &err))
            fail_msg("%s: %s", cases[i].head, err.msg);
        run(a, LP_ADAPTER_ASK, "request", &out);
        assert_string_equal(out.p, cases[i].want);
        lp_adapter_del(a);
    }
    lp_buf_free(&text);
    lp_buf_free(&out);
}

#define IN_DIRECTORY(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_object_behind_module_is_read),
        cmocka_unit_test(comments_are_left_out),
        cmocka_unit_test(braces_within_strings_count_for_nothing),
        cmocka_unit_test(what_has_no_object_is_refused),
        IN_DIRECTORY(ours_are_found),
        IN_DIRECTORY(a_users_own_wins_over_ours),
        IN_DIRECTORY(names_stay_within_their_directory),
        IN_DIRECTORY(a_broken_one_is_named),
        IN_DIRECTORY(what_lies_in_the_working_directory_is_not_included),
        IN_DIRECTORY(what_it_leaves_out_is_the_defaults),
        IN_DIRECTORY(the_defaults_are_included_however_that_is_written),
    };
    return cmocka_run_group_tests_name("gateway/adapter", tests, NULL, NULL);
}
