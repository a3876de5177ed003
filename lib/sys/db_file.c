#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/buf.h"
#include "leadpipe/log.h"

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

/* A link to where a disk is not mounted is no path to make a new file at. */
static int absent(const char *path, struct lp_err *err)
{
    struct stat st;
    if (errno != ENOENT)
        return lp_err_errno(err, "%s", path);
    if (lstat(path, &st))
        return 0;
    return lp_err_set(err, LP_ERR_IO, "", "%s: a link to a file that is not there", path);
}

int lp_db_file_look(const char *path, struct lp_err *err)
{
    struct stat st;
    if (stat(path, &st))
        return absent(path, err);
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

/* The log is a header of 32 bytes, then entries of 24 and a page; SQLite passes over what is no whole one
 * at its end, without a word. */
bool lp_db_file_torn(const char *path)
{
    struct lp_buf name = {0};
    struct stat st;
    unsigned char head[32] = {0};
    lp_buf_printf(&name, "%s-wal", path);
    int fd = open(name.p, O_RDONLY | O_CLOEXEC);
    lp_buf_free(&name);
    if (fd < 0)
        return false;
    bool whole = fstat(fd, &st) || st.st_size == 0;
    if (!whole && pread(fd, head, sizeof head, 0) == sizeof head) {
        uint32_t page =
            (uint32_t)head[8] << 24 | (uint32_t)head[9] << 16 | head[10] << 8 | head[11];
        whole = (st.st_size - 32) % (24 + (off_t)page) == 0;
    }
    close(fd);
    return !whole;
}

void lp_db_file_tell_torn(const char *path)
{
    if (lp_db_file_torn(path))
        lp_log_warn("%s-wal: cut off within an entry; what was committed before it is kept", path);
}
