/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FastCGI (Specification 1.0) between a web server and an application, on a
 * connection for one request or for many, one after the other or multiplexed.
 *
 * A direction is a chain of records. When one is missing nobody knows where the
 * next begins: the requests' direction is then searched for a BEGIN_REQUEST with
 * its first parameters, the answers' for the END_REQUEST of an open request. And
 * a client that uses one request id at a time has read all of the answer before
 * it begins again: with the new request the answers' direction is at a border.
 *
 * A request's key is its id with a number in front: ids come again.
 */
#include "protocol.h"

#include "bytes.h"
#include "fastcgi_params.h"
#include "fastcgi_record.h"
#include "message_body.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#define OPEN_MAX	 256 /* requests that are open at once; their list is walked */
#define STDERR_MAX_BYTES 2048
#define HEAD_LIMIT_BYTES (512 * 1024)
#define BEGIN_BYTES	 (FASTCGI_HEADER_BYTES + FASTCGI_BODY_BYTES)
#define SEARCH_MAX_BYTES (BEGIN_BYTES + 4)

enum side_state {
	SIDE_HEADER, /* of a record */
	SIDE_CONTENT,
	SIDE_PADDING,
	SIDE_LOST, /* somewhere in a record */
};

struct side {
	enum side_state state;
	uint8_t header[FASTCGI_HEADER_BYTES], body[FASTCGI_BODY_BYTES];
	size_t header_len, body_len;
	struct fastcgi_record record;
	size_t left; /* of the content, or of the padding */
	uint64_t began_ns;
	uint8_t held[SEARCH_MAX_BYTES]; /* in SIDE_LOST: what may be the beginning of what is searched for */
	size_t held_len;
};

enum request_state {
	REQUEST_PARAMS,
	REQUEST_BODY,
	REQUEST_ENDED,
};

struct request {
	struct request *prev, *next;
	uint16_t id;
	uint32_t key;
	enum request_state state;
	bool answer_head;			  /* the response's head is through */
	bool params_hole, head_hole, stderr_hole; /* some of them is missing */
	bool aborted, unseen; /* unseen: how it began, or whether it was aborted, is not known */
	struct message *request, *response; /* NULL: not begun, or given away */
	struct bytes params, head, body[2];
	size_t head_seen;
	uint64_t body_length; /* as the parameters have it */
	uint64_t stderr_bytes;
	struct bytes stderr_text;
	size_t weight;
};

struct protocol {
	struct protocol_config config;
	struct protocol_handler handler;
	enum protocol_role role;
	struct side side[2];
	struct request *requests;
	size_t open;
	size_t held_bytes;
	uint32_t count;
	bool requests_lost; /* some may have begun unseen */
	bool no_memory;
};

static enum event_direction asking(const struct protocol *protocol)
{
	return protocol->role == ROLE_SERVER ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

static size_t head_limit(const struct protocol *protocol)
{
	size_t limit = protocol->config.message_limit_bytes;

	return limit && limit < HEAD_LIMIT_BYTES ? limit : HEAD_LIMIT_BYTES;
}

/* --- requests ------------------------------------------------------------------------------------- */

static struct request *request_find(const struct protocol *protocol, uint16_t id)
{
	struct request *request;

	DL_FOREACH (protocol->requests, request)
		if (request->id == id)
			return request;
	return NULL;
}

static void request_weigh(struct protocol *protocol, struct request *request)
{
	size_t weight = sizeof(*request) + request->params.capacity + request->head.capacity +
			request->stderr_text.capacity + message_memory(request->request) +
			message_memory(request->response);

	for (int i = 0; i < 2; i++)
		weight += request->body[i].capacity;
	protocol->held_bytes += weight - request->weight;
	request->weight = weight;
}

static void request_free(struct protocol *protocol, struct request *request)
{
	DL_DELETE(protocol->requests, request);
	protocol->open--;
	protocol->held_bytes -= request->weight;
	message_free(request->request);
	message_free(request->response);
	bytes_fini(&request->params);
	bytes_fini(&request->head);
	bytes_fini(&request->stderr_text);
	for (int i = 0; i < 2; i++)
		bytes_fini(&request->body[i]);
	free(request);
}

static size_t open_limit(const struct protocol *protocol)
{
	size_t limit = protocol->config.stream_limit;

	return limit && limit < OPEN_MAX ? limit : OPEN_MAX;
}

/* NULL: there is no room, which is counted, or no memory. */
static struct request *request_add(struct protocol *protocol, uint16_t id)
{
	struct request *request;

