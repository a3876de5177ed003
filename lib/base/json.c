/* json - see leadpipe/json.h; the writers are in json_put.c, the checking pass in json_scan.c */
#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "leadpipe/scan.h"
#include "leadpipe/utf8.h"

#include <math.h>
#include <string.h>

/* Text that did not pass lp_json_check gives nonsense here, but is never read past its end. */

bool lp_json_check(struct lp_str text, size_t *at, const char **why)
{
    struct lp_scan s;
    lp_scan_init(&s, text);
    if (lp_scan_text(&s))
        return true;
    *at = (size_t)(s.at - s.text);
    *why = s.fault->why;
    return false;
}

/* --- walking --------------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip_blank(const char *p, const char *end)
{
    while (p < end && blank(*p))
        p++;
    return p;
}

static struct lp_str trim(struct lp_str v)
{
    const char *end = v.p + v.n, *p = skip_blank(v.p, end);
    while (end > p && blank(end[-1]))
        end--;
    return (struct lp_str){p, (size_t)(end - p)};
}

/* p is at the opening quote; to after the closing one. */
static const char *skip_string(const char *p, const char *end)
{
    const char *from = ++p;
    while (p < end) {
        const char *quote = memchr(p, '"', (size_t)(end - p)), *slash = quote;
        if (!quote)
            return end;
        while (slash > from && slash[-1] == '\\')
            slash--;
        if ((quote - slash) % 2 == 0)
            return quote + 1;
        p = quote + 1;
    }
    return end;
}

/* By counting brackets: what passed the check is balanced. */
static const char *skip_value(const char *p, const char *end)
{
    size_t open = 0;
    while (p < end) {
        switch (*p) {
        case '"': p = skip_string(p, end); break;
        case '{':
        case '[':
            open++;
            p++;
            break;
        case '}':
        case ']':
            if (open == 0)
                return p;
            open--;
            p++;
            break;
        case ',':
        case ' ':
        case '\t':
        case '\r':
        case '\n':
            if (open == 0)
                return p;
            p++;
            continue;
        default: p++; continue;
        }
        if (open == 0)
            return p;
    }
    return end;
}

enum lp_json_type lp_json_type(struct lp_str v)
{
    v = trim(v);
    switch (v.n ? *v.p : 'n') {
    case '"': return LP_JSON_STRING;
    case '{': return LP_JSON_OBJECT;
    case '[': return LP_JSON_ARRAY;
    case 't': return LP_JSON_TRUE;
    case 'f': return LP_JSON_FALSE;
    case 'n': return LP_JSON_NULL;
    default: return LP_JSON_NUMBER;
    }
}

struct lp_json_iter lp_json_iter(struct lp_str v)
{
    v = trim(v);
    if (v.n < 2 || (*v.p != '{' && *v.p != '['))
        return (struct lp_json_iter){NULL, NULL};
    return (struct lp_json_iter){v.p + 1, v.p + v.n - 1};
}

bool lp_json_next(struct lp_json_iter *it, struct lp_str *name, struct lp_str *value)
{
    const char *p = skip_blank(it->p, it->end), *end = it->end;
    if (p < end && *p == ',')
        p = skip_blank(p + 1, end);
    if (p >= end)
        return false;
    const char *q = skip_value(p, end), *colon = skip_blank(q, end);
    *name = (struct lp_str){NULL, 0};
    /* A colon after a string tells a member from an element. */
    if (*p == '"' && q - p >= 2 && colon < end && *colon == ':') {
        *name = (struct lp_str){p + 1, (size_t)(q - p) - 2};
        p = skip_blank(colon + 1, end);
        q = skip_value(p, end);
    }
    *value = (struct lp_str){p, (size_t)(q - p)};
    it->p = q > p ? q : end;
    return true;
}

bool lp_json_get(struct lp_str object, const char *name, struct lp_str *value)
{
    struct lp_json_iter it = lp_json_iter(object);
    struct lp_str key, v;
    bool found = false;
    while (lp_json_next(&it, &key, &v)) {
        if (key.p && lp_json_name_is(key, name)) {
            *value = v;
            found = true;
        }
    }
    return found;
}

bool lp_json_path(struct lp_str object, const char *path, struct lp_str *value)
{
    char name[128];
    struct lp_str v = object;
    for (;;) {
        size_t n = strcspn(path, ".");
        if (n >= sizeof name)
            return false;
        memcpy(name, path, n);
        name[n] = '\0';
        if (!lp_json_get(v, name, &v))
            return false;
        if (!path[n])
            break;
        path += n + 1;
    }
    *value = v;
    return true;
}

size_t lp_json_count(struct lp_str array_or_object)
{
    struct lp_json_iter it = lp_json_iter(array_or_object);
    struct lp_str name, value;
    size_t n = 0;
    while (lp_json_next(&it, &name, &value))
        n++;
    return n;
}

