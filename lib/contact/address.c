#include "leadpipe/address.h"

#include <arpa/inet.h>
#include "leadpipe/idn.h"
#include "leadpipe/key.h"
#include "leadpipe/utf8.h"

#define LABEL_MAX 63

static const struct {
    const char *word, *phrase;
} texts[LP_ADDRESS_DETAILS] = {
    [LP_ADDRESS_OK] = {"ok", "an address"},
    [LP_ADDRESS_EMPTY] = {"empty", "nothing there"},
    [LP_ADDRESS_BAD_UTF8] = {"bad_utf8", "not valid UTF-8"},
    [LP_ADDRESS_NO_AT] = {"no_at", "no @"},
    [LP_ADDRESS_NO_LOCAL] = {"no_local", "nothing before the @"},
    [LP_ADDRESS_NO_DOMAIN] = {"no_domain", "nothing after the @"},
    [LP_ADDRESS_TOO_LONG] = {"too_long", "longer than 254 octets"},
    [LP_ADDRESS_LOCAL_TOO_LONG] = {"local_too_long", "local part longer than 64 octets"},
    [LP_ADDRESS_LOCAL_DOT] = {"local_dot", "local part with a dot at an end or two in a row"},
    [LP_ADDRESS_LOCAL_CHARACTER] = {"local_character", "character not allowed in a local part"},
    [LP_ADDRESS_QUOTED] = {"quoted_string", "quoted local part, refused by policy"},
    [LP_ADDRESS_BAD_QUOTED] = {"bad_quoted_string", "broken quoted local part"},
    [LP_ADDRESS_COMMENT] = {"comment", "comment, refused by policy"},
    [LP_ADDRESS_BAD_COMMENT] = {"bad_comment", "broken comment"},
    [LP_ADDRESS_LITERAL] = {"address_literal", "domain literal, refused by policy"},
    [LP_ADDRESS_BAD_LITERAL] = {"bad_literal", "broken domain literal"},
    [LP_ADDRESS_DOMAIN_TOO_LONG] = {"domain_too_long", "domain longer than 255 octets"},
    [LP_ADDRESS_DOMAIN_DOT] = {"domain_dot", "domain with a dot at an end or two in a row"},
    [LP_ADDRESS_DOMAIN_CHARACTER] = {"domain_character", "character not allowed in a domain"},
    [LP_ADDRESS_LABEL_TOO_LONG] = {"label_too_long", "part of the domain longer than 63 octets"},
    [LP_ADDRESS_LABEL_HYPHEN] = {"label_hyphen", "part of the domain with a hyphen at an end"},
    [LP_ADDRESS_BAD_IDN] = {"bad_idn", "domain not allowed by IDNA"},
    [LP_ADDRESS_SINGLE_LABEL] = {"single_label", "domain without a dot"},
    [LP_ADDRESS_NUMERIC_TLD] = {"numeric_tld", "domain ending in a number"},
};

