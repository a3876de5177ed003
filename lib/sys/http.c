/*
 * HTTP over libcurl's multi interface; see leadpipe/http.h.
 *
 * - Event-driven (curl_multi_socket_action): curl_multi_perform looks at every exchange each time
 * one of them moves, which at 32 in flight costs more than the exchanges themselves. The sockets
 * are kept in an array for poll(2), so that the caller's descriptors wait in the same call.
 * - Easy handles live in slots and are used again; only what a request changes is set anew.
 * - Redirects are followed by hand: libcurl's own following can neither be held to one origin nor
 * to one method, and would have connected elsewhere before anything could object.
 */
#include "leadpipe/http.h"
#include <curl/curl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/clock.h"
#include "leadpipe/http_check.h"
#include "leadpipe/http_head.h"
#include "leadpipe/http_watch.h"

#define BODY_MAX        ((size_t)8 * 1024 * 1024)
#define BODY_KEEP       ((size_t)256 * 1024) /* a slot does not hold on to more than that */
#define REDIRECTS_MAX   3
#define CONNECT_MS      10000
#define CONNECTIONS_MIN 64

struct slot {
    struct lp_http *http;
    CURL *easy;
    struct slot *next; /* idle or late */
    lp_http_done *done;
    void *arg;
    struct lp_buf url, sent, body, json; /* sent: the request's body */
    struct lp_http_head head;
    struct curl_slist *headers;
    char *ca_file; /* what `easy` is set to */
    int64_t started, deadline;
    int redirects;
    bool used_auth, late;
    const char *refusal; /* why one of our own callbacks ended the transfer */
    char curl_error[CURL_ERROR_SIZE];
};

struct lp_http {
    CURLM *multi;
    struct slot **all, *idle, *late; /* late: their deadline had passed before they began */
    size_t slots, in_flight, connections;
    struct lp_http_watch watch;
};

/* --- what libcurl asks for ------------------------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_data)
{
    (void)easy, (void)socket_data;
    struct lp_http *h = arg;
    bool out = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    bool in = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    lp_http_watch_set(&h->watch, fd, (short)((in ? POLLIN : 0) | (out ? POLLOUT : 0)));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    (void)multi;
    struct lp_http *h = arg;
    h->watch.due = timeout_ms < 0 ? -1 : lp_clock_mono() + timeout_ms;
    return 0;
}

static size_t on_header(char *line, size_t one, size_t n, void *arg)
{
    (void)one;
    struct slot *s = arg;
    if (lp_http_head_line(&s->head, line, n))
        return n;
    s->refusal = "the response's headers are too large";
    return 0;
}

static size_t on_body(char *p, size_t one, size_t n, void *arg)
{
    (void)one;
    struct slot *s = arg;
    if (n <= BODY_MAX - s->body.len) {
        lp_buf_add(&s->body, p, n);
        return n;
    }
    s->refusal = "the response's body is too large";
    return 0;
}

/* --- slots ----------------------------------------------------------------------------------- */

static const struct {
    CURLoption option;
    long value;
} base[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* a silent DNS server must not hold us up */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_HTTPAUTH, CURLAUTH_BASIC},
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
    {CURLOPT_MAXFILESIZE, BODY_MAX},
};

/* Where libcurl has no memory left, a request could go out without its key. */
static void need(bool memory)
{
    if (!memory)
        lp_mem_exhausted();
}

#define SET_TEXT(easy, option, text)                                                               \
    need(curl_easy_setopt(easy, option, text) != CURLE_OUT_OF_MEMORY)

/* The options no request changes. */
static void slot_base(struct slot *s)
{
    CURL *e = s->easy;
    curl_easy_reset(e);
    for (size_t i = 0; i < sizeof base / sizeof *base; i++)
        curl_easy_setopt(e, base[i].option, base[i].value);
    curl_easy_setopt(e, CURLOPT_PRIVATE, (char *)s);
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(e, CURLOPT_USERAGENT, "leadpipe/" LP_VERSION);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->curl_error);
    s->used_auth = false;
}

