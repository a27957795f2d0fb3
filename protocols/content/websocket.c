/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket (RFC 6455), with permessage-deflate (RFC 7692): behind an Upgrade of HTTP/1.1, or the two bodies
 * of an extended CONNECT of HTTP/2 (RFC 8441). Each direction is frames; a message is a frame or several,
 * with control frames between them.
 *
 * A hole within a payload keeps the framing. Any other leaves a direction without a border to go on from, for
 * masked bytes look like anything: it is given up, in a message that says so. What a lost payload would have
 * told the decompressor is missing from then on: messages that need it have no text.
 */
#include "bytes.h"
#include "coding.h"
#include "contents.h"
#include "http1/http1_line.h"

#include <string.h>

#define HEAD_MAX     14
#define CONTROL_MAX  125
#define KEPT_MAX     65536 /* of a message, for -vv */
#define KEPT_BEGIN   1024  /* for a line */
#define EXPANDED_MAX (64u << 20)
#define WINDOW_BITS  15 /* at most, which reads what was written with fewer */

enum opcode {
	OPCODE_CONTINUATION = 0x0,
	OPCODE_TEXT = 0x1,
	OPCODE_BINARY = 0x2,
	OPCODE_CLOSE = 0x8,
	OPCODE_PING = 0x9,
	OPCODE_PONG = 0xa,
};

enum ws_state {
	WS_HEAD,
	WS_PAYLOAD,
	WS_LOST, /* nothing more is known */
};

/* A message, or a control frame, that is under way. */
struct ws_message {
	bool open, compressed, gap, undecoded;
	uint8_t opcode;
	uint32_t frames;
	uint64_t wire_bytes, bytes; /* of payloads; decoded */
	struct bytes kept;
};

struct ws_side {
	enum ws_state state;
	uint8_t head[HEAD_MAX];
	size_t head_len;
	uint64_t left, at; /* of the payload: still to come, passed */
	bool masked, fin;
	uint8_t mask[4];
	struct ws_message data, control;
	struct ws_message *now; /* which of the two the frame is of */
	struct coding *inflater;
	bool deflates, takes_over; /* as agreed on for what this side sends */
	bool context_lost;
	uint64_t number;
};

struct ws {
	struct ws_side side[2]; /* by enum message_kind */
};

/* --- the handshake -------------------------------------------------------------------------- */

static bool is_websocket(const struct message *message)
{
	return http1_list_has(message_known(message, HEADER_UPGRADE), SLICE("websocket")) ||
	       slice_equal(message_header(message, SLICE(":protocol")), SLICE("websocket"));
}

static bool ws_claims(const struct message *message, const struct message *other)
{
	const struct message *request = message->kind == MESSAGE_REQUEST ? message : other;
	const struct message *response = message->kind == MESSAGE_RESPONSE ? message : other;

	if (!request || !is_websocket(request))
		return false;
	return !response ||
	       (request->version >= HTTP_2 ? response->status / 100 == 2 : response->status == 101);
}

/* Is the parameter there, in the extension that was agreed on? "permessage-deflate; a; b=1, …" */
static bool extension_has(struct slice extension, struct slice parameter)
{
	while (extension.len) {
		size_t end = slice_find(extension, ';');
		struct slice one = slice_trim(slice_take(extension, end));

		if (slice_equal_nocase(slice_trim(slice_take(one, slice_find(one, '='))), parameter))
			return true;
		extension = slice_drop(extension, end + 1);
	}
	return false;
}

