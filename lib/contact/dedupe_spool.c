#include "dedupe_table.h"
#include "leadpipe/hash.h"
#include "leadpipe/json.h"
#include "leadpipe/mapping.h"
#include "leadpipe/tempfile.h"
#include <limits.h>
#include <stdlib.h>

#define PLACE_BITS 40 /* of `lo` that say where the newest record lies, plus one */
#define PLACE_MASK ((UINT64_C(1) << PLACE_BITS) - 1)
#define BLOCK      ((size_t)1 << 20)

/* What stands before each record in the file. */
struct head {
    uint64_t hi, lo; /* the hash, place bits zero */
    uint64_t
        previous; /* place of the key's record before this one, plus one; 0: this is the first */
    uint64_t length;
};

struct lp_spool {
    struct lp_dedupe table;
    bool merge;
    struct lp_tempfile file;
    uint64_t whole;   /* of the file, up to the last record that is in it to its end */
    struct lp_buf in; /* a part of the file, from `in_at` */
    uint64_t in_at;
    struct lp_buf record, merged;
};

struct lp_spool *lp_spool_new(bool merge)
{
    struct lp_spool *s = lp_alloc(sizeof(*s));
    s->merge = merge;
    lp_dedupe_init(&s->table);
    return s;
}

void lp_spool_del(struct lp_spool *s)
{
    if (!s)
        return;
    lp_tempfile_free(&s->file);
    lp_dedupe_free(&s->table);
    lp_buf_free(&s->in);
    lp_buf_free(&s->record);
    lp_buf_free(&s->merged);
    free(s);
}

int lp_spool_add(
    struct lp_spool *s, struct lp_str key, struct lp_str line, bool *fresh, struct lp_err *err)
{
    struct lp_hash128 h = lp_hash128_seeded(key.p, key.n, s->table.seed);
    uint64_t place = s->whole + 1;
    struct head head = {.hi = h.hi, .lo = h.lo & ~PLACE_MASK, .length = line.n};

    if (place > PLACE_MASK)
        return lp_err_set(err, LP_ERR_IO, NULL, "the temporary file would pass 1 TiB");
    struct lp_dedupe_slot *slot = dedupe_slot(
        &s->table, (struct lp_dedupe_slot){head.hi, head.lo | place}, ~PLACE_MASK, fresh);
    if (!*fresh)
        head.previous = slot->lo & PLACE_MASK;
    if (lp_tempfile_append(&s->file, &head, sizeof(head), err) < 0 ||
        lp_tempfile_append(&s->file, line.p, line.n, err) < 0)
        return -1;
    slot->lo = head.lo | place;
    s->whole = lp_tempfile_size(&s->file);
    return 0;
}

/* n bytes from `at`, for reading the file from its start to its end. */
static const char *look(struct lp_spool *s, uint64_t at, size_t n, struct lp_err *err)
{
    if (at < s->in_at || at + n > s->in_at + s->in.len) {
        uint64_t left = s->whole - at;
        size_t want = n > BLOCK ? n : left < BLOCK ? (size_t)left : BLOCK;
        lp_buf_reset(&s->in);
        lp_buf_grow(&s->in, want);
        if (lp_tempfile_read(&s->file, at, s->in.p, want, err) < 0)
            return NULL;
        s->in.len = want;
        s->in_at = at;
    }
    return s->in.p + (at - s->in_at);
}

/* The record at a place (plus one) into `out`, with its head. */
static int fetch(
    struct lp_spool *s, uint64_t place, struct head *head, struct lp_buf *out, struct lp_err *err)
{
    if (lp_tempfile_read(&s->file, place - 1, head, sizeof(*head), err) < 0)
        return -1;
    lp_buf_reset(out);
    lp_buf_grow(out, head->length);
    if (lp_tempfile_read(&s->file, place - 1 + sizeof(*head), out->p, head->length, err) < 0)
        return -1;
    out->len = head->length;
    return 0;
}

/* From the newest record back to the first: merging is associative, so two at a time are enough. */
static int merge_chain(struct lp_spool *s, uint64_t place, struct lp_err *err)
{
    struct lp_buf swap, merged = {0};
    struct head head;
    int rc = fetch(s, place, &head, &s->merged, err);

    while (rc == 0 && head.previous) {
        rc = fetch(s, head.previous, &head, &s->record, err);
        if (rc < 0)
            break;
        lp_buf_reset(&merged);
        lp_dedupe_merge(lp_buf_view(&s->record), lp_buf_view(&s->merged), &merged);
        swap = s->merged;
        s->merged = merged;
        merged = swap;
    }
    lp_buf_free(&merged);
    return rc;
}

