#include "leadpipe/mapping.h"
#include "leadpipe/json.h"
#include <stdio.h>
#include <stdlib.h>

struct names {
    struct lp_str *v; /* normalised headers */
    size_t n;
};

static bool has_header(const void *arg, const char *header)
{
    const struct names *names = arg;

    for (size_t i = 0; i < names->n; i++)
        if (lp_str_is(names->v[i], header))
            return true;
    return false;
}

static struct lp_str normalised(struct lp_arena *a, struct lp_str name)
{
    struct lp_buf b = {0};

    lp_mapping_normalise(name, &b);
    struct lp_str s = lp_arena_str(a, lp_buf_view(&b));
    lp_buf_free(&b);
    return s;
}

static bool is_name(const struct lp_column *c, struct lp_str s)
{
    return lp_str_eq(c->name, s);
}

static bool is_field(const struct lp_column *c, struct lp_str s)
{
    return c->key.n > 0 && lp_str_eq(c->field, s);
}

static bool is_taken(const struct lp_mapping *m, size_t n,
    bool (*is)(const struct lp_column *, struct lp_str), struct lp_str s)
{
    for (size_t i = 0; i < n; i++)
        if (is(&m->column[i], s))
            return true;
    return false;
}

/* What no column before the n-th is called: `wanted`, or with _2 behind it, or the next that is free.
 * `copy` is 1, or where a free one is likely. */
static struct lp_str unique(struct lp_mapping *m, size_t n,
    bool (*is)(const struct lp_column *, struct lp_str), struct lp_str wanted, size_t copy)
{
    struct lp_buf b = {0};

    do {
        lp_buf_reset(&b);
        lp_buf_str(&b, wanted);
        if (copy > 1)
            lp_buf_printf(&b, "_%zu", copy);
        copy++;
    } while (is_taken(m, n, is, lp_buf_view(&b)));
    struct lp_str s = lp_arena_str(&m->arena, lp_buf_view(&b));
    lp_buf_free(&b);
    return s;
}

/* The header's name, or column_7 where it has none; the second of a name is name_2. */
static struct lp_str unique_name(
    struct lp_mapping *m, const struct lp_str *header, size_t i, bool nameless)
{
    char number[32];
    size_t copy = 1;

    if (nameless || header[i].n == 0) {
        int n = snprintf(number, sizeof(number), "column_%zu", i + 1);
        return unique(m, i, is_name, (struct lp_str){number, (size_t)n}, 1);
    }
    for (size_t k = 0; k < i; k++)
        copy += lp_str_eq(header[k], header[i]);
    return unique(m, i, is_name, header[i], copy);
}

static struct lp_map_entry *find_entry(
    const struct lp_map *map, struct lp_str name, struct lp_str norm, size_t column, bool nameless)
{
    struct lp_map_entry *alike = NULL;
    char number[24];

    snprintf(number, sizeof(number), "%zu", column + 1);
    for (size_t i = 0; map && i < map->entries; i++) {
        struct lp_map_entry *e = &map->entry[i];
        if (lp_str_eq(e->column, name) || (nameless && lp_str_is(e->column, number)))
            return e;
        if (!alike && norm.n > 0 && lp_str_eq(e->normalised, norm))
            alike = e;
    }
    return alike;
}

static void set_key(struct lp_mapping *m, struct lp_column *c, struct lp_str field)
{
    struct lp_buf b = {0};

    lp_json_put(&b, field);
    lp_buf_byte(&b, ':');
    char *key = lp_arena_alloc(&m->arena, b.len + LP_MAPPING_PAD);
    memset(key, 0, b.len + LP_MAPPING_PAD);
    memcpy(key, b.p, b.len);
    c->field = field;
    c->key = (struct lp_str){key, b.len};
    m->key_bytes += b.len;
    lp_buf_free(&b);
}

