/*
 * key - the identity of a contact: what makes two addresses the same one
 *
 * Owns: nothing; results are appended to the caller's buffer
 * Units: bytes of UTF-8
 * Errors: false (nothing appended) where the text has no local part, no "@" or no domain
 * Source: spec/records.md "contact"
 *
 * The key is the trimmed address, its local part case-folded, its domain lower-cased to A-labels.
 * It is for comparing only (dedupe, shards, ledgers, joins); mail goes to `email` as it was given.
 */
#ifndef LEADPIPE_KEY_H
#define LEADPIPE_KEY_H

#include <stdbool.h>
#include "leadpipe/buf.h"
#include "leadpipe/record.h"

bool lp_key(struct lp_str email, struct lp_buf *out);
/* The key of a record by its `email`. */
bool lp_key_rec(struct lp_rec *rec, struct lp_buf *out);

/* The `domain` member of a contact with this address: lower case, A-label; where it has no such form its
 * ASCII letters are lower-cased. The same domain is in the key. */
bool lp_key_domain(struct lp_str email, struct lp_buf *out);

/* Without white space at either end: ASCII, no-break and ideographic spaces, zero-width marks, all
 * of which spreadsheets and web forms leave behind. */
struct lp_str lp_key_trim(struct lp_str s);

/* What an import asks of an address (finer syntax is verify's): one unquoted "@" between a local
 * part and a domain, no white space. NULL if so, else what is wrong, as a phrase: "no @". `s` is
 * trimmed. */
const char *lp_key_fault(struct lp_str s);

#endif
