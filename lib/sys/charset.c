#include "leadpipe/charset.h"
#include "leadpipe/log.h"
#include "leadpipe/utf8.h"
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <iconv.h>
#include <stdlib.h>
#include <strings.h>
#include <uchardet/uchardet.h>

enum { PART = 16 }; /* no character of any encoding is longer, shift sequences included */

struct lp_charset {
    char *name;
    iconv_t cd; /* (iconv_t)-1 for UTF-8 */
    bool wide;
    size_t unit;     /* bytes of the smallest character */
    char part[PART]; /* a character cut in two */
    size_t parted;
};

/* Names people use, and the ones we report; iconv knows the latter. */
static const struct alias {
    const char *given, *name;
} aliases[] = {
    {"utf8", "UTF-8"},
    {"utf8sig", "UTF-8"},
    {"ascii", "UTF-8"},
    {"usascii", "UTF-8"},
    {"utf16", "UTF-16"},
    {"utf16le", "UTF-16LE"},
    {"utf16be", "UTF-16BE"},
    {"latin1", "ISO-8859-1"},
    {"iso88591", "ISO-8859-1"},
    {"windows1252", "Windows-1252"},
    {"win1252", "Windows-1252"},
    {"cp1252", "Windows-1252"},
    {"ansi", "Windows-1252"},
};

static const char *usual(const char *name)
{
    char bare[32];
    size_t n = 0;

    for (const char *p = name; *p && n < sizeof(bare) - 1; p++)
        if (isalnum((unsigned char)*p))
            bare[n++] = (char)tolower((unsigned char)*p);
    bare[n] = '\0';
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(aliases[i].given, bare) == 0)
            return aliases[i].name;
    return name;
}

/* Do ASCII bytes mean themselves? At the end are those that open another character set, in UTF-7 and
 * ISO 2022: what follows them is ASCII to look at, too. */
static bool keeps_ascii(iconv_t cd)
{
    char in[] = "aZ09@\",;|\t\r\n+\033", out[64];
    char *from = in, *to = out;
    size_t n = sizeof(in) - 1, room = sizeof(out);

    bool same = iconv(cd, &from, &n, &to, &room) != (size_t)-1 &&
                (size_t)(to - out) == sizeof(in) - 1 && memcmp(out, in, sizeof(in) - 1) == 0;
    iconv(cd, NULL, NULL, NULL, NULL);
    return same;
}

struct lp_charset *lp_charset_new(const char *name, struct lp_err *err)
{
    name = usual(name);
    struct lp_charset *c = lp_alloc(sizeof(*c));
    c->name = lp_strdup(name);
    c->cd = (iconv_t)-1;
    c->unit = 1;
    if (lp_charset_utf8(c))
        return c;
    c->cd = iconv_open("UTF-8", name);
    if (c->cd == (iconv_t)-1) {
        lp_err_set(err, LP_ERR_USAGE, "bad_encoding", "no such encoding: %s", name);
        lp_err_hint(err, "`iconv --list` names those this system knows");
        lp_charset_del(c);
        return NULL;
    }
    c->wide = !keeps_ascii(c->cd);
    if (c->wide)
        c->unit = strncasecmp(name, "UTF-32", 6) == 0   ? 4
                  : strncasecmp(name, "UTF-16", 6) == 0 ? 2
                                                        : 1;
    return c;
}

void lp_charset_del(struct lp_charset *c)
{
    if (!c)
        return;
    if (c->cd != (iconv_t)-1)
        iconv_close(c->cd);
    free(c->name);
    free(c);
}

const char *lp_charset_name(const struct lp_charset *c)
{
    return c->name;
}

bool lp_charset_utf8(const struct lp_charset *c)
{
    return strcmp(c->name, "UTF-8") == 0;
}

bool lp_charset_wide(const struct lp_charset *c)
{
    return c->wide;
}

/* Converts until the input is used up or something is in the way; errno says what. Without input: what
 * the converter holds back, for some encodings write a letter before the accent it may get. */