static struct slot *slot_take(struct lp_http *h)
{
    struct slot *s = h->idle;
    h->in_flight++;
    if (s) {
        h->idle = s->next;
        return s;
    }
    s = lp_alloc(sizeof *s);
    s->http = h;
    need((s->easy = curl_easy_init()));
    slot_base(s);
    h->all = lp_realloc_array(h->all, h->slots + 1, sizeof(struct slot *));
    h->all[h->slots++] = s;
    return s;
}

static void slot_release(struct slot *s)
{
    struct lp_http *h = s->http;
    s->next = h->idle;
    h->idle = s;
    h->in_flight--;
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    lp_buf_trim(&s->sent, BODY_KEEP);
    lp_buf_trim(&s->body, BODY_KEEP);
    lp_buf_trim(&s->json, BODY_KEEP);
}

static void slot_del(struct slot *s)
{
    curl_multi_remove_handle(s->http->multi, s->easy);
    curl_easy_cleanup(s->easy);
    curl_slist_free_all(s->headers);
    lp_http_head_free(&s->head);
    lp_buf_free(&s->url);
    lp_buf_free(&s->sent);
    lp_buf_free(&s->body);
    lp_buf_free(&s->json);
    free(s->ca_file);
    free(s);
}

/* --- a request ------------------------------------------------------------------------------- */

static void set_headers(struct slot *s, const struct lp_http_request *q)
{
    for (const char *const *h = q->headers; h && *h; h++)
        need((s->headers = curl_slist_append(s->headers, *h)));
    /* Not a form, and no second of waiting for "100 Continue". */
    if (!lp_http_check_header(q, "content-type"))
        need((s->headers = curl_slist_append(s->headers, "Content-Type:")));
    if (!lp_http_check_header(q, "expect"))
        need((s->headers = curl_slist_append(s->headers, "Expect:")));
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
}

static void set_method(struct slot *s, const struct lp_http_request *q)
{
    bool post = strcmp(q->method, "POST") == 0, head = strcmp(q->method, "HEAD") == 0;
    bool get = strcmp(q->method, "GET") == 0, body = q->body.p || post;
    CURL *e = s->easy;
    curl_easy_setopt(e, CURLOPT_NOBODY, 0L);
    if (body) {
        lp_buf_str(&s->sent, q->body.p ? q->body : LP_STR(""));
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)s->sent.len);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, lp_buf_view(&s->sent).p);
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
        curl_easy_setopt(e, CURLOPT_NOBODY, head ? 1L : 0L);
    }
    bool plain = (post && body) || (!body && (get || head));
    SET_TEXT(e, CURLOPT_CUSTOMREQUEST, plain ? NULL : q->method);
}

static void set_access(struct slot *s, const struct lp_http_request *q)
{
    const char *old = s->ca_file ? s->ca_file : "", *ca = q->ca_file ? q->ca_file : "";
    if (strcmp(old, ca) != 0) {
        /* There is no way back to the built-in CA file but a handle set up anew. */
        slot_base(s);
        free(s->ca_file);
        s->ca_file = q->ca_file ? lp_strdup(q->ca_file) : NULL;
        if (q->ca_file)
            SET_TEXT(s->easy, CURLOPT_CAINFO, q->ca_file);
    }
    if (!q->basic_user && !s->used_auth)
        return;
    s->used_auth = q->basic_user != NULL;
    SET_TEXT(s->easy, CURLOPT_USERNAME, q->basic_user);
    SET_TEXT(s->easy, CURLOPT_PASSWORD, q->basic_user ? q->basic_password : NULL);
}

static long as_long_ms(int64_t ms)
{
    return (long)(ms < 1 ? 1 : ms > INT_MAX ? INT_MAX : ms);
}

/* Hands the slot to libcurl; also for each redirect. */
static bool start(struct slot *s)
{
    int64_t left = s->deadline - lp_clock_mono();
    s->refusal = NULL;
    s->curl_error[0] = '\0';
    lp_buf_reset(&s->body);
    if (left <= 0) {
        s->late = true;
        s->next = s->http->late;
        s->http->late = s;
        return true;
    }
    SET_TEXT(s->easy, CURLOPT_URL, s->url.p);
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, as_long_ms(left));
    return curl_multi_add_handle(s->http->multi, s->easy) == CURLM_OK;
}

static void pool_grow(struct lp_http *h)
{
    if (h->in_flight <= h->connections)
        return;
    h->connections = h->in_flight * 2;
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->connections);
}

