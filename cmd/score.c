/*
 * score - how engaged each contact is: a score, its tier, and the terms it is made of
 *
 * - A pure function of the record, and with --events of what those say of it. Nothing is asked, nothing
 *   is remembered: the same input with the same --now gives the same bytes.
 * - A contact leaves as it came, with one member more. Whoever doubts the score can add up `explain`:
 *   points are kept in billionths, so what is printed adds up to what is printed.
 * - With --events the counters of the contacts are not looked at: what happened is counted, each thing
 *   once. That needs memory by contact and job; without, none.
 * - It links no network library and prints without printf, or it would be slower than the pipe.
 */
#include "leadpipe/config.h"
#include "leadpipe/fold.h"
#include "leadpipe/idn.h"
#include "leadpipe/jq.h"
#include "leadpipe/key.h"
#include "leadpipe/run.h"
#include "leadpipe/score.h"

#include <math.h>
#include <stdlib.h>

#define UNSAID (-HUGE_VAL) /* nobody can give it; 0 turns off what the configuration sets */

struct settings {
    struct lp_opt_list events;
    int64_t since, until;
    const char *weights, *bounds, *tiers;
    double half_life;
};

struct engine {
    struct lp_score_settings score;
    struct lp_counters_book book;
    bool counting; /* the book is used */
    struct lp_buf as_of, key, member;
    uint64_t tiers[LP_SCORE_TIERS], excess;
};

static void stats(struct lp_run *run, struct lp_buf *json)
{
    const struct engine *e = run->engine;
    lp_json_key(json, "tiers");
    lp_buf_byte(json, '{');
    for (int t = 0; t < LP_SCORE_TIERS; t++)
        lp_json_put_int(json, lp_score_tier_name((enum lp_score_tier)t), (int64_t)e->tiers[t]);
    lp_buf_byte(json, '}');
    lp_json_put_int(json, "capped", (int64_t)e->excess);
    if (!e->counting)
        return;
    lp_json_put_int(json, "contacts_with_events", (int64_t)e->book.contacts.n);
    lp_json_put_int(json, "occasions", (int64_t)e->book.seen.n);
}

static void release(struct lp_run *run)
{
    struct engine *e = run->engine;
    if (e->counting)
        lp_counters_close(&e->book);
    lp_buf_free(&e->as_of);
    lp_buf_free(&e->key);
    lp_buf_free(&e->member);
    free(e);
}

static int configure(struct engine *e, const struct lp_run *run, struct lp_err *err)
{
    struct lp_config config;
    struct lp_str object;
    lp_score_defaults(&e->score);
    if (lp_config_load(&config, run->common.config, err) < 0)
        return lp_config_free(&config), -1;
    int status = 0;
    if (lp_config_get(&config, "score", &object) &&
        (lp_score_configure(&e->score, object, err) < 0 ||
            lp_score_check(&e->score, LP_ERR_CONFIG, err) < 0))
        status = lp_err_prefix(err, "%s: ", config.path);
    lp_config_free(&config);
    return status;
}

/* What only makes sense where events are counted. */
static int check_flags(const struct settings *s, struct lp_err *err)
{
    const char *idle = s->half_life > 0        ? "--half-life"
                       : s->since != INT64_MIN ? "--since"
                       : s->until != INT64_MAX ? "--until"
                                               : NULL;
    if (idle && !s->events.n)
        return lp_err_set(err, LP_ERR_USAGE, NULL,
            "%s needs --events: ready counters do not say when things happened", idle);
    if (s->half_life < 0 && s->half_life != UNSAID)
        return lp_err_set(
            err, LP_ERR_USAGE, NULL, "--half-life: is to be days above 0, or 0 for off");
    if (s->since >= s->until)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--since is to be before --until");
    return 0;
}

static int count_events(
    struct engine *e, struct lp_run *run, const struct settings *s, struct lp_err *err)
{
    char **files = lp_alloc((s->events.n + 1) * sizeof *files);
    memcpy(files, s->events.v, s->events.n * sizeof *files);
    lp_counters_open(&e->book, e->score.half_life_days, lp_clock_now());
    e->counting = true;
    e->book.since = s->since;
    e->book.until = s->until;
    int status = lp_counters_load(&e->book, run, files, err);
    free(files);
    return status;
}

