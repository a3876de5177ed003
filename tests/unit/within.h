/*
 * within - time limits of tests, wider where every step takes longer
 *
 * Under a wrapper (TEST_WRAP, as with valgrind) the upper bounds only tell that there is an end; what
 * they say of speed is said by the plain run.
 */
#ifndef LP_TEST_WITHIN_H
#define LP_TEST_WITHIN_H

#include <stdint.h>
#include <stdlib.h>

static inline int64_t within(int64_t ms)
{
    const char *wrap = getenv("TEST_WRAP");
    return wrap && *wrap ? 10 * ms : ms;
}

#endif
