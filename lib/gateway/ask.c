#include "leadpipe/ask.h"

#include <poll.h>
#include <stdlib.h>
#include "chaos.h"
#include "gateway.h"
#include "leadpipe/clock.h"
#include "leadpipe/db.h"
#include "leadpipe/file.h"
#include "leadpipe/rejects.h"
#include "leadpipe/secret.h"
#include "leadpipe/signals.h"
#include "recording.h"

/*
 * The loop of an asking program. One thread: records are taken while the window has room, lanes
 * start calls, what is finished leaves in order, and all waiting is one poll over input, output,
 * signals and whatever the drivers wait for.
 */

#define WINDOW_BYTES (16 * 1024 * 1024)
#define WINDOW_MIN   1024
#define WINDOW_MAX   100000 /* more records than those bytes hold */
#define OUT_PENDING  (128 * 1024)
#define GRACE_MS     10000
#define FDS_MAX      1100
#define FILES_EACH   3
#define FILES_OWN    64 /* input, output, state, lists, and what libraries open */

void lp_gateway_fail(struct lp_gateway *g, const struct lp_err *err)
{
    if (!g->fatal)
        g->err = *err;
    g->fatal = true;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

void lp_gateway_rules(struct lp_gateway *g)
{
    struct lp_str o, v;
    int64_t n;
    double d;
    g->rules = lp_health_defaults;
    if (!lp_config_get(&g->config, "health", &o))
        return;
    if (lp_json_get(o, "healthy_after", &v) && lp_json_int(v, &n))
        g->rules.healthy_after = (int)n;
    if (lp_json_get(o, "unhealthy_after", &v) && lp_json_int(v, &n))
        g->rules.unhealthy_after = (int)n;
    if (lp_json_get(o, "cool_down_s", &v) && lp_json_real(v, &d))
        g->rules.cool_down_ms = (int64_t)(d * 1000);
    if (lp_json_get(o, "cool_down_max_s", &v) && lp_json_real(v, &d))
        g->rules.cool_down_max_ms = (int64_t)(d * 1000);
}

static size_t window_slots(const struct lp_gateway *g)
{
    size_t slots = WINDOW_MIN;
    for (size_t i = 0; i < g->chain.n; i++) {
        size_t need = g->jobs * (size_t)g->chain.lanes[i]->provider->batch;
        if (!g->chain.lanes[i]->provider->embedded && need > slots)
            slots = need;
    }
    return slots < WINDOW_MAX ? slots : WINDOW_MAX;
}

static int set_chaos(struct lp_gateway *g, const char *spec, struct lp_err *err)
{
    if (!spec || g->chaos) /* a recording brings its own, with the seed */
        return 0;
    g->chaos = lp_alloc(sizeof *g->chaos);
    return lp_chaos_parse(spec, g->chaos, err);
}

/* What is wrong with their tables and lists is told before the first record, like any mistake of the
 * configuration; the others may ask for a password, and are opened when they are needed. */
static int open_embedded(struct lp_gateway *g, struct lp_err *err)
{
    for (size_t i = 0; i < g->chain.n; i++)
        if (g->chain.lanes[i]->provider->embedded && lp_lane_open(g->chain.lanes[i], err))
            return -1;
    return 0;
}

/* Without a descriptor a call fails, and its provider would be blamed. A call has a connection, and two
 * descriptors while the name of its host is looked up. */
static void fit_jobs(struct lp_gateway *g)
{
    bool asks = false;
    for (size_t i = 0; i < g->chain.n; i++)
        asks = asks || !g->chain.lanes[i]->provider->embedded;
    if (!asks)
        return;
    size_t files = lp_file_limit(FILES_EACH * (size_t)g->jobs + FILES_OWN);
    size_t most = files > FILES_OWN + FILES_EACH ? (files - FILES_OWN) / FILES_EACH : 1;
    if (g->jobs <= most)
        return;
    lp_log_warn("%zu calls at a time instead of %u: only %zu files may be open (ulimit -n)", most,
        g->jobs, files);
    g->jobs = (unsigned)most;
}

static int gateway_init(struct lp_gateway *g, struct lp_run *run, struct lp_err *err)
{
    g->run = run;
    g->asking = run->program->context;
    g->settings = run->program->settings;
    g->jobs = run->common.jobs > 0 ? (unsigned)run->common.jobs : 8;
    g->seed = (uint64_t)lp_clock_mono_us() * 2654435761u | 1;
    g->seen_input_at = lp_clock_mono();
    if (lp_recording_open(g, err) || set_chaos(g, g->settings->chaos, err) ||
        lp_config_load(&g->config, run->common.config, err))
        return -1;
    bool replay = g->config.no_secrets = lp_recording_replays(g);
    lp_gateway_rules(g);
    if (lp_chain_init(g, err) ||
        lp_state_open(&g->state, replay ? "none" : run->common.state, err) ||
        lp_budget_init(g, err) || (!g->recording && lp_pending_load(g, err)) ||
        open_embedded(g, err))
        return -1;
    if (!replay && !run->common.dry_run)
        fit_jobs(g);
    if (!g->state && !replay)
        lp_log_info("runs without memory (--state none): health and limits are this process's own");
    g->window = lp_window_new(window_slots(g), WINDOW_BYTES, run->common.unordered);
    return lp_gateway_sync(g, true, err) || lp_recording_begin(g, err) ? -1 : 0;
}

static void gateway_free(struct lp_gateway *g)
{
    lp_work_free(g);
    lp_cache_free(g);
    lp_pending_free(g);
    lp_recording_free(g);
    lp_http_del(g->http); /* before the lanes: cancelled exchanges still point at them */
    lp_chain_free(g);
    lp_secret_wipe();
    lp_state_close(g->state);
    if (g->window)
        lp_window_del(g->window, free);
    lp_config_free(&g->config);
    free(g->chaos);
}

static void put_lane_stats(const struct lp_lane *l, struct lp_buf *b)
{
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "provider", lp_str(l->provider->name));
    lp_json_put_int(b, "calls", (int64_t)l->calls);
    lp_json_put_int(b, "records", (int64_t)l->records);
    for (int o = 0; o < LP_OUTCOMES; o++)
        lp_json_put_int(b, lp_outcome_name((enum lp_outcome)o), (int64_t)l->outcomes[o]);
    lp_json_key(b, "requests");
    LP_BUF_LIT(b, "{");
    for (int o = 0; o < LP_OUTCOMES; o++)
        lp_json_put_int(b, lp_outcome_name((enum lp_outcome)o), (int64_t)l->requests[o]);
    LP_BUF_LIT(b, "}");
    lp_json_put_num(b, "credits", l->credits, 6);
    if (l->remaining >= 0)
        lp_json_put_num(b, "remaining", l->remaining, 6);
    lp_json_put_str(b, "health", lp_str(lp_health_name(l->health.state)));
    LP_BUF_LIT(b, "}");
}

