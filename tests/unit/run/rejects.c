#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/file.h"
#include "leadpipe/rejects.h"
#include "leadpipe/utf8.h"

static char path[64];
static char *no_inputs[] = {(char[]){"/dev/null"}, NULL};

static int fresh(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/rejects.XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    lp_log_init("pass", LP_LOG_QUIET);
    return fd < 0;
}

static int gone(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

/* Writes one reject and returns the line it made. */
static struct lp_buf written(struct lp_str raw, uint64_t length, bool object)
{
    struct lp_err why = {0}, err = {0};
    struct lp_buf text = {0};
    struct lp_origin from = {.file = "leads.csv", .line = 12, .byte = 345};
    struct lp_rejects *r = lp_rejects_new(path, no_inputs, &err);
    assert_non_null(r);
    lp_err_set(&why, LP_ERR_RECORD, "bad_json", "byte 3: no value");
    assert_int_equal(lp_rejects_add(r, &from, raw, length, object, &why, &err), 0);
    assert_int_equal(lp_rejects_flush(r, &err), 0);
    lp_rejects_del(r);
    assert_int_equal(lp_file_read(path, 1 << 20, &text, &err), 0);
    unlink(path);
    assert_int_equal(text.p[text.len - 1], '\n');
    text.p[--text.len] = '\0';
    return text;
}

static void unwrapped(struct lp_str line, struct lp_buf *out)
{
    struct lp_rec rec = {0};
    struct lp_err err = {0};
    assert_int_equal(lp_rec_parse(&rec, line.p, line.n, &err), 0);
    assert_true(lp_rejects_unwrap(&rec, out, NULL));
    lp_rec_free(&rec);
}

static void a_record(void **state)
{
    (void)state;
    struct lp_str rec = LP_STR("{\"id\":1234567890123456789,\"x\":\"\\u00e9\"}");
    struct lp_buf line = written(rec, rec.n, true), back = {0};
    assert_string_equal(line.p,
        "{\"error\":{\"code\":\"bad_json\",\"detail\":\"byte 3: no value\",\"program\":\"pass\","
        "\"file\":\"leads.csv\",\"line\":12,\"byte\":345,\"retryable\":false},"
        "\"record\":{\"id\":1234567890123456789,\"x\":\"\\u00e9\"}}");
    unwrapped(lp_buf_view(&line), &back);
    assert_true(lp_str_eq(lp_buf_view(&back), rec));
    lp_buf_free(&line);
    lp_buf_free(&back);
}

static void all_members(void **state)
{
    (void)state;
    struct lp_err why = {0}, err = {0};
    struct lp_buf text = {0}, back = {0}, header = {0};
    struct lp_origin from = {
        .file = "-", .line = 1, .byte = 0, .field = "email", .header = LP_STR("E-Mail;\"Name\"")};
    struct lp_rejects *r = lp_rejects_new(path, no_inputs, &err);
    lp_err_set(&why, LP_ERR_PROVIDER, NULL, "no answer");
    lp_err_hint(&why, "later");
    assert_int_equal(lp_rejects_add(r, &from, LP_STR("x;y"), 3, false, &why, &err), 0);
    assert_int_equal(lp_rejects_flush(r, &err), 0);
    lp_rejects_del(r);
    assert_int_equal(lp_file_read(path, 1 << 20, &text, &err), 0);
    assert_string_equal(text.p,
        "{\"error\":{\"code\":\"provider_error\",\"detail\":\"no answer\",\"program\":\"pass\","
        "\"file\":\"-\",\"line\":1,\"byte\":0,\"field\":\"email\",\"retryable\":true,\"hint\":"
        "\"later\"},"
        "\"header\":\"E-Mail;\\\"Name\\\"\",\"raw\":\"x;y\"}\n");
    struct lp_rec rec = {0};
    assert_int_equal(lp_rec_parse(&rec, text.p, text.len - 1, &err), 0);
    assert_true(lp_rejects_unwrap(&rec, &back, &header));
    assert_string_equal(back.p, "x;y");
    assert_string_equal(header.p, "E-Mail;\"Name\"");
    lp_rec_free(&rec);
    lp_buf_free(&text);
    lp_buf_free(&back);
    lp_buf_free(&header);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* Bytes that are no text survive the way out and back; an edited text wins over them. */
static void raw_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"{\"a\":\"\xff\"}", 9}, {"{\0\"\0", 4}, {"\xff\xfe{", 3}, {"\xc3", 1}, {"ab\0", 3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct lp_str raw = {rows[i].bytes, rows[i].n};
        struct lp_buf line = written(raw, raw.n, false), back = {0};
        assert_int_equal(lp_utf8_valid(line.p, line.len), line.len);
        assert_non_null(strstr(line.p, "\xef\xbf\xbd"));
        assert_non_null(strstr(line.p, "\"raw_base64\":\""));
        unwrapped(lp_buf_view(&line), &back);
        assert_true(lp_str_eq(lp_buf_view(&back), raw));
        lp_buf_free(&line);
        lp_buf_free(&back);
    }
    struct lp_buf back = {0};
    unwrapped(LP_STR("{\"error\":{\"code\":\"bad_utf8\"},\"raw\":\"{}\",\"raw_base64\":\"/w==\"}"),
        &back);
    assert_string_equal(back.p, "{}");
    lp_buf_free(&back);
}

