/* report - see leadpipe/report.h */
#include "leadpipe/report.h"

#include <stdlib.h>

#include "leadpipe/clock.h"
#include "leadpipe/hash.h"
#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "report_parts.h"

#define DECIMALS 9

/* The groups in the order of the report, and what is added up on the way. */
struct view {
    const struct lp_aggregate *a;
    const struct lp_report_facts *f;
    const struct lp_group **group; /* by campaign, then by channel */
    size_t groups;
    struct lp_side *side; /* room for all channels of a campaign, or of all */
    struct lp_side *campaign;
    size_t campaigns, named;
    struct lp_side all;
    uint32_t currency; /* of the cost per contact */
    struct lp_steps *steps;
};

static struct lp_str campaign_id(const struct view *v, uint32_t number)
{
    return lp_names_text(&v->a->campaigns, number);
}

static bool is_shown(const struct lp_group *g)
{
    return g->stated[LP_SLOT_ALL] || g->happened[LP_SLOT_ALL] || g->purse.n > 0;
}

static int by_campaign(const void *x, const void *y, void *view)
{
    const struct lp_group *g = *(const struct lp_group *const *)x;
    const struct lp_group *h = *(const struct lp_group *const *)y;
    const struct view *v = view;
    if (g->campaign != h->campaign)
        return lp_names_order(campaign_id(v, g->campaign), campaign_id(v, h->campaign));
    return lp_names_order(
        lp_names_text(&v->a->channels, g->channel), lp_names_text(&v->a->channels, h->channel));
}

static int by_number(const void *x, const void *y, void *view)
{
    const struct view *v = view;
    return lp_names_order(
        campaign_id(v, *(const uint32_t *)x), campaign_id(v, *(const uint32_t *)y));
}

static void add_group(struct lp_side *side, const struct lp_group *g)
{
    lp_figures_add(&side->f, lp_group_figures(g, LP_SLOT_ALL));
    side->stated |= g->stated[LP_SLOT_ALL];
    side->happened |= g->happened[LP_SLOT_ALL] && !g->stated[LP_SLOT_ALL];
    lp_report_add_purse(&side->purse, &g->purse);
}

static void clear_sides(struct lp_side *side, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(side[i].purse.v);
}

/* --- a campaign -------------------------------------------------------------------------------- */

static void put_people(struct lp_buf *b, const struct lp_campaign *c, struct lp_spending *s)
{
    bool sent = c->sent.contacts > 0;
    s->contacts = sent ? c->sent.contacts : c->imported.contacts;
    s->valid = sent ? c->sent.valid : c->imported.valid;
    lp_json_key(b, "contacts");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "targeted", (int64_t)s->contacts);
    lp_report_text(b, "targeted_by",
        lp_str(sent                       ? "sent"
               : c->imported.contacts > 0 ? "imported"
                                          : NULL));
    lp_json_put_int(b, "valid", (int64_t)s->valid);
    lp_report_rate(b, "valid_share", s->valid, s->contacts);
    lp_json_put_int(b, "imported", (int64_t)c->imported.contacts);
    lp_json_put_int(b, "engaged", (int64_t)c->engaged);
    lp_json_put_int(b, "converted", (int64_t)c->converted);
    lp_buf_byte(b, '}');
}

/* Its groups begin at *at. What it cost joins what all cost. */
static void put_campaign(struct lp_buf *b, struct view *v, uint32_t number, size_t *at)
{
    const struct lp_campaign *c = &v->a->campaign[number];
    struct lp_side *total = &v->campaign[v->campaigns++];
    struct lp_spending s = {0};
    size_t n = 0;
    *total = (struct lp_side){.name = campaign_id(v, number)};
    for (; *at < v->groups && v->group[*at]->campaign == number; ++*at) {
        const struct lp_group *g = v->group[*at];
        add_group(total, g);
        if (!g->channel && !g->stated[LP_SLOT_ALL] && !g->happened[LP_SLOT_ALL])
            continue; /* money of the campaign as a whole */
        v->side[n] = (struct lp_side){.name = lp_names_text(&v->a->channels, g->channel)};
        add_group(&v->side[n++], g);
    }
    lp_figures_add(&v->all.f, &total->f);
    lp_report_next(b);
    lp_buf_byte(b, '{');
    lp_report_text(b, "campaign_id", total->name);
    lp_report_text(b, "campaign_name", c->title);
    lp_report_figures(b, &total->f);
    lp_report_rates(b, &total->f, false);
    put_people(b, c, &s);
    for (size_t i = 0; i < total->purse.n; i++)
        if (total->purse.v[i].spent)
            s.basis = "spend";
    if (v->currency &&
        lp_report_impute(&total->purse, v->currency, v->f->cost_per_contact, s.contacts))
        s.basis = "per_contact";
    s.conversions = total->f.n[LP_CONVERSIONS];
    lp_report_money(b, v->a, &total->purse, &s);
    lp_report_add_purse(&v->all.purse, &total->purse);
    struct lp_ranked ranked = lp_report_channels(b, v->a, v->side, n);
    lp_report_advise_campaign(v->steps, v->a, total, c->title, v->side, n, &ranked);
    clear_sides(v->side, n);
    lp_buf_byte(b, '}');
}

