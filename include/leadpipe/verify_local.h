/*
 * verify_local - what this machine can tell of an address: its syntax, its domain, the lists
 *
 * Owns: a verdict holds copies; did_you_mean is constant data; `detail` a literal
 * Units: confidence 0..1
 * Errors: none; every address gets a verdict
 * Source: spec/records.md "verification"
 *
 * In steps, so that what waits (DNS, the probe) stands between pure functions:
 * lp_verify_local_begin looks at the text and the lists; if it returns true the domain's answer is
 * wanted, which lp_verify_local_mx judges, and what the domain's mail host said of the address itself
 * lp_verify_local_probed. Without that never `valid` unless `accept_mx`.
 */
#ifndef LEADPIPE_VERIFY_LOCAL_H
#define LEADPIPE_VERIFY_LOCAL_H

#include "leadpipe/address.h"
#include "leadpipe/buf.h"
#include "leadpipe/dns.h"
#include "leadpipe/lists.h"
#include "leadpipe/verification.h"

struct lp_probe_verdict;

struct lp_verify_local {
    struct lp_address_policy policy;
    const struct lp_lists *lists;
    bool accept_mx; /* a domain that takes mail is enough for `valid` */
};

/* What a check found; not tried is null in the record. */
enum lp_check { LP_CHECK_NULL, LP_CHECK_FALSE, LP_CHECK_TRUE };

struct lp_local_verdict {
    enum lp_verification_reason reason;
    enum lp_check syntax, mx, disposable, role, free, catch_all, smtp;
    struct lp_address address;
    struct lp_str did_you_mean; /* a domain, or p == NULL */
    const char *detail;         /* for people, or NULL; of a probe: lives as long as its verdict */
};

/* True: ask for the MX of v->address.domain and go on with lp_verify_local_mx. False: v is final. */
bool lp_verify_local_begin(
    const struct lp_verify_local *s, struct lp_str email, struct lp_local_verdict *v);
void lp_verify_local_mx(
    const struct lp_verify_local *s, struct lp_local_verdict *v, const struct lp_dns_answer *a);
/* The domain names mail hosts, and none of them has an address. */
void lp_verify_local_no_host(struct lp_local_verdict *v);
/* The name to ask DNS for before it is believed that the address's domain does not exist, that there is
 * nothing of it, or that it has no more than an address: its top-level domain where the world has one of
 * that name, else "com". */
struct lp_str lp_verify_local_witness(const struct lp_local_verdict *v);
/* Is the witness known (an answer to LP_DNS_ZONE)? If not, whoever said that of the domain knows nothing;
 * nor does who names no servers of the witness, unless LP_DNS_NXDOMAIN shows that he tells names apart. */
bool lp_verify_local_believed(enum lp_dns_kind said, const struct lp_dns_answer *witness);
void lp_verify_local_doubted(
    struct lp_local_verdict *v, enum lp_dns_kind said, const struct lp_dns_answer *witness);
/* Could a mail host tell more? */
bool lp_verify_local_open_to_probe(const struct lp_local_verdict *v);
void lp_verify_local_probed(struct lp_local_verdict *v, const struct lp_probe_verdict *said);

/* Appends {"status","reason","checks","did_you_mean"}. */
void lp_verify_local_put(const struct lp_local_verdict *v, struct lp_buf *out);
/* How sure that is, as JSON. */
struct lp_str lp_verify_local_confidence(const struct lp_local_verdict *v);

#endif
