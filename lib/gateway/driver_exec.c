#include <ctype.h>
#include <stdlib.h>
#include "exec_worker.h"
#include "gateway.h"
#include "leadpipe/clock.h"
#include "leadpipe/secret.h"
#include "leadpipe/vault.h"

/*
 * A user's filter in any language as a provider.
 *
 * - It is started once for each worker, when first needed, and fed for the whole run: an interpreter's
 *   start is not paid for every record.
 * - Its secrets are in its environment, never in its arguments, which everybody may read, and not on
 *   its input, which is what a filter prints when it is debugged.
 */

#define WORKERS_MAX 64
#define GRACE_MS    2000
#define STUBBORN_MS 500 /* from SIGTERM to SIGKILL */

struct filter {
    struct lp_exec exec;
    struct lp_worker *workers;
    size_t n;
    struct lp_buf settings;
    char *shell, **argv, **env; /* env: pages of the vault */
};

/* ---- settings ------------------------------------------------------------------------------- */

/* {env}, {file} or {cmd}, as secrets are given everywhere; a plain string is no secret here. */
static bool is_secret(struct lp_str v)
{
    struct lp_str name, value;
    struct lp_json_iter it = lp_json_iter(v);
    if (lp_json_type(v) != LP_JSON_OBJECT || lp_json_count(v) != 1 ||
        !lp_json_next(&it, &name, &value) || lp_json_type(value) != LP_JSON_STRING)
        return false;
    return lp_json_name_is(name, "env") || lp_json_name_is(name, "file") ||
           lp_json_name_is(name, "cmd");
}

/* What the secret is called in the filter's environment: as in ours, or as the setting. */
static void env_name(struct lp_str setting, struct lp_str given, struct lp_buf *out)
{
    struct lp_str v;
    lp_buf_reset(out);
    if (lp_json_get(given, "env", &v)) {
        lp_json_decode(v, out);
        return;
    }
    for (size_t i = 0; i < setting.n; i++) {
        unsigned char c = (unsigned char)setting.p[i];
        lp_buf_byte(out, isalnum(c) ? (char)toupper(c) : '_');
    }
}

static char *setting_key(struct lp_str name)
{
    struct lp_buf key = {0};
    lp_buf_printf(&key, "settings.%.*s", (int)name.n, name.p);
    return lp_buf_take(&key);
}

static int check_command(const struct lp_provider *p, struct lp_err *err)
{
    struct lp_str command = lp_provider_setting(p, "command"), name, word;
    struct lp_json_iter it = lp_json_iter(command);
    bool good = command.p && (lp_json_type(command) == LP_JSON_STRING ? command.n > 2 : false);
    if (command.p && lp_json_type(command) == LP_JSON_ARRAY) {
        good = lp_json_count(command) > 0;
        for (bool first = true; good && lp_json_next(&it, &name, &word); first = false)
            good = lp_json_type(word) == LP_JSON_STRING && (!first || word.n > 2);
    }
    if (good)
        return 0;
    return lp_err_set(err, LP_ERR_CONFIG, "config",
        "providers.%s.command: must be an array of strings, or a string for the shell", p->name);
}

