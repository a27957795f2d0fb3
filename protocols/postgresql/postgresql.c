/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's protocol 3.0 between a client and a server: the framing of both directions. What messages mean
 * is pg_session.c's.
 *
 * A direction is a chain of messages, each with its length. When some of it is missing nobody knows where the
 * next begins: the server's direction is then searched for ReadyForQuery, and when the server is ready and
 * nothing is awaited, the client's next turn begins with a message, if what stands there is one.
 */
#include "protocol.h"

#include "bytes.h"
#include "pg_evidence.h"
#include "pg_session.h"

#include <errno.h>
#include <stdlib.h>

#define HEADER_BYTES  5
#define STARTUP_BYTES 8
#define READY_BYTES   6 /* ReadyForQuery, with its state */

enum side_state {
	SIDE_FIRST, /* before the first message: a startup has no type, and an answer to SSLRequest is a
		       letter */
	SIDE_HEADER,
	SIDE_CONTENT,
	SIDE_LOST,
	SIDE_OVER, /* encrypted by GSSAPI, or nobody knows what */
};

struct side {
	enum side_state state;
	uint8_t header[STARTUP_BYTES];
	size_t header_len;
	uint8_t type;	       /* 0: startup */
	uint64_t length, left; /* of the content */
	struct bytes content;  /* the first of it, as far as anybody asks */
	size_t wanted;
	bool cut; /* some of what is wanted is missing */
	uint64_t began_ns;
	size_t matched; /* SIDE_LOST: of what is searched for */
};

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	enum protocol_role role;
	struct side side[2];
	struct pg_session session;
	int moved;	  /* the direction that did last; -1: none */
	bool asked_cover; /* SSLRequest or GSSENCRequest: one letter is the answer */
	bool ready;	  /* the server's newest message was ReadyForQuery */
};

static enum event_direction asking(const struct protocol *protocol)
{
	return protocol->role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

static void role_set(struct protocol *protocol, enum event_direction direction, bool asks)
{
	if (protocol->role == ROLE_UNKNOWN)
		protocol->role = asks == (direction == DIRECTION_SENT) ? ROLE_CLIENT : ROLE_SERVER;
	protocol->session.asks = asking(protocol);
}

/* --- losses --------------------------------------------------------------------------------------- */

static void side_lose(struct protocol *protocol, enum event_direction direction)
{
	struct side *side = &protocol->side[direction];
	bool questions = direction == asking(protocol);

	if (side->state == SIDE_LOST || side->state == SIDE_OVER)
		return;
	side->state = SIDE_LOST;
	side->header_len = side->matched = 0;
	bytes_fini(&side->content);
	protocol_count(&protocol->handler, NOTE_RESYNC, 1);
	if (!pg_session_lose(&protocol->session, questions) && !questions &&
	    protocol->side[!direction].state != SIDE_OVER) {
		protocol->side[!direction].state = SIDE_LOST;
		protocol->side[!direction].header_len = 0;
		bytes_fini(&protocol->side[!direction].content);
	}
	protocol->ready = false;
}

/* The server is ready: its next message begins here. */
static void side_found(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	role_set(protocol, direction, false);
	side->state = SIDE_HEADER;
	side->header_len = side->matched = 0;
	protocol->ready = true;
	pg_session_found(&protocol->session, time_ns);
}

/* Returns how many bytes were passed over. */
static size_t side_search(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			  uint64_t time_ns)
{
	static const uint8_t ready[] = { 'Z', 0, 0, 0, 5 };
	struct side *side = &protocol->side[direction];
	bool asks = protocol->role != ROLE_UNKNOWN && direction == asking(protocol);

	for (size_t i = 0; i < bytes.len && !asks; i++) {
		uint8_t c = bytes.data[i];

		if (side->matched == sizeof(ready) && (c == 'I' || c == 'T' || c == 'E')) {
			side_found(protocol, direction, time_ns);
			protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED,
				       i + 1 > READY_BYTES ? i + 1 - READY_BYTES : 0);
			return i + 1;
		}
		if (side->matched < sizeof(ready) && c == ready[side->matched])
			side->matched++;
		else
			side->matched = c == ready[0];
	}
	protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, bytes.len);
	return bytes.len;
}

/* --- messages --------------------------------------------------------------------------------------- */

/* How much of the content anybody asks for. */
static size_t content_wanted(bool asks, uint8_t type)
{
	if (asks && (type == 'Q' || type == 'P'))
		return STATEMENT_TEXT_MAX + 512;
	if (asks)
		return type == 0 ? PG_STARTUP_MAX : strchr("BEDC", type) ? 512 : 0;
	return type == 'E' ? 8192 : strchr("CS", type) ? 256 : 0;
}

