#include "asker.h"

/* ---- chain ---------------------------------------------------------------------------------- */

static void g01_the_first_success_ends_it(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found a=ok");
    assert_string_equal(trace.p, "a:1 ");
    assert_int_equal(status, 0);
}

static void g02_falls_over_to_the_next_on_failure(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"error:server\"") "," P("b", "\"ok\"")), one);
    expect("found a=error/server b=ok");
    assert_int_equal(status, 0);
}

static void g03_all_fail_says_each_class(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"error:server\"") "," P("b", "\"error:timeout\"")), one);
    expect("failed a=error/server b=error/timeout ALL_FAILED (2 attempts): a server, b timeout");
    assert_int_equal(status, 69);
}

static void g03_no_provider_configured(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[]", P("a", "\"ok\"")), one);
    expect("failed NO_PROVIDERS");
    assert_int_equal(status, 69);
}

static void g04_order_by_priority_then_by_health(void **state)
{
    (void)state;
    /* a is made degraded by a failure, b healthy by five successes */
    run(CONFIG(AB, P("a", "\"error:server\"") "," P("b", "\"ok\"")), "{\"email\":\"1@x.org\"}\n");
    for (int i = 0; i < 5; i++)
        run_with(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one, "--chain", "b");
    run(CONFIG(AB ",\"order\":\"priority\"", P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found a=ok");
    run(CONFIG(AB ",\"order\":\"health\"", P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found b=ok");
}

static void g04_order_by_latency(void **state)
{
    (void)state;
    run(CONFIG(AB ",\"mode\":\"parallel\"", P("a", "\"slow:80\"") "," P("b", "\"slow:5\"")), one);
    run(CONFIG(AB ",\"order\":\"fastest\"", P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found b=ok");
    run(CONFIG(AB ",\"order\":\"priority\"", P("a", "\"ok\"") "," P("b", "\"ok\"")), one);
    expect("found a=ok");
}

static void g05_max_attempts_bounds_the_total(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\",\"b\",\"c\"],\"max_attempts\":2",
            P("a", "\"error:server\"") "," P("b", "\"error:server\"") "," P("c", "\"ok\"")),
        one);
    expect("failed a=error/server b=error/server ALL_FAILED (2 attempts): a server, b server");
}

static void not_found_ends_a_failover_unless_told_otherwise(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"not_found\"") "," P("b", "\"ok\"")), one);
    expect("not_found a=not_found");
    run(CONFIG(AB ",\"continue_on\":[\"not_found\"]", P("a", "\"not_found\"") "," P("b", "\"ok\"")),
        one);
    expect("found a=not_found b=ok");
}

static void rejected_ends_it_and_harms_nobody(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"rejected\"") "," P("b", "\"ok\"")), one);
    expect("rejected a=rejected");
}

static void an_unknown_outcome_never_goes_to_another(void **state)
{
    (void)state;
    run(CONFIG(AB, P("a", "\"unknown_outcome\"") "," P("b", "\"ok\"")), one);
    assert_string_equal(trace.p, "a:1 ");
    expect("failed a=unknown_outcome ALL_FAILED (1 attempts): a unknown_outcome");
}

static void a_waterfall_goes_on_for_wanted_fields(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\",\"b\",\"c\"],\"mode\":\"waterfall\",\"want\":[\"title\","
               "\"company\"]",
            P("a", "\"has:title\"") "," P("b", "\"has:company\"") "," P("c", "\"ok\"")),
        one);
    expect("found a=ok b=ok");
    run(CONFIG(AB ",\"mode\":\"waterfall\",\"want\":[\"title\"]",
            P("a", "\"not_found\"") "," P("b", "\"has:title\"")),
        one);
    expect("found a=not_found b=ok");
}

static void parallel_asks_all_at_once(void **state)
{
    (void)state;
    run(CONFIG(AB ",\"mode\":\"parallel\"", P("a", "\"next:30\",\"ok\"") "," P("b", "\"ok\"")),
        one);
    assert_string_equal(trace.p, "a:1 b:1 a:1+memo ");
    /* b was first with its answer; they are merged in the order of the chain all the same */
    expect("found a=ok b=ok");
}

/* ---- records ---------------------------------------------------------------------------------- */

static void output_order_is_input_order(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"script\":[\"ok\",\"next:60\",\"ok\",\"ok\"]}"),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"2@x.org\"}\n{\"kind\":\"job\"}\n{\"email\":\"3@x."
        "org\"}\n");
    assert_string_equal(out.p,
        "{\"email\":\"1@x.org\",\"r\":\"found a=ok\"}\n{\"email\":\"2@x.org\",\"r\":\"found "
        "a=ok\"}\n"
        "{\"kind\":\"job\"}\n{\"email\":\"3@x.org\",\"r\":\"found a=ok\"}\n");
}

