/* local - see leadpipe/local.h */
#include "local_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include "leadpipe/fold.h"
#include "leadpipe/log.h"

#define DEADLINE_MS 6000 /* of one domain: two tries, the second with twice the patience */

/* A record on its way through DNS and past the mail host. */
struct job {
    struct lp_call *call;
    struct lp_item *item;
    struct local *local;
    struct lp_local_verdict verdict;
    unsigned host;            /* of the domain's mail hosts: it is looked for, or found */
    bool found;               /* it has an address */
    enum lp_dns_kind failure; /* why one before it was not found; LP_DNS_MX: it is nowhere */
    enum lp_dns_kind doubted; /* what was said of the domain and waits for the witness */
    struct job *prev, *next;  /* of those under way; `next` of the spare ones */
};

/* --- records --------------------------------------------------------------------------------- */

static struct job *take_job(struct local *l)
{
    struct job *j = l->spare;

    if (j)
        l->spare = j->next;
    else
        j = lp_alloc(sizeof *j);
    j->prev = NULL;
    j->next = l->jobs;
    if (l->jobs)
        l->jobs->prev = j;
    l->jobs = j;
    return j;
}

static void give_back(struct local *l, struct job *j)
{
    *(j->prev ? &j->prev->next : &l->jobs) = j->next;
    if (j->next)
        j->next->prev = j->prev;
    j->next = l->spare;
    l->spare = j;
}

static void answer(struct local *l, struct lp_item *item, const struct lp_local_verdict *v)
{
    lp_buf_reset(&l->data);
    lp_verify_local_put(v, &l->data);
    lp_item_answer(item, LP_OK, LP_CLASS_NONE, lp_buf_view(&l->data), lp_verify_local_confidence(v),
        lp_str(v->detail));
}

static bool all_answered(const struct lp_call *call)
{
    for (size_t i = 0; i < call->n; i++)
        if (!call->items[i]->answered)
            return false;
    return true;
}

/* The record has its verdict. */
static void end(struct job *j)
{
    struct lp_call *call = j->call;

    answer(j->local, j->item, &j->verdict);
    give_back(j->local, j);
    if (all_answered(call))
        lp_call_results(call);
}

static void on_probe(void *arg, const struct lp_probe_verdict *said)
{
    struct job *j = arg;

    lp_verify_local_probed(&j->verdict, said);
    end(j);
}

/* Without DNS the verdicts are all alike: say why, once. */
static void warn(struct local *l, const char *why)
{
    if (!l->warned)
        lp_log_warn("local: %s; addresses stay unknown (provider_error)", why);
    l->warned = true;
}

static void judge_by(struct job *j, const struct lp_dns_answer *a)
{
    lp_verify_local_mx(&j->local->rules, &j->verdict, a);
    if (a->kind == LP_DNS_NO_NETWORK)
        warn(j->local, LOCAL_UNREACHABLE);
}

/* The domain's own answer is there: true if that is the verdict, false if the mail host is asked. */
static bool judge_mail(struct job *j, const struct lp_dns_answer *a)
{
    struct local *l = j->local;

    judge_by(j, a);
    if (!l->prober || !lp_verify_local_open_to_probe(&j->verdict))
        return true;
    lp_prober_ask(l->prober, &j->verdict.address, a, on_probe, j);
    return false;
}

static bool hear_witness(struct job *j, const struct lp_dns_answer *a)
{
    static const struct lp_dns_answer implicit = {.kind = LP_DNS_IMPLICIT};
    bool believed = lp_verify_local_believed(j->doubted, a);

    if (believed && j->doubted == LP_DNS_IMPLICIT)
        return judge_mail(j, &implicit);
    lp_verify_local_doubted(&j->verdict, j->doubted, a);
    if (a->kind < LP_DNS_SERVFAIL && !believed)
        warn(j->local, LOCAL_KNOW_NOTHING);
    return true;
}

static void on_witness(void *arg, const struct lp_dns_answer *a)
{
    if (hear_witness(arg, a))
        end(arg);
}

/* Behind a closed door a resolver may say of every name that it does not exist, that there is nothing of
 * it, or that its address is the door's: before that counts, it must know a name that does exist. True:
 * the verdict is there. */
static bool doubt(struct job *j, enum lp_dns_kind said)
{
    const struct lp_dns_answer *a;

    j->doubted = said;
    a = lp_dns_ask(j->local->dns, LP_DNS_ZONE, lp_verify_local_witness(&j->verdict), on_witness, j);
    return a && hear_witness(j, a);
}

static bool judge(struct job *j, const struct lp_dns_answer *a);

static void on_mx(void *arg, const struct lp_dns_answer *a)
{
    if (judge(arg, a))
        end(arg);
}

/* Where DNS says nothing at all the rest are not waited for. */
static bool judge_host(struct job *j, const struct lp_dns_answer *addresses)
{
    const struct lp_dns_answer *a;

    j->found = addresses->kind == LP_DNS_IMPLICIT;
    if (addresses->kind >= LP_DNS_SERVFAIL)
        j->failure = addresses->kind;
    if (addresses->kind > LP_DNS_SERVFAIL)
        j->host = LP_DNS_HOSTS;
    else if (!j->found)
        j->host++;
    a = lp_dns_mx(j->local->dns, lp_address_domain(&j->verdict.address), on_mx, j);
    return a && judge(j, a);
}

