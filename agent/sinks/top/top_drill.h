/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hangs on a row of endpoints or processes, and is seen when it is entered: its slowest exchanges, which
 * programs and addresses take part, and how often a connection was made for an exchange.
 *
 * Of programs and addresses those have a place that came first, or come more often than what they take it
 * from; each one's figures are of the time since it has its place, the rest is counted together.
 */
#ifndef HARK_TOP_DRILL_H
#define HARK_TOP_DRILL_H

#include "top_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOP_PARTIES_MAX 8

struct top_party {
	enum protocol_role role;
	uint32_t pid;		   /* of a program */
	char name[EVENT_NAME_LEN]; /* the same; as observed, NUL-terminated */
	struct event_socket
		sock; /* of an address: whose peer it is. peer_port 0: a client's, which tells nothing */
	uint64_t count, errors, total_ns;
};

struct top_parties {
	struct top_party items[TOP_PARTIES_MAX];
	size_t count;
	uint64_t others; /* exchanges of those without a place */
	uint64_t misses; /* since one got a place */
};

struct top_drill {
	struct top_slowest slowest;
	struct top_parties programs, addresses;
	uint64_t exchanges;	   /* of which the following are told */
	uint64_t total_ns;	   /* they took */
	uint64_t fresh, fresh_tls; /* the first ones of connections that hark saw opened; TLS among them */
	uint64_t fresh_ns;	   /* those took */
	uint64_t connect_ns, handshake_ns; /* of those, where it was seen */
	uint64_t handshakes;
};

/* counted: it is counted in the row; else it is the other end of one that is, and only tells who that was. */
void top_drill_count(struct top_drill *drill, const struct exchange *exchange, bool error, bool counted,
		     bool fresh);
/* Two rows became one; from is freed. */
void top_drill_merge(struct top_kept *kept, struct top_drill *into, struct top_drill *from);
void top_drill_free(struct top_kept *kept, struct top_drill *drill); /* NULL is legal */

#endif
