/* provider: where its settings and limits come from, and secrets put into finished requests */
#include "../../../lib/gateway/gateway.h"
#include "../../../lib/gateway/wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "leadpipe/file.h"
#include "leadpipe/secret.h"

#define KEY "k\"1 /+%\\&=?"

static const char module[] =
    "module {\"name\": \"mine\", \"capabilities\": [\"lead_enrichment\", \"email_verification\"],\n"
    " \"settings\": {\"key\": {\"env\": \"LP_TEST_KEY\", \"secret\": true, \"required\": true},\n"
    "  \"base_url\": {\"env\": \"LP_TEST_URL\", \"default\": \"http://h\"},\n"
    "  \"depth\": {\"env\": \"LP_TEST_DEPTH\", \"default\": 2}, \"note\": {}},\n"
    " \"batch\": {\"lead_enrichment\": 10}, \"max_in_flight\": 4, \"tries\": 5, \"timeout_s\": 7,\n"
    " \"rate\": {\"requests\": 50, \"per_s\": 60}, \"cost\": {\"credits\": 2}};\n";

static char dir[64];
static struct lp_config config;

static int setup(void **state)
{
    (void)state;
    struct lp_err err = {0};
    char path[128];
    snprintf(dir, sizeof dir, "/tmp/lp-provider-XXXXXX");
    if (!mkdtemp(dir) || setenv("XDG_CONFIG_HOME", dir, 1))
        return -1;
    snprintf(path, sizeof path, "%s/leadpipe", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/leadpipe/providers", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/leadpipe/providers/mine.jq", dir);
    return lp_file_replace(path, lp_str(module), 0600, &err);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {
        "/leadpipe/providers/mine.jq", "/leadpipe/providers", "/leadpipe", ""};
    static const char *const variables[] = {"LP_TEST_KEY", "LP_TEST_URL", "LP_TEST_DEPTH"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s%s", dir, names[i]);
        remove(path);
    }
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    lp_buf_free(&config.json);
    lp_secret_wipe();
    return 0;
}

/* The provider `name` of a configuration whose providers{} is `entries`. */
static int try_to_make(struct lp_provider **p, const char *entries, const char *name,
    const char *capability, struct lp_err *err)
{
    *err = (struct lp_err){0};
    lp_buf_reset(&config.json);
    lp_buf_printf(&config.json, "{\"providers\":{%s}}", entries);
    return lp_provider_make(p, &config, name, capability, NULL, true, err);
}

static struct lp_provider *made(const char *entries, const char *capability)
{
    struct lp_provider *p = NULL;
    struct lp_err err;
    if (try_to_make(&p, entries, "mine", capability, &err) != 1)
        fail_msg("%s: %s", entries, err.msg);
    return p;
}

static void refuses(const char *entries, const char *name, const char *says)
{
    struct lp_provider *p = NULL;
    struct lp_err err;
    if (try_to_make(&p, entries, name, "lead_enrichment", &err) >= 0)
        fail_msg("taken: %s", entries);
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    if (!strstr(err.msg, says))
        fail_msg("expected: %s\ngot: %s", says, err.msg);
}

/* ---- settings ------------------------------------------------------------------------------- */

static void is(const struct lp_provider *p, const char *name, const char *json, const char *source)
{
    for (size_t i = 0; i < p->n_settings; i++)
        if (strcmp(p->settings[i].name, name) == 0)
            assert_string_equal(p->settings[i].source, source);
    struct lp_str v = lp_provider_setting(p, name);
    if (!lp_str_eq(v, lp_str(json)))
        fail_msg("%s is %.*s, not %s", name, (int)v.n, v.p ? v.p : "", json);
}

