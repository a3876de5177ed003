#include "leadpipe/outcome.h"

static const char *const outcome_names[LP_OUTCOMES] = {
    "ok", "not_found", "rejected", "error", "skipped", "unknown_outcome"};

static const char *const class_names[LP_CLASSES] = {"", "auth", "quota", "rate_limited", "timeout",
    "network", "dns", "tls", "server", "bad_response", "config", "circuit_open", "budget",
    "stopped", "benched"};

const char *lp_outcome_name(enum lp_outcome o)
{
    return outcome_names[o];
}

const char *lp_class_name(enum lp_class c)
{
    return class_names[c];
}

static int find(const char *const *names, int n, struct lp_str word)
{
    for (int i = 0; i < n; i++)
        if (lp_str_is(word, names[i]))
            return i;
    return -1;
}

bool lp_outcome_from(struct lp_str word, enum lp_outcome *o)
{
    int i = find(outcome_names, LP_OUTCOMES, word);
    if (i >= 0)
        *o = (enum lp_outcome)i;
    return i >= 0;
}

bool lp_class_from(struct lp_str word, enum lp_class *c)
{
    int i = word.n ? find(class_names, LP_CLASSES, word) : -1;
    if (i >= 0)
        *c = (enum lp_class)i;
    return i >= 0;
}
