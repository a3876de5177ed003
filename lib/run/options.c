/* options - the options every filter has, and what to do when they do not lead to a run */
#include "parts.h"

#include <stdlib.h>
#include <unistd.h>

#include "leadpipe/num.h"

#define AT(member) offsetof(struct lp_common, member)

static const struct lp_opt common_opts[] = {
    {'c', "config", LP_OPT_STRING, AT(config), "FILE", "configuration file", "file", 0},
    {'s', "state", LP_OPT_STRING, AT(state), "FILE", "state file", "file", 0},
    {'n', "dry-run", LP_OPT_FLAG, AT(dry_run), NULL, "no effects: show what would be done", "", 0},
    {'j', "jobs", LP_OPT_INT, AT(jobs), "N", "calls in flight at a time", "", 1},
    {0, "rejects", LP_OPT_STRING, AT(rejects), "FILE", "append records that cannot be used", "file",
        0},
    {0, "stats", LP_OPT_STRING, AT(stats), "FILE", "write the counts as JSON", "file", 0},
    {0, "unordered", LP_OPT_FLAG, AT(unordered), NULL, "write records as they complete", "", 0},
    {0, "max-errors", LP_OPT_STRING, AT(max_errors), "N|P%", "stop when more records are rejected",
        "", 0},
    {0, "fail-fast", LP_OPT_FLAG, AT(fail_fast), NULL, "stop at the first reject", "", 0},
    {0, "limit", LP_OPT_INT, AT(limit), "N", "read N records of the shard, then end", "", 0},
    {0, "shard", LP_OPT_STRING, AT(shard), "I/N", "take part I (from 0) of N, by hash of the key",
        "", 0},
    {0, "max-line", LP_OPT_SIZE, AT(max_line), "SIZE", "longest line (16M)", "", 0},
    {0, "progress", LP_OPT_CHOICE, AT(progress), "auto|always|never|json", "progress line", "", 0},
    {'q', "quiet", LP_OPT_FLAG, AT(quiet), NULL, "no summary, no notes", "", 0},
    {'v', "verbose", LP_OPT_FLAG, AT(verbose), NULL, "say more", "", 0},
    {0, "no-color", LP_OPT_FLAG, AT(no_color), NULL, "plain text on terminals", "", 0},
    {0, "now", LP_OPT_TIME, AT(now), "TIME", "fix the clock (RFC 3339)", "", 0},
    LP_OPT_END,
};

static int write_out(const struct lp_buf *text)
{
    struct lp_out out;
    struct lp_err err = {0};
    lp_out_init(&out, STDOUT_FILENO);
    lp_buf_str(&out.buf, lp_buf_view(text));
    if (lp_out_finish(&out, &err) < 0)
        lp_log_error("%s", err.msg);
    lp_out_free(&out);
    return lp_err_exit(err.kind);
}

static void put_version(const struct lp_program *p, struct lp_buf *out)
{
    lp_buf_printf(out, "%s %s", p->name, LP_VERSION);
    for (size_t i = 0; p->versions && p->versions[i]; i++)
        lp_buf_printf(out, "%s%s", i ? ", " : " (", p->versions[i]());
    lp_buf_puts(out, p->versions && p->versions[0] ? ")\n" : "\n");
}

static int misuse(const struct lp_program *p, const struct lp_err *err)
{
    lp_log_error(
        "%s%s%s%s", err->msg, err->hint[0] ? " (" : "", err->hint, err->hint[0] ? ")" : "");
    lp_log_error("try '%s --help'", p->name);
    return LP_EXIT_USAGE;
}

static int parse_shard(struct lp_run *run, struct lp_err *err)
{
    int64_t i, n;
    const char *text = run->common.shard;
    const char *slash = text ? strchr(text, '/') : NULL;
    if (!text)
        return 0;
    if (!slash || !lp_num_int((struct lp_str){text, (size_t)(slash - text)}, &i) ||
        !lp_num_int(lp_str(slash + 1), &n) || n < 1 || i < 0 || i >= n)
        return lp_err_set(err, LP_ERR_USAGE, NULL,
            "--shard %s: is to be I/N with I from 0 to N-1, as in 0/4", text);
    run->shard_i = (uint64_t)i;
    run->shard_n = (uint64_t)n;
    return 0;
}

