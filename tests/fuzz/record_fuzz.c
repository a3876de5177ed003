/*
 * record_fuzz - any bytes as a line: refused with a reason, or passed on and spliced without damage
 */
#include "leadpipe/record.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "record: does not hold: %s\n", what);
        abort();
    }
}

static void write_again(const struct lp_rec *r, struct lp_buf *out, struct lp_rec *again)
{
    struct lp_err err = {0};
    lp_buf_reset(out);
    lp_rec_write(r, out);
    hold(memchr(out->p, '\n', out->len) == out->p + out->len - 1, "one line is written");
    hold(lp_rec_parse(again, out->p, out->len - 1, &err) == 0, "what is written can be read");
}

static void splice(struct lp_rec *r, struct lp_rec *again, struct lp_buf *out)
{
    struct lp_str v;
    uint32_t before = r->parsed;
    bool had = lp_rec_get(r, "email", &v);
    lp_rec_set_string(r, "email", LP_STR("x\"\n\x01"));
    lp_rec_set(r, "score", LP_STR("{\n\"ltv\": 1.50}"));
    lp_rec_set(r, "score", LP_STR("{\n\"ltv\": 1.5}"));
    write_again(r, out, again);
    hold(
        again->parsed >= before + !had && again->parsed <= before + 2, "members are accounted for");
    hold(lp_rec_is(again, "email", "x\"\n\x01"), "a string set is read back");
    hold(lp_rec_get(again, "score", &v) && lp_str_is(v, "{\"ltv\":1.5}"), "a value too, compacted");
    lp_rec_kind(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct lp_rec r = {0}, again = {0};
    struct lp_buf out = {0};
    struct lp_err err = {0};
    if (lp_rec_parse(&r, (const char *)data, n, &err) == 0) {
        write_again(&r, &out, &again);
        hold(out.len == n + 1 && memcmp(out.p, data, n) == 0,
            "an unchanged record leaves as it came");
        splice(&r, &again, &out);
    } else {
        hold(err.kind == LP_ERR_RECORD && err.code[0] && err.msg[0], "a refusal has its reason");
        hold(r.error_at <= n, "and a place");
        hold(r.members == 0, "and leaves nothing");
    }
    lp_buf_free(&out);
    lp_rec_free(&r);
    lp_rec_free(&again);
    return 0;
}
