/* Header lines of a response; see leadpipe/http_head.h. */
#include "leadpipe/http_head.h"
#include "leadpipe/clock.h"
#include "leadpipe/json.h"
#include "leadpipe/num.h"
#include "leadpipe/utf8.h"

/* Nobody waits longer, and the product with 1000 must not overflow. */
#define RETRY_AFTER_MAX_S (INT64_C(10) * 366 * 86400)

void lp_http_head_reset(struct lp_http_head *h)
{
    lp_buf_reset(&h->text);
    h->fields = h->lines = 0;
    h->seen = 0;
    h->complete = false;
}

void lp_http_head_free(struct lp_http_head *h)
{
    lp_buf_free(&h->text);
    lp_http_head_reset(h);
}

static struct lp_str trim(const char *p, size_t n)
{
    while (n && (p[n - 1] == '\r' || p[n - 1] == '\n' || p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    while (n && (*p == ' ' || *p == '\t')) {
        p++;
        n--;
    }
    return (struct lp_str){p, n};
}

/* A folded line continues the field before it, which is the last thing in `text`. */
static void fold(struct lp_http_head *h, struct lp_str more)
{
    if (!h->fields)
        return;
    struct lp_http_field *f = &h->field[h->fields - 1];
    if (f->value_len && more.n) {
        lp_buf_byte(&h->text, ' ');
        f->value_len++;
    }
    lp_buf_str(&h->text, more);
    f->value_len += (uint32_t)more.n;
}

static void add(struct lp_http_head *h, struct lp_str name, struct lp_str value)
{
    struct lp_http_field *f = &h->field[h->fields++];
    *f = (struct lp_http_field){.name_at = (uint32_t)h->text.len, .name_len = (uint32_t)name.n};
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        lp_buf_byte(&h->text, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    f->value_at = (uint32_t)h->text.len;
    f->value_len = (uint32_t)value.n;
    lp_buf_str(&h->text, value);
}

bool lp_http_head_line(struct lp_http_head *h, const char *line, size_t n)
{
    h->seen += n;
    h->lines++;
    if (h->seen > LP_HTTP_HEAD_MAX || h->lines > LP_HTTP_HEAD_LINES)
        return false;
    struct lp_str all = trim(line, n);
    if (n >= 5 && memcmp(line, "HTTP/", 5) == 0) { /* a new response: what came before is void */
        lp_buf_reset(&h->text);
        h->fields = 0;
        h->complete = false;
        return true;
    }
    if (all.n == 0) {
        h->complete = true;
        return true;
    }
    if (h->complete)
        return true;
    if (line[0] == ' ' || line[0] == '\t') {
        fold(h, all);
        return true;
    }
    const char *colon = memchr(all.p, ':', all.n);
    if (!colon)
        return true;
    size_t at = (size_t)(colon - all.p);
    add(h, trim(all.p, at), trim(colon + 1, all.n - at - 1));
    return true;
}

static struct lp_str name_of(const struct lp_http_head *h, unsigned i)
{
    return (struct lp_str){h->text.p + h->field[i].name_at, h->field[i].name_len};
}

static struct lp_str value_of(const struct lp_http_head *h, unsigned i)
{
    return (struct lp_str){h->text.p + h->field[i].value_at, h->field[i].value_len};
}

bool lp_http_head_get(const struct lp_http_head *h, const char *name, struct lp_str *value)
{
    for (unsigned i = 0; i < h->fields; i++)
        if (lp_str_is(name_of(h, i), name)) {
            *value = value_of(h, i);
            return true;
        }
    return false;
}

/* The next field named as number i, or h->fields. At most 512 fields: looking is cheap. */
static unsigned twin(const struct lp_http_head *h, unsigned i, unsigned from)
{
    struct lp_str name = name_of(h, i);
    while (from < h->fields && !lp_str_eq(name_of(h, from), name))
        from++;
    return from;
}

static void put(struct lp_buf *out, struct lp_str s)
{
    if (lp_utf8_valid(s.p, s.n) == s.n) {
        lp_json_put(out, s);
        return;
    }
    struct lp_buf whole = {0};
    lp_utf8_repair(&whole, s.p, s.n);
    lp_json_put(out, lp_buf_view(&whole));
    lp_buf_free(&whole);
}

void lp_http_head_json(const struct lp_http_head *h, struct lp_buf *out)
{
    struct lp_buf joined = {0};
    bool first = true;
    lp_buf_byte(out, '{');
    for (unsigned i = 0; i < h->fields; i++) {
        if (twin(h, i, 0) < i)
            continue;
        if (!first)
            lp_buf_byte(out, ',');
        first = false;
        put(out, name_of(h, i));
        lp_buf_byte(out, ':');
        unsigned next = twin(h, i, i + 1);
        if (next == h->fields) {
            put(out, value_of(h, i));
            continue;
        }
        lp_buf_reset(&joined);
        lp_buf_str(&joined, value_of(h, i));
        for (; next < h->fields; next = twin(h, i, next + 1)) {
            LP_BUF_LIT(&joined, ", ");
            lp_buf_str(&joined, value_of(h, next));
        }
        put(out, lp_buf_view(&joined));
    }
    lp_buf_byte(out, '}');
    lp_buf_free(&joined);
}

/* By the server's clock, which is the one its dates are of; ours may be wrong. */
static int64_t sent_at(const struct lp_http_head *h)
{
    struct lp_str value;
    int64_t at;
    bool told = lp_http_head_get(h, "date", &value) && lp_clock_parse_http(value, &at);
    return told ? at : lp_clock_real();
}

int64_t lp_http_head_retry_after(const struct lp_http_head *h)
{
    struct lp_str value;
    int64_t seconds, at;
    if (!lp_http_head_get(h, "retry-after", &value))
        return -1;
    if (lp_num_int(value, &seconds) && seconds >= 0)
        return (seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000;
    if (!lp_clock_parse_http(value, &at))
        return -1;
    int64_t wait = at - sent_at(h);
    return wait < 0 ? 0 : wait < RETRY_AFTER_MAX_S * 1000 ? wait : RETRY_AFTER_MAX_S * 1000;
}
