/* json_put - the writers of leadpipe/json.h */
#include "leadpipe/json.h"
#include "leadpipe/num.h"

#include <string.h>

#define ALL(byte) (UINT64_C(0x0101010101010101) * (byte))

static bool must_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

/* Is some byte of x zero? (The bits above the first zero byte may lie, the answer does not.) */
static uint64_t any_zero(uint64_t x)
{
    return (x - ALL(1)) & ~x & ALL(0x80);
}

/* To the first byte that must be escaped, or the end. */
static const char *plain_run(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t x;
        memcpy(&x, p, sizeof x);
        uint64_t control = (x - ALL(0x20)) & ~x & ALL(0x80);
        if (control | any_zero(x ^ ALL('"')) | any_zero(x ^ ALL('\\')))
            break;
    }
    while (p < end && !must_escape((unsigned char)*p))
        p++;
    return p;
}

static void put_escaped(struct lp_buf *b, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    const char *short_form = memchr(from, c, sizeof from - 1);
    if (short_form) {
        char two[2] = {'\\', to[short_form - from]};
        lp_buf_add(b, two, sizeof two);
    } else if (c == 0) {
        /* No reader of ours takes \u0000, so it would cost the whole record. */
        LP_BUF_LIT(b, "\xEF\xBF\xBD");
    } else {
        char six[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 0xF]};
        lp_buf_add(b, six, sizeof six);
    }
}

void lp_json_put(struct lp_buf *b, struct lp_str s)
{
    const char *p = s.p, *end = s.p + s.n;
    lp_buf_byte(b, '"');
    while (p < end) {
        const char *q = plain_run(p, end);
        lp_buf_add(b, p, (size_t)(q - p));
        p = q;
        if (p < end)
            put_escaped(b, (unsigned char)*p++);
    }
    lp_buf_byte(b, '"');
}

void lp_json_key(struct lp_buf *b, const char *name)
{
    if (b->len > 0 && b->p[b->len - 1] != '{')
        lp_buf_byte(b, ',');
    lp_json_put(b, lp_str(name));
    lp_buf_byte(b, ':');
}

void lp_json_put_str(struct lp_buf *b, const char *name, struct lp_str s)
{
    lp_json_key(b, name);
    lp_json_put(b, s);
}

void lp_json_put_raw(struct lp_buf *b, const char *name, struct lp_str json)
{
    lp_json_key(b, name);
    lp_buf_str(b, json);
}

void lp_json_put_int(struct lp_buf *b, const char *name, int64_t v)
{
    lp_json_key(b, name);
    lp_buf_int(b, v);
}

void lp_json_put_num(struct lp_buf *b, const char *name, double v, int decimals)
{
    lp_json_key(b, name);
    lp_num_put(b, v, decimals);
}

void lp_json_put_bool(struct lp_buf *b, const char *name, bool v)
{
    lp_json_key(b, name);
    lp_buf_puts(b, v ? "true" : "false");
}
