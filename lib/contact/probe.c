/* probe - see leadpipe/probe.h */
#include "leadpipe/probe.h"

#include <stdio.h>

#define COMMAND_MAX 1024
#define CLOSING     "421, the host ends the connection"

static const struct {
    const char *name; /* for the detail of a verdict */
    bool names;       /* a recipient is under way */
} states[LP_PROBE_STATES] = {
    [LP_PROBE_GREETING] = {"greeting", false},
    [LP_PROBE_EHLO] = {"EHLO", false},
    [LP_PROBE_HELO] = {"HELO", false},
    [LP_PROBE_STARTTLS] = {"STARTTLS", false},
    [LP_PROBE_SECURING] = {"TLS", false},
    [LP_PROBE_IDLE] = {"idle", false},
    [LP_PROBE_MAIL] = {"MAIL", true},
    [LP_PROBE_RCPT] = {"RCPT", true},
    [LP_PROBE_BETWEEN] = {"RSET", true},
    [LP_PROBE_MAIL_TO_NOBODY] = {"second MAIL", true},
    [LP_PROBE_RCPT_OF_NOBODY] = {"second RCPT", true},
    [LP_PROBE_RSET] = {"RSET", true},
};

static const enum lp_verification_reason reason_of[] = {
    [LP_PROBE_TAKEN] = LP_REASON_OK,
    [LP_PROBE_NO_MAILBOX] = LP_REASON_MAILBOX_NOT_FOUND,
    [LP_PROBE_DISABLED] = LP_REASON_DISABLED,
    [LP_PROBE_FULL] = LP_REASON_MAILBOX_FULL,
    [LP_PROBE_LATER] = LP_REASON_GREYLISTED,
    [LP_PROBE_US] = LP_REASON_BLOCKED,
    [LP_PROBE_UNCLEAR] = LP_REASON_BLOCKED,
};

void lp_probe_init(struct lp_probe *p, const char *helo, const char *mail_from, bool plain)
{
    *p = (struct lp_probe){
        .helo = helo, .mail_from = mail_from, .plain = plain, .out = {.max = COMMAND_MAX}};
    lp_probe_reply_reset(&p->reply);
}

void lp_probe_free(struct lp_probe *p)
{
    lp_buf_free(&p->out);
}

/* --- what we say ----------------------------------------------------------------------------- */

bool lp_probe_may_send(const char *address)
{
    const unsigned char *p = (const unsigned char *)address;

    while (*p > ' ' && *p != 0x7f && *p != '<' && *p != '>')
        p++;
    return *p == '\0';
}

static enum lp_probe_event say(struct lp_probe *p, enum lp_probe_state next, const char *verb,
    const char *argument, const char *after)
{
    p->state = next;
    lp_probe_reply_reset(&p->reply);
    lp_buf_puts(&p->out, verb);
    lp_buf_puts(&p->out, argument);
    lp_buf_puts(&p->out, after);
    LP_BUF_LIT(&p->out, "\r\n");
    return LP_PROBE_WAIT;
}

static enum lp_probe_event say_mail(struct lp_probe *p, enum lp_probe_state next)
{
    bool wide = p->wide && next == LP_PROBE_MAIL; /* nobody's name is ASCII */

    return say(p, next, "MAIL FROM:<", p->mail_from, wide ? "> SMTPUTF8" : ">");
}

static enum lp_probe_event say_rcpt(
    struct lp_probe *p, enum lp_probe_state next, const char *address)
{
    p->recipients++;
    return say(p, next, "RCPT TO:<", address, ">");
}

static enum lp_probe_event say_rset(struct lp_probe *p, enum lp_probe_state next)
{
    return say(p, next, "RSET", "", "");
}

void lp_probe_quit(struct lp_probe *p)
{
    if (!p->closed)
        LP_BUF_LIT(&p->out, "QUIT\r\n");
    p->closed = true;
}

/* --- ends ------------------------------------------------------------------------------------ */

static void set_detail(struct lp_probe *p, const char *what)
{
    snprintf(p->verdict.detail, sizeof p->verdict.detail, "%s: %s", states[p->state].name, what);
}

static void set_code(struct lp_probe *p)
{
    const struct lp_probe_reply *r = &p->reply;
    char what[40];

    if (r->subject >= 0)
        snprintf(what, sizeof what, "%d %d.%d.%d", r->code, r->code / 100, r->subject, r->detail);
    else
        snprintf(what, sizeof what, "%d", r->code);
    set_detail(p, what);
}

enum lp_probe_event lp_probe_end(
    struct lp_probe *p, enum lp_verification_reason reason, const char *detail)
{
    enum lp_probe_state at = p->state;