static bool convert(iconv_t cd, char **from, size_t *n, struct lp_buf *out)
{
    for (;;) {
        if (!lp_buf_grow(out, *n + 64)) {
            errno = E2BIG;
            return false;
        }
        char *to = out->p + out->len;
        size_t room = out->cap - out->len - 1;
        size_t rc = iconv(cd, from, n, &to, &room);
        out->len = (size_t)(to - out->p);
        out->p[out->len] = '\0';
        if (rc != (size_t)-1)
            return true;
        if (errno != E2BIG)
            return false;
    }
}

bool lp_charset_decode(struct lp_charset *c, struct lp_str text, struct lp_buf *out)
{
    char *from = (char *)(uintptr_t)text.p; /* iconv's prototype; it does not write */
    size_t n = text.n;

    if (c->cd == (iconv_t)-1) {
        lp_buf_str(out, text);
        return lp_utf8_valid(text.p, text.n) == text.n;
    }
    iconv(c->cd, NULL, NULL, NULL, NULL);
    return n == 0 ||
           (convert(c->cd, &from, &n, out) && convert(c->cd, NULL, &n, out) && !out->overflow);
}

/* Converts one run; what is left at its end is an unfinished character. */
static size_t stream_run(struct lp_charset *c, char *p, size_t n, struct lp_buf *out)
{
    while (n > 0 && !convert(c->cd, &p, &n, out)) {
        if (errno != EILSEQ)
            return n;
        size_t skip = n < c->unit ? n : c->unit;
        lp_buf_byte(out, '\xff');
        p += skip;
        n -= skip;
    }
    return n;
}

void lp_charset_stream(struct lp_charset *c, struct lp_str part, bool last, struct lp_buf *out)
{
    /* Byte by byte until the character that was cut is whole. */
    while (c->parted > 0 && part.n > 0) {
        c->part[c->parted++] = *part.p++;
        part.n--;
        size_t left = stream_run(c, c->part, c->parted, out);
        if (left == PART) {
            lp_buf_byte(out, '\xff');
            left = 0;
        }
        memmove(c->part, c->part + c->parted - left, left);
        c->parted = left;
    }
    if (part.n > 0) {
        size_t left = stream_run(c, (char *)(uintptr_t)part.p, part.n, out);
        c->parted = left < PART ? left : 0;
        memcpy(c->part, part.p + part.n - left, c->parted);
    }
    if (!last)
        return;
    if (c->parted > 0)
        lp_buf_byte(out, '\xff');
    c->parted = 0;
    convert(c->cd, NULL, &c->parted, out);
}

uint64_t lp_charset_length(const struct lp_charset *c, struct lp_str decoded)
{
    uint64_t units = 0;

    for (size_t i = 0; i < decoded.n; i++) {
        unsigned char b = (unsigned char)decoded.p[i];
        units += (b & 0xc0) != 0x80;
        units += c->unit == 2 && b >= 0xf0 && b != 0xff; /* a surrogate pair */
    }
    return units * c->unit;
}

/* --- guessing ----------------------------------------------------------------------------------
 */

/* What the sample's lines are: with valid sequences beyond ASCII, or with bytes that are not UTF-8.
 */
struct tally {
    size_t utf8, other;
    bool c1; /* bytes 0x80..0x9f, which Latin-1 text does not hold */
};

/* A sequence cut off by the end of the sample is not held against it. */
static bool cut_short(const char *p, size_t n)
{
    unsigned char b = (unsigned char)*p;
    size_t want = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc2 ? 2 : 1;

    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return false;
    return want > n;
}

static struct tally tally_lines(struct lp_str s)
{
    struct tally t = {0};

    while (s.n > 0) {
        const char *nl = memchr(s.p, '\n', s.n);
        size_t n = nl ? (size_t)(nl + 1 - s.p) : s.n;
        size_t good = lp_utf8_valid(s.p, n);
        bool high = false;
        for (size_t i = 0; i < n; i++) {
            unsigned char b = (unsigned char)s.p[i];
            high |= b >= 0x80;
            t.c1 |= b >= 0x80 && b < 0xa0;
        }
        if (good < n && !(good + 4 > s.n && cut_short(s.p + good, n - good)))
            t.other++;
        else if (high)
            t.utf8++;
        s.p += n;
        s.n -= n;
    }
    return t;
}

