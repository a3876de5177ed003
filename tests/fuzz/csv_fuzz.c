/*
 * csv_fuzz - any bytes at the reader of CSV files
 *
 * Holds: every row handed out is valid UTF-8 without NUL, lies within the file and has cells; rows
 * come in the order of their places; and the short way through a line cuts it as libcsv does.
 */
#include "leadpipe/rows.h"
#include "leadpipe/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "csv: does not hold: %s\n", what);
        abort();
    }
}

static void check_row(struct lp_rows *r, uint64_t size)
{
    struct lp_str text = r->row.text;
    struct lp_csv again;

    hold(lp_utf8_valid(text.p, text.n) == text.n, "rows are UTF-8");
    hold(!memchr(text.p, '\0', text.n), "rows hold no NUL");
    hold(r->row.byte < size, "rows lie within the file");
    hold(r->csv.cells > 0, "rows have cells");
    lp_csv_init(&again, r->csv.delimiter, r->csv.eol);
    lp_csv_split(&again, text);
    hold(again.cells == r->csv.cells && again.kept == r->csv.kept, "both ways count alike");
    for (size_t i = 0; i < again.kept; i++)
        hold(lp_str_eq(again.cell[i], r->csv.cell[i]), "both ways cut alike");
    lp_csv_free(&again);
}

static void read_all(char *name, uint64_t size)
{
    char *files[] = {name, NULL};
    struct lp_lines *in = lp_lines_new(files, 4096);
    struct lp_rows_options options = {.max_line = 4096};
    struct lp_rows r;
    struct lp_err err = {0};
    enum lp_rows_kind kind;
    uint64_t line = 0;

    lp_rows_init(&r, in, &options);
    while ((kind = lp_rows_next(&r, &err)) < LP_ROWS_END) {
        if (kind == LP_ROWS_ROW)
            check_row(&r, size);
        if (kind == LP_ROWS_ROW || kind == LP_ROWS_BAD) {
            hold(r.row.line > line, "rows come in order");
            line = r.row.line;
        }
        if (kind == LP_ROWS_LINE) {
            struct lp_buf copy = {0};
            lp_buf_str(&copy, r.row.text);
            lp_rows_parse(&r, lp_buf_view(&copy));
            lp_buf_free(&copy);
        }
    }
    hold(kind == LP_ROWS_END || err.kind != LP_ERR_NONE, "a failure has its reason");
    lp_rows_free(&r);
    lp_lines_del(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char name[32];
    int fd = memfd_create("csv", 0);

    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    read_all(name, n);
    close(fd);
    return 0;
}
