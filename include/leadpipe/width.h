/*
 * width - how many columns of a terminal a character takes
 *
 * Owns: nothing
 * Units: columns
 * Errors: none
 * Source: libunistring's uc_width (Unicode East Asian Width, combining marks)
 */
#ifndef LEADPIPE_WIDTH_H
#define LEADPIPE_WIDTH_H

#include <stdint.h>

/* 0, 1 or 2; what has no width of its own (a control) takes 1, for it is shown as a mark. */
int lp_width(uint32_t cp);

#endif