int lp_spool_drain(struct lp_spool *s,
    int (*put)(void *arg, struct lp_str line, struct lp_err *err), void *arg, struct lp_err *err)
{
    struct head head, newest;

    for (uint64_t at = 0; at < s->whole; at += sizeof(head) + head.length) {
        const char *p = look(s, at, sizeof(head), err);
        if (!p)
            return -1;
        memcpy(&head, p, sizeof(head));
        if (head.previous)
            continue;
        bool fresh;
        uint64_t place = dedupe_slot(&s->table, (struct lp_dedupe_slot){head.hi, head.lo | 1},
                             ~PLACE_MASK, &fresh)
                             ->lo &
                         PLACE_MASK;
        struct lp_str line = {NULL, head.length};
        if (place == at + 1) {
            p = look(s, at, sizeof(head) + head.length, err);
            line.p = p ? p + sizeof(head) : NULL;
        } else if (s->merge ? merge_chain(s, place, err) == 0
                            : fetch(s, place, &newest, &s->merged, err) == 0) {
            line = lp_buf_view(&s->merged);
        }
        if (!line.p || put(arg, line, err) < 0)
            return -1;
    }
    return 0;
}

/* --- merging -----------------------------------------------------------------------------------
 */

/* Is the member, or of an array the element, among `all`? It is looked for from where the last one was
 * found: of two rows of one file both stand in the same order, and a row may have hundreds. */
static bool holds(
    struct lp_str all, struct lp_json_iter *from, struct lp_str name, struct lp_str value)
{
    struct lp_json_iter it = *from;
    struct lp_str known, other;
    for (int round = 0; round < 2; round++, it = lp_json_iter(all)) {
        while (lp_json_next(&it, &known, &other)) {
            if (name.p ? !lp_str_eq(known, name) : !lp_str_eq(other, value))
                continue;
            *from = it;
            return true;
        }
    }
    return false;
}

/* What `into` has of an array or object, then what `from` has besides. */
static void unite(struct lp_str into, struct lp_str from, struct lp_buf *out)
{
    struct lp_json_iter it = lp_json_iter(from), have = lp_json_iter(into);
    struct lp_str name, value;

    lp_buf_add(out, into.p, into.n - 1);
    bool any = lp_json_count(into) > 0;
    while (lp_json_next(&it, &name, &value)) {
        if (holds(into, &have, name, value))
            continue;
        if (any)
            lp_buf_byte(out, ',');
        any = true;
        if (name.p) {
            lp_buf_byte(out, '"');
            lp_buf_str(out, name);
            LP_BUF_LIT(out, "\":");
        }
        lp_buf_str(out, value);
    }
    lp_buf_byte(out, into.p[into.n - 1]);
}

/* How far down a contact the import writes the member. */
static int rank(struct lp_str name)
{
    enum lp_member m = lp_member_from(name);

    if (m < LP_MEMBERS)
        return (int)m;
    if (lp_str_is(name, "kind") || lp_str_is(name, "domain") || lp_str_is(name, "status"))
        return LP_MEMBER_EMAIL;
    return lp_str_is(name, "custom_fields") ? LP_MEMBER_CUSTOM : LP_MEMBER_CUSTOM + 1;
}

struct side {
    struct lp_json_iter it;
    struct lp_str name, value;
    int rank; /* behind all others at the end */
};

static void step(struct side *s)
{
    s->rank = lp_json_next(&s->it, &s->name, &s->value) ? rank(s->name) : INT_MAX;
}

static void put_member(struct lp_buf *out, const struct side *s, const struct side *other)
{
    bool both = other && lp_json_type(s->value) == lp_json_type(other->value);

    lp_buf_byte(out, '"');
    lp_buf_str(out, s->name);
    LP_BUF_LIT(out, "\":");
    if (both && (s->rank == LP_MEMBER_TAGS || s->rank == LP_MEMBER_CUSTOM))
        unite(s->value, other->value, out);
    else
        lp_buf_str(out, s->value);
}

/* Both lines are our own import's, so they parse, names are written alike in both and stand in the same
 * order: what is filled in lands where it would have stood. */
void lp_dedupe_merge(struct lp_str into, struct lp_str from, struct lp_buf *out)
{
    struct side a = {.it = lp_json_iter(into)}, b = {.it = lp_json_iter(from)};
    char before = '{';

    for (step(&a), step(&b); a.rank < INT_MAX || b.rank < INT_MAX; before = ',') {
        bool same = a.rank == b.rank && lp_str_eq(a.name, b.name);
        bool mine = a.rank <= b.rank;
        lp_buf_byte(out, before);
        put_member(out, mine ? &a : &b, same ? &b : NULL);
        if (mine)
            step(&a);
        if (!mine || same)
            step(&b);
    }
    LP_BUF_LIT(out, "}\n");
}
