#include "import_rows.h"
#include <strings.h>
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLE ((size_t)1 << 20)  /* what a file is judged by */
#define HEAD   ((size_t)64 << 10) /* what is kept of a line over the maximum */

void lp_rows_init(struct lp_rows *r, struct lp_lines *in, const struct lp_rows_options *options)
{
    *r = (struct lp_rows){.options = *options, .in = in};
}

void lp_rows_free(struct lp_rows *r)
{
    lp_csv_free(&r->csv);
    lp_charset_del(r->charset);
    lp_buf_free(&r->win);
    lp_buf_free(&r->head);
    lp_buf_free(&r->text);
}

/* lp_csv_line reads past the end. */
static void pad(struct lp_buf *b)
{
    lp_buf_grow(b, LP_CSV_PAD);
    memset(b->p + b->len, 0, LP_CSV_PAD);
}

/* The next bytes of the file, behind what is left of the last ones. */
static enum lp_line_kind refill(struct lp_rows *r, struct lp_err *err)
{
    struct lp_line chunk;
    enum lp_line_kind kind = lp_lines_chunk(r->in, &chunk, err);

    if (kind != LP_LINE && kind != LP_LINE_EOF)
        return kind;
    lp_buf_shift(&r->win, r->at);
    r->at = 0;
    r->eof = kind == LP_LINE_EOF;
    r->file = chunk.file;
    if (r->charset && lp_charset_wide(r->charset))
        lp_charset_stream(r->charset, chunk.text, r->eof, &r->win);
    else
        lp_buf_str(&r->win, chunk.text);
    pad(&r->win);
    return kind;
}

/* --- the start of a file -----------------------------------------------------------------------
 */

/* Reading on would block, and there are rows enough to judge by: they must not wait. */
static bool enough(const struct lp_rows *r)
{
    struct pollfd p = {.fd = lp_lines_fd(r->in), .events = POLLIN};
    const char *first = memchr(r->win.p, '\n', r->win.len);
    size_t after = first ? r->win.len - (size_t)(first + 1 - r->win.p) : 0;

    if (r->win.len >= SAMPLE)
        return true;
    if (!first || (!r->options.single && !memchr(first + 1, '\n', after)))
        return false;
    return p.fd >= 0 && poll(&p, 1, 0) == 0;
}

static enum lp_line_kind read_sample(struct lp_rows *r, struct lp_err *err)
{
    lp_buf_reset(&r->win);
    r->at = 0;
    r->eof = false;
    do {
        enum lp_line_kind kind = refill(r, err);
        if (kind != LP_LINE)
            return kind;
    } while (!enough(r));
    return LP_LINE;
}

/* "UTF-16" without a byte order: what the text shows, or as most programs write it. */
static const char *encoding_named(const struct lp_rows *r)
{
    const char *name = r->options.encoding;

    if (strcasecmp(name, "utf-16") != 0 && strcasecmp(name, "utf16") != 0)
        return name;
    return strncmp(r->guess.name, "UTF-16", 6) == 0 ? r->guess.name : "UTF-16LE";
}

static int decide_encoding(struct lp_rows *r, struct lp_err *err)
{
    struct lp_str sample = {r->win.p + r->at, r->win.len - r->at};
    size_t bom = 0;

    r->guess = lp_charset_guess(sample);
    r->undecided = !r->options.encoding && r->guess.ascii;
    lp_charset_del(r->charset);
    r->charset = lp_charset_new(r->options.encoding ? encoding_named(r) : r->guess.name, err);
    if (!r->charset)
        return lp_err_prefix(err, "--encoding: ");
    if (strcmp(lp_charset_name(r->charset), r->guess.name) == 0)
        bom = r->guess.bom;
    if (r->options.encoding)
        r->guess.why = "--encoding";
    r->guess.name = lp_charset_name(r->charset);
    r->at += bom;
    r->byte += bom;
    return 0;
}

static void widen(struct lp_rows *r)
{
    struct lp_buf raw = r->win;

    r->win = (struct lp_buf){0};
    lp_charset_stream(r->charset, (struct lp_str){raw.p + r->at, raw.len - r->at}, r->eof, &r->win);
    lp_buf_free(&raw);
    pad(&r->win);
    r->at = 0;
}

static uint64_t length_in_file(const struct lp_rows *r, size_t n)
{
    if (!lp_charset_wide(r->charset))
        return n;
    return lp_charset_length(r->charset, (struct lp_str){r->win.p + r->at, n});
}

static void forget_row(struct lp_rows *r)
{
    r->scan = (struct lp_csv_scan){0};
    r->scanned = r->searched = r->first = 0;
    r->lines = 0;
}