    p->closed = true;
    p->lost = at != LP_PROBE_IDLE && at != LP_PROBE_RSET;
    if (at == LP_PROBE_IDLE)
        return LP_PROBE_READY;
    if (at == LP_PROBE_RSET) /* what was to be known is known */
        return LP_PROBE_ANSWERED;
    p->verdict.reason = reason;
    set_detail(p, detail);
    return states[at].names ? LP_PROBE_ANSWERED : LP_PROBE_FAILED;
}

/* The host refuses to go on before an address was named. */
static enum lp_probe_event turned_away(struct lp_probe *p)
{
    p->verdict.reason = reason_of[lp_probe_reply_to_us(&p->reply)];
    set_code(p);
    lp_probe_quit(p);
    return LP_PROBE_FAILED;
}

static enum lp_probe_event garbage(struct lp_probe *p, const char *what)
{
    return lp_probe_end(p, LP_REASON_PROVIDER_ERROR, what);
}

/* --- what they say --------------------------------------------------------------------------- */

static bool good(const struct lp_probe *p)
{
    return p->reply.code / 100 == 2;
}

static enum lp_probe_event ready(struct lp_probe *p)
{
    p->state = LP_PROBE_IDLE;
    return LP_PROBE_READY;
}

static enum lp_probe_event after_ehlo(struct lp_probe *p)
{
    if (!good(p) && p->reply.code >= 500)
        return say(p, LP_PROBE_HELO, "HELO ", p->helo, "");
    if (!good(p))
        return turned_away(p);
    p->utf8 = p->reply.utf8;
    p->starttls = p->reply.starttls;
    if (p->starttls && !p->secure && !p->plain)
        return say(p, LP_PROBE_STARTTLS, "STARTTLS", "", "");
    return ready(p);
}

/* A host that offers TLS and then has none is asked in the clear: nothing here is secret. */
static enum lp_probe_event after_starttls(struct lp_probe *p)
{
    if (p->reply.code != 220)
        return ready(p);
    p->state = LP_PROBE_SECURING;
    return LP_PROBE_SECURE;
}

/* The sender was refused: that says nothing of the recipient. */
static enum lp_probe_event after_mail(struct lp_probe *p)
{
    bool first = p->state == LP_PROBE_MAIL;

    if (good(p))
        return first ? say_rcpt(p, LP_PROBE_RCPT, p->rcpt)
                     : say_rcpt(p, LP_PROBE_RCPT_OF_NOBODY, p->nobody);
    p->verdict.reason = reason_of[lp_probe_reply_to_us(&p->reply)];
    set_code(p);
    return say_rset(p, LP_PROBE_RSET);
}

static enum lp_probe_event after_rcpt(struct lp_probe *p)
{
    static const enum lp_check smtp[] = {
        [LP_PROBE_TAKEN] = LP_CHECK_TRUE,
        [LP_PROBE_NO_MAILBOX] = LP_CHECK_FALSE,
        [LP_PROBE_DISABLED] = LP_CHECK_FALSE,
        [LP_PROBE_FULL] = LP_CHECK_FALSE,
        [LP_PROBE_LATER] = LP_CHECK_NULL,
        [LP_PROBE_US] = LP_CHECK_NULL,
        [LP_PROBE_UNCLEAR] = LP_CHECK_FALSE,
    };
    enum lp_probe_meaning m = lp_probe_reply_meaning(&p->reply);

    p->verdict.reason = reason_of[m];
    p->verdict.smtp = p->reply.code < 400 && m != LP_PROBE_TAKEN ? LP_CHECK_NULL : smtp[m];
    set_code(p);
    return say_rset(p, m == LP_PROBE_TAKEN && p->nobody[0] ? LP_PROBE_BETWEEN : LP_PROBE_RSET);
}

/* Refused for good after the real one was taken, and not because of us: the host tells names apart.
 * An answer that does not decide it leaves the address undecided too. */
static enum lp_probe_event after_nobody(struct lp_probe *p)
{
    enum lp_probe_meaning m = lp_probe_reply_meaning(&p->reply);

    if (m == LP_PROBE_TAKEN) {
        p->verdict.reason = LP_REASON_CATCH_ALL;
        p->verdict.catch_all = LP_CHECK_TRUE;
    } else if (m == LP_PROBE_LATER || m == LP_PROBE_FULL) {
        p->verdict.reason = LP_REASON_GREYLISTED;
        set_code(p);
    } else if (m == LP_PROBE_US || p->reply.code < 400) {
        p->verdict.reason = LP_REASON_BLOCKED;
        set_code(p);
    } else {
        p->verdict.catch_all = LP_CHECK_FALSE;
    }
    return say_rset(p, LP_PROBE_RSET);
}

