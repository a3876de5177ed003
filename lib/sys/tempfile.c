/* tempfile - see leadpipe/tempfile.h */
#include "leadpipe/tempfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_nameless(struct lp_err *err)
{
    const char *dir = getenv("TMPDIR");
    if (!dir || !*dir)
        dir = "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) { /* a file system that knows no such thing */
        struct lp_buf path = {0};
        lp_buf_printf(&path, "%s/leadpipe-XXXXXX", dir);
        fd = mkostemp(path.p, O_CLOEXEC);
        if (fd >= 0)
            unlink(path.p);
        lp_buf_free(&path);
    }
    return fd >= 0 ? fd : lp_err_errno(err, "cannot make a temporary file in %s (TMPDIR)", dir);
}

uint64_t lp_tempfile_size(const struct lp_tempfile *t)
{
    return t->written + t->tail.len;
}

static int write_all(struct lp_tempfile *t, const char *p, size_t n, struct lp_err *err)
{
    if (!t->file) {
        int fd = open_nameless(err);
        if (fd < 0)
            return -1;
        t->file = fd + 1;
    }
    uint64_t at = t->written;
    while (n > 0) {
        ssize_t done = pwrite(t->file - 1, p, n, (off_t)at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return lp_err_errno(err, "cannot write the temporary file (TMPDIR says where)");
        p += done;
        n -= (size_t)done;
        at += (uint64_t)done;
    }
    t->written = at;
    return 0;
}

int lp_tempfile_append(struct lp_tempfile *t, const void *p, size_t n, struct lp_err *err)
{
    if (t->tail.len + n > LP_TEMPFILE_BUFFER) {
        if (write_all(t, t->tail.p, t->tail.len, err) < 0)
            return -1;
        lp_buf_reset(&t->tail);
    }
    if (n > LP_TEMPFILE_BUFFER)
        return write_all(t, p, n, err);
    lp_buf_add(&t->tail, p, n);
    return 0;
}

static int read_file(
    const struct lp_tempfile *t, uint64_t at, char *to, size_t n, struct lp_err *err)
{
    while (n > 0) {
        ssize_t got = pread(t->file - 1, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return lp_err_errno(err, "cannot read the temporary file");
        if (got == 0)
            return lp_err_set(err, LP_ERR_IO, NULL, "the temporary file was cut short");
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

int lp_tempfile_read(
    const struct lp_tempfile *t, uint64_t at, void *to, size_t n, struct lp_err *err)
{
    if (at > lp_tempfile_size(t) || n > lp_tempfile_size(t) - at)
        return lp_err_set(err, LP_ERR_BUG, NULL, "read past the end of a temporary file");
    size_t filed = at >= t->written ? 0 : t->written - at < n ? (size_t)(t->written - at) : n;
    if (filed && read_file(t, at, to, filed, err) < 0)
        return -1;
    if (n > filed)
        memcpy((char *)to + filed, t->tail.p + (at + filed - t->written), n - filed);
    return 0;
}

void lp_tempfile_free(struct lp_tempfile *t)
{
    if (t->file)
        close(t->file - 1);
    lp_buf_free(&t->tail);
    *t = (struct lp_tempfile){0};
}
