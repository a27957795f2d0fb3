/* SPDX-License-Identifier: Apache-2.0 */
/* One exchange that is being put together. The inside of pair*.c. */
#ifndef HARK_PAIR_ENTRY_H
#define HARK_PAIR_ENTRY_H

#include "base/table.h"
#include "model/exchange.h"
#include "pair.h"

struct pair_half {
	struct message *message; /* ours when done, else the decoder's */
	struct mover mover;	 /* who moved it */
	bool taken;		 /* a message came for it, now or before */
	bool done;
};

struct pair_entry {
	struct pair_entry *prev, *next;
	uint32_t key;
	struct pair_half half[2]; /* by enum message_kind */
	struct message *interims[EXCHANGE_INTERIMS_MAX];
	size_t interim_count;
	unsigned int flags;
	bool opening; /* its request is the first of the connection */
	bool shown;
	bool response_shown;
	bool waiting_told, moving_told; /* it was shown as pending without, with the head of a response */
	bool reset_due;			/* waits for pair_reset() to bring the error */
	bool error_known;
	uint32_t error;
	uint64_t losses[2]; /* the pair's counts, when it opened */
	uint64_t last_ns, poll;
	size_t held_bytes;	     /* with the messages that are ours */
	struct readings *readings;   /* of its bodies; NULL: nobody reads them */
	size_t read_bytes;	     /* their memory */
	struct pair *pair;	     /* with readings: the one that it is in */
	unsigned int reads;	     /* bodies that are being read */
	struct pair_entry *key_next; /* of pair_keys.c */
};

/* As it stands, with the flags of its messages, which stay the entry's. */
struct exchange pair_entry_exchange(const struct pair_entry *entry);

/* As it is shown before it is over. */
struct exchange pair_entry_view(struct pair *pair, const struct pair_entry *entry);

/* The last step of an exchange: messages, key, flags and error stand; fills in what is derived from them,
 * counts it and calls the handler. At least one message. */
void pair_emit(struct pair *pair, struct exchange *exchange);

#endif
