/* table - see leadpipe/table.h */
#include "leadpipe/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <strings.h>
#include "import_rows.h"
#include "leadpipe/csv.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/file.h"
#include "leadpipe/hash.h"
#include "leadpipe/idn.h"
#include "leadpipe/json.h"
#include "leadpipe/key.h"
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"

/*
 * A row is kept as a run of cells, each its length and its bytes: the key first, then one JSON string
 * per column in use (length 0: empty). JSON, because that is what every look-up has to give out.
 */
struct lp_table {
    const char *field[LP_TABLE_COLUMNS]; /* of the cells after the key */
    size_t fields;
    struct lp_buf rows;
    uint64_t *slot; /* offset of a row + 1; 0: free. A power of two of them, half empty at most */
    size_t slots, used;
};

/* What is known only while loading. */
struct loading {
    struct lp_table *table;
    const char *path, *key;
    bool by_email;
    struct lp_csv csv;
    struct lp_str text; /* what is left of the file */
    uint64_t line;      /* of the row in hand */
    uint64_t lines;     /* read so far */
    size_t columns, key_column;
    size_t column[LP_TABLE_COLUMNS]; /* of each field */
    struct lp_buf cell, found;
    uint64_t repeated, keyless;
};

/* --- rows in memory -------------------------------------------------------------------------- */

static void put_cell(struct lp_buf *rows, struct lp_str v)
{
    uint32_t n = (uint32_t)v.n;
    lp_buf_add(rows, &n, sizeof n);
    lp_buf_str(rows, v);
}

static struct lp_str take_cell(const char **at)
{
    uint32_t n;
    memcpy(&n, *at, sizeof n);
    struct lp_str v = {*at + sizeof n, n};
    *at += sizeof n + n;
    return v;
}

/* The slot that holds the key's row, or the free one where it belongs. */
static uint64_t *slot_of(const struct lp_table *t, struct lp_str key)
{
    size_t i = lp_hash64(key.p, key.n) & (t->slots - 1);
    for (;; i = (i + 1) & (t->slots - 1)) {
        if (t->slot[i] == 0)
            return &t->slot[i];
        const char *at = t->rows.p + t->slot[i] - 1;
        if (lp_str_eq(take_cell(&at), key))
            return &t->slot[i];
    }
}

static void make_room(struct lp_table *t)
{
    if (t->slots && t->used * 2 < t->slots)
        return;
    uint64_t *old = t->slot;
    size_t n = t->slots;
    t->slots = n ? n * 2 : 1024;
    t->slot = lp_alloc(t->slots * sizeof *t->slot);
    for (size_t i = 0; i < n; i++) {
        if (old[i] == 0)
            continue;
        const char *at = t->rows.p + old[i] - 1;
        *slot_of(t, take_cell(&at)) = old[i];
    }
    free(old);
}

size_t lp_table_find(
    const struct lp_table *t, struct lp_str key, struct lp_table_cell cell[LP_TABLE_COLUMNS])
{
    size_t n = 0;
    if (t->used == 0 || key.n == 0)
        return 0;
    uint64_t row = *slot_of(t, key);
    if (row == 0)
        return 0;
    const char *at = t->rows.p + row - 1;
    take_cell(&at);
    for (size_t i = 0; i < t->fields; i++) {
        struct lp_str v = take_cell(&at);
        if (v.n > 0)
            cell[n++] = (struct lp_table_cell){t->field[i], v};
    }
    return n;
}

size_t lp_table_rows(const struct lp_table *t)
{
    return t->used;
}

void lp_table_del(struct lp_table *t)
{
    if (!t)
        return;
    lp_buf_free(&t->rows);
    free(t->slot);
    free(t);
}

/* --- reading --------------------------------------------------------------------------------- */

static int bad(const struct loading *l, struct lp_err *err, const char *what)
{
    return lp_err_set(
        err, LP_ERR_CONFIG, "table", "%s:%llu: %s", l->path, (unsigned long long)l->line, what);
}

