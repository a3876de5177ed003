/* aggregate - see leadpipe/aggregate.h */
#include "leadpipe/aggregate.h"

#include <math.h>
#include <stdlib.h>

#include "aggregate_parts.h"
#include "leadpipe/clock.h"
#include "leadpipe/hash.h"

#define DAY_MS    INT64_C(86400000)
#define LAST_DAY  47481 /* 2099-12-31: the time line ends somewhere, whatever times come */
#define MOST      1e12  /* of one amount: a million euros is 2e10 rupiah */
#define MOST_SUM  (INT64_MAX / 4)
#define MOST_EACH (INT64_C(1) << 53) /* of one counter: jq and others read no more */

static const char *const figure_names[LP_FIGURES] = {"impressions", "clicks", "engagements",
    "conversions", "shares", "comments", "replies", "opens", "bounces", "sent", "delivered",
    "unsubscribed"};

static const char *const kind_names[LP_KINDS] = {
    "contact", "job", "reply", "event", "metric", "spend", "revenue", "report", "other"};

const char *lp_figure_name(enum lp_figure f)
{
    return figure_names[f];
}

const char *lp_report_kind_name(enum lp_report_kind k)
{
    return kind_names[k];
}

enum lp_report_kind lp_report_kind(struct lp_rec *rec)
{
    struct lp_str kind = lp_rec_kind(rec);
    int k = 0;
    while (k < LP_KIND_OTHER && !lp_str_is(kind, kind_names[k]))
        k++;
    return (enum lp_report_kind)k;
}

struct lp_aggregate *lp_aggregate_new(const struct lp_aggregate_settings *s)
{
    struct lp_aggregate *a = lp_alloc(sizeof *a);
    size_t memory = s->memory ? s->memory : LP_AGGREGATE_MEMORY;
    a->s = *s;
    a->seed = lp_tally_seed();
    a->first_at = INT64_MAX;
    a->last_at = INT64_MIN;
    lp_names_init(&a->campaigns);
    lp_names_init(&a->channels);
    lp_names_init(&a->currencies);
    lp_tally_init(&a->pairs, sizeof a->groups);
    lp_sorter_init(&a->people, 5, LP_SORTER_LAST, memory / 2);
    lp_sorter_init(&a->events, 3, LP_SORTER_DISTINCT, memory / 2);
    a->contacts.top = lp_alloc((s->top + 1) * sizeof *a->contacts.top);
    a->campaign_room = 16;
    a->campaign = lp_alloc(a->campaign_room * sizeof *a->campaign);
    return a;
}

void lp_aggregate_del(struct lp_aggregate *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->contacts.top_n; i++) {
        free(a->contacts.top[i].email);
        free(a->contacts.top[i].about);
    }
    for (uint32_t i = 0; i < a->groups; i++)
        free(a->group[i].purse.v);
    for (uint32_t i = 0; i < a->campaign_room; i++)
        free((char *)a->campaign[i].title.p);
    free(a->money.v);
    lp_names_free(&a->campaigns);
    lp_names_free(&a->channels);
    lp_names_free(&a->currencies);
    lp_tally_free(&a->pairs);
    lp_sorter_free(&a->people);
    lp_sorter_free(&a->events);
    lp_tempfile_free(&a->abouts);
    lp_buf_free(&a->key);
    lp_buf_free(&a->text);
    free(a->contacts.top);
    free(a->campaign);
    free(a->group);
    free(a->days.v);
    free(a);
}

/* --- campaigns, channels, days, money ---------------------------------------------------------- */

/* No sum leaves the range that each of its parts is held to. */
static void add_capped(uint64_t *to, uint64_t n)
{
    *to = n > MOST_EACH - *to ? MOST_EACH : *to + n;
}

void lp_figures_add(struct lp_figures *to, const struct lp_figures *from)
{
    for (int i = 0; i < LP_FIGURES; i++)
        add_capped(&to->n[i], from->n[i]);
}

static int bad(struct lp_err *err, const char *code, const char *why)
{
    return lp_err_set(err, LP_ERR_RECORD, code, "%s", why);
}

uint32_t lp_aggregate_campaign(struct lp_aggregate *a, struct lp_str id, struct lp_err *err)
{
    if (id.n > LP_AGGREGATE_NAME)
        return bad(err, "bad_name", "a name of more than 512 bytes"), 0;
    if (a->campaigns.n > LP_AGGREGATE_GROUPS && !lp_names_find(&a->campaigns, id))
        return bad(err, "too_many_campaigns", "more than 100000 campaigns"), 0;
    uint32_t number = lp_names_number(&a->campaigns, id);
    if (number >= a->campaign_room) {
        uint32_t old = a->campaign_room;
        a->campaign_room *= 2;
        a->campaign = lp_realloc_array(a->campaign, a->campaign_room, sizeof *a->campaign);
        memset(a->campaign + old, 0, (a->campaign_room - old) * sizeof *a->campaign);
    }
    return number;
}

