/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of one connection: the part of what is known of it that sinks may
 * read. Written by the tracker and the connection only.
 */
#ifndef HARK_CONN_FACTS_H
#define HARK_CONN_FACTS_H

#include "event.h"
#include "message.h"
#include "mover.h"
#include "protocol.h"

#include <stdbool.h>
#include <stdint.h>

#define CONN_ID_OWN	(UINT64_C(1) << 52) /* exact in JSON's doubles */
#define CONN_TLS_KERNEL "kernel"	    /* in the place of a library's name: the kernel does it */

enum conn_closed_by {
	CLOSED_UNKNOWN,
	CLOSED_LOCAL,
	CLOSED_PEER,
	CLOSED_EXIT, /* the process ended */
};

/*
 * The sequence numbers of the first bytes sent and received, which stand in the packets and so are the same
 * at both ends of one connection, give or take the one that the SYN takes.
 */
struct conn_origin {
	uint32_t number[2]; /* by direction */
	bool known[2];
};

struct conn_facts {
	/*
	 * hark.connection: the socket's own identity (event_socket.id), so that every run and view names it
	 * alike; CONN_ID_OWN and up, of this run only, where exchanges were shown before the socket was
	 * known, or the socket had another connection before.
	 */
	uint64_t id;
	uint64_t number; /* of this run, from 1 on, for people; 0: it has none, and its id stands for it */
	struct event_socket sock; /* as last seen; sock.family 0: the socket is not known (plaintext only) */
	struct conn_origin origin;
	struct mover owner; /* who moved bytes last, or first if nobody has */
	enum protocol_role role;
	bool tls;		       /* bytes are, or contain, TLS */
	bool tls_unknown;	       /* undetermined: nothing was decided yet */
	const char *tls_library;       /* static string ("openssl", CONN_TLS_KERNEL); NULL: none seen */
	const char *protocol;	       /* "http", "fastcgi", or NULL while unknown */
	enum http_version version;     /* of the last message */
	bool existing;		       /* was there when hark began */
	uint64_t seen_ns;	       /* event time of the first sign of it */
	uint64_t opened_ns, closed_ns; /* event time; 0: not seen */
	uint32_t opened_lost;	       /* event_header.lost when it was opened */
	uint64_t connect_ns;	       /* how long connect took; 0: not seen */
	uint64_t handshake_ns;	       /* how long the TLS handshake took; 0: not seen */
	enum conn_closed_by closed_by;
	bool asked; /* a request was seen on it */
	uint64_t exchanges;
	uint64_t moved_bytes, copied_bytes, skipped_bytes, lost_bytes; /* of the decoded layer */
	uint64_t ciphertext_bytes;
	unsigned int flags; /* enum message_flag */
	const char *muted;  /* why, in words (static); NULL: it is not */
	/* Of the hello messages (RFC 8446, 4.1; RFC 6066, 3; RFC 7301), NUL-terminated; empty: not known. */
	char sni[256];
	char alpn[32];	       /* what the server chose, when that is visible (up to TLS 1.2) */
	char alpn_offered[64]; /* what the client offered, comma-separated */
	uint16_t tls_version;  /* 0x0304 is TLS 1.3; 0: not known */
	uint64_t hello_id;     /* tells the client's hello from all others; 0: not seen */
	uint64_t answer_id;    /* the same of the server's */
	enum event_direction hello_direction;
	const char *opaque; /* TLS without plaintext: why, in words (static); NULL: it is not */
	bool process_gone; /* with it: the process had ended, or is a recording's: it cannot be asked about */
};

/* "1.3" of 0x0304; NULL: not known, or a version that has no name. */
const char *conn_facts_tls_version_name(uint16_t version);

/* "client", "server"; NULL: not known. */
const char *conn_facts_role_name(enum protocol_role role);
/* "local", "peer", "exit"; NULL: not known. */
const char *conn_facts_closed_by_name(enum conn_closed_by closed_by);

#endif
