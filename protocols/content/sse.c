/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line that is there whole is read where it stands; else it is kept until its end, but for data that
 * somebody takes as it comes. Lines end with CR LF, LF or CR. Behind a hole the first line's end tells
 * nothing, for it may stand in the middle of one; the next empty line does.
 */
#include "sse.h"

#include "contents.h"
#include "fact.h"

#include <string.h>

#define DATA_BEGIN_LEN 6 /* of "data:" and what may be a space */

/* What has no room is cut: the count of bytes goes on. */
static void keep(struct sse_parser *parser, struct bytes *bytes, struct slice more, size_t limit)
{
	size_t room = bytes->len < limit ? limit - bytes->len : 0;

	parser->no_memory |= bytes_append(bytes, slice_take(more, room), limit) < 0;
}

static struct slice kept(const struct bytes *bytes, bool has)
{
	if (!has)
		return slice_of(NULL, 0);
	return bytes->len ? bytes_slice(bytes) : SLICE("");
}

static void event_clear(struct sse_parser *parser)
{
	parser->data.len = parser->name.len = 0;
	parser->data_bytes = 0;
	parser->has_data = parser->has_name = parser->name_cut = parser->has_next_id = false;
}

/* HTML, 9.2.6: also without data. */
static void id_take(struct sse_parser *parser)
{
	struct bytes before = parser->id;

	if (!parser->has_next_id)
		return;
	parser->id = parser->next_id;
	parser->next_id = before;
	parser->has_id = true;
	parser->id_unknown = parser->next_id_cut;
}

static void event_tell(struct sse_parser *parser, sse_fn *fn, void *ctx)
{
	const struct sse_event event = {
		.name = kept(&parser->name, parser->has_name && parser->name.len),
		.id = kept(&parser->id, parser->has_id && !parser->id_unknown),
		.data = kept(&parser->data, true),
		.data_bytes = parser->data_bytes,
		.name_cut = parser->name_cut,
	};

	fn(ctx, &event);
}

static void event_end(struct sse_parser *parser, sse_fn *fn, void *ctx)
{
	id_take(parser);
	if (parser->has_data && !parser->no_memory)
		event_tell(parser, fn, ctx);
	event_clear(parser);
}

/* value: what is kept of it, of `bytes` in all. */
static void data_add(struct sse_parser *parser, struct slice value, uint64_t bytes, void *ctx)
{
	if (!parser->on_data)
		keep(parser, &parser->data, value, SSE_LINE_MAX);
	else if (!parser->no_memory)
		parser->on_data(ctx, value);
	parser->data_bytes += bytes;
}

/* A line of data: those of one event are joined by line feeds. */
static void data_begin(struct sse_parser *parser, void *ctx)
{
	if (parser->has_data)
		data_add(parser, SLICE("\n"), 1, ctx);
	parser->has_data = true;
}

static void field_take(struct sse_parser *parser, struct slice name, struct slice value, uint64_t bytes,
		       void *ctx)
{
	if (slice_equal(name, SLICE("data"))) {
		data_begin(parser, ctx);
		data_add(parser, value, bytes, ctx);
	} else if (slice_equal(name, SLICE("event"))) {
		parser->name.len = 0;
		keep(parser, &parser->name, value, SSE_ID_MAX);
		parser->has_name = true;
		parser->name_cut = bytes > SSE_ID_MAX;
	} else if (slice_equal(name, SLICE("id")) && slice_find(value, 0) == value.len) {
		parser->next_id.len = 0;
		keep(parser, &parser->next_id, value, SSE_ID_MAX);
		parser->has_next_id = true;
		parser->next_id_cut = bytes > SSE_ID_MAX;
	}
}

static void line_take(struct sse_parser *parser, struct slice line, uint64_t bytes, sse_fn *fn, void *ctx)
{
	size_t colon = slice_find(line, ':');
	struct slice value = slice_drop(line, colon + 1);

	if (!bytes) {
		event_end(parser, fn, ctx);
		return;
	}
	bytes -= colon < line.len ? colon + 1 : bytes;
	if (value.len && value.data[0] == ' ') {
		value = slice_drop(value, 1);
		bytes--;
	}
	if (colon)
		field_take(parser, slice_take(line, colon), value, bytes, ctx);
}

/* What is kept of the line says that it is one of data, and whether a space is before them. */
static bool line_is_data(const struct sse_parser *parser)
{
	return parser->on_data && parser->state == SSE_READS && parser->line_bytes == DATA_BEGIN_LEN &&
	       slice_has_prefix(bytes_slice(&parser->line), SLICE("data:"));
}

