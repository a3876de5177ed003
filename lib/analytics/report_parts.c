/* report_parts - the funnel, the contacts, the time line and the comparison that was asked for */
#include "report_parts.h"

#include "leadpipe/clock.h"
#include "leadpipe/contact.h"
#include "leadpipe/json.h"

#define DAY_MS  INT64_C(86400000)
#define BUCKETS 62 /* more of a unit than this, and the next larger one is taken */

/* --- contacts ---------------------------------------------------------------------------------- */

static const char *status_name(int s)
{
    return s == LP_STATUS_ODD ? "other" : lp_contact_status_name((enum lp_contact_status)s);
}

void lp_report_funnel(struct lp_buf *b, const struct lp_aggregate *a)
{
    const uint64_t *at = a->contacts.by_status;
    uint64_t reached[LP_CONTACT_DISQUALIFIED] = {0};
    for (int i = LP_CONTACT_CONVERTED; i >= 0; i--)
        reached[i] = at[i] + (i < LP_CONTACT_CONVERTED ? reached[i + 1] : 0);
    lp_json_key(b, "funnel");
    LP_BUF_LIT(b, "{\"steps\":[");
    for (int i = 0; i < LP_CONTACT_DISQUALIFIED; i++) {
        lp_report_next(b);
        lp_buf_byte(b, '{');
        lp_json_put_str(b, "status", lp_str(status_name(i)));
        lp_json_put_int(b, "contacts", (int64_t)at[i]);
        lp_json_put_int(b, "reached", (int64_t)reached[i]);
        lp_report_rate(b, "of_previous", reached[i], reached[i ? i - 1 : 0]);
        lp_report_rate(b, "of_first", reached[i], reached[0]);
        lp_buf_byte(b, '}');
    }
    lp_buf_byte(b, ']');
    lp_json_put_int(b, "disqualified", (int64_t)at[LP_CONTACT_DISQUALIFIED]);
    lp_json_put_int(b, "other", (int64_t)at[LP_STATUS_ODD]);
    lp_buf_byte(b, '}');
}

/* Members that are always there, null where nothing is known. */
static void put_about(struct lp_buf *b, struct lp_str about)
{
    static const char *const members[] = {"first_name", "last_name", "company"};
    struct lp_str v;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        lp_json_put_raw(b, members[i], lp_json_get(about, members[i], &v) ? v : LP_STR("null"));
}

static void put_top(struct lp_buf *b, const struct lp_aggregate *a)
{
    lp_json_key(b, "top");
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < a->contacts.top_n; i++) {
        const struct lp_top_contact *c = &a->contacts.top[i];
        lp_report_next(b);
        lp_buf_byte(b, '{');
        lp_json_put_int(b, "rank", (int64_t)i + 1);
        lp_json_put_str(b, "email", lp_str(c->email));
        put_about(b, lp_str(c->about));
        lp_json_put_num(b, "ltv", (double)c->ltv / LP_SCORE_UNIT, 9);
        lp_json_put_str(b, "tier", lp_str(lp_score_tier_name(c->tier)));
        lp_json_put_str(b, "status", lp_str(status_name((int)c->status)));
        lp_buf_byte(b, '}');
    }
    lp_buf_byte(b, ']');
}

void lp_report_contacts(struct lp_buf *b, const struct lp_aggregate *a)
{
    lp_json_key(b, "contacts");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "total", (int64_t)a->contacts.total);
    lp_json_put_int(b, "scored", (int64_t)a->contacts.scored);
    lp_json_put_int(b, "capped", (int64_t)a->contacts.capped);
    lp_json_key(b, "by_status");
    lp_buf_byte(b, '{');
    for (int i = 0; i < LP_STATUSES; i++)
        lp_json_put_int(b, status_name(i), (int64_t)a->contacts.by_status[i]);
    lp_buf_byte(b, '}');
    lp_json_key(b, "by_tier");
    lp_buf_byte(b, '{');
    for (int t = 0; t < LP_SCORE_TIERS; t++)
        lp_json_put_int(
            b, lp_score_tier_name((enum lp_score_tier)t), (int64_t)a->contacts.by_tier[t]);
    lp_buf_byte(b, '}');
    put_top(b, a);
    lp_buf_byte(b, '}');
}

/* --- the time line ----------------------------------------------------------------------------- */

enum unit { DAYS, WEEKS, MONTHS, YEARS };

/* The first day of what the day belongs to. */
static int begin_of(enum unit unit, int day)
{
    struct lp_buf b = {0};
    int64_t first = (int64_t)day * DAY_MS;
    if (unit == DAYS)
        return day;
    if (unit == WEEKS) /* the first of January 1970 was a Thursday, weeks begin on Monday */
        return day - (day + 3) % 7;
    lp_clock_put(&b, first);
    memcpy(b.p + (unit == MONTHS ? 8 : 5), unit == MONTHS ? "01" : "01-01", unit == MONTHS ? 2 : 5);
    lp_clock_parse((struct lp_str){b.p, 10}, &first);
    lp_buf_free(&b);
    return (int)(first / DAY_MS);
}

