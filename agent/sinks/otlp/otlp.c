/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans and metrics by OTLP over HTTP (opentelemetry.io/docs/specs/otlp), an exchange and end a span, to
 * URL/v1/traces and URL/v1/metrics.
 *
 * Spans of one process share a Resource: they gather in a group of it, until a
 * chunk is full or has waited long enough. A chunk is a whole request, and two
 * requests behind one another are one: their fields are repeated ones.
 */
#include "sinks/sinks.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/protobuf_put.h"
#include "otlp_metrics.h"
#include "otlp_resource.h"
#include "otlp_span.h"
#include "routes/routes.h"
#include "sinks/export_url.h"
#include "upload/upload_headers.h"
#include "upload/uploader.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>

#define CHUNK_BYTES    49152
#define CHUNK_NS       UINT64_C(1000000000)
#define GROUPS_MAX     32    /* processes in one chunk */
#define METRICS_MS     60000 /* OTEL_METRIC_EXPORT_INTERVAL */
#define METRICS_MS_MIN 100
#define CONTENT_TYPE   "application/x-protobuf"

enum {
	ENDPOINT_TRACES,
	ENDPOINT_METRICS
};
enum {
	REQUEST_RESOURCE_SPANS = 1
};
enum {
	SPANS_RESOURCE = 1,
	SPANS_SCOPE_SPANS = 2
};
enum {
	SCOPE_SPANS_SCOPE = 1,
	SCOPE_SPANS_SPANS = 2
};

/* Spans of one process. */
struct group {
	uint32_t pid;
	char exe[EVENT_NAME_LEN];
	const struct container *container;
	struct buffer resource, spans;
};

struct sink {
	struct uploader *uploader;
	struct upload_headers environment; /* those of OTEL_EXPORTER_OTLP_HEADERS, behind the user's */
	struct utsname host;
	struct otlp_span_config span;
	struct otlp_id_source ids;
	struct routes *routes;
	struct known_requests *known;
	struct content_memo last_type;
	struct buffer scratch, chunk;
	struct group groups[GROUPS_MAX];
	size_t group_count, bytes; /* in all of them */
	uint32_t spans;
	uint64_t begun_ns; /* of the chunk; clock_ns() */
	struct otlp_metrics *metrics;
	uint64_t metrics_every_ns, metrics_due_ns, start_ns;
};

/* --- begin and end ------------------------------------------------------------------------------- */

/* base + path + what OTLP has behind it; a path that names the traces' place leads to the metrics' beside it.
 */
static void url_put(struct buffer *text, const struct export_url *url, const char *signal)
{
	const struct slice traces = SLICE("/v1/traces");
	struct slice path = url->path;

	if (slice_has_suffix(path, traces))
		path.len -= traces.len;
	if (path.len && path.data[path.len - 1] == '/')
		path.len--;
	buffer_put(text, url->base.data, url->base.len);
	buffer_put(text, path.data, path.len);
	buffer_format(text, "/v1/%s", signal);
	if (url->query.len) {
		buffer_char(text, '?');
		buffer_put(text, url->query.data, url->query.len);
	}
	buffer_char(text, '\0');
}

/* The user's from the command line first, then the environment's. */
static int headers_take(struct sink *sink, const struct sink_config *config, const char **lines,
			size_t *count)
{
	const char *pairs = getenv("OTEL_EXPORTER_OTLP_HEADERS");
	char why[HEADERS_WHY_MAX];

	if (pairs && upload_headers_add_pairs(&sink->environment, pairs, why) < 0) {
		log_error("OTEL_EXPORTER_OTLP_HEADERS: %s", why);
		return -EIO;
	}
	*count = 0;
	for (size_t i = 0; config->export_headers && i < config->export_headers->count; i++)
		lines[(*count)++] = config->export_headers->lines[i];
	for (size_t i = 0; i < sink->environment.count && *count < UPLOAD_HEADERS_MAX; i++)
		lines[(*count)++] = sink->environment.lines[i];
	return 0;
}

