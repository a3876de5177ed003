/*
 * config_fuzz - any JSON as the configuration
 *
 * Holds: what is refused is refused with a reason, and with what is taken every provider it names can
 * be made or is refused with a reason too; limits lie within their bounds. Text that is no JSON would be
 * compiled by jq, whose matter it is.
 */
#include "../../lib/gateway/gateway.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void hold(bool claim, const char *what)
{
    if (!claim) {
        fprintf(stderr, "config: does not hold: %s\n", what);
        abort();
    }
}

static void check_reason(const struct lp_err *err)
{
    hold(err->kind == LP_ERR_CONFIG || err->kind == LP_ERR_IO, "a refusal is of a kind");
    hold(err->msg[0], "a refusal has its reason");
}

static void check_provider(const struct lp_provider *p)
{
    struct lp_buf settings = {0};
    size_t at;
    const char *why;

    hold(p->batch >= 1 && p->batch <= 1024, "a batch is 1 to 1024 records");
    hold(p->max_in_flight >= 0 && p->max_in_flight <= 1000000, "calls in flight are counted");
    hold(p->tries >= 1 && p->tries <= 1000000, "tries are counted");
    hold(p->timeout_ms >= 0 && p->total_ms >= 0 && p->max_wait_ms >= 0 && p->poll_ms >= 0 &&
             p->linger_ms >= 0,
        "times go forward");
    hold(p->rate_requests == 0 || (p->rate_requests >= 1 && p->rate_per_ms >= 1), "a rate is one");
    hold(p->credits >= 0 && p->price >= 0, "nobody earns by asking");
    hold(p->configured == !p->missing[0], "what is not configured says what is missing");
    lp_provider_settings_json(p, &settings);
    hold(lp_json_check(lp_buf_view(&settings), &at, &why), "settings are JSON");
    lp_buf_free(&settings);
}

static void make(const struct lp_config *c, const char *name, const char *capability)
{
    struct lp_provider *p;
    struct lp_err err = {0};
    int r = lp_provider_make(&p, c, name, capability, NULL, true, &err);

    if (r < 0) {
        check_reason(&err);
    } else {
        hold(r == 1, "a provider that is named is made or refused");
        check_provider(p);
        lp_provider_del(p);
    }
}

static void make_all(const struct lp_config *c)
{
    struct lp_str all, name, value;
    struct lp_buf plain = {0};

    make(c, "apollo", "lead_enrichment");
    make(c, "dropcontact", "email_verification");
    if (!lp_config_get(c, "providers", &all))
        return;
    struct lp_json_iter it = lp_json_iter(all);
    while (lp_json_next(&it, &name, &value)) {
        lp_buf_reset(&plain);
        lp_json_decode((struct lp_str){name.p - 1, name.n + 2}, &plain);
        make(c, plain.p ? plain.p : "", "lead_enrichment");
    }
    lp_buf_free(&plain);
}

static void load(const char *path)
{
    struct lp_config c;
    struct lp_err err = {0};

    if (lp_config_load(&c, path, &err)) {
        check_reason(&err);
    } else {
        if (lp_provider_check_all(&c, NULL, &err))
            check_reason(&err);
        make_all(&c);
    }
    lp_config_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct lp_str text = {(const char *)data, n};
    char path[32];
    size_t at;
    const char *why;

    if (!lp_json_check(text, &at, &why))
        return 0;
    setenv("HOME", "/nonexistent", 1);
    unsetenv("XDG_CONFIG_HOME");
    int fd = memfd_create("config", 0);
    if (fd < 0 || write(fd, data, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    load(path);
    close(fd);
    return 0;
}
