#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/num.h"

static const struct {
    const char *name;
    enum lp_class class;
    int http_status;
    bool sent; /* the other side may have seen the request */
} kinds[LP_CHAOS_KINDS] = {
    [LP_CHAOS_SLOW] = {"slow", LP_CLASS_NONE, 0, false},
    [LP_CHAOS_401] = {"401", LP_AUTH, 401, true},
    [LP_CHAOS_402] = {"402", LP_QUOTA, 402, true},
    [LP_CHAOS_429] = {"429", LP_RATE_LIMITED, 429, true},
    [LP_CHAOS_500] = {"500", LP_SERVER, 500, true},
    [LP_CHAOS_TIMEOUT] = {"timeout", LP_TIMEOUT, 0, true},
    [LP_CHAOS_RESET] = {"reset", LP_NETWORK, 0, true},
    [LP_CHAOS_DNS] = {"dns", LP_DNS, 0, false},
    [LP_CHAOS_TLS] = {"tls", LP_TLS, 0, false},
    [LP_CHAOS_GARBAGE] = {"garbage", LP_BAD_RESPONSE, 200, true},
};

/* ---- the option ----------------------------------------------------------------------------- */

static int wrong(struct lp_str part, struct lp_err *err)
{
    lp_err_set(err, LP_ERR_USAGE, NULL, "--chaos: \"%.*s\" is neither KIND@PERCENT%% nor seed=N",
        (int)part.n, part.p);
    lp_err_hint(
        err, "kinds: 401, 402, 429, 500, timeout, reset, dns, tls, garbage, slow; as in 429@5%%");
    return -1;
}

static int parse_part(struct lp_chaos *c, struct lp_str part, bool *seeded, struct lp_err *err)
{
    int64_t seed;
    double percent;
    const char *at = memchr(part.p, '@', part.n);
    if (part.n > 5 && memcmp(part.p, "seed=", 5) == 0) {
        if (!lp_num_int((struct lp_str){part.p + 5, part.n - 5}, &seed))
            return wrong(part, err);
        c->seed = (uint64_t)seed;
        *seeded = true;
        return 0;
    }
    if (!at || part.p[part.n - 1] != '%')
        return wrong(part, err);
    struct lp_str name = {part.p, (size_t)(at - part.p)};
    struct lp_str share = {at + 1, part.n - name.n - 2};
    if (!lp_num_real(share, &percent) || percent < 0 || percent > 100)
        return wrong(part, err);
    for (int k = LP_CHAOS_NONE + 1; k < LP_CHAOS_KINDS; k++)
        if (lp_str_is(name, kinds[k].name)) {
            c->share[k] += percent / 100;
            return 0;
        }
    return wrong(part, err);
}

int lp_chaos_parse(const char *spec, struct lp_chaos *c, struct lp_err *err)
{
    bool seeded = false;
    double sum = 0;
    for (size_t n;; spec += n + 1) {
        n = strcspn(spec, ",");
        if (parse_part(c, (struct lp_str){spec, n}, &seeded, err))
            return -1;
        if (!spec[n])
            break;
    }
    for (int k = 0; k < LP_CHAOS_KINDS; k++)
        sum += c->share[k];
    if (sum > 1.000001)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--chaos: more than 100%% in all");
    if (!seeded) {
        c->seed = (uint64_t)lp_clock_mono_us() % 1000000000;
        lp_log_info("--chaos without a seed: seed=%llu", (unsigned long long)c->seed);
    }
    return 0;
}

const char *lp_chaos_name(enum lp_chaos_kind kind)
{
    return kinds[kind].name;
}

/* ---- drawing -------------------------------------------------------------------------------- */

/* Is there a way to it that can fail? What only computes, on this machine, has none. */
static bool can_fail(const struct lp_driver *d)
{
    return !d->embedded || d->fds;
}

static uint64_t lot(const struct lp_chaos *c, const struct lp_call *call, int tries)
{
    const char *name = call->provider->name;
    uint64_t at[2] = {c->seed, (uint64_t)tries << 1 | (call->memo.p != NULL)};
    uint64_t h = lp_hash64(at, sizeof at) ^ lp_hash64(name, strlen(name));
    for (size_t i = 0; i < call->n; i++) {
        const struct lp_task *t = call->items[i]->task;
        at[0] = h;
        at[1] = t ? t->slot->line : 0;
        h = lp_hash64(at, sizeof at);
    }
    return h;
}

enum lp_chaos_kind lp_chaos_draw(const struct lp_chaos *c, const struct lp_call *call, int tries)
{
    if (!can_fail(call->provider->driver))
        return LP_CHAOS_NONE;
    double u = (double)(lot(c, call, tries) >> 11) / 9007199254740992.0;
    for (int k = LP_CHAOS_NONE + 1; k < LP_CHAOS_KINDS; k++) {
        u -= c->share[k];
        if (u < 0)
            return (enum lp_chaos_kind)k;
    }
    return LP_CHAOS_NONE;
}

void lp_chaos_strike(enum lp_chaos_kind kind, struct lp_call *call)
{
    char detail[40];
    call->http_status = kinds[kind].http_status;
    call->sent = kinds[kind].sent;
    snprintf(detail, sizeof detail, "%s, by --chaos", kinds[kind].name);
    lp_call_error(call, kinds[kind].class, detail);
}
