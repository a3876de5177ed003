/* clock - see leadpipe/clock.h */
#include "leadpipe/clock.h"

#include <time.h>

#include "leadpipe/num.h"

enum { YEAR_MIN = 1970, YEAR_MAX = 9999, DAY_MS = 86400000 };

static struct {
    bool fixed;
    int64_t at;
} wall;

static struct {
    bool held;
    int64_t mono_us, real_us;
} still;

static int64_t read_us(clockid_t id)
{
    if (still.held)
        return id == CLOCK_REALTIME ? still.real_us : still.mono_us;
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t lp_clock_now(void)
{
    return wall.fixed ? wall.at : lp_clock_real();
}

void lp_clock_fix(int64_t utc_ms)
{
    wall.fixed = true;
    wall.at = utc_ms;
}

bool lp_clock_fixed(void)
{
    return wall.fixed;
}

int64_t lp_clock_real(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t lp_clock_mono(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t lp_clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void lp_clock_hold(void)
{
    still.real_us = read_us(CLOCK_REALTIME);
    still.mono_us = read_us(CLOCK_MONOTONIC);
    still.held = true;
}

void lp_clock_move(int64_t mono_ms)
{
    int64_t by = mono_ms * 1000 - still.mono_us;
    if (!still.held || by <= 0)
        return;
    still.mono_us += by;
    still.real_us += by;
}

/* --- the calendar ---------------------------------------------------------------------------- */

struct civil {
    int year, month, day, hour, minute, second;
    int ms;
};

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days before the first of the month in a common year; the 13th entry is the year's length. */
static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

static int days_before(int year, int month)
{
    return before_month[month - 1] + (month > 2 && leap(year));
}

static int days_in(int year, int month)
{
    return before_month[month] - before_month[month - 1] + (month == 2 && leap(year));
}

/* Days from 1970-01-01 to the first of January of the year. */
static int64_t days_to_year(int year)
{
    int64_t y = year - 1, leaps = y / 4 - y / 100 + y / 400, leaps_1970 = 477;
    return 365 * (int64_t)(year - 1970) + leaps - leaps_1970;
}

static bool to_utc(const struct civil *c, int64_t *utc_ms)
{
    if (c->year < YEAR_MIN || c->year > YEAR_MAX || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > days_in(c->year, c->month) || c->hour > 23 || c->minute > 59 || c->second > 60)
        return false;
    int64_t days = days_to_year(c->year) + days_before(c->year, c->month) + c->day - 1;
    *utc_ms = days * DAY_MS + ((c->hour * 60 + c->minute) * 60 + c->second) * INT64_C(1000) + c->ms;
    return true;
}

static struct civil from_utc(int64_t utc_ms)
{
    int64_t last = days_to_year(YEAR_MAX + 1) * DAY_MS - 1;
    utc_ms = utc_ms < 0 ? 0 : utc_ms > last ? last : utc_ms;
    int64_t days = utc_ms / DAY_MS;
    int ms = (int)(utc_ms % DAY_MS);
    struct civil c = {.year = 1970 + (int)(days / 366), .month = 12};
    while (days_to_year(c.year + 1) <= days)
        c.year++;
    days -= days_to_year(c.year);
    while (days_before(c.year, c.month) > days)
        c.month--;
    c.day = (int)days - days_before(c.year, c.month) + 1;
    c.hour = ms / 3600000;
    c.minute = ms / 60000 % 60;
    c.second = ms / 1000 % 60;
    c.ms = ms % 1000;
    return c;
}

static void put_padded(struct lp_buf *b, int v, int width)
{
    char text[4];
    for (int i = width; i-- > 0; v /= 10)
        text[i] = (char)('0' + v % 10);
    lp_buf_add(b, text, (size_t)width);
}

void lp_clock_put(struct lp_buf *b, int64_t utc_ms)
{
    struct civil c = from_utc(utc_ms);
    const struct {
        char before;
        int v, width;
    } parts[] = {{0, c.year, 4}, {'-', c.month, 2}, {'-', c.day, 2}, {'T', c.hour, 2},
        {':', c.minute, 2}, {':', c.second, 2}, {'.', c.ms, 3}};
    size_t n = sizeof parts / sizeof *parts - (c.ms == 0);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].before)
            lp_buf_byte(b, parts[i].before);
        put_padded(b, parts[i].v, parts[i].width);
    }
    lp_buf_byte(b, 'Z');
}

/* --- text to time ---------------------------------------------------------------------------- */

/* A reader that remembers the first mismatch, so that a format reads as the list of its parts. */
struct scan {
    const char *p, *end;
    bool bad;
};

static int take_digits(struct scan *s, int count)
{
    int v = 0;
    for (int i = 0; i < count; i++) {
        if (s->p == s->end || *s->p < '0' || *s->p > '9') {
            s->bad = true;
            return 0;
        }
        v = v * 10 + (*s->p++ - '0');
    }
    return v;
}

static char take_one_of(struct scan *s, const char *set)
{
    if (s->p < s->end && *s->p && strchr(set, *s->p))
        return *s->p++;
    s->bad = true;
    return 0;
}