/* The next row's bytes, over several lines where a quoted cell is. 1 a row, 0 the end, -1. */
static int next_row(struct loading *l, struct lp_str *row, struct lp_err *err)
{
    struct lp_csv_scan scan = {0};
    const char *from = l->text.p, *end = l->text.p + l->text.n;
    l->line = l->lines + 1;
    for (const char *p = from; p < end;) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *stop = nl ? nl : end;
        l->lines++;
        struct lp_str line = {p, (size_t)(stop - p)};
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        p = nl ? nl + 1 : end;
        enum lp_csv_end how = lp_csv_scan(&l->csv, &scan, line);
        if (how == LP_CSV_LONG)
            return bad(l, err, "a cell is too long");
        if (how == LP_CSV_UNCLOSED)
            return bad(l, err, "a quote is never closed");
        if (how == LP_CSV_WHOLE) {
            *row = (struct lp_str){from, (size_t)(line.p + line.n - from)};
            l->text = (struct lp_str){p, (size_t)(end - p)};
            return 1;
        }
    }
    return from < end ? bad(l, err, "a quote is never closed") : 0;
}

/* "Job Title" -> "job_title" */
static struct lp_str plain_name(struct loading *l, struct lp_str name)
{
    lp_buf_reset(&l->cell);
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (c == ' ' || c == '-')
            c = '_';
        lp_buf_byte(&l->cell, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
    }
    return lp_buf_view(&l->cell);
}

static char delimiter_of(struct lp_str text)
{
    static const char candidates[] = ",;\t";
    size_t best = 0, most = 0;
    for (size_t k = 0; candidates[k]; k++) {
        size_t n = 0;
        for (size_t i = 0; i < text.n && text.p[i] != '\n'; i++)
            n += text.p[i] == candidates[k];
        if (n > most) {
            most = n;
            best = k;
        }
    }
    return candidates[best];
}

/* Spreadsheets name it in a line of its own, "sep=;". */
static char take_delimiter(struct loading *l)
{
    const char *nl = l->text.n ? memchr(l->text.p, '\n', l->text.n) : NULL;
    char named;
    if (!nl || !rows_sep((struct lp_str){l->text.p, (size_t)(nl - l->text.p)}, &named))
        return delimiter_of(l->text);
    l->text = (struct lp_str){nl + 1, l->text.n - (size_t)(nl + 1 - l->text.p)};
    l->lines = 1;
    return named;
}

static int read_header(struct loading *l, struct lp_err *err)
{
    struct lp_table *t = l->table;
    struct lp_str row;
    bool has_key = false;
    int r = next_row(l, &row, err);
    if (r <= 0)
        return r < 0 ? -1 : bad(l, err, "the file is empty");
    lp_csv_split(&l->csv, row);
    l->columns = l->csv.cells;
    for (size_t i = 0; i < l->csv.kept; i++) {
        struct lp_str name = plain_name(l, lp_key_trim(l->csv.cell[i]));
        const char *field = lp_enrichment_known_field(name);
        if (!has_key && lp_str_is(name, l->key)) {
            l->key_column = i;
            has_key = true;
        } else if (field && t->fields < LP_TABLE_COLUMNS) {
            l->column[t->fields] = i;
            t->field[t->fields++] = field;
        }
    }
    if (!has_key)
        return lp_err_set(err, LP_ERR_CONFIG, "table", "%s:%llu: no column is named %s", l->path,
            (unsigned long long)l->line, l->key);
    return t->fields ? 0 : bad(l, err, "no column is named as a field of a contact");
}

