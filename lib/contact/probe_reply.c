/* probe_reply - what mail hosts say, see leadpipe/probe.h */
#include "leadpipe/probe.h"

#include <ctype.h>
#include <stdlib.h>

void lp_probe_reply_reset(struct lp_probe_reply *r)
{
    *r = (struct lp_probe_reply){.subject = -1, .detail = -1};
}

/* --- lines ----------------------------------------------------------------------------------- */

static bool all_digits(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return n > 0;
}

/* "5.1.1 " or "#5.1.1 " at the beginning of a line; returns what is behind it. */
static const char *enhanced(struct lp_probe_reply *r, const char *s)
{
    const char *p = s + (*s == '#');
    size_t subject, detail;
    int class;

    if (p[0] < '2' || p[0] > '5' || p[1] != '.')
        return s;
    class = p[0] - '0';
    p += 2;
    subject = strspn(p, "0123456789");
    if (subject == 0 || subject > 3 || p[subject] != '.')
        return s;
    detail = strspn(p + subject + 1, "0123456789");
    if (detail == 0 || detail > 3 || p[subject + 1 + detail] == '.') /* that is an IP address */
        return s;
    if (class != r->code / 100) {
        r->torn = true;
    } else if (r->subject < 0) {
        r->subject = (int)strtol(p, NULL, 10);
        r->detail = (int)strtol(p + subject + 1, NULL, 10);
    }
    return p + subject + 1 + detail;
}

static void keep_word(struct lp_probe_reply *r, const char *word, size_t n)
{
    if (memchr(word, '@', n) || r->used + n + 2 > sizeof r->text)
        return;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)word[i];
        r->text[r->used++] = c > ' ' && c < 0x7f ? (char)tolower(c) : '?';
    }
    r->text[r->used++] = ' ';
    r->text[r->used] = '\0';
}

/* The address itself must not be searched for words: "blocked@example.org" blocks nobody. */
static void keep_text(struct lp_probe_reply *r, const char *s)
{
    while (*(s += strspn(s, " \t"))) {
        size_t n = strcspn(s, " \t");
        keep_word(r, s, n);
        s += n;
    }
}

static bool begins(const char *s, const char *word)
{
    size_t n = strlen(word);
    return strncasecmp(s, word, n) == 0 && (s[n] == '\0' || s[n] == ' ');
}

/* "250-text", "250 text" or "250"; all lines of a reply with the same code. */
static bool read_code(struct lp_probe_reply *r)
{
    const char *s = r->line;
    int code;

    if (r->length < 3 || !all_digits(s, 3) || s[0] < '2' || s[0] > '5' || !strchr(" -", s[3]))
        return false;
    code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
    if (r->code && code != r->code)
        return false;
    r->code = code;
    return true;
}

static enum lp_probe_reply_state end_line(struct lp_probe_reply *r)
{
    const char *s = r->line + 4;
    bool more;

    if (r->length && r->line[r->length - 1] == '\r')
        r->length--;
    r->line[r->length] = '\0';
    if (!read_code(r))
        return LP_PROBE_REPLY_BAD;
    more = r->line[3] == '-';
    if (r->line[3]) {
        r->starttls |= begins(s, "STARTTLS");
        r->utf8 |= begins(s, "SMTPUTF8");
        keep_text(r, enhanced(r, s));
    }
    r->length = 0;
    return more ? LP_PROBE_REPLY_MORE : LP_PROBE_REPLY_COMPLETE;
}

enum lp_probe_reply_state lp_probe_reply_feed(
    struct lp_probe_reply *r, const char *bytes, size_t n, size_t *used)
{
    enum lp_probe_reply_state state = LP_PROBE_REPLY_MORE;
    size_t i = 0;

    while (i < n && state == LP_PROBE_REPLY_MORE) {
        char c = bytes[i++];
        if (++r->bytes > LP_PROBE_REPLY_MAX)
            state = LP_PROBE_REPLY_BAD;
        else if (c == '\n')
            state = end_line(r);
        else if (r->length + 1 < sizeof r->line)
            r->line[r->length++] = c ? c : '?';
    }
    *used = i;
    return state;
}

