/*
 * curl_loop BASE_URL [NO_JQ] <contacts.ndjson >answers.ndjson
 *
 * The bare loop enrich is measured against: libcurl's multi interface as its examples use it
 * (curl_multi_perform, curl_multi_poll), 32 calls in flight, one contact a call, the same Apollo
 * adapter for request and response, and nothing else: no order, no state, no limits, no merging.
 * Says on standard error how many calls a second it made and what share of the time was libjq's; with
 * a second argument the adapter is run once and its request sent again for every contact.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "leadpipe/adapter.h"
#include "leadpipe/json.h"
#include "leadpipe/log.h"

#define IN_FLIGHT 32

struct call {
    CURL *easy;
    struct lp_buf items, url, body;
    struct curl_slist *headers;
};

static struct lp_adapter *adapter;
static struct lp_buf settings, out, scratch;
static CURLM *multi;
static struct call calls[IN_FLIGHT];
static double in_jq;
static long done;
static bool no_jq;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "curl_loop: %s\n", what);
    exit(1);
}

static size_t take(char *p, size_t one, size_t n, void *arg)
{
    (void)one;
    lp_buf_add(arg, p, n);
    return n;
}

static void ask_adapter(struct call *c, const char *function, long status)
{
    struct lp_err err = {0};
    bool answered = status != 0;
    struct lp_jq_part parts[] = {
        {.name = "call", .kind = LP_JQ_TEXT, .text = lp_str(function)},
        {.name = "capability", .kind = LP_JQ_TEXT, .text = LP_STR("lead_enrichment")},
        {.name = "settings", .kind = LP_JQ_JSON, .text = lp_buf_view(&settings)},
        {.name = "items", .kind = LP_JQ_JSON, .text = lp_buf_view(&c->items)},
        {.name = "memo", .kind = LP_JQ_NULL},
        {.name = "status", .kind = LP_JQ_REAL, .real = (double)status},
        {.name = "headers", .kind = LP_JQ_JSON, .text = LP_STR("{}")},
        {.name = "body", .kind = LP_JQ_JSON, .text = lp_buf_view(&c->body)},
        {.name = "text", .kind = LP_JQ_TEXT, .text = lp_buf_view(&c->body)},
    };
    double began = now();
    lp_buf_reset(&out);
    if (lp_jq_run(adapter->jq[LP_ADAPTER_ASK], parts, answered ? 9 : 5, &out, &err))
        die(err.msg);
    in_jq += now() - began;
}

static void add_text(struct lp_buf *b, struct lp_str v)
{
    lp_buf_reset(&scratch);
    lp_json_decode(v, &scratch);
    lp_buf_str(b, lp_buf_view(&scratch));
}

/* The adapter's description becomes what libcurl is told. */
static void prepare(struct call *c)
{
    struct lp_str request = lp_buf_view(&out), v, name, value;
    struct lp_buf header = {0};
    lp_buf_reset(&c->url);
    if (lp_json_get(request, "url", &v))
        add_text(&c->url, v);
    if (lp_json_get(request, "query", &v)) {
        struct lp_json_iter it = lp_json_iter(v);
        for (char sep = '?'; lp_json_next(&it, &name, &value); sep = '&') {
            lp_buf_byte(&c->url, sep);
            lp_buf_str(&c->url, name);
            lp_buf_byte(&c->url, '=');
            lp_buf_reset(&scratch);
            lp_json_decode(value, &scratch);
            char *escaped = curl_easy_escape(c->easy, scratch.p, (int)scratch.len);
            lp_buf_puts(&c->url, escaped);
            curl_free(escaped);
        }
    }
    curl_slist_free_all(c->headers);
    c->headers = NULL;
    if (lp_json_get(request, "headers", &v)) {
        struct lp_json_iter it = lp_json_iter(v);
        while (lp_json_next(&it, &name, &value)) {
            lp_buf_reset(&header);
            lp_buf_str(&header, name);
            LP_BUF_LIT(&header, ": ");
            add_text(&header, value);
            c->headers = curl_slist_append(c->headers, header.p);
        }
    }
    lp_buf_free(&header);
    curl_easy_setopt(c->easy, CURLOPT_URL, c->url.p);
    curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, "");
}

/* The next contact becomes a call; false at the end of input. */
static bool begin(struct call *c)
{
    static char *line;
    static size_t room;
    ssize_t n = getline(&line, &room, stdin);
    if (n <= 1)
        return false;
    bool first = c->items.len == 0;
    lp_buf_reset(&c->items);
    lp_buf_byte(&c->items, '[');
    lp_buf_add(&c->items, line, (size_t)n - 1);
    lp_buf_byte(&c->items, ']');
    lp_buf_reset(&c->body);
    if (first || !no_jq) {
        ask_adapter(c, "request", 0);
        prepare(c);
    }
    curl_multi_add_handle(multi, c->easy);
    return true;
}

static void finish(struct call *c)
{
    long status = 0;
    size_t at;
    const char *why;
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || !lp_json_check(lp_buf_view(&c->body), &at, &why))
        die("an answer is not as expected");
    if (!no_jq)
        ask_adapter(c, "response", status);
    fwrite(out.p, 1, out.len, stdout);
    putchar('\n');
    done++;
}

static void loop(void)
{
    int running = 0, left = 0;
    for (int i = 0; i < IN_FLIGHT; i++) {
        calls[i].easy = curl_easy_init();
        curl_easy_setopt(calls[i].easy, CURLOPT_PRIVATE, (char *)&calls[i]);
        curl_easy_setopt(calls[i].easy, CURLOPT_WRITEFUNCTION, take);
        curl_easy_setopt(calls[i].easy, CURLOPT_WRITEDATA, &calls[i].body);
        begin(&calls[i]);
    }
    do {
        curl_multi_perform(multi, &running);
        for (CURLMsg *m; (m = curl_multi_info_read(multi, &left)) != NULL;) {
            struct call *c;
            if (m->data.result != CURLE_OK)
                die(curl_easy_strerror(m->data.result));
            curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
            curl_multi_remove_handle(multi, c->easy);
            finish(c);
            if (begin(c))
                running++;
        }
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    } while (running);
}

int main(int argc, char **argv)
{
    struct lp_err err = {0};
    lp_log_init("curl_loop", LP_LOG_NORMAL);
    if (argc < 2 || lp_adapter_open(&adapter, "apollo", &err) != 1 ||
        lp_adapter_compile(adapter, LP_ADAPTER_ASK, &err))
        die(argc < 2 ? "no base URL" : err.msg);
    no_jq = argc > 2;
    LP_BUF_LIT(&settings, "{\"api_key\":\"sim-key\",\"base_url\":");
    lp_json_put(&settings, lp_str(argv[1]));
    lp_buf_byte(&settings, '}');
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    double began = now();
    loop();
    double took = now() - began;
    fprintf(stderr, "%.0f calls/s, %.0f%% of the time in libjq\n", (double)done / took,
        100 * in_jq / took);
    return fflush(stdout) ? 1 : 0;
}
