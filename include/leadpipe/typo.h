/*
 * typo - the domain somebody meant when they mistyped a popular one
 *
 * Owns: returned slices are constant data
 * Units: single-character edits: one more, one less, one wrong, two swapped
 * Errors: none
 * Source: optimal string alignment distance (restricted Damerau-Levenshtein)
 *
 * Only ever a hint. Cautious, because a wrong hint sends mail to a stranger: a domain that is
 * itself popular, a known provider or a known false friend gets none; the first letter has to be
 * right unless it was swapped, doubled or left out; short and everyday words ("live", "mail",
 * "orange") are only completed where the top-level domain does not exist at all.
 */
#ifndef LEADPIPE_TYPO_H
#define LEADPIPE_TYPO_H

#include "leadpipe/lists.h"

/* "gmial.com" -> "gmail.com"; p == NULL where nothing is near. `domain` is lower-case A-labels. */
struct lp_str lp_typo_domain(const struct lp_lists *l, struct lp_str domain);

/* The distance of two names, at most `most` + 1. Names over 32 bytes count as far apart. */
unsigned lp_typo_distance(struct lp_str a, struct lp_str b, unsigned most);

#endif
