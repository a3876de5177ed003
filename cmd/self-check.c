/*
 * self-check - is every provider well, and what is to be done about those that are not
 *
 * - Each provider is asked for its own cheapest check, all at once; what comes back counts as an
 *   observation like any other, so the programs of the pipes profit from it.
 * - The state is shared: --status shows what every program has met with, also while they run.
 * - What to do is said by the adapter, which knows its vendor; how grave it is follows from the state.
 * - Reads no records; its result is the report and the exit status.
 */
#include "leadpipe/check.h"
#include "leadpipe/db.h"
#include "leadpipe/dns.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/http.h"
#include "leadpipe/idn.h"
#include "leadpipe/jq.h"
#include "leadpipe/local.h"
#include "leadpipe/offline.h"
#include "leadpipe/psl.h"

static const struct lp_driver *const enrichers[] = {&lp_driver_offline, NULL};
static const struct lp_driver *const verifiers[] = {&lp_driver_local, NULL};
static const char *const enrichment_wants[] = {"title", "company", NULL};

static const struct lp_check_chain chains[] = {
    {"lead_enrichment", LP_WATERFALL, enrichers, enrichment_wants, lp_enrichment_field},
    {"email_verification", LP_FAILOVER, verifiers, NULL, NULL},
    {NULL, LP_FAILOVER, NULL, NULL, NULL},
};

static const char *(*const versions[])(void) = {lp_dns_version, lp_http_version, lp_jq_version,
    lp_db_version, lp_psl_version, lp_idn_version, NULL};

#define AT(member) offsetof(struct lp_check_settings, member)
#define EVERY_MS   300000

static const struct lp_opt opts[] = {
    {0, "status", LP_OPT_FLAG, AT(status), NULL, "show what is stored, ask nobody", "", 0},
    {0, "watch", LP_OPT_EVERY, AT(watch), "DURATION", "check again and again (300s)", "", EVERY_MS},
    {0, "json", LP_OPT_FLAG, AT(json), NULL, "the report as JSON", "", 0},
    {0, "prometheus", LP_OPT_FLAG, AT(prometheus), NULL,
        "the report for a node exporter's textfile directory", "", 0},
    {0, "audit", LP_OPT_FLAG, AT(audit), NULL,
        "the log of requests, the newest last (--limit N: the newest N)", "", 0},
    {0, "bench", LP_OPT_STRING, AT(bench), "PROVIDER", "have it not asked until --unbench", "", 0},
    {0, "unbench", LP_OPT_STRING, AT(unbench), "PROVIDER", "have it asked again", "", 0},
    {0, "show-config", LP_OPT_FLAG, AT(show_config), NULL,
        "the configuration in effect, and where each setting is from", "", 0},
    LP_OPT_END,
};

static struct lp_check_settings settings;

static const struct lp_program program = {
    .name = "self-check",
    .summary = "check every provider, say what is wrong and what to do about it",
    .examples = "self-check\n"
                "self-check --status --json | jq '.recommendations[]'\n"
                "self-check --watch=60",
    .opts = opts,
    .settings = &settings,
    .versions = versions,
    .drive = lp_check_drive,
    .context = chains,
    .no_input = true,
};

int main(int argc, char **argv)
{
    return lp_run(&program, argc, argv);
}
