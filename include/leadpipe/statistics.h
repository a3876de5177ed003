/*
 * statistics - how far a rate can be trusted, and whether two rates differ
 *
 * Owns: nothing
 * Units: rates are fractions 0..1, sizes are observations in each of two groups
 * Errors: false where the question has no answer; the caller prints null
 * Source: E. B. Wilson 1927 (score interval, without continuity correction); the two-sided z test
 *         with pooled variance; sample sizes as in J. L. Fleiss, Statistical Methods for Rates and
 *         Proportions, and R's power.prop.test
 */
#ifndef LEADPIPE_STATISTICS_H
#define LEADPIPE_STATISTICS_H

#include <stdbool.h>
#include <stdint.h>

#define LP_STATISTICS_POWER 0.8 /* what sample sizes are asked for */
#define LP_STATISTICS_CELL  5   /* expected counts below this say nothing */

struct lp_interval {
    double low, high;
};

/* The 95 % Wilson interval of hits / of. False for a rate that is none: of == 0, or more hits than
 * there was occasion for. */
bool lp_statistics_wilson(uint64_t hits, uint64_t of, struct lp_interval *out);

struct lp_rates_compared {
    double difference; /* first rate minus second */
    double z, p;       /* only where `enough`; p is two-sided */
    bool enough;       /* every expected cell is LP_STATISTICS_CELL or more */
    bool equal;        /* the observed rates do not differ: no sample would show that they do */
    uint64_t needed;   /* observations in each group to see this difference with 80 % power, as
                          lp_statistics_sample has it; 0 where `equal` */
};
/* Of two that were picked from so many pairs, 1 where nobody picked. p is that of the two alone. False
 * where one of the two is no rate, as in lp_statistics_wilson. */
bool lp_statistics_compare(uint64_t hits_a, uint64_t of_a, uint64_t hits_b, uint64_t of_b,
    uint64_t pairs, struct lp_rates_compared *out);

/* Observations in each group so that a two-sided test at the 5 % level, divided by the pairs as
 * Bonferroni has it, sees the difference of two true rates with this power (0 < power < 1), not
 * rounded; 0 where they are equal. */
double lp_statistics_sample(double rate_a, double rate_b, uint64_t pairs, double power);

/* P(|Z| >= |z|) of the standard normal distribution, and the z below which a share p of it lies. */
double lp_statistics_two_sided(double z);
double lp_statistics_quantile(double p);

#endif
