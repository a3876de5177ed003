#include "leadpipe/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include "gateway.h"
#include "leadpipe/secret.h"

/* Providers that live in programs of their own; naming them in a shared config is right everywhere.
 */
static const char *const built_in[] = {
    "offline", "local", "outbox", "files", "maildir", "smtp", "imap", NULL};

/* Those that every asking program has. */
static const struct lp_driver *const everywhere[] = {&lp_driver_exec, &lp_driver_noop, NULL};

struct lp_str lp_provider_setting(const struct lp_provider *p, const char *name)
{
    for (size_t i = 0; i < p->n_settings; i++)
        if (!p->settings[i].secret && strcmp(p->settings[i].name, name) == 0)
            return p->settings[i].value;
    return (struct lp_str){0};
}

bool lp_provider_text(const struct lp_provider *p, const char *name, struct lp_buf *out)
{
    struct lp_str v = lp_provider_setting(p, name);
    return v.p && lp_json_decode(v, out);
}

struct lp_str lp_provider_secret(const struct lp_provider *p, const char *name)
{
    for (size_t i = 0; i < p->n_settings; i++)
        if (p->settings[i].secret && strcmp(p->settings[i].name, name) == 0)
            return p->settings[i].value;
    return (struct lp_str){0};
}

void lp_provider_settings_json(const struct lp_provider *p, struct lp_buf *out)
{
    LP_BUF_LIT(out, "{");
    for (size_t i = 0; i < p->n_settings; i++) {
        const struct lp_provider_setting *s = &p->settings[i];
        if (s->value.p && s->secret)
            lp_json_put_str(out, s->name, lp_str(s->token));
        else if (s->value.p)
            lp_json_put_raw(out, s->name, s->value);
    }
    LP_BUF_LIT(out, "}");
}

/* ---- what settings there are -------------------------------------------------------------- */

static struct lp_provider_setting *add_setting(struct lp_provider *p)
{
    p->settings = lp_realloc_array(p->settings, p->n_settings + 1, sizeof *p->settings);
    struct lp_provider_setting *s = &p->settings[p->n_settings++];
    *s = (struct lp_provider_setting){.source = ""};
    return s;
}

static char *own_text(struct lp_str json_string)
{
    struct lp_buf b = {0};
    lp_json_decode(json_string, &b);
    return b.p ? lp_buf_take(&b) : lp_strdup("");
}

static void settings_of_driver(struct lp_provider *p, const struct lp_driver *d)
{
    for (const struct lp_setting *from = d->settings; from && from->name; from++) {
        struct lp_provider_setting *s = add_setting(p);
        s->name = lp_strdup(from->name);
        s->env = from->env ? lp_strdup(from->env) : NULL;
        s->preset = from->preset ? lp_strdup(from->preset) : NULL;
        s->secret = from->secret;
        s->required = from->required;
        s->text = from->text;
    }
}

static void settings_of_adapter(struct lp_provider *p, struct lp_str meta)
{
    struct lp_str all, name, spec, v;
    if (!lp_json_get(meta, "settings", &all))
        return;
    struct lp_json_iter it = lp_json_iter(all);
    while (lp_json_next(&it, &name, &spec)) {
        struct lp_provider_setting *s = add_setting(p);
        s->name = lp_strndup(name.p, name.n);
        s->env = lp_json_get(spec, "env", &v) ? own_text(v) : NULL;
        s->preset = lp_json_get(spec, "default", &v) ? lp_strndup(v.p, v.n) : NULL;
        s->secret = lp_json_get(spec, "secret", &v) && lp_json_true(v);
        s->required = lp_json_get(spec, "required", &v) && lp_json_true(v);
    }
}

static void free_settings(struct lp_provider *p)
{
    for (size_t i = 0; i < p->n_settings; i++) {
        free((char *)p->settings[i].name);
        free((char *)p->settings[i].env);
        free((char *)p->settings[i].preset);
        if (!p->settings[i].secret)
            free((char *)p->settings[i].value.p);
    }
    free(p->settings);
}

