/*
 * process - does a process still run?
 *
 * A signal sent is not yet a process ended, so a test waits for the end. A zombie that nobody has
 * reaped (where no init does it for orphans) does not run.
 */
#ifndef LP_TEST_PROCESS_H
#define LP_TEST_PROCESS_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "within.h"

static inline bool process_runs(long pid)
{
    char path[64], text[400] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 && !strstr(text, ") Z ");
}

/* Has it ended, or does it within some seconds? */
static inline bool process_ends(long pid)
{
    int64_t deadline = lp_clock_mono() + within(5000);
    while (process_runs(pid) && lp_clock_mono() < deadline)
        poll(NULL, 0, 5);
    return !process_runs(pid);
}

#endif