static int uploader_begin(struct sink *sink, const struct sink_config *config)
{
	const char *headers[UPLOAD_HEADERS_MAX];
	struct buffer traces = { .data = NULL }, metrics = { .data = NULL };
	struct uploader_options options = {
		.upload = { .name = "otlp", .headers = headers, .partial = true },
		.items = "spans",
		.waits = !config->live,
		.loop = config->loop,
	};
	struct export_url url;
	int error;

	if (export_url_parse(&url, "otlp", config->place) < 0)
		return -EIO; /* reported */
	error = headers_take(sink, config, headers, &options.upload.header_count);
	url_put(&traces, &url, "traces");
	url_put(&metrics, &url, "metrics");
	if (traces.failed || metrics.failed)
		error = -ENOMEM;
	options.upload.endpoints[ENDPOINT_TRACES] = (struct upload_endpoint){ traces.data, CONTENT_TYPE };
	options.upload.endpoints[ENDPOINT_METRICS] = (struct upload_endpoint){ metrics.data, CONTENT_TYPE };
	if (!error) {
		sink->uploader = uploader_new(&options);
		error = sink->uploader ? 0 : -errno;
	}
	buffer_fini(&traces);
	buffer_fini(&metrics);
	return error;
}

/* What is no number, or too small to be meant, is passed over, as the specification wants. */
static uint64_t metrics_interval_ns(void)
{
	const char *text = getenv("OTEL_METRIC_EXPORT_INTERVAL");
	uint64_t ms = METRICS_MS, given;

	if (text && slice_number(slice_of_string(text), &given) && given >= METRICS_MS_MIN &&
	    given <= UINT32_MAX)
		ms = given;
	return ms * 1000000;
}

static int otlp_init(struct sink *sink, const struct sink_config *config)
{
	const struct stats_options *stats = config->stats;
	const struct routes_config *routes = stats ? stats->routes : NULL;
	int error = otlp_ids_init(&sink->ids);

	if (uname(&sink->host) < 0)
		return -errno;
	sink->span = (struct otlp_span_config){ .wall_offset_ns = config->wall_offset_ns,
						.redact = config->redact };
	sink->known = known_requests_new();
	sink->routes = routes_new(routes ? routes : &(struct routes_config){ 0 });
	sink->metrics = otlp_metrics_new(sink->host.nodename, config->redact, stats ? stats->budget : NULL);
	sink->start_ns = clock_ns() + (uint64_t)clock_wall_offset_ns();
	sink->metrics_every_ns = metrics_interval_ns();
	sink->metrics_due_ns = clock_ns() + sink->metrics_every_ns;
	if (!sink->known || !sink->routes || !sink->metrics)
		return -ENOMEM;
	return error ? error : uploader_begin(sink, config);
}

static void otlp_fini(struct sink *sink)
{
	uploader_free(sink->uploader);
	upload_headers_fini(&sink->environment);
	known_requests_free(sink->known);
	routes_free(sink->routes);
	otlp_metrics_free(sink->metrics);
	for (size_t i = 0; i < GROUPS_MAX; i++) {
		buffer_fini(&sink->groups[i].resource);
		buffer_fini(&sink->groups[i].spans);
	}
	buffer_fini(&sink->scratch);
	buffer_fini(&sink->chunk);
}

/* --- chunks --------------------------------------------------------------------------------------- */

static void group_put(struct buffer *out, const struct group *group)
{
	size_t resource = protobuf_begin(out, REQUEST_RESOURCE_SPANS), scopes, scope;

	protobuf_put_bytes(out, SPANS_RESOURCE, slice_of(group->resource.data, group->resource.len));
	scopes = protobuf_begin(out, SPANS_SCOPE_SPANS);
	scope = protobuf_begin(out, SCOPE_SPANS_SCOPE);
	otlp_scope_put(out);
	protobuf_end(out, scope);
	buffer_put(out, group->spans.data, group->spans.len);
	protobuf_end(out, scopes);
	protobuf_end(out, resource);
	if (group->resource.failed || group->spans.failed)
		out->failed = true;
}

/* What there is no memory for is lost whole, and counted. */
static void chunk_send(struct sink *sink)
{
	if (!sink->group_count)
		return;
	buffer_clear(&sink->chunk);
	for (size_t i = 0; i < sink->group_count; i++)
		group_put(&sink->chunk, &sink->groups[i]);
	if (sink->chunk.failed)
		counter_add(COUNTER_EXPORT_LOST, sink->spans);
	else
		uploader_send(sink->uploader, ENDPOINT_TRACES, sink->spans,
			      slice_of(sink->chunk.data, sink->chunk.len));
	sink->group_count = sink->bytes = sink->spans = 0;
}

static bool group_is(const struct group *group, const struct mover *mover)
{
	return group->pid == mover->pid && group->container == mover->container &&
	       memcmp(group->exe, mover->exe, sizeof(group->exe)) == 0;
}

