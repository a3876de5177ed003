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

/* The headers of real exports, in the file's order: "header=member", or the header alone where it is
 * to stay a custom field. */
static const struct export
{
    const char *of;
    const char *columns; /* separated by "|" */
}
exports[] = {
    {"HubSpot",
        "Record ID|First Name=first_name|Last Name=last_name|Email=email|Phone Number=phone|"
        "Mobile Phone Number=phone|Company Name=company|Job Title=title|City=city|"
        "State/Region|Postal Code|Country/Region=country|LinkedIn URL=linkedin_url|Lead Status|"
        "Associated Company=company|Associated Company IDs|Primary Associated Company ID|"
        "Marketing emails delivered=emails_sent|Marketing emails opened=emails_opened|"
        "Marketing emails clicked=clicks|Marketing emails bounced|Contact owner|Create Date"},
    {"HubSpot in German",
        "Datensatz-ID|Vorname=first_name|Nachname=last_name|E-Mail-Adresse=email|"
        "Telefonnummer=phone|Mobiltelefonnummer=phone|Unternehmensname=company|"
        "Jobtitel=title|Stadt=city|Land/Region=country|Postleitzahl|LinkedIn-URL=linkedin_url"},
    {"HubSpot in French",
        "Prénom=first_name|Nom de famille=last_name|Adresse e-mail=email|"
        "Numéro de téléphone=phone|Numéro de téléphone mobile=phone|"
        "Nom de l’entreprise=company|Intitulé de poste=title|Ville=city|Pays/Région=country|"
        "Code postal|URL LinkedIn=linkedin_url"},
    {"HubSpot in Spanish",
        "Nombre=first_name|Apellidos=last_name|Correo=email|Número de teléfono=phone|"
        "Número de teléfono móvil=phone|Nombre de la empresa=company|Cargo=title|"
        "Ciudad=city|País/región=country|Código postal|URL de LinkedIn=linkedin_url"},
    {"Salesforce, a report",
        "Salutation|First Name=first_name|Last Name=last_name|Title=title|"
        "Account Name=company|Mailing Street|Mailing City=city|Mailing State/Province|"
        "Mailing Zip/Postal Code|Mailing Country=country|Phone=phone|Mobile=phone|Fax|"
        "Email=email|Account Owner"},
    {"Salesforce, leads", "First Name=first_name|Last Name=last_name|Title=title|"
                          "Company / Account=company|Email=email|Country/Territory=country|"
                          "Lead Source|Lead Status"},
    {"Salesforce, Data Loader",
        "ID|FIRSTNAME=first_name|LASTNAME=last_name|EMAIL=email|PHONE=phone|MOBILEPHONE=phone|"
        "TITLE=title|ACCOUNT.NAME=company|MAILINGCITY=city|MAILINGCOUNTRY=country|OWNERID"},
    {"Salesforce in German",
        "Anrede|Vorname=first_name|Nachname=last_name|Titel=title|Accountname=company|"
        "Postanschrift (Ort)=city|Postanschrift (Land)=country|Telefon=phone|Mobil=phone|"
        "E-Mail=email"},
    {"Salesforce in French", "Prénom=first_name|Nom=last_name|Fonction=title|"
                             "Nom du compte=company|Téléphone=phone|Téléphone mobile=phone|"
                             "Adresse e-mail=email|Pays=country"},
    {"Salesforce in Spanish", "Nombre=first_name|Apellidos=last_name|Título=title|"
                              "Nombre de la cuenta=company|Teléfono=phone|Móvil=phone|"
                              "Correo electrónico=email|País=country"},
    {"LinkedIn", "First Name=first_name|Last Name=last_name|URL=linkedin_url|Email Address=email|"
                 "Company=company|Position=title|Connected On"},
    {"LinkedIn in French", "Prénom=first_name|Nom=last_name|URL=linkedin_url|"
                           "Adresse e-mail=email|Entreprise=company|Poste=title|"
                           "Date de connexion"},
    {"Mailchimp", "Email Address=email|First Name=first_name|Last Name=last_name|Address|"
                  "Phone Number=phone|Birthday|MEMBER_RATING|OPTIN_TIME|OPTIN_IP|CONFIRM_TIME|"
                  "LATITUDE|LONGITUDE|GMTOFF|CC|REGION|LAST_CHANGED|LEID|EUID|NOTES|TAGS=tags"},
    {"Apollo",
        "First Name=first_name|Last Name=last_name|Title=title|Company=company|"
        "Company Name for Emails|Email=email|Email Status|Primary Email Source|"
        "Email Confidence|Primary Email Catch-all Status|Primary Email Last Verified At|"
        "Seniority|Departments|Contact Owner|Work Direct Phone=phone|Home Phone=phone|"
        "Mobile Phone=phone|Corporate Phone=phone|Other Phone=phone|Stage|Lists|Last Contacted|"
        "Account Owner|# Employees|Industry|Keywords|Person Linkedin Url=linkedin_url|Website|"
        "Company Linkedin Url|Facebook Url|Twitter Url|City=city|State|Country=country|"
        "Company Address|Company City|Company State|Company Country|Company Phone|"
        "Technologies|Annual Revenue|Email Sent|Email Open|Email Bounced|Replied|Demoed|"
        "Apollo Contact Id|Secondary Email|Tertiary Email"},
    {"Google", "First Name=first_name|Middle Name|Last Name=last_name|Phonetic First Name|"
               "Name Prefix|Name Suffix|Nickname|File As|Organization Name=company|"
               "Organization Title=title|Organization Department|Birthday|Notes|Photo|"
               "Labels=tags|E-mail 1 - Label|E-mail 1 - Value=email|Phone 1 - Label|"
               "Phone 1 - Value=phone|Address 1 - Formatted|Address 1 - City=city|"
               "Address 1 - Country=country|Website 1 - Value"},
    {"Google, before 2024",
        "Name|Given Name=first_name|Additional Name|Family Name=last_name|Yomi Name|Notes|"
        "Group Membership=tags|E-mail 1 - Type|E-mail 1 - Value=email|Phone 1 - Type|"
        "Phone 1 - Value=phone|Organization 1 - Name=company|Organization 1 - Title=title"},
};