static void consume(struct lp_rows *r, size_t n, uint64_t lines)
{
    r->byte += length_in_file(r, n);
    r->line += lines;
    r->at += n;
    forget_row(r);
}

static void decide_form(struct lp_rows *r)
{
    struct lp_str text = {r->win.p + r->at, r->win.len - r->at};
    char eol = memchr(text.p, '\n', text.n) || !memchr(text.p, '\r', text.n) ? '\n' : '\r';
    const char *end = memchr(text.p, eol, text.n);
    size_t first = end ? (size_t)(end - text.p) : text.n;
    char delimiter = '\0';

    if (rows_sep((struct lp_str){text.p, first}, &delimiter)) {
        size_t n = end ? first + 1 : first;
        consume(r, n, 1);
        text = (struct lp_str){text.p + n, text.n - n};
    }
    if (r->options.delimiter)
        delimiter = r->options.delimiter;
    r->said = delimiter != '\0';
    if (!r->said)
        delimiter = lp_rows_delimiter(text, eol);
    lp_csv_free(&r->csv);
    lp_csv_init(&r->csv, delimiter, eol);
    r->json = text.n > 0 && text.p[0] == '{';
}

static enum lp_rows_kind begin_file(struct lp_rows *r, struct lp_err *err)
{
    lp_charset_del(r->charset);
    r->charset = NULL;
    enum lp_line_kind kind = read_sample(r, err);

    if (kind == LP_LINE_FAIL)
        return LP_ROWS_FAIL;
    if (kind == LP_LINE_STOP)
        return LP_ROWS_STOP;
    if (!r->file)
        return LP_ROWS_END;
    r->open = true;
    r->line = 1;
    r->byte = r->skipped = 0;
    forget_row(r);
    if (rows_refuse(r->file, lp_buf_view(&r->win), err) < 0 || decide_encoding(r, err) < 0)
        return LP_ROWS_FAIL;
    if (lp_charset_wide(r->charset))
        widen(r);
    decide_form(r);
    return r->json ? LP_ROWS_JSON : LP_ROWS_FILE;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static enum lp_rows_kind bad(
    struct lp_rows *r, const char *code, const char *what, const char *hint)
{
    r->row.why = (struct lp_err){0};
    lp_err_set(&r->row.why, LP_ERR_RECORD, code, "%s", what);
    if (hint)
        lp_err_hint(&r->row.why, "%s", hint);
    return LP_ROWS_BAD;
}

static enum lp_rows_kind bad_encoding(struct lp_rows *r)
{
    char what[80];

    snprintf(what, sizeof(what), "the row is not valid %s", lp_charset_name(r->charset));
    return bad(r, "bad_encoding", what, "--encoding NAME, if the whole file is in another one");
}

/* So far all was ASCII, which is no evidence. Within what a file is judged by, the first row beyond
 * it decides; so it does not matter in what portions a pipe delivers the file. */
static void decide_now(struct lp_rows *r, size_t from)
{
    struct lp_err err = {0};
    uint64_t byte = r->byte;
    size_t at = r->at;

    r->undecided = false;
    if (byte > SAMPLE)
        return;
    r->at = from;
    decide_encoding(r, &err); /* cannot fail: the names are iconv's own */
    r->undecided = false;
    r->at = at;
    r->byte = byte;
    if (lp_charset_wide(r->charset)) {
        lp_charset_del(r->charset);
        r->charset = lp_charset_new("UTF-8", &err);
    }
    if (!lp_charset_utf8(r->charset))
        lp_log_info("%s:%llu: the first text beyond ASCII: encoding %s (%s)", r->file,
            (unsigned long long)r->row.line, r->guess.name, r->guess.why);
}

/* Takes the cells out of a row beyond ASCII, decoded if need be. */
static enum lp_rows_kind decode(struct lp_rows *r)
{
    bool utf8 = lp_utf8_valid(r->row.text.p, r->row.text.n) == r->row.text.n;

