#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"

/* ---- options -------------------------------------------------------------------------------- */

static int create(struct lp_recording *r, struct lp_err *err)
{
    r->fd = open(r->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (r->fd >= 0)
        return 0;
    if (errno != EEXIST)
        return lp_err_errno(err, "--record %s", r->path);
    lp_err_set(err, LP_ERR_USAGE, NULL, "--record %s: there is such a file already", r->path);
    lp_err_hint(err, "name a new one; nothing is added to a recording");
    return -1;
}

int lp_recording_open(struct lp_gateway *g, struct lp_err *err)
{
    const struct lp_ask_settings *s = g->settings;
    if (!s->record && !s->replay)
        return 0;
    if (s->record && s->replay)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--record and --replay do not go together");
    struct lp_recording *r = g->recording = lp_alloc(sizeof *r);
    r->gateway = g;
    r->path = s->record ? s->record : s->replay;
    r->fd = -1;
    r->base = lp_clock_mono();
    if (s->replay)
        return lp_replay_load(r, err);
    if (!lp_clock_fixed())
        lp_clock_fix(lp_clock_now()); /* output may not depend on when in the run it was made */
    return create(r, err);
}

void lp_recording_free(struct lp_gateway *g)
{
    struct lp_recording *r = g->recording;
    if (!r)
        return;
    while (r->live)
        lp_exchange_del(r->live);
    if (r->fd >= 0)
        close(r->fd);
    struct lp_buf *bufs[] = {&r->line, &r->part, &r->scratch, &r->file, &r->chain, &r->chaos};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        lp_buf_free(bufs[i]);
    free(r->taken);
    free(r->by_start);
    free(r->by_key);
    free(r);
    g->recording = NULL;
}

bool lp_recording_replays(const struct lp_gateway *g)
{
    return g->recording && g->recording->fd < 0;
}

bool lp_recording_covers(const struct lp_gateway *g, const struct lp_provider *p)
{
    return g->recording && p->driver->fds;
}

/* ---- writing -------------------------------------------------------------------------------- */

static int write_line(struct lp_recording *r, struct lp_err *err)
{
    lp_buf_byte(&r->line, '\n');
    for (size_t done = 0; done < r->line.len;) {
        ssize_t n = write(r->fd, r->line.p + done, r->line.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lp_err_errno(err, "--record %s", r->path);
        done += (size_t)n;
    }
    return 0;
}

void lp_recording_put_time(struct lp_buf *b, const char *name, int64_t utc_ms)
{
    lp_json_key(b, name);
    lp_buf_byte(b, '"');
    lp_clock_put(b, utc_ms);
    lp_buf_byte(b, '"');
}

int lp_recording_begin(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_recording *r = g->recording;
    if (!r)
        return 0;
    r->base = lp_clock_mono();
    if (r->fd < 0) {
        lp_clock_hold();
        r->base = lp_clock_mono();
        lp_recording_take_state(r);
        return 0;
    }
    return lp_recording_put_head(r, err) || write_line(r, err) ? -1 : 0;
}

uint64_t lp_recording_read(const struct lp_recording *r)
{
    const struct lp_run *run = r->gateway->run;
    return run->counts.in + run->input_ended;
}

/* ---- exchanges ------------------------------------------------------------------------------ */

struct lp_hash128 lp_exchange_key(const struct lp_provider *p, struct lp_str request)
{
    struct lp_buf b = {0};
    lp_buf_puts(&b, p->name);
    lp_buf_byte(&b, '\n');
    lp_buf_str(&b, request);
    struct lp_hash128 h = lp_hash128(b.p, b.len);
    lp_buf_free(&b);
    return h;
}

struct lp_exchange *lp_exchange_new(struct lp_recording *r, const struct lp_provider *p,
    const struct lp_call *call, struct lp_str request)
{
    struct lp_exchange *x = lp_alloc(sizeof *x);
    *x = (struct lp_exchange){.recording = r,
        .provider = p,
        .request = lp_strndup(request.p, request.n),
        .request_n = request.n,
        .records = call ? call->n : 0,
        .tries = call ? call->tries : 0,
        .poll = call && call->memo.p,
        .n = r->starts++,
        .in = lp_recording_read(r),
        .ends = r->ends,
        .started = lp_clock_mono() - r->base,
        .starting = true,
        .next = r->live};
    if (r->live)
        r->live->prev = x;
    r->live = x;
    return x;
}

void lp_exchange_del(struct lp_exchange *x)
{
    if (x->prev)
        x->prev->next = x->next;
    else
        x->recording->live = x->next;
    if (x->next)
        x->next->prev = x->prev;
    if (x->taken)
        x->taken->held = NULL;
    free(x->request);
    free(x);
}

/* Everything but the answer. */
static void put_exchange(struct lp_recording *r, const struct lp_exchange *x, int64_t latency_ms)
{
    struct lp_buf *b = &r->line;
    struct lp_hash128 key = lp_exchange_key(x->provider, (struct lp_str){x->request, x->request_n});
    int64_t ended = lp_clock_mono() - r->base;
    lp_buf_reset(b);
    LP_BUF_LIT(b, "{");
    lp_json_put_str(b, "provider", lp_str(x->provider->name));
    lp_recording_put_time(b, "at", lp_clock_real());
    lp_json_put_int(b, "latency_ms", latency_ms);
    lp_json_put_int(b, "records", (int64_t)x->records);
    lp_json_put_int(b, "try", x->tries);
    if (x->poll)
        lp_json_put_bool(b, "poll", true);
    lp_json_put_int(b, "n", (int64_t)x->n);
    lp_json_key(b, "in");
    lp_buf_printf(
        b, "[%llu,%llu]", (unsigned long long)x->in, (unsigned long long)lp_recording_read(r));
    lp_json_put_int(b, "ends", (int64_t)x->ends);
    lp_json_put_int(b, "round", (int64_t)r->gateway->rounds);
    lp_json_put_int(b, "started", x->started);
    lp_json_put_int(b, "ended", ended);
    if (x->starting)
        lp_json_put_bool(b, "at_once", true);
    lp_json_key(b, "key");
    lp_buf_printf(b, "\"%016llx%016llx\"", (unsigned long long)key.hi, (unsigned long long)key.lo);
    lp_recording_put_json(r, "request", (struct lp_str){x->request, x->request_n});
}

static void write_exchange(struct lp_recording *r)
{
    struct lp_err err = {0};
    LP_BUF_LIT(&r->line, "}");
    r->ends++;
    if (write_line(r, &err))
        lp_gateway_fail(r->gateway, &err);
}

/* ---- over HTTP ------------------------------------------------------------------------------ */

static void arrived(void *arg, const struct lp_http_response *response)
{
    struct lp_exchange *x = arg;
    struct lp_recording *r = x->recording;
    lp_http_done *done = x->done;
    void *done_arg = x->arg;
    x->starting = false;
    put_exchange(r, x, response->latency_ms);
    lp_recording_put_response(r, response);
    write_exchange(r);
    lp_exchange_del(x);
    done(done_arg, response);
}

static int replay(
    struct lp_recording *r, struct lp_exchange *x, struct lp_str request, struct lp_err *err)
{
    struct lp_http_response response = {.fault = LP_HTTP_BAD,
        .fault_detail = "not in the recording",
        .headers = LP_STR("{}"),
        .retry_after_ms = -1};
    lp_http_done *done = x->done;
    void *arg = x->arg;
    bool found = lp_replay_ask(r, x);
    if (found && !x->taken->at_once)
        return 0;
    if (found) { /* it had been refused before it was sent */
        lp_recording_take_response(r, x->taken->text, &response);
        lp_replay_past(r, x->taken);
        lp_exchange_del(x);
        return lp_err_set(err, LP_ERR_CONFIG, NULL, "%s", response.fault_detail);
    }
    lp_replay_miss(r, x->provider, request);
    lp_exchange_del(x);
    done(arg, &response);
    return 0;
}

int lp_recording_send(struct lp_call *call, struct lp_str request, const struct lp_http_request *q,
    lp_http_done *done, void *arg, struct lp_err *err)
{
    struct lp_gateway *g = call->gateway;
    struct lp_recording *r = g->recording;
    struct lp_exchange *x = lp_exchange_new(r, call->provider, call, request);
    x->done = done;
    x->arg = arg;
    if (r->fd < 0)
        return replay(r, x, request, err);
    if (lp_http_send(g->http, q, arrived, x, err) == 0)
        return 0;
    struct lp_http_response refused = {.fault = LP_HTTP_BAD, .retry_after_ms = -1};
    snprintf(refused.fault_detail, sizeof refused.fault_detail, "%.*s",
        (int)sizeof refused.fault_detail - 1, err->msg);
    put_exchange(r, x, 0);
    lp_recording_put_response(r, &refused);
    write_exchange(r);
    lp_exchange_del(x);
    return -1;
}

bool lp_recording_forget(struct lp_gateway *g, const void *arg)
{
    struct lp_exchange *x = lp_recording_replays(g) ? g->recording->live : NULL;
    while (x && (x->call || x->arg != arg))
        x = x->next;
    if (!x)
        return false;
    lp_exchange_del(x);
    return true;
}

/* ---- marks ---------------------------------------------------------------------------------- */

static const char *const marks[] = {[LP_MARK_PROBE] = "{\"mark\":\"probe\"}",
    [LP_MARK_BOUNCE] = "{\"mark\":\"bounce\"}",
    [LP_MARK_WORK] = "{\"mark\":\"work\"}"};

void lp_recording_mark(struct lp_gateway *g, const struct lp_provider *p, enum lp_mark mark)
{
    if (!g->recording || lp_recording_replays(g))
        return;
    struct lp_exchange *x = lp_exchange_new(g->recording, p, NULL, lp_str(marks[mark]));
    put_exchange(g->recording, x, 0);
    write_exchange(g->recording);
    lp_exchange_del(x);
}

bool lp_replay_marked(struct lp_gateway *g, const struct lp_provider *p, enum lp_mark mark)
{
    struct lp_recording *r = g->recording;
    struct lp_taken *t = lp_replay_next_start(r);
    struct lp_hash128 key = lp_exchange_key(p, lp_str(marks[mark]));
    if (!t || t->key.lo != key.lo || t->key.hi != key.hi || t->in_at_start > lp_recording_read(r))
        return false;
    struct lp_exchange *x = lp_exchange_new(r, p, NULL, lp_str(marks[mark]));
    if (lp_replay_ask(r, x))
        lp_replay_past(r, x->taken);
    lp_exchange_del(x);
    return true;
}

/* ---- whole calls ---------------------------------------------------------------------------- */

static struct lp_exchange *begin(struct lp_call *call, enum lp_chaos_kind fault)
{
    struct lp_buf request = {0};
    lp_recording_request_of(call, fault, &request);
    struct lp_exchange *x =
        lp_exchange_new(call->gateway->recording, call->provider, call, lp_buf_view(&request));
    x->call = call;
    call->exchange = x;
    lp_buf_free(&request);
    return x;
}

void lp_recording_start(struct lp_call *call)
{
    struct lp_recording *r = call->gateway->recording;
    struct lp_exchange *x = begin(call, LP_CHAOS_NONE);
    if (r->fd >= 0) {
        call->provider->driver->start(call->provider, call);
        if (call->exchange == x)
            x->starting = false;
    } else if (!lp_replay_ask(r, x)) {
        lp_replay_miss(r, call->provider, (struct lp_str){x->request, x->request_n});
        lp_call_error(call, LP_BAD_RESPONSE, "not in the recording");
    } else if (x->taken->at_once) {
        lp_replay_deliver(r, x->taken);
    }
}

void lp_recording_strike(struct lp_call *call, enum lp_chaos_kind fault)
{
    struct lp_recording *r = call->gateway->recording;
    struct lp_exchange *x = r ? begin(call, fault) : NULL;
    if (x && r->fd < 0) {
        if (lp_replay_ask(r, x))
            lp_replay_past(r, x->taken);
        else
            lp_replay_loose(r);
    }
    lp_chaos_strike(fault, call);
}

void lp_recording_ended(struct lp_call *call)
{
    struct lp_exchange *x = call->exchange;
    if (!x)
        return;
    call->latency_ms = lp_clock_mono() - x->recording->base - x->started;
    if (x->recording->fd >= 0) {
        put_exchange(x->recording, x, call->latency_ms);
        lp_recording_put_call(x->recording, call);
        write_exchange(x->recording);
    }
    call->exchange = NULL;
    lp_exchange_del(x);
}

void lp_recording_drop(struct lp_call *call)
{
    if (call->exchange)
        lp_exchange_del(call->exchange);
    call->exchange = NULL;
}