/* In the order of their names; those that were only heard of outside the period are not there. */
static void put_campaigns(struct lp_buf *b, struct view *v)
{
    const struct lp_aggregate *a = v->a;
    uint32_t *order = lp_alloc(a->campaigns.n * sizeof *order);
    size_t at = 0;
    for (uint32_t i = 0; i < a->campaigns.n; i++)
        order[i] = i;
    qsort_r(order, a->campaigns.n, sizeof *order, by_number, v);
    lp_json_key(b, "campaigns");
    lp_buf_byte(b, '[');
    for (uint32_t i = 0; i < a->campaigns.n; i++) {
        bool has = at < v->groups && v->group[at]->campaign == order[i];
        const struct lp_campaign *c = &a->campaign[order[i]];
        if (!has && !c->imported.contacts && !c->sent.contacts)
            continue;
        put_campaign(b, v, order[i], &at);
        v->named += order[i] != 0;
    }
    lp_buf_byte(b, ']');
    free(order);
}

/* --- all of them ------------------------------------------------------------------------------- */

/* The channels of all campaigns together. */
static void put_channels(struct lp_buf *b, struct view *v)
{
    uint32_t *place = lp_alloc(v->a->channels.n * sizeof *place); /* plus one */
    size_t n = 0;
    for (size_t i = 0; i < v->groups; i++) {
        const struct lp_group *g = v->group[i];
        if (!g->channel && !g->stated[LP_SLOT_ALL] && !g->happened[LP_SLOT_ALL])
            continue;
        if (!place[g->channel]) {
            v->side[n] = (struct lp_side){.name = lp_names_text(&v->a->channels, g->channel)};
            place[g->channel] = (uint32_t)++n;
        }
        add_group(&v->side[place[g->channel] - 1], g);
    }
    lp_report_channels(b, v->a, v->side, n);
    clear_sides(v->side, n);
    free(place);
}

static void put_named_value(
    struct lp_buf *b, const char *name, const struct lp_side *side, const struct lp_rate_def *r)
{
    lp_json_key(b, name);
    if (!side) {
        LP_BUF_LIT(b, "null");
        return;
    }
    lp_buf_byte(b, '{');
    lp_report_text(b, "campaign_id", side->name);
    lp_json_put_num(b, "value", (double)side->f.n[r->hits] / (double)side->f.n[r->of], DECIMALS);
    lp_buf_byte(b, '}');
}

/* Named campaigns that had occasion; they come in the order of their names, so ties go by it. */
static void put_comparison_of(struct lp_buf *b, const struct view *v, enum lp_rate rate)
{
    const struct lp_rate_def *r = &lp_rate_defs[rate];
    const struct lp_side *best = NULL, *worst = NULL;
    double sum = 0;
    uint64_t n = 0;
    for (size_t i = 0; i < v->campaigns; i++) {
        const struct lp_side *c = &v->campaign[i];
        if (!c->name.p || c->f.n[r->of] == 0)
            continue;
        sum += (double)c->f.n[r->hits] / (double)c->f.n[r->of];
        n++;
        if (!best || lp_report_by_rate(&c->f, &best->f, rate) < 0)
            best = c;
        if (!worst || lp_report_by_rate(&c->f, &worst->f, rate) >= 0)
            worst = c;
    }
    lp_json_key(b, r->name);
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "campaigns", (int64_t)n);
    lp_json_key(b, "mean");
    lp_num_put(b, n ? sum / (double)n : 0, DECIMALS);
    put_named_value(b, "best", best, r);
    put_named_value(b, "worst", worst, r);
    lp_report_test(b, "evidence", n > 1 ? best : NULL, worst, rate, n * (n - 1) / 2);
    lp_buf_byte(b, '}');
}

static void put_comparison(struct lp_buf *b, const struct view *v)
{
    lp_json_key(b, "comparison");
    lp_buf_byte(b, '{');
    for (int r = 0; r < LP_RATES; r++)
        put_comparison_of(b, v, (enum lp_rate)r);
    lp_buf_byte(b, '}');
}

static void put_summary(struct lp_buf *b, const struct view *v)
{
    struct lp_spending s = {.conversions = v->all.f.n[LP_CONVERSIONS]};
    lp_json_key(b, "summary");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "campaigns", (int64_t)v->named);
    lp_json_put_int(b, "contacts", (int64_t)v->a->contacts.total);
    lp_report_figures(b, &v->all.f);
    lp_report_rates(b, &v->all.f, true);
    lp_report_money(b, v->a, &v->all.purse, &s);
    lp_buf_byte(b, '}');
}

