/*
 * contact - a contact's own members: its status and what moves it, defaults, tags, filling gaps
 *
 * Owns: nothing; values set are copied into the record's arena
 * Units: -
 * Errors: none; every function says whether it changed the record
 * Source: spec/records.md "contact"
 *
 * A function that changes the record leaves `updated_at` to lp_contact_touch, so that a program
 * touches once for all it did.
 */
#ifndef LEADPIPE_CONTACT_H
#define LEADPIPE_CONTACT_H

#include "leadpipe/record.h"

/* In the order a contact goes through them; disqualified is an end that every one can come to. */
enum lp_contact_status {
    LP_CONTACT_NEW,
    LP_CONTACT_ENRICHED,
    LP_CONTACT_VERIFIED,
    LP_CONTACT_ENGAGED,
    LP_CONTACT_CONVERTED,
    LP_CONTACT_DISQUALIFIED,
    LP_CONTACT_STATUSES
};

const char *lp_contact_status_name(enum lp_contact_status s);
bool lp_contact_status_from(struct lp_str word, enum lp_contact_status *s);

/* Where the record stands; none, null or "" is new. False for a status that is none of ours, which
 * nobody here will change. */
bool lp_contact_status(struct lp_rec *r, enum lp_contact_status *s);
/* Moves the status forward to `to`; true if it did. Never back, and never out of disqualified. */
bool lp_contact_advance(struct lp_rec *r, enum lp_contact_status to);

/* Is it something the person did (link_clicked, reply_received)? What we did (email_sent) or a
 * machine (bounce) is not: only what is true here makes a contact engaged. */
bool lp_contact_engages(struct lp_str engagement_type);
/* Adds to `engagements` (metadata: JSON, or p == NULL) and moves the status where the person did it.
 * False where `engagements` is no array: it is then left alone. */
bool lp_contact_engage(
    struct lp_rec *r, struct lp_str engagement_type, int64_t at, struct lp_str metadata);
size_t lp_contact_engagements(const struct lp_rec *r);

/* What a contact has from birth, where it is missing: kind, status new, created_at. */
bool lp_contact_defaults(struct lp_rec *r, int64_t now);
/* updated_at = now. */
void lp_contact_touch(struct lp_rec *r, int64_t now);

/* Sets a member that is empty (absent, null, ""), or with `overwrite` any; true if it changed. */
bool lp_contact_fill(struct lp_rec *r, const char *member, struct lp_str json, bool overwrite);

/* Tags are unique, in order of first appearance. `tags` of another type than array is left alone. */
bool lp_contact_has_tag(const struct lp_rec *r, struct lp_str tag);
bool lp_contact_tag(struct lp_rec *r, struct lp_str tag);

#endif
