#include "owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "leadpipe/buf.h"
#include "leadpipe/file.h"

static void name_of(pid_t pid, char out[LP_OWNER_SIZE])
{
    char path[64];
    struct lp_buf stat = {0};
    struct lp_err err = {0};
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    *out = '\0';
    if (lp_file_read(path, 4096, &stat, &err) == 0 && stat.p) {
        const char *p = strrchr(stat.p, ')'); /* the name before it may hold anything */
        for (int field = 2; p && field < 22; field++)
            p = strchr(p + 1, ' ');
        const char *started = p ? p + 1 : "";
        snprintf(out, LP_OWNER_SIZE, "%ld:%.*s", (long)pid, (int)strcspn(started, " \n"), started);
    }
    lp_buf_free(&stat);
}

void lp_owner_self(char out[LP_OWNER_SIZE])
{
    name_of(getpid(), out);
}

bool lp_owner_alive(struct lp_str owner)
{
    char name[LP_OWNER_SIZE], now[LP_OWNER_SIZE];
    snprintf(name, sizeof name, "%.*s", (int)owner.n, owner.p ? owner.p : "");
    name_of((pid_t)strtol(name, NULL, 10), now);
    return *now && strcmp(name, now) == 0;
}
