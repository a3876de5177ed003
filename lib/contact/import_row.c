/* From the cells of a row to the line of a contact. */
#include "import_parts.h"
#include "leadpipe/key.h"

/* What the fixed parts of a record take at most, the two times included. */
#define FIXED 1024

void import_trim_cells(struct import *im)
{
    struct lp_csv *c = &im->rows.csv;

    for (size_t i = 0; i < c->kept; i++) {
        struct lp_str s = c->cell[i];
        if (s.n == 0)
            continue;
        unsigned char first = (unsigned char)s.p[0], last = (unsigned char)s.p[s.n - 1];
        if (first - 0x21u > 0x5d || last - 0x21u > 0x5d)
            c->cell[i] = lp_key_trim(s);
    }
}

/* --- expressions ------------------------------------------------------------------------------- */

/* The row as an object of strings; empty cells are left out, so that `.a // .b` works. */
static void put_object(struct import *im)
{
    struct lp_buf *b = &im->object;

    lp_buf_reset(b);
    lp_buf_byte(b, '{');
    for (size_t i = 0; i < im->mapping.columns; i++) {
        struct lp_str cell = im->rows.csv.cell[i];
        if (cell.n == 0)
            continue;
        if (b->len > 1)
            lp_buf_byte(b, ',');
        lp_json_put(b, im->mapping.column[i].name);
        lp_buf_byte(b, ':');
        lp_json_put(b, cell);
    }
    lp_buf_byte(b, '}');
}

/* The first result counts. */
static int take_result(void *arg, struct lp_str result, struct lp_err *err)
{
    struct lp_buf *out = arg;

    (void)err;
    if (out->len == 0)
        lp_buf_str(out, result);
    return 0;
}

static int wrong_value(struct import *im, enum lp_member m, const char *wanted, struct lp_err *why)
{
    im->field = lp_member_name(m);
    return lp_err_set(why, LP_ERR_RECORD, "bad_value", "the expression for %s did not give %s",
        lp_member_name(m), wanted);
}

/* Is the value one that the member can take? Nothing, null and "" leave it out. */
static int check_result(struct import *im, enum lp_member m, struct lp_err *why)
{
    struct lp_str v = lp_buf_view(&im->value[m]);
    struct lp_json_iter it;
    struct lp_str name, tag;
    int64_t count;

    if (v.n == 0 || lp_json_type(v) == LP_JSON_NULL || lp_str_is(v, "\"\"")) {
        lp_buf_reset(&im->value[m]);
        return 0;
    }
    if (lp_member_is_count(m))
        return lp_json_int(v, &count) && count >= 0 ? 0 : wrong_value(im, m, "a count", why);
    if (m == LP_MEMBER_TAGS && lp_json_type(v) == LP_JSON_ARRAY) {
        for (it = lp_json_iter(v); lp_json_next(&it, &name, &tag);)
            if (lp_json_type(tag) != LP_JSON_STRING)
                return wrong_value(im, m, "strings", why);
        return 0;
    }
    return lp_json_type(v) == LP_JSON_STRING ? 0 : wrong_value(im, m, "a string", why);
}

static int run_expressions(struct import *im, struct lp_err *why)
{
    put_object(im);
    for (int m = 0; m < LP_MEMBERS; m++) {
        lp_buf_reset(&im->value[m]);
        if (!im->map.jq[m])
            continue;
        if (lp_jq_each(im->map.jq[m], lp_buf_view(&im->object), take_result, &im->value[m], why) <
            0) {
            im->field = lp_member_name((enum lp_member)m);
            return -1;
        }
        if (check_result(im, (enum lp_member)m, why) < 0)
            return -1;
    }
    return 0;
}

int import_choose(struct import *im, struct lp_err *why)
{
    const struct lp_mapping *map = &im->mapping;

    for (int m = 0; m < LP_MEMBERS; m++) {
        uint32_t c = map->first[m];
        while (c && im->rows.csv.cell[c - 1].n == 0)
            c = map->column[c - 1].next;
        im->chosen[m] = im->map.jq[m] ? -1 : (int)c - 1;
    }
    return im->map.any_jq ? run_expressions(im, why) : 0;
}

