/* table: rows found by key, and every way a table can be wrong */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "leadpipe/buf.h"
#include "leadpipe/table.h"

static char path[256];

static struct lp_table *load(const char *key, const char *text, size_t n, struct lp_err *err)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return lp_table_load(path, key, err);
}

static struct lp_table *good(const char *key, const char *text)
{
    struct lp_err err = {0};
    struct lp_table *t = load(key, text, strlen(text), &err);
    if (!t)
        fail_msg("%s", err.msg);
    return t;
}

static void assert_cells(const struct lp_table *t, const char *key, const char *want)
{
    struct lp_table_cell cell[LP_TABLE_COLUMNS];
    struct lp_buf b = {0};
    size_t n = lp_table_find(t, lp_str(key), cell);
    for (size_t i = 0; i < n; i++)
        lp_buf_printf(
            &b, "%s%s=%.*s", i ? " " : "", cell[i].field, (int)cell[i].value.n, cell[i].value.p);
    assert_string_equal(b.p ? b.p : "", want);
    lp_buf_free(&b);
}

static void rows_are_found_by_domain(void **state)
{
    struct lp_table *t = good("domain", "Domain,COMPANY,Job Title,notes,company-size\n"
                                        "ACME.de,\"Acme, \"\"Inc\"\"\",CTO,x,50\n"
                                        "m\xc3\xbcnchen.de,M\xc3\xbcnchen,,x,\n");
    (void)state;
    assert_int_equal(lp_table_rows(t), 2);
    assert_cells(
        t, "acme.de", "company_name=\"Acme, \\\"Inc\\\"\" job_title=\"CTO\" company_size=\"50\"");
    assert_cells(t, "xn--mnchen-3ya.de", "company_name=\"M\xc3\xbcnchen\"");
    assert_cells(t, "other.de", "");
    assert_cells(t, "", "");
    lp_table_del(t);
}

static void rows_are_found_by_email(void **state)
{
    struct lp_table *t = good("email", "first_name;Email\nAnn; Ann.Lee@ACME.de \n");
    (void)state;
    assert_cells(t, "ann.lee@acme.de", "first_name=\"Ann\"");
    lp_table_del(t);
}

static void bom_crlf_quoted_newlines_and_blank_lines(void **state)
{
    struct lp_table *t = good("domain", "\xef\xbb\xbf"
                                        "domain,company\r\n\r\na.de,\"A\r\nB\"\r\n\r\nb.de,B");
    (void)state;
    assert_int_equal(lp_table_rows(t), 2);
    assert_cells(t, "a.de", "company_name=\"A\\r\\nB\"");
    assert_cells(t, "b.de", "company_name=\"B\"");
    lp_table_del(t);
}

static void a_web_site_is_its_domain(void **state)
{
    static const char *const sites[] = {"https://www.acme.de/en?x", "http://ACME.de", "www.acme.de",
        "acme.de.", "acme.de/", "HTTPS://acme.de"};
    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        char text[80];
        snprintf(text, sizeof text, "domain,company\n%s,Acme\n", sites[i]);
        struct lp_table *t = good("domain", text);
        assert_cells(t, "acme.de", "company_name=\"Acme\"");
        lp_table_del(t);
    }
}

static void a_delimiter_that_is_named(void **state)
{
    struct lp_err err = {0};
    struct lp_table *t = good("domain", "sep=|\r\ndomain|company\r\na.de|A, B; C\r\n");
    (void)state;
    assert_cells(t, "a.de", "company_name=\"A, B; C\"");
    lp_table_del(t);
    assert_null(load("domain", "sep=;\ndomain;company\na.de\n", 26, &err));
    assert_non_null(strstr(err.msg, ":3: 1 cells"));
}

static void first_of_several_and_rows_without_key(void **state)
{
    struct lp_table *t = good("domain", "domain,company\na.de,1\nA.DE,2\n,3\n");
    (void)state;
    assert_int_equal(lp_table_rows(t), 1);
    assert_cells(t, "a.de", "company_name=\"1\"");
    lp_table_del(t);
}

static void many_rows(void **state)
{
    struct lp_buf b = {0};
    char key[32], want[64];
    (void)state;
    lp_buf_puts(&b, "domain,company\n");
    for (int i = 0; i < 20000; i++)
        lp_buf_printf(&b, "d%d.de,Firm %d\n", i, i);
    struct lp_table *t = good("domain", b.p);
    assert_int_equal(lp_table_rows(t), 20000);
    for (int i = 0; i < 20000; i += 997) {
        snprintf(key, sizeof key, "d%d.de", i);
        snprintf(want, sizeof want, "company_name=\"Firm %d\"", i);
        assert_cells(t, key, want);
    }
    lp_table_del(t);
    lp_buf_free(&b);
}

static void a_bad_table_is_named_with_its_line(void **state)
{
    static const struct {
        const char *key, *text;
        size_t n;
        const char *line, *what;
    } cases[] = {
        {"domain", "", 0, ":1: ", "empty"},
        {"domain", "company\nx\n", 10, ":1: ", "no column is named domain"},
        {"domain", "domain,notes\na.de,x\n", 20, ":1: ", "no column is named as a field"},
        {"domain", "domain,company\na.de,A\nb.de\n", 27, ":3: ", "1 cells where the header has 2"},
        {"domain", "domain,company\na.de,A\nb.de,B,C\n", 31, ":3: ", "3 cells"},
        {"domain", "domain,company\na.de,\"A\nb.de,B\n", 30, ":2: ", "never closed"},
        {"domain", "domain,company\na.de,A\nb.de,\xff\n", 29, ":3: ", "not UTF-8"},
        {"domain", "domain,company\na.de,\0\n", 22, ":2: ", "not UTF-8"},
        {"email", "email,company\na@b.de,A\nnobody,B\n", 32, ":3: ", "no address"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lp_err err = {0};
        assert_null(load(cases[i].key, cases[i].text, cases[i].n, &err));
        assert_int_equal(err.kind, LP_ERR_CONFIG);
        assert_non_null(strstr(err.msg, path));
        assert_non_null(strstr(err.msg, cases[i].line));
        if (!strstr(err.msg, cases[i].what))
            fail_msg("%s: not %s", err.msg, cases[i].what);
    }
}

static void other_failures(void **state)
{
    struct lp_err err = {0};
    (void)state;
    assert_null(lp_table_load("/nonexistent/x.csv", "domain", &err));
    assert_int_equal(err.kind, LP_ERR_IO);
    err = (struct lp_err){0};
    assert_null(load("name", "name,company\na,b\n", 17, &err));
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_non_null(strstr(err.msg, "key"));
}

static int set_up(void **state)
{
    const char *dir = getenv("T");
    (void)state;
    snprintf(path, sizeof path, "%s/table-XXXXXX", dir ? dir : "/tmp");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_domain),
        cmocka_unit_test(rows_are_found_by_email),
        cmocka_unit_test(bom_crlf_quoted_newlines_and_blank_lines),
        cmocka_unit_test(a_web_site_is_its_domain),
        cmocka_unit_test(a_delimiter_that_is_named),
        cmocka_unit_test(first_of_several_and_rows_without_key),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(a_bad_table_is_named_with_its_line),
        cmocka_unit_test(other_failures),
    };
    return cmocka_run_group_tests_name("table", tests, set_up, tear_down);
}