/* A message is there, with as much of it as is wanted. */
static void side_message(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	bool asks = direction == asking(protocol);
	const struct pg_message message = {
		.type = side->type,
		.content = bytes_slice(&side->content),
		.cut = side->cut || side->content.len < side->length,
		.bytes = side->length + HEADER_BYTES,
		.first_ns = side->began_ns,
		.last_ns = time_ns,
	};

	side->state = SIDE_HEADER;
	side->header_len = 0;
	if (asks) {
		protocol->ready = false;
		pg_session_ask(&protocol->session, &message);
	} else if (pg_session_answer(&protocol->session, &message)) {
		protocol->ready = side->type == 'Z';
	} else {
		protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
		side_lose(protocol, direction);
	}
	bytes_fini(&side->content);
}

static void side_begin(struct protocol *protocol, enum event_direction direction, uint8_t type,
		       uint64_t length, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	side->state = SIDE_CONTENT;
	side->type = type;
	side->length = side->left = length;
	side->wanted = content_wanted(direction == asking(protocol), type);
	side->cut = false;
	if (!length)
		side_message(protocol, direction, time_ns);
}

/* The eight bytes that a client begins with. */
static void side_first(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	uint32_t length = pg_word(side->header), code = pg_word(side->header + 4);

	side->header_len = 0;
	if ((code == PG_SSL || code == PG_GSS) && length == STARTUP_BYTES) {
		protocol->asked_cover = true;
		protocol->side[!direction].state = SIDE_FIRST;
	} else if ((code == PG_VERSION_3_0 || code == PG_VERSION_3_2) && length > STARTUP_BYTES &&
		   length <= PG_STARTUP_MAX) {
		protocol->asked_cover = false;
		side_begin(protocol, direction, 0, length - STARTUP_BYTES, time_ns);
	} else {
		/* A cancellation, which its own connection carries; or nobody knows what. */
		protocol->side[0].state = protocol->side[1].state = SIDE_OVER;
	}
}

/* One letter answers SSLRequest or GSSENCRequest; the server's first message ends this state. */
static size_t side_first_answer(struct protocol *protocol, enum event_direction direction, uint8_t c)
{
	struct side *side = &protocol->side[direction];

	if (!protocol->asked_cover) {
		side->state = SIDE_HEADER;
		return 0;
	}
	protocol->asked_cover = false;
	if (c == 'E') { /* an old server knows no such request */
		side->state = SIDE_HEADER;
		return 0;
	}
	if (c == 'G')
		protocol->side[0].state = protocol->side[1].state = SIDE_OVER;
	return 1;
}

static bool header_fits(const struct protocol *protocol, enum event_direction direction,
			const uint8_t *header)
{
	uint32_t length = pg_word(header + 1);
	bool asks = direction == asking(protocol);

	return (asks ? pg_is_request(header[0]) : pg_is_answer(header[0])) && length >= 4 &&
	       length <= PG_LENGTH_MAX;
}

/* Returns how many bytes were taken. */
static size_t side_header(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			  uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	bool first = side->state == SIDE_FIRST;
	size_t size = first ? STARTUP_BYTES : HEADER_BYTES;

	bytes = slice_take(bytes, size - side->header_len);
	if (!side->header_len)
		side->began_ns = time_ns;
	memcpy(side->header + side->header_len, bytes.data, bytes.len);
	side->header_len += bytes.len;
	if (side->header_len < size)
		return bytes.len;
	if (first) {
		side_first(protocol, direction, time_ns);
	} else if (header_fits(protocol, direction, side->header)) {
		side_begin(protocol, direction, side->header[0], pg_word(side->header + 1) - 4, time_ns);
	} else {
		protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
		side_lose(protocol, direction);
	}
	return bytes.len;
}

static size_t side_content(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			   uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	size_t room = side->wanted - side->content.len;

	bytes = slice_take(bytes, side->left);
	if (!side->cut && room && bytes_append(&side->content, slice_take(bytes, room), side->wanted) < 0) {
		protocol->session.no_memory = true;
		side->cut = true;
	}
	side->left -= bytes.len;
	if (!side->left)
		side_message(protocol, direction, time_ns);
	return bytes.len;
}

static void side_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	while (bytes.len) {
		size_t taken = bytes.len;

		switch (side->state) {
		case SIDE_FIRST:
			taken = direction == asking(protocol)
					? side_header(protocol, direction, bytes, time_ns)
					: side_first_answer(protocol, direction, bytes.data[0]);
			break;
		case SIDE_HEADER:
			taken = side_header(protocol, direction, bytes, time_ns);
			break;
		case SIDE_CONTENT:
			taken = side_content(protocol, direction, bytes, time_ns);
			break;
		case SIDE_LOST:
			taken = side_search(protocol, direction, bytes, time_ns);
			break;
		case SIDE_OVER:
			break;
		}
		bytes = slice_drop(bytes, taken);
	}
}

