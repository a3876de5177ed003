/* http: exchanges against a small server of the test's own, which answers bytes given by path. */
#include "leadpipe/http.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "leadpipe/clock.h"
#include "../within.h"

static _Atomic int threads; /* that run beside the test */

/* --- a silent DNS server, as libcurl's look-up thread sees it ----------------------------------
 */

int getaddrinfo(
    const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (node && strcmp(node, "silent.test") == 0) {
        threads++;
        usleep(1500000);
        threads--;
        return EAI_AGAIN;
    }
    if (node && strcmp(node, "nowhere.test") == 0)
        return EAI_NONAME;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, out);
}

/* --- the server ------------------------------------------------------------------------------ */

static int server = -1, server_port;
static pthread_t accepting;
static _Atomic int connections;
static char last_request[16384];

#define TO(how, where) "HTTP/1.1 " how "\r\nLocation: " where "\r\nContent-Length: 0\r\n\r\n"
enum then { STAY, SHUT, HOLD };
static const struct {
    const char *path, *answer;
    enum then then;
} answers[] = {
    {"/ok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nSet-Cookie: a=1\r\nx-a: 2\r\n"
        "Retry-After: 3\r\nX-Bad: caf\xe9 \"q\"\r\nX-Empty:\r\nset-cookie: b=2\r\n\r\nok",
        STAY},
    {"/302", TO("302 Found", "/ok"), STAY},
    {"/307", TO("307 Go", "ok"), STAY},
    {"/loop", TO("302 Found", "/loop"), STAY},
    {"/other", TO("302 Found", "http://127.0.0.2/ok"), STAY},
    {"/file", TO("302 Found", "file:///etc/passwd"), STAY},
    {"/nowhere", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", STAY},
    {"/long", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", SHUT},
    {"/junk", "what?\r\n\r\n", SHUT},
    {"/nothing", "", SHUT},
    {"/gone", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngone", SHUT},
    {"/gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", STAY},
    {"/silence", "", HOLD},
    {"/stuck", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no", HOLD},
    {"/9M", "HTTP/1.1 200 OK\r\nContent-Length: 9437184\r\n\r\n", HOLD},
};

static void flood(int fd, const char *chunk)
{
    while (send(fd, chunk, strlen(chunk), MSG_NOSIGNAL) > 0)
        ;
}

static void answer(int fd, const char *path)
{
    if (strcmp(path, "/endless") == 0 || strcmp(path, "/headers") == 0) {
        dprintf(fd, "HTTP/1.1 200 OK\r\n%s", path[1] == 'e' ? "\r\n" : "");
        flood(fd, "X-Pad: 0123456789 0123456789 0123456789 0123456789\r\n");
        return;
    }
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        if (strcmp(answers[i].path, path) != 0)
            continue;
        send(fd, answers[i].answer, strlen(answers[i].answer), MSG_NOSIGNAL);
        if (answers[i].then == HOLD)
            sleep(1);
        if (answers[i].then != STAY)
            shutdown(fd, SHUT_RDWR);
        return;
    }
}

/* One request at a time; everything the test sends fits. */
static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char in[16384];
    for (;;) {
        size_t n = 0, length = 0;
        char *end = NULL;
        while (!end || n < (size_t)(end + 4 - in) + length) {
            ssize_t got = recv(fd, in + n, sizeof in - 1 - n, 0);
            if (got <= 0)
                goto out;
            in[n += (size_t)got] = '\0';
            end = strstr(in, "\r\n\r\n");
            char *l = end ? strcasestr(in, "content-length:") : NULL;
            length = l && l < end ? strtoul(l + 15, NULL, 10) : 0;
        }
        char path[64] = "";
        sscanf(in, "%*s %63s", path);
        memcpy(last_request, in, n + 1);
        answer(fd, path);
    }
out:
    close(fd);
    threads--;
    return NULL;
}

static void *accept_all(void *arg)
{
    for (int fd; (fd = accept(server, NULL, NULL)) >= 0;) {
        pthread_t t;
        connections++;
        threads++;
        if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(t);
    }
    return arg;
}

static int server_start(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&a, n) || listen(server, 64) ||
        getsockname(server, (struct sockaddr *)&a, &n))
        return -1;
    server_port = ntohs(a.sin_port);
    return pthread_create(&accepting, NULL, accept_all, NULL);
}

