/* log - see leadpipe/log.h */
#include "leadpipe/log.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "leadpipe/vault.h"

/* One write of at most this many bytes is never mixed with another program's in the same pipe. */
enum { LINE_MAX_BYTES = 4096, SECRET_MIN = 4, DATA_SECRET_MIN = 8, PATIENCE_MS = 1000 };

static struct {
    const char *program;
    enum lp_log_level level;
    struct lp_str *secrets; /* every form of every secret, longest first */
    size_t n;
    void (*before)(void *);
    void *before_arg;
} log_state = {"leadpipe", LP_LOG_NORMAL, NULL, 0, NULL, NULL};

void lp_log_init(const char *program, enum lp_log_level level)
{
    log_state.program = program;
    log_state.level = level;
}

void lp_log_before(void (*hook)(void *), void *arg)
{
    log_state.before = hook;
    log_state.before_arg = arg;
}

const char *lp_log_program(void)
{
    return log_state.program;
}

/* --- what must not be seen ------------------------------------------------------------------- */

/*
 * The digits of a secret, `before` bytes after the beginning of what was encoded ("user:secret"): those
 * it has to itself, and with `all` the last one too, which stands for fewer bits where the text ends.
 * No padding: it says nothing, and may be left out.
 */
static void base64(struct lp_buf *b, struct lp_str s, size_t before, bool all, const char *alphabet)
{
    size_t first = (8 * before + 5) / 6, end = (8 * (before + s.n) + (all ? 5 : 0)) / 6;
    for (size_t digit = first; digit < end; digit++) {
        size_t at = 6 * digit / 8 - before, shift = 10 - 6 * digit % 8;
        unsigned high = (unsigned char)s.p[at], low = at + 1 < s.n ? (unsigned char)s.p[at + 1] : 0;
        lp_buf_byte(b, alphabet[(high << 8 | low) >> shift & 63]);
    }
}

static void percent(struct lp_buf *b, struct lp_str s, const char *hex)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("-._~", c));
        if (plain) {
            lp_buf_byte(b, (char)c);
            continue;
        }
        lp_buf_byte(b, '%');
        lp_buf_byte(b, hex[c >> 4]);
        lp_buf_byte(b, hex[c & 15]);
    }
}

/* As forms are sent: a blank is a plus. */
static void percent_form(struct lp_buf *b, struct lp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ')
            lp_buf_byte(b, '+');
        else
            percent(b, (struct lp_str){s.p + i, 1}, "0123456789ABCDEF");
    }
}

static void percent_upper(struct lp_buf *b, struct lp_str s)
{
    percent(b, s, "0123456789ABCDEF");
}

static void percent_lower(struct lp_buf *b, struct lp_str s)
{
    percent(b, s, "0123456789abcdef");
}

static void json_escaped(struct lp_buf *b, struct lp_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            lp_buf_byte(b, '\\');
        lp_buf_byte(b, s.p[i]);
    }
}

static void add_form(struct lp_str form)
{
    size_t at = 0;
    for (; at < log_state.n && log_state.secrets[at].n >= form.n; at++)
        if (lp_str_eq(log_state.secrets[at], form))
            return;
    log_state.secrets =
        lp_realloc_array(log_state.secrets, log_state.n + 1, sizeof *log_state.secrets);
    memmove(log_state.secrets + at + 1, log_state.secrets + at,
        (log_state.n - at) * sizeof *log_state.secrets);
    log_state.secrets[at] = (struct lp_str){lp_vault_keep(form), form.n};
    log_state.n++;
}

static void add_base64(struct lp_str secret, struct lp_buf *form, const char *alphabet)
{
    for (size_t before = 0; before < 3; before++)
        for (int all = 0; all < 2; all++) {
            lp_buf_reset(form);
            base64(form, secret, before, all, alphabet);
            add_form(lp_buf_view(form));
        }
}

