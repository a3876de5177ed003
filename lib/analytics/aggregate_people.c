/* aggregate_people - contacts, and what happened to them, each counted once; see aggregate.h
 *
 * Both kinds of entries begin with the hash of the contact's key and are read side by side in that
 * order, so that nothing is kept of a contact but while it is looked at. */
#include "aggregate_parts.h"

#include <math.h>

#include "leadpipe/contact.h"
#include "leadpipe/hash.h"
#include "leadpipe/key.h"

/* A contact's entry: the hash, the turn in which it came (the last one holds), what it is, where
 * `abouts` tells of it plus one, the campaign it was imported for. */
enum { C_HASH, C_TURN, C_IS, C_PLACE, C_IMPORTED };

static const struct part {
    int shift, bits;
} ltv_part = {0, 37}, tier_part = {37, 2}, status_part = {39, 3}, valid_part = {42, 1},
  final_part = {43, 1}, capped_part = {44, 1},
  /* An event's last word, so that an occasion's events come by type and by day. */
    type_part = {61, 3}, day_part = {37, 24}, slots_part = {34, 3}, campaign_part = {17, 17},
  channel_part = {0, 17};

/* An event's entry: the hash of the contact, the occasion, and what happened. Where it is in no slot
 * nothing did: it only says of which campaign and channel the occasion is. */
enum { E_HASH, E_OCCASION, E_WHAT };

#define NO_DAY ((1U << 24) - 1)

static uint64_t put(struct part p, uint64_t v)
{
    return (v & ((UINT64_C(1) << p.bits) - 1)) << p.shift;
}

static uint64_t get(struct part p, uint64_t word)
{
    return word >> p.shift & ((UINT64_C(1) << p.bits) - 1);
}

static uint64_t hash_key(const struct lp_aggregate *a)
{
    return lp_hash128_seeded(a->key.p, a->key.len, a->seed).lo;
}

/* --- contacts come in -------------------------------------------------------------------------- */

static bool is_valid(const struct lp_rec *rec)
{
    struct lp_str verification, status;
    return lp_rec_get(rec, "verification", &verification) &&
           lp_json_get(verification, "status", &status) && lp_json_is(status, "valid");
}

/* What `score` says. 1: it does; 0: there is none. */
static int given_score(struct lp_aggregate *a, const struct lp_rec *rec, struct lp_score *score,
    const char **field, struct lp_err *err)
{
    struct lp_str object, v;
    double ltv;
    if (!lp_rec_get(rec, "score", &object) || lp_json_type(object) == LP_JSON_NULL)
        return 0;
    *field = "score";
    if (!lp_json_get(object, "ltv", &v) || lp_json_type(v) != LP_JSON_NUMBER ||
        !lp_json_real(v, &ltv) || !(ltv >= 0 && ltv <= 100))
        return lp_err_set(err, LP_ERR_RECORD, "bad_score", "score.ltv is no number from 0 to 100");
    *field = NULL;
    score->ltv = (int64_t)llround(ltv * LP_SCORE_UNIT);
    score->tier = lp_score_tier(&a->s.score, score->ltv);
    if (lp_json_get(object, "tier", &v))
        for (int t = 0; t < LP_SCORE_TIERS; t++)
            if (lp_json_is(v, lp_score_tier_name((enum lp_score_tier)t)))
                score->tier = (enum lp_score_tier)t;
    return 1;
}

static uint64_t pack(const struct lp_score *score, bool final, bool capped)
{
    return put(ltv_part, (uint64_t)score->ltv) | put(tier_part, score->tier) |
           put(final_part, final) | put(capped_part, capped);
}

/* What the contact is, as its own counters say where it has no score. */
static int weigh(struct lp_aggregate *a, const struct lp_rec *rec, uint64_t *is, const char **field,
    struct lp_err *err)
{
    struct lp_score score;
    struct lp_counters c = {0};
    int given = given_score(a, rec, &score, field, err);
    if (given < 0 || (!given && lp_counters_of(rec, &c, field, err) < 0))
        return -1;
    if (!given)
        lp_score_of(&a->s.score, &c, &score);
    *is = pack(&score, given, !given && lp_counters_excess(&c));
    return 0;
}

