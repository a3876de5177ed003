/* enrichment - see leadpipe/enrichment.h */
#include "leadpipe/enrichment.h"

#include "leadpipe/clock.h"
#include "leadpipe/contact.h"
#include "leadpipe/num.h"
#include "leadpipe/provider.h"

/* In the order they are written; `member` is the contact's own that a known field fills. */
static const struct {
    const char *name, *member;
} fields[] = {
    {"first_name", "first_name"},
    {"last_name", "last_name"},
    {"city", "city"},
    {"country", "country"},
    {"company_name", "company"},
    {"company_domain", NULL},
    {"company_size", NULL},
    {"industry", NULL},
    {"job_title", "title"},
    {"seniority_level", NULL},
    {"linkedin_url", "linkedin_url"},
    {"phone", "phone"},
};
enum { FIELDS = sizeof fields / sizeof *fields };

/* Facts about the address, not fields: true or false, and nothing that enriches. */
static const char *const flags[] = {"free", "role", "disposable"};
enum { FLAGS = sizeof flags / sizeof *flags };

static const char *const statuses[] = {"skipped", "failed", "not_found", "found"};
enum { STATUSES = sizeof statuses / sizeof *statuses };

/* The best that was said of one field. */
struct pick {
    struct lp_str value; /* JSON */
    double confidence;
    struct lp_str provider;
    struct lp_str at; /* JSON of an earlier run's time; p == NULL: at_ms holds it */
    int64_t at_ms;
};

struct merged {
    struct pick pick[FIELDS];
    struct lp_str flag[FLAGS];
    struct lp_str domain;
    bool known; /* a field with enough confidence from this asking */
};

/* --- what is there already ------------------------------------------------------------------- */

/* Rank of the member's status: a lower one never replaces a higher one. -1: none of ours. */
static int rank_of(struct lp_str member)
{
    struct lp_str word;
    if (!lp_json_get(member, "status", &word))
        return -1;
    for (int i = 0; i < STATUSES; i++) {
        if (lp_json_is(word, statuses[i]))
            return i;
    }
    return -1;
}

/* Did somebody fail, or could somebody not be asked at the time (no credit, circuit open)? Who was
 * passed over for having too little to go by has no class. */
static bool any_left_open(struct lp_str member)
{
    struct lp_str attempts, name, attempt, outcome, class;
    if (!lp_json_get(member, "attempts", &attempts))
        return false;
    struct lp_json_iter it = lp_json_iter(attempts);
    while (lp_json_next(&it, &name, &attempt)) {
        if (!lp_json_get(attempt, "outcome", &outcome))
            continue;
        if (lp_json_is(outcome, "error") ||
            (lp_json_is(outcome, "skipped") && lp_json_get(attempt, "error_class", &class)))
            return true;
    }
    return false;
}

bool lp_enrichment_settled(struct lp_rec *r, int64_t now, int64_t max_age_ms)
{
    struct lp_str member, at, text;
    int64_t when;
    if (!lp_rec_get(r, "enrichment", &member) || rank_of(member) < LP_ENRICHMENT_NOT_FOUND)
        return false;
    if (!lp_json_get(member, "enriched_at", &at) || !lp_json_string(at, &r->arena, &text) ||
        !lp_clock_parse(text, &when))
        return false;
    return now - when < max_age_ms && !any_left_open(member);
}

bool lp_enrichment_ready(struct lp_rec *r, struct lp_err *err)
{
    struct lp_str email;
    if (lp_rec_filled(r, "email")) {
        if (lp_rec_string(r, "email", &email))
            return true;
        lp_err_set(err, LP_ERR_RECORD, "bad_email", "email is not a string");
        return false;
    }
    bool name = lp_rec_filled(r, "last_name");
    bool place = lp_rec_filled(r, "company") || lp_rec_filled(r, "domain");
    if ((name && place) || lp_rec_filled(r, "linkedin_url"))
        return true;
    lp_err_set(err, LP_ERR_RECORD, "no_identity", "nothing to ask about");
    lp_err_hint(err, "give email, linkedin_url, or last_name with company or domain");
    return false;
}

