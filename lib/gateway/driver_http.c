#include <stdio.h>
#include <stdlib.h>
#include "gateway.h"
#include "leadpipe/clock.h"

/*
 * One try of a call over HTTP: the adapter's `request` makes a description, secrets are put in
 * place of their tokens here (jq never sees them), and the adapter's `response` judges what came
 * back.
 */

struct exchange {
    struct lp_call *call; /* NULL: cancelled, whatever comes is thrown away */
    struct exchange *next;
};

struct http_provider {
    struct lp_gateway *gateway;
    struct lp_jq_kept *settings;
    bool
        text_on_errors; /* the adapter wants the raw body only where it did not parse or is bad news */
    struct lp_buf in, out, url, body, scratch;
    struct lp_buf header_text;
    const char **headers;
    size_t n_headers, header_room;
    struct exchange *live;
};

static int open_http(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    if (!g->http && !(g->http = lp_http_new(err)))
        return -1;
    if (lp_adapter_compile(p->adapter, err))
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
    struct lp_buf *bufs[] = {&h->in, &h->out, &h->url, &h->body, &h->scratch, &h->header_text};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        lp_buf_free(bufs[i]);
    lp_jq_kept_del(h->settings);
    free(h->headers);
    free(h);
    p->handle = NULL;
}

/* ---- secrets into their places ------------------------------------------------------------- */

enum place { IN_HEADER, IN_URL, IN_QUERY, IN_JSON };

static void percent(struct lp_buf *b, struct lp_str s)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c && strchr(plain, c))
            lp_buf_byte(b, (char)c);
        else
            lp_buf_printf(b, "%%%02X", c);
    }
}

static void put_json_inner(struct lp_buf *b, struct lp_str s)
{
    struct lp_buf quoted = {0};
    lp_json_put(&quoted, s);
    lp_buf_add(b, quoted.p + 1, quoted.len - 2);
    explicit_bzero(quoted.p, quoted.len);
    lp_buf_free(&quoted);
}

static void put_secret(struct lp_buf *b, struct lp_str secret, enum place place, bool at_start)
{
    if (place == IN_QUERY || (place == IN_URL && !at_start))
        percent(b, secret);
    else if (place == IN_JSON)
        put_json_inner(b, secret);
    else
        lp_buf_str(b, secret);
}

/* Appends text with every token replaced. Tokens are random and made in this process, so text that
 * holds one can only come from the settings the adapter was given. */
static void fill(
    struct lp_buf *b, const struct lp_provider *p, struct lp_str text, enum place place)
{
    const char *at = text.p, *end = text.p + text.n;
    while (at < end) {
        const char *hit = memmem(at, (size_t)(end - at), "lps-", 4);
        const struct lp_provider_setting *found = NULL;
        for (size_t i = 0; hit && i < p->n_settings && !found; i++) {
            const struct lp_provider_setting *s = &p->settings[i];
            size_t n = strlen(s->token);
            if (s->secret && n && (size_t)(end - hit) >= n && memcmp(hit, s->token, n) == 0)
                found = s;
        }
        const char *stop = found ? hit : hit ? hit + 4 : end;
        lp_buf_add(b, at, (size_t)(stop - at));
        at = stop;
        if (found) {
            put_secret(b, found->value, place, hit == text.p);
            at += strlen(found->token);
        }
    }
}

/* ---- from the adapter's description to a request ------------------------------------------ */

/* A query or header value as text: strings decoded, numbers and booleans as they stand. */
static bool scalar(struct lp_str v, struct lp_buf *out)
{
    lp_buf_reset(out);
    enum lp_json_type t = lp_json_type(v);
    if (t == LP_JSON_STRING)
        return lp_json_decode(v, out);
    if (t != LP_JSON_NUMBER && t != LP_JSON_TRUE && t != LP_JSON_FALSE)
        return false;
    lp_buf_str(out, v);
    return true;
}

static void put_query(struct lp_provider *p, struct lp_str name, struct lp_str value)
{
    struct http_provider *h = p->handle;
    if (!scalar(value, &h->scratch))
        return;
    lp_buf_byte(&h->url, memchr(h->url.p, '?', h->url.len) ? '&' : '?');
    percent(&h->url, name);
    lp_buf_byte(&h->url, '=');
    struct lp_buf encoded = {0};
    percent(&encoded, lp_buf_view(&h->scratch));
    fill(&h->url, p, lp_buf_view(&encoded), IN_QUERY);
    lp_buf_free(&encoded);
}

static bool make_url(struct lp_provider *p, struct lp_str request)
{
    struct http_provider *h = p->handle;
    struct lp_str v, name, value, each;
    lp_buf_reset(&h->url);
    lp_buf_reset(&h->scratch);
    if (!lp_json_get(request, "url", &v) || !lp_json_decode(v, &h->scratch))
        return false;
    fill(&h->url, p, lp_buf_view(&h->scratch), IN_URL);
    if (!lp_json_get(request, "query", &v))
        return true;
    struct lp_json_iter it = lp_json_iter(v);
    while (lp_json_next(&it, &name, &value)) {
        if (lp_json_type(value) != LP_JSON_ARRAY) {
            put_query(p, name, value);
            continue;
        }
        struct lp_json_iter elements = lp_json_iter(value);
        struct lp_str none;
        while (lp_json_next(&elements, &none, &each))
            put_query(p, name, each);
    }
    return true;
}

