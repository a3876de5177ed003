/* report_rates - rates with what they rest on, rankings, and whether two rates differ */
#include "report_parts.h"

#include <stdlib.h>

#include "leadpipe/json.h"

#define DECIMALS 9
#define LEVEL    0.05

const struct lp_rate_def lp_rate_defs[LP_RATES] = {
    {"ctr", "overall_ctr", LP_CLICKS, LP_IMPRESSIONS},
    {"engagement_rate", "overall_engagement_rate", LP_ENGAGEMENTS, LP_IMPRESSIONS},
    {"conversion_rate", "overall_conversion_rate", LP_CONVERSIONS, LP_CLICKS},
};

void lp_report_next(struct lp_buf *b)
{
    if (b->len > 0 && b->p[b->len - 1] != '[')
        lp_buf_byte(b, ',');
}

void lp_report_text(struct lp_buf *b, const char *name, struct lp_str s)
{
    if (s.p)
        lp_json_put_str(b, name, s);
    else
        lp_json_put_raw(b, name, LP_STR("null"));
}

void lp_report_figures(struct lp_buf *b, const struct lp_figures *f)
{
    for (int i = 0; i < LP_FIGURES; i++)
        lp_json_put_int(b, lp_figure_name((enum lp_figure)i), (int64_t)f->n[i]);
}

static double value_of(uint64_t hits, uint64_t of)
{
    return of ? (double)hits / (double)of : 0;
}

void lp_report_rate(struct lp_buf *b, const char *name, uint64_t hits, uint64_t of)
{
    struct lp_interval in;
    lp_json_key(b, name);
    lp_buf_byte(b, '{');
    lp_json_put_num(b, "value", value_of(hits, of), DECIMALS);
    lp_json_put_int(b, "numerator", (int64_t)hits);
    lp_json_put_int(b, "denominator", (int64_t)of);
    if (lp_statistics_wilson(hits, of, &in)) {
        lp_json_put_num(b, "low", in.low, DECIMALS);
        lp_json_put_num(b, "high", in.high, DECIMALS);
    } else {
        LP_BUF_LIT(b, ",\"low\":null,\"high\":null");
    }
    lp_buf_byte(b, '}');
}

void lp_report_rates(struct lp_buf *b, const struct lp_figures *f, bool overall)
{
    for (int i = 0; i < LP_RATES; i++) {
        const struct lp_rate_def *r = &lp_rate_defs[i];
        lp_report_rate(b, overall ? r->overall : r->name, f->n[r->hits], f->n[r->of]);
    }
}

int lp_report_by_rate(const struct lp_figures *a, const struct lp_figures *b, enum lp_rate rate)
{
    const struct lp_rate_def *r = &lp_rate_defs[rate];
    uint64_t of_a = a->n[r->of], of_b = b->n[r->of];
    /* Without occasion the rate is 0. */
    unsigned __int128 x = of_a ? (unsigned __int128)a->n[r->hits] * (of_b ? of_b : 1) : 0;
    unsigned __int128 y = of_b ? (unsigned __int128)b->n[r->hits] * (of_a ? of_a : 1) : 0;
    return x > y ? -1 : x < y;
}

static enum lp_verdict_of verdict(const struct lp_rates_compared *c, uint64_t pairs)
{
    if (!c->enough)
        return LP_VERDICT_NONE;
    /* The extremes of many differ by chance more often than two do (Bonferroni). */
    return c->p * (double)pairs < LEVEL ? LP_VERDICT_DIFFERENT : LP_VERDICT_SAME;
}

static void put_test(struct lp_buf *b, const struct lp_rates_compared *c, enum lp_verdict_of v)
{
    static const char *const words[] = {"not enough data", "no difference shown", "different"};
    lp_json_put_num(b, "difference", c->difference, DECIMALS);
    if (c->enough) {
        lp_json_put_num(b, "z", c->z, DECIMALS);
        lp_json_put_num(b, "p", c->p, DECIMALS);
    } else {
        LP_BUF_LIT(b, ",\"z\":null,\"p\":null");
    }
    lp_json_put_str(b, "verdict", lp_str(words[v]));
    if (c->equal)
        LP_BUF_LIT(b, ",\"needed_per_group\":null");
    else
        lp_json_put_num(b, "needed_per_group", (double)c->needed, 0);
}

