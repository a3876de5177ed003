/*
 * report - what came of it all: campaigns, channels, contacts and providers in one report
 *
 * - Any mix of records in; they are counted, not passed on. Adding up is done here, by campaign and
 *   channel and in one pass; libjq sees the finished figures only, and lays them out.
 * - The same input with the same --now gives the same bytes.
 * - What could not be counted stands in the report itself, so that a truncated night is not taken
 *   for a quiet one.
 * - A finished report is a record too: given alone, it is laid out again.
 */
#include "leadpipe/aggregate.h"
#include "leadpipe/config.h"
#include "leadpipe/db.h"
#include "leadpipe/file.h"
#include "leadpipe/fold.h"
#include "leadpipe/idn.h"
#include "leadpipe/jq.h"
#include "leadpipe/key.h"
#include "leadpipe/report.h"
#include "leadpipe/run.h"

#include <stdlib.h>

#define TOP_MOST 1000
#define CODES    16 /* kinds of rejects that are told apart */

struct settings {
    int format;
    const char *template, *compare, *cost_per_contact;
    int64_t top, since, until;
};

struct engine {
    struct lp_aggregate *sum;
    struct lp_report_facts facts;
    struct lp_buf providers, report;
    struct lp_buf finished; /* the last report that was read */
    uint64_t counted, outside, untimed, other, reports;
    struct lp_report_code rejects[CODES + 1]; /* and one for the others */
    uint64_t told;                            /* rejects that are in the table */
};

static void release(struct lp_run *run)
{
    struct engine *e = run->engine;
    lp_aggregate_del(e->sum);
    lp_buf_free(&e->providers);
    lp_buf_free(&e->report);
    lp_buf_free(&e->finished);
    free(e);
}

/* --- before the first record ------------------------------------------------------------------- */

static int bad_price(const char *path, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_CONFIG, "config",
        "%s: report.cost_per_contact: must be {amount: above 0, currency: \"EUR\"}", path);
}

/* report: {cost_per_contact: {amount: 0.5, currency: "EUR"}} */
static int configure_price(const struct lp_config *c, struct lp_report_facts *f, struct lp_err *err)
{
    struct lp_str object, name, value, amount, currency;
    struct lp_json_iter it;
    if (!lp_config_get(c, "report", &object))
        return 0;
    it = lp_json_iter(object);
    while (lp_json_next(&it, &name, &value)) {
        if (!lp_json_name_is(name, "cost_per_contact"))
            return lp_err_set(err, LP_ERR_CONFIG, "config", "%s: report.%.*s: unknown key", c->path,
                (int)name.n, name.p);
        if (!lp_json_get(value, "amount", &amount) || !lp_json_get(value, "currency", &currency) ||
            lp_json_type(amount) != LP_JSON_NUMBER || lp_json_type(currency) != LP_JSON_STRING)
            return bad_price(c->path, err);
        struct lp_buf text = {0};
        lp_buf_str(&text, amount);
        lp_json_decode(currency, &text);
        int good = lp_report_price(lp_buf_view(&text), &f->cost_per_contact, f->currency);
        lp_buf_free(&text);
        if (good < 0)
            return bad_price(c->path, err);
    }
    return 0;
}

static int configure(struct lp_run *run, struct lp_score_settings *score, struct lp_err *err)
{
    struct engine *e = run->engine;
    struct lp_config config = {0};
    struct lp_str object;
    int status = lp_config_load(&config, run->common.config, err);
    lp_score_defaults(score);
    if (status == 0 && lp_config_get(&config, "score", &object) &&
        (lp_score_configure(score, object, err) < 0 ||
            lp_score_check(score, LP_ERR_CONFIG, err) < 0))
        status = lp_err_prefix(err, "%s: ", config.path);
    if (status == 0)
        status = configure_price(&config, &e->facts, err);
    lp_config_free(&config);
    return status;
}

static int read_flags(const struct settings *s, struct engine *e, struct lp_aggregate_settings *to,
    struct lp_err *err)
{
    struct lp_report_facts *f = &e->facts;
    to->period[LP_SLOT_ALL] = (struct lp_period){s->since, s->until};
    to->slots = 1;
    to->top = (size_t)s->top;
    if (s->top > TOP_MOST)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--top: is to be 1000 at most");
    if (s->since >= s->until)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--since is to be before --until");
    if (s->compare &&
        lp_report_compare(s->compare, &f->compared, f->label, &to->period[LP_SLOT_A], err) < 0)
        return -1;
    if (f->compared == LP_COMPARED_PERIODS)
        to->slots = LP_SLOTS;
    if (s->cost_per_contact &&
        lp_report_price(lp_str(s->cost_per_contact), &f->cost_per_contact, f->currency) < 0) {
        lp_err_set(err, LP_ERR_USAGE, NULL,
            "--cost-per-contact %s: is to be an amount above 0 and "
            "a currency",
            s->cost_per_contact);
        lp_err_hint(err, "as in --cost-per-contact 0.50EUR");
        return -1;
    }
    return 0;
}

