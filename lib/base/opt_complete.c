/* opt_complete - bash and zsh completion from the tables; see leadpipe/opt.h */
#include "leadpipe/opt.h"

/* Appends the name of the shell function: _leadpipe_contacts_import */
static void put_function(struct lp_buf *out, const struct lp_opt_program *p)
{
    size_t start = out->len;
    lp_buf_printf(out, "_leadpipe_%s", p->name);
    for (size_t i = start; i < out->len; i++)
        if (out->p[i] == '-' || out->p[i] == '.')
            out->p[i] = '_';
}

static void put_choices(struct lp_buf *out, const char *choices)
{
    for (; *choices; choices++)
        lp_buf_byte(out, *choices == '|' ? ' ' : *choices);
}

static bool completes(const struct lp_opt *o, const char *what)
{
    return o->complete && strcmp(o->complete, what) == 0;
}

/* --- bash ------------------------------------------------------------------------------------ */

static void bash_value(struct lp_buf *out, const struct lp_opt *o)
{
    lp_buf_puts(out, "    ");
    if (o->letter)
        lp_buf_printf(out, "-%c|", o->letter);
    lp_buf_printf(out, "--%s) ", o->name);
    if (o->type == LP_OPT_CHOICE) {
        lp_buf_puts(out, "mapfile -t COMPREPLY < <(compgen -W '");
        put_choices(out, o->arg);
        lp_buf_puts(out, "' -- \"$cur\"); ");
    } else if (completes(o, "file") || completes(o, "dir")) {
        lp_buf_printf(out,
            "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\"); ",
            completes(o, "dir") ? 'd' : 'f');
    }
    lp_buf_puts(out, "return ;;\n");
}

static void bash(struct lp_buf *out, const struct lp_opt_program *p)
{
    const struct lp_opt *o;
    put_function(out, p);
    lp_buf_puts(out, "() {\n"
                     "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                     "    COMPREPLY=()\n"
                     "    # bash breaks --name=value at the sign\n"
                     "    if [[ $cur == '=' ]]; then\n"
                     "        cur=''\n"
                     "    elif [[ $prev == '=' && $COMP_CWORD -ge 2 ]]; then\n"
                     "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                     "    fi\n"
                     "    case $prev in\n");
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++)
        if (o->type != LP_OPT_FLAG && o->type != LP_OPT_EVERY)
            bash_value(out, o);
    lp_buf_puts(out, "    esac\n    if [[ $cur == -* ]]; then\n"
                     "        mapfile -t COMPREPLY < <(compgen -W '");
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++)
        lp_buf_printf(out, "%s--%s", i ? " " : "", o->name);
    lp_buf_puts(out, "' -- \"$cur\")\n");
    if (p->operands && *p->operands)
        lp_buf_puts(out, "    else\n        compopt -o filenames 2>/dev/null\n"
                         "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n");
    lp_buf_puts(out, "    fi\n}\ncomplete -F ");
    put_function(out, p);
    lp_buf_printf(out, " %s\n", p->name);
}

/* --- zsh ------------------------------------------------------------------------------------- */

/* Text within '...[...]:...': what has a meaning there is escaped. */
static void zsh_text(struct lp_buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') {
            lp_buf_puts(out, "'\\''");
            continue;
        }
        if (strchr("[]:\\", *text))
            lp_buf_byte(out, '\\');
        lp_buf_byte(out, *text);
    }
}

static void zsh_spec(struct lp_buf *out, const struct lp_opt *o)
{
    bool list = o->type == LP_OPT_LIST, flag = o->type == LP_OPT_FLAG;
    const char *joint = flag ? "" : o->type == LP_OPT_EVERY ? "=-" : "=";
    lp_buf_puts(out, " \\\n        ");
    if (o->letter) {
        if (list)
            lp_buf_puts(out, "'*'");
        else
            lp_buf_printf(out, "'(-%c --%s)'", o->letter, o->name);
        lp_buf_printf(out, "{-%c%s,--%s%s}'", o->letter, flag ? "" : "+", o->name, joint);
    } else {
        lp_buf_printf(out, "'%s--%s%s", list ? "*" : "", o->name, joint);
    }
    lp_buf_byte(out, '[');
    zsh_text(out, o->help ? o->help : "");
    lp_buf_byte(out, ']');
    if (!flag) {
        lp_buf_puts(out, o->type == LP_OPT_EVERY ? "::" : ":");
        zsh_text(out, o->type == LP_OPT_CHOICE || !o->arg ? o->name : o->arg);
        lp_buf_byte(out, ':');
    }
    if (o->type == LP_OPT_CHOICE) {
        lp_buf_byte(out, '(');
        put_choices(out, o->arg);
        lp_buf_byte(out, ')');
    } else if (!flag && completes(o, "file")) {
        lp_buf_puts(out, "_files");
    } else if (!flag && completes(o, "dir")) {
        lp_buf_puts(out, "_files -/");
    }
    lp_buf_byte(out, '\'');
}

static void zsh(struct lp_buf *out, const struct lp_opt_program *p)
{
    const struct lp_opt *o;
    lp_buf_printf(out, "#compdef %s\n", p->name);
    put_function(out, p);
    lp_buf_puts(out, "() {\n    _arguments -s -S");
    for (size_t i = 0; (o = lp_opt_at(p, i, NULL, NULL)); i++)
        zsh_spec(out, o);
    if (p->operands && *p->operands)
        lp_buf_puts(out, " \\\n        '*:file:_files'");
    /* Both ways of loading: as a file of $fpath, whatever its name, and by eval in ~/.zshrc. */
    lp_buf_puts(out, "\n}\nif [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then\n    ");
    put_function(out, p);
    lp_buf_puts(out, " \"$@\"\nelse\n    compdef ");
    put_function(out, p);
    lp_buf_printf(out, " %s\nfi\n", p->name);
}

int lp_opt_completion(
    const struct lp_opt_program *p, const char *shell, struct lp_buf *out, struct lp_err *err)
{
    static const struct {
        const char *shell;
        void (*put)(struct lp_buf *out, const struct lp_opt_program *p);
    } shells[] = {{"bash", bash}, {"zsh", zsh}};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shell, shells[i].shell) != 0)
            continue;
        shells[i].put(out, p);
        return 0;
    }
    return lp_err_set(err, LP_ERR_USAGE, NULL, "--completion %s: is not one of bash|zsh", shell);
}