static size_t split_columns(char *text, struct lp_str header[], const char *member[])
{
    size_t n = 0;

    for (char *c = strtok_r(text, "|", &text); c; c = strtok_r(NULL, "|", &text)) {
        char *equals = strchr(c, '=');
        if (equals)
            *equals = '\0';
        header[n] = lp_str(c);
        member[n++] = equals ? equals + 1 : NULL;
    }
    return n;
}

static void real_exports(void **state)
{
    (void)state;
    for (size_t e = 0; e < sizeof(exports) / sizeof(exports[0]); e++) {
        char *text = strdup(exports[e].columns);
        struct lp_str header[64];
        const char *member[64];
        struct lp_mapping m;
        size_t n = split_columns(text, header, member);

        lp_mapping_init(&m, NULL, header, n, false);
        for (size_t i = 0; i < n; i++) {
            enum lp_member got = m.column[i].member;
            const char *name = got < LP_MEMBERS ? lp_member_name(got) : "custom";
            if (strcmp(name, member[i] ? member[i] : "custom") != 0)
                fail_msg("%s: \"%s\" is %s", exports[e].of, header[i].p, name);
        }
        lp_mapping_free(&m);
        free(text);
    }
}

static void marks_in_names_do_not_count(void **state)
{
    (void)state;
    assert_int_equal(member_of("E\xe2\x80\x91Mail *"), LP_MEMBER_EMAIL); /* no-break hyphen */
    assert_int_equal(member_of("nom de l\xe2\x80\x99"
                               "entreprise"),
        LP_MEMBER_COMPANY);
    assert_int_equal(member_of("Pre\xcc\x81nom\xe2\x80\xaf:"), LP_MEMBER_FIRST_NAME); /* NFD */
    assert_int_equal(member_of("Job\xc2\xa0Title"), LP_MEMBER_TITLE);
    assert_int_equal(member_of("Tél. mobile"), LP_MEMBER_PHONE);
    assert_int_equal(member_of("E\xe2\x80"), LP_MEMBER_CUSTOM); /* cut short */
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

static void many_columns_of_one_name(void **state)
{
    (void)state;
    enum { MANY = 16384 };
    struct lp_mapping m;
    struct lp_str *header = calloc(MANY, sizeof(*header));
    for (size_t i = 0; i < MANY; i++)
        header[i] = lp_str("x");
    lp_mapping_init(&m, NULL, header, MANY, false); /* cubic, it would take an hour */
    assert_true(lp_str_is(m.column[MANY - 1].name, "x_16384"));
    lp_mapping_free(&m);
    free(header);
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

/* Two members of one name would be one lost value to whoever reads the record. */
static void custom_fields_do_not_collide(void **state)
{
    (void)state;
    struct lp_map map;
    struct lp_err err = {0};
    struct lp_mapping m;
    const char *path =
        write_map("{\"A\":\"custom_fields.x\",\"B\":\"custom_fields.x\",\"x\":null}");
    assert_int_equal(lp_map_read(&map, path, &err), 0);
    unlink(path);
    lp_mapping_init(&m, &map, COLUMNS(C("x"), C("A"), C("x_2"), C("B")), false);
    static const char *const want[] = {"x", "x", "x_2", "x_3"};
    for (size_t i = 0; i < 4; i++)
        assert_true(lp_str_is(m.column[i].field, want[i]));
    lp_mapping_free(&m);
    lp_map_free(&map);
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
        cmocka_unit_test(real_exports),
        cmocka_unit_test(marks_in_names_do_not_count),
        cmocka_unit_test(names_that_need_another),
        cmocka_unit_test(duplicate_and_empty_names),
        cmocka_unit_test(many_columns_of_one_name),
        cmocka_unit_test(map_forms),
        cmocka_unit_test(custom_fields_do_not_collide),
        cmocka_unit_test(map_mistakes_name_the_key),
        cmocka_unit_test(printed_map_reads_back),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
