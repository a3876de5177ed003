/* score - see leadpipe/score.h */
#include "leadpipe/score.h"

#include <math.h>
#include <stdio.h>

#include "leadpipe/json.h"
#include "leadpipe/num.h"

static const char *const tiers[LP_SCORE_TIERS] = {"high", "medium", "low", "inactive"};

/* In the order of enum lp_score_term: the member that holds the value. */
static const char *const terms[LP_SCORE_TERMS] = {
    "engagement_rate", "conversion_rate", "conversions_normalised"};

/* --- settings --------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct lp_score_settings, member)

static const struct setting {
    const char *group, *name;
    size_t at;
    bool exact; /* kept in units, not as a double */
    double max;
    const char *range, *example;
} settings[] = {
    {"weights", "engagement", AT(weight[LP_SCORE_ENGAGEMENT]), true, 1, "from 0 to 1", "0.4"},
    {"weights", "conversion", AT(weight[LP_SCORE_CONVERSION]), true, 1, "from 0 to 1", "0.4"},
    {"weights", "volume", AT(weight[LP_SCORE_VOLUME]), true, 1, "from 0 to 1", "0.2"},
    {"bounds", "conversions", AT(cap), false, 1e9, "above 0, up to 1000000000", "5"},
    {"tiers", "high", AT(tier[LP_SCORE_HIGH]), true, 100, "from 0 to 100", "75"},
    {"tiers", "medium", AT(tier[LP_SCORE_MEDIUM]), true, 100, "from 0 to 100", "50"},
    {"tiers", "low", AT(tier[LP_SCORE_LOW]), true, 100, "from 0 to 100", "25"},
};
#define SETTINGS (sizeof settings / sizeof *settings)

void lp_score_defaults(struct lp_score_settings *s)
{
    const int64_t unit = LP_SCORE_UNIT;
    *s = (struct lp_score_settings){
        .weight = {unit / 10 * 4, unit / 10 * 4, unit / 10 * 2},
        .tier = {75 * unit, 50 * unit, 25 * unit},
        .cap = 5,
    };
}

static const struct setting *find(const char *group, struct lp_str name)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].group, group) == 0 && lp_str_is(name, settings[i].name))
            return &settings[i];
    return NULL;
}

static bool known_group(const char *group)
{
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].group, group) == 0)
            return true;
    return false;
}

static bool set(struct lp_score_settings *s, const struct setting *to, double v)
{
    void *at = (char *)s + to->at;
    if (!(v >= 0 && v <= to->max) || (v == 0 && !to->exact))
        return false;
    if (to->exact)
        *(int64_t *)at = (int64_t)llround(v * LP_SCORE_UNIT);
    else
        *(double *)at = v;
    return true;
}

static int wrong_key(const char *group, struct lp_str name, const char *why, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_CONFIG, "config", "score%s%s.%.*s: %s", group ? "." : "",
        group ? group : "", (int)name.n, name.p, why);
}

static int configure_group(
    struct lp_score_settings *s, const char *group, struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;
    double v;
    if (lp_json_type(object) != LP_JSON_OBJECT)
        return wrong_key(NULL, lp_str(group), "must be an object", err);
    while (lp_json_next(&it, &name, &value)) {
        const struct setting *to = find(group, name);
        if (!to)
            return wrong_key(group, name, "unknown key", err);
        if (!lp_json_real(value, &v))
            return wrong_key(group, name, "must be a number", err);
        if (!set(s, to, v)) {
            char why[48];
            snprintf(why, sizeof why, "must be %s", to->range);
            return wrong_key(group, name, why, err);
        }
    }
    return 0;
}