static void add_member(struct lp_buf *b, struct lp_rec *rec, const char *member)
{
    struct lp_str s;
    if (lp_rec_string(rec, member, &s) && s.n > 0 && s.n <= LP_AGGREGATE_NAME)
        lp_json_put_str(b, member, s);
}

/* What is to be said of the contact, should it be among the first: two lengths, the address as it
 * was given, and an object. */
static int set_aside(
    struct lp_aggregate *a, struct lp_rec *rec, uint64_t *place, struct lp_err *err)
{
    struct lp_str email;
    uint32_t length[2];
    if (!lp_rec_string(rec, "email", &email) || email.n > LP_AGGREGATE_NAME)
        email = LP_STR("");
    lp_buf_reset(&a->text);
    lp_buf_byte(&a->text, '{');
    add_member(&a->text, rec, "first_name");
    add_member(&a->text, rec, "last_name");
    add_member(&a->text, rec, "company");
    lp_buf_byte(&a->text, '}');
    length[0] = (uint32_t)email.n;
    length[1] = (uint32_t)a->text.len;
    *place = lp_tempfile_size(&a->abouts) + 1;
    if (lp_tempfile_append(&a->abouts, length, sizeof length, err) < 0 ||
        lp_tempfile_append(&a->abouts, email.p, email.n, err) < 0)
        return -1;
    return lp_tempfile_append(&a->abouts, a->text.p, a->text.len, err);
}

enum lp_taken lp_people_contact(
    struct lp_aggregate *a, struct lp_rec *rec, const char **field, struct lp_err *err)
{
    uint64_t e[5] = {[C_TURN] = a->records};
    enum lp_contact_status status;
    struct lp_str campaign;
    if (weigh(a, rec, &e[C_IS], field, err) < 0)
        return LP_TAKEN_BAD;
    if (lp_rec_string(rec, "imported_from_campaign", &campaign) && campaign.n > 0) {
        *field = "imported_from_campaign";
        e[C_IMPORTED] = lp_aggregate_campaign(a, campaign, err);
        if (!e[C_IMPORTED])
            return LP_TAKEN_BAD;
    }
    e[C_IS] |= put(status_part, lp_contact_status(rec, &status) ? status : LP_STATUS_ODD) |
               put(valid_part, is_valid(rec));
    lp_buf_reset(&a->key);
    if (!lp_key_rec(rec, &a->key)) { /* one of its own */
        lp_buf_add(&a->key, &a->records, sizeof a->records);
        lp_buf_byte(&a->key, '\0');
    }
    e[C_HASH] = hash_key(a);
    bool nothing = get(final_part, e[C_IS]) && get(ltv_part, e[C_IS]) == 0;
    if ((!nothing && a->s.top > 0 && set_aside(a, rec, &e[C_PLACE], err) < 0) ||
        lp_sorter_add(&a->people, e, err) < 0)
        return LP_TAKEN_FATAL;
    a->contacts_added++;
    return LP_TAKEN;
}

/* --- events come in ---------------------------------------------------------------------------- */

static enum lp_taken add_event(
    struct lp_aggregate *a, const struct lp_event *event, unsigned slots, struct lp_err *err)
{
    uint32_t campaign = 0, channel = 0;
    if (event->campaign_id.p && !(campaign = lp_aggregate_campaign(a, event->campaign_id, err)))
        return LP_TAKEN_BAD;
    if (event->channel.p && !(channel = lp_aggregate_channel(a, event->channel, err)))
        return LP_TAKEN_BAD;
    lp_buf_reset(&a->key);
    if (!lp_key(event->email, &a->key)) {
        lp_err_set(err, LP_ERR_RECORD, "bad_email", "the address has no local part or domain");
        return LP_TAKEN_BAD;
    }
    int day = event->timed ? lp_aggregate_day(event->at) : LP_DAY_UNDATED;
    uint64_t e[3] = {[E_HASH] = hash_key(a)};
    e[E_OCCASION] = lp_events_occasion(event, e[E_HASH]);
    e[E_WHAT] = put(type_part, event->what) |
                put(day_part, day == LP_DAY_UNDATED ? NO_DAY : (uint64_t)day) |
                put(slots_part, slots) | put(campaign_part, campaign) | put(channel_part, channel);
    if (lp_sorter_add(&a->events, e, err) < 0)
        return LP_TAKEN_FATAL;
    a->events_added++;
    if (slots & 1U << LP_SLOT_ALL)
        lp_aggregate_seen(a, event->timed, event->at);
    return LP_TAKEN;
}

