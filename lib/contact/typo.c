#include "leadpipe/typo.h"

#include <stdint.h>
#include "leadpipe/psl.h"

#define NAME_LONGEST 32
#define TOO_FAR      100

/* Real domains that look like slips of popular ones and are in no list of providers. */
static const char *const friends[] = {"cloud.com", "emailn.de", "freenet.com", "gail.com",
    "gmail.de", "gmx.ac", "hotmall.com", "mailbox.com", "outlook.live.com", "tonline.de",
    "yahoo.net"};

struct parts {
    struct lp_str name, suffix; /* "gmial" and "com" */
};

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

static unsigned gap(size_t a, size_t b)
{
    return (unsigned)(a > b ? a - b : b - a);
}

/* Three rows of the usual matrix: the swap looks two back. */
unsigned lp_typo_distance(struct lp_str a, struct lp_str b, unsigned most)
{
    unsigned rows[3][NAME_LONGEST + 1];

    if (a.n > NAME_LONGEST || b.n > NAME_LONGEST || gap(a.n, b.n) > most)
        return most + 1;
    for (unsigned j = 0; j <= b.n; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.n; i++) {
        const unsigned *before = rows[(i + 1) % 3], *above = rows[(i - 1) % 3];
        unsigned *row = rows[i % 3], least = i;
        row[0] = i;
        for (unsigned j = 1; j <= b.n; j++) {
            unsigned cost = a.p[i - 1] != b.p[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + cost < row[j])
                row[j] = before[j - 2] + cost;
            least = row[j] < least ? row[j] : least;
        }
        if (least > most)
            return most + 1;
    }
    return rows[a.n % 3][b.n] > most ? most + 1 : rows[a.n % 3][b.n];
}

/* At the first dot: right for every registrable domain, and the others get no hint. */
static struct parts split(struct lp_str domain)
{
    const char *dot = memchr(domain.p, '.', domain.n);
    size_t n = dot ? (size_t)(dot - domain.p) : domain.n;
    struct parts p = {{domain.p, n}, {domain.p + domain.n, 0}};

    if (dot)
        p.suffix = (struct lp_str){dot + 1, domain.n - n - 1};
    return p;
}

/* People rarely get the first letter wrong; other companies' names differ there. */
static bool same_start(struct lp_str typed, struct lp_str meant)
{
    if (typed.p[0] == meant.p[0])
        return true;
    if (typed.n == meant.n)
        return typed.n > 1 && typed.p[0] == meant.p[1] && typed.p[1] == meant.p[0];
    return typed.n + 1 == meant.n && memcmp(typed.p, meant.p + 1, typed.n) == 0;
}

/* How far `typed` is from `meant`; TOO_FAR: not taken for it. */
static unsigned distance(const struct parts *typed, const struct parts *meant, unsigned forgiven)
{
    unsigned name, suffix;

    if (!same_start(typed->name, meant->name))
        return TOO_FAR;
    suffix = lp_typo_distance(typed->suffix, meant->suffix, 1);
    name = suffix > 1 ? TOO_FAR : lp_typo_distance(typed->name, meant->name, forgiven);
    if (name > forgiven)
        return TOO_FAR;
    /* "gmail.co" is a slip though .co exists; "web.be" and "gmial.co" may be somebody's. */
    if (suffix && (forgiven == 0 || name) && lp_psl_tld_known(typed->suffix))
        return TOO_FAR;
    /* Of two equally near the one under .com: it is what nearly everybody means. */
    return 2 * (name + suffix) + !lp_str_is(meant->suffix, "com");
}

static bool is_friend(struct lp_str domain)
{
    for (size_t i = 0; i < sizeof friends / sizeof *friends; i++)
        if (lp_str_is(domain, friends[i]))
            return true;
    return false;
}

static bool is_registrable(struct lp_str domain)
{
    const char *dot = memchr(domain.p, '.', domain.n);

    return dot && dot > domain.p &&
           (!memchr(dot + 1, '.', domain.n - (size_t)(dot + 1 - domain.p)) ||
               lp_psl_registrable(domain).n == domain.n);
}

struct lp_str lp_typo_domain(const struct lp_lists *l, struct lp_str domain)
{
    const struct lp_lists_table *t = &lp_lists_data_popular;
    struct lp_str best = {0};
    unsigned least = TOO_FAR;
    bool twice = false; /* "hotmail.fe": .fr or .de? */

    if (domain.n < 4 || domain.n > NAME_LONGEST || !is_registrable(domain))
        return best;
    struct parts typed = split(domain);
    for (size_t i = 0; i < t->n; i++) {
        struct parts meant = split((struct lp_str){t->name[i].name, t->name[i].length});
        unsigned n = distance(&typed, &meant, t->name[i].number);
        twice = n == least || (twice && n > least);
        if (n < least) {
            least = n;
            best = (struct lp_str){t->name[i].name, t->name[i].length};
        }
    }
    /* Asked last: hardly any domain comes this far. Under 2 it is the popular one itself. */
    if (least < 2 || twice ||
        (best.p && (is_friend(domain) || lp_lists_domain(l, LP_LIST_FREE, domain))))
        return (struct lp_str){0};
    return best;
}
