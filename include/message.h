/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP message: what a protocol decoder hands on and a sink prints.
 *
 * Unknown is explicit everywhere. A slice with data == NULL is "not known" (an
 * empty value has data != NULL and len 0); a status of 0 is not known; a field
 * whose name or value could not be decoded with certainty says so in its flags.
 */
#ifndef HARK_MESSAGE_H
#define HARK_MESSAGE_H

#include "arena.h"
#include "direction.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

enum message_kind {
	MESSAGE_REQUEST,
	MESSAGE_RESPONSE,
};

enum http_version { /* as decimal digits, so that they compare */
	HTTP_VERSION_UNKNOWN = 0,
	FASTCGI_1 = 1,	  /* none of HTTP's: FastCGI 1.0 */
	POSTGRESQL_3 = 3, /* statements (version_is_query()): protocol 3.0 of PostgreSQL, */
	MYSQL_41 = 4,	  /* 4.1 of MySQL and MariaDB */
	HTTP_1_0 = 10,
	HTTP_1_1 = 11,
	HTTP_2 = 20,
	HTTP_3 = 30,
};

/* Is what has this version a statement to a database? Its request has no method, no target and no fields;
 * facts tell of it (db.query.text, …), its body is the text, the response's that of an error. */
static inline bool version_is_query(enum http_version version)
{
	return version == POSTGRESQL_3 || version == MYSQL_41;
}

/* The flags of docs/interface.md. Messages, exchanges and connections share them. */
enum message_flag {
	FLAG_LATE_JOINED = 1 << 0,     /* the connection was joined late */
	FLAG_GAP = 1 << 1,	       /* bytes of this message were lost or skipped where it matters */
	FLAG_TRUNCATED = 1 << 2,       /* cut by a limit of ours */
	FLAG_PARTIAL_HEADERS = 1 << 3, /* some header names or values are unknown */
	FLAG_RESET = 1 << 4,	       /* RST_STREAM, GOAWAY or TCP reset */
	FLAG_CLOSED = 1 << 5,	       /* the connection ended before the message did */
	FLAG_TIMEOUT = 1 << 6,	       /* expired (--timeout) */
	FLAG_IN_FLIGHT = 1 << 7,       /* hark ended first */
	FLAG_UNANSWERED = 1 << 8,      /* no response was seen */
	FLAG_NO_REQUEST = 1 << 9,      /* no request was seen */
	FLAG_PUSHED = 1 << 10,	       /* PUSH_PROMISE */
	FLAG_UPGRADED = 1 << 11,       /* CONNECT or 101: what follows is not HTTP/1 */
	FLAG_MALFORMED = 1 << 12,      /* two meanings are possible: the value is absent, or the first */
	FLAG_GUESS = 1 << 13,	       /* found in the middle of a stream, not yet proven to be HTTP */
	FLAG_RELAYED = 1 << 14,	       /* bytes of others' TLS */
};

struct content;
struct fact;

enum header_flag {
	HEADER_NAME_UNKNOWN = 1 << 0,
	HEADER_VALUE_UNKNOWN = 1 << 1,
	HEADER_NEVER_INDEXED = 1 << 2, /* RFC 7541, 6.2.3: its sender calls it secret */
};

/* The names that some stage asks for, and those that frame a body. Each is a bit of message.names. */
enum header_name {
	HEADER_OTHER, /* or unknown */
	HEADER_HOST,  /* first of those that an HTTP/1 parser takes into account (http1_framing_add()) */
	HEADER_CONTENT_LENGTH,
	HEADER_TRANSFER_ENCODING, /* last of them */
	HEADER_CONTENT_TYPE,
	HEADER_CONTENT_ENCODING,
	HEADER_CONNECTION,
	HEADER_UPGRADE,
	HEADER_HTTP2_SETTINGS,
	HEADER_GRPC_STATUS,
	HEADER_GRPC_TIMEOUT,
	HEADER_GRPC_MESSAGE,
	HEADER_GRPC_ENCODING,
	HEADER_MCP_SESSION_ID,
	HEADER_MCP_PROTOCOL_VERSION,
	HEADER_TRACEPARENT, /* first of those of a trace (trace_of()) */
	HEADER_B3,
	HEADER_B3_TRACE_ID,
	HEADER_B3_SPAN_ID,
	HEADER_B3_PARENT_SPAN_ID,
	HEADER_REQUEST_ID, /* last of them */
	HEADER_NAMES
};

struct header {
	struct slice name; /* as sent for HTTP/1, lower case for HTTP/2; data NULL when unknown */
	struct slice value;
	unsigned int flags;	/* enum header_flag */
	enum header_name known; /* what message_name() says of the name */
};

struct header_list {
	struct header *items; /* in the arena of the message */
	size_t count;
	size_t capacity;
};

