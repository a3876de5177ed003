#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/file.h"
#include "leadpipe/log.h"
#include "recording.h"
#include "reply.h"

#define FILE_BYTES_MAX ((size_t)4 << 30)
#define IDLE_MAX       3
#define TOLD_MAX       5 /* requests that are not there, told one by one */

/* ---- the file ------------------------------------------------------------------------------- */

static bool hex64(const char *p, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    *out = 0;
    for (int i = 0; i < 16; i++) {
        const char *d = memchr(digits, p[i], 16);
        if (!d)
            return false;
        *out = *out << 4 | (uint64_t)(d - digits);
    }
    return true;
}

static bool take_in(struct lp_str pair, struct lp_taken *t)
{
    struct lp_json_iter it = lp_json_iter(pair);
    struct lp_str name, v;
    int64_t n[2];
    for (int i = 0; i < 2; i++)
        if (!lp_json_next(&it, &name, &v) || !lp_json_int(v, &n[i]))
            return false;
    t->in_at_start = (uint64_t)n[0];
    t->in_at_end = (uint64_t)n[1];
    return true;
}

/* One walk over the line: some hold megabytes of an answer. */
static bool take_line(struct lp_str line, struct lp_taken *t)
{
    int64_t n = -1, ends = -1, round = 0, started = -1, ended = -1, try = 0;
    const struct {
        const char *name;
        int64_t *to;
    } numbers[] = {{"n", &n}, {"ends", &ends}, {"round", &round}, {"started", &started},
        {"ended", &ended}, {"records", &t->records}, {"try", &try}};
    struct lp_json_iter it = lp_json_iter(line);
    struct lp_str name, v;
    bool key = false, in = false, poll = false;
    while (lp_json_next(&it, &name, &v)) {
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (lp_str_is(name, numbers[i].name))
                lp_json_int(v, numbers[i].to);
        if (lp_str_is(name, "in"))
            in = take_in(v, t);
        else if (lp_str_is(name, "key") && v.n == 34)
            key = hex64(v.p + 1, &t->key.hi) && hex64(v.p + 17, &t->key.lo);
        else if (lp_str_is(name, "at_once"))
            t->at_once = lp_json_true(v);
        else if (lp_str_is(name, "poll"))
            poll = lp_json_true(v);
        else if (lp_str_is(name, "provider"))
            t->provider = v;
    }
    t->text = line;
    t->first = try == 1 && !poll;
    t->n = (uint64_t)n;
    t->ends = (uint64_t)ends;
    t->round = (uint64_t)round;
    t->started = started;
    t->ended = ended;
    return key && in && n >= 0 && ends >= 0 && started >= 0 && ended >= 0;
}

static int bad_line(struct lp_recording *r, size_t number, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_RECORD, "bad_recording", "--replay %s:%zu: %s", r->path, number,
        number == 1 ? "not the first line of a recording" : "not a line of a recording");
}

