/* opt: parsing, misuse by name, --help within 80 columns, completion that completes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leadpipe/opt.h"

struct settings {
    bool quiet;
    const char *config, *out;
    struct lp_opt_list tags;
    int64_t jobs, linger, now;
    double ratio;
    uint64_t max_line;
    int progress;
};

static struct settings s;
#define AT(m) offsetof(struct settings, m)

static const struct lp_opt own[] = {
    {'q', "quiet", LP_OPT_FLAG, AT(quiet), NULL, "no summary", "", 0},
    {0, "tag", LP_OPT_LIST, AT(tags), "TAG",
        "a tag: [x] it's given to every contact, may be given several times, and is long enough to "
        "wrap",
        "", 0},
    {0, "ratio", LP_OPT_REAL, AT(ratio), "R", "a ratio", "", 0},
    LP_OPT_END,
};
static const struct lp_opt common[] = {
    {'c', "config", LP_OPT_STRING, AT(config), "FILE", "configuration file", "file", 0},
    {0, "out-dir", LP_OPT_STRING, AT(out), "DIR", "where to write", "dir", 0},
    {'j', "jobs", LP_OPT_INT, AT(jobs), "N", "calls in flight", "", 1},
    {0, "linger", LP_OPT_DURATION, AT(linger), "TIME", "wait for a batch", "", 0},
    {0, "now", LP_OPT_TIME, AT(now), "TIME", "fix the clock", "", 0},
    {0, "max-line", LP_OPT_SIZE, AT(max_line), "SIZE", "longest line", "", 0},
    {0, "progress", LP_OPT_CHOICE, AT(progress), "auto|always|never|json", "progress bar", "", 0},
    LP_OPT_END,
};
static const struct lp_opt_group groups[] = {{"Own", own, &s}, {"Common", common, &s}, {0}};
static const struct lp_opt_program program = {"contacts-import", "CSV leads to contacts.",
    "[FILE...]", "contacts-import leads.csv > contacts.ndjson\n< leads.csv contacts-import",
    groups};

static char **operands;
static const char *shell;
static struct lp_err err;

/* Splits `line` at spaces and parses it. */
static enum lp_opt_result parse(const char *line)
{
    static char text[500], *argv[40];
    int argc = 0;
    free(s.tags.v);
    memset(&s, 0, sizeof s);
    memset(&err, 0, sizeof err);
    snprintf(text, sizeof text, "prog %s", line);
    for (char *p = text; *p;) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    argv[argc] = NULL;
    return lp_opt_parse(&program, argc, argv, &operands, &shell, &err);
}

static void values(void **state)
{
    (void)state;
    assert_int_equal(
        parse("-q a --tag x -c f.jq b --tag=y --jobs 4 --linger 50ms --max-line=16M "
              "--progress never --ratio .25 --now 1970-01-01T00:00:01Z --out-dir d -- -z"),
        LP_OPT_RUN);
    assert_true(s.quiet);
    assert_string_equal(s.config, "f.jq");
    assert_int_equal(s.tags.n, 2);
    assert_string_equal(s.tags.v[0], "x");
    assert_string_equal(s.tags.v[1], "y");
    assert_int_equal(s.jobs, 4);
    assert_int_equal(s.linger, 50);
    assert_int_equal(s.now, 1000);
    assert_int_equal(s.max_line, 16 << 20);
    assert_int_equal(s.progress, 2);
    assert_true(s.ratio == 0.25);
    assert_string_equal(operands[0], "a");
    assert_string_equal(operands[1], "b");
    assert_string_equal(operands[2], "-z");
    assert_null(operands[3]);
    assert_int_equal(parse("-qj8 -cx"), LP_OPT_RUN);
    assert_int_equal(s.jobs, 8);
    assert_string_equal(s.config, "x");
    assert_null(operands[0]);
}

static void other_results(void **state)
{
    (void)state;
    assert_int_equal(parse("-q --help --nonsense"), LP_OPT_HELP);
    assert_int_equal(parse("--version"), LP_OPT_VERSION);
    assert_int_equal(parse("--completion=bash"), LP_OPT_COMPLETION);
    assert_string_equal(shell, "bash");
}

static void misuse(void **state)
{
    (void)state;
    const struct {
        const char *line, *msg, *hint;
    } t[] = {
        {"--foo", "unknown option '--foo'", ""},
        {"--progess never", "unknown option '--progess'", "did you mean '--progress'?"},
        {"--cnofig=x", "unknown option '--cnofig'", "did you mean '--config'?"},
        {"file --bad file2", "unknown option '--bad'", ""},
        {"-Z", "unknown option '-Z'", ""},
        {"-qZ x", "unknown option '-Z'", ""},
        {"x -Zq", "unknown option '-Z'", ""},
        {"--config", "option '--config' needs a value", ""},
        {"-c", "option '--config' needs a value", ""},
        {"--completion", "option '--completion' needs a value", ""},
        {"--quiet=3", "option '--quiet' takes no value", ""},
        {"--jobs 4x", "--jobs 4x: is not a whole number", ""},
        {"-j 0", "--jobs 0: is less than 1", ""},
        {"--ratio 1,5", "--ratio 1,5: is not a number", ""},
        {"--max-line 1T", "--max-line 1T: is not a size, as in 64k or 16M", ""},
        {"--linger -1s", "--linger -1s: is not a duration, as in 90s, 15m or 30d", ""},
        {"--now today", "--now today: is not a time, as in 2026-01-31T10:00:00Z", ""},
        {"--progress nev", "--progress nev: is not one of auto|always|never|json", ""},
        {"--progress=", "--progress : is not one of auto|always|never|json", ""},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        assert_int_equal(parse(t[i].line), LP_OPT_BAD);
        assert_int_equal(err.kind, LP_ERR_USAGE);
        assert_string_equal(err.msg, t[i].msg);
        assert_string_equal(err.hint, t[i].hint);
    }
}