static void plain_text_has_no_base64(void **state)
{
    (void)state;
    struct lp_buf line = written(LP_STR("{\"a\":\"\xc3\xa9\xef\xbf\xbd\""), 11, false);
    assert_null(strstr(line.p, "raw_base64"));
    assert_null(strstr(line.p, "raw_truncated"));
    lp_buf_free(&line);
}

static void long_raw_is_cut_between_characters(void **state)
{
    (void)state;
    struct lp_buf raw = {0};
    lp_buf_byte(&raw, 'x');
    while (raw.len < 2 * LP_REJECTS_RAW)
        LP_BUF_LIT(&raw, "\xc3\xa9");
    struct lp_buf line = written(lp_buf_view(&raw), raw.len, false), back = {0};
    assert_null(strstr(line.p, "raw_base64"));
    assert_non_null(strstr(line.p, "\"raw_truncated\":true,\"raw_length\":131073"));
    unwrapped(lp_buf_view(&line), &back);
    assert_int_equal(back.len, LP_REJECTS_RAW - 1);
    assert_memory_equal(back.p, raw.p, back.len);
    lp_buf_free(&raw);
    lp_buf_free(&line);
    lp_buf_free(&back);
}

static void not_a_reject(void **state)
{
    (void)state;
    static const char *const lines[] = {"{}", "{\"error\":\"text\",\"raw\":\"x\"}",
        "{\"error\":{\"class\":\"timeout\"},\"record\":{}}", "{\"error\":{\"code\":\"x\"}}",
        "{\"error\":{\"code\":\"x\"},\"record\":[1]}", "{\"error\":{\"code\":\"x\"},\"raw\":1}",
        "{\"record\":{},\"raw\":\"x\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct lp_rec rec = {0};
        struct lp_err err = {0};
        struct lp_buf out = {0};
        assert_int_equal(lp_rec_parse(&rec, lines[i], strlen(lines[i]), &err), 0);
        assert_false(lp_rejects_unwrap(&rec, &out, NULL));
        lp_rec_free(&rec);
        lp_buf_free(&out);
    }
}

static void an_input_is_refused(void **state)
{
    (void)state;
    struct lp_err err = {0};
    char *inputs[] = {path, NULL};
    assert_int_equal(lp_file_replace(path, LP_STR("{}\n"), 0600, &err), 0);
    assert_null(lp_rejects_new(path, inputs, &err));
    assert_int_equal(err.kind, LP_ERR_USAGE);
    assert_non_null(strstr(err.msg, path));
}

/* After half a line (a full disk, a crash) the next one begins on its own. */
static void half_a_line_before(void **state)
{
    (void)state;
    struct lp_err err = {0};
    assert_int_equal(lp_file_replace(path, LP_STR("{\"error\":"), 0600, &err), 0);
    struct lp_buf text = written(LP_STR("{}"), 2, true);
    assert_memory_equal(text.p, "{\"error\":\n{\"error\":{", 20);
    lp_buf_free(&text);
}

static void full_disk_names_the_file(void **state)
{
    (void)state;
    struct lp_err why = {0}, err = {0};
    struct lp_origin from = {.file = "-", .line = 1};
    struct lp_rejects *r = lp_rejects_new("/dev/full", no_inputs, &err);
    assert_non_null(r);
    lp_err_set(&why, LP_ERR_RECORD, "x", "y");
    assert_int_equal(lp_rejects_add(r, &from, LP_STR("{}"), 2, true, &why, &err), 0);
    assert_int_equal(lp_rejects_flush(r, &err), -1);
    assert_int_equal(err.kind, LP_ERR_IO);
    assert_non_null(strstr(err.msg, "/dev/full"));
    assert_int_equal(lp_rejects_lost(r), 1);
    assert_int_equal(lp_rejects_lost(NULL), 0);
    lp_rejects_del(r);
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, gone)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_record),
        FILE_TEST(all_members),
        FILE_TEST(raw_bytes),
        FILE_TEST(plain_text_has_no_base64),
        FILE_TEST(long_raw_is_cut_between_characters),
        cmocka_unit_test(not_a_reject),
        FILE_TEST(an_input_is_refused),
        FILE_TEST(half_a_line_before),
        cmocka_unit_test(full_disk_names_the_file),
    };
    return cmocka_run_group_tests_name("rejects", tests, NULL, NULL);
}
