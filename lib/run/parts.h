/*
 * parts - what the files of the run share and nobody else needs
 *
 * Owns: nothing
 * Units: as named
 * Errors: as each function says
 */
#ifndef LEADPIPE_RUN_PARTS_H
#define LEADPIPE_RUN_PARTS_H

#include <sys/types.h>

#include "leadpipe/run.h"

/* Parses argv into run->common and the program's settings. True: go on with *operands; false: end
 * with *status (help, version, completion, misuse). */
bool lp_run_options(struct lp_run *run, int argc, char **argv, char ***operands, int *status);

/* Opens a file beside the output. LP_ERR_USAGE if it is one of the inputs or standard output. */
int lp_run_side_file(const char *option, const char *path, int flags, mode_t mode, char **inputs,
    struct lp_err *err);

/* Writes all of it, waiting where another program has set O_NONBLOCK on what is shared. -1: errno says
 * why not; *sent says how much went out (NULL: does not matter). */
int lp_run_write_all(int fd, struct lp_str text, size_t *sent);
/* Opens --stats FILE early, so that a wrong name is found before the work is done. *fd -1: none. */
int lp_run_stats_open(struct lp_run *run, char **inputs, int *fd, struct lp_err *err);
/* Writes it and closes fd. */
int lp_run_stats_write(struct lp_run *run, int fd, struct lp_err *err);
/* "in 200 out 190 rejects 8 dropped 2 (duplicate 2)" on standard error, not with -q. */
void lp_run_summary(const struct lp_run *run);

/* A share of less than this many records says little, so nothing is stopped by it. */
#define LP_RUN_JUDGE_FROM 1000
/* Have the rejects passed what --max-errors allows? At the end every share is judged, however few the
 * records; 100% is passed when every record was rejected, which only the end can tell. */
int lp_run_judge(const struct lp_run *run, bool at_end, struct lp_err *err);

#endif
