/* hash: values that must not change, for they are stored and compared between machines */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "leadpipe/hash.h"

static void known_values(void **state)
{
    (void)state;
    assert_int_equal(lp_hash64("", 0), UINT64_C(0x2d06800538d394c2));
    assert_int_equal(lp_hash64("xxhash", 6), UINT64_C(0xaa4c2b42ae6b13de));
    struct lp_hash128 h = lp_hash128("", 0);
    assert_int_equal(h.lo, UINT64_C(0x6001c324468d497f));
    assert_int_equal(h.hi, UINT64_C(0x99aa06d3014798d8));
    assert_int_equal(lp_crc32("123456789", 9), 0xcbf43926);
    assert_int_equal(lp_crc32("", 0), 0);
}

static void seeds_matter(void **state)
{
    (void)state;
    struct lp_hash128 a = lp_hash128_seeded("key", 3, 1), b = lp_hash128_seeded("key", 3, 2);
    assert_true(a.lo != b.lo && a.hi != b.hi);
    struct lp_hash128 c = lp_hash128_seeded("key", 3, 0), d = lp_hash128("key", 3);
    assert_true(c.lo == d.lo && c.hi == d.hi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(seeds_matter),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
