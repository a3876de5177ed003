/* names - see leadpipe/names.h */
#include "leadpipe/names.h"

#include <stdlib.h>

#include "leadpipe/hash.h"

void lp_names_init(struct lp_names *names)
{
    *names = (struct lp_names){.seed = lp_tally_seed(), .n = 1, .room = 16};
    lp_tally_init(&names->table, sizeof names->n);
    names->text = lp_alloc(names->room * sizeof *names->text);
}

void lp_names_free(struct lp_names *names)
{
    for (uint32_t i = 1; i < names->n; i++)
        free((char *)names->text[i].p);
    free(names->text);
    lp_tally_free(&names->table);
    *names = (struct lp_names){0};
}

static uint64_t hash(const struct lp_names *names, struct lp_str text)
{
    return lp_hash128_seeded(text.p, text.n, names->seed).lo;
}

static uint32_t add(struct lp_names *names, struct lp_str text)
{
    if (names->n == names->room) {
        names->room *= 2;
        names->text = lp_realloc_array(names->text, names->room, sizeof *names->text);
    }
    names->text[names->n] = (struct lp_str){lp_strndup(text.p, text.n), text.n};
    return names->n++;
}

uint32_t lp_names_number(struct lp_names *names, struct lp_str text)
{
    uint32_t number;
    bool fresh;
    if (!text.p)
        return 0;
    void *at = lp_tally_make(&names->table, hash(names, text), &fresh);
    if (fresh) {
        number = add(names, text);
        memcpy(at, &number, sizeof number);
    }
    memcpy(&number, at, sizeof number);
    return number;
}

uint32_t lp_names_find(const struct lp_names *names, struct lp_str text)
{
    uint32_t number = 0;
    const void *at = text.p ? lp_tally_find(&names->table, hash(names, text)) : NULL;
    if (at)
        memcpy(&number, at, sizeof number);
    return number;
}

struct lp_str lp_names_text(const struct lp_names *names, uint32_t number)
{
    return names->text[number];
}

int lp_names_order(struct lp_str a, struct lp_str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    if (!a.p || !b.p) /* what has no name comes last */
        return a.p ? -1 : b.p != NULL;
    int order = memcmp(a.p, b.p, n);
    return order ? order : a.n < b.n ? -1 : a.n > b.n;
}
