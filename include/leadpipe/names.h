/*
 * names - texts that come again and again, each kept once and known by a number
 *
 * Owns: the struct owns its copies
 * Units: numbers from 1 up in the order of first appearance; 0 is "not said"
 * Errors: none; out of memory ends the program
 */
#ifndef LEADPIPE_NAMES_H
#define LEADPIPE_NAMES_H

#include <stdint.h>
#include "leadpipe/mem.h"
#include "leadpipe/tally.h"

struct lp_names {
    struct lp_tally table;
    uint64_t seed;
    struct lp_str *text; /* by number; [0] is absent */
    uint32_t n, room;    /* numbers in use, 0 included */
};

void lp_names_init(struct lp_names *names);
void lp_names_free(struct lp_names *names);
/* The number of a text, which is copied where it is new. An absent text (p == NULL) is 0. */
uint32_t lp_names_number(struct lp_names *names, struct lp_str text);
/* The same without making it: 0 where it is not there. */
uint32_t lp_names_find(const struct lp_names *names, struct lp_str text);
struct lp_str lp_names_text(const struct lp_names *names, uint32_t number);
/* By bytes, and what is not said last: negative where a comes before b. */
int lp_names_order(struct lp_str a, struct lp_str b);

#endif
