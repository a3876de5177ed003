/* http_head: header lines as they come off the wire. */
#include "leadpipe/http_head.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "leadpipe/clock.h"

static struct lp_http_head head;

/* Feeds whole lines; says whether all were taken. */
static bool feed(const char *text)
{
    while (*text) {
        const char *end = strchr(text, '\n') + 1;
        if (!lp_http_head_line(&head, text, (size_t)(end - text)))
            return false;
        text = end;
    }
    return true;
}

static const struct {
    const char *lines, *json;
} cases[] = {
    {"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", "{\"a\":\"1\"}"},
    {"HTTP/1.1 200 OK\r\n\r\n", "{}"},
    {"HTTP/2 200\r\na: 1\nB:2\r\nC:\t 3 \t\r\n\r\n", "{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}"},
    {"HTTP/1.1 200 OK\r\nA: 1\r\nB: x\r\na: 2\r\nA:\r\n\r\n", "{\"a\":\"1, 2, \",\"b\":\"x\"}"},
    {"HTTP/1.1 200 OK\r\nA: one\r\n\t two\r\n three\r\n\r\n", "{\"a\":\"one two three\"}"},
    {"HTTP/1.1 200 OK\r\n folded onto nothing\r\nA: 1\r\n\r\n", "{\"a\":\"1\"}"},
    {"HTTP/1.1 200 OK\r\nA:\r\n two\r\n\r\n", "{\"a\":\"two\"}"},
    {"HTTP/1.1 103 Early\r\nA: 1\r\n\r\nHTTP/1.1 200 OK\r\nB: 2\r\n\r\n", "{\"b\":\"2\"}"},
    {"HTTP/1.1 200 OK\r\nA: 1\r\n\r\nTrailer: 1\r\n", "{\"a\":\"1\"}"},
    {"HTTP/1.1 200 OK\r\nno colon\r\nA: b:c\r\n\r\n", "{\"a\":\"b:c\"}"},
    {"HTTP/1.1 200 OK\r\nA: \"\\\x01\xff\xc3\xa9\r\n\r\n",
        "{\"a\":\"\\\"\\\\\\u0001\xef\xbf\xbd\xc3\xa9\"}"},
};

static void lines_become_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_buf json = {0};
        lp_http_head_reset(&head);
        assert_true(feed(cases[i].lines));
        lp_http_head_json(&head, &json);
        assert_string_equal(json.p, cases[i].json);
        lp_buf_free(&json);
    }
}

static void fields_are_found(void **state)
{
    (void)state;
    struct lp_str v;
    lp_http_head_reset(&head);
    feed("HTTP/1.1 302 Found\r\nLOCATION: /x\r\nlocation: /y\r\n\r\n");
    assert_true(lp_http_head_get(&head, "location", &v));
    assert_true(lp_str_is(v, "/x"));
    assert_false(lp_http_head_get(&head, "locat", &v));
}

static int64_t retry_after(const char *value)
{
    char line[128];
    snprintf(line, sizeof line, "HTTP/1.1 429 No\r\nRetry-After: %s\r\n\r\n", value);
    lp_http_head_reset(&head);
    assert_true(feed(line));
    return lp_http_head_retry_after(&head);
}

static void retry_after_in_both_forms(void **state)
{
    (void)state;
    assert_int_equal(retry_after("7"), 7000);
    assert_int_equal(retry_after("0"), 0);
    assert_int_equal(retry_after("-1"), -1);
    assert_int_equal(retry_after("soon"), -1);
    assert_int_equal(retry_after(""), -1);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    assert_true(retry_after("Fri, 31 Dec 9999 23:59:59 GMT") > 0);
    assert_true(retry_after("9223372036854775807") > 0);
    /* a date is of the server's clock, however wrong ours is */
    assert_int_equal(
        retry_after("Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Sun, 06 Nov 1994 08:49:30 GMT"), 7000);
    assert_int_equal(
        retry_after("Sun, 06 Nov 1994 08:49:37 GMT\r\nDate: Mon, 07 Nov 1994 08:49:30 GMT"), 0);
    /* --now stands still; a server's date does not. */
    lp_clock_fix(0);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
    lp_http_head_reset(&head);
    feed("HTTP/1.1 429 No\r\n\r\n");
    assert_int_equal(lp_http_head_retry_after(&head), -1);
}

/* How many such lines are taken before the ceiling. */
static int taken(const char *line)
{
    int n = 0;
    lp_http_head_reset(&head);
    while (n < 100000 && feed(line))
        n++;
    return n;
}

static void ceilings_hold(void **state)
{
    (void)state;
    char line[1026];
    memset(line, 'x', sizeof line);
    memcpy(line, "A: ", 3);
    memcpy(line + 1022, "\r\n", 3); /* 1024 bytes */
    assert_int_equal(taken(line), 64);
    assert_int_equal(taken("A: 1\r\n"), LP_HTTP_HEAD_LINES);
    assert_int_equal(taken("HTTP/1.1 100 Continue\r\n\r\n"), LP_HTTP_HEAD_LINES / 2);
    assert_true(head.text.len <= LP_HTTP_HEAD_MAX);
}

static int release(void **state)
{
    (void)state;
    lp_http_head_free(&head);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_json),
        cmocka_unit_test(fields_are_found),
        cmocka_unit_test(retry_after_in_both_forms),
        cmocka_unit_test(ceilings_hold),
    };
    return cmocka_run_group_tests_name("sys/http_head", tests, NULL, release);
}