struct cursor {
    const char *p, *end;
    const struct lp_address_policy *policy;
    struct lp_address *out;
};

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_atext(unsigned char c)
{
    return is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* RFC 6531 lets any non-ASCII character in; the invisible ones are what pasting from documents
 * leaves behind, and no mailbox is named with them. */
static bool is_visible(uint32_t cp)
{
    static const struct {
        uint32_t from, to;
    } hidden[] = {{0x80, 0xA0}, {0xAD, 0xAD}, {0x61C, 0x61C}, {0x1680, 0x1680}, {0x180E, 0x180E},
        {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0xFE00, 0xFE0F},
        {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFF}, {0xE0000, 0xE0FFF}};

    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (cp >= hidden[i].from && cp <= hidden[i].to)
            return false;
    return (cp & 0xFFFE) != 0xFFFE;
}

/* quoted-pairSMTP: RFC 6531 lets in no more characters here. */
static bool may_follow_backslash(unsigned char c)
{
    return c >= ' ' && c < 0x7f;
}

/* comment = "(" *(ctext / quoted-pair / comment) ")" */
static bool skip_comment(struct cursor *c)
{
    size_t depth = 0;

    for (; c->p < c->end; c->p++) {
        if ((unsigned char)*c->p < ' ' || *c->p == 0x7f)
            return false;
        if (*c->p == '\\') {
            if (++c->p == c->end || !may_follow_backslash((unsigned char)*c->p))
                return false;
        } else if (*c->p == '(') {
            depth++;
        } else if (*c->p == ')' && --depth == 0) {
            c->p++;
            return true;
        }
    }
    return false;
}

static enum lp_address_detail skip_comments(struct cursor *c)
{
    while (c->p < c->end && *c->p == '(') {
        if (!skip_comment(c))
            return LP_ADDRESS_BAD_COMMENT;
        if (!c->policy->comments)
            return LP_ADDRESS_COMMENT;
    }
    return LP_ADDRESS_OK;
}

/* One character of a dot-atom; 0 octets if it is none. */
static size_t atom_character(struct cursor *c)
{
    size_t n = 0;

    if ((unsigned char)*c->p < 0x80)
        return is_atext((unsigned char)*c->p) ? 1 : 0;
    if (!is_visible(lp_utf8_decode(c->p, (size_t)(c->end - c->p), &n)))
        return 0;
    c->out->smtputf8 = true;
    return n;
}

static enum lp_address_detail dot_atom(struct cursor *c)
{
    bool after_dot = true;
    size_t n;

    for (; c->p < c->end && *c->p != '@' && *c->p != '('; c->p += n) {
        n = 1;
        if (*c->p == '.') {
            if (after_dot)
                return LP_ADDRESS_LOCAL_DOT;
            after_dot = true;
            continue;
        }
        n = atom_character(c);
        if (n == 0)
            return LP_ADDRESS_LOCAL_CHARACTER;
        after_dot = false;
    }
    return after_dot ? LP_ADDRESS_LOCAL_DOT : LP_ADDRESS_OK;
}

static enum lp_address_detail quoted_string(struct cursor *c)
{
    for (c->p++; c->p < c->end && *c->p != '"'; c->p++) {
        if (*c->p == '\\' && (++c->p == c->end || !may_follow_backslash((unsigned char)*c->p)))
            return LP_ADDRESS_BAD_QUOTED;
        if ((unsigned char)*c->p < ' ' || *c->p == 0x7f)
            return LP_ADDRESS_BAD_QUOTED;
        if ((unsigned char)*c->p >= 0x80)
            c->out->smtputf8 = true;
    }
    if (c->p == c->end)
        return LP_ADDRESS_BAD_QUOTED;
    c->p++;
    c->out->quoted = true;
    return c->policy->quoted ? LP_ADDRESS_OK : LP_ADDRESS_QUOTED;
}

static enum lp_address_detail parse_local(struct cursor *c)
{
    const char *start = c->p;
    enum lp_address_detail d;

    if (c->p == c->end || *c->p == '@')
        return LP_ADDRESS_NO_LOCAL;
    d = *c->p == '"' ? quoted_string(c) : dot_atom(c);
    if (d != LP_ADDRESS_OK)
        return d;
    if (c->p - start > LP_ADDRESS_LOCAL_MAX)
        return LP_ADDRESS_LOCAL_TOO_LONG;
    c->out->local_len = (size_t)(c->p - start);
    memcpy(c->out->local, start, c->out->local_len);
    c->out->local[c->out->local_len] = '\0';
    return LP_ADDRESS_OK;
}

/* [192.0.2.1] or [IPv6:2001:db8::1] */
static enum lp_address_detail parse_literal(struct cursor *c)
{
    const char *start = c->p, *close = memchr(start, ']', (size_t)(c->end - start));
    size_t n = close ? (size_t)(close + 1 - start) : 0;
    struct lp_address *out = c->out;
    unsigned char address[16];
    char text[64];

    if (n < 3 || n >= sizeof text)
        return LP_ADDRESS_BAD_LITERAL;
    memcpy(text, start + 1, n - 2);
    text[n - 2] = '\0';
    if (strlen(text) != n - 2)
        return LP_ADDRESS_BAD_LITERAL;
    if (strncasecmp(text, "ipv6:", 5) == 0 ? inet_pton(AF_INET6, text + 5, address) != 1
                                           : inet_pton(AF_INET, text, address) != 1)
        return LP_ADDRESS_BAD_LITERAL;
    c->p = close + 1;
    memcpy(out->domain, start, n);
    out->domain[n] = '\0';
    out->domain_len = n;
    out->literal = true;
    return c->policy->literals ? LP_ADDRESS_OK : LP_ADDRESS_LITERAL;
}

static enum lp_address_detail check_label(const char *p, size_t n)
{
    if (n == 0)
        return LP_ADDRESS_DOMAIN_DOT;
    for (size_t i = 0; i < n; i++)
        if (!is_alnum((unsigned char)p[i]) && p[i] != '-')
            return LP_ADDRESS_DOMAIN_CHARACTER;
    if (n > LABEL_MAX)
        return LP_ADDRESS_LABEL_TOO_LONG;
    return p[0] == '-' || p[n - 1] == '-' ? LP_ADDRESS_LABEL_HYPHEN : LP_ADDRESS_OK;
}

static enum lp_address_detail check_labels(struct lp_str domain)
{
    const char *p = domain.p, *end = domain.p + domain.n;
    size_t labels = 0, n;
    enum lp_address_detail d;

    for (;; p += n + 1) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        n = (size_t)((dot ? dot : end) - p);
        d = check_label(p, n);
        if (d != LP_ADDRESS_OK)
            return d;
        labels++;
        if (!dot)
            break;
    }
    /* No top-level domain is a number; what ends in one is an IP address without its brackets. */
    if (strspn(p, "0123456789") >= n)
        return LP_ADDRESS_NUMERIC_TLD;
    return labels < 2 ? LP_ADDRESS_SINGLE_LABEL : LP_ADDRESS_OK;
}

