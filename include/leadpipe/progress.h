/*
 * progress - the line on standard error: done/total, rate, ETA, providers
 *
 * Owns: its line on the terminal
 * Units: records, bytes, seconds
 * Errors: none
 *
 * auto: only on a terminal, only after a second of work; json: one NDJSON object a second.
 */
#ifndef LEADPIPE_PROGRESS_H
#define LEADPIPE_PROGRESS_H

#include "leadpipe/run.h"

struct lp_progress;
struct lp_progress *lp_progress_new(int mode, bool color);
bool lp_progress_on(const struct lp_progress *p); /* is anything shown without being asked for? */
/* Called often; looks at the clock and writes at most ten times a second. */
void lp_progress_tick(struct lp_progress *p, struct lp_run *run);
void lp_progress_show(struct lp_progress *p, struct lp_run *run); /* now: SIGUSR1 */
void lp_progress_clear(struct lp_progress *p);                    /* before a message */
void lp_progress_del(struct lp_progress *p);

#endif
