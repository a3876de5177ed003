/*
 * aggregate_parts - what the files of aggregate share and nobody else needs
 *
 * Owns: nothing
 * Units: as named
 * Errors: as each function says
 */
#ifndef LEADPIPE_ANALYTICS_AGGREGATE_PARTS_H
#define LEADPIPE_ANALYTICS_AGGREGATE_PARTS_H

#include "leadpipe/aggregate.h"

/* A bit for each slot the time is in; `outside` where none. */
unsigned lp_aggregate_slots(
    const struct lp_aggregate *a, bool timed, int64_t at, enum lp_taken *outside);
void lp_aggregate_seen(struct lp_aggregate *a, bool timed, int64_t at);

/* Takes a contact, or what happened to one, into the sorters. */
enum lp_taken lp_people_contact(
    struct lp_aggregate *a, struct lp_rec *rec, const char **field, struct lp_err *err);
enum lp_taken lp_people_event(struct lp_aggregate *a, struct lp_rec *rec, struct lp_err *err);
/* Counts what is in the sorters. */
int lp_people_finish(struct lp_aggregate *a, struct lp_err *err);

/* The contacts that lead: `place` is where aggregate.abouts tells of one, plus one. */
int lp_top_offer(
    struct lp_aggregate *a, struct lp_top_contact *c, uint64_t place, struct lp_err *err);

/* The number of a campaign, which then has its entry; 0 with err set for a name that is none. */
uint32_t lp_aggregate_campaign(struct lp_aggregate *a, struct lp_str id, struct lp_err *err);
/* The same of a channel; an absent name is 0 too. */
uint32_t lp_aggregate_channel(struct lp_aggregate *a, struct lp_str name, struct lp_err *err);

#endif
