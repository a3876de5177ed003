/* rejects - see leadpipe/rejects.h */
#include "leadpipe/rejects.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/utf8.h"
#include "parts.h"

/* Rejects are written to files in blocks of whole lines: a write(2) for each costs more than all the
 * rest of it, and appending keeps blocks as whole as lines. A pipe may be shared with others and
 * promises that only for short writes, so each line has its own. Rejects go before any output does, so
 * that what is missing there is to be found here. */
#define BLOCK ((size_t)32 * 1024)

struct lp_rejects {
    const char *path; /* NULL: told on standard error */
    int fd;
    size_t block; /* what is held back before it is written */
    uint64_t untold;
    uint64_t told;
    uint64_t lost;
    struct lp_buf lines, text; /* not yet written; scratch */
};

/* --- base64 (RFC 4648), for bytes that are no text ---------------------------------------------
 */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void put_base64(struct lp_buf *b, struct lp_str s)
{
    for (size_t i = 0; i < s.n; i += 3) {
        size_t have = s.n - i < 3 ? s.n - i : 3;
        uint32_t v = 0;
        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < have ? (unsigned char)s.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            lp_buf_byte(b, k <= have ? base64_digits[v >> (18 - 6 * k) & 63] : '=');
    }
}

static bool get_base64(struct lp_buf *b, struct lp_str s)
{
    uint32_t v = 0;
    size_t digits = 0;
    while (s.n > 0 && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        const char *d = memchr(base64_digits, s.p[i], 64);
        if (!d)
            return false;
        v = v << 6 | (uint32_t)(d - base64_digits);
        if (++digits % 4 != 1)
            lp_buf_byte(b, (char)(v >> (6 - 2 * ((digits - 1) % 4))));
    }
    return digits % 4 != 1;
}

/* --- the file ----------------------------------------------------------------------------------
 */

/* A crash or a full disk may have left half a line; what we add must not become part of it. */
static void end_last_line(int fd)
{
    struct stat st;
    char last = '\n';
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
        (void)!write(fd, "\n", 1);
}

static size_t block_of(int fd)
{
    struct stat st;
    bool shared = fd < 0 || fstat(fd, &st) != 0 || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode);
    return shared ? 0 : BLOCK;
}

struct lp_rejects *lp_rejects_new(const char *path, char **inputs, struct lp_err *err)
{
    int fd = -1;
    if (path) {
        /* A file for reading too, to see how it ends; a device or a pipe is only written. */
        struct stat st;
        bool file = stat(path, &st) != 0 || S_ISREG(st.st_mode);
        int flags = (file && access(path, R_OK | W_OK) == 0 ? O_RDWR : O_WRONLY) | O_APPEND;
        fd = lp_run_side_file("--rejects", path, flags, 0600, inputs, err);
        if (fd < 0)
            return NULL;
        end_last_line(fd);
    }
    struct lp_rejects *r = lp_alloc(sizeof *r);
    r->path = path;
    r->fd = fd;
    r->block = block_of(fd);
    return r;
}

void lp_rejects_del(struct lp_rejects *r)
{
    if (!r)
        return;
    if (r->untold)
        lp_log_warn(
            "... and %llu more rejects (--rejects FILE keeps them)", (unsigned long long)r->untold);
    if (r->fd >= 0)
        close(r->fd);
    lp_buf_free(&r->lines);
    lp_buf_free(&r->text);
    free(r);
}

/* --- one reject --------------------------------------------------------------------------------
 */

static const char *code_of(const struct lp_err *why)
{
    static const char *const by_kind[] = {[LP_ERR_RECORD] = "bad_record",
        [LP_ERR_PROVIDER] = "provider_error",
        [LP_ERR_AUTH] = "auth",
        [LP_ERR_TEMP] = "temporary"};
    if (why->code[0])
        return why->code;
    size_t n = sizeof by_kind / sizeof *by_kind;
    return why->kind < n && by_kind[why->kind] ? by_kind[why->kind] : "error";
}