static void make_headers(struct lp_provider *p, struct lp_str request, bool json_body)
{
    struct http_provider *h = p->handle;
    struct lp_str all, name, value;
    bool typed = false;
    size_t n = 0, at[64];
    lp_buf_reset(&h->header_text);
    if (lp_json_get(request, "headers", &all)) {
        struct lp_json_iter it = lp_json_iter(all);
        while (n < 60 && lp_json_next(&it, &name, &value)) {
            if (!scalar(value, &h->scratch))
                continue;
            typed = typed || (name.n == 12 && strncasecmp(name.p, "content-type", 12) == 0);
            at[n++] = h->header_text.len;
            lp_buf_str(&h->header_text, name);
            LP_BUF_LIT(&h->header_text, ": ");
            fill(&h->header_text, p, lp_buf_view(&h->scratch), IN_HEADER);
            lp_buf_byte(&h->header_text, '\0');
        }
    }
    if (json_body && !typed) {
        at[n++] = h->header_text.len;
        LP_BUF_LIT(&h->header_text, "Content-Type: application/json\0");
    }
    if (n + 1 > h->header_room)
        h->headers = lp_realloc_array(h->headers, h->header_room = n + 8, sizeof *h->headers);
    for (size_t i = 0; i < n; i++)
        h->headers[i] = h->header_text.p + at[i];
    h->headers[n] = NULL;
}

static bool make_body(struct lp_provider *p, struct lp_str request, bool *json)
{
    struct http_provider *h = p->handle;
    struct lp_str v;
    lp_buf_reset(&h->body);
    *json = false;
    if (!lp_json_get(request, "body", &v) || lp_json_type(v) == LP_JSON_NULL)
        return false;
    if (lp_json_type(v) == LP_JSON_STRING) {
        lp_buf_reset(&h->scratch);
        lp_json_decode(v, &h->scratch);
        fill(&h->body, p, lp_buf_view(&h->scratch), IN_HEADER);
        return true;
    }
    *json = true;
    fill(&h->body, p, v, IN_JSON);
    return true;
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

static struct lp_str text_of(struct lp_str object, const char *name, struct lp_buf *out)
{
    struct lp_str v;
    lp_buf_reset(out);
    if (!lp_json_get(object, name, &v) || !lp_json_decode(v, out))
        return (struct lp_str){0};
    return lp_buf_view(out);
}

static void take_item(struct lp_item *item, struct lp_str result, struct lp_buf *scratch)
{
    struct lp_str v, data = {0}, confidence = {0};
    enum lp_outcome outcome;
    enum lp_class class = LP_CLASS_NONE;
    if (!lp_json_get(result, "outcome", &v) || v.n < 2 ||
        !lp_outcome_from((struct lp_str){v.p + 1, v.n - 2}, &outcome))
        return;
    if (lp_json_get(result, "class", &v) && v.n > 2)
        lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &class);
    if (outcome == LP_ERROR && class == LP_CLASS_NONE)
        class = LP_BAD_RESPONSE;
    if (lp_json_get(result, "data", &v) && lp_json_type(v) == LP_JSON_OBJECT)
        data = v;
    if (lp_json_get(result, "confidence", &v) &&
        (lp_json_type(v) == LP_JSON_NUMBER || lp_json_type(v) == LP_JSON_OBJECT))
        confidence = v;
    lp_item_answer(item, outcome, class, data, confidence, text_of(result, "detail", scratch));
}

static double real_at(struct lp_str object, const char *path, double preset)
{
    struct lp_str v;
    double d;
    return lp_json_path(object, path, &v) && lp_json_real(v, &d) ? d : preset;
}

static void take_error(struct lp_call *call, struct lp_str error, struct lp_buf *scratch)
{
    struct lp_str v;
    enum lp_class class = LP_BAD_RESPONSE;
    if (lp_json_get(error, "class", &v) && v.n > 2)
        lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &class);
    double after = real_at(error, "retry_after_s", -1);
    if (after >= 0)
        call->retry_after_ms = (int64_t)(after * 1000);
    text_of(error, "detail", scratch);
    lp_call_error(call, class, scratch->p ? scratch->p : "");
}

