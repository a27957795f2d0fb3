/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares what came out with the true list.
 *
 * What excuses what:
 *  - A pair of two exchanges' messages, and a message that nobody sent: only `guess` and `malformed`.
 *  - A known value that differs from the true one: nothing.
 *  - A value that is not known, a field that is not there: `partial-headers`, `gap`, `truncated`, and, of a
 *    message that ended early, `closed`, `reset`, `in-flight`, `timeout`. `late-joined` alone does not.
 *  - A size that is only a lower bound: the same. A target that is only a beginning: `truncated`.
 *  - The two ends of an exchange shown apart, or one alone: `gap`, `late-joined`, `truncated` or `timeout` on
 *    each line. `no-request` alone is enough where bytes of the request are missing; `unanswered` alone never
 *    is where an answer was given.
 *    Where the tail of a direction was lost and the connection stays open, only the count of lost records
 * tells: what misses there needs no flag. One that closes tells how far it had got.
 *  - A message that is not shown at all: one that misses bytes (the kernel counts lost records), and one
 * whose bytes were passed over in search of a border, which bytes.unparsed, hpack.blocks_lost or
 * messages.refused count. How often that happens is in the table of recovery.
 *  - The same message shown twice: nothing.
 *  - Of an exchange that ended early (`reset`, `closed`, `in-flight`, `timeout`) sizes are those of what came
 * by then.
 *  - An exchange that was over before the first loss, and everything where nothing was lost: exactly right,
 *    without a flag that is not its own.
 */
#ifndef HARK_ORACLE_JUDGE_H
#define HARK_ORACLE_JUDGE_H

#include "play.h"

#include <stdio.h>

enum fault {
	FAULT_PAIR,	 /* two exchanges' messages as one */
	FAULT_PHANTOM,	 /* a message that nobody sent */
	FAULT_FIELD,	 /* a value differs */
	FAULT_TIME,	 /* of a whole exchange: not when its first and last bytes moved */
	FAULT_LACK,	 /* a value is not known, and no flag says so */
	FAULT_TWICE,	 /* the same message came out twice */
	FAULT_SPLIT,	 /* shown apart, or unanswered, and no flag says why */
	FAULT_MISSING,	 /* not shown */
	FAULT_UNTOUCHED, /* nothing of it was lost when it ended, and yet it is not whole */
	FAULT_COUNT,
};

/* Where an exchange stands from the last loss before it: 1 is the first that begins behind it. */
enum {
	DISTANCE_TOUCHED = 0,
	DISTANCE_BEFORE = -1,
	DISTANCE_OPEN = -2
};

/* The fate of one true exchange. */
struct fate {
	bool shown[2];	 /* its request, its response */
	bool together;	 /* in one exchange */
	bool known;	 /* together, and every field and size is there */
	bool whole;	 /* and no flag that is not its own */
	bool named;	 /* together; method, target and status are there, and no flag but partial-headers */
	bool touched[2]; /* some bytes of that message did not come */
	bool present[2]; /* some did */
	int distance;
	unsigned int flags;
};

struct verdict {
	struct fate fate[EXCHANGES_MAX];
	uint32_t faults;	     /* bits of enum fault */
	char text[FAULT_COUNT][200]; /* the first of each */
	FILE *talk;		     /* NULL, or where each exchange is told */
};

const char *fault_name(enum fault fault);

/* Plays and judges. verdict->talk is set by the caller, all else here. */
void judge(const struct play *play, struct verdict *verdict);

#endif
