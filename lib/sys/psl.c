#include "leadpipe/psl.h"

#include <libpsl.h>
#include <stdio.h>

/* libpsl wants NUL-terminated names; nothing longer is a domain. */
#define NAME_MAX_BYTES 253

struct name {
    char text[NAME_MAX_BYTES + 1];
};

static bool name_of(struct name *n, struct lp_str domain)
{
    if (domain.n == 0 || domain.n > NAME_MAX_BYTES)
        return false;
    memcpy(n->text, domain.p, domain.n);
    n->text[domain.n] = '\0';
    return true;
}

/* libpsl answers with a pointer into the name it was given: what it points to is a tail of it. */
static struct lp_str tail(struct lp_str domain, const char *part)
{
    size_t n = strlen(part);
    return (struct lp_str){domain.p + (domain.n - n), n};
}

struct lp_str lp_psl_registrable(struct lp_str domain)
{
    struct name n;
    const char *part = name_of(&n, domain) ? psl_registrable_domain(psl_builtin(), n.text) : NULL;

    return part ? tail(domain, part) : domain;
}

struct lp_str lp_psl_suffix(struct lp_str domain)
{
    struct lp_str whole = lp_psl_registrable(domain);
    const char *dot = whole.n ? memchr(whole.p, '.', whole.n) : NULL;

    if (!dot)
        return (struct lp_str){domain.p + domain.n, 0};
    return (struct lp_str){dot + 1, whole.n - (size_t)(dot + 1 - whole.p)};
}

bool lp_psl_tld_known(struct lp_str domain)
{
    const char *dot = domain.n ? memrchr(domain.p, '.', domain.n) : NULL;
    struct lp_str tld = domain;
    struct name n;

    if (dot)
        tld = (struct lp_str){dot + 1, domain.n - (size_t)(dot + 1 - domain.p)};
    /* Without this flag every unknown name counts as a suffix, by the list's implicit rule "*". */
    return name_of(&n, tld) &&
           psl_is_public_suffix2(psl_builtin(), n.text, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

const char *lp_psl_version(void)
{
    static char text[32];
    const char *version = psl_get_version(); /* "0.21.2 (+libidn2/2.3.3)" */

    snprintf(text, sizeof text, "libpsl %.*s", (int)strcspn(version, " "), version);
    return text;
}
