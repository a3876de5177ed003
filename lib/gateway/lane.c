#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/clock.h"
#include "recording.h"
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include "leadpipe/db.h"

/* A run of equal observations of an embedded provider is kept as one up to this many. */
#define ALIKE_MAX 4096

struct lp_lane *lp_lane_new(struct lp_gateway *g, struct lp_provider *p, unsigned index)
{
    struct lp_lane *l = lp_alloc(sizeof *l);
    l->gateway = g;
    l->provider = p;
    l->index = index;
    l->proved = p->embedded;
    l->remaining = -1;
    l->limit.requests = p->rate_requests;
    l->limit.per_ms = p->rate_per_ms;
    p->lane = l;
    return l;
}

void lp_lane_del(struct lp_lane *l)
{
    if (!l)
        return;
    if (l->opened && l->provider->driver->close)
        l->provider->driver->close(l->provider);
    lp_provider_del(l->provider);
    free(l->queue);
    free(l->open);
    free(l->seen);
    free(l);
}

int lp_lane_open(struct lp_lane *l, struct lp_err *err)
{
    struct lp_provider *p = l->provider;
    bool played = lp_recording_replays(l->gateway) && lp_recording_covers(l->gateway, p);
    if (l->opened || played)
        return 0;
    if (lp_provider_secrets(p, err) || p->driver->open(l->gateway, p, err))
        return lp_err_prefix(err, "%s: ", p->name);
    l->opened = true;
    return 0;
}

/* ---- what was seen -------------------------------------------------------------------------- */

static bool same_kind(const struct lp_observation *a, const struct lp_observation *b)
{
    return a->outcome == LP_OK && b->outcome == LP_OK && a->n < ALIKE_MAX && b->credits == 0;
}

/* What a vendor says may quote the key back, and the state file is no place for it. */
static void mask(char *text, size_t room)
{
    struct lp_buf b = {0};
    lp_buf_puts(&b, text);
    lp_log_redact(&b);
    lp_utf8_copy(text, room, lp_buf_view(&b));
    lp_buf_free(&b);
}

void lp_lane_observe(struct lp_lane *l, const struct lp_observation *o)
{
    enum lp_health_state before = l->health.state;
    lp_health_fold(&l->health, o, &l->gateway->rules, 0.5);
    l->requests[o->outcome] += o->n;
    if (o->out_until || o->class == LP_RATE_LIMITED ||
        (l->health.state == LP_HEALTH_UNHEALTHY) != (before == LP_HEALTH_UNHEALTHY))
        l->gateway->synced_at = 0; /* others should know at once */
    if (!l->gateway->state)
        return;
    if (l->provider->embedded && l->n_seen && same_kind(&l->seen[l->n_seen - 1], o)) {
        struct lp_observation *last = &l->seen[l->n_seen - 1];
        last->n += o->n;
        last->records += o->records;
        last->at = o->at;
        return;
    }
    if (l->n_seen == l->seen_room)
        l->seen = lp_realloc_array(
            l->seen, l->seen_room = l->seen_room ? 2 * l->seen_room : 64, sizeof *l->seen);
    l->seen[l->n_seen] = *o;
    if (o->message[0])
        mask(l->seen[l->n_seen].message, sizeof o->message);
    l->n_seen++;
    if (l->n_seen >= 256)
        l->gateway->synced_at = 0;
}

static int sync_lane(struct lp_gateway *g, struct lp_lane *l, struct lp_err *err)
{
    const struct lp_provider *p = l->provider;
    struct lp_state_batch batch = {.capability = p->capability,
        .provider = p->name,
        .run_id = g->run->id,
        .seen = l->seen,
        .n = l->n_seen,
        .rules = &g->rules};
    if (lp_budget_save(l, err))
        return -1;
    if (!l->n_seen)
        return lp_state_health(g->state, p->capability, p->name, &l->health, err);
    if (lp_state_observe(g->state, &batch, &l->health, err))
        return -1;
    l->n_seen = 0;
    return 0;
}

int lp_gateway_sync(struct lp_gateway *g, bool final, struct lp_err *err)
{
    int64_t now = lp_clock_mono();
    if (!final && g->synced_at && now - g->synced_at < 1000)
        return 0;
    g->synced_at = now;
    for (size_t i = 0; i < g->chain.n; i++)
        lp_health_mend(&g->chain.lanes[i]->health, lp_clock_real());
    if (!g->state)
        return 0;
    lp_db_release(lp_state_db(g->state));
    for (size_t i = 0; i < g->chain.n; i++)
        if (sync_lane(g, g->chain.lanes[i], err))
            return -1;
    bool paid = g->paid_since_sync;
    g->paid_since_sync = false;
    return paid ? lp_db_sync_log(lp_state_db(g->state), err) : 0;
}

