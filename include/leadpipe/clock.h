/*
 * clock - the two clocks, and times as text
 *
 * Owns: nothing
 * Units: wall time is UTC in milliseconds since 1970 (int64_t, good past 2038);
 *        monotonic time is milliseconds since some start, for deadlines and latencies only
 * Errors: parsers return false
 * Source: RFC 3339; RFC 9110 section 5.6.7 for HTTP dates
 */
#ifndef LEADPIPE_CLOCK_H
#define LEADPIPE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"

/* Wall time, or what --now fixed it to. Deadlines never use it. */
int64_t lp_clock_now(void);
void lp_clock_fix(int64_t utc_ms); /* --now: wall time stands still */
bool lp_clock_fixed(void);         /* then measured times do not belong into the output either */
/* True wall time even under --now: for state shared with other processes. */
int64_t lp_clock_real(void);
int64_t lp_clock_mono(void);
int64_t lp_clock_mono_us(void);
/* For replays: both clocks stand still from now on, and move only as they are told to, up to a time
 * on the monotonic one and never back. */
void lp_clock_hold(void);
void lp_clock_move(int64_t mono_ms);

/* "2026-01-31T10:00:00Z", with ".123" only where the milliseconds are not 0. */
void lp_clock_put(struct lp_buf *b, int64_t utc_ms);
/* RFC 3339 with any offset, "T" or space, optional fraction; also a bare date (00:00:00Z). */
bool lp_clock_parse(struct lp_str s, int64_t *utc_ms);
/* IMF-fixdate, RFC 850 and asctime forms. */
bool lp_clock_parse_http(struct lp_str s, int64_t *utc_ms);
/* Durations for people: "90s", "15m", "2h", "30d", "250ms", bare seconds. */
bool lp_clock_parse_duration(struct lp_str s, int64_t *ms);

#endif