static struct group *group_of(struct sink *sink, const struct mover *mover)
{
	struct group *group;

	for (size_t i = 0; i < sink->group_count; i++)
		if (group_is(&sink->groups[i], mover))
			return &sink->groups[i];
	if (sink->group_count == GROUPS_MAX)
		chunk_send(sink);
	if (!sink->group_count)
		sink->begun_ns = clock_ns();
	group = &sink->groups[sink->group_count++];
	group->pid = mover->pid;
	group->container = mover->container;
	memcpy(group->exe, mover->exe, sizeof(group->exe));
	buffer_clear(&group->resource);
	buffer_clear(&group->spans);
	otlp_resource_put(&group->resource, sink->host.nodename, mover, true);
	sink->bytes += group->resource.len;
	return group;
}

static const char *route_of(struct sink *sink, struct known_request *known, const struct content *content)
{
	if (!known->url.path.data)
		return NULL;
	return routes_find_again(sink->routes, &known->route, known->url.host, known->method, known->path,
				 content && content->path_is_name)
		->route;
}

static void otlp_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	struct otlp_span span = { .exchange = exchange };
	struct known_request *known;
	struct group *group;
	size_t begin, before;

	if (uploader_is_own(sink->uploader, exchange->request))
		return;
	known = exchange->request ? known_requests_find(sink->known, exchange) : NULL;
	span.known = known;
	span.content = exchange_content_again(&sink->last_type, exchange);
	span.route = known ? route_of(sink, known, span.content) : NULL;
	span.ids = otlp_ids_of(&sink->ids, exchange);
	group = group_of(sink, &exchange->mover);
	before = group->spans.len;
	begin = protobuf_begin(&group->spans, SCOPE_SPANS_SPANS);
	otlp_span_put(&group->spans, &span, &sink->span, &sink->scratch);
	protobuf_end(&group->spans, begin);
	sink->spans++;
	sink->bytes += group->spans.len - before;
	otlp_metrics_add(sink->metrics, &span);
	if (sink->bytes >= CHUNK_BYTES)
		chunk_send(sink);
}

/* --- time ------------------------------------------------------------------------------------------- */

static void metrics_chunk(void *ctx, struct slice request)
{
	struct sink *sink = ctx;

	uploader_send(sink->uploader, ENDPOINT_METRICS, 0, request);
}

/* Points are of the wall's clock, also where a recording's exchanges are of another day. */
static void metrics_send(struct sink *sink)
{
	uint64_t now_ns = clock_ns(), wall_ns = now_ns + (uint64_t)clock_wall_offset_ns();

	otlp_metrics_each(sink->metrics, sink->start_ns, wall_ns, CHUNK_BYTES, metrics_chunk, sink);
	sink->metrics_due_ns = now_ns + sink->metrics_every_ns;
}

static bool otlp_tick(struct sink *sink, uint64_t event_ns)
{
	uint64_t now_ns = clock_ns();

	(void)event_ns;
	if (sink->group_count && now_ns - sink->begun_ns >= CHUNK_NS)
		chunk_send(sink);
	if (now_ns >= sink->metrics_due_ns)
		metrics_send(sink);
	return false;
}

static uint64_t otlp_due_ns(const struct sink *sink)
{
	uint64_t chunk_ns = sink->group_count ? sink->begun_ns + CHUNK_NS : UINT64_MAX;

	return chunk_ns < sink->metrics_due_ns ? chunk_ns : sink->metrics_due_ns;
}

static void otlp_draw(struct sink *sink, bool last)
{
	if (!last)
		return;
	chunk_send(sink);
	metrics_send(sink);
	uploader_end(sink->uploader);
}

static pid_t otlp_process(const struct sink *sink)
{
	return uploader_pid(sink->uploader);
}

static bool otlp_failed(const struct sink *sink)
{
	return uploader_failed(sink->uploader);
}

const struct sink_ops otlp_sink = {
	.format = "otlp",
	.view = VIEW_WATCH,
	.opens_place = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME },
	.size = sizeof(struct sink),
	.init = otlp_init,
	.show = { [RESULT_EXCHANGE] = otlp_exchange },
	.tick = otlp_tick,
	.due_ns = otlp_due_ns,
	.draw = otlp_draw,
	.process = otlp_process,
	.failed = otlp_failed,
	.fini = otlp_fini,
};
