/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages that the two ends of a TLS connection send in the clear before
 * everything is encrypted: the client's hello and the server's (RFC 8446, 4.1;
 * RFC 5246, 7.4.1). One reader a direction; the bytes may come in any pieces.
 */
#ifndef HARK_TLS_HELLO_H
#define HARK_TLS_HELLO_H

#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_HELLO_LIMIT_BYTES (16 * 1024) /* of one message; a longer one is not read */
#define TLS_VERSION_1_3	      0x0304
#define TLS_HELLO_ID_AT	      16 /* no time and no sign of a version stands there (RFC 8446, 4.1.3) */

enum tls_hello_kind {
	TLS_HELLO_MORE,	 /* not decided yet */
	TLS_HELLO_RETRY, /* a server wants another hello of the client; its own is still to come */
	TLS_HELLO_CLIENT,
	TLS_HELLO_SERVER,
	TLS_HELLO_NONE, /* something else, or damaged: nothing is known */
};

/* Names that are not plain visible ASCII (RFC 8701's among them) are left out. Empty or 0: not said. */
struct tls_hello {
	char server_name[256]; /* RFC 6066, 3; of a client */
	char alpn[64]; /* RFC 7301: a client's offers with commas between, as many as fit; a server's choice
			*/
	uint16_t version;  /* a client's highest offer; a server's choice (RFC 8446, 4.2.1) */
	uint64_t hello_id; /* 8 bytes of the random, from TLS_HELLO_ID_AT on: no two hellos have them alike */
};

struct tls_hello_reader {
	enum tls_hello_kind kind;
	bool lost;	    /* the records' borders are not known any more */
	uint8_t header[5];  /* of the record under way */
	size_t header_len;  /* 5: it is whole */
	size_t record_left; /* of its content */
	bool behind;	    /* the wish for another hello was in it: the rest is not looked at */
	uint8_t *message;   /* the handshake message so far, with its header of 4 bytes */
	size_t message_len;
	uint64_t application; /* records of application data that began (TLS 1.3 hides the handshake's rest in
				 such) */
};

/* Is the direction's hello still to come? */
static inline bool tls_hello_awaited(enum tls_hello_kind kind)
{
	return kind == TLS_HELLO_MORE || kind == TLS_HELLO_RETRY;
}

/* Allocates nothing yet. */
void tls_hello_init(struct tls_hello_reader *reader);
void tls_hello_fini(struct tls_hello_reader *reader);
/* Besides the reader itself. */
size_t tls_hello_memory(const struct tls_hello_reader *reader);

/*
 * Takes the next bytes of the direction. When they complete its hello, or the wish for another one, *out is
 * filled; else it is untouched. Returns what the direction began with, as far as it is known; that does not
 * change any more once it is not awaited. Out of memory counts as TLS_HELLO_NONE.
 */
enum tls_hello_kind tls_hello_feed(struct tls_hello_reader *reader, struct slice bytes,
				   struct tls_hello *out);

/*
 * The same of a handshake message that stands in no records, as in QUIC (RFC 9001, 4.1.3), from its first
 * byte on. TLS_HELLO_MORE: it is longer than these bytes; what follows it is not looked at. *out as above.
 */
enum tls_hello_kind tls_hello_read(struct slice message, struct tls_hello *out);

/* Bytes are missing before the next ones. */
void tls_hello_hole(struct tls_hello_reader *reader);

#endif
