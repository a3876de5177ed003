/*
 * The engine whole, with providers that answer by script: each test writes a config and an input,
 * runs the program in a child process and reads its output. "script" holds what the provider says,
 * one entry a try, the last one for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "leadpipe/ask.h"
#include "leadpipe/clock.h"
#include "leadpipe/file.h"
#include "leadpipe/provider.h"

/* ---- a provider by script ------------------------------------------------------------------ */

struct scripted {
    size_t at;
};

static int open_scripted(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    (void)g, (void)err;
    p->handle = lp_alloc(sizeof(struct scripted));
    return 0;
}

static void close_scripted(struct lp_provider *p)
{
    free(p->handle);
}

static struct lp_str entry(struct lp_provider *p)
{
    struct scripted *s = p->handle;
    struct lp_str script = lp_provider_setting(p, "script"), name, v = {0}, last = {0};
    struct lp_json_iter it = lp_json_iter(script);
    for (size_t i = 0; i <= s->at && lp_json_next(&it, &name, &v); i++)
        last = v;
    s->at++;
    return (struct lp_str){last.p + 1, last.n - 2};
}

/* Each try leaves its provider and number of records in the file named by SCRIPT_LOG. */
static void leave_trace(const struct lp_provider *p, const struct lp_call *call)
{
    char line[64];
    int fd = open(getenv("SCRIPT_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    int n = snprintf(line, sizeof line, "%s:%zu%s ", p->name, call->n, call->memo.p ? "+memo" : "");
    if (write(fd, line, (size_t)n) != n)
        abort();
    close(fd);
}

static bool prefix(struct lp_str s, const char *word, struct lp_str *rest)
{
    size_t n = strlen(word);
    if (s.n < n || memcmp(s.p, word, n) != 0)
        return false;
    *rest = (struct lp_str){s.p + n, s.n - n};
    return true;
}

static void answer_all(struct lp_call *call, enum lp_outcome o, struct lp_str data)
{
    const struct lp_str none = {0};
    for (size_t i = 0; i < call->n; i++)
        lp_item_answer(call->items[i], o, LP_CLASS_NONE, data, none, none);
    lp_call_results(call);
}

static void start_scripted(struct lp_provider *p, struct lp_call *call)
{
    struct lp_str e = entry(p), rest;
    enum lp_class class = LP_SERVER;
    enum lp_outcome o;
    leave_trace(p, call);
    if (prefix(e, "error:", &rest)) {
        lp_class_from(rest, &class);
        lp_call_error(call, class, "as scripted");
    } else if (prefix(e, "limited:", &rest)) {
        call->retry_after_ms = atol(rest.p);
        lp_call_error(call, LP_RATE_LIMITED, "as scripted");
    } else if (prefix(e, "next:", &rest)) {
        lp_call_next(call, atol(rest.p), LP_STR("{\"id\":1}"));
    } else if (prefix(e, "has:", &rest)) {
        struct lp_buf b = {0};
        lp_buf_printf(&b, "{\"%.*s\":\"from %s\"}", (int)rest.n, rest.p, p->name);
        answer_all(call, LP_OK, lp_buf_view(&b));
        lp_buf_free(&b);
    } else if (lp_str_is(e, "first_bad")) { /* one record of the batch has an error of its own */
        for (size_t i = 0; i < call->n; i++)
            lp_item_answer(call->items[i], i ? LP_OK : LP_ERROR,
                i ? LP_CLASS_NONE : LP_BAD_RESPONSE, (struct lp_str){0}, (struct lp_str){0},
                (struct lp_str){0});
        lp_call_results(call);
    } else if (lp_outcome_from(e, &o)) {
        answer_all(call, o, (struct lp_str){0});
    }
}

static const struct lp_setting scripted_settings[] = {{"script", NULL, false, false, "[\"ok\"]"},
    {"key", "SCRIPT_KEY", true, false, NULL}, {NULL, NULL, false, false, NULL}};
static const char *const does[] = {"lead_enrichment", NULL};
static const struct lp_driver scripted = {.name = "scripted",
    .capabilities = does,
    .settings = scripted_settings,
    .open = open_scripted,
    .close = close_scripted,
    .start = start_scripted};
static const struct lp_driver *const drivers[] = {&scripted, NULL};

/* ---- the program --------------------------------------------------------------------------- */

static int merge(
    struct lp_run *run, struct lp_rec *rec, const struct lp_result *r, struct lp_err *err)
{
    static const char *const words[] = {"found", "not_found", "rejected", "failed", "skipped"};
    struct lp_buf b = {0};
    (void)err;
    run->counts.failed += r->status == LP_RESULT_FAILED;
    LP_BUF_LIT(&b, "\"");
    lp_buf_puts(&b, words[r->status]);
    for (size_t i = 0; i < r->n; i++)
        lp_buf_printf(&b, " %s=%s%s%s", r->answers[i].provider->name,
            lp_outcome_name(r->answers[i].outcome), r->answers[i].class ? "/" : "",
            lp_class_name(r->answers[i].class));
    if (r->error[0])
        lp_buf_printf(&b, " %s", r->error);
    LP_BUF_LIT(&b, "\"");
    lp_rec_set(rec, "r", lp_buf_view(&b));
    lp_buf_free(&b);
    return 0;
}

static const char *const members[] = {"email", NULL};
static const struct lp_asking asking = {.capability = "lead_enrichment",
    .drivers = drivers,
    .send = members,
    .identity = members,
    .merge = merge};
struct settings {
    struct lp_ask_settings ask;
};
static struct settings settings;
static const struct lp_opt opts[] = {LP_ASK_OPTS(struct settings, ask), LP_OPT_END};
static const char *const kinds[] = {"contact", NULL};
static const struct lp_program program = {.name = "asker",
    .summary = "asks",
    .operands = "[FILE...]",
    .examples = "asker",
    .opts = opts,
    .settings = &settings,
    .drive = lp_ask_drive,
    .kinds = kinds,
    .context = &asking};

/* ---- running it ----------------------------------------------------------------------------- */

static char dir[64];
static struct lp_buf out, errors, trace;
static int status;
static bool cached; /* with the cache, which most tests would only be confused by */

static const char *at(const char *name)
{
    static char paths[6][96];
    static int turn;
    char *p = paths[turn++ % 6];
    snprintf(p, 96, "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const char *text)
{
    struct lp_err err = {0};
    if (lp_file_replace(at(name), lp_str(text), 0600, &err))
        fail_msg("%s", err.msg);
}

static void get(const char *name, struct lp_buf *b)
{
    struct lp_err err = {0};
    lp_buf_reset(b);
    lp_file_read(at(name), 1 << 20, b, &err);
    lp_buf_byte(b, '\0');
}

static void child(const char *option, const char *value)
{
    char config[96], state[96];
    snprintf(config, sizeof config, "%s", at("config"));
    snprintf(state, sizeof state, "%s", at("state.db"));
    setenv("SCRIPT_LOG", at("trace"), 1);
    dup2(open(at("in"), O_RDONLY), 0);
    dup2(open(at("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600), 1);
    dup2(open(at("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600), 2);
    char *argv[12] = {"asker", "--now", "2026-01-31T10:00:00Z", "-q", "-c", config, "-s", state};
    int n = 8;
    if (!cached)
        argv[n++] = "--no-cache";
    if (option)
        argv[n++] = (char *)option;
    if (value)
        argv[n++] = (char *)value;
    exit(lp_run(&program, n, argv));
}

static pid_t begin(const char *config, const char *in, const char *option, const char *value)
{
    put("config", config);
    put("in", in);
    unlink(at("trace"));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(option, value);
    return pid;
}

static void collect(pid_t pid)
{
    int s;
    waitpid(pid, &s, 0);
    status = WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
    get("out", &out);
    get("err", &errors);
    get("trace", &trace);
}

static void run_with(const char *config, const char *in, const char *option, const char *value)
{
    collect(begin(config, in, option, value));
}

static void run(const char *config, const char *in)
{
    run_with(config, in, NULL, NULL);
}

static const char one[] = "{\"email\":\"a@x.org\"}\n";

static void expect(const char *r)
{
    char line[400];
    snprintf(line, sizeof line, "{\"email\":\"a@x.org\",\"r\":\"%s\"}\n", r);
    assert_string_equal(out.p, line);
}

static int setup(void **state)
{
    (void)state;
    cached = false;
    snprintf(dir, sizeof dir, "/tmp/lp-chain-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {
        "config", "in", "out", "err", "trace", "state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(at(names[i]));
    return rmdir(dir);
}

/* A config: the chain's members, then the providers'. */
#define CONFIG(chain, providers)                                                                   \
    "{\"chains\":{\"lead_enrichment\":{" chain "}},\"providers\":{" providers "}}"
#define P(name, script) "\"" name "\":{\"use\":\"scripted\",\"tries\":1,\"script\":[" script "]}"
#define AB              "\"providers\":[\"a\",\"b\"]"

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
    expect("found b=ok a=ok");
    assert_string_equal(trace.p, "a:1 b:1 a:1+memo ");
}

/* ---- tries ----------------------------------------------------------------------------------- */

#define TRIES(name, tries, script)                                                                 \
    "\"" name "\":{\"use\":\"scripted\",\"tries\":" tries ",\"script\":[" script "]}"

static void network_faults_are_tried_again(void **state)
{
    (void)state;
    run(CONFIG(
            "\"providers\":[\"a\"]", TRIES("a", "3", "\"error:network\",\"error:server\",\"ok\"")),
        one);
    expect("found a=ok");
    assert_string_equal(trace.p, "a:1 a:1 a:1 ");
}

static void refused_keys_are_asked_once_and_by_one_record(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\"]", TRIES("a", "3", "\"error:auth\"")),
        "{\"email\":\"a@x.org\"}\n{\"email\":\"b@x.org\"}\n{\"email\":\"c@x.org\"}\n");
    assert_string_equal(trace.p, "a:1 ");
    assert_int_equal(status, 77);
    assert_non_null(strstr(errors.p, "credentials refused"));
}

static void quota_is_asked_once_and_kept_for_the_next_run(void **state)
{
    (void)state;
    const char *config = CONFIG(AB, TRIES("a", "3", "\"error:quota\"") "," P("b", "\"ok\""));
    run(config, one);
    expect("found a=error/quota b=ok");
    run(config, one);
    expect("found a=skipped/quota b=ok");
    assert_string_equal(trace.p, "b:1 ");
}

static void retry_after_is_waited_for(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG("\"providers\":[\"a\"]", TRIES("a", "3", "\"limited:300\",\"ok\"")), one);
    expect("found a=ok");
    assert_true(lp_clock_mono() - began >= 300);
}

static void a_wait_over_max_wait_goes_to_the_next(void **state)
{
    (void)state;
    int64_t began = lp_clock_mono();
    run(CONFIG(AB, "\"a\":{\"use\":\"scripted\",\"max_wait_s\":1,\"script\":[\"limited:3000\"]}," P(
                       "b", "\"ok\"")),
        one);
    expect("found a=error/rate_limited b=ok");
    assert_true(lp_clock_mono() - began < 1500);
}

static void polling_is_bounded(void **state)
{
    (void)state;
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"poll_limit_s\":0.2,\"script\":[\"next:40\"]}"),
        one);
    expect("failed a=error/timeout ALL_FAILED (1 attempts): a timeout");
}

/* ---- batches, limits, circuit ---------------------------------------------------------------- */

static void lines(struct lp_buf *b, int n)
{
    lp_buf_reset(b);
    for (int i = 0; i < n; i++)
        lp_buf_printf(b, "{\"email\":\"%d@x.org\"}\n", i);
}

static int count(const char *hay, const char *needle)
{
    int n = 0;
    for (const char *p = hay; (p = strstr(p, needle)); p += strlen(needle))
        n++;
    return n;
}

static void batches_are_full_but_the_last(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 25);
    run(CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"batch\":10}"), in.p);
    assert_string_equal(trace.p, "a:10 a:10 a:5 ");
    assert_int_equal(count(out.p, "found a=ok"), 25);
    lp_buf_free(&in);
}

static void one_bad_record_in_a_batch_harms_only_itself(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 100);
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"batch\":10,\"tries\":1,\"script\":[\"first_bad\"]}"),
        in.p);
    assert_int_equal(count(out.p, "found a=ok"), 90);
    assert_int_equal(count(out.p, "failed a=error/bad_response"), 10);
    assert_int_equal(status, 1);
    lp_buf_free(&in);
}

