#include "dedupe_table.h"
#include "leadpipe/hash.h"
#include "leadpipe/json.h"
#include "leadpipe/mapping.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

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
    int fd;
    uint64_t size;     /* of the file, what waits in `out` included */
    struct lp_buf out; /* not yet written */
    struct lp_buf in;  /* a part of the file, from `in_at` */
    uint64_t in_at;
    struct lp_buf record, merged;
};

static int open_nameless(struct lp_err *err)
{
    const char *dir = getenv("TMPDIR");
    struct lp_buf path = {0};

    if (!dir || !*dir)
        dir = "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system that knows no such thing */
        lp_buf_printf(&path, "%s/leadpipe-XXXXXX", dir);
        fd = mkostemp(path.p, O_CLOEXEC);
        if (fd >= 0)
            unlink(path.p);
    }
    if (fd < 0)
        lp_err_errno(err, "cannot make a temporary file in %s (TMPDIR)", dir);
    lp_buf_free(&path);
    return fd;
}

struct lp_spool *lp_spool_new(bool merge, struct lp_err *err)
{
    int fd = open_nameless(err);

    if (fd < 0)
        return NULL;
    struct lp_spool *s = lp_alloc(sizeof(*s));
    s->merge = merge;
    s->fd = fd;
    lp_dedupe_init(&s->table);
    return s;
}

void lp_spool_del(struct lp_spool *s)
{
    if (!s)
        return;
    close(s->fd);
    lp_dedupe_free(&s->table);
    lp_buf_free(&s->out);
    lp_buf_free(&s->in);
    lp_buf_free(&s->record);
    lp_buf_free(&s->merged);
    free(s);
}

static int write_out(struct lp_spool *s, struct lp_err *err)
{
    for (size_t at = 0; at < s->out.len;) {
        ssize_t n = write(s->fd, s->out.p + at, s->out.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lp_err_errno(err, "cannot write the temporary file (TMPDIR says where)");
        at += (size_t)n;
    }
    lp_buf_reset(&s->out);
    return 0;
}

int lp_spool_add(
    struct lp_spool *s, struct lp_str key, struct lp_str line, bool *fresh, struct lp_err *err)
{
    struct lp_hash128 h = lp_hash128_seeded(key.p, key.n, s->table.seed);
    uint64_t place = s->size + 1;
    struct head head = {.hi = h.hi, .lo = h.lo & ~PLACE_MASK, .length = line.n};

    if (place > PLACE_MASK)
        return lp_err_set(err, LP_ERR_IO, NULL, "the temporary file would pass 1 TiB");
    struct lp_dedupe_slot *slot = dedupe_slot(
        &s->table, (struct lp_dedupe_slot){head.hi, head.lo | place}, ~PLACE_MASK, fresh);
    if (!*fresh)
        head.previous = slot->lo & PLACE_MASK;
    slot->lo = head.lo | place;
    lp_buf_add(&s->out, &head, sizeof(head));
    lp_buf_str(&s->out, line);
    s->size += sizeof(head) + line.n;
    return s->out.len < BLOCK ? 0 : write_out(s, err);
}

static int read_at(struct lp_spool *s, uint64_t at, char *to, size_t n, struct lp_err *err)
{
    while (n > 0) {
        ssize_t got = pread(s->fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return lp_err_errno(err, "cannot read the temporary file");
        if (got == 0)
            return lp_err_set(err, LP_ERR_IO, NULL, "the temporary file was cut short");
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

/* n bytes from `at`, for reading the file from its start to its end. */
static const char *look(struct lp_spool *s, uint64_t at, size_t n, struct lp_err *err)
{
    if (at < s->in_at || at + n > s->in_at + s->in.len) {
        uint64_t left = s->size - at;
        size_t want = n > BLOCK ? n : left < BLOCK ? (size_t)left : BLOCK;
        lp_buf_reset(&s->in);
        lp_buf_grow(&s->in, want);
        if (read_at(s, at, s->in.p, want, err) < 0)
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
    if (read_at(s, place - 1, (char *)head, sizeof(*head), err) < 0)
        return -1;
    lp_buf_reset(out);
    lp_buf_grow(out, head->length);
    if (read_at(s, place - 1 + sizeof(*head), out->p, head->length, err) < 0)
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

    if (write_out(s, err) < 0)
        return -1;
    for (uint64_t at = 0; at < s->size; at += sizeof(head) + head.length) {
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

/* What `into` has of an array or object, then what `from` has besides. */
static void unite(struct lp_str into, struct lp_str from, struct lp_buf *out)
{
    struct lp_json_iter it = lp_json_iter(from);
    struct lp_str name, value, other;

    lp_buf_add(out, into.p, into.n - 1);
    bool any = lp_json_count(into) > 0;
    while (lp_json_next(&it, &name, &value)) {
        struct lp_json_iter have = lp_json_iter(into);
        struct lp_str known;
        bool found = false;
        while (!found && lp_json_next(&have, &known, &other))
            found = name.p ? lp_str_eq(known, name) : lp_str_eq(other, value);
        if (found)
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
