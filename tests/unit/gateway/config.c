/* config: where it is found, how it is read, and that a mistake names its key */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "leadpipe/config.h"
#include "leadpipe/file.h"

static char dir[64], path[96];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/lp-config-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/named", dir);
    unsetenv("LEADPIPE_CONFIG");
    return setenv("XDG_CONFIG_HOME", dir, 1);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"named", "other", "leadpipe/config.jq", "leadpipe"};
    char name[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "%s/%s", dir, names[i]);
        remove(name);
    }
    return rmdir(dir);
}

static void put(const char *file, const char *text)
{
    struct lp_err err = {0};
    if (lp_file_replace(file, lp_str(text), 0600, &err))
        fail_msg("%s", err.msg);
}

static struct lp_config loaded(const char *flag)
{
    struct lp_config c;
    struct lp_err err = {0};
    if (lp_config_load(&c, flag, &err))
        fail_msg("%s", err.msg);
    return c;
}

/* The configuration is `text`: as JSON text it comes to `json`. */
static void reads(const char *text, const char *json)
{
    put(path, text);
    struct lp_config c = loaded(path);
    assert_string_equal(c.json.p, json);
    assert_string_equal(c.path, path);
    lp_config_free(&c);
}

static void refuses(const char *text, const char *says)
{
    struct lp_config c;
    struct lp_err err = {0};
    put(path, text);
    if (lp_config_load(&c, path, &err) == 0)
        fail_msg("taken: %s", text);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    if (!strstr(err.msg, says))
        fail_msg("expected: %s\ngot: %s", says, err.msg);
    lp_config_free(&c);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void json_is_taken_as_it_is(void **state)
{
    (void)state;
    reads("{\"providers\": {\"a\": {\"id\": 1234567890123456789, \"n\": 1.10}}}\n",
        "{\"providers\":{\"a\":{\"id\":1234567890123456789,\"n\":1.10}}}");
    reads("{}", "{}");
    reads("", "{}");
    reads(" \n\t\r\n", "{}");
}

static void anything_else_is_a_jq_program(void **state)
{
    (void)state;
    setenv("LP_TEST_NAME", "from outside", 1);
    reads(
        "# a comment\ndef rate: {requests: 5, per_s: 60};\n"
        "{providers: {a: {rate: rate, name: env.LP_TEST_NAME, more: (env.LP_TEST_NONE // \"d\")}}}",
        "{\"providers\":{\"a\":{\"rate\":{\"requests\":5,\"per_s\":60},\"name\":\"from outside\","
        "\"more\":\"d\"}}}");
    unsetenv("LP_TEST_NAME");
}

static void it_must_yield_one_object(void **state)
{
    (void)state;
    refuses("[]", "must yield one object");
    refuses("1", "must yield one object");
    refuses("{}, {}", "more than one value");
    refuses("empty", "must yield one object");
    refuses("{providers: {}", path);
    refuses("error(\"no\")", path);
    refuses("{} | .a.b = nothing", path);
}

static void where_it_is_found(void **state)
{
    (void)state;
    char other[96], usual[96];
    snprintf(other, sizeof other, "%s/other", dir);
    snprintf(usual, sizeof usual, "%s/leadpipe", dir);
    struct lp_config c = loaded(NULL);
    assert_null(c.path); /* none at the usual place is an empty one */
    assert_string_equal(c.json.p, "{}");
    lp_config_free(&c);
    assert_int_equal(mkdir(usual, 0700), 0);
    snprintf(usual, sizeof usual, "%s/leadpipe/config.jq", dir);
    put(usual, "{}");
    put(other, "{}");
    put(path, "{}");
    c = loaded(NULL);
    assert_string_equal(c.path, usual);
    lp_config_free(&c);
    setenv("LEADPIPE_CONFIG", other, 1);
    c = loaded(NULL);
    assert_string_equal(c.path, other);
    lp_config_free(&c);
    c = loaded(path);
    assert_string_equal(c.path, path);
    lp_config_free(&c);
    unlink(other);
    struct lp_err err = {0};
    assert_int_equal(lp_config_load(&c, NULL, &err), -1); /* named and absent */
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_non_null(strstr(err.msg, other));
    lp_config_free(&c);
    unsetenv("LEADPIPE_CONFIG");
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void g15_every_mistake_names_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"{\"chain\":{}}", "chain: unknown key"},
        {"{\"chain\":1}", "chain: unknown key"},
        {"{\"chains\":[]}", "chains: must be an object"},
        {"{\"providers\":\"apollo\"}", "providers: must be an object"},
        {"{\"providers\":{\"apollo\":[]}}", "providers.apollo: must be an object"},
        {"{\"chains\":{\"lead_enrichmnt\":{}}}", "chains.lead_enrichmnt: no such capability"},
        {"{\"chains\":{\"crm_sync\":1}}", "chains.crm_sync: must be an object"},
        {"{\"chains\":{\"crm_sync\":{\"provider\":[]}}}", "chains.crm_sync.provider: unknown key"},
        {"{\"chains\":{\"crm_sync\":{\"providers\":\"a\"}}}",
            "chains.crm_sync.providers: must be an array of strings"},
        {"{\"chains\":{\"crm_sync\":{\"providers\":[\"a\",1]}}}",
            "chains.crm_sync.providers: must be an array of strings"},
        {"{\"chains\":{\"crm_sync\":{\"mode\":\"fail\"}}}",
            "chains.crm_sync.mode: must be one of failover|waterfall|parallel"},
        {"{\"chains\":{\"crm_sync\":{\"mode\":\"failover|waterfall\"}}}",
            "chains.crm_sync.mode: must be one of"},
        {"{\"chains\":{\"crm_sync\":{\"order\":1}}}", "chains.crm_sync.order: must be one of"},
        {"{\"chains\":{\"crm_sync\":{\"max_attempts\":0}}}",
            "chains.crm_sync.max_attempts: must be a whole number from 1"},
        {"{\"chains\":{\"crm_sync\":{\"max_attempts\":1.5}}}", "chains.crm_sync.max_attempts: "},
        {"{\"chains\":{\"crm_sync\":{\"max_attempts\":99999999999}}}",
            "chains.crm_sync.max_attempts: "},
        {"{\"chains\":{\"crm_sync\":{\"lifetime_days\":{\"valid\":-1}}}}",
            "chains.crm_sync.lifetime_days.valid: must be a number of days"},
        {"{\"chains\":{\"crm_sync\":{\"lifetime_days\":{\"good\":1}}}}",
            "chains.crm_sync.lifetime_days.good: unknown key"},
        {"{\"chains\":{\"crm_sync\":{\"budget\":{\"month\":1}}}}",
            "chains.crm_sync.budget.month: unknown key"},
        {"{\"health\":{\"healthy_after\":\"5\"}}", "health.healthy_after: must be a whole number"},
        {"{\"health\":{\"cool_down_s\":0}}", "health.cool_down_s: must be a number above 0"},
        {"{\"health\":{\"cool_down_s\":1e999}}", "health.cool_down_s: must be a number above 0"},
        {"{\"health\":{\"cool_down\":1}}", "health.cool_down: unknown key"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuses(wrong[i].text, wrong[i].says);
}

static void what_is_right_is_taken(void **state)
{
    (void)state;
    reads("{\"chains\":{\"crm_sync\":{\"providers\":[],\"mode\":\"parallel\",\"order\":\"fastest\","
          "\"want\":[\"a\"],\"continue_on\":[\"not_found\"],\"max_attempts\":1e3,"
          "\"lifetime_days\":{\"valid\":0},\"budget\":{\"run\":\"2EUR\"}}},\"providers\":{\"x\":{"
          "\"anything\":1}},\"health\":{\"cool_down_s\":0.1},\"score\":{\"x\":1}}",
        "{\"chains\":{\"crm_sync\":{\"providers\":[],\"mode\":\"parallel\",\"order\":\"fastest\","
        "\"want\":[\"a\"],\"continue_on\":[\"not_found\"],\"max_attempts\":1e3,"
        "\"lifetime_days\":{\"valid\":0},\"budget\":{\"run\":\"2EUR\"}}},\"providers\":{\"x\":{"
        "\"anything\":1}},\"health\":{\"cool_down_s\":0.1},\"score\":{\"x\":1}}");
}

/* 1: the member is right, 0: it is not in the table, -1: it is wrong. */
static int member(const char *name, const char *value, struct lp_err *err)
{
    *err = (struct lp_err){0};
    return lp_config_member(
        lp_config_provider_members, "providers.p", lp_str(name), lp_str(value), err);
}

static void limits_have_their_form(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        int right;
    } cases[] = {
        {"batch", "10", 1},
        {"batch", "{\"lead_enrichment\":10,\"crm_sync\":1}", 1},
        {"batch", "0", -1},
        {"batch", "1e300", -1},
        {"batch", "{}", -1},
        {"batch", "{\"lead_enrichmnt\":10}", -1},
        {"batch", "{\"lead_enrichment\":0}", -1},
        {"batch", "{\"lead_enrichment\":\"10\"}", -1},
        {"max_in_flight", "-1", -1},
        {"rate", "{\"requests\":0}", 1},
        {"rate", "{\"requests\":5,\"per_s\":0.5}", 1},
        {"rate", "{\"lead_enrichment\":{\"requests\":5,\"per_s\":1}}", 1},
        {"rate", "5", -1},
        {"rate", "{}", -1},
        {"rate", "{\"requests\":-1}", -1},
        {"rate", "{\"requests\":5,\"per_s\":0}", -1},
        {"rate", "{\"requests\":5,\"per_m\":1}", -1},
        {"rate", "{\"per_s\":1}", -1},
        {"rate", "{\"lead_enrichment\":5}", -1},
        {"rate", "{\"requests\":5,\"lead_enrichment\":{\"requests\":5}}", -1},
        {"cost", "{}", 1},
        {"cost", "{\"credits\":0.5,\"price\":0.01,\"currency\":\"EUR\"}", 1},
        {"cost", "{\"credits\":{\"lead_enrichment\":2}}", 1},
        {"cost", "{\"credits\":-1}", -1},
        {"cost", "{\"credit\":1}", -1},
        {"cost", "{\"currency\":\"Euros\"}", -1},
        {"tries", "3", 1},
        {"tries", "4294967297", -1},
        {"timeout_s", "0.5", 1},
        {"timeout_s", "1e300", -1},
        {"ca_file", "1", -1},
        {"colour", "1", 0},
    };
    struct lp_err err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char where[64];
        if (member(cases[i].name, cases[i].value, &err) != cases[i].right)
            fail_msg("%s: %s", cases[i].name, cases[i].value);
        snprintf(where, sizeof where, "providers.p.%s: must be", cases[i].name);
        if (cases[i].right < 0 && (err.kind != LP_ERR_CONFIG || !strstr(err.msg, where)))
            fail_msg("%s: %s: %s", cases[i].name, cases[i].value, err.msg);
    }
}

