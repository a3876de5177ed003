/* offline - see leadpipe/offline.h */
#include "leadpipe/offline.h"

#include <stdlib.h>
#include "leadpipe/address.h"
#include "leadpipe/enrichment.h"
#include "leadpipe/hash.h"
#include "leadpipe/idn.h"
#include "leadpipe/key.h"
#include "leadpipe/json.h"
#include "leadpipe/provider.h"
#include "leadpipe/psl.h"
#include "leadpipe/table.h"
#include "leadpipe/typo.h"

/*
 * - Everything is worked out in `start`: there is nobody to wait for.
 * - Guesses come first and rows of the table replace them, so that one answer holds the best of both.
 * - The strings in hand are JSON texts; they live in `text` until the item is answered.
 */
#define COMPANY 0.4 /* domains are named after firms, brands, towns and families */
#define TABLED  1.0

enum { SAYS = LP_TABLE_COLUMNS };

struct said {
    const char *field;
    struct lp_str json;
    double confidence;
};

struct offline {
    struct lp_lists *lists;
    struct known_domain *domain; /* KNOWN_DOMAINS of them */
    struct lp_table *table;
    bool by_email;
    struct lp_arena text;
    struct lp_buf data, confidence, scratch;
    struct said said[SAYS];
    size_t n;
};

static void say(struct offline *o, const char *field, struct lp_str json, double confidence)
{
    size_t i = 0;
    while (i < o->n && strcmp(o->said[i].field, field) != 0)
        i++;
    if (i == SAYS)
        return;
    o->n += i == o->n;
    o->said[i] = (struct said){field, json, confidence};
}

static void say_text(struct offline *o, const char *field, struct lp_str text, double confidence)
{
    lp_buf_reset(&o->scratch);
    lp_json_put(&o->scratch, text);
    say(o, field, lp_arena_str(&o->text, lp_buf_view(&o->scratch)), confidence);
}

static void say_name(struct offline *o, struct lp_str local)
{
    struct lp_offline_name name;
    if (!lp_offline_name(o->lists, local, &name))
        return;
    if (name.first_len)
        say_text(o, "first_name", (struct lp_str){name.first, name.first_len}, name.confidence);
    if (name.last_len)
        say_text(o, "last_name", (struct lp_str){name.last, name.last_len}, name.confidence);
}

/* --- domains --------------------------------------------------------------------------------- */

/* The public suffix list, three lists and the typo table take longer than all the rest, and leads come
 * by the company: what was found out about a domain is kept, the last comer in its place. */
enum { KNOWN_DOMAINS = 4096, DOMAIN_TEXT = 120 };

struct known_domain {
    bool free_mail, thrown;
    uint8_t domain_len, registrable_len, company_len; /* company: 0 is none to be read off it */
    char text[DOMAIN_TEXT];                           /* the domain, then the company as JSON */
};

static void find_company(
    struct offline *o, struct lp_str domain, struct lp_str registrable, struct lp_buf *json)
{
    struct lp_buf name = {0};
    /* "gmial.com" is no firm. */
    if (!lp_typo_domain(o->lists, domain).p && lp_offline_company(registrable, &name))
        lp_json_put(json, lp_buf_view(&name));
    lp_buf_free(&name);
}

static void find_out(struct offline *o, struct lp_str domain, struct known_domain *k)
{
    struct lp_str registrable = lp_psl_registrable(domain);
    *k = (struct known_domain){.domain_len = (uint8_t)domain.n,
        .registrable_len = (uint8_t)registrable.n,
        .free_mail = lp_lists_domain(o->lists, LP_LIST_FREE, domain),
        .thrown = lp_lists_domain(o->lists, LP_LIST_DISPOSABLE, domain)};
    memcpy(k->text, domain.p, domain.n);
    lp_buf_reset(&o->scratch);
    if (!k->free_mail && !k->thrown)
        find_company(o, domain, registrable, &o->scratch);
    if (o->scratch.len <= DOMAIN_TEXT - domain.n) {
        k->company_len = (uint8_t)o->scratch.len;
        memcpy(k->text + domain.n, o->scratch.p ? o->scratch.p : "", o->scratch.len);
    }
}

/* NULL for a domain too long to be kept, which no company has. */
static const struct known_domain *known(struct offline *o, struct lp_str domain)
{
    if (domain.n == 0 || domain.n > DOMAIN_TEXT / 2)
        return NULL;
    struct known_domain *k = &o->domain[lp_hash64(domain.p, domain.n) % KNOWN_DOMAINS];
    if (!lp_str_eq(domain, (struct lp_str){k->text, k->domain_len}))
        find_out(o, domain, k);
    return k;
}

static void say_tabled(struct offline *o, struct lp_str key)
{
    struct lp_table_cell cell[LP_TABLE_COLUMNS];
    size_t n = lp_table_find(o->table, key, cell);
    for (size_t i = 0; i < n; i++)
        say(o, cell[i].field, cell[i].value, TABLED);
}

static void look_up(struct offline *o, struct lp_str email, struct lp_str domain)
{
    if (!o->table)
        return;
    if (!o->by_email) {
        /* The row of the very domain comes last and wins, member by member. */
        struct lp_str registrable = lp_psl_registrable(domain);
        say_tabled(o, registrable);
        if (registrable.n != domain.n)
            say_tabled(o, domain);
        return;
    }
    lp_buf_reset(&o->scratch);
    if (email.n && lp_key(email, &o->scratch))
        say_tabled(o, lp_buf_view(&o->scratch));
}

