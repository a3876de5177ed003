/*
 * lines - the named files (or standard input), one after the other, by line or by chunk
 *
 * Owns: opens and closes what it reads; a line's bytes live until the next call
 * Units: bytes; line numbers from 1 within their file
 * Errors: LP_ERR_IO (cannot open or read, naming the file); a line over the maximum is handed out
 * as LP_LINE_LONG with its first 64 KiB and its true length
 *
 * Never sets O_NONBLOCK. A BOM at the start of a file is skipped, blank lines are skipped
 * (counted), a last line without "\n" is accepted. Before a read that would block, `idle` is called
 * so that output is flushed (the 5 ms rule). lp_lines_chunk skips nothing: bytes as they are in the
 * file.
 */
#ifndef LEADPIPE_LINES_H
#define LEADPIPE_LINES_H

#include "leadpipe/err.h"
#include "leadpipe/mem.h"
#include "leadpipe/buf.h"

enum lp_line_kind {
    LP_LINE,
    LP_LINE_LONG,
    LP_LINE_EOF,
    LP_LINE_WAIT, /* only with wait == false: nothing to read just now */
    LP_LINE_STOP, /* a stop was asked for (signal) while waiting */
    LP_LINE_FAIL
};

struct lp_line {
    struct lp_str text; /* without "\n" and a "\r" before it */
    const char *file;   /* "-" for standard input */
    uint64_t number;    /* of this line in its file */
    uint64_t at;        /* byte offset of the line in its file */
    uint64_t length;    /* true length, for LP_LINE_LONG */
};

struct lp_lines;
struct lp_lines *lp_lines_new(char **files, size_t max_line);
void lp_lines_del(struct lp_lines *in);
/* Called before a wait and whenever the wait is disturbed (a signal, the watched reader, the wake
 * interval); returning false makes it end with LP_LINE_STOP. */
void lp_lines_on_idle(struct lp_lines *in, bool (*idle)(void *), void *arg);
/* While waiting, call `idle` at least every `wake_ms` (-1: only when there is cause), and when the
 * reader of the descriptor `watch` goes away (-1: none). */
void lp_lines_on_wait(struct lp_lines *in, int wake_ms, int watch);
/* Checked while waiting; returning true makes the wait end with LP_LINE_STOP. */
void lp_lines_on_stop(struct lp_lines *in, bool (*stop)(void));

/* wait == false never blocks: for loops that poll lp_lines_fd themselves. */
enum lp_line_kind lp_lines_next(
    struct lp_lines *in, bool wait, struct lp_line *line, struct lp_err *err);
/* Raw bytes instead of lines, for inputs that are not NDJSON: what is buffered, or the next read.
 * LP_LINE with text.n > 0, LP_LINE_EOF at the end of EACH file (then call again for the next;
 * LP_LINE_EOF with line->file == NULL is the end of all). */
enum lp_line_kind lp_lines_chunk(struct lp_lines *in, struct lp_line *chunk, struct lp_err *err);
int lp_lines_fd(const struct lp_lines *in);         /* to poll for reading; -1 at the end */
bool lp_lines_pending(const struct lp_lines *in);   /* can a line be had without reading? */
uint64_t lp_lines_blank(const struct lp_lines *in); /* blank lines skipped so far */
/* Bytes handed out so far and in all (0 when unknown), for progress. */
void lp_lines_progress(const struct lp_lines *in, uint64_t *done, uint64_t *total);

#endif
