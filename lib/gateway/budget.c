#include <stdio.h>
#include "gateway.h"
#include "leadpipe/db.h"
#include "leadpipe/num.h"
#include "recording.h"

/*
 * Money is set aside before a call and settled after it, so that processes side by side cannot spend
 * it twice; what a killed run had set aside stays counted for the day.
 */

static int parse(struct lp_budget *b, const char *where, struct lp_str text, struct lp_err *err)
{
    size_t n = 0;
    while (n < text.n && strchr("0123456789.", text.p[n]))
        n++;
    struct lp_str unit = {text.p + n, text.n - n};
    while (unit.n && *unit.p == ' ')
        unit = (struct lp_str){unit.p + 1, unit.n - 1};
    if (!lp_num_real((struct lp_str){text.p, n}, &b->limit) || b->limit <= 0 ||
        unit.n >= sizeof b->currency)
        return lp_err_set(err, LP_ERR_CONFIG, "config",
            "%s: must be an amount of credits or money, as in 500, 500credits or 20EUR", where);
    if (unit.n && !lp_str_is(unit, "credits"))
        snprintf(b->currency, sizeof b->currency, "%.*s", (int)unit.n, unit.p);
    return 0;
}

static int parse_setting(const struct lp_gateway *g, struct lp_budget *b, struct lp_str entry,
    const char *name, struct lp_err *err)
{
    struct lp_str v;
    char where[160];
    if (!lp_json_get(entry, name, &v))
        return 0;
    if (lp_json_type(v) == LP_JSON_STRING)
        v = (struct lp_str){v.p + 1, v.n - 2};
    snprintf(
        where, sizeof where, "%s: chains.%s.budget.%s", g->config.path, g->chain.capability, name);
    return parse(b, where, v, err);
}

/* A limit in a currency bounds nothing of a provider whose price in it is not known. */
static int check_prices(const struct lp_gateway *g, const struct lp_budget *b, struct lp_err *err)
{
    for (size_t i = 0; b->currency[0] && i < g->chain.n; i++) {
        const struct lp_provider *p = g->chain.lanes[i]->provider;
        if (p->credits > 0 && !(p->price > 0 && strcmp(p->currency, b->currency) == 0))
            return lp_err_set(err, LP_ERR_CONFIG, "config",
                "providers.%s.cost: has no price in %s, so a budget of %g %s cannot be kept",
                p->name, b->currency, b->limit, b->currency);
    }
    return 0;
}

int lp_budget_init(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_str entry = lp_config_chain(&g->config, g->chain.capability), own;
    if (lp_json_get(entry, "budget", &own) &&
        (parse_setting(g, &g->run_budget, own, "run", err) ||
            parse_setting(g, &g->day_budget, own, "day", err)))
        return -1;
    struct lp_budget given = {0};
    if (g->settings->budget) {
        if (parse(&given, "--budget", lp_str(g->settings->budget), err)) {
            err->kind = LP_ERR_USAGE;
            return -1;
        }
        g->run_budget = given;
    }
    if (g->day_budget.limit > 0 && !g->state && !lp_recording_replays(g))
        return lp_err_set(err, LP_ERR_CONFIG, "config",
            "a budget for the day needs the state file; it does not go with --state none");
    return check_prices(g, &g->run_budget, err) || check_prices(g, &g->day_budget, err) ? -1 : 0;
}

/* What n credits of the provider are in the budget's unit; 0 where it does not concern it. */
static double in_unit(const struct lp_budget *b, const struct lp_provider *p, double credits)
{
    if (!b->currency[0])
        return credits;
    return strcmp(b->currency, p->currency) == 0 ? credits * p->price : 0;
}

static size_t affordable(double left, double each, size_t n)
{
    if (each <= 0)
        return n;
    double k = left / each + 1e-9;
    return k < 1 ? 0 : k < (double)n ? (size_t)k : n;
}

static void day_of(int64_t at, char out[11])
{
    struct lp_buf b = {0};
    lp_clock_put(&b, at);
    snprintf(out, 11, "%.10s", b.p);
    lp_buf_free(&b);
}

