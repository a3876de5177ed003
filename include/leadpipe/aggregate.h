/*
 * aggregate - any mix of records, added up by campaign and channel
 *
 * Owns: the struct owns everything in it; what is handed out lives as long
 * Units: counts; money in millionths of its currency; UTC milliseconds; days since 1970
 * Errors: LP_ERR_RECORD with the reject's code: bad_counter, bad_score, bad_amount, bad_currency,
 *         bad_time, bad_email, no_email, no_campaign, no_channel, bad_name, too_many_campaigns,
 *         too_many_channels;
 *         LP_ERR_IO of temporary files
 * Source: spec/analytics.md
 *
 * Records are added with lp_aggregate_take; after the last one lp_aggregate_finish counts what had to
 * wait for others to be counted once. Memory grows with campaigns and channels; what is kept of
 * contacts and of events goes into $TMPDIR beyond a bound.
 *
 * - A contact is counted once by its key, and the last record of it holds. Without a key each record
 *   is a contact of its own. A contact is what it is now: periods do not touch it.
 * - An event is counted once by contact, job and type (lp_events_occasion). What does not say its
 *   campaign or channel has it from the other records of its job, counted or not; the channel is else
 *   "email".
 * - Of one occasion (a contact and a job) an impression is counted where it was delivered, or sent
 *   and not bounced; an engagement where it was opened, clicked or replied to.
 * - Metrics of a campaign and channel stand for its events, which are then not looked at.
 */
#ifndef LEADPIPE_AGGREGATE_H
#define LEADPIPE_AGGREGATE_H

#include "leadpipe/events.h"
#include "leadpipe/names.h"
#include "leadpipe/score.h"
#include "leadpipe/sorter.h"

#define LP_AGGREGATE_GROUPS   100000 /* campaigns times channels */
#define LP_AGGREGATE_CHANNELS 50000
#define LP_AGGREGATE_NAME     512 /* bytes of a campaign's or channel's name */
#define LP_MONEY_UNIT         1000000

enum lp_figure {
    LP_IMPRESSIONS,
    LP_CLICKS,
    LP_ENGAGEMENTS,
    LP_CONVERSIONS,
    LP_SHARES,
    LP_COMMENTS,
    LP_REPLIES,
    LP_OPENS,
    LP_BOUNCES,
    LP_SENDS, /* those before are members of `metrics`; from here on events alone tell */
    LP_DELIVERIES,
    LP_UNSUBSCRIPTIONS,
    LP_FIGURES,
    LP_FIGURES_STATED = LP_SENDS
};
const char *lp_figure_name(enum lp_figure f); /* "impressions" */

struct lp_figures {
    uint64_t n[LP_FIGURES];
};
/* No sum passes 2^53. */
void lp_figures_add(struct lp_figures *to, const struct lp_figures *from);

/* All that is asked for, and the two periods that are compared. */
enum lp_slot { LP_SLOT_ALL, LP_SLOT_A, LP_SLOT_B, LP_SLOTS };

struct lp_period {
    int64_t since, until; /* INT64_MIN, INT64_MAX: open */
};

struct lp_money {
    uint32_t currency; /* a number of `currencies` */
    bool spent, earned;
    int64_t cost, revenue;
};
struct lp_purse {
    struct lp_money *v;
    size_t n;
};

/* A campaign and a channel. */
struct lp_group {
    uint32_t campaign, channel;
    bool stated[LP_SLOTS];                                     /* there were metrics */
    bool happened[LP_SLOTS];                                   /* there were events */
    struct lp_figures by_metric[LP_SLOTS], by_event[LP_SLOTS]; /* the former stand where stated */
    struct lp_purse purse;
};
/* The figures that hold. */
const struct lp_figures *lp_group_figures(const struct lp_group *g, enum lp_slot slot);

struct lp_campaign {
    struct lp_str title; /* the last campaign_name that was said; p == NULL: none was */
    struct {
        uint64_t contacts, valid; /* different ones; those whose address is valid */
    } sent, imported;
    uint64_t engaged, converted;                      /* different contacts, by events */
    uint64_t seen_sent, seen_engaged, seen_converted; /* the contact that was counted last */
};