static void g16_defaults_hold_until_overridden(void **state)
{
    (void)state;
    struct lp_provider *p = made("", "lead_enrichment");
    is(p, "base_url", "\"http://h\"", "default");
    is(p, "depth", "2", "default");
    assert_null(lp_provider_setting(p, "note").p);
    assert_null(lp_provider_setting(p, "nothing").p);
    lp_provider_del(p);
    static const char entry[] =
        "\"mine\":{\"base_url\":\"http:\\/\\/c\",\"depth\":3,\"note\":{\"a\":[1.10]}}";
    p = made(entry, "lead_enrichment");
    is(p, "base_url", "\"http:\\/\\/c\"", "config");
    is(p, "depth", "3", "config");
    is(p, "note", "{\"a\":[1.10]}", "config");
    struct lp_buf text = {0};
    assert_true(lp_provider_text(p, "base_url", &text));
    assert_string_equal(text.p, "http://c");
    assert_false(lp_provider_text(p, "depth", &text));
    lp_buf_free(&text);
    lp_provider_del(p);
    setenv("LP_TEST_URL", "http://e/\"x\"", 1);
    setenv("LP_TEST_DEPTH", "4", 1);
    p = made(entry, "lead_enrichment"); /* the environment comes before the file */
    is(p, "base_url", "\"http://e/\\\"x\\\"\"", "environment");
    is(p, "depth", "4", "environment");
    lp_provider_del(p);
    setenv("LP_TEST_URL", "", 1); /* empty is not set */
    unsetenv("LP_TEST_DEPTH");
    p = made("\"mine\":{\"base_url\":null}", "lead_enrichment");
    is(p, "base_url", "\"http://h\"", "default"); /* nor is null */
    lp_provider_del(p);
}

static void g14_without_a_required_setting_it_is_not_configured(void **state)
{
    (void)state;
    struct lp_provider *p = made("", "lead_enrichment");
    assert_false(p->configured);
    assert_string_equal(p->missing, "LP_TEST_KEY");
    assert_false(p->embedded);
    lp_provider_del(p);
    setenv("LP_TEST_KEY", KEY, 1);
    p = made("", "lead_enrichment");
    assert_true(p->configured);
    lp_provider_del(p);
}

static void an_entry_may_use_another_adapter(void **state)
{
    (void)state;
    struct lp_provider *p = NULL;
    struct lp_err err;
    assert_int_equal(
        try_to_make(&p, "\"m2\":{\"use\":\"mine\",\"depth\":9}", "m2", "lead_enrichment", &err), 1);
    assert_string_equal(p->name, "m2");
    assert_string_equal(p->use, "mine");
    is(p, "depth", "9", "config");
    lp_provider_del(p);
}

static void g15_mistakes_are_named(void **state)
{
    (void)state;
    refuses("\"mine\":{\"colour\":1}", "mine", "providers.mine.colour: unknown key");
    refuses("\"mine\":{\"depth\":\"2\"}", "mine", "providers.mine.depth: must be a number");
    refuses("\"mine\":{\"base_url\":[]}", "mine", "providers.mine.base_url: must be a string");
    setenv("LP_TEST_DEPTH", "deep", 1);
    refuses("", "mine", "LP_TEST_DEPTH: must be a number (it is providers.mine.depth)");
    unsetenv("LP_TEST_DEPTH");
    refuses(
        "\"mine\":{\"rate\":{\"request\":1}}", "mine", "providers.mine.rate: must be {requests");
    refuses("\"mine\":{\"tries\":0}", "mine", "providers.mine.tries: must be a whole number");
    refuses("\"mine\":{\"key\":[]}", "mine", "providers.mine.key");
    refuses("\"m\":{\"use\":\"nobody\"}", "m", "providers.m.use: unknown adapter \"nobody\"");
    refuses("", "nobody", "chains.lead_enrichment.providers: unknown provider \"nobody\"");
    refuses("\"m\":{\"use\":\"zerobounce\"}", "m", "m does not do lead_enrichment");
}

static int check_all(const char *entries, struct lp_err *err)
{
    *err = (struct lp_err){0};
    lp_buf_reset(&config.json);
    lp_buf_printf(&config.json, "{\"providers\":{%s}}", entries);
    return lp_provider_check_all(&config, NULL, err);
}

