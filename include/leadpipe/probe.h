/*
 * probe - the talk with a mail host that tells whether it takes mail for an address
 *
 * Owns: struct lp_probe owns its output; init and free
 * Units: bytes
 * Errors: none; whatever the other side says or fails to say is a verdict
 * Source: RFC 5321, RFC 3207 (STARTTLS), RFC 3463 (enhanced status codes), RFC 6531 (SMTPUTF8)
 *
 * A pure state machine: the host's bytes go in, ours are in `out`, sockets and clocks belong to the
 * caller. It greets, encrypts where that is offered, and asks for any number of recipients, each in a
 * transaction of its own. Once one is taken, a name nobody can have is asked for in another one, so that
 * a host that takes everything is seen. There is no DATA: no mail is ever sent.
 */
#ifndef LEADPIPE_PROBE_H
#define LEADPIPE_PROBE_H

#include "leadpipe/address.h"
#include "leadpipe/buf.h"
#include "leadpipe/verification.h"
#include "leadpipe/verify_local.h"

/* --- replies --------------------------------------------------------------------------------- */

/* What a reply means for the address that was asked for. */
enum lp_probe_meaning {
    LP_PROBE_TAKEN,
    LP_PROBE_NO_MAILBOX,
    LP_PROBE_DISABLED,
    LP_PROBE_FULL,
    LP_PROBE_LATER,  /* greylisted, or another reason to come back */
    LP_PROBE_US,     /* we are refused, whatever the address */
    LP_PROBE_UNCLEAR /* refused for good, and not said why */
};

#define LP_PROBE_REPLY_MAX 65536 /* of all its lines; no honest one is a tenth of that */

enum lp_probe_reply_state { LP_PROBE_REPLY_MORE, LP_PROBE_REPLY_COMPLETE, LP_PROBE_REPLY_BAD };

struct lp_probe_reply {
    int code;             /* 250; 0: none yet */
    int subject, detail;  /* of the enhanced status code; -1: there is none */
    bool starttls, utf8;  /* lines that say STARTTLS, SMTPUTF8 */
    bool torn;            /* an enhanced status code of another class: "550 4.1.1" */
    size_t bytes, length; /* taken in; of the line under way */
    size_t used;          /* of text */
    char line[512];       /* what is longer is cut */
    char text[1024];      /* all lines, lower case, without codes and addresses; NUL-terminated */
};

void lp_probe_reply_reset(struct lp_probe_reply *r);
/* *used: how many of the bytes belong to the reply. */
enum lp_probe_reply_state lp_probe_reply_feed(
    struct lp_probe_reply *r, const char *bytes, size_t n, size_t *used);
/* Of a complete reply: to RCPT; to anything said before an address is named. */
enum lp_probe_meaning lp_probe_reply_meaning(const struct lp_probe_reply *r);
enum lp_probe_meaning lp_probe_reply_to_us(const struct lp_probe_reply *r);

/* --- the talk -------------------------------------------------------------------------------- */

struct lp_probe_verdict {
    enum lp_verification_reason reason;
    enum lp_check smtp, catch_all;
    char detail[80]; /* "RCPT: 550 5.1.1"; nothing of the other side's own words */
};

enum lp_probe_event {
    LP_PROBE_WAIT,     /* for more bytes */
    LP_PROBE_SECURE,   /* make the connection TLS, then lp_probe_secured */
    LP_PROBE_READY,    /* for lp_probe_ask */
    LP_PROBE_ANSWERED, /* `verdict` is about the recipient; ready for the next unless `closed` */
    LP_PROBE_FAILED    /* `verdict` is about the host: no recipient was named; `closed` */
};

enum lp_probe_state {
    LP_PROBE_GREETING,
    LP_PROBE_EHLO,
    LP_PROBE_HELO,
    LP_PROBE_STARTTLS,
    LP_PROBE_SECURING,
    LP_PROBE_IDLE,
    LP_PROBE_MAIL,
    LP_PROBE_RCPT,
    LP_PROBE_BETWEEN, /* the RSET before the second transaction */
    LP_PROBE_MAIL_TO_NOBODY,
    LP_PROBE_RCPT_OF_NOBODY,
    LP_PROBE_RSET,
    LP_PROBE_STATES
};

struct lp_probe {
    const char *helo, *mail_from; /* the caller's; mail_from "": the null sender */
    bool plain;                   /* do not ask for TLS */
    enum lp_probe_state state;
    struct lp_probe_reply reply;
    bool secure, starttls, utf8; /* what the connection is, and what the host offers */
    bool wide;                   /* the recipient's local part is not ASCII */
    bool closed;                 /* nothing more can be asked here */
    bool lost;                   /* the connection ended in the middle of it */
    unsigned recipients;         /* RCPT commands of this lp_probe_ask */
    struct lp_probe_verdict verdict;
    struct lp_buf out; /* to be sent and emptied by the caller */
    char rcpt[LP_ADDRESS_LOCAL_MAX + LP_ADDRESS_DOMAIN_MAX + 2];
    char nobody[LP_ADDRESS_LOCAL_MAX + LP_ADDRESS_DOMAIN_MAX + 2];
};

void lp_probe_init(struct lp_probe *p, const char *helo, const char *mail_from, bool plain);
void lp_probe_free(struct lp_probe *p);

/* Bytes of the other side, all that are there: what stands behind a reply is looked at too. */
enum lp_probe_event lp_probe_feed(struct lp_probe *p, const char *bytes, size_t n);
enum lp_probe_event lp_probe_secured(struct lp_probe *p);
/* Only after LP_PROBE_READY or LP_PROBE_ANSWERED, and if not `closed`. `nobody` is a local part that
 * nobody can have, or NULL where it is known whether the domain takes everything. */
enum lp_probe_event lp_probe_ask(
    struct lp_probe *p, const struct lp_address *address, const char *nobody);
/* The connection ended or a time limit passed: LP_PROBE_ANSWERED or LP_PROBE_FAILED with this reason;
 * LP_PROBE_READY where nothing was under way. `detail` is for people. */
enum lp_probe_event lp_probe_end(
    struct lp_probe *p, enum lp_verification_reason reason, const char *detail);
/* A civil end; nothing is waited for. */
void lp_probe_quit(struct lp_probe *p);

/* May these bytes stand between < and > of a command? No blanks, no control bytes, no brackets. */
bool lp_probe_may_send(const char *address);

#endif
