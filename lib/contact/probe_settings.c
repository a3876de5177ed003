/* probe_settings - see probe_settings.h */
#include "probe_settings.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>
#include "leadpipe/json.h"

#define SMTP_PORT    25
#define PACE         2 /* recipients a second at one host */
#define CONNECT_S    10
#define REPLY_S      20
#define CANARY_EVERY 100

static int wrong(const struct lp_provider *p, const char *key, const char *must, struct lp_err *err)
{
    return lp_err_set(
        err, LP_ERR_CONFIG, "config", "providers.%s.%s: must be %s", p->name, key, must);
}

/* false: it is not there. */
static bool given(const struct lp_provider *p, const char *key, struct lp_str *v)
{
    *v = lp_provider_setting(p, key);
    return v->p && lp_json_type(*v) != LP_JSON_NULL;
}

static int read_flag(const struct lp_provider *p, const char *key, bool *to, struct lp_err *err)
{
    struct lp_str v;

    if (!given(p, key, &v))
        return 0;
    *to = lp_json_true(v);
    if (!*to && lp_json_type(v) != LP_JSON_FALSE)
        return wrong(p, key, "true or false", err);
    return 0;
}

static int read_number(const struct lp_provider *p, const char *key, double least, double most,
    const char *must, double *to, struct lp_err *err)
{
    struct lp_str v;

    if (!given(p, key, &v))
        return 0;
    if (lp_json_type(v) != LP_JSON_NUMBER || !lp_json_real(v, to) || *to < least || *to > most)
        return wrong(p, key, must, err);
    return 0;
}

/* A name as a host may have: it goes into EHLO as it stands. */
static bool is_host_name(const char *s)
{
    const char *p = s;

    while (isalnum((unsigned char)*p) || (*p && strchr("-._[]:", *p)))
        p++;
    return *p == '\0' && p > s && p - s <= 255;
}

static int read_helo(struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err)
{
    char own[256] = "";
    struct lp_str v;

    if (given(p, "helo", &v)) {
        if (!lp_provider_text(p, "helo", &s->helo) || !is_host_name(s->helo.p))
            return wrong(p, "helo", "the name of this host", err);
        return 0;
    }
    gethostname(own, sizeof own - 1);
    lp_buf_puts(&s->helo, is_host_name(own) ? own : "localhost");
    return 0;
}

static int read_mail_from(
    struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_address a;
    struct lp_str v;

    lp_buf_grow(&s->mail_from, 1);
    s->mail_from.p[0] = '\0';
    if (!given(p, "mail_from", &v))
        return 0;
    if (lp_provider_text(p, "mail_from", &s->mail_from) && s->mail_from.len == 0)
        return 0;
    if (!lp_address_parse(lp_buf_view(&s->mail_from), NULL, &a) || a.smtputf8)
        return wrong(p, "mail_from", "an address, or \"\" for the null sender", err);
    /* Its domain as A-labels, which every host takes. */
    lp_buf_reset(&s->mail_from);
    lp_buf_printf(&s->mail_from, "%s@%s", a.local, a.domain);
    return 0;
}

static bool read_address(struct lp_str v, struct lp_address *to)
{
    struct lp_buf text = {0};
    bool is_one = lp_json_type(v) == LP_JSON_STRING && lp_json_decode(v, &text) &&
                  lp_address_parse(lp_buf_view(&text), NULL, to);

    lp_buf_free(&text);
    return is_one;
}

static int read_canary(struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_str list, name, v;
    struct lp_json_iter it;
    bool is_pair;

    if (!given(p, "canary", &list))
        return 0;
    it = lp_json_iter(list);
    is_pair = lp_json_type(list) == LP_JSON_ARRAY && lp_json_next(&it, &name, &v) &&
              read_address(v, &s->good) && lp_json_next(&it, &name, &v) &&
              read_address(v, &s->bad) && !lp_json_next(&it, &name, &v);
    if (!is_pair)
        return wrong(p, "canary", "an array of two addresses: known good, known bad", err);
    s->options.good = &s->good;
    s->options.bad = &s->bad;
    return 0;
}

static int read_numbers(
    struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err)
{
    double port = SMTP_PORT, rate = PACE, connect_s = CONNECT_S, reply_s = REPLY_S,
           every = CANARY_EVERY;

    if (read_number(p, "probe_port", 1, 65535, "a port number", &port, err) ||
        read_number(p, "probe_rate", 0.001, 1000, "recipients a second, above 0", &rate, err) ||
        read_number(p, "connect_timeout_s", 0.1, 600, "seconds, 0.1 to 600", &connect_s, err) ||
        read_number(p, "reply_timeout_s", 0.1, 600, "seconds, 0.1 to 600", &reply_s, err) ||
        read_number(p, "canary_every", 1, 1e9, "a number of addresses", &every, err))
        return -1;
    s->options.port = (uint16_t)port;
    s->options.rate = rate;
    s->options.connect_ms = (int64_t)(connect_s * 1000);
    s->options.reply_ms = (int64_t)(reply_s * 1000);
    s->options.canary_every = (unsigned)every;
    return 0;
}

int lp_probe_settings_read(
    struct lp_probe_settings *s, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_str port;

    *s = (struct lp_probe_settings){.options = {.name = p->name, .total_ms = p->timeout_ms}};
    if (read_flag(p, "probe", &s->on, err) || read_numbers(s, p, err) || read_helo(s, p, err) ||
        read_mail_from(s, p, err) || read_canary(s, p, err))
        return -1;
    /* A domain must not make us talk to our own mail server; a port of one's own is for trials. */
    s->options.anywhere = given(p, "probe_port", &port);
    s->options.helo = s->helo.p;
    s->options.mail_from = s->mail_from.p;
    return 0;
}

void lp_probe_settings_free(struct lp_probe_settings *s)
{
    lp_buf_free(&s->helo);
    lp_buf_free(&s->mail_from);
}