/* --- picking --------------------------------------------------------------------------------- */

static void offer(struct pick *held, struct pick p)
{
    bool empty = held->value.p == NULL;
    if (empty || (held->confidence < LP_ENRICHMENT_KNOWN && p.confidence > held->confidence))
        *held = p;
}

/* A value that says something: a string that is not empty, or a number. */
static bool says_something(struct lp_str v)
{
    enum lp_json_type t = lp_json_type(v);
    return (t == LP_JSON_STRING && v.n > 2) || t == LP_JSON_NUMBER;
}

static double clamp(double v)
{
    return v > 1 ? 1 : v >= 0 ? v : 0;
}

static double confidence_in(struct lp_str confidence, const char *field)
{
    struct lp_str one;
    double v;
    if (confidence.p == NULL)
        return 1;
    if (lp_json_real(confidence, &v))
        return clamp(v);
    if (lp_json_get(confidence, field, &one) && lp_json_real(one, &v))
        return clamp(v);
    return 1;
}

static bool take_flag(struct merged *m, struct lp_str name, struct lp_str value)
{
    for (int i = 0; i < FLAGS; i++) {
        if (!lp_str_is(name, flags[i]))
            continue;
        enum lp_json_type t = lp_json_type(value);
        if (m->flag[i].p == NULL && (t == LP_JSON_TRUE || t == LP_JSON_FALSE))
            m->flag[i] = value;
        return true;
    }
    return false;
}

static int field_of(struct lp_str name)
{
    for (int i = 0; i < FIELDS; i++) {
        if (fields[i].name[0] == name.p[0] && lp_str_is(name, fields[i].name))
            return i;
    }
    return -1;
}

/* Names are compared as they stand: whoever writes these members has no reason to escape a letter. */
static void take_answer(struct merged *m, const struct lp_answer *a)
{
    struct lp_json_iter it = lp_json_iter(a->data);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        int i = name.n ? field_of(name) : -1;
        if (i >= 0 && says_something(value)) {
            struct pick p = {.value = value,
                .confidence = confidence_in(a->confidence, fields[i].name),
                .provider = lp_str(a->provider->name),
                .at_ms = a->at};
            offer(&m->pick[i], p);
            m->known |= p.confidence >= LP_ENRICHMENT_KNOWN;
        } else if (i < 0 && !take_flag(m, name, value) && lp_str_is(name, "domain")) {
            if (m->domain.p == NULL && says_something(value))
                m->domain = value;
        }
    }
}

/* What a provider that could not answer now said earlier still stands. */
static void keep_earlier(struct merged *m, struct lp_str member, const char *provider)
{
    struct lp_str all, origin, by, value, at, confidence;
    if (!lp_json_get(member, "provenance", &all))
        return;
    for (int i = 0; i < FIELDS; i++) {
        if (!lp_json_get(all, fields[i].name, &origin) || !lp_json_get(origin, "provider", &by) ||
            !lp_json_is(by, provider) || !lp_json_get(member, fields[i].name, &value) ||
            !says_something(value) || !lp_json_get(origin, "at", &at) ||
            lp_json_type(at) != LP_JSON_STRING)
            continue;
        confidence = (struct lp_str){0};
        lp_json_get(origin, "confidence", &confidence);
        offer(&m->pick[i], (struct pick){.value = value,
                               .confidence = confidence_in(confidence, fields[i].name),
                               .provider = lp_str(provider),
                               .at = at});
    }
}

static void collect(struct merged *m, const struct lp_result *result, struct lp_str earlier)
{
    for (size_t i = 0; i < result->n; i++) {
        const struct lp_answer *a = &result->answers[i];
        /* Who found nothing may still know the address to be a role's. */
        if ((a->outcome == LP_OK || a->outcome == LP_NOT_FOUND) && a->data.p)
            take_answer(m, a);
        else if (a->outcome == LP_ERROR || a->outcome == LP_SKIPPED)
            keep_earlier(m, earlier, a->provider->name);
    }
}

