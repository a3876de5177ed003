#include "leadpipe/file.h"
#include "leadpipe/json.h"
#include "leadpipe/mapping.h"
#include <stdio.h>
#include <stdlib.h>

#define LARGEST ((size_t)4 << 20)

static const char custom_prefix[] = "custom_fields.";

static struct lp_str decoded(struct lp_map *m, struct lp_str json)
{
    struct lp_str s = {"", 0};

    if (lp_json_string(json, &m->arena, &s))
        s = lp_arena_str(&m->arena, s);
    return s;
}

/* A raw name stands between its quotes: with them it is a string value. */
static struct lp_str decoded_name(struct lp_map *m, struct lp_str raw)
{
    return decoded(m, (struct lp_str){raw.p - 1, raw.n + 2});
}

/* Of a column that stands twice the last one counts, as with any name in JSON. */
static struct lp_map_entry *entry_for(struct lp_map *m, struct lp_str column)
{
    for (size_t i = 0; i < m->entries; i++)
        if (lp_str_eq(m->entry[i].column, column))
            return &m->entry[i];
    m->entry = lp_realloc_array(m->entry, m->entries + 1, sizeof(*m->entry));
    return &m->entry[m->entries++];
}

static int add_column(
    struct lp_map *m, struct lp_str column, enum lp_member member, struct lp_str custom)
{
    struct lp_buf b = {0};
    struct lp_map_entry *e = entry_for(m, column);

    lp_mapping_normalise(column, &b);
    *e = (struct lp_map_entry){.column = column, .member = member, .custom = custom};
    e->normalised = lp_arena_str(&m->arena, lp_buf_view(&b));
    lp_buf_free(&b);
    return 0;
}

static int wrong(struct lp_err *err, struct lp_str key, const char *what)
{
    lp_err_set(
        err, LP_ERR_CONFIG, "bad_map", "\"%.*s\": %s", key.n < 80 ? (int)key.n : 80, key.p, what);
    lp_err_hint(err,
        "members: email first_name last_name company title phone linkedin_url city "
        "country emails_sent emails_opened clicks conversions tags custom_fields.NAME");
    return -1;
}

/* 1: the target is a member or custom field or null; 0: it is something else. */
static int column_target(struct lp_map *m, struct lp_str column, struct lp_str value)
{
    size_t n = sizeof(custom_prefix) - 1;

    if (lp_json_type(value) == LP_JSON_NULL)
        return add_column(m, column, LP_MEMBER_NONE, (struct lp_str){0}), 1;
    struct lp_str target = decoded(m, value);
    enum lp_member member = lp_member_from(target);
    if (member != LP_MEMBER_CUSTOM)
        return add_column(m, column, member, (struct lp_str){0}), 1;
    if (target.n <= n || memcmp(target.p, custom_prefix, n) != 0)
        return 0;
    add_column(m, column, LP_MEMBER_CUSTOM, (struct lp_str){target.p + n, target.n - n});
    return 1;
}

static int add_expression(
    struct lp_map *m, struct lp_str key, struct lp_str value, struct lp_err *err)
{
    enum lp_member member = lp_member_from(key);
    char name[64];

    if (lp_json_type(value) != LP_JSON_STRING)
        return wrong(err, key, "not a string");
    if (member == LP_MEMBER_CUSTOM)
        return wrong(err, key, "no member of a contact has this name");
    m->text[member] = decoded(m, value);
    snprintf(name, sizeof(name), "the expression for %s", lp_member_name(member));
    lp_jq_del(m->jq[member]);
    m->jq[member] = lp_jq_compile(name, m->text[member].p, NULL, false, err);
    m->any_jq = true;
    return m->jq[member] ? 0 : -1;
}

static int read_columns(struct lp_map *m, struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;

    while (lp_json_next(&it, &name, &value)) {
        struct lp_str column = decoded_name(m, name);
        if (!column_target(m, column, value))
            return wrong(err, column, "mapped to something that is no member");
    }
    return 0;
}

static int read_members(struct lp_map *m, struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;

    while (lp_json_next(&it, &name, &value))
        if (add_expression(m, decoded_name(m, name), value, err) < 0)
            return -1;
    return 0;
}

/* Short form: what is no target for a column is an expression for a member. */
static int read_short(struct lp_map *m, struct lp_str object, struct lp_err *err)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str name, value;

    while (lp_json_next(&it, &name, &value)) {
        struct lp_str key = decoded_name(m, name);
        if (column_target(m, key, value))
            continue;
        if (lp_member_from(key) == LP_MEMBER_CUSTOM)
            return wrong(err, key, "neither mapped to a member nor a member with an expression");
        if (add_expression(m, key, value, err) < 0)
            return -1;
    }
    return 0;
}

static int read_object(struct lp_map *m, struct lp_str text, struct lp_err *err)
{
    struct lp_str columns, members;
    bool has_columns =
        lp_json_get(text, "columns", &columns) && lp_json_type(columns) == LP_JSON_OBJECT;
    bool has_members =
        lp_json_get(text, "members", &members) && lp_json_type(members) == LP_JSON_OBJECT;

    if (!has_columns && !has_members)
        return read_short(m, text, err);
    if (lp_json_count(text) != (size_t)has_columns + has_members)
        return lp_err_set(err, LP_ERR_CONFIG, "bad_map",
            "beside \"columns\" and \"members\" (objects) there can be nothing");
    if (has_columns && read_columns(m, columns, err) < 0)
        return -1;
    return has_members ? read_members(m, members, err) : 0;
}

static int read_text(struct lp_map *m, struct lp_str text, struct lp_err *err)
{
    const char *why;
    size_t at;

    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = (struct lp_str){text.p + 3, text.n - 3};
    while (text.n > 0 && strchr(" \t\r\n", text.p[0])) {
        text.p++;
        text.n--;
    }
    if (!lp_json_check(text, &at, &why))
        return lp_err_set(err, LP_ERR_CONFIG, "bad_map", "byte %zu: %s", at, why);
    if (lp_json_type(text) != LP_JSON_OBJECT)
        return lp_err_set(err, LP_ERR_CONFIG, "bad_map", "not a JSON object");
    return read_object(m, text, err);
}

int lp_map_read(struct lp_map *m, const char *path, struct lp_err *err)
{
    struct lp_buf text = {0};

    *m = (struct lp_map){0};
    if (lp_file_read(path, LARGEST, &text, err) < 0)
        return -1;
    int rc = read_text(m, lp_buf_view(&text), err);
    lp_buf_free(&text);
    return rc < 0 ? lp_err_prefix(err, "%s: ", path) : 0;
}

void lp_map_free(struct lp_map *m)
{
    for (int i = 0; i < LP_MEMBERS; i++)
        lp_jq_del(m->jq[i]);
    free(m->entry);
    lp_arena_free(&m->arena);
    *m = (struct lp_map){0};
}