static int begin(struct lp_run *run, struct lp_err *err)
{
    const struct settings *s = run->program->settings;
    struct engine *e = run->engine = lp_alloc(sizeof *e);
    struct lp_aggregate_settings to = {.top = 0};
    const char *state = run->common.state;
    run->release = release;
    if (configure(run, &to.score, err) < 0 || read_flags(s, e, &to, err) < 0)
        return -1;
    if (state && strcmp(state, "none") != 0 && !lp_file_exists(state))
        return lp_err_set(err, LP_ERR_IO, NULL, "--state %s: there is no such file", state);
    e->facts.as_of = lp_clock_now();
    e->sum = lp_aggregate_new(&to);
    return 0;
}

/* --- a record ---------------------------------------------------------------------------------- */

static void note_reject(struct engine *e, const char *code)
{
    size_t i = 0;
    while (i < CODES && e->rejects[i].n && strcmp(e->rejects[i].code, code) != 0)
        i++;
    if (i == CODES)
        return;
    memcpy(e->rejects[i].code, code, strlen(code) + 1);
    e->rejects[i].n++;
    e->told++;
}

static enum lp_verdict keep_report(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    struct engine *e = run->engine;
    int64_t version;
    if (!lp_rec_int(rec, "report_version", &version) || version != LP_REPORT_VERSION) {
        run->field = "report_version";
        note_reject(e, "bad_report");
        lp_err_set(err, LP_ERR_RECORD, "bad_report", "a report of another version");
        return LP_REJECT;
    }
    lp_buf_reset(&e->finished);
    lp_buf_str(&e->finished, rec->line);
    e->reports++;
    lp_run_drop(run, "report");
    return LP_DROP;
}

static enum lp_verdict drop(struct lp_run *run, const char *reason, uint64_t *n)
{
    ++*n;
    lp_run_drop(run, reason);
    return LP_DROP;
}

static enum lp_verdict record(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    struct engine *e = run->engine;
    if (lp_report_kind(rec) == LP_KIND_REPORT)
        return keep_report(run, rec, err);
    switch (lp_aggregate_take(e->sum, rec, &run->field, err)) {
    case LP_TAKEN: return drop(run, "counted", &e->counted);
    case LP_TAKEN_OUTSIDE: return drop(run, "outside_period", &e->outside);
    case LP_TAKEN_UNTIMED: return drop(run, "untimed", &e->untimed);
    case LP_TAKEN_OTHER: return drop(run, "not_counted", &e->other);
    case LP_TAKEN_BAD: note_reject(e, err->code); return LP_REJECT;
    case LP_TAKEN_FATAL: break;
    }
    return LP_FATAL;
}

/* --- after the last ---------------------------------------------------------------------------- */

static int by_code(const void *a, const void *b)
{
    return strcmp(a, b); /* the code is the first member */
}

/* Those that are not in the table were lines that are no records at all. */
static void tell_input(struct lp_run *run, struct engine *e)
{
    const struct lp_aggregate *a = e->sum;
    uint64_t unreadable = run->counts.rejects - e->told;
    size_t n = 0;
    while (n < CODES && e->rejects[n].n)
        n++;
    if (unreadable) {
        memcpy(e->rejects[n].code, "unreadable", sizeof "unreadable");
        e->rejects[n++].n = unreadable;
    }
    qsort(e->rejects, n, sizeof *e->rejects, by_code);
    e->facts.input = (struct lp_report_input){.records = run->counts.in,
        .counted = e->counted,
        .rejects = run->counts.rejects,
        .outside = e->outside,
        .untimed = e->untimed,
        .repeated = a->events_added - a->events_counted + a->contacts.repeated,
        .other = e->other,
        .reports = e->reports,
        .complete = !lp_run_stopping(run),
        .code = e->rejects,
        .codes = n};
}

