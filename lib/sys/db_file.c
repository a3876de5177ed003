#include "db_file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/buf.h"

void lp_db_file_unlink(const char *draft)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    struct lp_buf name = {0};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        lp_buf_reset(&name);
        lp_buf_printf(&name, "%s%s", draft, ends[i]);
        unlink(name.p);
    }
    lp_buf_free(&name);
}

int lp_db_file_look(const char *path, struct lp_err *err)
{
    struct stat st;
    if (stat(path, &st))
        return errno == ENOENT ? 0 : lp_err_errno(err, "%s", path);
    if (S_ISDIR(st.st_mode))
        return lp_err_set(err, LP_ERR_IO, "", "%s: is a directory", path);
    if (!S_ISREG(st.st_mode))
        return lp_err_set(err, LP_ERR_IO, "", "%s: is not a regular file", path);
    if (st.st_uid != geteuid())
        return lp_err_set(err, LP_ERR_IO, "", "%s: belongs to another user", path);
    if (st.st_size == 0)
        return lp_err_set(err, LP_ERR_IO, "empty", "%s: is empty; not started anew", path);
    return 1;
}
