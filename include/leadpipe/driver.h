/*
 * driver - how one kind of provider is asked: the seam between the chain and the world
 *
 * Owns: a provider owns what `open` made (provider->handle), released by `close`; a call belongs to
 *       the gateway, its items to the window. Whatever lp_item_answer is given is copied into the
 *       record's arena.
 * Units: milliseconds on the monotonic clock
 * Errors: `open`: LP_ERR_CONFIG or LP_ERR_IO ends the program. A try that failed is no error of the
 *         driver: it is reported through lp_call_error.
 *
 * `start` begins one try of a call and returns at once. Later, or before it returns, the driver
 * gives each item its answer (lp_item_answer) and then ends the try by exactly one of
 * lp_call_results, lp_call_next or lp_call_error. An item without an answer after lp_call_results
 * counts as error/bad_response. Drivers that wait on descriptors of their own give them to the loop
 * through `fds`/`timeout`/`dispatch`.
 */
#ifndef LEADPIPE_DRIVER_H
#define LEADPIPE_DRIVER_H

#include <poll.h>
#include "leadpipe/err.h"
#include "leadpipe/hash.h"
#include "leadpipe/outcome.h"
#include "leadpipe/record.h"

struct lp_provider;
struct lp_gateway;

/* What one provider said of one record. */
struct lp_answer {
    const struct lp_provider *provider;
    enum lp_outcome outcome;
    enum lp_class class;
    struct lp_str data;       /* JSON object text, or p == NULL; member names of records.md */
    struct lp_str confidence; /* JSON: a number 0..1, or {field: number}; p == NULL: 1 */
    struct lp_str detail;     /* for people; no address, no secret */
    int64_t latency_ms;
    double credits;
    int64_t at; /* UTC ms */
    bool cached;
};

/* One record on its way to a provider. */
struct lp_item {
    struct lp_rec *rec;
    struct lp_str json;      /* JSON object of the members the program sends */
    struct lp_answer answer; /* of the try under way */
    bool answered;
    struct lp_hash128 key; /* of the identity members: the request, whoever answers it */
    struct lp_task *task;  /* the gateway's; NULL: nobody waits for it in this run */
    /* The gateway's: records that wait for the same answer, others in the table of what is asked for. */
    struct lp_item *twin, *in_bucket;
    bool open;
};

enum lp_call_end { LP_CALL_OPEN, LP_CALL_RESULTS, LP_CALL_NEXT, LP_CALL_ERROR };

struct lp_call {
    struct lp_provider *provider;
    const char *capability;
    struct lp_item **items;
    size_t n;
    struct lp_str memo;                  /* JSON of an earlier lp_call_next, or p == NULL */
    bool check;                          /* self-check's call: no items */
    int tries;                           /* this one included */
    void (*ended)(struct lp_call *call); /* whom its end is told instead of the chain; or NULL */
    bool nothing;     /* a check: this provider has none of its own, nobody was asked */
    int64_t deadline; /* of this try */
    void *driver;     /* the driver's own, from start to end */
    void *exchange;   /* the recording's own, likewise */
    struct lp_gateway *gateway;

    /* How the try ended: */
    enum lp_call_end end;
    enum lp_class class;
    char detail[200];
    int http_status;        /* 0: none */
    int64_t retry_after_ms; /* -1: none given */
    int64_t latency_ms;     /* as the driver measured it; -1: it did not */
    int64_t after_ms;       /* LP_CALL_NEXT */
    bool sent;              /* the other side may have seen the request */
    double credits;         /* used, as the provider said; -1: it did not say */
    double remaining;       /* credits left; -1: it did not say */
};

/* The answer for one item; strings are copied into the record's arena. */
void lp_item_answer(struct lp_item *item, enum lp_outcome outcome, enum lp_class class,
    struct lp_str data, struct lp_str confidence, struct lp_str detail);

void lp_call_results(struct lp_call *call);
void lp_call_next(struct lp_call *call, int64_t after_ms, struct lp_str memo);
void lp_call_error(struct lp_call *call, enum lp_class class, const char *detail);

/* A setting a driver or adapter understands. */
struct lp_setting {
    const char *name;
    const char *env; /* environment variable it may come from, or NULL */
    bool secret, required;
    const char
        *preset; /* default as JSON text ("\"x\"", "30", "true"), or NULL; it says the type */
    bool text;   /* a string, where there is no default to say so */
};

struct lp_driver {
    const char *name;                  /* "offline": also the adapter name used in chains */
    const char *const *capabilities;   /* ended by NULL; NULL: the adapter says */
    const struct lp_setting *settings; /* ended by .name == NULL; or NULL */
    bool embedded;                     /* works on this machine, costs nothing */
    int batch;                         /* records per call (1) */
    int max_in_flight;                 /* calls at a time; 0: --jobs */
    /* Looks at the settings before anything is read: LP_ERR_CONFIG naming the key; may change limits,
     * or leave `configured` false with `missing` set. NULL: whatever there is will do. */
    int (*accept)(struct lp_provider *p, struct lp_err *err);
    int (*open)(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err);
    void (*close)(struct lp_provider *p);
    void (*start)(struct lp_provider *p, struct lp_call *call);
    void (*cancel)(
        struct lp_provider *p, struct lp_call *call); /* second signal, deadline; may be NULL */
    unsigned (*fds)(struct lp_provider *p, struct pollfd *fds, unsigned room); /* or NULL */
    int (*timeout)(struct lp_provider *p); /* ms until dispatch is due, -1: none; or NULL */
    void (*dispatch)(struct lp_provider *p, const struct pollfd *fds, unsigned n); /* or NULL */
    /* Begins self-check's call and ends it as `start` does: lp_call_results (call->detail says what is
     * well, call->remaining what is left) or lp_call_error. NULL: that it opens is the check. */
    void (*check)(struct lp_provider *p, struct lp_call *call);
    /* What to do about a class of error; NULL, or NULL returned: what defaults.jq says. */
    const char *(*advise)(enum lp_class class);
};

#endif