static enum lp_enrichment_status status_of(const struct merged *m, const struct lp_result *result)
{
    if (m->known)
        return LP_ENRICHMENT_FOUND;
    if (result->status == LP_RESULT_FAILED)
        return LP_ENRICHMENT_FAILED;
    if (result->status == LP_RESULT_SKIPPED)
        return LP_ENRICHMENT_SKIPPED;
    return LP_ENRICHMENT_NOT_FOUND;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Fields of one answer share its time: it is written out once. */
struct stamp {
    int64_t at;
    struct lp_buf text; /* JSON; "" before the first */
};

static struct lp_str stamped(struct stamp *s, int64_t at)
{
    if (s->text.len == 0 || s->at != at) {
        s->at = at;
        lp_buf_reset(&s->text);
        lp_buf_byte(&s->text, '"');
        lp_clock_put(&s->text, at);
        lp_buf_byte(&s->text, '"');
    }
    return lp_buf_view(&s->text);
}

static bool named_before(const struct merged *m, int i)
{
    for (int k = 0; k < i; k++) {
        if (m->pick[k].value.p && lp_str_eq(m->pick[k].provider, m->pick[i].provider))
            return true;
    }
    return false;
}

static void put_source(struct lp_buf *b, const struct merged *m)
{
    struct lp_str first = {0};
    int n = 0;
    for (int i = 0; i < FIELDS; i++) {
        if (m->pick[i].value.p && !named_before(m, i) && n++ == 0)
            first = m->pick[i].provider;
    }
    if (n == 0)
        return;
    if (n == 1) {
        lp_json_put_str(b, "enrichment_source", first);
        return;
    }
    lp_json_key(b, "enrichment_source");
    char before = '[';
    for (int i = 0; i < FIELDS; i++) {
        if (!m->pick[i].value.p || named_before(m, i))
            continue;
        lp_buf_byte(b, before);
        lp_json_put(b, m->pick[i].provider);
        before = ',';
    }
    lp_buf_byte(b, ']');
}

static void put_provenance(struct lp_buf *b, const struct merged *m, struct stamp *stamp)
{
    bool open = false;
    for (int i = 0; i < FIELDS; i++) {
        const struct pick *p = &m->pick[i];
        if (!p->value.p)
            continue;
        if (!open) {
            lp_json_key(b, "provenance");
            lp_buf_byte(b, '{');
            open = true;
        }
        lp_json_key(b, fields[i].name);
        LP_BUF_LIT(b, "{\"provider\":");
        lp_json_put(b, p->provider);
        LP_BUF_LIT(b, ",\"at\":");
        lp_buf_str(b, p->at.p ? p->at : stamped(stamp, p->at_ms));
        LP_BUF_LIT(b, ",\"confidence\":");
        lp_num_put(b, p->confidence, 3);
        lp_buf_byte(b, '}');
    }
    if (open)
        lp_buf_byte(b, '}');
}

static void put_attempts(struct lp_buf *b, const struct lp_result *result)
{
    lp_json_key(b, "attempts");
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < result->n; i++) {
        const struct lp_answer *a = &result->answers[i];
        if (i > 0)
            lp_buf_byte(b, ',');
        lp_buf_byte(b, '{');
        lp_json_put_str(b, "provider", lp_str(a->provider->name));
        lp_json_put_str(b, "outcome", lp_str(lp_outcome_name(a->outcome)));
        if (a->class != LP_CLASS_NONE)
            lp_json_put_str(b, "error_class", lp_str(lp_class_name(a->class)));
        lp_json_put_int(b, "latency_ms", lp_clock_fixed() ? 0 : a->latency_ms);
        lp_buf_byte(b, '}');
    }
    lp_buf_byte(b, ']');
}

