#include "leadpipe/lists.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/file.h"
#include "leadpipe/fold.h"
#include "leadpipe/hash.h"
#include "leadpipe/idn.h"
#include "leadpipe/utf8.h"

#define FILE_MAX   ((size_t)16 << 20)
#define NAME_BYTES 255

/* The user's names, added or removed: 63 bits of hash and one that says which, so that a list of a
 * hundred thousand domains costs a megabyte. */
struct lp_lists {
    uint64_t *slot;
    size_t room, used;
};

static const struct {
    const char *file;
    const struct lp_lists_table *table;
} shipped[LP_LISTS] = {
    [LP_LIST_ROLE] = {"role.txt", &lp_lists_data_role},
    [LP_LIST_FREE] = {"free.txt", &lp_lists_data_free},
    [LP_LIST_DISPOSABLE] = {"disposable.txt", &lp_lists_data_disposable},
};

static uint64_t hash_of(enum lp_list list, struct lp_str name)
{
    return lp_hash128_seeded(name.p, name.n, (uint64_t)list + 1).lo | 1;
}

/* The slot of a hash, or the free one where it would go. Bit 0 of what is stored: added. */
static uint64_t *slot_of(const struct lp_lists *l, uint64_t hash)
{
    size_t i = hash >> 16 & (l->room - 1);

    while (l->slot[i] && (l->slot[i] | 1) != hash)
        i = (i + 1) & (l->room - 1);
    return &l->slot[i];
}

static void widen(struct lp_lists *l)
{
    struct lp_lists wider = {.room = l->room ? 2 * l->room : 256, .used = l->used};

    wider.slot = lp_alloc(wider.room * sizeof *wider.slot);
    for (size_t i = 0; i < l->room; i++)
        if (l->slot[i])
            *slot_of(&wider, l->slot[i] | 1) = l->slot[i];
    free(l->slot);
    *l = wider;
}

static void put(struct lp_lists *l, enum lp_list list, struct lp_str name, bool add)
{
    uint64_t hash = hash_of(list, name), *slot;

    if (4 * (l->used + 1) > 3 * l->room)
        widen(l);
    slot = slot_of(l, hash);
    if (!*slot)
        l->used++;
    *slot = add ? hash : hash & ~(uint64_t)1;
}

static bool in_table(const struct lp_lists_table *t, struct lp_str name)
{
    size_t from = 0, to = t->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;
        const struct lp_lists_name *m = &t->name[mid];
        int order = memcmp(name.p, m->name, name.n < m->length ? name.n : m->length);
        if (order == 0 && name.n == m->length)
            return true;
        if (order < 0 || (order == 0 && name.n < m->length))
            to = mid;
        else
            from = mid + 1;
    }
    return false;
}

static bool has(const struct lp_lists *l, enum lp_list list, struct lp_str name)
{
    if (name.n == 0)
        return false;
    if (l && l->room) {
        uint64_t found = *slot_of(l, hash_of(list, name));
        if (found)
            return found & 1;
    }
    return in_table(shipped[list].table, name);
}

/* The form role names are compared in: folded, without "+tag" and separators. Initials ("h.r") must
 * not become a department, so short names keep theirs. */
static struct lp_str role_form(struct lp_str local, char out[NAME_BYTES])
{
    const char *plus = local.n > 1 ? memchr(local.p + 1, '+', local.n - 1) : NULL;
    size_t to = 0;

    if (plus)
        local.n = (size_t)(plus - local.p);
    if (local.n > NAME_BYTES)
        local.n = NAME_BYTES;
    for (size_t i = 0; i < local.n; i++) {
        char c = local.p[i];
        if (c != '.' && c != '-' && c != '_')
            out[to++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    if (to < local.n && to <= 3)
        return (struct lp_str){out, 0};
    return (struct lp_str){out, to};
}

static struct lp_str without_number(struct lp_str s)
{
    size_t n = s.n;

    while (n && s.n - n < 4 && s.p[n - 1] >= '0' && s.p[n - 1] <= '9')
        n--;
    return (struct lp_str){s.p, n >= 4 ? n : s.n};
}

bool lp_lists_role(const struct lp_lists *l, struct lp_str local)
{
    char form[NAME_BYTES];
    struct lp_buf folded = {0};
    bool found;

    for (size_t i = 0; i < local.n; i++)
        if ((unsigned char)local.p[i] >= 0x80) {
            lp_fold(local, &folded);
            local = lp_buf_view(&folded);
            break;
        }
    local = role_form(local, form);
    found = has(l, LP_LIST_ROLE, local) || has(l, LP_LIST_ROLE, without_number(local));
    lp_buf_free(&folded);
    return found;
}

bool lp_lists_domain(const struct lp_lists *l, enum lp_list list, struct lp_str domain)
{
    const char *dot;

    for (;;) {
        if (has(l, list, domain))
            return true;
        dot = domain.n ? memchr(domain.p, '.', domain.n) : NULL;
        /* A top-level domain alone is in no list; most domains end here. */
        if (!dot || !memchr(dot + 1, '.', domain.n - (size_t)(dot + 1 - domain.p)))
            return false;
        domain.n -= (size_t)(dot + 1 - domain.p);
        domain.p = dot + 1;
    }
}

static bool is_domain(struct lp_str s)
{
    if (s.n == 0 || s.n > NAME_BYTES || s.p[0] == '.' || s.p[s.n - 1] == '.')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
                s.p[i] == '-' || (s.p[i] == '.' && s.p[i - 1] != '.')))
            return false;
    return memchr(s.p, '.', s.n) != NULL;
}

