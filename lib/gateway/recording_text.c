#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include "recording.h"
#include "reply.h"

/*
 * Exchanges as JSON and back. Secrets are masked by value in every text, whoever put them there.
 */

/* ---- text ----------------------------------------------------------------------------------- */

static void put_string(struct lp_recording *r, const char *name, struct lp_str text)
{
    lp_buf_reset(&r->part);
    lp_buf_str(&r->part, text);
    lp_log_redact(&r->part);
    lp_json_put_str(&r->line, name, lp_buf_view(&r->part));
}

/* What is no JSON any more once it is masked (a secret that is a word of the format) becomes text, and
 * is no answer in a replay. */
void lp_recording_put_json(struct lp_recording *r, const char *name, struct lp_str json)
{
    size_t at;
    const char *why;
    lp_buf_reset(&r->part);
    lp_json_compact(&r->part, json);
    lp_log_redact(&r->part);
    if (lp_json_check(lp_buf_view(&r->part), &at, &why))
        lp_json_put_raw(&r->line, name, lp_buf_view(&r->part));
    else
        lp_json_put_str(&r->line, name, lp_buf_view(&r->part));
}

/* Bytes that are no text: each is the character of its number, and 0 is U+0100. */
static void put_bytes(struct lp_recording *r, struct lp_str bytes)
{
    lp_buf_reset(&r->part);
    lp_buf_str(&r->part, bytes);
    lp_log_redact(&r->part);
    lp_buf_reset(&r->scratch);
    for (size_t i = 0; i < r->part.len; i++) {
        unsigned char c = (unsigned char)r->part.p[i];
        lp_utf8_put(&r->scratch, c ? c : 0x100);
    }
    lp_json_put_str(&r->line, "body_bytes", lp_buf_view(&r->scratch));
}

static void take_bytes(struct lp_str text, struct lp_buf *out)
{
    size_t n;
    for (size_t i = 0; i < text.n; i += n) {
        uint32_t cp = lp_utf8_decode(text.p + i, text.n - i, &n);
        lp_buf_byte(out, (char)(unsigned char)cp); /* U+0100 ends in 0 */
    }
}

/* ---- HTTP ----------------------------------------------------------------------------------- */

static const char *const faults[] = {[LP_HTTP_NONE] = NULL,
    [LP_HTTP_TIMEOUT] = "timeout",
    [LP_HTTP_DNS] = "dns",
    [LP_HTTP_CONNECT] = "connect",
    [LP_HTTP_NETWORK] = "network",
    [LP_HTTP_TLS] = "tls",
    [LP_HTTP_BAD] = "bad",
    [LP_HTTP_CANCELLED] = "cancelled"};
enum { FAULTS = sizeof faults / sizeof *faults };

void lp_recording_put_response(struct lp_recording *r, const struct lp_http_response *p)
{
    if (p->fault) {
        lp_json_put_str(&r->line, "fault", lp_str(faults[p->fault]));
        put_string(r, "detail", lp_str(p->fault_detail));
    }
    lp_json_put_bool(&r->line, "sent", p->sent);
    if (p->retry_after_ms >= 0)
        lp_json_put_int(&r->line, "retry_after_ms", p->retry_after_ms);
    lp_json_key(&r->line, "response");
    LP_BUF_LIT(&r->line, "{");
    lp_json_put_int(&r->line, "status", p->status);
    lp_recording_put_json(r, "headers", p->headers.n ? p->headers : LP_STR("{}"));
    bool text = lp_utf8_valid(p->body.p, p->body.n) == p->body.n;
    if (text && !(p->body.n && memchr(p->body.p, '\0', p->body.n)))
        put_string(r, "body", p->body);
    else
        put_bytes(r, p->body);
    LP_BUF_LIT(&r->line, "}");
}

static enum lp_http_fault take_fault(struct lp_str line)
{
    struct lp_str v;
    for (int f = LP_HTTP_NONE + 1; lp_json_get(line, "fault", &v) && f < FAULTS; f++)
        if (lp_json_is(v, faults[f]))
            return (enum lp_http_fault)f;
    return LP_HTTP_NONE;
}

