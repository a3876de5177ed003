#include "leadpipe/idn.h"
#include "leadpipe/fold.h"
#include <idn2.h>
#include <stdlib.h>

/* A domain is at most 253 bytes as A-labels; what is far longer than that in any form is none, and
 * must not reach a library that allocates by it. */
#define LONGEST 2048

static bool convert(struct lp_str in, struct lp_buf *out, bool to_ascii)
{
    char name[LONGEST + 1];
    char *result = NULL;
    int rc;

    if (in.n == 0 || in.n > LONGEST || memchr(in.p, '\0', in.n))
        return false;
    memcpy(name, in.p, in.n);
    name[in.n] = '\0';
    if (to_ascii)
        rc = idn2_to_ascii_8z(name, &result, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    else
        rc = idn2_to_unicode_8z8z(name, &result, 0);
    if (rc == IDN2_OK && result && *result)
        lp_buf_puts(out, result);
    else
        rc = IDN2_MALLOC;
    idn2_free(result);
    return rc == IDN2_OK;
}

bool lp_idn_to_ascii(struct lp_str domain, struct lp_buf *out)
{
    return domain.n > 0 && (lp_fold_ascii(domain, out) || convert(domain, out, true));
}

bool lp_idn_to_unicode(struct lp_str domain, struct lp_buf *out)
{
    return convert(domain, out, false);
}

const char *lp_idn_version(void)
{
    return "libidn2 " IDN2_VERSION;
}