static void stats(struct lp_run *run, struct lp_buf *json)
{
    struct lp_gateway *g = run->engine;
    if (!g)
        return;
    lp_json_key(json, "providers");
    LP_BUF_LIT(json, "[");
    for (size_t i = 0; i < g->chain.n; i++) {
        if (i)
            LP_BUF_LIT(json, ",");
        put_lane_stats(g->chain.lanes[i], json);
    }
    LP_BUF_LIT(json, "]");
}

static void progress_note(struct lp_run *run, struct lp_buf *out)
{
    struct lp_gateway *g = run->engine;
    for (size_t i = 0; g && i < g->chain.n; i++)
        lp_buf_printf(out, "%s%s %s", i ? ", " : "", g->chain.lanes[i]->provider->name,
            lp_health_name(g->chain.lanes[i]->health.state));
}

/* Records without an answer: because nobody was usable (69), or because a key was refused (77). */
static void judge_run(struct lp_gateway *g)
{
    bool any_success = false, auth = false;
    for (size_t i = 0; i < g->chain.n; i++) {
        any_success |= g->chain.lanes[i]->any_success;
        auth |= g->chain.lanes[i]->refused == LP_AUTH;
    }
    g->run->auth_refused = g->failed && auth;
    /* A budget that is used up is no lack of providers: with more money the same command goes on. */
    bool budget = g->run->stopped_by && strcmp(g->run->stopped_by, "budget") == 0;
    g->run->no_provider = g->failed && !any_success && !budget;
}

/* ---- input ---------------------------------------------------------------------------------- */

static struct lp_task *task_of(struct lp_slot *s)
{
    if (!s->work)
        s->work = lp_alloc(sizeof(struct lp_task));
    struct lp_task *t = s->work;
    t->slot = s;
    t->rejected = false;
    return t;
}

/* 1: the record is to be asked about; 0: it passes, or is rejected. */
static int wanted(struct lp_gateway *g, struct lp_slot *s, struct lp_task *t, struct lp_err *err)
{
    struct lp_err why = {0};
    if (g->asking->ready && !g->asking->ready(g->run, &s->rec, &why)) {
        struct lp_origin from = {.file = s->file, .line = s->line, .byte = s->byte};
        t->rejected = true;
        return lp_run_reject(g->run, &from, s->rec.line, s->rec.line.n, true, &why, err) ? -1 : 0;
    }
    return g->settings->refresh || !g->asking->settled || !g->asking->settled(g->run, &s->rec);
}