/* ---- their values ------------------------------------------------------------------------- */

/* An environment variable is text; a setting whose default is a number or a flag reads it as such.
 */
static struct lp_str env_value(const struct lp_provider_setting *s, const char *text)
{
    struct lp_buf b = {0};
    size_t at;
    const char *why;
    bool plain = s->preset && s->preset[0] != '"' && lp_json_check(lp_str(text), &at, &why);
    if (plain)
        lp_buf_puts(&b, text);
    else
        lp_json_put(&b, lp_str(text));
    return (struct lp_str){b.p, b.len};
}

static void make_token(struct lp_provider_setting *s)
{
    unsigned char r[16];
    if (getrandom(r, sizeof r, 0) != sizeof r)
        abort(); /* cannot happen for 16 bytes once the system is up */
    char *t = s->token;
    memcpy(t, "lps-", 4);
    for (size_t i = 0; i < sizeof r; i++)
        snprintf(t + 4 + 2 * i, 3, "%02x", r[i]);
}

/* Precedence, as everywhere: environment, config, default. */
static struct lp_str configured_value(
    const struct lp_provider_setting *s, struct lp_str entry, const char *env)
{
    struct lp_str v = {0};
    if ((env && *env) || !lp_json_get(entry, s->name, &v) || lp_json_type(v) == LP_JSON_NULL)
        return (struct lp_str){0};
    return v;
}

static int find_secret(
    struct lp_provider *p, struct lp_provider_setting *s, struct lp_str given, struct lp_err *err)
{
    int r = p->no_secrets ? 1 : lp_secret_present(p->name, s->name, given, s->env, err);
    if (r <= 0)
        return r;
    make_token(s);
    s->value = LP_STR("");
    s->source = given.p ? "config" : "environment";
    return 0;
}

static const char *type_words(struct lp_str v)
{
    switch (lp_json_type(v)) {
    case LP_JSON_STRING: return "a string";
    case LP_JSON_NUMBER: return "a number";
    case LP_JSON_TRUE:
    case LP_JSON_FALSE: return "true or false";
    case LP_JSON_ARRAY: return "an array";
    case LP_JSON_OBJECT: return "an object";
    default: return NULL;
    }
}

/* A default says of what type a setting is. Adapters do not look: a word for a number of seconds would
 * become no wait at all. */
static int check_type(
    const struct lp_provider *p, const struct lp_provider_setting *s, struct lp_err *err)
{
    const char *must = s->preset ? type_words(lp_str(s->preset)) : s->text ? "a string" : NULL;
    const char *is = s->value.p ? type_words(s->value) : must;
    if (!must || (is && strcmp(is, must) == 0))
        return 0;
    if (strcmp(s->source, "environment") == 0)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "%s: must be %s (it is providers.%s.%s)",
            s->env, must, p->name, s->name);
    return lp_err_set(
        err, LP_ERR_CONFIG, "config", "providers.%s.%s: must be %s", p->name, s->name, must);
}

static int set_value(
    struct lp_provider *p, struct lp_provider_setting *s, struct lp_str entry, struct lp_err *err)
{
    const char *env = s->env ? getenv(s->env) : NULL;
    struct lp_str given = configured_value(s, entry, env);
    if (s->secret)
        return find_secret(p, s, given, err);
    if (env && *env) {
        s->value = env_value(s, env);
        s->source = "environment";
    } else if (given.p) {
        s->value = (struct lp_str){lp_strndup(given.p, given.n), given.n};
        s->source = "config";
    } else if (s->preset) {
        s->value = (struct lp_str){lp_strdup(s->preset), strlen(s->preset)};
        s->source = "default";
    }
    return check_type(p, s, err);
}

static bool has_setting(const struct lp_provider *p, struct lp_str name)
{
    for (size_t i = 0; i < p->n_settings; i++)
        if (lp_json_name_is(name, p->settings[i].name))
            return true;
    return false;
}

