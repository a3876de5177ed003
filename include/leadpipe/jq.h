/*
 * jq - programs in the jq language, compiled once, from text to text
 *
 * Owns: struct lp_jq owns its compiled program; results are appended to the caller's buffer
 * Units: -
 * Errors: LP_ERR_CONFIG for a program that does not compile (jq's message, cut, without input
 *         data), LP_ERR_IO where a file it includes cannot be read; LP_ERR_RECORD code "jq" for one
 *         that raises an error on this input (message cut)
 * Source: libjq 1.6; the traps are in spec/architecture.md "libjq 1.6, measured"
 *
 * The only file that knows libjq. Programs compile and run with an empty environment and HOME at
 * nothing, unless `with_env` (config.jq alone). Numbers beyond 2^53 lose digits in jq: take such
 * members from the raw text. Input must have passed lp_json_check.
 */
#ifndef LEADPIPE_JQ_H
#define LEADPIPE_JQ_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"

struct lp_jq;
/* `name` for messages. `text` is the whole program; lib_dir (or NULL) becomes JQ_LIBRARY_PATH. */
struct lp_jq *lp_jq_compile(
    const char *name, const char *text, const char *lib_dir, bool with_env, struct lp_err *err);
void lp_jq_del(struct lp_jq *q);

/* Input built from parts, so that a body is parsed once and raw text is never escaped. */
struct lp_jq_kept; /* a JSON value parsed once, for parts that do not change from call to call */
struct lp_jq_kept *lp_jq_keep(struct lp_str json);
void lp_jq_kept_del(struct lp_jq_kept *k);

enum lp_jq_part_kind { LP_JQ_JSON, LP_JQ_TEXT, LP_JQ_REAL, LP_JQ_NULL, LP_JQ_KEPT };
struct lp_jq_part {
    const char *name;
    enum lp_jq_part_kind kind;
    struct lp_str text; /* JSON: a value's text; TEXT: bytes (invalid UTF-8 is repaired) */
    double real;
    const struct lp_jq_kept *kept;
};
/* Runs the program on {name: value, ...}; appends the FIRST result as compact JSON. No result at
 * all is an error. */
int lp_jq_run(struct lp_jq *q, const struct lp_jq_part *parts, size_t n, struct lp_buf *out,
    struct lp_err *err);
/* Runs it on one JSON text; calls `each` for every result. */
int lp_jq_each(struct lp_jq *q, struct lp_str input,
    int (*each)(void *arg, struct lp_str result, struct lp_err *err), void *arg,
    struct lp_err *err);

const char *lp_jq_version(void); /* "libjq 1.6" */

#endif
