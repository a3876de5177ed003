/* child - see leadpipe/child.h */
#include "leadpipe/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leadpipe/clock.h"

enum { NAP_MAX_MS = 20, STATUS_EXEC_FAILED = 127 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* The pipes of a start: [0] is read from, [1] written to. */
struct plumbing {
    int in[2], out[2], err[2];
    int told[2]; /* errno of a failed exec, or just closed by a good one */
};

static void drain(struct plumbing *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->in[i]);
        close_fd(&p->out[i]);
        close_fd(&p->err[i]);
        close_fd(&p->told[i]);
    }
}

static int lay(struct plumbing *p, const struct lp_child_options *o, struct lp_err *err)
{
    *p = (struct plumbing){{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int failed = pipe2(p->told, O_CLOEXEC);
    if (!failed && o->pipe_in)
        failed = pipe2(p->in, O_CLOEXEC);
    else if (!failed)
        failed = (p->in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0;
    if (!failed && o->pipe_out)
        failed = pipe2(p->out, O_CLOEXEC);
    else if (!failed)
        failed = (p->out[1] = open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0;
    if (!failed && o->pipe_err)
        failed = pipe2(p->err, O_CLOEXEC);
    if (!failed)
        return 0;
    lp_err_errno(err, "starting a program");
    drain(p);
    return -1;
}

/* Only async-signal-safe calls from here to exec. */
static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    for (int sig = 1; sig < NSIG; sig++) {
        struct sigaction act = {.sa_handler = SIG_DFL};
        sigaction(sig, &act, NULL); /* some may not be changed: they are as they should be */
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* dup2 onto the same number would leave close-on-exec set. */
static int place(int fd, int as)
{
    if (fd == as)
        return fcntl(fd, F_SETFD, 0);
    return dup2(fd, as) < 0 ? -1 : 0;
}

/* Our environment with what is added; a name that is there already gets the added value. The strings
 * are borrowed. */
static char **environment(const char *const *added)
{
    size_t ours = 0, n = 0;
    while (environ[ours])
        ours++;
    for (const char *const *a = added; *a; a++)
        n++;
    char **all = lp_realloc_array(NULL, ours + n + 1, sizeof *all), **to = all;
    for (const char *const *a = added; *a; a++)
        *to++ = (char *)*a;
    for (size_t i = 0; i < ours; i++) {
        size_t name = strcspn(environ[i], "=") + 1, k = 0;
        while (k < n && strncmp(added[k], environ[i], name) != 0)
            k++;
        if (k == n)
            *to++ = environ[i];
    }
    *to = NULL;
    return all;
}

static _Noreturn void become(
    const struct plumbing *p, const struct lp_child_options *o, char *const *argv, char **env)
{
    setpgid(0, 0);
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* should we be killed, there is nobody left to end it */
    int failed = place(p->in[0], STDIN_FILENO) || place(p->out[1], STDOUT_FILENO);
    if (!failed && o->quiet)
        failed = place(open("/dev/null", O_WRONLY), STDERR_FILENO);
    else if (!failed && o->pipe_err)
        failed = place(p->err[1], STDERR_FILENO);
    if (!failed) {
        if (env)
            environ = env;
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* whatever a library may have left open */
        execvp(argv[0], argv);
    }
    int why = errno;
    ssize_t ignored = write(p->told[1], &why, sizeof why);
    (void)ignored;
    _exit(STATUS_EXEC_FAILED);
}

/* 0 once the program runs; else why it does not. */
static int exec_result(int told)
{
    int why = 0;
    ssize_t n;
    do
        n = read(told, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof why ? why : 0;
}

static int begin(struct lp_child *c, struct plumbing *p, const struct lp_child_options *o,
    char *const *argv, struct lp_err *err)
{
    char **env = o->env ? environment(o->env) : NULL;
    pid_t pid = fork();
    if (pid == 0)
        become(p, o, argv, env);
    free(env);
    if (pid < 0)
        return lp_err_errno(err, "starting %s", argv[0]);
    setpgid(pid, pid); /* by both, so that neither has to be first */
    close_fd(&p->told[1]);
    int why = exec_result(p->told[0]);
    if (why) {
        waitpid(pid, NULL, 0);
        errno = why;
        return lp_err_errno(err, "starting %s", argv[0]);
    }
    *c = (struct lp_child){pid, p->in[1], p->out[0], p->err[0]};
    p->in[1] = p->out[0] = p->err[0] = -1;
    return 0;
}

int lp_child_start(struct lp_child *c, const struct lp_child_options *o, struct lp_err *err)
{
    *c = (struct lp_child){0, -1, -1, -1};
    const char *const shell[] = {"/bin/sh", "-c", o->shell, NULL};
    struct plumbing p;
    if (lay(&p, o, err))
        return -1;
    int rc = begin(c, &p, o, (char *const *)(o->shell ? shell : o->argv), err);
    drain(&p);
    return rc;
}

void lp_child_close_in(struct lp_child *c)
{
    close_fd(&c->in);
}

int lp_child_unblock(struct lp_child *c, struct lp_err *err)
{
    const int fds[] = {c->in, c->out, c->err};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
        int flags = fds[i] < 0 ? 0 : fcntl(fds[i], F_GETFL);
        if (fds[i] >= 0 && (flags < 0 || fcntl(fds[i], F_SETFL, flags | O_NONBLOCK)))
            return lp_err_errno(err, "the pipe to a program");
    }
    return 0;
}

size_t lp_child_unread(const struct lp_child *c)
{
    int n = 0;
    return c->in >= 0 && ioctl(c->in, FIONREAD, &n) == 0 && n > 0 ? (size_t)n : 0;
}

ssize_t lp_child_read(struct lp_child *c, void *to, size_t n, int64_t deadline, struct lp_err *err)
{
    for (;;) {
        int64_t left = deadline - lp_clock_mono();
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        int ready = poll(&p, 1, left <= 0 ? 0 : left > 60000 ? 60000 : (int)left);
        if (ready == 0 && left > 0)
            continue;
        if (ready == 0)
            return lp_err_set(err, LP_ERR_TEMP, "timeout", "no answer in time");
        ssize_t got = ready < 0 ? -1 : read(c->out, to, n);
        if (got >= 0)
            return got;
        if (errno != EINTR && errno != EAGAIN)
            return lp_err_errno(err, "reading from a program");
    }
}

/* Waits for the end without taking the process away, so that its number stays ours. */
static bool ended(const struct lp_child *c, int64_t deadline)
{
    for (int nap = 1;; nap = nap < NAP_MAX_MS ? nap * 2 : NAP_MAX_MS) {
        siginfo_t info = {0};
        int rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT);
        if ((rc == 0 && info.si_pid == c->pid) || (rc < 0 && errno == ECHILD))
            return true;
        if (lp_clock_mono() >= deadline)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = nap * 1000000L}, NULL);
    }
}

static int take(struct lp_child *c)
{
    int how = 0;
    pid_t got;
    do
        got = waitpid(c->pid, &how, 0);
    while (got < 0 && errno == EINTR);
    c->pid = 0;
    if (got < 0)
        return STATUS_EXEC_FAILED; /* someone else took it */
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

int lp_child_wait(struct lp_child *c, int64_t deadline, int *status)
{
    if (c->pid && !ended(c, deadline))
        return 0;
    if (c->pid)
        *status = take(c);
    return 1;
}

bool lp_child_ended(const struct lp_child *c, int64_t deadline)
{
    return !c->pid || ended(c, deadline);
}

void lp_child_term(const struct lp_child *c)
{
    if (c->pid)
        kill(-c->pid, SIGTERM);
}

int lp_child_end(struct lp_child *c, int64_t grace_ms)
{
    close_fd(&c->in);
    close_fd(&c->out);
    close_fd(&c->err);
    if (!c->pid)
        return 0;
    lp_child_term(c);
    ended(c, lp_clock_mono() + grace_ms);
    kill(-c->pid, SIGKILL); /* itself, or what it had started and left behind */
    return take(c);
}

void lp_child_stop(struct lp_child *c, int64_t grace_ms)
{
    lp_child_end(c, grace_ms);
}

static int collect(
    struct lp_child *c, size_t max, int64_t deadline, struct lp_buf *out, struct lp_err *err)
{
    char chunk[4096];
    ssize_t n;
    size_t start = out->len;
    while ((n = lp_child_read(c, chunk, sizeof chunk, deadline, err)) > 0) {
        size_t room = max - (out->len - start);
        lp_buf_add(out, chunk, (size_t)n < room ? (size_t)n : room);
    }
    explicit_bzero(chunk, sizeof chunk); /* it may have been a password */
    return n < 0 ? -1 : 0;
}

int lp_child_run(const struct lp_child_options *options, size_t max, int64_t deadline,
    struct lp_buf *out, int *status, struct lp_err *err)
{
    struct lp_child c;
    struct lp_child_options o = *options;
    o.pipe_out = true;
    o.pipe_in = false;
    if (lp_child_start(&c, &o, err))
        return -1;
    int rc = collect(&c, max, deadline, out, err);
    if (rc == 0 && !lp_child_wait(&c, deadline, status))
        rc = lp_err_set(err, LP_ERR_TEMP, "timeout", "no answer in time");
    lp_child_stop(&c, 500);
    return rc;
}
