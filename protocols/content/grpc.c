/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gRPC over HTTP/2, and gRPC-Web in binary and text form (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md and
 * PROTOCOL-WEB.md): length-prefixed messages; how a call ended stands in a trailer, `grpc-status`, which
 * gRPC-Web has at the end of the body.
 *
 * A hole within a message keeps the framing, for its length is known; any other hides how many messages there
 * were, and no more are told.
 */
#include "ascii.h"
#include "bytes.h"
#include "coding.h"
#include "contents.h"
#include "protobuf.h"

#define STATUS_MAX	16 /* UNAUTHENTICATED, the last that is defined */
#define PREFIX_BYTES	5
#define KEPT_MAX	65536 /* of a message, as it was sent */
#define DECODED_MAX	(4 * KEPT_MAX)
#define TEXT_MAX	16384 /* of what is made of it */
#define TRAILERS_MAX	16384
#define TRAILER_COUNT	32
#define FLAG_COMPRESSED 0x01
#define FLAG_TRAILERS	0x80

static int status_of(const struct header_list *list)
{
	uint64_t status;

	for (size_t i = 0; i < list->count; i++) {
		struct slice value = list->items[i].value;

		if (list->items[i].known != HEADER_GRPC_STATUS)
			continue;
		return value.len <= 2 && slice_number(value, &status) && status <= STATUS_MAX ? (int)status
											      : -1;
	}
	return -1;
}

/* Of the trailers, else of the headers: an answer of trailers only. */
static int grpc_outcome(const struct message *response)
{
	int status = status_of(&response->trailers);

	return status >= 0 ? status : status_of(&response->headers);
}

/* --- reading ---------------------------------------------------------------------------------- */

enum grpc_state {
	GRPC_PREFIX,
	GRPC_PAYLOAD,
	GRPC_LOST,
};

struct grpc_side {
	enum grpc_state state;
	bool web, text; /* gRPC-Web; in base64 */
	uint8_t prefix[PREFIX_BYTES];
	size_t prefix_len;
	uint64_t left;
	uint32_t length;
	bool gap; /* of the message under way */
	uint64_t messages, bytes;
	struct bytes kept;
	uint8_t quad[4]; /* of base64 */
	size_t quad_len;
};

struct grpc {
	struct grpc_side side[2]; /* by enum message_kind */
};

/* Names of the facts of each side. */
static const struct {
	const char *messages, *size, *encoding;
} names[2] = {
	[MESSAGE_REQUEST] = { "hark.grpc.request.messages", "hark.grpc.request.size",
			      "hark.grpc.request.encoding" },
	[MESSAGE_RESPONSE] = { "hark.grpc.response.messages", "hark.grpc.response.size",
			       "hark.grpc.response.encoding" },
};

static bool type_begins(const struct message *message, struct slice begin)
{
	struct slice type = message_known(message, HEADER_CONTENT_TYPE);

	return slice_equal_nocase(slice_take(type, begin.len), begin);
}

static bool web_claims(const struct message *message, const struct message *other)
{
	(void)other;
	return type_begins(message, SLICE("application/grpc-web"));
}

static bool grpc_claims(const struct message *message, const struct message *other)
{
	return !web_claims(message, other);
}

/* "/pkg.Service/Method": what stands before the last slash, and behind it; a prefix is left out. */
static bool path_split(const struct message *request, struct slice *service, struct slice *method)
{
	struct slice path =
		request ? slice_take(request->target, slice_find(request->target, '?')) : slice_of(NULL, 0);
	size_t last = path.len, before;

	while (last && path.data[last - 1] != '/')
		last--;
	before = last ? last - 1 : 0;
	while (before && path.data[before - 1] != '/')
		before--;
	if (!before || last == path.len || before == last - 1)
		return false;
	*service = slice_take(slice_drop(path, before), last - 1 - before);
	*method = slice_drop(path, last);
	return true;
}

/* "100m": at most eight digits and a unit (PROTOCOL-HTTP2.md, Timeout). */
static bool timeout_parse(struct slice text, uint64_t *ns)
{
	static const struct {
		char unit;
		uint64_t ns;
	} units[] = { { 'H', 3600000000000 }, { 'M', 60000000000 }, { 'S', 1000000000 },
		      { 'm', 1000000 },	      { 'u', 1000 },	    { 'n', 1 } };

	if (text.len < 2 || text.len > 9 || !slice_number(slice_take(text, text.len - 1), ns))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text.data[text.len - 1] != units[i].unit)
			continue;
		*ns *= units[i].ns;
		return true;
	}
	return false;
}

