#include "leadpipe/verify_local.h"

#include "leadpipe/json.h"
#include "leadpipe/probe.h"
#include "leadpipe/psl.h"
#include "leadpipe/typo.h"

/* How far each verdict can be trusted; `valid` further where the mail host itself was asked. */
static const struct lp_str confidence[LP_REASONS] = {
    [LP_REASON_OK] = {"0.6", 3},
    [LP_REASON_SYNTAX] = {"1", 1},
    [LP_REASON_NO_DOMAIN] = {"0.99", 4},
    [LP_REASON_NO_MX] = {"0.95", 4},
    [LP_REASON_NULL_MX] = {"1", 1},
    [LP_REASON_MAILBOX_NOT_FOUND] = {"0.95", 4},
    [LP_REASON_DISABLED] = {"0.95", 4},
    [LP_REASON_CATCH_ALL] = {"0.9", 3},
    [LP_REASON_MAILBOX_FULL] = {"0.9", 3},
    [LP_REASON_DISPOSABLE] = {"0.95", 4},
    [LP_REASON_ROLE] = {"0.8", 3},
    [LP_REASON_NOT_PROBED] = {"0.3", 3},
};

/* What a domain's answer means; the reason stands unless a domain that takes mail is judged further. */
static const struct {
    enum lp_verification_reason reason;
    enum lp_check mx;
    const char *detail;
} judged[LP_DNS_KINDS] = {
    [LP_DNS_MX] = {LP_REASON_NOT_PROBED, LP_CHECK_TRUE, NULL},
    [LP_DNS_IMPLICIT] = {LP_REASON_NOT_PROBED, LP_CHECK_TRUE, "no MX, the domain's own address"},
    [LP_DNS_NULL_MX] = {LP_REASON_NULL_MX, LP_CHECK_FALSE, "the domain takes no mail"},
    [LP_DNS_NO_ADDRESS] = {LP_REASON_NO_MX, LP_CHECK_FALSE, "the domain has no mail host"},
    [LP_DNS_NXDOMAIN] = {LP_REASON_NO_DOMAIN, LP_CHECK_FALSE, "the domain does not exist"},
    [LP_DNS_SERVFAIL] = {LP_REASON_PROVIDER_ERROR, LP_CHECK_NULL, "the DNS server failed"},
    [LP_DNS_TIMEOUT] = {LP_REASON_TIMEOUT, LP_CHECK_NULL, "no answer from DNS in time"},
    [LP_DNS_NO_NETWORK] = {LP_REASON_PROVIDER_ERROR, LP_CHECK_NULL, "no DNS server can be reached"},
};

static enum lp_check check(bool yes)
{
    return yes ? LP_CHECK_TRUE : LP_CHECK_FALSE;
}

/* The verdict on an address whose domain takes mail. */
static enum lp_verification_reason takes_mail(
    const struct lp_verify_local *s, const struct lp_local_verdict *v)
{
    if (v->disposable == LP_CHECK_TRUE)
        return LP_REASON_DISPOSABLE;
    if (v->role == LP_CHECK_TRUE)
        return LP_REASON_ROLE;
    return s->accept_mx ? LP_REASON_OK : LP_REASON_NOT_PROBED;
}

bool lp_verify_local_begin(
    const struct lp_verify_local *s, struct lp_str email, struct lp_local_verdict *v)
{
    struct lp_str domain;

    *v = (struct lp_local_verdict){.reason = LP_REASON_SYNTAX};
    v->syntax = check(lp_address_parse(email, &s->policy, &v->address));
    if (v->syntax == LP_CHECK_FALSE) {
        v->detail = lp_address_phrase(v->address.detail);
        return false;
    }
    v->reason = LP_REASON_NOT_PROBED;
    v->role = check(!v->address.quoted && lp_lists_role(s->lists, lp_address_local(&v->address)));
    if (v->address.literal) { /* nobody was asked whether it takes mail: that accepts nothing */
        v->reason = v->role == LP_CHECK_TRUE ? LP_REASON_ROLE : LP_REASON_NOT_PROBED;
        return false;
    }
    domain = lp_address_domain(&v->address);
    v->disposable = check(lp_lists_domain(s->lists, LP_LIST_DISPOSABLE, domain));
    v->free = check(lp_lists_domain(s->lists, LP_LIST_FREE, domain));
    v->did_you_mean = lp_typo_domain(s->lists, domain);
    return true;
}

