/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object an HTTP/2 frame, flat; a key that is not known is absent. */
#include "sinks.h"

#include "frame_show.h"
#include "http2/http2_frame.h"
#include "json_writer.h"

#include <stdlib.h>

struct sink {
	struct json_writer writer;
	const struct redact *redact;
	struct buffer scratch; /* what redaction rewrote */
	size_t listed;	       /* items of the list that is being written */
};

static struct sink *frames_json_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->redact = config->redact;
	json_init(&sink->writer, config);
	return sink;
}

static void frames_json_destroy(struct sink *sink)
{
	if (!sink)
		return;
	json_fini(&sink->writer);
	buffer_fini(&sink->scratch);
	free(sink);
}

static void put_flag(void *ctx, const char *name)
{
	struct sink *sink = ctx;

	buffer_string(&sink->writer.line, sink->listed++ ? "," : "");
	json_plain(&sink->writer, name);
}

static void put_type(struct sink *sink, const struct frame *frame)
{
	struct json_writer *writer = &sink->writer;
	const char *name = http2_frame_type_name(frame->type);

	json_key(writer, "hark.h2.frame.type");
	if (name)
		json_plain(writer, name);
	else
		buffer_format(&writer->line, "\"0x%02x\"", frame->type);
	json_number(writer, "hark.h2.frame.length", frame->length);
	json_key(writer, "hark.h2.frame.flags");
	buffer_char(&writer->line, '[');
	sink->listed = 0;
	frame_each_flag(frame, put_flag, sink);
	buffer_char(&writer->line, ']');
}

static void put_setting(void *ctx, const char *name, uint16_t id, uint32_t value)
{
	struct sink *sink = ctx;

	buffer_string(&sink->writer.line, sink->listed++ ? "," : "");
	if (name)
		buffer_format(&sink->writer.line, "\"%s\":%u", name, value);
	else
		buffer_format(&sink->writer.line, "\"0x%x\":%u", id, value);
}

static void put_settings(struct sink *sink, const struct frame *frame)
{
	/* Of an empty payload there is nothing to lose. */
	if (!frame->payload.data && frame->length)
		return;
	json_key(&sink->writer, "hark.h2.settings");
	buffer_char(&sink->writer.line, '{');
	sink->listed = 0;
	frame_each_setting(frame, put_setting, sink);
	buffer_char(&sink->writer.line, '}');
}

static void put_details(struct sink *sink, const struct frame *frame)
{
	struct json_writer *writer = &sink->writer;
	uint32_t value;

	if (frame_error(frame, &value))
		json_h2_error(writer, value);
	if (frame->type == FRAME_SETTINGS)
		put_settings(sink, frame);
	if (frame->type == FRAME_WINDOW_UPDATE && frame_number(frame, 0, &value))
		json_number(writer, "hark.h2.window_increment", value & 0x7fffffff);
	if (frame->type == FRAME_GOAWAY && frame_number(frame, 0, &value))
		json_number(writer, "hark.h2.last_stream", value & 0x7fffffff);
	if (frame->type == FRAME_GOAWAY && frame->payload.len > 8) {
		json_key(writer, "hark.h2.debug_data");
		escape_json(&writer->line,
			    redact_body(sink->redact, slice_drop(frame->payload, 8), false, &sink->scratch));
	}
	if (frame->promised_stream)
		json_number(writer, "hark.h2.promised_stream", frame->promised_stream);
}

static void frames_json_frame(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;
	const struct mover *mover = result->mover;
	const struct frame *frame = result->frame;
	struct json_writer *writer = &sink->writer;

	json_begin(writer);
	json_key(writer, "time");
	json_time(writer, frame->time_ns);
	json_name(writer, "hark.direction", frame->direction == DIRECTION_SENT ? "sent" : "received");
	json_number(writer, "hark.connection", conn->id);
	json_number(writer, "hark.stream", frame->stream);
	put_type(sink, frame);
	put_details(sink, frame);
	if (frame->headers) {
		json_key(writer, "hark.h2.fields");
		json_fields(writer, sink->redact, &sink->scratch, frame->headers);
	}
	json_role(writer, conn->role);
	json_socket(writer, &conn->sock);
	json_tls(writer, conn);
	json_process(writer, mover);
	json_end(writer);
}

const struct sink_ops frames_json_sink = {
	.format = "json",
	.view = VIEW_FRAMES,
	.create = frames_json_create,
	.show = { [RESULT_FRAME] = frames_json_frame },
	.destroy = frames_json_destroy,
};
