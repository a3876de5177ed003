/* offline_guess - what an address alone tells: see leadpipe/offline.h */
#include "leadpipe/offline.h"

#include "leadpipe/idn.h"

/*
 * - Two words apart are a name more often than not; which comes first is known only where one of them
 *   is a given name. One word alone may be anything ("sales", "jsmith", "acme").
 * - A single letter is never completed.
 */
enum { TOKENS = 6 };

#define SURE     0.6  /* a known given name, then another word */
#define NUMBERED 0.55 /* the same with a number behind: somebody else had the address first */
#define GUESS    0.4

struct tokens {
    struct lp_str token[TOKENS];
    size_t n;
    bool numbered;
    bool hyphens; /* split at hyphens, for want of dots */
};

static bool is_word(struct lp_str t)
{
    if (t.n == 0 || t.n > LP_OFFLINE_NAME_MAX / 2 || t.p[0] == '-' || t.p[0] == '\'' ||
        t.p[t.n - 1] == '-' || t.p[t.n - 1] == '\'')
        return false;
    for (size_t i = 0; i < t.n; i++) {
        if (!((t.p[i] >= 'a' && t.p[i] <= 'z') || t.p[i] == '-' || t.p[i] == '\''))
            return false;
    }
    return true;
}

/* Lower-cases the local part into `room`, without "+tag" and a number at its end. */
static struct lp_str prepare(struct lp_str local, char *room, bool *numbered)
{
    size_t n = 0;
    while (n < local.n && local.p[n] != '+') {
        char c = local.p[n];
        room[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    size_t all = n;
    while (n > 0 && room[n - 1] >= '0' && room[n - 1] <= '9')
        n--;
    *numbered = n < all;
    while (n > 0 && *numbered && (room[n - 1] == '.' || room[n - 1] == '_' || room[n - 1] == '-'))
        n--;
    return (struct lp_str){room, n};
}

static bool split(struct tokens *t, struct lp_str s)
{
    t->hyphens = !memchr(s.p, '.', s.n) && !memchr(s.p, '_', s.n);
    size_t from = 0;
    for (size_t i = 0; i <= s.n; i++) {
        bool end = i == s.n || (t->hyphens ? s.p[i] == '-' : s.p[i] == '.' || s.p[i] == '_');
        if (!end)
            continue;
        struct lp_str token = {s.p + from, i - from};
        if (t->n == TOKENS || !is_word(token))
            return false;
        t->token[t->n++] = token;
        from = i + 1;
    }
    return true;
}

/* "van", "de la": they belong to the family name and stay small. */
static bool is_particle(struct lp_str t)
{
    static const char *const particles[] = {"van", "von", "der", "den", "de", "del", "della", "di",
        "da", "dos", "du", "la", "le", "ter", "ten", "zu", "al", "el", "bin"};
    for (size_t i = 0; i < sizeof particles / sizeof *particles; i++) {
        if (lp_str_is(t, particles[i]))
            return true;
    }
    return false;
}

/* Appends a word with a capital at its start and after each hyphen or apostrophe. */
static size_t capitalise(char *out, size_t at, struct lp_str t)
{
    bool start = true;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        out[at++] = start && c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
        start = c == '-' || c == '\'';
    }
    return at;
}

static void set_first(struct lp_offline_name *o, struct lp_str t)
{
    o->first_len = capitalise(o->first, 0, t);
}

static void set_last(struct lp_offline_name *o, const struct lp_str *t, size_t n)
{
    size_t at = 0, length = 0;
    for (size_t i = 0; i < n; i++)
        length += t[i].n + 1;
    if (length > LP_OFFLINE_NAME_MAX)
        return;
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            o->last[at++] = ' ';
        if (i + 1 < n && is_particle(t[i])) {
            memcpy(o->last + at, t[i].p, t[i].n);
            at += t[i].n;
        } else {
            at = capitalise(o->last, at, t[i]);
        }
    }
    o->last_len = at;
}

/* Both parts of a hyphenated given name ("jean-pierre") have to be known. */
static bool is_given(struct lp_str t)
{
    const char *hyphen = memchr(t.p, '-', t.n);
    if (!hyphen)
        return lp_offline_given(t);
    struct lp_str a = {t.p, (size_t)(hyphen - t.p)}, b = {hyphen + 1, t.n - a.n - 1};
    return lp_offline_given(a) && lp_offline_given(b);
}

static bool name_of_one(struct tokens *t, struct lp_offline_name *o)
{
    if (!is_given(t->token[0]))
        return false;
    set_first(o, t->token[0]);
    o->confidence = GUESS;
    return true;
}

