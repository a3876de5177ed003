#include "leadpipe/key.h"
#include "leadpipe/fold.h"
#include "leadpipe/idn.h"

/* The white space beyond ASCII that is trimmed. */
static const struct lp_str marks[] = {
    {"\xc2\xa0", 2},     /* U+00A0 no-break space */
    {"\xe2\x80\x8b", 3}, /* U+200B zero-width space */
    {"\xe2\x80\xaf", 3}, /* U+202F narrow no-break space */
    {"\xe3\x80\x80", 3}, /* U+3000 ideographic space */
    {"\xef\xbb\xbf", 3}, /* U+FEFF byte order mark */
};
#define MARKS (sizeof(marks) / sizeof(marks[0]))

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* How many bytes of white space stand at the start (or at the end) of s. */
static size_t mark_at(struct lp_str s, bool end)
{
    if (s.n == 0)
        return 0;
    char c = end ? s.p[s.n - 1] : s.p[0];
    if (is_space(c))
        return 1;
    if (!((unsigned char)c & 0x80))
        return 0;
    for (size_t i = 0; i < MARKS; i++) {
        size_t n = marks[i].n;
        if (s.n >= n && memcmp(end ? s.p + s.n - n : s.p, marks[i].p, n) == 0)
            return n;
    }
    return 0;
}

struct lp_str lp_key_trim(struct lp_str s)
{
    size_t n;
    while ((n = mark_at(s, false)) > 0) {
        s.p += n;
        s.n -= n;
    }
    while ((n = mark_at(s, true)) > 0)
        s.n -= n;
    return s;
}

/* What no address holds, whatever stands around it. */
static const char *stranger(struct lp_str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];

    if (c > 0x20 && c < 0x7f)
        return NULL;
    if (mark_at((struct lp_str){s.p + i, s.n - i}, false))
        return "white space in the address";
    return c < 0x80 ? "a control character in the address" : NULL;
}

const char *lp_key_fault(struct lp_str s)
{
    const char *at = NULL;
    bool quoted = false;

    for (size_t i = 0; i < s.n; i++) {
        const char *why = stranger(s, i);
        char c = s.p[i];
        if (why)
            return why;
        if (quoted && c == '\\' && i + 1 < s.n && !stranger(s, i + 1))
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == '@' && !quoted && at)
            return "more than one @";
        else if (c == '@' && !quoted)
            at = s.p + i;
    }
    if (!at)
        return "no @";
    if (at == s.p)
        return "nothing before the @";
    if (at + 1 == s.p + s.n)
        return "nothing after the @";
    return NULL;
}

/* The "@" that ends the local part: the last one, since only a quoted local part may hold others.
 */
static const char *find_at(struct lp_str s)
{
    const char *at = s.n ? memrchr(s.p, '@', s.n) : NULL;
    return at && at > s.p && at + 1 < s.p + s.n ? at : NULL;
}

/* Case-folding could make a good name of what is none ("ß" would become "ss"): the key of the key
 * would be another's. */
static void put_domain(struct lp_str domain, struct lp_buf *out)
{
    if (lp_idn_to_ascii(domain, out))
        return;
    for (size_t i = 0; i < domain.n; i++) {
        char c = domain.p[i];
        lp_buf_byte(out, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
}

bool lp_key(struct lp_str email, struct lp_buf *out)
{
    struct lp_str s = lp_key_trim(email);
    const char *at = find_at(s);

    if (!at)
        return false;
    struct lp_str domain = {at + 1, (size_t)(s.p + s.n - at - 1)};
    lp_fold((struct lp_str){s.p, (size_t)(at + 1 - s.p)}, out);
    put_domain(domain, out);
    return true;
}

bool lp_key_rec(struct lp_rec *rec, struct lp_buf *out)
{
    struct lp_str email;
    return lp_rec_string(rec, "email", &email) && lp_key(email, out);
}

bool lp_key_domain(struct lp_str email, struct lp_buf *out)
{
    struct lp_str s = lp_key_trim(email);
    const char *at = find_at(s);

    if (!at)
        return false;
    struct lp_str domain = {at + 1, (size_t)(s.p + s.n - at - 1)};
    put_domain(domain, out);
    return true;
}
