/*
 * signals - what was asked of the process from outside
 *
 * Owns: the process's handlers for INT, TERM, USR1, PIPE, XFSZ; a self-pipe to poll
 * Units: -
 * Errors: none
 *
 * First INT or TERM: stop taking input, finish what is in flight (10 s), exit 128+n. A second one
 * ends the process at once. USR1 asks for the progress line. PIPE and XFSZ have a handler that does
 * nothing (writes give EPIPE and EFBIG, and a child starts with the default again); the run ends
 * itself by SIGPIPE after saving its state. HUP is left alone, and so is an INT that was ignored when the program
 * started (a background job of a script).
 */
#ifndef LEADPIPE_SIGNALS_H
#define LEADPIPE_SIGNALS_H

#include <stdbool.h>

void lp_signals_init(void);
bool lp_signals_stop(void);       /* INT or TERM came */
int lp_signals_stop_number(void); /* SIGINT, SIGTERM or 0 */
bool lp_signals_usr1(void);       /* true once per USR1 */
int lp_signals_fd(void);          /* readable when a signal came; drained by lp_signals_drain */
void lp_signals_drain(void);
/* Dies by SIGPIPE, as a program does whose reader has gone. Returns only if it is blocked. */
void lp_signals_die_by_pipe(void);

#endif
