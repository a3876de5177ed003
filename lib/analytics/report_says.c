/* report_says - what the figures mean, in sentences: tests, what was left out, what to do next
 *
 * They stand in the report itself, so that every layout says the same. Names in them are as they came;
 * a layout escapes them as it does any other text. */
#include "report_parts.h"

#include <stdio.h>

#include "leadpipe/json.h"

#define BOUNCES_MOST  0.02 /* mail vendors think ill of more */
#define BOUNCES_LEAST 3    /* fewer are no pattern */
#define IDLE_LEAST    0.2
#define STEPS_MOST    20
#define TINY_P        0.001

/* --- numbers in text --------------------------------------------------------------------------- */

static void say_count(struct lp_buf *b, double n)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.0f", n);
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            lp_buf_byte(b, ',');
        lp_buf_byte(b, digits[i]);
    }
}

static void say_many(struct lp_buf *b, uint64_t n, const char *one, const char *many)
{
    say_count(b, (double)n);
    lp_buf_byte(b, ' ');
    lp_buf_puts(b, n == 1 ? one : many);
}

/* Three digits that count. */
static void say_percent(struct lp_buf *b, double v)
{
    double p = v * 100;
    lp_buf_printf(b, "%.*f %%", p == 0 || p >= 99.95 ? 0 : p >= 9.995 ? 1 : 2, p);
}

static void say_name(struct lp_buf *b, struct lp_str name)
{
    lp_buf_str(b, name.p ? name : LP_STR("(none)"));
}

/* --- tests ------------------------------------------------------------------------------------- */

static void say_p(struct lp_buf *b, double p)
{
    if (p < TINY_P)
        LP_BUF_LIT(b, " (p < 0.001)");
    else
        lp_buf_printf(b, " (p = %.3f)", p);
}

static void say_two(struct lp_buf *b, const char *before, struct lp_str one, const char *between,
    struct lp_str other)
{
    lp_buf_puts(b, before);
    say_name(b, one);
    lp_buf_puts(b, between);
    say_name(b, other);
}

void lp_report_say_test(struct lp_buf *b, struct lp_str one, struct lp_str other,
    const struct lp_rates_compared *c, bool different)
{
    if (!c) {
        say_two(b, "not enough data to tell ", one, " from ", other);
        return;
    }
    if (different) {
        bool first = c->difference > 0;
        say_two(b, "", first ? one : other, " is ahead of ", first ? other : one);
        say_p(b, c->p);
        return;
    }
    if (c->enough) {
        say_two(b, "no difference shown between ", one, " and ", other);
        say_p(b, c->p);
    } else {
        say_two(b, "not enough data to tell ", one, " from ", other);
    }
    if (!c->equal) {
        LP_BUF_LIT(b, ": seeing a difference this large takes about ");
        say_count(b, (double)c->needed);
        LP_BUF_LIT(b, " of each");
    }
}

/* --- what was left out ------------------------------------------------------------------------- */

static void put_sentence(struct lp_buf *b, struct lp_buf *sentence)
{
    lp_report_next(b);
    lp_json_put(b, lp_buf_view(sentence));
    lp_buf_reset(sentence);
}

static void say_rejects(struct lp_buf *s, const struct lp_report_input *in)
{
    const char *before = ": ";
    say_many(s, in->rejects, "record was rejected", "records were rejected");
    for (size_t i = 0; i < in->codes; i++) {
        lp_buf_printf(s, "%s%s ", before, in->code[i].code);
        say_count(s, (double)in->code[i].n);
        before = ", ";
    }
}

static void put_left_out_says(struct lp_buf *b, const struct lp_report_input *in)
{
    const struct {
        uint64_t n;
        const char *one, *many;
    } plain[] = {
        {in->repeated, "record told again of what was known",
            "records told again of what was known"},
        {in->outside, "record lies outside the period", "records lie outside the period"},
        {in->untimed, "record does not say when it was", "records do not say when it was"},
        {in->other, "record holds nothing that is counted here",
            "records hold nothing that is counted here"},
        {in->reports, "finished report among the records", "finished reports among the records"},
    };
    struct lp_buf s = {0};
    lp_json_key(b, "says");
    lp_buf_byte(b, '[');
    if (!in->complete) {
        LP_BUF_LIT(&s, "the run was stopped before the end of its input");
        put_sentence(b, &s);
    }
    if (in->rejects) {
        say_rejects(&s, in);
        put_sentence(b, &s);
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (!plain[i].n)
            continue;
        say_many(&s, plain[i].n, plain[i].one, plain[i].many);
        put_sentence(b, &s);
    }
    lp_buf_byte(b, ']');
    lp_buf_free(&s);
}

static void put_codes(struct lp_buf *b, const struct lp_report_input *in)
{
    lp_json_key(b, "rejects_by_code");
    lp_buf_byte(b, '{');
    for (size_t i = 0; i < in->codes; i++)
        lp_json_put_int(b, in->code[i].code, (int64_t)in->code[i].n);
    lp_buf_byte(b, '}');
}

