/* verification - see leadpipe/verification.h */
#include "leadpipe/verification.h"

#include "leadpipe/clock.h"
#include "leadpipe/contact.h"
#include "leadpipe/num.h"
#include "leadpipe/provider.h"

#define DAY_MS INT64_C(86400000)

static const char *const statuses[LP_VERIFIED_STATUSES] = {
    [LP_VERIFIED_VALID] = "valid",
    [LP_VERIFIED_INVALID] = "invalid",
    [LP_VERIFIED_RISKY] = "risky",
    [LP_VERIFIED_UNKNOWN] = "unknown",
};

static const struct {
    const char *word;
    enum lp_verification_status status;
    int days; /* how long the verdict stands, as the cache keeps it; 0: it is none */
} reasons[LP_REASONS] = {
    [LP_REASON_OK] = {"ok", LP_VERIFIED_VALID, 90},
    [LP_REASON_SYNTAX] = {"syntax", LP_VERIFIED_INVALID, 180},
    [LP_REASON_NO_DOMAIN] = {"no_domain", LP_VERIFIED_INVALID, 180},
    [LP_REASON_NO_MX] = {"no_mx", LP_VERIFIED_INVALID, 180},
    [LP_REASON_NULL_MX] = {"null_mx", LP_VERIFIED_INVALID, 180},
    [LP_REASON_MAILBOX_NOT_FOUND] = {"mailbox_not_found", LP_VERIFIED_INVALID, 180},
    [LP_REASON_DISABLED] = {"disabled", LP_VERIFIED_INVALID, 180},
    [LP_REASON_DO_NOT_MAIL] = {"do_not_mail", LP_VERIFIED_INVALID, 180},
    [LP_REASON_DISPOSABLE] = {"disposable", LP_VERIFIED_RISKY, 90},
    [LP_REASON_ROLE] = {"role", LP_VERIFIED_RISKY, 90},
    [LP_REASON_CATCH_ALL] = {"catch_all", LP_VERIFIED_RISKY, 30},
    [LP_REASON_MAILBOX_FULL] = {"mailbox_full", LP_VERIFIED_RISKY, 1},
    [LP_REASON_NOT_PROBED] = {"not_probed", LP_VERIFIED_UNKNOWN, 0},
    [LP_REASON_GREYLISTED] = {"greylisted", LP_VERIFIED_UNKNOWN, 0},
    [LP_REASON_TIMEOUT] = {"timeout", LP_VERIFIED_UNKNOWN, 0},
    [LP_REASON_BLOCKED] = {"blocked", LP_VERIFIED_UNKNOWN, 0},
    [LP_REASON_PROVIDER_ERROR] = {"provider_error", LP_VERIFIED_UNKNOWN, 0},
};

const char *lp_verification_status_word(enum lp_verification_status s)
{
    return statuses[s];
}

const char *lp_verification_reason_word(enum lp_verification_reason r)
{
    return reasons[r].word;
}

enum lp_verification_status lp_verification_status(enum lp_verification_reason r)
{
    return reasons[r].status;
}

bool lp_verification_read(struct lp_str data, enum lp_verification_reason *r)
{
    struct lp_str status, reason;

    if (!data.p || !lp_json_get(data, "status", &status) || !lp_json_get(data, "reason", &reason))
        return false;
    for (int i = 0; i < LP_REASONS; i++)
        if (lp_json_is(reason, reasons[i].word)) {
            *r = (enum lp_verification_reason)i;
            return lp_json_is(status, statuses[reasons[i].status]);
        }
    return false;
}

bool lp_verification_failed(enum lp_verification_reason r)
{
    return r == LP_REASON_TIMEOUT || r == LP_REASON_PROVIDER_ERROR;
}

/* --- what is there already ------------------------------------------------------------------- */

bool lp_verification_ready(struct lp_rec *r, struct lp_err *err)
{
    struct lp_str email;

    if (!lp_rec_filled(r, "email"))
        lp_err_set(err, LP_ERR_RECORD, "no_email", "no email to verify");
    else if (!lp_rec_string(r, "email", &email))
        lp_err_set(err, LP_ERR_RECORD, "bad_email", "email is not a string");
    else
        return true;
    return false;
}

bool lp_verification_settled(struct lp_rec *r, int64_t now, int64_t max_age_ms)
{
    struct lp_str member, at, text;
    enum lp_verification_reason reason;
    int64_t when;

    if (!lp_rec_get(r, "verification", &member) || !lp_verification_read(member, &reason) ||
        reasons[reason].status == LP_VERIFIED_UNKNOWN)
        return false;
    if (!lp_json_get(member, "verified_at", &at) || !lp_json_string(at, &r->arena, &text) ||
        !lp_clock_parse(text, &when))
        return false;
    return now - when < (max_age_ms >= 0 ? max_age_ms : reasons[reason].days * DAY_MS);
}

/* --- weighing -------------------------------------------------------------------------------- */

bool lp_verification_conclusive(const struct lp_answer *a)
{
    enum lp_verification_reason r;

    return lp_verification_read(a->data, &r) && r != LP_REASON_ROLE &&
           reasons[r].status != LP_VERIFIED_UNKNOWN;
}

static double confidence_of(const struct lp_answer *a)
{
    double v;

    if (!a->confidence.p)
        return 1;
    if (!lp_json_real(a->confidence, &v))
        return 0;
    return v > 1 ? 1 : v >= 0 ? v : 0;
}