static void after_three_failures_the_circuit_is_open(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 50);
    run(CONFIG(AB, P("a", "\"error:network\"") "," P("b", "\"ok\"")), in.p);
    assert_int_equal(count(trace.p, "a:1"), 3);
    assert_int_equal(count(out.p, "a=skipped/circuit_open b=ok"), 47);
    run(CONFIG(AB, P("a", "\"ok\"") "," P("b", "\"ok\"")), one); /* another process knows it too */
    expect("found a=skipped/circuit_open b=ok");
    lp_buf_free(&in);
}

static void the_last_provider_is_tried_even_with_its_circuit_open(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:network\"")), in.p);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    expect("found a=skipped/circuit_open a=ok");
    lp_buf_free(&in);
}

static void one_probe_after_the_cool_down(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 20);
    const char *config = "{\"health\":{\"cool_down_s\":0.2},\"chains\":{\"lead_enrichment\":{" AB
                         "}},\"providers\":{" P("a", "\"error:network\"") "," P("b", "\"ok\"") "}}";
    run(config, in.p);
    usleep(250 * 1000);
    run(config, in.p);
    assert_int_equal(count(trace.p, "a:1"), 1);
    lp_buf_free(&in);
}

static void a_rate_is_kept(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 8);
    int64_t began = lp_clock_mono();
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"rate\":{\"requests\":4,\"per_s\":0.4}}"),
        in.p);
    int64_t took = lp_clock_mono() - began;
    assert_int_equal(count(out.p, "found a=ok"), 8);
    assert_true(took >= 380 && took < 3000); /* 4 at once, then one every 100 ms */
    lp_buf_free(&in);
}