/* The response says what holds (RFC 7692, 5). */
static void ws_head(struct reading *reading, const struct message *message)
{
	struct ws *ws = reading->state;
	struct slice list;

	if (message->kind != MESSAGE_RESPONSE)
		return;
	list = message_header(message, SLICE("sec-websocket-extensions"));
	while (list.len) {
		size_t comma = slice_find(list, ',');
		struct slice one = slice_take(list, comma);

		list = slice_drop(list, comma + 1);
		if (!extension_has(slice_take(one, slice_find(one, ';')), SLICE("permessage-deflate")))
			continue;
		for (int i = 0; i < 2; i++)
			ws->side[i].deflates = true;
		ws->side[MESSAGE_REQUEST].takes_over =
			!extension_has(one, SLICE("client_no_context_takeover"));
		ws->side[MESSAGE_RESPONSE].takes_over =
			!extension_has(one, SLICE("server_no_context_takeover"));
		return;
	}
}

/* --- what a message holds ------------------------------------------------------------------- */

struct taking {
	struct reading *reading;
	struct ws_message *message;
};

/* Decoded bytes. False: they are too many. */
static bool take(void *ctx, struct slice bytes)
{
	const struct taking *taking = ctx;
	struct ws_message *message = taking->message;
	size_t max = reading_wanted(taking->reading, READER_BODIES) ? KEPT_MAX : KEPT_BEGIN;
	size_t room = message->kept.len < max ? max - message->kept.len : 0;

	message->bytes += bytes.len;
	if (message->bytes == message->kept.len + bytes.len) /* nothing before it was left out */
		bytes_append(&message->kept, slice_take(bytes, room), max);
	return message->bytes <= EXPANDED_MAX;
}

/* Without memory, or with bytes that are no deflate, the direction's decompressor is of no use any more. */
static void inflate_fail(struct ws_side *side, struct ws_message *message)
{
	coding_free(side->inflater);
	side->inflater = NULL;
	side->context_lost = side->takes_over;
	message->undecoded = true;
}

static void inflate_take(struct reading *reading, struct ws_side *side, struct ws_message *message,
			 struct slice bytes)
{
	struct taking taking = { reading, message };
	enum coding_result result;

	if (message->undecoded)
		return;
	if (side->context_lost || message->gap) {
		inflate_fail(side, message);
		return;
	}
	if (!side->inflater)
		side->inflater = coding_new_deflate(WINDOW_BITS);
	result = side->inflater ? coding_feed(side->inflater, bytes, take, &taking) : CODING_WRONG;
	if (result != CODING_MORE && result != CODING_WHOLE)
		inflate_fail(side, message);
}

/* A piece of a payload, which is unmasked by way of a copy. */
static void payload_take(struct reading *reading, struct ws_side *side, struct slice bytes)
{
	struct taking taking = { reading, side->now };
	uint8_t clear[512];

	while (bytes.len) {
		struct slice piece = bytes;

		if (side->masked) {
			piece = slice_of(clear, bytes.len < sizeof(clear) ? bytes.len : sizeof(clear));
			for (size_t i = 0; i < piece.len; i++)
				clear[i] = bytes.data[i] ^ side->mask[(side->at + i) & 3];
		}
		if (side->now->compressed)
			inflate_take(reading, side, side->now, piece);
		else
			take(&taking, piece);
		side->at += piece.len;
		side->left -= piece.len;
		side->now->wire_bytes += piece.len;
		bytes = slice_drop(bytes, piece.len);
	}
}

/* --- telling -------------------------------------------------------------------------------- */

static void ws_charge(struct reading *reading)
{
	const struct ws *ws = reading->state;
	size_t bytes = 0;

	for (int i = 0; i < 2; i++) {
		const struct ws_side *side = &ws->side[i];

		bytes += side->data.kept.capacity + side->control.kept.capacity;
		bytes += side->inflater ? coding_memory(side->inflater) : 0;
	}
	reading_charge(reading, bytes);
}

static struct slice opcode_name(uint8_t opcode)
{
	switch (opcode) {
	case OPCODE_TEXT:
		return SLICE("text");
	case OPCODE_BINARY:
		return SLICE("binary");
	case OPCODE_CLOSE:
		return SLICE("close");
	case OPCODE_PING:
		return SLICE("ping");
	case OPCODE_PONG:
		return SLICE("pong");
	default:
		return slice_of(NULL, 0);
	}
}

