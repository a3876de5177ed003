/*
 * child - another program: started without a shell unless asked, talked to by pipes, ended for sure
 *
 * Owns: struct lp_child owns the process and its two pipe ends until lp_child_stop
 * Units: deadlines are lp_clock_mono() milliseconds
 * Errors: LP_ERR_IO when it cannot be started (the program is named) or its pipe fails; LP_ERR_TEMP
 *         code "timeout" at the deadline
 *
 * The child leads a process group of its own, so that whatever it starts ends with it; should we be
 * killed, it is sent SIGTERM. It inherits
 * no descriptor but its standard three, no ignored signal and no blocked one. Standard error is
 * ours unless asked for.
 */
#ifndef LEADPIPE_CHILD_H
#define LEADPIPE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "leadpipe/buf.h"
#include "leadpipe/err.h"

struct lp_child_options {
    const char *const *argv; /* ended by NULL; argv[0] is looked up in PATH */
    const char *shell;       /* instead of argv: a line for /bin/sh -c */
    bool pipe_in;            /* else its standard input is /dev/null */
    bool pipe_out;           /* else its standard output is /dev/null */
    bool quiet;              /* its standard error is /dev/null, too */
    bool pipe_err;           /* its standard error is a pipe, too */
    /* "NAME=VALUE" added to our environment for it, ended by NULL; or NULL. */
    const char *const *env;
};

struct lp_child {
    pid_t pid;   /* 0: none */
    int in, out; /* our ends: writes to its standard input, reads its output; -1: none */
    int err;     /* reads its standard error; -1: none */
};

int lp_child_start(struct lp_child *c, const struct lp_child_options *options, struct lp_err *err);
void lp_child_close_in(struct lp_child *c); /* the child sees the end of its input */
/* Our ends neither wait to be read from nor to be written to: for event loops. */
int lp_child_unblock(struct lp_child *c, struct lp_err *err);
/* Bytes written to its input that it has not read; 0 where that cannot be told. */
size_t lp_child_unread(const struct lp_child *c);
/* Reads what there is, waiting until the deadline: bytes, 0 at the end of output, -1. */
ssize_t lp_child_read(struct lp_child *c, void *to, size_t n, int64_t deadline, struct lp_err *err);
/* 1 it ended (*status: its exit status, or 128 + signal), 0 it is running at the deadline. */
int lp_child_wait(struct lp_child *c, int64_t deadline, int *status);
/* Closes the pipes; a child still running gets SIGTERM, and after grace_ms SIGKILL, with its group.
 */
void lp_child_stop(struct lp_child *c, int64_t grace_ms);
/* Sends SIGTERM to its group and waits for nothing: where several are to be stopped at a time. */
void lp_child_term(const struct lp_child *c);
/* It has ended on its own by the deadline? Its status is there to be taken still. */
bool lp_child_ended(const struct lp_child *c, int64_t deadline);
/* As lp_child_stop; returns the status, as lp_child_wait has it. */
int lp_child_end(struct lp_child *c, int64_t grace_ms);

/* Start, read all output up to `max` bytes, wait, stop: for short commands. */
int lp_child_run(const struct lp_child_options *options, size_t max, int64_t deadline,
    struct lp_buf *out, int *status, struct lp_err *err);

#endif
