/* report_compare - what --compare asks for */
#include "leadpipe/clock.h"
#include "leadpipe/report.h"

static int misuse(const char *text, const char *why, struct lp_err *err)
{
    lp_err_set(err, LP_ERR_USAGE, NULL, "--compare %s: %s", text, why);
    lp_err_hint(err, "two campaigns, A,B, or two periods, FROM..TO,FROM..TO");
    return -1;
}

static const char *dots(struct lp_str s)
{
    return memmem(s.p, s.n, "..", 2);
}

/* A side that is left out is open. */
static int read_period(struct lp_str s, struct lp_period *p)
{
    const char *at = dots(s);
    struct lp_str from = {s.p, (size_t)(at - s.p)}, to = {at + 2, s.n - from.n - 2};
    *p = (struct lp_period){INT64_MIN, INT64_MAX};
    if ((from.n && !lp_clock_parse(from, &p->since)) || (to.n && !lp_clock_parse(to, &p->until)))
        return -1;
    return p->since < p->until ? 0 : -1;
}

int lp_report_compare(const char *text, enum lp_compared *what, struct lp_str label[2],
    struct lp_period period[2], struct lp_err *err)
{
    const char *comma = strchr(text, ',');
    *what = LP_COMPARED_NOTHING;
    if (!comma || comma == text || !comma[1])
        return misuse(text, "is to be two things with a comma between them", err);
    if (strchr(comma + 1, ','))
        return misuse(text, "has more than one comma", err);
    label[0] = (struct lp_str){text, (size_t)(comma - text)};
    label[1] = lp_str(comma + 1);
    *what = LP_COMPARED_CAMPAIGNS;
    if (!dots(label[0]) || !dots(label[1]))
        return 0;
    *what = LP_COMPARED_PERIODS;
    for (int i = 0; i < 2; i++)
        if (read_period(label[i], &period[i]) < 0)
            return misuse(text, "FROM and TO are times (RFC 3339), FROM before TO", err);
    return 0;
}
