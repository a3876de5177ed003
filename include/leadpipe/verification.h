/*
 * verification - the words of a verdict on an address, and its place in a contact
 *
 * Owns: nothing; what is set is copied into the record's arena
 * Units: confidence 0..1; milliseconds
 * Errors: lp_verification_ready sets LP_ERR_RECORD, codes no_email and bad_email
 * Source: spec/records.md "verification", spec/gateway.md "Modes"
 */
#ifndef LEADPIPE_VERIFICATION_H
#define LEADPIPE_VERIFICATION_H

#include "leadpipe/ask.h"
#include "leadpipe/record.h"

enum lp_verification_status {
    LP_VERIFIED_VALID,
    LP_VERIFIED_INVALID,
    LP_VERIFIED_RISKY,
    LP_VERIFIED_UNKNOWN,
    LP_VERIFIED_STATUSES
};

enum lp_verification_reason {
    LP_REASON_OK,
    LP_REASON_SYNTAX,
    LP_REASON_NO_DOMAIN,
    LP_REASON_NO_MX,
    LP_REASON_NULL_MX,
    LP_REASON_MAILBOX_NOT_FOUND,
    LP_REASON_DISABLED,
    LP_REASON_DO_NOT_MAIL,
    LP_REASON_DISPOSABLE,
    LP_REASON_ROLE,
    LP_REASON_CATCH_ALL,
    LP_REASON_MAILBOX_FULL,
    LP_REASON_NOT_PROBED,
    LP_REASON_GREYLISTED,
    LP_REASON_TIMEOUT,
    LP_REASON_BLOCKED,
    LP_REASON_PROVIDER_ERROR,
    LP_REASONS
};

const char *lp_verification_status_word(enum lp_verification_status s);
const char *lp_verification_reason_word(enum lp_verification_reason r);
/* The one status a reason belongs to. */
enum lp_verification_status lp_verification_status(enum lp_verification_reason r);
/* The reason in a provider's data; false where status and reason are no pair of ours. */
bool lp_verification_read(struct lp_str data, enum lp_verification_reason *r);
/* Is there an address to ask about? */
bool lp_verification_ready(struct lp_rec *r, struct lp_err *err);
/* Does the record hold a final verdict (not `unknown`) younger than its lifetime? Lifetimes are by
 * verdict, or max_age_ms for all where that is not negative. */
bool lp_verification_settled(struct lp_rec *r, int64_t now, int64_t max_age_ms);
/* Need nobody else be asked? `unknown` and `role` go on to the next provider. */
bool lp_verification_conclusive(const struct lp_answer *a);
/* Sets `verification` to the most confident verdict, with what others found beside it, and moves the
 * contact on where that is `valid`. `unknown` never replaces a final verdict. Returns what this asking
 * came to; LP_REASONS where it was not done at all (stopped, or only noop was there). */
enum lp_verification_reason lp_verification_merge(
    struct lp_rec *r, const struct lp_result *result, int64_t now);

/* `unknown` by timeout or provider_error: ends the run with status 1. */
bool lp_verification_failed(enum lp_verification_reason r);

#endif