	if (protocol->open >= open_limit(protocol)) {
		protocol_count(&protocol->handler, NOTE_STREAM_LIMIT, 1);
		return NULL;
	}
	request = calloc(1, sizeof(*request));
	protocol->no_memory |= !request;
	if (!request)
		return NULL;
	request->id = id;
	request->key = ++protocol->count << 16 | id;
	DL_APPEND(protocol->requests, request);
	protocol->open++;
	request_weigh(protocol, request);
	return request;
}

static struct message *message_begin(struct protocol *protocol, const struct request *request,
				     enum message_kind kind, uint64_t time_ns)
{
	struct message *message =
		message_new_of(protocol->config.rooms, kind, protocol->config.message_limit_bytes);
	enum event_direction asks = asking(protocol);

	protocol->no_memory |= !message;
	if (!message)
		return NULL;
	message->version = FASTCGI_1;
	message->direction = kind == MESSAGE_REQUEST ? asks : !asks;
	message->key = request->key;
	message->flags = request->unseen ? FLAG_GAP : 0;
	message->first_byte_ns = message->last_byte_ns = time_ns;
	return message;
}

static void message_end(struct protocol *protocol, struct request *request, enum message_kind kind,
			unsigned int flags, uint64_t time_ns)
{
	struct message **at = kind == MESSAGE_REQUEST ? &request->request : &request->response;
	struct message *message = *at;

	if (!message)
		return;
	*at = NULL;
	message->flags |= flags;
	if (time_ns)
		message->last_byte_ns = time_ns;
	if (!message_body_end(message, &request->body[kind]))
		protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
	protocol->handler.done(protocol->handler.ctx, message);
}

/* All parameters came, or no more do: what there is of them is the head. */
static void request_head(struct protocol *protocol, struct request *request, bool whole, uint64_t time_ns)
{
	struct message *message = request->request;

	if (request->state != REQUEST_PARAMS)
		return;
	request->state = REQUEST_BODY;
	if (!message)
		return;
	whole = whole && !request->params_hole;
	message->flags |= request->params_hole ? FLAG_GAP : 0;
	message->head_ns = time_ns;
	fastcgi_request_fill(message, bytes_slice(&request->params), whole, protocol->config.few_fields,
			     &request->body_length);
	bytes_fini(&request->params);
	protocol->handler.head(protocol->handler.ctx, message);
}

static void request_end(struct protocol *protocol, struct request *request, unsigned int flags,
			uint64_t time_ns)
{
	if (request->state == REQUEST_ENDED)
		return;
	request_head(protocol, request, false, time_ns);
	request->state = REQUEST_ENDED;
	/* Applications that have read as much as they were told do not read the end of it. */
	if (request->request && !(request->request->flags & (FLAG_GAP | FLAG_PARTIAL_HEADERS)) &&
	    request->request->body_bytes == request->body_length)
		request->request->body_known = true;
	message_end(protocol, request, MESSAGE_REQUEST, flags, time_ns);
}

/* The response's head is through, whole or not. */
static void answer_head(struct protocol *protocol, struct request *request, size_t len, bool whole,
			uint64_t time_ns)
{
	struct message *response = request->response;

	if (request->answer_head || !response)
		return;
	request->answer_head = true;
	response->head_ns = time_ns;
	response->flags |= request->head_hole ? FLAG_GAP : 0;
	/* An application may end without a word. */
	if (len || request->head_hole)
		fastcgi_response_fill(response, slice_take(bytes_slice(&request->head), len), whole,
				      protocol->config.few_fields);
	protocol->handler.head(protocol->handler.ctx, response);
}

static void add_trailer(struct message *response, struct slice name, struct slice value)
{
	if (message_add_header(response, &response->trailers, name, value, 0) < 0)
		response->flags |= FLAG_TRUNCATED;
}

static void add_number(struct message *response, struct slice name, uint64_t value)
{
	uint8_t digits[SLICE_DIGITS_MAX];

	add_trailer(response, name, slice_of_number(value, digits));
}

/* What an application says besides: to its error stream, and with its end. */
static void answer_trailers(struct request *request, uint32_t app_status)
{
	struct message *response = request->response;

	if (!response)
		return;
	response->flags |= request->stderr_hole ? FLAG_TRUNCATED : 0;
	if (request->stderr_text.len)
		add_trailer(response, SLICE("FCGI_STDERR"), bytes_slice(&request->stderr_text));
	if (request->stderr_bytes)
		add_number(response, SLICE("FCGI_STDERR_BYTES"), request->stderr_bytes);
	if (app_status)
		add_number(response, SLICE("FCGI_APP_STATUS"), app_status);
}

/* Both messages come out, and the request is forgotten. */
static void request_close(struct protocol *protocol, struct request *request, unsigned int flags,
			  uint64_t time_ns)
{
	size_t len = request->head.len;

	request_end(protocol, request, flags, time_ns);
	if (!request->response && flags & FLAG_GAP)
		request->response = message_begin(protocol, request, MESSAGE_RESPONSE, 0);
	if (request->response && !request->answer_head)
		answer_head(protocol, request, len, false, time_ns);
	message_end(protocol, request, MESSAGE_RESPONSE, flags, time_ns);
	request_free(protocol, request);
}

/* --- losses --------------------------------------------------------------------------------------- */

/* What is open may miss some of itself. */
static void side_lose(struct protocol *protocol, enum event_direction direction)
{
	bool asks = direction == asking(protocol);
	enum message_kind kind = asks ? MESSAGE_REQUEST : MESSAGE_RESPONSE;
	struct side *side = &protocol->side[direction];
	struct request *request;

	if (side->state == SIDE_LOST)
		return;
	side->state = SIDE_LOST;
	side->header_len = side->body_len = 0;
	protocol_count(&protocol->handler, NOTE_RESYNC, 1);
	protocol->requests_lost |= asks;
	DL_FOREACH (protocol->requests, request) {
		struct message *message = asks ? request->request : request->response;

		if (message) {
			message->flags |= FLAG_GAP;
			message->body_known = false;
			protocol_body_hole(&protocol->handler, message, HOLE_UNKNOWN_SIZE);
		}
		request->params_hole |= asks;
		request->unseen |= asks;
		if (asks && request->response)
			request->response->flags |= FLAG_GAP; /* it may have been aborted */
		request->head_hole |= !asks;
		request->stderr_hole |= !asks;
	}
	if (protocol->handler.lost)
		protocol->handler.lost(protocol->handler.ctx, kind, 0, FLAG_GAP);
}

static void side_find(struct side *side)
{
	side->state = SIDE_HEADER;
	side->header_len = side->body_len = side->held_len = 0;
}

/* --- records -------------------------------------------------------------------------------------- */

/*
 * A client that uses one id at a time begins again when it has all of the answer: what is open by this id, or
 * alone, has ended unseen, and the answers go on at a border.
 */
static void request_begin(struct protocol *protocol, struct side *side)
{
	struct side *answers = &protocol->side[!asking(protocol)];
	struct request *request = request_find(protocol, side->record.id);

	if (request)
		request_close(protocol, request, FLAG_GAP, 0);
	if (answers->state == SIDE_LOST && !protocol->requests) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, answers->held_len);
		side_find(answers);
	}
	protocol->requests_lost &= protocol->requests != NULL;
	request = request_add(protocol, side->record.id);
	if (!request)
		return;
	request->request = message_begin(protocol, request, MESSAGE_REQUEST, side->began_ns);
	request_weigh(protocol, request);
}