static enum lp_probe_event after_rset(struct lp_probe *p)
{
    if (p->state == LP_PROBE_BETWEEN && good(p))
        return say_mail(p, LP_PROBE_MAIL_TO_NOBODY);
    if (p->state == LP_PROBE_BETWEEN) {
        p->verdict.reason = reason_of[lp_probe_reply_to_us(&p->reply)];
        set_code(p);
    }
    if (!good(p))
        lp_probe_quit(p);
    p->state = LP_PROBE_IDLE;
    return LP_PROBE_ANSWERED;
}

/* 421 may come at any time and ends the connection. */
static enum lp_probe_event on_closing(struct lp_probe *p)
{
    return lp_probe_end(p, reason_of[lp_probe_reply_to_us(&p->reply)], CLOSING);
}

static enum lp_probe_event on_reply(struct lp_probe *p)
{
    if (p->reply.code == 421)
        return on_closing(p);
    switch (p->state) {
    case LP_PROBE_GREETING:
        return good(p) ? say(p, LP_PROBE_EHLO, "EHLO ", p->helo, "") : turned_away(p);
    case LP_PROBE_EHLO: return after_ehlo(p);
    case LP_PROBE_HELO: return good(p) ? ready(p) : turned_away(p);
    case LP_PROBE_STARTTLS: return after_starttls(p);
    case LP_PROBE_MAIL:
    case LP_PROBE_MAIL_TO_NOBODY: return after_mail(p);
    case LP_PROBE_RCPT: return after_rcpt(p);
    case LP_PROBE_RCPT_OF_NOBODY: return after_nobody(p);
    case LP_PROBE_BETWEEN:
    case LP_PROBE_RSET: return after_rset(p);
    case LP_PROBE_SECURING:
    case LP_PROBE_IDLE:
    case LP_PROBE_STATES: break;
    }
    return garbage(p, "spoke out of turn");
}

/* A host that has had enough of us says so in the same breath as its answer, which stands. */
static enum lp_probe_event on_last_reply(struct lp_probe *p)
{
    enum lp_probe_event e = on_reply(p);

    lp_buf_reset(&p->out);
    p->closed = true;
    return e == LP_PROBE_WAIT ? lp_probe_end(p, LP_REASON_GREYLISTED, CLOSING) : e;
}

static bool takes_leave(const char *bytes, size_t n)
{
    return n >= 4 && memcmp(bytes, "421", 3) == 0 && strchr(" -\r\n", bytes[3]);
}

enum lp_probe_event lp_probe_feed(struct lp_probe *p, const char *bytes, size_t n)
{
    size_t used;

    if (p->closed || n == 0)
        return LP_PROBE_WAIT;
    switch (lp_probe_reply_feed(&p->reply, bytes, n, &used)) {
    case LP_PROBE_REPLY_MORE: return LP_PROBE_WAIT;
    case LP_PROBE_REPLY_BAD: return garbage(p, "that is not SMTP");
    case LP_PROBE_REPLY_COMPLETE: break;
    }
    /* Bytes behind a reply are nobody's answer: before TLS they may be a third party's, and elsewhere
     * they would be taken for the answer to the next command. 421 may follow anything. */
    if (used < n && p->state == LP_PROBE_STARTTLS)
        return garbage(p, "bytes before the TLS handshake");
    if (states[p->state].names && p->reply.code != 421 && takes_leave(bytes + used, n - used))
        return on_last_reply(p);
    if (used < n && p->reply.code != 421)
        return garbage(p, "spoke out of turn");
    return on_reply(p);
}

/* All that was said before the handshake counts for nothing. */
enum lp_probe_event lp_probe_secured(struct lp_probe *p)
{
    p->secure = true;
    p->starttls = p->utf8 = false;
    return say(p, LP_PROBE_EHLO, "EHLO ", p->helo, "");
}

/* --- asking ---------------------------------------------------------------------------------- */

static enum lp_probe_event not_asked(struct lp_probe *p, const char *why)
{
    p->verdict.reason = LP_REASON_NOT_PROBED;
    snprintf(p->verdict.detail, sizeof p->verdict.detail, "%s", why);
    return LP_PROBE_ANSWERED;
}

enum lp_probe_event lp_probe_ask(
    struct lp_probe *p, const struct lp_address *address, const char *nobody)
{
    p->verdict = (struct lp_probe_verdict){.reason = LP_REASON_NOT_PROBED};
    p->recipients = 0;
    p->lost = false;
    p->wide = address->smtputf8;
    p->nobody[0] = '\0';
    snprintf(p->rcpt, sizeof p->rcpt, "%s@%s", address->local, address->domain);
    if (nobody)
        snprintf(p->nobody, sizeof p->nobody, "%s@%s", nobody, address->domain);
    if (!lp_probe_may_send(p->rcpt) || !lp_probe_may_send(p->nobody))
        return not_asked(p, "this form of address cannot be asked for");
    if (address->smtputf8 && !p->utf8)
        return not_asked(p, "the mail host takes no addresses beyond ASCII");
    return say_mail(p, LP_PROBE_MAIL);
}
