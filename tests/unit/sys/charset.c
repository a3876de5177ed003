#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/charset.h"

#define S(literal) LP_STR(literal)

static void guesses(void **state)
{
    (void)state;
    static const struct {
        struct lp_str text;
        const char *name;
        size_t bom;
        bool ascii;
    } cases[] = {
        {{"a,b\nc,d\n", 8}, "UTF-8", 0, true},
        {{"\xef\xbb\xbf"
          "a,b\n",
             7},
            "UTF-8", 3, false},
        {{"a,\xc3\xa9\n", 5}, "UTF-8", 0, false},
        {{"\xff\xfe"
          "a\0,\0",
             6},
            "UTF-16LE", 2, false},
        {{"\xfe\xff\0a\0,", 6}, "UTF-16BE", 2, false},
        {{"a\0,\0b\0\n\0", 8}, "UTF-16LE", 0, false},
        {{"\0a\0,\0b\0\n", 8}, "UTF-16BE", 0, false},
        {{"a,\x93"
          "b\x94\n",
             6},
            "Windows-1252", 0, false},
        /* cut inside a character by the end of the sample */
        {{"a,\xc3\xa9\nb,\xe2\x82", 9}, "UTF-8", 0, false},
        /* one broken line among many good ones does not turn the others into mojibake */
        {{"\xc3\xa9\n\xc3\xa8\n\xe9t\xe9\n", 10}, "UTF-8", 0, false},
        {{"", 0}, "UTF-8", 0, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lp_charset_guess g = lp_charset_guess(cases[i].text);
        assert_string_equal(g.name, cases[i].name);
        assert_int_equal(g.bom, cases[i].bom);
        assert_int_equal(g.ascii, cases[i].ascii);
    }
    struct lp_charset_guess g = lp_charset_guess(S("Stra\xdf"
                                                   "e,M\xfcnchen\n"));
    assert_true(strcmp(g.name, "Windows-1252") == 0 || strcmp(g.name, "ISO-8859-1") == 0);
}

static void decodes(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_charset *c = lp_charset_new("cp1252", &err);
    assert_non_null(c);
    assert_string_equal(lp_charset_name(c), "Windows-1252");
    assert_false(lp_charset_wide(c));
    assert_true(lp_charset_decode(c, S("\x80 M\xfcller"), &out));
    assert_string_equal(out.p, "\xe2\x82\xac M\xc3\xbcller");
    lp_buf_reset(&out);
    assert_false(lp_charset_decode(c, S("a\x81z"), &out));
    lp_charset_del(c);
    c = lp_charset_new("utf8", &err);
    lp_buf_reset(&out);
    assert_true(lp_charset_utf8(c));
    assert_true(lp_charset_decode(c, S("\xc3\xa9"), &out));
    assert_false(lp_charset_decode(c, S("\xe9"), &out));
    lp_charset_del(c);
    assert_null(lp_charset_new("no-such-thing", &err));
    assert_int_equal(err.kind, LP_ERR_USAGE);
    lp_buf_free(&out);
}

/* Vietnamese and Hebrew code pages write marks behind their letter; iconv waits for them. */
static void last_letters(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_charset *c = lp_charset_new("windows-1258", &err);
    assert_true(lp_charset_decode(c, S("Nguy\xean"), &out));
    assert_string_equal(out.p, "Nguy\xc3\xaan");
    lp_buf_reset(&out);
    assert_true(lp_charset_decode(c, S("\xcaO\xcc"), &out)); /* a grave on the O */
    assert_string_equal(out.p, "\xc3\x8a\xc3\x92");
    lp_charset_del(c);
    lp_buf_reset(&out);
    c = lp_charset_new("windows-1255", &err);
    assert_true(lp_charset_decode(c, S("\xf9\xec\xe5"), &out));
    assert_string_equal(out.p, "\xd7\xa9\xd7\x9c\xd7\x95");
    lp_charset_del(c);
    lp_buf_free(&out);
}

/* However the bytes are cut, the result is the same; what is no text becomes 0xFF. */
static void streams(void **state)
{
    (void)state;
    static const char text[] =
        "a\0\xe9\0\x3c\xd8\x3d\xd8\0\xde\xac\x20\x00\xdcz\0"; /* a é lone U+1F600 € lone z */
    static const char want[] = "a\xc3\xa9\xff\xf0\x9f\x98\x80\xe2\x82\xac\xffz";
    struct lp_err err = {0};
    for (size_t part = 1; part < sizeof(text); part++) {
        struct lp_charset *c = lp_charset_new("UTF-16LE", &err);
        struct lp_buf out = {0};
        assert_true(lp_charset_wide(c));
        for (size_t at = 0; at < sizeof(text) - 1; at += part) {
            size_t n = sizeof(text) - 1 - at < part ? sizeof(text) - 1 - at : part;
            lp_charset_stream(c, (struct lp_str){text + at, n}, false, &out);
        }
        lp_charset_stream(c, (struct lp_str){"", 0}, true, &out);
        assert_string_equal(out.p, want);
        assert_int_equal(lp_charset_length(c, lp_buf_view(&out)), sizeof(text) - 1);
        lp_buf_free(&out);
        lp_charset_del(c);
    }
}

static void half_a_character_at_the_end(void **state)
{
    (void)state;
    struct lp_err err = {0};
    struct lp_buf out = {0};
    struct lp_charset *c = lp_charset_new("UTF-16BE", &err);
    lp_charset_stream(c, (struct lp_str){"\0a\0", 3}, false, &out);
    lp_charset_stream(c, (struct lp_str){"", 0}, true, &out);
    assert_string_equal(out.p, "a\xff");
    lp_charset_del(c);
    lp_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses),
        cmocka_unit_test(decodes),
        cmocka_unit_test(last_letters),
        cmocka_unit_test(streams),
        cmocka_unit_test(half_a_character_at_the_end),
    };
    return cmocka_run_group_tests_name("charset", tests, NULL, NULL);
}
