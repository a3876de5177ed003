/*
 * secret - a password or key from where the configuration says it is
 *
 * Owns: values live on pages without core dump until lp_secret_wipe; callers never free them
 * Units: bytes
 * Errors: LP_ERR_CONFIG naming the key ("providers.gmail.password"), never the value or the command
 * Source: spec/gateway.md "Configuration"; systemd.exec(5) $CREDENTIALS_DIRECTORY
 *
 * `given` is the configured value's JSON text: {"env": NAME}, {"file": PATH} (a regular file of
 * ours, mode 0600 or less), {"cmd": "..."} (run by /bin/sh once, 10 s, its first line) or a literal
 * string. Absent ({NULL, 0}), null or "": the environment variable `env` (may be NULL). A variable
 * that is not set is looked for as a file of that name in $CREDENTIALS_DIRECTORY.
 *
 * Every value loaded is registered with lp_log_secret, and from the first on the process leaves no
 * core file: the environment and other libraries' buffers would be in it.
 */
#ifndef LEADPIPE_SECRET_H
#define LEADPIPE_SECRET_H

#include "leadpipe/err.h"
#include "leadpipe/mem.h"

/* Could it be loaded? Runs no command, reads no value; 1 yes, 0 not set, -1 it is set wrongly (no
 * such form, a file that is missing or that others may read). */
int lp_secret_present(const char *provider, const char *setting, struct lp_str given,
    const char *env, struct lp_err *err);

/* Loads it, once per provider and setting; 1 loaded, 0 not set, -1 error. */
int lp_secret_load(const char *provider, const char *setting, struct lp_str given, const char *env,
    struct lp_str *value, struct lp_err *err);

/* Overwrites and forgets everything loaded. */
void lp_secret_wipe(void);

#endif