/* --- the address ------------------------------------------------------------------------------- */

int import_key(struct import *im, struct lp_str *email, struct lp_err *why)
{
    int column = im->chosen[LP_MEMBER_EMAIL];
    const char *fault;

    *email = (struct lp_str){"", 0};
    if (column >= 0)
        *email = im->rows.csv.cell[column];
    else if (im->value[LP_MEMBER_EMAIL].len > 0) {
        lp_buf_reset(&im->scratch);
        lp_json_decode(lp_buf_view(&im->value[LP_MEMBER_EMAIL]), &im->scratch);
        *email = lp_key_trim(lp_buf_view(&im->scratch));
    }
    if (email->n == 0) {
        im->field = "email";
        lp_err_set(why, LP_ERR_RECORD, "no_email", "the row has no e-mail address");
        lp_err_hint(why, "fill in the column, or name another one with --map");
        return -1;
    }
    fault = lp_key_fault(*email);
    lp_buf_reset(&im->key);
    if (fault || !lp_key(*email, &im->key)) {
        im->field = "email";
        lp_err_set(why, LP_ERR_RECORD, "bad_email", "not an e-mail address: %s",
            fault ? fault : "no domain");
        lp_err_hint(why, "an address is one word with one @ between a name and a domain");
        return -1;
    }
    lp_buf_grow(&im->key, LP_CSV_PAD);
    return 0;
}

/* --- the line ---------------------------------------------------------------------------------- */

/* Room for a cell with its key, however it is escaped, and for the bytes `put` writes too many. */
static void reserve(struct import *im, size_t key, size_t cell)
{
    lp_buf_grow(&im->line, key + 6 * cell + 4 * LP_CSV_PAD);
}

/* Short text by two moves of fixed size: LP_CSV_PAD bytes are readable behind p and writable here. */
static inline void put(struct lp_buf *b, const char *p, size_t n)
{
    memcpy(b->p + b->len, p, LP_CSV_PAD);
    if (n > LP_CSV_PAD)
        memcpy(b->p + b->len + LP_CSV_PAD, p + LP_CSV_PAD, n - LP_CSV_PAD);
    b->len += n;
}

static inline void put_cell(struct import *im, struct lp_str cell)
{
    struct lp_buf *b = &im->line;

    if (!im->rows.csv.plain) {
        lp_json_put(b, cell);
        return;
    }
    b->p[b->len++] = '"';
    put(b, cell.p, cell.n);
    b->p[b->len++] = '"';
}

static const struct {
    char text[LP_CSV_PAD + 8];
    size_t n;
} keys[LP_MEMBERS] = {
#define KEY(m, name) [m] = {",\"" name "\":", sizeof(",\"" name "\":") - 1}
    KEY(LP_MEMBER_FIRST_NAME, "first_name"),
    KEY(LP_MEMBER_LAST_NAME, "last_name"),
    KEY(LP_MEMBER_COMPANY, "company"),
    KEY(LP_MEMBER_TITLE, "title"),
    KEY(LP_MEMBER_PHONE, "phone"),
    KEY(LP_MEMBER_LINKEDIN_URL, "linkedin_url"),
    KEY(LP_MEMBER_CITY, "city"),
    KEY(LP_MEMBER_COUNTRY, "country"),
    KEY(LP_MEMBER_EMAILS_SENT, "emails_sent"),
    KEY(LP_MEMBER_EMAILS_OPENED, "emails_opened"),
    KEY(LP_MEMBER_CLICKS, "clicks"),
    KEY(LP_MEMBER_CONVERSIONS, "conversions"),
#undef KEY
};

/* Digits alone, at most 15 of them, so that every reader of JSON keeps the number. */
static int put_count(struct import *im, enum lp_member m, struct lp_str cell, struct lp_err *why)
{
    uint64_t v = 0;
    bool good = cell.n <= 15;

    for (size_t i = 0; good && i < cell.n; i++) {
        good = cell.p[i] >= '0' && cell.p[i] <= '9';
        v = v * 10 + (uint64_t)(cell.p[i] - '0');
    }
    if (good) {
        lp_buf_int(&im->line, (int64_t)v);
        reserve(im, 0, 0);
        return 0;
    }
    im->field = lp_member_name(m);
    lp_err_set(why, LP_ERR_RECORD, "bad_integer", "not a whole number of 0 or more");
    lp_err_hint(why, "map the column to custom_fields.NAME if it is no count (--map)");
    return -1;
}

