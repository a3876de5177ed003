/* secret - see leadpipe/secret.h */
#include "leadpipe/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leadpipe/buf.h"
#include "leadpipe/child.h"
#include "leadpipe/clock.h"
#include "leadpipe/json.h"
#include "leadpipe/log.h"
#include "leadpipe/vault.h"

enum { SECRET_MAX = 64 << 10, CMD_MS = 10000 };

/* --- what was loaded ------------------------------------------------------------------------- */

static struct {
    struct loaded {
        char *key;
        char *value;
        size_t n;
    } * v;
    size_t n;
} store;

static struct loaded *find(const char *key)
{
    for (size_t i = 0; i < store.n; i++)
        if (strcmp(store.v[i].key, key) == 0)
            return &store.v[i];
    return NULL;
}

static void keep(const char *key, struct lp_str value)
{
    /* The environment block and the buffers of curl hold it as well, out of our reach: no core at
     * all is the one way to keep it out of cores. */
    prctl(PR_SET_DUMPABLE, 0);
    lp_log_secret(value);
    store.v = lp_realloc_array(store.v, store.n + 1, sizeof *store.v);
    store.v[store.n++] = (struct loaded){lp_strdup(key), lp_vault_keep(value), value.n};
}

void lp_secret_wipe(void)
{
    for (size_t i = 0; i < store.n; i++) {
        lp_vault_wipe(store.v[i].value);
        free(store.v[i].key);
    }
    free(store.v);
    store.v = NULL;
    store.n = 0;
}

/* --- what the configuration says ------------------------------------------------------------- */

enum form { UNSET, LITERAL, ENV, FILE_AT, CMD, BAD };

/* The form of `given`, and its text decoded into `text`. */
static enum form form_of(struct lp_str given, const char *env, struct lp_buf *text)
{
    static const struct {
        const char *name;
        enum form form;
    } forms[] = {{"env", ENV}, {"file", FILE_AT}, {"cmd", CMD}};
    lp_buf_grow(text, given.n + 1); /* grown once: no copies of a literal are left behind */
    if (!given.p || lp_json_type(given) == LP_JSON_NULL || lp_str_is(given, "\"\"")) {
        lp_buf_puts(text, env ? env : "");
        return env ? ENV : UNSET;
    }
    if (lp_json_type(given) == LP_JSON_STRING)
        return lp_json_decode(given, text) ? LITERAL : BAD;
    struct lp_json_iter it = lp_json_iter(given);
    struct lp_str name, value;
    if (lp_json_type(given) != LP_JSON_OBJECT || lp_json_count(given) != 1 ||
        !lp_json_next(&it, &name, &value))
        return BAD;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (lp_json_name_is(name, forms[i].name))
            return lp_json_decode(value, text) && text->len ? forms[i].form : BAD;
    return BAD;
}

static int bad(const char *key, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_CONFIG, "secret",
        "%s: a secret is {env: NAME}, {file: PATH}, {cmd: \"...\"} or a string", key);
}

static int too_long(const char *key, struct lp_err *err)
{
    return lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: longer than %d bytes", key, SECRET_MAX);
}

/* --- files ----------------------------------------------------------------------------------- */

/* A descriptor of a file fit to hold a secret, or -1 with err set. */
static int open_private(const char *key, const char *path, struct lp_err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0 || fstat(fd, &st)) {
        lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: %s: %s", key, path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: %s: not a regular file", key, path);
    } else if (st.st_uid != geteuid()) {
        lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: %s: belongs to another user", key, path);
    } else if (st.st_mode & 077) {
        lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: %s: others may read it (mode %03o)", key,
            path, (unsigned)st.st_mode & 0777);
        lp_err_hint(err, "chmod 600 %s", path);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* systemd hands credentials over with an owner and an ACL of its own: what we may open is ours. */
static int open_credential(const char *name)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (!dir || dir[0] != '/' || !*name || strchr(name, '/') || name[0] == '.')
        return -1;
    struct lp_buf path = {0};
    lp_buf_printf(&path, "%s/%s", dir, name);
    int fd = open(path.p, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    lp_buf_free(&path);
    return fd;
}