/* What still runs at the end would look like a leak. */
static int server_stop(void **state)
{
    (void)state;
    shutdown(server, SHUT_RDWR);
    pthread_join(accepting, NULL);
    close(server);
    for (int i = 0; threads && i < 300; i++)
        usleep(10000);
    usleep(50000);
    return 0;
}

/* --- an exchange ----------------------------------------------------------------------------- */

struct got {
    int calls;
    struct lp_http_response r;
    char headers[1024], body[1024];
};

static void done(void *arg, const struct lp_http_response *r)
{
    struct got *g = arg;
    g->calls++;
    g->r = *r;
    snprintf(g->headers, sizeof g->headers, "%.*s", (int)r->headers.n, r->headers.p);
    snprintf(g->body, sizeof g->body, "%.*s", (int)r->body.n, r->body.p);
}

static char url[128];
static const char *at(const char *path)
{
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server_port, path);
    return url;
}

static struct lp_http_request get(const char *path, int ms)
{
    return (struct lp_http_request){
        .method = "GET", .url = at(path), .deadline = lp_clock_mono() + ms};
}

static struct lp_http_request with(const char *method, const char *path, const char *body)
{
    struct lp_http_request q = get(path, 2000);
    q.method = method;
    q.body = lp_str(body);
    return q;
}

static struct got run(struct lp_http *h, struct lp_http_request q)
{
    struct got g = {0};
    struct lp_err err = {0};
    int64_t until = lp_clock_mono() + 8000;
    assert_int_equal(lp_http_send(h, &q, done, &g, &err), 0);
    while (!g.calls && lp_clock_mono() < until)
        assert_int_equal(lp_http_poll(h, NULL, 0, 1000, &err), 0);
    assert_int_equal(g.calls, 1);
    assert_int_equal(lp_http_in_flight(h), 0);
    return g;
}

static struct lp_http *fresh(void)
{
    struct lp_err err = {0};
    struct lp_http *h = lp_http_new(&err);
    assert_non_null(h);
    return h;
}

static void answers_become_json(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    struct got g = run(h, get("/ok", 2000));
    assert_int_equal(strncmp(lp_http_version(), "libcurl 7.", 10), 0);
    assert_int_equal(g.r.fault, LP_HTTP_NONE);
    assert_int_equal(g.r.status, 200);
    assert_true(g.r.sent);
    assert_int_equal(g.r.retry_after_ms, 3000);
    assert_string_equal(g.body, "ok");
    assert_string_equal(g.headers,
        "{\"content-length\":\"2\",\"x-a\":\"1, 2\",\"set-cookie\":\"a=1, b=2\","
        "\"retry-after\":\"3\",\"x-bad\":\"caf\xef\xbf\xbd \\\"q\\\"\",\"x-empty\":\"\"}");
    lp_http_del(h);
}

