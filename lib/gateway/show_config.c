#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/file.h"
#include "leadpipe/log.h"
#include "leadpipe/num.h"
#include "status.h"

/*
 * The configuration as it takes effect, one setting a line: its path, its value as JSON, and where it
 * comes from. A secret is shown as set or not; the word that would get it is not shown either, for a
 * command line may hold one.
 */

struct sink {
    struct lp_buf *out;
    bool json;
    const struct lp_config *config;
};

/* A password within a URL is masked: what stands before the @ of its host. */
static void put_masked(struct lp_buf *b, struct lp_str v)
{
    const char *scheme = memmem(v.p, v.n, "://", 3);
    const char *rest = scheme ? scheme + 3 : NULL;
    size_t left = rest ? (size_t)(v.p + v.n - rest) : 0, host = 0;
    while (host < left && !strchr("/?#\" ", rest[host]))
        host++;
    const char *at = rest ? memrchr(rest, '@', host) : NULL;
    if (!at) {
        lp_buf_str(b, v);
        return;
    }
    lp_buf_add(b, v.p, (size_t)(rest - v.p));
    LP_BUF_LIT(b, "****");
    lp_buf_add(b, at, (size_t)(v.p + v.n - at));
}

static void put(struct sink *s, const char *path, struct lp_str value, const char *source)
{
    struct lp_buf masked = {0};
    put_masked(&masked, value.p ? value : LP_STR("null"));
    if (s->json) {
        lp_json_key(s->out, path);
        LP_BUF_LIT(s->out, "{");
        lp_json_put_raw(s->out, "value", lp_buf_view(&masked));
        lp_json_put_str(s->out, "source", lp_str(source));
        LP_BUF_LIT(s->out, "}");
    } else {
        size_t at = s->out->len;
        lp_buf_printf(s->out, "%s = %s  # %s", path, masked.p, source);
        lp_log_tame(s->out->p + at, s->out->len - at);
        lp_buf_byte(s->out, '\n');
    }
    lp_buf_free(&masked);
}

static void put_word(struct sink *s, const char *path, const char *word, const char *source)
{
    struct lp_buf v = {0};
    if (word)
        lp_json_put(&v, lp_str(word));
    put(s, path, word ? lp_buf_view(&v) : LP_STR("null"), source);
    lp_buf_free(&v);
}

static void put_number(struct sink *s, const char *path, double n, const char *source)
{
    struct lp_buf v = {0};
    lp_num_put(&v, n, 6);
    put(s, path, lp_buf_view(&v), source);
    lp_buf_free(&v);
}

/* ---- the files ------------------------------------------------------------------------------ */

static void put_files(struct sink *s, const struct lp_run *run)
{
    const struct lp_common *c = &run->common;
    const char *config = getenv("LEADPIPE_CONFIG"), *state = getenv("LEADPIPE_STATE");
    struct lp_err err = {0};
    const char *from = c->config           ? "flag --config"
                       : config && *config ? "env LEADPIPE_CONFIG"
                       : s->config->path   ? "default"
                                           : "default (no such file)";
    put_word(s, "config", s->config->path, from);
    if (c->state || (state && *state)) {
        put_word(s, "state", c->state ? c->state : state,
            c->state ? "flag --state" : "env LEADPIPE_STATE");
        return;
    }
    char *path = lp_file_state("state.db", &err);
    put_word(s, "state", path, "default");
    free(path);
}

static void put_health(struct sink *s, const struct lp_health_rules *r)
{
    const struct {
        const char *path;
        double value;
    } rows[] = {{"health.healthy_after", r->healthy_after},
        {"health.unhealthy_after", r->unhealthy_after},
        {"health.cool_down_s", (double)r->cool_down_ms / 1000},
        {"health.cool_down_max_s", (double)r->cool_down_max_ms / 1000}};
    struct lp_str v;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        put_number(s, rows[i].path, rows[i].value,
            lp_config_get(s->config, rows[i].path, &v) ? "config" : "default");
}

/* ---- chains --------------------------------------------------------------------------------- */

static void put_list(struct lp_buf *b, size_t i, const char *word)
{
    lp_buf_puts(b, i ? "," : "[");
    lp_json_put(b, lp_str(word));
}

static void chain_providers(const struct lp_status_chain *c, struct lp_buf *b)
{
    for (size_t i = 0; i < c->n; i++)
        put_list(b, i, c->seats[i].provider->name);
    lp_buf_puts(b, c->n ? "]" : "[]");
}

static void chain_want(const struct lp_status_chain *c, struct lp_buf *b)
{
    for (size_t i = 0; i < c->chain.n_want; i++)
        put_list(b, i, c->chain.want_member[i]);
    lp_buf_puts(b, c->chain.n_want ? "]" : "[]");
}

static void chain_mode(const struct lp_status_chain *c, struct lp_buf *b)
{
    static const char *const modes[] = {"failover", "waterfall", "parallel"};
    lp_json_put(b, lp_str(modes[c->chain.mode]));
}

static void chain_order(const struct lp_status_chain *c, struct lp_buf *b)
{
    static const char *const orders[] = {"priority", "health", "fastest"};
    lp_json_put(b, lp_str(orders[c->chain.order]));
}

/* Members of a chain; those without a function are shown only where the configuration has them. */
static const struct {
    const char *name;
    void (*value)(const struct lp_status_chain *c, struct lp_buf *b);
} members[] = {{"providers", chain_providers}, {"mode", chain_mode}, {"order", chain_order},
    {"want", chain_want}, {"continue_on", NULL}, {"max_attempts", NULL}, {"lifetime_days", NULL},
    {"budget", NULL}};

