/*
 * adapter - NAME.jq: the metadata read in C, the functions compiled once when first needed
 *
 * Owns: the gateway owns its adapters; `meta` lives as long as the adapter
 * Units: -
 * Errors: LP_ERR_CONFIG naming the file
 * Source: spec/gateway.md "Adapters are jq modules"
 *
 * The object after `module` is read without jq (a compile costs 14 ms): it is JSON apart from
 * # comments. A user's file in $XDG_CONFIG_HOME/leadpipe/providers wins over ours.
 */
#ifndef LEADPIPE_ADAPTER_H
#define LEADPIPE_ADAPTER_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"
#include "leadpipe/jq.h"

/* Its functions by what they are for: a filter asks, self-check checks. Compiling costs by the length
 * of what is called, so neither compiles what only the other calls. */
enum lp_adapter_use {
    LP_ADAPTER_ASK,   /* request, response */
    LP_ADAPTER_CHECK, /* check, checked, advise */
    LP_ADAPTER_USES
};

struct lp_adapter {
    char *name, *path;
    struct lp_buf text;                /* the file */
    size_t head;                       /* of text: up to the end of the module's line */
    struct lp_buf meta;                /* the metadata as a JSON object */
    struct lp_jq *jq[LP_ADAPTER_USES]; /* NULL until lp_adapter_compile */
};

/* 1: found and read, 0: there is no such file, -1: it is wrong. */
int lp_adapter_open(struct lp_adapter **out, const char *name, struct lp_err *err);
int lp_adapter_compile(struct lp_adapter *a, enum lp_adapter_use use, struct lp_err *err);
void lp_adapter_del(struct lp_adapter *a);
/* Reads the metadata out of a module's text (for tests and linting). */
int lp_adapter_meta(struct lp_str text, struct lp_buf *meta, struct lp_err *err);

#endif
