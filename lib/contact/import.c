#include "import_parts.h"
#include "leadpipe/key.h"
#include "leadpipe/rejects.h"
#include "leadpipe/utf8.h"
#include <stdlib.h>

/* --- the start of a file ----------------------------------------------------------------------- */

static const char *delimiter_name(char c, char text[4])
{
    memcpy(text, (char[4]){'\'', c, '\'', '\0'}, 4);
    return c == '\t' ? "tab" : text;
}

/* How the file is read, and what its columns became: every choice is told, so that it can be changed. */
static void tell(struct import *im)
{
    const struct lp_mapping *map = &im->mapping;
    struct lp_buf members = {0};
    size_t custom = 0;
    char name[4];

    for (size_t i = 0; i < map->columns; i++) {
        enum lp_member m = map->column[i].member;
        custom += m == LP_MEMBER_CUSTOM;
        if (m >= LP_MEMBERS)
            continue;
        lp_buf_printf(&members, "%s%s = \"", members.len ? ", " : "", lp_member_name(m));
        lp_buf_str(&members, map->column[i].name);
        lp_buf_byte(&members, '"');
    }
    lp_log_info("%s: delimiter %s, encoding %s (%s), %zu column%s: %s%s%zu to custom_fields",
        im->rows.file, delimiter_name(im->rows.csv.delimiter, name), im->rows.guess.name,
        im->rows.guess.why, map->columns, map->columns == 1 ? "" : "s",
        members.len ? members.p : "", members.len ? "; " : "", custom);
    lp_buf_free(&members);
}

static void begin_source(struct import *im)
{
    lp_buf_reset(&im->source);
    LP_BUF_LIT(&im->source, ",\"source\":{\"file\":");
    struct lp_buf name = {0};
    lp_utf8_repair(&name, im->rows.file, strlen(im->rows.file));
    lp_json_put(&im->source, lp_buf_view(&name));
    lp_buf_free(&name);
    LP_BUF_LIT(&im->source, ",\"line\":");
}

/* A header for the rejects of a file that has none: the members' names where we know them. */
static void make_header(struct import *im)
{
    lp_buf_reset(&im->header);
    for (size_t i = 0; i < im->mapping.columns; i++) {
        const struct lp_column *c = &im->mapping.column[i];
        if (i)
            lp_buf_byte(&im->header, im->rows.csv.delimiter);
        if (c->member < LP_MEMBERS)
            lp_buf_puts(&im->header, lp_member_name(c->member));
        else
            lp_buf_str(&im->header, c->name);
    }
}

/* Without a header or a map only one thing shows by itself: which cell of the first row is an address. */
static void find_address(struct import *im)
{
    for (size_t i = 0; i < im->mapping.columns; i++) {
        if (lp_key_fault(im->rows.csv.cell[i]))
            continue;
        lp_mapping_assign(&im->mapping, i, LP_MEMBER_EMAIL);
        return;
    }
}

static bool has_email(const struct import *im)
{
    return im->mapping.first[LP_MEMBER_EMAIL] || im->map.jq[LP_MEMBER_EMAIL];
}

static int no_email_column(struct import *im, struct lp_err *err)
{
    bool looks_like_data = false;

    for (size_t i = 0; i < im->rows.csv.kept; i++)
        looks_like_data |= !lp_key_fault(im->rows.csv.cell[i]);
    lp_err_set(err, LP_ERR_RECORD, "no_email_column", "%s:%llu: no column is the e-mail address",
        im->rows.file, (unsigned long long)im->rows.row.line);
    if (looks_like_data)
        lp_err_hint(err, "the first row holds an address: --no-header?");
    else
        lp_err_hint(err, "name it with --map; --print-map writes a map to start from");
    return -1;
}

/* The row just read is the header (or, nameless, the first row). */
static int begin_table(struct import *im, struct lp_err *err)
{
    const struct lp_csv *c = &im->rows.csv;
    bool nameless = im->options->no_header && !im->rows.json;

    if (c->cells > LP_CSV_COLUMNS)
        return lp_err_set(err, LP_ERR_RECORD, "too_many_columns",
            "%s:%llu: %zu columns, more than %d", im->rows.file,
            (unsigned long long)im->rows.row.line, c->cells, LP_CSV_COLUMNS);
    lp_mapping_free(&im->mapping);
    lp_mapping_init(&im->mapping, im->options->map ? &im->map : NULL, c->cell, c->kept, nameless);
    im->headed = true;
    if (nameless && !im->options->map)
        find_address(im);
    if (nameless) {
        make_header(im);
    } else {
        lp_buf_reset(&im->header);
        lp_buf_str(&im->header, im->rows.row.text);
    }
    if (im->options->print_map)
        return 0;
    tell(im);
    return has_email(im) ? 0 : no_email_column(im, err);
}

