/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a conversation to events: a plan says how it is seen (by which side, of which layer, in which records)
 * and what happens to the records on the way.
 */
#ifndef HARK_ORACLE_PLAY_H
#define HARK_ORACLE_PLAY_H

#include "conversation.h"
#include "model/exchange.h"

enum transform {
	TRANSFORM_NONE,	   /* seen whole, cut into records and polls at random */
	TRANSFORM_REORDER, /* records come late, within the grace */
	TRANSFORM_JOIN,	   /* hark comes when the record `at` is due, or inside it */
	TRANSFORM_LOSE,	   /* the record `at` is lost */
	TRANSFORM_BURST,   /* some stretches of records are lost */
	TRANSFORM_REFUSE,  /* TLS: the call `at` was not measured, a hole of unknown size */
	TRANSFORM_SNAP,	   /* of some records only the first bytes were copied (--snaplen) */
	TRANSFORM_COUNT,
};

struct plan {
	enum transform transform;
	size_t at;     /* which record */
	uint64_t seed; /* of everything else about it */
};

/* A record on its way, and then what was seen of it. */
struct record {
	int direction;
	size_t begin, end; /* bytes of the direction */
	size_t seen_from;  /* the first of them that is seen: `end` when it was lost */
	size_t seen_to;	   /* behind the last of them */
	int polls;	   /* that follow it */
	bool lost;	   /* it moved after hark came, and hark did not get it */
	bool refused;
	uint64_t time_ns;
};

struct play {
	const struct conversation *conversation;
	struct plan plan;
	bool server, tls, close, announced;
	struct record *records;
	size_t count, capacity;
	size_t before_hark; /* so many records came before it */
	size_t *order;	    /* in which the records come */
};

const char *transform_name(enum transform transform);

/* How many records the plain form of the conversation has. */
void play_init(struct play *play, const struct conversation *conversation, const struct plan *plan);
void play_fini(struct play *play);

/* Through a tracker of its own; `exchange` as in tracker.h. */
void play_run(const struct play *play, void (*exchange)(void *ctx, struct exchange *exchange), void *ctx);

#endif
