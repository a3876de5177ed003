/* jq - see leadpipe/jq.h */
#include "leadpipe/jq.h"

#include <fcntl.h>
#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "leadpipe/json.h"

#include <jv.h>
#include <jq.h>

enum { COMPILE_MESSAGE_MAX = 200, RUN_MESSAGE_MAX = 80 };

struct lp_jq {
    jq_state *state;
    struct jv_parser
        *parser; /* kept from text to text; NULL: not made yet, or left after an error */
    char *name;
    bool with_env;
};

struct lp_jq_kept {
    jv value;
};

const char *lp_jq_version(void)
{
    return "libjq 1.6"; /* the library itself cannot say */
}

/* --- the environment a program sees ---------------------------------------------------------- */

/* jq reads `environ` for env and $ENV and HOME for ~/.jq; there is no other way to tell it not to.
 * Putting another list in its place for the time of a call leaves the real one untouched. */
static char *nothing[] = {NULL};

static char **enter(bool with_env)
{
    char **real = environ;
    if (!with_env)
        environ = nothing;
    return real;
}

/* While compiling even config.jq must not see HOME, or the user's ~/.jq would become part of it. */
static char **without_home(void)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **copy = lp_realloc_array(NULL, n + 1, sizeof *copy);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "HOME=", 5) != 0)
            copy[kept++] = environ[i];
    copy[kept] = NULL;
    return copy;
}

/* --- messages -------------------------------------------------------------------------------- */

/* The length of the part of a message that may be shown. */
static size_t shown(const char *text, const char *stop, size_t max)
{
    size_t n = strcspn(text, stop);
    if (n > max)
        n = max;
    while (n > 0 && n == max && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--; /* not within a character */
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == ':'))
        n--;
    return n;
}

/* jq calls this once for each complaint; the first says what is wrong. */
static void keep_first(void *arg, jv msg)
{
    static const char prefix[] = "jq: error: ", advice[] = " (Unix shell quoting issues?)";
    struct lp_buf *first = arg;
    if (jv_get_kind(msg) == JV_KIND_STRING && first->len == 0) {
        const char *text = jv_string_value(msg);
        if (strncmp(text, prefix, sizeof prefix - 1) == 0)
            text += sizeof prefix - 1;
        const char *to_shells = strstr(text, advice); /* no shell has had a hand in it here */
        if (to_shells) {
            lp_buf_add(first, text, (size_t)(to_shells - text));
            text = to_shells + sizeof advice - 1;
        }
        lp_buf_add(first, text, shown(text, "\n", COMPILE_MESSAGE_MAX));
    }
    jv_free(msg);
}

/* jq quotes the input in its messages, behind a bracket or within quotes. */
static int raise(const struct lp_jq *q, jv msg, struct lp_err *err)
{
    const char *text = "raised an error that is no text";
    size_t n = strlen(text);
    if (jv_get_kind(msg) == JV_KIND_STRING) {
        text = jv_string_value(msg);
        n = shown(text, "(\"'`\n", RUN_MESSAGE_MAX);
    }
    lp_err_set(err, LP_ERR_RECORD, "jq", "%s: %.*s", q->name, (int)n, text);
    jv_free(msg);
    return -1;
}

/* --- compiling ------------------------------------------------------------------------------- */

static void no_memory(void *unused)
{
    (void)unused;
    lp_mem_exhausted();
}

/* libjq looks for an include in the working directory before anywhere else. While it compiles, that is
 * where the program's file is; what lies where the user happens to be is none of its business. Returns
 * the way back, or -1: the program has no file, or it cannot be gone to. */