struct message {
	enum message_kind kind;
	enum http_version version;
	enum event_direction direction;
	uint32_t key; /* HTTP/2 stream; FastCGI: request id in the lower half, and a number; HTTP/3: a quarter
			 of the stream's id, and 1; statements: a number; 0 for HTTP/1 */
	unsigned int flags; /* enum message_flag */

	/* Request. For HTTP/1 `target` is the request target as sent; for HTTP/2 it is :path. */
	struct slice method, target, scheme, authority;
	/* Response. */
	int status; /* 100..999; 0: not known */

	struct header_list headers; /* regular fields only; pseudo-headers go to the slots above */
	struct header_list trailers;
	uint32_t names; /* a bit for each enum header_name that may be in its lists; the others are not */

	uint64_t body_bytes; /* on the wire, without chunk framing and padding; holes inside a body counted */
	struct slice body;   /* the first bytes, when somebody wants bodies; else empty */
	bool body_known;     /* false: body_bytes is only a lower bound */

	uint64_t first_byte_ns, head_ns, last_byte_ns; /* event time; 0: not known */

	enum {
		MESSAGE_TYPE_UNSEEN, /* nobody looked for a Content-Type */
		MESSAGE_TYPE_NONE,
		MESSAGE_TYPE_SEEN, /* `content` is its row; NULL: none has it */
	} type_state;
	const struct content *content;

	struct fact *facts; /* what its body said (fact.h), in the arena; NULL: nothing that is known */

	struct arena arena;
};

/*
 * A new, empty message whose arena is bounded by limit_bytes; its memory comes from `rooms` (NULL: the
 * system), which outlive it. NULL: out of memory.
 */
struct message *message_new_of(struct spares *rooms, enum message_kind kind, size_t limit_bytes);
/* The same of the system's memory. */
struct message *message_new(enum message_kind kind, size_t limit_bytes);

/*
 * A copy of its own, without trailers and body. What does not fit in limit_bytes is left out, and the copy is
 * flagged as truncated. NULL: out of memory.
 */
struct message *message_copy(const struct message *message, size_t limit_bytes);

/*
 * The same with trailers, with what its body said (facts), and with the first body_limit_bytes of what is
 * there of the body, which limit_bytes does not bound.
 */
struct message *message_copy_whole(const struct message *message, size_t limit_bytes,
				   size_t body_limit_bytes);

/* Frees the message and its arena; NULL is legal. */
void message_free(struct message *message);

/* All the memory that it takes; NULL is legal. */
static inline size_t message_memory(const struct message *message)
{
	return message ? ROOM_BYTES + message->arena.held_bytes : 0;
}

/*
 * Appends one field; copies name and value into the arena. An unknown name or
 * value is passed as a slice with data == NULL and its flag. 0, or -ENOMEM
 * (limit or memory), after which the list is as before.
 */
int message_add_header(struct message *message, struct header_list *list, struct slice name,
		       struct slice value, unsigned int flags);

/* The same with what message_name() says of the name. */
int message_add_known(struct message *message, struct header_list *list, enum header_name known,
		      struct slice name, struct slice value, unsigned int flags);

/*
 * The first known value of a field (RFC 9110, 5.1: names ignore case), borrowed;
 * data NULL when there is none.
 */
struct slice message_header(const struct message *message, struct slice name);

/* The same for a name that is known, at once where there is no such field. */
struct slice message_known(const struct message *message, enum header_name known);

/* Which of the names that somebody asks for this is, case ignored. */
enum header_name message_name(struct slice name);

/* Nearly all other names differ in length from them. */
#define HEADER_NAME_LENGTHS                                                                              \
	(1u << 2 | 1u << 4 | 1u << 7 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 | 1u << 16 | \
	 1u << 17 | 1u << 20)

static inline bool message_name_may_be(struct slice name)
{
	return name.len < 32 && HEADER_NAME_LENGTHS >> name.len & 1;
}

/* Does some stage ask for the field by its name? Those are kept also where nobody wants all. */
static inline bool message_asks(enum header_name known)
{
	const uint32_t others =
		1u << HEADER_OTHER | 1u << HEADER_CONTENT_LENGTH | 1u << HEADER_TRANSFER_ENCODING;

	return !(others >> known & 1);
}

/* The id of the stream of such a version whose messages have this key; key is not 0. */
static inline uint64_t message_stream(enum http_version version, uint32_t key)
{
	if (version == FASTCGI_1)
		return key & 0xffff;
	return version == HTTP_3 ? (uint64_t)(key - 1) * 4 : key;
}

/* "1.0", "1.1", "2", "3"; NULL: not known, or none of HTTP's. */
const char *message_version_name(enum http_version version);

/* Of what is none of HTTP's: network.protocol.name; NULL: it is HTTP, or not known. */
const char *message_protocol_name(enum http_version version);

#endif
