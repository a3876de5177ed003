/* hash - see leadpipe/hash.h */
#include "leadpipe/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t lp_hash64(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

struct lp_hash128 lp_hash128_seeded(const void *p, size_t n, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(p, n, seed);
    return (struct lp_hash128){h.low64, h.high64};
}

struct lp_hash128 lp_hash128(const void *p, size_t n)
{
    return lp_hash128_seeded(p, n, 0);
}