void lp_json_compact(struct lp_buf *b, struct lp_str v)
{
    const char *p = v.p, *end = v.p + v.n;
    if (!lp_buf_grow(b, v.n))
        return;
    while ((p = skip_blank(p, end)) < end) {
        const char *q = p;
        while (q < end && !blank(*q))
            q = *q == '"' ? skip_string(q, end) : q + 1;
        lp_buf_add(b, p, (size_t)(q - p));
        p = q;
    }
}

/* --- strings --------------------------------------------------------------------------------- */

/* What stands between a string's quotes; p NULL if the value is no string. */
static struct lp_str inside(struct lp_str v)
{
    v = trim(v);
    if (v.n < 2 || v.p[0] != '"' || v.p[v.n - 1] != '"')
        return (struct lp_str){NULL, 0};
    return (struct lp_str){v.p + 1, v.n - 2};
}

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t c = (unsigned char)p[i];
        v = v << 4 | ((c & 0xF) + (c > '9' ? 9 : 0));
    }
    return v;
}

/* The bytes of the escape at *p, which moves past it. */
static size_t unescape_one(const char **p, const char *end, char out[4])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *e = *p;
    if (end - e < 2 || (e[1] == 'u' && end - e < 6)) {
        *p = end;
        return 0;
    }
    *p = e + (e[1] == 'u' ? 6 : 2);
    if (e[1] != 'u') {
        const char *known = memchr(from, e[1], 5);
        out[0] = known ? to[known - from] : e[1];
        return 1;
    }
    uint32_t cp = hex4(e + 2);
    if ((cp & 0xFC00) == 0xD800 && end - e >= 12 && e[6] == '\\' && e[7] == 'u') {
        cp = 0x10000 + ((cp & 0x3FF) << 10) + (hex4(e + 8) & 0x3FF);
        *p = e + 12;
    }
    return lp_utf8_encode(cp, out);
}

/* Into `out`, which has room for raw.n bytes: no escape is shorter than what it stands for. */
static size_t unescape(struct lp_str raw, char *out)
{
    const char *p = raw.p, *end = p + raw.n;
    size_t n = 0;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((slash ? slash : end) - p);
        memcpy(out + n, p, run);
        n += run;
        p += run;
        if (slash) {
            char bytes[4];
            size_t len = unescape_one(&p, end, bytes);
            memcpy(out + n, bytes, len);
            n += len;
        }
    }
    return n;
}

bool lp_json_decode(struct lp_str v, struct lp_buf *out)
{
    struct lp_str raw = inside(v);
    if (!raw.p)
        return false;
    if (!lp_buf_grow(out, raw.n + 1))
        return true;
    out->len += unescape(raw, out->p + out->len);
    out->p[out->len] = '\0';
    return true;
}

bool lp_json_string(struct lp_str v, struct lp_arena *a, struct lp_str *out)
{
    struct lp_str raw = inside(v);
    if (!raw.p)
        return false;
    if (memchr(raw.p, '\\', raw.n)) {
        char *copy = lp_arena_alloc(a, raw.n + 1);
        raw.n = unescape(raw, copy);
        copy[raw.n] = '\0';
        raw.p = copy;
    }
    *out = raw;
    return true;
}

bool lp_json_name_is(struct lp_str raw, const char *s)
{
    size_t n = strlen(s);
    if (raw.n < n)
        return false;
    if (raw.n == n)
        return memcmp(raw.p, s, n) == 0 && !memchr(s, '\\', n);
    const char *p = raw.p, *end = p + raw.n;
    while (p < end) {
        char bytes[4] = {*p};
        size_t len = *p == '\\' ? unescape_one(&p, end, bytes) : (p++, 1);
        if (len > n || memcmp(s, bytes, len) != 0)
            return false;
        s += len;
        n -= len;
    }
    return n == 0;
}

bool lp_json_is(struct lp_str v, const char *s)
{
    struct lp_str raw = inside(v);
    return raw.p && lp_json_name_is(raw, s);
}

/* --- numbers and truth ----------------------------------------------------------------------- */

bool lp_json_int(struct lp_str v, int64_t *out)
{
    double real;
    v = trim(v);
    if (lp_json_type(v) != LP_JSON_NUMBER)
        return false;
    if (lp_num_int(v, out))
        return true;
    /* 3.0 and 1e3 have no fraction either; beyond 2^53 the double could be another number. */
    if (!lp_num_real(v, &real) || fabs(real) > 0x1p53 || real != trunc(real))
        return false;
    *out = (int64_t)real;
    return true;
}

bool lp_json_real(struct lp_str v, double *out)
{
    v = trim(v);
    return lp_json_type(v) == LP_JSON_NUMBER && lp_num_real(v, out);
}

bool lp_json_true(struct lp_str v)
{
    return lp_json_type(v) == LP_JSON_TRUE;
}