static int add_spend(struct lp_lane *l, int64_t at, double credits, struct lp_err *err)
{
    const struct lp_provider *p = l->provider;
    char day[11];
    day_of(at, day);
    return lp_db_run(lp_state_db(l->gateway->state), err,
        "INSERT INTO spend VALUES (?,?,?,?,?) ON CONFLICT (day, provider, currency) DO UPDATE SET"
        " credits = credits + excluded.credits, money = money + excluded.money",
        "ssdds", day, p->name, credits, credits * p->price, p->currency);
}

int lp_budget_today(struct lp_gateway *g, double *sum, struct lp_err *err)
{
    *sum = g->day_budget.spent;
    if (!g->state)
        return 0;
    struct lp_stmt *q = lp_db_stmt(lp_state_db(g->state),
        "SELECT coalesce(sum(CASE WHEN ?1 = '' THEN credits WHEN currency = ?1 THEN money END), 0)"
        " FROM spend WHERE day = ?2");
    char day[11];
    day_of(lp_clock_real(), day);
    lp_stmt_bind(q, "ss", g->day_budget.currency, day);
    int r = lp_stmt_row(q, err);
    *sum = r > 0 ? lp_stmt_real(q, 0) : 0;
    lp_stmt_reset(q);
    return r < 0 ? -1 : 0;
}

static size_t reserve_day(struct lp_lane *l, size_t n, struct lp_err *err)
{
    struct lp_gateway *g = l->gateway;
    double sum, each = in_unit(&g->day_budget, l->provider, l->provider->credits);
    if (!g->state) { /* a replay: nobody else spends */
        n = affordable(g->day_budget.limit - g->day_budget.spent, each, n);
        g->day_budget.spent += (double)n * each;
        return n;
    }
    struct lp_db *db = lp_state_db(g->state);
    if (lp_db_begin(db, err))
        return 0;
    if (lp_budget_today(g, &sum, err) == 0) {
        size_t k = affordable(g->day_budget.limit - sum, each, n);
        l->reserved_at = lp_clock_real();
        if (add_spend(l, l->reserved_at, (double)k * l->provider->credits, err) == 0)
            return lp_db_commit(db, err) ? 0 : k;
    }
    lp_db_rollback(db);
    return 0;
}

size_t lp_budget_reserve(struct lp_lane *l, size_t n, struct lp_err *err)
{
    struct lp_gateway *g = l->gateway;
    double each = in_unit(&g->run_budget, l->provider, l->provider->credits);
    if (l->provider->credits <= 0)
        return n;
    if (g->run_budget.limit > 0)
        n = affordable(g->run_budget.limit - g->run_budget.spent, each, n);
    if (n && g->day_budget.limit > 0)
        n = reserve_day(l, n, err);
    g->run_budget.spent += (double)n * each;
    g->reserving += n;
    return n;
}

/* On the day it was set aside: else one that ends past midnight would make room in the new day's. */
int lp_budget_settle(
    struct lp_lane *l, size_t n, int64_t reserved_at, double credits, struct lp_err *err)
{
    struct lp_gateway *g = l->gateway;
    double reserved = (double)n * l->provider->credits, change = credits - reserved;
    if (l->provider->credits > 0)
        g->reserving -= n;
    if (change == 0 && (credits == 0 || g->day_budget.limit > 0))
        return 0;
    g->run_budget.spent += in_unit(&g->run_budget, l->provider, change);
    if (g->day_budget.limit > 0 && g->state)
        return add_spend(l, reserved_at ? reserved_at : lp_clock_real(), change, err);
    g->day_budget.spent += in_unit(&g->day_budget, l->provider, change);
    l->unsaved_credits += credits;
    return 0;
}

int lp_budget_save(struct lp_lane *l, struct lp_err *err)
{
    double credits = l->unsaved_credits;
    l->unsaved_credits = 0;
    return credits > 0 ? add_spend(l, lp_clock_real(), credits, err) : 0;
}
