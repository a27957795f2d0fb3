/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of a QUIC connection: the client's Initial packets, whose keys
 * follow from the connection id that stands in them in the clear (RFC 9001, 5.2;
 * RFC 9369, 3.3.1), so that whoever sees them can read the client's hello.
 * Everything after it is encrypted for the two ends alone.
 *
 * Packets prove by their authentication that they are what they look like:
 * bytes of anything else open with no key.
 */
#ifndef HARK_QUIC_INITIAL_H
#define HARK_QUIC_INITIAL_H

#include "slice.h"
#include "tls_hello.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_VERSION_1 UINT32_C(1)
#define QUIC_VERSION_2 UINT32_C(0x6b3343cf)

#define QUIC_ID_MAX_BYTES 20 /* of a connection id (RFC 9000, 17.2) */

/* An Initial packet, as far as it is readable without keys; borrows from its datagram. */
struct quic_packet {
	uint32_t version;
	struct slice id;      /* the destination's connection id */
	struct slice source;  /* the sender's: answers have it as their destination's */
	struct slice token;   /* that a server gave: in a Retry, or for the next time */
	struct slice bytes;   /* the whole packet */
	size_t number_offset; /* where in it the protected packet number begins */
};

/*
 * Takes packets off the front of a datagram (RFC 9000, 12.2) up to the next Initial, and fills *out with
 * that. False: there is none in the rest, which is then empty. What a sender handed to the kernel as several
 * datagrams in one piece (UDP_SEGMENT) reads the same, for clients fill the first ones with padding inside of
 * packets.
 */
bool quic_initial_next(struct slice *datagram, struct quic_packet *out);

/* A client's first flight, in whatever order and pieces its packets come. */
struct quic_initial;

/*
 * Of the connection whose first packet this is. NULL: it does not open with the keys of its own connection
 * id, so it is nobody's first; or memory is out (or libcrypto lacks a cipher). The packet itself is not read
 * yet.
 */
struct quic_initial *quic_initial_new(const struct quic_packet *first);
/* NULL is legal. */
void quic_initial_free(struct quic_initial *initial);
/* All the memory that it takes. */
size_t quic_initial_memory(const struct quic_initial *initial);

/* Are this packet's version and connection id those of the first? */
bool quic_initial_is(const struct quic_initial *initial, const struct quic_packet *packet);

/*
 * Reads one packet. True: it belongs to this connection, whichever connection id it carries (a client changes
 * to the server's after the first answer). *out is filled when the packet completed the hello.
 */
bool quic_initial_feed(struct quic_initial *initial, const struct quic_packet *packet, struct tls_hello *out);

/* TLS_HELLO_MORE, TLS_HELLO_CLIENT, or TLS_HELLO_NONE: the hello is damaged, or longer than is read. */
enum tls_hello_kind quic_initial_kind(const struct quic_initial *initial);

#endif
