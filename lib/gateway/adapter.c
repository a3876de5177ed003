#include "leadpipe/adapter.h"

#include <stdlib.h>
#include "leadpipe/file.h"
#include "leadpipe/json.h"

#define ADAPTER_MAX (1024 * 1024)

/* One call of the compiled program runs one function; `call` in the input says which. */
static const char *const dispatch[LP_ADAPTER_USES] = {
    [LP_ADAPTER_ASK] = "if .call == \"request\" then request else response end",
    [LP_ADAPTER_CHECK] = "if .call == \"check\" then check"
                         " elif .call == \"checked\" then checked"
                         " else advise end",
};

static size_t skip_comment(struct lp_str t, size_t i)
{
    while (i < t.n && t.p[i] != '\n')
        i++;
    return i;
}

static size_t skip_space(struct lp_str t, size_t i)
{
    while (i < t.n && memchr(" \t\r\n#", t.p[i], 5))
        i = t.p[i] == '#' ? skip_comment(t, i) : i + 1;
    return i;
}

static size_t skip_string(struct lp_str t, size_t i)
{
    i++;
    while (i < t.n && t.p[i] != '"')
        i += t.p[i] == '\\' ? 2 : 1;
    return i < t.n ? i + 1 : t.n;
}

/* The object after `module`, and where the module's line ends, behind its semicolon. */
static int read_module(struct lp_str t, struct lp_buf *meta, size_t *end, struct lp_err *err)
{
    size_t i = skip_space(t, 0), at;
    const char *why;
    if (t.n - i < 6 || memcmp(t.p + i, "module", 6) != 0)
        return lp_err_set(err, LP_ERR_CONFIG, "adapter", "does not begin with `module {...};`");
    i += 6;
    int depth = 0;
    do {
        i = skip_space(t, i);
        if (i >= t.n)
            return lp_err_set(err, LP_ERR_CONFIG, "adapter", "the module's object does not end");
        if (t.p[i] == '"') {
            size_t from = i;
            i = skip_string(t, i);
            lp_buf_add(meta, t.p + from, i - from);
            continue;
        }
        depth += (t.p[i] == '{') - (t.p[i] == '}');
        lp_buf_byte(meta, t.p[i++]);
    } while (depth > 0);
    if (!lp_json_check(lp_buf_view(meta), &at, &why) ||
        lp_json_type(lp_buf_view(meta)) != LP_JSON_OBJECT)
        return lp_err_set(err, LP_ERR_CONFIG, "adapter",
            "the module's object must be JSON (names and strings in double quotes; # comments are "
            "fine)");
    i = skip_space(t, i);
    *end = i + (i < t.n && t.p[i] == ';');
    return 0;
}

int lp_adapter_meta(struct lp_str t, struct lp_buf *meta, struct lp_err *err)
{
    size_t end;
    return read_module(t, meta, &end, err);
}

static char *find(const char *name)
{
    struct lp_buf file = {0};
    lp_buf_printf(&file, "providers/%s.jq", name);
    char *path = lp_file_config(file.p);
    if (!path || !lp_file_exists(path)) {
        free(path);
        path = lp_file_shipped(file.p);
    }
    lp_buf_free(&file);
    return path;
}

static bool plain_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

int lp_adapter_open(struct lp_adapter **out, const char *name, struct lp_err *err)
{
    char *path = plain_name(name) ? find(name) : NULL;
    if (!path)
        return 0;
    struct lp_adapter *a = lp_alloc(sizeof *a);
    a->name = lp_strdup(name);
    a->path = path;
    int r = lp_file_read(path, ADAPTER_MAX, &a->text, err);
    if (r == 0 && read_module(lp_buf_view(&a->text), &a->meta, &a->head, err))
        r = lp_err_prefix(err, "%s: ", path);
    if (r) {
        lp_adapter_del(a);
        return -1;
    }
    *out = a;
    return 1;
}

static size_t skip_word(struct lp_str t, size_t i)
{
    while (i < t.n && t.p[i] >= 'a' && t.p[i] <= 'z')
        i++;
    return i;
}

/* Behind the semicolon, which may stand in a string or a comment too. */
static size_t skip_statement(struct lp_str t, size_t i)
{
    while (i < t.n && t.p[i] != ';')
        i = t.p[i] == '#' ? skip_comment(t, i) : t.p[i] == '"' ? skip_string(t, i) : i + 1;
    return i + (i < t.n);
}

/* Is there an `include "defaults";` among the includes at its head? *end is behind the last of them. */
static bool includes_defaults(struct lp_str t, size_t i, size_t *end)
{
    static const char name[] = "\"defaults\"";
    for (*end = i;; *end = i) {
        i = skip_space(t, i);
        size_t at = skip_word(t, i);
        struct lp_str word = {t.p + i, at - i};
        if (!lp_str_is(word, "include"))
            return false;
        i = skip_space(t, at);
        if (t.n - i >= sizeof name - 1 && memcmp(t.p + i, name, sizeof name - 1) == 0)
            return true;
        i = skip_statement(t, i);
    }
}

/* The adapter's text is the program, with the defaults included if it does not do so: its own definitions
 * win, and what it leaves out is the default's. Of two includes libjq 1.6 lets the first win, and behind
 * an import it finds nothing of what is included: so behind the adapter's own, before its imports. Were it
 * included itself, libjq would take a tenth longer. */
static void write_program(const struct lp_adapter *a, enum lp_adapter_use use, struct lp_buf *out)
{
    size_t at;
    bool there = includes_defaults(lp_buf_view(&a->text), a->head, &at);
    lp_buf_add(out, a->text.p, at);
    if (!there)
        lp_buf_puts(out, "include \"defaults\";");
    lp_buf_add(out, a->text.p + at, a->text.len - at);
    lp_buf_byte(out, '\n');
    lp_buf_puts(out, dispatch[use]);
}

int lp_adapter_compile(struct lp_adapter *a, enum lp_adapter_use use, struct lp_err *err)
{
    if (a->jq[use])
        return 0;
    struct lp_buf program = {0}, lib = {0};
    lp_buf_printf(&lib, "%s/providers", lp_file_lib());
    write_program(a, use, &program);
    a->jq[use] = lp_jq_compile(a->path, program.p, lib.p, false, err);
    lp_buf_free(&program);
    lp_buf_free(&lib);
    return a->jq[use] ? 0 : -1;
}

void lp_adapter_del(struct lp_adapter *a)
{
    if (!a)
        return;
    for (int use = 0; use < LP_ADAPTER_USES; use++)
        lp_jq_del(a->jq[use]);
    lp_buf_free(&a->text);
    lp_buf_free(&a->meta);
    free(a->name);
    free(a->path);
    free(a);
}
