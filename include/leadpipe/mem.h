/*
 * mem - allocation that ends the program when memory is out, arenas, borrowed slices
 *
 * Owns: what lp_alloc and friends return belongs to the caller (free()); what an arena returns
 *       lives until lp_arena_reset or lp_arena_free
 * Units: bytes
 * Errors: none; out of memory prints one line and exits 74
 */
#ifndef LEADPIPE_MEM_H
#define LEADPIPE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A borrowed run of bytes: never owns, need not be NUL-terminated. p is NULL for "absent". */
struct lp_str {
    const char *p;
    size_t n;
};

#define LP_STR(literal) ((struct lp_str){(literal), sizeof(literal) - 1})
static inline struct lp_str lp_str(const char *s)
{
    return (struct lp_str){s, s ? strlen(s) : 0};
}
static inline bool lp_str_eq(struct lp_str a, struct lp_str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool lp_str_is(struct lp_str a, const char *s)
{
    size_t n = strlen(s);
    return a.n == n && memcmp(a.p ? a.p : "", s, n) == 0;
}

void *lp_alloc(size_t n);                               /* zeroed */
void *lp_realloc(void *p, size_t n);                    /* not zeroed */
void *lp_realloc_array(void *p, size_t n, size_t size); /* checks n * size for overflow */
/* The end of a program without memory: for libraries that take a handler. */
_Noreturn void lp_mem_exhausted(void);
/* What such an end begins with; it may not allocate. NULL: nothing. */
void lp_mem_at_end(void (*last)(void));
char *lp_strdup(const char *s);
char *lp_strndup(const char *s, size_t n);

/* An arena: many small things with one life (a record's). Blocks are kept by _reset. */
struct lp_arena_block;
struct lp_arena {
    struct lp_arena_block *head; /* the block in use; older and spare ones chained behind */
    size_t used;                 /* bytes handed out since the last reset */
};
void *lp_arena_alloc(struct lp_arena *a, size_t n);              /* 8-aligned, not zeroed */
char *lp_arena_dup(struct lp_arena *a, const char *p, size_t n); /* NUL-terminated copy */
struct lp_str lp_arena_str(struct lp_arena *a, struct lp_str s); /* copy as a slice */
/* Keeps at most one block of moderate size, so that one huge record does not stay for ever. */
void lp_arena_reset(struct lp_arena *a);
void lp_arena_free(struct lp_arena *a);

#endif