static int print_map(struct import *im, struct lp_err *err)
{
    struct lp_buf text = {0};

    if (!has_email(im))
        lp_log_warn("%s: no column is the e-mail address yet", im->rows.file);
    lp_mapping_print(&im->mapping, im->options->map ? &im->map : NULL, &text);
    int rc = lp_run_put_line(im->run, lp_buf_view(&text), false, err);
    lp_buf_free(&text);
    im->run->input_ended = true;
    return rc;
}

/* LinkedIn puts a note to the reader before the header, in the reader's language. */
static bool is_preamble(struct import *im)
{
    static const char *const titles[] = {"Notes:", "Notes :", "Hinweise:", "Notas:"};
    const struct lp_csv *c = &im->rows.csv;

    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles) && c->cells == 1; i++)
        if (lp_str_is(c->cell[0], titles[i]))
            im->preamble = im->rows.file;
    return im->preamble && c->cells == 1;
}

/* --- a row ------------------------------------------------------------------------------------- */

static bool is_mine(struct import *im, bool has_key)
{
    return lp_run_mine(im->run, has_key ? lp_buf_view(&im->key) : (struct lp_str){NULL, 0});
}

static int reject(struct import *im, const struct lp_err *why, struct lp_err *err)
{
    const struct lp_row *row = &im->rows.row;
    struct lp_origin from = {.file = im->rows.file,
        .line = row->line,
        .byte = row->byte,
        .field = im->field,
        .header = lp_buf_view(&im->header)};

    return lp_run_reject(im->run, &from, row->text, row->length, false, why, err);
}

/* A row without a key belongs to shard 0. */
static int reject_keyless(struct import *im, const struct lp_err *why, struct lp_err *err)
{
    if (!is_mine(im, false)) {
        lp_run_drop(im->run, "other_shard");
        return 0;
    }
    im->run->taken++;
    return reject(im, why, err);
}

static int ragged(struct import *im, struct lp_err *err)
{
    struct lp_err why = {0};

    lp_err_set(&why, LP_ERR_RECORD, "ragged_row", "the row has %zu cell%s, the header %zu",
        im->rows.csv.cells, im->rows.csv.cells == 1 ? "" : "s", im->mapping.columns);
    lp_err_hint(&why, "a cell that holds the delimiter must stand in quotes");
    return reject_keyless(im, &why, err);
}

static int put_contact(struct import *im, struct lp_dedupe_slot place, struct lp_err *err)
{
    struct lp_str line = lp_buf_view(&im->line), key = lp_buf_view(&im->key);
    bool fresh = true;

    if (im->spool && lp_spool_add(im->spool, key, line, &fresh, err) < 0)
        return -1;
    if (!im->spool && im->options->dedupe == LP_IMPORT_FIRST)
        fresh = lp_dedupe_add_slot(&im->set, place);
    if (!fresh)
        lp_run_drop(im->run, "duplicate");
    im->run->held += im->spool && fresh;
    return im->spool || !fresh ? 0 : lp_run_put_line(im->run, line, true, err);
}

static int take_row(struct import *im, struct lp_err *err)
{
    struct lp_err why = {0};
    struct lp_str email;

    im->field = NULL;
    if (im->rows.csv.cells != im->mapping.columns)
        return ragged(im, err);
    import_trim_cells(im);
    if (import_choose(im, &why) < 0 || import_key(im, &email, &why) < 0)
        return reject_keyless(im, &why, err);
    if (!is_mine(im, true)) {
        lp_run_drop(im->run, "other_shard");
        return 0;
    }
    im->run->taken++;
    struct lp_dedupe_slot place = {0, 0};
    if (im->options->dedupe == LP_IMPORT_FIRST)
        place = lp_dedupe_announce(&im->set, lp_buf_view(&im->key));
    if (import_contact(im, email, &why) < 0)
        return reject(im, &why, err);
    return put_contact(im, place, err);
}

/* --- rejects as input -------------------------------------------------------------------------- */

static int refuse_line(
    struct import *im, const struct lp_err *why, bool is_object, struct lp_err *err)
{
    const struct lp_row *row = &im->rows.row;
    struct lp_origin from = {.file = im->rows.file, .line = row->line, .byte = row->byte};

    if (!is_mine(im, false)) {
        lp_run_drop(im->run, "other_shard");
        return 0;
    }
    im->run->taken++;
    return lp_run_reject(im->run, &from, row->text, row->length, is_object, why, err);
}