static void entries_that_no_chain_uses_are_checked_too(void **state)
{
    (void)state;
    struct lp_err err;
    assert_int_equal(check_all("\"mine\":{\"depth\":1},\"smtp\":{\"anything\":1}", &err), 0);
    assert_int_equal(check_all("\"mine\":{\"colour\":1}", &err), -1);
    assert_string_equal(err.msg, "providers.mine.colour: unknown key");
    assert_int_equal(check_all("\"\\u006dine\":{\"batch\":-1}", &err), -1);
    assert_non_null(strstr(err.msg, "providers.mine.batch: must be"));
    assert_int_equal(check_all("\"nobody\":{}", &err), -1);
    assert_string_equal(err.msg, "providers.nobody: unknown adapter \"nobody\"");
}

/* ---- limits --------------------------------------------------------------------------------- */

static void limits_are_the_adapters_unless_configured(void **state)
{
    (void)state;
    struct lp_provider *p = made("", "lead_enrichment");
    assert_int_equal(p->batch, 10);
    assert_int_equal(p->max_in_flight, 4);
    assert_int_equal(p->max_together, 4);
    assert_string_equal(p->flight, "mine");
    assert_int_equal(p->tries, 5);
    assert_int_equal(p->timeout_ms, 7000);
    assert_true(p->rate_requests == 50 && p->rate_per_ms == 60000 && p->credits == 2);
    lp_provider_del(p);
    p = made(
        "\"mine\":{\"batch\":3,\"max_in_flight\":1,\"tries\":1,\"timeout_s\":0.5,"
        "\"rate\":{\"requests\":0},\"cost\":{\"credits\":1,\"price\":0.1,\"currency\":\"EUR\"}}",
        "lead_enrichment");
    assert_int_equal(p->batch, 3);
    assert_int_equal(p->max_in_flight, 1);
    assert_int_equal(p->tries, 1);
    assert_int_equal(p->timeout_ms, 500);
    assert_true(p->rate_requests == 0 && p->credits == 1 && p->price == 0.1);
    assert_string_equal(p->currency, "EUR");
    lp_provider_del(p);
    p = made("\"mine\":{\"rate\":{\"requests\":0.5,\"per_s\":1}}", "lead_enrichment");
    assert_true(p->rate_requests == 1 && p->rate_per_ms == 2000); /* one in two seconds */
    lp_provider_del(p);
    p = made("\"mine\":{\"rate\":{\"requests\":1e-300,\"per_s\":1e9}}", "lead_enrichment");
    assert_true(p->rate_requests == 1 && p->rate_per_ms > 0);
    lp_provider_del(p);
    p = made("\"mine\":{\"batch\":5000}", "lead_enrichment");
    assert_int_equal(p->batch, 1024); /* of more the window has no room */
    lp_provider_del(p);
}

/* What is said of one capability says nothing of the other: there the adapter's own word holds. */
static void limits_may_be_given_for_each_capability(void **state)
{
    (void)state;
    static const char entry[] = "\"mine\":{\"batch\":{\"email_verification\":7},\"max_in_flight\":{"
                                "\"email_verification\":2},"
                                "\"rate\":{\"email_verification\":{\"requests\":3,\"per_s\":0.5}},"
                                "\"cost\":{\"credits\":{\"email_verification\":4}}}";
    struct lp_provider *p = made(entry, "email_verification");
    assert_int_equal(p->batch, 7);
    assert_int_equal(p->max_in_flight, 2);
    assert_string_equal(p->flight, "mine/email_verification");
    assert_true(p->rate_requests == 3 && p->rate_per_ms == 500 && p->credits == 4);
    assert_string_equal(p->account, "mine/email_verification");
    lp_provider_del(p);
    p = made(entry, "lead_enrichment");
    assert_int_equal(p->batch, 10);
    assert_int_equal(p->max_in_flight, 4);
    assert_true(p->rate_requests == 50 && p->rate_per_ms == 60000);
    assert_string_equal(p->account, "mine");
    lp_provider_del(p);
    p = made("", "email_verification");
    assert_int_equal(p->batch, 1);
    lp_provider_del(p);
}

/* ---- secrets -------------------------------------------------------------------------------- */

static struct lp_gateway gateway;
static struct lp_lane lane = {.gateway = &gateway};

