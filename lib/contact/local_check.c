#include "local_parts.h"

#include <stdio.h>

/* What self-check asks of the provider local: whether its name servers are of use. */

static void end_check(struct lp_call *call, const struct lp_dns_answer *a)
{
    switch (a->kind) {
    case LP_DNS_NXDOMAIN: lp_call_error(call, LP_DNS, LOCAL_KNOW_NOTHING); break;
    case LP_DNS_SERVFAIL:
        lp_call_error(call, LP_DNS, "the name servers answer with a failure");
        break;
    case LP_DNS_TIMEOUT: lp_call_error(call, LP_TIMEOUT, "no name server answers"); break;
    case LP_DNS_NO_NETWORK: lp_call_error(call, LP_NETWORK, LOCAL_UNREACHABLE); break;
    default:
        snprintf(call->detail, sizeof call->detail, "the name servers answer");
        lp_call_results(call);
    }
}

static void on_check_witness(void *arg, const struct lp_dns_answer *a)
{
    end_check(arg, a);
}

static void on_empty_witness(void *arg, const struct lp_dns_answer *a)
{
    if (a->kind == LP_DNS_NO_ADDRESS)
        lp_call_error(arg, LP_DNS, LOCAL_KNOW_NOTHING);
    else
        end_check(arg, a);
}

/* That there is no such domain, nothing of it, or no more than an address is an answer too, if it comes
 * from somebody who knows others. */
static void on_check(void *arg, const struct lp_dns_answer *a)
{
    struct lp_call *call = arg;
    struct local *l = call->provider->handle;
    lp_dns_done *done = a->kind == LP_DNS_NXDOMAIN ? on_check_witness : on_empty_witness;

    if (a->kind == LP_DNS_NXDOMAIN || a->kind == LP_DNS_NO_ADDRESS || a->kind == LP_DNS_IMPLICIT)
        a = lp_dns_ask(l->dns, LP_DNS_ZONE, LP_STR("com"), done, call);
    if (a)
        done(call, a);
}

void lp_local_check(struct lp_provider *p, struct lp_call *call)
{
    struct local *l = p->handle;
    struct lp_err err = {0};
    struct lp_buf domain = {0};
    const struct lp_dns_answer *a = NULL;

    /* What was found out before would be no check. */
    if (!l->jobs && local_open_network(l, &err)) {
        lp_call_error(call, LP_CONFIG, err.msg);
        return;
    }
    if (lp_provider_text(p, "check_domain", &domain))
        a = lp_dns_mx(l->dns, lp_buf_view(&domain), on_check, call);
    lp_buf_free(&domain);
    if (a)
        on_check(call, a);
}

const char *lp_local_advise(enum lp_class class)
{
    if (class == LP_DNS || class == LP_TIMEOUT || class == LP_NETWORK)
        return "look at the network and at /etc/resolv.conf, or name other servers in the setting "
               "`dns`; until then verdicts are `unknown`";
    return class == LP_CONFIG ? "correct the provider's settings in the configuration" : NULL;
}
