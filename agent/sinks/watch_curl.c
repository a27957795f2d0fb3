/* SPDX-License-Identifier: Apache-2.0 */
/* One command for a shell an exchange: `hark --as curl`. What was shown from its other end is not repeated.
 */
#include "sinks.h"

#include "curl_text.h"

struct sink {
	struct buffer text;
	struct curl_text curl;
	FILE *out;
	bool both_ends;
};

static int watch_curl_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->both_ends = config->both_ends;
	sink->curl.redact = config->redact;
	return 0;
}

static void watch_curl_fini(struct sink *sink)
{
	buffer_fini(&sink->text);
	curl_text_fini(&sink->curl);
}

static void watch_curl_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;

	if (!sink->both_ends && exchange->other && exchange->join == JOIN_SECOND)
		return;
	curl_text_put(&sink->text, &sink->curl, exchange);
	buffer_write(&sink->text, sink->out);
}

const struct sink_ops watch_curl_sink = {
	.format = "curl",
	.view = VIEW_WATCH,
	.fields = SINK_FIELDS_ALWAYS,
	.bodies_always = true,
	.size = sizeof(struct sink),
	.init = watch_curl_init,
	.show = { [RESULT_EXCHANGE] = watch_curl_exchange },
	.fini = watch_curl_fini,
};