static int check_entry(const struct lp_provider *p, struct lp_str entry, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(entry);
    struct lp_str name, value;
    char where[160];
    snprintf(where, sizeof where, "providers.%s", p->name);
    while (lp_json_next(&it, &name, &value)) {
        int r = lp_config_member(lp_config_provider_members, where, name, value, err);
        if (r < 0)
            return -1;
        if (r == 0 && !has_setting(p, name))
            return lp_err_set(
                err, LP_ERR_CONFIG, "config", "%s.%.*s: unknown key", where, (int)name.n, name.p);
    }
    return 0;
}

static int set_values(struct lp_provider *p, struct lp_str entry, struct lp_err *err)
{
    p->configured = true;
    for (size_t i = 0; i < p->n_settings; i++) {
        struct lp_provider_setting *s = &p->settings[i];
        if (set_value(p, s, entry, err))
            return -1;
        if (s->required && !s->value.p && p->configured) {
            p->configured = false;
            snprintf(p->missing, sizeof p->missing, "%s", s->env ? s->env : s->name);
        }
    }
    return 0;
}

/* ---- making one --------------------------------------------------------------------------- */

static const struct lp_driver *find_driver(const struct lp_driver *const *drivers, const char *name)
{
    for (; drivers && *drivers; drivers++)
        if (strcmp((*drivers)->name, name) == 0)
            return *drivers;
    return NULL;
}

static bool meta_serves(struct lp_str meta, const char *capability)
{
    struct lp_str list, name, v;
    if (!lp_json_get(meta, "capabilities", &list))
        return false;
    struct lp_json_iter it = lp_json_iter(list);
    while (lp_json_next(&it, &name, &v))
        if (lp_json_is(v, capability))
            return true;
    return false;
}

static bool driver_serves(const struct lp_driver *d, const char *capability)
{
    for (const char *const *c = d->capabilities; c && *c; c++)
        if (strcmp(*c, capability) == 0)
            return true;
    return d->capabilities == NULL;
}

static struct lp_str meta_of(const struct lp_provider *p)
{
    return p->adapter ? lp_buf_view(&p->adapter->meta) : LP_STR("{}");
}

/* An adapter says of its limits what a configuration may, and in the same form. */
static int check_meta(const struct lp_adapter *a, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(lp_buf_view(&a->meta));
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value))
        if (lp_config_member(lp_config_provider_members, "module", name, value, err) < 0)
            return lp_err_prefix(err, "%s: ", a->path);
    return 0;
}

/* Finds what runs the provider. 1 found, 0 nothing of that name, -1 wrong. */
static int bind(struct lp_provider *p, const struct lp_driver *const *drivers, struct lp_err *err)
{
    p->driver = find_driver(drivers, p->use);
    if (!p->driver)
        p->driver = find_driver(everywhere, p->use);
    if (p->driver) {
        p->embedded = p->driver->embedded;
        settings_of_driver(p, p->driver);
        return driver_serves(p->driver, p->capability) ? 1 : 0;
    }
    int r = lp_adapter_open(&p->adapter, p->use, err);
    if (r <= 0)
        return r;
    p->driver = &lp_driver_http;
    if (check_meta(p->adapter, err))
        return -1;
    settings_of_adapter(p, meta_of(p));
    return meta_serves(meta_of(p), p->capability) ? 1 : 0;
}

static int not_found(const struct lp_provider *p, bool in_config, struct lp_err *err)
{
    if (p->driver)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%s.providers: %s does not do %s",
            p->capability, p->name, p->capability);
    if (in_config)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "providers.%s.use: unknown adapter \"%s\"",
            p->name, p->use);
    return lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%s.providers: unknown provider \"%s\"",
        p->capability, p->name);
}

static void warn_of_open_secrets(
    const struct lp_provider *p, const struct lp_config *config, struct lp_str entry)
{
    for (size_t i = 0; i < p->n_settings; i++) {
        const struct lp_provider_setting *s = &p->settings[i];
        struct lp_str v;
        if (s->secret && lp_json_get(entry, s->name, &v) && lp_config_exposes(config, v))
            lp_log_warn("%s: providers.%s.%s stands in a file that others can read (chmod 600 %s)",
                config->path, p->name, s->name, config->path);
    }
}

