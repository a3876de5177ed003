/* contact - see leadpipe/contact.h */
#include "leadpipe/contact.h"

#include "leadpipe/clock.h"

static const char *const statuses[LP_CONTACT_STATUSES] = {
    "new", "enriched", "verified", "engaged", "converted", "disqualified"};

/* What a person did. Everything else (email_sent, email_delivered, bounce, auto_reply) is not. */
static const char *const engaging[] = {"email_opened", "link_clicked", "reply_received",
    "website_visit", "form_submission", "call_scheduled", "call_completed", "demo_attended"};

const char *lp_contact_status_name(enum lp_contact_status s)
{
    return statuses[s];
}

bool lp_contact_status_from(struct lp_str word, enum lp_contact_status *s)
{
    for (int i = 0; i < LP_CONTACT_STATUSES; i++) {
        if (lp_str_is(word, statuses[i])) {
            *s = (enum lp_contact_status)i;
            return true;
        }
    }
    return false;
}

bool lp_contact_status(struct lp_rec *r, enum lp_contact_status *s)
{
    struct lp_str word;
    *s = LP_CONTACT_NEW;
    if (!lp_rec_filled(r, "status"))
        return true;
    return lp_rec_string(r, "status", &word) && lp_contact_status_from(word, s);
}

bool lp_contact_advance(struct lp_rec *r, enum lp_contact_status to)
{
    enum lp_contact_status now;
    /* The enum is in the order of a contact's life, with disqualified as its end: greater is later. */
    if (!lp_contact_status(r, &now) || to <= now)
        return false;
    lp_rec_set_string(r, "status", lp_str(statuses[to]));
    return true;
}

bool lp_contact_engages(struct lp_str engagement_type)
{
    for (size_t i = 0; i < sizeof engaging / sizeof *engaging; i++) {
        if (lp_str_is(engagement_type, engaging[i]))
            return true;
    }
    return false;
}

static void set_time(struct lp_rec *r, const char *member, int64_t at)
{
    char room[40];
    struct lp_buf b = {.p = room, .cap = sizeof room, .max = sizeof room - 1};
    lp_clock_put(&b, at);
    lp_rec_set_string(r, member, lp_buf_view(&b));
}

bool lp_contact_defaults(struct lp_rec *r, int64_t now)
{
    bool changed = lp_contact_fill(r, "kind", LP_STR("\"contact\""), false);
    changed |= lp_contact_fill(r, "status", LP_STR("\"new\""), false);
    if (!lp_rec_filled(r, "created_at")) {
        set_time(r, "created_at", now);
        changed = true;
    }
    return changed;
}

void lp_contact_touch(struct lp_rec *r, int64_t now)
{
    set_time(r, "updated_at", now);
}

bool lp_contact_fill(struct lp_rec *r, const char *member, struct lp_str json, bool overwrite)
{
    struct lp_str old;
    if (!overwrite && lp_rec_filled(r, member))
        return false;
    if (lp_rec_get(r, member, &old) && lp_str_eq(old, json))
        return false;
    lp_rec_set(r, member, json);
    return true;
}

static bool array_holds(struct lp_str array, struct lp_str tag, struct lp_buf *scratch)
{
    struct lp_json_iter it = lp_json_iter(array);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        lp_buf_reset(scratch);
        if (lp_json_decode(value, scratch) && lp_str_eq(lp_buf_view(scratch), tag))
            return true;
    }
    return false;
}

bool lp_contact_has_tag(const struct lp_rec *r, struct lp_str tag)
{
    struct lp_str tags;
    struct lp_buf scratch = {0};
    bool found = lp_rec_get(r, "tags", &tags) && array_holds(tags, tag, &scratch);
    lp_buf_free(&scratch);
    return found;
}

/* `array` (JSON, or anything else for none) with one element behind the others. */
static void set_appended(
    struct lp_rec *r, const char *member, struct lp_str array, struct lp_str element)
{
    struct lp_buf b = {0};
    if (lp_json_type(array) == LP_JSON_ARRAY && lp_json_count(array) > 0) {
        lp_buf_add(&b, array.p, array.n - 1); /* all but its closing bracket */
        lp_buf_byte(&b, ',');
    } else {
        lp_buf_byte(&b, '[');
    }
    lp_buf_str(&b, element);
    lp_buf_byte(&b, ']');
    lp_rec_set(r, member, lp_buf_view(&b));
    lp_buf_free(&b);
}

/* An array member, "[]" where it is empty; false for what is in a form that is not ours: it is the
 * user's, and adding to it would lose it. */
static bool get_array(const struct lp_rec *r, const char *member, struct lp_str *array)
{
    if (lp_rec_filled(r, member) && lp_rec_get(r, member, array))
        return lp_json_type(*array) == LP_JSON_ARRAY;
    *array = LP_STR("[]");
    return true;
}

bool lp_contact_tag(struct lp_rec *r, struct lp_str tag)
{
    struct lp_str tags;
    struct lp_buf b = {0};
    bool add = get_array(r, "tags", &tags) && !array_holds(tags, tag, &b);
    if (add) {
        lp_buf_reset(&b);
        lp_json_put(&b, tag);
        set_appended(r, "tags", tags, lp_buf_view(&b));
    }
    lp_buf_free(&b);
    return add;
}

bool lp_contact_engage(
    struct lp_rec *r, struct lp_str engagement_type, int64_t at, struct lp_str metadata)
{
    struct lp_str all;
    struct lp_buf b = {0};
    if (!get_array(r, "engagements", &all))
        return false;
    lp_buf_byte(&b, '{');
    lp_json_put_str(&b, "engagement_type", engagement_type);
    LP_BUF_LIT(&b, ",\"timestamp\":\"");
    lp_clock_put(&b, at);
    lp_buf_byte(&b, '"');
    if (metadata.p)
        lp_json_put_raw(&b, "metadata", metadata);
    lp_buf_byte(&b, '}');
    set_appended(r, "engagements", all, lp_buf_view(&b));
    lp_buf_free(&b);
    if (lp_contact_engages(engagement_type))
        lp_contact_advance(r, LP_CONTACT_ENGAGED);
    return true;
}

size_t lp_contact_engagements(const struct lp_rec *r)
{
    struct lp_str all;
    return get_array(r, "engagements", &all) ? lp_json_count(all) : 0;
}