/* Bytes of a line that is not there whole. */
static void line_add(struct sse_parser *parser, struct slice bytes, void *ctx)
{
	while (bytes.len && !parser->in_data) {
		bool begins = parser->line_bytes < DATA_BEGIN_LEN;
		struct slice piece =
			slice_take(bytes, begins ? DATA_BEGIN_LEN - (size_t)parser->line_bytes : bytes.len);

		keep(parser, &parser->line, piece, SSE_LINE_MAX);
		parser->line_bytes += piece.len;
		bytes = slice_drop(bytes, piece.len);
		if (begins && line_is_data(parser)) {
			size_t space = parser->line.data[DATA_BEGIN_LEN - 1] == ' ';

			parser->in_data = true;
			data_begin(parser, ctx);
			data_add(parser,
				 slice_take(slice_of(parser->line.data + DATA_BEGIN_LEN - 1, 1), !space),
				 !space, ctx);
		}
	}
	if (bytes.len)
		data_add(parser, bytes, bytes.len, ctx);
}

/* A line ends; `line` is what of it stands in the bytes at hand. */
static void line_end(struct sse_parser *parser, struct slice line, sse_fn *fn, void *ctx)
{
	uint64_t bytes = parser->line_bytes + line.len;

	if (parser->line_bytes) {
		line_add(parser, line, ctx);
		line = bytes_slice(&parser->line);
	}
	switch (parser->state) {
	case SSE_READS:
		if (!parser->in_data)
			line_take(parser, line, bytes, fn, ctx);
		break;
	case SSE_LOST_LINE:
		parser->state = SSE_LOST;
		break;
	case SSE_LOST:
		parser->state = bytes ? SSE_LOST : SSE_READS;
		break;
	}
	parser->line.len = 0;
	parser->line_bytes = 0;
	parser->in_data = false;
}

/* The byte order mark is kept as a line's beginning until it is whole. */
static void skip_mark(struct sse_parser *parser)
{
	struct slice mark = SLICE("\xef\xbb\xbf"), line = bytes_slice(&parser->line);

	if (line.len < mark.len && slice_equal(line, slice_take(mark, line.len)))
		return;
	parser->begun = true;
	if (!slice_equal(slice_take(line, mark.len), mark))
		return;
	bytes_drop(&parser->line, mark.len);
	parser->line_bytes -= mark.len;
}

/* The first bytes of a stream, one at a time. */
static struct slice stream_begin(struct sse_parser *parser, struct slice bytes)
{
	while (bytes.len && !parser->begun) {
		if (bytes.data[0] == '\n' || bytes.data[0] == '\r') {
			parser->begun = true;
			break;
		}
		keep(parser, &parser->line, slice_take(bytes, 1), SSE_LINE_MAX);
		parser->line_bytes++;
		bytes = slice_drop(bytes, 1);
		skip_mark(parser);
	}
	return bytes;
}

void sse_feed(struct sse_parser *parser, struct slice bytes, sse_fn *fn, void *ctx)
{
	const uint8_t *feed = NULL; /* the next LF, looked for once */

	if (!parser->begun)
		bytes = stream_begin(parser, bytes);
	while (bytes.len) {
		const uint8_t *end = bytes.data + bytes.len, *cr;

		if (parser->after_cr) {
			parser->after_cr = false;
			if (bytes.data[0] == '\n') {
				bytes = slice_drop(bytes, 1);
				continue;
			}
		}
		if (!feed || feed < bytes.data)
			feed = bytes.data + slice_find(bytes, '\n');
		cr = memchr(bytes.data, '\r', (size_t)(feed - bytes.data));
		if (!cr && feed == end) {
			line_add(parser, bytes, ctx);
			return;
		}
		parser->after_cr = cr != NULL;
		cr = cr ? cr : feed;
		line_end(parser, slice_of(bytes.data, (size_t)(cr - bytes.data)), fn, ctx);
		bytes = slice_of(cr + 1, (size_t)(end - cr - 1));
	}
}

void sse_hole(struct sse_parser *parser)
{
	event_clear(parser);
	parser->line.len = 0;
	parser->line_bytes = 0;
	parser->no_memory = false;
	parser->begun = true;
	parser->after_cr = false;
	parser->in_data = false;
	parser->id_unknown = true;
	parser->state = SSE_LOST_LINE;
}

void sse_fini(struct sse_parser *parser)
{
	bytes_fini(&parser->line);
	bytes_fini(&parser->data);
	bytes_fini(&parser->name);
	bytes_fini(&parser->id);
	bytes_fini(&parser->next_id);
}

size_t sse_memory(const struct sse_parser *parser)
{
	return parser->line.capacity + parser->data.capacity + parser->name.capacity + parser->id.capacity +
	       parser->next_id.capacity;
}