static void take_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0) {
        s->bad = true;
        return;
    }
    s->p += n;
}

/* The 1-based place of one of `count` names of three letters. */
static int take_name(struct scan *s, const char *names, int count)
{
    for (int i = 0; i < count && s->end - s->p >= 3; i++) {
        if (memcmp(s->p, names + (ptrdiff_t)3 * i, 3) == 0) {
            s->p += 3;
            return i + 1;
        }
    }
    s->bad = true;
    return 0;
}

static void take_time(struct scan *s, struct civil *c)
{
    c->hour = take_digits(s, 2);
    take_text(s, ":");
    c->minute = take_digits(s, 2);
    take_text(s, ":");
    c->second = take_digits(s, 2);
}

static int take_fraction(struct scan *s)
{
    int ms = 0, unit = 100;
    if (s->p == s->end || *s->p != '.')
        return 0;
    s->p++;
    ms = take_digits(s, 1) * unit;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        unit /= 10;
        ms += (*s->p - '0') * unit;
    }
    return ms;
}

static int take_offset_minutes(struct scan *s)
{
    char sign = take_one_of(s, "Zz+-");
    if (sign != '+' && sign != '-')
        return 0;
    int hours = take_digits(s, 2);
    take_text(s, ":");
    int minutes = take_digits(s, 2);
    if (hours > 23 || minutes > 59)
        s->bad = true;
    return (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
}

bool lp_clock_parse(struct lp_str text, int64_t *utc_ms)
{
    struct scan s = {text.p, text.p + text.n, text.n == 0};
    struct civil c = {0};
    int offset = 0;
    c.year = take_digits(&s, 4);
    take_text(&s, "-");
    c.month = take_digits(&s, 2);
    take_text(&s, "-");
    c.day = take_digits(&s, 2);
    if (s.p < s.end) {
        take_one_of(&s, "Tt ");
        take_time(&s, &c);
        c.ms = take_fraction(&s);
        offset = take_offset_minutes(&s);
    }
    int64_t t;
    if (s.bad || s.p != s.end || !to_utc(&c, &t))
        return false;
    t -= offset * INT64_C(60000);
    /* A leap second comes only at the end of a UTC day; it counts as the second after. */
    if (c.second == 60 && t % DAY_MS >= 1000)
        return false;
    if (t < 0 || t >= days_to_year(YEAR_MAX + 1) * DAY_MS)
        return false;
    *utc_ms = t;
    return true;
}

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "MonTueWedThuFriSatSun";

/* After the weekday: " Nov  6 08:49:37 1994" */
static void take_asctime(struct scan *s, struct civil *c)
{
    take_text(s, " ");
    c->month = take_name(s, months, 12);
    take_text(s, " ");
    bool one_digit = s->p < s->end && *s->p == ' ';
    s->p += one_digit;
    c->day = take_digits(s, one_digit ? 1 : 2);
    take_text(s, " ");
    take_time(s, c);
    take_text(s, " ");
    c->year = take_digits(s, 4);
}

/* After the weekday: ", 06 Nov 1994 08:49:37 GMT" or ", 06-Nov-94 08:49:37 GMT" */
static void take_gmt(struct scan *s, struct civil *c, bool rfc850)
{
    const char *dash = rfc850 ? "-" : " ";
    take_text(s, ", ");
    c->day = take_digits(s, 2);
    take_text(s, dash);
    c->month = take_name(s, months, 12);
    take_text(s, dash);
    c->year = take_digits(s, rfc850 ? 2 : 4);
    if (rfc850) { /* a year that seems over 50 years ahead is the latest past one so ending */
        int now = from_utc(lp_clock_now()).year;
        c->year += now / 100 * 100;
        if (c->year > now + 50)
            c->year -= 100;
    }
    take_text(s, " ");
    take_time(s, c);
    take_text(s, " GMT");
}

bool lp_clock_parse_http(struct lp_str text, int64_t *utc_ms)
{
    static const char *const tails[] = {"day", "sday", "nesday", "rsday", "day", "urday", "day"};
    struct scan s = {text.p, text.p + text.n, text.n == 0};
    struct civil c = {0};
    int weekday = take_name(&s, weekdays, 7);
    if (s.bad || s.p == s.end)
        return false;
    if (*s.p == ' ') {
        take_asctime(&s, &c);
    } else {
        bool rfc850 = *s.p != ',';
        if (rfc850)
            take_text(&s, tails[weekday - 1]);
        take_gmt(&s, &c, rfc850);
    }
    int64_t t;
    if (s.bad || s.p != s.end || !to_utc(&c, &t))
        return false;
    *utc_ms = t;
    return true;
}

bool lp_clock_parse_duration(struct lp_str text, int64_t *ms)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3},
        {"w", 7 * 86400e3}};
    size_t n = 0;
    while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || text.p[n] == '.'))
        n++;
    double v;
    if (!lp_num_real((struct lp_str){text.p, n}, &v))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (!lp_str_is((struct lp_str){text.p + n, text.n - n}, units[i].name))
            continue;
        v = v * units[i].ms + 0.5;
        if (v >= 1e15)
            return false;
        *ms = (int64_t)v;
        return true;
    }
    return false;
}
