/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics and /healthz. */
#include "base/clock.h"
#include "base/counters.h"
#include "base/losses.h"
#include "serve.h"

#define STALE_NS UINT64_C(10000000000) /* a poll is due every second */

void serve_answer_metrics(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	struct sink *sink = ctx;
	enum metrics_format format = metrics_format_of(request->accept);

	answer->type = metrics_format_type(format);
	metrics_put(sink->metrics, format, &answer->body);
}

/* NULL: all is well. */
static const char *sick_of(const struct sink *sink)
{
	if (!sink->live)
		return NULL;
	if (counters[COUNTER_READY_US] == 0)
		return "the probes are not attached yet";
	if (sink->turned_ns == 0 || clock_ns() - sink->turned_ns > STALE_NS)
		return "the kernel's records have not been read for 10 seconds";
	return NULL;
}

/* No number of it tells what was observed, so that whoever restarts hark needs no token. */
void serve_answer_health(void *ctx, const struct serve_request *request, struct serve_answer *answer)
{
	const struct sink *sink = ctx;
	const char *sick = sick_of(sink);
	struct buffer *body = &answer->body;

	(void)request;
	answer->status = sick ? 503 : 200;
	buffer_format(body, "{\"status\":\"%s\"", sick ? "unavailable" : "ok");
	if (sick)
		buffer_format(body, ",\"reason\":\"%s\"", sick);
	buffer_format(body, ",\"version\":\"%s\",\"source\":\"%s\",\"losses\":", HARK_VERSION,
		      sink->live ? "live" : "recording");
	buffer_u64(body, losses_sum());
	buffer_string(body, "}\n");
}
