/* report_layout - a report as text, by a layout in jq; see leadpipe/report.h */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "leadpipe/file.h"
#include "leadpipe/jq.h"
#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "leadpipe/report.h"
#include "leadpipe/utf8.h"
#include "leadpipe/width.h"

#define LAYOUT_MAX   (1 << 20)
#define CODE_POINTS  0x110000
#define WIDTH_PRESET 80
#define WIDTH_LEAST  40
#define WIDTH_MOST   200

static const char *const format_names[] = {"text", "json", "csv", "markdown", "html"};

/* --- the screen -------------------------------------------------------------------------------- */

static bool names_utf8(const char *locale)
{
    return strcasestr(locale, "utf-8") || strcasestr(locale, "utf8");
}

/* As setlocale would find it, without making the process depend on it. */
static bool speaks_utf8(void)
{
    static const char *const variable[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof variable / sizeof *variable; i++) {
        const char *value = getenv(variable[i]);
        if (value && *value)
            return names_utf8(value);
    }
    return false;
}

void lp_screen_of(struct lp_screen *s, bool no_color)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    bool terminal = isatty(STDOUT_FILENO);
    s->color = terminal && !no_color;
    s->unicode = speaks_utf8();
    if (!columns || !lp_num_int(lp_str(columns), &s->width) || s->width <= 0)
        s->width = terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col
                       ? size.ws_col
                       : WIDTH_PRESET;
    s->width = s->width < WIDTH_LEAST ? WIDTH_LEAST : s->width > WIDTH_MOST ? WIDTH_MOST : s->width;
}

/* --- what characters are wide ------------------------------------------------------------------ */

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 4 | (uint32_t)((p[i] & 15) + (p[i] > '9' ? 9 : 0));
    return v;
}

/* The code point at p within JSON text, escaped or not; *n bytes long. White space between tokens is
 * none of a text's. */
static uint32_t code_point(const char *p, size_t left, size_t *n)
{
    *n = 1;
    if (*p != '\\')
        return (unsigned char)*p < 0x80 ? (*p < ' ' ? ' ' : (unsigned char)*p)
                                        : lp_utf8_decode(p, left, n);
    *n = left < 6 || p[1] != 'u' ? 2 : 6;
    if (*n == 2)
        return strchr("bfnrt", p[1]) ? '\n' : 'x';
    uint32_t high = hex4(p + 2);
    if (high < 0xD800 || high > 0xDBFF || left < 12)
        return high;
    *n = 12;
    return 0x10000 + ((high - 0xD800) << 10) + (hex4(p + 8) - 0xDC00);
}

/* Control characters, and the marks that turn the direction of what follows. */
static bool is_unruly(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || (cp >= 0x202A && cp <= 0x202E) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200E || cp == 0x200F || cp == 0x061C ||
           cp == 0xFEFF;
}

/* Copies the report, its names made harmless: strangers wrote them. Notes each character that does
 * not take one column as {"26085":2}, for jq cannot know. */
static void put_tame(struct lp_buf *b, struct lp_str report, struct lp_buf *widths)
{
    unsigned char *seen = lp_alloc(CODE_POINTS / 8);
    size_t n;
    lp_buf_byte(widths, '{');
    for (size_t at = 0; at < report.n; at += n) {
        uint32_t cp = code_point(report.p + at, report.n - at, &n);
        if (is_unruly(cp)) {
            lp_utf8_put(b, 0xFFFD);
            continue;
        }
        lp_buf_add(b, report.p + at, n);
        if (cp < 0x80 || cp >= CODE_POINTS || seen[cp / 8] & 1 << cp % 8)
            continue;
        seen[cp / 8] |= (unsigned char)(1 << cp % 8);
        if (lp_width(cp) == 1)
            continue;
        if (widths->len > 1)
            lp_buf_byte(widths, ',');
        lp_buf_printf(widths, "\"%u\":%d", (unsigned)cp, lp_width(cp));
    }
    lp_buf_byte(widths, '}');
    free(seen);
}

/* The report with one member more. */
static void put_input(struct lp_buf *b, struct lp_str report, const struct lp_screen *s)
{
    struct lp_buf widths = {0};
    while (report.n > 0 && report.p[report.n - 1] != '}')
        report.n--;
    put_tame(b, (struct lp_str){report.p, report.n ? report.n - 1 : 0}, &widths);
    LP_BUF_LIT(b, ",\"screen\":{");
    lp_json_put_int(b, "width", s->width);
    lp_json_put_bool(b, "color", s->color);
    lp_json_put_bool(b, "unicode", s->unicode);
    lp_json_put_raw(b, "widths", lp_buf_view(&widths));
    LP_BUF_LIT(b, "}}");
    lp_buf_free(&widths);
}

/* --- the layout -------------------------------------------------------------------------------- */

/* Text as it is, other values as JSON; what does not end its line has its end put to it. */
static int put_result(void *arg, struct lp_str result, struct lp_err *err)
{
    struct lp_buf *out = arg;
    size_t before = out->len;
    (void)err;
    if (!lp_json_decode(result, out))
        lp_buf_str(out, result);
    if (out->len > before && out->p[out->len - 1] != '\n')
        lp_buf_byte(out, '\n');
    return 0;
}

static int run_layout(const char *path, const char *library, struct lp_str input,
    struct lp_buf *out, struct lp_err *err)
{
    struct lp_buf text = {0};
    struct lp_jq *q = NULL;
    int status = lp_file_read(path, LAYOUT_MAX, &text, err);
    if (status == 0)
        q = lp_jq_compile(path, text.p ? text.p : "", library, false, err);
    status = q ? lp_jq_each(q, input, put_result, out, err) : -1;
    lp_jq_del(q);
    lp_buf_free(&text);
    if (status < 0 && err->kind == LP_ERR_RECORD)
        err->kind = LP_ERR_CONFIG; /* the layout's fault, not that of a record */
    return status < 0 ? -1 : 0;
}

int lp_report_layout(struct lp_buf *out, struct lp_str report, enum lp_report_format format,
    const char *template, const struct lp_screen *screen, struct lp_err *err)
{
    struct lp_buf name = {0}, input = {0};
    lp_buf_printf(&name, "reports/%s.jq", format_names[format]);
    char *shipped = lp_file_shipped(name.p), *library = lp_file_shipped("reports");
    int status = -1;
    put_input(&input, report, screen);
    if (template || shipped)
        status = run_layout(template ? template : shipped, library, lp_buf_view(&input), out, err);
    else
        lp_err_set(err, LP_ERR_CONFIG, NULL, "the layout %s is nowhere", name.p);
    free(shipped);
    free(library);
    lp_buf_free(&name);
    lp_buf_free(&input);
    return status;
}