/* Takes fd. */
static int read_value(const char *key, int fd, struct lp_buf *out, struct lp_err *err)
{
    ssize_t n;
    do {
        lp_buf_grow(out, SECRET_MAX + 1);
        n = read(fd, out->p + out->len, SECRET_MAX + 1 - out->len);
        if (n > 0)
            out->len += (size_t)n;
    } while (n > 0 || (n < 0 && errno == EINTR));
    int why = errno;
    close(fd);
    if (n < 0)
        return lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: %s", key, strerror(why));
    if (out->len > SECRET_MAX)
        return too_long(key, err);
    if (out->len && out->p[out->len - 1] == '\n')
        out->len--;
    if (out->len && out->p[out->len - 1] == '\r')
        out->len--;
    return 1;
}

/* --- commands -------------------------------------------------------------------------------- */

static int run_command(const char *key, const char *line, struct lp_buf *out, struct lp_err *err)
{
    struct lp_child_options o = {.shell = line};
    struct lp_err failed = {0};
    int status = 0;
    lp_buf_grow(out, SECRET_MAX + 1);
    if (lp_child_run(&o, SECRET_MAX + 1, lp_clock_mono() + CMD_MS, out, &status, &failed))
        return lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: cmd: %s", key, failed.msg);
    if (status)
        return lp_err_set(
            err, LP_ERR_CONFIG, "secret", "%s: cmd ended with status %d", key, status);
    const char *end = out->len ? memchr(out->p, '\n', out->len) : NULL;
    if (end)
        out->len = (size_t)(end - out->p);
    if (out->len > SECRET_MAX)
        return too_long(key, err);
    if (out->len && out->p[out->len - 1] == '\r')
        out->len--;
    return 1;
}

/* --- the two questions ----------------------------------------------------------------------- */

static void wipe(struct lp_buf *b)
{
    if (b->p)
        explicit_bzero(b->p, b->cap);
    lp_buf_free(b);
}

static char *key_of(const char *provider, const char *setting)
{
    struct lp_buf b = {0};
    lp_buf_printf(&b, "providers.%s.%s", provider, setting);
    return lp_buf_take(&b);
}

static int env_present(const char *name)
{
    const char *v = getenv(name);
    if (v && *v)
        return 1;
    int fd = open_credential(name);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int lp_secret_present(const char *provider, const char *setting, struct lp_str given,
    const char *env, struct lp_err *err)
{
    struct lp_buf text = {0};
    char *key = key_of(provider, setting);
    int rc = 1, fd;
    switch (form_of(given, env, &text)) {
    case UNSET: rc = 0; break;
    case LITERAL: break;
    case CMD: break;
    case ENV: rc = env_present(text.p); break;
    case FILE_AT:
        fd = open_private(key, text.p, err);
        if (fd >= 0)
            close(fd);
        else
            rc = -1;
        break;
    case BAD: rc = bad(key, err); break;
    }
    free(key);
    wipe(&text);
    return rc;
}

static int env_value(const char *key, const char *name, struct lp_buf *out, struct lp_err *err)
{
    const char *v = getenv(name);
    if (v && *v) {
        lp_buf_grow(out, strlen(v));
        lp_buf_puts(out, v);
        return 1;
    }
    int fd = open_credential(name);
    return fd < 0 ? 0 : read_value(key, fd, out, err);
}

static int fetch(
    const char *key, struct lp_str given, const char *env, struct lp_buf *out, struct lp_err *err)
{
    struct lp_buf text = {0};
    int rc = -1, fd;
    switch (form_of(given, env, &text)) {
    case UNSET: rc = 0; break;
    case LITERAL:
        lp_buf_grow(out, text.len);
        lp_buf_str(out, lp_buf_view(&text));
        rc = 1;
        break;
    case CMD: rc = run_command(key, text.p, out, err); break;
    case ENV: rc = env_value(key, text.p, out, err); break;
    case FILE_AT:
        fd = open_private(key, text.p, err);
        if (fd >= 0)
            rc = read_value(key, fd, out, err);
        break;
    case BAD: bad(key, err); break;
    }
    wipe(&text);
    if (rc > 0 && out->len == 0)
        rc = lp_err_set(err, LP_ERR_CONFIG, "secret", "%s: is empty", key);
    return rc;
}

int lp_secret_load(const char *provider, const char *setting, struct lp_str given, const char *env,
    struct lp_str *value, struct lp_err *err)
{
    char *key = key_of(provider, setting);
    struct loaded *have = find(key);
    int rc = 1;
    if (!have) {
        struct lp_buf b = {0};
        rc = fetch(key, given, env, &b, err);
        if (rc > 0) {
            keep(key, lp_buf_view(&b));
            have = &store.v[store.n - 1];
        }
        wipe(&b);
    }
    if (have)
        *value = (struct lp_str){have->value, have->n};
    free(key);
    return rc;
}