static void counts_tell(struct reading *reading, enum message_kind kind, const struct grpc_side *side)
{
	reading_number(reading, kind, names[kind].messages, side->messages);
	reading_number(reading, kind, names[kind].size, side->bytes);
}

static void grpc_head(struct reading *reading, const struct message *message)
{
	struct grpc_side *side = &((struct grpc *)reading->state)->side[message->kind];
	struct slice encoding = message_known(message, HEADER_GRPC_ENCODING), service, method;
	uint64_t ns;

	side->web = type_begins(message, SLICE("application/grpc-web"));
	side->text = type_begins(message, SLICE("application/grpc-web-text"));
	if (message->kind == MESSAGE_REQUEST) {
		if (path_split(message, &service, &method)) {
			reading_text(reading, MESSAGE_REQUEST, "rpc.service", service);
			reading_text(reading, MESSAGE_REQUEST, "rpc.method", method);
		}
		if (timeout_parse(message_known(message, HEADER_GRPC_TIMEOUT), &ns))
			reading_ns(reading, MESSAGE_REQUEST, "hark.grpc.timeout_ms", ns);
	}
	if (content_is_coded(encoding))
		reading_text(reading, message->kind, names[message->kind].encoding, encoding);
	counts_tell(reading, message->kind, side);
}

/* --- what a message holds --------------------------------------------------------------------- */

static bool take(void *ctx, struct slice bytes)
{
	return bytes_append(ctx, bytes, DECODED_MAX) == 0;
}

/* The clear bytes of a compressed message. False: they cannot be had, not all of them. */
static bool decompress(struct reading *reading, enum message_kind kind, struct slice sent,
		       struct bytes *clear)
{
	const struct message *message = reading_of(reading, kind);
	struct slice name = message ? message_known(message, HEADER_GRPC_ENCODING) : slice_of(NULL, 0);
	struct coding *coding = content_is_coded(name) ? coding_new(name) : NULL;
	bool whole = coding && coding_feed(coding, sent, take, clear) == CODING_WHOLE;

	coding_free(coding);
	return whole;
}

/* The message as text, by the schema if that has the method. */
static void text_make(struct reading *reading, enum message_kind kind, struct slice clear, struct bytes *text)
{
	const struct message *request = reading_of(reading, MESSAGE_REQUEST);
	const struct protobuf_message *type = NULL;
	struct slice service, method;

	if (path_split(request, &service, &method))
		type = protobuf_method(reading_schema(reading), service, method, kind == MESSAGE_RESPONSE);
	protobuf_text(text, type, clear, TEXT_MAX);
}

static bool is_json(struct reading *reading, enum message_kind kind)
{
	const struct message *message = reading_of(reading, kind);
	struct slice type = message ? message_known(message, HEADER_CONTENT_TYPE) : slice_of(NULL, 0);

	type = slice_trim(slice_take(type, slice_find(type, ';')));
	return type.len > 5 && slice_equal_nocase(slice_drop(type, type.len - 5), SLICE("+json"));
}

static void body_tell(struct reading *reading, enum message_kind kind, struct slice clear,
		      struct content_message *told)
{
	struct bytes text = { .data = NULL };

	if (is_json(reading, kind)) {
		told->look = CONTENT_JSON;
		told->body = clear;
		reading_message(reading, told);
		return;
	}
	text_make(reading, kind, clear, &text);
	told->look = CONTENT_TEXT;
	told->body = text.len ? bytes_slice(&text) : SLICE("");
	reading_message(reading, told);
	bytes_fini(&text);
}

static void message_tell(struct reading *reading, enum message_kind kind, struct grpc_side *side)
{
	bool compressed = side->prefix[0] & FLAG_COMPRESSED,
	     whole = !side->gap && side->kept.len == side->length;
	struct fact fact = { .name = "hark.message.compressed_size",
			     .kind = FACT_NUMBER,
			     .number = side->length };
	struct bytes clear = { .data = NULL };
	struct content_message told = {
		.kind = kind,
		.number = side->messages,
		.type = SLICE("message"),
		.bytes = compressed ? READER_UNKNOWN_SIZE : side->length,
		.flags = side->gap ? FLAG_GAP
			 : whole   ? 0
				   : FLAG_TRUNCATED,
		.facts = compressed ? &fact : NULL,
	};
	struct slice body = bytes_slice(&side->kept);

	if (!reading_wanted(reading, READER_BODIES)) {
		told.flags &= FLAG_GAP;
		reading_message(reading, &told);
		return;
	}
	if (whole && compressed) {
		whole = decompress(reading, kind, body, &clear);
		body = bytes_slice(&clear);
		told.bytes = whole ? body.len : READER_UNKNOWN_SIZE;
	}
	if (whole)
		body_tell(reading, kind, body, &told);
	else
		reading_message(reading, &told);
	bytes_fini(&clear);
}