/* What is not counted still says whose campaign its job is: of a mail that went out before the period,
 * the opening within it may name the job alone. A name that is none is nobody's fault here. */
static enum lp_taken note_job(
    struct lp_aggregate *a, const struct lp_event *event, enum lp_taken taken, struct lp_err *err)
{
    struct lp_err ignored = {0};
    uint32_t campaign = 0, channel = 0;
    if (!event->job_id.p)
        return taken;
    if (event->campaign_id.p)
        campaign = lp_aggregate_campaign(a, event->campaign_id, &ignored);
    if (event->channel.p)
        channel = lp_aggregate_channel(a, event->channel, &ignored);
    lp_buf_reset(&a->key);
    if ((!campaign && !channel) || !lp_key(event->email, &a->key))
        return taken;
    uint64_t e[3] = {[E_HASH] = hash_key(a)};
    e[E_OCCASION] = lp_events_occasion(event, e[E_HASH]);
    e[E_WHAT] = put(type_part, LP_HAPPENINGS - 1) | put(day_part, NO_DAY) |
                put(campaign_part, campaign) | put(channel_part, channel);
    return lp_sorter_add(&a->events, e, err) < 0 ? LP_TAKEN_FATAL : taken;
}

enum lp_taken lp_people_event(struct lp_aggregate *a, struct lp_rec *rec, struct lp_err *err)
{
    struct lp_event event;
    enum lp_taken outside;
    switch (lp_events_read(rec, &event, err)) {
    case LP_EVENT_OTHER:
        return lp_events_read_job(rec, &event) ? note_job(a, &event, LP_TAKEN_OTHER, err)
                                               : LP_TAKEN_OTHER;
    case LP_EVENT_BAD: return LP_TAKEN_BAD;
    case LP_EVENT_COUNTS: break;
    }
    unsigned slots = lp_aggregate_slots(a, event.timed, event.at, &outside);
    return slots ? add_event(a, &event, slots, err) : note_job(a, &event, outside, err);
}

/* --- all of them are counted ------------------------------------------------------------------- */

/* Whose an occasion is, and how good the word for it: less is better. */
struct said {
    uint32_t name;
    unsigned rank;
};

struct walk {
    struct lp_aggregate *a;
    uint64_t person[5], event[3];
    bool persons, events; /* there is one */
    uint64_t contacts;    /* looked at so far */
    bool valid;           /* the address of the one that is looked at */
    struct lp_counters counters;
    /* Of the occasion that is looked at: */
    unsigned happened[LP_SLOTS]; /* a bit a type */
    uint32_t day[LP_HAPPENINGS]; /* when first, in the slot of all */
    struct said campaign, channel;
    uint32_t email_channel;
};

static int next_person(struct walk *w, struct lp_err *err)
{
    int got = lp_sorter_next(&w->a->people, w->person, err);
    w->persons = got > 0;
    return got < 0 ? -1 : 0;
}

static int next_event(struct walk *w, struct lp_err *err)
{
    int got = lp_sorter_next(&w->a->events, w->event, err);
    w->events = got > 0;
    return got < 0 ? -1 : 0;
}

/* Where records of one job contradict each other, the sending knows better than the opening, and the
 * counted better than the rest; else the name that sorts first holds: whatever order they came in. */
static void believe(struct said *s, const struct lp_names *names, uint32_t name, unsigned rank)
{
    if (!name || (s->name && rank > s->rank))
        return;
    if (s->name && rank == s->rank &&
        lp_names_order(lp_names_text(names, s->name), lp_names_text(names, name)) <= 0)
        return;
    *s = (struct said){name, rank};
}

