/*
 * dns_server - the tests' DNS server (tests/servers/dns.sh) for unit tests
 *
 * It runs from start_dns_server to stop_dns_server and keeps its files in a new directory below /tmp.
 */
#ifndef LP_TEST_DNS_SERVER_H
#define LP_TEST_DNS_SERVER_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dns_dir[] = "/tmp/dns.XXXXXX";
/* "127.0.0.1:PORT": the server, and the one behind it, which knows next to nothing. */
static char server[64], behind[64];

/* dns.sh with its standard output read back. */
static int script(const char *what, char *out, size_t room)
{
    int fd[2], status;
    pid_t pid;
    ssize_t n;

    if (pipe(fd) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        dup2(fd[1], 1);
        close(fd[0]);
        close(fd[1]);
        execlp("sh", "sh", "tests/servers/dns.sh", what, dns_dir, (char *)NULL);
        _exit(127);
    }
    close(fd[1]);
    n = read(fd[0], out, room - 1);
    out[n > 0 ? n : 0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    close(fd[0]);
    waitpid(pid, &status, 0);
    return status == 0 ? 0 : -1;
}

static int start_dns_server(void)
{
    char ports[64];
    int asked, other;

    if (!mkdtemp(dns_dir) || script("start", ports, sizeof ports) != 0 ||
        sscanf(ports, "%d %d", &asked, &other) != 2)
        return -1;
    snprintf(server, sizeof server, "127.0.0.1:%d", asked);
    snprintf(behind, sizeof behind, "127.0.0.1:%d", other);
    return 0;
}

static int stop_dns_server(void)
{
    char nothing[32];

    return script("stop", nothing, sizeof nothing);
}

#endif
