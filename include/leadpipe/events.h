/*
 * events - what a job, reply or event record says has happened
 *
 * Owns: nothing; slices point into the record and live as long as it does
 * Units: UTC milliseconds
 * Errors: LP_ERR_RECORD: no_email, bad_time
 * Source: spec/records.md, spec/analytics.md "Inputs"
 *
 * What counts as what (any other record counts as nothing):
 *
 *     event, engagement_type email_sent          sent           at timestamp, of email
 *            email_delivered                     delivered
 *            email_opened                        opened
 *            link_clicked                        clicked
 *            reply_received                      replied
 *            bounce, email_bounced               bounced
 *            unsubscribed                        unsubscribed
 *            converted                           converted
 *     job, of contact_email, status published    sent           at published_time
 *     reply, reply_class reply                   replied        at received_at, of contact_email,
 *            bounce                              bounced          else from_email (of a bounce
 *            unsubscribe                         unsubscribed     bounce.recipient)
 */
#ifndef LEADPIPE_EVENTS_H
#define LEADPIPE_EVENTS_H

#include "leadpipe/err.h"
#include "leadpipe/record.h"

enum lp_happened {
    LP_SENT,
    LP_DELIVERED,
    LP_OPENED,
    LP_CLICKED,
    LP_REPLIED,
    LP_BOUNCED,
    LP_UNSUBSCRIBED,
    LP_CONVERTED,
    LP_HAPPENINGS
};

struct lp_event {
    enum lp_happened what;
    struct lp_str email;                        /* whose; not yet a key */
    struct lp_str job_id, campaign_id, channel; /* p == NULL: not said */
    struct lp_str time;                         /* as written; p == NULL: not said */
    bool timed;                                 /* `at` holds */
    int64_t at;
    const char *field; /* LP_EVENT_BAD: the member at fault */
};

enum lp_event_is {
    LP_EVENT_COUNTS, /* *e is filled */
    LP_EVENT_OTHER,  /* a record that counts as nothing */
    LP_EVENT_BAD     /* one that should count but cannot: err says why */
};
enum lp_event_is lp_events_read(struct lp_rec *rec, struct lp_event *e, struct lp_err *err);
/* Of a record that counts as nothing: whose it is, its job, and the job's campaign and channel as far
 * as it says them. False: it names no job of anybody. */
bool lp_events_read_job(struct lp_rec *rec, struct lp_event *e);

const char *lp_events_name(enum lp_happened what); /* "sent" */

/* Is it inside [since, until)? INT64_MIN and INT64_MAX are open ends; an event of unknown time is
 * inside only where both are open. */
bool lp_events_within(const struct lp_event *e, int64_t since, int64_t until);

/* The one thing it tells of, for counting it once: the job, or where none is named the time and
 * campaign. Mixed with `contact` (a hash of the key). */
uint64_t lp_events_occasion(const struct lp_event *e, uint64_t contact);

#endif
