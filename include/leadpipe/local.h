/*
 * local - the verification provider of this machine: syntax, lists, DNS, and the mail host if asked to
 *
 * Owns: the driver's handle owns lists, resolver and the records that wait for it
 * Units: milliseconds
 * Errors: opening: LP_ERR_CONFIG for a setting or list that cannot be used
 * Source: spec/records.md "verification", spec/gateway.md
 *
 * Settings: `lists` (a directory that extends the lists of roles, free providers and throw-away
 * domains), `dns` (servers to ask instead of the system's), `accept` ("mx": a domain that takes mail is
 * enough for valid), `allow` (of ["quoted", "comments", "literals"]: forms of address to let pass),
 * `check_domain` (what self-check asks the name servers for).
 * A look-up that failed is a verdict too (unknown with its reason), never an error of the provider:
 * one bad domain must not bench it.
 */
#ifndef LEADPIPE_LOCAL_H
#define LEADPIPE_LOCAL_H

#include "leadpipe/driver.h"

/* What a program's options say; NULL: the settings' word holds. */
struct lp_local_options {
    const char *lists, *dns;
};

int lp_local_accept(struct lp_provider *p, struct lp_err *err);
int lp_local_open(struct lp_provider *p, const struct lp_local_options *o, struct lp_err *err);
void lp_local_close(struct lp_provider *p);
void lp_local_start(struct lp_provider *p, struct lp_call *call);
void lp_local_cancel(struct lp_provider *p, struct lp_call *call);
/* Do the name servers answer? For `check_domain`, whatever they say of it; that it does not exist is
 * believed of those who know "com". */
void lp_local_check(struct lp_provider *p, struct lp_call *call);
const char *lp_local_advise(enum lp_class class);
unsigned lp_local_fds(struct lp_provider *p, struct pollfd *fds, unsigned room);
int lp_local_timeout(struct lp_provider *p);
void lp_local_dispatch(struct lp_provider *p, const struct pollfd *fds, unsigned n);

extern const char *const lp_local_capabilities[];
extern const struct lp_setting lp_local_settings[];

/* The driver with an `open` of the program's own, which hands its options to lp_local_open. Batches
 * are small and calls many, so that a slow domain holds up few others. */
#define LP_LOCAL_BATCH 16
#define LP_LOCAL_DRIVER(open_function)                                                             \
    {                                                                                              \
        .name = "local", .capabilities = lp_local_capabilities, .settings = lp_local_settings,     \
        .embedded = true, .batch = LP_LOCAL_BATCH, .max_in_flight = 128,                           \
        .accept = lp_local_accept, .open = (open_function), .close = lp_local_close,               \
        .start = lp_local_start, .cancel = lp_local_cancel, .fds = lp_local_fds,                   \
        .timeout = lp_local_timeout, .dispatch = lp_local_dispatch, .check = lp_local_check,       \
        .advise = lp_local_advise                                                                  \
    }

extern const struct lp_driver lp_driver_local; /* without options */

#endif
