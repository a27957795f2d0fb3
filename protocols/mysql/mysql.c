/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of MySQL and MariaDB between a client and a server: the framing of both directions. What
 * packets mean is mysql_session.c's.
 *
 * A direction is a chain of packets, each with its length and its number in the exchange. When some is
 * missing nobody knows where the next begins, until the client's next turn: if that begins with a packet of
 * number 0 that is a command, the client has read all of the answer before, so that the server's next bytes
 * begin one.
 */
#include "protocol.h"

#include "bytes.h"
#include "mysql_evidence.h"
#include "mysql_session.h"
#include "sql/sql_text.h"

#include <errno.h>
#include <stdlib.h>

#define ANSWER_KEPT 1024     /* bytes of a server's packet */
#define WHOLE_BYTES 0xffffff /* of a packet that the next one goes on with */

enum side_state {
	SIDE_HEADER,
	SIDE_PAYLOAD,
	SIDE_TRYING, /* the client's turn after a loss: what may be a command */
	SIDE_LOST,
};

struct side {
	enum side_state state;
	uint8_t header[MYSQL_HEADER_BYTES];
	size_t header_len;
	uint32_t length, left; /* of the payload */
	struct bytes payload;  /* the first of it */
	bool cut, goes_on;     /* goes_on: this packet is the rest of the one before */
	uint64_t began_ns;
};

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	enum protocol_role role;
	struct side side[2];
	struct mysql_session session;
	int moved; /* the direction that did last; -1: none */
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

static void side_reset(struct side *side, enum side_state state)
{
	side->state = state;
	side->header_len = 0;
	side->goes_on = false;
	bytes_fini(&side->payload);
}

/* Both directions: an answer is none without its question. */
static void lose(struct protocol *protocol)
{
	if (protocol->side[0].state == SIDE_LOST && protocol->side[1].state == SIDE_LOST)
		return;
	protocol_count(&protocol->handler, NOTE_RESYNC, 1);
	for (int i = 0; i < 2; i++)
		side_reset(&protocol->side[i], SIDE_LOST);
	mysql_session_lose(&protocol->session, FLAG_GAP);
}

/* --- packets ---------------------------------------------------------------------------------------- */

static size_t payload_wanted(const struct protocol *protocol, enum event_direction direction)
{
	return direction == asking(protocol) ? STATEMENT_TEXT_MAX + 16 : ANSWER_KEPT;
}

static void side_packet(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	const struct mysql_packet packet = {
		.payload = bytes_slice(&side->payload),
		.number = side->header[3],
		.cut = side->cut || side->payload.len < side->length,
		.bytes = (uint64_t)side->length + MYSQL_HEADER_BYTES,
		.first_ns = side->began_ns,
		.last_ns = time_ns,
	};
	bool goes_on = side->goes_on, right = true;

	side->state = SIDE_HEADER;
	side->header_len = 0;
	side->goes_on = side->length == WHOLE_BYTES;
	if (!goes_on && direction == asking(protocol))
		mysql_session_ask(&protocol->session, &packet);
	else if (!goes_on)
		right = mysql_session_answer(&protocol->session, &packet);
	bytes_fini(&side->payload);
	if (right)
		return;
	protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
	lose(protocol);
}

/* After a loss: is it a command? Then the server's answer begins with its next byte. */
static void side_tried(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	if (side->header[3] || !mysql_is_command(bytes_slice(&side->payload))) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, side->length + MYSQL_HEADER_BYTES);
		side_reset(side, SIDE_LOST);
		return;
	}
	role_set(protocol, direction, true);
	side_reset(&protocol->side[!direction], SIDE_HEADER);
	side_packet(protocol, direction, time_ns);
}

static void side_complete(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	if (protocol->side[direction].state == SIDE_TRYING)
		side_tried(protocol, direction, time_ns);
	else
		side_packet(protocol, direction, time_ns);
}

static size_t side_header(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			  uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	bool trying = side->state == SIDE_TRYING;

	bytes = slice_take(bytes, MYSQL_HEADER_BYTES - side->header_len);
	if (!side->header_len)
		side->began_ns = time_ns;
	memcpy(side->header + side->header_len, bytes.data, bytes.len);
	side->header_len += bytes.len;
	if (side->header_len < MYSQL_HEADER_BYTES)
		return bytes.len;
	side->length = side->left = mysql_length(side->header);
	side->cut = false;
	if (trying && (side->header[3] || !side->length || side->length > STATEMENT_TEXT_MAX)) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, MYSQL_HEADER_BYTES);
		side_reset(side, SIDE_LOST);
		return bytes.len;
	}
	if (!trying)
		side->state = SIDE_PAYLOAD;
	if (!side->left)
		side_complete(protocol, direction, time_ns);
	return bytes.len;
}

static size_t side_payload(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			   uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	size_t wanted = payload_wanted(protocol, direction), room;

	/* Whose turn it is while nobody knows who asks is a client's, if anybody's. */
	wanted = side->state == SIDE_TRYING ? STATEMENT_TEXT_MAX : wanted;
	room = wanted - side->payload.len;
	bytes = slice_take(bytes, side->left);
	if (!side->cut && room && bytes_append(&side->payload, slice_take(bytes, room), wanted) < 0) {
		protocol->session.no_memory = true;
		side->cut = true;
	}
	side->left -= (uint32_t)bytes.len;
	if (!side->left)
		side_complete(protocol, direction, time_ns);
	return bytes.len;
}