void lp_report_input(
    struct lp_buf *b, const struct lp_aggregate *a, const struct lp_report_input *in)
{
    lp_json_key(b, "input");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "records", (int64_t)in->records);
    lp_json_put_int(b, "counted", (int64_t)in->counted);
    lp_json_put_bool(b, "complete", in->complete);
    lp_json_key(b, "by_kind");
    lp_buf_byte(b, '{');
    for (int k = 0; k < LP_KINDS; k++)
        if (k != LP_KIND_REPORT)
            lp_json_put_int(b, lp_report_kind_name((enum lp_report_kind)k), (int64_t)a->by_kind[k]);
    lp_buf_byte(b, '}');
    lp_json_key(b, "left_out");
    lp_buf_byte(b, '{');
    lp_json_put_int(b, "rejects", (int64_t)in->rejects);
    lp_json_put_int(b, "outside_period", (int64_t)in->outside);
    lp_json_put_int(b, "untimed", (int64_t)in->untimed);
    lp_json_put_int(b, "repeated", (int64_t)in->repeated);
    lp_json_put_int(b, "not_counted", (int64_t)in->other);
    lp_json_put_int(b, "reports", (int64_t)in->reports);
    lp_buf_byte(b, '}');
    put_codes(b, in);
    put_left_out_says(b, in);
    lp_buf_byte(b, '}');
}

/* --- what to do next: only what the figures bear out -------------------------------------------- */

static void advise_bounces(struct lp_steps *to, struct lp_str campaign, const struct lp_side *side)
{
    uint64_t sent = side->f.n[LP_SENDS], bounces = side->f.n[LP_BOUNCES];
    struct lp_buf *s = &to->sentence;
    if (bounces < BOUNCES_LEAST || sent < bounces || (double)bounces <= BOUNCES_MOST * (double)sent)
        return;
    say_name(s, campaign);
    LP_BUF_LIT(s, ": ");
    say_count(s, (double)bounces);
    LP_BUF_LIT(s, " of ");
    say_count(s, (double)sent);
    LP_BUF_LIT(s, " mails bounced (");
    say_percent(s, (double)bounces / (double)sent);
    LP_BUF_LIT(s, "); over 2 % harms delivery, so verify the addresses before the next sending.");
    lp_report_step(to);
}

static void say_engagement(struct lp_buf *s, const struct lp_side *side)
{
    say_name(s, side->name);
    LP_BUF_LIT(s, " engages ");
    say_percent(s, (double)side->f.n[LP_ENGAGEMENTS] / (double)side->f.n[LP_IMPRESSIONS]);
}

static void advise_channels(struct lp_steps *to, struct lp_str campaign, const struct lp_ranked *r)
{
    struct lp_buf *s = &to->sentence;
    if (!r->best || r->best == r->worst || r->verdict == LP_VERDICT_SAME)
        return;
    say_name(s, campaign);
    LP_BUF_LIT(s, ": ");
    if (r->verdict == LP_VERDICT_DIFFERENT) {
        say_engagement(s, r->best);
        LP_BUF_LIT(s, ", ");
        say_engagement(s, r->worst);
        LP_BUF_LIT(s, "; move effort to ");
        say_name(s, r->best->name);
    } else {
        say_two(s, "not enough data to tell ", r->best->name, " from ", r->worst->name);
        LP_BUF_LIT(s, "; do not choose between them yet");
    }
    LP_BUF_LIT(s, ".");
    lp_report_step(to);
}

static void advise_loss(struct lp_steps *to, struct lp_str campaign, const struct lp_aggregate *a,
    const struct lp_purse *p)
{
    const struct lp_money *m = p->v;
    struct lp_buf *s = &to->sentence;
    if (p->n != 1 || !m->spent || !m->earned || m->revenue >= m->cost)
        return;
    say_name(s, campaign);
    lp_buf_printf(s, ": it cost %.2f ", (double)m->cost / LP_MONEY_UNIT);
    lp_buf_str(s, lp_names_text(&a->currencies, m->currency));
    lp_buf_printf(
        s, " and brought %.2f; look at its dearest channel.", (double)m->revenue / LP_MONEY_UNIT);
    lp_report_step(to);
}

void lp_report_advise_campaign(struct lp_steps *to, const struct lp_aggregate *a,
    const struct lp_side *campaign, struct lp_str title, const struct lp_side *channel, size_t n,
    const struct lp_ranked *ranked)
{
    struct lp_str name = title.p ? title : campaign->name;
    for (size_t i = 0; i < n; i++)
        advise_bounces(to, name, &channel[i]);
    advise_loss(to, name, a, &campaign->purse);
    advise_channels(to, name, ranked);
}

void lp_report_advise_rejects(struct lp_steps *to, uint64_t rejects)
{
    struct lp_buf *s = &to->sentence;
    if (!rejects)
        return;
    LP_BUF_LIT(s, "Mend the ");
    say_many(s, rejects, "record that was rejected, for", "records that were rejected, for");
    LP_BUF_LIT(s, " these figures are short of what they say.");
    lp_report_step(to);
}

void lp_report_advise_all(struct lp_steps *to, const struct lp_aggregate *a, uint64_t sent)
{
    uint64_t verified = a->contacts.by_status[LP_VERIFIED_STATUS], total = a->contacts.total;
    struct lp_buf *s = &to->sentence;
    if (sent && verified && (double)verified > IDLE_LEAST * (double)total) {
        say_many(s, verified, "contact is", "contacts are");
        LP_BUF_LIT(s, " verified and not engaged yet; they are the next to write to.");
        lp_report_step(to);
    }
}

void lp_report_step(struct lp_steps *to)
{
    if (to->n++ < STEPS_MOST)
        put_sentence(&to->list, &to->sentence);
    lp_buf_reset(&to->sentence);
}
