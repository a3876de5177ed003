/*
 * lists - what is known of names: role local parts, free providers, throw-away domains
 *
 * Owns: struct lp_lists owns the user's additions; the shipped lists are constant data
 * Units: bytes
 * Errors: LP_ERR_CONFIG naming file and line for an entry that is no name; LP_ERR_IO for a file
 *         that cannot be read
 *
 * The shipped lists (lib/lists) are built in. `--lists DIR` adds DIR/role.txt, DIR/free.txt and
 * DIR/disposable.txt where they exist: one name a line, `#` begins a comment, "-name" removes a
 * shipped one. Domains may be written in any form; they are compared as A-labels.
 */
#ifndef LEADPIPE_LISTS_H
#define LEADPIPE_LISTS_H

#include "leadpipe/err.h"
#include "leadpipe/mem.h"

enum lp_list { LP_LIST_ROLE, LP_LIST_FREE, LP_LIST_DISPOSABLE, LP_LISTS };

struct lp_lists;
/* dir NULL: the shipped lists alone. */
struct lp_lists *lp_lists_new(const char *dir, struct lp_err *err);
void lp_lists_del(struct lp_lists *l);

/* The shipped lists as tables, generated at build time: sorted by bytes, a name before the longer ones
 * it begins. */
struct lp_lists_name {
    const char *name;
    unsigned char length; /* bytes */
    unsigned char number; /* second column of popular.txt: slips forgiven */
};
struct lp_lists_table {
    const struct lp_lists_name *name;
    size_t n;
};
extern const struct lp_lists_table lp_lists_data_disposable, lp_lists_data_free,
    lp_lists_data_popular, lp_lists_data_role;

/* Does the local part name a function? Case, "+tag", dots, hyphens, underscores and a final number
 * do not matter ("Customer-Service+eu" is customerservice, "info2" is info). */
bool lp_lists_role(const struct lp_lists *l, struct lp_str local);
/* Is the domain, or one above it, in the list? (FREE, DISPOSABLE) Those under which anybody may have a
 * name of his own ("duckdns.org") count like others where they are listed. */
bool lp_lists_domain(const struct lp_lists *l, enum lp_list list, struct lp_str domain);

#endif
