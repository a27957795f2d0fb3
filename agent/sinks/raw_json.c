/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object a call. Bytes that are not UTF-8 are in base64, so that nothing is lost. */
#include "sinks.h"

#include "json_writer.h"
#include "protocol.h"

#include <stdlib.h>

struct sink {
	struct json_writer writer;
};

static struct sink *raw_json_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	json_init(&sink->writer, config);
	return sink;
}

static void raw_json_destroy(struct sink *sink)
{
	if (!sink)
		return;
	json_fini(&sink->writer);
	free(sink);
}

static void put_lengths(struct json_writer *writer, const struct call *call)
{
	json_number(writer, "hark.bytes.moved", call->len);
	json_number(writer, "hark.bytes.copied", call->bytes.len);
	if (call->lost_bytes && call->lost_bytes != HOLE_UNKNOWN_SIZE)
		json_number(writer, "hark.bytes.lost", call->lost_bytes);
}

static void put_event(struct json_writer *writer, const struct call *call)
{
	const char *event = call->end ? "end" : call->reset ? "reset" : call->lost_bytes ? "lost" : NULL;

	if (event)
		json_name(writer, "hark.event", event);
	if (call->undetermined) {
		json_key(writer, "hark.undetermined");
		json_bool(writer, true);
	}
}

static void put_bytes(struct json_writer *writer, struct slice bytes)
{
	if (!bytes.len)
		return;
	json_key(writer, "hark.data");
	if (escape_utf8_is_text(bytes)) {
		escape_json_text(&writer->line, bytes);
		return;
	}
	buffer_string(&writer->line, "{\"base64\":\"");
	escape_base64(&writer->line, bytes);
	buffer_string(&writer->line, "\"}");
}

static void raw_json_call(struct sink *sink, const struct result *result)
{
	const struct call *call = result->call;
	struct json_writer *writer = &sink->writer;

	json_begin(writer);
	json_key(writer, "time");
	json_time(writer, call->time_ns);
	json_name(writer, "hark.direction", call->direction == DIRECTION_SENT ? "sent" : "received");
	json_number(writer, "hark.connection", call->conn->id);
	put_lengths(writer, call);
	put_event(writer, call);
	put_bytes(writer, call->bytes);
	json_key(writer, "tls");
	json_bool(writer, call->tls);
	json_socket(writer, &call->conn->sock);
	json_process(writer, &call->mover);
	json_fd(writer, &call->mover, &call->conn->sock);
	json_end(writer);
}

const struct sink_ops raw_json_sink = {
	.format = "json",
	.view = VIEW_RAW,
	.create = raw_json_create,
	.show = {
		[RESULT_CALL] = raw_json_call,
	},
	.destroy = raw_json_destroy,
};
