/* opt_help - --help from the tables, at most 80 columns; see leadpipe/opt.h */
#include "leadpipe/opt.h"

enum { WIDTH = 80, COLUMN = 26, INDENT = 2 };

static void pad(struct lp_buf *out, size_t n)
{
    while (n-- > 0)
        lp_buf_byte(out, ' ');
}

/* Words of `text` from column `at` on, further lines indented to `indent`. */
static void wrap(struct lp_buf *out, const char *text, size_t at, size_t indent)
{
    bool first = true;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, " ");
        if (!first && at + 1 + n > WIDTH) {
            lp_buf_byte(out, '\n');
            pad(out, indent);
            at = indent;
            first = true;
        }
        if (!first) {
            lp_buf_byte(out, ' ');
            at++;
        }
        lp_buf_add(out, p, n);
        at += n;
        first = false;
        p += n;
        p += strspn(p, " ");
    }
    lp_buf_byte(out, '\n');
}

static void put_option(struct lp_buf *out, const struct lp_opt *o)
{
    size_t start = out->len;
    pad(out, INDENT);
    if (o->letter)
        lp_buf_printf(out, "-%c, ", o->letter);
    else
        pad(out, 4);
    lp_buf_printf(out, "--%s", o->name);
    if (o->type == LP_OPT_EVERY)
        lp_buf_printf(out, "[=%s]", o->arg ? o->arg : "DURATION");
    else if (o->type != LP_OPT_FLAG)
        lp_buf_printf(out, " %s", o->arg ? o->arg : "VALUE");
    size_t used = out->len - start;
    if (used + 2 > COLUMN) {
        lp_buf_byte(out, '\n');
        used = 0;
    }
    pad(out, COLUMN - used);
    wrap(out, o->help ? o->help : "", COLUMN, COLUMN);
}

static void put_examples(struct lp_buf *out, const char *examples)
{
    lp_buf_puts(out, "\nExamples:\n");
    for (const char *p = examples; *p;) {
        size_t n = strcspn(p, "\n");
        pad(out, n ? INDENT : 0);
        lp_buf_add(out, p, n);
        lp_buf_byte(out, '\n');
        p += n + (p[n] == '\n');
    }
}

void lp_opt_help(const struct lp_opt_program *p, struct lp_buf *out)
{
    lp_buf_printf(out, "Usage: %s [OPTION...]%s%s\n", p->name,
        p->operands && *p->operands ? " " : "", p->operands ? p->operands : "");
    if (p->summary)
        wrap(out, p->summary, 0, 0);
    if (p->examples && *p->examples)
        put_examples(out, p->examples);
    const char *title = NULL, *last = NULL;
    const struct lp_opt *o;
    for (size_t i = 0; (o = lp_opt_at(p, i, &title, NULL)); i++) {
        if (title != last)
            lp_buf_printf(out, "\n%s:\n", title);
        last = title;
        put_option(out, o);
    }
}