static void side_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	while (bytes.len) {
		size_t taken = bytes.len;

		switch (side->state) {
		case SIDE_HEADER:
			taken = side_header(protocol, direction, bytes, time_ns);
			break;
		case SIDE_TRYING:
			if (side->header_len < MYSQL_HEADER_BYTES)
				taken = side_header(protocol, direction, bytes, time_ns);
			else
				taken = side_payload(protocol, direction, bytes, time_ns);
			break;
		case SIDE_PAYLOAD:
			taken = side_payload(protocol, direction, bytes, time_ns);
			break;
		case SIDE_LOST:
			protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, bytes.len);
			break;
		}
		bytes = slice_drop(bytes, taken);
	}
}

/* --- the contract ------------------------------------------------------------------------------------ */

static struct protocol *mysql_create(const struct protocol_config *config,
				     const struct protocol_handler *handler)
{
	struct protocol *protocol = calloc(1, sizeof(*protocol));
	bool late = !config->from_start[0] || !config->from_start[1];

	if (!protocol)
		return NULL;
	protocol->config = *config;
	protocol->handler = *handler;
	protocol->role = config->role;
	protocol->moved = -1;
	protocol->session = (struct mysql_session){
		.config = &protocol->config,
		.handler = &protocol->handler,
		.asks = asking(protocol),
		.phase = late ? MYSQL_COMMANDS : MYSQL_GREETING,
		.doubt = late ? FLAG_LATE_JOINED : 0,
		.dialect = SQL_MYSQL | SQL_BACKSLASHES,
		.source = { .version = MYSQL_41 },
	};
	for (int i = 0; i < 2 && late; i++)
		protocol->side[i].state = SIDE_LOST;
	return protocol;
}

static void mysql_destroy(struct protocol *protocol)
{
	if (!protocol)
		return;
	mysql_session_fini(&protocol->session);
	for (int i = 0; i < 2; i++)
		bytes_fini(&protocol->side[i].payload);
	free(protocol);
}

/* The other direction moved last. Of a server nobody tries to make a client. */
static void turn(struct protocol *protocol, enum event_direction direction)
{
	struct side *side = &protocol->side[direction];
	bool asks = protocol->role == ROLE_UNKNOWN || direction == asking(protocol);

	if (protocol->moved == (int)direction)
		return;
	protocol->moved = direction;
	if (!asks)
		return;
	if (side->state == SIDE_TRYING)
		side_reset(side, SIDE_LOST);
	if (side->state == SIDE_LOST)
		side_reset(side, SIDE_TRYING);
	else
		mysql_session_turn(&protocol->session);
}

/* Under TLS the greeting came before: a client begins, with a number that is not 0. */
static void first(struct protocol *protocol, enum event_direction direction, struct slice bytes)
{
	bool asks = mysql_logs_in(bytes) != MYSQL_NONE && mysql_greets(bytes) == MYSQL_NONE;

	if (protocol->session.phase == MYSQL_GREETING && protocol->role == ROLE_UNKNOWN)
		role_set(protocol, direction, asks);
}

static long mysql_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		       uint64_t time_ns)
{
	protocol->session.no_memory = false;
	if (bytes.len) {
		first(protocol, direction, bytes);
		turn(protocol, direction);
	}
	side_feed(protocol, direction, bytes, time_ns);
	return protocol->session.no_memory ? -ENOMEM : (long)bytes.len;
}

/* Of a packet that is long, and whose kind is known, the rest is rows, or a statement's text. */
static void mysql_hole(struct protocol *protocol, enum event_direction direction, uint64_t size,
		       uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	protocol->moved = direction;
	if (side->state == SIDE_LOST)
		return;
	if (side->state != SIDE_PAYLOAD || size > side->left || side->payload.len < 16) {
		lose(protocol);
		return;
	}
	side->cut = true;
	side->left -= (uint32_t)size;
	if (!side->left)
		side_complete(protocol, direction, time_ns);
}

static void mysql_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	(void)protocol;
	(void)direction;
	(void)time_ns;
}

static void mysql_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	mysql_session_end(&protocol->session, reason, time_ns);
}

static bool mysql_tick(struct protocol *protocol, uint64_t time_ns)
{
	(void)protocol;
	(void)time_ns;
	return false;
}

static uint64_t mysql_body_left(const struct protocol *protocol, enum event_direction direction)
{
	(void)protocol;
	(void)direction;
	return 0;
}

static bool mysql_idle(const struct protocol *protocol)
{
	for (int i = 0; i < 2; i++)
		if (protocol->side[i].state == SIDE_PAYLOAD || protocol->side[i].header_len)
			return false;
	return !protocol->session.items;
}

static enum protocol_role mysql_role(const struct protocol *protocol)
{
	return protocol->role;
}

static size_t mysql_memory(const struct protocol *protocol)
{
	return sizeof(*protocol) + protocol->side[0].payload.capacity + protocol->side[1].payload.capacity +
	       mysql_session_memory(&protocol->session);
}

const struct protocol_ops mysql_protocol = {
	.name = "mysql",
	.network = "mysql",
	.yields_to_tls = true,
	.queries = true,
	.create = mysql_create,
	.destroy = mysql_destroy,
	.feed = mysql_feed,
	.hole = mysql_hole,
	.finish = mysql_finish,
	.end = mysql_end,
	.tick = mysql_tick,
	.body_left = mysql_body_left,
	.idle = mysql_idle,
	.role = mysql_role,
	.memory = mysql_memory,
};