/* END_REQUEST: the application's status, and whether it took the request at all (5.5). */
static void request_answered(struct protocol *protocol, struct side *side, uint64_t time_ns)
{
	struct request *request = request_find(protocol, side->record.id);
	const uint8_t *body = side->body;
	uint32_t app_status =
		(uint32_t)body[0] << 24 | (uint32_t)body[1] << 16 | (uint32_t)body[2] << 8 | body[3];
	uint32_t key;
	bool reset;

	if (!request)
		return;
	key = request->key;
	reset = body[4] || request->aborted;
	if (!request->response)
		request->response = message_begin(protocol, request, MESSAGE_RESPONSE, time_ns);
	if (request->response)
		request->response->body_known |=
			!(request->response->flags & FLAG_GAP) && !request->head_hole;
	answer_trailers(request, app_status);
	request_close(protocol, request, reset ? FLAG_RESET : 0, time_ns);
	if (reset)
		protocol->handler.reset(protocol->handler.ctx, key, body[4] ? body[4] : RESET_ERROR_UNKNOWN);
}

/* The body of a record of fixed size is there. */
static void record_body(struct protocol *protocol, struct side *side, uint64_t time_ns)
{
	if (side->record.type == FASTCGI_BEGIN)
		request_begin(protocol, side);
	else if (side->record.type == FASTCGI_END)
		request_answered(protocol, side, time_ns);
}

