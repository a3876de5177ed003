/*
 * adapter_fuzz - any bytes as an adapter, of which C reads the metadata
 *
 * Holds: metadata is one JSON object, found again where it is written back; and whatever it says of
 * settings and limits, a provider is made of it or it is refused with a reason.
 */
#include "../../lib/gateway/gateway.h"
#include "leadpipe/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "adapter: does not hold: %s\n", what);
        abort();
    }
}

static char home[64], adapter[160];

static void leave(void)
{
    char path[128];

    unlink(adapter);
    snprintf(path, sizeof path, "%s/leadpipe/providers", home);
    rmdir(path);
    snprintf(path, sizeof path, "%s/leadpipe", home);
    rmdir(path);
    rmdir(home);
}

/* A directory for users' adapters, with room for one. */
static void settle(void)
{
    char path[128];

    snprintf(home, sizeof home, "/tmp/lp-adapter-XXXXXX");
    if (!mkdtemp(home))
        abort();
    atexit(leave);
    setenv("XDG_CONFIG_HOME", home, 1);
    snprintf(path, sizeof path, "%s/leadpipe", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/leadpipe/providers", home);
    mkdir(path, 0700);
    snprintf(adapter, sizeof adapter, "%s/fuzzed.jq", path);
}

static void check_again(struct lp_str meta)
{
    struct lp_buf module = {0}, again = {0};
    struct lp_err err = {0};

    LP_BUF_LIT(&module, "# again\nmodule ");
    lp_buf_str(&module, meta);
    LP_BUF_LIT(&module, ";\ndef request: \"}\";\n");
    hold(lp_adapter_meta(lp_buf_view(&module), &again, &err) == 0, "what was read is read again");
    hold(lp_str_eq(lp_buf_view(&again), meta), "and is the same");
    lp_buf_free(&module);
    lp_buf_free(&again);
}

static void make(const uint8_t *data, size_t n)
{
    struct lp_config none = {0};
    struct lp_provider *p;
    struct lp_err err = {0};
    FILE *f = fopen(adapter, "w");

    if (!f || fwrite(data, 1, n, f) != n || fclose(f))
        abort();
    LP_BUF_LIT(&none.json, "{}");
    int r = lp_provider_make(&p, &none, "fuzzed", "lead_enrichment", NULL, true, &err);
    if (r == 1) {
        hold(p->batch >= 1 && p->batch <= 1024 && p->tries >= 1, "limits hold");
        hold(p->rate_requests == 0 || p->rate_per_ms >= 1, "a rate is one");
        lp_provider_del(p);
    } else {
        hold(r < 0 && err.kind == LP_ERR_CONFIG && err.msg[0], "a refusal has its reason");
    }
    lp_config_free(&none);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct lp_buf meta = {0};
    struct lp_err err = {0};
    size_t at;
    const char *why;

    if (!home[0])
        settle();
    if (lp_adapter_meta((struct lp_str){(const char *)data, n}, &meta, &err) == 0) {
        hold(lp_json_check(lp_buf_view(&meta), &at, &why), "metadata is JSON");
        hold(lp_json_type(lp_buf_view(&meta)) == LP_JSON_OBJECT, "an object");
        check_again(lp_buf_view(&meta));
        make(data, n);
    } else {
        hold(err.kind == LP_ERR_CONFIG && err.msg[0], "a refusal has its reason");
    }
    lp_buf_free(&meta);
    return 0;
}