/* The slices are of r->part and of the file. */
void lp_recording_take_response(
    struct lp_recording *r, struct lp_str line, struct lp_http_response *p)
{
    struct lp_str v, response;
    *p = (struct lp_http_response){.fault = take_fault(line), .headers = LP_STR("{}")};
    p->sent = lp_json_get(line, "sent", &v) && lp_json_true(v);
    p->retry_after_ms = (int64_t)lp_reply_real(line, "retry_after_ms", -1);
    lp_buf_reset(&r->part);
    if (lp_json_get(line, "detail", &v) && lp_json_decode(v, &r->part))
        snprintf(p->fault_detail, sizeof p->fault_detail, "%s", r->part.p);
    if (!lp_json_get(line, "response", &response))
        return;
    p->status = (int)lp_reply_real(response, "status", 0);
    if (lp_json_get(response, "headers", &v) && lp_json_type(v) == LP_JSON_OBJECT)
        p->headers = v;
    lp_buf_reset(&r->part);
    if (lp_json_get(response, "body_bytes", &v)) {
        lp_buf_reset(&r->scratch);
        lp_json_decode(v, &r->scratch);
        take_bytes(lp_buf_view(&r->scratch), &r->part);
    } else if (lp_json_get(response, "body", &v)) {
        lp_json_decode(v, &r->part);
    }
    p->body = lp_buf_view(&r->part);
}

/* ---- calls ---------------------------------------------------------------------------------- */

void lp_recording_request_of(
    const struct lp_call *call, enum lp_chaos_kind fault, struct lp_buf *json)
{
    LP_BUF_LIT(json, "{");
    lp_json_put_str(json, "capability", lp_str(call->capability));
    lp_json_key(json, "items");
    LP_BUF_LIT(json, "[");
    for (size_t i = 0; i < call->n; i++) {
        if (i)
            lp_buf_byte(json, ',');
        lp_buf_str(json, call->items[i]->json);
    }
    LP_BUF_LIT(json, "]");
    if (call->memo.p)
        lp_json_put_raw(json, "memo", call->memo);
    if (fault)
        lp_json_put_str(json, "chaos", lp_str(lp_chaos_name(fault)));
    LP_BUF_LIT(json, "}");
}

static void put_outcome(struct lp_buf *b, const struct lp_item *item)
{
    const struct lp_answer *a = &item->answer;
    LP_BUF_LIT(b, "{");
    if (item->answered)
        lp_json_put_str(b, "outcome", lp_str(lp_outcome_name(a->outcome)));
    if (item->answered && a->class)
        lp_json_put_str(b, "class", lp_str(lp_class_name(a->class)));
    if (item->answered && a->data.p)
        lp_json_put_raw(b, "data", a->data);
    if (item->answered && a->confidence.p)
        lp_json_put_raw(b, "confidence", a->confidence);
    if (item->answered && a->detail.n)
        lp_json_put_str(b, "detail", a->detail);
    LP_BUF_LIT(b, "}");
}

static void put_results(struct lp_buf *b, const struct lp_call *call)
{
    lp_json_key(b, "results");
    LP_BUF_LIT(b, "[");
    for (size_t i = 0; i < call->n; i++) {
        if (i)
            lp_buf_byte(b, ',');
        put_outcome(b, call->items[i]);
    }
    LP_BUF_LIT(b, "]");
    lp_json_key(b, "usage");
    LP_BUF_LIT(b, "{");
    if (call->credits >= 0)
        lp_json_put_num(b, "credits", call->credits, 6);
    if (call->remaining >= 0)
        lp_json_put_num(b, "remaining", call->remaining, 6);
    LP_BUF_LIT(b, "}");
}

/* As an adapter's `response` would have put it. */
void lp_recording_put_call(struct lp_recording *r, const struct lp_call *call)
{
    struct lp_buf b = {0};
    LP_BUF_LIT(&b, "{");
    if (call->end == LP_CALL_RESULTS) {
        put_results(&b, call);
    } else {
        lp_json_key(&b, call->end == LP_CALL_NEXT ? "next" : "error");
        LP_BUF_LIT(&b, "{");
        if (call->end == LP_CALL_NEXT) {
            lp_json_put_num(&b, "after_s", (double)call->after_ms / 1000, 3);
            lp_json_put_raw(&b, "memo", call->memo);
        } else {
            lp_json_put_str(&b, "class", lp_str(lp_class_name(call->class)));
            lp_json_put_str(&b, "detail", lp_str(call->detail));
            if (call->retry_after_ms >= 0)
                lp_json_put_num(&b, "retry_after_s", (double)call->retry_after_ms / 1000, 3);
        }
        LP_BUF_LIT(&b, "}");
    }
    LP_BUF_LIT(&b, "}");
    lp_recording_put_json(r, "response", lp_buf_view(&b));
    lp_buf_free(&b);
}
