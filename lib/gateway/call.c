#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include "recording.h"
#include "work.h"

/*
 * The life of one call: a try, perhaps more tries after a wait, perhaps polling, then every item
 * goes back to the chain with its answer. Tries are repeated for network, timeout, server and
 * rate_limited only (a look-up may be repeated; effects get a stricter rule with the programs that
 * have them).
 */

#define TURN_MS                                                                                    \
    10 /* until it is looked whether there is a call to spare for an earlier run's batch */

static void begin_try(struct lp_work *w);

static struct lp_work *take_work(struct lp_gateway *g)
{
    struct lp_work *w = g->spare;
    if (w) {
        g->spare = w->next;
    } else {
        w = lp_alloc(sizeof *w);
    }
    w->prev = NULL;
    w->next = g->works;
    if (g->works)
        g->works->prev = w;
    g->works = w;
    return w;
}

static void give_back(struct lp_work *w)
{
    struct lp_gateway *g = w->lane->gateway;
    if (w->prev)
        w->prev->next = w->next;
    else
        g->works = w->next;
    if (w->next)
        w->next->prev = w->prev;
    w->due = 0;
    w->next = g->spare;
    g->spare = w;
}

static void renew(struct lp_work *w, struct lp_lane *l, struct lp_item **items, size_t n)
{
    struct lp_work clean = {.lane = l,
        .items = w->items,
        .room = w->room,
        .memo = w->memo,
        .prev = w->prev,
        .next = w->next,
        .n = n};
    *w = clean;
    lp_buf_reset(&w->memo);
    if (n > w->room)
        w->items = lp_realloc_array(w->items, w->room = n, sizeof *w->items);
    memcpy(w->items, items, n * sizeof *items);
}

static void enter(struct lp_work *w)
{
    w->entered = true;
    w->began_at = lp_clock_mono();
    w->lane->in_flight++;
    if (!w->lane->provider->embedded)
        w->lane->gateway->jobs_used++;
}

void lp_work_start(struct lp_lane *l, struct lp_item **items, size_t n, bool forced)
{
    struct lp_work *w = take_work(l->gateway);
    renew(w, l, items, n);
    w->forced = forced;
    w->probe = l->probing && l->health.state == LP_HEALTH_UNHEALTHY;
    w->reserved = n;
    w->reserved_at = l->reserved_at;
    enter(w);
    begin_try(w);
}

void lp_work_resume(struct lp_resumed *r, size_t at, struct lp_item *item)
{
    struct lp_lane *l = r->lane;
    r->at[at] = item;
    if (r->work) {
        r->work->items[at] = item;
        return;
    }
    struct lp_err err = {0};
    if (lp_lane_open(l, &err)) {
        lp_gateway_fail(l->gateway, &err);
        return;
    }
    struct lp_work *w = take_work(l->gateway);
    renew(w, l, r->at, r->n);
    lp_buf_str(&w->memo, lp_buf_view(&r->memo));
    w->pending = r->id;
    w->resumed = r;
    w->due = lp_clock_mono();
    r->work = w;
}

/* ---- after a try ---------------------------------------------------------------------------- */

/* What this try cost: what the provider said, else its price for every record it knew something of.
 */
static double charge(struct lp_work *w)
{
    const struct lp_call *c = &w->call;
    double credits = c->credits > 0 ? c->credits : 0;
    if (c->credits < 0 && c->end == LP_CALL_RESULTS)
        for (size_t i = 0; i < w->n; i++)
            if (w->items[i]->answer.outcome == LP_OK)
                credits += w->lane->provider->credits;
    w->credits += credits;
    return credits;
}

