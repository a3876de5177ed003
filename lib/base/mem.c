/* mem - see leadpipe/mem.h */
#include "leadpipe/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "leadpipe/err.h"
#include "leadpipe/log.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { BLOCK_FIRST = 8 << 10, BLOCK_MAX = 1 << 20, BLOCK_KEPT = 64 << 10, ALIGN = 8 };

/* --- the heap ------------------------------------------------------------------------------- */

static void (*at_end)(void);

void lp_mem_at_end(void (*last)(void))
{
    at_end = last;
}

/* Nothing here may allocate, so neither the log nor stdio is asked for help. */
_Noreturn void lp_mem_exhausted(void)
{
    static const char text[] = ": out of memory\n";
    char line[128];
    void (*last)(void) = at_end;
    at_end = NULL; /* should it run out of memory too */
    if (last)
        last();
    const char *program = lp_log_program();
    size_t n = strnlen(program, sizeof line - sizeof text);
    memcpy(line, program, n);
    memcpy(line + n, text, sizeof text - 1);
    ssize_t ignored = write(STDERR_FILENO, line, n + sizeof text - 1);
    (void)ignored;
    _exit(LP_EXIT_IO);
}

#ifdef LP_TEST_ALLOC
/* LEADPIPE_FAIL_ALLOC=N: the N-th allocation finds no memory, to prove that every one of them may.
 */
static bool refused(void)
{
    static long left = -1;
    if (left == -1) {
        const char *text = getenv("LEADPIPE_FAIL_ALLOC");
        left = text ? strtol(text, NULL, 10) : 0;
    }
    return left > 0 && --left == 0;
}
#else
static bool refused(void)
{
    return false;
}
#endif

void *lp_alloc(size_t n)
{
    void *p = refused() ? NULL : calloc(1, n ? n : 1);
    if (!p)
        lp_mem_exhausted();
    return p;
}

void *lp_realloc(void *p, size_t n)
{
    void *q = refused() ? NULL : realloc(p, n ? n : 1);
    if (!q)
        lp_mem_exhausted();
    return q;
}

void *lp_realloc_array(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        lp_mem_exhausted();
    return lp_realloc(p, bytes);
}

char *lp_strdup(const char *s)
{
    return lp_strndup(s, strlen(s));
}

char *lp_strndup(const char *s, size_t n)
{
    n = strnlen(s, n);
    char *p = lp_realloc(NULL, n + 1);
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

/* --- arenas --------------------------------------------------------------------------------- */

struct lp_arena_block {
    struct lp_arena_block *next;
    size_t cap, used;
    char data[];
};

static struct lp_arena_block *block_new(struct lp_arena *a, size_t n)
{
    size_t cap = BLOCK_FIRST;
    if (a->head && a->head->cap >= BLOCK_FIRST)
        cap = a->head->cap < BLOCK_MAX / 2 ? a->head->cap * 2 : BLOCK_MAX;
    if (cap < n)
        cap = n;
    struct lp_arena_block *b = lp_realloc(NULL, sizeof *b + cap);
    *b = (struct lp_arena_block){.next = a->head, .cap = cap};
    ASAN_POISON_MEMORY_REGION(b->data, cap);
    a->head = b;
    return b;
}

void *lp_arena_alloc(struct lp_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        lp_mem_exhausted();
    n = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct lp_arena_block *b = a->head;
    if (!b || b->cap - b->used < n)
        b = block_new(a, n);
    void *p = b->data + b->used;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    b->used += n;
    a->used += n;
    return p;
}

char *lp_arena_dup(struct lp_arena *a, const char *p, size_t n)
{
    char *q = lp_arena_alloc(a, n + 1);
    if (n)
        memcpy(q, p, n);
    q[n] = '\0';
    return q;
}

struct lp_str lp_arena_str(struct lp_arena *a, struct lp_str s)
{
    if (!s.p)
        return s;
    return (struct lp_str){lp_arena_dup(a, s.p, s.n), s.n};
}

static void block_del(struct lp_arena_block *b)
{
    ASAN_UNPOISON_MEMORY_REGION(b->data, b->cap);
    free(b);
}

void lp_arena_reset(struct lp_arena *a)
{
    struct lp_arena_block *kept = NULL;
    for (struct lp_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        bool keep = b->cap <= BLOCK_KEPT && (!kept || b->cap > kept->cap);
        struct lp_arena_block *spare = keep ? kept : b;
        if (keep)
            kept = b;
        if (spare)
            block_del(spare);
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->data, kept->cap);
    }
    a->head = kept;
    a->used = 0;
}

void lp_arena_free(struct lp_arena *a)
{
    for (struct lp_arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        block_del(b);
    }
    *a = (struct lp_arena){0};
}
