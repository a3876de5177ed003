/* sorter - see leadpipe/sorter.h */
#include "leadpipe/sorter.h"

#include <stdlib.h>

#include "leadpipe/mem.h"

#define FIRST   1024 /* entries of memory to begin with */
#define FEW     48   /* as many entries are sorted by insertion */
#define RADIX   256
#define TOP_BIT 56 /* of a word, where its highest byte begins */

void lp_sorter_init(struct lp_sorter *s, size_t words, enum lp_sorter_keep keep, size_t bytes)
{
    *s = (struct lp_sorter){.words = words, .keep = keep, .most = bytes / (words * 8)};
    if (s->most < 2)
        s->most = 2;
}

void lp_sorter_free(struct lp_sorter *s)
{
    for (size_t i = 0; i < s->runs; i++)
        free(s->run[i].buf);
    free(s->run);
    free(s->heap);
    free(s->entry);
    lp_tempfile_free(&s->file);
    *s = (struct lp_sorter){0};
}

/* --- in memory -------------------------------------------------------------------------------- */

static int compare(const uint64_t *a, const uint64_t *b, size_t words)
{
    for (size_t i = 0; i < words; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static void copy(uint64_t *to, const uint64_t *from, size_t words)
{
    memcpy(to, from, words * sizeof *to);
}

static void insertion(uint64_t *e, size_t n, size_t words)
{
    uint64_t moving[LP_SORTER_WORDS];
    for (size_t i = 1; i < n; i++) {
        size_t to = i;
        while (to > 0 && compare(e + (to - 1) * words, e + i * words, words) > 0)
            to--;
        if (to == i)
            continue;
        copy(moving, e + i * words, words);
        memmove(e + (to + 1) * words, e + to * words, (i - to) * words * sizeof *e);
        copy(e + to * words, moving, words);
    }
}

/* Every entry into the part of its byte, in place: what stands in a wrong part is sent to its own,
 * and what it finds there goes on. `from` is where each part begins, `to` where it ends. */
static void permute(
    uint64_t *e, size_t words, size_t word, int shift, size_t *from, const size_t *to)
{
    uint64_t moving[LP_SORTER_WORDS], other[LP_SORTER_WORDS];
    for (size_t part = 0; part < RADIX; part++) {
        while (from[part] < to[part]) {
            uint64_t *here = e + from[part] * words;
            size_t its = here[word] >> shift & (RADIX - 1);
            copy(moving, here, words);
            while (its != part) {
                uint64_t *there = e + from[its]++ * words;
                copy(other, there, words);
                copy(there, moving, words);
                copy(moving, other, words);
                its = moving[word] >> shift & (RADIX - 1);
            }
            copy(e + from[part]++ * words, moving, words);
        }
    }
}

/* By the byte at `shift` of a word, then each part by the byte after it. */
static void radix(uint64_t *e, size_t n, size_t words, size_t word, int shift)
{
    size_t count[RADIX] = {0}, from[RADIX], to[RADIX], at = 0;
    if (n <= FEW || word >= words) {
        insertion(e, word < words ? n : 0, words);
        return;
    }
    for (size_t i = 0; i < n; i++)
        count[e[i * words + word] >> shift & (RADIX - 1)]++;
    for (size_t part = 0; part < RADIX; part++) {
        from[part] = at;
        to[part] = at += count[part];
    }
    permute(e, words, word, shift, from, to);
    for (size_t part = 0; part < RADIX; part++)
        if (count[part] > 1)
            radix(e + (to[part] - count[part]) * words, count[part], words, shift ? word : word + 1,
                shift ? shift - 8 : TOP_BIT);
}

/* Is the later one to stand for the earlier one too? */
static bool same(const struct lp_sorter *s, const uint64_t *earlier, const uint64_t *later)
{
    return compare(earlier, later, s->keep == LP_SORTER_LAST ? 1 : s->words) == 0;
}

/* Sorts what is in memory and leaves out what need not be kept. */
static void sort(struct lp_sorter *s)
{
    size_t kept = 0;
    radix(s->entry, s->n, s->words, 0, TOP_BIT);
    for (size_t i = 0; i < s->n; i++) {
        const uint64_t *e = s->entry + i * s->words;
        if (kept > 0 && same(s, s->entry + (kept - 1) * s->words, e))
            kept--;
        if (kept != i)
            copy(s->entry + kept * s->words, e, s->words);
        kept++;
    }
    s->n = kept;
}

/* --- beyond the bound -------------------------------------------------------------------------- */

static int spill(struct lp_sorter *s, struct lp_err *err)
{
    s->run = lp_realloc_array(s->run, s->runs + 1, sizeof *s->run);
    s->run[s->runs++] = (struct lp_sorter_run){.at = lp_tempfile_size(&s->file), .left = s->n};
    size_t bytes = s->n * s->words * sizeof *s->entry;
    s->n = 0;
    return lp_tempfile_append(&s->file, s->entry, bytes, err);
}

static int make_room(struct lp_sorter *s, struct lp_err *err)
{
    if (s->room == s->most) {
        sort(s);
        return s->n <= s->most / 2 ? 0 : spill(s, err);
    }
    s->room = s->room == 0 ? FIRST : s->room * 2;
    if (s->room > s->most)
        s->room = s->most;
    s->entry = lp_realloc_array(s->entry, s->room, s->words * sizeof *s->entry);
    return 0;
}

int lp_sorter_add(struct lp_sorter *s, const uint64_t *entry, struct lp_err *err)
{
    if (s->n == s->room && make_room(s, err) < 0)
        return -1;
    copy(s->entry + s->n++ * s->words, entry, s->words);
    return 0;
}

/* Reads ahead where nothing is left of what was; 1 the run has a next entry, 0 it is at its end. */
static int refill(struct lp_sorter *s, struct lp_sorter_run *r, struct lp_err *err)
{
    size_t share = s->most / s->runs, size = s->words * sizeof(uint64_t);
    if (r->next < r->n)
        return 1;
    if (r->left == 0)
        return 0;
    if (share == 0)
        share = 1;
    if (!r->buf)
        r->buf = lp_alloc(share * size);
    r->next = 0;
    r->n = r->left < share ? (size_t)r->left : share;
    if (lp_tempfile_read(&s->file, r->at, r->buf, r->n * size, err) < 0)
        return -1;
    r->at += r->n * size;
    r->left -= r->n;
    return 1;
}

static const uint64_t *head(const struct lp_sorter *s, size_t heap_at)
{
    const struct lp_sorter_run *r = &s->run[s->heap[heap_at]];
    return r->buf + r->next * s->words;
}

static void sink(struct lp_sorter *s, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < s->heaped; child++)
            if (compare(head(s, child), head(s, least), s->words) < 0)
                least = child;
        if (least == at)
            return;
        size_t swap = s->heap[at];
        s->heap[at] = s->heap[least];
        s->heap[least] = swap;
        at = least;
    }
}