static bool add_name(struct lp_lists *l, enum lp_list list, struct lp_str name, bool add)
{
    struct lp_buf text = {0};
    char form[NAME_BYTES];
    struct lp_str key;
    bool good;

    if (lp_utf8_valid(name.p, name.n) != name.n)
        return false;
    if (list == LP_LIST_ROLE) {
        lp_fold(name, &text);
        key = role_form(lp_buf_view(&text), form);
        good = key.n && !memchr(name.p, '@', name.n) && !memchr(name.p, ' ', name.n);
    } else {
        good = lp_idn_to_ascii(name, &text) && is_domain(lp_buf_view(&text));
        key = lp_buf_view(&text);
    }
    if (good)
        put(l, list, key, add);
    lp_buf_free(&text);
    return good;
}

/* What editors put before the first name. */
static size_t bom_of(struct lp_str text)
{
    return text.n >= 3 && memcmp(text.p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

static struct lp_str clean_line(struct lp_str line)
{
    const char *hash = line.n ? memchr(line.p, '#', line.n) : NULL;

    if (hash)
        line.n = (size_t)(hash - line.p);
    while (line.n && strchr(" \t\r", line.p[line.n - 1]))
        line.n--;
    while (line.n && strchr(" \t", line.p[0]))
        line.p++, line.n--;
    return line;
}

static int add_text(
    struct lp_lists *l, enum lp_list list, const char *path, struct lp_str text, struct lp_err *err)
{
    const char *p = text.p + bom_of(text), *end = text.p + text.n;

    for (unsigned long number = 1; p < end; number++) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        struct lp_str line = clean_line((struct lp_str){p, (size_t)((nl ? nl : end) - p)});
        bool add = !(line.n && line.p[0] == '-');
        if (!add)
            line.p++, line.n--;
        if ((line.n || !add) && !add_name(l, list, line, add))
            return lp_err_set(err, LP_ERR_CONFIG, "bad_list", "%s:%lu: not a %s", path, number,
                list == LP_LIST_ROLE ? "local part" : "domain");
        p = nl ? nl + 1 : end;
    }
    return 0;
}

static int add_file(
    struct lp_lists *l, enum lp_list list, const char *path, bool *any, struct lp_err *err)
{
    struct lp_buf text = {0};
    int rc = 0;

    if (!lp_file_exists(path))
        return 0;
    *any = true;
    rc = lp_file_read(path, FILE_MAX, &text, err);
    if (rc == 0)
        rc = add_text(l, list, path, lp_buf_view(&text), err);
    lp_buf_free(&text);
    return rc;
}

struct lp_lists *lp_lists_new(const char *dir, struct lp_err *err)
{
    struct lp_lists *l = lp_alloc(sizeof *l);
    struct lp_buf path = {0};
    bool any = false;
    int rc = 0;

    for (int i = 0; dir && i < LP_LISTS && rc == 0; i++) {
        lp_buf_reset(&path);
        lp_buf_printf(&path, "%s/%s", dir, shipped[i].file);
        rc = add_file(l, (enum lp_list)i, path.p, &any, err);
    }
    /* A directory without a single list is a slip in the path, not a wish. */
    if (dir && rc == 0 && !any)
        rc = lp_err_set(err, LP_ERR_CONFIG, "no_lists",
            "%s: holds none of role.txt, free.txt, disposable.txt", dir);
    lp_buf_free(&path);
    if (rc == 0)
        return l;
    lp_lists_del(l);
    return NULL;
}

void lp_lists_del(struct lp_lists *l)
{
    if (!l)
        return;
    free(l->slot);
    free(l);
}
