/*
 * buf - a growable run of bytes with a ceiling
 *
 * Owns: the buffer owns its bytes until lp_buf_free; `p` moves when it grows
 * Units: bytes
 * Errors: growing past `max` (0: LP_BUF_MAX) sets `overflow` and drops what does not fit; callers
 *         that can meet a ceiling check `overflow` once at the end. Out of memory ends the program.
 *
 * A zeroed struct is an empty buffer. Whatever was appended is followed by a NUL not counted in len.
 */
#ifndef LEADPIPE_BUF_H
#define LEADPIPE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "leadpipe/mem.h"

#define LP_BUF_MAX ((size_t)1 << 40)

struct lp_buf {
    char *p;
    size_t len, cap, max;
    bool overflow;
};

/* Makes room for n more bytes; false (and overflow set) if that passes max. */
bool lp_buf_grow(struct lp_buf *b, size_t n);

static inline void lp_buf_add(struct lp_buf *b, const void *p, size_t n)
{
    if (b->cap - b->len <= n && !lp_buf_grow(b, n))
        return;
    if (n)
        memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}
static inline void lp_buf_byte(struct lp_buf *b, char c)
{
    if (b->cap - b->len <= 1 && !lp_buf_grow(b, 1))
        return;
    b->p[b->len++] = c;
    b->p[b->len] = '\0';
}
static inline void lp_buf_str(struct lp_buf *b, struct lp_str s)
{
    lp_buf_add(b, s.p, s.n);
}
static inline void lp_buf_puts(struct lp_buf *b, const char *s)
{
    lp_buf_add(b, s, strlen(s));
}
#define LP_BUF_LIT(b, literal) lp_buf_add((b), (literal), sizeof(literal) - 1)
static inline struct lp_str lp_buf_view(const struct lp_buf *b)
{
    return (struct lp_str){b->p ? b->p : "", b->len};
}

void lp_buf_printf(struct lp_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void lp_buf_vprintf(struct lp_buf *b, const char *fmt, va_list ap);
void lp_buf_int(struct lp_buf *b, int64_t v);
/* Removes `n` bytes from the front. */
void lp_buf_shift(struct lp_buf *b, size_t n);
void lp_buf_reset(struct lp_buf *b);             /* empty, memory kept */
void lp_buf_trim(struct lp_buf *b, size_t kept); /* the same, but for memory over `kept` */
void lp_buf_free(struct lp_buf *b);
/* The bytes as a heap string the caller frees; the buffer is left empty. */
char *lp_buf_take(struct lp_buf *b);

#endif