static const char *next_line(const char *p)
{
    p += strcspn(p, "\n");
    return *p ? p + 1 : NULL;
}

static void help(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    lp_opt_help(&program, &b);
    const char *const order[] = {"Usage: contacts-import [OPTION...] [FILE...]\n",
        "CSV leads to contacts.\n",
        "\nExamples:\n  contacts-import leads.csv > contacts.ndjson\n  <",
        "\nOwn:\n  -q, --quiet             no summary\n", "\n      --tag TAG           a tag:",
        "\nCommon:\n  -c, --config FILE       configuration file\n",
        "\n      --progress auto|always|never|json\n                          progress bar\n",
        "\nOther:\n      --help              show this help\n"};
    const char *p = b.p;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        p = strstr(p, order[i]);
        assert_non_null(p);
    }
    assert_null(strstr(b.p, "completion"));
    for (p = b.p; p && *p; p = next_line(p)) {
        size_t n = strcspn(p, "\n");
        assert_true(n <= 80);
        assert_true(n == 0 || p[n - 1] != ' ');
    }
    lp_buf_free(&b);
}

/* What `command` prints, with the completion script for `sh` in the file $SCRIPT. */
static char *shell_says(const char *sh, const char *command)
{
    static char out[4000];
    char path[] = "/tmp/leadpipe-opt-XXXXXX";
    struct lp_buf b = {0};
    struct lp_err e = {0};
    assert_int_equal(lp_opt_completion(&program, sh, &b, &e), 0);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b.p, b.len), b.len);
    close(fd);
    setenv("SCRIPT", path, 1);
    /* The command goes through a file, so that no quoting comes in between. */
    char cmd_path[] = "/tmp/leadpipe-opt-XXXXXX";
    fd = mkstemp(cmd_path);
    assert_int_equal(write(fd, command, strlen(command)), strlen(command));
    close(fd);
    int pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    if (fork() == 0) {
        dup2(pipe_fd[1], 1);
        dup2(pipe_fd[1], 2);
        close(pipe_fd[0]);
        close(pipe_fd[1]);
        execlp("bash", "bash", "--norc", cmd_path, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    ssize_t n, at = 0;
    while ((n = read(pipe_fd[0], out + at, sizeof out - 1 - (size_t)at)) > 0)
        at += n;
    out[at] = '\0';
    close(pipe_fd[0]);
    unlink(path);
    unlink(cmd_path);
    lp_buf_free(&b);
    return out;
}

static void bash_completes(void **state)
{
    (void)state;
    assert_string_equal(shell_says("bash", "bash -n $SCRIPT && echo good"), "good\n");
    const struct {
        const char *words, *want;
    } t[] = {
        {"contacts-import --pro", "--progress"},
        {"contacts-import --progress a", "auto always"},
        {"contacts-import --progress = nev", "never"},
        {"contacts-import --progress =", "auto always never json"},
        {"contacts-import --jobs ''", ""},
        {"contacts-import -c lead", "leads.csv"},
        {"contacts-import --out-dir le", "leaves"},
        {"contacts-import -q le", "leads.csv leaves"},
        {"contacts-import --co", "--config"},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct lp_buf b = {0};
        lp_buf_printf(&b,
            "d=$(mktemp -d) && cd \"$d\" && touch leads.csv && mkdir leaves && . $SCRIPT\n"
            "COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
            "_leadpipe_contacts_import && echo $(printf '%%s\\n' \"${COMPREPLY[@]}\" | sort)\n"
            "[[ $(complete -p contacts-import) == *-F*_leadpipe_contacts_import* ]] || echo bad\n"
            "cd / && rm -r \"$d\"\n",
            t[i].words);
        const char *got = shell_says("bash", b.p);
        struct lp_buf sorted = {0};
        lp_buf_printf(&sorted, "echo $(printf '%%s\\n' %s | sort)", t[i].want);
        char have[500];
        snprintf(have, sizeof have, "%s", got);
        assert_string_equal(have, shell_says("bash", sorted.p));
        lp_buf_free(&b);
        lp_buf_free(&sorted);
    }
}

static void zsh_parses(void **state)
{
    (void)state;
    struct lp_buf b = {0};
    struct lp_err e = {0};
    assert_int_equal(lp_opt_completion(&program, "zsh", &b, &e), 0);
    assert_non_null(
        strstr(b.p, "'(-c --config)'{-c+,--config=}'[configuration file]:FILE:_files'"));
    assert_non_null(strstr(b.p, "'*--tag=[a tag\\: \\[x\\] it'\\''s given"));
    assert_non_null(strstr(b.p, "'--progress=[progress bar]:progress:(auto always never json)'"));
    lp_buf_free(&b);
    const char *said = shell_says("zsh", "if command -v zsh >/dev/null; then zsh -n $SCRIPT; fi");
    assert_string_equal(said, "");
    assert_int_equal(lp_opt_completion(&program, "fish", &b, &e), -1);
    assert_int_equal(e.kind, LP_ERR_USAGE);
    lp_buf_free(&b);
}

static int forget(void **state)
{
    (void)state;
    free(s.tags.v);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(other_results),
        cmocka_unit_test(misuse),
        cmocka_unit_test(help),
        cmocka_unit_test(bash_completes),
        cmocka_unit_test(zsh_parses),
    };
    return cmocka_run_group_tests_name("opt", tests, NULL, forget);
}
