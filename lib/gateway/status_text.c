#include <stdio.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/num.h"
#include "leadpipe/utf8.h"
#include "leadpipe/width.h"
#include "status.h"

/* The report for people: 80 columns, and marks beside the colours, for both may be missing. */

#define WIDTH     80
#define NAME_MIN  11
#define NAME_MAX  24
#define STATE_LEN 11

struct page {
    struct lp_style style;
    struct lp_buf *out;
    size_t column, indent;
};

/* ---- words onto lines ----------------------------------------------------------------------- */

struct glyph {
    size_t bytes, columns;
    bool shown; /* else as a ?: what moves the cursor, turns the direction, or is not ASCII there */
};

static struct glyph glyph_at(const struct page *p, const char *s, size_t n)
{
    struct glyph g;
    uint32_t cp = lp_utf8_decode(s, n, &g.bytes);
    bool control = cp < 0x20 || (cp >= 0x7f && cp < 0xa0);
    bool turns = cp == 0x61c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
                 (cp >= 0x2066 && cp <= 0x2069);
    g.shown = !control && !turns && (cp < 0x80 || !p->style.ascii) && cp != 0xfffd;
    g.columns = g.shown ? (size_t)lp_width(cp) : 1;
    return g;
}

/* What of a vendor's words may reach a terminal. */
static void put_plain(struct page *p, const char *word, size_t n)
{
    struct glyph g;
    for (size_t i = 0; i < n; i += g.bytes) {
        g = glyph_at(p, word + i, n - i);
        lp_buf_add(p->out, g.shown ? word + i : "?", g.shown ? g.bytes : 1);
        p->column += g.columns;
    }
}

/* How much of the word fits into so many columns; *columns is what that takes. */
static size_t fitting(
    const struct page *p, const char *word, size_t n, size_t room, size_t *columns)
{
    struct glyph g;
    size_t i = 0;
    for (*columns = 0; i < n; i += g.bytes, *columns += g.columns) {
        g = glyph_at(p, word + i, n - i);
        if (*columns + g.columns > room)
            break;
    }
    return i;
}

static size_t width_of(const struct page *p, const char *s, size_t n)
{
    size_t columns;
    fitting(p, s, n, SIZE_MAX, &columns);
    return columns;
}

static void new_line(struct page *p)
{
    lp_buf_byte(p->out, '\n');
    p->column = 0;
}

static void go_to(struct page *p, size_t column)
{
    for (; p->column < column; p->column++)
        lp_buf_byte(p->out, ' ');
}

/* Words from the current column on, further lines from `indent`; a word that is too long for any line
 * is cut into lines. */
static void put_words(struct page *p, size_t indent, const char *text)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " "), w = width_of(p, text, n), gap = first ? 0 : 1;
        if (p->column > indent && p->column + gap + w > WIDTH) {
            new_line(p);
            go_to(p, indent);
            gap = 0;
        }
        go_to(p, p->column + gap);
        size_t part = fitting(p, text, n, WIDTH - p->column, &w);
        put_plain(p, text, part);
        text += part;
        text += strspn(text, " ");
        first = false;
    }
}

static void put_color(struct page *p, const char *code)
{
    if (p->style.color)
        lp_buf_printf(p->out, "\033[%sm", code);
}

static void put_time(struct lp_buf *b, int64_t at)
{
    struct lp_buf text = {0};
    lp_clock_put(&text, at);
    lp_buf_printf(b, "%.10s %.5s", text.p, text.len > 16 ? text.p + 11 : "");
    lp_buf_free(&text);
}