/* Which columns each member has, in the file's order, and which can end in custom_fields. */
static void link_columns(struct lp_mapping *m, const struct lp_map *map)
{
    memset(m->first, 0, sizeof(m->first));
    m->customs = 0;
    for (size_t i = m->columns; i-- > 0;) {
        struct lp_column *c = &m->column[i];
        if (c->member < LP_MEMBERS) {
            c->next = m->first[c->member];
            m->first[c->member] = (uint32_t)i + 1;
        }
    }
    for (size_t i = 0; i < m->columns; i++) {
        enum lp_member member = m->column[i].member;
        if (member == LP_MEMBER_NONE)
            continue;
        bool alone = member < LP_MEMBERS && m->first[member] == i + 1 && m->column[i].next == 0 &&
                     !(map && map->jq[member]);
        if (!alone)
            m->custom[m->customs++] = (uint32_t)i;
    }
}

static enum lp_member member_of(const struct lp_map *map, const struct names *names, size_t i,
    struct lp_str name, bool nameless, struct lp_str *field)
{
    struct lp_map_entry *e = find_entry(map, name, names->v[i], i, nameless);

    *field = name;
    if (!e)
        return nameless ? LP_MEMBER_CUSTOM : lp_mapping_synonym(names->v[i], has_header, names);
    e->used = true;
    if (e->member == LP_MEMBER_CUSTOM)
        *field = e->custom;
    return e->member;
}

void lp_mapping_init(struct lp_mapping *m, const struct lp_map *map, const struct lp_str *header,
    size_t columns, bool nameless)
{
    *m = (struct lp_mapping){.columns = columns};
    m->column = lp_alloc((columns + 1) * sizeof(*m->column));
    m->custom = lp_alloc((columns + 1) * sizeof(*m->custom));
    struct names names = {lp_alloc((columns + 1) * sizeof(*names.v)), columns};

    for (size_t i = 0; i < columns; i++) {
        struct lp_str given = nameless ? (struct lp_str){"", 0} : header[i];
        m->column[i].name = unique_name(m, header, i, nameless);
        names.v[i] = normalised(&m->arena, given);
    }
    for (size_t i = 0; i < columns; i++) {
        struct lp_column *c = &m->column[i];
        c->member = member_of(map, &names, i, c->name, nameless, &c->field);
    }
    free(names.v);
    link_columns(m, map);
    for (size_t i = 0; i < m->customs; i++) {
        struct lp_column *c = &m->column[m->custom[i]];
        /* The map may call a field like another one, or like a column. */
        set_key(m, c, map ? unique(m, m->custom[i], is_field, c->field, 1) : c->field);
    }
}

void lp_mapping_assign(struct lp_mapping *m, size_t column, enum lp_member member)
{
    m->column[column].member = member;
    link_columns(m, NULL);
}

void lp_mapping_free(struct lp_mapping *m)
{
    free(m->column);
    free(m->custom);
    lp_arena_free(&m->arena);
    *m = (struct lp_mapping){0};
}

static void print_target(const struct lp_column *c, struct lp_buf *out)
{
    struct lp_buf field = {0};

    if (c->member == LP_MEMBER_NONE) {
        LP_BUF_LIT(out, "null");
    } else if (c->member < LP_MEMBERS) {
        lp_json_put(out, lp_str(lp_member_name(c->member)));
    } else {
        LP_BUF_LIT(&field, "custom_fields.");
        lp_buf_str(&field, c->field);
        lp_json_put(out, lp_buf_view(&field));
        lp_buf_free(&field);
    }
}

void lp_mapping_print(const struct lp_mapping *m, const struct lp_map *map, struct lp_buf *out)
{
    const char *sep = "";

    LP_BUF_LIT(out, "{\n  \"columns\": {");
    for (size_t i = 0; i < m->columns; i++) {
        lp_buf_printf(out, "%s\n    ", i ? "," : "");
        lp_json_put(out, m->column[i].name);
        LP_BUF_LIT(out, ": ");
        print_target(&m->column[i], out);
    }
    LP_BUF_LIT(out, "\n  },\n  \"members\": {");
    for (int i = 0; map && i < LP_MEMBERS; i++) {
        if (!map->text[i].p)
            continue;
        lp_buf_printf(out, "%s\n    \"%s\": ", sep, lp_member_name((enum lp_member)i));
        lp_json_put(out, map->text[i]);
        sep = ",";
    }
    lp_buf_puts(out, *sep ? "\n  }\n}\n" : "}\n}\n");
}