static void requests_go_out_as_asked(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    const char *headers[] = {"X-Key: k", "Content-Type: application/json", NULL};
    struct lp_http_request q = with("POST", "/ok", "{\"a\":1}");
    q.headers = headers;
    run(h, q);
    assert_non_null(strstr(last_request, "POST /ok HTTP/1.1\r\n"));
    assert_non_null(strstr(last_request, "\r\nX-Key: k\r\n"));
    assert_non_null(strstr(last_request, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(last_request, "\r\n\r\n{\"a\":1}"));
    q = with("PATCH", "/ok", "x");
    q.basic_user = "me";
    q.basic_password = "pw";
    run(h, q);
    assert_non_null(strstr(last_request, "PATCH /ok"));
    assert_non_null(strstr(last_request, "Authorization: Basic bWU6cHc=\r\n"));
    assert_null(strstr(last_request, "Content-Type"));
    run(h, get("/ok", 2000)); /* the same handle: nothing of the last request is left */
    assert_non_null(strstr(last_request, "GET /ok"));
    assert_null(strstr(last_request, "Authorization"));
    assert_null(strstr(last_request, "X-Key"));
    assert_null(strstr(last_request, "Content-Length"));
    run(h, with("DELETE", "/ok", NULL));
    assert_non_null(strstr(last_request, "DELETE /ok"));
    assert_int_equal(run(h, with("HEAD", "/ok", NULL)).r.status, 200);
    run(h, with("POST", "/ok", NULL));
    assert_non_null(strstr(last_request, "\r\nContent-Length: 0\r\n"));
    lp_http_del(h);
}

static void injection_is_refused(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    struct got g = {0};
    const char *bad[] = {"X-A: 1\r\nX-B: 2", NULL}, *lf[] = {"X-A: 1\nX-B: 2", NULL};
    const char *nameless[] = {"no colon", NULL};
    struct lp_http_request q[5];
    for (int i = 0; i < 5; i++)
        q[i] = get("/ok", 2000);
    q[0].headers = bad;
    q[1].headers = lf;
    q[2].headers = nameless;
    q[3].method = "GET /x HTTP/1.1\r\nA: b";
    q[4].url = "http://127.0.0.1/a b";
    for (int i = 0; i < 5; i++) {
        struct lp_err err = {0};
        assert_int_equal(lp_http_send(h, &q[i], done, &g, &err), -1);
        assert_int_equal(err.kind, LP_ERR_RECORD);
    }
    assert_int_equal(g.calls, 0);
    assert_int_equal(lp_http_in_flight(h), 0);
    struct lp_http_request file = get("/ok", 2000);
    file.url = "file:///etc/passwd";
    assert_int_equal(run(h, file).r.fault, LP_HTTP_BAD);
    lp_http_del(h);
}

static void redirects_stay_at_home(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    assert_string_equal(run(h, get("/302", 2000)).body, "ok");
    struct got g = run(h, get("/loop", 2000));
    assert_int_equal(g.r.fault, LP_HTTP_BAD);
    assert_string_equal(g.r.fault_detail, "too many redirects");
    assert_int_equal(run(h, get("/other", 2000)).r.fault, LP_HTTP_BAD);
    assert_int_equal(run(h, get("/file", 2000)).r.fault, LP_HTTP_BAD);
    assert_int_equal(run(h, get("/nowhere", 2000)).r.status, 302);
    g = run(h, with("POST", "/302", "x"));
    assert_int_equal(g.r.fault, LP_HTTP_BAD);
    assert_true(g.r.sent);
    assert_string_equal(run(h, with("POST", "/307", "again")).body, "ok");
    assert_non_null(strstr(last_request, "POST /ok"));
    assert_non_null(strstr(last_request, "\r\n\r\nagain"));
    lp_http_del(h);
}

static void faults_have_their_names(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum lp_http_fault fault;
    } expected[] = {
        {"/long", LP_HTTP_NETWORK},
        {"/nothing", LP_HTTP_NETWORK},
        {"/junk", LP_HTTP_BAD},
        {"/gzip", LP_HTTP_BAD},
        {"/9M", LP_HTTP_BAD},
        {"/endless", LP_HTTP_BAD},
        {"/headers", LP_HTTP_BAD},
        {"/silence", LP_HTTP_TIMEOUT},
        {"/stuck", LP_HTTP_TIMEOUT},
    };
    struct lp_http *h = fresh();
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        bool late = expected[i].fault == LP_HTTP_TIMEOUT; /* the server is silent for a second */
        int limit = late ? 600 : (int)within(5000);
        struct got g = run(h, get(expected[i].path, limit));
        if (g.r.fault != expected[i].fault)
            print_error("%s: %s\n", expected[i].path, g.r.fault_detail);
        assert_int_equal(g.r.fault, expected[i].fault);
        assert_true(g.r.sent);
        assert_true(g.r.fault_detail[0]);
        assert_true(g.r.latency_ms <= limit + within(300));
    }
    lp_http_del(h);
}

static void nothing_sent_is_told(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    run(h, get("/ok", 2000)); /* the handle has sent before: that must not count */
    struct lp_http_request q = get("/ok", 2000);
    q.url = "http://127.0.0.1:1/";
    struct got g = run(h, q);
    assert_int_equal(g.r.fault, LP_HTTP_CONNECT);
    assert_false(g.r.sent);
    q.url = "http://nowhere.test/";
    g = run(h, q);
    assert_int_equal(g.r.fault, LP_HTTP_DNS);
    assert_false(g.r.sent);
    q = get("/ok", -5);
    int before = connections;
    g = run(h, q);
    assert_int_equal(g.r.fault, LP_HTTP_TIMEOUT);
    assert_false(g.r.sent);
    assert_int_equal(connections, before);
    lp_http_del(h);
}

