/*
 * httpget [-d DEADLINE_MS] [-c CONNECT_MS] [-a CA_FILE] [-m METHOD] [-b BODY] [-H "Name: value"]...
 *         [-o] URL...
 * Sends a request to every URL at once and prints, in the order of the URLs, a line each:
 *     FAULT STATUS LATENCY_MS sent|unsent BODY_BYTES RETRY_AFTER_MS DETAIL
 * With -o the body follows. For the fault tests: shows lib/sys/http without a gateway around it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/http.h"
#include "leadpipe/log.h"

static const char *const faults[] = {
    [LP_HTTP_NONE] = "none",
    [LP_HTTP_TIMEOUT] = "timeout",
    [LP_HTTP_DNS] = "dns",
    [LP_HTTP_CONNECT] = "connect",
    [LP_HTTP_NETWORK] = "network",
    [LP_HTTP_TLS] = "tls",
    [LP_HTTP_BAD] = "bad",
    [LP_HTTP_CANCELLED] = "cancelled",
};

struct line {
    struct lp_buf text;
    bool with_body;
};

static void done(void *arg, const struct lp_http_response *r)
{
    struct line *l = arg;
    lp_buf_printf(&l->text, "%s %d %lld %s %zu %lld %s\n", faults[r->fault], r->status,
        (long long)r->latency_ms, r->sent ? "sent" : "unsent", r->body.n,
        (long long)r->retry_after_ms, r->fault_detail);
    if (l->with_body) {
        lp_buf_str(&l->text, r->body);
        lp_buf_byte(&l->text, '\n');
    }
}

static int run(struct lp_http_request q, char **urls, int n, bool with_body)
{
    struct lp_err err = {0};
    struct lp_http *h = lp_http_new(&err);
    struct line *lines = lp_alloc((size_t)n * sizeof *lines);
    int failed = !h;
    for (int i = 0; i < n && !failed; i++) {
        lines[i].with_body = with_body;
        q.url = urls[i];
        failed = lp_http_send(h, &q, done, &lines[i], &err);
    }
    while (!failed && lp_http_in_flight(h))
        failed = lp_http_poll(h, NULL, 0, 1000, &err);
    for (int i = 0; i < n; i++) {
        fputs(lines[i].text.p ? lines[i].text.p : "", stdout);
        lp_buf_free(&lines[i].text);
    }
    if (failed)
        lp_log_error("%s", err.msg);
    free(lines);
    lp_http_del(h);
    return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    const char *headers[33] = {NULL};
    struct lp_http_request q = {.method = "GET", .headers = headers};
    long deadline = 10000;
    bool with_body = false;
    int n = 0;
    lp_log_init("httpget", LP_LOG_NORMAL);
    for (int c; (c = getopt(argc, argv, "d:c:a:m:b:H:o")) != -1;) {
        switch (c) {
        case 'd': deadline = strtol(optarg, NULL, 10); break;
        case 'c': q.connect_timeout_ms = strtol(optarg, NULL, 10); break;
        case 'a': q.ca_file = optarg; break;
        case 'm': q.method = optarg; break;
        case 'b': q.body = lp_str(optarg); break;
        case 'H':
            if (n < 32)
                headers[n++] = optarg;
            break;
        case 'o': with_body = true; break;
        default: return 2;
        }
    }
    q.deadline = lp_clock_mono() + deadline;
    return run(q, argv + optind, argc - optind, with_body);
}