/* Once for every try begun: the audit log holds each request, and --stats adds up to its totals. */
static void observe(
    struct lp_work *w, enum lp_outcome outcome, enum lp_class class, int64_t out_until)
{
    struct lp_call *c = &w->call;
    /* The same in a replay, to the millisecond: it may decide who is asked first. */
    bool recorded = w->lane->gateway->recording && c->latency_ms >= 0;
    struct lp_observation o = {.at = lp_clock_real(),
        .outcome = outcome,
        .class = class,
        .latency_ms = recorded ? c->latency_ms : lp_clock_mono() - w->try_at,
        .n = 1,
        .records = (uint32_t)w->n,
        .in_flight = w->lane->in_flight,
        .http_status = c->http_status,
        .credits = charge(w),
        .out_until = out_until,
        .probe = w->probe,
        .pending = w->polling_since && c->end == LP_CALL_NEXT && outcome == LP_OK};
    snprintf(o.method, sizeof o.method, "%s", w->polling_since ? "poll" : "ask");
    if (outcome == LP_ERROR)
        lp_utf8_copy(o.message, sizeof o.message, lp_str(c->detail));
    lp_lane_observe(w->lane, &o);
}

static void settle(struct lp_work *w)
{
    struct lp_gateway *g = w->lane->gateway;
    struct lp_err err = {0};
    w->lane->credits += w->credits;
    if (lp_budget_settle(w->lane, w->reserved, w->reserved_at, w->credits, &err))
        lp_gateway_fail(g, &err);
}

/* Among how many records the credits are divided: those with an answer, or all where none has one. */
static size_t charged(const struct lp_work *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++)
        n += w->items[i]->answer.outcome == LP_OK;
    return n ? n : w->n;
}

static void finish(struct lp_work *w)
{
    struct lp_lane *l = w->lane;
    struct lp_gateway *g = l->gateway;
    if (w->entered)
        lp_lane_ended(l);
    if (w->probe)
        l->probing = false;
    if (w->resumed)
        lp_pending_over(w->resumed, lp_buf_view(&w->memo), w->left);
    settle(w);
    size_t payers = charged(w);
    for (size_t i = 0; i < w->n; i++) {
        struct lp_answer *a = &w->items[i]->answer;
        a->provider = l->provider;
        a->latency_ms = w->entered ? lp_clock_mono() - w->began_at : 0;
        a->at = lp_clock_now();
        a->credits = a->outcome == LP_OK || payers == w->n ? w->credits / (double)payers : 0;
        if (!l->provider->embedded)
            lp_cache_keep(g, l, w->items[i]);
    }
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i]->task)
            lp_chain_answered(g, w->items[i]);
    give_back(w);
}

static void fail_all(struct lp_work *w, enum lp_outcome outcome, enum lp_class class)
{
    for (size_t i = 0; i < w->n; i++)
        lp_item_answer(w->items[i], outcome, class, (struct lp_str){0}, (struct lp_str){0},
            lp_str(w->call.detail));
    w->left = w->pending && class != LP_STOPPED && class != LP_QUOTA;
    if (w->left && !w->resumed)
        lp_pending_leave(w->lane, w->items, w->n, lp_buf_view(&w->memo), w->pending);
    finish(w);
}

static void results(struct lp_work *w)
{
    const struct lp_answer *bad = NULL;
    bool good = w->n == 0;
    for (size_t i = 0; i < w->n; i++) {
        struct lp_item *item = w->items[i];
        if (!item->answered)
            lp_item_answer(item, LP_ERROR, LP_BAD_RESPONSE, (struct lp_str){0}, (struct lp_str){0},
                LP_STR("no answer for this record in the reply"));
        if (item->answer.outcome == LP_ERROR || item->answer.outcome == LP_UNKNOWN_OUTCOME)
            bad = bad ? bad : &item->answer;
        else
            good |= item->answer.outcome != LP_SKIPPED;
    }
    /* One bad record must not make a provider look ill: a request counts as failed only when every
     * record in it came to grief. */
    if (good)
        observe(w, LP_OK, LP_CLASS_NONE, 0);
    else
        observe(w, bad ? bad->outcome : LP_SKIPPED, bad ? bad->class : LP_CLASS_NONE, 0);
    w->lane->proved = true;
    w->lane->any_success |= good;
    if (w->call.remaining >= 0)
        w->lane->remaining = w->call.remaining;
    if (w->pending)
        lp_pending_end(w->lane->gateway, w->pending);
    finish(w);
}

