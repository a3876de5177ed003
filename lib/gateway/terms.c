#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"

/* On what terms a provider works: batches, rate, patience, price. An entry of the configuration wins
 * over the adapter, and that over the driver. */

/* The window has room for jobs x batch records. */
enum { BATCH_MAX = 1024 };
#define PER_MS_MAX 1e15 /* longer than anyone waits, and fits */

/* What the entry says of this capability, else what the adapter says of it. */
static double per_capability(const struct lp_provider *p, struct lp_str entry, struct lp_str meta,
    const char *name, double preset)
{
    struct lp_str v;
    if (lp_json_get(meta, name, &v))
        preset = lp_config_per_capability(v, p->capability, preset);
    return lp_json_get(entry, name, &v) ? lp_config_per_capability(v, p->capability, preset)
                                        : preset;
}

static struct lp_str member(struct lp_str entry, struct lp_str meta, const char *name)
{
    struct lp_str v = {0};
    if (!lp_json_get(entry, name, &v) && !lp_json_get(meta, name, &v))
        v = (struct lp_str){0};
    return v;
}

static double number(struct lp_str v, double preset)
{
    double d;
    return v.p && lp_json_real(v, &d) ? d : preset;
}

/* What is given per capability is each one's own. */
static void set_account(const struct lp_provider *p, bool own, char **account)
{
    struct lp_buf b = {0};
    lp_buf_printf(&b, "%s%s%s", p->name, own ? "/" : "", own ? p->capability : "");
    free(*account);
    *account = lp_buf_take(&b);
}

static void set_together(struct lp_provider *p, struct lp_str entry, struct lp_str meta)
{
    struct lp_str v = member(entry, meta, "max_in_flight");
    if (!v.p || p->embedded)
        return;
    set_account(p, lp_json_type(v) == LP_JSON_OBJECT, &p->flight);
    p->max_together = (int)per_capability(p, entry, meta, "max_in_flight", 0);
}

/* True where `from` says something of this capability. */
static bool set_rate(struct lp_provider *p, struct lp_str from)
{
    struct lp_str rate, v;
    if (!lp_json_get(from, "rate", &rate))
        return false;
    bool own = lp_json_get(rate, p->capability, &v);
    if (own)
        rate = v;
    if (!lp_json_get(rate, "requests", &v))
        return false;
    set_account(p, own, &p->account);
    double requests = number(v, 0);
    double per_ms = 1000 * (lp_json_get(rate, "per_s", &v) ? number(v, 1) : 1);
    if (requests > 0 && requests < 1) { /* less than one in that time is one in more of it */
        per_ms /= requests;
        requests = 1;
    }
    p->rate_requests = requests;
    p->rate_per_ms = per_ms < 1 ? 1 : per_ms > PER_MS_MAX ? (int64_t)PER_MS_MAX : (int64_t)per_ms;
    return true;
}

void lp_provider_terms(struct lp_provider *p, struct lp_str entry, struct lp_str meta)
{
    struct lp_str cost = member(entry, meta, "cost"), v;
    double batch = per_capability(p, entry, meta, "batch", p->driver->batch ? p->driver->batch : 1);
    p->batch = batch > BATCH_MAX ? BATCH_MAX : (int)batch;
    p->max_in_flight =
        (int)per_capability(p, entry, meta, "max_in_flight", p->driver->max_in_flight);
    set_together(p, entry, meta);
    p->tries = (int)number(member(entry, meta, "tries"), 3);
    p->timeout_ms = (int64_t)(1000 * number(member(entry, meta, "timeout_s"), 30));
    p->total_ms = (int64_t)(1000 * number(member(entry, meta, "total_s"), 120));
    /* A batch leaves when it is full, at the end of input, or when nothing was added for this long. */
    p->linger_ms = (int64_t)(1000 * number(member(entry, meta, "linger_s"), 0.05));
    p->max_wait_ms = (int64_t)(1000 * number(member(entry, meta, "max_wait_s"), 60));
    p->poll_ms = (int64_t)(1000 * number(member(entry, meta, "poll_limit_s"), 600));
    p->credits = cost.p && lp_json_get(cost, "credits", &v)
                     ? lp_config_per_capability(v, p->capability, 0)
                     : 0;
    p->price = cost.p && lp_json_get(cost, "price", &v) ? number(v, 0) : 0;
    if (cost.p && lp_json_get(cost, "currency", &v) && lp_json_type(v) == LP_JSON_STRING)
        snprintf(p->currency, sizeof p->currency, "%.*s", (int)(v.n - 2), v.p + 1);
    p->free_polls = lp_json_get(meta, "free_polls", &v) && lp_json_true(v);
    if (!set_rate(p, entry))
        set_rate(p, meta);
}