/* ---- may it be asked? ----------------------------------------------------------------------- */

/* The cool-down is over: one process sends one record as a probe. */
static bool claim_probe(struct lp_lane *l)
{
    struct lp_gateway *g = l->gateway;
    const struct lp_provider *p = l->provider;
    int64_t now = lp_clock_real(), until = now + p->timeout_ms + 1000;
    struct lp_err err = {0};
    if (l->probing || l->in_flight || l->queued || l->health.probe_until > now)
        return false;
    if (g->state) {
        int r = lp_gateway_sync(g, true, &err);
        if (r == 0 && lp_health_out(&l->health, now) != LP_CLASS_NONE)
            return false;
        r = r ? r : lp_state_claim_probe(g->state, p->capability, p->name, now, until, &err);
        if (r < 0)
            lp_gateway_fail(g, &err);
        if (r <= 0) {
            l->health.probe_until = now + 1000; /* look again in a second */
            return false;
        }
    }
    l->probing = true;
    lp_recording_mark(g, p, LP_MARK_PROBE);
    return true;
}

/* In a replay it is not the clock that says when a cool-down is over, but the recording. */
static enum lp_class replay_closed(struct lp_lane *l)
{
    if (l->probing || !lp_replay_marked(l->gateway, l->provider, LP_MARK_PROBE))
        return LP_CIRCUIT_OPEN;
    l->probing = true;
    return LP_CLASS_NONE;
}

/* Why it is out, or NONE; a limit that ends soon is no reason, its records wait. */
static enum lp_class out_for(const struct lp_lane *l)
{
    int64_t now = lp_clock_real();
    enum lp_class out = l->refused ? l->refused : lp_health_out(&l->health, now);
    bool soon = out == LP_RATE_LIMITED && l->health.out_until - now <= l->provider->max_wait_ms;
    return soon ? LP_CLASS_NONE : out;
}

enum lp_class lp_lane_closed(struct lp_lane *l)
{
    enum lp_class out = out_for(l);
    bool ill = l->health.state == LP_HEALTH_UNHEALTHY;
    if (ill && (out == LP_CLASS_NONE || out == LP_CIRCUIT_OPEN) && lp_replay_in_step(l->gateway))
        return replay_closed(l);
    return out == LP_CLASS_NONE && ill && !claim_probe(l) ? LP_CIRCUIT_OPEN : out;
}

/* Answers that are paid for are fetched though its circuit is open or the account is used up. */
enum lp_class lp_lane_closed_to_polls(const struct lp_lane *l, int64_t *wait)
{
    enum lp_class out = out_for(l);
    if (out != LP_CLASS_NONE && out != LP_CIRCUIT_OPEN && out != LP_QUOTA)
        return out;
    int64_t left = l->health.out_until - lp_clock_real();
    *wait = l->health.out_reason == LP_RATE_LIMITED && left > 0 ? left : 0;
    return LP_CLASS_NONE;
}

/* As lp_lane_closed for records already queued; the one that was let in as a probe stays. */
static enum lp_class closed_to_queue(const struct lp_lane *l)
{
    enum lp_class out = out_for(l);
    if (l->probing && !l->refused)
        return LP_CLASS_NONE;
    return out == LP_CLASS_NONE && l->health.state == LP_HEALTH_UNHEALTHY ? LP_CIRCUIT_OPEN : out;
}

/* ---- the queue ------------------------------------------------------------------------------ */

void lp_lane_push(struct lp_lane *l, struct lp_item *item)
{
    if (l->queued == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct lp_item **q = lp_realloc_array(NULL, room, sizeof *q);
        for (size_t i = 0; i < l->queued; i++)
            q[i] = l->queue[(l->head + i) % l->room];
        free(l->queue);
        l->queue = q;
        l->room = room;
        l->head = 0;
    }
    l->queue[(l->head + l->queued++) % l->room] = item;
    if (!l->provider->embedded)
        l->pushed_at = lp_clock_mono();
}

static struct lp_item *shift(struct lp_lane *l)
{
    struct lp_item *item = l->queue[l->head];
    l->head = (l->head + 1) % l->room;
    l->queued--;
    return item;
}

static bool is_forced(const struct lp_lane *l, const struct lp_item *item)
{
    return item->task->forced & (1u << l->index);
}

/* Gives queued records back to the chain: the provider closed while they waited. */
static void bounce(struct lp_lane *l, enum lp_class why, bool forced_too)
{
    size_t n = l->queued;
    while (n--) {
        struct lp_item *item = shift(l);
        if (why == LP_CIRCUIT_OPEN && is_forced(l, item) && !forced_too) {
            lp_lane_push(l, item);
            continue;
        }
        item->task->asked--;
        lp_item_answer(
            item, LP_SKIPPED, why, (struct lp_str){0}, (struct lp_str){0}, (struct lp_str){0});
        item->answer.provider = l->provider;
        lp_chain_answered(l->gateway, item);
    }
}

