/*
 * json - JSON text looked at in place: validate, walk, decode, write; never a tree
 *
 * Owns: nothing; every slice points into the caller's text
 * Units: bytes
 * Errors: lp_json_check says where and why; the other readers take text that passed it
 * Source: RFC 8259, stricter as spec/records.md asks: no lone surrogates, no NUL (U+0000, raw or
 *         escaped, is refused), valid UTF-8, nesting at most LP_JSON_DEPTH
 */
#ifndef LEADPIPE_JSON_H
#define LEADPIPE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/buf.h"

#define LP_JSON_DEPTH 256

enum lp_json_type {
    LP_JSON_NULL,
    LP_JSON_FALSE,
    LP_JSON_TRUE,
    LP_JSON_NUMBER,
    LP_JSON_STRING,
    LP_JSON_ARRAY,
    LP_JSON_OBJECT
};

/* Is `text` one whole value (white space around it allowed)? If not: *at is the byte, *why a
 * phrase ("control character in string"). */
bool lp_json_check(struct lp_str text, size_t *at, const char **why);

/* The type of a value's text (first byte decides). */
enum lp_json_type lp_json_type(struct lp_str v);

/* Walks the members of an object or the elements of an array. For arrays `name` is {NULL, 0};
 * for objects it is the raw name between its quotes, escapes and all. */
struct lp_json_iter {
    const char *p, *end;
};
struct lp_json_iter lp_json_iter(struct lp_str v); /* a value of another type walks as empty */
bool lp_json_next(struct lp_json_iter *it, struct lp_str *name, struct lp_str *value);

/* The value of an object's member; the last duplicate wins; names are compared decoded. */
bool lp_json_get(struct lp_str object, const char *name, struct lp_str *value);
/* As lp_json_get along a path "a.b.c" of plain names. */
bool lp_json_path(struct lp_str object, const char *path, struct lp_str *value);
size_t lp_json_count(struct lp_str array_or_object);

/* Appends a string value's decoded bytes; false (nothing appended) if `v` is no string. */
bool lp_json_decode(struct lp_str v, struct lp_buf *out);
/* A string value decoded: a slice into `v` where it holds no escape, else a copy in the arena. */
bool lp_json_string(struct lp_str v, struct lp_arena *a, struct lp_str *out);
bool lp_json_is(struct lp_str v, const char *s); /* is it the string s? */
bool lp_json_name_is(struct lp_str raw_name, const char *s);
bool lp_json_int(struct lp_str v, int64_t *out); /* a number without fraction that fits */
bool lp_json_real(struct lp_str v, double *out);
bool lp_json_true(struct lp_str v);

/* Appends s quoted and escaped. Bytes must be valid UTF-8. Only what must be escaped is. */
void lp_json_put(struct lp_buf *b, struct lp_str s);
/* Appends `,"name":` (without the comma right after `{` or at the start of the buffer). */
void lp_json_key(struct lp_buf *b, const char *name);
/* name and value in one: */
void lp_json_put_str(struct lp_buf *b, const char *name, struct lp_str s);
void lp_json_put_raw(struct lp_buf *b, const char *name, struct lp_str json);
void lp_json_put_int(struct lp_buf *b, const char *name, int64_t v);
void lp_json_put_num(struct lp_buf *b, const char *name, double v, int decimals);
void lp_json_put_bool(struct lp_buf *b, const char *name, bool v);
/* Appends the value with insignificant white space taken out, so that it fits on a line. */
void lp_json_compact(struct lp_buf *b, struct lp_str v);

#endif
