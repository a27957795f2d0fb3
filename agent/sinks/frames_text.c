/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an HTTP/2 frame, in columns; the fields of a header block and the
 * values of SETTINGS stand behind or under it. "?" is what is not known.
 */
#include "sinks.h"

#include "base/escape.h"
#include "frame_show.h"
#include "http2/http2_assembly.h"
#include "line_text.h"

#include <inttypes.h>
#include <stdlib.h>

#define PRIORITY_BYTES 5

struct sink {
	struct buffer text;
	struct style style;
	FILE *out;
	size_t listed; /* flags of the frame that is being written */
};

static struct sink *frames_text_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->out = config->out;
	line_style_init(&sink->style, config);
	return sink;
}

static void frames_text_destroy(struct sink *sink)
{
	if (!sink)
		return;
	fflush(sink->out);
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
	free(sink);
}

static void put_flag(void *ctx, const char *name)
{
	struct sink *sink = ctx;

	buffer_string(&sink->text, sink->listed++ ? "|" : "");
	buffer_string(&sink->text, name);
}

static void put_frame(struct sink *sink, const struct frame *frame)
{
	struct buffer *text = &sink->text;
	const char *name = http2_frame_type_name(frame->type);
	size_t start = text->len;

	line_style_on(text, &sink->style, STYLE_BOLD);
	if (name)
		buffer_string(text, name);
	else
		buffer_format(text, "type 0x%02x", frame->type);
	line_style_off(text, &sink->style);
	line_column_end(text, start, 13);
	start = text->len;
	buffer_format(text, "stream %" PRIu32, frame->stream);
	line_column_end(text, start, 10);
	start = text->len;
	buffer_format(text, "length %" PRIu32, frame->length);
	line_column_end(text, start, 13);
	sink->listed = 0;
	frame_each_flag(frame, put_flag, sink);
}

static void put_setting(void *ctx, const char *name, uint16_t id, uint32_t value)
{
	struct sink *sink = ctx;

	if (name)
		buffer_format(&sink->text, " %s=%" PRIu32, name, value);
	else
		buffer_format(&sink->text, " 0x%x=%" PRIu32, id, value);
}

/* A number of the payload, or "?" when it was lost. */
static void put_number(struct sink *sink, const char *label, const struct frame *frame, size_t offset)
{
	uint32_t value;

	buffer_string(&sink->text, label);
	if (frame_number(frame, offset, &value))
		buffer_u64(&sink->text, value & 0x7fffffff);
	else
		buffer_char(&sink->text, '?');
}

static void put_error(struct sink *sink, const struct frame *frame)
{
	uint32_t error;
	const char *name;

	line_style_on(&sink->text, &sink->style, STYLE_YELLOW);
	if (!frame_error(frame, &error))
		buffer_string(&sink->text, " ?");
	else if ((name = exchange_h2_error_name(error)))
		buffer_format(&sink->text, " %s", name);
	else
		buffer_format(&sink->text, " error 0x%x", error);
	line_style_off(&sink->text, &sink->style);
}

/* Of a payload only the beginning is kept, or nothing: what follows is not known. */
static void put_if_cut(struct sink *sink, const struct frame *frame)
{
	if (frame->payload.len < frame->length)
		buffer_string(&sink->text, " ?");
}

/* RFC 9113, 5.3.2: deprecated, yet sent. */
static void put_priority(struct sink *sink, const struct frame *frame)
{
	struct slice payload = frame->payload;

	put_number(sink, " after stream ", frame, 0);
	if (payload.len < PRIORITY_BYTES)
		return;
	buffer_format(&sink->text, " weight %d%s", payload.data[4] + 1,
		      payload.data[0] & 0x80 ? " exclusive" : "");
}

/* GOAWAY's debug data (RFC 9113, 6.8), which may be anything. */
static void put_debug_data(struct sink *sink, const struct frame *frame)
{
	struct slice data = slice_drop(frame->payload, 8);

	if (!data.len)
		return;
	buffer_string(&sink->text, " \"");
	escape_text(&sink->text, redact_body(sink->style.redact, data, false, &sink->style.scratch),
		    sink->style.utf8);
	buffer_char(&sink->text, '"');
	put_if_cut(sink, frame);
}

static void put_ping(struct sink *sink, const struct frame *frame)
{
	if (frame->payload.len)
		buffer_char(&sink->text, ' ');
	for (size_t i = 0; i < frame->payload.len; i++)
		buffer_format(&sink->text, "%02x", frame->payload.data[i]);
	put_if_cut(sink, frame);
}

static void put_details(struct sink *sink, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_SETTINGS:
		frame_each_setting(frame, put_setting, sink);
		put_if_cut(sink, frame);
		break;
	case FRAME_WINDOW_UPDATE:
		put_number(sink, " +", frame, 0);
		break;
	case FRAME_PRIORITY:
		put_priority(sink, frame);
		break;
	case FRAME_RST_STREAM:
		put_error(sink, frame);
		break;
	case FRAME_GOAWAY:
		put_error(sink, frame);
		put_number(sink, " last stream ", frame, 0);
		put_debug_data(sink, frame);
		break;
	case FRAME_PING:
		put_ping(sink, frame);
		break;
	case FRAME_PUSH_PROMISE:
		if (frame->promised_stream)
			buffer_format(&sink->text, " promises stream %" PRIu32, frame->promised_stream);
		break;
	}
}

static void frames_text_frame(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;
	const struct mover *mover = result->mover;
	const struct frame *frame = result->frame;
	bool ends_block = frame->flags & FRAME_FLAG_END_HEADERS && http2_frame_is_block(frame->type);

	line_put_when_and_program(&sink->text, &sink->style, frame->time_ns, mover);
	line_put_connection_id(&sink->text, conn);
	buffer_string(&sink->text, frame->direction == DIRECTION_SENT ? "send " : "recv ");
	put_frame(sink, frame);
	put_details(sink, frame);
	if (ends_block && !frame->headers)
		buffer_string(&sink->text, " (fields not known)");
	buffer_char(&sink->text, '\n');
	for (size_t i = 0; frame->headers && i < frame->headers->count; i++)
		line_put_field(&sink->text, &sink->style, "", &frame->headers->items[i]);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops frames_text_sink = {
	.format = "text",
	.view = VIEW_FRAMES,
	.create = frames_text_create,
	.show = { [RESULT_FRAME] = frames_text_frame },
	.destroy = frames_text_destroy,
};