/* ---- what is paid for is kept ----------------------------------------------------------------- */

static void an_answer_on_file_is_not_asked_for_again(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"has:title\"")), one);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:server\"")), "{\"email\":\" A@X.org \"}\n");
    assert_int_equal(trace.len, 1);
    assert_non_null(strstr(out.p, "found a=ok"));
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), "{\"email\":\"b@x.org\"}\n");
    assert_string_equal(trace.p, "a:1 ");
}

static void a_miss_is_kept_too_an_error_is_not(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"not_found\"")), one);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    expect("not_found a=not_found");
    run(CONFIG("\"providers\":[\"b\"]", P("b", "\"error:server\"")), one);
    run(CONFIG("\"providers\":[\"b\"]", P("b", "\"ok\"")), one);
    expect("found b=ok");
}

static void refresh_asks_again_and_a_lifetime_of_nothing_keeps_nothing(void **state)
{
    (void)state;
    cached = true;
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one);
    run_with(CONFIG("\"providers\":[\"a\"]", P("a", "\"not_found\"")), one, "--refresh", NULL);
    expect("not_found a=not_found");
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one); /* what --refresh learnt is kept */
    expect("not_found a=not_found");
    const char *brief =
        CONFIG("\"providers\":[\"c\"],\"lifetime_days\":{\"found\":0}", P("c", "\"ok\""));
    run(brief, one);
    run(brief, one);
    assert_string_equal(trace.p, "c:1 ");
}