static void silent_dns_holds_nobody(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    struct got slow = {0}, quick = {0};
    struct lp_err err = {0};
    int64_t begin = lp_clock_mono();
    struct lp_http_request q = get("/ok", 1000);
    assert_int_equal(lp_http_send(h, &q, done, &quick, &err), 0);
    q.url = "http://silent.test/";
    assert_int_equal(lp_http_send(h, &q, done, &slow, &err), 0);
    while (!slow.calls)
        assert_int_equal(lp_http_poll(h, NULL, 0, 1000, &err), 0);
    assert_int_equal(quick.r.status, 200);
    assert_true(quick.r.latency_ms < within(800));
    assert_int_equal(slow.r.fault, LP_HTTP_TIMEOUT);
    assert_true(lp_clock_mono() - begin <= within(2000));
    q.deadline = lp_clock_mono() + 5000;
    q.connect_timeout_ms = 200;
    assert_int_equal(run(h, q).r.fault, LP_HTTP_DNS);
    lp_http_del(h);
    assert_true(lp_clock_mono() - begin <= within(4000));
}

static void connections_are_kept(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    int before = connections;
    for (int i = 0; i < 20; i++)
        assert_int_equal(run(h, get("/ok", 2000)).r.status, 200);
    assert_int_equal(connections, before + 1);
    struct lp_http_request q = get("/ok", 2000);
    q.once = true;
    run(h, q);
    assert_int_equal(connections, before + 2);
    /* One that the server closed is seen, and another taken. */
    run(h, get("/gone", 2000));
    usleep(20000);
    assert_int_equal(run(h, get("/ok", 2000)).r.status, 200);
    lp_http_del(h);
}

static void waits_for_the_callers_descriptors(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    struct lp_err err = {0};
    int in[2];
    assert_int_equal(pipe(in), 0);
    close(in[1]);
    struct pollfd p = {.fd = in[0], .events = POLLIN};
    int64_t begin = lp_clock_mono();
    assert_int_equal(lp_http_poll(h, &p, 1, 5000, &err), 0);
    assert_int_equal(p.revents, POLLHUP);
    assert_true(lp_clock_mono() - begin < within(2000));
    close(in[0]);
    lp_http_del(h);
}

static void deleting_cancels_in_silence(void **state)
{
    (void)state;
    struct lp_http *h = fresh();
    struct lp_err err = {0};
    struct got g[3] = {0};
    struct lp_http_request q = get("/silence", 5000), late = get("/ok", -1);
    assert_int_equal(lp_http_send(h, &q, done, &g[0], &err), 0);
    assert_int_equal(lp_http_poll(h, NULL, 0, 20, &err), 0);
    assert_int_equal(lp_http_send(h, &q, done, &g[1], &err), 0);
    assert_int_equal(lp_http_send(h, &late, done, &g[2], &err), 0);
    assert_int_equal(lp_http_in_flight(h), 3);
    lp_http_del(h);
    assert_int_equal(g[0].calls + g[1].calls + g[2].calls, 0);
}

struct chain {
    struct lp_http *h;
    int left, done, failed;
};

static void again(void *arg, const struct lp_http_response *r)
{
    struct chain *c = arg;
    struct lp_err err = {0};
    struct lp_http_request q = get("/ok", 5000);
    c->done++;
    c->failed += r->fault != LP_HTTP_NONE || r->status != 200 || r->body.n != 2;
    if (c->left-- > 0)
        assert_int_equal(lp_http_send(c->h, &q, again, c, &err), 0);
}

static void many_in_flight_sent_from_callbacks(void **state)
{
    (void)state;
    struct chain c = {.h = fresh(), .left = 968};
    struct lp_err err = {0};
    int before = connections;
    for (int i = 0; i < 32; i++) {
        struct lp_http_request q = get("/ok", 5000);
        assert_int_equal(lp_http_send(c.h, &q, again, &c, &err), 0);
    }
    while (lp_http_in_flight(c.h))
        assert_int_equal(lp_http_poll(c.h, NULL, 0, 1000, &err), 0);
    assert_int_equal(c.done, 1000);
    assert_int_equal(c.failed, 0);
    assert_true(connections - before <= 64);
    lp_http_del(c.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_become_json),
        cmocka_unit_test(requests_go_out_as_asked),
        cmocka_unit_test(injection_is_refused),
        cmocka_unit_test(redirects_stay_at_home),
        cmocka_unit_test(faults_have_their_names),
        cmocka_unit_test(nothing_sent_is_told),
        cmocka_unit_test(silent_dns_holds_nobody),
        cmocka_unit_test(connections_are_kept),
        cmocka_unit_test(waits_for_the_callers_descriptors),
        cmocka_unit_test(deleting_cancels_in_silence),
        cmocka_unit_test(many_in_flight_sent_from_callbacks),
    };
    return cmocka_run_group_tests_name("sys/http", tests, server_start, server_stop);
}
