/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object a call. Bytes that are not UTF-8 are in base64, so that nothing is lost. */
#include "sinks.h"

#include "json_writer.h"
#include "protocol.h"

struct sink {
	struct json_writer writer;
};

static void put_bytes(struct json_writer *writer, struct slice bytes)
{
	if (!bytes.len)
		return;
	json_key(writer, "hark.data");
	if (escape_utf8_is_text(bytes))
		escape_json_text(&writer->line, bytes);
	else
		json_put_base64(writer, bytes);
}

static void raw_json_call(struct sink *sink, const struct result *result)
{
	const struct call *call = result->call;
	const char *event = call->end ? "end" : call->reset ? "reset" : call->lost_bytes ? "lost" : NULL;
	struct json_writer *writer = &sink->writer;

	json_time(writer, "time", call->time_ns);
	json_name(writer, "hark.direction", call->direction == DIRECTION_SENT ? "sent" : "received");
	json_connection(writer, call->conn);
	json_number(writer, "hark.bytes.moved", call->len);
	json_number(writer, "hark.bytes.copied", call->bytes.len);
	if (call->lost_bytes && call->lost_bytes != HOLE_UNKNOWN_SIZE)
		json_number(writer, "hark.bytes.lost", call->lost_bytes);
	if (event)
		json_name(writer, "hark.event", event);
	if (call->undetermined)
		json_bool(writer, "hark.undetermined", true);
	put_bytes(writer, call->bytes);
	json_bool(writer, "tls", call->tls);
	json_socket(writer, &call->conn->sock);
	json_process(writer, &call->mover);
	json_fd(writer, &call->mover, &call->conn->sock);
	json_end(writer);
}

const struct sink_ops raw_json_sink = {
	.format = "json",
	.view = VIEW_RAW,
	.size = sizeof(struct sink),
	.init = json_sink_init,
	.show = { [RESULT_CALL] = raw_json_call },
	.fini = json_sink_fini,
};
