/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input of a decoder's fuzz target as a script: a byte says what happens
 * in which direction, a second one how much, then come the bytes of a feed.
 */
#ifndef HARK_TESTS_FUZZ_SCRIPT_H
#define HARK_TESTS_FUZZ_SCRIPT_H

#include "protocol.h"

#include <stdlib.h>

enum fuzz_verb {
	FUZZ_FEED,	/* as many bytes as the second byte says */
	FUZZ_FEED_LONG, /* the second byte times 256 */
	FUZZ_HOLE,
	FUZZ_HOLE_LONG, /* the second byte times 256 */
	FUZZ_HOLE_UNKNOWN,
	FUZZ_FINISH,
	FUZZ_TICK,
	FUZZ_IDLE, /* asks what may be asked at any time */
};

struct fuzz_step {
	enum fuzz_verb verb;
	enum event_direction direction;
	size_t amount;
	struct slice bytes; /* of a feed */
};

/* Takes the next step off the script. False: it is used up. */
static inline bool fuzz_step_next(struct slice *script, struct fuzz_step *step)
{
	if (script->len < 2)
		return false;
	step->direction = (enum event_direction)(script->data[0] & 1);
	step->verb = (enum fuzz_verb)(script->data[0] >> 1 & 7);
	step->amount = script->data[1];
	if (step->verb == FUZZ_FEED_LONG || step->verb == FUZZ_HOLE_LONG)
		step->amount *= 256;
	*script = slice_drop(*script, 2);
	step->bytes = slice_of(NULL, 0);
	if (step->verb == FUZZ_FEED || step->verb == FUZZ_FEED_LONG) {
		step->bytes = slice_take(*script, step->amount);
		*script = slice_drop(*script, step->bytes.len);
	}
	return true;
}

#endif