static void on_addresses(void *arg, const struct lp_dns_answer *addresses)
{
    if (judge_host(arg, addresses))
        end(arg);
}

static void judge_without_host(struct job *j)
{
    const struct lp_dns_answer failed = {.kind = j->failure};

    if (j->failure)
        judge_by(j, &failed);
    else
        lp_verify_local_no_host(&j->verdict);
}

/* A domain whose mail hosts are all nowhere takes no mail (RFC 5321, 5.1). */
static bool find_host(struct job *j, const struct lp_dns_answer *mx)
{
    const char *host = lp_dns_host(mx, j->host, NULL);
    struct lp_buf name = {0};
    const struct lp_dns_answer *a;

    if (!host) {
        judge_without_host(j);
        return true;
    }
    lp_fold_ascii(lp_str(host), &name);
    a = lp_dns_ask(j->local->dns, LP_DNS_ADDRESSES, lp_buf_view(&name), on_addresses, j);
    lp_buf_free(&name);
    return a && judge_host(j, a);
}

static bool judge(struct job *j, const struct lp_dns_answer *a)
{
    if (a->kind == LP_DNS_NXDOMAIN || a->kind == LP_DNS_NO_ADDRESS || a->kind == LP_DNS_IMPLICIT)
        return doubt(j, a->kind);
    return a->kind == LP_DNS_MX && !j->found ? find_host(j, a) : judge_mail(j, a);
}

static void begin(struct local *l, struct lp_call *call, struct lp_item *item)
{
    struct job *j = take_job(l);
    const struct lp_dns_answer *a = NULL;
    struct lp_str email = {"", 0};
    bool wants_dns;

    j->call = call;
    j->item = item;
    j->local = l;
    j->host = 0;
    j->found = false;
    j->failure = LP_DNS_MX;
    lp_rec_string(item->rec, "email", &email);
    wants_dns = lp_verify_local_begin(&l->rules, email, &j->verdict);
    if (wants_dns)
        a = lp_dns_mx(l->dns, lp_address_domain(&j->verdict.address), on_mx, j);
    if (wants_dns && (!a || !judge(j, a)))
        return;
    answer(l, item, &j->verdict);
    give_back(l, j);
}

void lp_local_start(struct lp_provider *p, struct lp_call *call)
{
    for (size_t i = 0; i < call->n; i++)
        begin(p->handle, call, call->items[i]);
    if (all_answered(call))
        lp_call_results(call);
}

void lp_local_cancel(struct lp_provider *p, struct lp_call *call)
{
    struct local *l = p->handle;

    for (struct job *j = l->jobs, *next; j; j = next) {
        next = j->next;
        if (j->call != call)
            continue;
        lp_dns_cancel(l->dns, j);
        if (l->prober)
            lp_prober_cancel(l->prober, j);
        give_back(l, j);
    }
    if (call->check)
        lp_dns_cancel(l->dns, call);
}

/* --- the loop -------------------------------------------------------------------------------- */

unsigned lp_local_fds(struct lp_provider *p, struct pollfd *fds, unsigned room)
{
    struct local *l = p->handle;
    /* The prober first: what it does may put questions to DNS. */
    unsigned n = l->prober ? lp_prober_fds(l->prober, fds, room) : 0;

    return n + lp_dns_pollfds(l->dns, fds + n, room - n);
}

int lp_local_timeout(struct lp_provider *p)
{
    struct local *l = p->handle;
    int probe = l->prober ? lp_prober_timeout(l->prober) : -1, dns = lp_dns_timeout(l->dns);

    return probe < 0 || (dns >= 0 && dns < probe) ? dns : probe;
}

void lp_local_dispatch(struct lp_provider *p, const struct pollfd *fds, unsigned n)
{
    struct local *l = p->handle;

    lp_dns_dispatch(l->dns, fds, n);
    if (l->prober)
        lp_prober_dispatch(l->prober, fds, n);
}

/* --- life ------------------------------------------------------------------------------------ */

/* The prober puts its questions to the resolver: a new one needs a new other. */
int local_open_network(struct local *l, struct lp_err *err)
{
    struct lp_dns_options options = {.servers = l->servers, .deadline_ms = l->deadline_ms};

    lp_prober_del(l->prober);
    l->prober = NULL;
    lp_dns_del(l->dns);
    l->dns = lp_dns_new(&options, err);
    if (l->dns && l->probe.on)
        l->prober = lp_prober_new(&l->probe.options, l->dns, err);
    return l->dns && (l->prober || !l->probe.on) ? 0 : -1;
}

