/* What the first bytes of a file say about how to read it. */
#include "import_rows.h"
#include <strings.h>

/* What people drop on an importer that is no CSV. */
static const struct {
    struct lp_str magic;
    const char *what, *hint;
} foreign[] = {
    {{"PK\x03\x04", 4}, "a spreadsheet (.xlsx, .ods) or a zip archive",
        "save it as CSV (UTF-8) first"},
    {{"\xd0\xcf\x11\xe0", 4}, "an old spreadsheet (.xls)", "save it as CSV (UTF-8) first"},
    {{"\x1f\x8b", 2}, "compressed", "`zcat FILE | contacts-import`"},
    {{"%PDF-", 5}, "a PDF document", "export the table as CSV"},
};

int rows_refuse(const char *file, struct lp_str head, struct lp_err *err)
{
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        struct lp_str m = foreign[i].magic;
        if (head.n < m.n || memcmp(head.p, m.p, m.n) != 0)
            continue;
        lp_err_set(err, LP_ERR_RECORD, "not_csv", "%s: this is %s, not CSV", file, foreign[i].what);
        lp_err_hint(err, "%s", foreign[i].hint);
        return -1;
    }
    return 0;
}

bool rows_sep(struct lp_str line, char *delimiter)
{
    while (line.n > 0 && (line.p[line.n - 1] == '"' || line.p[line.n - 1] == '\r'))
        line.n--;
    if (line.n > 0 && line.p[0] == '"') {
        line.p++;
        line.n--;
    }
    if (line.n != 5 || strncasecmp(line.p, "sep=", 4) != 0)
        return false;
    *delimiter = line.p[4];
    return true;
}

enum { LOOK_AT = 64 }; /* rows */

/* How many of the first rows have as many cells as the very first, and how many cells that is. */
struct fit {
    size_t rows, cells;
};

static struct fit try_delimiter(char delimiter, char eol, struct lp_str text)
{
    struct lp_csv c = {.delimiter = delimiter, .eol = eol};
    struct lp_csv_scan scan = {0};
    struct fit fit = {0, 0};

    for (size_t row = 0; row < LOOK_AT && text.n > 0;) {
        const char *end = memchr(text.p, eol, text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct lp_str line = {text.p, n > 0 && text.p[n - 1] == '\r' ? n - 1 : n};
        text.p += end ? n + 1 : n;
        text.n -= end ? n + 1 : n;
        if (line.n == 0 && scan.state == 0)
            continue;
        enum lp_csv_end how = lp_csv_scan(&c, &scan, line);
        if (how == LP_CSV_OPEN)
            continue;
        if (how == LP_CSV_WHOLE && (row == 0 || scan.cells + 1 == fit.cells)) {
            fit.cells = scan.cells + 1;
            fit.rows++;
        }
        row++;
        scan = (struct lp_csv_scan){0};
    }
    return fit;
}

char lp_rows_delimiter(struct lp_str text, char eol)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    char best = ',';
    struct fit most = {0, 0};

    for (size_t i = 0; i < sizeof(candidates); i++) {
        struct fit fit = try_delimiter(candidates[i], eol, text);
        if (fit.cells < 2)
            continue;
        if (fit.rows > most.rows || (fit.rows == most.rows && fit.cells > most.cells)) {
            best = candidates[i];
            most = fit;
        }
    }
    return best;
}
