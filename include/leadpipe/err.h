/*
 * err - one failure, as a value on the caller's stack
 *
 * Owns: the caller; nothing in it is allocated
 * Units: -
 * Errors: this is how every other module reports them
 * Source: spec/architecture.md "Errors and memory"
 *
 * A function that can fail takes a struct lp_err * last and returns 0 or -1 (or NULL). On success
 * the struct is untouched. The first cause wins: lp_err_set on a set error changes nothing.
 * Callers on the way out add context in front with lp_err_prefix ("leads.csv:12: ...").
 */
#ifndef LEADPIPE_ERR_H
#define LEADPIPE_ERR_H

#include <stdbool.h>

/* Graded by how far the failure reaches; the grade is the policy and the exit status. */
enum lp_errkind {
    LP_ERR_NONE = 0,
    LP_ERR_RECORD,   /* this record only: it becomes a reject */
    LP_ERR_PROVIDER, /* the provider or the way to it: the chain goes on */
    LP_ERR_AUTH,     /* our account: credentials refused */
    LP_ERR_CONFIG,   /* our configuration */
    LP_ERR_USAGE,    /* the command line */
    LP_ERR_IO,       /* our disk, our pipe, our state file */
    LP_ERR_TEMP,     /* temporary: safe to run again as it is */
    LP_ERR_BUG       /* a broken invariant */
};

/* Exit statuses of every program (spec/cli.md). */
enum lp_exit {
    LP_EXIT_OK = 0,
    LP_EXIT_REJECTS = 1,
    LP_EXIT_USAGE = 2,
    LP_EXIT_DATA = 65,
    LP_EXIT_UNAVAILABLE = 69,
    LP_EXIT_BUG = 70,
    LP_EXIT_IO = 74,
    LP_EXIT_TEMP = 75,
    LP_EXIT_NOPERM = 77,
    LP_EXIT_CONFIG = 78
};

struct lp_err {
    enum lp_errkind kind;
    char code[32];  /* machine word: "bad_json", "no_email"; "" where the kind says it all */
    char msg[512];  /* for people; no contact data, no secret, no control bytes */
    char hint[160]; /* what to do about it, or "" */
};

/* Sets kind, code (may be NULL) and message unless an error is already set. Always returns -1. */
int lp_err_set(struct lp_err *err, enum lp_errkind kind, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As lp_err_set with ": strerror(errno)" appended and kind LP_ERR_IO. */
int lp_err_errno(struct lp_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts context and ": " in front of the message (a colon at the context's end is not doubled).
 * Always returns -1. */
int lp_err_prefix(struct lp_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Adds advice, unless there is some already. */
void lp_err_hint(struct lp_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The exit status a fatal error of this kind ends the program with. */
enum lp_exit lp_err_exit(enum lp_errkind kind);

#endif