bool lp_aggregate_holds(const struct lp_aggregate *a, struct lp_str campaign_id)
{
    uint32_t number = lp_names_find(&a->campaigns, campaign_id);
    for (uint32_t i = 0; number && i < a->groups; i++) {
        const struct lp_group *g = &a->group[i];
        if (g->campaign == number &&
            (g->stated[LP_SLOT_ALL] || g->happened[LP_SLOT_ALL] || g->purse.n > 0))
            return true;
    }
    return number && a->campaign[number].imported.contacts > 0;
}

uint32_t lp_aggregate_channel(struct lp_aggregate *a, struct lp_str name, struct lp_err *err)
{
    if (name.n > LP_AGGREGATE_NAME)
        return bad(err, "bad_name", "a name of more than 512 bytes"), 0;
    if (a->channels.n > LP_AGGREGATE_CHANNELS && !lp_names_find(&a->channels, name))
        return bad(err, "too_many_channels", "more than 50000 channels"), 0;
    return lp_names_number(&a->channels, name);
}

struct lp_group *lp_aggregate_group(
    struct lp_aggregate *a, uint32_t campaign, uint32_t channel, struct lp_err *err)
{
    uint64_t pair = (uint64_t)campaign << 32 | channel;
    uint64_t hash = lp_hash128_seeded(&pair, sizeof pair, a->seed).lo;
    uint32_t number;
    bool fresh;
    if (a->groups == LP_AGGREGATE_GROUPS && !lp_tally_find(&a->pairs, hash))
        return bad(err, "too_many_campaigns", "more than 100000 campaigns and channels"), NULL;
    void *at = lp_tally_make(&a->pairs, hash, &fresh);
    if (!fresh) {
        memcpy(&number, at, sizeof number);
        return &a->group[number];
    }
    number = a->groups;
    memcpy(at, &number, sizeof number);
    if (a->groups == a->group_room) {
        a->group_room = a->group_room ? a->group_room * 2 : 8;
        a->group = lp_realloc_array(a->group, a->group_room, sizeof *a->group);
    }
    a->group[a->groups] = (struct lp_group){.campaign = campaign, .channel = channel};
    return &a->group[a->groups++];
}

const struct lp_figures *lp_group_figures(const struct lp_group *g, enum lp_slot slot)
{
    return g->stated[slot] ? &g->by_metric[slot] : &g->by_event[slot];
}

int lp_aggregate_day(int64_t utc_ms)
{
    int64_t day = utc_ms / DAY_MS;
    return utc_ms < 0 || day > LAST_DAY ? LP_DAY_UNDATED : (int)day;
}

void lp_aggregate_on_day(struct lp_aggregate *a, int day, enum lp_figure f, uint64_t n)
{
    if (n == 0)
        return;
    if (day < 0 || day > LAST_DAY) {
        add_capped(&a->days.undated.n[f], n);
        return;
    }
    int first = a->days.n == 0 || day < a->days.first ? day : a->days.first;
    int end = a->days.n == 0 ? day + 1 : a->days.first + a->days.n;
    if (day >= end)
        end = day + 1;
    if (end - first != a->days.n) {
        size_t shift = a->days.n ? (size_t)(a->days.first - first) : 0, old = (size_t)a->days.n;
        size_t size = (size_t)(end - first);
        a->days.v = lp_realloc_array(a->days.v, size, sizeof *a->days.v);
        memmove(a->days.v + shift, a->days.v, old * sizeof *a->days.v);
        memset(a->days.v, 0, shift * sizeof *a->days.v);
        memset(a->days.v + shift + old, 0, (size - shift - old) * sizeof *a->days.v);
        a->days.first = first;
        a->days.n = (int)size;
    }
    add_capped(&a->days.v[day - first].n[f], n);
}

bool lp_purse_add(struct lp_purse *p, uint32_t currency, bool earned, int64_t amount)
{
    size_t i = 0;
    while (i < p->n && p->v[i].currency != currency)
        i++;
    if (i == p->n) {
        p->v = lp_realloc_array(p->v, p->n + 1, sizeof *p->v);
        p->v[p->n++] = (struct lp_money){.currency = currency};
    }
    struct lp_money *m = &p->v[i];
    int64_t *sum = earned ? &m->revenue : &m->cost;
    if (*sum > MOST_SUM - amount)
        return false;
    *sum += amount;
    *(earned ? &m->earned : &m->spent) = true;
    return true;
}