static void a_batch_handed_in_is_asked_about_after_a_kill(void **state)
{
    (void)state;
    cached = true;
    pid_t pid = begin(CONFIG("\"providers\":[\"a\"]",
                          "\"a\":{\"use\":\"scripted\",\"batch\":10,\"script\":[\"next:60000\"]}"),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"2@x.org\"}\n{\"email\":\"3@x.org\"}\n", NULL, NULL);
    usleep(400 * 1000);
    kill(pid, SIGKILL);
    collect(pid);
    assert_string_equal(trace.p, "a:3 ");
    /* one of the three is not in the next run's input: its answer is kept for when it is */
    run(CONFIG("\"providers\":[\"a\"]",
            "\"a\":{\"use\":\"scripted\",\"batch\":10,\"script\":[\"ok\"]}"),
        "{\"email\":\"1@x.org\"}\n{\"email\":\"9@x.org\"}\n{\"email\":\"3@x.org\"}\n");
    assert_int_equal(count(trace.p, "a:3+memo"), 1);
    assert_int_equal(count(trace.p, "a:1 "), 1);
    assert_int_equal(count(out.p, "found a=ok"), 3);
    run(CONFIG("\"providers\":[\"a\"]", P("a", "\"error:server\"")), "{\"email\":\"2@x.org\"}\n");
    assert_int_equal(trace.len, 1);
}

