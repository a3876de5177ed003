/*
 * verification - the words of a verdict on an address, and its place in a contact
 *
 * Owns: nothing; what is set is copied into the record's arena
 * Units: confidence 0..1; milliseconds
 * Errors: lp_verification_ready sets LP_ERR_RECORD, code no_email
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
/* `unknown` by timeout or provider_error: ends the run with status 1. */
bool lp_verification_failed(enum lp_verification_reason r);

#endif
