/*
 * report_fixture - records in, a report out, and a look into it
 *
 * Owns: stop() frees what start() began
 * Units: -
 * Errors: whatever is not as asked fails the test
 */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/aggregate.h"
#include "leadpipe/json.h"
#include "leadpipe/report.h"

/* A report in the making, and then the report. */
struct fixture {
    struct lp_aggregate_settings s;
    struct lp_aggregate *a;
    struct lp_report_facts f;
    struct lp_buf json;
    const char *field;
    struct lp_err err;
};

static inline void start(struct fixture *t)
{
    *t = (struct fixture){.s = {.period = {{INT64_MIN, INT64_MAX}}, .slots = 1, .top = 3}};
    lp_score_defaults(&t->s.score);
    t->f = (struct lp_report_facts){
        .as_of = 1769853600000, .providers = LP_STR("{}"), .input = {.complete = true}};
}

static inline enum lp_taken take(struct fixture *t, const char *line)
{
    struct lp_rec rec = {0};
    if (!t->a)
        t->a = lp_aggregate_new(&t->s);
    t->err = (struct lp_err){0};
    assert_int_equal(lp_rec_parse(&rec, line, strlen(line), &t->err), 0);
    enum lp_taken taken = lp_aggregate_take(t->a, &rec, &t->field, &t->err);
    lp_rec_free(&rec);
    return taken;
}

static inline void taken(struct fixture *t, const char *line)
{
    assert_int_equal(take(t, line), LP_TAKEN);
}

static inline void rejected(struct fixture *t, const char *line, const char *code)
{
    assert_int_equal(take(t, line), LP_TAKEN_BAD);
    assert_string_equal(t->err.code, code);
}

static inline void metric(
    struct fixture *t, const char *campaign, const char *channel, int seen, int engaged)
{
    char line[1024];
    snprintf(line, sizeof line,
        "{\"kind\":\"metric\",\"campaign_id\":\"%s\",\"channel\":\"%s\",\"metrics\":{"
        "\"impressions\":%d,\"engagements\":%d}}",
        campaign, channel, seen, engaged);
    taken(t, line);
}

static inline void event(struct fixture *t, const char *type, const char *email, const char *job)
{
    char line[1024];
    snprintf(line, sizeof line,
        "{\"kind\":\"event\",\"engagement_type\":\"%s\",\"email\":\"%s\",\"job_id\":\"%s\","
        "\"campaign_id\":\"c\",\"timestamp\":\"2026-01-05T10:00:00Z\"}",
        type, email, job);
    taken(t, line);
}

static inline struct lp_str finish(struct fixture *t)
{
    size_t at;
    const char *why;
    if (!t->a)
        t->a = lp_aggregate_new(&t->s);
    assert_int_equal(lp_aggregate_finish(t->a, &t->err), 0);
    lp_report_put(&t->json, t->a, &t->f);
    assert_true(lp_json_check(lp_buf_view(&t->json), &at, &why));
    return lp_buf_view(&t->json);
}

static inline void stop(struct fixture *t)
{
    lp_aggregate_del(t->a);
    lp_buf_free(&t->json);
}

/* What stands at a path of names and [numbers]. */
static inline struct lp_str look(struct lp_str v, const char *path)
{
    struct lp_str name;
    while (*path) {
        size_t n = strcspn(path, ".");
        char step[64];
        snprintf(step, sizeof step, "%.*s", (int)n, path);
        if (*step >= '0' && *step <= '9') {
            struct lp_json_iter it = lp_json_iter(v);
            for (long i = strtol(step, NULL, 10); i >= 0; i--)
                if (!lp_json_next(&it, &name, &v))
                    fail_msg("nothing at %s", path);
        } else if (!lp_json_get(v, step, &v)) {
            fail_msg("nothing at %s", path);
        }
        path += n + (path[n] == '.');
    }
    return v;
}

static inline void is(struct lp_str report, const char *path, const char *json)
{
    struct lp_str v = look(report, path);
    char got[400];
    snprintf(got, sizeof got, "%.*s", (int)v.n, v.p);
    if (strcmp(got, json) != 0)
        fail_msg("%s is %s, not %s", path, got, json);
}

#define ONE_METRIC                                                                                 \
    "{\"kind\":\"metric\",\"campaign_id\":\"spring\",\"campaign_name\":\"Spring\","                \
    "\"channel\":\"linkedin\",\"at\":\"2026-01-05T00:00:00Z\",\"metrics\":{\"impressions\":1000,"  \
    "\"clicks\":50,\"engagements\":100,\"conversions\":5,\"shares\":4,\"comments\":3,\"replies\":" \
    "2,"                                                                                           \
    "\"opens\":1,\"bounces\":6}}"

#endif