static void take_params(struct protocol *protocol, struct request *request, struct slice bytes)
{
	if (request->state != REQUEST_PARAMS || request->params_hole || !request->request)
		return;
	if (bytes_append(&request->params, bytes, head_limit(protocol)) == 0)
		return;
	protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
	request->request->flags |= FLAG_TRUNCATED;
	request->params_hole = true;
}

static void take_body(struct protocol *protocol, struct request *request, struct message *message,
		      struct slice bytes)
{
	const struct protocol_config *config = &protocol->config;

	if (!bytes.len)
		return;
	message->body_bytes += bytes.len;
	if (config->want_bodies && !(message->flags & (FLAG_TRUNCATED | FLAG_GAP)))
		message_body_add(message, &request->body[message->kind], bytes, config->body_limit_bytes);
	protocol->handler.body(protocol->handler.ctx, message, bytes);
}

/* The head grows until its empty line; the rest is the body. */
static void take_answer(struct protocol *protocol, struct request *request, struct slice bytes,
			uint64_t time_ns)
{
	size_t before = request->head.len, end;

	if (!request->response)
		request->response = message_begin(protocol, request, MESSAGE_RESPONSE, time_ns);
	if (!request->response)
		return;
	if (request->answer_head) {
		take_body(protocol, request, request->response, bytes);
		return;
	}
	if (request->head_hole || bytes_append(&request->head, bytes, head_limit(protocol)) < 0) {
		if (!request->head_hole)
			protocol_count(&protocol->handler, NOTE_HEADER_LIMIT, 1);
		request->response->flags |= request->head_hole ? FLAG_GAP : FLAG_TRUNCATED;
		answer_head(protocol, request, request->head.len, false, time_ns);
		return;
	}
	end = fastcgi_head_end(bytes_slice(&request->head), request->head_seen);
	request->head_seen = request->head.len;
	if (!end)
		return;
	answer_head(protocol, request, end, true, time_ns);
	bytes_fini(&request->head);
	take_body(protocol, request, request->response, slice_drop(bytes, end - before));
}

static void take_stderr(struct request *request, struct slice bytes)
{
	size_t room = STDERR_MAX_BYTES - request->stderr_text.len;

	request->stderr_bytes += bytes.len;
	if (!request->stderr_hole)
		bytes_append(&request->stderr_text, slice_take(bytes, room), STDERR_MAX_BYTES);
}

/* An answer to a request that began unseen shows all the same. */
static struct request *request_of(struct protocol *protocol, const struct side *side)
{
	struct request *request = request_find(protocol, side->record.id);

	if (request || !protocol->requests_lost || !fastcgi_is_answer(side->record.type))
		return request;
	request = request_add(protocol, side->record.id);
	if (request) {
		request->state = REQUEST_ENDED;
		request->unseen = true;
	}
	return request;
}

