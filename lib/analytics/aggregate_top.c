/* aggregate_top - the contacts that lead by score, ties by address; see aggregate.h */
#include "aggregate_parts.h"

#include <stdlib.h>

static int load(
    struct lp_aggregate *a, struct lp_top_contact *c, uint64_t place, struct lp_err *err)
{
    uint32_t length[2];
    uint64_t at = place - 1;
    if (lp_tempfile_read(&a->abouts, at, length, sizeof length, err) < 0)
        return -1;
    char **const part[] = {&c->email, &c->about};
    at += sizeof length;
    for (size_t i = 0; i < 2; at += length[i++]) {
        *part[i] = lp_alloc((size_t)length[i] + 1);
        if (lp_tempfile_read(&a->abouts, at, *part[i], length[i], err) < 0)
            return -1;
    }
    return 0;
}

static void forget(struct lp_top_contact *c)
{
    free(c->email);
    free(c->about);
    c->email = c->about = NULL;
}

static bool before(const struct lp_top_contact *a, const struct lp_top_contact *b)
{
    if (a->ltv != b->ltv)
        return a->ltv > b->ltv;
    int order = strcmp(a->email, b->email);
    if (order == 0)
        order = strcmp(a->about, b->about);
    /* Contacts without an address come by their hashes, which differ from run to run: whatever is
     * printed of them has to decide. */
    if (order == 0)
        order = (int)a->status - (int)b->status;
    return order ? order < 0 : a->tier < b->tier;
}

int lp_top_offer(
    struct lp_aggregate *a, struct lp_top_contact *c, uint64_t place, struct lp_err *err)
{
    struct lp_top_contact *top = a->contacts.top;
    size_t most = a->s.top, n = a->contacts.top_n;
    /* Most are turned away here, without a look at the file. */
    if (n == most && (most == 0 || c->ltv < top[n - 1].ltv))
        return 0;
    if (load(a, c, place, err) < 0) {
        forget(c);
        return -1;
    }
    size_t at = n;
    while (at > 0 && before(c, &top[at - 1]))
        at--;
    if (at == most) {
        forget(c);
        return 0;
    }
    if (n == most)
        forget(&top[--n]);
    memmove(top + at + 1, top + at, (n - at) * sizeof *top);
    top[at] = *c;
    a->contacts.top_n = n + 1;
    return 0;
}