int lp_score_configure(struct lp_score_settings *s, struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;
    while (lp_json_next(&it, &name, &value)) {
        char group[16] = "";
        if (name.n < sizeof group)
            memcpy(group, name.p, name.n);
        if (lp_str_is(name, "half_life_days")) {
            if (!lp_json_real(value, &s->half_life_days) || s->half_life_days <= 0)
                return wrong_key(NULL, name, "must be a number of days above 0", err);
        } else if (!known_group(group)) {
            return wrong_key(NULL, name, "unknown key", err);
        } else if (configure_group(s, group, value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int misuse(const char *group, struct lp_str part, const char *why, struct lp_err *err)
{
    lp_err_set(err, LP_ERR_USAGE, NULL, "--%s %.*s: is to be %s", group, (int)part.n, part.p, why);
    for (size_t i = 0; i < SETTINGS; i++)
        if (strcmp(settings[i].group, group) == 0)
            lp_err_hint(err, "as in --%s %s=%s", group, settings[i].name, settings[i].example);
    return -1;
}

/* "name=value,name=value" */
static int flag(
    struct lp_score_settings *s, const char *group, const char *text, struct lp_err *err)
{
    while (text && *text) {
        size_t n = strcspn(text, ","), name = strcspn(text, "=");
        struct lp_str part = {text, n};
        double v;
        if (name >= n || !lp_num_real((struct lp_str){text + name + 1, n - name - 1}, &v))
            return misuse(group, part, "NAME=NUMBER", err);
        const struct setting *to = find(group, (struct lp_str){text, name});
        if (!to)
            return misuse(group, part, "one of the names there are", err);
        if (!set(s, to, v))
            return misuse(group, part, to->range, err);
        text += n + (text[n] == ',');
    }
    return 0;
}

int lp_score_flags(struct lp_score_settings *s, const char *weights, const char *bounds,
    const char *tier_bounds, struct lp_err *err)
{
    return flag(s, "weights", weights, err) < 0 || flag(s, "bounds", bounds, err) < 0 ||
                   flag(s, "tiers", tier_bounds, err) < 0
               ? -1
               : 0;
}

int lp_score_check(const struct lp_score_settings *s, enum lp_errkind kind, struct lp_err *err)
{
    const char *where = kind == LP_ERR_CONFIG ? "score." : "--";
    int64_t sum = 0;
    for (int i = 0; i < LP_SCORE_TERMS; i++)
        sum += s->weight[i];
    /* Three rounded thirds are a billionth short; more than 1 would let a score pass 100. */
    if (sum > LP_SCORE_UNIT || sum < LP_SCORE_UNIT - LP_SCORE_TERMS) {
        struct lp_buf b = {0};
        lp_num_put(&b, (double)sum / LP_SCORE_UNIT, 9);
        lp_err_set(err, kind, kind == LP_ERR_CONFIG ? "config" : NULL,
            "%sweights: they add up to %s, not to 1", where, b.p);
        lp_err_hint(err, "engagement, conversion and volume; what is not named stays as it was");
        lp_buf_free(&b);
        return -1;
    }
    if (!(s->tier[LP_SCORE_HIGH] > s->tier[LP_SCORE_MEDIUM] &&
            s->tier[LP_SCORE_MEDIUM] > s->tier[LP_SCORE_LOW]))
        return lp_err_set(err, kind, kind == LP_ERR_CONFIG ? "config" : NULL,
            "%stiers: high is to be above medium, and medium above low", where);
    return 0;
}

/* --- the score -------------------------------------------------------------------------------- */

/* A zero denominator gives 0, and more than possible is all there is. */
static double rate(double part, int64_t whole)
{
    return whole > 0 ? fmin(1, part / (double)whole) : 0;
}

enum lp_score_tier lp_score_tier(const struct lp_score_settings *s, int64_t ltv)
{
    int t = LP_SCORE_HIGH;
    while (t < LP_SCORE_INACTIVE && ltv < s->tier[t])
        t++;
    return (enum lp_score_tier)t;
}

const char *lp_score_tier_name(enum lp_score_tier t)
{
    return tiers[t];
}

void lp_score_of(
    const struct lp_score_settings *s, const struct lp_counters *c, struct lp_score *out)
{
    out->engagement_rate = rate(c->decayed.opened, c->sent);
    out->click_rate = rate(c->decayed.clicks, c->opened);
    out->conversion_rate = rate(c->decayed.conversions, c->clicks);
    out->conversions_normalised = fmin(1, c->decayed.conversions / s->cap);
    const double value[LP_SCORE_TERMS] = {
        out->engagement_rate, out->conversion_rate, out->conversions_normalised};
    out->ltv = 0;
    for (int i = 0; i < LP_SCORE_TERMS; i++) {
        out->points[i] = (int64_t)llround(100 * (double)s->weight[i] * value[i]);
        out->ltv += out->points[i];
    }
    out->tier = lp_score_tier(s, out->ltv);
}

/*
 * Printing is most of the work of a score, so it goes straight into the buffer, where room is made once,
 * and numbers are whole numbers of units: lp_num_put would have to ask what a double was meant to be.
 */
#define LONGEST                                                                                    \
    768 /* more than lp_score_put writes without as_of: under 400 bytes and 11 numbers */

struct number {
    char text[16]; /* "100" to begin with, then the point and nine decimals */
    size_t n;
};

static char *put_three(char *p, uint32_t v)
{
    p[0] = (char)('0' + v / 100);
    p[1] = (char)('0' + v / 10 % 10);
    p[2] = (char)('0' + v % 10);
    return p + 3;
}

static struct number number(int64_t units)
{
    struct number to;
    uint32_t whole = (uint32_t)(units / LP_SCORE_UNIT), rest = (uint32_t)(units % LP_SCORE_UNIT);
    char *p = to.text;
    if (whole >= 100)
        *p++ = (char)('0' + whole / 100);
    if (whole >= 10)
        *p++ = (char)('0' + whole / 10 % 10);
    *p++ = (char)('0' + whole % 10);
    if (rest > 0) {
        uint32_t more = rest % 1000000;
        *p++ = '.';
        p = put_three(p, rest / 1000000);
        if (more > 0)
            p = put_three(p, more / 1000);
        if (more % 1000 > 0)
            p = put_three(p, more % 1000);
        while (p[-1] == '0')
            p--;
    }
    to.n = (size_t)(p - to.text);
    return to;
}

static struct number number_of_rate(double rate)
{
    return number((int64_t)(rate * LP_SCORE_UNIT + 0.5));
}

static char *put_text(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static char *put_number(char *p, const char *before, const struct number *value)
{
    p = put_text(p, before);
    memcpy(p, value->text, sizeof value->text); /* all of it: a length known beforehand is faster */
    return p + value->n;
}

static char *put_terms(char *p, const struct lp_score_settings *s, const struct lp_score *score,
    const struct number value[])
{
    for (int i = 0; i < LP_SCORE_TERMS; i++) {
        struct number weight = number(s->weight[i]), points = number(score->points[i]);
        p = put_text(p, i ? "},{\"term\":\"" : "{\"term\":\"");
        p = put_text(p, terms[i]);
        p = put_number(p, "\",\"weight\":", &weight);
        p = put_number(p, ",\"value\":", &value[i]);
        p = put_number(p, ",\"points\":", &points);
    }
    return p;
}

void lp_score_put(struct lp_buf *b, const struct lp_score_settings *s, const struct lp_score *score,
    struct lp_str as_of)
{
    struct number ltv = number(score->ltv), click_rate = number_of_rate(score->click_rate);
    const struct number value[LP_SCORE_TERMS] = {number_of_rate(score->engagement_rate),
        number_of_rate(score->conversion_rate), number_of_rate(score->conversions_normalised)};
    if (b->cap - b->len <= LONGEST && !lp_buf_grow(b, LONGEST))
        return;
    char *p = put_number(b->p + b->len, "{\"ltv\":", &ltv);
    p = put_text(p, ",\"tier\":\"");
    p = put_text(p, tiers[score->tier]);
    p = put_number(p, "\",\"engagement_rate\":", &value[LP_SCORE_ENGAGEMENT]);
    p = put_number(p, ",\"click_rate\":", &click_rate);
    p = put_number(p, ",\"conversion_rate\":", &value[LP_SCORE_CONVERSION]);
    p = put_number(p, ",\"conversions_normalised\":", &value[LP_SCORE_VOLUME]);
    p = put_text(p, ",\"explain\":[");
    p = put_terms(p, s, score, value);
    p = put_text(p, "}],\"as_of\":\"");
    b->len = (size_t)(p - b->p);
    lp_buf_str(b, as_of);
    LP_BUF_LIT(b, "\"}");
}
