/*
 * dns_plain - a name server of a test's own, of datagrams alone, that answers as it is told
 *
 * It ends with its parent.
 */
#ifndef LP_TEST_DNS_PLAIN_H
#define LP_TEST_DNS_PLAIN_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Makes the query an answer: `end` is behind the question, where records may be added (64 bytes of
 * room). Returns the answer's length. */
typedef size_t dns_plain_answer(unsigned char *b, size_t end);

static inline void dns_plain_serve(int fd, dns_plain_answer *answer)
{
    unsigned char b[512 + 64] = {0};
    struct sockaddr_in from;
    for (;;) {
        socklen_t room = sizeof from;
        ssize_t n = recvfrom(fd, b, 512, 0, (struct sockaddr *)&from, &room);
        size_t end = n < 12 ? 0 : 12 + strnlen((char *)b + 12, (size_t)n - 12) + 5;
        if (n < 12 || end > (size_t)n)
            continue;
        b[2] = 0x81;
        b[3] = 0x80;
        memset(b + 6, 0, 6); /* no records yet, nor the question's EDNS one */
        sendto(fd, b, answer(b, end), 0, (struct sockaddr *)&from, room);
    }
}

static inline pid_t dns_plain_start(char address[32], dns_plain_answer *answer)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t room = sizeof in;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &room), 0);
    snprintf(address, 32, "127.0.0.1:%d", ntohs(in.sin_port));
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dns_plain_serve(fd, answer);
    }
    close(fd);
    return pid;
}

#endif
