/*
 * provider - a configured someone who can do a capability: settings, limits, its driver
 *
 * Owns: the gateway owns its providers; strings live as long as they do
 * Units: ms, requests, credits
 * Errors: LP_ERR_CONFIG naming the key ("providers.apollo.rate")
 * Source: spec/gateway.md "Configuration", "Adapters are jq modules"
 */
#ifndef LEADPIPE_PROVIDER_H
#define LEADPIPE_PROVIDER_H

#include "leadpipe/buf.h"
#include "leadpipe/driver.h"

struct lp_config;
struct lp_adapter;

struct lp_provider_setting {
    const char *name, *env, *preset;
    bool secret, required, text;
    struct lp_str value; /* JSON text, or for a secret its plain bytes; p == NULL: not set */
    char token[48];      /* of a secret: what jq sees instead */
    const char *source;  /* "config", "env APOLLO_API_KEY", "default", "" */
};

struct lp_provider {
    const char *name; /* as the chain calls it */
    const char *use;  /* adapter or driver it runs */
    const char *capability;
    const struct lp_driver *driver;
    struct lp_adapter *adapter; /* of transport http, else NULL */
    bool configured;
    bool no_secrets; /* each counts as set, to no value */
    bool embedded;
    char missing[64]; /* the first required setting that is not set */
    struct lp_provider_setting *settings;
    size_t n_settings;
    int batch, max_in_flight, tries;
    int max_together;     /* calls at a time of all processes; 0: no limit was set */
    int64_t timeout_ms;   /* of one try */
    int64_t total_ms;     /* of all tries of a call together */
    int64_t max_wait_ms;  /* longest wait for a rate limit */
    int64_t poll_ms;      /* longest polling through `next` */
    bool free_polls;      /* which takes nothing of the rate: it counts what is handed in */
    double rate_requests; /* 0: no limit */
    int64_t rate_per_ms;
    double credits; /* cost of one record */
    double price;   /* of one credit, in `currency`; 0: not known */
    char currency[8];
    int64_t linger_ms; /* how long a batch waits for more */
    char *account;     /* whose rate it is: its name, or name/capability */
    char *flight;      /* whose calls are counted together, likewise */
    const char *ca_file;
    void *handle;         /* the driver's own */
    struct lp_lane *lane; /* the gateway's: queue, health, limits */
};

/* A setting's value: JSON text of it (not for secrets); p == NULL when not set. */
struct lp_str lp_provider_setting(const struct lp_provider *p, const char *name);
/* A string setting's plain text into buf; false if not set or no string. */
bool lp_provider_text(const struct lp_provider *p, const char *name, struct lp_buf *out);
/* A secret's plain bytes. */
struct lp_str lp_provider_secret(const struct lp_provider *p, const char *name);
/* All settings as a JSON object, secrets as their tokens. */
void lp_provider_settings_json(const struct lp_provider *p, struct lp_buf *out);

#endif
