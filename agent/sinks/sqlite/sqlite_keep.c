/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows go by their time, exchanges and connections alike. What they refer to goes when it can be referred to
 * no more: a row of `origin` is used for an hour at most (sqlite_origin.h), so that those of an hour before
 * the oldest row are nobody's.
 */
#include "sqlite_keep.h"

#include "sqlite_origin.h"

#include <stdlib.h>

#define ROWS_LEAST    2000			       /* that a turn may take away */
#define GIVE_BACK     "PRAGMA incremental_vacuum(512)" /* pages of a turn, to the file system */
#define IDLE_NS	      UINT64_C(60000000000)	       /* between looks when nothing is written */
#define UNDER_WAY_NS  UINT64_C(500000000)
#define OLDEST(table) "(SELECT min(time_us) FROM " table ")"

enum keep_statement {
	KEEP_PAGES,
	KEEP_FREE,
	KEEP_PAGE_SIZE,
	KEEP_SPAN,
	KEEP_NTH,
	KEEP_EXCHANGES,
	KEEP_CONNECTIONS,
	KEEP_ORIGINS,
	KEEP_LOSSES,
	KEEP_RUNS,
	KEEP_STATEMENTS,
};

/* ?1: what is older goes; ?2: so many rows at most; ?3: the run that is written. */
static const char *const statements[KEEP_STATEMENTS] = {
	[KEEP_PAGES] = "PRAGMA page_count",
	[KEEP_FREE] = "PRAGMA freelist_count",
	[KEEP_PAGE_SIZE] = "PRAGMA page_size",
	/* Rows that there are, about. */
	[KEEP_SPAN] = "SELECT max(ifnull((SELECT max(id) - min(id) + 1 FROM exchange_data), 0),"
		      " ifnull((SELECT max(id) - min(id) + 1 FROM connection_data), 0))",
	/* The age of the row before which as many are older as may go. */
	[KEEP_NTH] =
		"SELECT min(time_us) FROM (SELECT * FROM (SELECT time_us FROM exchange_data ORDER BY time_us"
		" LIMIT 1 OFFSET ?2) UNION ALL SELECT * FROM (SELECT time_us FROM connection_data"
		" ORDER BY time_us LIMIT 1 OFFSET ?2))",
	[KEEP_EXCHANGES] = "DELETE FROM exchange_data WHERE id IN"
			   " (SELECT id FROM exchange_data WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
	[KEEP_CONNECTIONS] = "DELETE FROM connection_data WHERE id IN"
			     " (SELECT id FROM connection_data WHERE time_us < ?1 ORDER BY time_us LIMIT ?2)",
	[KEEP_ORIGINS] = "DELETE FROM origin WHERE id IN (SELECT id FROM origin WHERE time_us < min(?1,"
			 " ifnull(" OLDEST("exchange_data") ", ?1), ifnull(" OLDEST(
				 "connection_data") ", ?1)) - ?3"
						    " ORDER BY id LIMIT ?2)",
	[KEEP_LOSSES] = "DELETE FROM loss WHERE time_us < ?1 - 60000000",
	[KEEP_RUNS] = "DELETE FROM run WHERE seen_us < ?1 AND id <> ?3",
};

struct sqlite_keep {
	const struct history_file *file; /* borrowed */
	sqlite3_stmt *statements[KEEP_STATEMENTS];
	int64_t run;
	uint64_t age_us, bytes; /* 0: no limit */
	bool under_way;		/* more is to go */
};

static int number(const struct sqlite_keep *keep, enum keep_statement which, int64_t rows, int64_t *out)
{
	sqlite3_stmt *statement = keep->statements[which];
	int error;

	if (which == KEEP_NTH)
		sqlite.bind_int64(statement, 2, rows);
	error = sqlite.step(statement);
	*out = error == SQLITE_ROW && sqlite.column_type(statement, 0) != SQLITE_NULL
		       ? sqlite.column_int64(statement, 0)
		       : -1;
	sqlite.reset(statement);
	return error == SQLITE_ROW ? 0 : error;
}

static int delete_before(const struct sqlite_keep *keep, enum keep_statement which, int64_t before_us,
			 int64_t rows, int64_t third, uint64_t *gone)
{
	sqlite3_stmt *statement = keep->statements[which];
	int error;

	sqlite.bind_int64(statement, 1, before_us);
	sqlite.bind_int64(statement, 2, rows);
	sqlite.bind_int64(statement, 3, third);
	error = sqlite.step(statement);
	*gone = error == SQLITE_DONE ? (uint64_t)sqlite.changes(keep->file->db) : 0;
	sqlite.reset(statement);
	return error == SQLITE_DONE ? 0 : error;
}

