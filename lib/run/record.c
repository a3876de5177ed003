/* record - see leadpipe/record.h */
#include "leadpipe/record.h"
#include "leadpipe/scan.h"

#include <stdlib.h>
#include <string.h>

/* What one huge value, and one of many members, may leave behind in a record that is used again: there
 * is one for each place of the window. */
#define SCRATCH_KEPT ((size_t)64 << 10)
#define MEMBERS_KEPT 512

void lp_rec_reset(struct lp_rec *r)
{
    r->line = (struct lp_str){NULL, 0};
    r->members = r->parsed = 0;
    r->open_at = r->close_at = 0;
    r->changed = r->escapes = false;
    r->error_at = 0;
    lp_buf_trim(&r->scratch, SCRATCH_KEPT);
    if (r->room > MEMBERS_KEPT) {
        free(r->member);
        r->member = NULL;
        r->room = 0;
    }
    lp_arena_reset(&r->arena);
}

void lp_rec_free(struct lp_rec *r)
{
    lp_buf_free(&r->scratch);
    lp_arena_free(&r->arena);
    free(r->member);
    *r = (struct lp_rec){0};
}

static struct lp_rec_member *append(struct lp_rec *r)
{
    if (r->members == r->room) {
        r->room = r->room ? r->room * 2 : 32;
        r->member = lp_realloc_array(r->member, r->room, sizeof *r->member);
    }
    return &r->member[r->members++];
}

__attribute__((cold)) static int refuse(
    struct lp_rec *r, uint64_t at, const char *code, const char *why, struct lp_err *err)
{
    lp_rec_reset(r);
    r->error_at = at;
    return lp_err_set(err, LP_ERR_RECORD, code, "byte %llu: %s", (unsigned long long)at, why);
}

static int refuse_fault(struct lp_rec *r, const struct lp_scan *s, struct lp_err *err)
{
    return refuse(r, (uint64_t)(s->at - s->text), s->fault->code, s->fault->why, err);
}

/* Fills the index; the step that ended it. */
static enum lp_scan_step index_members(struct lp_rec *r, struct lp_scan *s)
{
    struct lp_scan_member found;
    enum lp_scan_step step;
    while ((step = lp_scan_member(s, &found)) == LP_SCAN_MEMBER && r->members < LP_REC_MEMBERS) {
        struct lp_rec_member *m = append(r);
        m->name_at = (uint32_t)(found.name.p - r->line.p);
        m->name_len = (uint32_t)found.name.n;
        m->value_at = (uint32_t)(found.value.p - r->line.p);
        m->value_len = (uint32_t)found.value.n;
        m->set = (struct lp_str){NULL, 0};
        r->escapes |= found.escaped;
    }
    return step;
}

int lp_rec_parse(struct lp_rec *r, const char *line, size_t n, struct lp_err *err)
{
    struct lp_scan s;
    lp_rec_reset(r);
    if (n > UINT32_MAX)
        return refuse(r, UINT32_MAX, "bad_json", "longer than 4 GiB", err);
    r->line = (struct lp_str){line, n};
    lp_scan_init(&s, r->line);
    if (!lp_scan_open(&s))
        return refuse_fault(r, &s, err);
    r->open_at = (uint32_t)(s.p - s.text) - 1;
    enum lp_scan_step step = index_members(r, &s);
    if (step == LP_SCAN_MEMBER)
        return refuse(
            r, (uint64_t)(s.p - s.text), "too_many_members", "more than 65536 members", err);
    if (step == LP_SCAN_BAD)
        return refuse_fault(r, &s, err);
    r->close_at = (uint32_t)(s.p - s.text) - 1;
    if (!lp_scan_close(&s))
        return refuse_fault(r, &s, err);
    /* Passed on as it is, this would be two lines of which neither is a record. */
    if (s.newline)
        return refuse(r, (uint64_t)(s.newline - s.text), "bad_json", "line end in a record", err);
    r->parsed = r->members;
    return 0;
}