static int begin(struct lp_run *run, struct lp_err *err)
{
    const struct settings *s = run->program->settings;
    struct engine *e = run->engine = lp_alloc(sizeof *e);
    run->release = release;
    run->stats = stats;
    lp_clock_put(&e->as_of, lp_clock_now());
    if (check_flags(s, err) < 0 || configure(e, run, err) < 0 ||
        lp_score_flags(&e->score, s->weights, s->bounds, s->tiers, err) < 0 ||
        lp_score_check(&e->score, LP_ERR_USAGE, err) < 0)
        return -1;
    if (s->half_life != UNSAID)
        e->score.half_life_days = s->half_life;
    return s->events.n ? count_events(e, run, s, err) : 0;
}

static int counters(struct engine *e, struct lp_run *run, struct lp_rec *rec, struct lp_counters *c,
    struct lp_err *err)
{
    if (!e->counting)
        return lp_counters_of(rec, c, &run->field, err);
    lp_buf_reset(&e->key);
    if (!lp_key_rec(rec, &e->key)) {
        run->field = "email";
        return lp_err_set(
            err, LP_ERR_RECORD, "no_email", "no address that events could be joined by");
    }
    lp_counters_look(&e->book, lp_buf_view(&e->key), c);
    return 0;
}

static enum lp_verdict record(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    struct engine *e = run->engine;
    struct lp_counters c;
    struct lp_score score;
    if (counters(e, run, rec, &c, err) < 0)
        return LP_REJECT;
    lp_score_of(&e->score, &c, &score);
    e->excess += lp_counters_excess(&c);
    e->tiers[score.tier]++;
    lp_buf_reset(&e->member);
    lp_score_put(&e->member, &e->score, &score, lp_buf_view(&e->as_of));
    lp_rec_set(rec, "score", lp_buf_view(&e->member));
    return LP_PASS;
}

static int end(struct lp_run *run, struct lp_err *err)
{
    const struct engine *e = run->engine;
    (void)err;
    if (e->excess)
        lp_log_warn("%llu contact%s with more opened than sent, more clicks than opened or more "
                    "conversions than clicks; each rate was capped at 1",
            (unsigned long long)e->excess, e->excess == 1 ? "" : "s");
    return 0;
}

#define AT(member) offsetof(struct settings, member)

static const struct lp_opt opts[] = {
    {'e', "events", LP_OPT_LIST, AT(events), "FILE",
        "count job, reply and event records instead of using the contact's counters (repeatable)",
        "file", 0},
    {0, "since", LP_OPT_TIME, AT(since), "TIME", "count only what happened from then on", "", 0},
    {0, "until", LP_OPT_TIME, AT(until), "TIME", "count only what happened before", "", 0},
    {0, "half-life", LP_OPT_REAL, AT(half_life), "DAYS",
        "what a contact did this long ago counts half (default: off)", "", 0},
    {0, "weights", LP_OPT_STRING, AT(weights), "NAME=NUMBER,...",
        "engagement=0.4,conversion=0.4,volume=0.2", "", 0},
    {0, "bounds", LP_OPT_STRING, AT(bounds), "NAME=NUMBER",
        "conversions=5: so many make the term volume full", "", 0},
    {0, "tiers", LP_OPT_STRING, AT(tiers), "NAME=NUMBER,...", "high=75,medium=50,low=25", "", 0},
    LP_OPT_END,
};

static struct settings settings = {.since = INT64_MIN, .until = INT64_MAX, .half_life = UNSAID};

static const char *const kinds[] = {"contact", NULL};
static const char *(*const versions[])(void) = {
    lp_jq_version, lp_idn_version, lp_fold_version, NULL};

static const struct lp_program program = {
    .name = "score",
    .summary = "score contacts by what they did: opened, clicked, bought",
    .operands = "[FILE...]",
    .examples = "score contacts.ndjson | jq -r '[.score.ltv, .score.tier, .email] | @tsv'\n"
                "score --events events.ndjson --events replies.ndjson contacts.ndjson\n"
                "score --events events.ndjson --since 2026-01-01 --half-life 90 contacts.ndjson\n"
                "score --weights engagement=0.6,conversion=0.3,volume=0.1 contacts.ndjson",
    .opts = opts,
    .settings = &settings,
    .versions = versions,
    .begin = begin,
    .record = record,
    .end = end,
    .kinds = kinds,
    .key = lp_key_rec,
};

int main(int argc, char **argv)
{
    return lp_run(&program, argc, argv);
}