/* More than any provider takes at a time, and than there are descriptors. */
static int check_jobs(const struct lp_run *run, struct lp_err *err)
{
    if (run->common.jobs <= LP_RUN_JOBS_MOST)
        return 0;
    return lp_err_set(err, LP_ERR_USAGE, NULL, "--jobs %lld: is more than %d",
        (long long)run->common.jobs, LP_RUN_JOBS_MOST);
}

static int parse_max_errors(struct lp_run *run, struct lp_err *err)
{
    const char *text = run->common.max_errors;
    if (!text)
        return 0;
    struct lp_str s = lp_str(text);
    double percent = 0;
    bool share = s.n > 0 && s.p[s.n - 1] == '%';
    bool good = false;
    if (share) {
        s.n--;
        good = lp_num_real(s, &percent) && percent >= 0 && percent <= 100;
        run->max_share = percent / 100;
    } else {
        good = lp_num_int(s, &run->max_rejects) && run->max_rejects >= 0;
    }
    if (good)
        return 0;
    return lp_err_set(err, LP_ERR_USAGE, NULL,
        "--max-errors %s: is to be a number of records or a percentage from 0%% to 100%%", text);
}

static int refuse_operands(const struct lp_program *p, char **operands)
{
    struct lp_err err = {0};
    if (!p->no_input || !operands[0])
        return 0;
    lp_err_set(&err, LP_ERR_USAGE, NULL, "takes no operands: '%s'", operands[0]);
    return misuse(p, &err);
}

/* A program that would wait for somebody to type records says how it is used instead. */
static int refuse_terminal(const struct lp_program *p, char **operands)
{
    bool standard = !operands[0];
    for (char **f = operands; *f; f++)
        standard |= strcmp(*f, "-") == 0;
    if (!standard || p->tty_ok || p->no_input || !isatty(STDIN_FILENO))
        return 0;
    lp_log_error("usage: %s [OPTION...] %s < INPUT", p->name, p->operands ? p->operands : "");
    lp_log_error("try '%s --help'", p->name);
    return LP_EXIT_USAGE;
}

static void apply(struct lp_run *run)
{
    struct lp_common *c = &run->common;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if ((no_color && *no_color) || (term && strcmp(term, "dumb") == 0))
        c->no_color = true;
    if (c->now >= 0)
        lp_clock_fix(c->now);
    lp_log_init(run->program->name,
        c->quiet ? LP_LOG_QUIET : (c->verbose ? LP_LOG_VERBOSE : LP_LOG_NORMAL));
}

bool lp_run_options(struct lp_run *run, int argc, char **argv, char ***operands, int *status)
{
    const struct lp_program *p = run->program;
    const struct lp_opt_group groups[] = {{"Options of this program", p->opts, p->settings},
        {"Options of every program", common_opts, &run->common}, {NULL, NULL, NULL}};
    const struct lp_opt_program table = {
        p->name, p->summary, p->operands, p->examples, p->opts ? groups : groups + 1};
    struct lp_err err = {0};
    struct lp_buf text = {0};
    const char *shell = NULL;
    run->common.limit = run->common.now = -1;
    run->common.max_line = (uint64_t)16 << 20;
    run->max_rejects = -1;
    run->max_share = -1;
    switch (lp_opt_parse(&table, argc, argv, operands, &shell, &err)) {
    case LP_OPT_HELP: lp_opt_help(&table, &text); break;
    case LP_OPT_VERSION: put_version(p, &text); break;
    case LP_OPT_COMPLETION: lp_opt_completion(&table, shell, &text, &err); break;
    case LP_OPT_BAD: break;
    case LP_OPT_RUN:
        apply(run);
        if (check_jobs(run, &err) == 0 && parse_shard(run, &err) == 0 &&
            parse_max_errors(run, &err) == 0) {
            *status = refuse_operands(p, *operands);
            if (*status == 0)
                *status = refuse_terminal(p, *operands);
            return *status == 0;
        }
        break;
    }
    *status = err.kind ? misuse(p, &err) : write_out(&text);
    lp_buf_free(&text);
    return false;
}
