#include "leadpipe/csv.h"
#include <csv.h>
#include <stdint.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

void lp_csv_init(struct lp_csv *c, char delimiter, char eol)
{
    *c = (struct lp_csv){.delimiter = delimiter, .eol = eol};
    c->parser = lp_alloc(sizeof(*c->parser));
    /* Cannot fail: it allocates nothing before the first row. */
    csv_init(c->parser, 0);
    csv_set_delim(c->parser, (unsigned char)delimiter);
    csv_set_realloc_func(
        c->parser, lp_realloc); /* its own would cut the row short without a word */
}

void lp_csv_free(struct lp_csv *c)
{
    if (c->parser)
        csv_free(c->parser);
    free(c->parser);
    free(c->cell);
    lp_buf_free(&c->text);
    *c = (struct lp_csv){0};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void begin_row(struct lp_csv *c)
{
    c->cells = c->kept = 0;
    c->plain = true;
}

static void keep_slow(struct lp_csv *c)
{
    c->room = c->room ? c->room * 2 : 64;
    c->cell = lp_realloc_array(c->cell, c->room, sizeof(*c->cell));
}

static inline void keep(struct lp_csv *c, const char *from, const char *to)
{
    c->cells++;
    if (c->kept == LP_CSV_COLUMNS)
        return;
    if (c->kept == c->room)
        keep_slow(c);
    while (from < to && is_blank(*from))
        from++;
    while (to > from && is_blank(to[-1]))
        to--;
    c->cell[c->kept++] = (struct lp_str){from, (size_t)(to - from)};
}

/* What one pass over a line collects besides its cells. */
struct pass {
    const char *from;  /* of the cell that is open */
    unsigned int odd;  /* bytes JSON escapes; the "\r" of the line end is one of them */
    unsigned int high; /* not zero: bytes above 0x7f */
};

static bool end_line(
    struct lp_csv *c, struct pass *s, const char *p, const char *eol, size_t *length)
{
    const char *to = eol;

    if (c->eol == '\n' && to > p && to[-1] == '\r')
        to--;
    keep(c, s->from, to);
    c->plain = s->odd == (unsigned int)(eol - to);
    c->ascii = s->high == 0;
    *length = (size_t)(eol + 1 - p);
    return true;
}

#ifdef __SSE2__
bool lp_csv_line(struct lp_csv *c, const char *p, size_t n, size_t *length)
{
    const __m128i eol = _mm_set1_epi8(c->eol), delimiter = _mm_set1_epi8(c->delimiter);
    const __m128i quote = _mm_set1_epi8('"'), escape = _mm_set1_epi8('\\'),
                  low = _mm_set1_epi8(0x1f);
    struct pass s = {.from = p};

    begin_row(c);
    for (size_t at = 0; at < n; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
        unsigned int ends = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(v, eol));
        unsigned int cuts = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(v, delimiter));
        unsigned int quotes = (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote));
        __m128i odds =
            _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, low), v), _mm_cmpeq_epi8(v, escape));
        unsigned int odd = (unsigned int)_mm_movemask_epi8(odds) & ~cuts;
        unsigned int below = ends ? (ends & -ends) - 1 : 0xffff;

        if (quotes & below)
            return false;
        s.high |= (unsigned int)_mm_movemask_epi8(v) & below;
        if (odd & below)
            s.odd += (unsigned int)__builtin_popcount(odd & below);
        for (unsigned int m = cuts & below; m; m &= m - 1) {
            const char *cut = p + at + __builtin_ctz(m);
            keep(c, s.from, cut);
            s.from = cut + 1;
        }
        if (ends) {
            size_t stop = at + (size_t)__builtin_ctz(ends);
            return stop < n && end_line(c, &s, p, p + stop, length);
        }
    }
    return false;
}
#else
bool lp_csv_line(struct lp_csv *c, const char *p, size_t n, size_t *length)
{
    struct pass s = {.from = p};

    begin_row(c);
    for (const char *q = p; q < p + n; q++) {
        if (*q == c->eol)
            return end_line(c, &s, p, q, length);
        if (*q == '"')
            return false;
        if (*q == c->delimiter) {
            keep(c, s.from, q);
            s.from = q + 1;
        } else if ((unsigned char)*q < 0x20 || *q == '\\') {
            s.odd++;
        }
        s.high |= (unsigned char)*q & 0x80;
    }
    return false;
}
#endif