/* Some of the content of a stream's record. */
static void record_data(struct protocol *protocol, struct side *side, struct slice bytes, uint64_t time_ns)
{
	struct request *request = request_of(protocol, side);

	if (!request)
		return;
	switch (side->record.type) {
	case FASTCGI_PARAMS:
		take_params(protocol, request, bytes);
		break;
	case FASTCGI_STDIN:
		request_head(protocol, request, false, time_ns);
		if (request->request)
			take_body(protocol, request, request->request, bytes);
		break;
	case FASTCGI_STDOUT:
		take_answer(protocol, request, bytes, time_ns);
		break;
	case FASTCGI_STDERR:
		take_stderr(request, bytes);
		break;
	case FASTCGI_BEGIN:
	case FASTCGI_ABORT:
	case FASTCGI_END:
	case FASTCGI_DATA: /* the file of a filter */
	case FASTCGI_GET_VALUES:
	case FASTCGI_VALUES:
	case FASTCGI_UNKNOWN_TYPE:
		break;
	}
	request_weigh(protocol, request);
}

/* A record without content ends its stream; one of ABORT_REQUEST says all by itself. */
static void record_empty(struct protocol *protocol, struct side *side, uint64_t time_ns)
{
	struct request *request = request_find(protocol, side->record.id);

	if (!request)
		return;
	if (side->record.type == FASTCGI_ABORT) {
		request->aborted = true;
	} else if (side->record.type == FASTCGI_PARAMS) {
		request_head(protocol, request, true, time_ns);
	} else if (side->record.type == FASTCGI_STDIN) {
		if (request->request)
			request->request->body_known = !(request->request->flags & FLAG_GAP);
		request_end(protocol, request, 0, time_ns);
	}
	request_weigh(protocol, request);
}

/* --- a direction's bytes ---------------------------------------------------------------------------- */

/* The first record tells who asks. False: it goes the wrong way. */
static bool side_fits(struct protocol *protocol, enum event_direction direction, enum fastcgi_type type)
{
	bool asks = !fastcgi_is_answer(type);

	if (protocol->role == ROLE_UNKNOWN)
		protocol->role = asks == (direction == DIRECTION_SENT) ? ROLE_CLIENT : ROLE_SERVER;
	return asks == (direction == asking(protocol));
}

static void side_next(struct side *side)
{
	side->state = side->record.padding ? SIDE_PADDING : SIDE_HEADER;
	side->left = side->record.padding;
	side->header_len = side->body_len = 0;
}

/* A header is there, or what should be one. */
static void side_header(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	if (!fastcgi_record_read(side->header, &side->record) ||
	    !side_fits(protocol, direction, side->record.type)) {
		protocol_count(&protocol->handler, NOTE_MESSAGE_REFUSED, 1);
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, FASTCGI_HEADER_BYTES);
		side_lose(protocol, direction);
		return;
	}
	side->state = SIDE_CONTENT;
	side->left = side->record.content;
	if (side->left)
		return;
	record_empty(protocol, side, time_ns);
	side_next(side);
}

/* Returns how many bytes were taken. */
static size_t side_content(struct protocol *protocol, struct side *side, struct slice bytes, uint64_t time_ns)
{
	bytes = slice_take(bytes, side->left);
	if (fastcgi_has_body(side->record.type)) {
		memcpy(side->body + side->body_len, bytes.data, bytes.len);
		side->body_len += bytes.len;
	} else {
		record_data(protocol, side, bytes, time_ns);
	}
	side->left -= bytes.len;
	if (side->left)
		return bytes.len;
	if (fastcgi_has_body(side->record.type))
		record_body(protocol, side, time_ns);
	side_next(side);
	return bytes.len;
}

static size_t side_take_header(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			       uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	bytes = slice_take(bytes, FASTCGI_HEADER_BYTES - side->header_len);
	if (side->header_len == 0)
		side->began_ns = time_ns;
	memcpy(side->header + side->header_len, bytes.data, bytes.len);
	side->header_len += bytes.len;
	if (side->header_len == FASTCGI_HEADER_BYTES)
		side_header(protocol, direction, time_ns);
	return bytes.len;
}