/* The facts of one message. */
struct ws_facts {
	struct fact item[3];
	struct fact *first;
	size_t count;
};

static void fact_put(struct ws_facts *facts, const char *name, uint64_t number)
{
	struct fact *fact = &facts->item[facts->count++];

	*fact = (struct fact){ .next = facts->first, .name = name, .kind = FACT_NUMBER, .number = number };
	facts->first = fact;
}

static void message_tell(struct reading *reading, enum message_kind kind, struct ws_side *side,
			 struct ws_message *message)
{
	bool is_data = message == &side->data;
	struct ws_facts facts = { .first = NULL };
	struct content_message told = {
		.kind = kind,
		.type = opcode_name(message->opcode),
		.number = is_data ? ++side->number : 0,
		.bytes = message->bytes,
		.body = message->bytes ? bytes_slice(&message->kept) : SLICE(""),
		.look = message->opcode == OPCODE_BINARY ? CONTENT_BINARY : CONTENT_TEXT,
	};

	if (message->gap || message->undecoded)
		told.flags |= FLAG_GAP;
	if (message->undecoded) {
		told.body = slice_of(NULL, 0);
		told.bytes = READER_UNKNOWN_SIZE;
	} else if (message->bytes > message->kept.len) {
		told.flags |= FLAG_TRUNCATED;
	}
	if (message->compressed)
		fact_put(&facts, "hark.message.compressed_size", message->wire_bytes);
	if (message->frames > 1)
		fact_put(&facts, "hark.message.frames", message->frames);
	if (message->opcode == OPCODE_CLOSE && message->kept.len >= 2 && !message->gap) {
		fact_put(&facts, "hark.message.close_code",
			 (uint64_t)(message->kept.data[0] << 8 | message->kept.data[1]));
		told.body = slice_drop(told.body, 2);
	}
	told.facts = facts.first;
	reading_message(reading, &told);
}

/* Some end a message with a final block, without what RFC 7692, 7.2.3.4 wants behind it. */
static bool ends_finally(const struct ws_side *side)
{
	return side->inflater && coding_feed(side->inflater, slice_of(NULL, 0), NULL, NULL) == CODING_WHOLE;
}

/* The last frame of a message ended. */
static void message_end(struct reading *reading, enum message_kind kind, struct ws_side *side)
{
	struct ws_message *message = side->now;

	if (message->compressed && !message->undecoded) {
		if (!ends_finally(side))
			inflate_take(reading, side, message, slice_of("\0\0\xff\xff", 4));
		if (!side->takes_over) {
			coding_free(side->inflater);
			side->inflater = NULL;
		}
	}
	message_tell(reading, kind, side, message);
	bytes_fini(&message->kept);
	*message = (struct ws_message){ .open = false };
}

/* Nothing more of this direction can be read. */
static void side_lose(struct reading *reading, enum message_kind kind, struct ws_side *side)
{
	struct content_message told = {
		.kind = kind,
		.type = SLICE("unreadable"),
		.bytes = READER_UNKNOWN_SIZE,
		.flags = FLAG_GAP,
	};

	if (side->state == WS_LOST)
		return;
	side->state = WS_LOST;
	reading_message(reading, &told);
	bytes_fini(&side->data.kept);
	bytes_fini(&side->control.kept);
	coding_free(side->inflater);
	side->inflater = NULL;
}

/* --- frames --------------------------------------------------------------------------------- */

static size_t head_size(const struct ws_side *side)
{
	uint8_t len = side->head_len < 2 ? 0 : side->head[1] & 0x7f;

	if (side->head_len < 2)
		return 2;
	return 2u + (len == 126 ? 2 : len == 127 ? 8 : 0) + (side->head[1] & 0x80 ? 4 : 0);
}