void lp_verify_local_mx(
    const struct lp_verify_local *s, struct lp_local_verdict *v, const struct lp_dns_answer *a)
{
    v->mx = judged[a->kind].mx;
    v->reason = judged[a->kind].reason;
    v->detail = judged[a->kind].detail;
    if (v->mx == LP_CHECK_TRUE) {
        v->reason = takes_mail(s, v);
        if (v->address.smtputf8)
            v->detail = "only mail servers with SMTPUTF8 take this address";
    }
}

void lp_verify_local_no_host(struct lp_local_verdict *v)
{
    v->mx = judged[LP_DNS_NO_ADDRESS].mx;
    v->reason = judged[LP_DNS_NO_ADDRESS].reason;
    v->detail = "the domain's mail hosts have no address";
}

struct lp_str lp_verify_local_witness(const struct lp_local_verdict *v)
{
    struct lp_str domain = lp_address_domain(&v->address);
    const char *dot = memrchr(domain.p, '.', domain.n);

    if (!dot || !lp_psl_tld_known(domain))
        return LP_STR("com");
    return (struct lp_str){dot + 1, domain.n - (size_t)(dot + 1 - domain.p)};
}

bool lp_verify_local_believed(enum lp_dns_kind said, const struct lp_dns_answer *witness)
{
    return witness->kind == LP_DNS_MX ||
           (said == LP_DNS_NXDOMAIN && witness->kind == LP_DNS_NO_ADDRESS);
}

void lp_verify_local_doubted(
    struct lp_local_verdict *v, enum lp_dns_kind said, const struct lp_dns_answer *witness)
{
    if (lp_verify_local_believed(said, witness)) {
        v->mx = judged[said].mx;
        v->reason = judged[said].reason;
        v->detail = judged[said].detail;
        return;
    }
    v->mx = LP_CHECK_NULL;
    v->reason = LP_REASON_PROVIDER_ERROR;
    v->detail = "the resolver does not know the top-level domain either";
}

bool lp_verify_local_open_to_probe(const struct lp_local_verdict *v)
{
    return v->mx == LP_CHECK_TRUE && !v->address.literal && v->reason != LP_REASON_DISPOSABLE;
}

/* A mailbox that takes mail and is a role's stays one; what was not found out leaves it so too. */
void lp_verify_local_probed(struct lp_local_verdict *v, const struct lp_probe_verdict *said)
{
    bool role = v->reason == LP_REASON_ROLE && said->smtp != LP_CHECK_FALSE;

    v->smtp = said->smtp;
    v->catch_all = said->catch_all;
    v->detail = said->detail;
    if (!role && said->reason != LP_REASON_NOT_PROBED)
        v->reason = said->reason;
}

static void put_check(struct lp_buf *out, const char *name, enum lp_check c)
{
    static const struct lp_str word[] = {[LP_CHECK_NULL] = {"null", 4},
        [LP_CHECK_FALSE] = {"false", 5},
        [LP_CHECK_TRUE] = {"true", 4}};

    lp_json_put_raw(out, name, word[c]);
}

static void put_suggestion(const struct lp_local_verdict *v, struct lp_buf *out)
{
    char text[LP_ADDRESS_LOCAL_MAX + 1 + LP_ADDRESS_DOMAIN_MAX];
    size_t n = v->address.local_len;

    memcpy(text, v->address.local, n);
    text[n++] = '@';
    memcpy(text + n, v->did_you_mean.p, v->did_you_mean.n);
    lp_json_put_str(out, "did_you_mean", (struct lp_str){text, n + v->did_you_mean.n});
}

void lp_verify_local_put(const struct lp_local_verdict *v, struct lp_buf *out)
{
    enum lp_verification_status status = lp_verification_status(v->reason);

    lp_buf_byte(out, '{');
    lp_json_put_str(out, "status", lp_str(lp_verification_status_word(status)));
    lp_json_put_str(out, "reason", lp_str(lp_verification_reason_word(v->reason)));
    lp_json_key(out, "checks");
    lp_buf_byte(out, '{');
    put_check(out, "syntax", v->syntax);
    put_check(out, "mx", v->mx);
    put_check(out, "disposable", v->disposable);
    put_check(out, "role", v->role);
    put_check(out, "free", v->free);
    put_check(out, "catch_all", v->catch_all);
    put_check(out, "smtp", v->smtp);
    lp_buf_byte(out, '}');
    if (v->did_you_mean.p)
        put_suggestion(v, out);
    lp_buf_byte(out, '}');
}

struct lp_str lp_verify_local_confidence(const struct lp_local_verdict *v)
{
    struct lp_str c = confidence[v->reason];

    if (v->reason == LP_REASON_OK && v->smtp == LP_CHECK_TRUE)
        return LP_STR("0.95");
    return c.p ? c : LP_STR("0");
}