/* Where what is searched for stands, or (*found is false) may begin; bytes.len: nowhere. */
static size_t search(const struct protocol *protocol, struct slice bytes, bool asks, bool *found)
{
	*found = false;
	for (size_t i = 0; i < bytes.len; i++) {
		struct slice rest = slice_drop(bytes, i);
		uint16_t id;

		if (rest.data[0] != 1)
			continue;
		if (asks) {
			enum fastcgi_beginning beginning = fastcgi_begins(rest, true);

			*found = beginning == FASTCGI_FOUND;
			if (beginning != FASTCGI_NONE)
				return i;
			continue;
		}
		if (rest.len < BEGIN_BYTES)
			return i;
		*found = fastcgi_ends(rest, &id) && request_find(protocol, id);
		if (*found)
			return i;
	}
	return bytes.len;
}

static void side_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns);

/*
 * The search goes on with bytes behind those that are held. Returns how many were taken; 0: the state is
 * another, or none are held any more.
 */
static size_t search_on(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			bool asks, uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	size_t held = side->held_len, more = bytes.len < SEARCH_MAX_BYTES ? bytes.len : SEARCH_MAX_BYTES, at;
	uint8_t text[2 * SEARCH_MAX_BYTES];
	bool found;

	memcpy(text, side->held, held);
	memcpy(text + held, bytes.data, more);
	at = search(protocol, slice_of(text, held + more), asks, &found);
	side->held_len = 0;
	protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, at < held ? at : held);
	if (at >= held)
		return 0;
	if (found) {
		side_find(side);
		side_feed(protocol, direction, slice_of(text + at, held - at), time_ns);
		return 0;
	}
	side->held_len = held + more - at;
	memcpy(side->held, text + at, side->held_len);
	return more;
}

/* While nobody knows who asks, either may: what a client sends says it. Returns how many bytes were taken. */
static size_t side_search(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			  uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];
	bool asks = protocol->role == ROLE_UNKNOWN || direction == asking(protocol), found;
	size_t at;

	if (side->held_len)
		return search_on(protocol, direction, bytes, asks, time_ns);
	at = search(protocol, bytes, asks, &found);
	protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, at);
	if (found) {
		side_find(side);
		return at;
	}
	side->held_len = bytes.len - at;
	if (side->held_len)
		memcpy(side->held, bytes.data + at, side->held_len);
	return bytes.len;
}

static void side_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
		      uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	while (bytes.len) {
		size_t taken = 0;

		switch (side->state) {
		case SIDE_HEADER:
			taken = side_take_header(protocol, direction, bytes, time_ns);
			break;
		case SIDE_CONTENT:
			taken = side_content(protocol, side, bytes, time_ns);
			break;
		case SIDE_PADDING:
			taken = side->left < bytes.len ? side->left : bytes.len;
			side->left -= taken;
			side->state = side->left ? SIDE_PADDING : SIDE_HEADER;
			break;
		case SIDE_LOST:
			taken = side_search(protocol, direction, bytes, time_ns);
			break;
		}
		bytes = slice_drop(bytes, taken);
	}
}

/* --- the contract ------------------------------------------------------------------------------------ */

static struct protocol *fastcgi_create(const struct protocol_config *config,
				       const struct protocol_handler *handler)
{
	struct protocol *protocol = calloc(1, sizeof(*protocol));

	if (!protocol)
		return NULL;
	protocol->config = *config;
	protocol->handler = *handler;
	protocol->role = config->role;
	for (int i = 0; i < 2; i++)
		if (!config->from_start[i])
			protocol->side[i].state = SIDE_LOST;
	return protocol;
}

static void fastcgi_destroy(struct protocol *protocol)
{
	if (!protocol)
		return;
	while (protocol->requests)
		request_free(protocol, protocol->requests);
	free(protocol);
}

static long fastcgi_feed(struct protocol *protocol, enum event_direction direction, struct slice bytes,
			 uint64_t time_ns)
{
	protocol->no_memory = false;
	side_feed(protocol, direction, bytes, time_ns);
	return protocol->no_memory ? -ENOMEM : (long)bytes.len;
}

