/*
 * sorter - any number of small entries in order, within a bound of memory
 *
 * Owns: the struct owns its memory and its temporary file (in $TMPDIR, only beyond the bound)
 * Units: an entry is `words` 64-bit words, compared one after the other
 * Errors: LP_ERR_IO of the temporary file
 * Source: external merge sort; runs are sorted in place by radix (American flag sort, McIlroy,
 *         Bostic and McIlroy 1993), for qsort takes as much memory again
 *
 * The first word is to be a hash, or the radix sort has nothing to go by.
 */
#ifndef LEADPIPE_SORTER_H
#define LEADPIPE_SORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "leadpipe/err.h"
#include "leadpipe/tempfile.h"

#define LP_SORTER_WORDS 5 /* at most */

enum lp_sorter_keep {
    LP_SORTER_DISTINCT, /* of entries that agree in every word, one */
    LP_SORTER_LAST      /* of those that agree in the first word, the greatest */
};

struct lp_sorter_run {
    uint64_t at, left; /* place in the file, entries not read yet */
    uint64_t *buf;     /* those that were read ahead */
    size_t next, n;
};

struct lp_sorter {
    size_t words, most; /* entries of memory */
    enum lp_sorter_keep keep;
    uint64_t *entry;
    size_t n, room, next;
    struct lp_tempfile file;
    struct lp_sorter_run *run;
    size_t runs;
    size_t *heap, heaped;
    uint64_t last[LP_SORTER_WORDS]; /* handed out or held back */
    bool held, sorted;
};

/* `bytes`: of memory, for the entries. */
void lp_sorter_init(struct lp_sorter *s, size_t words, enum lp_sorter_keep keep, size_t bytes);
void lp_sorter_free(struct lp_sorter *s);
int lp_sorter_add(struct lp_sorter *s, const uint64_t *entry, struct lp_err *err);
/* After the last one was added: the next in order; 1 there is one, 0 none, -1 error. */
int lp_sorter_next(struct lp_sorter *s, uint64_t *entry, struct lp_err *err);

#endif
