/*
 * chaos (internal) - faults drawn by lot, to see a run get through them
 *
 * Owns: struct lp_chaos, from --chaos to the end of the run
 * Units: shares are fractions of the tries
 * Errors: lp_chaos_new: LP_ERR_USAGE naming the part of the option that is wrong
 * Source: -
 *
 * Drawn once for each try of a call, before anybody is asked. The lot depends on the seed, the
 * provider, the input lines of the records and the number of the try, and on nothing else: not on
 * what happens to be in flight. So a seed gives the same faults again.
 */
#ifndef LP_GATEWAY_CHAOS_H
#define LP_GATEWAY_CHAOS_H

#include "leadpipe/driver.h"

#define LP_CHAOS_SLOW_MS 2000 /* how long `slow` holds up a try */

enum lp_chaos_kind {
    LP_CHAOS_NONE,
    LP_CHAOS_SLOW,
    LP_CHAOS_401,
    LP_CHAOS_402,
    LP_CHAOS_429,
    LP_CHAOS_500,
    LP_CHAOS_TIMEOUT,
    LP_CHAOS_RESET,
    LP_CHAOS_DNS,
    LP_CHAOS_TLS,
    LP_CHAOS_GARBAGE,
    LP_CHAOS_KINDS
};

struct lp_chaos {
    double share[LP_CHAOS_KINDS];
    uint64_t seed;
};

/* "429@5%,timeout@1%,seed=7"; without a seed, one is made and told. NULL: none. */
int lp_chaos_parse(const char *spec, struct lp_chaos *c, struct lp_err *err);
const char *lp_chaos_name(enum lp_chaos_kind kind); /* "429" */
enum lp_chaos_kind lp_chaos_draw(const struct lp_chaos *c, const struct lp_call *call, int tries);
/* Ends the try as the fault does. */
void lp_chaos_strike(enum lp_chaos_kind kind, struct lp_call *call);

#endif
