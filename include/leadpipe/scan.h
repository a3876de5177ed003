/*
 * scan - one pass over JSON text nobody has checked yet: grammar, UTF-8 and the limits at once
 *
 * Owns: nothing; every slice points into the caller's text
 * Units: bytes; nesting counted from the outermost brace or bracket, at most LP_JSON_DEPTH
 * Errors: false or LP_SCAN_BAD with `fault` (a reject code and a phrase) and `at`; the first fault
 *         in the text is the one told
 * Source: RFC 8259 with the limits of spec/records.md
 *
 * The pass is the program's floor, so it classifies string bytes sixteen at a time (SSE2, NEON; a table
 * where there is neither, or with LP_SCAN_PLAIN defined). It never reads past the text.
 */
#ifndef LEADPIPE_SCAN_H
#define LEADPIPE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include "leadpipe/mem.h"

struct lp_scan_fault {
    const char *code; /* bad_json, bad_utf8, not_object, too_deep, lone_surrogate, nul_byte */
    const char *why;  /* "control character in string" */
};

struct lp_scan {
    const unsigned char *text, *end, *p;
    const struct lp_scan_fault *fault; /* NULL: none */
    const unsigned char *at;           /* with a fault: the byte */
    const unsigned char *newline;      /* a line end between tokens, or NULL */
    bool escape;                       /* the last string held an escape */
    bool begun;                        /* past the first member */
    size_t window;                     /* the 64 bytes from here on have been classified: */
    uint64_t odd;                      /* a bit a byte that ends a run of plain string bytes */
};

struct lp_scan_member {
    struct lp_str name, value; /* raw; the name is what stands between its quotes */
    bool escaped;              /* the name holds an escape */
};

enum lp_scan_step { LP_SCAN_MEMBER, LP_SCAN_END, LP_SCAN_BAD };

void lp_scan_init(struct lp_scan *s, struct lp_str text);
/* One whole value and nothing after it but white space. */
bool lp_scan_text(struct lp_scan *s);
/* To just after the opening brace of the object the text has to be. */
bool lp_scan_open(struct lp_scan *s);
/* The object's next member, checked in full; LP_SCAN_END leaves `p` after the closing brace. */
enum lp_scan_step lp_scan_member(struct lp_scan *s, struct lp_scan_member *m);
/* Is there nothing left but white space? */
bool lp_scan_close(struct lp_scan *s);

#endif