/* --- meanings -------------------------------------------------------------------------------- */

struct phrase {
    const char *text;
    enum lp_probe_meaning meaning;
};

/* Words about who asks; they outweigh every code, because a wrong `invalid` costs a contact. */
static const struct phrase about_us[] = {{"greylist", LP_PROBE_LATER}, {"graylist", LP_PROBE_LATER},
    {"grey-list", LP_PROBE_LATER}, {"grey list", LP_PROBE_LATER}, {"postgrey", LP_PROBE_LATER},
    {"spam", LP_PROBE_US}, {"dnsbl", LP_PROBE_US}, {" rbl", LP_PROBE_US},
    {"blacklist", LP_PROBE_US}, {"black list", LP_PROBE_US}, {"blocklist", LP_PROBE_US},
    {"block list", LP_PROBE_US}, {"barracuda", LP_PROBE_US}, {"reputation", LP_PROBE_US},
    {"your ip", LP_PROBE_US}, {"your host", LP_PROBE_US}, {"your network", LP_PROBE_US},
    {"your account", LP_PROBE_US}, {"client host", LP_PROBE_US}, {"sender", LP_PROBE_US},
    {"mail from", LP_PROBE_US}, {"from address", LP_PROBE_US}, {"sending quota", LP_PROBE_US},
    {"reverse dns", LP_PROBE_US}, {"reverse lookup", LP_PROBE_US},
    {"invalid recipients", LP_PROBE_US}, {"receiving mail at a rate", LP_PROBE_LATER},
    {"rdns", LP_PROBE_US}, {"ptr record", LP_PROBE_US}, {"helo", LP_PROBE_US},
    {"ehlo", LP_PROBE_US}, {"dmarc", LP_PROBE_US}, {"policy", LP_PROBE_US},
    {"rate limit", LP_PROBE_US}, {"too many", LP_PROBE_US}, {"relay access", LP_PROBE_US},
    {"relaying", LP_PROBE_US}, {"to relay", LP_PROBE_US}, {"authenticat", LP_PROBE_US},
    {"not authorized", LP_PROBE_US}, {NULL, LP_PROBE_UNCLEAR}};

static const struct phrase about_full[] = {{"mailbox full", LP_PROBE_FULL},
    {"mailbox is full", LP_PROBE_FULL}, {"inbox is full", LP_PROBE_FULL},
    {"inbox full", LP_PROBE_FULL}, {"over quota", LP_PROBE_FULL}, {"overquota", LP_PROBE_FULL},
    {"quota exceeded", LP_PROBE_FULL}, {"exceeded quota", LP_PROBE_FULL},
    {"exceeded storage", LP_PROBE_FULL}, {"exceeded its storage", LP_PROBE_FULL},
    {"out of storage", LP_PROBE_FULL}, {NULL, LP_PROBE_UNCLEAR}};

/* "access denied" with 5.4.1 is how Exchange Online says that nobody is there. */
static const struct phrase about_mailbox[] = {
    {"recipient address rejected: access denied", LP_PROBE_NO_MAILBOX},
    {"disabled", LP_PROBE_DISABLED}, {"deactivated", LP_PROBE_DISABLED},
    {"suspended", LP_PROBE_DISABLED}, {"inactive", LP_PROBE_DISABLED},
    {"no such", LP_PROBE_NO_MAILBOX}, {"user unknown", LP_PROBE_NO_MAILBOX},
    {"unknown user", LP_PROBE_NO_MAILBOX}, {"unknown recipient", LP_PROBE_NO_MAILBOX},
    {"recipient unknown", LP_PROBE_NO_MAILBOX}, {"unknown address", LP_PROBE_NO_MAILBOX},
    {"unknown local part", LP_PROBE_NO_MAILBOX}, {"unknown mailbox", LP_PROBE_NO_MAILBOX},
    {"user not found", LP_PROBE_NO_MAILBOX}, {"mailbox not found", LP_PROBE_NO_MAILBOX},
    {"recipient not found", LP_PROBE_NO_MAILBOX}, {"address not found", LP_PROBE_NO_MAILBOX},
    {"account not found", LP_PROBE_NO_MAILBOX}, {"not exist", LP_PROBE_NO_MAILBOX},
    {"n't exist", LP_PROBE_NO_MAILBOX}, {"user doesn't have", LP_PROBE_NO_MAILBOX},
    {"no mailbox", LP_PROBE_NO_MAILBOX}, {"mailbox unavailable", LP_PROBE_NO_MAILBOX},
    {"invalid recipient", LP_PROBE_NO_MAILBOX}, {"invalid mailbox", LP_PROBE_NO_MAILBOX},
    {"unrouteable address", LP_PROBE_NO_MAILBOX}, {"unroutable address", LP_PROBE_NO_MAILBOX},
    {"not a known user", LP_PROBE_NO_MAILBOX}, {"blocked", LP_PROBE_US}, {"banned", LP_PROBE_US},
    {"denied", LP_PROBE_US}, {NULL, LP_PROBE_UNCLEAR}};