int lp_http_send(struct lp_http *h, const struct lp_http_request *q, lp_http_done *done, void *arg,
    struct lp_err *err)
{
    if (lp_http_check(q, err))
        return -1;
    struct slot *s = slot_take(h);
    pool_grow(h);
    s->done = done;
    s->arg = arg;
    s->started = lp_clock_mono();
    s->deadline = q->deadline;
    s->redirects = 0;
    s->late = false;
    lp_http_head_reset(&s->head);
    lp_buf_reset(&s->url);
    lp_buf_puts(&s->url, q->url);
    set_access(s, q);
    set_headers(s, q);
    set_method(s, q);
    curl_easy_setopt(s->easy, CURLOPT_FRESH_CONNECT, q->once ? 1L : 0L);
    curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS,
        as_long_ms(q->connect_timeout_ms > 0 ? q->connect_timeout_ms : CONNECT_MS));
    if (start(s))
        return 0;
    slot_release(s);
    return lp_err_set(err, LP_ERR_BUG, NULL, "libcurl does not take the exchange");
}

/* --- the end of an exchange ------------------------------------------------------------------ */

/* Was the answer a redirect, and followed? Where it may not be, `refusal` says why. */
static bool redirected(struct slot *s, long status)
{
    struct lp_str location;
    char *method = NULL;
    if (!lp_http_is_redirect(status) || !lp_http_head_get(&s->head, "location", &location))
        return false;
    curl_easy_getinfo(s->easy, CURLINFO_EFFECTIVE_METHOD, &method);
    s->refusal = s->redirects < REDIRECTS_MAX ? lp_http_redirect(method, status, location, &s->url)
                                              : "too many redirects";
    if (s->refusal)
        return false;
    s->redirects++;
    return start(s);
}

static const struct {
    CURLcode code;
    enum lp_http_fault fault;
} faults[] = {
    {CURLE_OK, LP_HTTP_NONE},
    {CURLE_OPERATION_TIMEDOUT, LP_HTTP_TIMEOUT},
    {CURLE_COULDNT_RESOLVE_HOST, LP_HTTP_DNS},
    {CURLE_COULDNT_RESOLVE_PROXY, LP_HTTP_DNS},
    {CURLE_COULDNT_CONNECT, LP_HTTP_CONNECT},
    {CURLE_PROXY, LP_HTTP_CONNECT},
    {CURLE_SSL_CONNECT_ERROR, LP_HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, LP_HTTP_TLS},
    {CURLE_SSL_CACERT_BADFILE, LP_HTTP_TLS},
    {CURLE_SSL_CIPHER, LP_HTTP_TLS},
    {CURLE_UNSUPPORTED_PROTOCOL, LP_HTTP_BAD}, /* also an answer without a status line */
    {CURLE_URL_MALFORMAT, LP_HTTP_BAD},
    {CURLE_WEIRD_SERVER_REPLY, LP_HTTP_BAD},
    {CURLE_WRITE_ERROR, LP_HTTP_BAD},
    {CURLE_BAD_CONTENT_ENCODING, LP_HTTP_BAD},
    {CURLE_FILESIZE_EXCEEDED, LP_HTTP_BAD},
};

static enum lp_http_fault fault_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (faults[i].code == code)
            return faults[i].fault;
    return LP_HTTP_NETWORK;
}

/* libcurl has one code for the deadline and for the time limit to connect. */
static enum lp_http_fault connect_timeout(const struct slot *s)
{
    curl_off_t looked_up = 0, connected = 0;
    curl_easy_getinfo(s->easy, CURLINFO_NAMELOOKUP_TIME_T, &looked_up);
    curl_easy_getinfo(s->easy, CURLINFO_CONNECT_TIME_T, &connected);
    return !looked_up ? LP_HTTP_DNS : !connected ? LP_HTTP_CONNECT : LP_HTTP_TIMEOUT;
}

/* A TLS error text names the certificate's fault, and of the other side at most its host. */
static void describe(const struct slot *s, CURLcode code, struct lp_http_response *r)
{
    bool detailed = r->fault == LP_HTTP_TLS && s->curl_error[0];
    const char *text = detailed ? s->curl_error : curl_easy_strerror(code);
    snprintf(r->fault_detail, sizeof r->fault_detail, "%.*s", (int)sizeof r->fault_detail - 1,
        s->refusal ? s->refusal : text);
}