    if (r->undecided && !r->json)
        decide_now(r, (size_t)(r->row.text.p - r->win.p));
    lp_buf_reset(&r->text);
    /* What stood in a reject is UTF-8, or the row's own bytes, and of those nobody knows more than
     * --encoding says. */
    bool ready = r->json && (utf8 || !r->options.encoding);
    if (ready || lp_charset_utf8(r->charset) || lp_charset_wide(r->charset))
        return utf8 ? LP_ROWS_ROW : bad_encoding(r);
    if (!lp_charset_decode(r->charset, r->row.text, &r->text))
        return bad_encoding(r);
    r->row.text = lp_buf_view(&r->text);
    r->row.length = r->text.len;
    lp_buf_byte(&r->text, r->csv.eol);
    pad(&r->text);
    r->row.text.p = r->text.p;
    /* A "\r" that is still there is data; before the line end just added it would not be. */
    bool stray = r->row.text.n > 0 && r->row.text.p[r->row.text.n - 1] == '\r';
    size_t length;
    if (stray || !lp_csv_line(&r->csv, r->text.p, r->text.len, &length))
        lp_csv_split(&r->csv, r->row.text);
    return LP_ROWS_ROW;
}

static enum lp_rows_kind judge(struct lp_rows *r)
{
    if (!r->csv.ascii) {
        enum lp_rows_kind kind = decode(r);
        if (kind != LP_ROWS_ROW)
            return kind;
    }
    if (!r->csv.plain && memchr(r->row.text.p, '\0', r->row.text.n))
        return bad(r, "nul_byte", "the row holds a NUL byte", NULL);
    return LP_ROWS_ROW;
}

/* The row's place and text: `n` bytes from `at`, of which `end` are the line end. */
static void place(struct lp_rows *r, size_t n, size_t end)
{
    r->row.text = (struct lp_str){r->win.p + r->at, n - end};
    if (r->csv.eol == '\n' && n > end && r->row.text.p[n - end - 1] == '\r')
        r->row.text.n--;
    r->row.length = r->row.text.n;
    r->row.line = r->line;
    r->row.byte = r->byte;
}

/* The first physical line of the row is bad, the next is read afresh. */
static enum lp_rows_kind unclosed(struct lp_rows *r)
{
    size_t n = r->first;
    bool ended = n > 0 && r->win.p[r->at + n - 1] == r->csv.eol;

    place(r, n, ended);
    struct lp_str raw = r->row.text;
    if (lp_utf8_valid(raw.p, raw.n) != raw.n && !lp_charset_utf8(r->charset) &&
        !lp_charset_wide(r->charset)) {
        lp_buf_reset(&r->text);
        if (lp_charset_decode(r->charset, raw, &r->text))
            r->row.text = lp_buf_view(&r->text);
    }
    consume(r, n, 1);
    return bad(r, "unclosed_quote", "a quote is opened and not closed",
        "close the quote, or double it if it is part of the text");
}

static enum lp_rows_kind too_long(struct lp_rows *r)
{
    char what[80];

    snprintf(what, sizeof(what), "a line of %llu bytes, longer than %llu",
        (unsigned long long)r->row.length, (unsigned long long)r->options.max_line);
    return bad(r, "line_too_long", what, "--max-line");
}

static enum lp_rows_kind long_cell(struct lp_rows *r)
{
    return bad(r, "cell_too_long", "a cell of more than 1 MiB", NULL);
}

static bool has_long_cell(const struct lp_csv *c)
{
    for (size_t i = 0; i < c->kept; i++)
        if (c->cell[i].n > LP_CSV_CELL)
            return true;
    return false;
}

/* The rest of a line over the maximum is passed over. */
static enum lp_rows_kind skip_line(struct lp_rows *r)
{
    size_t have = r->win.len - r->at;
    const char *end = memchr(r->win.p + r->at, r->csv.eol, have);
    size_t n = end ? (size_t)(end - (r->win.p + r->at)) : have;

    if (r->skipped == 0) {
        r->row.line = r->line;
        r->row.byte = r->byte;
        lp_buf_reset(&r->head);
        lp_buf_add(&r->head, r->win.p + r->at, n < HEAD ? n : HEAD);
    }
    r->skipped += length_in_file(r, n);
    consume(r, n, 0);
    if (!end && !r->eof)
        return LP_ROWS_END;
    if (end)
        consume(r, 1, 1);
    r->row.text = lp_buf_view(&r->head);
    r->row.length = r->skipped;
    r->skipped = 0;
    return too_long(r);
}

/* The lines of the row end here; `n` bytes of it are in the window. */
static enum lp_rows_kind whole(struct lp_rows *r, size_t n, size_t end, enum lp_csv_end how)
{
    place(r, n, end);
    if (how == LP_CSV_WHOLE && r->row.length <= r->options.max_line)
        lp_csv_split(&r->csv, r->row.text);
    enum lp_rows_kind kind = how == LP_CSV_LONG                    ? long_cell(r)
                             : r->row.length > r->options.max_line ? too_long(r)
                                                                   : judge(r);
    consume(r, n, r->lines);
    return kind;
}

/* A row with a quote in it, or one whose end is not in sight. LP_ROWS_END: more bytes are needed.
 */
static enum lp_rows_kind take_slowly(struct lp_rows *r)
{
    while (r->at + r->scanned < r->win.len || (r->eof && r->scanned > 0)) {
        const char *from = r->win.p + r->at + r->scanned;
        size_t rest = r->win.len - r->at - r->scanned;
        const char *end = rest ? memchr(from + r->searched, r->csv.eol, rest - r->searched) : NULL;
        size_t n = end ? (size_t)(end - from) : rest;

        r->searched = n;
        if (!end && !r->eof && rest > r->options.max_line)
            return r->scanned ? unclosed(r) : skip_line(r);
        if (!end && !r->eof)
            return LP_ROWS_END;
        size_t cr = r->csv.eol == '\n' && n > 0 && from[n - 1] == '\r';
        enum lp_csv_end how = lp_csv_scan(&r->csv, &r->scan, (struct lp_str){from, n - cr});
        r->lines++;
        r->scanned += n + (end != NULL);
        r->searched = 0;
        if (r->lines == 1)
            r->first = r->scanned;
        if (how == LP_CSV_WHOLE || how == LP_CSV_LONG)
            return whole(r, r->scanned, end != NULL, how);
        if (how == LP_CSV_UNCLOSED || r->scanned > r->options.max_line || !end)
            return unclosed(r);
    }
    return LP_ROWS_END;
}

/* LP_ROWS_END: more bytes are needed. */
static enum lp_rows_kind take_row(struct lp_rows *r)
{
    const char *p = r->win.p + r->at;
    size_t have = r->win.len - r->at, n;

