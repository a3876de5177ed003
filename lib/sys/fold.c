#include "leadpipe/fold.h"
#include <stdint.h>
#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>
#include <unistring/version.h>

static unsigned char put_lower(struct lp_str s, struct lp_buf *out)
{
    char *to = out->p + out->len;
    unsigned char seen = 0;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        seen |= c;
        to[i] = (char)(c | ((unsigned char)(c - 'A') < 26 ? 0x20 : 0));
    }
    return seen;
}

bool lp_fold_ascii(struct lp_str s, struct lp_buf *out)
{
    if (!lp_buf_grow(out, s.n + 1) || (put_lower(s, out) & 0x80))
        return false;
    out->len += s.n;
    out->p[out->len] = '\0';
    return true;
}

void lp_fold(struct lp_str s, struct lp_buf *out)
{
    size_t n = 0;

    if (lp_fold_ascii(s, out) || !lp_buf_grow(out, s.n + 1))
        return;
    uint8_t *folded = NULL;
    if (!u8_check((const uint8_t *)s.p, s.n))
        folded = u8_casefold((const uint8_t *)s.p, s.n, NULL, UNINORM_NFC, NULL, &n);
    if (folded) {
        lp_buf_add(out, folded, n);
        free(folded);
        return;
    }
    put_lower(s, out);
    out->len += s.n;
    out->p[out->len] = '\0';
}

const char *lp_fold_version(void)
{
    static char text[48];
    struct lp_buf b = {0};
    int v = _libunistring_version; /* 0x0009 to 0x000a before 1.0, then 0x010000 */
    if (v > 0xffff)
        v >>= 8;
    lp_buf_printf(&b, "libunistring %d.%d", v >> 8, v & 255);
    memcpy(text, b.p, b.len < sizeof(text) ? b.len : sizeof(text) - 1);
    lp_buf_free(&b);
    return text;
}
