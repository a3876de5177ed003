/*
 * run - the life of a filter: options, input, output, rejects, counts, signals, exit status
 *
 * Owns: everything in struct lp_run, from before the first record to the exit status
 * Units: as named
 * Errors: the grade of a fatal error is the exit status (spec/cli.md); record errors become rejects
 *
 * A program is data plus one function:
 *     int main(int argc, char **argv) { return lp_run(&program, argc, argv); }
 * Two shapes only. Pure: `record` is a function of a record. Asking: `drive` is lp_ask_drive
 * (gateway/ask.h) and `context` its struct lp_asking. A program that reads something else than
 * NDJSON (contacts-import) has a `drive` of its own and uses the functions below.
 */
#ifndef LEADPIPE_RUN_H
#define LEADPIPE_RUN_H

#include <stdio.h>
#include "leadpipe/clock.h"
#include "leadpipe/err.h"
#include "leadpipe/lines.h"
#include "leadpipe/log.h"
#include "leadpipe/opt.h"
#include "leadpipe/out.h"
#include "leadpipe/record.h"

#define LP_RUN_JOBS_MOST 10000

/* Options every filter has. */
struct lp_common {
    const char *config, *state; /* NULL: from the environment, else XDG */
    bool dry_run, unordered, fail_fast, quiet, verbose, no_color;
    int64_t jobs; /* 0: not given; at most LP_RUN_JOBS_MOST */
    const char *rejects, *stats, *max_errors;
    int64_t limit;     /* -1: none */
    const char *shard; /* "I/N" */
    int progress;      /* 0 auto 1 always 2 never 3 json */
    int64_t now;       /* -1: the clock */
    uint64_t max_line; /* 16 MiB */
};

enum lp_verdict {
    LP_PASS,     /* write the record (with its splices) */
    LP_DROP,     /* not written; the reason was given to lp_run_drop */
    LP_CONSUMED, /* the program wrote it, or keeps it to write it at the end */
    LP_REJECT,   /* err says why */
    LP_FATAL     /* err says why; the run ends */
};

struct lp_run;

struct lp_program {
    const char *name, *summary, *operands, *examples;
    const struct lp_opt *opts;            /* the program's own; NULL: none */
    void *settings;                       /* where they are stored; holds the defaults */
    const char *(*const *versions)(void); /* linked libraries: "libcsv 3.0.3"; ended by NULL */
    int (*begin)(struct lp_run *run, struct lp_err *err);
    enum lp_verdict (*record)(struct lp_run *run, struct lp_rec *rec, struct lp_err *err);
    int (*drive)(struct lp_run *run, struct lp_err *err); /* instead of the loop over records */
    int (*end)(struct lp_run *run, struct lp_err *err);   /* after the last record, before flush */
    const char *const *kinds; /* kinds `record` handles, ended by NULL; others pass through.
                                 NULL: all */
    const void *context;      /* of `drive` */
    bool tty_ok;              /* no input needed: do not refuse a terminal */
    bool no_input;            /* reads no records at all (self-check) */
    /* The record's key, for --shard; false: it has none and belongs to shard 0. NULL: none has. */
    bool (*key)(struct lp_rec *rec, struct lp_buf *out);
};

#define LP_RUN_DROPS 8
struct lp_counts {
    uint64_t in, out, rejects, dropped, passed; /* passed: other kinds, counted in out too */
    uint64_t blank;
    uint64_t failed; /* ended `failed`, or `unknown` by provider_error/timeout */
    struct {
        const char *reason; /* a literal: "duplicate", "other_shard" */
        uint64_t n;
    } drops[LP_RUN_DROPS];
};

