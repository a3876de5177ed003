/*
 * check - is every provider well, and what is to be done about those that are not
 *
 * Owns: lp_check_drive owns everything for the length of the run
 * Units: ms
 * Errors: LP_ERR_CONFIG, LP_ERR_IO, LP_ERR_USAGE as everywhere; a provider that is ill is no error but
 *         the result: exit 69 where a chain has nobody to ask, else 1 where something is critical
 * Source: spec/gateway.md "Self-check"
 *
 * The program says which chains there are and which drivers are linked into it; each provider of them
 * is asked for its own cheap check: an adapter by its function `check`, a driver by its member `check`.
 */
#ifndef LEADPIPE_CHECK_H
#define LEADPIPE_CHECK_H

#include "leadpipe/ask.h"

struct lp_check_chain {
    const char *capability; /* NULL ends the table */
    enum lp_mode mode;      /* when the config says nothing */
    const struct lp_driver *const *drivers;
    const char *const *want; /* of a waterfall; NULL: none */
    /* as in struct lp_asking */
    const char *(*field)(const char *want, const char **member);
};

/* The program's settings. */
struct lp_check_settings {
    bool status, json, prometheus, audit, show_config;
    int64_t watch; /* ms; 0: once */
    const char *bench, *unbench;
};

/* The drive of a program whose context is a table of struct lp_check_chain. */
int lp_check_drive(struct lp_run *run, struct lp_err *err);

#endif
