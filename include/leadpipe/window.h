/*
 * window - records in work, given out in input order through a bounded ring
 *
 * Owns: its slots; a slot's record lives until the slot is released
 * Units: slots; bytes of record text
 * Errors: none; lp_window_claim returns NULL when it is full (then stop reading)
 */
#ifndef LEADPIPE_WINDOW_H
#define LEADPIPE_WINDOW_H

#include "leadpipe/record.h"
#include "leadpipe/lines.h"

struct lp_slot {
    struct lp_rec rec;
    const char *file;
    uint64_t line, byte;
    size_t bytes; /* counted against the byte bound */
    bool busy, done;
    uint32_t index; /* of the slot in the ring */
    void *work;     /* the engine's, kept from use to use */
};

struct lp_window;
struct lp_window *lp_window_new(size_t slots, size_t max_bytes, bool unordered);
void lp_window_del(struct lp_window *w, void (*del_work)(void *));
struct lp_slot *lp_window_claim(struct lp_window *w);
/* The line's size, once known. */
void lp_window_charge(struct lp_window *w, struct lp_slot *s, size_t bytes);
void lp_window_done(struct lp_window *w, struct lp_slot *s);
/* Takes a claimed slot back (nothing was read into it): only the newest. */
void lp_window_unclaim(struct lp_window *w, struct lp_slot *s);
/* The next slot whose record may be written (NULL: none yet); release it afterwards. */
struct lp_slot *lp_window_ready(struct lp_window *w);
void lp_window_release(struct lp_window *w, struct lp_slot *s);
size_t lp_window_used(const struct lp_window *w);
bool lp_window_full(const struct lp_window *w);

#endif
