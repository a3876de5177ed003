/*
 * config - config.jq: read, evaluated, checked
 *
 * Owns: the struct owns the JSON text; slices point into it and live as long as it does
 * Units: -
 * Errors: LP_ERR_CONFIG naming the file and the key ("chains.lead_enrichment.mode"), or the file alone
 *         where it cannot be read
 * Source: spec/gateway.md "Configuration"
 *
 * A file that parses as JSON is taken as it is; anything else is run as a jq program, with the
 * environment. No file at the default place is an empty configuration; a file named and absent is
 * an error.
 */
#ifndef LEADPIPE_CONFIG_H
#define LEADPIPE_CONFIG_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"
#include "leadpipe/json.h"

struct lp_config {
    char *path;         /* NULL: there is none */
    struct lp_buf json; /* an object */
    bool no_secrets;    /* nobody is asked: secrets are neither looked for nor loaded */
    struct lp_buf open; /* the file's text, if others can read the file */
};

/* flag: --config or NULL; then $LEADPIPE_CONFIG, then the XDG place. */
int lp_config_load(struct lp_config *c, const char *flag, struct lp_err *err);
void lp_config_free(struct lp_config *c);

/* The value at a path of plain names. */
bool lp_config_get(const struct lp_config *c, const char *path, struct lp_str *value);
/* The entry of a provider ({} if there is none) or of a chain. */
struct lp_str lp_config_provider(const struct lp_config *c, const char *name);
struct lp_str lp_config_chain(const struct lp_config *c, const char *capability);

/* Does the value, a JSON string, stand in a file that others can read? */
bool lp_config_exposes(const struct lp_config *c, struct lp_str value);

/* What a member must look like. */
enum lp_shape {
    LP_SHAPE_ANY,
    LP_SHAPE_STRING,
    LP_SHAPE_STRINGS,
    LP_SHAPE_COUNT,
    LP_SHAPE_NUMBER,
    LP_SHAPE_OBJECT,
    LP_SHAPE_BOOL,
    LP_SHAPE_CHOICE,
    LP_SHAPE_COUNTS, /* a count, or {capability: count} */
    LP_SHAPE_RATE,
    LP_SHAPE_COST,
    LP_SHAPE_DAYS
};
struct lp_shape_member {
    const char *name;
    enum lp_shape shape;
    const char *choices; /* "a|b|c" */
};
/* Checks one member against a table; `where` is the path in front of it for the message. 1: it is
 * in the table and right, 0: not in the table, -1: wrong (err set). */
int lp_config_member(const struct lp_shape_member *table, const char *where, struct lp_str name,
    struct lp_str value, struct lp_err *err);

/* Members every provider entry may have beside the settings of its adapter. */
extern const struct lp_shape_member lp_config_provider_members[];

/* A count setting that may be a number or {capability: number}; `preset` where it is absent. */
double lp_config_per_capability(struct lp_str value, const char *capability, double preset);

#endif
