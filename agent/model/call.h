/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain bytes of one call on a connection, or of one record of it: what
 * `hark raw` shows, HTTP or not. Ciphertext is never given out; what a TLS
 * library moved is.
 */
#ifndef HARK_CALL_H
#define HARK_CALL_H

#include "conn_facts.h"
#include "event.h"
#include "mover.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct call {
	const struct conn_facts *conn; /* borrowed for the call */
	struct mover mover;
	enum event_direction direction;
	uint64_t time_ns;
	/* Of its first byte in the direction, in the units of event_data.pos. */
	uint64_t position;
	bool numbered;	      /* those are TCP's own sequence numbers, of 32 bits; else a counter from 0 on */
	const char *protocol; /* that the layer's bytes are in now (protocol_ops.name); NULL: not known, or
				 none */
	/* The connection's other end, where that is on this machine as well; NULL: it is not, or is not
	 * known. */
	const struct conn_facts *peer;
	uint64_t len;	      /* bytes that moved */
	struct slice bytes;   /* the first of them, as far as they were copied */
	enum event_hole hole; /* why the rest was not copied */
	uint64_t lost_bytes;  /* missing in this direction right before it; HOLE_UNKNOWN_SIZE: nobody knows */
	bool tls;	      /* plaintext of a TLS library */
	bool end;	      /* the direction ended (a read returned 0); len is 0 then */
	bool reset;	      /* the call failed with ECONNRESET or EPIPE */
	bool undetermined;    /* nobody knows yet whether these bytes are TLS of a connection joined late */
};

#endif
