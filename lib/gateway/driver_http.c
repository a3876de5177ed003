#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/clock.h"
#include "leadpipe/utf8.h"
#include "recording.h"
#include "reply.h"
#include "wire.h"

/*
 * One try of a call over HTTP: the adapter's `request` makes a description, secrets are put in
 * place of their tokens here (jq never sees them), and the adapter's `response` judges what came
 * back.
 */

struct exchange {
    struct lp_call *call; /* NULL: cancelled, whatever comes is thrown away */
    struct http_provider *owner;
    struct exchange *next;
};

struct http_provider {
    struct lp_gateway *gateway;
    struct lp_jq_kept *settings;
    bool
        text_on_errors; /* the adapter wants the raw body only where it did not parse or is bad news */
    struct lp_buf in, out, scratch;
    struct lp_wire wire;
    struct exchange *live;
};

static int open_http(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    if (!g->http && !(g->http = lp_http_new(err)))
        return -1;
    if (lp_adapter_compile(p->adapter, g->asking ? LP_ADAPTER_ASK : LP_ADAPTER_CHECK, err))
        return -1;
    struct http_provider *h = lp_alloc(sizeof *h);
    h->gateway = g;
    struct lp_buf settings = {0};
    struct lp_str v;
    lp_provider_settings_json(p, &settings);
    h->settings = lp_jq_keep(lp_buf_view(&settings));
    lp_buf_free(&settings);
    h->text_on_errors =
        lp_json_get(lp_buf_view(&p->adapter->meta), "text", &v) && lp_json_is(v, "errors");
    p->handle = h;
    return 0;
}

static void close_http(struct lp_provider *p)
{
    struct http_provider *h = p->handle;
    if (!h)
        return;
    while (h->live) {
        struct exchange *x = h->live;
        h->live = x->next;
        free(x);
    }
    lp_buf_free(&h->in);
    lp_buf_free(&h->out);
    lp_buf_free(&h->scratch);
    lp_wire_free(&h->wire);
    lp_jq_kept_del(h->settings);
    free(h);
    p->handle = NULL;
}

/* ---- judging what came back ----------------------------------------------------------------- */

static void put_items(struct lp_call *call, struct lp_buf *b)
{
    lp_buf_byte(b, '[');
    for (size_t i = 0; i < call->n; i++) {
        if (i)
            lp_buf_byte(b, ',');
        lp_buf_str(b, call->items[i]->json);
    }
    lp_buf_byte(b, ']');
}

/* The class of a check that failed without saying why; one that was answered well all the same had
 * its credentials refused, for what else is there to check? */
static enum lp_class check_class(int status)
{
    static const struct {
        int status;
        enum lp_class class;
    } table[] = {{401, LP_AUTH}, {403, LP_AUTH}, {407, LP_AUTH}, {402, LP_QUOTA}, {408, LP_TIMEOUT},
        {429, LP_RATE_LIMITED}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].status == status)
            return table[i].class;
    if (status >= 200 && status < 300)
        return LP_AUTH;
    return status >= 500 ? LP_SERVER : LP_BAD_RESPONSE;
}

/* What `checked` said: {ok, detail, remaining}, and {class, reset_at} where the status does not tell
 * it. */
static void take_checked(struct http_provider *h, struct lp_call *call, struct lp_str reply)
{
    struct lp_str v;
    enum lp_class class = check_class(call->http_status);
    if (lp_json_get(reply, "error", &v)) {
        lp_reply_error(call, v, &h->scratch);
        return;
    }
    call->remaining = lp_reply_real(reply, "remaining", -1);
    lp_reply_wait(call, reply, &h->scratch);
    lp_reply_class(reply, &class);
    lp_reply_text(reply, "detail", &h->scratch);
    const char *detail = h->scratch.p ? h->scratch.p : "";
    if (lp_json_get(reply, "ok", &v) && lp_json_true(v)) {
        lp_utf8_copy(call->detail, sizeof call->detail, lp_str(detail));
        lp_call_results(call);
    } else {
        lp_call_error(call, class, detail);
    }
}

static int run_jq(struct lp_call *call, const char *function, const struct lp_http_response *r,
    struct lp_err *err)
{
    struct http_provider *h = call->provider->handle;
    size_t at;
    const char *why;
    bool parsed = r && r->body.n && lp_json_check(r->body, &at, &why);
    lp_buf_reset(&h->in);
    lp_buf_reset(&h->out);
    put_items(call, &h->in);
    bool brief = h->text_on_errors && parsed && r->status >= 200 && r->status < 300;
    struct lp_jq_part parts[] = {
        {.name = "call", .kind = LP_JQ_TEXT, .text = lp_str(function)},
        {.name = "capability", .kind = LP_JQ_TEXT, .text = lp_str(call->capability)},
        {.name = "settings", .kind = LP_JQ_KEPT, .kept = h->settings},
        {.name = "items", .kind = LP_JQ_JSON, .text = lp_buf_view(&h->in)},
        {.name = "memo", .kind = call->memo.p ? LP_JQ_JSON : LP_JQ_NULL, .text = call->memo},
        {.name = "status", .kind = LP_JQ_REAL, .real = r ? r->status : 0},
        {.name = "headers", .kind = LP_JQ_JSON, .text = r ? r->headers : LP_STR("{}")},
        {.name = "body",
            .kind = parsed ? LP_JQ_JSON : LP_JQ_NULL,
            .text = r ? r->body : LP_STR("")},
        {.name = "text", .kind = brief ? LP_JQ_NULL : LP_JQ_TEXT, .text = r ? r->body : LP_STR("")},
    };
    enum lp_adapter_use use = call->check ? LP_ADAPTER_CHECK : LP_ADAPTER_ASK;
    return lp_jq_run(call->provider->adapter->jq[use], parts, r ? 9 : 5, &h->out, err);
}

