/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object a connection, when it closes or hark ends. */
#include "sinks.h"

#include "conn_json.h"

struct sink {
	struct json_writer writer;
};

static void conns_json_closed(struct sink *sink, const struct result *result)
{
	conn_json_put(&sink->writer, result->conn);
	json_end(&sink->writer);
}

const struct sink_ops conns_json_sink = {
	.format = "json",
	.view = VIEW_CONNS,
	.each_end = true,
	.size = sizeof(struct sink),
	.init = json_sink_init,
	.show = { [RESULT_CONN_CLOSED] = conns_json_closed },
	.fini = json_sink_fini,
};
