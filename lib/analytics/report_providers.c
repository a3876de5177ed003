/* report_providers - what the state file tells of the providers */
#include <stdlib.h>

#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "leadpipe/outcome.h"
#include "leadpipe/report.h"
#include "leadpipe/state.h"
#include "report_parts.h"

struct provider {
    char capability[48], name[64];
    int64_t calls, records, outcome[LP_OUTCOMES];
    double credits;
    int64_t timed;
    double latency_ms; /* the sum of `timed` calls */
};

struct gather {
    struct provider *v;
    size_t n;
    struct lp_period period;
    bool whole; /* of all time: the totals know, the log is asked for latencies only */
};

static struct provider *find(struct gather *g, const char *capability, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->v[i].capability, capability) == 0 && strcmp(g->v[i].name, name) == 0)
            return &g->v[i];
    g->v = lp_realloc_array(g->v, g->n + 1, sizeof *g->v);
    struct provider *p = &g->v[g->n++];
    *p = (struct provider){0};
    memcpy(p->capability, capability, strnlen(capability, sizeof p->capability - 1));
    memcpy(p->name, name, strnlen(name, sizeof p->name - 1));
    return p;
}

static void add(
    struct provider *p, const char *outcome, int64_t calls, int64_t records, double credits)
{
    enum lp_outcome o;
    p->calls += calls;
    p->records += records;
    p->credits += credits;
    if (lp_outcome_from(lp_str(outcome), &o))
        p->outcome[o] += calls;
}

static int take_total(void *arg, const struct lp_state_total *t)
{
    add(find(arg, t->capability, t->provider), t->outcome, t->requests, t->records, t->credits);
    return 0;
}

static int take_entry(void *arg, const struct lp_state_entry *e)
{
    struct gather *g = arg;
    if (e->at < g->period.since || e->at >= g->period.until)
        return 0;
    struct provider *p = find(g, e->capability, e->provider);
    if (!g->whole)
        add(p, e->outcome, 1, e->records, e->credits);
    if (strcmp(e->outcome, lp_outcome_name(LP_SKIPPED)) != 0) {
        p->timed++;
        p->latency_ms += (double)e->latency_ms;
    }
    return 0;
}

static int by_name(const void *x, const void *y)
{
    const struct provider *p = x, *q = y;
    int order = strcmp(p->capability, q->capability);
    return order ? order : strcmp(p->name, q->name);
}

static void put_provider(struct lp_buf *b, const struct provider *p)
{
    int64_t good = p->outcome[LP_OK] + p->outcome[LP_NOT_FOUND] + p->outcome[LP_REJECTED];
    lp_report_next(b);
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "capability", lp_str(p->capability));
    lp_json_put_str(b, "provider", lp_str(p->name));
    lp_json_put_int(b, "calls", p->calls);
    lp_json_put_int(b, "records", p->records);
    lp_json_key(b, "outcomes");
    lp_buf_byte(b, '{');
    for (int o = 0; o < LP_OUTCOMES; o++)
        lp_json_put_int(b, lp_outcome_name((enum lp_outcome)o), p->outcome[o]);
    lp_buf_byte(b, '}');
    /* What was skipped was not asked, and so is neither. */
    lp_report_rate(b, "success_rate", (uint64_t)good, (uint64_t)(good + p->outcome[LP_ERROR]));
    lp_json_key(b, "average_latency_ms");
    if (p->timed)
        lp_num_put(b, p->latency_ms / (double)p->timed, 1);
    else
        LP_BUF_LIT(b, "null");
    lp_json_put_num(b, "credits", p->credits, 9);
    lp_buf_byte(b, '}');
}

static void put_providers(struct lp_buf *b, const struct gather *g, const char *source)
{
    lp_buf_byte(b, '{');
    lp_report_text(b, "source", lp_str(source));
    lp_json_key(b, "list");
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < g->n; i++)
        put_provider(b, &g->v[i]);
    LP_BUF_LIT(b, "]}");
}

int lp_report_providers(
    struct lp_buf *out, const char *path, const struct lp_period *period, struct lp_err *err)
{
    struct gather g = {
        .period = *period, .whole = period->since == INT64_MIN && period->until == INT64_MAX};
    struct lp_state *state = NULL;
    struct lp_buf json = {0};
    int status = 0;
    if (path && lp_state_open(&state, path, err) < 0)
        return -1;
    if (state && g.whole)
        status = lp_state_totals(state, take_total, &g, err);
    if (state && status == 0)
        status = lp_state_audit(state, NULL, -1, take_entry, &g, err);
    if (g.n > 1)
        qsort(g.v, g.n, sizeof *g.v, by_name);
    put_providers(&json, &g, !state ? NULL : g.whole ? "totals" : "audit");
    lp_buf_str(out, lp_buf_view(&json));
    lp_buf_free(&json);
    lp_state_close(state);
    free(g.v);
    return status < 0 ? -1 : 0;
}