static int put_members(struct import *im, struct lp_err *why)
{
    for (int m = LP_MEMBER_FIRST_NAME; m < LP_MEMBER_TAGS; m++) {
        struct lp_buf *v = &im->value[m];
        int column = im->chosen[m];
        if (column < 0 && v->len == 0)
            continue;
        struct lp_str cell = column < 0 ? (struct lp_str){"", 0} : im->rows.csv.cell[column];
        if (!im->rows.csv.plain || column < 0)
            reserve(im, keys[m].n, cell.n + v->len);
        put(&im->line, keys[m].text, keys[m].n);
        if (column < 0)
            lp_buf_str(&im->line, lp_buf_view(v));
        else if (!lp_member_is_count((enum lp_member)m))
            put_cell(im, cell);
        else if (put_count(im, (enum lp_member)m, cell, why) < 0)
            return -1;
    }
    return 0;
}

static int add_tag(struct import *im, struct lp_str tag, struct lp_err *why)
{
    tag = lp_key_trim(tag);
    while (tag.n >= 2 && tag.p[0] == '"' && tag.p[tag.n - 1] == '"')
        tag = lp_key_trim((struct lp_str){tag.p + 1, tag.n - 2});
    if (tag.n == 0)
        return 0;
    for (size_t i = 0; i < im->tags; i++)
        if (lp_str_eq(im->tag[i], tag))
            return 0;
    if (im->tags == IMPORT_TAGS) {
        im->field = "tags";
        return lp_err_set(why, LP_ERR_RECORD, "too_many_tags", "more than %d tags", IMPORT_TAGS);
    }
    im->tag[im->tags++] = tag;
    return 0;
}

/* How many bytes end a tag here; Google sets ":::" between its labels. */
static size_t tag_end(struct lp_str s)
{
    if (s.p[0] == ';' || s.p[0] == ',' || s.p[0] == '|')
        return 1;
    return s.n >= 3 && memcmp(s.p, ":::", 3) == 0 ? 3 : 0;
}

static int split_tags(struct import *im, struct lp_str cell, struct lp_err *why)
{
    while (cell.n > 0) {
        size_t n = 0, end = 0;
        while (n < cell.n && !(end = tag_end((struct lp_str){cell.p + n, cell.n - n})))
            n++;
        if (add_tag(im, (struct lp_str){cell.p, n}, why) < 0)
            return -1;
        cell = (struct lp_str){cell.p + n + end, cell.n - n - end};
    }
    return 0;
}

static int add_result_tags(struct import *im, struct lp_err *why)
{
    struct lp_str v = lp_buf_view(&im->value[LP_MEMBER_TAGS]), name, tag, text;
    struct lp_json_iter it = lp_json_iter(v);

    lp_arena_reset(&im->rec.arena);
    if (lp_json_type(v) == LP_JSON_STRING)
        return lp_json_string(v, &im->rec.arena, &text) ? split_tags(im, text, why) : 0;
    while (lp_json_next(&it, &name, &tag))
        if (lp_json_string(tag, &im->rec.arena, &text) && add_tag(im, text, why) < 0)
            return -1;
    return 0;
}

static int put_tags(struct import *im, struct lp_err *why)
{
    int column = im->chosen[LP_MEMBER_TAGS];

    im->tags = 0;
    if (column >= 0 && split_tags(im, im->rows.csv.cell[column], why) < 0)
        return -1;
    if (im->value[LP_MEMBER_TAGS].len > 0 && add_result_tags(im, why) < 0)
        return -1;
    for (size_t i = 0; i < im->options->tags.n; i++)
        if (add_tag(im, lp_str(im->options->tags.v[i]), why) < 0)
            return -1;
    for (size_t i = 0; i < im->tags; i++) {
        if (i == 0)
            LP_BUF_LIT(&im->line, ",\"tags\":[");
        else
            lp_buf_byte(&im->line, ',');
        lp_json_put(&im->line, im->tag[i]);
    }
    if (im->tags > 0)
        lp_buf_byte(&im->line, ']');
    reserve(im, im->mapping.key_bytes, im->rows.csv.plain ? im->rows.row.text.n : 0);
    return 0;
}

