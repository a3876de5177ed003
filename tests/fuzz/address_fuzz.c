/*
 * address_fuzz - any bytes as an e-mail address
 *
 * Holds: what is taken fits its sizes, its domain is lower-case ASCII, and its parts put together are
 * taken again and mean the same; what is refused leaves no parts.
 */
#include "leadpipe/address.h"
#include "leadpipe/typo.h"
#include "leadpipe/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "address: does not hold: %s\n", what);
        abort();
    }
}

static void check_domain(const struct lp_address *a)
{
    for (size_t i = 0; i < a->domain_len && !a->literal; i++)
        hold(a->domain[i] == '-' || a->domain[i] == '.' ||
                 (a->domain[i] >= '0' && a->domain[i] <= '9') ||
                 (a->domain[i] >= 'a' && a->domain[i] <= 'z'),
            "domains are lower-case letters, digits, hyphens and dots");
}

static void check_again(const struct lp_address *a, const struct lp_address_policy *policy)
{
    struct lp_address again;
    char text[LP_ADDRESS_MAX + 1];
    int n = snprintf(text, sizeof text, "%s@%s", a->local, a->domain);

    hold(n > 0 && (size_t)n < sizeof text, "no path is longer than 254");
    hold(lp_address_parse((struct lp_str){text, (size_t)n}, policy, &again), "parts make a whole");
    hold(lp_str_eq(lp_address_domain(a), lp_address_domain(&again)), "the domain stays");
    hold(lp_str_eq(lp_address_local(a), lp_address_local(&again)), "the local part stays");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct lp_address_policy policies[] = {{0}, {true, true, true}};
    struct lp_str text = {(const char *)data, n};
    struct lp_address a;

    for (size_t i = 0; i < 2; i++) {
        bool good = lp_address_parse(text, &policies[i], &a);
        hold(good == (a.detail == LP_ADDRESS_OK), "the detail says whether it is one");
        hold(good == (a.local_len > 0 && a.domain_len > 0), "an address has two parts");
        if (!good)
            continue;
        hold(a.local_len <= LP_ADDRESS_LOCAL_MAX, "local parts are 64 octets at most");
        hold(strlen(a.local) == a.local_len && strlen(a.domain) == a.domain_len, "no NUL inside");
        hold(lp_utf8_valid(a.local, a.local_len) == a.local_len, "local parts are UTF-8");
        check_domain(&a);
        check_again(&a, &policies[i]);
        lp_typo_domain(NULL, lp_address_domain(&a));
        lp_lists_role(NULL, lp_address_local(&a));
    }
    return 0;
}