static int begin_record(struct lp_gateway *g, struct lp_slot *s, const struct lp_line *line,
    bool foreign, struct lp_err *err)
{
    struct lp_task *t = task_of(s);
    s->file = line->file;
    s->line = line->number;
    s->byte = line->at;
    lp_window_charge(g->window, s, s->rec.line.n);
    int want = foreign ? 0 : wanted(g, s, t, err);
    if (want < 0) { /* a reject that ends the run; it is done with, too */
        lp_window_done(g->window, s);
        return -1;
    }
    if (want && g->run->common.dry_run)
        lp_plan_record(g, t);
    if (want && !g->run->common.dry_run)
        lp_chain_start(g, t);
    else
        lp_window_done(g->window, s);
    return 0;
}

/* Input that breaks off is told at the end: what was read before it is answered and leaves first, as
 * it would from a program that holds nothing back. */
static int cannot_take(struct lp_gateway *g, int took, struct lp_err *err)
{
    if (!g->run->input_failed)
        return -1;
    g->run->input_ended = true;
    g->unread = *err;
    *err = (struct lp_err){0};
    return took;
}

/* Takes what can be had without waiting. 1: took some. */
static int take_records(struct lp_gateway *g, struct lp_err *err)
{
    int took = 0;
    while (!g->run->input_ended && !g->fatal && !g->stop_at && lp_replay_reads(g)) {
        struct lp_slot *s = lp_window_claim(g->window);
        struct lp_line line = {0};
        bool foreign = false;
        if (!s)
            return took;
        enum lp_take r = lp_run_take(g->run, false, true, &s->rec, &line, &foreign, err);
        if (r != LP_TAKE_RECORD) {
            lp_window_unclaim(g->window, s);
            return r == LP_TAKE_FAIL ? cannot_take(g, took, err) : took;
        }
        if (begin_record(g, s, &line, foreign, err))
            return -1;
        took = 1;
    }
    return took;
}

/* ---- output --------------------------------------------------------------------------------- */

static int write_ready(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_slot *s;
    while (lp_out_pending(&g->run->out) < OUT_PENDING && (s = lp_window_ready(g->window))) {
        struct lp_task *t = s->work;
        int r = t->rejected ? 0 : lp_run_put(g->run, &s->rec, err);
        lp_window_release(g->window, s);
        if (r)
            return -1;
    }
    return 0;
}

/* ---- waiting -------------------------------------------------------------------------------- */

static int clamp_wait(int64_t due, int64_t now)
{
    int64_t wait = due - now;
    return wait < 0 ? 0 : wait > 1000 ? 1000 : (int)wait;
}

static unsigned driver_fds(struct lp_gateway *g, struct pollfd *fds, unsigned n, int *timeout)
{
    for (size_t i = 0; i < g->chain.n; i++) {
        struct lp_lane *l = g->chain.lanes[i];
        const struct lp_driver *d = l->provider->driver;
        if (!l->opened)
            continue;
        if (d->fds)
            n += d->fds(l->provider, fds + n, FDS_MAX - n);
        int t = d->timeout ? d->timeout(l->provider) : -1;
        if (t >= 0 && t < *timeout)
            *timeout = t;
    }
    return n;
}

static void dispatch(struct lp_gateway *g, const struct pollfd *fds, unsigned n)
{
    for (size_t i = 0; i < g->chain.n; i++) {
        struct lp_lane *l = g->chain.lanes[i];
        if (l->opened && l->provider->driver->dispatch)
            l->provider->driver->dispatch(l->provider, fds, n);
    }
}

static void add_fd(struct pollfd *fds, unsigned *n, int fd, short events)
{
    if (fd >= 0)
        fds[(*n)++] = (struct pollfd){.fd = fd, .events = events};
}

static bool may_read(const struct lp_gateway *g)
{
    return !g->run->input_ended && !g->stop_at && !lp_window_full(g->window) && lp_replay_reads(g);
}

