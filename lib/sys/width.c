/* width - see leadpipe/width.h */
#include "leadpipe/width.h"

#include <uniwidth.h>

int lp_width(uint32_t cp)
{
    int n = uc_width(cp, "UTF-8");
    return n < 0 ? 1 : n;
}