/* "https://www.acme.de/en" -> "acme.de": people keep the address of the web site. */
static struct lp_str host_of(struct lp_str s)
{
    const char *scheme = s.n ? memmem(s.p, s.n, "://", 3) : NULL;
    if (scheme)
        s = (struct lp_str){scheme + 3, s.n - (size_t)(scheme + 3 - s.p)};
    const char *path = s.n ? memchr(s.p, '/', s.n) : NULL;
    if (path)
        s.n = (size_t)(path - s.p);
    if (s.n > 4 && strncasecmp(s.p, "www.", 4) == 0)
        s = (struct lp_str){s.p + 4, s.n - 4};
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

static bool key_of(struct loading *l, struct lp_str cell)
{
    lp_buf_reset(&l->found);
    if (l->by_email)
        return lp_key(cell, &l->found);
    return lp_idn_to_ascii(host_of(cell), &l->found);
}

static int read_row(struct loading *l, struct lp_str row, struct lp_err *err)
{
    struct lp_table *t = l->table;
    lp_csv_split(&l->csv, row);
    if (l->csv.cells != l->columns)
        return lp_err_set(err, LP_ERR_CONFIG, "table",
            "%s:%llu: %zu cells where the header has %zu", l->path, (unsigned long long)l->line,
            l->csv.cells, l->columns);
    struct lp_str cell = lp_key_trim(l->csv.cell[l->key_column]);
    if (cell.n == 0) {
        l->keyless++;
        return 0;
    }
    if (!key_of(l, cell))
        return bad(l, err, l->by_email ? "the email is no address" : "the domain is no domain");
    make_room(t);
    uint64_t *slot = slot_of(t, lp_buf_view(&l->found));
    if (*slot) {
        l->repeated++;
        return 0;
    }
    *slot = t->rows.len + 1;
    t->used++;
    put_cell(&t->rows, lp_buf_view(&l->found));
    for (size_t i = 0; i < t->fields; i++) {
        struct lp_str v = lp_key_trim(l->csv.cell[l->column[i]]);
        lp_buf_reset(&l->cell);
        if (v.n > 0)
            lp_json_put(&l->cell, v);
        put_cell(&t->rows, lp_buf_view(&l->cell));
    }
    return 0;
}

static int check_text(struct loading *l, struct lp_err *err)
{
    size_t at = lp_utf8_valid(l->text.p, l->text.n);
    const char *nul = memchr(l->text.p, 0, l->text.n);
    if (nul && (size_t)(nul - l->text.p) < at)
        at = (size_t)(nul - l->text.p);
    if (at == l->text.n)
        return 0;
    l->line = 1;
    for (size_t i = 0; i < at; i++)
        l->line += l->text.p[i] == '\n';
    return bad(l, err, "not UTF-8 text");
}

static int read_all(struct loading *l, struct lp_err *err)
{
    struct lp_str row;
    int r;
    if (check_text(l, err))
        return -1;
    if (l->text.n >= 3 && memcmp(l->text.p, "\xef\xbb\xbf", 3) == 0) {
        l->text.p += 3;
        l->text.n -= 3;
    }
    lp_csv_init(&l->csv, take_delimiter(l), '\n');
    r = read_header(l, err);
    while (r == 0 && (r = next_row(l, &row, err)) > 0)
        r = lp_key_trim(row).n ? read_row(l, row, err) : 0;
    lp_csv_free(&l->csv);
    return r;
}

static void tell(const struct loading *l)
{
    if (l->repeated)
        lp_log_warn("%s: %llu rows repeat a key; the first of each is used", l->path,
            (unsigned long long)l->repeated);
    if (l->keyless)
        lp_log_warn("%s: %llu rows have no %s and are passed over", l->path,
            (unsigned long long)l->keyless, l->key);
}

struct lp_table *lp_table_load(const char *path, const char *key, struct lp_err *err)
{
    struct lp_buf file = {0};
    struct loading l = {.path = path, .key = key, .by_email = strcmp(key, "email") == 0};
    if (!l.by_email && strcmp(key, "domain") != 0) {
        lp_err_set(err, LP_ERR_CONFIG, "table", "key must be \"domain\" or \"email\"");
        return NULL;
    }
    if (lp_file_read(path, LP_TABLE_MAX, &file, err)) {
        lp_buf_free(&file);
        return NULL;
    }
    l.table = lp_alloc(sizeof *l.table);
    l.text = lp_buf_view(&file);
    if (read_all(&l, err)) {
        lp_table_del(l.table);
        l.table = NULL;
    } else {
        tell(&l);
    }
    lp_buf_free(&file);
    lp_buf_free(&l.cell);
    lp_buf_free(&l.found);
    return l.table;
}
