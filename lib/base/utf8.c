/* utf8 - see leadpipe/utf8.h */
#include "leadpipe/utf8.h"

#include <string.h>

static bool tail(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/*
 * The narrower ranges after E0, ED, F0 and F4 keep out overlong forms, surrogates and what lies
 * above U+10FFFF (RFC 3629, section 4).
 */
static bool second(unsigned char lead, unsigned char c)
{
    switch (lead) {
    case 0xE0: return c >= 0xA0 && c <= 0xBF;
    case 0xED: return c >= 0x80 && c <= 0x9F;
    case 0xF0: return c >= 0x90 && c <= 0xBF;
    case 0xF4: return c >= 0x80 && c <= 0x8F;
    default: return tail(c);
    }
}

/* Bytes of the sequence at p, or 0. p < end and *p is not ASCII. */
static inline size_t sequence(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    unsigned char c = p[0];
    if (c < 0xE0)
        return c >= 0xC2 && left >= 2 && tail(p[1]) ? 2 : 0;
    if (left < 3 || !second(c, p[1]) || !tail(p[2]))
        return 0;
    if (c < 0xF0)
        return 3;
    return c <= 0xF4 && left >= 4 && tail(p[3]) ? 4 : 0;
}

const unsigned char *lp_utf8_run(const unsigned char *p, const unsigned char *end)
{
    while (p < end && *p >= 0x80) {
        size_t n = sequence(p, end);
        if (n == 0)
            break;
        p += n;
    }
    return p;
}

static const unsigned char *ascii_run(const unsigned char *p, const unsigned char *end)
{
    while (end - p >= 16) {
        uint64_t w[2];
        memcpy(w, p, sizeof w);
        if ((w[0] | w[1]) & UINT64_C(0x8080808080808080))
            break;
        p += 16;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

size_t lp_utf8_valid(const char *text, size_t n)
{
    const unsigned char *start = (const unsigned char *)text, *p = start, *end = start + n;
    while (p < end) {
        p = *p < 0x80 ? ascii_run(p, end) : lp_utf8_run(p, end);
        if (p < end && *p >= 0x80 && sequence(p, end) == 0)
            break;
    }
    return (size_t)(p - start);
}

uint32_t lp_utf8_decode(const char *text, size_t n, size_t *len)
{
    const unsigned char *p = (const unsigned char *)text;
    if (n == 0) {
        *len = 0;
        return 0;
    }
    *len = *p < 0x80 ? 1 : sequence(p, p + n);
    switch (*len) {
    case 1: return p[0];
    case 2: return (p[0] & 0x1Fu) << 6 | (p[1] & 0x3Fu);
    case 3: return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    case 4:
        return (p[0] & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    default: /* a caller that broke the promise goes on byte by byte rather than for ever */
        *len = 1;
        return 0xFFFD;
    }
}

size_t lp_utf8_encode(uint32_t cp, char out[4])
{
    if (cp > 0x10FFFF || (cp & 0xFFFFF800u) == 0xD800)
        cp = 0xFFFD;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

void lp_utf8_put(struct lp_buf *b, uint32_t cp)
{
    char bytes[4];
    lp_buf_add(b, bytes, lp_utf8_encode(cp, bytes));
}

/*
 * How much of a broken sequence one U+FFFD stands for: the longest start of a valid one, or a byte
 * (Unicode, "Substitution of Maximal Subparts"; what browsers and Python do).
 */
static size_t broken(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p), want = *p >= 0xF0 ? 4 : *p >= 0xE0 ? 3 : 1, n = 1;
    if (*p > 0xF4 || left < 2 || want == 1 || !second(*p, p[1]))
        return 1;
    for (n = 2; n < want && n < left && tail(p[n]); n++)
        ;
    return n;
}

void lp_utf8_repair(struct lp_buf *b, const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    while (p < end) {
        size_t good = lp_utf8_valid((const char *)p, (size_t)(end - p));
        lp_buf_add(b, p, good);
        p += good;
        if (p == end)
            break;
        LP_BUF_LIT(b, "\xEF\xBF\xBD");
        p += broken(p, end);
    }
}

void lp_utf8_copy(char *to, size_t room, struct lp_str text)
{
    struct lp_buf b = {0};
    lp_utf8_repair(&b, text.p, text.n);
    size_t n = b.len;
    if (n >= room)
        for (n = room - 1; n && tail((unsigned char)b.p[n]);)
            n--;
    if (n)
        memcpy(to, b.p, n);
    to[n] = '\0';
    lp_buf_free(&b);
}
