#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "leadpipe/mapping.h"

#define COLUMNS(...)                                                                               \
    (const struct lp_str[]){__VA_ARGS__},                                                          \
        sizeof((const struct lp_str[]){__VA_ARGS__}) / sizeof(struct lp_str)
#define C(s)                                                                                       \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static bool never(const void *arg, const char *header)
{
    (void)arg;
    (void)header;
    return false;
}

static enum lp_member member_of(const char *header)
{
    struct lp_buf b = {0};
    lp_mapping_normalise(lp_str(header), &b);
    enum lp_member m = lp_mapping_synonym(lp_buf_view(&b), never, NULL);
    lp_buf_free(&b);
    return m;
}

static void synonyms(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum lp_member member;
    } cases[] = {
        {"Email", LP_MEMBER_EMAIL},
        {"E-Mail", LP_MEMBER_EMAIL},
        {"email_address", LP_MEMBER_EMAIL},
        {"E-mail 1 - Value", LP_MEMBER_EMAIL},
        {"E-Mail-Adresse", LP_MEMBER_EMAIL},
        {"Adresse e-mail", LP_MEMBER_EMAIL},
        {"Correo electrónico", LP_MEMBER_EMAIL},
        {"FIRST NAME", LP_MEMBER_FIRST_NAME},
        {"Given Name", LP_MEMBER_FIRST_NAME},
        {"Vorname", LP_MEMBER_FIRST_NAME},
        {"PRÉNOM", LP_MEMBER_FIRST_NAME},
        {"Family Name", LP_MEMBER_LAST_NAME},
        {"Nachname", LP_MEMBER_LAST_NAME},
        {"Apellidos", LP_MEMBER_LAST_NAME},
        {"Account Name", LP_MEMBER_COMPANY},
        {"Organization 1 - Name", LP_MEMBER_COMPANY},
        {"Société", LP_MEMBER_COMPANY},
        {"Job Title", LP_MEMBER_TITLE},
        {"Position", LP_MEMBER_TITLE},
        {"Intitulé du poste", LP_MEMBER_TITLE},
        {"Work Direct Phone", LP_MEMBER_PHONE},
        {"Phone 1 - Value", LP_MEMBER_PHONE},
        {"Teléfono móvil", LP_MEMBER_PHONE},
        {"Person Linkedin Url", LP_MEMBER_LINKEDIN_URL},
        {"Mailing City", LP_MEMBER_CITY},
        {"Ort", LP_MEMBER_CITY},
        {"Country/Region", LP_MEMBER_COUNTRY},
        {"País", LP_MEMBER_COUNTRY},
        {"emails_sent", LP_MEMBER_EMAILS_SENT},
        {"Marketing emails opened", LP_MEMBER_EMAILS_OPENED},
        {"Clicks", LP_MEMBER_CLICKS},
        {"Conversions", LP_MEMBER_CONVERSIONS},
        {"TAGS", LP_MEMBER_TAGS},
        {"Étiquettes", LP_MEMBER_TAGS},
        {"Name", LP_MEMBER_CUSTOM},
        {"Full Name", LP_MEMBER_CUSTOM},
        {"URL", LP_MEMBER_CUSTOM},
        {"Company Linkedin Url", LP_MEMBER_CUSTOM},
        {"", LP_MEMBER_CUSTOM},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(member_of(cases[i].header), cases[i].member);
}

static void names_that_need_another(void **state)
{
    (void)state;
    struct lp_mapping m;
    lp_mapping_init(&m, NULL, COLUMNS(C("Name"), C("Vorname"), C("URL"), C("Connected On")), false);
    assert_int_equal(m.column[0].member, LP_MEMBER_LAST_NAME);
    assert_int_equal(m.column[2].member, LP_MEMBER_LINKEDIN_URL);
    lp_mapping_free(&m);
    lp_mapping_init(&m, NULL, COLUMNS(C("Name"), C("Email")), false);
    assert_int_equal(m.column[0].member, LP_MEMBER_CUSTOM);
    lp_mapping_free(&m);
}