void lp_log_secret(struct lp_str secret)
{
    static void (*const encodings[])(struct lp_buf *, struct lp_str) = {
        percent_upper, percent_lower, percent_form, json_escaped};
    if (secret.n < SECRET_MIN)
        return;
    add_form(secret);
    struct lp_buf form = {0};
    lp_buf_grow(&form, 3 * secret.n); /* grown once: no copies are left behind on the heap */
    for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
        lp_buf_reset(&form);
        encodings[i](&form, secret);
        add_form(lp_buf_view(&form));
    }
    add_base64(secret, &form, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    add_base64(secret, &form, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    explicit_bzero(form.p, form.cap);
    lp_buf_free(&form);
}

/* Every form is at least as long as its mask, so what is left only ever moves towards the front. */
static void mask(struct lp_buf *b, struct lp_str secret)
{
    char *to = NULL, *from = b->p, *end = b->p + b->len, *hit;
    while ((hit = memmem(from, (size_t)(end - from), secret.p, secret.n))) {
        size_t between = (size_t)(hit - from);
        if (!to)
            to = from;
        memmove(to, from, between);
        memcpy(to + between, "****", 4);
        to += between + 4;
        from = hit + secret.n;
    }
    if (!to)
        return;
    memmove(to, from, (size_t)(end - from));
    b->len = (size_t)(to - b->p) + (size_t)(end - from);
    b->p[b->len] = '\0';
}

void lp_log_redact(struct lp_buf *b)
{
    for (size_t i = 0; b->len >= SECRET_MIN && i < log_state.n; i++)
        mask(b, log_state.secrets[i]);
}

bool lp_log_secret_in(struct lp_str text)
{
    for (size_t i = 0; i < log_state.n; i++) {
        struct lp_str secret = log_state.secrets[i];
        if (secret.n >= DATA_SECRET_MIN && memmem(text.p, text.n, secret.p, secret.n))
            return true;
    }
    return false;
}

/* --- messages -------------------------------------------------------------------------------- */

/* Control bytes could move the cursor or retitle the window; U+0080..U+009F count among them. */
void lp_log_tame(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == 0x7f)
            p[i] = '?';
        else if (c == 0xC2 && i + 1 < n && (unsigned char)p[i + 1] < 0xA0)
            p[i] = p[i + 1] = '?';
    }
}

static void cut(struct lp_buf *b, size_t max)
{
    if (b->len <= max)
        return;
    size_t at = max - 3;
    while (at > 0 && ((unsigned char)b->p[at] & 0xC0) == 0x80)
        at--;
    b->len = at;
    LP_BUF_LIT(b, "...");
}

static void say(const char *fmt, va_list ap)
{
    int saved = errno;
    struct lp_buf b = {0};
    if (log_state.before)
        log_state.before(log_state.before_arg);
    lp_buf_printf(&b, "%s: ", log_state.program);
    lp_buf_vprintf(&b, fmt, ap);
    lp_log_redact(&b);
    cut(&b, LINE_MAX_BYTES - 1);
    lp_log_tame(b.p, b.len);
    lp_buf_byte(&b, '\n');
    for (size_t at = 0; at < b.len;) {
        ssize_t n = write(STDERR_FILENO, b.p + at, b.len - at);
        /* EAGAIN: another program has set O_NONBLOCK on what is shared; it is not waited for long. */
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
        if (n < 0 && (errno == EINTR || (errno == EAGAIN && poll(&room, 1, PATIENCE_MS) > 0)))
            continue;
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    lp_buf_free(&b);
    errno = saved;
}

#define SAY(condition)                                                                             \
    do {                                                                                           \
        if (condition) {                                                                           \
            va_list ap;                                                                            \
            va_start(ap, fmt);                                                                     \
            say(fmt, ap);                                                                          \
            va_end(ap);                                                                            \
        }                                                                                          \
    } while (0)

void lp_log_error(const char *fmt, ...)
{
    SAY(true);
}

void lp_log_warn(const char *fmt, ...)
{
    SAY(true);
}

void lp_log_info(const char *fmt, ...)
{
    SAY(log_state.level >= LP_LOG_NORMAL);
}

void lp_log_verbose(const char *fmt, ...)
{
    SAY(log_state.level >= LP_LOG_VERBOSE);
}