static void put_cost(struct lp_buf *b, const struct lp_result *result)
{
    bool open = false;
    for (size_t i = 0; i < result->n; i++) {
        const struct lp_answer *a = &result->answers[i];
        if (!(a->credits > 0))
            continue;
        if (!open) {
            lp_json_key(b, "cost");
            lp_buf_byte(b, '{');
        } else {
            lp_buf_byte(b, ',');
        }
        open = true;
        lp_json_put(b, lp_str(a->provider->name)); /* a name the user chose: any bytes */
        lp_buf_byte(b, ':');
        lp_num_put(b, a->credits, 6);
    }
    if (open)
        lp_buf_byte(b, '}');
}

static void put_member(struct lp_buf *b, const struct merged *m, const struct lp_result *result,
    enum lp_enrichment_status status, int64_t now)
{
    struct stamp stamp = {0};
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "status", lp_str(statuses[status]));
    lp_json_put_raw(b, "enriched_at", stamped(&stamp, now));
    if (status == LP_ENRICHMENT_FAILED && result->error[0])
        lp_json_put_str(b, "error", lp_str(result->error));
    for (int i = 0; i < FIELDS; i++) {
        if (m->pick[i].value.p)
            lp_json_put_raw(b, fields[i].name, m->pick[i].value);
    }
    for (int i = 0; i < FLAGS; i++) {
        if (m->flag[i].p)
            lp_json_put_raw(b, flags[i], m->flag[i]);
    }
    put_source(b, m);
    put_provenance(b, m, &stamp);
    put_attempts(b, result);
    put_cost(b, result);
    lp_buf_byte(b, '}');
    lp_buf_free(&stamp.text);
}

/* A contact's own members are text: nothing of a phone is to be reckoned with. */
static struct lp_str as_text(struct lp_rec *r, struct lp_str value)
{
    if (lp_json_type(value) != LP_JSON_NUMBER)
        return value;
    struct lp_buf b = {0};
    lp_json_put(&b, value);
    struct lp_str text = lp_arena_str(&r->arena, lp_buf_view(&b));
    lp_buf_free(&b);
    return text;
}

enum lp_enrichment_status lp_enrichment_merge(
    struct lp_rec *r, const struct lp_result *result, bool overwrite, int64_t now)
{
    struct merged m = {0};
    struct lp_str earlier = {0};
    struct lp_buf b = {0};
    bool had = lp_rec_get(r, "enrichment", &earlier);
    collect(&m, result, had ? earlier : LP_STR("{}"));
    enum lp_enrichment_status status = status_of(&m, result);
    if (had && rank_of(earlier) > (int)status)
        return status;

    lp_buf_grow(&b, 1024);
    put_member(&b, &m, result, status, now);
    lp_rec_set(r, "enrichment", lp_buf_view(&b));
    lp_buf_free(&b);
    if (m.domain.p)
        lp_contact_fill(r, "domain", m.domain, false);
    for (int i = 0; i < FIELDS; i++) {
        const struct pick *p = &m.pick[i];
        if (p->value.p && fields[i].member && p->confidence >= LP_ENRICHMENT_KNOWN)
            lp_contact_fill(r, fields[i].member, as_text(r, p->value), overwrite);
    }
    if (status == LP_ENRICHMENT_FOUND)
        lp_contact_advance(r, LP_CONTACT_ENRICHED);
    lp_contact_touch(r, now);
    return status;
}

/* --- names ----------------------------------------------------------------------------------- */

static int field_from(struct lp_str name)
{
    for (int i = 0; i < FIELDS; i++)
        if (lp_str_is(name, fields[i].name) ||
            (fields[i].member && lp_str_is(name, fields[i].member)))
            return i;
    return -1;
}

const char *lp_enrichment_known_field(struct lp_str name)
{
    int i = field_from(name);
    return i < 0 ? NULL : fields[i].name;
}

const char *lp_enrichment_field(const char *name, const char **member)
{
    int i = field_from(lp_str(name));
    if (i < 0)
        return NULL;
    *member = fields[i].member ? fields[i].member : fields[i].name;
    return fields[i].name;
}