/* The trailers of gRPC-Web: lines, as HTTP/1 has them. */
static void trailers_read(struct reading *reading, struct slice bytes)
{
	for (int i = 0; i < TRAILER_COUNT && bytes.len; i++) {
		size_t end = slice_find(bytes, '\n');
		struct slice line = slice_take(bytes, end);
		size_t colon = slice_find(line, ':');

		if (line.len && line.data[line.len - 1] == '\r')
			line.len--;
		if (colon && colon < line.len)
			reading_trailer(reading, MESSAGE_RESPONSE, slice_take(line, colon),
					slice_trim(slice_drop(line, colon + 1)));
		bytes = slice_drop(bytes, end + 1);
	}
}

/* --- framing ---------------------------------------------------------------------------------- */

static void side_lose(struct reading *reading, enum message_kind kind, struct grpc_side *side)
{
	side->state = GRPC_LOST;
	bytes_fini(&side->kept);
	reading_forget(reading, kind, names[kind].messages);
	reading_forget(reading, kind, names[kind].size);
}

static bool is_trailers(const struct grpc_side *side)
{
	return side->web && side->prefix[0] & FLAG_TRAILERS;
}

static void message_end(struct reading *reading, enum message_kind kind, struct grpc_side *side)
{
	side->state = GRPC_PREFIX;
	side->prefix_len = 0;
	if (is_trailers(side)) {
		if (!side->gap && kind == MESSAGE_RESPONSE && !(side->prefix[0] & FLAG_COMPRESSED))
			trailers_read(reading, bytes_slice(&side->kept));
	} else {
		side->messages++;
		side->bytes += side->length;
		counts_tell(reading, kind, side);
		if (reading_wanted(reading, READER_MESSAGES))
			message_tell(reading, kind, side);
	}
	bytes_fini(&side->kept);
	side->gap = false;
}

/* A flag that is not defined: this is no gRPC. */
static void prefix_take(struct reading *reading, enum message_kind kind, struct grpc_side *side)
{
	const uint8_t *prefix = side->prefix;

	if (prefix[0] & ~(FLAG_COMPRESSED | (side->web ? FLAG_TRAILERS : 0))) {
		side_lose(reading, kind, side);
		return;
	}
	side->length =
		(uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 | prefix[4];
	side->left = side->length;
	side->state = GRPC_PAYLOAD;
	if (!side->left)
		message_end(reading, kind, side);
}

static void payload_take(struct reading *reading, enum message_kind kind, struct grpc_side *side,
			 struct slice bytes)
{
	bool trailers = is_trailers(side);
	size_t max = trailers ? TRAILERS_MAX : KEPT_MAX;
	size_t room = side->kept.len < max ? max - side->kept.len : 0;

	if (trailers || reading_wanted(reading, READER_BODIES))
		side->gap |= bytes_append(&side->kept, slice_take(bytes, room), max) < 0;
	side->left -= bytes.len;
	if (!side->left)
		message_end(reading, kind, side);
}

static void side_feed(struct reading *reading, enum message_kind kind, struct grpc_side *side,
		      struct slice bytes)
{
	while (bytes.len && side->state != GRPC_LOST) {
		struct slice piece;

		if (side->state == GRPC_PREFIX) {
			side->prefix[side->prefix_len++] = bytes.data[0];
			bytes = slice_drop(bytes, 1);
			if (side->prefix_len == PREFIX_BYTES)
				prefix_take(reading, kind, side);
			continue;
		}
		piece = slice_take(bytes, side->left < bytes.len ? (size_t)side->left : bytes.len);
		payload_take(reading, kind, side, piece);
		bytes = slice_drop(bytes, piece.len);
	}
}

static int base64_value(uint8_t byte)
{
	if (ascii_is_upper(byte))
		return byte - 'A';
	if (ascii_is_lower(byte))
		return byte - 'a' + 26;
	if (ascii_is_digit(byte))
		return byte - '0' + 52;
	return byte == '+' ? 62 : byte == '/' ? 63 : -1;
}

/* Four characters; padding may stand in the middle of a body, where a sender flushed. False: they are none.
 */
static bool quad_take(const uint8_t quad[4], uint8_t out[3], size_t *len)
{
	int value[4];
	size_t digits = quad[2] == '=' ? 2 : quad[3] == '=' ? 3 : 4;

	for (size_t i = 0; i < 4; i++) {
		value[i] = i < digits ? base64_value(quad[i]) : 0;
		if (value[i] < 0 || (i >= digits && quad[i] != '='))
			return false;
	}
	out[0] = (uint8_t)(value[0] << 2 | value[1] >> 4);
	out[1] = (uint8_t)(value[1] << 4 | value[2] >> 2);
	out[2] = (uint8_t)(value[2] << 6 | value[3]);
	*len = digits - 1;
	return true;
}

static void text_feed(struct reading *reading, enum message_kind kind, struct grpc_side *side,
		      struct slice bytes)
{
	for (size_t i = 0; i < bytes.len && side->state != GRPC_LOST; i++) {
		uint8_t clear[3];
		size_t len;

		if (bytes.data[i] == '\r' || bytes.data[i] == '\n')
			continue;
		side->quad[side->quad_len++] = bytes.data[i];
		if (side->quad_len < 4)
			continue;
		side->quad_len = 0;
		if (quad_take(side->quad, clear, &len))
			side_feed(reading, kind, side, slice_of(clear, len));
		else
			side_lose(reading, kind, side);
	}
}

static void grpc_charge(struct reading *reading)
{
	const struct grpc *grpc = reading->state;

	reading_charge(reading, grpc->side[0].kept.capacity + grpc->side[1].kept.capacity);
}

static void grpc_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct grpc_side *side = &((struct grpc *)reading->state)->side[kind];

	if (side->text)
		text_feed(reading, kind, side, bytes);
	else
		side_feed(reading, kind, side, bytes);
	grpc_charge(reading);
}

