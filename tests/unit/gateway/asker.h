/*
 * asker - the engine whole, with providers that answer by script, for the tests beside it
 *
 * Each test writes a config and an input, runs the program in a child process and reads its output.
 * "script" holds what the provider says, one entry a try, the last one for ever.
 */
#ifndef LP_TEST_ASKER_H
#define LP_TEST_ASKER_H

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
#include "../within.h"

#define UNUSED __attribute__((unused))

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
        call->retry_after_ms = strtol(rest.p, NULL, 10);
        lp_call_error(call, LP_RATE_LIMITED, "as scripted");
    } else if (lp_str_is(e, "gone")) {
        call->http_status = 404;
        lp_call_error(call, LP_BAD_RESPONSE, "no such batch");
    } else if (prefix(e, "next:", &rest)) {
        lp_call_next(call, strtol(rest.p, NULL, 10), LP_STR("{\"id\":1}"));
    } else if (prefix(e, "slow:", &rest)) {
        usleep((useconds_t)strtol(rest.p, NULL, 10) * 1000);
        answer_all(call, LP_OK, (struct lp_str){0});
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

static const struct lp_setting scripted_settings[] = {{.name = "script", .preset = "[\"ok\"]"},
    {.name = "key", .env = "SCRIPT_KEY", .secret = true}, {.name = NULL}};
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

UNUSED static pid_t begin(const char *config, const char *in, const char *option, const char *value)
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

/* Until a provider has been asked, and what it said is dealt with. */
UNUSED static void wait_until_asked(void)
{
    struct stat st;
    for (int i = 0; i < 3000 && (stat(at("trace"), &st) || st.st_size == 0); i++)
        usleep(10 * 1000);
    usleep((useconds_t)within(300) * 1000);
}

UNUSED static void collect(pid_t pid)
{
    int s;
    waitpid(pid, &s, 0);
    status = WIFEXITED(s) ? WEXITSTATUS(s) : 128 + WTERMSIG(s);
    get("out", &out);
    get("err", &errors);
    get("trace", &trace);
}

UNUSED static void run_with(
    const char *config, const char *in, const char *option, const char *value)
{
    collect(begin(config, in, option, value));
}

UNUSED static void run(const char *config, const char *in)
{
    run_with(config, in, NULL, NULL);
}

UNUSED static const char one[] = "{\"email\":\"a@x.org\"}\n";

UNUSED static void expect(const char *r)
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

UNUSED static void lines(struct lp_buf *b, int n)
{
    lp_buf_reset(b);
    for (int i = 0; i < n; i++)
        lp_buf_printf(b, "{\"email\":\"%d@x.org\"}\n", i);
}

UNUSED static int count(const char *hay, const char *needle)
{
    int n = 0;
    for (const char *p = hay; (p = strstr(p, needle)); p += strlen(needle))
        n++;
    return n;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
