/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that a pcapng file has packets of: which end of each is in it, and how its bytes are
 * numbered.
 *
 * Numbers count plaintext: SYN is 0, the first byte 1, as Wireshark shows them. TLS has no numbers of its own
 * for what was in it, and those of TCP's other direction are not known when a connection opens; so that no
 * packet waits, all count from the connection's beginning. Of one joined late whose beginning is not known
 * the first byte seen is 1. What is missing is counted when its size is known, else as one byte: so that
 * nobody takes what is around it for one piece.
 */
#ifndef HARK_PCAPNG_CONNS_H
#define HARK_PCAPNG_CONNS_H

#include "base/table.h"
#include "model/call.h"
#include "tcp_packet.h"

#include <stdbool.h>
#include <stdint.h>

#define PCAPNG_CONNS_MAX 16384 /* those that moved last */

enum pcapng_state {
	PCAPNG_FRESH,	 /* nothing of it was shown */
	PCAPNG_SHOWN,	 /* it has packets */
	PCAPNG_LEFT_OUT, /* its other end has */
};

struct pcapng_side {
	bool begun, finished;
	bool tls;	   /* what the layer is that positions count */
	uint64_t position; /* how far it got */
	uint32_t shift;	   /* from there to numbers, modulo 2^32 */
	uint32_t next;	   /* number of the byte behind all that was shown */
};

struct pcapng_conn {
	uint64_t id; /* conn_facts.id */
	enum pcapng_state state;
	bool hinted;
	struct tcp_endpoint end[2]; /* by the direction in which it sends: ours, the other one */
	struct pcapng_side side[2]; /* by enum event_direction */
	struct pcapng_conn *prev, *next;
	UT_hash_handle hh;
};

struct pcapng_conns {
	struct pcapng_conn *table;  /* NULL: empty and usable */
	struct pcapng_conn *oldest; /* by last use */
};

void pcapng_conns_fini(struct pcapng_conns *conns);

/* NULL: there is none. */
struct pcapng_conn *pcapng_conns_find(const struct pcapng_conns *conns, uint64_t id);
/* The connection's, a new one if need be, for which the one that has not moved for longest may go. NULL: out
 * of memory. */
struct pcapng_conn *pcapng_conns_get(struct pcapng_conns *conns, const struct conn_facts *facts);
void pcapng_conns_remove(struct pcapng_conns *conns, struct pcapng_conn *conn);

/*
 * The number of the call's first byte. What was missing before it is behind side->next then. A hole of
 * unknown size moves the number of all that follows.
 */
uint32_t pcapng_conn_number(struct pcapng_conn *conn, const struct call *call);

#endif
