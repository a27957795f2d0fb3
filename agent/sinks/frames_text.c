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
#include "name_list.h"

#include <inttypes.h>

#define PRIORITY_BYTES 5

struct sink {
	struct buffer text;
	struct style style;
	FILE *out;
};

static int frames_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	line_style_init(&sink->style, config);
	return 0;
}

static void frames_text_fini(struct sink *sink)
{
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
}

static void put_frame(struct sink *sink, const struct frame *frame)
{
	struct buffer *text = &sink->text;
	const char *name = http2_frame_type_name(frame->type);
	struct name_list flags = { .buffer = text, .between = "|", .quote = "" };
	size_t start = text->len;

	line_style_on(text, &sink->style, STYLE_BOLD);
	if (name)
		buffer_string(text, name);
	else
		buffer_format(text, "type 0x%02x", frame->type);
	line_style_off(text, &sink->style);
	start = line_column_end(text, start, 13);
	buffer_format(text, "stream %" PRIu32, frame->stream);
	start = line_column_end(text, start, 10);
	buffer_format(text, "length %" PRIu32, frame->length);
	line_column_end(text, start, 13);
	frame_each_flag(frame, name_list_add, &flags);
}

static void put_setting(void *ctx, const char *name, uint16_t id, uint32_t value)
{
	if (name)
		buffer_format(ctx, " %s=%" PRIu32, name, value);
	else
		buffer_format(ctx, " 0x%x=%" PRIu32, id, value);
}

/* The number that the payload begins with, or "?" when it was lost. */
static void put_number(struct buffer *text, const char *label, const struct frame *frame)
{
	uint32_t value;

	buffer_string(text, label);
	if (frame_number(frame, 0, &value))
		buffer_u64(text, value & 0x7fffffff);
	else
		buffer_char(text, '?');
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

/* RFC 9113, 5.3.2: deprecated, yet sent. */
static void put_priority(struct buffer *text, const struct frame *frame)
{
	struct slice payload = frame->payload;

	put_number(text, " after stream ", frame);
	if (payload.len >= PRIORITY_BYTES)
		buffer_format(text, " weight %d%s", payload.data[4] + 1,
			      payload.data[0] & 0x80 ? " exclusive" : "");
}

static void put_details(struct sink *sink, const struct frame *frame)
{
	/* Of a payload only the beginning is kept, or nothing: what follows is not known. */
	const char *rest = frame->payload.len < frame->length ? " ?" : "";
	struct slice data = slice_drop(frame->payload, 8);
	struct buffer *text = &sink->text;

	switch (frame->type) {
	case FRAME_SETTINGS:
		frame_each_setting(frame, put_setting, text);
		buffer_string(text, rest);
		break;
	case FRAME_WINDOW_UPDATE:
		put_number(text, " +", frame);
		break;
	case FRAME_PRIORITY:
		put_priority(text, frame);
		break;
	case FRAME_RST_STREAM:
		put_error(sink, frame);
		break;
	case FRAME_GOAWAY:
		put_error(sink, frame);
		put_number(text, " last stream ", frame);
		if (!data.len)
			break;
		/* Debug data (RFC 9113, 6.8), which may be anything. */
		buffer_string(text, " \"");
		escape_text(text, redact_body(sink->style.redact, data, false, &sink->style.scratch),
			    sink->style.utf8);
		buffer_char(text, '"');
		buffer_string(text, rest);
		break;
	case FRAME_PING:
		for (size_t i = 0; i < frame->payload.len; i++)
			buffer_format(text, i ? "%02x" : " %02x", frame->payload.data[i]);
		buffer_string(text, rest);
		break;
	case FRAME_PUSH_PROMISE:
		if (frame->promised_stream)
			buffer_format(text, " promises stream %" PRIu32, frame->promised_stream);
		break;
	}
}

static void frames_text_frame(struct sink *sink, const struct result *result)
{
	const struct frame *frame = result->frame;
	bool ends_block = frame->flags & FRAME_FLAG_END_HEADERS && http2_frame_is_block(frame->type);

	line_put_when_and_program(&sink->text, &sink->style, frame->time_ns, result->mover);
	line_put_connection_id(&sink->text, result->conn);
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
	.size = sizeof(struct sink),
	.init = frames_text_init,
	.show = { [RESULT_FRAME] = frames_text_frame },
	.fini = frames_text_fini,
};