/* A message may have been cut within a character, or quote a file name that is no UTF-8. */
static void put_text(struct lp_rejects *r, const char *name, const char *s)
{
    lp_buf_reset(&r->text);
    lp_utf8_repair(&r->text, s, strlen(s));
    lp_log_redact(&r->text);
    lp_json_put_str(&r->lines, name, lp_buf_view(&r->text));
}

static void put_error(struct lp_rejects *r, const struct lp_origin *from, const struct lp_err *why)
{
    struct lp_buf *b = &r->lines;
    lp_json_key(b, "error");
    lp_buf_byte(b, '{');
    put_text(r, "code", code_of(why));
    put_text(r, "detail", why->msg);
    put_text(r, "program", lp_log_program());
    if (from->file)
        put_text(r, "file", from->file);
    lp_json_put_int(b, "line", (int64_t)from->line);
    lp_json_put_int(b, "byte", (int64_t)from->byte);
    if (from->field)
        put_text(r, "field", from->field);
    lp_json_put_bool(b, "retryable", why->kind == LP_ERR_PROVIDER || why->kind == LP_ERR_TEMP);
    if (why->hint[0])
        put_text(r, "hint", why->hint);
    lp_buf_byte(b, '}');
}

/* As text that a reader of records takes: U+FFFD for what is no UTF-8, and for NUL, which no record
 * may hold. */
static void repair(struct lp_buf *out, struct lp_str s)
{
    const char *nul;
    while ((nul = memchr(s.p, '\0', s.n))) {
        size_t n = (size_t)(nul - s.p);
        lp_utf8_repair(out, s.p, n);
        LP_BUF_LIT(out, "\xef\xbf\xbd");
        s = (struct lp_str){nul + 1, s.n - n - 1};
    }
    lp_utf8_repair(out, s.p, s.n);
}

