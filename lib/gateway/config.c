#include "leadpipe/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "leadpipe/capability.h"
#include "leadpipe/file.h"
#include "leadpipe/jq.h"
#include "leadpipe/log.h"

#define CONFIG_MAX (1024 * 1024)

/* Nothing sensible is larger, and what is made of these numbers fits its type. */
#define COUNT_MAX  1000000
#define NUMBER_MAX 1e9

const struct lp_shape_member lp_config_provider_members[] = {
    {"use", LP_SHAPE_STRING, NULL},
    {"batch", LP_SHAPE_COUNTS, NULL},
    {"max_in_flight", LP_SHAPE_COUNTS, NULL},
    {"rate", LP_SHAPE_RATE, NULL},
    {"cost", LP_SHAPE_COST, NULL},
    {"tries", LP_SHAPE_COUNT, NULL},
    {"linger_s", LP_SHAPE_NUMBER, NULL},
    {"timeout_s", LP_SHAPE_NUMBER, NULL},
    {"total_s", LP_SHAPE_NUMBER, NULL},
    {"max_wait_s", LP_SHAPE_NUMBER, NULL},
    {"poll_limit_s", LP_SHAPE_NUMBER, NULL},
    {"ca_file", LP_SHAPE_STRING, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

static const struct lp_shape_member top_members[] = {
    {"chains", LP_SHAPE_OBJECT, NULL},
    {"providers", LP_SHAPE_OBJECT, NULL},
    {"health", LP_SHAPE_OBJECT, NULL},
    {"score", LP_SHAPE_OBJECT, NULL}, /* looked into by score and report */
    {"report", LP_SHAPE_OBJECT, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

static const struct lp_shape_member chain_members[] = {
    {"providers", LP_SHAPE_STRINGS, NULL},
    {"mode", LP_SHAPE_CHOICE, "failover|waterfall|parallel"},
    {"order", LP_SHAPE_CHOICE, "priority|health|fastest"},
    {"want", LP_SHAPE_STRINGS, NULL},
    {"continue_on", LP_SHAPE_STRINGS, NULL},
    {"max_attempts", LP_SHAPE_COUNT, NULL},
    {"lifetime_days", LP_SHAPE_OBJECT, NULL},
    {"budget", LP_SHAPE_OBJECT, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

static const struct lp_shape_member lifetime_members[] = {
    {"found", LP_SHAPE_DAYS, NULL},
    {"not_found", LP_SHAPE_DAYS, NULL},
    {"rejected", LP_SHAPE_DAYS, NULL},
    {"valid", LP_SHAPE_DAYS, NULL},
    {"invalid", LP_SHAPE_DAYS, NULL},
    {"catch_all", LP_SHAPE_DAYS, NULL},
    {"disposable", LP_SHAPE_DAYS, NULL},
    {"role", LP_SHAPE_DAYS, NULL},
    {"mailbox_full", LP_SHAPE_DAYS, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

static const struct lp_shape_member budget_members[] = {
    {"run", LP_SHAPE_ANY, NULL}, /* an amount: budget.c reads it */
    {"day", LP_SHAPE_ANY, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

/* Objects within a chain, with tables of their own. */
static const struct {
    const char *name;
    const struct lp_shape_member *members;
} chain_objects[] = {{"lifetime_days", lifetime_members}, {"budget", budget_members}};

static const struct lp_shape_member health_members[] = {
    {"healthy_after", LP_SHAPE_COUNT, NULL},
    {"unhealthy_after", LP_SHAPE_COUNT, NULL},
    {"cool_down_s", LP_SHAPE_NUMBER, NULL},
    {"cool_down_max_s", LP_SHAPE_NUMBER, NULL},
    {NULL, LP_SHAPE_ANY, NULL},
};

static bool is_capability(struct lp_str name)
{
    for (const struct lp_capability *c = lp_capabilities; c->name; c++)
        if (lp_json_name_is(name, c->name))
            return true;
    return false;
}

static bool is_strings(struct lp_str v)
{
    if (lp_json_type(v) != LP_JSON_ARRAY)
        return false;
    struct lp_json_iter it = lp_json_iter(v);
    struct lp_str name, e;
    while (lp_json_next(&it, &name, &e))
        if (lp_json_type(e) != LP_JSON_STRING)
            return false;
    return true;
}

static bool is_choice(struct lp_str v, const char *choices)
{
    if (lp_json_type(v) != LP_JSON_STRING)
        return false;
    struct lp_str word = {v.p + 1, v.n - 2};
    for (const char *c = choices; *c;) {
        size_t n = strcspn(c, "|");
        if (word.n == n && memcmp(word.p, c, n) == 0)
            return true;
        c += n + (c[n] == '|');
    }
    return false;
}

static bool is_count(struct lp_str v)
{
    int64_t i;
    return lp_json_type(v) == LP_JSON_NUMBER && lp_json_int(v, &i) && i >= 1 && i <= COUNT_MAX;
}

static bool is_number(struct lp_str v)
{
    double d;
    return lp_json_type(v) == LP_JSON_NUMBER && lp_json_real(v, &d) && d >= 0 && d <= NUMBER_MAX;
}

static bool is_above_0(struct lp_str v)
{
    double d;
    return is_number(v) && lp_json_real(v, &d) && d > 0;
}

/* One for all capabilities, or an object with one for each of some. */
static bool for_each(struct lp_str v, bool (*fits)(struct lp_str))
{
    struct lp_json_iter it = lp_json_iter(v);
    struct lp_str name, each;
    if (fits(v))
        return true;
    if (lp_json_type(v) != LP_JSON_OBJECT || lp_json_count(v) == 0)
        return false;
    while (lp_json_next(&it, &name, &each))
        if (!is_capability(name) || !fits(each))
            return false;
    return true;
}

static bool is_rate(struct lp_str v)
{
    struct lp_str requests, per_s;
    if (lp_json_type(v) != LP_JSON_OBJECT || !lp_json_get(v, "requests", &requests))
        return false;
    bool timed = lp_json_get(v, "per_s", &per_s);
    return is_number(requests) && (!timed || is_above_0(per_s)) && lp_json_count(v) == 1u + timed;
}

static bool is_cost(struct lp_str v)
{
    struct lp_json_iter it = lp_json_iter(v);
    struct lp_str name, each;
    if (lp_json_type(v) != LP_JSON_OBJECT)
        return false;
    while (lp_json_next(&it, &name, &each)) {
        bool good = false;
        if (lp_json_name_is(name, "credits"))
            good = for_each(each, is_number);
        else if (lp_json_name_is(name, "price"))
            good = is_number(each);
        else if (lp_json_name_is(name, "currency"))
            good = lp_json_type(each) == LP_JSON_STRING && each.n == 5;
        if (!good)
            return false;
    }
    return true;
}

static const char *wrong_shape(const struct lp_shape_member *m, struct lp_str v)
{
    enum lp_json_type t = lp_json_type(v);
    switch (m->shape) {
    case LP_SHAPE_ANY: return NULL;
    case LP_SHAPE_STRING: return t == LP_JSON_STRING ? NULL : "must be a string";
    case LP_SHAPE_STRINGS: return is_strings(v) ? NULL : "must be an array of strings";
    case LP_SHAPE_COUNT: return is_count(v) ? NULL : "must be a whole number from 1 to 1000000";
    case LP_SHAPE_NUMBER: return is_above_0(v) ? NULL : "must be a number above 0";
    case LP_SHAPE_DAYS: return is_number(v) ? NULL : "must be a number of days";
    case LP_SHAPE_OBJECT: return t == LP_JSON_OBJECT ? NULL : "must be an object";
    case LP_SHAPE_BOOL:
        return t == LP_JSON_TRUE || t == LP_JSON_FALSE ? NULL : "must be true or false";
    case LP_SHAPE_CHOICE: return is_choice(v, m->choices) ? NULL : m->choices;
    case LP_SHAPE_COUNTS:
        return for_each(v, is_count)
                   ? NULL
                   : "must be a whole number from 1 to 1000000, or one for each capability";
    case LP_SHAPE_RATE:
        return for_each(v, is_rate)
                   ? NULL
                   : "must be {requests: N, per_s: SECONDS} (requests 0 is no limit), or one for "
                     "each capability";
    case LP_SHAPE_COST:
        return is_cost(v) ? NULL
                          : "must be {credits: N, price: N, currency: \"EUR\"}, or some of these";
    }
    return NULL;
}

int lp_config_member(const struct lp_shape_member *table, const char *where, struct lp_str name,
    struct lp_str value, struct lp_err *err)
{
    for (const struct lp_shape_member *m = table; m->name; m++) {
        if (!lp_json_name_is(name, m->name))
            continue;
        const char *wrong = wrong_shape(m, value);
        if (!wrong)
            return 1;
        return lp_err_set(err, LP_ERR_CONFIG, "config", "%s.%s: %s%s", where, m->name,
            m->shape == LP_SHAPE_CHOICE ? "must be one of " : "", wrong);
    }
    return 0;
}

static int unknown_key(const char *where, struct lp_str name, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_CONFIG, "config", "%s%s%.*s: unknown key", where,
        *where ? "." : "", (int)name.n, name.p);
}

static int check_members(const struct lp_shape_member *table, const char *where,
    struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        int r = lp_config_member(table, where, name, value, err);
        if (r == 0)
            return unknown_key(where, name, err);
        if (r < 0)
            return -1;
    }
    return 0;
}

static int check_objects(const char *chain, struct lp_str value, struct lp_err *err)
{
    struct lp_str v;
    char where[160];
    for (size_t i = 0; i < sizeof chain_objects / sizeof *chain_objects; i++) {
        snprintf(where, sizeof where, "%s.%s", chain, chain_objects[i].name);
        if (lp_json_get(value, chain_objects[i].name, &v) &&
            check_members(chain_objects[i].members, where, v, err))
            return -1;
    }
    return 0;
}

static int check_chains(struct lp_str chains, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(chains);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        char where[128];
        if (!is_capability(name))
            return lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%.*s: no such capability",
                (int)name.n, name.p);
        snprintf(where, sizeof where, "chains.%.*s", (int)name.n, name.p);
        if (lp_json_type(value) != LP_JSON_OBJECT)
            return lp_err_set(err, LP_ERR_CONFIG, "config", "%s: must be an object", where);
        if (check_members(chain_members, where, value, err) || check_objects(where, value, err))
            return -1;
    }
    return 0;
}

static int check_providers(struct lp_str providers, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(providers);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value))
        if (lp_json_type(value) != LP_JSON_OBJECT)
            return lp_err_set(err, LP_ERR_CONFIG, "config", "providers.%.*s: must be an object",
                (int)name.n, name.p);
    return 0;
}

static bool is_top(struct lp_str name)
{
    for (const struct lp_shape_member *m = top_members; m->name; m++)
        if (lp_json_name_is(name, m->name))
            return true;
    return false;
}

static int check(const struct lp_config *c, struct lp_err *err)
{
    struct lp_str top = lp_buf_view(&c->json), v;
    struct lp_json_iter it = lp_json_iter(top);
    struct lp_str name;
    while (lp_json_next(&it, &name, &v)) {
        if (!is_top(name))
            return unknown_key("", name, err);
        if (lp_json_type(v) != LP_JSON_OBJECT)
            return lp_err_set(
                err, LP_ERR_CONFIG, "config", "%.*s: must be an object", (int)name.n, name.p);
    }
    if (lp_json_get(top, "chains", &v) && check_chains(v, err))
        return -1;
    if (lp_json_get(top, "health", &v) && check_members(health_members, "health", v, err))
        return -1;
    return lp_json_get(top, "providers", &v) ? check_providers(v, err) : 0;
}

static int keep_result(void *arg, struct lp_str result, struct lp_err *err)
{
    struct lp_buf *json = arg;
    if (json->len)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "yields more than one value");
    lp_buf_str(json, result);
    return 0;
}

static int evaluate(struct lp_config *c, struct lp_str text, struct lp_err *err)
{
    size_t at;
    const char *why;
    if (lp_json_check(text, &at, &why)) {
        lp_json_compact(&c->json, text);
    } else {
        char *program = lp_strndup(text.p, text.n);
        struct lp_jq *q = lp_jq_compile(c->path, program, NULL, true, err);
        free(program);
        if (!q)
            return -1;
        int r = lp_jq_each(q, LP_STR("null"), keep_result, &c->json, err);
        lp_jq_del(q);
        if (r) {
            err->kind = LP_ERR_CONFIG;
            return -1;
        }
    }
    if (lp_json_type(lp_buf_view(&c->json)) != LP_JSON_OBJECT)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "must yield one object");
    return 0;
}

static bool blank(struct lp_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!memchr(" \t\r\n", text.p[i], 4))
            return false;
    return true;
}

int lp_config_load(struct lp_config *c, const char *flag, struct lp_err *err)
{
    const char *env = getenv("LEADPIPE_CONFIG");
    bool named = flag || (env && *env);
    *c = (struct lp_config){0};
    c->path = flag ? lp_strdup(flag) : named ? lp_strdup(env) : lp_file_config("config.jq");
    if (!named && (!c->path || !lp_file_exists(c->path))) {
        free(c->path);
        c->path = NULL;
        LP_BUF_LIT(&c->json, "{}");
        return 0;
    }
    struct lp_buf text = {0};
    struct stat st;
    int r = lp_file_read(c->path, CONFIG_MAX, &text, err);
    if (r == 0 && blank(lp_buf_view(&text)))
        LP_BUF_LIT(&c->json, "{}");
    else if (r == 0 && (r = evaluate(c, lp_buf_view(&text), err)) == 0)
        r = check(c, err);
    if (r == 0 && stat(c->path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 044))
        lp_buf_str(&c->open, lp_buf_view(&text));
    lp_buf_free(&text);
    if (r == 0)
        return 0;
    if (err->kind == LP_ERR_IO)
        err->kind =
            LP_ERR_CONFIG; /* a configuration that cannot be read is a configuration error */
    else if (strcmp(err->code, "jq") != 0) /* jq was told what it compiles, and says it */
        lp_err_prefix(err, "%s: ", c->path);
    return -1;
}

void lp_config_free(struct lp_config *c)
{
    free(c->path);
    lp_buf_free(&c->json);
    lp_buf_free(&c->open);
    *c = (struct lp_config){0};
}

/* A program that says env.NAME yields a string too, which is not in the file. */
bool lp_config_exposes(const struct lp_config *c, struct lp_str value)
{
    return c->open.len > 0 && lp_json_type(value) == LP_JSON_STRING &&
           memmem(c->open.p, c->open.len, value.p, value.n);
}

bool lp_config_get(const struct lp_config *c, const char *path, struct lp_str *value)
{
    return lp_json_path(lp_buf_view(&c->json), path, value);
}

static struct lp_str entry(const struct lp_config *c, const char *table, const char *name)
{
    struct lp_str all, v;
    if (lp_json_get(lp_buf_view(&c->json), table, &all) && lp_json_get(all, name, &v))
        return v;
    return LP_STR("{}");
}

struct lp_str lp_config_provider(const struct lp_config *c, const char *name)
{
    return entry(c, "providers", name);
}

struct lp_str lp_config_chain(const struct lp_config *c, const char *capability)
{
    return entry(c, "chains", capability);
}

double lp_config_per_capability(struct lp_str value, const char *capability, double preset)
{
    struct lp_str v;
    double d;
    if (!value.p)
        return preset;
    if (lp_json_type(value) == LP_JSON_OBJECT)
        return lp_json_get(value, capability, &v) && lp_json_real(v, &d) ? d : preset;
    return lp_json_real(value, &d) ? d : preset;
}