static void a_batch_of_a_living_run_is_left_to_it(void **state)
{
    (void)state;
    cached = true;
    const char *slow =
        CONFIG("\"providers\":[\"a\"]", "\"a\":{\"use\":\"scripted\",\"script\":[\"next:60000\"]}");
    pid_t pid = begin(slow, one, NULL, NULL);
    usleep(300 * 1000);
    collect(begin(CONFIG("\"providers\":[\"a\"]", P("a", "\"ok\"")), one, NULL, NULL));
    assert_string_equal(trace.p, "a:1 ");
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ---- budgets ----------------------------------------------------------------------------------- */

#define COSTLY(name, batch)                                                                        \
    "\"" name "\":{\"use\":\"scripted\",\"batch\":" batch                                          \
    ",\"cost\":{\"credits\":2,\"price\":0.5,\"currency\":\"EUR\"}}"

static void a_run_stops_at_its_budget_and_says_so(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 3000);
    run_with(CONFIG("\"providers\":[\"a\"]", COSTLY("a", "1")), in.p, "--budget", "21credits");
    assert_int_equal(count(trace.p, "a:1"), 10);
    assert_int_equal(status, 75);
    assert_int_equal(count(out.p, "found a=ok"), 10);
    assert_true(count(out.p, "\n") < 3000);
    run_with(CONFIG("\"providers\":[\"a\"]", COSTLY("a", "4")), in.p, "--budget", "5EUR");
    assert_string_equal(trace.p, "a:4 a:1 ");
    lp_buf_free(&in);
}

static void the_days_budget_is_shared_by_all_runs(void **state)
{
    (void)state;
    struct lp_buf in = {0};
    lines(&in, 4);
    const char *config =
        CONFIG("\"providers\":[\"a\"],\"budget\":{\"day\":\"12credits\"}", COSTLY("a", "1"));
    run(config, in.p);
    assert_int_equal(status, 0);
    run(config, in.p);
    assert_int_equal(count(trace.p, "a:1"), 2);
    assert_int_equal(status, 75);
    lp_buf_free(&in);
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
#undef T
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(g01_the_first_success_ends_it),
        T(g02_falls_over_to_the_next_on_failure),
        T(g03_all_fail_says_each_class),
        T(g03_no_provider_configured),
        T(g04_order_by_priority_then_by_health),
        T(g05_max_attempts_bounds_the_total),
        T(not_found_ends_a_failover_unless_told_otherwise),
        T(rejected_ends_it_and_harms_nobody),
        T(an_unknown_outcome_never_goes_to_another),
        T(a_waterfall_goes_on_for_wanted_fields),
        T(parallel_asks_all_at_once),
        T(network_faults_are_tried_again),
        T(refused_keys_are_asked_once_and_by_one_record),
        T(quota_is_asked_once_and_kept_for_the_next_run),
        T(retry_after_is_waited_for),
        T(a_wait_over_max_wait_goes_to_the_next),
        T(polling_is_bounded),
        T(batches_are_full_but_the_last),
        T(one_bad_record_in_a_batch_harms_only_itself),
        T(after_three_failures_the_circuit_is_open),
        T(the_last_provider_is_tried_even_with_its_circuit_open),
        T(one_probe_after_the_cool_down),
        T(a_rate_is_kept),
        T(an_answer_on_file_is_not_asked_for_again),
        T(a_miss_is_kept_too_an_error_is_not),
        T(refresh_asks_again_and_a_lifetime_of_nothing_keeps_nothing),
        T(a_batch_handed_in_is_asked_about_after_a_kill),
        T(a_batch_of_a_living_run_is_left_to_it),
        T(a_run_stops_at_its_budget_and_says_so),
        T(the_days_budget_is_shared_by_all_runs),
        T(output_order_is_input_order),
        T(g17_a_dry_run_asks_nobody_and_says_what_it_would),
        T(g15_a_mistake_names_its_key),
        T(g15_a_secret_file_others_can_read),
        T(g16_a_config_may_be_a_jq_program),
        T(the_command_line_overrides_the_chain),
    };
    return cmocka_run_group_tests_name("gateway/chain", tests, NULL, NULL);
}
