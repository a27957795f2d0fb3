/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS session of one process: {pid, SSL*, generation}. Its plaintext is a layer of its
 * own, on the connection of its socket or on one without a socket.
 */
#ifndef HARK_TLS_H
#define HARK_TLS_H

#include "base/table.h"
#include "decode/flow.h"
#include "model/tls_key.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct tls_early_record;

/*
 * Early data (RFC 8446, 2.3): a client sends it before the server answered its hello. A server that refuses
 * it never reads it, so its records wait until its fate shows. All zero: empty.
 */
struct tls_early {
	struct tls_early_record *records;
	size_t bytes;
};

/* Is its socket looked for by its ciphertext? */
enum tls_seek {
	SEEK_NOT, /* it is known, or nothing was sent yet */
	SEEK_ASKED,
	SEEK_GIVEN_UP, /* no socket of its process sends what it makes */
};

struct tls_session {
	struct tls_key key;
	struct conn *conn;
	struct flow flow;
	struct tls_early early; /* of a client, until the server takes it or refuses */
	uint64_t socket_id;	/* 0: not bound */
	bool by_kernel;		/* SOURCE_KERNEL_TLS: the program itself moves plaintext on the socket */
	bool plaintext;		/* some was moved */
	bool apart;		/* counted as its process's without a socket */
	enum tls_seek seek;
	uint64_t seek_ns;  /* since when */
	unsigned int sent; /* calls that sent since then, past a moment for the probes */
	uint64_t end_poll; /* freed: only what is late may still come, until then; 0: it lives */
	UT_hash_handle hh;
	struct tls_session *prev, *next; /* of the connection */
	struct tls_session *process_prev, *process_next;
	struct tls_session *awake_prev, *awake_next; /* of the connection, while polls look at it */
	uint64_t awake_until;			     /* the poll; 0: polls do not look at it */
};

/* NULL: out of memory. In no list or table yet. */
struct tls_session *tls_session_new(const struct pipeline *pipeline, struct tls_key key);

/* Frees without emitting; NULL is legal. Must be out of every list and table. */
void tls_session_free(struct tls_session *session);

/* SSL_free(): how much plaintext had moved; see flow_stood(). */
void tls_session_stood(struct tls_session *session, const struct event_data *event,
		       const struct mover *mover);

/* The session's messages come out; see flow_end(). */
void tls_session_end(struct tls_session *session, enum protocol_end reason);

/* Plaintext, an unmeasured call (EVENT_TLS_REFUSED) or the fate of early data, of this session. */
void tls_session_record(struct tls_session *session, const struct event_data *event,
			const struct mover *mover);

/* Does this record belong to another session at the same address (its end was not seen)? */
bool tls_session_is_other(const struct tls_session *session, const struct event_data *event);

/* Is it of a library of HTTP/3? */
bool tls_is_http3(const struct event_data *event);

/* Did the program move plaintext on a socket whose TLS the kernel does? */
bool tls_is_kernel(const struct event_data *event);

/* The library's name from the way the bytes came, "kernel" of kernel TLS; static, NULL when not known. */
const char *tls_library(const struct event_data *event);

#endif
