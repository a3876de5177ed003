#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/capability.h"
#include "leadpipe/log.h"
#include "recording.h"

/* A chain from its configuration: who is in it, in what mode and order. */

static int add_provider(struct lp_gateway *g, struct lp_str name, bool named, struct lp_err *err)
{
    struct lp_chain *c = &g->chain;
    struct lp_provider *p = NULL;
    char *text = lp_strndup(name.p, name.n);
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->lanes[i]->provider->name, text) == 0) {
            lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%s.providers: %s is named twice",
                c->capability, text);
            free(text);
            return -1;
        }
    int r = lp_provider_make(&p, &g->config, text, c->capability, g->asking->drivers, named, err);
    free(text);
    if (r <= 0)
        return r;
    if (lp_recording_replays(g))
        lp_recording_fit(g, p);
    if (!p->configured) {
        lp_log_verbose("%s: not configured (%s is not set), passed over", p->name, p->missing);
        if (c->n_absent == LP_CHAIN_MAX)
            lp_provider_del(p);
        else {
            c->absent_at[c->n_absent] = c->n;
            c->absent[c->n_absent++] = p;
        }
        return 0;
    }
    if (c->n == LP_CHAIN_MAX) {
        lp_provider_del(p);
        return lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%s.providers: more than %d",
            c->capability, LP_CHAIN_MAX);
    }
    c->lanes[c->n] = lp_lane_new(g, p, (unsigned)c->n);
    c->n++;
    return 0;
}

static int add_list(struct lp_gateway *g, const char *list, bool named, struct lp_err *err)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n && add_provider(g, (struct lp_str){list, n}, named, err))
            return -1;
        list += n + (list[n] == ',');
    }
    return 0;
}

static int add_providers(struct lp_gateway *g, struct lp_str entry, struct lp_err *err)
{
    struct lp_str list, name, v;
    struct lp_buf text = {0};
    const char *chain = g->settings->chain ? g->settings->chain : lp_recording_chain(g);
    if (chain)
        return add_list(g, chain, true, err);
    if (!lp_json_get(entry, "providers", &list))
        return add_list(g, lp_capability_chain(g->chain.capability), false, err);
    struct lp_json_iter it = lp_json_iter(list);
    int r = 0;
    while (r == 0 && lp_json_next(&it, &name, &v)) {
        lp_buf_reset(&text);
        lp_json_decode(v, &text);
        r = add_provider(g, lp_buf_view(&text), true, err);
    }
    lp_buf_free(&text);
    return r;
}

static int choice(struct lp_str entry, const char *name, const char *const *words, int preset)
{
    struct lp_str v;
    if (lp_json_get(entry, name, &v))
        for (int i = 0; words[i]; i++)
            if (lp_json_is(v, words[i]))
                return i;
    return preset;
}

/* A word that is no field would never be there: every provider would be asked for every record. */
static int add_want(struct lp_gateway *g, const char *word, struct lp_err *err)
{
    struct lp_chain *c = &g->chain;
    const char *member = word;
    const char *field = g->asking->field ? g->asking->field(word, &member) : word;
    if (!field)
        return lp_err_set(err, LP_ERR_CONFIG, "config", "chains.%s.want: no such field: \"%s\"",
            c->capability, word);
    if (c->n_want == sizeof c->want / sizeof *c->want)
        return 0;
    char *own = lp_strdup(member);
    c->want_member[c->n_want] = own;
    c->want[c->n_want++] = lp_str(field == word ? own : field);
    return 0;
}

static int set_want(struct lp_gateway *g, struct lp_str entry, struct lp_err *err)
{
    struct lp_str list, name, v;
    int r = 0;
    if (!lp_json_get(entry, "want", &list)) {
        for (const char *const *w = g->asking->want; r == 0 && w && *w; w++)
            r = add_want(g, *w, err);
        return r;
    }
    struct lp_json_iter it = lp_json_iter(list);
    struct lp_buf text = {0};
    while (r == 0 && lp_json_next(&it, &name, &v)) {
        lp_buf_reset(&text);
        lp_json_decode(v, &text);
        r = add_want(g, text.p ? text.p : "", err);
    }
    lp_buf_free(&text);
    return r;
}

static int set_continue_on(struct lp_gateway *g, struct lp_str entry, struct lp_err *err)
{
    struct lp_str list, name, v;
    enum lp_outcome o;
    if (!lp_json_get(entry, "continue_on", &list))
        return 0;
    struct lp_json_iter it = lp_json_iter(list);
    while (lp_json_next(&it, &name, &v)) {
        if (!lp_outcome_from((struct lp_str){v.p + 1, v.n - 2}, &o) || o == LP_UNKNOWN_OUTCOME)
            return lp_err_set(err, LP_ERR_CONFIG, "config",
                "chains.%s.continue_on: must hold ok, not_found, rejected, error or skipped",
                g->chain.capability);
        g->chain.continue_on |= 1u << o;
    }
    return 0;
}

/* Without a provider every record is left without an answer: say what is missing, once. */
static int check_chain(const struct lp_gateway *g, struct lp_err *err)
{
    const struct lp_chain *c = &g->chain;
    struct lp_buf absent = {0};
    if (c->n > 0 || !g->asking->merge) /* self-check says it for each, in its own way */
        return 0;
    if (c->n_absent == 0 && g->settings->chain)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--chain: names no provider");
    for (unsigned i = 0; i < c->n_absent; i++)
        lp_buf_printf(&absent, "%s%s (%s is not set)", i ? ", " : ": ", c->absent[i]->name,
            c->absent[i]->missing);
    lp_log_warn("no provider of %s is configured%s", c->capability, absent.len ? absent.p : "");
    lp_buf_free(&absent);
    return 0;
}

int lp_chain_init(struct lp_gateway *g, struct lp_err *err)
{
    static const char *const modes[] = {"failover", "waterfall", "parallel", NULL};
    static const char *const orders[] = {"priority", "health", "fastest", NULL};
    struct lp_chain *c = &g->chain;
    struct lp_str entry = lp_config_chain(&g->config, g->asking->capability), v;
    int64_t n;
    c->capability = g->asking->capability;
    c->mode = (enum lp_mode)choice(entry, "mode", modes, (int)g->asking->mode);
    c->order = (enum lp_order)choice(entry, "order", orders, LP_BY_PRIORITY);
    c->max_attempts =
        lp_json_get(entry, "max_attempts", &v) && lp_json_int(v, &n) ? (unsigned)n : ~0u;
    if (set_want(g, entry, err) || set_continue_on(g, entry, err) || add_providers(g, entry, err) ||
        lp_provider_check_all(&g->config, g->asking->drivers, err)) {
        if (g->config.path && !g->settings->chain)
            lp_err_prefix(err, "%s: ", g->config.path);
        return -1;
    }
    return check_chain(g, err);
}

void lp_chain_free(struct lp_gateway *g)
{
    for (size_t i = 0; i < g->chain.n; i++)
        lp_lane_del(g->chain.lanes[i]);
    for (size_t i = 0; i < g->chain.n_absent; i++)
        lp_provider_del(g->chain.absent[i]);
    for (size_t i = 0; i < g->chain.n_want; i++)
        free((char *)g->chain.want_member[i]);
}
