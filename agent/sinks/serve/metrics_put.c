/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which families /metrics has, in which order, and out of what. How they are written is the form's matter
 * (metrics_text.c, metrics_protobuf.c).
 */
#include "metrics.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/losses.h"
#include "base/small_file.h"
#include "metrics_private.h"

#include <assert.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

const char *const metric_methods[METRIC_METHODS + 1] = { "GET",	   "HEAD",    "POST",  "PUT",	  "PATCH",
							 "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY" };

static const char *const metric_schemes[METRIC_SCHEMES] = { "", "http", "https" };

static void put_number(struct metrics_writer *writer, const char *name, enum metric_kind kind,
		       const char *unit, const char *help, uint64_t value, uint64_t scale)
{
	writer->form->begin(writer, &(struct metric_family){ name, kind, unit, help });
	writer->form->value(writer, slice_of(NULL, 0), value, scale);
	writer->form->end(writer);
}

/* --- requests and connections ------------------------------------------------------------------ */

struct shown {
	struct metrics_writer *writer;
	unsigned int measure;
	const struct metric_bounds *bounds;
};

static void put_series(void *ctx, struct slice labels, const struct metric_series *series)
{
	const struct shown *shown = ctx;
	const struct metric_histogram *histogram = &series->of[shown->measure];

	if (histogram->count)
		shown->writer->form->histogram(shown->writer, labels, histogram, shown->bounds);
}

static const char *const side_names[SIDES] = { "server", "client" };