struct sqlite_keep *sqlite_keep_new(const struct history_file *file, const struct sink_config *config,
				    int64_t run)
{
	struct sqlite_keep *keep = calloc(1, sizeof(*keep));

	if (!keep)
		return NULL;
	keep->file = file;
	keep->run = run;
	keep->age_us = config->keep_ns / 1000;
	keep->bytes = config->keep_bytes;
	for (int i = 0; i < KEEP_STATEMENTS; i++) {
		keep->statements[i] = history_file_prepare(file, statements[i]);
		if (!keep->statements[i]) {
			sqlite_keep_free(keep);
			return NULL;
		}
	}
	return keep;
}

void sqlite_keep_free(struct sqlite_keep *keep)
{
	if (!keep)
		return;
	for (int i = 0; i < KEEP_STATEMENTS; i++)
		sqlite.finalize(keep->statements[i]);
	free(keep);
}

/* Everything older; *gone: exchanges and connections. */
static int prune(struct sqlite_keep *keep, int64_t before_us, int64_t rows, uint64_t *gone)
{
	uint64_t exchanges = 0, connections = 0, other;
	int error = delete_before(keep, KEEP_EXCHANGES, before_us, rows, 0, &exchanges);

	if (!error)
		error = delete_before(keep, KEEP_CONNECTIONS, before_us, rows, 0, &connections);
	*gone += exchanges + connections;
	keep->under_way |= exchanges == (uint64_t)rows || connections == (uint64_t)rows;
	if (error || exchanges + connections == 0)
		return error;
	error = delete_before(keep, KEEP_ORIGINS, before_us, rows, SQLITE_ORIGIN_US, &other);
	if (!error)
		error = delete_before(keep, KEEP_LOSSES, before_us, rows, 0, &other);
	return error ? error : delete_before(keep, KEEP_RUNS, before_us, rows, keep->run, &other);
}

/* Bytes of the pages that are in use, and of those that are free. */
static int measure(const struct sqlite_keep *keep, uint64_t *used, uint64_t *unused)
{
	int64_t pages = 0, free_pages = 0, size = 0;
	int error = number(keep, KEEP_PAGES, 0, &pages);

	if (!error)
		error = number(keep, KEEP_FREE, 0, &free_pages);
	if (!error)
		error = number(keep, KEEP_PAGE_SIZE, 0, &size);
	*used = (uint64_t)((pages - free_pages) * size);
	*unused = (uint64_t)(free_pages * size);
	return error;
}

/* So many of `used` bytes' rows that the rest has room, and no more than `rows`; a part is left for the next
 * turn's. */
static int rows_too_many(const struct sqlite_keep *keep, uint64_t used, int64_t rows, int64_t *many)
{
	uint64_t wanted = keep->bytes - keep->bytes / 16;
	int64_t span = 0;
	int error = used > wanted ? number(keep, KEEP_SPAN, 0, &span) : 0;

	*many = used > wanted ? (int64_t)((double)span * (double)(used - wanted) / (double)used) + 1 : 0;
	if (*many > rows)
		*many = rows;
	return error;
}

static int prune_by_size(struct sqlite_keep *keep, int64_t rows, uint64_t *gone)
{
	uint64_t used = 0, unused = 0;
	int64_t many = 0, before_us = 0;
	int error = measure(keep, &used, &unused);

	if (!error)
		error = rows_too_many(keep, used, rows, &many);
	if (!error && many) {
		error = number(keep, KEEP_NTH, many - 1, &before_us);
		if (!error && before_us >= 0)
			error = prune(keep, before_us + 1, many, gone);
		keep->under_way |= before_us >= 0;
	}
	if (error || unused <= keep->bytes / 8)
		return error;
	keep->under_way = true;
	return sqlite.exec(keep->file->db, GIVE_BACK, NULL, NULL, NULL);
}

int sqlite_keep_turn(struct sqlite_keep *keep, int64_t now_us, uint64_t added, uint64_t *pruned)
{
	int64_t rows = (int64_t)(2 * added > ROWS_LEAST ? 2 * added : ROWS_LEAST);
	int error = 0;

	*pruned = 0;
	keep->under_way = false;
	if (keep->age_us && now_us > (int64_t)keep->age_us)
		error = prune(keep, now_us - (int64_t)keep->age_us, rows, pruned);
	if (!error && keep->bytes)
		error = prune_by_size(keep, rows, pruned);
	return error;
}

bool sqlite_keep_is_under_way(const struct sqlite_keep *keep)
{
	return keep->under_way;
}

uint64_t sqlite_keep_wait_ns(const struct sqlite_keep *keep)
{
	if (keep->under_way)
		return UNDER_WAY_NS;
	return keep->age_us ? IDLE_NS : UINT64_MAX;
}