static void note_event(struct walk *w)
{
    uint64_t what = w->event[E_WHAT];
    unsigned type = (unsigned)get(type_part, what), slots = (unsigned)get(slots_part, what);
    unsigned before = w->happened[0] | w->happened[1] | w->happened[2];
    w->a->events_counted += slots && !(before >> type & 1);
    for (int i = 0; i < w->a->s.slots; i++) {
        if (!(slots >> i & 1))
            continue;
        if (i == LP_SLOT_ALL && !(w->happened[i] >> type & 1))
            w->day[type] = (uint32_t)get(day_part, what);
        w->happened[i] |= 1U << type;
    }
    unsigned rank = slots ? type : LP_HAPPENINGS;
    believe(&w->campaign, &w->a->campaigns, (uint32_t)get(campaign_part, what), rank);
    believe(&w->channel, &w->a->channels, (uint32_t)get(channel_part, what), rank);
}

#define HAD(bits, type) ((bits) >> (type)&1)

/* What of the occasion counts as what, and on which day it did. */
static void figures_of(const struct walk *w, unsigned bits, bool is[LP_FIGURES], uint32_t *day)
{
    static const unsigned char from[LP_FIGURES] = {[LP_CLICKS] = LP_CLICKED,
        [LP_CONVERSIONS] = LP_CONVERTED,
        [LP_REPLIES] = LP_REPLIED,
        [LP_OPENS] = LP_OPENED,
        [LP_BOUNCES] = LP_BOUNCED,
        [LP_SENDS] = LP_SENT,
        [LP_DELIVERIES] = LP_DELIVERED,
        [LP_UNSUBSCRIPTIONS] = LP_UNSUBSCRIBED};
    static const enum lp_happened engages[] = {LP_OPENED, LP_CLICKED, LP_REPLIED};
    for (int f = 0; f < LP_FIGURES; f++) {
        is[f] = HAD(bits, from[f]);
        day[f] = w->day[from[f]];
    }
    is[LP_SHARES] = is[LP_COMMENTS] = false;
    is[LP_IMPRESSIONS] = HAD(bits, LP_DELIVERED) || (is[LP_SENDS] && !is[LP_BOUNCES]);
    day[LP_IMPRESSIONS] = w->day[HAD(bits, LP_DELIVERED) ? LP_DELIVERED : LP_SENT];
    is[LP_ENGAGEMENTS] = false;
    day[LP_ENGAGEMENTS] = NO_DAY;
    for (size_t i = 0; i < sizeof engages / sizeof *engages; i++) {
        if (!HAD(bits, engages[i]))
            continue;
        is[LP_ENGAGEMENTS] = true;
        if (w->day[engages[i]] < day[LP_ENGAGEMENTS])
            day[LP_ENGAGEMENTS] = w->day[engages[i]];
    }
}

/* Different contacts of the campaign: each counts when it is seen for the first time. */
static void count_people(struct walk *w, struct lp_campaign *c, const bool is[LP_FIGURES])
{
    if (is[LP_SENDS] && c->seen_sent != w->contacts) {
        c->seen_sent = w->contacts;
        c->sent.contacts++;
        c->sent.valid += w->valid;
    }
    if (is[LP_ENGAGEMENTS] && c->seen_engaged != w->contacts) {
        c->seen_engaged = w->contacts;
        c->engaged++;
    }
    if (is[LP_CONVERSIONS] && c->seen_converted != w->contacts) {
        c->seen_converted = w->contacts;
        c->converted++;
    }
}

static int settle_occasion(struct walk *w, struct lp_err *err)
{
    struct lp_aggregate *a = w->a;
    bool is[LP_FIGURES];
    uint32_t day[LP_FIGURES];
    if (!(w->happened[0] | w->happened[1] | w->happened[2]))
        return 0;
    uint32_t campaign = w->campaign.name, channel = w->channel.name;
    struct lp_group *g = lp_aggregate_group(a, campaign, channel ? channel : w->email_channel, err);
    if (!g)
        return -1;
    for (int i = a->s.slots - 1; i >= 0; i--) { /* the slot of all last: its figures are used on */
        figures_of(w, w->happened[i], is, day);
        g->happened[i] |= w->happened[i] != 0;
        for (int f = 0; f < LP_FIGURES; f++)
            g->by_event[i].n[f] += is[f];
    }
    for (int f = 0; f <= LP_CONVERSIONS && !g->stated[LP_SLOT_ALL]; f++)
        lp_aggregate_on_day(
            a, day[f] == NO_DAY ? LP_DAY_UNDATED : (int)day[f], (enum lp_figure)f, is[f]);
    count_people(w, &a->campaign[campaign], is);
    w->counters.sent += is[LP_SENDS];
    w->counters.opened += is[LP_OPENS];
    w->counters.clicks += is[LP_CLICKS];
    w->counters.conversions += is[LP_CONVERSIONS];
    return 0;
}

