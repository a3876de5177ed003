/*
 * record - one NDJSON line: validated once, looked at in place, changed by splices
 *
 * Owns: the struct owns its member index and its arena; the line belongs to the caller and must
 *       stay where it is until lp_rec_reset or the next lp_rec_parse. Slices handed out live as long.
 * Units: bytes
 * Errors: LP_ERR_RECORD with the code that goes into the reject: bad_json, bad_utf8, not_object,
 *         too_deep, lone_surrogate, nul_byte, too_many_members; the message holds the byte offset,
 *         from 0 ("byte 17: ...")
 * Source: spec/records.md
 *
 * What is not set leaves byte for byte and in order. A set member is replaced where it stands (the
 * last one of duplicate names), a new one is appended before the closing brace. Names passed in are
 * plain ASCII literals that need no escape. A zeroed struct is an empty record.
 */
#ifndef LEADPIPE_RECORD_H
#define LEADPIPE_RECORD_H

#include "leadpipe/err.h"
#include "leadpipe/json.h"
#include "leadpipe/mem.h"

/* The index is what a hostile line can make grow; 32 bytes a member, so at most 2 MiB. */
#define LP_REC_MEMBERS 65536

/* Places are counted from the start of the line; in a member that was added from the start of
 * `set`, which then holds `"name":value`. */
struct lp_rec_member {
    uint32_t name_at, name_len; /* raw, between the quotes */
    uint32_t value_at, value_len;
    struct lp_str set; /* the new value, or p == NULL */
};

struct lp_rec {
    struct lp_str line; /* without the line end */
    struct lp_rec_member *member;
    uint32_t members, room;
    uint32_t parsed;            /* members found in the line; those after were added */
    uint32_t open_at, close_at; /* the top-level braces */
    bool changed;
    bool escapes;          /* some member's name holds an escape */
    struct lp_arena arena; /* lives as long as the record; callers may use it too */
    struct lp_buf scratch; /* for values being made; nothing of it is handed out */
    uint64_t error_at;     /* after a failed parse: the byte */
};

/* Begins with lp_rec_reset, so the line must not lie in the record's own arena; a record that is to
 * outlive the buffer it was read into is parsed first and then kept. */
int lp_rec_parse(struct lp_rec *r, const char *line, size_t n, struct lp_err *err);
/* Copies the line into the arena. Slices handed out before still point at the old place. */
void lp_rec_keep(struct lp_rec *r);
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

/* Sets a member to a JSON value (copied into the arena; if it spans lines, compacted; empty text is
 * written as null). */
void lp_rec_set(struct lp_rec *r, const char *name, struct lp_str json);
void lp_rec_set_string(struct lp_rec *r, const char *name, struct lp_str text);

/* Appends the record and "\n". */
void lp_rec_write(const struct lp_rec *r, struct lp_buf *out);

/* The record's kind: `kind`, or "contact" where there is none but there is `email`, or "". */
struct lp_str lp_rec_kind(struct lp_rec *r);

#endif
