#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "leadpipe/window.h"

static struct lp_slot *claim(struct lp_window *w, const char *line)
{
    struct lp_err err = {0};
    struct lp_slot *s = lp_window_claim(w);
    if (!s)
        return NULL;
    assert_int_equal(lp_rec_parse(&s->rec, line, strlen(line), &err), 0);
    lp_window_charge(w, s, strlen(line));
    return s;
}

static void in_order(void **state)
{
    (void)state;
    struct lp_window *w = lp_window_new(3, 1 << 20, false);
    struct lp_slot *a = claim(w, "{\"n\":1}"), *b = claim(w, "{\"n\":2}"),
                   *c = claim(w, "{\"n\":3}");
    assert_non_null(c);
    assert_true(lp_window_full(w));
    assert_null(lp_window_claim(w));
    lp_window_done(w, c);
    lp_window_done(w, b);
    assert_null(lp_window_ready(w)); /* the first is not done */
    lp_window_done(w, a);
    assert_ptr_equal(lp_window_ready(w), a);
    assert_ptr_equal(lp_window_ready(w), a);
    lp_window_release(w, a);
    struct lp_slot *d = claim(w, "{\"n\":4}"); /* round the ring */
    assert_ptr_equal(d, a);
    assert_ptr_equal(lp_window_ready(w), b);
    lp_window_release(w, b);
    assert_ptr_equal(lp_window_ready(w), c);
    lp_window_release(w, c);
    assert_null(lp_window_ready(w));
    lp_window_done(w, d);
    assert_ptr_equal(lp_window_ready(w), d);
    lp_window_release(w, d);
    assert_int_equal(lp_window_used(w), 0);
    lp_window_del(w, NULL);
}

static void as_they_complete(void **state)
{
    (void)state;
    struct lp_window *w = lp_window_new(3, 1 << 20, true);
    struct lp_slot *a = claim(w, "{}"), *b = claim(w, "{}"), *c = claim(w, "{}");
    lp_window_done(w, b);
    lp_window_done(w, b); /* twice is once */
    lp_window_done(w, c);
    assert_ptr_equal(lp_window_ready(w), b);
    lp_window_release(w, b);
    struct lp_slot *d = claim(w, "{}");
    assert_ptr_equal(d, b);
    assert_ptr_equal(lp_window_ready(w), c);
    lp_window_release(w, c);
    assert_null(lp_window_ready(w));
    lp_window_done(w, d);
    lp_window_done(w, a);
    assert_ptr_equal(lp_window_ready(w), d);
    lp_window_release(w, d);
    assert_ptr_equal(lp_window_ready(w), a);
    lp_window_release(w, a);
    assert_int_equal(lp_window_used(w), 0);
    lp_window_del(w, NULL);
}

/* Many rounds in a changing order: every record leaves once. */
static void many_rounds(void **state)
{
    (void)state;
    for (int unordered = 0; unordered < 2; unordered++) {
        struct lp_window *w = lp_window_new(7, 1 << 20, unordered);
        struct lp_slot *open[7], *s;
        size_t n = 0, out = 0, in = 0;
        unsigned seed = 1;
        while (out < 1000) {
            while (in < 1000 && (s = lp_window_claim(w))) {
                s->line = ++in;
                open[n++] = s;
            }
            size_t pick = (seed = seed * 1103515245u + 12345u) / 65536 % n;
            lp_window_done(w, open[pick]);
            open[pick] = open[--n];
            while ((s = lp_window_ready(w))) {
                out++;
                if (!unordered)
                    assert_int_equal(s->line, out);
                lp_window_release(w, s);
            }
        }
        assert_int_equal(lp_window_used(w), 0);
        assert_int_equal(n, 0);
        lp_window_del(w, NULL);
    }
}

static void bounded_by_bytes(void **state)
{
    (void)state;
    struct lp_window *w = lp_window_new(8, 100, false);
    struct lp_slot *a = lp_window_claim(w);
    lp_window_charge(w, a, 500); /* larger than the bound: goes alone */
    assert_null(lp_window_claim(w));
    lp_window_done(w, a);
    lp_window_release(w, a);
    struct lp_slot *b = lp_window_claim(w);
    lp_window_charge(w, b, 60);
    assert_false(lp_window_full(w));
    struct lp_slot *c = lp_window_claim(w);
    lp_window_charge(w, c, 40);
    assert_true(lp_window_full(w));
    lp_window_charge(w, c, 10); /* a correction, not an addition */
    assert_false(lp_window_full(w));
    lp_window_del(w, NULL);
}

static void unclaimed(void **state)
{
    (void)state;
    for (int unordered = 0; unordered < 2; unordered++) {
        struct lp_window *w = lp_window_new(2, 100, unordered);
        struct lp_slot *a = lp_window_claim(w), *b = lp_window_claim(w);
        lp_window_unclaim(w, b);
        assert_int_equal(lp_window_used(w), 1);
        assert_ptr_equal(lp_window_claim(w), b);
        lp_window_done(w, b);
        lp_window_done(w, a);
        assert_ptr_equal(lp_window_ready(w), unordered ? b : a);
        lp_window_del(w, NULL);
    }
}

static void work_is_kept_and_freed(void **state)
{
    (void)state;
    struct lp_window *w = lp_window_new(1, 100, false);
    struct lp_slot *s = lp_window_claim(w);
    s->work = lp_alloc(10);
    void *work = s->work;
    lp_window_done(w, s);
    lp_window_release(w, s);
    assert_ptr_equal(lp_window_claim(w)->work, work);
    lp_window_del(w, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(as_they_complete),
        cmocka_unit_test(many_rounds),
        cmocka_unit_test(bounded_by_bytes),
        cmocka_unit_test(unclaimed),
        cmocka_unit_test(work_is_kept_and_freed),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