static void put_chain(struct sink *s, const struct lp_status_chain *c)
{
    struct lp_str entry = lp_config_chain(s->config, c->chain.capability), given;
    char path[160];
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct lp_buf v = {0};
        bool own = lp_json_get(entry, members[i].name, &given);
        snprintf(path, sizeof path, "chains.%s.%s", c->chain.capability, members[i].name);
        if (!own && members[i].value)
            members[i].value(c, &v);
        if (own || v.len)
            put(s, path, own ? given : lp_buf_view(&v), own ? "config" : "default");
        lp_buf_free(&v);
    }
}

/* ---- providers ------------------------------------------------------------------------------ */

static const char *secret_source(
    struct lp_str entry, const struct lp_provider_setting *set, char *room, size_t n)
{
    static const char *const forms[] = {"env", "file", "cmd"};
    struct lp_str given, v;
    if (strcmp(set->source, "config") != 0 || !lp_json_get(entry, set->name, &given))
        return NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (lp_json_type(given) == LP_JSON_OBJECT && lp_json_get(given, forms[i], &v)) {
            snprintf(room, n, "config (%s)", forms[i]);
            return room;
        }
    return "config";
}

static void put_setting(struct sink *s, const struct lp_provider *p, struct lp_str entry,
    const struct lp_provider_setting *set)
{
    char path[200], room[128];
    const char *source = set->secret ? secret_source(entry, set, room, sizeof room) : NULL;
    snprintf(path, sizeof path, "providers.%s.%s", p->name, set->name);
    if (!source && strcmp(set->source, "environment") == 0) {
        snprintf(room, sizeof room, "env %s", set->env);
        source = room;
    } else if (!source) {
        source = set->value.p ? set->source : "not set";
    }
    put(s, path, set->secret && set->value.p ? LP_STR("\"****\"") : set->value, source);
}

static void put_limits(struct sink *s, const struct lp_provider *p, struct lp_str entry)
{
    struct lp_str meta = p->adapter ? lp_buf_view(&p->adapter->meta) : LP_STR("{}"), v;
    const struct {
        const char *name;
        double value; /* < 0: nothing to show unless it is given */
    } rows[] = {{"batch", p->batch}, {"max_in_flight", p->max_in_flight ? p->max_in_flight : -1},
        {"rate", -1}, {"cost", -1}, {"tries", p->tries},
        {"timeout_s", (double)p->timeout_ms / 1000}, {"total_s", (double)p->total_ms / 1000},
        {"max_wait_s", (double)p->max_wait_ms / 1000}, {"poll_limit_s", (double)p->poll_ms / 1000},
        {"ca_file", -1}};
    char path[200];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(path, sizeof path, "providers.%s.%s", p->name, rows[i].name);
        if (lp_json_get(entry, rows[i].name, &v))
            put(s, path, v, "config");
        else if (lp_json_get(meta, rows[i].name, &v))
            put(s, path, v, "default");
        else if (rows[i].value >= 0)
            put_number(s, path, rows[i].value, "default");
    }
}

static void put_provider(struct sink *s, const struct lp_seat *seat)
{
    const struct lp_provider *p = seat->provider;
    struct lp_str entry = lp_config_provider(s->config, p->name), v;
    char path[160];
    snprintf(path, sizeof path, "providers.%s.use", p->name);
    put_word(s, path, p->use, lp_json_get(entry, "use", &v) ? "config" : "default");
    for (size_t i = 0; i < p->n_settings; i++)
        put_setting(s, p, entry, &p->settings[i]);
    if (!p->embedded)
        put_limits(s, p, entry);
}

/* One that serves several chains is shown once. */
static bool shown_before(const struct lp_status *st, size_t chain, const char *name)
{
    for (size_t i = 0; i < chain; i++)
        for (size_t k = 0; k < st->chains[i].n; k++)
            if (strcmp(st->chains[i].seats[k].provider->name, name) == 0)
                return true;
    return false;
}

static void put_providers(struct sink *s, const struct lp_status *st)
{
    struct lp_str all, raw, value;
    for (size_t i = 0; i < st->n_chains; i++)
        for (size_t k = 0; k < st->chains[i].n; k++)
            if (!shown_before(st, i, st->chains[i].seats[k].provider->name))
                put_provider(s, &st->chains[i].seats[k]);
    if (!lp_config_get(s->config, "providers", &all))
        return;
    struct lp_json_iter it = lp_json_iter(all);
    while (lp_json_next(&it, &raw, &value)) {
        struct lp_buf name = {0};
        char path[160];
        lp_json_decode((struct lp_str){raw.p - 1, raw.n + 2}, &name); /* between its quotes */
        snprintf(path, sizeof path, "providers.%s", name.p);
        if (name.p && !shown_before(st, st->n_chains, name.p))
            put(s, path, LP_STR("null"), "config; not shown, for it is in none of these chains");
        lp_buf_free(&name);
    }
}

void lp_show_config(const struct lp_status *st, bool json, struct lp_buf *out)
{
    struct sink s = {.out = out, .json = json, .config = &st->gateway.config};
    if (json)
        LP_BUF_LIT(out, "{");
    put_files(&s, st->gateway.run);
    put_health(&s, &st->gateway.rules);
    for (size_t i = 0; i < st->n_chains; i++)
        put_chain(&s, &st->chains[i]);
    put_providers(&s, st);
    if (json)
        LP_BUF_LIT(out, "}\n");
    lp_log_redact(out);
}