/* The header beside the row, if it is not the one we have. The reader's row is the header then. */
static int take_header(
    struct import *im, struct lp_str header, struct lp_str raw, struct lp_err *err)
{
    struct lp_buf both = {0};

    if (im->headed && lp_str_eq(header, lp_buf_view(&im->header)))
        return 0;
    lp_buf_str(&both, header);
    lp_buf_byte(&both, '\n');
    lp_buf_str(&both, raw);
    char delimiter = im->rows.options.delimiter;
    if (!delimiter)
        delimiter = lp_rows_delimiter(lp_buf_view(&both), '\n');
    lp_buf_free(&both);
    lp_csv_free(&im->rows.csv);
    lp_csv_init(&im->rows.csv, delimiter, '\n');
    im->headed = false;
    if (lp_rows_parse(&im->rows, header) != LP_ROWS_ROW) {
        *err = im->rows.row.why;
        return -1;
    }
    import_trim_cells(im);
    return begin_table(im, err);
}

static int take_json(struct import *im, struct lp_err *err)
{
    struct lp_err why = {0};
    struct lp_row line = im->rows.row;
    struct lp_buf header = {0};
    int rc;

    if (lp_rec_parse(&im->rec, line.text.p, line.text.n, &why) < 0)
        return refuse_line(im, &why, false, err);
    if (!lp_rejects_unwrap(&im->rec, &im->raw, &header) || header.len == 0) {
        lp_err_set(&why, LP_ERR_RECORD, "not_csv", "neither CSV nor a reject of contacts-import");
        rc = refuse_line(im, &why, true, err);
    } else if (lp_rec_filled(&im->rec, "raw_truncated")) {
        lp_err_set(&why, LP_ERR_RECORD, "raw_truncated", "the row was too long to be kept whole");
        rc = refuse_line(im, &why, true, err);
    } else if (take_header(im, lp_buf_view(&header), lp_buf_view(&im->raw), &why) < 0) {
        im->rows.row = line;
        rc = refuse_line(im, &why, true, err);
    } else {
        enum lp_rows_kind kind = lp_rows_parse(&im->rows, lp_buf_view(&im->raw));
        im->field = NULL;
        rc = kind == LP_ROWS_ROW ? take_row(im, err) : reject_keyless(im, &im->rows.row.why, err);
    }
    lp_buf_free(&header);
    return rc;
}

/* --- the drive --------------------------------------------------------------------------------- */

static int take_cells(struct import *im, struct lp_err *err)
{
    if (im->headed)
        return lp_run_count_in(im->run, err) < 0 ? -1 : take_row(im, err);
    if (is_preamble(im))
        return 0;
    import_trim_cells(im);
    if (begin_table(im, err) < 0)
        return -1;
    if (im->options->print_map)
        return print_map(im, err);
    if (!im->options->no_header)
        return 0;
    return lp_run_count_in(im->run, err) < 0 ? -1 : take_row(im, err);
}

static int take_bad(struct import *im, struct lp_err *err)
{
    if (!im->headed && !im->options->no_header) {
        *err = im->rows.row.why;
        return lp_err_prefix(
            err, "%s:%llu: the header", im->rows.file, (unsigned long long)im->rows.row.line);
    }
    im->field = NULL;
    return lp_run_count_in(im->run, err) < 0 ? -1 : reject_keyless(im, &im->rows.row.why, err);
}

/* What began like LinkedIn's note, and then no table came. */
static int end_file(struct import *im, struct lp_err *err)
{
    if (!im->preamble || im->headed)
        return 0;
    return lp_err_set(
        err, LP_ERR_RECORD, "no_email_column", "%s: no header after the notes", im->preamble);
}

static int take(struct import *im, enum lp_rows_kind kind, struct lp_err *err)
{
    switch (kind) {
    case LP_ROWS_FILE:
    case LP_ROWS_JSON:
        if (end_file(im, err) < 0)
            return -1;
        im->headed = false;
        im->preamble = NULL;
        lp_buf_reset(&im->header);
        begin_source(im);
        return 0;
    case LP_ROWS_ROW: return take_cells(im, err);
    case LP_ROWS_LINE: return lp_run_count_in(im->run, err) < 0 ? -1 : take_json(im, err);
    case LP_ROWS_BAD:
        if (!im->rows.json)
            return take_bad(im, err);
        return lp_run_count_in(im->run, err) < 0 ? -1
                                                 : refuse_line(im, &im->rows.row.why, false, err);
    default: return -1;
    }
}

