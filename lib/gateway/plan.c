#include "gateway.h"

/* Upper bounds: every provider of the chain may be asked about every record that has no answer, here
 * or in the cache. */
void lp_plan_record(struct lp_gateway *g, struct lp_task *t)
{
    struct lp_item item = {.rec = &t->slot->rec, .key = lp_cache_key(g, &t->slot->rec)};
    struct lp_err err = {0};
    for (size_t i = 0; i < g->chain.n; i++) {
        int found = lp_cache_find(g, g->chain.lanes[i], &item, &err);
        if (found < 0)
            lp_gateway_fail(g, &err);
        g->chain.lanes[i]->records += found == 0;
    }
}

static const char *reason(const struct lp_lane *l)
{
    enum lp_class out = lp_health_out(&l->health, lp_clock_real());
    if (out)
        return lp_class_name(out);
    return l->provider->embedded ? "embedded" : "dry_run";
}

int lp_plan_write(struct lp_gateway *g, struct lp_err *err)
{
    struct lp_buf b = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < g->chain.n; i++) {
        const struct lp_lane *l = g->chain.lanes[i];
        const struct lp_provider *p = l->provider;
        uint64_t calls =
            p->embedded ? 0 : (l->records + (uint64_t)p->batch - 1) / (uint64_t)p->batch;
        lp_buf_reset(&b);
        LP_BUF_LIT(&b, "{");
        lp_json_put_str(&b, "kind", LP_STR("plan"));
        lp_json_put_str(&b, "program", lp_str(g->run->program->name));
        lp_json_put_str(&b, "capability", lp_str(p->capability));
        lp_json_put_str(&b, "provider", lp_str(p->name));
        lp_json_put_int(&b, "calls", (int64_t)calls);
        lp_json_put_int(&b, "records", (int64_t)l->records);
        lp_json_put_num(&b, "credits", (double)l->records * p->credits, 6);
        lp_json_put_str(&b, "reason", lp_str(reason(l)));
        LP_BUF_LIT(&b, "}\n");
        r = lp_run_put_line(g->run, lp_buf_view(&b), false, err);
    }
    lp_buf_free(&b);
    return r;
}
