/* http_check: where a redirect may lead. */
#include "leadpipe/http_check.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define BASE "https://api.test:443/v1/people?key=1"

static const struct {
    const char *location, *url; /* url == NULL: refused */
} cases[] = {
    {"/x", "https://api.test:443/x"},
    {"/x?y=1#f", "https://api.test:443/x?y=1"},
    {"x", "https://api.test:443/v1/x"},
    {"../x", "https://api.test:443/v1/../x"},
    {"?q=2", "https://api.test:443/v1/people?q=2"},
    {"https://api.test/z", "https://api.test:443/z"},
    {"HTTPS://API.TEST:443/z", "https://api.test:443/z"},
    {"https://api.test", "https://api.test:443/"},
    {"https://api.test?a", "https://api.test:443?a"},
    {"//api.test/z", "https://api.test:443/z"},
    {"/a:b", "https://api.test:443/a:b"},
    {"https://api.test\\@evil.test/z", "https://api.test:443/\\@evil.test/z"},
    {"http://api.test/z", NULL},
    {"http://api.test:443/z", NULL},
    {"https://api.test:444/z", NULL},
    {"https://api.test.evil.test/z", NULL},
    {"https://api.test@evil.test/z", NULL},
    {"https://evil.test/z", NULL},
    {"https://me@api.test/z", NULL},
    {"//evil.test/z", NULL},
    {"//", NULL},
    {"file:///etc/passwd", NULL},
    {"file:/etc/passwd", NULL},
    {"javascript:x", NULL},
    {"", NULL},
    {"#f", NULL},
    {"/a b", NULL},
    {"/a\tb", NULL},
};

static void redirects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_buf url = {0};
        lp_buf_puts(&url, BASE);
        const char *no = lp_http_redirect("GET", 302, lp_str(cases[i].location), &url);
        if (!no != (cases[i].url != NULL))
            print_error("case %zu: %s\n", i, cases[i].location);
        assert_int_equal(!no, cases[i].url != NULL);
        assert_string_equal(url.p, cases[i].url ? cases[i].url : BASE);
        lp_buf_free(&url);
    }
}

static void methods(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        long status;
        bool ok;
    } list[] = {
        {"GET", 301, true},
        {"GET", 303, true},
        {"HEAD", 303, true},
        {"POST", 301, false},
        {"POST", 302, false},
        {"POST", 303, false},
        {"POST", 307, true},
        {"POST", 308, true},
        {"PATCH", 303, false},
        {"PUT", 307, true},
        {"DELETE", 303, false},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        struct lp_buf url = {0};
        lp_buf_puts(&url, BASE);
        const char *no = lp_http_redirect(list[i].method, list[i].status, LP_STR("/x"), &url);
        assert_int_equal(!no, list[i].ok);
        lp_buf_free(&url);
    }
    assert_false(lp_http_is_redirect(300) || lp_http_is_redirect(304) || lp_http_is_redirect(200));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(redirects), cmocka_unit_test(methods)};
    return cmocka_run_group_tests_name("sys/http_check", tests, NULL, NULL);
}