static enum lp_class fault_class(enum lp_http_fault f)
{
    static const enum lp_class classes[] = {[LP_HTTP_NONE] = LP_CLASS_NONE,
        [LP_HTTP_TIMEOUT] = LP_TIMEOUT,
        [LP_HTTP_DNS] = LP_DNS,
        [LP_HTTP_CONNECT] = LP_NETWORK,
        [LP_HTTP_NETWORK] = LP_NETWORK,
        [LP_HTTP_TLS] = LP_TLS,
        [LP_HTTP_BAD] = LP_BAD_RESPONSE,
        [LP_HTTP_CANCELLED] = LP_STOPPED};
    return classes[f];
}

static void forget(struct http_provider *h, struct exchange *x)
{
    struct exchange **at = &h->live;
    while (*at && *at != x)
        at = &(*at)->next;
    if (*at)
        *at = x->next;
    free(x);
}

static void arrived(void *arg, const struct lp_http_response *r)
{
    struct exchange *x = arg;
    struct lp_call *call = x->call;
    struct lp_err err = {0};
    struct http_provider *h = x->owner;
    forget(h, x);
    if (!call)
        return;
    call->driver = NULL;
    call->sent = r->sent;
    call->http_status = r->status;
    call->latency_ms = r->latency_ms;
    call->retry_after_ms = r->retry_after_ms;
    if (r->fault != LP_HTTP_NONE)
        lp_call_error(call, fault_class(r->fault), r->fault_detail);
    else if (run_jq(call, call->check ? "checked" : "response", r, &err))
        lp_call_error(call, LP_BAD_RESPONSE, err.msg);
    else if (call->check)
        take_checked(h, call, lp_buf_view(&h->out));
    else
        lp_reply_take(call, lp_buf_view(&h->out), &h->scratch);
}

/* Recorded requests are made twice: for the file, with masks in the places of secrets, and to be sent. */
static bool make_request(struct http_provider *h, struct lp_provider *p, struct lp_str description)
{
    struct lp_gateway *g = h->gateway;
    h->wire.masked = g->recording != NULL;
    if (!lp_wire_make(&h->wire, p, description))
        return false;
    if (!g->recording)
        return true;
    lp_buf_reset(&h->scratch);
    lp_wire_put(&h->wire, &h->scratch);
    h->wire.masked = false;
    return lp_recording_replays(g) || lp_wire_make(&h->wire, p, description);
}

static int transmit(struct http_provider *h, struct exchange *x, struct lp_err *err)
{
    struct lp_gateway *g = h->gateway;
    const struct lp_http_request *q = &h->wire.request;
    if (!g->recording)
        return lp_http_send(g->http, q, arrived, x, err);
    return lp_recording_send(x->call, lp_buf_view(&h->scratch), q, arrived, x, err);
}

static void send_request(struct lp_provider *p, struct lp_call *call, struct lp_str description)
{
    struct http_provider *h = p->handle;
    struct lp_err err = {0};
    if (!make_request(h, p, description)) {
        lp_call_error(call, LP_CONFIG, "the adapter gave no url");
        return;
    }
    h->wire.request.deadline = call->deadline;
    struct exchange *x = lp_alloc(sizeof *x);
    x->call = call;
    x->owner = h;
    x->next = h->live;
    h->live = x;
    call->driver = x;
    if (transmit(h, x, &err)) {
        forget(h, x);
        call->driver = NULL;
        lp_call_error(call, LP_CONFIG, err.msg);
    }
    lp_wire_wipe(&h->wire);
}

static void start_http(struct lp_provider *p, struct lp_call *call)
{
    struct http_provider *h = p->handle;
    struct lp_err err = {0};
    struct lp_str v;
    if (run_jq(call, call->check ? "check" : "request", NULL, &err)) {
        lp_call_error(call, LP_CONFIG, err.msg);
        return;
    }
    struct lp_str reply = lp_buf_view(&h->out);
    call->nothing = call->check && lp_json_type(reply) == LP_JSON_NULL;
    if (call->nothing)
        lp_call_results(call);
    else if (lp_json_get(reply, "url", &v))
        send_request(p, call, reply);
    else if (call->check)
        take_checked(h, call, reply);
    else
        lp_reply_take(call, reply, &h->scratch);
}

static void cancel_http(struct lp_provider *p, struct lp_call *call)
{
    struct exchange *x = call->driver;
    struct http_provider *h = p->handle;
    if (!x)
        return;
    call->driver = NULL;
    x->call = NULL; /* freed when the exchange ends, or with its provider */
    if (lp_recording_forget(h->gateway, x))
        forget(h, x);
}

const struct lp_driver lp_driver_http = {
    .name = "http",
    .open = open_http,
    .close = close_http,
    .start = start_http,
    .cancel = cancel_http,
    .check = start_http,
};
