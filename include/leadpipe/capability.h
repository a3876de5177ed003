/*
 * capability - what a pipeline may need done, and who does it when the configuration does not say
 *
 * Owns: nothing; literals
 * Units: -
 * Errors: NULL for a name that is no capability
 * Source: spec/gateway.md "Capabilities and default chains"
 */
#ifndef LEADPIPE_CAPABILITY_H
#define LEADPIPE_CAPABILITY_H

struct lp_capability {
    const char *name;
    const char
        *chain; /* providers in order, "a,b,c"; the last one is embedded where there is one */
};
/* Ended by a NULL name. */
extern const struct lp_capability lp_capabilities[];

const char *lp_capability_chain(const char *name);

#endif
