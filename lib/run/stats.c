/* stats - the counts, for people and for programs */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

typedef unsigned long long ull;

/* --- side files --------------------------------------------------------------------------------
 */

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Devices and pipes may be shared: only in a file would one overwrite the other. */
static int refuse_shared(const char *option, const char *path, char **inputs, struct lp_err *err)
{
    struct stat mine, other;
    char *standard[] = {(char[]){"-"}, NULL};
    if (stat(path, &mine) != 0 || !S_ISREG(mine.st_mode))
        return 0;
    for (char **f = inputs && inputs[0] ? inputs : standard; *f; f++) {
        bool in = strcmp(*f, "-") == 0;
        if ((in ? fstat(STDIN_FILENO, &other) : stat(*f, &other)) == 0 && same_file(&mine, &other))
            return lp_err_set(err, LP_ERR_USAGE, NULL, "%s %s: is an input", option, path);
    }
    if (fstat(STDOUT_FILENO, &other) == 0 && same_file(&mine, &other))
        return lp_err_set(err, LP_ERR_USAGE, NULL, "%s %s: is the output", option, path);
    return 0;
}

static bool is_standard_error(int fd)
{
    struct stat mine, other;
    return fstat(fd, &mine) == 0 && fstat(STDERR_FILENO, &other) == 0 && same_file(&mine, &other);
}

int lp_run_side_file(
    const char *option, const char *path, int flags, mode_t mode, char **inputs, struct lp_err *err)
{
    if (refuse_shared(option, path, inputs, err) < 0)
        return -1;
    int fd = open(path, flags | O_CREAT | O_CLOEXEC | O_NOCTTY, mode);
    if (fd < 0)
        return lp_err_errno(err, "cannot open %s (%s)", path, option);
    if (!is_standard_error(fd))
        return fd;
    /* "/dev/stderr" and messages are to follow one another, so they must share their place. */
    close(fd);
    fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? lp_err_errno(err, "cannot open %s (%s)", path, option) : fd;
}

/* Rejects in the file of the counts would be gone as soon as those are written. */
static int keep_apart(int fd, const char *rejects, struct lp_err *err)
{
    struct stat mine, other;
    if (!rejects || fstat(fd, &mine) != 0 || !S_ISREG(mine.st_mode) || is_standard_error(fd) ||
        stat(rejects, &other) != 0 || !same_file(&mine, &other))
        return 0;
    return lp_err_set(err, LP_ERR_USAGE, NULL, "--rejects %s: is the file of --stats too", rejects);
}

int lp_run_stats_open(struct lp_run *run, char **inputs, int *fd, struct lp_err *err)
{
    const char *path = run->common.stats;
    *fd = path ? lp_run_side_file("--stats", path, O_WRONLY, 0644, inputs, err) : -1;
    if (!path || (*fd >= 0 && keep_apart(*fd, run->common.rejects, err) == 0))
        return 0;
    if (*fd >= 0)
        close(*fd);
    *fd = -1; /* nothing is to be written there */
    return -1;
}

/* After a write that failed: is it to be tried again, now or once there is room? */
static bool wait_for_room(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};
    if (errno == EINTR)
        return true;
    return errno == EAGAIN && (poll(&room, 1, -1) >= 0 || errno == EINTR);
}

int lp_run_write_all(int fd, struct lp_str text, size_t *sent)
{
    size_t at = 0;
    bool good = true;
    while (good && at < text.n) {
        ssize_t n = write(fd, text.p + at, text.n - at);
        good = n >= 0 || wait_for_room(fd);
        at += n > 0 ? (size_t)n : 0;
    }
    if (sent)
        *sent = at;
    return good ? 0 : -1;
}

/* --- for programs ------------------------------------------------------------------------------
 */

static void put_drops(struct lp_buf *b, const struct lp_counts *c)
{
    lp_json_key(b, "dropped");
    lp_buf_byte(b, '{');
    for (size_t i = 0; i < LP_RUN_DROPS && c->drops[i].reason; i++)
        lp_json_put_int(b, c->drops[i].reason, (int64_t)c->drops[i].n);
    lp_buf_byte(b, '}');
}

static void put_stats(struct lp_run *run, struct lp_buf *b)
{
    const struct lp_counts *c = &run->counts;
    lp_buf_byte(b, '{');
    lp_json_put_str(b, "program", lp_str(run->program->name));
    lp_json_put_str(b, "version", LP_STR(LP_VERSION));
    lp_json_put_str(b, "run_id", lp_str(run->id));
    lp_json_put_int(b, "in", (int64_t)c->in);
    lp_json_put_int(b, "out", (int64_t)c->out);
    lp_json_put_int(b, "rejects", (int64_t)c->rejects);
    put_drops(b, c);
    lp_json_put_int(b, "passed", (int64_t)c->passed);
    lp_json_put_int(b, "blank", (int64_t)c->blank);
    lp_json_put_int(b, "failed", (int64_t)c->failed);
    lp_json_put_int(b, "elapsed_ms", lp_clock_mono() - run->started_mono);
    if (run->stopped_by)
        lp_json_put_str(b, "stopped", lp_str(run->stopped_by));
    else
        lp_json_put_raw(b, "stopped", LP_STR("null"));
    if (run->stats)
        run->stats(run, b);
    lp_buf_add(b, "}\n", 2);
}

int lp_run_stats_write(struct lp_run *run, int fd, struct lp_err *err)
{
    struct stat st;
    struct lp_buf text = {0};
    if (fd < 0)
        return 0;
    put_stats(run, &text);
    lp_log_redact(&text);
    /* The file was opened early and keeps an earlier run's counts until now. */
    bool plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !is_standard_error(fd);
    bool bad =
        (plain && ftruncate(fd, 0) < 0) || lp_run_write_all(fd, lp_buf_view(&text), NULL) < 0;
    int number = errno;
    lp_buf_free(&text);
    if (close(fd) < 0 && !bad) {
        bad = true;
        number = errno;
    }
    errno = number;
    return bad ? lp_err_errno(err, "cannot write %s (--stats)", run->common.stats) : 0;
}

/* --- for people --------------------------------------------------------------------------------
 */

static void put_if(struct lp_buf *b, const char *name, uint64_t n)
{
    if (n)
        lp_buf_printf(b, " %s %llu", name, (ull)n);
}

void lp_run_summary(const struct lp_run *run)
{
    const struct lp_counts *c = &run->counts;
    struct lp_buf b = {0};
    if (run->program->no_input)
        return;
    lp_buf_printf(&b, "in %llu out %llu rejects %llu dropped %llu", (ull)c->in, (ull)c->out,
        (ull)c->rejects, (ull)c->dropped);
    for (size_t i = 0; i < LP_RUN_DROPS && c->drops[i].reason; i++)
        lp_buf_printf(&b, "%s%s %llu", i ? ", " : " (", c->drops[i].reason, (ull)c->drops[i].n);
    if (c->dropped)
        lp_buf_byte(&b, ')');
    put_if(&b, "failed", c->failed);
    put_if(&b, "passed", c->passed);
    if (run->stopped && run->stopped_by)
        lp_buf_printf(&b, " stopped by %s", run->stopped_by);
    lp_log_info("%s", b.p);
    lp_buf_free(&b);
}
