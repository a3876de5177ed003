/*
 * report_parts - what the files of report share and nobody else needs
 *
 * Owns: struct lp_side owns its purse
 * Units: as in leadpipe/report.h
 * Errors: none
 */
#ifndef LEADPIPE_ANALYTICS_REPORT_PARTS_H
#define LEADPIPE_ANALYTICS_REPORT_PARTS_H

#include "leadpipe/contact.h"
#include "leadpipe/report.h"
#include "leadpipe/statistics.h"

#define LP_VERIFIED_STATUS LP_CONTACT_VERIFIED

/* The rates a campaign, a channel or all of them together have. */
enum lp_rate { LP_CTR, LP_ENGAGEMENT_RATE, LP_CONVERSION_RATE, LP_RATES };
struct lp_rate_def {
    const char *name, *overall; /* as a member, and in the summary */
    enum lp_figure hits, of;
};
extern const struct lp_rate_def lp_rate_defs[LP_RATES];

/* Something with a name that has figures: a channel, a campaign, a side of a comparison. */
struct lp_side {
    struct lp_str name; /* p == NULL: not said */
    struct lp_figures f;
    struct lp_purse purse;
    bool stated, happened;
};

/* Begins the next element of an array: a comma, unless it is the first. */
void lp_report_next(struct lp_buf *b);
void lp_report_text(struct lp_buf *b, const char *name, struct lp_str s); /* null where absent */
void lp_report_figures(struct lp_buf *b, const struct lp_figures *f);
/* {value, numerator, denominator, low, high} */
void lp_report_rate(struct lp_buf *b, const char *name, uint64_t hits, uint64_t of);
void lp_report_rates(struct lp_buf *b, const struct lp_figures *f, bool overall);
/* -1 where a's rate is above b's, 1 where it is below; exact. */
int lp_report_by_rate(const struct lp_figures *a, const struct lp_figures *b, enum lp_rate rate);
enum lp_verdict_of { LP_VERDICT_NONE, LP_VERDICT_SAME, LP_VERDICT_DIFFERENT };
/* The test of two rates; `pairs`: how many pairs these two were picked from as the extremes. */
enum lp_verdict_of lp_report_test(struct lp_buf *b, const char *name, const struct lp_side *one,
    const struct lp_side *other, enum lp_rate rate, uint64_t pairs);

/* The channels that had occasion, from the best to the worst. */
struct lp_ranked {
    const struct lp_side *best, *worst;
    enum lp_verdict_of verdict; /* on these two */
};
/* Members best_channel, worst_channel, channel_evidence and channels: ranked. */
struct lp_ranked lp_report_channels(
    struct lp_buf *b, const struct lp_aggregate *a, struct lp_side *side, size_t n);

/* The result of a test as a sentence; c: NULL where there could be none. */
void lp_report_say_test(struct lp_buf *b, struct lp_str one, struct lp_str other,
    const struct lp_rates_compared *c, bool different);

/* What to do next: sentences, as elements of an array. */
struct lp_steps {
    struct lp_buf list, sentence;
    unsigned n;
};
void lp_report_step(struct lp_steps *to); /* ends the sentence */
void lp_report_advise_campaign(struct lp_steps *to, const struct lp_aggregate *a,
    const struct lp_side *campaign, struct lp_str title, const struct lp_side *channel, size_t n,
    const struct lp_ranked *ranked);
void lp_report_advise_rejects(struct lp_steps *to, uint64_t rejects);
void lp_report_advise_all(struct lp_steps *to, const struct lp_aggregate *a, uint64_t sent);
/* Member input. */
void lp_report_input(
    struct lp_buf *b, const struct lp_aggregate *a, const struct lp_report_input *in);

struct lp_spending {
    uint64_t conversions, contacts, valid; /* what costs are divided by; 0: null */
    const char *basis;                     /* spend, per_contact, or NULL */
};
/* Members of money, from cost to amounts. */
void lp_report_money(struct lp_buf *b, const struct lp_aggregate *a, const struct lp_purse *p,
    const struct lp_spending *s);
void lp_report_add_purse(struct lp_purse *to, const struct lp_purse *from);
/* Without a spend: contacts times the cost of one. True if it was added. */
bool lp_report_impute(struct lp_purse *p, uint32_t currency, double each, uint64_t contacts);

/* Members compare and timeline. */
void lp_report_compared(
    struct lp_buf *b, const struct lp_aggregate *a, const struct lp_report_facts *f);
void lp_report_timeline(struct lp_buf *b, const struct lp_aggregate *a);
/* Members funnel and contacts. */
void lp_report_funnel(struct lp_buf *b, const struct lp_aggregate *a);
void lp_report_contacts(struct lp_buf *b, const struct lp_aggregate *a);

#endif