/* --- one record ------------------------------------------------------------------------------ */

static void begin_answer(struct offline *o)
{
    o->n = 0;
    lp_arena_reset(&o->text);
    lp_buf_reset(&o->data);
    lp_buf_reset(&o->confidence);
    lp_buf_byte(&o->data, '{');
    lp_buf_byte(&o->confidence, '{');
}

static void put_said(struct offline *o)
{
    for (size_t i = 0; i < o->n; i++) {
        lp_json_put_raw(&o->data, o->said[i].field, o->said[i].json);
        lp_json_put_num(&o->confidence, o->said[i].field, o->said[i].confidence, 2);
    }
    lp_buf_byte(&o->data, '}');
    lp_buf_byte(&o->confidence, '}');
}

static void say_company(struct offline *o, const struct known_domain *k)
{
    if (!k || k->company_len == 0)
        return;
    struct lp_str registrable = {k->text + k->domain_len - k->registrable_len, k->registrable_len};
    say(o, "company_name", (struct lp_str){k->text + k->domain_len, k->company_len}, COMPANY);
    say_text(o, "company_domain", registrable, COMPANY);
}

/* What the address tells, and the flags about it. */
static void read_address(struct offline *o, const struct lp_address *a)
{
    struct lp_str domain = lp_address_domain(a), local = lp_address_local(a);
    static const struct known_domain nothing;
    const struct known_domain *k = known(o, domain);
    bool role = lp_lists_role(o->lists, local);
    if (!k)
        k = &nothing;
    lp_json_put_str(&o->data, "domain", domain);
    lp_json_put_bool(&o->data, "free", k->free_mail);
    lp_json_put_bool(&o->data, "role", role);
    lp_json_put_bool(&o->data, "disposable", k->thrown);
    if (!role && !k->thrown)
        say_name(o, local);
    say_company(o, k);
}

/* Of a contact without an address; as lists have it, in any case. */
static struct lp_str own_domain(struct offline *o, struct lp_rec *rec)
{
    struct lp_str domain;
    lp_buf_reset(&o->scratch);
    if (!lp_rec_string(rec, "domain", &domain) || !lp_idn_to_ascii(domain, &o->scratch))
        return (struct lp_str){0};
    return lp_arena_str(&o->text, lp_buf_view(&o->scratch));
}

static void answer(struct offline *o, struct lp_item *item)
{
    struct lp_address a = {0};
    struct lp_str email = {0}, domain = {0};
    begin_answer(o);
    if (lp_rec_string(item->rec, "email", &email) && lp_address_parse(email, NULL, &a)) {
        read_address(o, &a);
        domain = lp_address_domain(&a);
    } else {
        domain = own_domain(o, item->rec);
        say_company(o, known(o, domain));
    }
    look_up(o, email, domain);
    put_said(o);
    lp_item_answer(item, o->n ? LP_OK : LP_NOT_FOUND, LP_CLASS_NONE, lp_buf_view(&o->data),
        lp_buf_view(&o->confidence), (struct lp_str){0});
}

static void start(struct lp_provider *p, struct lp_call *call)
{
    for (size_t i = 0; i < call->n; i++)
        answer(p->handle, call->items[i]);
    lp_call_results(call);
}

/* --- life ------------------------------------------------------------------------------------ */

static void close_offline(struct lp_provider *p)
{
    struct offline *o = p->handle;
    if (!o)
        return;
    lp_lists_del(o->lists);
    lp_table_del(o->table);
    free(o->domain);
    lp_arena_free(&o->text);
    lp_buf_free(&o->data);
    lp_buf_free(&o->confidence);
    lp_buf_free(&o->scratch);
    free(o);
    p->handle = NULL;
}

static int open_table(struct offline *o, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_buf path = {0}, key = {0};
    int r = 0;
    lp_provider_text(p, "key", &key);
    o->by_email = key.p && strcmp(key.p, "email") == 0;
    if (!o->by_email && (!key.p || strcmp(key.p, "domain") != 0)) {
        r = lp_err_set(err, LP_ERR_CONFIG, "config",
            "providers.%s.key: must be \"domain\" or \"email\"", p->name);
    } else if (lp_provider_text(p, "table", &path)) {
        o->table = lp_table_load(path.p, key.p, err);
        r = o->table ? 0 : lp_err_prefix(err, "providers.%s.table: ", p->name);
    }
    lp_buf_free(&path);
    lp_buf_free(&key);
    return r;
}

static int open_offline(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    struct offline *o = lp_alloc(sizeof *o);
    struct lp_buf dir = {0};
    (void)g;
    p->handle = o;
    o->domain = lp_alloc(KNOWN_DOMAINS * sizeof *o->domain);
    bool own = lp_provider_text(p, "lists", &dir);
    o->lists = lp_lists_new(own ? dir.p : NULL, err);
    lp_buf_free(&dir);
    if (!o->lists || open_table(o, p, err)) {
        close_offline(p);
        return -1;
    }
    return 0;
}

static const char *const capabilities[] = {"lead_enrichment", NULL};
static const struct lp_setting settings[] = {{.name = "table", .text = true},
    {.name = "key", .preset = "\"domain\""}, {.name = "lists", .text = true}, {.name = NULL}};

const struct lp_driver lp_driver_offline = {
    .name = "offline",
    .capabilities = capabilities,
    .settings = settings,
    .embedded = true, /* one record a call: waiting for more would only delay */
    .max_in_flight = 1,
    .open = open_offline,
    .close = close_offline,
    .start = start,
};