static void g17_a_dry_run_asks_nobody_and_says_what_it_would(void **state)
{
    (void)state;
    run_with(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"batch\":2,\"cost\":{\"credits\":1.5}}," P(
                            "b", "\"ok\"")),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"2@x.org\"}\n{\"email\":\"3@x.org\"}\n", "--dry-run",
        NULL);
    assert_int_equal(trace.len, 1);
    assert_non_null(
        strstr(out.p, "{\"email\":\"3@x.org\"}\n{\"kind\":\"plan\",\"program\":\"asker\","
                      "\"capability\":\"lead_enrichment\",\"provider\":\"a\",\"calls\":2,"
                      "\"records\":3,\"credits\":4.5,\"reason\":\"dry_run\"}\n"));
    assert_int_equal(status, 0);
}

/* ---- configuration ----------------------------------------------------------------------------- */

static void refuses(const char *config, const char *key)
{
    run(config, one);
    if (status != 78 || !strstr(errors.p, key) || out.len != 1)
        fail_msg("status %d, said %s, wanted %s", status, errors.p, key);
}

static void g15_a_mistake_names_its_key(void **state)
{
    (void)state;
    refuses("{\"chain\":{}}", "chain: unknown key");
    refuses("{\"chains\":{\"lead_enrichmnt\":{}}}", "chains.lead_enrichmnt: no such capability");
    refuses(CONFIG("\"provider\":[]", ""), "chains.lead_enrichment.provider: unknown key");
    refuses(CONFIG("\"mode\":\"serial\"", ""), "chains.lead_enrichment.mode: must be one of");
    refuses(CONFIG("\"providers\":[\"nobody\"]", ""), "unknown provider \"nobody\"");
    refuses(CONFIG("\"providers\":[\"a\",\"a\"]", P("a", "\"ok\"")), "a is named twice");
    refuses(CONFIG("", "\"a\":{\"use\":\"nothing\"}"), "providers.a");
    refuses(
        CONFIG("", "\"a\":{\"use\":\"scripted\",\"scrip\":[]}"), "providers.a.scrip: unknown key");
    refuses(CONFIG("", "\"a\":{\"use\":\"scripted\",\"tries\":0}"), "providers.a.tries: must be");
    refuses(CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"rate\":{\"per_s\":3}}"),
        "providers.a.rate: must be");
    refuses(CONFIG("\"lifetime_days\":{\"vaild\":3}", ""), "lifetime_days.vaild: unknown key");
    refuses(CONFIG("\"budget\":{\"week\":3}", ""), "budget.week: unknown key");
    refuses("{\"health\":{\"healthy_after\":\"x\"}}", "health.healthy_after: must be");
    refuses("{chains: ", "config");
    refuses("[1]", "must yield one object");
}

static void g15_a_secret_file_others_can_read(void **state)
{
    (void)state;
    char config[400];
    put("in", "k");
    snprintf(config, sizeof config,
        CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"key\":{\"file\":\"%s/loose\"}}"),
        dir);
    put("loose", "secret-value");
    chmod(at("loose"), 0644);
    refuses(config, "providers.a.key");
    assert_null(strstr(errors.p, "secret-value"));
    unlink(at("loose"));
}

static void g16_a_config_may_be_a_jq_program(void **state)
{
    (void)state;
    run("# two providers\n{chains: {lead_enrichment: {providers: [\"a\", \"b\"]}},\n"
        " providers: ([\"a\", \"b\"] | map({key: ., value: {use: \"scripted\", tries: 1}}) | "
        "from_entries)}",
        one);
    expect("found a=ok");
    assert_int_equal(status, 0);
}

static void the_command_line_overrides_the_chain(void **state)
{
    (void)state;
    run_with(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one, "--chain", "b,a");
    expect("found b=ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(g01_the_first_success_ends_it),
        T(g02_falls_over_to_the_next_on_failure),
        T(g03_all_fail_says_each_class),
        T(g03_no_provider_configured),
        T(g04_order_by_priority_then_by_health),
        T(g04_order_by_latency),
        T(g05_max_attempts_bounds_the_total),
        T(not_found_ends_a_failover_unless_told_otherwise),
        T(rejected_ends_it_and_harms_nobody),
        T(an_unknown_outcome_never_goes_to_another),
        T(a_waterfall_goes_on_for_wanted_fields),
        T(parallel_asks_all_at_once),
        T(output_order_is_input_order),
        T(g17_a_dry_run_asks_nobody_and_says_what_it_would),
        T(g15_a_mistake_names_its_key),
        T(g15_a_secret_file_others_can_read),
        T(g16_a_config_may_be_a_jq_program),
        T(the_command_line_overrides_the_chain),
    };
    return cmocka_run_group_tests_name("gateway/chain", tests, NULL, NULL);
}