static void duplicate_and_empty_names(void **state)
{
    (void)state;
    struct lp_mapping m;
    lp_mapping_init(
        &m, NULL, COLUMNS(C("Email"), C("x"), C(""), C("x"), C("x_2"), C("E-Mail")), false);
    static const char *const want[] = {"Email", "x", "column_3", "x_2", "x_2_2", "E-Mail"};
    for (size_t i = 0; i < 6; i++)
        assert_true(lp_str_is(m.column[i].name, want[i]));
    assert_int_equal(m.first[LP_MEMBER_EMAIL], 1);
    assert_int_equal(m.column[0].next, 6);
    assert_int_equal(m.customs, 6); /* both addresses may lose */
    lp_mapping_free(&m);
}

static const char *write_map(const char *text)
{
    static char path[] = "/tmp/leadpipe-map-XXXXXX";
    memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static void map_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"columns\":{\"Adr\":\"email\",\"Id\":null,\"N\":"
                                        "\"custom_fields.note\"},\"members\":{\"company\":\".F\"}}",
        "{\"Adr\":\"email\",\"Id\":null,\"N\":\"custom_fields.note\",\"company\":\".F\"}"};
    for (size_t i = 0; i < 2; i++) {
        struct lp_map map;
        struct lp_err err = {0};
        struct lp_mapping m;
        const char *path = write_map(texts[i]);
        assert_int_equal(lp_map_read(&map, path, &err), 0);
        unlink(path);
        assert_true(lp_str_is(map.text[LP_MEMBER_COMPANY], ".F"));
        lp_mapping_init(&m, &map, COLUMNS(C("ADR"), C("Id"), C("N"), C("Company")), false);
        assert_int_equal(m.column[0].member, LP_MEMBER_EMAIL);
        assert_int_equal(m.column[1].member, LP_MEMBER_NONE);
        assert_true(lp_str_is(m.column[2].field, "note"));
        assert_int_equal(m.column[3].member, LP_MEMBER_COMPANY);
        assert_int_equal(m.customs, 2); /* note, and the company the expression displaces */
        lp_mapping_free(&m);
        lp_map_free(&map);
    }
}

static void map_mistakes_name_the_key(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"[]", "object"},
        {"{", "byte"},
        {"{\"columns\":{\"A\":\"emial\"}}", "\"A\""},
        {"{\"members\":{\"emial\":\".A\"}}", "\"emial\""},
        {"{\"A\":\"emial\"}", "\"A\""},
        {"{\"members\":{\"email\":\".A |\"}}", "email"},
        {"{\"columns\":{},\"colums\":{}}", "beside"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_map map;
        struct lp_err err = {0};
        const char *path = write_map(cases[i].text);
        assert_int_equal(lp_map_read(&map, path, &err), -1);
        unlink(path);
        assert_int_equal(err.kind, LP_ERR_CONFIG);
        assert_non_null(strstr(err.msg, path));
        assert_non_null(strstr(err.msg, cases[i].word));
        lp_map_free(&map);
    }
}

static void printed_map_reads_back(void **state)
{
    (void)state;
    struct lp_mapping m, again;
    struct lp_map map;
    struct lp_err err = {0};
    struct lp_buf a = {0}, b = {0};
    lp_mapping_init(&m, NULL, COLUMNS(C("E-Mail"), C("say \"x\""), C("")), false);
    lp_mapping_print(&m, NULL, &a);
    const char *path = write_map(a.p);
    assert_int_equal(lp_map_read(&map, path, &err), 0);
    unlink(path);
    lp_mapping_init(&again, &map, COLUMNS(C("E-Mail"), C("say \"x\""), C("")), false);
    lp_mapping_print(&again, &map, &b);
    assert_string_equal(a.p, b.p);
    lp_mapping_free(&m);
    lp_mapping_free(&again);
    lp_map_free(&map);
    lp_buf_free(&a);
    lp_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synonyms),
        cmocka_unit_test(names_that_need_another),
        cmocka_unit_test(duplicate_and_empty_names),
        cmocka_unit_test(map_forms),
        cmocka_unit_test(map_mistakes_name_the_key),
        cmocka_unit_test(printed_map_reads_back),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