static const struct family {
	const char *prefix, *suffix, *unit, *help;
	const struct metric_bounds *bounds;
	unsigned int measure;
} request_families[] = {
	{ "http_", "_request_duration_seconds", "seconds",
	  "Duration of HTTP requests, from the first byte of the request to the last of its response.",
	  &metric_request_bounds, REQUEST_DURATION },
	{ "http_", "_request_body_size_bytes", "bytes", "Size of request bodies, as they were sent.",
	  &metric_byte_bounds, REQUEST_BYTES },
	{ "http_", "_response_body_size_bytes", "bytes", "Size of response bodies, as they were sent.",
	  &metric_byte_bounds, RESPONSE_BYTES },
}, conn_families[] = {
	{ "hark_connection_duration_seconds", "", "seconds",
	  "How long connections were open that ended, of those that were seen to begin.",
	  &metric_connection_bounds, CONN_DURATION },
	{ "hark_connect_duration_seconds", "", "seconds", "How long it took to connect.",
	  &metric_request_bounds, CONN_CONNECT },
	{ "hark_tls_handshake_duration_seconds", "", "seconds", "How long TLS handshakes took.",
	  &metric_request_bounds, CONN_HANDSHAKE },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void put_family(struct metrics_writer *writer, const struct family *family, const char *side,
		       struct metric_table *table)
{
	struct shown shown = { writer, family->measure, family->bounds };
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", family->prefix, side, family->suffix);
	writer->form->begin(writer,
			    &(struct metric_family){ name, METRIC_HISTOGRAM, family->unit, family->help });
	metric_table_each(table, true, put_series, &shown);
	writer->form->end(writer);
}

/* A count of METRIC_METHODS + 1 methods by METRIC_SCHEMES schemes. */
static void put_active_count(struct metrics_writer *writer, const struct metrics *metrics, enum side side,
			     size_t method, size_t scheme)
{
	uint64_t count = metrics->in_flight[side][method][scheme];
	char labels[96];
	int len;

	if (!count)
		return;
	len = snprintf(labels, sizeof(labels), "http_request_method=\"%s\"%s%s%s",
		       metric_methods[method] ? metric_methods[method] : "_OTHER",
		       scheme ? ",url_scheme=\"" : "", metric_schemes[scheme], scheme ? "\"" : "");
	writer->form->value(writer, slice_of(labels, (size_t)len), count, 1);
}

static void put_active(struct metrics_writer *writer, const struct metrics *metrics, enum side side)
{
	char name[64];

	snprintf(name, sizeof(name), "http_%s_active_requests", side_names[side]);
	writer->form->begin(writer, &(struct metric_family){
					    name, METRIC_GAUGE, "",
					    "HTTP requests that wait for their response, or for its end." });
	for (size_t method = 0; method <= METRIC_METHODS; method++)
		for (size_t scheme = 0; scheme < METRIC_SCHEMES; scheme++)
			put_active_count(writer, metrics, side, method, scheme);
	writer->form->end(writer);
}

static void put_untimed(struct metrics_writer *writer, const struct metrics *metrics)
{
	writer->form->begin(
		writer, &(struct metric_family){
				"hark_exchanges_untimed", METRIC_COUNTER, "",
				"Exchanges that are in no histogram of durations: theirs is not known." });
	for (enum side side = 0; side < SIDES; side++) {
		char labels[32];
		int len = snprintf(labels, sizeof(labels), "hark_role=\"%s\"", side_names[side]);

		writer->form->value(writer, slice_of(labels, (size_t)len), metrics->untimed[side], 1);
	}
	writer->form->end(writer);
}

static void put_requests(struct metrics_writer *writer, struct metrics *metrics)
{
	for (enum side side = 0; side < SIDES; side++) {
		for (size_t i = 0; i < COUNT_OF(request_families); i++)
			put_family(writer, &request_families[i], side_names[side], metrics->requests[side]);
		put_active(writer, metrics, side);
	}
	for (size_t i = 0; i < COUNT_OF(conn_families); i++)
		put_family(writer, &conn_families[i], "", metrics->conns);
	put_number(writer, "hark_connections_open", METRIC_GAUGE, "", "Connections that hark follows now.",
		   counters[COUNTER_CONNECTIONS_OPENED] - counters[COUNTER_CONNECTIONS_CLOSED], 1);
	put_untimed(writer, metrics);
	put_number(writer, "hark_exchanges_sideless", METRIC_COUNTER, "",
		   "Exchanges that are in no histogram: it is not known which end was seen.",
		   metrics->sideless, 1);
	put_number(writer, "hark_series", METRIC_GAUGE, "",
		   "Label sets of requests that are kept, of both sides.",
		   metric_table_count(metrics->requests[SIDE_SERVER]) +
			   metric_table_count(metrics->requests[SIDE_CLIENT]),
		   1);
}

/* --- hark itself ------------------------------------------------------------------------------- */

void metrics_counter_name(struct buffer *name, const char *counter)
{
	buffer_string(name, "hark_");
	for (; *counter; counter++)
		buffer_char(name, *counter == '.' ? '_' : *counter);
}

/* What counters hold that is no count. */
static const struct {
	enum counter counter;
	const char *name, *unit, *help;
	uint64_t scale;
} no_counts[] = {
	{ COUNTER_MEMORY_HELD_PEAK, "hark_memory_held_peak_bytes", "bytes",
	  "Bytes held at once at most (--memory bounds them).", 1 },
	{ COUNTER_READY_US, "hark_ready_seconds", "seconds", "From the start until hark was ready.",
	  1000000 },
	{ COUNTER_READY_LOAD_US, "hark_ready_load_seconds", "seconds",
	  "Of that to load and attach the BPF programs.", 1000000 },
};

static void put_counters(struct metrics_writer *writer)
{
	struct buffer name = { .data = NULL }, help = { .data = NULL };

	for (enum counter i = 0; i < COUNTER_COUNT; i++) {
		size_t other = 0;

		while (other < COUNT_OF(no_counts) && no_counts[other].counter != i)
			other++;
		if (other < COUNT_OF(no_counts)) {
			put_number(writer, no_counts[other].name, METRIC_GAUGE, no_counts[other].unit,
				   no_counts[other].help, counters[i] * (1000000000 / no_counts[other].scale),
				   no_counts[other].scale == 1 ? 1 : 1000000000);
			continue;
		}
		buffer_clear(&name);
		buffer_clear(&help);
		metrics_counter_name(&name, counter_name(i));
		buffer_char(&name, '\0');
		buffer_format(&help, "%s: %s.", counter_name(i), counter_meaning(i));
		buffer_char(&help, '\0');
		if (name.failed || help.failed)
			writer->text->failed = true;
		else
			put_number(writer, name.data, METRIC_COUNTER, "", help.data, counters[i], 1);
	}
	buffer_fini(&name);
	buffer_fini(&help);
	put_number(writer, "hark_losses", METRIC_COUNTER, "",
		   "All counters together that say that something is missing.", losses_sum(), 1);
}

static uint64_t resident_bytes(void)
{
	char text[128];
	unsigned long long size, resident;

	if (small_file_read("/proc/self/statm", text, sizeof(text)) < 0 ||
	    sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t cpu_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void put_self(struct metrics_writer *writer, const struct metrics *metrics)
{
	writer->form->begin(writer, &(struct metric_family){ "hark_build", METRIC_INFO, "",
							     "The hark that tells this." });
	writer->form->value(writer, SLICE("version=\"" HARK_VERSION "\""), 1, 1);
	writer->form->end(writer);
	put_number(writer, "process_cpu_seconds", METRIC_COUNTER, "seconds", "Processor time of hark.",
		   cpu_ns(), 1000000000);
	put_number(writer, "process_resident_memory_bytes", METRIC_GAUGE, "bytes", "Resident memory of hark.",
		   resident_bytes(), 1);
	put_number(writer, "process_start_time_seconds", METRIC_GAUGE, "seconds",
		   "When hark began to serve, since the epoch.", metrics->began_wall_ns, 1000000000);
}

/* --- all of it ---------------------------------------------------------------------------------- */

/* The quality of a media range (RFC 9110, 12.4.2) in thousandths, by its first digit: 0.05 is little, not
 * nothing. */
static unsigned int quality_of(const char *range, size_t len)
{
	for (size_t i = 0; i + 3 < len; i++) {
		if (range[i] != ';')
			continue;
		while (i + 3 < len && (range[i + 1] == ' ' || range[i + 1] == '\t'))
			i++;
		if (strncasecmp(range + i + 1, "q=", 2) != 0)
			continue;
		return range[i + 3] == '1' ? 1000
		       : i + 5 < len && range[i + 5] >= '0' && range[i + 5] <= '9'
			       ? (unsigned int)(range[i + 5] - '0') * 100 + 1
			       : 0;
	}
	return 1000;
}

static const struct {
	const char *accepted, *type;
	const struct metrics_form *form;
} formats[] = {
	[METRICS_PROMETHEUS] = { "text/plain", "text/plain; version=0.0.4; charset=utf-8",
				 &metrics_text_form },
	[METRICS_OPENMETRICS] = { "application/openmetrics-text",
				  "application/openmetrics-text; version=1.0.0; charset=utf-8",
				  &metrics_open_form },
	[METRICS_PROTOBUF] = { "application/vnd.google.protobuf",
			       "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
			       "encoding=delimited",
			       &metrics_protobuf_form },
};

enum metrics_format metrics_format_of(const char *accept)
{
	enum metrics_format best = METRICS_PROMETHEUS;
	unsigned int quality_best = 0;

	while (*accept) {
		size_t len;

		accept += strspn(accept, ", \t");
		len = strcspn(accept, ",");
		for (enum metrics_format i = 0; i < COUNT_OF(formats); i++) {
			unsigned int quality =
				strncasecmp(accept, formats[i].accepted, strlen(formats[i].accepted)) == 0
					? quality_of(accept, len)
					: 0;

			/* Of two that are wanted alike the first one that is named. */
			if (quality > quality_best) {
				quality_best = quality;
				best = i;
			}
		}
		accept += len;
	}
	return best;
}

const char *metrics_format_type(enum metrics_format format)
{
	return formats[format].type;
}

void metrics_put(struct metrics *metrics, enum metrics_format format, struct buffer *text)
{
	struct metrics_writer writer = { .form = formats[format].form, .text = text };

	put_requests(&writer, metrics);
	put_counters(&writer);
	put_self(&writer, metrics);
	if (writer.form->finish)
		writer.form->finish(&writer);
	text->failed |= writer.message.failed;
	buffer_fini(&writer.message);
}