static enum lp_probe_meaning by_text(const struct lp_probe_reply *r, const struct phrase *list)
{
    while (list->text && !strstr(r->text, list->text))
        list++;
    return list->meaning;
}

#define MAILBOX 2

/* RFC 3463: the subject is 1 the address, 2 the mailbox, 7 security and policy. */
static const struct {
    int subject, detail; /* detail -1: any */
    enum lp_probe_meaning for_good, for_now;
} by_code[] = {
    {1, 0, LP_PROBE_NO_MAILBOX, LP_PROBE_LATER},
    {1, 1, LP_PROBE_NO_MAILBOX, LP_PROBE_LATER},
    {1, 3, LP_PROBE_NO_MAILBOX, LP_PROBE_LATER},
    {1, 6, LP_PROBE_NO_MAILBOX, LP_PROBE_LATER},
    {1, 7, LP_PROBE_US, LP_PROBE_LATER}, /* the sender's address */
    {1, 8, LP_PROBE_US, LP_PROBE_LATER},
    {1, 10, LP_PROBE_NO_MAILBOX, LP_PROBE_LATER},
    {2, 1, LP_PROBE_DISABLED, LP_PROBE_LATER},
    {2, 2, LP_PROBE_FULL, LP_PROBE_FULL},
    {7, -1, LP_PROBE_US, LP_PROBE_LATER},
};

static enum lp_probe_meaning by_enhanced(const struct lp_probe_reply *r)
{
    for (size_t i = 0; i < sizeof by_code / sizeof *by_code; i++)
        if (by_code[i].subject == r->subject &&
            (by_code[i].detail < 0 || by_code[i].detail == r->detail))
            return r->code >= 500 ? by_code[i].for_good : by_code[i].for_now;
    return LP_PROBE_UNCLEAR;
}

enum lp_probe_meaning lp_probe_reply_meaning(const struct lp_probe_reply *r)
{
    enum lp_probe_meaning m;

    if (r->code == 250 || r->code == 251)
        return LP_PROBE_TAKEN;
    if (r->code < 400)
        return LP_PROBE_UNCLEAR;
    m = by_text(r, about_us);
    if (m == LP_PROBE_UNCLEAR)
        m = by_enhanced(r);
    /* A quota of the mail system (X.3) or of the talk (X.5) fills nobody's mailbox. */
    if (m == LP_PROBE_UNCLEAR && r->subject <= MAILBOX)
        m = by_text(r, about_full);
    if (m != LP_PROBE_UNCLEAR)
        return m == LP_PROBE_LATER && r->code >= 500 ? LP_PROBE_US : m;
    if (r->code < 500)
        return LP_PROBE_LATER;
    return r->torn ? LP_PROBE_UNCLEAR : by_text(r, about_mailbox);
}

enum lp_probe_meaning lp_probe_reply_to_us(const struct lp_probe_reply *r)
{
    if (r->code < 400)
        return r->code < 300 ? LP_PROBE_TAKEN : LP_PROBE_UNCLEAR;
    return r->code >= 500 || by_text(r, about_us) == LP_PROBE_US ? LP_PROBE_US : LP_PROBE_LATER;
}
