/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_turn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/losses.h"
#include "sqlite_keep.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define TURN_ROWS      20000 /* then it ends before its time */
#define LAST_TURNS     64    /* that take away what is too much at the end of the run */
#define LOG_PAGES      1000  /* of FILE-wal that go over into FILE */
#define LOG_PAGES_MANY 65536 /* 256 MiB: somebody reads an old state of the file and does not end */
#define MINUTE_US      INT64_C(60000000)

/* --- the run's own row, and its losses ---------------------------------------------------------- */

static int64_t began_us(const struct sqlite_turn *turn, const struct sink_config *config)
{
	return config->live ? sqlite_turn_us(turn, clock_ns()) : 0; /* of a recording: with its first event */
}

static int run_add(struct sqlite_turn *turn, const struct sink_config *config)
{
	sqlite3_stmt *add = history_file_prepare(
		&turn->file, "INSERT INTO run (began_us, seen_us, hark_version, host_name, live, filter)"
			     " VALUES (?1, ?1, '" HARK_VERSION "', ?2, ?3, ?4)");
	char host[256] = "";
	int error;

	if (!add)
		return SQLITE_ERROR;
	gethostname(host, sizeof(host) - 1);
	sqlite.bind_int64(add, 1, began_us(turn, config));
	sqlite.bind_text(add, 2, host, -1, SQLITE_STATIC);
	sqlite.bind_int64(add, 3, config->live);
	sqlite.bind_text(add, 4, config->filter ? config->filter : "", -1, SQLITE_STATIC);
	error = sqlite.step(add);
	sqlite.finalize(add);
	turn->run = sqlite.last_insert_rowid(turn->file.db);
	return error == SQLITE_DONE ? 0 : error;
}

static int step(sqlite3_stmt *statement)
{
	int error = sqlite.step(statement);

	sqlite.reset(statement);
	return error == SQLITE_DONE ? 0 : error;
}

static int run_see(const struct sqlite_turn *turn, uint64_t pruned, bool last)
{
	sqlite3_stmt *seen = turn->run_seen;

	sqlite.clear_bindings(seen);
	sqlite.bind_int64(seen, 1, sqlite_turn_us(turn, turn->now_ns));
	if (last)
		sqlite.bind_int64(seen, 2, sqlite_turn_us(turn, turn->now_ns));
	sqlite.bind_int64(seen, 3, (int64_t)turn->rows[TURN_EXCHANGE]);
	sqlite.bind_int64(seen, 4, (int64_t)turn->rows[TURN_CONNECTION]);
	sqlite.bind_int64(seen, 5, (int64_t)pruned);
	sqlite.bind_int64(seen, 6, turn->run);
	return step(seen);
}

static bool losses_differ(const struct sqlite_turn *turn)
{
	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		if (loss_is(i) && counters[i] != turn->losses[i])
			return true;
	return false;
}

/* What was lost since the last turn, by the minute. */
static int losses_add(const struct sqlite_turn *turn)
{
	int64_t now_us = sqlite_turn_us(turn, turn->now_ns);
	int error = 0;

	for (enum counter i = 0; i < COUNTER_COUNT && !error; i++) {
		if (!loss_is(i) || counters[i] == turn->losses[i])
			continue;
		sqlite.bind_int64(turn->loss_add, 1, turn->run);
		sqlite.bind_int64(turn->loss_add, 2, now_us - now_us % MINUTE_US);
		sqlite.bind_text(turn->loss_add, 3, counter_name(i), -1, SQLITE_STATIC);
		sqlite.bind_int64(turn->loss_add, 4, (int64_t)(counters[i] - turn->losses[i]));
		error = step(turn->loss_add);
	}
	return error;
}

/* --- begin and end -------------------------------------------------------------------------------- */

