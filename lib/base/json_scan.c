/* json_scan - see leadpipe/scan.h */
#include "leadpipe/scan.h"
#include "leadpipe/json.h"
#include "leadpipe/utf8.h"

#include <string.h>

#if defined(__SSE2__) && !defined(LP_SCAN_PLAIN)
#include <emmintrin.h>
#define BLOCKS 1
#elif defined(__ARM_NEON) && defined(__aarch64__) && !defined(LP_SCAN_PLAIN)
#include <arm_neon.h>
#define BLOCKS 1
#else
#define BLOCKS 0
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)

typedef unsigned char byte;

enum fault {
    NO_VALUE,
    WANT_VALUE,
    WANT_NAME,
    WANT_COLON,
    WANT_COMMA_OBJECT,
    WANT_COMMA_ARRAY,
    AFTER_VALUE,
    BAD_LITERAL,
    BAD_NUMBER,
    BAD_ESCAPE,
    CONTROL,
    CUT_SHORT,
    CUT_STRING,
    BAD_UTF8,
    LONE_SURROGATE,
    NUL_BYTE,
    NUL_ESCAPE,
    TOO_DEEP,
    NOT_OBJECT
};

static const struct lp_scan_fault FAULTS[] = {
    [NO_VALUE] = {"bad_json", "nothing here but white space"},
    [WANT_VALUE] = {"bad_json", "value expected"},
    [WANT_NAME] = {"bad_json", "member name in quotes expected"},
    [WANT_COLON] = {"bad_json", "':' expected after a member name"},
    [WANT_COMMA_OBJECT] = {"bad_json", "',' or '}' expected"},
    [WANT_COMMA_ARRAY] = {"bad_json", "',' or ']' expected"},
    [AFTER_VALUE] = {"bad_json", "text after the end of the value"},
    [BAD_LITERAL] = {"bad_json", "unknown word"},
    [BAD_NUMBER] = {"bad_json", "digit expected in a number"},
    [BAD_ESCAPE] = {"bad_json", "unknown escape in string"},
    [CONTROL] = {"bad_json", "control character in string"},
    [CUT_SHORT] = {"bad_json", "ends too early"},
    [CUT_STRING] = {"bad_json", "ends within a string"},
    [BAD_UTF8] = {"bad_utf8", "invalid UTF-8"},
    [LONE_SURROGATE] = {"lone_surrogate", "half of a surrogate pair"},
    [NUL_BYTE] = {"nul_byte", "NUL byte"},
    [NUL_ESCAPE] = {"nul_byte", "escaped NUL"},
    [TOO_DEEP] = {"too_deep", "nested too deep"},
    [NOT_OBJECT] = {"not_object", "the value is not an object"},
};

/* The first fault wins. Always NULL, so that finders of faults can return it. */
__attribute__((cold, noinline)) static const byte *fail(
    struct lp_scan *s, const byte *at, enum fault f)
{
    if (!s->fault) {
        s->fault = &FAULTS[f];
        s->at = at;
    }
    return NULL;
}

/* A byte that cannot stand here: the end, NUL and broken UTF-8 are more telling than `f`. */
__attribute__((cold, noinline)) static const byte *stray(
    struct lp_scan *s, const byte *at, enum fault f)
{
    if (at >= s->end)
        return fail(s, s->end, f == CUT_STRING || f == NO_VALUE ? f : CUT_SHORT);
    if (*at == 0)
        return fail(s, at, NUL_BYTE);
    if (*at >= 0x80 && lp_utf8_run(at, s->end) == at)
        return fail(s, at, BAD_UTF8);
    return fail(s, at, f);
}

/* --- strings --------------------------------------------------------------------------------- */

/* Bytes a string may hold that need no second look: not quote, backslash, control, non-ASCII. */
static bool plain(byte c)
{
    return (c >= 0x20) & (c < 0x80) & (c != '"') & (c != '\\');
}

#if BLOCKS && defined(__SSE2__)
/* One bit a byte, set where the byte is not plain. */
static inline uint64_t odd16(const byte *p)
{
    __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i slash = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    /* Signed, so that one comparison catches both control characters and bytes from 0x80. */
    __m128i low = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash)));
}
#elif BLOCKS
static inline uint64_t odd16(const byte *p)
{
    static const byte weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint8x16_t v = vld1q_u8(p);
    uint8x16_t quote = vceqq_u8(v, vdupq_n_u8('"'));
    uint8x16_t slash = vceqq_u8(v, vdupq_n_u8('\\'));
    uint8x16_t low = vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20));
    uint8x16_t odd = vandq_u8(vorrq_u8(low, vorrq_u8(quote, slash)), vld1q_u8(weights));
    /* NEON has no movemask: each half's weights are added up into a byte. */
    return vaddv_u8(vget_low_u8(odd)) | (uint64_t)vaddv_u8(vget_high_u8(odd)) << 8;
}
#else
static inline uint64_t odd16(const byte *p)
{
    uint64_t odd = 0;
    for (unsigned i = 0; i < 16; i++)
        odd |= (uint64_t)!plain(p[i]) << i;
    return odd;
}
#endif