/* False: this is no frame that may stand here (RFC 6455, 5.2 to 5.5). */
static bool frame_opens(struct ws_side *side)
{
	uint8_t opcode = side->head[0] & 0x0f, reserved = side->head[0] & 0x70;
	bool control = opcode & 0x08, continues = opcode == OPCODE_CONTINUATION;

	if (!continues && !opcode_name(opcode).data)
		return false;
	side->fin = side->head[0] & 0x80;
	if (control && (!side->fin || side->left > CONTROL_MAX || reserved))
		return false;
	if (!control && continues != side->data.open)
		return false;
	if (reserved && (reserved != 0x40 || !side->deflates || continues))
		return false;
	side->now = control ? &side->control : &side->data;
	if (!continues)
		*side->now = (struct ws_message){ .open = true, .opcode = opcode, .compressed = reserved };
	side->now->frames++;
	return true;
}

static bool head_take(struct ws_side *side)
{
	const uint8_t *at = side->head + 2;
	uint8_t len = side->head[1] & 0x7f;
	size_t digits = len == 126 ? 2 : len == 127 ? 8 : 0;

	side->left = digits ? 0 : len;
	for (size_t i = 0; i < digits; i++)
		side->left = side->left << 8 | *at++;
	side->masked = side->head[1] & 0x80;
	if (side->masked)
		memcpy(side->mask, at, sizeof(side->mask));
	side->at = 0;
	side->head_len = 0;
	return !(side->left >> 63) && frame_opens(side);
}

/* A payload has been passed, and its frame with it. */
static void frame_end(struct reading *reading, enum message_kind kind, struct ws_side *side)
{
	if (side->left)
		return;
	side->state = WS_HEAD;
	if (side->fin)
		message_end(reading, kind, side);
}

static void ws_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct ws *ws = reading->state;
	struct ws_side *side = &ws->side[kind];

	while (bytes.len && side->state != WS_LOST) {
		struct slice piece;

		if (side->state == WS_HEAD) {
			side->head[side->head_len++] = bytes.data[0];
			bytes = slice_drop(bytes, 1);
			if (side->head_len < head_size(side))
				continue;
			side->state = WS_PAYLOAD;
			if (!head_take(side)) {
				side_lose(reading, kind, side);
				break;
			}
			frame_end(reading, kind, side);
			continue;
		}
		piece = slice_take(bytes, side->left < bytes.len ? (size_t)side->left : bytes.len);
		payload_take(reading, side, piece);
		bytes = slice_drop(bytes, piece.len);
		frame_end(reading, kind, side);
	}
	ws_charge(reading);
}

static void ws_hole(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct ws *ws = reading->state;
	struct ws_side *side = &ws->side[kind];

	if (side->state == WS_PAYLOAD && size <= side->left) {
		side->now->gap = true;
		side->now->wire_bytes += size;
		if (side->now->compressed)
			inflate_fail(side, side->now);
		else
			side->now->bytes += size;
		side->at += size;
		side->left -= size;
		frame_end(reading, kind, side);
	} else {
		side_lose(reading, kind, side);
	}
	ws_charge(reading);
}

static void ws_fini(void *state)
{
	struct ws *ws = state;

	for (int i = 0; i < 2; i++) {
		bytes_fini(&ws->side[i].data.kept);
		bytes_fini(&ws->side[i].control.kept);
		coding_free(ws->side[i].inflater);
	}
}

const struct content_reader websocket_reader = {
	.name = "websocket",
	.gives = READER_MESSAGES,
	.size = sizeof(struct ws),
	.claims = ws_claims,
	.head = ws_head,
	.bytes = ws_bytes,
	.hole = ws_hole,
	.fini = ws_fini,
};

const struct content websocket_content = {
	.name = "websocket",
	.upgrade = SLICE("websocket"),
	.look = CONTENT_BINARY,
	.readers = { &websocket_reader },
};
