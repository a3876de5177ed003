/*
 * offline - the enrichment provider that asks nobody: what an address itself tells, and a table
 *
 * Owns: the driver's handle owns the lists, the table and its buffers
 * Units: confidence 0..1
 * Errors: `open`: LP_ERR_CONFIG for a table or lists that cannot be used
 * Source: spec/records.md "enrichment"; the order of given and family name is a convention of mail
 *         addresses, not a rule, hence the confidences
 *
 * Settings: `table` (a CSV file whose rows are known to be right) with `key` ("domain" or "email"), and
 * `lists` (a directory that extends the lists of roles, free providers and throw-away domains).
 * A guess is never certain: a first name that is a known given name reaches LP_ENRICHMENT_KNOWN, with
 * the last name beside it; a company read off a domain does not.
 */
#ifndef LEADPIPE_OFFLINE_H
#define LEADPIPE_OFFLINE_H

#include "leadpipe/driver.h"
#include "leadpipe/lists.h"

extern const struct lp_driver lp_driver_offline;

#define LP_OFFLINE_NAME_MAX 96

/* A person's name read off a local part. Lengths 0: not given. */
struct lp_offline_name {
    char first[LP_OFFLINE_NAME_MAX], last[LP_OFFLINE_NAME_MAX];
    size_t first_len, last_len;
    double confidence; /* of both */
};

/* "john.doe" -> John, Doe; "j.doe" -> Doe; "johndoe" and "sales" -> false. */
bool lp_offline_name(
    const struct lp_lists *lists, struct lp_str local, struct lp_offline_name *out);

/* Appends the company a registrable domain (lower-case A-labels) seems to belong to: "acme-widgets.co.uk"
 * -> "Acme Widgets". False where it is a school's, a government's, or no word. */
bool lp_offline_company(struct lp_str domain, struct lp_buf *out);

/* Is it a common given name? Lower case, ASCII. */
bool lp_offline_given(struct lp_str word);

#endif