/* The window when fewer than 64 bytes are left; the end counts as an odd byte. */
static uint64_t odd_tail(const struct lp_scan *s, const byte *p)
{
    size_t left = (size_t)(s->end - p), done = left & ~(size_t)15, rest = left - done;
    uint64_t odd = (uint64_t)1 << left;
    for (size_t i = 0; i < done; i += 16)
        odd |= odd16(p + i) << i;
    /* The last ones are taken from a block that ends with the text, never reaching past it. */
    if (rest && s->end - s->text >= 16)
        return odd | odd16(s->end - 16) >> (16 - rest) << done;
    for (size_t i = done; i < left; i++)
        odd |= (uint64_t)!plain(p[i]) << i;
    return odd;
}

/*
 * To the first byte that is not plain, or the end. Bits are looked for in a window of 64 bytes that
 * has been classified ahead: most strings are short, and going from one to the next by load and
 * compare alone makes every string wait for the one before it.
 */
static inline const byte *plain_run(struct lp_scan *s, const byte *p)
{
    for (;;) {
        size_t at = (size_t)(p - s->text), off = at - s->window;
        if (LIKELY(off < 64)) {
            uint64_t odd = s->odd >> off;
            if (LIKELY(odd))
                return p + (unsigned)__builtin_ctzll(odd);
            p += 64 - off;
            at += 64 - off;
        }
        s->window = at;
        if (LIKELY(s->end - p >= 64))
            s->odd = odd16(p) | odd16(p + 16) << 16 | odd16(p + 32) << 32 | odd16(p + 48) << 48;
        else
            s->odd = odd_tail(s, p);
    }
}

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const byte *p, const byte *end)
{
    int32_t v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20;
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0 || (d < 10 && p[i] != c))
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* p is at the backslash. */
static const byte *escape(struct lp_scan *s, const byte *p)
{
    s->escape = true;
    if (s->end - p < 2)
        return stray(s, s->end, CUT_STRING);
    if (p[1] != 'u')
        return memchr("\"\\/bfnrt", p[1], 8) ? p + 2 : stray(s, p + 1, BAD_ESCAPE);
    int32_t unit = hex4(p + 2, s->end);
    if (unit < 0)
        return s->end - p < 6 ? stray(s, s->end, CUT_STRING) : fail(s, p, BAD_ESCAPE);
    if (unit == 0)
        return fail(s, p, NUL_ESCAPE);
    if ((unit & 0xF800) != 0xD800)
        return p + 6;
    if (unit >= 0xDC00 || s->end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return fail(s, p, LONE_SURROGATE);
    int32_t low = hex4(p + 8, s->end);
    return low >= 0xDC00 && low <= 0xDFFF ? p + 12 : fail(s, p, LONE_SURROGATE);
}

/* Past one byte that is not plain and no closing quote. */
static const byte *odd_one(struct lp_scan *s, const byte *p)
{
    if (p < s->end && *p == '\\')
        return escape(s, p);
    if (p < s->end && *p >= 0x80) {
        const byte *q = lp_utf8_run(p, s->end);
        return q > p ? q : fail(s, p, BAD_UTF8);
    }
    return stray(s, p, p < s->end ? CONTROL : CUT_STRING);
}

/* From after the opening quote to after the closing one. */
static inline const byte *string(struct lp_scan *s, const byte *p)
{
    for (;;) {
        p = plain_run(s, p);
        if (LIKELY(p < s->end && *p == '"'))
            return p + 1;
        p = odd_one(s, p);
        if (!p)
            return NULL;
    }
}

/* --- the rest of the grammar ----------------------------------------------------------------- */

__attribute__((noinline)) static const byte *long_space(struct lp_scan *s, const byte *p)
{
    for (; p < s->end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'); p++)
        if (*p == '\n' && !s->newline)
            s->newline = p;
    return p;
}

static inline const byte *space(struct lp_scan *s, const byte *p)
{
    return LIKELY(p<s->end && * p> ' ') ? p : long_space(s, p);
}

/* Past white space to the byte c, or NULL; records rarely hold any, so c is looked for first. */
static inline const byte *reach(struct lp_scan *s, const byte *p, byte c, enum fault missing)
{
    if (LIKELY(p < s->end && *p == c))
        return p;
    p = long_space(s, p);
    return p < s->end && *p == c ? p : stray(s, p, missing);
}

static inline int peek(const struct lp_scan *s, const byte *p)
{
    return p < s->end ? *p : -1;
}

/* Is the byte at p a digit? (The end is none.) */
static inline bool digit(const struct lp_scan *s, const byte *p)
{
    return p < s->end && (unsigned)(*p - '0') <= 9;
}

static const byte *digits(struct lp_scan *s, const byte *p)
{
    if (!digit(s, p))
        return stray(s, p, BAD_NUMBER);
    while (digit(s, p))
        p++;
    return p;
}

static const byte *number(struct lp_scan *s, const byte *p)
{
    if (*p == '-')
        p++;
    p = peek(s, p) == '0' ? p + 1 : digits(s, p);
    if (p && peek(s, p) == '.')
        p = digits(s, p + 1);
    if (p && (peek(s, p) | 0x20) == 'e') {
        p++;
        if (peek(s, p) == '+' || peek(s, p) == '-')
            p++;
        p = digits(s, p);
    }
    return p;
}

static const byte *word(struct lp_scan *s, const byte *p, const char *literal, size_t n)
{
    if ((size_t)(s->end - p) >= n && memcmp(p, literal, n) == 0)
        return p + n;
    for (size_t i = 0; p < s->end && *p == (byte)literal[i]; i++)
        p++;
    return stray(s, p, BAD_LITERAL);
}

static const byte *array(struct lp_scan *s, const byte *p, unsigned open);
static const byte *object(struct lp_scan *s, const byte *p, unsigned open);

/* `open` counts the braces and brackets around the value. Recursion ends at LP_JSON_DEPTH. */
static inline const byte *value(struct lp_scan *s, const byte *p, unsigned open)
{
    int c = peek(s, p);
    if (LIKELY(c == '"'))
        return string(s, p + 1);
    if (c == '{' || c == '[') {
        if (open >= LP_JSON_DEPTH)
            return fail(s, p, TOO_DEEP);
        return c == '{' ? object(s, p + 1, open + 1) : array(s, p + 1, open + 1);
    }
    if (c == '-' || digit(s, p))
        return number(s, p);
    switch (c) {
    case 't': return word(s, p, "true", 4);
    case 'f': return word(s, p, "false", 5);
    case 'n': return word(s, p, "null", 4);
    default: return stray(s, p, WANT_VALUE);
    }
}

static const byte *array(struct lp_scan *s, const byte *p, unsigned open)
{
    p = space(s, p);
    if (peek(s, p) == ']')
        return p + 1;
    for (;;) {
        p = value(s, p, open);
        if (!p)
            return NULL;
        p = space(s, p);
        if (peek(s, p) == ']')
            return p + 1;
        if (peek(s, p) != ',')
            return stray(s, p, WANT_COMMA_ARRAY);
        p = space(s, p + 1);
    }
}

/* A member's value, from after its name's closing quote. */
static inline const byte *named(struct lp_scan *s, const byte *p, unsigned open)
{
    return (p = reach(s, p, ':', WANT_COLON)) ? value(s, space(s, p + 1), open) : NULL;
}

static const byte *object(struct lp_scan *s, const byte *p, unsigned open)
{
    p = space(s, p);
    if (peek(s, p) == '}')
        return p + 1;
    for (;;) {
        p = reach(s, p, '"', WANT_NAME);
        if (!p || !(p = string(s, p + 1)) || !(p = named(s, p, open)))
            return NULL;
        p = space(s, p);
        if (peek(s, p) == '}')
            return p + 1;
        if (peek(s, p) != ',')
            return stray(s, p, WANT_COMMA_OBJECT);
        p++;
    }
}

/* --- the module's own ------------------------------------------------------------------------ */

void lp_scan_init(struct lp_scan *s, struct lp_str text)
{
    const byte *p = (const byte *)(text.p ? text.p : "");
    *s = (struct lp_scan){.text = p, .p = p, .end = p + text.n, .window = (size_t)-64};
}

bool lp_scan_close(struct lp_scan *s)
{
    s->p = space(s, s->p);
    if (s->p == s->end)
        return true;
    stray(s, s->p, AFTER_VALUE);
    return false;
}

bool lp_scan_text(struct lp_scan *s)
{
    const byte *p = space(s, s->p);
    if (p == s->end) {
        stray(s, p, NO_VALUE);
        return false;
    }
    p = value(s, p, 0);
    if (!p)
        return false;
    s->p = p;
    return lp_scan_close(s);
}

bool lp_scan_open(struct lp_scan *s)
{
    const byte *p = space(s, s->p);
    if (peek(s, p) == '{') {
        s->p = p + 1;
        return true;
    }
    /* Only what is JSON at all is told that it is the wrong kind of it. */
    if (lp_scan_text(s))
        fail(s, p, NOT_OBJECT);
    return false;
}

enum lp_scan_step lp_scan_member(struct lp_scan *s, struct lp_scan_member *m)
{
    const byte *p = space(s, s->p), *name, *v;
    if (peek(s, p) == '}') {
        s->p = p + 1;
        return LP_SCAN_END;
    }
    if (s->begun && !(p = reach(s, p, ',', WANT_COMMA_OBJECT)))
        return LP_SCAN_BAD;
    name = reach(s, s->begun ? p + 1 : p, '"', WANT_NAME);
    s->escape = false;
    if (!name || !(p = string(s, ++name)))
        return LP_SCAN_BAD;
    m->name = (struct lp_str){(const char *)name, (size_t)(p - name) - 1};
    m->escaped = s->escape;
    if (!(v = reach(s, p, ':', WANT_COLON)))
        return LP_SCAN_BAD;
    v = space(s, v + 1);
    if (!(p = value(s, v, 1)))
        return LP_SCAN_BAD;
    m->value = (struct lp_str){(const char *)v, (size_t)(p - v)};
    s->begun = true;
    s->p = p;
    return LP_SCAN_MEMBER;
}
