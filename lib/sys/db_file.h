/*
 * db_file - the files of a database, seen from outside
 *
 * Owns: nothing
 * Units: -
 * Errors: as db.h
 */
#ifndef LEADPIPE_DB_FILE_H
#define LEADPIPE_DB_FILE_H

#include <stdbool.h>
#include "leadpipe/err.h"

/* 1: there and ours; 0: absent; -1: unusable. */
int lp_db_file_look(const char *path, struct lp_err *err);
/* Removes a database that nobody uses, with its log. */
void lp_db_file_unlink(const char *path);
/* Does its log end in the middle of an entry? While somebody writes it may. */
bool lp_db_file_torn(const char *path);
/* If so, warns of it. */
void lp_db_file_tell_torn(const char *path);

#endif
