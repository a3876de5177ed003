/*
 * record - one NDJSON line: validated once, looked at in place, changed by splices
 *
 * Owns: the struct owns its member index and its arena; the line belongs to the caller and must
 *       stay where it is until lp_rec_reset or the next lp_rec_parse. Slices handed out live as long.
 * Units: bytes
 * Errors: LP_ERR_RECORD with the code that goes into the reject: bad_json, bad_utf8, not_object,
 *         too_deep, lone_surrogate, nul_byte; the message holds the byte offset ("byte 17: ...")
 * Source: spec/records.md
 *
 * What is not set leaves byte for byte and in order. A set member is replaced where it stands (the
 * last one of duplicate names), a new one is appended before the closing brace. Names passed in are
 * plain ASCII literals that need no escape.
 */
#ifndef LEADPIPE_RECORD_H
#define LEADPIPE_RECORD_H

#include "leadpipe/err.h"
#include "leadpipe/json.h"
#include "leadpipe/mem.h"

struct lp_rec_member {
    uint32_t name_at, name_len;   /* raw, between the quotes */
    uint32_t value_at, value_len;
    struct lp_str set;            /* the new value, or p == NULL */
};

struct lp_rec {
    struct lp_str line;           /* without the line end */
    struct lp_rec_member *member;
    uint32_t members, room;
    uint32_t parsed;              /* members found in the line; those after were added */
    uint32_t open_at, close_at;   /* the top-level braces */
    bool changed;
    struct lp_arena arena;        /* lives as long as the record; callers may use it too */
    uint64_t error_at;            /* after a failed parse: the byte */
};

int lp_rec_parse(struct lp_rec *r, const char *line, size_t n, struct lp_err *err);
void lp_rec_reset(struct lp_rec *r);
void lp_rec_free(struct lp_rec *r);

/* The raw JSON of a member as it now stands (set values included); false if there is none. */
bool lp_rec_get(const struct lp_rec *r, const char *name, struct lp_str *value);
/* A string member decoded; false if absent or no string. */
bool lp_rec_string(struct lp_rec *r, const char *name, struct lp_str *out);
bool lp_rec_int(const struct lp_rec *r, const char *name, int64_t *out);
/* Is the member there and neither null nor ""? */
bool lp_rec_filled(const struct lp_rec *r, const char *name);
/* Is the member the string s? */
bool lp_rec_is(const struct lp_rec *r, const char *name, const char *s);

/* Sets a member to a JSON value (copied into the arena). */
void lp_rec_set(struct lp_rec *r, const char *name, struct lp_str json);
void lp_rec_set_string(struct lp_rec *r, const char *name, struct lp_str text);

/* Appends the record and "\n". */
void lp_rec_write(const struct lp_rec *r, struct lp_buf *out);

/* The record's kind: `kind`, or "contact" where there is none but there is `email`, or "". */
struct lp_str lp_rec_kind(struct lp_rec *r);

#endif
