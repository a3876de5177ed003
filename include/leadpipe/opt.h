/*
 * opt - one table of options: parsing, --help and shell completion all come from it
 *
 * Owns: the tables are static data; string values point into argv
 * Units: as each option's help says
 * Errors: LP_ERR_USAGE, with the option named
 *
 * Values are stored at `offset` into the settings struct that belongs to the table.
 */
#ifndef LEADPIPE_OPT_H
#define LEADPIPE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "leadpipe/err.h"
#include "leadpipe/buf.h"

enum lp_opt_type {
    LP_OPT_FLAG,     /* bool */
    LP_OPT_STRING,   /* const char * */
    LP_OPT_LIST,     /* struct lp_opt_list: may be given several times */
    LP_OPT_INT,      /* int64_t, >= min */
    LP_OPT_REAL,     /* double */
    LP_OPT_SIZE,     /* uint64_t: 64k, 16M */
    LP_OPT_DURATION, /* int64_t ms: 30s, 5m, 90d */
    LP_OPT_EVERY,    /* int64_t ms as a duration; --name alone means `min` ms */
    LP_OPT_TIME,     /* int64_t UTC ms, RFC 3339 */
    LP_OPT_CHOICE    /* int: index into `choices` ("a|b|c") */
};

struct lp_opt_list {
    const char **v;
    size_t n;
};

struct lp_opt {
    char letter; /* 0: none */
    const char *name;
    enum lp_opt_type type;
    size_t offset;
    const char *arg;      /* metavariable; for LP_OPT_CHOICE the choices "auto|always|never" */
    const char *help;     /* one line */
    const char *complete; /* "file", "dir", "" */
    int64_t min;          /* LP_OPT_INT, LP_OPT_EVERY */
};
#define LP_OPT_END                                                                                 \
    {                                                                                              \
        0                                                                                          \
    }

struct lp_opt_group {
    const char *title; /* heading in --help */
    const struct lp_opt *opts;
    void *settings;
};

struct lp_opt_program {
    const char *name, *summary;
    const char *operands;              /* "[FILE...]" */
    const char *examples;              /* shown first by --help, one per line */
    const struct lp_opt_group *groups; /* ended by a NULL opts */
};

/* The options of every program beside its own: --help, --version. */
extern const struct lp_opt lp_opt_standard[];
/* The i-th option in the order of --help (the standard ones last), NULL past the end. *title: the
 * heading of its group; *settings: where it is stored. Either may be NULL. */
const struct lp_opt *lp_opt_at(
    const struct lp_opt_program *p, size_t i, const char **title, void **settings);

enum lp_opt_result { LP_OPT_RUN, LP_OPT_HELP, LP_OPT_VERSION, LP_OPT_COMPLETION, LP_OPT_BAD };

/* Parses argv in any order (getopt_long); `--` ends options. *operands are what is left. */
enum lp_opt_result lp_opt_parse(const struct lp_opt_program *p, int argc, char **argv,
    char ***operands, const char **completion_shell, struct lp_err *err);
void lp_opt_help(const struct lp_opt_program *p, struct lp_buf *out);
/* shell: "bash" or "zsh" (hidden option --completion=SHELL prints it). */
int lp_opt_completion(
    const struct lp_opt_program *p, const char *shell, struct lp_buf *out, struct lp_err *err);

#endif