/* The most confident verdict, the earlier one where two are equal; NULL: nobody had one. */
static const struct lp_answer *best_of(
    const struct lp_result *result, enum lp_verification_reason *reason)
{
    const struct lp_answer *best = NULL;
    enum lp_verification_reason r;

    for (size_t i = 0; i < result->n; i++) {
        const struct lp_answer *a = &result->answers[i];
        if (a->outcome != LP_OK || !lp_verification_read(a->data, &r))
            continue;
        if (best && confidence_of(a) <= confidence_of(best))
            continue;
        best = a;
        *reason = r;
    }
    return best;
}

/* Why nobody had a verdict: they ran out of time, or failed otherwise. */
static enum lp_verification_reason failure_of(const struct lp_result *result)
{
    bool asked = false;
    for (size_t i = 0; i < result->n; i++) {
        if (result->answers[i].outcome == LP_SKIPPED)
            continue;
        if (result->answers[i].class != LP_TIMEOUT)
            return LP_REASON_PROVIDER_ERROR;
        asked = true;
    }
    return asked ? LP_REASON_TIMEOUT : LP_REASON_PROVIDER_ERROR;
}

/* --- writing --------------------------------------------------------------------------------- */

static const char *const checks[] = {
    "syntax", "mx", "disposable", "role", "free", "catch_all", "smtp"};
#define CHECKS (sizeof checks / sizeof *checks)

/* Takes what an answer says of checks that nobody has spoken of yet. */
static void read_checks(const struct lp_answer *a, struct lp_str *found)
{
    struct lp_str all, name, v;
    if (!a || a->outcome != LP_OK || !a->data.p || !lp_json_get(a->data, "checks", &all))
        return;
    struct lp_json_iter it = lp_json_iter(all);
    while (lp_json_next(&it, &name, &v)) {
        enum lp_json_type t = lp_json_type(v);
        for (size_t c = 0; c < CHECKS; c++)
            if (!found[c].p && (t == LP_JSON_TRUE || t == LP_JSON_FALSE) &&
                lp_json_name_is(name, checks[c]))
                found[c] = v;
    }
}

/* The chosen provider's word first, then whoever looked. */
static void put_checks(
    struct lp_buf *b, const struct lp_answer *best, const struct lp_result *result)
{
    struct lp_str found[CHECKS] = {{0}};
    read_checks(best, found);
    for (size_t i = 0; i < result->n; i++)
        if (&result->answers[i] != best)
            read_checks(&result->answers[i], found);
    lp_json_key(b, "checks");
    lp_buf_byte(b, '{');
    for (size_t c = 0; c < CHECKS; c++)
        lp_json_put_raw(b, checks[c], found[c].p ? found[c] : LP_STR("null"));
    lp_buf_byte(b, '}');
}

static void put_suggestion(struct lp_buf *b, const struct lp_result *result)
{
    struct lp_str v;

    for (size_t i = 0; i < result->n; i++)
        if (result->answers[i].data.p && lp_json_get(result->answers[i].data, "did_you_mean", &v) &&
            lp_json_type(v) == LP_JSON_STRING) {
            lp_json_put_raw(b, "did_you_mean", v);
            return;
        }
}

static void put_member(struct lp_buf *b, const struct lp_answer *best,
    enum lp_verification_reason reason, const struct lp_result *result, int64_t now)
{
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "status", lp_str(statuses[reasons[reason].status]));
    lp_json_put_str(b, "reason", lp_str(reasons[reason].word));
    if (best)
        lp_json_put_str(b, "provider", lp_str(best->provider->name));
    lp_json_key(b, "verified_at");
    lp_buf_byte(b, '"');
    lp_clock_put(b, best ? best->at : now);
    lp_buf_byte(b, '"');
    lp_json_put_num(b, "confidence", best ? confidence_of(best) : 0, 3);
    put_checks(b, best, result);
    put_suggestion(b, result);
    lp_buf_byte(b, '}');
}

/* In whatever words its reason is given: another's verdict is one too. */
static bool holds_verdict(struct lp_rec *r)
{
    struct lp_str member, status;

    return lp_rec_get(r, "verification", &member) && lp_json_get(member, "status", &status) &&
           (lp_json_is(status, statuses[LP_VERIFIED_VALID]) ||
               lp_json_is(status, statuses[LP_VERIFIED_INVALID]) ||
               lp_json_is(status, statuses[LP_VERIFIED_RISKY]));
}

enum lp_verification_reason lp_verification_merge(
    struct lp_rec *r, const struct lp_result *result, int64_t now)
{
    enum lp_verification_reason reason = LP_REASON_NOT_PROBED;
    const struct lp_answer *best = best_of(result, &reason);
    struct lp_buf b = {0};

    if (!best && result->status == LP_RESULT_SKIPPED)
        return LP_REASONS;
    if (!best && result->status != LP_RESULT_NOT_FOUND)
        reason = failure_of(result);
    if (reasons[reason].status == LP_VERIFIED_UNKNOWN && holds_verdict(r))
        return reason;
    lp_buf_grow(&b, 512);
    put_member(&b, best, reason, result, now);
    lp_rec_set(r, "verification", lp_buf_view(&b));
    lp_buf_free(&b);
    if (reason == LP_REASON_OK)
        lp_contact_advance(r, LP_CONTACT_VERIFIED);
    lp_contact_touch(r, now);
    return reason;
}