static int go_beside(const char *path)
{
    char *dir = lp_strdup(path), *slash = strrchr(dir, '/');
    int back = slash ? open(".", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (slash)
        slash[slash == dir] = '\0';
    if (back >= 0 && chdir(dir) < 0) {
        close(back);
        back = -1;
    }
    free(dir);
    return back;
}

static bool go_back(int back)
{
    if (back < 0)
        return true;
    bool there = fchdir(back) == 0;
    close(back);
    return there;
}

static bool compile(struct lp_jq *q, const char *text)
{
    char **kept = q->with_env ? without_home() : nothing, **real = environ;
    int back = go_beside(q->name);
    environ = kept;
    int ok = jq_compile(q->state, text);
    environ = real;
    if (q->with_env)
        free(kept);
    return go_back(back) && ok != 0;
}

struct lp_jq *lp_jq_compile(
    const char *name, const char *text, const char *lib_dir, bool with_env, struct lp_err *err)
{
    struct lp_jq *q = lp_alloc(sizeof *q);
    q->name = lp_strdup(name);
    q->with_env = with_env;
    jv_nomem_handler(no_memory, NULL);
    q->state = jq_init();
    if (!q->state)
        lp_mem_exhausted();
    /* Set even to nothing: an import without it aborts the process. */
    jv dirs = jv_array();
    if (lib_dir)
        dirs = jv_array_append(dirs, jv_string(lib_dir));
    jq_set_attr(q->state, jv_string("JQ_LIBRARY_PATH"), dirs);

    struct lp_buf why = {0};
    jq_set_error_cb(q->state, keep_first, &why);
    bool ok = compile(q, text);
    jq_set_error_cb(q->state, NULL, NULL);
    if (!ok) {
        /* An included file that is there and cannot be read is no fault of the program's. */
        bool io =
            why.len && strstr(why.p, "error loading data file ") && !strstr(why.p, "No such file");
        lp_err_set(err, io ? LP_ERR_IO : LP_ERR_CONFIG, "jq", "%s: %s", name,
            why.len ? why.p : "does not compile");
        lp_jq_del(q);
        q = NULL;
    }
    lp_buf_free(&why);
    return q;
}

void lp_jq_del(struct lp_jq *q)
{
    if (!q)
        return;
    jq_teardown(&q->state);
    if (q->parser)
        jv_parser_free(q->parser);
    free(q->name);
    free(q);
}

/* --- running --------------------------------------------------------------------------------- */

/* Not jv_parse_sized: in 1.6 its error message reads past the end of text without a NUL. */
static int parse(struct lp_jq *q, struct lp_str text, jv *out, struct lp_err *err)
{
    if (text.n > INT_MAX / 2)
        return lp_err_set(err, LP_ERR_RECORD, "jq", "%s: input too long", q->name);
    if (!q->parser)
        q->parser = jv_parser_new(0);
    jv_parser_set_buf(q->parser, text.p, (int)text.n, 0);
    jv v = jv_parser_next(q->parser);
    /* Only behind a closing bracket is the parser as good as new; elsewhere it may hold a token. */
    if (!jv_is_valid(v) || text.n == 0 || !strchr("}]", text.p[text.n - 1])) {
        jv_parser_free(q->parser);
        q->parser = NULL;
    }
    if (jv_is_valid(v)) {
        *out = v;
        return 0;
    }
    if (jv_invalid_has_msg(jv_copy(v)))
        return raise(q, jv_invalid_get_msg(v), err);
    jv_free(v);
    return lp_err_set(err, LP_ERR_RECORD, "jq", "%s: no input", q->name);
}

static int part_value(struct lp_jq *q, const struct lp_jq_part *part, jv *out, struct lp_err *err)
{
    switch (part->kind) {
    case LP_JQ_JSON: return parse(q, part->text, out, err);
    case LP_JQ_REAL: *out = jv_number(part->real); return 0;
    case LP_JQ_NULL: *out = jv_null(); return 0;
    case LP_JQ_KEPT: *out = jv_copy(part->kept->value); return 0;
    case LP_JQ_TEXT: break;
    }
    if (part->text.n > INT_MAX / 4) /* a repaired byte takes three */
        return lp_err_set(err, LP_ERR_RECORD, "jq", "%s: input too long", q->name);
    *out = jv_string_sized(part->text.p ? part->text.p : "", (int)part->text.n);
    return 0;
}

struct lp_jq_kept *lp_jq_keep(struct lp_str json)
{
    struct lp_jq none = {.name = (char[]){"json"}};
    struct lp_err err = {0};
    struct lp_jq_kept *k = lp_alloc(sizeof *k);
    if (parse(&none, json, &k->value, &err))
        k->value = jv_null();
    if (none.parser)
        jv_parser_free(none.parser);
    return k;
}

void lp_jq_kept_del(struct lp_jq_kept *k)
{
    if (!k)
        return;
    jv_free(k->value);
    free(k);
}

static void start(struct lp_jq *q, jv input)
{
    char **real = enter(q->with_env);
    jq_start(q->state, input, 0);
    environ = real;
}

/* 1: *out is the next result; 0: there is none; -1: the program raised an error. */
static int next(struct lp_jq *q, jv *out, struct lp_err *err)
{
    char **real = enter(q->with_env);
    jv v = jq_next(q->state);
    environ = real;
    if (jv_is_valid(v)) {
        *out = v;
        return 1;
    }
    if (jv_invalid_has_msg(jv_copy(v)))
        return raise(q, jv_invalid_get_msg(v), err);
    jv_free(v);
    if (jq_halted(q->state))
        return lp_err_set(err, LP_ERR_RECORD, "jq", "%s: halted", q->name);
    return 0;
}

/* jv_dump_string goes code point by code point into a string that is then copied; this writes the
 * same JSON straight into our buffer in a third of the time. Consumes v. */
static void dump(jv v, struct lp_buf *out);

static void dump_text(jv v, struct lp_buf *out)
{
    const char *text = jv_string_value(v);
    lp_json_put(out, (struct lp_str){text, (size_t)jv_string_length_bytes(jv_copy(v))});
}

/* The shortest decimal that reads back as the same number. */
static void dump_real(double d, struct lp_buf *out)
{
    char text[32];
    int digits = 15;
    do
        snprintf(text, sizeof text, "%.*g", digits, d);
    while (digits++ < 17 && strtod(text, NULL) != d);
    lp_buf_puts(out, text);
}

static void dump_number(double d, struct lp_buf *out)
{
    if (d != d)
        LP_BUF_LIT(out, "null");
    else if (d < 1e15 && d > -1e15 && d == (double)(int64_t)d)
        lp_buf_int(out, (int64_t)d);
    else
        dump_real(d > DBL_MAX ? DBL_MAX : d < -DBL_MAX ? -DBL_MAX : d, out);
}

static void dump_array(jv v, struct lp_buf *out)
{
    int n = jv_array_length(jv_copy(v));
    LP_BUF_LIT(out, "[");
    for (int i = 0; i < n; i++) {
        if (i)
            LP_BUF_LIT(out, ",");
        dump(jv_array_get(jv_copy(v), i), out);
    }
    LP_BUF_LIT(out, "]");
}

static void dump_object(jv v, struct lp_buf *out)
{
    const char *comma = "";
    LP_BUF_LIT(out, "{");
    for (int i = jv_object_iter(v); jv_object_iter_valid(v, i); i = jv_object_iter_next(v, i)) {
        lp_buf_puts(out, comma);
        dump(jv_object_iter_key(v, i), out);
        LP_BUF_LIT(out, ":");
        dump(jv_object_iter_value(v, i), out);
        comma = ",";
    }
    LP_BUF_LIT(out, "}");
}

static void dump(jv v, struct lp_buf *out)
{
    switch (jv_get_kind(v)) {
    case JV_KIND_STRING: dump_text(v, out); break;
    case JV_KIND_NUMBER: dump_number(jv_number_value(v), out); break;
    case JV_KIND_OBJECT: dump_object(v, out); break;
    case JV_KIND_ARRAY: dump_array(v, out); break;
    case JV_KIND_TRUE: LP_BUF_LIT(out, "true"); break;
    case JV_KIND_FALSE: LP_BUF_LIT(out, "false"); break;
    default: LP_BUF_LIT(out, "null"); break;
    }
    jv_free(v);
}

int lp_jq_run(struct lp_jq *q, const struct lp_jq_part *parts, size_t n, struct lp_buf *out,
    struct lp_err *err)
{
    jv input = jv_object();
    for (size_t i = 0; i < n; i++) {
        jv value;
        if (part_value(q, &parts[i], &value, err)) {
            jv_free(input);
            return -1;
        }
        input = jv_object_set(input, jv_string(parts[i].name), value);
    }
    start(q, input);
    jv result;
    int got = next(q, &result, err);
    if (got == 0)
        lp_err_set(err, LP_ERR_RECORD, "jq", "%s: no result", q->name);
    if (got <= 0)
        return -1;
    dump(result, out);
    return 0;
}

int lp_jq_each(struct lp_jq *q, struct lp_str input,
    int (*each)(void *arg, struct lp_str result, struct lp_err *err), void *arg, struct lp_err *err)
{
    jv value;
    if (parse(q, input, &value, err))
        return -1;
    start(q, value);
    struct lp_buf text = {0};
    int got;
    while ((got = next(q, &value, err)) > 0) {
        lp_buf_reset(&text);
        dump(value, &text);
        if (each(arg, lp_buf_view(&text), err)) {
            got = -1;
            break;
        }
    }
    lp_buf_free(&text);
    return got;
}
