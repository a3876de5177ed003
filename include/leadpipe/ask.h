/*
 * ask - the life of an asking program: records go through a chain of providers and come out in
 * order
 *
 * Owns: the gateway of the run; results live until `merge` returns
 * Units: -
 * Errors: as lp_run
 *
 * A program says what capability it needs, what of a record goes to the provider and how the
 * answers are merged; chain, window, health and limits do the rest: static const struct lp_asking
 * asking = {.capability = "lead_enrichment", ...}; static const struct lp_program program = {...,
 * .drive = lp_ask_drive, .context = &asking};
 */
#ifndef LEADPIPE_ASK_H
#define LEADPIPE_ASK_H

#include "leadpipe/driver.h"
#include "leadpipe/run.h"

enum lp_mode { LP_FAILOVER, LP_WATERFALL, LP_PARALLEL };

/* Why a record was not asked about at all, or how asking ended. */
enum lp_result_status {
    LP_RESULT_FOUND,     /* at least one answer ok */
    LP_RESULT_NOT_FOUND, /* everyone asked has nothing */
    LP_RESULT_REJECTED,  /* a provider refused this record as such */
    LP_RESULT_FAILED, /* nobody could answer; `error` says NO_PROVIDERS or ALL_FAILED (N attempts)
                       */
    LP_RESULT_SKIPPED /* only `noop` was there, or the run stopped first */
};

struct lp_result {
    enum lp_result_status status;
    const struct lp_answer *answers; /* every provider asked or skipped, in the order of asking */
    size_t n;
    char error[200]; /* "ALL_FAILED (2 attempts): apollo server, hunter timeout" */
};

struct lp_asking {
    const char *capability;
    enum lp_mode mode;                      /* when the config says nothing */
    const struct lp_driver *const *drivers; /* linked into this program, ended by NULL */
    const char *const *send;                /* members of the record that providers may see */
    const char *const *identity;            /* those of them that make two requests the same */
    const char *const *want;                /* waterfall: fields to go on for; NULL: none */
    /* The name of a wanted field in a provider's data, and in the record: "title" and "job_title" are
     * "job_title" there and "title" here; NULL for a word that is no field. No function: the word itself. */
    const char *(*field)(const char *want, const char **member);
    /* Does the record already hold a final, fresh answer? Then it passes as it is (not with
     * --refresh). */
    bool (*settled)(struct lp_run *run, struct lp_rec *rec);
    /* Can this record be asked about at all? Else a reject with the error set. May be NULL. */
    bool (*ready)(struct lp_run *run, struct lp_rec *rec, struct lp_err *err);
    /* Is this `ok` answer good enough to end a failover? NULL: yes. */
    bool (*conclusive)(const struct lp_answer *a);
    /* Sets the program's members from the result. */
    int (*merge)(
        struct lp_run *run, struct lp_rec *rec, const struct lp_result *result, struct lp_err *err);
};

/* Options of asking programs beside the common ones: LP_ASK_OPTS in its table, and a
 * struct lp_ask_settings as the first member of its settings. */
struct lp_ask_settings {
    const char *chain;      /* --chain a,b */
    bool refresh, no_cache; /* --refresh, --no-cache */
    const char *budget;     /* --budget 500credits|20EUR */
    const char *record;     /* --record FILE */
    const char *replay;     /* --replay FILE */
    const char *chaos;      /* --chaos 429@5%,timeout@1% */
};
#define LP_ASK_OPTS(type, member)                                                                  \
    {0, "chain", LP_OPT_STRING, offsetof(type, member) + offsetof(struct lp_ask_settings, chain),  \
        "LIST", "providers to ask, in order, with commas between them", "", 0},                    \
        {0, "refresh", LP_OPT_FLAG,                                                                \
            offsetof(type, member) + offsetof(struct lp_ask_settings, refresh), NULL,              \
            "ask again for records that have an answer", "", 0},                                   \
        {0, "no-cache", LP_OPT_FLAG,                                                               \
            offsetof(type, member) + offsetof(struct lp_ask_settings, no_cache), NULL,             \
            "neither look up answers in the cache nor keep them there", "", 0},                    \
        {0, "budget", LP_OPT_STRING,                                                               \
            offsetof(type, member) + offsetof(struct lp_ask_settings, budget), "AMOUNT",           \
            "stop when this much is spent: 500credits, 20EUR", "", 0},                             \
        {0, "record", LP_OPT_STRING,                                                               \
            offsetof(type, member) + offsetof(struct lp_ask_settings, record), "FILE",             \
            "keep what is exchanged with providers in a new file", "file", 0},                     \
        {0, "replay", LP_OPT_STRING,                                                               \
            offsetof(type, member) + offsetof(struct lp_ask_settings, replay), "FILE",             \
            "ask nobody: take the answers from a recording", "file", 0},                           \
    {                                                                                              \
        0, "chaos", LP_OPT_STRING,                                                                 \
            offsetof(type, member) + offsetof(struct lp_ask_settings, chaos), "FAULTS",            \
            "let tries fail by lot: 429@5%,timeout@1%,seed=7", "", 0                               \
    }

int lp_ask_drive(struct lp_run *run, struct lp_err *err);

#endif
