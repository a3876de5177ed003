/*
 * verify - say of each contact's address whether it takes mail, by asking a chain of providers
 *
 * - The chain is a failover: the first verdict that settles the matter ends it. `unknown` and `role`
 *   go on to the next provider, and the most confident verdict stays.
 * - Without an account anywhere the embedded provider checks syntax, lists and the domain's mail hosts.
 *   It cannot see a mailbox, so it never says `valid` (unless its setting accept says so, or its setting
 *   probe has it ask the mail hosts).
 * - Without a network, or when nobody could answer, the verdict is `unknown` with its reason: an error
 *   is never `valid`, and never `invalid`.
 * - A contact leaves as it came, but for `verification`, `status` and `updated_at`.
 */
#include "leadpipe/ask.h"
#include "leadpipe/clock.h"
#include "leadpipe/db.h"
#include "leadpipe/dns.h"
#include "leadpipe/http.h"
#include "leadpipe/idn.h"
#include "leadpipe/jq.h"
#include "leadpipe/key.h"
#include "leadpipe/local.h"
#include "leadpipe/psl.h"
#include "leadpipe/tls.h"
#include "leadpipe/verification.h"

struct settings {
    struct lp_ask_settings ask;
    struct lp_local_options local;
    int64_t max_age;
};

static struct settings settings = {.max_age = -1};

static bool settled(struct lp_run *run, struct lp_rec *rec)
{
    (void)run;
    return lp_verification_settled(rec, lp_clock_now(), settings.max_age);
}

static bool ready(struct lp_run *run, struct lp_rec *rec, struct lp_err *err)
{
    (void)run;
    return lp_verification_ready(rec, err);
}

static int merge(
    struct lp_run *run, struct lp_rec *rec, const struct lp_result *result, struct lp_err *err)
{
    (void)err;
    enum lp_verification_reason r = lp_verification_merge(rec, result, lp_clock_now());
    if (r < LP_REASONS && lp_verification_failed(r))
        run->counts.failed++;
    return 0;
}

static int open_local(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    (void)g;
    return lp_local_open(p, &settings.local, err);
}

static const struct lp_driver local = LP_LOCAL_DRIVER(open_local);
static const struct lp_driver *const drivers[] = {&local, NULL};
static const char *const send[] = {"email", NULL};
static const char *const identity[] = {"email", NULL};
static const char *const kinds[] = {"contact", NULL};
static const char *(*const versions[])(void) = {lp_dns_version, lp_http_version, lp_tls_version,
    lp_jq_version, lp_db_version, lp_psl_version, lp_idn_version, NULL};

static const struct lp_opt opts[] = {
    LP_ASK_OPTS(struct settings, ask),
    {0, "lists", LP_OPT_STRING, offsetof(struct settings, local.lists), "DIR",
        "add DIR/role.txt, free.txt and disposable.txt to the built-in lists", "dir", 0},
    {0, "dns", LP_OPT_STRING, offsetof(struct settings, local.dns), "SERVERS",
        "ask these DNS servers instead of the system's: 127.0.0.1:5353,[::1]:53", "", 0},
    {0, "max-age", LP_OPT_DURATION, offsetof(struct settings, max_age), "DURATION",
        "how long a verdict stands before it is asked for again (by verdict: 1d to 180d)", "", 0},
    LP_OPT_END,
};

static const struct lp_asking asking = {
    .capability = "email_verification",
    .mode = LP_FAILOVER,
    .drivers = drivers,
    .send = send,
    .identity = identity,
    .settled = settled,
    .ready = ready,
    .conclusive = lp_verification_conclusive,
    .merge = merge,
};

static const struct lp_program program = {
    .name = "verify",
    .summary = "say of each contact's address whether it takes mail",
    .operands = "[FILE...]",
    .examples = "contacts-import leads.csv | enrich | verify > contacts.ndjson\n"
                "verify contacts.ndjson | jq -r '.verification | [.status, .reason] | @tsv'\n"
                "verify --chain local,dropcontact --budget 500credits contacts.ndjson",
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