static int take_lines(struct lp_recording *r, struct lp_err *err)
{
    const char *at = r->file.p, *end = r->file.p + r->file.len, *stop;
    size_t room = 0, number = 1, where;
    const char *why;
    for (; at < end && (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1, number++) {
        struct lp_str line = {at, (size_t)(stop - at)};
        bool object = lp_json_check(line, &where, &why) && lp_json_type(line) == LP_JSON_OBJECT;
        if (number == 1 && object)
            r->head = line;
        if (number == 1 && object)
            continue;
        if (r->n == room)
            r->taken = lp_realloc_array(r->taken, room = room ? 2 * room : 256, sizeof *r->taken);
        r->taken[r->n] = (struct lp_taken){0};
        if (!object || !take_line(line, &r->taken[r->n]))
            return bad_line(r, number, err);
        r->n++;
    }
    if (at < end)
        lp_log_warn("--replay %s:%zu: the last line is cut off; left out", r->path, number);
    return r->head.p ? 0 : bad_line(r, 1, err);
}

static int start_order(const void *a, const void *b)
{
    const struct lp_taken *x = *(struct lp_taken *const *)a, *y = *(struct lp_taken *const *)b;
    return x->n < y->n ? -1 : x->n > y->n;
}

static int compare_keys(const struct lp_hash128 *x, const struct lp_hash128 *y)
{
    if (x->hi != y->hi)
        return x->hi < y->hi ? -1 : 1;
    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static int key_order(const void *a, const void *b)
{
    const struct lp_taken *x = *(struct lp_taken *const *)a, *y = *(struct lp_taken *const *)b;
    int c = compare_keys(&x->key, &y->key);
    return c ? c : start_order(a, b);
}

static void sort(struct lp_recording *r)
{
    r->by_start = lp_realloc_array(NULL, r->n + 1, sizeof *r->by_start);
    r->by_key = lp_realloc_array(NULL, r->n + 1, sizeof *r->by_key);
    for (size_t i = 0; i < r->n; i++)
        r->by_start[i] = r->by_key[i] = &r->taken[i];
    qsort(r->by_start, r->n, sizeof *r->by_start, start_order);
    qsort(r->by_key, r->n, sizeof *r->by_key, key_order);
}

/* ---- its head ------------------------------------------------------------------------------- */

/* Beside the answers, a run depends on the clock, on --jobs, on the jitter and on --chaos. */
static int take_head(struct lp_recording *r, struct lp_err *err)
{
    struct lp_gateway *g = r->gateway;
    struct lp_str v;
    int64_t format = 0, n, now;
    bool good = lp_json_get(r->head, "leadpipe_recording", &v) && lp_json_int(v, &format);
    if (!good)
        return bad_line(r, 1, err);
    if (format != 1)
        return lp_err_set(err, LP_ERR_RECORD, "bad_recording",
            "--replay %s: made by a newer version of leadpipe", r->path);
    if (!lp_json_get(r->head, "program", &v) || !lp_json_is(v, g->run->program->name))
        return lp_err_set(err, LP_ERR_RECORD, "bad_recording",
            "--replay %s: a recording of another program", r->path);
    lp_buf_reset(&r->scratch);
    if (!lp_clock_fixed() && lp_json_get(r->head, "now", &v) && lp_json_decode(v, &r->scratch) &&
        lp_clock_parse(lp_buf_view(&r->scratch), &now))
        lp_clock_fix(now);
    if (g->run->common.jobs <= 0 && lp_json_get(r->head, "jobs", &v) && lp_json_int(v, &n) &&
        n > 0 && n <= LP_RUN_JOBS_MOST)
        g->jobs = (unsigned)n;
    if (lp_json_get(r->head, "seed", &v) && lp_json_int(v, &n))
        g->seed = (uint64_t)n;
    if (lp_json_get(r->head, "chain", &v))
        lp_json_decode(v, &r->chain);
    if (!lp_json_get(r->head, "chaos", &v) || !lp_json_decode(v, &r->chaos))
        return 0;
    struct lp_err wrong = {0};
    g->chaos = lp_alloc(sizeof *g->chaos);
    return lp_chaos_parse(r->chaos.p, g->chaos, &wrong) ? bad_line(r, 1, err) : 0;
}

int lp_replay_load(struct lp_recording *r, struct lp_err *err)
{
    if (lp_file_read(r->path, FILE_BYTES_MAX, &r->file, err))
        return lp_err_prefix(err, "--replay");
    lp_buf_byte(&r->file, '\0');
    r->file.len--;
    if (take_lines(r, err))
        return -1;
    sort(r);
    return take_head(r, err);
}

const char *lp_recording_chain(const struct lp_gateway *g)
{
    return g->recording && g->recording->chain.len ? g->recording->chain.p : NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* The first of this key that nobody has asked for yet. Those that were are skipped for good. */
static struct lp_taken *find(struct lp_recording *r, const struct lp_hash128 *key)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_keys(&r->by_key[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t first = low;
    if (first == r->n || compare_keys(&r->by_key[first]->key, key) != 0)
        return NULL;
    low += r->by_key[first]->asked;
    if (low == r->n || compare_keys(&r->by_key[low]->key, key) != 0)
        return NULL;
    r->by_key[first]->asked++;
    return r->by_key[low];
}

bool lp_replay_ask(struct lp_recording *r, struct lp_exchange *x)
{
    struct lp_str request = {x->request, x->request_n};
    struct lp_hash128 key = lp_exchange_key(x->provider, request);
    struct lp_taken *t = find(r, &key);
    if (!t)
        return false;
    t->used = true;
    t->held = x;
    x->taken = t;
    r->idle = 0;
    lp_clock_move(r->base + t->started);
    return true;
}

void lp_replay_loose(struct lp_recording *r)
{
    if (!r->loose)
        lp_log_verbose("--replay %s: not quite the recorded run after %llu exchanges", r->path,
            (unsigned long long)r->ends);
    r->loose = true;
}

void lp_replay_miss(struct lp_recording *r, const struct lp_provider *p, struct lp_str request)
{
    struct lp_str method, url;
    char what[200];
    lp_replay_loose(r);
    if (lp_json_get(request, "method", &method) && lp_json_get(request, "url", &url)) {
        size_t n = 1; /* a query may hold an address */
        while (n < url.n - 1 && url.p[n] != '?')
            n++;
        snprintf(what, sizeof what, "%s: %.*s %.*s", p->name, (int)method.n - 2, method.p + 1,
            (int)n - 1, url.p + 1);
    } else {
        snprintf(what, sizeof what, "%s: a call", p->name);
    }
    if (r->missing == 0)
        snprintf(r->first_missing, sizeof r->first_missing, "%s", what);
    if (r->missing++ < TOLD_MAX)
        lp_log_error("not in the recording: %s", what);
}

void lp_replay_past(struct lp_recording *r, struct lp_taken *t)
{
    lp_clock_move(r->base + t->ended);
    t->delivered = true;
    r->ends++;
    r->idle = 0;
}

void lp_replay_deliver(struct lp_recording *r, struct lp_taken *t)
{
    struct lp_exchange *x = t->held;
    struct lp_call *call = x->call;
    lp_replay_past(r, t);
    if (call) {
        struct lp_str response = LP_STR("{}");
        struct lp_buf scratch = {0};
        lp_json_get(t->text, "response", &response);
        lp_reply_take(call, response, &scratch); /* through lp_recording_ended, which frees x */
        lp_buf_free(&scratch);
        return;
    }
    struct lp_http_response response;
    lp_http_done *done = x->done;
    void *arg = x->arg;
    lp_recording_take_response(r, t->text, &response);
    response.latency_ms = (int64_t)lp_reply_real(t->text, "latency_ms", 0);
    lp_exchange_del(x);
    done(arg, &response);
}

/* ---- what happens next ---------------------------------------------------------------------- */

enum event { NOTHING, START, END };

static enum event next_event(struct lp_recording *r)
{
    while (r->next_start < r->n && r->by_start[r->next_start]->used)
        r->next_start++;
    while (r->next_end < r->n && r->taken[r->next_end].delivered)
        r->next_end++;
    if (r->next_start < r->n && r->by_start[r->next_start]->ends <= r->ends)
        return START;
    return r->next_end < r->n ? END : NOTHING;
}

struct lp_taken *lp_replay_next_start(struct lp_recording *r)
{
    return !r->loose && next_event(r) == START ? r->by_start[r->next_start] : NULL;
}

bool lp_replay_in_step(const struct lp_gateway *g)
{
    return lp_recording_replays(g) && !g->recording->loose && next_event(g->recording) != NOTHING;
}

bool lp_replay_decides(const struct lp_gateway *g, const struct lp_provider *p)
{
    return lp_replay_in_step(g) && (p->driver == &lp_driver_http || lp_recording_covers(g, p));
}

bool lp_replay_leaves(struct lp_gateway *g, const struct lp_provider *p, size_t records)
{
    const struct lp_taken *t = lp_replay_next_start(g->recording);
    return t && t->first && t->records == (int64_t)records && lp_json_is(t->provider, p->name) &&
           t->in_at_start <= lp_recording_read(g->recording);
}

/* How many records had been read when the next thing happened. */
static uint64_t read_before(const struct lp_gateway *g)
{
    struct lp_recording *r = g->recording;
    switch (lp_recording_replays(g) && !r->loose ? next_event(r) : NOTHING) {
    case START: return r->by_start[r->next_start]->in_at_start;
    case END: return r->taken[r->next_end].in_at_end;
    case NOTHING: break;
    }
    return UINT64_MAX;
}

bool lp_replay_reads(const struct lp_gateway *g)
{
    uint64_t before = read_before(g);
    return before == UINT64_MAX || lp_recording_read(g->recording) < before;
}

bool lp_replay_starves(const struct lp_gateway *g)
{
    return !g->run->input_ended && read_before(g) != UINT64_MAX && lp_replay_reads(g);
}

/* How many ends, from the next one on, were seen in one round of the loop. */
static size_t group(const struct lp_recording *r)
{
    size_t n = 0;
    uint64_t round = r->taken[r->next_end].round;
    for (size_t i = r->next_end; i < r->n && r->taken[i].round == round; i++) {
        if (r->taken[i].at_once)
            break;
        if (!r->taken[i].held)
            return 0; /* not all of them were begun */
        n++;
    }
    return n;
}

/* Out of step: the one of those waited for that ended first. */
static struct lp_taken *first_held(struct lp_recording *r)
{
    struct lp_taken *first = NULL;
    for (struct lp_exchange *x = r->live; x; x = x->next)
        if (x->taken && (!first || x->taken < first))
            first = x->taken;
    return first;
}

static bool deliver_group(struct lp_recording *r)
{
    size_t first = r->next_end, n = group(r);
    if (n)
        lp_clock_move(r->base + r->taken[first + n - 1].ended);
    for (size_t i = 0; i < n; i++)
        if (r->taken[first + i].held) /* an earlier one may have ended the run */
            lp_replay_deliver(r, &r->taken[first + i]);
    return n > 0;
}

/* Nothing is due and the next event does not come about: what was begun is answered all the same. */
static int go_on(struct lp_recording *r)
{
    struct lp_taken *t = first_held(r);
    bool ordered = !r->loose && next_event(r) != NOTHING;
    if (ordered && r->idle++ < IDLE_MAX)
        return 0; /* what has just been answered may take a round or two to leave and make room */
    if (ordered)
        lp_replay_loose(r);
    if (t)
        lp_replay_deliver(r, t);
    return ordered || t ? 0 : 1000;
}

int lp_replay_pass(struct lp_gateway *g, bool starved, int64_t due)
{
    struct lp_recording *r = g->recording;
    if (starved)
        return 1000;
    if (!r->loose && next_event(r) == END && deliver_group(r))
        return 0;
    struct lp_taken *t = r->loose ? first_held(r) : NULL;
    if (due == INT64_MAX || (t && due > r->base + t->ended))
        return go_on(r);
    lp_clock_move(due);
    return 0;
}

int lp_recording_end(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_recording *r = g->recording;
    if (!lp_recording_replays(g) || !r->missing)
        return 0;
    lp_err_set(err, LP_ERR_RECORD, "not_recorded",
        "--replay %s: %llu request%s not in the recording (first: %s)", r->path,
        (unsigned long long)r->missing, r->missing == 1 ? " is" : "s are", r->first_missing);
    lp_err_hint(err, "same input, options and configuration as when it was made?");
    return -1;
}
