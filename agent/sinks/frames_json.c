/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object an HTTP/2 frame, flat; a key that is not known is absent. */
#include "sinks.h"

#include "frame_show.h"
#include "http2/http2_frame.h"
#include "json_writer.h"
#include "name_list.h"

struct sink {
	struct json_writer writer;
};

static void put_type(struct json_writer *writer, const struct frame *frame)
{
	struct name_list flags = { .buffer = &writer->line, .between = ",", .quote = "\"" };
	const char *name = http2_frame_type_name(frame->type);

	json_key(writer, "hark.h2.frame.type");
	if (name)
		json_plain(writer, name);
	else
		buffer_format(&writer->line, "\"0x%02x\"", frame->type);
	json_number(writer, "hark.h2.frame.length", frame->length);
	json_key(writer, "hark.h2.frame.flags");
	buffer_char(&writer->line, '[');
	frame_each_flag(frame, name_list_add, &flags);
	buffer_char(&writer->line, ']');
}

static void put_setting(void *ctx, const char *name, uint16_t id, uint32_t value)
{
	struct name_list *list = ctx;

	buffer_string(list->buffer, list->count++ ? list->between : "");
	if (name)
		buffer_format(list->buffer, "\"%s\":%u", name, value);
	else
		buffer_format(list->buffer, "\"0x%x\":%u", id, value);
}

static void put_settings(struct json_writer *writer, const struct frame *frame)
{
	struct name_list list = { .buffer = &writer->line, .between = "," };

	/* Of an empty payload there is nothing to lose. */
	if (!frame->payload.data && frame->length)
		return;
	json_key(writer, "hark.h2.settings");
	buffer_char(&writer->line, '{');
	frame_each_setting(frame, put_setting, &list);
	buffer_char(&writer->line, '}');
}

static void put_details(struct json_writer *writer, const struct frame *frame)
{
	uint32_t value;

	if (frame_error(frame, &value))
		json_h2_error(writer, value);
	if (frame->type == FRAME_SETTINGS)
		put_settings(writer, frame);
	if (frame->type == FRAME_WINDOW_UPDATE && frame_number(frame, 0, &value))
		json_number(writer, "hark.h2.window_increment", value & 0x7fffffff);
	if (frame->type == FRAME_GOAWAY && frame_number(frame, 0, &value))
		json_number(writer, "hark.h2.last_stream", value & 0x7fffffff);
	if (frame->type == FRAME_GOAWAY && frame->payload.len > 8)
		json_text(
			writer, "hark.h2.debug_data",
			redact_body(writer->redact, slice_drop(frame->payload, 8), false, &writer->scratch));
	if (frame->promised_stream)
		json_number(writer, "hark.h2.promised_stream", frame->promised_stream);
}

static void frames_json_frame(struct sink *sink, const struct result *result)
{
	const struct conn_facts *conn = result->conn;
	const struct frame *frame = result->frame;
	struct json_writer *writer = &sink->writer;

	json_time(writer, "time", frame->time_ns);
	json_name(writer, "hark.direction", frame->direction == DIRECTION_SENT ? "sent" : "received");
	json_connection(writer, conn);
	json_number(writer, "hark.stream", frame->stream);
	put_type(writer, frame);
	put_details(writer, frame);
	if (frame->headers)
		json_fields(writer, "hark.h2.fields", frame->headers);
	json_role(writer, conn->role);
	json_socket(writer, &conn->sock);
	json_tls(writer, conn);
	json_process(writer, result->mover);
	json_end(writer);
}

const struct sink_ops frames_json_sink = {
	.format = "json",
	.view = VIEW_FRAMES,
	.size = sizeof(struct sink),
	.init = json_sink_init,
	.show = { [RESULT_FRAME] = frames_json_frame },
	.fini = json_sink_fini,
};
