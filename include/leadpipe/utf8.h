/*
 * utf8 - validate, decode, repair
 *
 * Owns: nothing
 * Units: bytes
 * Errors: as each function says
 * Source: RFC 3629 (no surrogates, no overlong forms, nothing above U+10FFFF)
 */
#ifndef LEADPIPE_UTF8_H
#define LEADPIPE_UTF8_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"

/* The offset of the first byte that is not valid UTF-8, or n. */
size_t lp_utf8_valid(const char *p, size_t n);
/* Past the multi-byte sequences at p: at `end`, at an ASCII byte, or at what is not valid. */
const unsigned char *lp_utf8_run(const unsigned char *p, const unsigned char *end);
/* Decodes one code point of valid text; *len is how many bytes it took. */
uint32_t lp_utf8_decode(const char *p, size_t n, size_t *len);
/* Into `out`, how many bytes; what is no code point becomes U+FFFD. */
size_t lp_utf8_encode(uint32_t cp, char out[4]);
void lp_utf8_put(struct lp_buf *b, uint32_t cp);
/* Appends text with every invalid sequence replaced by U+FFFD. */
void lp_utf8_repair(struct lp_buf *b, const char *p, size_t n);
/* The same into `room` bytes, the closing zero among them; cut between characters where it is longer. */
void lp_utf8_copy(char *to, size_t room, struct lp_str text);

#endif