/* In a replay, where the recorded ones were given back. */
static void bounce_in_place(struct lp_lane *l, enum lp_class why)
{
    size_t n = 0;
    for (size_t i = 0; i < l->queued; i++)
        n += why != LP_CIRCUIT_OPEN || !is_forced(l, l->queue[(l->head + i) % l->room]);
    if (n == 0)
        return;
    if (lp_replay_decides(l->gateway, l->provider) &&
        !lp_replay_marked(l->gateway, l->provider, LP_MARK_BOUNCE))
        return;
    lp_recording_mark(l->gateway, l->provider, LP_MARK_BOUNCE);
    bounce(l, why, false);
}

void lp_lanes_stop(struct lp_gateway *g)
{
    for (size_t i = 0; i < g->chain.n; i++)
        if (!g->chain.lanes[i]->provider->embedded)
            bounce(g->chain.lanes[i], LP_STOPPED, true);
}

/* No more is read; what was read goes on to providers that cost nothing, or passes as it is. */
static void stop_for_budget(struct lp_lane *l)
{
    struct lp_run *run = l->gateway->run;
    run->stopped = true;
    run->stopped_by = "budget";
    run->input_ended = true;
    bounce(l, LP_BUDGET, true);
}

/* As pump_one: a call of n records, or as many as there is money for. */
static int64_t start(struct lp_lane *l, size_t n, bool forced)
{
    struct lp_err err = {0};
    struct lp_item *items[1024];
    if (lp_lane_open(l, &err)) {
        lp_gateway_fail(l->gateway, &err);
        return 0;
    }
    n = lp_budget_reserve(l, n, &err);
    if (err.kind) {
        lp_gateway_fail(l->gateway, &err);
        return 0;
    }
    if (n == 0) {
        lp_lane_not_started(l);
        if (l->gateway->reserving) /* what is under way may cost less than was set aside for it */
            return INT64_MAX;
        stop_for_budget(l);
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        items[i] = shift(l);
    l->records += n;
    lp_work_start(l, items, n, forced);
    return 0;
}

/* When a batch that is not full leaves: after a while without input, or as it did when recorded.
 * 0: now. */
static int64_t leaves_at(const struct lp_lane *l, int64_t now)
{
    int64_t at = l->pushed_at + l->provider->linger_ms;
    if (lp_replay_decides(l->gateway, l->provider))
        return lp_replay_leaves(l->gateway, l->provider, l->queued) ? 0 : INT64_MAX;
    return at <= now ? 0 : at;
}

/* Where the order is by health, it matters when providers that are not recorded get work too. */
static bool work_in_place(struct lp_lane *l)
{
    struct lp_gateway *g = l->gateway;
    if (!g->recording || g->chain.order == LP_BY_PRIORITY || !l->provider->embedded ||
        lp_recording_covers(g, l->provider))
        return true;
    if (lp_replay_in_step(g))
        return lp_replay_marked(g, l->provider, LP_MARK_WORK);
    lp_recording_mark(g, l->provider, LP_MARK_WORK);
    return true;
}

/* One call, if there may be one now; past an open circuit only records that nobody else can answer, one
 * at a time. 0: started, look again; else when to look again. */
static int64_t pump_one(struct lp_lane *l)
{
    struct lp_gateway *g = l->gateway;
    int64_t now = lp_clock_mono(), out_left = l->health.out_until - lp_clock_real();
    enum lp_class closed = closed_to_queue(l);
    bool alone = closed || (l->probing && l->health.state == LP_HEALTH_UNHEALTHY);
    if (closed)
        bounce_in_place(l, closed);
    if (!l->queued || (alone && l->in_flight))
        return INT64_MAX;
    if (out_left > 0 && l->health.out_reason == LP_RATE_LIMITED)
        return now + out_left;
    if (!lp_lane_has_room(l))
        return INT64_MAX;
    size_t batch = alone ? 1 : (size_t)l->provider->batch;
    batch = batch > 1024 ? 1024 : batch;
    int64_t at = l->queued >= batch || g->run->input_ended ? 0 : leaves_at(l, now);
    if (at)
        return at;
    if (!closed && !work_in_place(l))
        return INT64_MAX;
    at = lp_lane_may_start(l, now);
    if (at < 0)
        bounce(l, LP_RATE_LIMITED, true);
    if (at)
        return at < 0 ? INT64_MAX : at;
    return start(l, l->queued < batch ? l->queued : batch, closed);
}

int64_t lp_lane_pump(struct lp_lane *l)
{
    while (l->queued && !l->gateway->fatal) {
        int64_t at = pump_one(l);
        if (at)
            return at;
    }
    return INT64_MAX;
}