static bool has_to_end(struct lp_run *run)
{
    if (lp_run_stopping(run) || run->fault.kind)
        run->input_ended = true;
    if (run->common.limit >= 0 && run->taken >= (uint64_t)run->common.limit)
        run->input_ended = true;
    return run->input_ended;
}

static int read_all(struct import *im, struct lp_err *err)
{
    while (!has_to_end(im->run)) {
        enum lp_rows_kind kind = lp_rows_next(&im->rows, err);
        if (kind == LP_ROWS_END)
            return end_file(im, err);
        if (kind == LP_ROWS_STOP)
            break;
        if (kind == LP_ROWS_FAIL || take(im, kind, err) < 0)
            return -1;
    }
    return 0;
}

static int parse_delimiter(const char *given, char *delimiter, struct lp_err *err)
{
    *delimiter = '\0';
    if (!given)
        return 0;
    if (strcmp(given, "tab") == 0 || strcmp(given, "\\t") == 0)
        given = "\t";
    if (!given[0] || given[1] || strchr("\"\r\n", given[0]) || (given[0] & 0x80))
        return lp_err_set(
            err, LP_ERR_USAGE, NULL, "--delimiter takes one ASCII character or \"tab\"");
    *delimiter = given[0];
    return 0;
}

/* What goes into every record must be text. */
static int check_text(const char *option, const char *text, struct lp_err *err)
{
    if (!text || lp_utf8_valid(text, strlen(text)) == strlen(text))
        return 0;
    return lp_err_set(err, LP_ERR_USAGE, NULL, "%s: not valid UTF-8", option);
}

static int begin(struct import *im, struct lp_err *err)
{
    const struct lp_import_options *o = im->options;
    struct lp_rows_options rows = {
        .encoding = o->encoding, .max_line = im->run->common.max_line, .single = o->no_header};

    if (parse_delimiter(o->delimiter, &rows.delimiter, err) < 0)
        return -1;
    if (o->map && lp_map_read(&im->map, o->map, err) < 0)
        return -1;
    if (check_text("--campaign", o->campaign, err) < 0)
        return -1;
    for (size_t i = 0; i < o->tags.n; i++)
        if (check_text("--tag", o->tags.v[i], err) < 0)
            return -1;
    if (o->campaign) {
        LP_BUF_LIT(&im->campaign, ",\"imported_from_campaign\":");
        lp_json_put(&im->campaign, lp_str(o->campaign));
    }
    if (o->dedupe == LP_IMPORT_FIRST)
        lp_dedupe_init(&im->set);
    if ((o->dedupe == LP_IMPORT_LAST || o->dedupe == LP_IMPORT_MERGE) && !o->print_map)
        im->spool = lp_spool_new(o->dedupe == LP_IMPORT_MERGE);
    lp_rows_init(&im->rows, im->run->in, &rows);
    return 0;
}

static int put_spooled(void *arg, struct lp_str line, struct lp_err *err)
{
    struct import *im = arg;

    im->run->held--;
    return lp_run_put_line(im->run, line, true, err);
}

static void warn_unused(const struct import *im)
{
    for (size_t i = 0; i < im->map.entries; i++)
        if (!im->map.entry[i].used)
            lp_log_warn("%s: no input has a column \"%.*s\"", im->options->map,
                (int)im->map.entry[i].column.n, im->map.entry[i].column.p);
}

static void free_all(struct import *im)
{
    lp_rows_free(&im->rows);
    lp_map_free(&im->map);
    lp_mapping_free(&im->mapping);
    lp_dedupe_free(&im->set);
    lp_spool_del(im->spool);
    lp_rec_free(&im->rec);
    for (int m = 0; m < LP_MEMBERS; m++)
        lp_buf_free(&im->value[m]);
    struct lp_buf *bufs[] = {&im->header, &im->line, &im->key, &im->object, &im->scratch,
        &im->source, &im->tail, &im->campaign, &im->raw};
    for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
        lp_buf_free(bufs[i]);
    free(im);
}

int lp_import_drive(struct lp_run *run, struct lp_err *err)
{
    struct import *im = lp_alloc(sizeof(*im));

    im->run = run;
    im->options = run->program->settings;
    int rc = begin(im, err);
    if (rc == 0)
        rc = read_all(im, err);
    /* Also after a failure: what was read is in the spool, and counted. */
    struct lp_err late = {0};
    if (im->spool && lp_spool_drain(im->spool, put_spooled, im, &late) < 0 && rc == 0) {
        *err = late;
        rc = -1;
    }
    if (rc == 0)
        warn_unused(im);
    run->counts.blank += im->rows.blank;
    free_all(im);
    return rc;
}
