/*
 * file - small whole files, XDG directories, safe replacement
 *
 * Owns: returned heap strings belong to the caller
 * Units: bytes
 * Errors: LP_ERR_IO naming the path
 * Source: XDG Base Directory Specification 0.8
 */
#ifndef LEADPIPE_FILE_H
#define LEADPIPE_FILE_H

#include "leadpipe/buf.h"
#include "leadpipe/err.h"

/* Appends the whole file; more than `max` bytes (0: no limit) is an error, code "too_big". */
int lp_file_read(const char *path, size_t max, struct lp_buf *out, struct lp_err *err);
/* Writes to a temporary file beside it, fsyncs, renames. */
int lp_file_replace(const char *path, struct lp_str text, int mode, struct lp_err *err);
/* Gives the finished file `from` the name `path` unless that is taken: 1 done, 0 another was first
 * (and `from` is gone), -1 error. */
int lp_file_publish(const char *from, const char *path, struct lp_err *err);
bool lp_file_exists(const char *path);
/* How many files this process may have open: at least `wanted`, where that can be had. */
size_t lp_file_limit(size_t wanted);
/* "$XDG_CONFIG_HOME/leadpipe/<name>" with the fallback ~/.config; NULL if no home is known. */
char *lp_file_config(const char *name);
/* "$XDG_STATE_HOME/leadpipe/<name>" with the fallback ~/.local/state; makes the directory 0700. */
char *lp_file_state(const char *name, struct lp_err *err);
/* A file that ships with leadpipe ("providers/apollo.jq", "lists"): the build tree's lib/ when run
 * from there, else $PREFIX/share/leadpipe. LEADPIPE_LIB overrides. NULL if it is nowhere. */
char *lp_file_shipped(const char *name);
/* Where shipped files live: the lib/ directory itself. */
const char *lp_file_lib(void);

#endif
