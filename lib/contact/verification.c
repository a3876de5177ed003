#include "leadpipe/verification.h"

static const char *const statuses[LP_VERIFIED_STATUSES] = {
    [LP_VERIFIED_VALID] = "valid",
    [LP_VERIFIED_INVALID] = "invalid",
    [LP_VERIFIED_RISKY] = "risky",
    [LP_VERIFIED_UNKNOWN] = "unknown",
};

static const struct {
    const char *word;
    enum lp_verification_status status;
} reasons[LP_REASONS] = {
    [LP_REASON_OK] = {"ok", LP_VERIFIED_VALID},
    [LP_REASON_SYNTAX] = {"syntax", LP_VERIFIED_INVALID},
    [LP_REASON_NO_DOMAIN] = {"no_domain", LP_VERIFIED_INVALID},
    [LP_REASON_NO_MX] = {"no_mx", LP_VERIFIED_INVALID},
    [LP_REASON_NULL_MX] = {"null_mx", LP_VERIFIED_INVALID},
    [LP_REASON_MAILBOX_NOT_FOUND] = {"mailbox_not_found", LP_VERIFIED_INVALID},
    [LP_REASON_DISABLED] = {"disabled", LP_VERIFIED_INVALID},
    [LP_REASON_DO_NOT_MAIL] = {"do_not_mail", LP_VERIFIED_INVALID},
    [LP_REASON_DISPOSABLE] = {"disposable", LP_VERIFIED_RISKY},
    [LP_REASON_ROLE] = {"role", LP_VERIFIED_RISKY},
    [LP_REASON_CATCH_ALL] = {"catch_all", LP_VERIFIED_RISKY},
    [LP_REASON_MAILBOX_FULL] = {"mailbox_full", LP_VERIFIED_RISKY},
    [LP_REASON_NOT_PROBED] = {"not_probed", LP_VERIFIED_UNKNOWN},
    [LP_REASON_GREYLISTED] = {"greylisted", LP_VERIFIED_UNKNOWN},
    [LP_REASON_TIMEOUT] = {"timeout", LP_VERIFIED_UNKNOWN},
    [LP_REASON_BLOCKED] = {"blocked", LP_VERIFIED_UNKNOWN},
    [LP_REASON_PROVIDER_ERROR] = {"provider_error", LP_VERIFIED_UNKNOWN},
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