const char *const lp_local_capabilities[] = {"email_verification", NULL};
const struct lp_setting lp_local_settings[] = {{.name = "lists", .text = true},
    {.name = "dns", .text = true}, {.name = "accept"}, {.name = "allow"},
    {.name = "check_domain", .preset = "\"example.com\""}, {.name = "probe"},
    {.name = "probe_port"}, {.name = "probe_rate"}, {.name = "helo"}, {.name = "mail_from"},
    {.name = "connect_timeout_s"}, {.name = "reply_timeout_s"}, {.name = "canary"},
    {.name = "canary_every"}, {.name = NULL}};

static int set_accept(struct local *l, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_str v = lp_provider_setting(p, "accept");

    if (!v.p || lp_json_type(v) == LP_JSON_NULL)
        return 0;
    l->rules.accept_mx = lp_json_is(v, "mx");
    if (!l->rules.accept_mx)
        return lp_err_set(
            err, LP_ERR_CONFIG, "config", "providers.%s.accept: must be \"mx\"", p->name);
    return 0;
}

static int set_allow(struct local *l, const struct lp_provider *p, struct lp_err *err)
{
    struct lp_address_policy *policy = &l->rules.policy;
    const struct {
        const char *word;
        bool *allow;
    } forms[] = {{"quoted", &policy->quoted}, {"comments", &policy->comments},
        {"literals", &policy->literals}};
    struct lp_str list = lp_provider_setting(p, "allow"), name, v;
    struct lp_json_iter it;

    if (!list.p || lp_json_type(list) == LP_JSON_NULL)
        return 0;
    bool good = lp_json_type(list) == LP_JSON_ARRAY;
    it = lp_json_iter(list);
    while (good && lp_json_next(&it, &name, &v)) {
        good = false;
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (lp_json_is(v, forms[i].word))
                good = *forms[i].allow = true;
    }
    if (good)
        return 0;
    return lp_err_set(err, LP_ERR_CONFIG, "config",
        "providers.%s.allow: must be an array of \"quoted\", \"comments\", \"literals\"", p->name);
}

/* An option's word, else the setting's; NULL where neither says anything. */
static const char *word_of(
    const struct lp_provider *p, const char *name, const char *option, struct lp_buf *text)
{
    if (option)
        return option;
    return lp_provider_text(p, name, text) ? text->p : NULL;
}

static int open_parts(struct local *l, const struct lp_provider *p,
    const struct lp_local_options *o, struct lp_err *err)
{
    struct lp_buf lists = {0}, dns = {0};
    const char *dir = word_of(p, "lists", o->lists, &lists);
    const char *servers = word_of(p, "dns", o->dns, &dns);

    l->servers = servers ? lp_strdup(servers) : NULL;
    l->deadline_ms =
        p->timeout_ms > 0 && p->timeout_ms < DEADLINE_MS ? (int)p->timeout_ms : DEADLINE_MS;
    l->lists = lp_lists_new(dir, err);
    if (!l->lists && dir && !o->lists)
        lp_err_prefix(err, "providers.%s.lists: ", p->name);
    l->rules.lists = l->lists;
    lp_buf_free(&lists);
    lp_buf_free(&dns);
    return l->lists ? local_open_network(l, err) : -1;
}

static int read_settings(struct local *l, const struct lp_provider *p, struct lp_err *err)
{
    if (set_accept(l, p, err) || set_allow(l, p, err))
        return -1;
    return lp_probe_settings_read(&l->probe, p, err);
}

/* Before the first record is read. Mail hosts may take half a minute: with the probe nobody waits for
 * others in a batch, and as many are under way as the window holds. */
int lp_local_accept(struct lp_provider *p, struct lp_err *err)
{
    struct local l = {0};
    int r = read_settings(&l, p, err);

    if (l.probe.on && p->batch == LP_LOCAL_BATCH) {
        p->batch = 1;
        p->max_in_flight *= LP_LOCAL_BATCH;
    }
    lp_probe_settings_free(&l.probe);
    return r;
}

int lp_local_open(struct lp_provider *p, const struct lp_local_options *o, struct lp_err *err)
{
    static const struct lp_local_options none = {0};
    struct local *l = lp_alloc(sizeof *l);

    p->handle = l;
    if (read_settings(l, p, err) == 0 && open_parts(l, p, o ? o : &none, err) == 0)
        return 0;
    lp_local_close(p);
    return -1;
}

static void free_jobs(struct job *j)
{
    while (j) {
        struct job *next = j->next;
        free(j);
        j = next;
    }
}

void lp_local_close(struct lp_provider *p)
{
    struct local *l = p->handle;

    if (!l)
        return;
    lp_prober_del(l->prober);
    lp_dns_del(l->dns);
    lp_probe_settings_free(&l->probe);
    lp_lists_del(l->lists);
    free(l->servers);
    free_jobs(l->jobs);
    free_jobs(l->spare);
    lp_buf_free(&l->data);
    free(l);
    p->handle = NULL;
}

static int open_plain(struct lp_gateway *g, struct lp_provider *p, struct lp_err *err)
{
    (void)g;
    return lp_local_open(p, NULL, err);
}

const struct lp_driver lp_driver_local = LP_LOCAL_DRIVER(open_plain);
