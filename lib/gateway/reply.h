/*
 * reply (internal) - what a provider said, from JSON to outcomes
 *
 * Owns: nothing; answers are copied into their record's arena
 * Units: -
 * Errors: a reply that is none of the forms ends the call as error/bad_response
 * Source: spec/gateway.md "Adapters are jq modules"
 */
#ifndef LP_GATEWAY_REPLY_H
#define LP_GATEWAY_REPLY_H

#include "leadpipe/driver.h"
#include "leadpipe/json.h"

/* Ends the call as {results, usage}, {next} or {error} says. */
void lp_reply_take(struct lp_call *call, struct lp_str reply, struct lp_buf *scratch);
/* One outcome, {outcome, data, confidence, class, detail}: the item's answer. One without a known
 * `outcome` leaves the item without an answer. */
void lp_reply_item(struct lp_item *item, struct lp_str result, struct lp_buf *scratch);
/* The object's `class`, where it is one that a provider may say; else what was there stays. */
void lp_reply_class(struct lp_str object, enum lp_class *class);
/* Sets the call's detail, addresses masked. */
void lp_reply_say(struct lp_call *call, const char *detail);
/* {class, detail}, and when to come again as below. */
void lp_reply_error(struct lp_call *call, struct lp_str error, struct lp_buf *scratch);
/* retry_after_s, or reset_at (RFC 3339 or epoch seconds), to the call's retry_after_ms. */
void lp_reply_wait(struct lp_call *call, struct lp_str reply, struct lp_buf *scratch);

/* A member's text, decoded into `out`; p == NULL: no string. */
struct lp_str lp_reply_text(struct lp_str object, const char *name, struct lp_buf *out);
double lp_reply_real(struct lp_str object, const char *path, double preset);
/* Seconds that somebody gave, as milliseconds from 0 to ten years: a wait can be reckoned with. */
int64_t lp_reply_ms(double seconds);

#endif