static void poll_later(struct lp_work *w)
{
    int64_t now = lp_clock_mono();
    bool late =
        w->polling_since && now + w->call.after_ms - w->polling_since > w->lane->provider->poll_ms;
    lp_pending_put(w->lane, w->items, w->n, lp_buf_view(&w->memo), &w->pending);
    if (!late)
        observe(w, LP_OK, LP_CLASS_NONE, 0); /* a submission that was taken is a success */
    if (!w->polling_since)
        w->polling_since = now;
    w->tries = 0; /* each question has its own tries */
    w->lane->proved = true;
    if (late) {
        snprintf(w->call.detail, sizeof w->call.detail, "still not ready after %lld s of polling",
            (long long)(w->lane->provider->poll_ms / 1000));
        observe(w, LP_ERROR, LP_TIMEOUT, 0);
        if (lp_pending_late(w->lane->gateway, w->pending))
            w->pending = 0;
        fail_all(w, LP_ERROR, LP_TIMEOUT);
        return;
    }
    w->due = now + (w->call.after_ms > 0 ? w->call.after_ms : 1);
}

static void refuse(struct lp_work *w, enum lp_class class)
{
    struct lp_lane *l = w->lane;
    bool told = w->call.detail[0] != '\0';
    if (!l->refused)
        lp_log_warn("%s: %s%s%s%s; not asked again in this run", l->provider->name,
            class == LP_AUTH ? "credentials refused" : "cannot be used as configured",
            told ? " (" : "", w->call.detail, told ? ")" : "");
    l->refused = class;
}

/* Records that waited for another try wait with the others: for a provider that is well again, or for
 * the chain to take them elsewhere. */
static void back_to_queue(struct lp_work *w)
{
    struct lp_lane *l = w->lane;
    lp_lane_ended(l);
    l->records -= w->n;
    settle(w);
    for (size_t i = 0; i < w->n; i++)
        lp_lane_push(l, w->items[i]);
    give_back(w);
}

/* The circuit is open: no other try is made past it. What was handed in is still asked for. */
static void recall(struct lp_lane *l)
{
    struct lp_work *next;
    for (struct lp_work *w = l->gateway->works; w; w = next) {
        next = w->next;
        if (w->lane == l && w->due && w->entered && !w->polling_since && !w->held_up)
            back_to_queue(w);
    }
}

static void failed(struct lp_work *w)
{
    struct lp_lane *l = w->lane;
    enum lp_class class = w->call.class;
    int64_t until = lp_retry_out_until(w, class);
    observe(w, LP_ERROR, class, until);
    if (w->pending && (w->call.http_status == 404 || w->call.http_status == 410)) {
        lp_pending_end(l->gateway, w->pending); /* not known there: asking again is in vain */
        w->pending = 0;
    }
    if (class == LP_AUTH || class == LP_CONFIG)
        refuse(w, class);
    else
        l->proved = true;
    int64_t wait = lp_retry_wait(w, class);
    if (wait < 0)
        fail_all(w, LP_ERROR, class);
    else
        w->due = lp_clock_mono() + wait;
    if (l->health.state == LP_HEALTH_UNHEALTHY)
        recall(l);
}

void lp_work_ended(struct lp_work *w)
{
    switch (w->call.end) {
    case LP_CALL_RESULTS: results(w); break;
    case LP_CALL_NEXT: poll_later(w); break;
    case LP_CALL_ERROR: failed(w); break;
    case LP_CALL_OPEN: break;
    }
}

/* Draws the try's fault; true where it is to be slow, and is begun when it has been so. */
static bool hold_up(struct lp_work *w)
{
    const struct lp_chaos *chaos = w->lane->gateway->chaos;
    w->fault = chaos && !w->held_up ? lp_chaos_draw(chaos, &w->call, w->tries) : LP_CHAOS_NONE;
    w->held_up = w->fault == LP_CHAOS_SLOW;
    if (w->held_up)
        w->due = lp_clock_mono() + LP_CHAOS_SLOW_MS;
    return w->held_up;
}

