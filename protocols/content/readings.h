/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of one exchange's bodies: all its readers, and the codings before them. The stage that knows
 * which messages are one exchange (pairing) makes it, feeds it, and frees it.
 */
#ifndef HARK_READINGS_H
#define HARK_READINGS_H

#include "message.h"
#include "protocol.h"
#include "reader.h"

struct readings;

/* Borrowed for the life of all readings that have it. */
struct readings_config {
	const struct protobuf_schema *schema; /* NULL: none */
	unsigned int wants;		      /* enum reader_gives: what somebody wants; 0: nothing is read */
	void *ctx;			      /* the caller's, given back with `exchange` */
	void (*message)(void *ctx, void *exchange, const struct content_message *message);
	void (*note)(void *ctx, enum protocol_note note, uint64_t n);
};

/*
 * The head of a message of this content is there. *readings: NULL, or what was made at the other head; it is
 * made when a reader wants the body. other: the exchange's other message, or NULL. exchange: for callbacks.
 * True: the body is wanted.
 */
bool readings_head(struct readings **readings, const struct readings_config *config, void *exchange,
		   const struct content *content, struct message *message, struct message *other);
/* Is the body of this kind still wanted? */
bool readings_want(const struct readings *readings, enum message_kind kind);
/* What follows is legal with readings NULL. Bytes of the body as they were sent, but for transfer coding. */
void readings_body(struct readings *readings, enum message_kind kind, struct slice bytes, uint64_t time_ns);
void readings_hole(struct readings *readings, enum message_kind kind, uint64_t size, uint64_t time_ns);
/* The message ended; it stays until readings_leave(). */
void readings_end(struct readings *readings, struct message *message, uint64_t time_ns);
/* The message goes away. */
void readings_leave(struct readings *readings, enum message_kind kind);
void readings_free(struct readings *readings);
size_t readings_memory(const struct readings *readings);

#endif
