/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks of SQLite's are of the process and the file (fcntl(2)): closing any descriptor of the file gives them
 * up. So ours, which has the lock of flock(2), another thing, stays open until SQLite is done.
 *
 * The files beside it are made by hark, with no right for others, before SQLite looks for them: in a folder
 * where all may make files (/tmp) nobody can put theirs in their place.
 */
#include "history_file.h"

#include "base/log.h"
#include "base/private_file.h"
#include "history_schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUSY_MS	       50	 /* that a writer beside us may hold us up */
#define BUSY_READ_MS   2000	 /* that a reader waits */
#define LOG_KEEP_BYTES "8388608" /* of FILE-wal, once it was emptied */

static const char purpose[] = "an SQLite file";

static int refuse(struct history_file *file, const char *verb, const char *why)
{
	log_error("cannot %s %s: %s", verb, file->path, why);
	history_file_close(file);
	return -EIO;
}

static int side_file_make(const char *path, const char *suffix)
{
	char *name = NULL;
	int fd;

	if (asprintf(&name, "%s%s", path, suffix) < 0)
		return -ENOMEM;
	fd = private_file_keep(name);
	if (fd >= 0)
		close(fd);
	else
		log_error("cannot write %s: %s", name, private_file_error(fd));
	free(name);
	return fd < 0 ? fd : 0;
}

/* An empty rollback journal, which SQLite does not use here, is nobody's. */
static void journal_remove(const char *path)
{
	char *name = NULL;

	if (asprintf(&name, "%s-journal", path) < 0)
		return;
	unlink(name);
	free(name);
}

int history_file_number(const struct history_file *file, const char *sql, int64_t *number)
{
	sqlite3_stmt *statement = NULL;
	int error = sqlite.prepare_v3(file->db, sql, -1, 0, &statement, NULL);

	if (!error)
		error = sqlite.step(statement);
	if (error == SQLITE_ROW)
		*number = sqlite.column_int64(statement, 0);
	sqlite.finalize(statement);
	return error == SQLITE_ROW ? 0 : error;
}

/* NULL: it is a history of a version that this hark knows, or empty; else what is wrong with it. */
static const char *version_judge(const struct history_file *file, bool *empty)
{
	int64_t application = 0, version = 0, tables = 0;

	if (history_file_number(file, "PRAGMA application_id", &application) ||
	    history_file_number(file, "PRAGMA user_version", &version) ||
	    history_file_number(file, "SELECT count(*) FROM sqlite_schema", &tables))
		return sqlite.errmsg(file->db);
	*empty = tables == 0 && application == 0;
	if (*empty)
		return NULL;
	if (application != HISTORY_APPLICATION_ID)
		return "it is a database of another program's; name another file";
	if (version > HISTORY_VERSION)
		return "a newer hark wrote it; use that one, or name another file";
	return version == HISTORY_VERSION ? NULL
					  : "it is of no version that this hark knows; name another file";
}

static int setup_write(const struct history_file *file)
{
	static const char before[] = "PRAGMA journal_mode = MEMORY; PRAGMA auto_vacuum = INCREMENTAL;";
	static const char after[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
		"PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = " LOG_KEEP_BYTES "; "
		"PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192;";
	int error = sqlite.exec(file->db, before, NULL, NULL, NULL);

	return error ? error : sqlite.exec(file->db, after, NULL, NULL, NULL);
}

/* The file under the path is the one that is locked: nobody put another in its place meanwhile. */
bool history_file_is_there(const struct history_file *file)
{
	struct stat status;

	return stat(file->path, &status) == 0 && status.st_dev == file->status.st_dev &&
	       status.st_ino == file->status.st_ino;
}

static int database_setup(struct history_file *file)
{
	const char *why;
	bool empty = false;
	int on = 1;

	sqlite.busy_timeout(file->db, BUSY_MS);
	why = version_judge(file, &empty);
	if (why)
		return refuse(file, "write to", why);
	if (setup_write(file) || (empty && sqlite.exec(file->db, "BEGIN IMMEDIATE", NULL, NULL, NULL)))
		return refuse(file, "write to", sqlite.errmsg(file->db));
	if (empty && (sqlite.exec(file->db, history_schema, NULL, NULL, NULL) ||
		      sqlite.exec(file->db, "COMMIT", NULL, NULL, NULL)))
		return refuse(file, "write to", sqlite.errmsg(file->db));
	/* The -wal and -shm files stay: hark cannot remove them at the end, and a reader who may not write
	 * needs them. */
	sqlite.file_control(file->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	if (!history_file_is_there(file))
		return refuse(file, "write to", "another file took its place");
	return 0;
}

/* As each database begins that is not empty: else it is somebody's file, of which not even the mode is
 * changed. */
static bool begins_as_database(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)];
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t got = 0;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		got = read(fd, head, sizeof(head));
	if (fd >= 0)
		close(fd);
	return got <= 0 || (got == sizeof(head) && memcmp(head, magic, sizeof(head)) == 0);
}

