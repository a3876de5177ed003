/*
 * num - numbers in and out of text, locale-free; numbers by chance
 *
 * Owns: nothing
 * Units: as named
 * Errors: false where the text is not wholly such a number or does not fit
 */
#ifndef LEADPIPE_NUM_H
#define LEADPIPE_NUM_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"

bool lp_num_int(struct lp_str s, int64_t *out); /* [-+]?digits */
bool lp_num_real(struct lp_str s, double *out); /* decimal or exponent form, finite */
/* Sizes with an optional k, M, G (powers of 1024): "16M". */
bool lp_num_size(struct lp_str s, uint64_t *out);
/* Fixed point, at most `decimals` (0..9) decimals, trailing zeros cut, "-0" printed as "0".
 * |v| below 2^63; larger or non-finite values are printed as JSON null. No printf, no locale. */
void lp_num_put(struct lp_buf *b, double v, int decimals);
/* The next of a sequence from 0 to below 1, for jitter and the like, never for secrets. The seed, not 0,
 * is moved on. Source: Marsaglia, Xorshift RNGs (2003). */
double lp_num_random(uint64_t *seed);

#endif
