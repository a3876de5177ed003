/* report_money - costs and revenues; amounts in different currencies are never added */
#include "report_parts.h"

#include <math.h>
#include <stdlib.h>

#include "leadpipe/json.h"
#include "leadpipe/num.h"

#define DECIMALS 9

static double amount(int64_t units)
{
    return (double)units / LP_MONEY_UNIT;
}

void lp_report_add_purse(struct lp_purse *to, const struct lp_purse *from)
{
    for (size_t i = 0; i < from->n; i++) {
        const struct lp_money *m = &from->v[i];
        if (m->spent)
            lp_purse_add(to, m->currency, false, m->cost);
        if (m->earned)
            lp_purse_add(to, m->currency, true, m->revenue);
    }
}

bool lp_report_impute(struct lp_purse *p, uint32_t currency, double each, uint64_t contacts)
{
    double cost = each * (double)contacts * LP_MONEY_UNIT;
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].spent)
            return false;
    return contacts > 0 && cost < 0x1p60 &&
           lp_purse_add(p, currency, false, (int64_t)llround(cost));
}

static void put_or_null(struct lp_buf *b, const char *name, bool known, double v)
{
    lp_json_key(b, name);
    if (known)
        lp_num_put(b, v, DECIMALS);
    else
        LP_BUF_LIT(b, "null");
}

/* An amount is a whole number of units: a double would add a billionth to tens of millions. */
static void put_exactly(struct lp_buf *b, const char *name, bool known, int64_t units)
{
    int64_t whole = units / LP_MONEY_UNIT, rest = units % LP_MONEY_UNIT;
    struct lp_buf fraction = {0};
    if (!known) {
        lp_json_put_raw(b, name, LP_STR("null"));
        return;
    }
    lp_json_put_int(b, name, whole);
    lp_num_put(&fraction, (double)rest / LP_MONEY_UNIT, DECIMALS);
    lp_buf_puts(b, fraction.p + 1); /* without the 0 before the point */
    lp_buf_free(&fraction);
}

static void put_each(struct lp_buf *b, const char *name, bool known, double cost, uint64_t among)
{
    put_or_null(b, name, known && among > 0, cost / (double)(among ? among : 1));
}

static struct lp_str code(const struct lp_aggregate *a, const struct lp_money *m)
{
    return lp_names_text(&a->currencies, m->currency);
}

static int by_code(const void *x, const void *y, void *a)
{
    return lp_names_order(code(a, x), code(a, y));
}

static void put_amounts(struct lp_buf *b, const struct lp_aggregate *a, const struct lp_purse *p)
{
    struct lp_money *sorted = lp_alloc(p->n * sizeof *sorted);
    if (p->n) {
        memcpy(sorted, p->v, p->n * sizeof *sorted);
        qsort_r(sorted, p->n, sizeof *sorted, by_code, (void *)a);
    }
    lp_json_key(b, "amounts");
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < p->n; i++) {
        lp_report_next(b);
        lp_buf_byte(b, '{');
        lp_report_text(b, "currency", code(a, &sorted[i]));
        put_exactly(b, "cost", sorted[i].spent, sorted[i].cost);
        put_exactly(b, "revenue", sorted[i].earned, sorted[i].revenue);
        lp_buf_byte(b, '}');
    }
    lp_buf_byte(b, ']');
    free(sorted);
}

void lp_report_money(struct lp_buf *b, const struct lp_aggregate *a, const struct lp_purse *p,
    const struct lp_spending *s)
{
    /* What rests on cost and revenue together has no value where there are several currencies. */
    const struct lp_money none = {0}, *m = p->n == 1 ? p->v : &none;
    double cost = amount(m->cost), revenue = amount(m->revenue);
    bool spent = m->spent && cost > 0;
    lp_report_text(b, "currency", p->n == 1 ? code(a, m) : lp_str(NULL));
    put_exactly(b, "cost", m->spent, m->cost);
    lp_report_text(b, "cost_basis", lp_str(s->basis));
    put_exactly(b, "revenue", m->earned, m->revenue);
    put_or_null(b, "roi_percent", spent && m->earned, spent ? (revenue - cost) / cost * 100 : 0);
    put_or_null(b, "conversions_per_cost", spent, spent ? (double)s->conversions / cost * 100 : 0);
    put_each(b, "cost_per_contact", m->spent, cost, s->contacts);
    put_each(b, "cost_per_valid_address", m->spent, cost, s->valid);
    put_each(b, "cost_per_conversion", m->spent, cost, s->conversions);
    put_amounts(b, a, p);
}

int lp_report_price(struct lp_str text, double *price, char currency[4])
{
    size_t n = text.n;
    if (n < 4)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        char c = text.p[n - 3 + i];
        if (c < 'A' || c > 'Z')
            return -1;
        currency[i] = c;
    }
    currency[3] = '\0';
    n -= 3;
    while (n > 0 && text.p[n - 1] == ' ')
        n--;
    return lp_num_real((struct lp_str){text.p, n}, price) && *price > 0 && *price <= 1e9 ? 0 : -1;
}