/* NULs in every other byte are what ASCII looks like in UTF-16; which ones says the byte order. */
static const char *nul_pattern(struct lp_str s)
{
    size_t nul[2] = {0}, n = s.n < 4096 ? s.n & ~(size_t)1 : 4096;

    for (size_t i = 0; i < n; i++)
        nul[i & 1] += s.p[i] == '\0';
    if (nul[1] * 16 >= n && nul[1] > 8 * nul[0])
        return "UTF-16LE";
    if (nul[0] * 16 >= n && nul[0] > 8 * nul[1])
        return "UTF-16BE";
    return NULL;
}

/* uchardet brings the C++ library along, which costs every start of the program a millisecond and
 * is wanted by few files: it is loaded when there is something to ask it. */
static bool uchardet_says_latin1(struct lp_str s)
{
    void *lib = dlopen("libuchardet.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!lib) {
        lp_log_verbose("libuchardet.so.0 cannot be loaded; taking Windows-1252");
        return false;
    }
    uchardet_t (*make)(void) = (uchardet_t(*)(void))dlsym(lib, "uchardet_new");
    int (*feed)(uchardet_t, const char *, size_t) =
        (int (*)(uchardet_t, const char *, size_t))dlsym(lib, "uchardet_handle_data");
    void (*end)(uchardet_t) = (void (*)(uchardet_t))dlsym(lib, "uchardet_data_end");
    const char *(*say)(uchardet_t) =
        (const char *(*)(uchardet_t))dlsym(lib, "uchardet_get_charset");
    void (*del)(uchardet_t) = (void (*)(uchardet_t))dlsym(lib, "uchardet_delete");
    bool latin1 = false;

    if (make && feed && end && say && del) {
        uchardet_t u = make();
        if (feed(u, s.p, s.n) == 0) {
            end(u);
            latin1 = strcasecmp(say(u), "ISO-8859-1") == 0;
        }
        del(u);
    }
    dlclose(lib);
    return latin1;
}

struct lp_charset_guess lp_charset_guess(struct lp_str s)
{
    static const struct {
        struct lp_str bom;
        const char *name;
    } boms[] = {{{"\xef\xbb\xbf", 3}, "UTF-8"}, {{"\xff\xfe", 2}, "UTF-16LE"},
        {{"\xfe\xff", 2}, "UTF-16BE"}};

    for (size_t i = 0; i < sizeof(boms) / sizeof(boms[0]); i++)
        if (s.n >= boms[i].bom.n && memcmp(s.p, boms[i].bom.p, boms[i].bom.n) == 0)
            return (struct lp_charset_guess){boms[i].name, "BOM", boms[i].bom.n, false};
    const char *wide = nul_pattern(s);
    if (wide)
        return (struct lp_charset_guess){wide, "no BOM, by its NUL bytes", 0, false};
    struct tally t = tally_lines(s);
    if (t.other == 0)
        return (struct lp_charset_guess){
            "UTF-8", t.utf8 ? "no BOM, valid UTF-8" : "no BOM, ASCII so far", 0, t.utf8 == 0};
    /* Other encodings never look like UTF-8 line after line: the few bad lines are the bad ones. */
    if (t.utf8 > t.other)
        return (struct lp_charset_guess){"UTF-8", "no BOM, most lines are valid UTF-8", 0, false};
    if (!t.c1 && uchardet_says_latin1(s))
        return (struct lp_charset_guess){"ISO-8859-1", "no BOM, not UTF-8", 0, false};
    return (struct lp_charset_guess){"Windows-1252", "no BOM, not UTF-8", 0, false};
}

const char *lp_charset_version(void)
{
    static char text[40] = "iconv of glibc ";
    static const size_t prefix = sizeof("iconv of glibc ") - 1;
    const char *version = gnu_get_libc_version();
    size_t n = strlen(version);

    memcpy(text + prefix, version, n < sizeof(text) - prefix ? n : sizeof(text) - prefix - 1);
    return text;
}