static void take_cell(void *p, size_t n, void *arg)
{
    struct lp_csv *c = arg;
    const char *at = c->text.p + c->text.len;

    c->cells++;
    if (c->kept == LP_CSV_COLUMNS)
        return;
    if (c->kept == c->room)
        keep_slow(c);
    /* The text has room for the whole row, so earlier cells stay where they are. */
    lp_buf_add(&c->text, p, n);
    c->cell[c->kept++] = (struct lp_str){at, n};
}

static bool is_ascii(struct lp_str s)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < s.n; i++)
        seen |= (unsigned char)s.p[i];
    return seen < 0x80;
}

static int never(unsigned char c)
{
    (void)c;
    return 0;
}

void lp_csv_split(struct lp_csv *c, struct lp_str row)
{
    begin_row(c);
    c->plain = false;
    c->ascii = is_ascii(row);
    lp_buf_reset(&c->text);
    lp_buf_grow(&c->text, row.n + LP_CSV_PAD);
    /* The caller knows where the row ends: a stray "\r" in it is data. Asking a function for every
     * byte is slow, so only then. */
    bool stray = memchr(row.p, '\r', row.n) || c->eol != '\n';
    csv_set_term_func(c->parser, stray ? never : NULL);
    csv_parse(c->parser, row.p, row.n, take_cell, NULL, c);
    csv_fini(c->parser, take_cell, NULL, c);
}

/* --- where a row ends: libcsv's states, for it does not tell them ------------------------------
 */

enum { AT_START, IN_PLAIN, IN_QUOTED, AT_QUOTE };

static void next_cell(struct lp_csv_scan *s)
{
    s->state = AT_START;
    s->crossed = s->odd = s->spaces = false;
    s->cell = 0;
    s->cells++;
}

/* After a quote in a quoted cell: the end, half of a doubled one, or neither. */
static void after_quote(struct lp_csv_scan *s, char ch)
{
    if (is_blank(ch)) {
        s->spaces = true;
    } else if (ch == '"' && !s->spaces) {
        s->state = IN_QUOTED;
    } else if (ch == '"') {
        s->odd = true;
        s->spaces = false;
    } else {
        s->odd = true;
        s->spaces = false;
        s->state = IN_QUOTED;
    }
}

static void step(const struct lp_csv *c, struct lp_csv_scan *s, char ch)
{
    s->cell++;
    if (ch == c->delimiter && s->state != IN_QUOTED)
        next_cell(s);
    else if (s->state == AT_QUOTE)
        after_quote(s, ch);
    else if (s->state == IN_QUOTED)
        s->state = ch == '"' ? AT_QUOTE : IN_QUOTED;
    else if (s->state == AT_START && !is_blank(ch))
        s->state = ch == '"' ? IN_QUOTED : IN_PLAIN;
    if (s->state == AT_QUOTE && ch == '"')
        s->spaces = false;
}

/* From i on, how many bytes can change nothing: up to the next quote or delimiter. */
static size_t dull(
    const struct lp_csv *c, const struct lp_csv_scan *s, struct lp_str line, size_t i)
{
    if (s->state != IN_QUOTED && s->state != IN_PLAIN)
        return 0;
    char wanted = s->state == IN_QUOTED ? '"' : c->delimiter;
    const char *at = memchr(line.p + i, wanted, line.n - i);
    return at ? (size_t)(at - line.p) - i : line.n - i;
}

enum lp_csv_end lp_csv_scan(const struct lp_csv *c, struct lp_csv_scan *s, struct lp_str line)
{
    for (size_t i = 0; i < line.n; i++) {
        size_t skip = dull(c, s, line, i);
        s->cell += skip;
        i += skip;
        if (i < line.n)
            step(c, s, line.p[i]);
        if (s->odd && s->crossed)
            return LP_CSV_UNCLOSED;
        if (s->cell > LP_CSV_CELL)
            return s->crossed ? LP_CSV_UNCLOSED : LP_CSV_LONG;
    }
    if (s->state != IN_QUOTED)
        return LP_CSV_WHOLE;
    /* A quote that did not end its cell, and then a line end in it: no cell is written like that.
     */
    if (s->odd)
        return LP_CSV_UNCLOSED;
    s->crossed = true;
    s->cell++;
    return LP_CSV_OPEN;
}

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

const char *lp_csv_version(void)
{
    return "libcsv " VALUE(CSV_MAJOR) "." VALUE(CSV_MINOR) "." VALUE(CSV_RELEASE);
}