/* --- periods ----------------------------------------------------------------------------------- */

unsigned lp_aggregate_slots(
    const struct lp_aggregate *a, bool timed, int64_t at, enum lp_taken *outside)
{
    unsigned mask = 0;
    for (int i = 0; i < a->s.slots; i++) {
        const struct lp_period *p = &a->s.period[i];
        bool open = p->since == INT64_MIN && p->until == INT64_MAX;
        if (timed ? at >= p->since && at < p->until : open)
            mask |= 1U << i;
    }
    *outside = timed ? LP_TAKEN_OUTSIDE : LP_TAKEN_UNTIMED;
    return mask;
}

void lp_aggregate_seen(struct lp_aggregate *a, bool timed, int64_t at)
{
    if (timed && at < a->first_at)
        a->first_at = at;
    if (timed && at > a->last_at)
        a->last_at = at;
}

/* --- metric, spend, revenue --------------------------------------------------------------------- */

/* When it was, where it says so. */
static int read_time(
    struct lp_rec *rec, bool *timed, int64_t *at, const char **field, struct lp_err *err)
{
    struct lp_str v;
    *timed = false;
    if (!lp_rec_filled(rec, "at"))
        return 0;
    *field = "at";
    if (!lp_rec_string(rec, "at", &v) || !lp_clock_parse(v, at))
        return bad(err, "bad_time", "not a time (RFC 3339): at");
    *timed = true;
    *field = NULL;
    return 0;
}

static struct lp_str text(struct lp_rec *rec, const char *member)
{
    struct lp_str s;
    return lp_rec_string(rec, member, &s) && s.n > 0 ? s : (struct lp_str){NULL, 0};
}

/* The group a record names; a metric is to name its channel, money may be the campaign's. */
static struct lp_group *named_group(struct lp_aggregate *a, struct lp_rec *rec, bool channel_too,
    const char **field, struct lp_err *err)
{
    struct lp_str campaign = text(rec, "campaign_id"), channel = text(rec, "channel");
    *field = campaign.p ? "channel" : "campaign_id";
    if (!campaign.p)
        return bad(err, "no_campaign", "no campaign_id that it could be counted for"), NULL;
    if (!channel.p && channel_too)
        return bad(err, "no_channel", "no channel that it could be counted for"), NULL;
    uint32_t its_channel = lp_aggregate_channel(a, channel, err);
    if (channel.p && !its_channel)
        return NULL;
    *field = "campaign_id";
    uint32_t its_campaign = lp_aggregate_campaign(a, campaign, err);
    struct lp_group *g =
        its_campaign ? lp_aggregate_group(a, its_campaign, its_channel, err) : NULL;
    if (g)
        *field = NULL;
    return g;
}

/* NULL: it is a counter, *n. */
static const char *wrong_counter(struct lp_str v, int64_t *n)
{
    if (!lp_json_int(v, n))
        return "no whole number";
    return *n < 0 ? "negative" : *n > MOST_EACH ? "too large" : NULL;
}

static int read_figures(
    struct lp_rec *rec, struct lp_figures *f, const char **field, struct lp_err *err)
{
    struct lp_str object, v;
    int64_t n;
    *f = (struct lp_figures){{0}};
    *field = "metrics";
    if (!lp_rec_get(rec, "metrics", &object) || lp_json_type(object) != LP_JSON_OBJECT)
        return bad(err, "bad_counter", "metrics is no object of counters");
    for (int i = 0; i < LP_FIGURES_STATED; i++) {
        if (!lp_json_get(object, figure_names[i], &v) || lp_json_type(v) == LP_JSON_NULL)
            continue;
        const char *wrong = wrong_counter(v, &n);
        if (wrong) {
            lp_err_set(
                err, LP_ERR_RECORD, "bad_counter", "metrics.%s is %s", figure_names[i], wrong);
            lp_err_hint(err, "counters are whole numbers from 0 to 9007199254740992");
            return -1;
        }
        f->n[i] = (uint64_t)n;
    }
    *field = NULL;
    return 0;
}

/* One title a campaign: some say another one each time, and memory grows with campaigns only. */
static void set_title(struct lp_campaign *c, struct lp_str title)
{
    if (c->title.p && lp_str_eq(c->title, title))
        return;
    free((char *)c->title.p);
    c->title = (struct lp_str){lp_strndup(title.p, title.n), title.n};
}

