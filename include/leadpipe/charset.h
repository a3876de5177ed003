/*
 * charset - which encoding a text is in, and the text as UTF-8
 *
 * Owns: an open charset owns its converter and the bytes of a character cut in two
 * Units: bytes
 * Errors: LP_ERR_USAGE for an encoding nobody knows; false where bytes do not decode
 * Source: iconv; uchardet, asked only where the rules of spec/architecture.md leave a choice
 *
 * Two families. Where ASCII bytes mean ASCII (UTF-8, Windows-1252, Latin-1, most others) lines can
 * be found first and each be decoded by itself, so one bad line costs only itself. UTF-16 and its
 * like
 * (`wide`) are decoded as a stream before lines are looked for, bad sequences becoming the byte
 * 0xFF, which no UTF-8 holds.
 */
#ifndef LEADPIPE_CHARSET_H
#define LEADPIPE_CHARSET_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"
#include "leadpipe/err.h"

struct lp_charset_guess {
    const char *name; /* "UTF-8", "UTF-16LE", "UTF-16BE", "Windows-1252", "ISO-8859-1" */
    const char *why;  /* "BOM", "valid UTF-8" */
    size_t bom;       /* bytes to skip */
    bool ascii;       /* nothing but ASCII so far: no evidence yet */
};
/* `sample` is the start of the text, possibly cut inside a character. */
struct lp_charset_guess lp_charset_guess(struct lp_str sample);

struct lp_charset;
struct lp_charset *lp_charset_new(const char *name, struct lp_err *err);
void lp_charset_del(struct lp_charset *c);
/* The usual spelling, "latin1" being ISO-8859-1. */
const char *lp_charset_name(const struct lp_charset *c);
bool lp_charset_utf8(const struct lp_charset *c);
bool lp_charset_wide(const struct lp_charset *c);

/* A whole text, appended as UTF-8; false where it does not decode (what is appended is then of no
 * use). Also checks UTF-8. */
bool lp_charset_decode(struct lp_charset *c, struct lp_str text, struct lp_buf *out);
/* The next part of a wide text; `last` after the end. */
void lp_charset_stream(struct lp_charset *c, struct lp_str part, bool last, struct lp_buf *out);
/* How many bytes of the original a piece of the stream's result was. */
uint64_t lp_charset_length(const struct lp_charset *c, struct lp_str decoded);

const char *lp_charset_version(void); /* "iconv of glibc 2.36" */

#endif
