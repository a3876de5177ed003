/*
 * address - is this an e-mail address, and what are its parts
 *
 * Owns: the struct holds copies; nothing is allocated
 * Units: octets
 * Errors: `detail` says what is wrong; the parts are then empty
 * Source: RFC 5321 section 4.1.2 and 4.5.3.1 (grammar, sizes), RFC 5322 section 3.4.1 (comments),
 *         RFC 5890 (IDN), RFC 6531 (UTF-8 local parts)
 *
 * A pure function of its input. Quoted local parts, comments and domain literals are legal but, in
 * lists of leads, nearly always damage: each is recognised, and refused with a detail of its own
 * unless the policy lets it pass. A comment that may pass is left out of the parts.
 */
#ifndef LEADPIPE_ADDRESS_H
#define LEADPIPE_ADDRESS_H

#include "leadpipe/mem.h"

#define LP_ADDRESS_LOCAL_MAX  64
#define LP_ADDRESS_DOMAIN_MAX 255
#define LP_ADDRESS_MAX        254 /* RFC 5321 errata 1690: a path of 256 less its brackets */

enum lp_address_detail {
    LP_ADDRESS_OK,
    LP_ADDRESS_EMPTY,
    LP_ADDRESS_BAD_UTF8,
    LP_ADDRESS_NO_AT,
    LP_ADDRESS_NO_LOCAL,
    LP_ADDRESS_NO_DOMAIN,
    LP_ADDRESS_TOO_LONG,
    LP_ADDRESS_LOCAL_TOO_LONG,
    LP_ADDRESS_LOCAL_DOT,
    LP_ADDRESS_LOCAL_CHARACTER,
    LP_ADDRESS_QUOTED,
    LP_ADDRESS_BAD_QUOTED,
    LP_ADDRESS_COMMENT,
    LP_ADDRESS_BAD_COMMENT,
    LP_ADDRESS_LITERAL,
    LP_ADDRESS_BAD_LITERAL,
    LP_ADDRESS_DOMAIN_TOO_LONG,
    LP_ADDRESS_DOMAIN_DOT,
    LP_ADDRESS_DOMAIN_CHARACTER,
    LP_ADDRESS_LABEL_TOO_LONG,
    LP_ADDRESS_LABEL_HYPHEN,
    LP_ADDRESS_BAD_IDN,
    LP_ADDRESS_SINGLE_LABEL,
    LP_ADDRESS_NUMERIC_TLD,
    LP_ADDRESS_DETAILS
};

struct lp_address_policy {
    bool quoted, comments, literals; /* let them pass */
};

struct lp_address {
    enum lp_address_detail detail;
    bool smtputf8; /* the local part is not ASCII: only mail servers with SMTPUTF8 take it */
    bool quoted;   /* the local part is a quoted string, quotes kept */
    bool literal;  /* the domain is an address in brackets */
    size_t local_len, domain_len;
    char local[LP_ADDRESS_LOCAL_MAX + 1];
    char domain[LP_ADDRESS_DOMAIN_MAX + 1]; /* lower case, A-labels */
};

/* White space around the address is passed over, as lp_key_trim does. policy NULL: refuse all three. True if it is one. */
bool lp_address_parse(
    struct lp_str text, const struct lp_address_policy *policy, struct lp_address *out);

static inline struct lp_str lp_address_local(const struct lp_address *a)
{
    return (struct lp_str){a->local, a->local_len};
}
static inline struct lp_str lp_address_domain(const struct lp_address *a)
{
    return (struct lp_str){a->domain, a->domain_len};
}

/* A machine word ("local_dot") and a phrase for people. */
const char *lp_address_word(enum lp_address_detail d);
const char *lp_address_phrase(enum lp_address_detail d);

#endif
