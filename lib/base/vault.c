/* vault - see leadpipe/vault.h */
#include "leadpipe/vault.h"

#include <sys/mman.h>

enum { CHUNK = 64 << 10 };

/* The unused end of the newest mapping. */
static struct {
    char *p;
    size_t left;
} room;

static void map_more(size_t need)
{
    size_t size = (need + CHUNK - 1) / CHUNK * CHUNK;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        lp_mem_exhausted();
    madvise(p, size, MADV_DONTDUMP); /* a kernel without it keeps the program usable */
    room.p = p;
    room.left = size;
}

char *lp_vault_keep(struct lp_str secret)
{
    /* The length goes in front, so that wiping reaches past NULs within the value. */
    size_t need = sizeof(size_t) + (secret.n + 1 + 7) / 8 * 8;
    if (room.left < need)
        map_more(need);
    char *p = room.p;
    memcpy(p, &secret.n, sizeof(size_t));
    p += sizeof(size_t);
    if (secret.n)
        memcpy(p, secret.p, secret.n);
    p[secret.n] = '\0';
    room.p += need;
    room.left -= need;
    return p;
}

void lp_vault_wipe(char *copy)
{
    if (!copy)
        return;
    size_t n;
    memcpy(&n, copy - sizeof(size_t), sizeof(size_t));
    explicit_bzero(copy, n);
}