static bool is_ascii(struct lp_str s)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < s.n; i++)
        seen |= (unsigned char)s.p[i];
    return seen < 0x80;
}

/* An A-label is good only if it is what its own decoded form encodes to: anything else nobody can
 * have registered. */
static bool alabel_holds(struct lp_str label)
{
    struct lp_buf unicode = {0}, again = {0};
    bool good = lp_idn_to_unicode(label, &unicode) &&
                lp_idn_to_ascii(lp_buf_view(&unicode), &again) && again.len == label.n &&
                strncasecmp(again.p, label.p, label.n) == 0;

    lp_buf_free(&unicode);
    lp_buf_free(&again);
    return good;
}

/* One by one: IDNA forbids "r3---sn" beside them, which DNS does not. */
static bool alabels_hold(struct lp_str domain)
{
    const char *p = domain.p, *end = domain.p + domain.n;

    while (p < end) {
        const char *dot = memchr(p, '.', (size_t)(end - p));
        struct lp_str label = {p, (size_t)((dot ? dot : end) - p)};
        if (label.n >= 4 && strncasecmp(p, "xn--", 4) == 0 && !alabel_holds(label))
            return false;
        p += label.n + 1;
    }
    return true;
}

/* The domain in ASCII; what is in *ascii is freed by the caller. */
static enum lp_address_detail to_ascii(
    struct lp_str raw, struct lp_buf *ascii, struct lp_str *domain)
{
    *domain = raw;
    if (is_ascii(raw))
        return alabels_hold(raw) ? LP_ADDRESS_OK : LP_ADDRESS_BAD_IDN;
    if (!lp_idn_to_ascii(raw, ascii))
        return LP_ADDRESS_BAD_IDN;
    *domain = lp_buf_view(ascii);
    return LP_ADDRESS_OK;
}

static enum lp_address_detail put_domain(struct lp_address *out, struct lp_str raw)
{
    struct lp_buf ascii = {0};
    struct lp_str d;
    enum lp_address_detail bad = to_ascii(raw, &ascii, &d);

    if (bad == LP_ADDRESS_OK && d.n > LP_ADDRESS_DOMAIN_MAX)
        bad = LP_ADDRESS_DOMAIN_TOO_LONG;
    if (bad == LP_ADDRESS_OK) {
        for (size_t i = 0; i < d.n; i++)
            out->domain[i] = d.p[i] >= 'A' && d.p[i] <= 'Z' ? (char)(d.p[i] | 0x20) : d.p[i];
        out->domain[d.n] = '\0';
        out->domain_len = d.n;
    }
    lp_buf_free(&ascii);
    return bad;
}

static enum lp_address_detail parse_domain(struct cursor *c)
{
    struct lp_str raw = {c->p, 0};
    enum lp_address_detail d;

    if (c->p == c->end)
        return LP_ADDRESS_NO_DOMAIN;
    if (*c->p == '[')
        return parse_literal(c);
    while (c->p < c->end && *c->p != '(')
        c->p++;
    raw.n = (size_t)(c->p - raw.p);
    if (raw.n == 0)
        return LP_ADDRESS_NO_DOMAIN;
    d = put_domain(c->out, raw);
    return d == LP_ADDRESS_OK ? check_labels(lp_address_domain(c->out)) : d;
}

static enum lp_address_detail parse(struct cursor *c)
{
    enum lp_address_detail d;

    if ((d = skip_comments(c)) || (d = parse_local(c)) || (d = skip_comments(c)))
        return d;
    if (c->p == c->end)
        return LP_ADDRESS_NO_AT;
    if (*c->p != '@')
        return LP_ADDRESS_LOCAL_CHARACTER;
    c->p++;
    if ((d = skip_comments(c)) || (d = parse_domain(c)) || (d = skip_comments(c)))
        return d;
    if (c->p != c->end)
        return LP_ADDRESS_DOMAIN_CHARACTER;
    if (c->out->local_len + 1 + c->out->domain_len > LP_ADDRESS_MAX)
        return LP_ADDRESS_TOO_LONG;
    return LP_ADDRESS_OK;
}

bool lp_address_parse(
    struct lp_str text, const struct lp_address_policy *policy, struct lp_address *out)
{
    static const struct lp_address_policy strict = {0};
    struct cursor c = {.policy = policy ? policy : &strict, .out = out};

    *out = (struct lp_address){0};
    text = lp_key_trim(text); /* as its identity is: one verdict for one contact */
    c.p = text.p;
    c.end = text.p + text.n;
    if (text.n == 0)
        out->detail = LP_ADDRESS_EMPTY;
    else if (lp_utf8_valid(text.p, text.n) != text.n)
        out->detail = LP_ADDRESS_BAD_UTF8;
    else
        out->detail = parse(&c);
    if (out->detail == LP_ADDRESS_OK)
        return true;
    *out = (struct lp_address){.detail = out->detail};
    return false;
}

const char *lp_address_word(enum lp_address_detail d)
{
    return texts[d].word;
}

const char *lp_address_phrase(enum lp_address_detail d)
{
    return texts[d].phrase;
}