/* Pages go over from FILE-wal to FILE; somebody who reads an old state keeps them. */
static int log_grew(void *ctx, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_turn *turn = ctx;

	if (pages < LOG_PAGES)
		return SQLITE_OK;
	(void)sqlite.wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (pages >= LOG_PAGES_MANY && !turn->reader_said) {
		turn->reader_said = true;
		log_warn("%s-wal grows: somebody has been reading an old state of the file and does not end",
			 turn->file.path);
	}
	return SQLITE_OK;
}

int sqlite_turn_open(struct sqlite_turn *turn, const struct sink_config *config)
{
	turn->wall_offset_ns = config->wall_offset_ns;
	if (history_file_create(&turn->file, config->place) < 0)
		return -EIO;
	sqlite.wal_hook(turn->file.db, log_grew, turn);
	for (int table = 0; table < HISTORY_TABLES; table++) {
		turn->inserts[table] = history_file_prepare(&turn->file, history_inserts[table]);
		if (!turn->inserts[table])
			return -EIO;
	}
	turn->begin = history_file_prepare(&turn->file, "BEGIN IMMEDIATE");
	turn->commit = history_file_prepare(&turn->file, "COMMIT");
	turn->rollback = history_file_prepare(&turn->file, "ROLLBACK");
	turn->run_seen = history_file_prepare(
		&turn->file, "UPDATE run SET seen_us = ?1, ended_us = ?2, exchanges = exchanges + ?3,"
			     " connections = connections + ?4, pruned = pruned + ?5,"
			     " began_us = iif(began_us, began_us, ?1) WHERE id = ?6");
	turn->loss_add = history_file_prepare(&turn->file,
					      "INSERT INTO loss VALUES (?1, ?2, ?3, ?4)"
					      " ON CONFLICT DO UPDATE SET count = count + excluded.count");
	if (!turn->begin || !turn->commit || !turn->rollback || !turn->run_seen || !turn->loss_add)
		return -EIO;
	if (run_add(turn, config)) {
		log_error("cannot write to %s: %s", turn->file.path, sqlite.errmsg(turn->file.db));
		return -EIO;
	}
	turn->keep = sqlite_keep_new(&turn->file, config, turn->run);
	return turn->keep ? 0 : -EIO;
}

