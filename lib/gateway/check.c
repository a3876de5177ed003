#include "leadpipe/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include "leadpipe/clock.h"
#include "leadpipe/log.h"
#include "leadpipe/signals.h"
#include "status.h"

/* ---- what was asked for --------------------------------------------------------------------- */

static const struct lp_check_settings *settings_of(const struct lp_run *run)
{
    return run->program->settings;
}

/* Each of these is a work of its own. */
static int check_flags(const struct lp_run *run, struct lp_err *err)
{
    const struct lp_check_settings *s = settings_of(run);
    const struct {
        bool given, alone; /* alone: beside no report either */
        const char *name;
    } works[] = {{s->audit, true, "--audit"}, {s->show_config, true, "--show-config"},
        {s->bench != NULL, true, "--bench"}, {s->unbench != NULL, true, "--unbench"},
        {s->status, false, "--status"}, {s->watch > 0, false, "--watch"},
        {s->prometheus, false, "--prometheus"}};
    const char *first = NULL;
    bool alone = false;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        if (!works[i].given)
            continue;
        if (first && (alone || works[i].alone))
            return lp_err_set(
                err, LP_ERR_USAGE, NULL, "%s and %s are two things", first, works[i].name);
        first = works[i].name;
        alone |= works[i].alone;
    }
    if (s->json && s->prometheus)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--json and --prometheus are two formats");
    return 0;
}

static int need_state(const struct lp_status *st, const char *flag, struct lp_err *err)
{
    if (st->gateway.state)
        return 0;
    return lp_err_set(err, LP_ERR_USAGE, NULL, "%s: there is no state file (--state none)", flag);
}

/* ---- the audit log -------------------------------------------------------------------------- */

struct audit {
    struct lp_out *out;
    struct lp_err *err;
};

static int write_entry(void *arg, const struct lp_state_entry *e)
{
    struct audit *a = arg;
    lp_status_put_entry(e, &a->out->buf);
    lp_buf_byte(&a->out->buf, '\n');
    return lp_out_pending(a->out) >= LP_OUT_BLOCK ? lp_out_flush(a->out, a->err) : 0;
}

static int show_audit(struct lp_status *st, struct lp_err *err)
{
    struct lp_run *run = st->gateway.run;
    struct audit a = {&run->out, err};
    if (need_state(st, "--audit", err))
        return -1;
    return lp_state_audit(st->gateway.state, NULL, run->common.limit, write_entry, &a, err);
}

/* ---- the bench ------------------------------------------------------------------------------ */

static int unknown_provider(const struct lp_status *st, const char *name, struct lp_err *err)
{
    struct lp_buf known = {0};
    for (size_t i = 0; i < st->n_chains; i++)
        for (size_t k = 0; k < st->chains[i].chain.n; k++) {
            const char *other = st->chains[i].chain.lanes[k]->provider->name;
            if (!known.p || !strstr(known.p, other))
                lp_buf_printf(&known, "%s%s", known.len ? ", " : "", other);
        }
    lp_err_set(err, LP_ERR_USAGE, NULL, "no chain has a configured provider '%s'", name);
    lp_err_hint(err, "there is %.120s", known.p ? known.p : "none");
    lp_buf_free(&known);
    return -1;
}

/* In every chain it serves. */
static int move(struct lp_status *st, const char *name, bool out, struct lp_err *err)
{
    bool found = false;
    if (need_state(st, out ? "--bench" : "--unbench", err))
        return -1;
    for (size_t i = 0; i < st->n_chains; i++)
        for (size_t k = 0; k < st->chains[i].chain.n; k++) {
            const struct lp_provider *p = st->chains[i].chain.lanes[k]->provider;
            if (strcmp(p->name, name) != 0)
                continue;
            found = true;
            int r = lp_state_bench(st->gateway.state, p->capability, p->name, out, err);
            if (r < 0)
                return -1;
            lp_log_info("%s: %s %s", p->capability, name,
                out ? r ? "is not asked any more" : "was out already"
                : r ? "is asked again"
                    : "was not out");
        }
    return found ? 0 : unknown_provider(st, name, err);
}