static int start_merge(struct lp_sorter *s, struct lp_err *err)
{
    if (s->n && spill(s, err) < 0)
        return -1;
    /* The runs' buffers take the place of what was here. */
    free(s->entry);
    s->entry = NULL;
    s->heap = lp_alloc(s->runs * sizeof *s->heap);
    for (size_t i = 0; i < s->runs; i++) {
        if (refill(s, &s->run[i], err) < 0)
            return -1;
        s->heap[s->heaped++] = i;
    }
    for (size_t i = s->heaped; i-- > 0;)
        sink(s, i);
    return 0;
}

/* The least entry of all runs. */
static int merge_next(struct lp_sorter *s, uint64_t *entry, struct lp_err *err)
{
    if (s->heaped == 0)
        return 0;
    struct lp_sorter_run *r = &s->run[s->heap[0]];
    copy(entry, r->buf + r->next++ * s->words, s->words);
    int more = refill(s, r, err);
    if (more < 0)
        return -1;
    if (more == 0)
        s->heap[0] = s->heap[--s->heaped];
    sink(s, 0);
    return 1;
}

/* Entries that one is to be kept of may come from different runs: each is held back until another
 * kind of entry follows. */
static int merged(struct lp_sorter *s, uint64_t *entry, struct lp_err *err)
{
    uint64_t e[LP_SORTER_WORDS];
    int got;
    while ((got = merge_next(s, e, err)) > 0) {
        bool fresh = s->held && !same(s, s->last, e);
        if (fresh)
            copy(entry, s->last, s->words);
        copy(s->last, e, s->words);
        s->held = true;
        if (fresh)
            return 1;
    }
    if (got < 0 || !s->held)
        return got;
    copy(entry, s->last, s->words);
    s->held = false;
    return 1;
}

int lp_sorter_next(struct lp_sorter *s, uint64_t *entry, struct lp_err *err)
{
    if (!s->sorted) {
        s->sorted = true;
        sort(s);
        if (s->runs && start_merge(s, err) < 0)
            return -1;
    }
    if (s->runs)
        return merged(s, entry, err);
    if (s->next == s->n)
        return 0;
    copy(entry, s->entry + s->next++ * s->words, s->words);
    return 1;
}