/* Every column the contact has no name for, and those that lost to another one of their member. */
static void put_customs(struct import *im)
{
    static const char open[LP_CSV_PAD + 8] = ",\"custom_fields\":{";
    const struct lp_mapping *map = &im->mapping;
    bool any = false;

    for (size_t i = 0; i < map->customs && im->line.len <= im->rows.options.max_line; i++) {
        const struct lp_column *c = &map->column[map->custom[i]];
        struct lp_str cell = im->rows.csv.cell[map->custom[i]];
        if (cell.n == 0 || (c->member < LP_MEMBERS && im->chosen[c->member] == (int)map->custom[i]))
            continue;
        if (!im->rows.csv.plain)
            reserve(im, c->key.n, cell.n);
        if (!any)
            put(&im->line, open, strlen(open));
        else
            im->line.p[im->line.len++] = ',';
        any = true;
        put(&im->line, c->key.p, c->key.n);
        put_cell(im, cell);
    }
    if (any)
        im->line.p[im->line.len++] = '}';
}

/* `,"created_at":...` up to the end of the line: the same for all rows of a second. */
static void stamp(struct import *im)
{
    /* The clock is asked when output has just been flushed (there may have been a wait) and now and
     * then. */
    if (im->tail.len > 0 && im->run->counts.in % 16 != 0 && lp_out_pending(&im->run->out) > 0)
        return;
    int64_t now = lp_clock_now() / 1000 * 1000;

    if (now == im->stamp && im->tail.len > 0)
        return;
    im->stamp = now;
    lp_buf_reset(&im->tail);
    LP_BUF_LIT(&im->tail, "},\"created_at\":\"");
    lp_clock_put(&im->tail, now);
    LP_BUF_LIT(&im->tail, "\",\"updated_at\":\"");
    lp_clock_put(&im->tail, now);
    LP_BUF_LIT(&im->tail, "\"}\n");
}

int import_contact(struct import *im, struct lp_str email, struct lp_err *why)
{
    static const char kind[LP_CSV_PAD + 8] = "{\"kind\":\"contact\",\"email\":";
    static const char domain[LP_CSV_PAD + 8] = ",\"domain\":",
                                          status[LP_CSV_PAD + 8] = ",\"status\":\"new\"";
    size_t local = (size_t)((const char *)memrchr(im->key.p, '@', im->key.len) + 1 - im->key.p);
    struct lp_buf *b = &im->line;

    lp_buf_reset(b);
    if (im->rows.csv.plain && im->chosen[LP_MEMBER_EMAIL] >= 0) {
        /* The domain is the key's: as A-labels, it may take more bytes than the address it came from. */
        lp_buf_grow(b, FIXED + im->key.len + 2 * im->rows.row.text.n + 8 * im->rows.csv.kept +
                           im->mapping.key_bytes);
    } else {
        im->rows.csv.plain = false;
        reserve(im, FIXED, 2 * email.n + im->key.len);
    }
    put(b, kind, strlen(kind));
    put_cell(im, email);
    put(b, domain, strlen(domain));
    put_cell(im, (struct lp_str){im->key.p + local, im->key.len - local});
    if (!im->rows.csv.plain)
        reserve(im, 0, 0);
    put(b, status, strlen(status));
    if (put_members(im, why) < 0 || put_tags(im, why) < 0)
        return -1;
    put_customs(im);
    lp_buf_str(b, lp_buf_view(&im->campaign));
    lp_buf_str(b, lp_buf_view(&im->source));
    lp_buf_int(b, (int64_t)im->rows.row.line);
    stamp(im);
    lp_buf_str(b, lp_buf_view(&im->tail));
    if (b->len > im->rows.options.max_line)
        return lp_err_set(why, LP_ERR_RECORD, "record_too_long",
            "the contact would take over %zu bytes", im->rows.options.max_line);
    return 0;
}
