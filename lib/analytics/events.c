/* events - see leadpipe/events.h */
#include "leadpipe/events.h"

#include "leadpipe/clock.h"
#include "leadpipe/hash.h"

static const char *const names[LP_HAPPENINGS] = {
    [LP_SENT] = "sent",
    [LP_DELIVERED] = "delivered",
    [LP_OPENED] = "opened",
    [LP_CLICKED] = "clicked",
    [LP_REPLIED] = "replied",
    [LP_BOUNCED] = "bounced",
    [LP_UNSUBSCRIBED] = "unsubscribed",
    [LP_CONVERTED] = "converted",
};

struct word {
    const char *word;
    enum lp_happened what;
};

static const struct word event_words[] = {
    {"email_sent", LP_SENT},
    {"email_delivered", LP_DELIVERED},
    {"email_opened", LP_OPENED},
    {"link_clicked", LP_CLICKED},
    {"reply_received", LP_REPLIED},
    {"bounce", LP_BOUNCED},
    {"email_bounced", LP_BOUNCED},
    {"unsubscribed", LP_UNSUBSCRIBED},
    {"converted", LP_CONVERTED},
    {NULL, LP_HAPPENINGS},
};
static const struct word job_words[] = {{"published", LP_SENT}, {NULL, LP_HAPPENINGS}};
static const struct word reply_words[] = {
    {"reply", LP_REPLIED},
    {"bounce", LP_BOUNCED},
    {"unsubscribe", LP_UNSUBSCRIBED},
    {NULL, LP_HAPPENINGS},
};

/* A kind of record, and in which of its members things stand. */
static const struct source {
    const char *kind, *says;
    const struct word *words;
    const char *who, *or_who, *when;
} sources[] = {
    {"event", "engagement_type", event_words, "email", NULL, "timestamp"},
    {"job", "status", job_words, "contact_email", NULL, "published_time"},
    {"reply", "reply_class", reply_words, "contact_email", "from_email", "received_at"},
};

const char *lp_events_name(enum lp_happened what)
{
    return names[what];
}

static const struct source *find_source(struct lp_rec *rec)
{
    struct lp_str kind = lp_rec_kind(rec);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        if (lp_str_is(kind, sources[i].kind))
            return &sources[i];
    return NULL;
}

static enum lp_happened find_word(const struct word *words, struct lp_str said)
{
    while (words->word && !lp_str_is(said, words->word))
        words++;
    return words->what;
}

static struct lp_str text(struct lp_rec *rec, const char *member)
{
    struct lp_str s;
    return lp_rec_string(rec, member, &s) && s.n > 0 ? s : (struct lp_str){NULL, 0};
}

/* A bounce comes from a mail server: whose mail it was, its report says. */
static struct lp_str recipient(struct lp_rec *rec)
{
    struct lp_str bounce, v, s;
    if (lp_rec_get(rec, "bounce", &bounce) && lp_json_get(bounce, "recipient", &v) &&
        lp_json_string(v, &rec->arena, &s) && s.n > 0)
        return s;
    return (struct lp_str){NULL, 0};
}

static struct lp_str whose(struct lp_rec *rec, const struct source *from, enum lp_happened what)
{
    struct lp_str s = text(rec, from->who);
    if (!s.p && from->or_who)
        s = what == LP_BOUNCED ? recipient(rec) : text(rec, from->or_who);
    return s;
}

static enum lp_event_is bad(
    struct lp_event *e, const char *field, const char *code, const char *why, struct lp_err *err)
{
    e->field = field;
    lp_err_set(err, LP_ERR_RECORD, code, "%s", why);
    return LP_EVENT_BAD;
}

static void read_job(struct lp_rec *rec, struct lp_event *e)
{
    e->job_id = text(rec, "job_id");
    e->campaign_id = text(rec, "campaign_id");
    e->channel = text(rec, "channel");
}

enum lp_event_is lp_events_read(struct lp_rec *rec, struct lp_event *e, struct lp_err *err)
{
    const struct source *from = find_source(rec);
    if (!from)
        return LP_EVENT_OTHER;
    *e = (struct lp_event){.what = find_word(from->words, text(rec, from->says))};
    if (e->what == LP_HAPPENINGS)
        return LP_EVENT_OTHER;
    e->email = whose(rec, from, e->what);
    /* A post in a network is published to nobody in particular. */
    if (!e->email.p && from->words == job_words)
        return LP_EVENT_OTHER;
    if (!e->email.p)
        return bad(e, from->who, "no_email", "nobody's: no address", err);
    e->time = text(rec, from->when);
    e->timed = e->time.p && lp_clock_parse(e->time, &e->at);
    if (!e->timed && lp_rec_filled(rec, from->when))
        return bad(e, from->when, "bad_time", "not a time as in 2026-01-31T10:00:00Z", err);
    read_job(rec, e);
    return LP_EVENT_COUNTS;
}

bool lp_events_read_job(struct lp_rec *rec, struct lp_event *e)
{
    const struct source *from = find_source(rec);
    *e = (struct lp_event){.what = LP_HAPPENINGS};
    if (!from)
        return false;
    e->email = whose(rec, from, e->what);
    read_job(rec, e);
    return e->email.p && e->job_id.p;
}

bool lp_events_within(const struct lp_event *e, int64_t since, int64_t until)
{
    if (!e->timed)
        return since == INT64_MIN && until == INT64_MAX;
    return e->at >= since && e->at < until;
}

uint64_t lp_events_occasion(const struct lp_event *e, uint64_t contact)
{
    if (e->job_id.p)
        return lp_hash128_seeded(e->job_id.p, e->job_id.n, contact).lo;
    /* The other half of a hash is as good as another hash: a time never stands for a job. */
    uint64_t at = e->timed ? lp_hash128_seeded(&e->at, sizeof e->at, contact).hi : contact;
    return lp_hash128_seeded(e->campaign_id.p, e->campaign_id.n, at).hi;
}