static void put_says(struct lp_buf *b, struct lp_str one, struct lp_str other,
    const struct lp_rates_compared *c, enum lp_verdict_of v)
{
    struct lp_buf says = {0};
    lp_report_say_test(&says, one, other, c, v == LP_VERDICT_DIFFERENT);
    lp_json_put_str(b, "says", lp_buf_view(&says));
    lp_buf_free(&says);
}

enum lp_verdict_of lp_report_test(struct lp_buf *b, const char *name, const struct lp_side *one,
    const struct lp_side *other, enum lp_rate rate, uint64_t pairs)
{
    const struct lp_rate_def *r = &lp_rate_defs[rate];
    struct lp_rates_compared c;
    enum lp_verdict_of v = LP_VERDICT_NONE;
    lp_json_key(b, name);
    if (!one || !other) {
        LP_BUF_LIT(b, "null");
        return v;
    }
    lp_buf_byte(b, '{');
    lp_report_text(b, "a", one->name);
    lp_report_text(b, "b", other->name);
    lp_json_put_str(b, "rate", lp_str(r->name));
    bool sound = lp_statistics_compare(
        one->f.n[r->hits], one->f.n[r->of], other->f.n[r->hits], other->f.n[r->of], pairs, &c);
    if (sound)
        put_test(b, &c, v = verdict(&c, pairs));
    else
        LP_BUF_LIT(b, ",\"difference\":null,\"z\":null,\"p\":null,"
                      "\"verdict\":\"not enough data\",\"needed_per_group\":null");
    lp_json_put_int(b, "picked_from_pairs", (int64_t)pairs);
    put_says(b, one->name, other->name, sound ? &c : NULL, v);
    lp_buf_byte(b, '}');
    return v;
}

static int by_engagement(const void *a, const void *b)
{
    const struct lp_side *x = a, *y = b;
    int order = lp_report_by_rate(&x->f, &y->f, LP_ENGAGEMENT_RATE);
    return order ? order : lp_names_order(x->name, y->name);
}

static void put_channel(
    struct lp_buf *b, const struct lp_aggregate *a, const struct lp_side *side, size_t rank)
{
    static const char *const sources[] = {NULL, "events", "metrics", "metrics and events"};
    const char *source = sources[side->stated * 2 + side->happened];
    struct lp_spending s = {.conversions = side->f.n[LP_CONVERSIONS]};
    for (size_t i = 0; i < side->purse.n; i++)
        if (side->purse.v[i].spent)
            s.basis = "spend";
    lp_report_next(b);
    lp_buf_byte(b, '{');
    lp_report_text(b, "channel", side->name);
    lp_json_put_int(b, "rank", (int64_t)rank);
    lp_report_text(b, "source", lp_str(source));
    lp_report_figures(b, &side->f);
    lp_report_rates(b, &side->f, false);
    lp_report_money(b, a, &side->purse, &s);
    lp_buf_byte(b, '}');
}

struct lp_ranked lp_report_channels(
    struct lp_buf *b, const struct lp_aggregate *a, struct lp_side *side, size_t n)
{
    struct lp_ranked r = {0};
    uint64_t rated = 0;
    if (n > 1)
        qsort(side, n, sizeof *side, by_engagement);
    for (size_t i = 0; i < n; i++) {
        if (side[i].f.n[LP_IMPRESSIONS] == 0)
            continue; /* shown to nobody, it is neither */
        r.best = r.best ? r.best : &side[i];
        r.worst = &side[i];
        rated++;
    }
    lp_report_text(b, "best_channel", r.best ? r.best->name : lp_str(NULL));
    lp_report_text(b, "worst_channel", r.worst ? r.worst->name : lp_str(NULL));
    r.verdict = lp_report_test(b, "channel_evidence", rated > 1 ? r.best : NULL, r.worst,
        LP_ENGAGEMENT_RATE, rated * (rated - 1) / 2);
    lp_json_key(b, "channels");
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < n; i++)
        put_channel(b, a, &side[i], i + 1);
    lp_buf_byte(b, ']');
    return r;
}