static void begin_try(struct lp_work *w)
{
    struct lp_lane *l = w->lane;
    if (!w->held_up) {
        w->tries++;
        w->try_at = lp_clock_mono();
    }
    w->due = 0;
    w->call = (struct lp_call){.provider = l->provider,
        .capability = l->provider->capability,
        .items = w->items,
        .n = w->n,
        .memo = w->memo.len ? lp_buf_view(&w->memo) : (struct lp_str){0},
        .deadline = lp_clock_mono() + l->provider->timeout_ms,
        .tries = w->tries,
        .gateway = l->gateway,
        .latency_ms = -1,
        .retry_after_ms = -1,
        .credits = -1,
        .remaining = -1};
    for (size_t i = 0; i < w->n; i++)
        w->items[i]->answered = false;
    if (hold_up(w))
        return;
    l->calls++;
    w->starting = true;
    if (w->fault)
        lp_recording_strike(&w->call, w->fault);
    else if (lp_recording_covers(l->gateway, l->provider))
        lp_recording_start(&w->call);
    else
        l->provider->driver->start(l->provider, &w->call);
    w->starting = false;
    lp_work_ended(w);
}

/* ---- the loop's side ------------------------------------------------------------------------ */

/* A batch handed in earlier, before it is asked for: not now, nor its records anew. */
static void turn_away(struct lp_work *w, enum lp_class class)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i]->task)
            w->items[i]->task->asked--;
    fail_all(w, LP_SKIPPED, class);
}

/* True where it may begin to be asked for. */
static bool begin_polling(struct lp_work *w, int64_t now)
{
    struct lp_lane *l = w->lane;
    int64_t wait = 0;
    enum lp_class closed = lp_lane_closed_to_polls(l, &wait);
    if (closed) {
        turn_away(w, closed);
        return false;
    }
    if (wait > 0 || !lp_lane_has_room(l)) {
        w->due = now + (wait > 0 ? wait : TURN_MS);
        return false;
    }
    enter(w);
    w->polling_since = now;
    return true;
}

/* Another try or poll, when the provider's rate allows it. Where it does not for long, what was handed
 * in is still waited for, as long as polling may last; no other record is. */
static void go_on(struct lp_work *w, int64_t now)
{
    const struct lp_provider *p = w->lane->provider;
    if (!w->entered && !begin_polling(w, now))
        return;
    bool free = w->held_up || (w->polling_since && p->free_polls);
    int64_t at = free ? 0 : lp_lane_token(w->lane, now), later = now + p->max_wait_ms;
    if (at == 0)
        begin_try(w);
    else if (at > 0)
        w->due = at;
    else if (w->polling_since && later - w->polling_since <= p->poll_ms)
        w->due = later;
    else
        fail_all(w, LP_ERROR, w->polling_since ? LP_TIMEOUT : w->call.class);
}

void lp_work_pump(struct lp_gateway *g)
{
    int64_t now = lp_clock_mono();
    struct lp_work *next;
    for (struct lp_work *w = g->works; w; w = next) {
        next = w->next;
        if (w->due && w->due <= now)
            go_on(w, now);
    }
}

int64_t lp_work_due(const struct lp_gateway *g)
{
    int64_t due = INT64_MAX;
    for (const struct lp_work *w = g->works; w; w = w->next)
        if (w->due && w->due < due)
            due = w->due;
    return due;
}

static void abandon(struct lp_work *w)
{
    const struct lp_driver *d = w->lane->provider->driver;
    if (!w->due && d->cancel && w->lane->opened)
        d->cancel(w->lane->provider, &w->call);
    lp_recording_drop(&w->call);
    if (!w->due)
        observe(w, LP_SKIPPED, LP_STOPPED, 0);
    snprintf(w->call.detail, sizeof w->call.detail, "the run was stopped");
    fail_all(w, LP_SKIPPED, LP_STOPPED);
}

void lp_work_stop(struct lp_gateway *g, bool all)
{
    struct lp_work *next;
    for (struct lp_work *w = g->works; w; w = next) {
        next = w->next;
        if (all || w->due)
            abandon(w);
    }
}

static void free_all(struct lp_work *w)
{
    while (w) {
        struct lp_work *next = w->next;
        lp_buf_free(&w->memo);
        free(w->items);
        free(w);
        w = next;
    }
}

void lp_work_free(struct lp_gateway *g)
{
    free_all(g->spare);
    free_all(g->works); /* under way when something fatal ended the run */
}
