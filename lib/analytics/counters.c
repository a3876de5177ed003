/* counters - see leadpipe/counters.h */
#include "leadpipe/counters.h"

#include <math.h>

#include "leadpipe/hash.h"
#include "leadpipe/key.h"

#define DAY_MS 86400000.0

/* --- the contact's own ------------------------------------------------------------------------ */

static int bad_counter(const char *why, struct lp_err *err)
{
    lp_err_set(err, LP_ERR_RECORD, "bad_counter", "%s", why);
    lp_err_hint(err, "counters are whole numbers from 0 up");
    return -1;
}

/* Absent and null are 0: an export leaves empty what has not happened. */
static int read_counter(
    const struct lp_rec *contact, const char *name, int64_t *out, struct lp_err *err)
{
    struct lp_str v;
    *out = 0;
    if (!lp_rec_get(contact, name, &v) || lp_json_type(v) == LP_JSON_NULL)
        return 0;
    if (!lp_json_int(v, out))
        return bad_counter("the counter is no whole number", err);
    return *out < 0 ? bad_counter("the counter is negative", err) : 0;
}

int lp_counters_of(
    const struct lp_rec *contact, struct lp_counters *c, const char **field, struct lp_err *err)
{
    static const char *const member[] = {"emails_sent", "emails_opened", "clicks", "conversions"};
    int64_t *const to[] = {&c->sent, &c->opened, &c->clicks, &c->conversions};
    for (size_t i = 0; i < sizeof member / sizeof *member; i++) {
        *field = member[i];
        if (read_counter(contact, member[i], to[i], err) < 0)
            return -1;
    }
    *field = NULL;
    c->decayed.opened = (double)c->opened;
    c->decayed.clicks = (double)c->clicks;
    c->decayed.conversions = (double)c->conversions;
    return 0;
}

bool lp_counters_excess(const struct lp_counters *c)
{
    return c->opened > c->sent || c->clicks > c->opened || c->conversions > c->clicks;
}

/* --- counted from events ---------------------------------------------------------------------- */

enum { SENT, OPENED, CLICKS, CONVERSIONS, COUNTERS };

/* What the book keeps of a contact; without a half-life only the first half of it. */
struct entry {
    uint32_t n[COUNTERS];
    float decayed[COUNTERS - 1]; /* our own mail does not grow old, so it has none */
};
#define UNDECAYED offsetof(struct entry, decayed)

/* The counter of what happened, or -1: a score does not ask for it. */
static int counter_of(enum lp_happened what)
{
    static const signed char of[LP_HAPPENINGS] = {
        [LP_SENT] = SENT,
        [LP_DELIVERED] = -1,
        [LP_OPENED] = OPENED,
        [LP_CLICKED] = CLICKS,
        [LP_REPLIED] = -1,
        [LP_BOUNCED] = -1,
        [LP_UNSUBSCRIBED] = -1,
        [LP_CONVERTED] = CONVERSIONS,
    };
    return of[what];
}

void lp_counters_open(struct lp_counters_book *b, double half_life_days, int64_t now)
{
    *b = (struct lp_counters_book){.seed = lp_tally_seed(),
        .since = INT64_MIN,
        .until = INT64_MAX,
        .half_life_ms = half_life_days * DAY_MS,
        .now = now};
    lp_tally_init(&b->contacts, b->half_life_ms > 0 ? sizeof(struct entry) : UNDECAYED);
    lp_tally_init(&b->seen, 1);
}

void lp_counters_close(struct lp_counters_book *b)
{
    lp_tally_free(&b->contacts);
    lp_tally_free(&b->seen);
    lp_buf_free(&b->key);
}

size_t lp_counters_bytes(const struct lp_counters_book *b)
{
    return lp_tally_bytes(&b->contacts) + lp_tally_bytes(&b->seen);
}

static uint64_t hash_key(const struct lp_counters_book *b, struct lp_str key)
{
    return lp_hash128_seeded(key.p, key.n, b->seed).lo;
}

/* What lies ahead (a clock that is wrong) weighs no more than what is now. */
static double weight(const struct lp_counters_book *b, const struct lp_event *e)
{
    double age = (double)b->now - (double)e->at;
    return age > 0 ? exp2(-age / b->half_life_ms) : 1;
}

enum lp_counted lp_counters_plan(
    struct lp_counters_book *b, const struct lp_event *e, struct lp_counters_step *step)
{
    bool period = b->since != INT64_MIN || b->until != INT64_MAX;
    step->counter = counter_of(e->what);
    if (step->counter < 0)
        return LP_COUNTED_NOT;
    if (!e->timed && (period || b->half_life_ms > 0))
        return LP_COUNTED_UNTIMED;
    if (!lp_events_within(e, b->since, b->until))
        return LP_COUNTED_OUTSIDE;
    lp_buf_reset(&b->key);
    if (!lp_key(e->email, &b->key))
        return LP_COUNTED_NOBODY;
    step->contact = hash_key(b, lp_buf_view(&b->key));
    step->occasion = lp_events_occasion(e, step->contact);
    step->weight = b->half_life_ms > 0 ? (float)weight(b, e) : 1;
    lp_tally_expect(&b->seen, step->occasion);
    lp_tally_expect(&b->contacts, step->contact);
    return LP_COUNTED;
}

/* Has this not been counted yet? From now on it has. */
static bool first_time(struct lp_counters_book *b, const struct lp_counters_step *step)
{
    bool fresh;
    unsigned char *counted = lp_tally_make(&b->seen, step->occasion, &fresh);
    unsigned char bit = (unsigned char)(1U << step->counter);
    bool first = !(*counted & bit);
    *counted |= bit;
    return first;
}

enum lp_counted lp_counters_apply(struct lp_counters_book *b, const struct lp_counters_step *step)
{
    bool fresh;
    struct entry entry;
    size_t kept = b->contacts.size - sizeof step->contact;
    int i = step->counter;
    if (!first_time(b, step))
        return LP_COUNTED_BEFORE;
    unsigned char *at = lp_tally_make(&b->contacts, step->contact, &fresh);
    memcpy(&entry, at, kept);
    entry.n[i] += entry.n[i] < UINT32_MAX;
    if (b->half_life_ms > 0 && i > SENT)
        entry.decayed[i - 1] += step->weight;
    memcpy(at, &entry, kept);
    return LP_COUNTED;
}

enum lp_counted lp_counters_add(struct lp_counters_book *b, const struct lp_event *e)
{
    struct lp_counters_step step;
    enum lp_counted counted = lp_counters_plan(b, e, &step);
    return counted == LP_COUNTED ? lp_counters_apply(b, &step) : counted;
}

void lp_counters_look(const struct lp_counters_book *b, struct lp_str key, struct lp_counters *c)
{
    struct entry entry = {0};
    const void *at = lp_tally_find(&b->contacts, hash_key(b, key));
    if (at)
        memcpy(&entry, at, b->contacts.size - sizeof(uint64_t));
    *c = (struct lp_counters){entry.n[SENT], entry.n[OPENED], entry.n[CLICKS], entry.n[CONVERSIONS],
        {(double)entry.n[OPENED], (double)entry.n[CLICKS], (double)entry.n[CONVERSIONS]}};
    if (b->half_life_ms > 0) {
        c->decayed.opened = (double)entry.decayed[OPENED - 1];
        c->decayed.clicks = (double)entry.decayed[CLICKS - 1];
        c->decayed.conversions = (double)entry.decayed[CONVERSIONS - 1];
    }
}
