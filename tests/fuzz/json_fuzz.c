/*
 * json_fuzz - any bytes at the JSON scanner and readers
 *
 * Holds: the plain and the vector scanner tell the same; what passes can be walked, decoded and
 * compacted without a byte read outside the text, and stays valid when compacted.
 */
#include "plain_scan.h"
#include "leadpipe/json.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "json: does not hold: %s\n", what);
        abort();
    }
}

/* `valid` false: nonsense may come out, but nothing is read past the end. */
static void walk(struct lp_str v, bool valid, struct lp_buf *text, unsigned depth)
{
    struct lp_json_iter it = lp_json_iter(v);
    struct lp_str name, value;
    double real;
    int64_t whole;
    size_t seen = 0;
    for (; lp_json_next(&it, &name, &value); seen++) {
        if (name.p)
            lp_json_name_is(name, "em\xC3\xA9");
        if (depth < 300)
            walk(value, valid, text, depth + 1);
    }
    hold(seen == lp_json_count(v), "count is what the walk sees");
    if (lp_json_type(v) == LP_JSON_STRING) {
        lp_buf_reset(text);
        hold(lp_json_decode(v, text) || !valid, "strings decode");
        hold(!valid || !memchr(text->p, 0, text->len), "no NUL comes out");
    }
    if (lp_json_int(v, &whole))
        hold(lp_json_real(v, &real), "integers are numbers");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct lp_scan a, b;
    struct lp_str text = {(const char *)data, n};
    size_t at;
    const char *why;
    lp_scan_init(&a, text);
    plain_init(&b, text);
    bool ok = lp_scan_text(&a);
    hold(ok == plain_text(&b), "both scanners agree");
    hold(ok || (a.at == b.at && a.fault->why[0] == b.fault->why[0]), "and on the fault");
    hold(ok || a.at <= a.end, "the fault lies in the text");
    struct lp_buf out = {0};
    walk(text, ok, &out, 0);
    if (ok) {
        struct lp_buf compact = {0};
        lp_json_compact(&compact, text);
        hold(lp_json_check(lp_buf_view(&compact), &at, &why), "compacted text is valid");
        hold(!memchr(compact.p, '\n', compact.len), "compacted text is one line");
        lp_buf_free(&compact);
    }
    lp_buf_free(&out);
    return 0;
}
