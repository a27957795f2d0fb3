/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON object an exchange (exchange_json.h), and one a message within a body. */
#include "sinks.h"

#include "exchange_json.h"
#include "message_json.h"

struct sink {
	struct exchange_json json;
	int verbose;
	bool pending_wanted;
};

static int watch_json_init(struct sink *sink, const struct sink_config *config)
{
	sink->verbose = config->verbose;
	sink->pending_wanted = config->pending_wanted;
	return exchange_json_init(&sink->json, config);
}

static void watch_json_fini(struct sink *sink)
{
	exchange_json_fini(&sink->json);
}

static void watch_json_exchange(struct sink *sink, const struct result *result)
{
	/* One object an exchange is what programs expect: those of pending ones come on request only. */
	if (result->kind == RESULT_PENDING && !sink->pending_wanted)
		return;
	exchange_json_put(&sink->json, result->exchange, sink->verbose);
	json_end(&sink->json.writer);
}

static void watch_json_message(struct sink *sink, const struct result *result)
{
	message_json_put(&sink->json.writer, result);
}

const struct sink_ops watch_json_sink = {
	.format = "json",
	.view = VIEW_WATCH,
	.fields = SINK_FIELDS_VERBOSE,
	.bodies = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES | READER_BODIES },
	.size = sizeof(struct sink),
	.init = watch_json_init,
	.show = {
		[RESULT_EXCHANGE] = watch_json_exchange,
		[RESULT_PENDING] = watch_json_exchange,
		[RESULT_MESSAGE] = watch_json_message,
	},
	.fini = watch_json_fini,
};
