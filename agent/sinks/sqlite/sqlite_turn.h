/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run writes to its history goes in turns: all rows of half a second are one transaction, which is
 * there as a whole or not at all. A turn that fails (a full disk, somebody's lock) is taken back: its rows
 * are counted as lost, that is said once, and the next turn tries again. After what no later turn can mend, a
 * damaged or replaced file, nothing is tried any more.
 */
#ifndef HARK_SQLITE_TURN_H
#define HARK_SQLITE_TURN_H

#include "base/counters.h"
#include "history/history_file.h"
#include "history/history_schema.h"
#include "sinks/sink.h"

#include <stdbool.h>
#include <stdint.h>

#define SQLITE_TURN_NS UINT64_C(500000000)

enum sqlite_turn_state {
	TURN_CLOSED,  /* no row was written since the last turn */
	TURN_OPEN,    /* a transaction has rows */
	TURN_FAILED,  /* until the next turn rows are lost */
	TURN_STOPPED, /* for good */
};

struct sqlite_turn {
	struct history_file file;
	sqlite3_stmt *inserts[HISTORY_TABLES];
	sqlite3_stmt *begin, *commit, *rollback, *run_seen, *loss_add;
	struct sqlite_keep *keep;
	int64_t wall_offset_ns;
	int64_t run;	   /* this one's number in the file */
	uint64_t now_ns;   /* event time of the last tick */
	uint64_t began_ns; /* of this turn, or of the failure */
	enum sqlite_turn_state state;
	unsigned int failures; /* turns that were taken back; origins of before are not in the file */
	bool failing;	       /* the last one was, and that was said */
	bool over;	       /* the run is */
	bool reader_said;
	uint64_t rows[2];		/* exchanges and connections of this turn */
	uint64_t losses[COUNTER_COUNT]; /* as the file has them */
};

/* 0, or -EIO when the reason was reported; sqlite_turn_close() is called then, too. */
int sqlite_turn_open(struct sqlite_turn *turn, const struct sink_config *config);
void sqlite_turn_close(struct sqlite_turn *turn);

enum sqlite_turn_row {
	TURN_EXCHANGE,
	TURN_CONNECTION,
};

/* May a row of this event time be written? Else it is counted as lost. */
bool sqlite_turn_begin(struct sqlite_turn *turn, uint64_t event_ns);
/* It was, with SQLite's error or 0. */
void sqlite_turn_wrote(struct sqlite_turn *turn, enum sqlite_turn_row row, int error);

/* Ends the turn when it is due; last: in any case. */
void sqlite_turn_tick(struct sqlite_turn *turn, uint64_t now_ns, bool last);
uint64_t sqlite_turn_due_ns(const struct sqlite_turn *turn);

/* Microseconds since 1970 of event time. */
static inline int64_t sqlite_turn_us(const struct sqlite_turn *turn, uint64_t event_ns)
{
	return ((int64_t)event_ns + turn->wall_offset_ns) / 1000;
}

#endif