static void put_day_figures(struct lp_buf *b, const struct lp_day *d)
{
    for (int f = 0; f <= LP_CONVERSIONS; f++)
        lp_json_put_int(b, lp_figure_name((enum lp_figure)f), (int64_t)d->n[f]);
}

static void put_bucket(struct lp_buf *b, int day, const struct lp_day *sum)
{
    struct lp_buf text = {0};
    lp_clock_put(&text, (int64_t)day * DAY_MS);
    lp_report_next(b);
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "from", (struct lp_str){text.p, 10});
    put_day_figures(b, sum);
    lp_buf_byte(b, '}');
    lp_buf_free(&text);
}

static void put_buckets(struct lp_buf *b, const struct lp_aggregate *a, enum unit unit)
{
    struct lp_day sum = {{0}};
    int begin = 0;
    for (int i = 0; i < a->days.n; i++) {
        int its = begin_of(unit, a->days.first + i);
        if (i > 0 && its != begin) {
            put_bucket(b, begin, &sum);
            sum = (struct lp_day){{0}};
        }
        begin = its;
        for (int f = 0; f <= LP_CONVERSIONS; f++)
            sum.n[f] += a->days.v[i].n[f];
    }
    if (a->days.n)
        put_bucket(b, begin, &sum);
}

void lp_report_timeline(struct lp_buf *b, const struct lp_aggregate *a)
{
    static const char *const names[] = {"day", "week", "month", "year"};
    static const int days[] = {1, 7, 30, 365};
    enum unit unit = DAYS;
    while (unit < YEARS && a->days.n / days[unit] >= BUCKETS)
        unit++;
    lp_json_key(b, "timeline");
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "unit", lp_str(names[unit]));
    lp_json_key(b, "buckets");
    lp_buf_byte(b, '[');
    put_buckets(b, a, unit);
    lp_buf_byte(b, ']');
    lp_json_key(b, "undated");
    lp_buf_byte(b, '{');
    put_day_figures(b, &a->days.undated);
    LP_BUF_LIT(b, "}}");
}

/* --- two campaigns, or two periods ------------------------------------------------------------- */

static void put_time(struct lp_buf *b, const char *name, int64_t at)
{
    struct lp_buf text = {0};
    if (at != INT64_MIN && at != INT64_MAX)
        lp_clock_put(&text, at);
    lp_report_text(b, name, (struct lp_str){text.p, text.len});
    lp_buf_free(&text);
}

static void add_up(
    struct lp_side *side, const struct lp_aggregate *a, enum lp_slot slot, uint32_t campaign)
{
    for (uint32_t i = 0; i < a->groups; i++) {
        const struct lp_group *g = &a->group[i];
        if (campaign && g->campaign != campaign)
            continue;
        side->happened |= g->happened[slot] || g->stated[slot];
        lp_figures_add(&side->f, lp_group_figures(g, slot));
    }
}

static void put_side(
    struct lp_buf *b, const char *name, const struct lp_side *side, const struct lp_period *period)
{
    lp_json_key(b, name);
    lp_buf_byte(b, '{');
    lp_report_text(b, "name", side->name);
    put_time(b, "since", period->since);
    put_time(b, "until", period->until);
    lp_json_put_bool(b, "found", side->happened);
    lp_report_figures(b, &side->f);
    lp_report_rates(b, &side->f, false);
    lp_buf_byte(b, '}');
}

void lp_report_compared(
    struct lp_buf *b, const struct lp_aggregate *a, const struct lp_report_facts *f)
{
    struct lp_side side[2] = {{.name = f->label[0]}, {.name = f->label[1]}};
    bool campaigns = f->compared == LP_COMPARED_CAMPAIGNS;
    lp_json_key(b, "compare");
    if (f->compared == LP_COMPARED_NOTHING) {
        LP_BUF_LIT(b, "null");
        return;
    }
    for (int i = 0; i < 2; i++) {
        uint32_t campaign = campaigns ? lp_names_find(&a->campaigns, side[i].name) : 0;
        if (!campaigns || campaign)
            add_up(&side[i], a, campaigns ? LP_SLOT_ALL : (enum lp_slot)(LP_SLOT_A + i), campaign);
    }
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "what", lp_str(campaigns ? "campaigns" : "periods"));
    put_side(b, "a", &side[0], &a->s.period[campaigns ? LP_SLOT_ALL : LP_SLOT_A]);
    put_side(b, "b", &side[1], &a->s.period[campaigns ? LP_SLOT_ALL : LP_SLOT_B]);
    lp_json_key(b, "tests");
    lp_buf_byte(b, '{');
    for (int r = 0; r < LP_RATES; r++)
        lp_report_test(b, lp_rate_defs[r].name, &side[0], &side[1], (enum lp_rate)r, 1);
    LP_BUF_LIT(b, "}}");
}
