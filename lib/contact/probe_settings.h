/*
 * probe_settings (internal) - what the configuration says of the probe, checked
 *
 * It is looked at before the first record is read, with `probe` off too: a mistake must not wait for
 * the day somebody turns it on.
 */
#ifndef LP_PROBE_SETTINGS_H
#define LP_PROBE_SETTINGS_H

#include "leadpipe/provider.h"
#include "prober.h"

struct lp_probe_settings {
    bool on;
    struct lp_buf helo, mail_from;
    struct lp_address good, bad; /* of the canary */
    struct lp_prober_options options;
};

/* LP_ERR_CONFIG naming the key. */
int lp_probe_settings_read(
    struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err);
void lp_probe_settings_free(struct lp_probe_settings *s);

#endif