/* --- the contract ------------------------------------------------------------------------------------ */

static struct protocol *postgresql_create(const struct protocol_config *config,
					  const struct protocol_handler *handler)
{
	struct protocol *protocol = calloc(1, sizeof(*protocol));

	if (!protocol)
		return NULL;
	protocol->config = *config;
	protocol->handler = *handler;
	protocol->role = config->role;
	protocol->moved = -1;
	protocol->session = (struct pg_session){
		.config = &protocol->config,
		.handler = &protocol->handler,
		.asks = asking(protocol),
		.source = { .system = "postgresql", .version = POSTGRESQL_3 },
	};
	for (int i = 0; i < 2; i++)
		if (!config->from_start[i])
			protocol->side[i].state = SIDE_LOST;
	if (!config->from_start[0] && !config->from_start[1])
		protocol->session.doubt = FLAG_LATE_JOINED;
	return protocol;
}

static void postgresql_destroy(struct protocol *protocol)
{
	if (!protocol)
		return;
	pg_session_fini(&protocol->session);
	for (int i = 0; i < 2; i++)
		bytes_fini(&protocol->side[i].content);
	free(protocol);
}

/* The other direction moved last: a message may begin, and what was in doubt may be settled. */
static void turn(struct protocol *protocol, enum event_direction direction, struct slice bytes)
{
	struct side *side = &protocol->side[direction];

	if (protocol->moved == (int)direction)
		return;
	protocol->moved = direction;
	if (protocol->role == ROLE_UNKNOWN || direction != asking(protocol))
		return;
	pg_session_turn(&protocol->session, protocol->side[!direction].state == SIDE_LOST);
	if (side->state == SIDE_LOST && protocol->ready && !protocol->session.items && pg_asks(bytes)) {
		side->state = SIDE_HEADER;
		side->header_len = 0;
	}
}

static long postgresql_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			    uint64_t time_ns)
{
	protocol->session.no_memory = false;
	if (protocol->role == ROLE_UNKNOWN && protocol->side[direction].state == SIDE_FIRST && bytes.len)
		role_set(protocol, direction, bytes.data[0] == 0);
	turn(protocol, direction, bytes);
	side_feed(protocol, direction, bytes, time_ns);
	return protocol->session.no_memory ? -ENOMEM : (long)bytes.len;
}

/* Does what is missing of a content matter? Of a statement's text it does not, nor of rows and data. */
static bool hole_matters(const struct side *side, bool asks)
{
	if (!side->wanted || (asks && side->type == 'Q'))
		return false;
	return !(asks && side->type == 'P' && slice_find(bytes_slice(&side->content), 0) < side->content.len);
}

static void postgresql_hole(struct protocol *protocol, enum event_direction direction, uint64_t size,
			    uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	bool asks = direction == asking(protocol);

	protocol->moved = direction;
	if (side->state == SIDE_LOST || side->state == SIDE_OVER) {
		side->matched = 0;
		return;
	}
	if (side->state != SIDE_CONTENT || size > side->left || hole_matters(side, asks)) {
		side_lose(protocol, direction);
		return;
	}
	side->cut = true;
	side->left -= size;
	if (!side->left)
		side_message(protocol, direction, time_ns);
}

static void postgresql_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	(void)protocol;
	(void)direction;
	(void)time_ns;
}

static void postgresql_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	pg_session_end(&protocol->session, reason, time_ns);
}

static bool postgresql_tick(struct protocol *protocol, uint64_t time_ns)
{
	(void)protocol;
	(void)time_ns;
	return false;
}

static uint64_t postgresql_body_left(const struct protocol *protocol, enum event_direction direction)
{
	(void)protocol;
	(void)direction;
	return 0;
}

static bool postgresql_idle(const struct protocol *protocol)
{
	for (int i = 0; i < 2; i++)
		if (protocol->side[i].state == SIDE_CONTENT || protocol->side[i].header_len)
			return false;
	return !protocol->session.items && !protocol->session.unit.open;
}

static enum protocol_role postgresql_role(const struct protocol *protocol)
{
	return protocol->role;
}

static size_t postgresql_memory(const struct protocol *protocol)
{
	return sizeof(*protocol) + protocol->side[0].content.capacity + protocol->side[1].content.capacity +
	       pg_session_memory(&protocol->session);
}

const struct protocol_ops postgresql_protocol = {
	.name = "postgresql",
	.network = "postgresql",
	.yields_to_tls = true,
	.queries = true,
	.create = postgresql_create,
	.destroy = postgresql_destroy,
	.feed = postgresql_feed,
	.hole = postgresql_hole,
	.finish = postgresql_finish,
	.end = postgresql_end,
	.tick = postgresql_tick,
	.body_left = postgresql_body_left,
	.idle = postgresql_idle,
	.role = postgresql_role,
	.memory = postgresql_memory,
};