static void values_are_had_by_their_path(void **state)
{
    (void)state;
    struct lp_str v;
    put(path, "{\"chains\":{\"crm_sync\":{\"max_attempts\":2}},\"providers\":{\"a\":{\"x\":1}}}");
    struct lp_config c = loaded(path);
    assert_true(lp_config_get(&c, "chains.crm_sync.max_attempts", &v) && lp_str_is(v, "2"));
    assert_false(lp_config_get(&c, "chains.crm_sync.mode", &v));
    assert_true(lp_str_is(lp_config_provider(&c, "a"), "{\"x\":1}"));
    assert_true(lp_str_is(lp_config_provider(&c, "b"), "{}"));
    assert_true(lp_str_is(lp_config_chain(&c, "crm_sync"), "{\"max_attempts\":2}"));
    assert_true(lp_str_is(lp_config_chain(&c, "lead_enrichment"), "{}"));
    lp_config_free(&c);
    assert_true(lp_config_per_capability(LP_STR("7"), "crm_sync", 1) == 7);
    assert_true(lp_config_per_capability(LP_STR("{\"crm_sync\":7}"), "crm_sync", 1) == 7);
    assert_true(lp_config_per_capability(LP_STR("{\"crm_sync\":7}"), "other", 1) == 1);
    assert_true(lp_config_per_capability((struct lp_str){0}, "crm_sync", 1) == 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(json_is_taken_as_it_is),
        T(anything_else_is_a_jq_program),
        T(it_must_yield_one_object),
        T(where_it_is_found),
        T(g15_every_mistake_names_its_key),
        T(what_is_right_is_taken),
        T(limits_have_their_form),
        T(values_are_had_by_their_path),
    };
    return cmocka_run_group_tests_name("gateway/config", tests, NULL, NULL);
}