static enum lp_taken take_metric(
    struct lp_aggregate *a, struct lp_rec *rec, const char **field, struct lp_err *err)
{
    struct lp_figures f;
    bool timed;
    int64_t at = 0;
    enum lp_taken outside;
    if (read_time(rec, &timed, &at, field, err) < 0 || read_figures(rec, &f, field, err) < 0)
        return LP_TAKEN_BAD;
    unsigned mask = lp_aggregate_slots(a, timed, at, &outside);
    struct lp_str title = text(rec, "campaign_name");
    *field = "campaign_name";
    if (title.n > LP_AGGREGATE_NAME)
        return bad(err, "bad_name", "a name of more than 512 bytes"), LP_TAKEN_BAD;
    *field = NULL;
    if (!mask)
        return outside;
    struct lp_group *g = named_group(a, rec, true, field, err);
    if (!g)
        return LP_TAKEN_BAD;
    for (int i = 0; i < a->s.slots; i++) {
        if (!(mask & 1U << i))
            continue;
        g->stated[i] = true;
        lp_figures_add(&g->by_metric[i], &f);
    }
    if (title.p)
        set_title(&a->campaign[g->campaign], title);
    if (mask & 1U << LP_SLOT_ALL) {
        lp_aggregate_seen(a, timed, at);
        int day = timed ? lp_aggregate_day(at) : LP_DAY_UNDATED;
        for (int i = 0; i <= LP_CONVERSIONS; i++)
            lp_aggregate_on_day(a, day, (enum lp_figure)i, f.n[i]);
    }
    return LP_TAKEN;
}

static bool read_currency(struct lp_rec *rec, char code[4])
{
    struct lp_str v = text(rec, "currency");
    if (v.n != 3)
        return false;
    for (size_t i = 0; i < 3; i++) {
        code[i] = (char)(v.p[i] & ~0x20);
        if (code[i] < 'A' || code[i] > 'Z' || (unsigned char)v.p[i] > 'z')
            return false;
    }
    code[3] = '\0';
    return true;
}

static enum lp_taken take_money(
    struct lp_aggregate *a, struct lp_rec *rec, bool earned, const char **field, struct lp_err *err)
{
    struct lp_str v;
    double amount;
    char currency[4];
    bool timed;
    int64_t at = 0;
    enum lp_taken outside;
    *field = "amount";
    if (!lp_rec_get(rec, "amount", &v) || lp_json_type(v) != LP_JSON_NUMBER ||
        !lp_json_real(v, &amount) || !(amount >= 0 && amount <= MOST))
        return bad(err, "bad_amount", "amount is no number from 0 to 1000000000000"), LP_TAKEN_BAD;
    *field = "currency";
    if (!read_currency(rec, currency))
        return bad(err, "bad_currency", "currency is no code of three letters"), LP_TAKEN_BAD;
    if (read_time(rec, &timed, &at, field, err) < 0)
        return LP_TAKEN_BAD;
    *field = NULL;
    if (!(lp_aggregate_slots(a, timed, at, &outside) & 1U << LP_SLOT_ALL))
        return outside;
    struct lp_group *g = named_group(a, rec, false, field, err);
    if (!g)
        return LP_TAKEN_BAD;
    *field = "amount";
    uint32_t its_currency = lp_names_number(&a->currencies, lp_str(currency));
    int64_t units = llround(amount * LP_MONEY_UNIT);
    /* Where the sum of all can be counted, the sum of any can. */
    if (!lp_purse_add(&a->money, its_currency, earned, units))
        return bad(err, "bad_amount", "the sum is beyond what can be counted"), LP_TAKEN_BAD;
    lp_purse_add(&g->purse, its_currency, earned, units);
    *field = NULL;
    lp_aggregate_seen(a, timed, at);
    return LP_TAKEN;
}

enum lp_taken lp_aggregate_take(
    struct lp_aggregate *a, struct lp_rec *rec, const char **field, struct lp_err *err)
{
    enum lp_report_kind kind = lp_report_kind(rec);
    *field = NULL;
    a->records++;
    a->by_kind[kind]++;
    switch (kind) {
    case LP_KIND_CONTACT: return lp_people_contact(a, rec, field, err);
    case LP_KIND_JOB:
    case LP_KIND_REPLY:
    case LP_KIND_EVENT: return lp_people_event(a, rec, err);
    case LP_KIND_METRIC: return take_metric(a, rec, field, err);
    case LP_KIND_SPEND: return take_money(a, rec, false, field, err);
    case LP_KIND_REVENUE: return take_money(a, rec, true, field, err);
    default: return LP_TAKEN_OTHER;
    }
}

int lp_aggregate_finish(struct lp_aggregate *a, struct lp_err *err)
{
    return lp_people_finish(a, err);
}