static bool name_of_two(struct tokens *t, struct lp_offline_name *o)
{
    struct lp_str a = t->token[0], b = t->token[1];
    bool first = is_given(a), second = is_given(b);
    o->confidence = first && !(t->hyphens && second) ? SURE : GUESS;
    if (t->hyphens && first && second) { /* jean-pierre: as likely one name as two */
        set_first(o, (struct lp_str){a.p, (size_t)(b.p + b.n - a.p)});
    } else if (a.n == 1 || b.n == 1) {
        if (first && b.n == 1)
            set_first(o, a);
        else if (a.n > 1 || b.n > 1)
            set_last(o, a.n == 1 ? &t->token[1] : &t->token[0], 1);
    } else if (second && !first) {
        set_first(o, b);
        set_last(o, &t->token[0], 1);
    } else {
        set_first(o, a);
        set_last(o, &t->token[1], 1);
    }
    return o->first_len + o->last_len > 0;
}

/* More than two words are a name only behind a known given name. */
static bool name_of_many(struct tokens *t, struct lp_offline_name *o)
{
    size_t from = t->token[1].n == 1 ? 2 : 1; /* a middle initial */
    if (!is_given(t->token[0]) || t->token[t->n - 1].n == 1)
        return false;
    for (size_t i = from; i + 2 < t->n; i++) {
        if (!is_particle(t->token[i]))
            return false;
    }
    o->confidence = SURE;
    set_first(o, t->token[0]);
    set_last(o, &t->token[from], t->n - from);
    return o->last_len > 0;
}

bool lp_offline_name(const struct lp_lists *lists, struct lp_str local, struct lp_offline_name *o)
{
    char room[LP_OFFLINE_NAME_MAX];
    struct tokens t = {0};
    *o = (struct lp_offline_name){.confidence = 0};
    if (local.n > sizeof room || !split(&t, prepare(local, room, &t.numbered)))
        return false;
    /* "sales.emea" is nobody; "jane.price" is somebody. */
    for (size_t i = 0; i < t.n && !is_given(t.token[0]); i++) {
        if (t.token[i].n > 1 && lp_lists_role(lists, t.token[i]))
            return false;
    }
    bool found = t.n == 1   ? name_of_one(&t, o)
                 : t.n == 2 ? name_of_two(&t, o)
                            : name_of_many(&t, o);
    if (found && t.numbered && o->confidence > NUMBERED)
        o->confidence = NUMBERED;
    return found;
}

/* --- the company ----------------------------------------------------------------------------- */

/* Public bodies and schools are not named after their domain's first label. */
static bool suffix_of_a_body(struct lp_str suffix)
{
    static const char *const bodies[] = {"edu", "ac", "gov", "gob", "gouv", "gv", "mil", "sch"};
    const char *dot = memchr(suffix.p, '.', suffix.n);
    struct lp_str first = {suffix.p, dot ? (size_t)(dot - suffix.p) : suffix.n};
    /* ".ac" alone is a country's, open to all. */
    if (lp_str_is(suffix, "ac"))
        return false;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        if (lp_str_is(first, bodies[i]))
            return true;
    }
    return false;
}

static bool has_vowel(struct lp_str t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (strchr("aeiouy", t.p[i]) || (unsigned char)t.p[i] >= 0x80)
            return true;
    }
    return false;
}

/* "acme" -> "Acme", "bmw" -> "BMW" */
static void put_word(struct lp_buf *out, struct lp_str t)
{
    bool initials = !has_vowel(t);
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        lp_buf_byte(out, (i == 0 || initials) && c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
    }
}

static void put_words(struct lp_buf *out, struct lp_str label)
{
    size_t from = 0;
    for (size_t i = 0; i <= label.n; i++) {
        if (i < label.n && label.p[i] != '-')
            continue;
        if (from > 0)
            lp_buf_byte(out, ' ');
        put_word(out, (struct lp_str){label.p + from, i - from});
        from = i + 1;
    }
}

static bool has_letter(struct lp_str label)
{
    for (size_t i = 0; i < label.n; i++) {
        if (label.p[i] >= 'a' && label.p[i] <= 'z')
            return true;
    }
    return false;
}

bool lp_offline_company(struct lp_str domain, struct lp_buf *out)
{
    const char *dot = domain.n ? memchr(domain.p, '.', domain.n) : NULL;
    struct lp_buf people = {0};
    if (!dot)
        return false;
    struct lp_str label = {domain.p, (size_t)(dot - domain.p)};
    if (suffix_of_a_body((struct lp_str){dot + 1, domain.n - label.n - 1}))
        return false;
    if (label.n > 4 && memcmp(label.p, "xn--", 4) == 0) {
        if (!lp_idn_to_unicode(label, &people))
            return false;
        label = lp_buf_view(&people);
    }
    bool word = label.n > 1 && has_letter(label);
    if (word)
        put_words(out, label);
    lp_buf_free(&people);
    return word;
}