/* With its secret loaded, as lane.c does it. */
static struct lp_provider *ready(void)
{
    struct lp_err err = {0};
    setenv("LP_TEST_KEY", KEY, 1);
    struct lp_provider *p = made("", "lead_enrichment");
    gateway.config = config;
    p->lane = &lane;
    if (lp_provider_secrets(p, &err))
        fail_msg("%s", err.msg);
    assert_true(lp_str_is(lp_provider_secret(p, "key"), KEY));
    assert_null(lp_provider_setting(p, "key").p);
    return p;
}

static const char *token(const struct lp_provider *p)
{
    for (size_t i = 0; i < p->n_settings; i++)
        if (p->settings[i].secret)
            return p->settings[i].token;
    return "";
}

static void jq_sees_a_token(void **state)
{
    (void)state;
    struct lp_buf a = {0}, b = {0};
    struct lp_provider *p = ready();
    lp_provider_settings_json(p, &a);
    assert_null(strstr(a.p, "k\\\""));
    assert_non_null(strstr(a.p, token(p)));
    assert_memory_equal(token(p), "lps-", 4);
    assert_int_equal(strlen(token(p)), 36);
    struct lp_provider *q = ready();
    lp_provider_settings_json(q, &b);
    assert_string_not_equal(a.p, b.p); /* another provider, another token */
    lp_provider_del(p);
    lp_provider_del(q);
    lp_buf_free(&a);
    lp_buf_free(&b);
}

/* The request made of `description`, in which TOKEN stands for the token. */
static void makes(struct lp_wire *w, const struct lp_provider *p, const char *description)
{
    struct lp_buf b = {0};
    const char *at = description, *hit;
    while ((hit = strstr(at, "TOKEN"))) {
        lp_buf_add(&b, at, (size_t)(hit - at));
        lp_buf_puts(&b, token(p));
        at = hit + 5;
    }
    lp_buf_puts(&b, at);
    assert_true(lp_wire_make(w, p, lp_buf_view(&b)));
    lp_buf_free(&b);
}

static void tokens_are_replaced_as_the_place_demands(void **state)
{
    (void)state;
    struct lp_provider *p = ready();
    struct lp_wire w = {0};
    makes(&w, p,
        "{\"method\":\"POST\",\"url\":\"http://h/v1/TOKEN/x\",\"query\":{\"key\":\"TOKEN\","
        "\"n\":1,\"list\":[\"a b\",true],\"none\":null},"
        "\"headers\":{\"X-Key\":\"Bearer TOKEN\"},\"auth\":{\"basic\":[\"me\",\"TOKEN\"]},"
        "\"body\":{\"key\":\"TOKEN\",\"a\":[\"TOKENTOKEN\"]}}");
    assert_string_equal(w.request.method, "POST");
    assert_string_equal(w.request.url,
        "http://h/v1/k%221%20%2F%2B%25%5C%26%3D%3F/x"
        "?key=k%221%20%2F%2B%25%5C%26%3D%3F&n=1&list=a%20b&list=true");
    assert_string_equal(w.request.headers[0], "X-Key: Bearer " KEY);
    assert_string_equal(w.request.headers[1], "Content-Type: application/json");
    assert_null(w.request.headers[2]);
    assert_string_equal(w.request.basic_user, "me");
    assert_string_equal(w.request.basic_password, KEY);
    assert_string_equal(w.request.body.p,
        "{\"key\":\"k\\\"1 /+%\\\\&=?\",\"a\":[\"k\\\"1 /+%\\\\&=?k\\\"1 /+%\\\\&=?\"]}");
    lp_wire_free(&w);
    lp_provider_del(p);
}

/* A secret that is itself a URL begins one; a text body is sent as it is. */
static void a_url_may_be_the_secret(void **state)
{
    (void)state;
    struct lp_provider *p = ready();
    struct lp_wire w = {0};
    makes(&w, p,
        "{\"url\":\"TOKEN/x\",\"body\":\"key=TOKEN\",\"headers\":{\"content-type\":\"text/"
        "plain\"}}");
    assert_string_equal(w.request.url, KEY "/x");
    assert_string_equal(w.request.body.p, "key=" KEY);
    assert_string_equal(w.request.method, "GET");
    assert_null(w.request.headers[1]);
    assert_false(lp_wire_make(&w, p, LP_STR("{\"body\":{}}")));
    assert_false(lp_wire_make(&w, p, LP_STR("{\"url\":\"\",\"query\":{\"a\":1}}")));
    lp_wire_free(&w);
    lp_provider_del(p);
}