/* Missing content of a stream counts as some, and what it was needed for is in doubt. */
static void hole_content(struct protocol *protocol, struct side *side, uint64_t size)
{
	struct request *request = request_of(protocol, side);
	enum fastcgi_type type = side->record.type;
	struct message *message;

	if (!request)
		return;
	message = type == FASTCGI_STDIN	   ? request->request
		  : type == FASTCGI_STDOUT ? request->response
					   : NULL;
	request->params_hole |= type == FASTCGI_PARAMS && request->state == REQUEST_PARAMS;
	request->head_hole |= type == FASTCGI_STDOUT && !request->answer_head;
	request->stderr_bytes += type == FASTCGI_STDERR ? size : 0;
	request->stderr_hole |= type == FASTCGI_STDERR;
	if (!message)
		return;
	if (type == FASTCGI_STDOUT && !request->answer_head) {
		message->flags |= FLAG_GAP;
	} else {
		message->body_bytes += size;
		protocol_body_hole(&protocol->handler, message, size);
	}
	if (protocol->config.want_bodies)
		message->flags |= FLAG_TRUNCATED;
}

static void fastcgi_hole(struct protocol *protocol, enum event_direction direction, uint64_t size,
			 uint64_t time_ns)
{
	struct side *side = &protocol->side[direction];

	(void)time_ns;
	if (side->state == SIDE_LOST) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, side->held_len);
		side->held_len = 0;
		return;
	}
	while (size && side->state != SIDE_LOST) {
		uint64_t within = size < side->left ? size : side->left;

		if (size == HOLE_UNKNOWN_SIZE || side->state == SIDE_HEADER ||
		    (side->state == SIDE_CONTENT && fastcgi_has_body(side->record.type))) {
			side_lose(protocol, direction);
			return;
		}
		if (side->state == SIDE_CONTENT)
			hole_content(protocol, side, within);
		side->left -= within;
		size -= within;
		if (side->left)
			continue;
		if (side->state == SIDE_CONTENT)
			side_next(side);
		else
			side_find(side);
	}
}

/* The end of a direction says no more than END_REQUEST did. */
static void fastcgi_finish(struct protocol *protocol, enum event_direction direction, uint64_t time_ns)
{
	(void)protocol;
	(void)direction;
	(void)time_ns;
}

static void fastcgi_end(struct protocol *protocol, enum protocol_end reason, uint64_t time_ns)
{
	(void)time_ns;
	while (protocol->requests)
		request_close(protocol, protocol->requests, protocol_end_flags(reason), 0);
	for (int i = 0; i < 2; i++) {
		protocol_count(&protocol->handler, NOTE_BYTES_UNPARSED, protocol->side[i].held_len);
		protocol->side[i].held_len = 0;
	}
}

static bool fastcgi_tick(struct protocol *protocol, uint64_t time_ns)
{
	(void)protocol;
	(void)time_ns;
	return false;
}

/* A record is 64 KiB at most: none is worth a hint. */
static uint64_t fastcgi_body_left(const struct protocol *protocol, enum event_direction direction)
{
	(void)protocol;
	(void)direction;
	return 0;
}

static bool fastcgi_idle(const struct protocol *protocol)
{
	return !protocol->requests;
}

static enum protocol_role fastcgi_role(const struct protocol *protocol)
{
	return protocol->role;
}

static size_t fastcgi_memory(const struct protocol *protocol)
{
	return sizeof(*protocol) + protocol->held_bytes;
}

const struct protocol_ops fastcgi_protocol = {
	.name = "fastcgi",
	.network = "fastcgi",
	.takes_lost_start = true,
	.create = fastcgi_create,
	.destroy = fastcgi_destroy,
	.feed = fastcgi_feed,
	.hole = fastcgi_hole,
	.finish = fastcgi_finish,
	.end = fastcgi_end,
	.tick = fastcgi_tick,
	.body_left = fastcgi_body_left,
	.idle = fastcgi_idle,
	.role = fastcgi_role,
	.memory = fastcgi_memory,
};
