/* signals - see leadpipe/signals.h */
#include "leadpipe/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* What a handler can reach: it has no other argument than the number. */
static volatile sig_atomic_t stop_number;
static volatile sig_atomic_t usr1;
static int wake[2] = {-1, -1};

static void wake_up(void)
{
    int saved = errno;
    /* The pipe is our own, so O_NONBLOCK harms nobody; a full one wakes as well as a fuller one. */
    if (write(wake[1], "", 1) < 0)
        errno = saved;
}

static void on_stop(int number)
{
    if (stop_number)
        _exit(128 + number);
    stop_number = number;
    wake_up();
}

static void on_usr1(int number)
{
    (void)number;
    usr1 = 1;
    wake_up();
}

static void on_failed_write(int number)
{
    (void)number;
}

/* Without SA_RESTART: poll, read and write are to return so that the stop is seen. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction sa = {.sa_handler = handler};
    sigemptyset(&sa.sa_mask);
    sigaction(number, &sa, NULL);
}

static bool ignored(int number)
{
    struct sigaction old;
    return sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

void lp_signals_init(void)
{
    if (wake[0] < 0 && pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
        wake[0] = wake[1] = -1; /* then EINTR alone has to do */
    if (!ignored(SIGINT))
        handle(SIGINT, on_stop);
    handle(SIGTERM, on_stop);
    handle(SIGUSR1, on_usr1);
    handle(SIGPIPE, on_failed_write);
    handle(SIGXFSZ, on_failed_write);
}

bool lp_signals_stop(void)
{
    return stop_number != 0;
}

int lp_signals_stop_number(void)
{
    return stop_number;
}

bool lp_signals_usr1(void)
{
    bool was = usr1;
    if (was)
        usr1 = 0;
    return was;
}

int lp_signals_fd(void)
{
    return wake[0];
}

void lp_signals_drain(void)
{
    char bytes[64];
    while (wake[0] >= 0 && read(wake[0], bytes, sizeof bytes) > 0)
        ;
}

void lp_signals_die_by_pipe(void)
{
    sigset_t set;
    handle(SIGPIPE, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(SIGPIPE);
}