struct lp_run {
    const struct lp_program *program;
    struct lp_common common;
    struct lp_lines *in;
    struct lp_out out;
    struct lp_counts counts;
    struct lp_rejects *rejects;
    struct lp_progress *progress;
    char id[17]; /* this run, random hex: audit log, ledger */
    int64_t started_mono;
    uint64_t shard_i, shard_n;
    const char *field;      /* set by `record` beside LP_REJECT: the member at fault */
    bool input_ended;       /* end of input, --limit reached or a stop asked for */
    bool input_failed;      /* it cannot be read on: no reason to leave what was read */
    bool no_provider;       /* a record was left without an answer: exit 69 */
    bool auth_refused;      /* ... because credentials were refused: exit 77 */
    bool stopped;           /* safe to run again as it is (budget): exit 75 */
    const char *stopped_by; /* "budget", for --stats and the summary */
    void (*stats)(
        struct lp_run *run, struct lp_buf *json); /* appends members to --stats; may be NULL */
    void (*progress_note)(struct lp_run *run, struct lp_buf *out); /* provider states on the bar */
    void *engine;                                                  /* the drive's own */
    void (*release)(struct lp_run *run); /* frees it, after --stats was written; may be NULL */
    /* The rest is the run's own. */
    uint64_t held;       /* by the drive: done, to be put at the end */
    uint64_t taken;      /* records of this shard, counted against --limit */
    int64_t max_rejects; /* --max-errors N; -1: none */
    double max_share;    /* --max-errors P% as a fraction; -1: none */
    struct lp_err fault; /* what failed where there was nobody to tell: while waiting for input */
    struct lp_err late;  /* what failed besides, after that which ended the run */
    struct lp_buf unwrapped; /* the line taken out of a rejects line */
    struct lp_buf key;
};

/* Everything: returns the exit status. */
int lp_run(const struct lp_program *program, int argc, char **argv);

/* --- for drives ------------------------------------------------------------------------------ */

enum lp_take {
    LP_TAKE_RECORD, /* *rec is filled; kinds not handled, rejects and other shards are done already
                     */
    LP_TAKE_WAIT,   /* nothing just now (only with wait == false) */
    LP_TAKE_END,
    LP_TAKE_FAIL
};
/* The next record for this program. The line is copied into the record's arena when `keep`, so that
 * it outlives the next call; without, it lives until the next call. Blank lines, rejects-as-input,
 * --limit, --shard and bad lines are seen to here. Records of a kind not handled are returned with
 * *foreign set: write them in their place. */
enum lp_take lp_run_take(struct lp_run *run, bool wait, bool keep, struct lp_rec *rec,
    struct lp_line *line, bool *foreign, struct lp_err *err);

/* Writes the record and counts it out. Blocks once LP_OUT_BLOCK bytes are waiting: an event loop
 * that must not, calls lp_out_try and holds its records back while lp_out_pending is that much. */
int lp_run_put(struct lp_run *run, const struct lp_rec *rec, struct lp_err *err);
/* Writes a finished line ("...\n") and counts it as a record out when `counted`. */
int lp_run_put_line(struct lp_run *run, struct lp_str line, bool counted, struct lp_err *err);
/* Where it came from, for rejects. */
struct lp_origin {
    const char *file;
    uint64_t line, byte;  /* byte: offset in the file */
    const char *field;    /* or NULL */
    struct lp_str header; /* CSV header line for contacts-import, or {0} */
};
/* Counts and writes a reject: the record where `raw` is a valid object, else raw text (`is_object`
 * false). Fails with kind LP_ERR_NONE untouched; -1 only when --fail-fast or --max-errors ends the
 * run (err: LP_ERR_RECORD graded fatal by the caller -> exit 65) or the rejects file cannot be
 * written. */
int lp_run_reject(struct lp_run *run, const struct lp_origin *from, struct lp_str raw,
    uint64_t raw_length, bool is_object, const struct lp_err *why, struct lp_err *err);
void lp_run_drop(struct lp_run *run, const char *reason);
/* For programs that read by themselves: another record has come in. -1: those before it were too bad
 * (--max-errors P%). */
int lp_run_count_in(struct lp_run *run, struct lp_err *err);
/* Called before anything that may block: flushes (blocking), shows progress, looks for the reader.
 */
int lp_run_idle(struct lp_run *run, struct lp_err *err);
/* The part of it that never blocks: progress, SIGUSR1, has the reader gone. */
void lp_run_tick(struct lp_run *run);
/* Has the run to end (INT/TERM, reader gone)? */
bool lp_run_stopping(const struct lp_run *run);
/* The shard a key belongs to is ours? */
bool lp_run_mine(const struct lp_run *run, struct lp_str key);

#endif
