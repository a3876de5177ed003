/*
 * enrich - complete contacts by asking a chain of providers about them
 *
 * - The chain is a waterfall: one provider after the other is asked while the job title or the company
 *   is missing, and each field keeps the first that knew it, with its provenance.
 * - Without an account anywhere the embedded provider does what an address alone allows. It guesses,
 *   and says so: a guess fills no gap and does not make a contact `enriched`.
 * - A contact leaves as it came, but for `enrichment`, the gaps that were filled, `status` and
 *   `updated_at`. One that holds an answer younger than --max-age is not asked about again.
 * - Providers see only what identifies a person: no tags, no notes, no score.
 */
#include "leadpipe/ask.h"
#include "leadpipe/clock.h"
#include "leadpipe/contact.h"
#include "leadpipe/db.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/http.h"
#include "leadpipe/idn.h"
#include "leadpipe/jq.h"
#include "leadpipe/key.h"
#include "leadpipe/offline.h"
#include "leadpipe/psl.h"

#define DAY_MS INT64_C(86400000)

struct settings {
    struct lp_ask_settings ask;
    bool overwrite;
    int64_t max_age;
};

static bool settled(struct lp_run *run, struct lp_rec *rec)
{
    const struct settings *s = run->program->settings;
    return lp_enrichment_settled(rec, lp_clock_now(), s->max_age);
}

static bool ready(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    (void)run;
    return lp_enrichment_ready(rec, err);
}

static int merge(
    struct lp_run *run, struct lp_rec *rec, const struct lp_result *result, struct lp_err *err)
{
    const struct settings *s = run->program->settings;
    (void)err;
    if (lp_enrichment_merge(rec, result, s->overwrite, lp_clock_now()) == LP_ENRICHMENT_FAILED)
        run->counts.failed++;
    return 0;
}

static const struct lp_driver *const drivers[] = {&lp_driver_offline, NULL};
static const char *const send[] = {
    "email", "first_name", "last_name", "company", "domain", "linkedin_url", "country", NULL};
static const char *const identity[] = {
    "email", "first_name", "last_name", "company", "domain", "linkedin_url", NULL};
static const char *const want[] = {"title", "company", NULL};
static const char *const kinds[] = {"contact", NULL};
static const char *(*const versions[])(void) = {
    lp_http_version, lp_jq_version, lp_db_version, lp_psl_version, lp_idn_version, NULL};

static const struct lp_opt opts[] = {
    LP_ASK_OPTS(struct settings, ask),
    {0, "overwrite", LP_OPT_FLAG, offsetof(struct settings, overwrite), NULL,
        "let known answers replace what the contact has", "", 0},
    {0, "max-age", LP_OPT_DURATION, offsetof(struct settings, max_age), "DURATION",
        "how long an answer stands before it is asked for again (90d)", "", 0},
    LP_OPT_END,
};

static const struct lp_asking asking = {
    .capability = "lead_enrichment",
    .mode = LP_WATERFALL,
    .drivers = drivers,
    .send = send,
    .identity = identity,
    .want = want,
    .field = lp_enrichment_field,
    .settled = settled,
    .ready = ready,
    .merge = merge,
};

static struct settings settings = {.max_age = 90 * DAY_MS};

static const struct lp_program program = {
    .name = "enrich",
    .summary = "complete contacts: job title, company and more, from a chain of providers",
    .operands = "[FILE...]",
    .examples = "contacts-import leads.csv | enrich > contacts.ndjson\n"
                "enrich --chain apollo,offline contacts.ndjson\n"
                "enrich --dry-run contacts.ndjson | jq 'select(.kind == \"plan\")'",
    .opts = opts,
    .settings = &settings,
    .versions = versions,
    .drive = lp_ask_drive,
    .kinds = kinds,
    .context = &asking,
    .key = lp_key_rec,
};

int main(int argc, char **argv)
{
    return lp_run(&program, argc, argv);
}
