/*
 * counters - what each contact was sent and did: from its own members, or counted from events
 *
 * Owns: struct lp_counters_book owns its tables
 * Units: counts; `decayed` in counts that weigh 0..1 each
 * Errors: LP_ERR_RECORD: bad_counter, with the member at fault; no_email, bad_email, bad_time of events
 * Source: spec/analytics.md "Inputs"
 *
 * The book keeps 24 bytes for each contact (36 with a half-life) and 9 for each contact and job,
 * in tables of at most 1.6 times that.
 */
#ifndef LEADPIPE_COUNTERS_H
#define LEADPIPE_COUNTERS_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"
#include "leadpipe/events.h"
#include "leadpipe/record.h"
#include "leadpipe/tally.h"

struct lp_counters {
    int64_t sent, opened, clicks, conversions;
    struct {
        double opened, clicks, conversions; /* the same, old ones weighing less */
    } decayed;
};

/* From emails_sent, emails_opened, clicks, conversions; absent and null are 0. A negative counter or
 * one that is no whole number is an error, and *field names it. */
int lp_counters_of(
    const struct lp_rec *contact, struct lp_counters *c, const char **field, struct lp_err *err);

/* More than can be: opened > sent, clicks > opened, conversions > clicks. */
bool lp_counters_excess(const struct lp_counters *c);

/* --- counted from events --------------------------------------------------------------------- */

struct lp_counters_book {
    struct lp_tally contacts, seen;
    uint64_t seed;
    int64_t since, until; /* INT64_MIN, INT64_MAX: open */
    double half_life_ms;  /* 0: nothing decays */
    int64_t now;          /* ages are counted from here */
    struct lp_buf key;
};

enum lp_counted {
    LP_COUNTED,
    LP_COUNTED_BEFORE,  /* the same contact, job and type again */
    LP_COUNTED_NOT,     /* a record or type that is no part of a score */
    LP_COUNTED_OUTSIDE, /* not inside [since, until) */
    LP_COUNTED_NOBODY,  /* the address is none */
    LP_COUNTED_UNTIMED  /* of unknown time where that matters: a period or a half-life is given */
};

void lp_counters_open(struct lp_counters_book *b, double half_life_days, int64_t now);
void lp_counters_close(struct lp_counters_book *b);
/* Each (contact, job, type) counts once: the first in the order given. Events without a job count
 * once for each time and campaign. */
enum lp_counted lp_counters_add(struct lp_counters_book *b, const struct lp_event *e);

/* The same in two steps, so that memory is on its way while other events are read: what is to be
 * done (LP_COUNTED: it is to be applied), which outlives the event, and doing it. */
struct lp_counters_step {
    uint64_t contact, occasion;
    float weight;
    int counter;
};
enum lp_counted lp_counters_plan(
    struct lp_counters_book *b, const struct lp_event *e, struct lp_counters_step *step);
enum lp_counted lp_counters_apply(struct lp_counters_book *b, const struct lp_counters_step *step);

/* Counts the records of these files (ended by NULL), which the run then has taken in and dropped, by
 * reason; bad ones are rejects. -1 where the run cannot go on. */
struct lp_run;
int lp_counters_load(
    struct lp_counters_book *b, struct lp_run *run, char **files, struct lp_err *err);

/* What was counted for this key (all 0 for a stranger). */
void lp_counters_look(const struct lp_counters_book *b, struct lp_str key, struct lp_counters *c);
size_t lp_counters_bytes(const struct lp_counters_book *b);

#endif