static void put_age(struct lp_buf *b, int64_t ms)
{
    static const struct {
        int64_t s;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t i = 0;
    int64_t s = ms > 0 ? ms / 1000 : 0;
    while (i < 3 && s < units[i].s)
        i++;
    int64_t n = s / units[i].s;
    if (n == 0)
        LP_BUF_LIT(b, "just now");
    else
        lp_buf_printf(b, "%lld %s%s", (long long)n, units[i].name, n == 1 ? "" : "s");
}

/* ---- a provider's line ---------------------------------------------------------------------- */

static const struct {
    const char *color, *mark, *ascii;
} looks[] = {[LP_HEALTH_UNKNOWN] = {"2", "\xe2\x80\xa2", "."},
    [LP_HEALTH_DEGRADED] = {"33", "~", "~"},
    [LP_HEALTH_HEALTHY] = {"32", "\xe2\x9c\x93", "+"},
    [LP_HEALTH_UNHEALTHY] = {"31", "\xe2\x9c\x97", "x"}};

static void put_state(struct page *p, enum lp_health_state h, const char *word)
{
    put_color(p, looks[h].color);
    put_words(p, p->indent, word);
    put_color(p, "0");
}

static void note_well(const struct lp_status *s, const struct lp_seat *seat, struct lp_buf *b)
{
    const struct lp_health *h = &seat->health;
    const struct lp_state_check *c = &seat->check;
    int needed = s->gateway.rules.healthy_after;
    if (seat->checked && c->outcome == LP_OK) {
        lp_buf_printf(
            b, "%s, %lld ms", c->detail[0] ? c->detail : "well", (long long)c->latency_ms);
        if (c->remaining >= 0) {
            LP_BUF_LIT(b, ", ");
            lp_num_put(b, c->remaining, 2);
            LP_BUF_LIT(b, " credits left");
        }
    } else if (h->last_success_at) {
        LP_BUF_LIT(b, "last answer ");
        put_time(b, h->last_success_at);
    } else {
        lp_buf_puts(b, seat->no_check ? "has no check of its own" : "not checked yet");
    }
    if (h->state == LP_HEALTH_DEGRADED)
        lp_buf_printf(b, "; %lld of %d to healthy", (long long)h->consecutive_successes, needed);
}

static void note(const struct lp_status *s, const struct lp_seat *seat, struct lp_buf *b)
{
    const struct lp_health *h = &seat->health;
    if (!seat->lane) {
        lp_buf_printf(b, "%s is not set", seat->provider->missing);
        return;
    }
    enum lp_class trouble = lp_status_trouble(seat);
    if (!trouble)
        note_well(s, seat, b);
    else if (trouble != seat->out)
        lp_buf_puts(b, lp_class_phrase(trouble));
    if (!seat->out)
        return;
    lp_buf_printf(b, "%s%s", b->len ? "; " : "", lp_class_phrase(seat->out));
    if (seat->out != LP_BENCHED) {
        LP_BUF_LIT(b, " until ");
        put_time(b, h->out_until);
    }
}

static void put_seat(
    struct page *p, const struct lp_status *s, const struct lp_seat *seat, size_t names)
{
    enum lp_health_state h = seat->lane ? seat->health.state : LP_HEALTH_UNKNOWN;
    struct lp_buf text = {0};
    LP_BUF_LIT(p->out, "  ");
    put_color(p, looks[h].color);
    lp_buf_puts(p->out, p->style.ascii ? looks[h].ascii : looks[h].mark);
    put_color(p, "0");
    p->column = 3;
    go_to(p, 4);
    put_words(p, 4, seat->provider->name);
    size_t at = 4 + names + 2;
    if (p->column + 2 > at)
        new_line(p);
    go_to(p, at);
    p->indent = at + STATE_LEN;
    put_state(p, h, seat->lane ? lp_health_name(h) : "not set up");
    go_to(p, p->indent);
    note(s, seat, &text);
    put_words(p, p->indent, text.p);
    new_line(p);
    lp_buf_free(&text);
}

static size_t longest_name(const struct page *p, const struct lp_status *s)
{
    size_t longest = NAME_MIN;
    for (size_t i = 0; i < s->n_chains; i++)
        for (size_t k = 0; k < s->chains[i].n; k++) {
            const char *name = s->chains[i].seats[k].provider->name;
            size_t w = width_of(p, name, strlen(name));
            if (w > longest)
                longest = w;
        }
    return longest < NAME_MAX ? longest : NAME_MAX;
}

static void put_chain(
    struct page *p, const struct lp_status *s, const struct lp_status_chain *c, size_t names)
{
    put_color(p, "1");
    put_words(p, 0, c->chain.capability);
    put_color(p, "0");
    put_words(p, 0, ":");
    go_to(p, p->column + 1);
    put_state(p, c->overall, lp_health_name(c->overall));
    if (!c->usable)
        put_words(p, 0, ", and nobody can be asked");
    new_line(p);
    for (size_t i = 0; i < c->n; i++)
        put_seat(p, s, &c->seats[i], names);
    new_line(p);
}

/* ---- what to do ----------------------------------------------------------------------------- */

static void put_recommendation(
    struct page *p, const struct lp_status *s, const struct lp_recommendation *r)
{
    static const char *const colors[] = {"2", "33", "31"};
    struct lp_buf text = {0};
    go_to(p, 2);
    put_color(p, colors[r->severity]);
    put_words(p, 2, lp_severity_name(r->severity));
    put_color(p, "0");
    go_to(p, 12);
    lp_buf_printf(&text, "%s%s%s: %s", r->chain->chain.capability, r->seat ? "/" : "",
        r->seat ? r->seat->provider->name : "", r->issue);
    put_words(p, 12, text.p);
    if (r->since) {
        new_line(p);
        go_to(p, 12);
        lp_buf_reset(&text);
        LP_BUF_LIT(&text, "since ");
        put_time(&text, r->since);
        LP_BUF_LIT(&text, " (");
        put_age(&text, s->now - r->since);
        LP_BUF_LIT(&text, ")");
        put_words(p, 12, text.p);
    }
    new_line(p);
    go_to(p, 12);
    put_words(p, 12, r->action);
    new_line(p);
    lp_buf_free(&text);
}

/* That a provider has no account is said in its line. */
static bool to_be_said(const struct lp_recommendation *r)
{
    return !r->seat || r->seat->lane;
}

static void put_advice(struct page *p, const struct lp_status *s)
{
    bool begun = false;
    for (size_t i = 0; i < s->n_advice; i++) {
        if (!to_be_said(&s->advice[i]))
            continue;
        if (!begun) {
            put_color(p, "1");
            put_words(p, 0, "What to do");
            put_color(p, "0");
            new_line(p);
        }
        begun = true;
        put_recommendation(p, s, &s->advice[i]);
    }
    if (begun)
        new_line(p);
}

static void put_summary(struct page *p, const struct lp_status *s)
{
    struct lp_buf b = {0};
    size_t n = 0;
    for (size_t i = 0; i < s->n_chains; i++)
        n += s->chains[i].chain.n;
    lp_buf_printf(&b, "%zu provider%s in %zu chain%s; %lld check%s kept", n, n == 1 ? "" : "s",
        s->n_chains, s->n_chains == 1 ? "" : "s", (long long)s->n_checks,
        s->n_checks == 1 ? "" : "s");
    if (s->n_checks) {
        LP_BUF_LIT(&b, ", ");
        lp_num_put(&b, 100.0 * (double)s->good_checks / (double)s->n_checks, 1);
        LP_BUF_LIT(&b, "% went well");
    }
    put_words(p, 0, b.p);
    new_line(p);
    lp_buf_free(&b);
}

void lp_status_text(const struct lp_status *s, struct lp_style style, struct lp_buf *out)
{
    struct page p = {.style = style, .out = out};
    struct lp_buf head = {0};
    size_t names = longest_name(&p, s);
    LP_BUF_LIT(&head, "self-check, ");
    put_time(&head, s->now);
    LP_BUF_LIT(&head, " UTC");
    put_words(&p, 0, head.p);
    new_line(&p);
    new_line(&p);
    for (size_t i = 0; i < s->n_chains; i++)
        put_chain(&p, s, &s->chains[i], names);
    put_advice(&p, s);
    put_summary(&p, s);
    lp_buf_free(&head);
    lp_log_redact(out);
}