void lp_rec_keep(struct lp_rec *r)
{
    /* The index holds offsets, so moving the line is enough. */
    r->line = lp_arena_str(&r->arena, r->line);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What the member's places are counted from. */
static const char *base(const struct lp_rec *r, const struct lp_rec_member *m)
{
    return m < r->member + r->parsed ? r->line.p : m->set.p;
}

/* For names with escapes, which are rare enough to be looked at one by one. */
static struct lp_rec_member *find_decoded(const struct lp_rec *r, const char *name)
{
    for (uint32_t i = r->members; i-- > 0;) {
        struct lp_rec_member *m = &r->member[i];
        if (lp_json_name_is((struct lp_str){base(r, m) + m->name_at, m->name_len}, name))
            return m;
    }
    return NULL;
}

/* From the back: the last of duplicate names is the one that counts. */
static struct lp_rec_member *find(const struct lp_rec *r, const char *name)
{
    size_t n = strlen(name);
    if (r->escapes)
        return find_decoded(r, name);
    for (uint32_t i = r->members; i-- > 0;) {
        struct lp_rec_member *m = &r->member[i];
        if (m->name_len == n && memcmp(base(r, m) + m->name_at, name, n) == 0)
            return m;
    }
    return NULL;
}

bool lp_rec_get(const struct lp_rec *r, const char *name, struct lp_str *value)
{
    const struct lp_rec_member *m = find(r, name);
    if (!m)
        return false;
    if (m->set.p && m < r->member + r->parsed)
        *value = m->set;
    else
        *value = (struct lp_str){base(r, m) + m->value_at, m->value_len};
    return true;
}

bool lp_rec_string(struct lp_rec *r, const char *name, struct lp_str *out)
{
    struct lp_str v;
    return lp_rec_get(r, name, &v) && lp_json_string(v, &r->arena, out);
}

bool lp_rec_int(const struct lp_rec *r, const char *name, int64_t *out)
{
    struct lp_str v;
    return lp_rec_get(r, name, &v) && lp_json_int(v, out);
}

bool lp_rec_filled(const struct lp_rec *r, const char *name)
{
    struct lp_str v;
    return lp_rec_get(r, name, &v) && lp_json_type(v) != LP_JSON_NULL && !lp_json_is(v, "");
}

bool lp_rec_is(const struct lp_rec *r, const char *name, const char *s)
{
    struct lp_str v;
    return lp_rec_get(r, name, &v) && lp_json_is(v, s);
}

struct lp_str lp_rec_kind(struct lp_rec *r)
{
    struct lp_str v;
    if (lp_rec_filled(r, "kind"))
        return lp_rec_string(r, "kind", &v) ? v : LP_STR("");
    return lp_rec_get(r, "email", &v) ? LP_STR("contact") : LP_STR("");
}

/* --- changing -------------------------------------------------------------------------------- */

/* The value as it may stand in a line; what is made here lives in the scratch buffer. */
static struct lp_str one_line(struct lp_rec *r, struct lp_str json)
{
    if (json.n == 0)
        return LP_STR("null");
    if (!memchr(json.p, '\n', json.n) && !memchr(json.p, '\r', json.n))
        return json;
    lp_buf_reset(&r->scratch);
    lp_json_compact(&r->scratch, json);
    return lp_buf_view(&r->scratch);
}

/* `"name":value` as a member after those of the line. */
static void add(struct lp_rec *r, struct lp_rec_member *m, const char *name, struct lp_str v)
{
    size_t n = strlen(name);
    char *p = lp_arena_alloc(&r->arena, n + 3 + v.n);
    p[0] = '"';
    memcpy(p + 1, name, n);
    memcpy(p + 1 + n, "\":", 2);
    memcpy(p + 3 + n, v.p, v.n);
    m->set = (struct lp_str){p, n + 3 + v.n};
    m->name_at = 1;
    m->name_len = (uint32_t)n;
    m->value_at = (uint32_t)n + 3;
    m->value_len = (uint32_t)v.n;
}

void lp_rec_set(struct lp_rec *r, const char *name, struct lp_str json)
{
    struct lp_str v = one_line(r, json);
    struct lp_rec_member *m = find(r, name);
    r->changed = true;
    if (m && m < r->member + r->parsed)
        m->set = lp_arena_str(&r->arena, v);
    else
        add(r, m ? m : append(r), name, v);
}

void lp_rec_set_string(struct lp_rec *r, const char *name, struct lp_str text)
{
    lp_buf_reset(&r->scratch);
    lp_json_put(&r->scratch, text);
    lp_rec_set(r, name, lp_buf_view(&r->scratch));
}

/* --- writing --------------------------------------------------------------------------------- */

/* Bytes of the record as it now stands, without the line end. */
static size_t length(const struct lp_rec *r)
{
    size_t n = r->line.n;
    for (uint32_t i = 0; r->changed && i < r->members; i++) {
        const struct lp_rec_member *m = &r->member[i];
        if (i >= r->parsed)
            n += m->set.n + (i > 0);
        else if (m->set.p)
            n += m->set.n - m->value_len;
    }
    return n;
}

static void write_spliced(const struct lp_rec *r, struct lp_buf *out)
{
    const char *line = r->line.p;
    size_t done = 0;
    for (uint32_t i = 0; i < r->parsed; i++) {
        const struct lp_rec_member *m = &r->member[i];
        if (!m->set.p)
            continue;
        lp_buf_add(out, line + done, m->value_at - done);
        lp_buf_str(out, m->set);
        done = (size_t)m->value_at + m->value_len;
    }
    lp_buf_add(out, line + done, r->close_at - done);
    for (uint32_t i = r->parsed; i < r->members; i++) {
        if (i > 0)
            lp_buf_byte(out, ',');
        lp_buf_str(out, r->member[i].set);
    }
    lp_buf_add(out, line + r->close_at, r->line.n - r->close_at);
}

void lp_rec_write(const struct lp_rec *r, struct lp_buf *out)
{
    /* Room for all of it first: a buffer at its ceiling takes a whole line or nothing. */
    size_t need = length(r) + 1;
    if (out->cap - out->len <= need && !lp_buf_grow(out, need))
        return;
    if (r->changed)
        write_spliced(r, out);
    else
        lp_buf_str(out, r->line);
    lp_buf_byte(out, '\n');
}