/* --- what is told of a stream of them -------------------------------------------------------- */

struct sse_stream {
	struct sse_parser parser;
	uint64_t events, first_ns, last_ns;
	bool missed; /* some may have passed unseen */
};

static bool sse_claims(const struct message *message, const struct message *other)
{
	(void)other;
	return message->kind == MESSAGE_RESPONSE;
}

/* Nobody knows the time of a first event that may not be the first. */
static void tell_first(struct reading *reading, const struct sse_stream *stream)
{
	const struct message *request = reading_of(reading, MESSAGE_REQUEST);

	if (stream->missed || !request || !request->first_byte_ns)
		return;
	reading_ns(reading, MESSAGE_RESPONSE, "hark.sse.first_event_ms",
		   stream->first_ns > request->first_byte_ns ? stream->first_ns - request->first_byte_ns : 0);
}

/* What a model says is shown where bodies are. */
static bool is_kept_back(const struct reading *reading)
{
	const struct message *request = reading_of(reading, MESSAGE_REQUEST);

	return !reading_wanted(reading, READER_BODIES) && request &&
	       fact_find(request->facts, SLICE("hark.gen_ai.api"));
}

static void on_event(void *ctx, const struct sse_event *event)
{
	struct reading *reading = ctx;
	struct sse_stream *stream = reading->state;
	struct content_message message = {
		.kind = MESSAGE_RESPONSE,
		.bytes = event->data_bytes,
		.type = event->name.data ? event->name : SLICE("message"),
		.id = event->id,
		.body = is_kept_back(reading) ? slice_of(NULL, 0) : event->data,
		.look = CONTENT_TEXT,
		.flags = event->name_cut || event->data_bytes > event->data.len ? FLAG_TRUNCATED : 0,
	};

	stream->last_ns = reading_now_ns(reading);
	if (!stream->events++) {
		stream->first_ns = stream->last_ns;
		tell_first(reading, stream);
	}
	if (stream->missed)
		message.flags |= FLAG_GAP;
	else
		reading_number(reading, MESSAGE_RESPONSE, "hark.sse.events", stream->events);
	message.number = stream->missed ? 0 : stream->events;
	reading_message(reading, &message);
}

static void sse_head(struct reading *reading, const struct message *message)
{
	(void)message;
	reading_number(reading, MESSAGE_RESPONSE, "hark.sse.events", 0);
}

static void sse_missing(struct reading *reading, enum message_kind kind, uint64_t size)
{
	struct sse_stream *stream = reading->state;

	(void)kind;
	(void)size;
	sse_hole(&stream->parser);
	stream->missed = true;
	reading_forget(reading, MESSAGE_RESPONSE, "hark.sse.events");
}

static void sse_bytes(struct reading *reading, enum message_kind kind, struct slice bytes)
{
	struct sse_stream *stream = reading->state;

	sse_feed(&stream->parser, bytes, on_event, reading);
	if (stream->parser.no_memory)
		sse_missing(reading, kind, READER_UNKNOWN_SIZE);
	reading_charge(reading, sse_memory(&stream->parser));
}

/* The rate is so many events a second, from the first one to the last. */
static void tell_rate(struct reading *reading, const struct sse_stream *stream)
{
	uint64_t span_ns = stream->last_ns - stream->first_ns, milli;

	if (stream->events < 2 || stream->missed || stream->last_ns <= stream->first_ns ||
	    stream->events > UINT64_MAX / UINT64_C(1000000000000))
		return;
	milli = (stream->events - 1) * UINT64_C(1000000000000) / span_ns;
	reading_milli(reading, MESSAGE_RESPONSE, "hark.sse.rate", milli);
}

static void sse_end(struct reading *reading, enum message_kind kind, const struct message *message)
{
	const struct sse_stream *stream = reading->state;
	const struct sse_parser *parser = &stream->parser;

	(void)kind;
	(void)message;
	tell_rate(reading, stream);
	if (parser->has_id && !parser->id_unknown)
		reading_text(reading, MESSAGE_RESPONSE, "hark.sse.last_id", kept(&parser->id, true));
}

static void sse_state_fini(void *state)
{
	struct sse_stream *stream = state;

	sse_fini(&stream->parser);
}

const struct content_reader sse_reader = {
	.name = "sse",
	.gives = READER_FACTS | READER_MESSAGES,
	.size = sizeof(struct sse_stream),
	.claims = sse_claims,
	.head = sse_head,
	.bytes = sse_bytes,
	.hole = sse_missing,
	.end = sse_end,
	.fini = sse_state_fini,
};