/* What `response` (or `request`, which may answer at once) said. */
static void take_reply(struct http_provider *h, struct lp_call *call, struct lp_str reply)
{
    struct lp_str v, name, each, memo;
    call->credits = real_at(reply, "usage.credits", -1);
    call->remaining = real_at(reply, "usage.remaining", -1);
    if (lp_json_get(reply, "error", &v)) {
        take_error(call, v, &h->scratch);
    } else if (lp_json_get(reply, "next", &v)) {
        double after = real_at(v, "after_s", 0);
        if (!lp_json_get(v, "memo", &memo))
            memo = LP_STR("null");
        lp_call_next(call, (int64_t)(after * 1000), memo);
    } else if (lp_json_get(reply, "results", &v) && lp_json_type(v) == LP_JSON_ARRAY) {
        struct lp_json_iter it = lp_json_iter(v);
        for (size_t i = 0; i < call->n && lp_json_next(&it, &name, &each); i++)
            take_item(call->items[i], each, &h->scratch);
        lp_call_results(call);
    } else {
        lp_call_error(call, LP_BAD_RESPONSE, "the adapter gave neither results, next nor error");
    }
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

/* What `checked` said: {ok, detail, remaining}, and {class} where the status does not tell it. */
static void take_checked(struct http_provider *h, struct lp_call *call, struct lp_str reply)
{
    struct lp_str v;
    enum lp_class class = check_class(call->http_status);
    if (lp_json_get(reply, "error", &v)) {
        take_error(call, v, &h->scratch);
        return;
    }
    call->remaining = real_at(reply, "remaining", -1);
    if (lp_json_get(reply, "class", &v) && v.n > 2)
        lp_class_from((struct lp_str){v.p + 1, v.n - 2}, &class);
    text_of(reply, "detail", &h->scratch);
    const char *detail = h->scratch.p ? h->scratch.p : "";
    if (lp_json_get(reply, "ok", &v) && lp_json_true(v)) {
        snprintf(call->detail, sizeof call->detail, "%s", detail);
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
    return lp_jq_run(call->provider->adapter->jq, parts, r ? 9 : 5, &h->out, err);
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
    if (!call) { /* abandoned; its provider may be closed */
        free(x);
        return;
    }
    struct http_provider *h = call->provider->handle;
    forget(h, x);
    call->driver = NULL;
    call->sent = r->sent;
    call->http_status = r->status;
    call->retry_after_ms = r->retry_after_ms;
    if (r->fault != LP_HTTP_NONE)
        lp_call_error(call, fault_class(r->fault), r->fault_detail);
    else if (run_jq(call, call->check ? "checked" : "response", r, &err))
        lp_call_error(call, LP_BAD_RESPONSE, err.msg);
    else if (call->check)
        take_checked(h, call, lp_buf_view(&h->out));
    else
        take_reply(h, call, lp_buf_view(&h->out));
}

static void put_basic(struct lp_provider *p, struct lp_str request, struct lp_buf *user,
    struct lp_buf *password, struct lp_http_request *q)
{
    struct lp_str pair, name, each;
    struct lp_buf *to[] = {user, password};
    if (!lp_json_path(request, "auth.basic", &pair))
        return;
    struct lp_json_iter it = lp_json_iter(pair);
    for (int i = 0; i < 2 && lp_json_next(&it, &name, &each); i++) {
        struct lp_buf text = {0};
        lp_json_decode(each, &text);
        fill(to[i], p, lp_buf_view(&text), IN_HEADER);
        lp_buf_free(&text);
    }
    q->basic_user = user->p ? user->p : "";
    q->basic_password = password->p ? password->p : "";
}

static void send_request(struct lp_provider *p, struct lp_call *call, struct lp_str request)
{
    struct http_provider *h = p->handle;
    struct lp_buf method = {0}, user = {0}, password = {0};
    struct lp_err err = {0};
    bool json;
    bool body = make_body(p, request, &json);
    if (!make_url(p, request)) {
        lp_call_error(call, LP_CONFIG, "the adapter gave no url");
        return;
    }
    make_headers(p, request, json);
    struct lp_http_request q = {.url = h->url.p,
        .headers = h->headers,
        .body = body ? lp_buf_view(&h->body) : (struct lp_str){0},
        .deadline = call->deadline,
        .ca_file = p->ca_file};
    q.method = text_of(request, "method", &method).p ? method.p : "GET";
    put_basic(p, request, &user, &password, &q);
    struct exchange *x = lp_alloc(sizeof *x);
    x->call = call;
    call->driver = x;
    if (lp_http_send(h->gateway->http, &q, arrived, x, &err)) {
        free(x);
        call->driver = NULL;
        lp_call_error(call, LP_CONFIG, err.msg);
    } else {
        x->next = h->live;
        h->live = x;
    }
    lp_buf_free(&method);
    lp_buf_free(&user);
    lp_buf_free(&password);
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
        take_reply(h, call, reply);
}

static void cancel_http(struct lp_provider *p, struct lp_call *call)
{
    struct exchange *x = call->driver;
    struct http_provider *h = p->handle;
    if (!x)
        return;
    struct exchange **at = &h->live;
    while (*at && *at != x)
        at = &(*at)->next;
    if (*at)
        *at = x->next;
    x->call =
        NULL; /* freed when the exchange ends, or leaked into the process's end with the multi */
    call->driver = NULL;
}

const struct lp_driver lp_driver_http = {
    .name = "http",
    .open = open_http,
    .close = close_http,
    .start = start_http,
    .cancel = cancel_http,
    .check = start_http,
};
