/* Requests that may be sent and redirects that may be followed; see leadpipe/http_check.h. */
#include "leadpipe/http_check.h"
#include <strings.h>

static bool is_token(const char *s)
{
    static const char other[] = "!#$%&'*+-.^_`|~";
    const char *p = s;
    for (; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                strchr(other, *p)))
            return false;
    return p > s;
}

static bool is_clean(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= ' ' || p[i] == 0x7f)
            return false;
    return true;
}

int lp_http_check(const struct lp_http_request *q, struct lp_err *err)
{
    const char *why = NULL;
    if (!is_token(q->method))
        why = "the request's method is no token";
    if (!is_clean(q->url, strlen(q->url)))
        why = "blank or control byte in the request's URL";
    for (const char *const *h = q->headers; h && *h && !why; h++) {
        size_t name = strcspn(*h, ":");
        if (strpbrk(*h, "\r\n"))
            why = "line break in a header of the request";
        else if (!name || (*h)[name] != ':')
            why = "header of the request without a name";
    }
    return why ? lp_err_set(err, LP_ERR_RECORD, "bad_request", "%s", why) : 0;
}

bool lp_http_check_header(const struct lp_http_request *q, const char *name)
{
    size_t n = strlen(name);
    for (const char *const *h = q->headers; h && *h; h++)
        if (strncasecmp(*h, name, n) == 0 && (*h)[n] == ':')
            return true;
    return false;
}

bool lp_http_is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* "scheme://authority" as its two parts; 0 if the text does not begin so, else their length. */
struct origin {
    struct lp_str scheme, authority;
};

static size_t split(struct lp_str url, struct origin *o)
{
    size_t i = 0;
    while (i < url.n && !strchr(":/?#", url.p[i]))
        i++;
    if (i + 3 > url.n || memcmp(url.p + i, "://", 3) != 0)
        return 0;
    size_t end = i + 3;
    while (end < url.n && !strchr("/?#\\", url.p[end]))
        end++;
    *o = (struct origin){{url.p, i}, {url.p + i + 3, end - i - 3}};
    return end;
}

static bool same_letters(struct lp_str a, struct lp_str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static struct lp_str without_default_port(struct origin o)
{
    const char *port = same_letters(o.scheme, LP_STR("https")) ? ":443" : ":80";
    size_t n = strlen(port);
    if (o.authority.n > n && memcmp(o.authority.p + o.authority.n - n, port, n) == 0)
        o.authority.n -= n;
    return o.authority;
}

static bool same_origin(struct origin a, struct origin b)
{
    return same_letters(a.scheme, b.scheme) &&
           same_letters(without_default_port(a), without_default_port(b));
}

/* How much of the old URL (whose origin takes `origin` bytes) stays in front of a relative one. */
static size_t kept(struct lp_str url, size_t origin, char first)
{
    size_t end = origin;
    while (end < url.n && url.p[end] != '?')
        end++;
    if (first == '?')
        return end;
    while (end > origin && url.p[end - 1] != '/')
        end--;
    return end;
}

/* "file:...": a colon before any slash. */
static bool has_scheme(struct lp_str url)
{
    size_t i = 0;
    while (i < url.n && !strchr(":/?", url.p[i]))
        i++;
    return i < url.n && url.p[i] == ':';
}

static bool follow(struct lp_buf *url, struct lp_str location)
{
    struct origin here, there;
    const char *fragment = location.n ? memchr(location.p, '#', location.n) : NULL;
    if (fragment)
        location.n = (size_t)(fragment - location.p);
    size_t origin = split(lp_buf_view(url), &here), named = split(location, &there);
    if (!origin || !location.n || !is_clean(location.p, location.n))
        return false;
    if (location.n >= 2 && memcmp(location.p, "//", 2) == 0) {
        size_t end = 2;
        while (end < location.n && !strchr("/?\\", location.p[end]))
            end++;
        there = (struct origin){here.scheme, {location.p + 2, end - 2}};
        named = end;
    }
    if (named && !same_origin(here, there))
        return false;
    const char *rest = location.p + named;
    size_t n = location.n - named;
    if (!named && has_scheme(location))
        return false;
    size_t keep = named || *rest == '/' ? origin : kept(lp_buf_view(url), origin, *rest);
    url->len = keep;
    if (keep == origin && (n == 0 || *rest != '/') && (n == 0 || *rest != '?'))
        lp_buf_byte(url, '/');
    lp_buf_add(url, rest, n);
    return true;
}

const char *lp_http_redirect(
    const char *method, long status, struct lp_str location, struct lp_buf *url)
{
    bool safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!safe && status != 307 && status != 308)
        return "a redirect that changes the method";
    return follow(url, location) ? NULL : "a redirect to another host, port or scheme";
}
