/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A named fact of a message that its body told, or both bodies of its exchange: what the readers of bodies
 * (protocols/content/reader.h) find. Names are the keys of docs/interface.md. What is not known has no fact.
 */
#ifndef HARK_FACT_H
#define HARK_FACT_H

#include "slice.h"

#include <stdint.h>

#define FACTS_MAX     48   /* of a message */
#define FACTS_OF_NAME 16   /* listed ones; others have room beside them */
#define FACT_TEXT_MAX 1024 /* bytes of one text */

enum fact_kind {
	FACT_TEXT,
	FACT_NUMBER,
	FACT_INTEGER, /* an int64_t */
	FACT_NS,      /* a duration; its name ends in _ms, as which it is shown */
	FACT_MILLI,   /* thousandths of a number */
	FACT_TRUE,
};

struct fact {
	struct fact *next;
	const char *name; /* static */
	enum fact_kind kind;
	bool listed; /* one of those that have this name: JSON has a list of them */
	bool cut;    /* the text had more than it has */
	struct slice text;
	uint64_t number;
};

/* Has the fact this name? Names of one place are the same pointer, mostly. */
static inline bool fact_is(const struct fact *fact, const char *name)
{
	return fact->name == name || strcmp(fact->name, name) == 0;
}

/* The first of this name; NULL: there is none. */
static inline const struct fact *fact_find(const struct fact *facts, struct slice name)
{
	while (facts && !slice_equal(slice_of_string(facts->name), name))
		facts = facts->next;
	return facts;
}

#endif
