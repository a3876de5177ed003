/*
 * score - a contact's engagement score, its tier, and the terms it is made of
 *
 * Owns: nothing
 * Units: rates 0..1, points and ltv 0..100; points, weights and tiers are kept in billionths, so
 *        that what is printed adds up
 * Errors: LP_ERR_USAGE or LP_ERR_CONFIG naming the setting
 * Source: spec/analytics.md "Formulas"
 *
 *     ltv = 100 * (w1 * engagement rate + w2 * conversion rate + w3 * conversions normalised)
 *
 * With a half-life the numerators are the decayed counts, the denominators stay: a contact of whom
 * nothing more is heard loses half of its score in a half-life.
 */
#ifndef LEADPIPE_SCORE_H
#define LEADPIPE_SCORE_H

#include "leadpipe/buf.h"
#include "leadpipe/counters.h"
#include "leadpipe/err.h"

#define LP_SCORE_UNIT 1000000000 /* of 1, and of a point */

enum lp_score_term { LP_SCORE_ENGAGEMENT, LP_SCORE_CONVERSION, LP_SCORE_VOLUME, LP_SCORE_TERMS };
enum lp_score_tier {
    LP_SCORE_HIGH,
    LP_SCORE_MEDIUM,
    LP_SCORE_LOW,
    LP_SCORE_INACTIVE,
    LP_SCORE_TIERS
};

struct lp_score_settings {
    int64_t weight[LP_SCORE_TERMS];  /* add up to LP_SCORE_UNIT */
    int64_t tier[LP_SCORE_INACTIVE]; /* lower bounds, falling */
    double cap;                      /* conversions that count as 1 */
    double half_life_days;           /* 0: off */
};

struct lp_score {
    double engagement_rate, click_rate, conversion_rate, conversions_normalised;
    int64_t points[LP_SCORE_TERMS];
    int64_t ltv; /* the sum of the points */
    enum lp_score_tier tier;
};

/* The values of the specification. */
void lp_score_defaults(struct lp_score_settings *s);
/* Takes the object `score` of a configuration: {weights, bounds, tiers, half_life_days}. */
int lp_score_configure(struct lp_score_settings *s, struct lp_str object, struct lp_err *err);
/* Takes "engagement=0.4,volume=0.2" and the like; what is not named stays. NULL changes nothing. */
int lp_score_flags(struct lp_score_settings *s, const char *weights, const char *bounds,
    const char *tiers, struct lp_err *err);
/* Do they make sense together? To be asked once all are set. */
int lp_score_check(const struct lp_score_settings *s, enum lp_errkind kind, struct lp_err *err);

void lp_score_of(
    const struct lp_score_settings *s, const struct lp_counters *c, struct lp_score *out);
const char *lp_score_tier_name(enum lp_score_tier t);
enum lp_score_tier lp_score_tier(const struct lp_score_settings *s, int64_t ltv);
/* Appends the member's value; `as_of` is a time already written. */
void lp_score_put(struct lp_buf *b, const struct lp_score_settings *s, const struct lp_score *score,
    struct lp_str as_of);

#endif
