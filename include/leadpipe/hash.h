/*
 * hash - XXH3 over bytes, CRC-32 for rows at rest
 *
 * Owns: nothing
 * Units: -
 * Errors: none
 * Source: libxxhash (XXH3, https://xxhash.com), zlib crc32
 */
#ifndef LEADPIPE_HASH_H
#define LEADPIPE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct lp_hash128 {
    uint64_t lo, hi;
};
/* Stable over runs and machines: shards, cache keys. */
uint64_t lp_hash64(const void *p, size_t n);
struct lp_hash128 lp_hash128(const void *p, size_t n);
/* Seeded: for tables whose keys a stranger chooses. */
struct lp_hash128 lp_hash128_seeded(const void *p, size_t n, uint64_t seed);
/* CRC-32 (IEEE 802.3): sees flipped bits in rows at rest. */
uint32_t lp_crc32(const void *p, size_t n);

#endif
