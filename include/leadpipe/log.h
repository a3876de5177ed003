/*
 * log - the one way to standard error
 *
 * Owns: copies of what is to be masked
 * Units: -
 * Errors: none; a standard error that cannot be written is ignored
 *
 * Every message is one write of "program: text\n". Control bytes are shown as ?, never sent to the
 * terminal. Whatever was registered as secret is masked by value, also base64- and URL-encoded.
 */
#ifndef LEADPIPE_LOG_H
#define LEADPIPE_LOG_H

#include <stdbool.h>
#include "leadpipe/buf.h"

enum lp_log_level { LP_LOG_QUIET, LP_LOG_NORMAL, LP_LOG_VERBOSE };

void lp_log_init(const char *program, enum lp_log_level level);
const char *lp_log_program(void);
void lp_log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));   /* always */
void lp_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));    /* always */
void lp_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));    /* not with -q */
void lp_log_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* with -v */

/* `hook` runs before every message, so that a progress bar can leave the line first. NULL: none. */
void lp_log_before(void (*hook)(void *), void *arg);

/* Masks `secret` wherever text leaves the process (values under 4 bytes are not masked). */
void lp_log_secret(struct lp_str secret);
/* Replaces every registered secret in the buffer by "****" in place. */
void lp_log_redact(struct lp_buf *b);
/* Does the text hold one of them? One under 8 bytes does not count: in data it may be a word. */
bool lp_log_secret_in(struct lp_str text);
/* Shows control bytes as ?, as messages have them. */
void lp_log_tame(char *p, size_t n);

#endif
