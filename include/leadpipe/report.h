/*
 * report - what was aggregated, as one JSON object that always has the same members
 *
 * Owns: nothing; text is appended to the caller's buffer
 * Units: rates are fractions 0..1; money in its currency; `..._percent` in percent
 * Errors: LP_ERR_IO of the state file; LP_ERR_CONFIG or LP_ERR_RECORD of a layout
 * Source: spec/analytics.md "Report"
 *
 * The same aggregate and facts give the same bytes: campaigns and channels stand in the order of
 * their names, rankings by rate and then by name.
 */
#ifndef LEADPIPE_REPORT_H
#define LEADPIPE_REPORT_H

#include "leadpipe/aggregate.h"
#include "leadpipe/buf.h"
#include "leadpipe/err.h"

#define LP_REPORT_VERSION 1

enum lp_compared { LP_COMPARED_NOTHING, LP_COMPARED_CAMPAIGNS, LP_COMPARED_PERIODS };

/* What was read, and what was left out. */
struct lp_report_input {
    uint64_t records, counted, rejects, outside, untimed, repeated, other, reports;
    bool complete; /* read to the end */
    const struct lp_report_code {
        char code[sizeof((struct lp_err *)0)->code];
        uint64_t n;
    } * code; /* rejects by code, in order */
    size_t codes;
};

/* What the report is to say beside what was aggregated. */
struct lp_report_facts {
    int64_t as_of;
    double cost_per_contact; /* 0: not known */
    char currency[4];        /* of it */
    enum lp_compared compared;
    struct lp_str label[2];  /* the two campaigns, or periods as they were asked for */
    struct lp_str providers; /* JSON, from lp_report_providers */
    struct lp_report_input input;
};
void lp_report_put(struct lp_buf *out, struct lp_aggregate *a, const struct lp_report_facts *f);

/* Takes "A,B" as two campaigns, "FROM..TO,FROM..TO" as two periods. */
int lp_report_compare(const char *text, enum lp_compared *what, struct lp_str label[2],
    struct lp_period period[2], struct lp_err *err);
/* "0.50 EUR" */
int lp_report_price(struct lp_str text, double *amount, char currency[4]);

/* Calls, outcomes, latency and credits of each provider from a state file (NULL: none), in a period:
 * of all time from the totals, of a period from the audit log. */
int lp_report_providers(
    struct lp_buf *out, const char *state, const struct lp_period *period, struct lp_err *err);

/* --- layouts -------------------------------------------------------------------------------------- */

enum lp_report_format {
    LP_FORMAT_TEXT,
    LP_FORMAT_JSON,
    LP_FORMAT_CSV,
    LP_FORMAT_MARKDOWN,
    LP_FORMAT_HTML
};

/* Where a text will be read. */
struct lp_screen {
    int64_t width; /* columns */
    bool color, unicode;
};
/* What standard output is. */
void lp_screen_of(struct lp_screen *s, bool no_color);

/* Runs a layout over the report: lib/reports/FORMAT.jq, or the template where there is one. */
int lp_report_layout(struct lp_buf *out, struct lp_str report, enum lp_report_format format,
    const char *template, const struct lp_screen *screen, struct lp_err *err);

#endif