int lp_provider_make(struct lp_provider **out, const struct lp_config *config, const char *name,
    const char *capability, const struct lp_driver *const *drivers, bool named, struct lp_err *err)
{
    struct lp_provider *p = lp_alloc(sizeof *p);
    struct lp_str entry = lp_config_provider(config, name), v;
    bool has_use = lp_json_get(entry, "use", &v);
    p->name = lp_strdup(name);
    p->use = has_use ? own_text(v) : lp_strdup(name);
    p->account = lp_strdup(name);
    p->capability = capability;
    p->no_secrets = config->no_secrets;
    int r = bind(p, drivers, err);
    if (r == 0 && named)
        r = not_found(p, has_use, err);
    if (r > 0 && check_entry(p, entry, err))
        r = -1;
    if (r > 0)
        lp_provider_terms(p, entry, meta_of(p));
    if (r > 0 && lp_json_get(entry, "ca_file", &v))
        p->ca_file = own_text(v);
    if (r > 0 && (set_values(p, entry, err) || (p->driver->accept && p->driver->accept(p, err))))
        r = -1;
    if (r <= 0) {
        lp_provider_del(p);
        return r;
    }
    warn_of_open_secrets(p, config, entry);
    *out = p;
    return 1;
}

int lp_provider_secrets(struct lp_provider *p, struct lp_err *err)
{
    struct lp_str entry = lp_config_provider(&p->lane->gateway->config, p->name);
    for (size_t i = 0; i < p->n_settings; i++) {
        struct lp_provider_setting *s = &p->settings[i];
        if (!s->secret || !s->value.p || p->no_secrets)
            continue;
        struct lp_str given = configured_value(s, entry, s->env ? getenv(s->env) : NULL);
        if (lp_secret_load(p->name, s->name, given, s->env, &s->value, err) < 0)
            return -1;
    }
    return 0;
}

void lp_provider_del(struct lp_provider *p)
{
    if (!p)
        return;
    free_settings(p);
    lp_adapter_del(p->adapter);
    free((char *)p->name);
    free((char *)p->use);
    free((char *)p->ca_file);
    free(p->account);
    free(p->flight);
    free(p);
}

static bool is_built_in(const char *name)
{
    for (size_t i = 0; built_in[i]; i++)
        if (strcmp(built_in[i], name) == 0)
            return true;
    return false;
}

/* An entry that no chain of this run uses: are its keys right all the same? */
static int check_unused(const struct lp_config *config, const char *name,
    const struct lp_driver *const *drivers, struct lp_err *err)
{
    struct lp_provider p = {.name = name, .capability = ""};
    struct lp_str entry = lp_config_provider(config, name), v;
    bool has_use = lp_json_get(entry, "use", &v);
    char *use = has_use ? own_text(v) : lp_strdup(name);
    p.use = use;
    int r = bind(&p, drivers, err);
    if (r >= 0 && p.driver)
        r = check_entry(&p, entry, err);
    else if (r == 0 && !is_built_in(use))
        r = lp_err_set(
            err, LP_ERR_CONFIG, "config", "providers.%s: unknown adapter \"%s\"", name, use);
    free_settings(&p);
    lp_adapter_del(p.adapter);
    free(use);
    return r < 0 ? -1 : 0;
}

int lp_provider_check_all(
    const struct lp_config *config, const struct lp_driver *const *drivers, struct lp_err *err)
{
    struct lp_str all, raw, value;
    if (!lp_config_get(config, "providers", &all))
        return 0;
    struct lp_json_iter it = lp_json_iter(all);
    while (lp_json_next(&it, &raw, &value)) {
        char *name = own_text((struct lp_str){raw.p - 1, raw.n + 2}); /* between its quotes */
        int r = check_unused(config, name, drivers, err);
        free(name);
        if (r)
            return -1;
    }
    return 0;
}
