#include <stdio.h>
#include "gateway.h"
#include "recording.h"

/*
 * Which provider a record is given to next, and when it is done. A record carries its own answers;
 * the chain only says who serves the capability, in what order and mode.
 */

/* A guess below this does not count as known. */
#define KNOWN 0.5

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

/* Is the answer on file, or on its way, for another record or for a batch an earlier run handed in? */
static bool known_already(struct lp_gateway *g, struct lp_task *t, struct lp_lane *l)
{
    struct lp_item *item = make_item(g, t, l);
    struct lp_err err = {0};
    int found = lp_cache_find(g, l, item, &err);
    if (found < 0)
        lp_gateway_fail(g, &err);
    if (found <= 0 && !lp_twins_join(l, item)) {
        if (!lp_pending_join(g, l, item))
            return false;
        lp_twins_open(l, item);
    }
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
    struct lp_item *item = make_item(g, t, l);
    lp_twins_open(l, item);
    lp_lane_push(l, item);
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
    for (size_t i = 0; i < t->n_answers; i++) {
        const struct lp_answer *a = &t->answers[i];
        lp_buf_printf(&b, "%s%s %s", i ? ", " : ": ", a->provider->name,
            a->class ? lp_class_name(a->class) : lp_outcome_name(a->outcome));
    }
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
    lp_twins_answer(l, item);
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
