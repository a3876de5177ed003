/* num - see leadpipe/num.h */
#include "leadpipe/num.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits from s[*at] on into *out; false where there are none or they do not fit. */
static bool digits(struct lp_str s, size_t *at, uint64_t *out)
{
    size_t from = *at;
    uint64_t v = 0;
    for (; *at < s.n && digit(s.p[*at]); ++*at)
        if (__builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[*at] - '0'), &v))
            return false;
    *out = v;
    return *at > from;
}

bool lp_num_int(struct lp_str s, int64_t *out)
{
    size_t at = 0;
    bool negative = s.n > 0 && s.p[0] == '-';
    if (s.n > 0 && (negative || s.p[0] == '+'))
        at++;
    uint64_t v;
    if (!digits(s, &at, &v) || at != s.n || v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

static size_t skip_digits(struct lp_str s, size_t at)
{
    while (at < s.n && digit(s.p[at]))
        at++;
    return at;
}

/* [-+]? ( digits [. digits] | . digits ) [ [eE] [-+]? digits ], and no more. */
static bool is_real(struct lp_str s)
{
    size_t at = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
    size_t whole = skip_digits(s, at) - at;
    at += whole;
    if (at < s.n && s.p[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        if (end == at + 1)
            return false;
        at = end;
    } else if (whole == 0) {
        return false;
    }
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        if (at < s.n && (s.p[at] == '-' || s.p[at] == '+'))
            at++;
        size_t end = skip_digits(s, at);
        if (end == at)
            return false;
        at = end;
    }
    return at == s.n;
}

bool lp_num_real(struct lp_str s, double *out)
{
    static locale_t c_locale;
    char small[64], *text = small;
    if (!is_real(s))
        return false;
    if (!c_locale)
        c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        return false;
    if (s.n >= sizeof small)
        text = lp_alloc(s.n + 1);
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    double v = strtod_l(text, NULL, c_locale);
    if (text != small)
        free(text);
    if (!isfinite(v))
        return false;
    *out = v;
    return true;
}

bool lp_num_size(struct lp_str s, uint64_t *out)
{
    static const struct {
        char letter;
        int shift;
    } units[] = {{'k', 10}, {'K', 10}, {'m', 20}, {'M', 20}, {'g', 30}, {'G', 30}};
    size_t at = 0;
    uint64_t v;
    if (!digits(s, &at, &v) || at + 1 < s.n)
        return false;
    int shift = at == s.n ? 0 : -1;
    for (size_t i = 0; shift < 0 && i < sizeof units / sizeof *units; i++)
        if (s.p[at] == units[i].letter)
            shift = units[i].shift;
    if (shift < 0 || v > UINT64_MAX >> shift)
        return false;
    *out = v << shift;
    return true;
}

static void put_fraction(struct lp_buf *b, uint64_t fraction, int decimals)
{
    char text[10] = ".";
    for (int i = decimals; i > 0; i--, fraction /= 10)
        text[i] = (char)('0' + fraction % 10);
    while (decimals > 0 && text[decimals] == '0')
        decimals--;
    if (decimals > 0)
        lp_buf_add(b, text, (size_t)decimals + 1);
}

void lp_num_put(struct lp_buf *b, double v, int decimals)
{
    static const uint32_t power[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    double size = fabs(v);
    if (!(size < 0x1p63)) { /* NaN too */
        LP_BUF_LIT(b, "null");
        return;
    }
    decimals = decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
    uint64_t whole = (uint64_t)size;
    double part = size - (double)whole, scaled = part * power[decimals];
    uint64_t fraction = (uint64_t)scaled;
    double rest = scaled - (double)fraction;
    /* A product that lands on a half may have been rounded up to it: ask for what was lost. */
    if (rest > 0.5 || (rest == 0.5 && fma(part, power[decimals], -scaled) >= 0))
        fraction++;
    if (fraction == power[decimals]) {
        fraction = 0;
        whole++;
    }
    if (v < 0 && (whole || fraction))
        lp_buf_byte(b, '-');
    lp_buf_int(b, (int64_t)whole);
    put_fraction(b, fraction, decimals);
}

double lp_num_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) / 9007199254740992.0;
}
