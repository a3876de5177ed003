#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/capability.h"
#include "leadpipe/log.h"
#include "recording.h"

/*
 * Which provider a record is given to next, and when it is done. A record carries its own answers;
 * the chain only says who serves the capability, in what order and mode.
 */

/* A guess below this does not count as known. */
#define KNOWN 0.5

/* ---- setting up ----------------------------------------------------------------------------- */

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

static void add_want(struct lp_gateway *g, const char *member)
{
    struct lp_chain *c = &g->chain;
    if (c->n_want == sizeof c->want / sizeof *c->want)
        return;
    char *own = lp_strdup(member);
    const char *field = g->asking->field ? g->asking->field(own) : NULL;
    c->want_member[c->n_want] = own;
    c->want[c->n_want++] = lp_str(field ? field : own);
}

static void set_want(struct lp_gateway *g, struct lp_str entry)
{
    struct lp_str list, name, v;
    if (!lp_json_get(entry, "want", &list)) {
        for (const char *const *w = g->asking->want; w && *w; w++)
            add_want(g, *w);
        return;
    }
    struct lp_json_iter it = lp_json_iter(list);
    struct lp_buf text = {0};
    while (lp_json_next(&it, &name, &v)) {
        lp_buf_reset(&text);
        if (lp_json_decode(v, &text) && text.len)
            add_want(g, text.p);
    }
    lp_buf_free(&text);
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
    set_want(g, entry);
    if (set_continue_on(g, entry, err) || add_providers(g, entry, err) ||
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

/* ---- order ---------------------------------------------------------------------------------- */

static int compare(const struct lp_chain *c, unsigned a, unsigned b)
{
    struct lp_lane *x = c->lanes[a], *y = c->lanes[b];
    if (c->order == LP_BY_HEALTH)
        return lp_health_compare(&x->health, &y->health);
    if (x->health.avg_latency_ms == y->health.avg_latency_ms)
        return 0;
    return x->health.avg_latency_ms < y->health.avg_latency_ms ? -1 : 1;
}

static void put_in_order(const struct lp_chain *c, unsigned *order)
{
    for (unsigned i = 0; i < c->n; i++) {
        unsigned at = i;
        while (c->order != LP_BY_PRIORITY && at > 0 && compare(c, i, order[at - 1]) < 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* ---- one record's way ----------------------------------------------------------------------- */

static void note(struct lp_task *t, const struct lp_answer *a)
{
    if (t->n_answers < sizeof t->answers / sizeof *t->answers)
        t->answers[t->n_answers++] = *a;
}

static void note_skipped(struct lp_task *t, const struct lp_lane *l, enum lp_class why)
{
    struct lp_answer a = {
        .provider = l->provider, .outcome = LP_SKIPPED, .class = why, .at = lp_clock_now()};
    note(t, &a);
}

/* What providers may see of the record, made once: names, which are strings. One of another type would
 * cost its whole batch. */
static struct lp_str visible(struct lp_gateway *g, struct lp_task *t)
{
    struct lp_rec *r = &t->slot->rec;
    struct lp_buf b = {0};
    struct lp_str v;
    if (t->json.p)
        return t->json;
    LP_BUF_LIT(&b, "{");
    for (const char *const *m = g->asking->send; m && *m; m++)
        if (lp_rec_filled(r, *m) && lp_rec_get(r, *m, &v) && lp_json_type(v) == LP_JSON_STRING)
            lp_json_put_raw(&b, *m, v);
    LP_BUF_LIT(&b, "}");
    t->json = lp_arena_str(&r->arena, lp_buf_view(&b));
    lp_buf_free(&b);
    return t->json;
}

static struct lp_item *make_item(struct lp_gateway *g, struct lp_task *t, struct lp_lane *l)
{
    struct lp_item *item = &t->items[l->index];
    *item = (struct lp_item){.rec = &t->slot->rec, .task = t};
    if (l->provider->embedded && !lp_recording_covers(g, l->provider))
        return item;
    if (!t->keyed)
        t->key = lp_cache_key(g, item->rec);
    t->keyed = true;
    item->key = t->key;
    item->json = visible(g, t);
    return item;
}

/* Is the answer on file, or on its way for a batch an earlier run handed in? */
static bool known_already(struct lp_gateway *g, struct lp_task *t, struct lp_lane *l)
{
    struct lp_item *item = make_item(g, t, l);
    struct lp_err err = {0};
    int found = lp_cache_find(g, l, item, &err);
    if (found < 0)
        lp_gateway_fail(g, &err);
    if (found <= 0 && !lp_pending_join(g, l, item))
        return false;
    t->tried |= 1u << l->index;
    t->asked++;
    t->pending++;
    if (found > 0)
        lp_chain_answered(g, item);
    return true;
}

static void give(struct lp_gateway *g, struct lp_task *t, struct lp_lane *l)
{
    t->tried |= 1u << l->index;
    t->asked++;
    t->pending++;
    lp_lane_push(l, make_item(g, t, l));
}

static double confidence_in(const struct lp_answer *a, struct lp_str field)
{
    struct lp_str v = a->confidence;
    double d = 1;
    if (!v.p)
        return 1;
    if (lp_json_type(v) == LP_JSON_OBJECT) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)field.n, field.p);
        if (!lp_json_get(a->confidence, name, &v))
            return 1;
    }
    return lp_json_real(v, &d) ? d : 0;
}

static bool says_something(struct lp_str v)
{
    enum lp_json_type t = lp_json_type(v);
    return t == LP_JSON_STRING ? v.n > 2 : t != LP_JSON_NULL;
}

static bool answers_know(const struct lp_task *t, struct lp_str field)
{
    char name[64];
    struct lp_str v;
    snprintf(name, sizeof name, "%.*s", (int)field.n, field.p);
    for (size_t i = 0; i < t->n_answers; i++) {
        const struct lp_answer *a = &t->answers[i];
        if (a->outcome == LP_OK && a->data.p && lp_json_get(a->data, name, &v) &&
            says_something(v) && confidence_in(a, field) >= KNOWN)
            return true;
    }
    return false;
}

static bool satisfied(struct lp_gateway *g, struct lp_task *t)
{
    for (size_t i = 0; i < g->chain.n_want; i++)
        if (!lp_rec_filled(&t->slot->rec, g->chain.want_member[i]) &&
            !answers_know(t, g->chain.want[i]))
            return false;
    return true;
}

static bool ends(struct lp_gateway *g, struct lp_task *t, const struct lp_answer *a)
{
    const struct lp_chain *c = &g->chain;
    bool go_on = c->continue_on & (1u << a->outcome);
    switch (a->outcome) {
    case LP_OK:
        if (c->mode == LP_WATERFALL)
            return satisfied(g, t);
        return !go_on && (!g->asking->conclusive || g->asking->conclusive(a));
    case LP_NOT_FOUND: return c->mode != LP_WATERFALL && !go_on;
    case LP_REJECTED: return !go_on;
    case LP_UNKNOWN_OUTCOME: return true; /* an effect may have happened: never to another */
    default: return a->class == LP_STOPPED;
    }
}

static bool has_answer(const struct lp_task *t)
{
    for (size_t i = 0; i < t->n_answers; i++)
        if (t->answers[i].outcome == LP_OK || t->answers[i].outcome == LP_NOT_FOUND ||
            t->answers[i].outcome == LP_REJECTED)
            return true;
    return false;
}

static enum lp_result_status status_of(const struct lp_task *t)
{
    bool seen[LP_OUTCOMES] = {false};
    bool real_skip = false, stopped = false;
    for (size_t i = 0; i < t->n_answers; i++) {
        seen[t->answers[i].outcome] = true;
        real_skip |= t->answers[i].outcome == LP_SKIPPED && t->answers[i].class == LP_CLASS_NONE;
        stopped |= t->answers[i].class == LP_STOPPED;
    }
    if (seen[LP_OK])
        return LP_RESULT_FOUND;
    if (seen[LP_REJECTED])
        return LP_RESULT_REJECTED;
    if (seen[LP_NOT_FOUND])
        return LP_RESULT_NOT_FOUND;
    return (real_skip && !seen[LP_ERROR]) || stopped ? LP_RESULT_SKIPPED : LP_RESULT_FAILED;
}

static void say_failed(const struct lp_gateway *g, const struct lp_task *t, struct lp_result *r)
{
    struct lp_buf b = {.max = sizeof r->error - 1};
    if (g->chain.n == 0) {
        snprintf(r->error, sizeof r->error, "NO_PROVIDERS");
        return;
    }
    lp_buf_printf(&b, "ALL_FAILED (%zu attempts)", t->n_answers);
    for (size_t i = 0; i < t->n_answers; i++)
        lp_buf_printf(&b, "%s%s %s", i ? ", " : ": ", t->answers[i].provider->name,
            lp_class_name(t->answers[i].class));
    snprintf(r->error, sizeof r->error, "%s", b.p ? b.p : "");
    lp_buf_free(&b);
}

/* Answers of providers asked at once came as they came: the chain's order decides whose stand. */
static void put_in_chain_order(struct lp_task *t)
{
    for (size_t i = 1; i < t->n_answers; i++) {
        struct lp_answer a = t->answers[i];
        size_t at = i;
        for (; at > 0 && t->answers[at - 1].provider->lane->index > a.provider->lane->index; at--)
            t->answers[at] = t->answers[at - 1];
        t->answers[at] = a;
    }
}

static void finish(struct lp_gateway *g, struct lp_task *t)
{
    struct lp_slot *s = t->slot;
    struct lp_err err = {0}, fatal = {0};
    if (g->chain.mode == LP_PARALLEL)
        put_in_chain_order(t);
    struct lp_result r = {.status = status_of(t), .answers = t->answers, .n = t->n_answers};
    if (r.status == LP_RESULT_FAILED) {
        say_failed(g, t, &r);
        g->failed++;
    }
    if (g->asking->merge(g->run, &s->rec, &r, &err)) {
        struct lp_origin from = {.file = s->file, .line = s->line, .byte = s->byte};
        t->rejected = true;
        if (err.kind != LP_ERR_RECORD)
            lp_gateway_fail(g, &err);
        else if (lp_run_reject(g->run, &from, s->rec.line, s->rec.line.n, true, &err, &fatal))
            lp_gateway_fail(g, &fatal);
    }
    lp_cache_release(g, s);
}

/* Only where nobody else could answer: a provider whose circuit is open is tried all the same. */
static bool force(struct lp_gateway *g, struct lp_task *t)
{
    if (has_answer(t) || t->asked >= g->chain.max_attempts || lp_run_stopping(g->run))
        return false;
    for (size_t i = 0; i < t->n_answers; i++) {
        struct lp_lane *l = t->answers[i].provider->lane;
        uint32_t bit = 1u << l->index;
        if (t->answers[i].class != LP_CIRCUIT_OPEN || (t->forced & bit) || l->refused)
            continue;
        t->forced |= bit;
        give(g, t, l);
        return true;
    }
    return false;
}

static void next(struct lp_gateway *g, struct lp_task *t)
{
    struct lp_chain *c = &g->chain;
    unsigned order[LP_CHAIN_MAX];
    put_in_order(c, order);
    bool all = c->mode == LP_PARALLEL;
    t->pending += all; /* not done before everyone has been given it */
    for (size_t i = 0; i < c->n && t->asked < c->max_attempts; i++) {
        struct lp_lane *l = c->lanes[order[i]];
        if (t->tried & (1u << l->index))
            continue;
        if (!l->provider->embedded && known_already(g, t, l)) {
            if (all)
                continue;
            return;
        }
        enum lp_class closed = lp_lane_closed(l);
        if (closed) {
            t->tried |= 1u << l->index;
            note_skipped(t, l, closed);
            continue;
        }
        give(g, t, l);
        if (!all)
            return;
    }
    t->pending -= all;
    if (t->pending == 0 && !force(g, t))
        finish(g, t);
}

void lp_chain_start(struct lp_gateway *g, struct lp_task *t)
{
    t->json = (struct lp_str){0};
    t->keyed = false;
    t->n_answers = 0;
    t->tried = t->forced = 0;
    t->asked = t->pending = 0;
    t->rejected = false;
    next(g, t);
}

void lp_chain_answered(struct lp_gateway *g, struct lp_item *item)
{
    struct lp_task *t = item->task;
    struct lp_lane *l = item->answer.provider->lane;
    l->outcomes[item->answer.outcome]++;
    note(t, &item->answer);
    t->pending--;
    if (g->chain.mode == LP_PARALLEL) {
        if (t->pending == 0 && !force(g, t))
            finish(g, t);
    } else if (ends(g, t, &item->answer)) {
        finish(g, t);
    } else {
        next(g, t);
    }
}