/* ---- the report ----------------------------------------------------------------------------- */

static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

static bool is_screen(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb") != 0;
}

static int report(struct lp_status *st, struct lp_err *err)
{
    struct lp_run *run = st->gateway.run;
    const struct lp_check_settings *s = settings_of(run);
    struct lp_buf *out = &run->out.buf;
    bool screen = is_screen(STDOUT_FILENO);
    const struct lp_style style = {.color = screen && !run->common.no_color, .ascii = !is_utf8()};
    int r = 0;
    if (s->json) {
        lp_status_json(st, out);
        lp_buf_byte(out, '\n');
    } else if (s->prometheus) {
        r = lp_status_prometheus(st, out, err);
    } else {
        if (s->watch && screen)
            lp_buf_puts(out, "\033[H\033[2J"); /* each report in the place of the last */
        lp_status_text(st, style, out);
        if (s->watch && !screen)
            lp_buf_byte(out, '\n');
    }
    return r ? -1 : lp_out_flush(&run->out, err);
}

static int round_of_checks(struct lp_status *st, struct lp_err *err)
{
    struct lp_run *run = st->gateway.run;
    bool ask = !settings_of(run)->status && !run->common.dry_run;
    if (ask && lp_status_check(st, err))
        return -1;
    if (ask && lp_run_stopping(run))
        return 0; /* half a round is no report */
    if (lp_status_load(st, err))
        return -1;
    run->no_provider = lp_status_unusable(st);
    run->counts.failed = lp_status_critical(st);
    return report(st, err);
}

/* ---- again and again ------------------------------------------------------------------------ */

static void put_live_line(int64_t left_ms)
{
    struct lp_buf b = {0};
    int64_t s = (left_ms + 999) / 1000;
    lp_buf_printf(
        &b, "\rnext check in %lld:%02d, Ctrl-C ends\033[K", (long long)(s / 60), (int)(s % 60));
    (void)!write(STDERR_FILENO, b.p, b.len);
    lp_buf_free(&b);
}

static void wait_for_next(struct lp_run *run, int64_t until)
{
    bool live = is_screen(STDERR_FILENO) && !run->common.quiet;
    struct pollfd fd = {.fd = lp_signals_fd(), .events = POLLIN};
    int64_t left;
    while ((left = until - lp_clock_mono()) > 0 && !lp_run_stopping(run) &&
           !lp_out_hung_up(&run->out)) {
        if (live)
            put_live_line(left);
        (void)!poll(&fd, 1, left < 1000 ? (int)left : 1000);
        lp_signals_drain();
    }
    if (live)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
}

static int watch(struct lp_status *st, int64_t every, struct lp_err *err)
{
    struct lp_run *run = st->gateway.run;
    while (!lp_run_stopping(run)) {
        int64_t next = lp_clock_mono() + every;
        if (round_of_checks(st, err))
            return -1;
        wait_for_next(run, next);
    }
    return 0;
}

/* ---- the run -------------------------------------------------------------------------------- */

static void release(struct lp_run *run)
{
    lp_status_free(run->engine);
    free(run->engine);
    run->engine = NULL;
}

static int work(struct lp_status *st, struct lp_err *err)
{
    struct lp_run *run = st->gateway.run;
    const struct lp_check_settings *s = settings_of(run);
    if (s->show_config) {
        lp_show_config(st, s->json, &run->out.buf);
        return 0;
    }
    if (lp_state_open(&st->gateway.state, run->common.state, err))
        return -1;
    if (s->audit)
        return show_audit(st, err);
    if (s->bench || s->unbench)
        return move(st, s->bench ? s->bench : s->unbench, s->bench != NULL, err);
    if (s->status && need_state(st, "--status", err))
        return -1;
    return s->watch ? watch(st, s->watch, err) : round_of_checks(st, err);
}

int lp_check_drive(struct lp_run *run, struct lp_err *err)
{
    struct lp_status *st = lp_alloc(sizeof *st);
    run->engine = st;
    run->release = release;
    if (check_flags(run, err) || lp_status_init(st, run, err))
        return -1;
    return work(st, err);
}
