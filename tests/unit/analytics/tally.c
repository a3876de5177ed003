#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "leadpipe/tally.h"

static uint64_t next(uint64_t *x)
{
    *x += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *x;
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static void put(struct lp_tally *t, uint64_t hash, uint32_t value, bool expect_fresh)
{
    bool fresh;
    void *at = lp_tally_make(t, hash, &fresh);
    assert_int_equal(fresh, expect_fresh);
    memcpy(at, &value, sizeof value);
}

static void check(const struct lp_tally *t, uint64_t hash, uint32_t want)
{
    uint32_t value;
    const void *at = lp_tally_find(t, hash);
    assert_non_null(at);
    memcpy(&value, at, sizeof value);
    assert_int_equal(value, want);
}

static void keeps_what_was_put_however_it_grows(void **state)
{
    struct lp_tally t;
    uint64_t x = 1;
    (void)state;
    lp_tally_init(&t, sizeof(uint32_t));
    for (uint32_t i = 0; i < 50000; i++)
        put(&t, next(&x), i, true);
    assert_int_equal(t.n, 50000);
    x = 1;
    for (uint32_t i = 0; i < 50000; i++)
        check(&t, next(&x), i);
    for (uint32_t i = 0; i < 50000; i++)
        assert_null(lp_tally_find(&t, next(&x)));
    x = 1;
    for (uint32_t i = 0; i < 50000; i++)
        put(&t, next(&x), i + 7, false);
    assert_int_equal(t.n, 50000);
    check(&t, (x = 1, next(&x)), 7);
    lp_tally_free(&t);
}

static void a_new_entry_is_zeroed(void **state)
{
    struct lp_tally t;
    bool fresh;
    static const unsigned char zeros[28];
    (void)state;
    lp_tally_init(&t, sizeof zeros);
    /* Falling hashes: each entry is put where the last one was moved away from. */
    for (uint64_t i = 2000; i > 0; i--) {
        unsigned char *at = lp_tally_make(&t, i, &fresh);
        assert_true(fresh);
        assert_memory_equal(at, zeros, sizeof zeros);
        memset(at, 0xff, sizeof zeros);
    }
    lp_tally_free(&t);
}

/* Hashes nobody's hash function would give: all for one home, at either end, and 0. */
static void survives_hashes_that_crowd(void **state)
{
    static const uint64_t from[] = {0, 1, UINT64_MAX - 5000, UINT64_C(1) << 63};
    (void)state;
    for (size_t k = 0; k < sizeof from / sizeof *from; k++) {
        struct lp_tally t;
        lp_tally_init(&t, sizeof(uint32_t));
        for (uint32_t i = 0; i < 3000; i++)
            put(&t, from[k] + i, i, k > 0 || i != 1); /* 0 and 1 are one */
        for (uint32_t i = 2; i < 3000; i++)
            check(&t, from[k] + i, i);
        lp_tally_free(&t);
    }
}

static void an_entry_costs_at_most_1_6_times_its_size(void **state)
{
    static const size_t payload[] = {1, 16, 28};
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct lp_tally t;
        uint64_t x = k;
        bool fresh;
        lp_tally_init(&t, payload[k]);
        for (size_t i = 1; i <= 200000; i++) {
            lp_tally_make(&t, next(&x), &fresh);
            size_t size = 8 + payload[k];
            if (lp_tally_bytes(&t) > (i * 16 / 10 + 1024 + 256) * size)
                fail_msg("%zu entries of %zu take %zu bytes", i, size, lp_tally_bytes(&t));
        }
        lp_tally_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_put_however_it_grows),
        cmocka_unit_test(a_new_entry_is_zeroed),
        cmocka_unit_test(survives_hashes_that_crowd),
        cmocka_unit_test(an_entry_costs_at_most_1_6_times_its_size),
    };
    return cmocka_run_group_tests_name("analytics/tally", tests, NULL, NULL);
}
