/* opt - see leadpipe/opt.h; --help is in opt_help.c, completion in opt_complete.c */
#include "leadpipe/opt.h"

#include <getopt.h>
#include <stdlib.h>

#include "leadpipe/clock.h"
#include "leadpipe/num.h"

const struct lp_opt lp_opt_standard[] = {
    {.name = "help", .type = LP_OPT_FLAG, .help = "show this help"},
    {.name = "version", .type = LP_OPT_FLAG, .help = "show the versions of program and libraries"},
    LP_OPT_END,
};

/* What getopt_long returns for a long option is its number plus VALUE. */
enum { VALUE = 256, TYPO_MAX = 2, NAME_MAX_LEN = 40 };

const struct lp_opt *lp_opt_at(
    const struct lp_opt_program *p, size_t i, const char **title, void **settings)
{
    const struct lp_opt_group standard = {"Other", lp_opt_standard, NULL};
    const struct lp_opt_group *g = p->groups;
    for (bool last = false; !last; g++) {
        last = !g || !g->opts;
        const struct lp_opt_group *from = last ? &standard : g;
        for (const struct lp_opt *o = from->opts; o->name; o++, i--) {
            if (i > 0)
                continue;
            if (title)
                *title = from->title;
            if (settings)
                *settings = from->settings;
            return o;
        }
    }
    return NULL;
}

/* --- what getopt_long wants to know ---------------------------------------------------------- */

struct tables {
    struct option *longs;
    struct lp_buf shorts;
    size_t n; /* of the program's own and the standard ones */
};

static void tables_init(struct tables *t, const struct lp_opt_program *p)
{
    while (lp_opt_at(p, t->n, NULL, NULL))
        t->n++;
    t->longs = lp_alloc((t->n + 2) * sizeof *t->longs);
    lp_buf_byte(&t->shorts, ':');
    for (size_t i = 0; i < t->n; i++) {
        const struct lp_opt *o = lp_opt_at(p, i, NULL, NULL);
        int takes = o->type == LP_OPT_FLAG    ? no_argument
                    : o->type == LP_OPT_EVERY ? optional_argument
                                              : required_argument;
        t->longs[i] = (struct option){o->name, takes, NULL, VALUE + (int)i};
        if (!o->letter)
            continue;
        lp_buf_byte(&t->shorts, o->letter);
        for (int colons = 0; colons < takes; colons++)
            lp_buf_byte(&t->shorts, ':');
    }
    t->longs[t->n] = (struct option){"completion", required_argument, NULL, VALUE + (int)t->n};
}

static void tables_free(struct tables *t)
{
    free(t->longs);
    lp_buf_free(&t->shorts);
}

/* The number of the option getopt_long found; n for --completion. */
static size_t number_of(const struct lp_opt_program *p, const struct tables *t, int found)
{
    if (found >= VALUE)
        return (size_t)(found - VALUE);
    for (size_t i = 0; i < t->n; i++)
        if (lp_opt_at(p, i, NULL, NULL)->letter == (char)found)
            return i;
    return t->n;
}

/* --- misuse ---------------------------------------------------------------------------------- */

/* Levenshtein's distance, one row at a time. */
static size_t distance(struct lp_str a, const char *b)
{
    size_t row[NAME_MAX_LEN + 1], n = strlen(b);
    if (a.n > NAME_MAX_LEN || n > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a.p[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

static void suggest(const struct lp_opt_program *p, struct lp_str name, struct lp_err *err)
{
    const char *best = NULL;
    size_t least = TYPO_MAX + 1;
    const struct lp_opt *o;
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++) {
        size_t d = distance(name, o->name);
        if (d < least && 2 * d <= strlen(o->name)) {
            least = d;
            best = o->name;
        }
    }
    if (best)
        lp_err_hint(err, "did you mean '--%s'?", best);
}

static void complain_ambiguous(
    const struct lp_opt_program *p, struct lp_str name, struct lp_err *err)
{
    struct lp_buf all = {0};
    const struct lp_opt *o;
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++)
        if (strncmp(o->name, name.p, name.n) == 0)
            lp_buf_printf(&all, "%s'--%s'", all.len ? ", " : "", o->name);
    lp_err_set(err, LP_ERR_USAGE, NULL, "option '--%.*s' could be %s", (int)name.n, name.p, all.p);
    lp_buf_free(&all);
}

static size_t count_prefixed(const struct lp_opt_program *p, struct lp_str name)
{
    size_t n = 0;
    const struct lp_opt *o;
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++)
        n += strncmp(o->name, name.p, name.n) == 0;
    return n;
}

