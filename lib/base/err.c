/* err - see leadpipe/err.h */
#include "leadpipe/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Messages end up on terminals and in rejects: no control byte gets in, and a cut at the end of the
 * field does not leave half a character. */
static void tidy(char *s, size_t cap)
{
    size_t n = strlen(s);
    if (n == cap - 1) {
        size_t at = n;
        while (at > 0 && at + 4 > n && ((unsigned char)s[at - 1] & 0xC0) == 0x80)
            at--;
        if (at > 0 && (unsigned char)s[at - 1] >= 0xC0) {
            unsigned char lead = (unsigned char)s[at - 1];
            size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
            if (n - (at - 1) < want)
                s[at - 1] = '\0';
        }
    }
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

static void format(char *to, size_t cap, const char *fmt, va_list ap)
{
    if (vsnprintf(to, cap, fmt, ap) < 0)
        to[0] = '\0';
    tidy(to, cap);
}

int lp_err_set(struct lp_err *err, enum lp_errkind kind, const char *code, const char *fmt, ...)
{
    if (!err || err->kind != LP_ERR_NONE)
        return -1;
    err->kind = kind;
    snprintf(err->code, sizeof err->code, "%s", code ? code : "");
    err->hint[0] = '\0';
    va_list ap;
    va_start(ap, fmt);
    format(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    return -1;
}

int lp_err_errno(struct lp_err *err, const char *fmt, ...)
{
    int saved = errno;
    char what[sizeof err->msg];
    va_list ap;
    va_start(ap, fmt);
    format(what, sizeof what, fmt, ap);
    va_end(ap);
    lp_err_set(err, LP_ERR_IO, NULL, "%.400s: %s", what, strerror(saved));
    errno = saved;
    return -1;
}

int lp_err_prefix(struct lp_err *err, const char *fmt, ...)
{
    if (!err)
        return -1;
    char context[sizeof err->msg / 2]; /* half at most: the cause itself must stay readable */
    va_list ap;
    va_start(ap, fmt);
    format(context, sizeof context, fmt, ap);
    va_end(ap);
    /* "leads.csv:12", "leads.csv:12:" and "leads.csv:12: " all read the same in the end. */
    size_t n = strlen(context);
    while (n > 0 && (context[n - 1] == ' ' || context[n - 1] == ':'))
        n--;
    if (n > sizeof context - 3)
        n = sizeof context - 3;
    memcpy(context + n, ": ", 3);
    n += 2;
    size_t kept = strlen(err->msg);
    if (kept > sizeof err->msg - 1 - n)
        kept = sizeof err->msg - 1 - n;
    memmove(err->msg + n, err->msg, kept);
    memcpy(err->msg, context, n);
    err->msg[n + kept] = '\0';
    tidy(err->msg, sizeof err->msg);
    return -1;
}

void lp_err_hint(struct lp_err *err, const char *fmt, ...)
{
    if (!err || err->hint[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    format(err->hint, sizeof err->hint, fmt, ap);
    va_end(ap);
}

enum lp_exit lp_err_exit(enum lp_errkind kind)
{
    static const enum lp_exit status[] = {
        [LP_ERR_NONE] = LP_EXIT_OK,
        [LP_ERR_RECORD] = LP_EXIT_DATA,
        [LP_ERR_PROVIDER] = LP_EXIT_UNAVAILABLE,
        [LP_ERR_AUTH] = LP_EXIT_NOPERM,
        [LP_ERR_CONFIG] = LP_EXIT_CONFIG,
        [LP_ERR_USAGE] = LP_EXIT_USAGE,
        [LP_ERR_IO] = LP_EXIT_IO,
        [LP_ERR_TEMP] = LP_EXIT_TEMP,
        [LP_ERR_BUG] = LP_EXIT_BUG,
    };
    return (size_t)kind < sizeof status / sizeof *status ? status[kind] : LP_EXIT_BUG;
}