/* The first bytes, without cutting a character in two. */
static struct lp_str head_of(struct lp_str s)
{
    if (s.n <= LP_REJECTS_RAW)
        return s;
    size_t n = LP_REJECTS_RAW;
    while (n > LP_REJECTS_RAW - 4 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
        n--;
    return (struct lp_str){s.p, n};
}

static void put_raw(struct lp_rejects *r, struct lp_str raw, uint64_t raw_length)
{
    struct lp_str head = head_of(raw);
    if (head.n == 0)
        head.p = "";
    lp_buf_reset(&r->text);
    repair(&r->text, head);
    lp_json_put_str(&r->lines, "raw", lp_buf_view(&r->text));
    if (raw_length > head.n) {
        lp_json_put_bool(&r->lines, "raw_truncated", true);
        lp_json_put_int(&r->lines, "raw_length", (int64_t)raw_length);
    }
    if (lp_str_eq(lp_buf_view(&r->text), head))
        return;
    lp_buf_reset(&r->text);
    put_base64(&r->text, head);
    lp_json_put_str(&r->lines, "raw_base64", lp_buf_view(&r->text));
}

/* The lines that are not wholly among the first `sent` bytes. */
static uint64_t lines_after(const struct lp_rejects *r, size_t sent)
{
    uint64_t n = 0;
    const char *p = r->lines.p + sent, *end = r->lines.p + r->lines.len;
    for (; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

static int write_all(struct lp_rejects *r, struct lp_err *err)
{
    size_t sent;
    if (lp_run_write_all(r->fd, lp_buf_view(&r->lines), &sent) == 0)
        return 0;
    r->lost += lines_after(r, sent);
    return lp_err_errno(err, "cannot write %s (--rejects)", r->path);
}

int lp_rejects_flush(struct lp_rejects *r, struct lp_err *err)
{
    if (!r || r->lines.len == 0)
        return 0;
    int status = write_all(r, err);
    lp_buf_reset(&r->lines); /* what could not be written is not tried again */
    return status;
}

uint64_t lp_rejects_lost(const struct lp_rejects *r)
{
    return r ? r->lost : 0;
}

static void tell(struct lp_rejects *r, const struct lp_origin *from, const struct lp_err *why)
{
    if (r->told == LP_REJECTS_TOLD) {
        r->untold++;
        return;
    }
    r->told++;
    bool hint = why->hint[0] != '\0';
    lp_log_warn("%s:%llu: %s: %s%s%s%s%s%s", from->file ? from->file : "-",
        (unsigned long long)from->line, code_of(why), from->field ? from->field : "",
        from->field ? ": " : "", why->msg, hint ? " (" : "", why->hint, hint ? ")" : "");
}

int lp_rejects_add(struct lp_rejects *r, const struct lp_origin *from, struct lp_str raw,
    uint64_t raw_length, bool is_object, const struct lp_err *why, struct lp_err *err)
{
    if (r->fd < 0) {
        tell(r, from, why);
        return 0;
    }
    lp_buf_byte(&r->lines, '{');
    put_error(r, from, why);
    if (from->header.n) {
        lp_buf_reset(&r->text);
        repair(&r->text, from->header);
        lp_json_put_str(&r->lines, "header", lp_buf_view(&r->text));
    }
    if (is_object)
        lp_json_put_raw(&r->lines, "record", raw);
    else
        put_raw(r, raw, raw_length);
    lp_buf_add(&r->lines, "}\n", 2);
    return r->lines.len < r->block ? 0 : lp_rejects_flush(r, err);
}

/* --- and back ----------------------------------------------------------------------------------
 */

/* `raw`, or the bytes it was made of if nobody has touched it since. */
static void put_unwrapped(const struct lp_rec *rec, struct lp_str raw, struct lp_buf *out)
{
    struct lp_str coded;
    struct lp_buf text = {0}, bytes = {0}, shown = {0};
    lp_json_decode(raw, out);
    if (!lp_rec_get(rec, "raw_base64", &coded) || !lp_json_decode(coded, &text))
        return;
    if (get_base64(&bytes, lp_buf_view(&text)) && bytes.len > 0) {
        repair(&shown, lp_buf_view(&bytes));
        if (lp_str_eq(lp_buf_view(&shown), lp_buf_view(out))) {
            lp_buf_reset(out);
            lp_buf_str(out, lp_buf_view(&bytes));
        }
    }
    lp_buf_free(&text);
    lp_buf_free(&bytes);
    lp_buf_free(&shown);
}

bool lp_rejects_unwrap(const struct lp_rec *rec, struct lp_buf *out, struct lp_buf *header)
{
    struct lp_str error, code, value;
    if (!lp_rec_get(rec, "error", &error) || lp_json_type(error) != LP_JSON_OBJECT ||
        !lp_json_get(error, "code", &code) || lp_json_type(code) != LP_JSON_STRING)
        return false;
    bool object = lp_rec_get(rec, "record", &value) && lp_json_type(value) == LP_JSON_OBJECT;
    bool raw = !object && lp_rec_get(rec, "raw", &value) && lp_json_type(value) == LP_JSON_STRING;
    if (!object && !raw)
        return false;
    lp_buf_reset(out);
    if (object)
        lp_buf_str(out, value);
    else
        put_unwrapped(rec, value, out);
    if (header) {
        lp_buf_reset(header);
        if (lp_rec_get(rec, "header", &value))
            lp_json_decode(value, header);
    }
    return true;
}

int lp_rejects_parse(
    struct lp_rec *rec, struct lp_line *line, struct lp_buf *unwrapped, struct lp_err *why)
{
    if (lp_rec_parse(rec, line->text.p, line->text.n, why) < 0)
        return -1;
    if (!lp_rejects_unwrap(rec, unwrapped, NULL))
        return 1;
    /* Half of a line may well be a record, but another one. */
    if (lp_rec_filled(rec, "raw_truncated")) {
        lp_err_set(why, LP_ERR_RECORD, "raw_truncated", "the line was too long to be kept whole");
        lp_err_hint(why, "once raw is mended, take raw_truncated out");
        return 0;
    }
    line->text = lp_buf_view(unwrapped);
    line->length = line->text.n;
    return lp_rec_parse(rec, line->text.p, line->text.n, why) < 0 ? -1 : 1;
}
