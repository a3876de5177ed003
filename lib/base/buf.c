/* buf - see leadpipe/buf.h */
#include "leadpipe/buf.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST = 64 };

bool lp_buf_grow(struct lp_buf *b, size_t n)
{
    size_t max = b->max ? b->max : LP_BUF_MAX, need;
    if (__builtin_add_overflow(b->len, n, &need) || need > max) {
        b->overflow = true;
        return false;
    }
    if (need < b->cap)
        return true;
    size_t cap = b->cap ? b->cap : FIRST;
    while (cap <= need)
        cap *= 2;
    if (cap > max + 1)
        cap = max + 1; /* the byte over is the NUL's */
    b->p = lp_realloc(b->p, cap);
    b->cap = cap;
    return true;
}

void lp_buf_vprintf(struct lp_buf *b, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    size_t room = b->cap - b->len;
    int n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
    if (n >= 0 && (size_t)n >= room) {
        if (lp_buf_grow(b, (size_t)n))
            vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
        else
            n = -1;
    }
    if (n > 0)
        b->len += (size_t)n;
    if (b->p)
        b->p[b->len] = '\0';
    va_end(again);
}

void lp_buf_printf(struct lp_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    lp_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void lp_buf_int(struct lp_buf *b, int64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        digits[--at] = (char)('0' + u % 10);
    while (u /= 10);
    if (v < 0)
        digits[--at] = '-';
    lp_buf_add(b, digits + at, sizeof digits - at);
}

void lp_buf_shift(struct lp_buf *b, size_t n)
{
    if (n == 0)
        return;
    if (n > b->len)
        n = b->len;
    b->len -= n;
    if (b->len)
        memmove(b->p, b->p + n, b->len);
    if (b->p)
        b->p[b->len] = '\0';
}

void lp_buf_reset(struct lp_buf *b)
{
    b->len = 0;
    b->overflow = false;
    if (b->p)
        b->p[0] = '\0';
}

void lp_buf_trim(struct lp_buf *b, size_t kept)
{
    if (b->cap > kept)
        lp_buf_free(b);
    lp_buf_reset(b);
}

void lp_buf_free(struct lp_buf *b)
{
    free(b->p);
    *b = (struct lp_buf){.max = b->max};
}

char *lp_buf_take(struct lp_buf *b)
{
    char *p = b->p ? b->p : lp_strdup("");
    *b = (struct lp_buf){.max = b->max};
    return p;
}