/* Nothing that a contact can hold is a token: they are made anew in each process. */
static void a_contact_that_asks_for_the_key_gets_nothing(void **state)
{
    (void)state;
    static const char body[] =
        "{\"company\":\"{{api_key}} {{key}} .settings.key $__key__ lps-\",\"title\":\"lps-"
        "00000000000000000000000000000000\",\"city\":\"lps-lps-LP_TEST_KEY lps\"}";
    struct lp_provider *p = ready();
    struct lp_wire w = {0};
    char description[512];
    snprintf(description, sizeof description,
        "{\"url\":\"http://h/{{key}}/"
        "lps-\",\"query\":{\"q\":\"lps-{{key}}\"},\"headers\":{\"X\":\"{{key}}"
        "lps-\"},\"body\":%s}",
        body);
    makes(&w, p, description);
    assert_string_equal(w.request.body.p, body);
    assert_string_equal(w.request.url, "http://h/{{key}}/lps-?q=lps-%7B%7Bkey%7D%7D");
    assert_string_equal(w.request.headers[0], "X: {{key}}lps-");
    /* all but the last digit of the true one */
    struct lp_buf near = {0};
    lp_buf_printf(&near, "{\"url\":\"http://h/%.35s\"}", token(p));
    assert_true(lp_wire_make(&w, p, lp_buf_view(&near)));
    assert_int_equal(strlen(w.request.url), strlen("http://h/") + 35);
    lp_buf_free(&near);
    lp_wire_free(&w);
    lp_provider_del(p);
}

static void masked_it_can_be_shown(void **state)
{
    (void)state;
    struct lp_provider *p = ready();
    struct lp_wire w = {.masked = true};
    struct lp_buf json = {0};
    makes(&w, p,
        "{\"url\":\"http://h/"
        "?k=TOKEN\",\"headers\":{\"X\":\"TOKEN\"},\"auth\":{\"basic\":[\"TOKEN\","
        "\"TOKEN\"]},\"body\":{\"k\":\"TOKEN\"}}");
    lp_wire_put(&w, &json);
    assert_string_equal(json.p,
        "{\"method\":\"GET\",\"url\":\"http://h/?k=****\",\"headers\":{\"X\":\"****\","
        "\"Content-Type\":\"application/json\"},\"body\":\"{\\\"k\\\":\\\"****\\\"}\","
        "\"basic_user\":\"****\",\"basic_password\":\"****\"}");
    lp_buf_free(&json);
    lp_wire_free(&w);
    lp_provider_del(p);
}

static void wiped_it_holds_no_secret(void **state)
{
    (void)state;
    struct lp_provider *p = ready();
    struct lp_wire w = {0};
    makes(&w, p, "{\"url\":\"http://h/\",\"headers\":{\"X\":\"TOKEN\"},\"body\":\"TOKEN\"}");
    struct lp_buf *held[] = {&w.header_text, &w.body};
    assert_non_null(memmem(w.body.p, w.body.cap, KEY, strlen(KEY)));
    lp_wire_wipe(&w);
    for (size_t i = 0; i < 2; i++)
        assert_null(memmem(held[i]->p, held[i]->cap, KEY, strlen(KEY)));
    lp_wire_free(&w);
    lp_provider_del(p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(g16_defaults_hold_until_overridden),
        T(g14_without_a_required_setting_it_is_not_configured),
        T(an_entry_may_use_another_adapter),
        T(g15_mistakes_are_named),
        T(entries_that_no_chain_uses_are_checked_too),
        T(limits_are_the_adapters_unless_configured),
        T(limits_may_be_given_for_each_capability),
        T(jq_sees_a_token),
        T(tokens_are_replaced_as_the_place_demands),
        T(a_url_may_be_the_secret),
        T(a_contact_that_asks_for_the_key_gets_nothing),
        T(masked_it_can_be_shown),
        T(wiped_it_holds_no_secret),
    };
    return cmocka_run_group_tests_name("gateway/provider", tests, NULL, NULL);
}
