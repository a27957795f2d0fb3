/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who makes connections for single exchanges: a program, and the server that it asks. What that costs stands
 * beside the exchanges, where no latency of theirs tells of it.
 *
 * A server here whose clients are on other machines counts as well: each of them is an address then. Unix
 * sockets, whose beginning is not seen, do not count. Of too many pairs those with the fewest exchanges make
 * room.
 */
#ifndef HARK_FRESH_H
#define HARK_FRESH_H

#include "model/exchange.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRESH_FEW 5 /* exchanges, below which nothing is said of habits */

struct fresh_pair {
	enum protocol_role role; /* whose the program is */
	char program[EVENT_NAME_LEN];
	uint32_t pid;		  /* 0: several, or it has none in hark's pid namespace */
	struct event_socket peer; /* family, peer and peer_port alone; of a client's the port is 0 */
	uint64_t exchanges;
	uint64_t fresh, fresh_tls; /* the first ones of connections that hark saw opened; TLS among them */
	uint64_t connect_ns, handshake_ns; /* of those, where it was seen */
	uint64_t connects, handshakes;
};

struct fresh; /* all that was counted */

struct fresh *fresh_new(void);	      /* NULL: out of memory */
void fresh_free(struct fresh *fresh); /* NULL is legal */

/* An exchange that is over; both ends of one may be passed, each for itself. */
void fresh_count(struct fresh *fresh, const struct exchange *exchange);

/* Those of which most exchanges had a connection of their own, `max` at most, who paid most for it first;
 * how many there are. Borrowed until the next call of fresh_count(). */
size_t fresh_habits(const struct fresh *fresh, const struct fresh_pair **pairs, size_t max);

#endif
