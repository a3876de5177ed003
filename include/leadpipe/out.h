/*
 * out - whole lines to standard output, buffered
 *
 * Owns: its buffer; not the descriptor
 * Units: bytes
 * Errors: LP_ERR_IO; EPIPE is reported through `closed` so that the program can end quietly
 *
 * Callers append whole lines to `buf` and flush when lp_out_pending reaches LP_OUT_BLOCK. Only
 * whole lines leave the buffer at a time as far as the kernel takes them: after a failure the
 * reader of a pipe may have part of the last line, never part followed by something else; a regular
 * file is cut back to its last whole line. Never sets O_NONBLOCK: lp_out_try polls and writes at
 * most PIPE_BUF at a time. After INT or TERM a reader that takes nothing is waited for 10 s, then
 * it is an error.
 */
#ifndef LEADPIPE_OUT_H
#define LEADPIPE_OUT_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"

struct lp_out {
    int fd;
    struct lp_buf buf;
    size_t sent;     /* bytes of buf already written */
    uint64_t total;  /* bytes written so far */
    bool closed;     /* the reader has gone (EPIPE) */
    bool pipe;       /* pipe, socket or terminal: writes can block */
    int failed;      /* errno of the first failure: nothing is written after it */
    int64_t give_up; /* monotonic ms by which a stopped run gives up on a stuck reader; 0: unset */
};
#define LP_OUT_BLOCK (256 * 1024)

void lp_out_init(struct lp_out *o, int fd);
/* Writes all of it, blocking. On EPIPE err has the code "reader_gone". */
int lp_out_flush(struct lp_out *o, struct lp_err *err);
/* Writes what can be written without blocking. */
int lp_out_try(struct lp_out *o, struct lp_err *err);
static inline size_t lp_out_pending(const struct lp_out *o)
{
    return o->buf.len - o->sent;
}
/* Flush, then check that the descriptor took it all (fsync is not asked for). */
int lp_out_finish(struct lp_out *o, struct lp_err *err);
/* Writes the rest of a line whose beginning the reader has got; allocates nothing. */
void lp_out_end_line(struct lp_out *o);
/* Looks whether the reader has gone; sets and returns `closed`. */
bool lp_out_hung_up(struct lp_out *o);
/* Lines of the buffer of which the reader has not got the end. */
uint64_t lp_out_unsent(const struct lp_out *o);
void lp_out_free(struct lp_out *o);

#endif