struct lp_day {
    uint64_t n[LP_CONVERSIONS + 1]; /* impressions to conversions */
};

enum lp_report_kind {
    LP_KIND_CONTACT,
    LP_KIND_JOB,
    LP_KIND_REPLY,
    LP_KIND_EVENT,
    LP_KIND_METRIC,
    LP_KIND_SPEND,
    LP_KIND_REVENUE,
    LP_KIND_REPORT,
    LP_KIND_OTHER,
    LP_KINDS
};
const char *lp_report_kind_name(enum lp_report_kind k);
enum lp_report_kind lp_report_kind(struct lp_rec *rec);

#define LP_STATUSES   7 /* those of a contact, and one for words that are none of them */
#define LP_STATUS_ODD 6

struct lp_top_contact {
    int64_t ltv;
    enum lp_score_tier tier;
    unsigned status;
    char *email, *about; /* about: a JSON object of first_name, last_name, company, where known */
};

struct lp_aggregate_settings {
    struct lp_period period[LP_SLOTS];
    int slots; /* 1, or all where periods are compared */
    size_t top;
    struct lp_score_settings score;
    size_t memory; /* bytes for what waits; 0: LP_AGGREGATE_MEMORY */
};
#define LP_AGGREGATE_MEMORY ((size_t)32 << 20)

struct lp_aggregate {
    struct lp_aggregate_settings s;
    struct lp_names campaigns, channels, currencies;
    struct lp_campaign *campaign; /* by number */
    uint32_t campaign_room;
    struct lp_group *group;
    uint32_t groups, group_room;
    struct lp_purse money; /* of all of them */
    struct lp_tally pairs; /* campaign and channel: the group's number */
    struct {
        struct lp_day *v;
        int first, n;
        struct lp_day undated;
    } days;
    int64_t first_at, last_at; /* what was counted; first > last: nothing dated */
    struct {
        uint64_t total, repeated, scored;
        uint64_t by_status[LP_STATUSES], by_tier[LP_SCORE_TIERS];
        uint64_t capped;
        struct lp_top_contact *top;
        size_t top_n;
    } contacts;
    uint64_t by_kind[LP_KINDS];
    uint64_t contacts_added, events_added, events_counted;
    /* The rest is for the module's own files. */
    uint64_t seed, records;
    struct lp_sorter people, events;
    struct lp_tempfile abouts;
    struct lp_buf key, text;
};

enum lp_taken {
    LP_TAKEN,
    LP_TAKEN_OUTSIDE, /* not inside [since, until) */
    LP_TAKEN_UNTIMED, /* of unknown time where a period is asked for */
    LP_TAKEN_OTHER,   /* nothing that counts here */
    LP_TAKEN_BAD,     /* err says why, *field where */
    LP_TAKEN_FATAL    /* err says why */
};

struct lp_aggregate *lp_aggregate_new(const struct lp_aggregate_settings *s);
void lp_aggregate_del(struct lp_aggregate *a);
enum lp_taken lp_aggregate_take(
    struct lp_aggregate *a, struct lp_rec *rec, const char **field, struct lp_err *err);
int lp_aggregate_finish(struct lp_aggregate *a, struct lp_err *err);

/* Is there anything of the campaign that is counted? To be asked once all are. */
bool lp_aggregate_holds(const struct lp_aggregate *a, struct lp_str campaign_id);

/* The group of a campaign and a channel (0: not said); NULL where there are too many. It moves when
 * another is made. */
struct lp_group *lp_aggregate_group(
    struct lp_aggregate *a, uint32_t campaign, uint32_t channel, struct lp_err *err);
/* Adds to the time line; a day before 1970 or after 2099 is "undated". */
#define LP_DAY_UNDATED (-1)
int lp_aggregate_day(int64_t utc_ms);
void lp_aggregate_on_day(struct lp_aggregate *a, int day, enum lp_figure f, uint64_t n);
/* Adds an amount to a purse; false where the sum would pass what can be counted. */
bool lp_purse_add(struct lp_purse *p, uint32_t currency, bool earned, int64_t amount);

#endif
