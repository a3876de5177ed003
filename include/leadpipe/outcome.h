/*
 * outcome - the words of the gateway: what a provider answered, and what went wrong
 *
 * Owns: nothing; names are literals
 * Units: -
 * Errors: the _from functions return false for a word that is none
 * Source: spec/gateway.md "Outcomes"
 */
#ifndef LEADPIPE_OUTCOME_H
#define LEADPIPE_OUTCOME_H

#include "leadpipe/mem.h"

enum lp_outcome {
    LP_OK,
    LP_NOT_FOUND,
    LP_REJECTED,
    LP_ERROR,
    LP_SKIPPED,
    LP_UNKNOWN_OUTCOME,
    LP_OUTCOMES
};

enum lp_class {
    LP_CLASS_NONE,
    LP_AUTH,
    LP_QUOTA,
    LP_RATE_LIMITED,
    LP_TIMEOUT,
    LP_NETWORK,
    LP_DNS,
    LP_TLS,
    LP_SERVER,
    LP_BAD_RESPONSE,
    LP_CONFIG,
    /* of `skipped` only: */
    LP_CIRCUIT_OPEN,
    LP_BUDGET,
    LP_STOPPED, /* the run was asked to end before this provider was asked */
    LP_BENCHED, /* an operator took it out: self-check --bench */
    LP_CLASSES
};

const char *lp_outcome_name(enum lp_outcome o);
const char *lp_class_name(enum lp_class c); /* "" for LP_CLASS_NONE */
bool lp_outcome_from(struct lp_str word, enum lp_outcome *o);
bool lp_class_from(struct lp_str word, enum lp_class *c);

#endif
