#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>
#include "leadpipe/lists.h"

static char dir[] = "/tmp/lists.XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *name)
{
    char path[64];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}

static bool role(const struct lp_lists *l, const char *local)
{
    return lp_lists_role(l, lp_str(local));
}

static bool disposable(const struct lp_lists *l, const char *domain)
{
    return lp_lists_domain(l, LP_LIST_DISPOSABLE, lp_str(domain));
}

static bool is_free(const struct lp_lists *l, const char *domain)
{
    return lp_lists_domain(l, LP_LIST_FREE, lp_str(domain));
}

static void tables_are_sorted(void **state)
{
    const struct lp_lists_table *tables[] = {&lp_lists_data_role, &lp_lists_data_free,
        &lp_lists_data_disposable, &lp_lists_data_popular};
    static const size_t least[] = {300, 400, 400, 60};

    (void)state;
    for (size_t t = 0; t < 4; t++) {
        assert_true(tables[t]->n >= least[t]);
        for (size_t i = 0; i < tables[t]->n; i++) {
            assert_int_equal(strlen(tables[t]->name[i].name), tables[t]->name[i].length);
            if (i)
                assert_true(strcmp(tables[t]->name[i - 1].name, tables[t]->name[i].name) < 0);
        }
    }
}

static void every_shipped_name_is_found(void **state)
{
    struct lp_err err = {0};
    struct lp_lists *l = lp_lists_new(NULL, &err);

    (void)state;
    for (size_t i = 0; i < lp_lists_data_role.n; i++)
        if (!role(l, lp_lists_data_role.name[i].name))
            fail_msg("%s", lp_lists_data_role.name[i].name);
    for (size_t i = 0; i < lp_lists_data_free.n; i++)
        assert_true(is_free(l, lp_lists_data_free.name[i].name));
    for (size_t i = 0; i < lp_lists_data_disposable.n; i++) {
        const char *name = lp_lists_data_disposable.name[i].name;
        assert_true(disposable(l, name));
        if (is_free(l, name))
            fail_msg("%s is in two lists", name);
    }
    /* What people are told that they meant has to be a provider, or typo would correct itself. */
    for (size_t i = 0; i < lp_lists_data_popular.n; i++)
        assert_true(is_free(l, lp_lists_data_popular.name[i].name));
    lp_lists_del(l);
}

static void roles(void **state)
{
    static const char *const are[] = {"info", "INFO", "Sales", "no-reply", "no_reply", "noreply",
        "customer.service", "kundenservice", "info2", "support+x", "Büro", "BÜRO", "buero",
        "contacto", "comptabilité", "it"};
    static const char *const are_not[] = {"", "john", "john.doe", "h.r", "i-t", "informa", "inf",
        "+info", "mark", "j", "salesman.john", "info12345"};

    (void)state;
    for (size_t i = 0; i < sizeof are / sizeof *are; i++)
        if (!role(NULL, are[i]))
            fail_msg("%s", are[i]);
    for (size_t i = 0; i < sizeof are_not / sizeof *are_not; i++)
        if (role(NULL, are_not[i]))
            fail_msg("%s", are_not[i]);
}

static void walks_up(void **state)
{
    (void)state;
    assert_true(disposable(NULL, "mailinator.com"));
    assert_true(disposable(NULL, "a.b.mailinator.com"));
    assert_false(disposable(NULL, "notmailinator.example"));
    assert_false(disposable(NULL, "xmailinator.com"));
    assert_false(disposable(NULL, "com"));
    assert_false(disposable(NULL, ""));
    assert_true(is_free(NULL, "gmx.de"));
    assert_true(is_free(NULL, "yahoo.co.uk"));
    assert_true(is_free(NULL, "mail.yahoo.co.uk"));
    assert_false(is_free(NULL, "example.co.uk"));
}

static void users_lists_add_and_remove(void **state)
{
    struct lp_err err = {0};
    struct lp_lists *l;

    (void)state;
    write_file("role.txt",
        "\xEF\xBB\xBFZz-Desk\n# ours\n\n  Front-Desk-7  # counter\r\n-info\nempfänger2");
    write_file("disposable.txt", "throw.example\nMÜLL.example\n-mailinator.com\nduckdns.org\n");
    l = lp_lists_new(dir, &err);
    assert_non_null(l);
    assert_true(role(l, "zzdesk")); /* after what Windows puts before it */
    assert_true(role(l, "frontdesk7"));
    assert_true(role(l, "front.desk-7"));
    assert_true(role(l, "EMPFÄNGER2"));
    assert_false(role(l, "info"));
    assert_true(role(l, "sales"));
    assert_true(disposable(l, "x.throw.example"));
    assert_true(disposable(l, "xn--mll-hoa.example"));
    assert_false(disposable(l, "mailinator.com"));
    assert_true(disposable(l, "x.y.duckdns.org")); /* a public suffix is a domain too */
    assert_true(disposable(l, "yopmail.com"));
    assert_true(is_free(l, "gmail.com"));
    lp_lists_del(l);
    remove_file("role.txt");
    remove_file("disposable.txt");
}

static void many_names(void **state)
{
    struct lp_err err = {0};
    struct lp_lists *l;
    char path[64], name[32];
    FILE *f;

    (void)state;
    snprintf(path, sizeof path, "%s/free.txt", dir);
    f = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fprintf(f, "%sfree%d.example\n", i % 2 ? "-" : "", i);
    fclose(f);
    l = lp_lists_new(dir, &err);
    assert_non_null(l);
    for (int i = 0; i < 6000; i++) {
        snprintf(name, sizeof name, "free%d.example", i);
        assert_int_equal(is_free(l, name), i < 5000 && i % 2 == 0);
    }
    lp_lists_del(l);
    remove_file("free.txt");
}

static void bad_lists_are_named(void **state)
{
    static const struct {
        const char *file, *text, *at;
    } bad[] = {{"free.txt", "good.example\nnot a domain\n", "free.txt:2: not a domain"},
        {"free.txt", "single\n", "free.txt:1: not a domain"},
        {"free.txt", "-\n", "free.txt:1: not a domain"},
        {"free.txt", "a..example\n", "free.txt:1: not a domain"},
        {"disposable.txt", "x@y.example\n", "disposable.txt:1: not a domain"},
        {"role.txt", "a\nb\nc\xff\n", "role.txt:3: not a local part"},
        {"role.txt", "info@example.com\n", "role.txt:1: not a local part"}};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct lp_err err = {0};
        write_file(bad[i].file, bad[i].text);
        assert_null(lp_lists_new(dir, &err));
        assert_int_equal(err.kind, LP_ERR_CONFIG);
        if (!strstr(err.msg, bad[i].at))
            fail_msg("%s", err.msg);
        remove_file(bad[i].file);
    }
}

static void a_directory_without_lists_is_an_error(void **state)
{
    struct lp_err err = {0};

    (void)state;
    assert_null(lp_lists_new("/nonexistent", &err));
    assert_int_equal(err.kind, LP_ERR_CONFIG);
    assert_string_equal(err.code, "no_lists");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sorted),
        cmocka_unit_test(every_shipped_name_is_found),
        cmocka_unit_test(roles),
        cmocka_unit_test(walks_up),
        cmocka_unit_test(users_lists_add_and_remove),
        cmocka_unit_test(many_names),
        cmocka_unit_test(bad_lists_are_named),
        cmocka_unit_test(a_directory_without_lists_is_an_error),
    };
    int rc;

    if (!mkdtemp(dir))
        return 1;
    rc = cmocka_run_group_tests_name("lists", tests, NULL, NULL);
    rmdir(dir);
    return rc;
}
