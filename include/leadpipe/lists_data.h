/*
 * lists_data - the shipped lists as tables, generated at build time from lib/lists
 *
 * Owns: constant data
 * Units: bytes
 * Errors: none
 *
 * Sorted by bytes, shorter first where one is the beginning of the other.
 */
#ifndef LEADPIPE_LISTS_DATA_H
#define LEADPIPE_LISTS_DATA_H

#include <stddef.h>

struct lp_lists_name {
    const char *name;
    unsigned char length; /* bytes */
    unsigned char number; /* second column of popular.txt */
};

struct lp_lists_table {
    const struct lp_lists_name *name;
    size_t n;
};

extern const struct lp_lists_table lp_lists_data_disposable, lp_lists_data_free,
    lp_lists_data_popular, lp_lists_data_role;

#endif
