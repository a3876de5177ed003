/* file - see leadpipe/file.h */
#include "leadpipe/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef LP_PREFIX
#define LP_PREFIX "/usr/local"
#endif

/* --- whole files ----------------------------------------------------------------------------- */

static int read_all(int fd, const char *path, size_t max, struct lp_buf *out, struct lp_err *err)
{
    size_t start = out->len;
    for (;;) {
        if (!lp_buf_grow(out, 64 << 10))
            return lp_err_set(err, LP_ERR_IO, "too_big", "%s: too big", path);
        ssize_t n = read(fd, out->p + out->len, out->cap - out->len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lp_err_errno(err, "%s", path);
        out->len += (size_t)n;
        out->p[out->len] = '\0';
        if (n == 0)
            return 0;
        if (max && out->len - start > max)
            return lp_err_set(err, LP_ERR_IO, "too_big", "%s: larger than %zu bytes", path, max);
    }
}

int lp_file_read(const char *path, size_t max, struct lp_buf *out, struct lp_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return lp_err_errno(err, "%s", path);
    int rc = read_all(fd, path, max, out, err);
    close(fd);
    return rc;
}

static int write_all(int fd, struct lp_str text)
{
    while (text.n) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        text.p += n;
        text.n -= (size_t)n;
    }
    return 0;
}

/* A rename is on disk only when its directory is. */
static void sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *dir = slash ? lp_strndup(path, (size_t)(slash - path) + 1) : lp_strdup(".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

int lp_file_replace(const char *path, struct lp_str text, int mode, struct lp_err *err)
{
    char *real = realpath(path, NULL); /* a symbolic link stays, what it points to is replaced */
    if (!real)
        real = lp_strdup(path);
    struct lp_buf draft = {0};
    lp_buf_printf(&draft, "%s.XXXXXX", real);
    int rc = -1, fd = mkostemp(draft.p, O_CLOEXEC);
    if (fd >= 0) {
        rc = write_all(fd, text) || fchmod(fd, (mode_t)mode) || fsync(fd) ? -1 : 0;
        int saved = errno;
        if (close(fd) && rc == 0)
            rc = -1;
        else
            errno = saved;
        if (rc == 0)
            rc = rename(draft.p, real);
        saved = errno;
        if (rc)
            unlink(draft.p);
        errno = saved;
    }
    if (rc)
        lp_err_errno(err, "%s", path);
    else
        sync_directory_of(real);
    lp_buf_free(&draft);
    free(real);
    return rc;
}

int lp_file_publish(const char *from, const char *path, struct lp_err *err)
{
    int failed = renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE);
    bool linked = failed && (errno == EINVAL || errno == ENOSYS);
    if (linked) /* not every file system can rename so */
        failed = link(from, path);
    int why = errno;
    if (failed || linked)
        unlink(from);
    errno = why;
    if (failed && errno != EEXIST)
        return lp_err_errno(err, "%s", path);
    sync_directory_of(path);
    return failed ? 0 : 1;
}

size_t lp_file_limit(size_t wanted)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l))
        return 256; /* what is there anywhere */
    if (l.rlim_cur < wanted && l.rlim_cur < l.rlim_max) {
        struct rlimit more = {
            .rlim_cur = wanted < l.rlim_max ? wanted : l.rlim_max, .rlim_max = l.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            l = more;
    }
    return l.rlim_cur;
}

bool lp_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* --- where things are ------------------------------------------------------------------------ */

static char *join(const char *dir, const char *name)
{
    struct lp_buf b = {0};
    lp_buf_printf(&b, "%s/%s", dir, name);
    return lp_buf_take(&b);
}

/* "$variable/leadpipe" or "$HOME/fallback/leadpipe". The XDG specification has relative paths
 * ignored. */
static char *xdg(const char *variable, const char *fallback)
{
    const char *dir = getenv(variable), *home = getenv("HOME");
    if (dir && dir[0] == '/')
        return join(dir, "leadpipe");
    if (!home || home[0] != '/')
        return NULL;
    char *base = join(home, fallback), *path = join(base, "leadpipe");
    free(base);
    return path;
}

char *lp_file_config(const char *name)
{
    char *dir = xdg("XDG_CONFIG_HOME", ".config");
    if (!dir)
        return NULL;
    char *path = join(dir, name);
    free(dir);
    return path;
}

static int make_directories(char *path, struct lp_err *err)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        int why = mkdir(path, 0700) ? errno : 0;
        if (why && why != EEXIST && !lp_file_exists(path)) {
            errno = why; /* that it is not there is known */
            lp_err_errno(err, "%s", path);
            return -1;
        }
        if (!slash)
            return 0;
        *slash = '/';
    }
}

char *lp_file_state(const char *name, struct lp_err *err)
{
    char *dir = xdg("XDG_STATE_HOME", ".local/state"), *path = NULL;
    if (!dir) {
        lp_err_set(err, LP_ERR_IO, "no_home", "no place for %s: HOME is not set", name);
        lp_err_hint(err, "set HOME or XDG_STATE_HOME, or name the file");
        return NULL;
    }
    if (make_directories(dir, err) == 0)
        path = join(dir, name);
    free(dir);
    return path;
}

/* The directory of the running program, without a slash at its end; "" if it is not known. */
static void own_directory(char *dir, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", dir, cap - 1);
    dir[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
}

/* Programs run from build/bin, tests from build/NAME/unit/LAYER: the tree is a few steps up. */
static char *lib_of_tree(char *dir)
{
    enum { STEPS = 4 };
    for (int i = 0; i < STEPS; i++) {
        char *slash = strrchr(dir, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
        char *mark = join(dir, "include/leadpipe/file.h"), *lib = join(dir, "lib");
        bool found = lp_file_exists(mark) && lp_file_exists(lib);
        free(mark);
        if (found)
            return lib;
        free(lib);
    }
    return NULL;
}

static char *find_lib(void)
{
    const char *named = getenv("LEADPIPE_LIB");
    if (named && *named) {
        char *whole = realpath(named, NULL); /* it must mean the same from wherever it is used */
        return whole ? whole : lp_strdup(named);
    }
    char dir[PATH_MAX];
    own_directory(dir, sizeof dir);
    char *beside = join(dir, "../share/leadpipe");
    if (lp_file_exists(beside))
        return beside;
    free(beside);
    char *lib = lib_of_tree(dir);
    return lib ? lib : lp_strdup(LP_PREFIX "/share/leadpipe");
}

const char *lp_file_lib(void)
{
    static char *lib;
    if (!lib)
        lib = find_lib();
    return lib;
}

char *lp_file_shipped(const char *name)
{
    char *path = join(lp_file_lib(), name);
    if (lp_file_exists(path))
        return path;
    free(path);
    return NULL;
}