    if (r->skipped)
        return skip_line(r);
    if (r->scanned || r->searched || !lp_csv_line(&r->csv, p, have, &n))
        return take_slowly(r);
    place(r, n, 1);
    enum lp_rows_kind kind;
    if (r->row.length > r->options.max_line)
        kind = too_long(r);
    else if (r->row.length > LP_CSV_CELL && has_long_cell(&r->csv))
        kind = long_cell(r);
    else
        kind = judge(r);
    consume(r, n, 1);
    return kind;
}

static enum lp_rows_kind take_line(struct lp_rows *r)
{
    size_t have = r->win.len - r->at;
    const char *p = r->win.p + r->at, *end = memchr(p, '\n', have);

    if (r->skipped || (!end && !r->eof && have > r->options.max_line))
        return skip_line(r);
    if ((!end && !r->eof) || have == 0)
        return LP_ROWS_END;
    size_t n = end ? (size_t)(end - p) + 1 : have;
    place(r, n, end != NULL);
    consume(r, n, 1);
    return r->row.length > r->options.max_line ? too_long(r) : LP_ROWS_LINE;
}

static bool is_blank(const struct lp_rows *r)
{
    struct lp_str s = r->row.text;

    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r')
            return false;
    return true;
}

enum lp_rows_kind lp_rows_next(struct lp_rows *r, struct lp_err *err)
{
    for (;;) {
        if (!r->open)
            return begin_file(r, err);
        enum lp_rows_kind kind = r->json ? take_line(r) : take_row(r);
        if (kind == LP_ROWS_ROW || kind == LP_ROWS_LINE) {
            if (!is_blank(r))
                return kind;
            r->blank++;
        } else if (kind != LP_ROWS_END) {
            return kind;
        } else if (r->eof) {
            r->open = false;
        } else {
            enum lp_line_kind got = refill(r, err);
            if (got == LP_LINE_FAIL)
                return LP_ROWS_FAIL;
            if (got == LP_LINE_STOP)
                return LP_ROWS_STOP;
        }
    }
}

enum lp_rows_kind lp_rows_parse(struct lp_rows *r, struct lp_str text)
{
    struct lp_csv_scan scan = {0};
    enum lp_csv_end how = LP_CSV_OPEN;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    r->row.text = text;
    r->row.length = text.n;
    for (struct lp_str rest = text; how == LP_CSV_OPEN;) {
        const char *end = memchr(rest.p, '\n', rest.n);
        size_t n = end ? (size_t)(end - rest.p) : rest.n;
        how = lp_csv_scan(&r->csv, &scan, (struct lp_str){rest.p, n});
        if (how == LP_CSV_OPEN && !end)
            how = LP_CSV_UNCLOSED;
        if (how == LP_CSV_WHOLE && end)
            return bad(r, "ragged_row", "more than one row in one reject", NULL);
        rest = (struct lp_str){rest.p + n + 1, end ? rest.n - n - 1 : 0};
    }
    if (how == LP_CSV_UNCLOSED)
        return bad(r, "unclosed_quote", "a quote is opened and not closed",
            "close the quote, or double it if it is part of the text");
    if (how == LP_CSV_LONG)
        return long_cell(r);
    lp_csv_split(&r->csv, text);
    return judge(r);
}
