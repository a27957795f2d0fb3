/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matches the requests and responses of one decoded layer and emits
 * exchanges (docs/design.md, D10): key 0 first in, first out; HTTP/2 by stream.
 */
#ifndef HARK_PAIR_H
#define HARK_PAIR_H

#include "message.h"
#include "model/conn_facts.h"
#include "model/pipeline.h"
#include "pair_keys.h"

#include <stdbool.h>
#include <stdint.h>

struct pair_entry;

struct pair {
	const struct pipeline *pipeline;
	struct conn_facts *facts;   /* of the connection that exchanges are emitted with */
	struct pair_entry *entries; /* open ones, oldest first */
	/* Key 0, so that nothing is walked: of the message under way, by enum message_kind; */
	struct pair_entry *current[2];
	struct pair_entry *vacant[2]; /* before these ones none has room for a message of that kind, */
	struct pair_entry *unshown;   /* and before this one all were shown. NULL: none at all. */
	struct pair_entry *behind;    /* with a key, shown already: their order no longer matters */
	struct pair_keys by_key;      /* those with a key other than 0 */
	struct pair_entry *aside;     /* its exchange goes on in another decoder; in no list */
	struct {
		uint64_t count;
		unsigned int flags; /* of the newest: why */
	} losses[2];		    /* by enum message_kind: what may have held such messages */
	size_t open;		    /* entries not emitted yet */
	size_t shown;		    /* entries that were emitted before they ended, and wait for the rest */
	size_t held_bytes;	    /* the memory of all entries, with the messages that are ours */
	size_t requestless;	    /* key 0: responses that wait for their request */
	size_t shown_alone; /* requests shown alone since the last whole pair, whose answers may come */
	size_t reads;	    /* bodies that are being read */
	bool truncated;	    /* what comes out now is cut by a limit, not by hark's end */
	bool waiting;	    /* pair_poll() has something to look at */
	bool watched;	    /* in the pipeline's list, exactly when there are open entries */
	struct pair *watch_prev, *watch_next;
};

void pair_init(struct pair *pair, const struct pipeline *pipeline, struct conn_facts *facts);

/* Frees without emitting. */
void pair_fini(struct pair *pair);

/*
 * A head is complete; the message stays the decoder's, and lives until pair_done() or the decoder's end.
 * mover, here and below: of the newest bytes; the message's is the first that has a process.
 */
void pair_head(struct pair *pair, struct message *message, const struct mover *mover);

/* Takes the message; emits the exchange if it is complete. */
void pair_done(struct pair *pair, struct message *message, const struct mover *mover);

/* A 1xx response came; borrowed. It is shown with the exchange that it belongs to. */
void pair_interim(struct pair *pair, const struct message *message);

/* Messages of this kind may have been missed, those that are awaited among them (key 0), or that of one
 * stream; flags say why. */
void pair_lost(struct pair *pair, enum message_kind kind, uint32_t key, unsigned int flags);

/*
 * An Upgrade: `interim` (101), whose head came, is not the response after all. Takes it, and keeps its
 * exchange over pair_end().
 */
void pair_set_aside(struct pair *pair, struct message *interim, const struct mover *mover);

/* The exchange that was set aside goes on as this stream of HTTP/2. */
void pair_take_back(struct pair *pair, uint32_t key);

/* HTTP/2: the stream ended with this error; its exchange comes out. */
void pair_reset(struct pair *pair, uint32_t key, uint32_t error);

/* Bytes of a body moved: its exchange does not expire, and who reads it is given them. time_ns: theirs. */
void pair_body(struct pair *pair, const struct message *message, struct slice bytes, uint64_t time_ns);

/* size bytes of a body are missing; HOLE_UNKNOWN_SIZE: nobody knows how many, or whether any. */
void pair_hole(struct pair *pair, const struct message *message, uint64_t size, uint64_t time_ns);

/* The request that this response answers, whose head has its place; NULL: not seen. Borrowed until either
 * goes away. */
const struct message *pair_request(const struct pair *pair, const struct message *response);

/* A poll passed. True while something still waits for the next. */
bool pair_poll(struct pair *pair);

/* Tells of each open exchange that has taken config.pending_ns by now: at most once without an answer, and
 * once while an answer goes on. */
void pair_tell_pending(struct pair *pair);

/* When it has something to tell, if nothing moves; UINT64_MAX: never. config.pending_ns is not 0. */
uint64_t pair_pending_due_ns(const struct pair *pair);

/* Each exchange with a request that was not emitted yet, as it stands; borrowed for the call. */
void pair_each_open(struct pair *pair, void (*fn)(void *ctx, const struct exchange *exchange), void *ctx);

/* Emits what has not moved for config.timeout_ns. */
void pair_expire(struct pair *pair);

/*
 * Emits everything open with these flags (and the like of unanswered). Must come after the decoder's end, so
 * that no message is the decoder's any more; live messages are shown and not kept otherwise.
 */
void pair_end(struct pair *pair, unsigned int flags);

#endif
