/* statistics - see leadpipe/statistics.h */
#include "leadpipe/statistics.h"

#include <math.h>

#define LEVEL 0.95

double lp_statistics_two_sided(double z)
{
    return erfc(fabs(z) / sqrt(2));
}

/* The share of the standard normal distribution below z. */
static double below(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

double lp_statistics_quantile(double p)
{
    double low = -40, high = 40; /* below(-40) is the smallest double there is, or 0 */
    if (!(p > 0))
        return -INFINITY;
    if (!(p < 1))
        return INFINITY;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double critical(void)
{
    static double z;
    if (z == 0)
        z = lp_statistics_quantile(1 - (1 - LEVEL) / 2);
    return z;
}

bool lp_statistics_wilson(uint64_t hits, uint64_t of, struct lp_interval *out)
{
    if (of == 0 || hits > of)
        return false;
    double z = critical(), n = (double)of, p = (double)hits / n;
    double scale = 1 / (1 + z * z / n);
    double middle = (p + z * z / (2 * n)) * scale;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) * scale;
    /* At the ends the bound is exact, and rounding would leave 1e-17 of it. */
    out->low = hits == 0 ? 0 : fmax(0, middle - half);
    out->high = hits == of ? 1 : fmin(1, middle + half);
    return true;
}

double lp_statistics_sample(double rate_a, double rate_b, uint64_t pairs, double power)
{
    double difference = rate_a - rate_b, mean = (rate_a + rate_b) / 2;
    if (difference == 0)
        return 0;
    double none = sqrt(2 * mean * (1 - mean));
    double some = sqrt(rate_a * (1 - rate_a) + rate_b * (1 - rate_b));
    double bound = -lp_statistics_quantile((1 - LEVEL) / 2 / (double)pairs);
    double root = (bound * none + lp_statistics_quantile(power) * some) / difference;
    return root * root;
}

/* Is every cell of the two by two table, if the rates were the same, large enough? */
static bool enough(double pooled, double of_a, double of_b)
{
    double rarer = fmin(pooled, 1 - pooled), fewer = fmin(of_a, of_b);
    return rarer * fewer >= LP_STATISTICS_CELL;
}

bool lp_statistics_compare(uint64_t hits_a, uint64_t of_a, uint64_t hits_b, uint64_t of_b,
    uint64_t pairs, struct lp_rates_compared *out)
{
    if (of_a == 0 || of_b == 0 || hits_a > of_a || hits_b > of_b)
        return false;
    double a = (double)hits_a / (double)of_a, b = (double)hits_b / (double)of_b;
    double pooled = ((double)hits_a + (double)hits_b) / ((double)of_a + (double)of_b);
    *out = (struct lp_rates_compared){.difference = a - b, .p = 1};
    out->enough = enough(pooled, (double)of_a, (double)of_b);
    if (out->enough) {
        double one = 1 / (double)of_a + 1 / (double)of_b;
        out->z = (a - b) / sqrt(pooled * (1 - pooled) * one);
        out->p = lp_statistics_two_sided(out->z);
    }
    /* Two rates of different sizes may be the same fraction and yet different doubles. */
    out->equal = (unsigned __int128)hits_a * of_b == (unsigned __int128)hits_b * of_a;
    double needed = out->equal ? 0 : ceil(lp_statistics_sample(a, b, pairs, LP_STATISTICS_POWER));
    out->needed = needed < 0x1p63 ? (uint64_t)needed : UINT64_MAX;
    return true;
}
