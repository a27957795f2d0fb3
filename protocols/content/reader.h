/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door for what bodies say. A reader is a table of functions; content rows (content.h) list the readers
 * of their type, reader by reader. To add one is its file in this folder, `extern` in contents.h, and its
 * name in the rows whose bodies it reads.
 *
 * A reader sees an exchange as a whole: at each head whose Content-Type has a row that lists it (or, for
 * tunnels, at the Upgrade) it is asked whether it wants that body, knowing the other message as far as it has
 * come. What it wanted it is given as it comes:
 *
 *   claims → head → bytes, hole, bytes … → end        of the request, of the response, of both by turns
 *
 * Transfer coding and content codings are undone: a reader sees clear bytes, in pieces of any size. What
 * cannot be undone (an unknown coding, a hole in a coded body, one that expands too far) is a hole of unknown
 * size, after which no bytes come. A hole says how many bytes are missing, if anybody knows; a reader that
 * can find its next border goes on from there, any other gives up: what it does not know for certain it does
 * not tell.
 *
 * It tells (all of these may be called in any of its functions but claims and fini):
 *
 * - facts: reading_text(), reading_number(), … on the request or the response of the exchange. JSON shows
 * them under their names, -v as lines; `hark.operation` makes an endpoint of its own.
 * - messages: reading_message(): a message within the body (an event, a call of a stream, a frame), shown at
 * once.
 *
 * What it has no room for is left out and counted. A reader is pure, holds no more than its state and what it
 * charges with reading_charge(), and takes any bytes.
 */
#ifndef HARK_READER_H
#define HARK_READER_H

#include "content.h"
#include "fact.h"
#include "message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READER_UNKNOWN_SIZE UINT64_MAX /* of a hole */

/* What somebody may want of it; it reads only where somebody does. */
enum reader_gives {
	READER_FACTS = 1 << 0,
	READER_OPERATION = 1 << 1, /* hark.operation, and the like by which exchanges are grouped */
	READER_MESSAGES = 1 << 2,
	READER_BODIES = 1 << 3,	 /* what the messages hold, for -vv */
	READER_OUTCOME = 1 << 4, /* trailers that its bodies have, for content's outcome() */
};

/* A message within a body, or of a tunnel. All slices are borrowed for the call; data NULL: not known, none.
 */
struct content_message {
	const char *protocol;	/* of its reader: "sse" */
	enum message_kind kind; /* MESSAGE_REQUEST: by the client */
	uint64_t number; /* of those in this direction, from 1 on; 0: not known, some may be missing before it
			  */
	uint64_t time_ns;  /* of its last byte */
	uint64_t bytes;	   /* its size, decoded; READER_UNKNOWN_SIZE: not known */
	struct slice type; /* its name or opcode: "text", "ping" */
	struct slice id;
	struct slice body;	  /* what was kept of it */
	enum content_look look;	  /* of the body: CONTENT_TEXT may still be no UTF-8 */
	unsigned int flags;	  /* FLAG_TRUNCATED: not all was kept; FLAG_GAP */
	const struct fact *facts; /* what else there is to say */
};

struct reading;
struct protobuf_schema;

struct content_reader {
	const char *name;
	unsigned int gives; /* enum reader_gives */
	size_t size;	    /* of its state, all zero before claims() was true */
	/* Does it read this body? message: its head is there; other: the other one of the exchange, NULL: not
	 * seen (yet). Called for each of both; a response may come before its request. */
	bool (*claims)(const struct message *message, const struct message *other);
	/* The body begins. May be NULL. */
	void (*head)(struct reading *reading, const struct message *message);
	void (*bytes)(struct reading *reading, enum message_kind kind, struct slice bytes);
	/* size bytes are missing here; READER_UNKNOWN_SIZE: nobody knows how many, or whether any. */
	void (*hole)(struct reading *reading, enum message_kind kind, uint64_t size);
	/* The message ended: trailers and flags stand. May be NULL. */
	void (*end)(struct reading *reading, enum message_kind kind, const struct message *message);
	/* Frees what the state holds. May be NULL. */
	void (*fini)(void *state);
};

/* One reader at one exchange. */
struct reading {
	const struct content_reader *reader;
	struct readings *all;
	struct reading *next;
	void *state;
	bool wants[2];		       /* by enum message_kind: the body, as claimed */
	const struct content *content; /* the row of the body that began last */
	size_t charged_bytes;
};

/* Event time of what is being given. */
uint64_t reading_now_ns(const struct reading *reading);
/* The request or the response; NULL: not seen, or given away. */
const struct message *reading_of(const struct reading *reading, enum message_kind kind);
/* Does somebody want this of it? */
bool reading_wanted(const struct reading *reading, enum reader_gives gives);
/* The schema of the user's (--proto); NULL: none. */
const struct protobuf_schema *reading_schema(const struct reading *reading);
/* No more of this body is given, and end() is not called for it. Not from head(). */
void reading_give_up(struct reading *reading, enum message_kind kind);
/* Memory that the state holds besides itself: so many bytes now. */
void reading_charge(struct reading *reading, size_t bytes);

/*
 * Facts of the request or the response, which keep copies. name: a static string, a key of docs/interface.md.
 * Of a text FACT_TEXT_MAX bytes are kept, and that it is cut. The same name again replaces the value, but for
 * the listed ones, which are added. Without a message of that kind, or without room, nothing happens (the
 * latter is counted).
 */
void reading_text(struct reading *reading, enum message_kind kind, const char *name, struct slice text);
void reading_add(struct reading *reading, enum message_kind kind, const char *name,
		 struct slice text); /* listed */
void reading_number(struct reading *reading, enum message_kind kind, const char *name, uint64_t number);
void reading_integer(struct reading *reading, enum message_kind kind, const char *name, int64_t integer);
void reading_ns(struct reading *reading, enum message_kind kind, const char *name, uint64_t ns);
void reading_milli(struct reading *reading, enum message_kind kind, const char *name, uint64_t thousandths);
void reading_true(struct reading *reading, enum message_kind kind, const char *name);
/* The fact is no longer known. */
void reading_forget(struct reading *reading, enum message_kind kind, const char *name);

/* A trailer that the body has: it becomes one of the message. */
void reading_trailer(struct reading *reading, enum message_kind kind, struct slice name, struct slice value);

/* A message; protocol, kind's direction and time_ns are filled in where they are 0. Only while
 * reading_wanted(READER_MESSAGES). */
void reading_message(struct reading *reading, struct content_message *message);

#endif
