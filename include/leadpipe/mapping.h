/*
 * mapping - which column of a CSV file is which member of a contact
 *
 * Owns: a mapping owns its names; a map (the user's) owns its entries and compiled expressions
 * Units: columns from 0
 * Errors: LP_ERR_CONFIG naming the map file and the key that is wrong, LP_ERR_IO if it cannot be
 * read Source: the exports of HubSpot, Salesforce, LinkedIn, Mailchimp, Apollo and Google Contacts
 *
 * Header names are compared without case, blanks and punctuation ("E-Mail", "e_mail", "EMAIL").
 * What has no name here goes to custom_fields under its header; nothing is guessed from the data. A
 * full name stays a custom field: nobody can tell where it is to be cut.
 *
 * The user's map is a JSON object, in long form
 *     {"columns": {"E-Mail 1": "email", "Notiz": "custom_fields.note", "Id": null},
 *      "members": {"company": ".Firma // .Company"}}
 * or in short form, where a value that is a member's name makes the key a column, and any other
 * value is a jq expression for the member the key names. The input of an expression is the row as
 * an object of strings, without its empty cells; null or nothing leaves the member out.
 */
#ifndef LEADPIPE_MAPPING_H
#define LEADPIPE_MAPPING_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"
#include "leadpipe/jq.h"

/* In the order in which they are written. */
enum lp_member {
    LP_MEMBER_EMAIL,
    LP_MEMBER_FIRST_NAME,
    LP_MEMBER_LAST_NAME,
    LP_MEMBER_COMPANY,
    LP_MEMBER_TITLE,
    LP_MEMBER_PHONE,
    LP_MEMBER_LINKEDIN_URL,
    LP_MEMBER_CITY,
    LP_MEMBER_COUNTRY,
    LP_MEMBER_EMAILS_SENT,
    LP_MEMBER_EMAILS_OPENED,
    LP_MEMBER_CLICKS,
    LP_MEMBER_CONVERSIONS,
    LP_MEMBER_TAGS,
    LP_MEMBERS,
    LP_MEMBER_CUSTOM = LP_MEMBERS, /* custom_fields */
    LP_MEMBER_NONE                 /* left out, because the map says so */
};
const char *lp_member_name(enum lp_member m);
/* LP_MEMBER_CUSTOM if it is none. */
enum lp_member lp_member_from(struct lp_str name);
static inline bool lp_member_is_count(enum lp_member m)
{
    return m >= LP_MEMBER_EMAILS_SENT && m <= LP_MEMBER_CONVERSIONS;
}

/* Appends a header name as it is compared. */
void lp_mapping_normalise(struct lp_str header, struct lp_buf *out);
/* What the built-in synonyms make of a header; `has` says whether a (normalised) header is in the
 * file too, for names that mean something only beside another ("Name" beside "Vorname"). */
enum lp_member lp_mapping_synonym(
    struct lp_str normalised, bool (*has)(const void *arg, const char *header), const void *arg);

struct lp_map_entry {
    struct lp_str column, normalised;
    enum lp_member member;
    struct lp_str custom; /* LP_MEMBER_CUSTOM: the field's name */
    bool used;            /* some file had the column */
};
struct lp_map {
    struct lp_map_entry *entry;
    size_t entries;
    struct lp_str text[LP_MEMBERS]; /* expressions, p == NULL: none */
    struct lp_jq *jq[LP_MEMBERS];
    bool any_jq;
    struct lp_arena arena;
};
int lp_map_read(struct lp_map *m, const char *path, struct lp_err *err);
void lp_map_free(struct lp_map *m);

#define LP_MAPPING_PAD 32 /* readable bytes behind a column's key */

struct lp_column {
    struct lp_str name;  /* unique; what the row object of expressions calls it */
    struct lp_str field; /* its name in custom_fields */
    struct lp_str key;   /* `"field":` */
    enum lp_member member;
    uint32_t next; /* the next column of the same member; 0: none */
};
struct lp_mapping {
    struct lp_column *column;
    size_t columns;
    uint32_t first[LP_MEMBERS]; /* the member's first column, plus one; 0: none */
    uint32_t *custom;           /* columns whose cells can end in custom_fields */
    size_t customs;
    size_t key_bytes; /* of all keys */
    struct lp_arena arena;
};
/* map may be NULL. With `nameless` the cells are not names: columns are column_1, column_2, ...
 * (the map may also call them "1", "2") and no synonym applies. */
void lp_mapping_init(struct lp_mapping *m, const struct lp_map *map, const struct lp_str *header,
    size_t columns, bool nameless);
void lp_mapping_free(struct lp_mapping *m);
/* Makes the column the member's. */
void lp_mapping_assign(struct lp_mapping *m, size_t column, enum lp_member member);
/* Appends it as a map file in long form. */
void lp_mapping_print(const struct lp_mapping *m, const struct lp_map *map, struct lp_buf *out);

#endif