static int wait_for_events(struct lp_gateway *g, int timeout, struct lp_err *err)
{
    struct pollfd fds[FDS_MAX];
    unsigned n = 0;
    bool reading = may_read(g);
    if (timeout > 0 && (lp_rejects_flush(g->run->rejects, err) || lp_out_try(&g->run->out, err)))
        return -1;
    if (lp_window_ready(g->window) && lp_out_pending(&g->run->out) < OUT_PENDING)
        timeout = 0; /* the flush has made room for more */
    add_fd(fds, &n, lp_signals_fd(), POLLIN);
    if (reading)
        add_fd(fds, &n, lp_lines_fd(g->run->in), POLLIN);
    if (lp_out_pending(&g->run->out) || (g->run->out.pipe && !g->run->out.closed))
        add_fd(fds, &n, g->run->out.fd, lp_out_pending(&g->run->out) ? POLLOUT : 0);
    n = driver_fds(g, fds, n, &timeout);
    if (g->http && lp_http_in_flight(g->http)) {
        if (lp_http_poll(g->http, fds, n, timeout, err))
            return -1;
    } else if (poll(fds, n, timeout) < 0) {
        for (unsigned i = 0; i < n; i++) /* EINTR: nothing is known of the descriptors */
            fds[i].revents = 0;
    }
    dispatch(g, fds, n);
    lp_signals_drain();
    lp_run_tick(g->run); /* has the reader gone meanwhile? Then nothing more is asked */
    return 0;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static int64_t pump(struct lp_gateway *g)
{
    int64_t due = INT64_MAX;
    lp_work_pump(g);
    for (size_t i = 0; i < g->chain.n; i++) {
        int64_t at = lp_lane_pump(g->chain.lanes[i]);
        if (at < due)
            due = at;
    }
    int64_t work_due = lp_work_due(g); /* a call begun just now may have failed at once */
    return work_due < due ? work_due : due;
}

/* A stop was asked for: what is in flight gets its grace, what only waits is given up at once. */
static void see_to_stop(struct lp_gateway *g)
{
    int64_t now = lp_clock_mono();
    if (!g->stop_at && !g->bad_data && !lp_run_stopping(g->run))
        return;
    if (!g->stop_at) {
        g->stop_at = now + (g->run->out.closed ? 0 : GRACE_MS);
        g->run->input_ended = true;
    }
    lp_lanes_stop(g);
    lp_work_stop(g, now >= g->stop_at);
}

static bool finished(const struct lp_gateway *g)
{
    return g->run->input_ended && lp_window_used(g->window) == 0;
}

/* In a replay: is more to be read first, now or when what is done has left? */
static bool starved(const struct lp_gateway *g)
{
    return lp_replay_starves(g) && (may_read(g) || lp_window_ready(g->window));
}

static int step(struct lp_gateway *g, struct lp_err *err)
{
    if (g->state)
        lp_db_hold(lp_state_db(g->state)); /* each record may be looked up in the cache */
    int took = take_records(g, err);
    if (g->state)
        lp_db_release(lp_state_db(g->state));
    if (took < 0)
        return -1;
    see_to_stop(g);
    int64_t due = starved(g) ? INT64_MAX : pump(g);
    if (g->fatal) {
        *err = g->err;
        return -1;
    }
    if (lp_cache_commit(g, err) || write_ready(g, err) || lp_gateway_sync(g, false, err))
        return -1;
    if (finished(g))
        return 0;
    bool room = !lp_window_full(g->window) && !g->run->input_ended;
    bool more = took && room && lp_lines_pending(g->run->in);
    bool unwritten = lp_window_ready(g->window) != NULL;
    if (unwritten && lp_out_try(&g->run->out, err))
        return -1;
    unwritten = unwritten && lp_out_pending(&g->run->out) < OUT_PENDING;
    int wait = clamp_wait(due, lp_clock_mono());
    if (lp_recording_replays(g) && !more && !unwritten)
        wait = lp_replay_pass(g, starved(g), due);
    g->rounds++;
    return wait_for_events(g, more || unwritten ? 0 : wait, err);
}

/* Stopped on bad data: what was taken in still leaves, and what is in flight, and may cost money, is
 * heard out as after a signal. */
static void drain(struct lp_gateway *g)
{
    g->bad_data = g->run->input_ended = true;
    while (!finished(g) && step(g, &g->run->late) == 0)
        ;
}

static int drive(struct lp_gateway *g, struct lp_run *run, struct lp_err *err)
{
    if (gateway_init(g, run, err))
        return -1;
    int r = 0;
    struct lp_err late = {0};
    while (r == 0 && !finished(g))
        r = step(g, err);
    if (r == 0 && g->unread.kind) {
        *err = g->unread;
        r = -1;
    }
    if (r && err->kind == LP_ERR_RECORD)
        drain(g);
    if (r == 0 && run->common.dry_run)
        r = lp_plan_write(g, err);
    if (lp_gateway_sync(g, true, r ? &late : err))
        r = -1;
    if (err->kind == LP_ERR_RECORD && !run->late.kind)
        run->late = late;
    judge_run(g);
    if (r == 0)
        r = lp_recording_end(g, err);
    return r;
}

static void release(struct lp_run *run)
{
    gateway_free(run->engine);
    free(run->engine);
    run->engine = NULL;
}

int lp_ask_drive(struct lp_run *run, struct lp_err *err)
{
    run->engine = lp_alloc(sizeof(struct lp_gateway));
    run->release = release;
    run->stats = stats;
    run->progress_note = progress_note;
    return drive(run->engine, run, err);
}
