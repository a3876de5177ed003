/*
 * probe_fuzz - any bytes as what a mail host says
 *
 * The first byte says whether TLS is wanted and which addresses are asked for; the rest is cut at 0xff
 * into what arrives at a time. Holds: whole commands go out and none but ours, no mail is ever sent, a
 * verdict is a reason of ours without the host's words, and nobody is called valid or invalid unless a
 * recipient was named and answered.
 */
#include "leadpipe/probe.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "probe: does not hold: %s\n", what);
        abort();
    }
}

static void check_line(const char *line, size_t n, unsigned *recipients)
{
    static const char *const verbs[] = {"EHLO me.example", "HELO me.example", "STARTTLS",
        "MAIL FROM:<", "RCPT TO:<", "RSET", "QUIT"};
    bool known = false;

    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        known = known || (n >= strlen(verbs[i]) && memcmp(line, verbs[i], strlen(verbs[i])) == 0);
    hold(known, "only these commands are given");
    for (size_t i = 0; i < n; i++)
        hold((unsigned char)line[i] >= ' ' && line[i] != 0x7f, "no control bytes within a command");
    *recipients += n > 4 && memcmp(line, "RCPT", 4) == 0;
}

static void check_out(struct lp_probe *p, unsigned *recipients)
{
    const char *at = p->out.p ? p->out.p : "", *end = at + p->out.len;

    hold(!p->out.overflow, "commands are short");
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\r\n", 2);
        hold(stop != NULL, "commands are whole");
        check_line(at, (size_t)(stop - at), recipients);
        at = stop + 2;
    }
    lp_buf_reset(&p->out);
}

static void check_verdict(const struct lp_probe *p, enum lp_probe_event e, unsigned recipients)
{
    const struct lp_probe_verdict *v = &p->verdict;

    hold(v->reason < LP_REASONS, "a reason is one of ours");
    hold(strnlen(v->detail, sizeof v->detail) < sizeof v->detail, "details end");
    hold(lp_verification_status(v->reason) != LP_VERIFIED_VALID || v->smtp == LP_CHECK_TRUE,
        "who is valid was taken");
    hold(v->reason != LP_REASON_MAILBOX_NOT_FOUND || v->smtp == LP_CHECK_FALSE,
        "who is not there was refused");
    hold(v->smtp == LP_CHECK_NULL || recipients > 0, "nobody is judged who was not named");
    hold(
        recipients <= 2 && p->recipients == recipients, "two recipients at most, and both counted");
    hold(e != LP_PROBE_FAILED || p->closed, "who fails is closed");
}

/* Until the host has to speak again, or it is over. */
static enum lp_probe_event go_on(
    struct lp_probe *p, enum lp_probe_event e, const struct lp_address *who, unsigned *recipients)
{
    for (int turn = 0; turn < 8; turn++) {
        check_out(p, recipients);
        if (e != LP_PROBE_WAIT && e != LP_PROBE_SECURE && e != LP_PROBE_READY)
            check_verdict(p, e, *recipients);
        if (e == LP_PROBE_WAIT || e == LP_PROBE_FAILED || p->closed)
            return e;
        if (e == LP_PROBE_SECURE) {
            e = lp_probe_secured(p);
            continue;
        }
        *recipients = 0;
        e = lp_probe_ask(p, &who[turn % 2], turn == 1 ? NULL : "nobody-b7k2");
    }
    return e;
}

static void talk(const char *bytes, size_t n, unsigned options)
{
    static const char *const addresses[] = {"ann@example.org", "j\xc3\xb6rg@b\xc3\xbc"
                                                               "cher.example"};
    struct lp_address who[2];
    struct lp_probe p;
    unsigned recipients = 0;
    enum lp_probe_event e = LP_PROBE_WAIT;
    const char *end = bytes + n;

    for (unsigned i = 0; i < 2; i++)
        lp_address_parse(
            lp_str(addresses[(i + options) % 2]), &(struct lp_address_policy){0}, &who[i]);
    lp_probe_init(&p, "me.example", options & 2 ? "me@me.example" : "", options & 4);
    while (bytes < end && !p.closed && e != LP_PROBE_FAILED) {
        const char *cut = memchr(bytes, 0xff, (size_t)(end - bytes));
        size_t chunk = (size_t)((cut ? cut : end) - bytes);
        e = go_on(&p, lp_probe_feed(&p, bytes, chunk), who, &recipients);
        bytes = cut ? cut + 1 : end;
    }
    if (!p.closed) {
        e = lp_probe_end(&p, LP_REASON_TIMEOUT, "no answer in time");
        if (e == LP_PROBE_ANSWERED)
            check_verdict(&p, e, recipients);
    }
    hold(p.closed, "what has ended is closed");
    lp_probe_quit(&p);
    check_out(&p, &recipients);
    lp_probe_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 0)
        talk((const char *)data + 1, n - 1, data[0]);
    return 0;
}
