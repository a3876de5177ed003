/*
 * local_parts (internal) - what the files of local.c share
 */
#ifndef LP_LOCAL_PARTS_H
#define LP_LOCAL_PARTS_H

#include "leadpipe/local.h"
#include "leadpipe/provider.h"
#include "leadpipe/verify_local.h"
#include "probe_settings.h"

#define LOCAL_UNREACHABLE  "no name server can be reached"
#define LOCAL_KNOW_NOTHING "the name servers know no top-level domain"

struct job;

struct local {
    struct lp_verify_local rules;
    struct lp_lists *lists;
    struct lp_dns *dns;
    char *servers; /* as asked for; NULL: the system's */
    int deadline_ms;
    bool warned; /* that DNS is of no use */
    struct lp_probe_settings probe;
    struct lp_prober *prober; /* NULL: the probe is off */
    struct job *jobs, *spare;
    struct lp_buf data;
};

int local_open_network(struct local *l, struct lp_err *err);

#endif