/* The events of one occasion, which follow each other. */
static int walk_occasion(struct walk *w, struct lp_err *err)
{
    uint64_t contact = w->event[E_HASH], occasion = w->event[E_OCCASION];
    memset(w->happened, 0, sizeof w->happened);
    memset(w->day, 0xFF, sizeof w->day);
    w->campaign = w->channel = (struct said){0, 0};
    while (w->events && w->event[E_HASH] == contact && w->event[E_OCCASION] == occasion) {
        note_event(w);
        if (next_event(w, err) < 0)
            return -1;
    }
    return settle_occasion(w, err);
}

/* The contact's events speak louder than the counters it came with. */
static void reweigh(struct walk *w, uint64_t *is)
{
    struct lp_counters *c = &w->counters;
    struct lp_score score;
    if (get(final_part, *is) || c->sent + c->opened + c->clicks + c->conversions == 0)
        return;
    c->decayed.opened = (double)c->opened;
    c->decayed.clicks = (double)c->clicks;
    c->decayed.conversions = (double)c->conversions;
    lp_score_of(&w->a->s.score, c, &score);
    uint64_t kept = put(status_part, get(status_part, *is));
    *is = pack(&score, false, lp_counters_excess(c)) | kept;
}

static int settle_contact(struct walk *w, uint64_t e[5], struct lp_err *err)
{
    struct lp_aggregate *a = w->a;
    reweigh(w, &e[C_IS]);
    struct lp_top_contact c = {.ltv = (int64_t)get(ltv_part, e[C_IS]),
        .tier = (enum lp_score_tier)get(tier_part, e[C_IS]),
        .status = (unsigned)get(status_part, e[C_IS])};
    a->contacts.total++;
    a->contacts.scored += get(final_part, e[C_IS]);
    a->contacts.capped += get(capped_part, e[C_IS]);
    a->contacts.by_status[c.status]++;
    a->contacts.by_tier[c.tier]++;
    if (e[C_IMPORTED]) {
        a->campaign[e[C_IMPORTED]].imported.contacts++;
        a->campaign[e[C_IMPORTED]].imported.valid += w->valid;
    }
    return c.ltv > 0 && e[C_PLACE] ? lp_top_offer(a, &c, e[C_PLACE], err) : 0;
}

static int walk_contact(struct walk *w, struct lp_err *err)
{
    uint64_t e[5] = {0};
    bool known = w->persons && (!w->events || w->person[C_HASH] <= w->event[E_HASH]);
    uint64_t contact = known ? w->person[C_HASH] : w->event[E_HASH];
    w->contacts++;
    w->counters = (struct lp_counters){0};
    if (known) {
        memcpy(e, w->person, sizeof e);
        if (next_person(w, err) < 0)
            return -1;
    }
    w->valid = get(valid_part, e[C_IS]);
    while (w->events && w->event[E_HASH] == contact)
        if (walk_occasion(w, err) < 0)
            return -1;
    return known ? settle_contact(w, e, err) : 0;
}

int lp_people_finish(struct lp_aggregate *a, struct lp_err *err)
{
    struct walk w = {.a = a, .email_channel = lp_names_number(&a->channels, LP_STR("email"))};
    if (next_person(&w, err) < 0 || next_event(&w, err) < 0)
        return -1;
    while (w.persons || w.events)
        if (walk_contact(&w, err) < 0)
            return -1;
    a->contacts.repeated = a->contacts_added - a->contacts.total;
    return 0;
}