static void grpc_hole(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct grpc_side *side = &((struct grpc *)reading->state)->side[kind];

	if (side->state == GRPC_LOST)
		return;
	if (side->state != GRPC_PAYLOAD || side->text || size > side->left) {
		side_lose(reading, kind, side);
	} else {
		side->gap = true;
		side->left -= size;
		if (!side->left)
			message_end(reading, kind, side);
	}
	grpc_charge(reading);
}

/* The status message is percent-encoded (PROTOCOL-HTTP2.md, Status-Message). */
static void status_message_tell(struct reading *reading, struct slice value)
{
	uint8_t text[FACT_TEXT_MAX + 1]; /* one more says that it is cut */
	size_t len = 0;

	for (size_t i = 0; i < value.len && len < sizeof(text); i++) {
		int high = i + 2 < value.len ? ascii_hex_value(value.data[i + 1]) : -1;
		int low = i + 2 < value.len ? ascii_hex_value(value.data[i + 2]) : -1;

		if (value.data[i] == '%' && high >= 0 && low >= 0) {
			text[len++] = (uint8_t)(high << 4 | low);
			i += 2;
		} else {
			text[len++] = value.data[i];
		}
	}
	reading_text(reading, MESSAGE_RESPONSE, "hark.grpc.status_message", slice_of(text, len));
}

static void grpc_end(struct reading *reading, enum message_kind kind, const struct message *message)
{
	const struct header_list *lists[] = { &message->trailers, &message->headers };
	struct grpc *grpc = reading->state;

	bytes_fini(&grpc->side[kind].kept); /* of a message that it ended within */
	if (kind != MESSAGE_RESPONSE)
		return;
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < lists[i]->count; j++) {
			const struct header *field = &lists[i]->items[j];

			if (field->known != HEADER_GRPC_MESSAGE || !field->value.len)
				continue;
			status_message_tell(reading, field->value);
			return;
		}
}

static void grpc_fini(void *state)
{
	struct grpc *grpc = state;

	bytes_fini(&grpc->side[0].kept);
	bytes_fini(&grpc->side[1].kept);
}

const struct content_reader grpc_reader = {
	.name = "grpc",
	.gives = READER_FACTS | READER_MESSAGES,
	.size = sizeof(struct grpc),
	.claims = grpc_claims,
	.head = grpc_head,
	.bytes = grpc_bytes,
	.hole = grpc_hole,
	.end = grpc_end,
	.fini = grpc_fini,
};

/* The same, whose bodies also say how a call ended. */
const struct content_reader grpc_web_reader = {
	.name = "grpc-web",
	.gives = READER_FACTS | READER_MESSAGES | READER_OUTCOME,
	.size = sizeof(struct grpc),
	.claims = web_claims,
	.head = grpc_head,
	.bytes = grpc_bytes,
	.hole = grpc_hole,
	.end = grpc_end,
	.fini = grpc_fini,
};

const struct content grpc_content = {
	.name = "grpc",
	.types = { SLICE("application/grpc*") },
	.look = CONTENT_BINARY,
	.outcome = grpc_outcome,
	.path_is_name = true, /* /package.Service/Method */
	.readers = { &grpc_reader, &grpc_web_reader },
};
