#include "wire.h"

#include <stdlib.h>
#include "leadpipe/json.h"

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
static void fill(const struct lp_wire *w, struct lp_buf *b, const struct lp_provider *p,
    struct lp_str text, enum place place)
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
        if (found && w->masked)
            LP_BUF_LIT(b, "****");
        else if (found)
            put_secret(b, found->value, place, hit == text.p);
        if (found)
            at += strlen(found->token);
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

static void put_query(
    struct lp_wire *w, const struct lp_provider *p, struct lp_str name, struct lp_str value)
{
    if (!scalar(value, &w->scratch))
        return;
    lp_buf_byte(&w->url, memchr(w->url.p, '?', w->url.len) ? '&' : '?');
    percent(&w->url, name);
    lp_buf_byte(&w->url, '=');
    struct lp_buf encoded = {0};
    percent(&encoded, lp_buf_view(&w->scratch));
    fill(w, &w->url, p, lp_buf_view(&encoded), IN_QUERY);
    lp_buf_free(&encoded);
}

static bool make_url(struct lp_wire *w, const struct lp_provider *p, struct lp_str request)
{
    struct lp_str v, name, value, each;
    lp_buf_reset(&w->url);
    lp_buf_reset(&w->scratch);
    if (!lp_json_get(request, "url", &v) || !lp_json_decode(v, &w->scratch))
        return false;
    fill(w, &w->url, p, lp_buf_view(&w->scratch), IN_URL);
    if (w->url.len == 0) /* a setting that is to hold it, and is empty */
        return false;
    if (!lp_json_get(request, "query", &v))
        return true;
    struct lp_json_iter it = lp_json_iter(v);
    while (lp_json_next(&it, &name, &value)) {
        if (lp_json_type(value) != LP_JSON_ARRAY) {
            put_query(w, p, name, value);
            continue;
        }
        struct lp_json_iter elements = lp_json_iter(value);
        struct lp_str none;
        while (lp_json_next(&elements, &none, &each))
            put_query(w, p, name, each);
    }
    return true;
}

static void make_headers(
    struct lp_wire *w, const struct lp_provider *p, struct lp_str request, bool json_body)
{
    struct lp_str all, name, value;
    bool typed = false;
    size_t n = 0, at[64];
    lp_buf_reset(&w->header_text);
    if (lp_json_get(request, "headers", &all)) {
        struct lp_json_iter it = lp_json_iter(all);
        while (n < 60 && lp_json_next(&it, &name, &value)) {
            if (!scalar(value, &w->scratch))
                continue;
            typed = typed || (name.n == 12 && strncasecmp(name.p, "content-type", 12) == 0);
            at[n++] = w->header_text.len;
            lp_buf_str(&w->header_text, name);
            LP_BUF_LIT(&w->header_text, ": ");
            fill(w, &w->header_text, p, lp_buf_view(&w->scratch), IN_HEADER);
            lp_buf_byte(&w->header_text, '\0');
        }
    }
    if (json_body && !typed) {
        at[n++] = w->header_text.len;
        LP_BUF_LIT(&w->header_text, "Content-Type: application/json\0");
    }
    if (n + 1 > w->header_room)
        w->headers = lp_realloc_array(w->headers, w->header_room = n + 8, sizeof *w->headers);
    for (size_t i = 0; i < n; i++)
        w->headers[i] = w->header_text.p + at[i];
    w->headers[n] = NULL;
}

static bool make_body(
    struct lp_wire *w, const struct lp_provider *p, struct lp_str request, bool *json)
{
    struct lp_str v;
    lp_buf_reset(&w->body);
    *json = false;
    if (!lp_json_get(request, "body", &v) || lp_json_type(v) == LP_JSON_NULL)
        return false;
    if (lp_json_type(v) == LP_JSON_STRING) {
        lp_buf_reset(&w->scratch);
        lp_json_decode(v, &w->scratch);
        fill(w, &w->body, p, lp_buf_view(&w->scratch), IN_HEADER);
        return true;
    }
    *json = true;
    fill(w, &w->body, p, v, IN_JSON);
    return true;
}

static void put_basic(struct lp_wire *w, const struct lp_provider *p, struct lp_str request)
{
    struct lp_str pair, name, each;
    struct lp_buf *to[] = {&w->user, &w->password};
    if (!lp_json_path(request, "auth.basic", &pair))
        return;
    struct lp_json_iter it = lp_json_iter(pair);
    for (int i = 0; i < 2 && lp_json_next(&it, &name, &each); i++) {
        lp_buf_reset(&w->scratch);
        lp_json_decode(each, &w->scratch);
        fill(w, to[i], p, lp_buf_view(&w->scratch), IN_HEADER);
    }
    w->request.basic_user = lp_buf_view(&w->user).p;
    w->request.basic_password = lp_buf_view(&w->password).p;
}

bool lp_wire_make(struct lp_wire *w, const struct lp_provider *p, struct lp_str description)
{
    struct lp_str v;
    bool json;
    lp_buf_reset(&w->method);
    lp_buf_reset(&w->user);
    lp_buf_reset(&w->password);
    bool body = make_body(w, p, description, &json);
    if (!make_url(w, p, description))
        return false;
    make_headers(w, p, description, json);
    w->request = (struct lp_http_request){.method = "GET",
        .url = w->url.p,
        .headers = w->headers,
        .body = body ? lp_buf_view(&w->body) : (struct lp_str){0},
        .ca_file = p->ca_file};
    if (lp_json_get(description, "method", &v) && lp_json_decode(v, &w->method))
        w->request.method = w->method.p;
    put_basic(w, p, description);
    return true;
}

/* ---- as JSON -------------------------------------------------------------------------------- */

static void put_header(struct lp_buf *json, const char *header)
{
    const char *colon = strstr(header, ": ");
    if (json->p[json->len - 1] != '{')
        lp_buf_byte(json, ',');
    lp_json_put(json, (struct lp_str){header, (size_t)(colon - header)});
    lp_buf_byte(json, ':');
    lp_json_put(json, lp_str(colon + 2));
}

void lp_wire_put(const struct lp_wire *w, struct lp_buf *json)
{
    const struct lp_http_request *q = &w->request;
    LP_BUF_LIT(json, "{");
    lp_json_put_str(json, "method", lp_str(q->method));
    lp_json_put_str(json, "url", lp_str(q->url));
    lp_json_key(json, "headers");
    LP_BUF_LIT(json, "{");
    for (const char *const *h = q->headers; *h; h++)
        put_header(json, *h);
    LP_BUF_LIT(json, "}");
    if (q->body.p)
        lp_json_put_str(json, "body", q->body);
    if (q->basic_user) {
        lp_json_put_str(json, "basic_user", lp_str(q->basic_user));
        lp_json_put_str(json, "basic_password", lp_str(q->basic_password));
    }
    LP_BUF_LIT(json, "}");
}

/* ---- the end -------------------------------------------------------------------------------- */

static void wipe(struct lp_buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    lp_buf_reset(b);
}

void lp_wire_wipe(struct lp_wire *w)
{
    struct lp_buf *bufs[] = {&w->url, &w->body, &w->header_text, &w->user, &w->password};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        wipe(bufs[i]);
}

void lp_wire_free(struct lp_wire *w)
{
    struct lp_buf *bufs[] = {
        &w->method, &w->url, &w->body, &w->header_text, &w->user, &w->password, &w->scratch};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        lp_buf_free(bufs[i]);
    free(w->headers);
}
