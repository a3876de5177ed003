/* crc - see leadpipe/hash.h; apart from hash.c because it is another library's */
#include "leadpipe/hash.h"

#include <zlib.h>

uint32_t lp_crc32(const void *p, size_t n)
{
    return (uint32_t)crc32_z(0, p, n);
}