void sqlite_turn_close(struct sqlite_turn *turn)
{
	sqlite3_stmt *const statements[] = { turn->begin, turn->commit, turn->rollback, turn->run_seen,
					     turn->loss_add };

	if (!turn->file.path)
		return;
	sqlite_keep_free(turn->keep);
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
		sqlite.finalize(statements[i]);
	for (int table = 0; table < HISTORY_TABLES; table++)
		sqlite.finalize(turn->inserts[table]);
	/* So that the file alone is all there is: it may be copied. */
	if (turn->state != TURN_STOPPED)
		(void)sqlite.wal_checkpoint_v2(turn->file.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	history_file_close(&turn->file);
}

/* --- failures --------------------------------------------------------------------------------------- */

static bool is_for_good(int error)
{
	switch (error & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_READONLY:
	case SQLITE_SCHEMA:
	case SQLITE_ERROR: /* a table is gone: somebody changed the schema */
		return true;
	default:
		return false;
	}
}

/* The turn is taken back. why: in words. */
static void turn_fail(struct sqlite_turn *turn, bool for_good, const char *why)
{
	if (!turn->failing || for_good)
		log_error("cannot write to %s: %s; what is lost is counted (history.lost)%s", turn->file.path,
			  why, for_good ? ", and nothing more is written" : "");
	if (!sqlite.get_autocommit(turn->file.db))
		(void)step(turn->rollback);
	counter_add(COUNTER_HISTORY_LOST, turn->rows[TURN_EXCHANGE] + turn->rows[TURN_CONNECTION]);
	memset(turn->rows, 0, sizeof(turn->rows));
	turn->failures++;
	turn->failing = true;
	turn->began_ns = turn->now_ns;
	turn->state = for_good ? TURN_STOPPED : TURN_FAILED;
}

static void turn_fail_by(struct sqlite_turn *turn, int error)
{
	turn_fail(turn, is_for_good(error), sqlite.errmsg(turn->file.db));
}

static void turn_begin(struct sqlite_turn *turn)
{
	int error = step(turn->begin);

	turn->state = TURN_OPEN;
	turn->began_ns = turn->now_ns;
	if (error)
		turn_fail_by(turn, error);
}

static void time_goes_on(struct sqlite_turn *turn, uint64_t now_ns)
{
	if (now_ns > turn->now_ns)
		turn->now_ns = now_ns;
}

bool sqlite_turn_begin(struct sqlite_turn *turn, uint64_t event_ns)
{
	time_goes_on(turn, event_ns);
	if (turn->state == TURN_CLOSED)
		turn_begin(turn);
	if (turn->state == TURN_OPEN)
		return true;
	counter_add(COUNTER_HISTORY_LOST, 1);
	return false;
}

void sqlite_turn_wrote(struct sqlite_turn *turn, enum sqlite_turn_row row, int error)
{
	turn->rows[row] += error == 0;
	if (!error)
		return;
	counter_add(COUNTER_HISTORY_LOST, 1);
	/* Without memory the statement alone is taken back. */
	if (error != SQLITE_NOMEM || sqlite.get_autocommit(turn->file.db))
		turn_fail_by(turn, error);
}

static void turn_end(struct sqlite_turn *turn, bool last)
{
	uint64_t pruned = 0, rows = turn->rows[TURN_EXCHANGE] + turn->rows[TURN_CONNECTION];
	int error;

	if (!history_file_is_there(&turn->file)) {
		turn_fail(turn, true, "it was removed, moved or replaced while hark wrote to it");
		return;
	}
	error = sqlite_keep_turn(turn->keep, sqlite_turn_us(turn, turn->now_ns), rows, &pruned);
	if (!error)
		error = losses_add(turn);
	if (!error)
		error = run_see(turn, pruned, last);
	if (!error)
		error = step(turn->commit);
	if (error) {
		turn_fail_by(turn, error);
		return;
	}
	counter_add(COUNTER_HISTORY_WRITTEN, rows);
	counter_add(COUNTER_HISTORY_PRUNED, pruned);
	memcpy(turn->losses, counters, sizeof(turn->losses));
	memset(turn->rows, 0, sizeof(turn->rows));
	if (turn->failing)
		log_warn("%s is written to again", turn->file.path);
	turn->failing = false;
	turn->state = TURN_CLOSED;
	turn->began_ns = turn->now_ns;
}

void sqlite_turn_tick(struct sqlite_turn *turn, uint64_t now_ns, bool last)
{
	bool due;

	time_goes_on(turn, now_ns);
	turn->over |= last;
	due = last || turn->now_ns - turn->began_ns >= SQLITE_TURN_NS;
	if (due && turn->state == TURN_FAILED)
		turn->state = TURN_CLOSED;
	if (due && turn->state == TURN_CLOSED &&
	    (last || losses_differ(turn) || turn->now_ns - turn->began_ns >= sqlite_keep_wait_ns(turn->keep)))
		turn_begin(turn);
	if (turn->state == TURN_OPEN &&
	    (due || turn->rows[TURN_EXCHANGE] + turn->rows[TURN_CONNECTION] >= TURN_ROWS))
		turn_end(turn, last);
	for (int more = 0;
	     last && more < LAST_TURNS && turn->state == TURN_CLOSED && sqlite_keep_is_under_way(turn->keep);
	     more++) {
		turn_begin(turn);
		if (turn->state == TURN_OPEN)
			turn_end(turn, true);
	}
}

uint64_t sqlite_turn_due_ns(const struct sqlite_turn *turn)
{
	bool waits = turn->state == TURN_OPEN || turn->state == TURN_FAILED;
	uint64_t wait_ns = waits ? SQLITE_TURN_NS : sqlite_keep_wait_ns(turn->keep);

	if (turn->state == TURN_STOPPED || wait_ns == UINT64_MAX)
		return UINT64_MAX;
	return turn->began_ns + wait_ns;
}
