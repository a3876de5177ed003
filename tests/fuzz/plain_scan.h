/*
 * plain_scan - the scanner as it is where there is neither SSE2 nor NEON, beside the library's own
 *
 * Include it before cmocka.h, which takes the word "fail" for itself.
 */
#ifndef LEADPIPE_TESTS_PLAIN_SCAN_H
#define LEADPIPE_TESTS_PLAIN_SCAN_H

#define LP_SCAN_PLAIN
#define lp_scan_init(s, text) plain_init(s, text)
#define lp_scan_text(s)       plain_text(s)
#define lp_scan_open(s)       plain_open(s)
#define lp_scan_member(s, m)  plain_member(s, m)
#define lp_scan_close(s)      plain_close(s)
#include "leadpipe/scan.h"

void plain_init(struct lp_scan *s, struct lp_str text);
bool plain_text(struct lp_scan *s);
bool plain_open(struct lp_scan *s);
enum lp_scan_step plain_member(struct lp_scan *s, struct lp_scan_member *m);
bool plain_close(struct lp_scan *s);
#include "../../lib/base/json_scan.c"

#undef lp_scan_init
#undef lp_scan_text
#undef lp_scan_open
#undef lp_scan_member
#undef lp_scan_close
void lp_scan_init(struct lp_scan *s, struct lp_str text);
bool lp_scan_text(struct lp_scan *s);
bool lp_scan_open(struct lp_scan *s);
enum lp_scan_step lp_scan_member(struct lp_scan *s, struct lp_scan_member *m);
bool lp_scan_close(struct lp_scan *s);

#endif
