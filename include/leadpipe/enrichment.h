/*
 * enrichment - what providers said about a contact, merged into its `enrichment` member
 *
 * Owns: nothing; what is set is copied into the record's arena
 * Units: milliseconds; confidence 0..1
 * Errors: lp_enrichment_ready sets LP_ERR_RECORD, codes bad_email and no_identity
 * Source: spec/records.md "enrichment"
 *
 * A field is known from LP_ENRICHMENT_KNOWN upward: it then fills the contact's own empty members and
 * makes it `enriched`. A lower one is a guess: kept with its provenance where nobody knew better.
 */
#ifndef LEADPIPE_ENRICHMENT_H
#define LEADPIPE_ENRICHMENT_H

#include "leadpipe/ask.h"
#include "leadpipe/record.h"

#define LP_ENRICHMENT_KNOWN 0.5

enum lp_enrichment_status {
    LP_ENRICHMENT_SKIPPED,
    LP_ENRICHMENT_FAILED,
    LP_ENRICHMENT_NOT_FOUND,
    LP_ENRICHMENT_FOUND
};

/* Does the record hold a final answer (found, not_found) younger than max_age, with nobody's last
 * attempt an error and nobody passed over who could not be asked at the time? */
bool lp_enrichment_settled(struct lp_rec *r, int64_t now, int64_t max_age_ms);

/* Is there enough to ask anybody about: an address, a profile, or a name with a company or domain? */
bool lp_enrichment_ready(struct lp_rec *r, struct lp_err *err);

/* Sets `enrichment` and what follows from it. A result worth less than the one already there (failed
 * after found) leaves the record as it is, byte for byte; what a provider that now failed said earlier
 * is kept beside what the others say. Returns what this asking came to. */
enum lp_enrichment_status lp_enrichment_merge(
    struct lp_rec *r, const struct lp_result *result, bool overwrite, int64_t now);

/* A field by its name here or by the contact's ("title" -> "job_title"); NULL for no such field. `member`
 * becomes the contact's own name for it, or the same where a contact has none. */
const char *lp_enrichment_field(const char *name, const char **member);
const char *lp_enrichment_known_field(struct lp_str name);

#endif