static void put_steps(struct lp_buf *b, struct view *v)
{
    lp_report_advise_all(v->steps, v->a, v->all.f.n[LP_SENDS]);
    lp_json_key(b, "next_steps");
    lp_buf_byte(b, '[');
    lp_buf_str(b, lp_buf_view(&v->steps->list));
    lp_buf_byte(b, ']');
}

/* --- the whole --------------------------------------------------------------------------------- */

static void put_time(struct lp_buf *b, const char *name, int64_t at, bool known)
{
    struct lp_buf text = {0};
    if (known)
        lp_clock_put(&text, at);
    lp_report_text(b, name, (struct lp_str){text.p, text.len});
    lp_buf_free(&text);
}

static void put_period(struct lp_buf *b, const struct lp_aggregate *a)
{
    const struct lp_period *p = &a->s.period[LP_SLOT_ALL];
    lp_json_key(b, "period");
    lp_buf_byte(b, '{');
    put_time(b, "since", p->since, p->since != INT64_MIN);
    put_time(b, "until", p->until, p->until != INT64_MAX);
    put_time(b, "first", a->first_at, a->first_at <= a->last_at);
    put_time(b, "last", a->last_at, a->first_at <= a->last_at);
    lp_buf_byte(b, '}');
}

static void put_settings(struct lp_buf *b, const struct view *v)
{
    lp_json_key(b, "settings");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "top", (int64_t)v->a->s.top);
    lp_json_key(b, "cost_per_contact");
    if (v->currency) {
        lp_buf_byte(b, '{');
        lp_json_put_num(b, "amount", v->f->cost_per_contact, DECIMALS);
        lp_json_put_str(b, "currency", lp_str(v->f->currency));
        lp_buf_byte(b, '}');
    } else {
        LP_BUF_LIT(b, "null");
    }
    lp_buf_byte(b, '}');
}

static void open_view(struct view *v)
{
    const struct lp_aggregate *a = v->a;
    v->group = lp_alloc((a->groups + 1) * sizeof *v->group);
    for (uint32_t i = 0; i < a->groups; i++)
        if (is_shown(&a->group[i]))
            v->group[v->groups++] = &a->group[i];
    qsort_r(v->group, v->groups, sizeof *v->group, by_campaign, v);
    v->side = lp_alloc((a->channels.n + 1) * sizeof *v->side);
    v->campaign = lp_alloc(a->campaigns.n * sizeof *v->campaign);
}

static void close_view(struct view *v)
{
    clear_sides(v->campaign, v->campaigns);
    clear_sides(&v->all, 1);
    free(v->group);
    free(v->side);
    free(v->campaign);
}

static void put_id(struct lp_buf *out, struct lp_str body)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t h = lp_hash64(body.p, body.n);
    LP_BUF_LIT(out, "{\"kind\":\"report\",\"report_version\":1,\"report_id\":\"rpt_");
    for (int i = 60; i >= 0; i -= 4)
        lp_buf_byte(out, hex[h >> i & 15]);
    LP_BUF_LIT(out, "\",");
}

void lp_report_put(struct lp_buf *out, struct lp_aggregate *a, const struct lp_report_facts *f)
{
    struct lp_steps steps = {.n = 0};
    struct view v = {.a = a, .f = f, .steps = &steps};
    struct lp_buf body = {0}, campaigns = {0}, *b = &body;
    if (f->cost_per_contact > 0)
        v.currency = lp_names_number(&a->currencies, lp_str(f->currency));
    open_view(&v);
    /* What doubts all figures is said first; and the summary adds up the campaigns. */
    lp_report_advise_rejects(&steps, f->input.rejects);
    put_campaigns(&campaigns, &v);
    put_time(b, "as_of", f->as_of, true);
    put_period(b, a);
    put_settings(b, &v);
    put_summary(b, &v);
    put_steps(b, &v);
    lp_report_funnel(b, a);
    lp_buf_byte(b, ',');
    lp_buf_str(b, lp_buf_view(&campaigns));
    put_channels(b, &v);
    put_comparison(b, &v);
    lp_report_compared(b, a, f);
    lp_report_contacts(b, a);
    lp_report_timeline(b, a);
    lp_json_put_raw(b, "providers", f->providers);
    lp_report_input(b, a, &f->input);
    lp_buf_byte(b, '}');
    put_id(out, lp_buf_view(b));
    lp_buf_str(out, lp_buf_view(b));
    close_view(&v);
    lp_buf_free(&steps.list);
    lp_buf_free(&steps.sentence);
    lp_buf_free(&campaigns);
    lp_buf_free(&body);
}