int history_file_create(struct history_file *file, const char *path)
{
	*file = (struct history_file){ .lock = -1 };
	if (sqlite_library_load(purpose) < 0)
		return -EIO;
	file->path = path;
	if (!begins_as_database(path))
		return refuse(file, "write to", "it is no SQLite database; name another file");
	file->lock = private_file_keep(path);
	if (file->lock < 0)
		return refuse(file, "write to", private_file_error(file->lock));
	if (fstat(file->lock, &file->status) < 0)
		return refuse(file, "write to", strerror(errno));
	if (side_file_make(path, "-journal") < 0 || side_file_make(path, "-wal") < 0 ||
	    side_file_make(path, "-shm") < 0) {
		history_file_close(file);
		return -EIO;
	}
	if (sqlite.open_v2(path, &file->db, SQLITE_OPEN_READWRITE, NULL))
		return refuse(file, "write to", file->db ? sqlite.errmsg(file->db) : "out of memory");
	if (database_setup(file) < 0)
		return -EIO;
	journal_remove(path);
	return 0;
}

void history_file_close(struct history_file *file)
{
	if (!file->path)
		return;
	if (file->db)
		sqlite.close_v2(file->db);
	if (file->lock >= 0)
		close(file->lock);
	*file = (struct history_file){ .lock = -1 };
}

sqlite3_stmt *history_file_prepare(const struct history_file *file, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite.prepare_v3(file->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL))
		log_error("%s: %s", file->path, sqlite.errmsg(file->db));
	return statement;
}

/* --- for reading -------------------------------------------------------------------------- */

/* "file:PATH?immutable=1", as SQLite reads URIs. NULL: out of memory. */
static char *immutable_uri(const char *path)
{
	static const char end[] = "?immutable=1";
	size_t size = strlen("file:") + 3 * strlen(path) + sizeof(end);
	char *uri = malloc(size), *out = uri;

	if (!uri)
		return NULL;
	out += sprintf(out, "file:");
	for (; *path; path++)
		out += sprintf(out, strchr("%?#", *path) ? "%%%02X" : "%c", *path);
	memcpy(out, end, sizeof(end));
	return uri;
}

/* Without rows in FILE-wal, the file alone is all there is. */
static bool log_is_empty(const char *path)
{
	struct stat status;
	char *name = NULL;
	bool empty;

	if (asprintf(&name, "%s-wal", path) < 0)
		return false;
	empty = stat(name, &status) < 0 ? errno == ENOENT : status.st_size == 0;
	free(name);
	return empty;
}

/*
 * Readers, too, have to say in FILE-shm that they read; where nobody may make that file, nobody writes
 * either.
 */
static int open_for_reading(struct history_file *file)
{
	int64_t tables;
	char *uri;
	int error = sqlite.open_v2(file->path, &file->db, SQLITE_OPEN_READONLY, NULL);

	if (error)
		return error;
	sqlite.busy_timeout(file->db, BUSY_READ_MS);
	error = history_file_number(file, "SELECT count(*) FROM sqlite_schema", &tables);
	if (error != SQLITE_CANTOPEN || !log_is_empty(file->path))
		return 0;
	sqlite.close_v2(file->db);
	file->db = NULL;
	uri = immutable_uri(file->path);
	error = uri ? sqlite.open_v2(uri, &file->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL)
		    : SQLITE_NOMEM;
	free(uri);
	return error;
}

int history_file_read(struct history_file *file, const char *path)
{
	const char *why;
	bool empty = false;

	*file = (struct history_file){ .path = path, .lock = -1 };
	if (stat(path, &file->status) < 0)
		return refuse(file, "read", strerror(errno));
	if (!S_ISREG(file->status.st_mode))
		return refuse(file, "read", "it is no file");
	if (sqlite_library_load(purpose) < 0)
		return -EIO;
	if (open_for_reading(file))
		return refuse(file, "read", file->db ? sqlite.errmsg(file->db) : "out of memory");
	why = version_judge(file, &empty);
	if (!why && empty)
		why = "it is empty; hark -o sqlite:FILE writes one";
	return why ? refuse(file, "read", why) : 0;
}