static void finish(struct slot *s, CURLcode code)
{
    struct lp_http_response r = {.retry_after_ms = -1};
    long status = 0, request_size = 0;
    curl_off_t before_sending = 0;
    if (!s->late) {
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(s->easy, CURLINFO_REQUEST_SIZE, &request_size);
        curl_easy_getinfo(s->easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending);
    }
    if (code == CURLE_OK && redirected(s, status))
        return;
    int64_t now = lp_clock_mono();
    r.latency_ms = now - s->started;
    r.sent = s->redirects > 0 || request_size > 0 || before_sending > 0;
    r.fault = s->refusal ? LP_HTTP_BAD : fault_of(code);
    if (r.fault == LP_HTTP_TIMEOUT && !s->late && now < s->deadline - 1)
        r.fault = connect_timeout(s);
    if (r.fault == LP_HTTP_NONE) {
        r.status = (int)status;
        r.retry_after_ms = lp_http_head_retry_after(&s->head);
        lp_http_head_json(&s->head, &s->json);
        r.headers = lp_buf_view(&s->json);
        r.body = lp_buf_view(&s->body);
    } else {
        describe(s, code, &r);
    }
    s->done(s->arg, &r);
    slot_release(s);
}

/* Answers what could not even start. A callback may send more of the kind: for the next call. */
static bool deliver_late(struct lp_http *h)
{
    struct slot *s = h->late;
    bool any = s != NULL;
    h->late = NULL;
    for (struct slot *next; s; s = next) {
        next = s->next;
        finish(s, CURLE_OPERATION_TIMEDOUT);
    }
    return any;
}

static bool deliver(struct lp_http *h)
{
    bool any = deliver_late(h);
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left)) != NULL;) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct slot *s;
        CURLcode code = m->data.result; /* m dies with the removal */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        curl_multi_remove_handle(h->multi, s->easy);
        finish(s, code);
        any = true;
    }
    return any;
}

/* --- the loop -------------------------------------------------------------------------------- */

static void run_due(struct lp_http *h)
{
    int running;
    if (h->watch.due < 0 || h->watch.due > lp_clock_mono())
        return;
    h->watch.due = -1;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

static void run_ready(struct lp_http *h, int n)
{
    int running;
    for (int i = 0; i < n; i++) {
        short got = h->watch.ready[i].revents;
        int what = (got & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                   (got & POLLOUT ? CURL_CSELECT_OUT : 0) |
                   (got & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (what)
            curl_multi_socket_action(h->multi, h->watch.ready[i].fd, what, &running);
    }
}

int lp_http_poll(
    struct lp_http *h, struct pollfd *fds, unsigned n, int timeout_ms, struct lp_err *err)
{
    run_due(h); /* requests just sent go out before anybody waits */
    if (deliver(h))
        timeout_ms = 0;
    int ready = lp_http_watch_wait(&h->watch, fds, n, timeout_ms, err);
    if (ready < 0)
        return -1;
    run_ready(h, ready);
    run_due(h);
    deliver(h);
    return 0;
}

size_t lp_http_in_flight(const struct lp_http *h)
{
    return h->in_flight;
}

/* --- life ------------------------------------------------------------------------------------ */

struct lp_http *lp_http_new(struct lp_err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        lp_err_set(err, LP_ERR_BUG, NULL, "libcurl does not start");
        return NULL;
    }
    struct lp_http *h = lp_alloc(sizeof *h);
    h->watch.due = -1;
    need((h->multi = curl_multi_init()));
    h->connections = CONNECTIONS_MIN;
    curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)h->connections);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    return h;
}

void lp_http_del(struct lp_http *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->slots; i++)
        slot_del(h->all[i]);
    curl_multi_cleanup(h->multi);
    lp_http_watch_free(&h->watch);
    free(h->all);
    free(h);
    curl_global_cleanup();
}

const char *lp_http_version(void)
{
    static char text[96];
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    snprintf(text, sizeof text, "libcurl %s %s", v->version, v->ssl_version ? v->ssl_version : "");
    return text;
}