static int make_report(struct lp_run *run, struct engine *e, struct lp_err *err)
{
    const struct settings *s = run->program->settings;
    const struct lp_period period = {s->since, s->until};
    if (lp_aggregate_finish(e->sum, err) < 0 ||
        lp_report_providers(&e->providers, run->common.state, &period, err) < 0)
        return -1;
    tell_input(run, e);
    e->facts.providers = lp_buf_view(&e->providers);
    lp_report_put(&e->report, e->sum, &e->facts);
    return 0;
}

static int lay_out(
    struct lp_run *run, const struct settings *s, struct lp_str report, struct lp_err *err)
{
    struct lp_screen screen;
    if (s->format == LP_FORMAT_JSON && !s->template) {
        lp_buf_str(&run->out.buf, report);
        return lp_run_put_line(run, LP_STR("\n"), false, err);
    }
    lp_screen_of(&screen, run->common.no_color);
    if (lp_report_layout(
            &run->out.buf, report, (enum lp_report_format)s->format, s->template, &screen, err) < 0)
        return -1;
    return lp_run_put_line(run, LP_STR(""), false, err);
}

static void warn(const struct engine *e)
{
    uint64_t capped = e->sum->contacts.capped;
    if (capped)
        lp_log_warn("%llu contact%s with more opened than sent, more clicks than opened or more "
                    "conversions than clicks; each rate was capped at 1",
            (unsigned long long)capped, capped == 1 ? "" : "s");
    for (int i = 0; e->facts.compared == LP_COMPARED_CAMPAIGNS && i < 2; i++)
        if (!lp_aggregate_holds(e->sum, e->facts.label[i]))
            lp_log_warn("--compare: there is nothing of the campaign %.*s",
                (int)e->facts.label[i].n, e->facts.label[i].p);
}

static int end(struct lp_run *run, struct lp_err *err)
{
    struct engine *e = run->engine;
    const struct settings *s = run->program->settings;
    /* What broke off on a failure is no report; what was told to stop is one, and says so. */
    if (!e->sum || !run->input_ended || run->fault.kind)
        return 0;
    if (e->reports > 0 && run->counts.rejects + e->reports == run->counts.in)
        return lay_out(run, s, lp_buf_view(&e->finished), err);
    if (e->reports > 0)
        lp_log_warn("%llu finished report%s among other records: left out",
            (unsigned long long)e->reports, e->reports == 1 ? "" : "s");
    if (make_report(run, e, err) < 0)
        return -1;
    warn(e);
    return lay_out(run, s, lp_buf_view(&e->report), err);
}

#define AT(member) offsetof(struct settings, member)

static const struct lp_opt opts[] = {
    {'f', "format", LP_OPT_CHOICE, AT(format), "text|json|csv|markdown|html", "text", "", 0},
    {'t', "template", LP_OPT_STRING, AT(template), "FILE", "a layout of your own, in jq", "file",
        0},
    {0, "compare", LP_OPT_STRING, AT(compare), "A,B|FROM..TO,FROM..TO",
        "test whether two campaigns or two periods differ", "", 0},
    {0, "top", LP_OPT_INT, AT(top), "N", "name the N contacts of the highest score (10)", "", 0},
    {0, "since", LP_OPT_TIME, AT(since), "TIME", "count only what happened from then on", "", 0},
    {0, "until", LP_OPT_TIME, AT(until), "TIME", "count only what happened before", "", 0},
    {0, "cost-per-contact", LP_OPT_STRING, AT(cost_per_contact), "AMOUNT",
        "what a contact costs where no spend is known, as in 0.50EUR", "", 0},
    LP_OPT_END,
};

static struct settings settings = {.top = 10, .since = INT64_MIN, .until = INT64_MAX};

static const char *(*const versions[])(void) = {
    lp_jq_version, lp_db_version, lp_idn_version, lp_fold_version, NULL};

static const struct lp_program program = {
    .name = "report",
    .summary = "report on campaigns, channels, contacts and providers",
    .operands = "[FILE...]",
    .examples = "report contacts.ndjson events.ndjson metrics.ndjson spend.ndjson\n"
                "cat *.ndjson | report --format html --state state.db > report.html\n"
                "report --format json *.ndjson | tee report.json | report --format markdown\n"
                "report --compare spring,autumn --since 2026-01-01 *.ndjson\n"
                "report --compare 2026-01-01..2026-02-01,2026-02-01..2026-03-01 *.ndjson",
    .opts = opts,
    .settings = &settings,
    .versions = versions,
    .begin = begin,
    .record = record,
    .end = end,
    .key = lp_key_rec,
};

int main(int argc, char **argv)
{
    return lp_run(&program, argc, argv);
}
