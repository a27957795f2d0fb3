/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A history is an SQLite file of this schema. One hark writes to it, which is locked for that; anybody who
 * may read it reads meanwhile (WAL). All files beside it are opened before hark gives up its rights, and none
 * is opened or removed later.
 */
#ifndef HARK_HISTORY_FILE_H
#define HARK_HISTORY_FILE_H

#include "sqlite_library.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct history_file {
	sqlite3 *db;
	const char *path; /* borrowed */
	int lock;	  /* a descriptor of the file that holds its lock, and shows which file it is */
	struct stat status;
};

/*
 * Opens the file to write to it, and makes its schema when it is new or empty. 0, or -EIO: the reason was
 * reported and there is nothing to close.
 */
int history_file_create(struct history_file *file, const char *path);
/* NULL path: it was not opened. */
void history_file_close(struct history_file *file);

/* Does the path still lead to the file? */
bool history_file_is_there(const struct history_file *file);

/* Opens the file to read it, with a version that this hark knows. The same results; purpose of whoever asks.
 */
int history_file_read(struct history_file *file, const char *path);

/* A statement, kept for the life of the file; NULL: the reason was reported. */
sqlite3_stmt *history_file_prepare(const struct history_file *file, const char *sql);

/* The number in the first column of the first row. 0, or SQLite's error. */
int history_file_number(const struct history_file *file, const char *sql, int64_t *number);

#endif