/* `found` is getopt's verdict ('?' or ':'), `word` the argument it stumbled over. */
static void complain(const struct lp_opt_program *p, const struct tables *t, int found,
    const char *word, struct lp_err *err)
{
    bool is_long = strncmp(word, "--", 2) == 0;
    struct lp_str name = {word + 2 * is_long, strcspn(word, "=") - 2 * is_long};
    if (optopt && !is_long && optopt < VALUE && found == '?') {
        lp_err_set(err, LP_ERR_USAGE, NULL, "unknown option '-%c'", optopt);
    } else if (optopt) { /* known, but with too few or too many values */
        size_t i = number_of(p, t, optopt);
        const struct lp_opt *o = lp_opt_at(p, i, NULL, NULL);
        lp_err_set(err, LP_ERR_USAGE, NULL,
            found == ':' ? "option '--%s' needs a value" : "option '--%s' takes no value",
            o ? o->name : "completion");
    } else if (count_prefixed(p, name) > 1) {
        complain_ambiguous(p, name, err);
    } else {
        lp_err_set(err, LP_ERR_USAGE, NULL, "unknown option '--%.*s'", (int)name.n, name.p);
        suggest(p, name, err);
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static bool is_choice(const char *choices, struct lp_str text, int *index)
{
    for (*index = 0; *choices; ++*index) {
        size_t n = strcspn(choices, "|");
        if (lp_str_eq((struct lp_str){choices, n}, text))
            return true;
        choices += n + (choices[n] == '|');
    }
    return false;
}

static void add_to_list(struct lp_opt_list *list, const char *text)
{
    list->v = lp_realloc_array(list->v, list->n + 1, sizeof *list->v);
    list->v[list->n++] = text;
}

static int store(const struct lp_opt *o, void *at, const char *text, struct lp_err *err)
{
    static const char *const wanted[] = {
        [LP_OPT_INT] = "a whole number",
        [LP_OPT_REAL] = "a number",
        [LP_OPT_SIZE] = "a size, as in 64k or 16M",
        [LP_OPT_DURATION] = "a duration, as in 90s, 15m or 30d",
        [LP_OPT_EVERY] = "a duration of 1 s or more, as in 30s or 5m",
        [LP_OPT_TIME] = "a time, as in 2026-01-31T10:00:00Z",
        [LP_OPT_CHOICE] = "one of",
    };
    struct lp_str s = lp_str(text);
    bool good = true;
    if (o->type == LP_OPT_EVERY && !text) {
        *(int64_t *)at = o->min;
        return 0;
    }
    switch (o->type) {
    case LP_OPT_FLAG: *(bool *)at = true; break;
    case LP_OPT_STRING: *(const char **)at = text; break;
    case LP_OPT_LIST: add_to_list(at, text); break;
    case LP_OPT_INT: good = lp_num_int(s, at); break;
    case LP_OPT_REAL: good = lp_num_real(s, at); break;
    case LP_OPT_SIZE: good = lp_num_size(s, at); break;
    case LP_OPT_DURATION: good = lp_clock_parse_duration(s, at); break;
    case LP_OPT_EVERY: good = lp_clock_parse_duration(s, at) && *(int64_t *)at >= 1000; break;
    case LP_OPT_TIME: good = lp_clock_parse(s, at); break;
    case LP_OPT_CHOICE: good = is_choice(o->arg, s, at); break;
    }
    if (!good)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--%s %s: is not %s%s%s", o->name, text,
            wanted[o->type], o->type == LP_OPT_CHOICE ? " " : "",
            o->type == LP_OPT_CHOICE ? o->arg : "");
    if (o->type == LP_OPT_INT && *(int64_t *)at < o->min)
        return lp_err_set(err, LP_ERR_USAGE, NULL, "--%s %s: is less than %lld", o->name, text,
            (long long)o->min);
    return 0;
}

/* --- parsing --------------------------------------------------------------------------------- */

static enum lp_opt_result handle(const struct lp_opt_program *p, const struct tables *t, size_t i,
    const char **shell, struct lp_err *err)
{
    if (i == t->n) {
        *shell = optarg;
        return LP_OPT_COMPLETION;
    }
    void *settings = NULL;
    const struct lp_opt *o = lp_opt_at(p, i, NULL, &settings);
    if (o == &lp_opt_standard[0])
        return LP_OPT_HELP;
    if (o == &lp_opt_standard[1])
        return LP_OPT_VERSION;
    return store(o, (char *)settings + o->offset, optarg, err) ? LP_OPT_BAD : LP_OPT_RUN;
}

enum lp_opt_result lp_opt_parse(const struct lp_opt_program *p, int argc, char **argv,
    char ***operands, const char **completion_shell, struct lp_err *err)
{
    struct tables t = {0};
    tables_init(&t, p);
    enum lp_opt_result result = LP_OPT_RUN;
    optind = 0; /* glibc: start anew */
    opterr = 0;
    while (result == LP_OPT_RUN) {
        /* Within "-xyz" getopt stays at the word; after it, the word is the one before. */
        int at = optind ? optind : 1;
        int found = getopt_long(argc, argv, t.shorts.p, t.longs, NULL);
        if (found == -1)
            break;
        if (found == '?' || found == ':') {
            const char *word = optind > at ? argv[optind - 1] : argv[at];
            complain(p, &t, found, word, err);
            result = LP_OPT_BAD;
        } else {
            result = handle(p, &t, number_of(p, &t, found), completion_shell, err);
        }
    }
    *operands = argv + optind;
    tables_free(&t);
    return result;
}