/* A secret that is not there leaves the provider unconfigured, as everywhere. */
static int check_secrets(struct lp_provider *p, struct lp_str settings, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(settings);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        if (!is_secret(value) || p->no_secrets)
            continue;
        char *key = setting_key(name);
        int r = lp_secret_present(p->name, key, value, NULL, err);
        if (r == 0) {
            p->configured = false;
            snprintf(p->missing, sizeof p->missing, "%s", key);
        }
        free(key);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int accept_exec(struct lp_provider *p, struct lp_err *err)
{
    struct lp_str settings = lp_provider_setting(p, "settings");
    int64_t workers = 0;
    if (!lp_json_int(lp_provider_setting(p, "workers"), &workers) || workers < 1 ||
        workers > WORKERS_MAX)
        return lp_err_set(err, LP_ERR_CONFIG, "config",
            "providers.%s.workers: must be a whole number from 1 to %d", p->name, WORKERS_MAX);
    if (lp_json_type(settings) != LP_JSON_OBJECT)
        return lp_err_set(
            err, LP_ERR_CONFIG, "config", "providers.%s.settings: must be an object", p->name);
    if (p->max_in_flight == 0 || p->max_in_flight > workers)
        p->max_in_flight = (int)workers;
    if (p->configured && check_command(p, err))
        return -1;
    return check_secrets(p, settings, err);
}

/* ---- from settings to a command ------------------------------------------------------------- */

static char *text_of(struct lp_str json_string)
{
    struct lp_buf b = {0};
    lp_json_decode(json_string, &b);
    return b.p ? lp_buf_take(&b) : lp_strdup("");
}

static void set_command(struct filter *f, struct lp_str command)
{
    struct lp_json_iter it = lp_json_iter(command);
    struct lp_str name, word;
    size_t n = 0;
    if (lp_json_type(command) == LP_JSON_STRING) {
        f->exec.command.shell = f->shell = text_of(command);
        return;
    }
    f->argv = lp_alloc((lp_json_count(command) + 1) * sizeof *f->argv);
    while (lp_json_next(&it, &name, &word))
        f->argv[n++] = text_of(word);
    f->exec.command.argv = (const char *const *)f->argv;
}

static int add_secret(
    struct filter *f, size_t *n, struct lp_str name, struct lp_str given, struct lp_err *err)
{
    struct lp_buf text = {0};
    struct lp_str secret = {0};
    char *key = setting_key(name);
    int r = lp_secret_load(f->exec.provider->name, key, given, NULL, &secret, err);
    free(key);
    if (r < 0)
        return -1;
    env_name(name, given, &text);
    lp_buf_grow(&text, secret.n + 1); /* grown once: no copies are left behind */
    lp_buf_byte(&text, '=');
    lp_buf_str(&text, secret);
    f->env[(*n)++] = lp_vault_keep(lp_buf_view(&text));
    explicit_bzero(text.p, text.cap);
    lp_buf_free(&text);
    return 0;
}

static int set_settings(struct filter *f, struct lp_str settings, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(settings);
    struct lp_str name, value;
    size_t n = 0;
    f->env = lp_alloc((lp_json_count(settings) + 1) * sizeof *f->env);
    LP_BUF_LIT(&f->settings, "{");
    while (lp_json_next(&it, &name, &value)) {
        if (is_secret(value)) {
            if (add_secret(f, &n, name, value, err))
                return -1;
            continue;
        }
        if (f->settings.len > 1)
            lp_buf_byte(&f->settings, ',');
        lp_buf_byte(&f->settings, '"');
        lp_buf_str(&f->settings, name);
        LP_BUF_LIT(&f->settings, "\":");
        lp_json_compact(&f->settings, value);
    }
    LP_BUF_LIT(&f->settings, "}");
    f->exec.command.env = (const char *const *)f->env;
    f->exec.settings = lp_buf_view(&f->settings);
    return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void free_filter(struct filter *f)
{
    for (size_t i = 0; f->argv && f->argv[i]; i++)
        free(f->argv[i]);
    for (size_t i = 0; f->env && f->env[i]; i++)
        lp_vault_wipe(f->env[i]);
    free(f->argv);
    free(f->env);
    free(f->shell);
    free(f->workers);
    lp_buf_free(&f->settings);
    free(f);
}

static int open_exec(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    struct filter *f = lp_alloc(sizeof *f);
    int64_t n = 1;
    f->exec.provider = p;
    f->exec.seed = g->seed | 1;
    f->exec.command =
        (struct lp_child_options){.pipe_in = true, .pipe_out = true, .pipe_err = true};
    set_command(f, lp_provider_setting(p, "command"));
    if (set_settings(f, lp_provider_setting(p, "settings"), err)) {
        free_filter(f);
        return -1;
    }
    lp_json_int(lp_provider_setting(p, "workers"), &n);
    f->n = (size_t)n;
    f->workers = lp_alloc(f->n * sizeof *f->workers);
    for (size_t i = 0; i < f->n; i++) {
        f->workers[i].exec = &f->exec;
        f->workers[i].child = (struct lp_child){0, -1, -1, -1};
    }
    p->handle = f;
    return 0;
}

/* All are told at once that there is no more; then they have the grace together. */
static void close_exec(struct lp_provider *p)
{
    struct filter *f = p->handle;
    if (!f)
        return;
    int64_t deadline = lp_clock_mono() + GRACE_MS;
    for (size_t i = 0; i < f->n; i++)
        lp_child_close_in(&f->workers[i].child);
    for (size_t i = 0; i < f->n; i++)
        lp_worker_see_off(&f->workers[i], deadline);
    for (size_t i = 0; i < f->n; i++)
        lp_worker_end(&f->workers[i], deadline + STUBBORN_MS);
    free_filter(f);
    p->handle = NULL;
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* There is one: the lane starts no more calls at a time than there are workers. One that runs is
 * better than one that has to be started. */
static struct lp_worker *idle_worker(struct filter *f)
{
    struct lp_worker *found = NULL;
    for (size_t i = 0; i < f->n; i++)
        if (!f->workers[i].call && (!found || (f->workers[i].child.pid && !found->child.pid)))
            found = &f->workers[i];
    return found;
}

static void start_exec(struct lp_provider *p, struct lp_call *call)
{
    struct lp_worker *w = idle_worker(p->handle);
    if (w)
        lp_worker_begin(w, call);
    else
        lp_call_error(call, LP_RATE_LIMITED, "every worker is busy");
}

static void cancel_exec(struct lp_provider *p, struct lp_call *call)
{
    struct filter *f = p->handle;
    for (size_t i = 0; i < f->n; i++)
        if (f->workers[i].call == call)
            lp_worker_cancel(&f->workers[i]);
}

static unsigned fds_exec(struct lp_provider *p, struct pollfd *fds, unsigned room)
{
    const struct filter *f = p->handle;
    unsigned n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += lp_worker_fds(&f->workers[i], fds + n, room - n);
    return n;
}

static int timeout_exec(struct lp_provider *p)
{
    const struct filter *f = p->handle;
    int64_t due = INT64_MAX, now = lp_clock_mono();
    for (size_t i = 0; i < f->n; i++)
        if (lp_worker_due(&f->workers[i]) < due)
            due = lp_worker_due(&f->workers[i]);
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

static void dispatch_exec(struct lp_provider *p, const struct pollfd *fds, unsigned n)
{
    struct filter *f = p->handle;
    for (size_t i = 0; i < f->n; i++)
        lp_worker_dispatch(&f->workers[i], fds, n);
}

static const char *advise_exec(enum lp_class class)
{
    switch (class) {
    case LP_CONFIG: return "run the command by hand: it must start, and read its standard input";
    case LP_TIMEOUT: return "let the filter flush its output after every line, or raise timeout_s";
    case LP_BAD_RESPONSE:
        return "let the filter print one JSON object with an outcome for every line it reads, and "
               "nothing else";
    case LP_SERVER: return "the filter ends by itself: see what it says on standard error";
    default: return NULL;
    }
}

static const struct lp_setting exec_settings[] = {{.name = "command", .required = true},
    {.name = "workers", .preset = "1"}, {.name = "settings", .preset = "{}"}, {.name = NULL}};

const struct lp_driver lp_driver_exec = {
    .name = "exec",
    .settings = exec_settings,
    .accept = accept_exec,
    .open = open_exec,
    .close = close_exec,
    .start = start_exec,
    .cancel = cancel_exec,
    .fds = fds_exec,
    .timeout = timeout_exec,
    .dispatch = dispatch_exec,
    .check = start_exec,
    .advise = advise_exec,
};
