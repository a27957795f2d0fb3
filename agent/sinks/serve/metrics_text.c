/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of /metrics (OpenMetrics 1.0; Prometheus' text format 0.0.4). The two differ in names of counters,
 * in UNIT, info and exemplars, and in the line at the end; each family is written in one place for both.
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

struct writer {
	struct metrics *metrics;
	struct buffer *text;
	bool open;	  /* OpenMetrics */
	const char *name; /* of the family, in put_series() */
	unsigned int measure;
	const struct metric_bounds *bounds;
};

enum kind {
	GAUGE,
	COUNTER,
	HISTOGRAM
};

/* A family's head. unit: "" for none, else the name ends with it. */
static void put_head(const struct writer *writer, const char *name, enum kind kind, const char *unit,
		     const char *help)
{
	static const char *const kinds[] = { "gauge", "counter", "histogram" };
	const char *total = kind == COUNTER && !writer->open ? "_total" : "";

	buffer_format(writer->text, "# TYPE %s%s %s\n", name, total, kinds[kind]);
	if (writer->open && *unit)
		buffer_format(writer->text, "# UNIT %s%s %s\n", name, total, unit);
	buffer_format(writer->text, "# HELP %s%s %s\n", name, total, help);
}

static void put_number(const struct writer *writer, const char *name, enum kind kind, const char *unit,
		       const char *help, uint64_t value, uint64_t scale)
{
	put_head(writer, name, kind, unit, help);
	buffer_format(writer->text, "%s%s ", name, kind == COUNTER ? "_total" : "");
	metric_put_scaled(writer->text, value, scale);
	buffer_char(writer->text, '\n');
}

/* --- requests and connections ------------------------------------------------------------------ */

static void put_series(void *ctx, struct slice labels, const struct metric_series *series)
{
	const struct writer *writer = ctx;
	const struct metric_histogram *histogram = &series->of[writer->measure];

	if (histogram->count)
		metric_histogram_put(writer->text, writer->name, labels, histogram, writer->bounds,
				     writer->open);
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

static void put_family(struct writer *writer, const struct family *family, const char *side,
		       struct metric_table *table)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", family->prefix, side, family->suffix);
	put_head(writer, name, HISTOGRAM, family->unit, family->help);
	writer->name = name;
	writer->measure = family->measure;
	writer->bounds = family->bounds;
	metric_table_each(table, true, put_series, writer);
}

static void put_active(const struct writer *writer, enum side side)
{
	struct buffer *text = writer->text;
	char name[64];

	snprintf(name, sizeof(name), "http_%s_active_requests", side_names[side]);
	put_head(writer, name, GAUGE, "", "HTTP requests that wait for their response, or for its end.");
	for (size_t i = 0; i <= METRIC_METHODS; i++) {
		for (size_t scheme = 0; scheme < METRIC_SCHEMES; scheme++) {
			uint64_t count = writer->metrics->in_flight[side][i][scheme];

			if (!count)
				continue;
			buffer_format(text, "%s{http_request_method=\"%s\"", name,
				      metric_methods[i] ? metric_methods[i] : "_OTHER");
			if (scheme)
				buffer_format(text, ",url_scheme=\"%s\"", metric_schemes[scheme]);
			buffer_string(text, "} ");
			buffer_u64(text, count);
			buffer_char(text, '\n');
		}
	}
}

static void put_requests(struct writer *writer)
{
	struct metrics *metrics = writer->metrics;

	for (enum side side = 0; side < SIDES; side++) {
		for (size_t i = 0; i < COUNT_OF(request_families); i++)
			put_family(writer, &request_families[i], side_names[side], metrics->requests[side]);
		put_active(writer, side);
	}
	for (size_t i = 0; i < COUNT_OF(conn_families); i++)
		put_family(writer, &conn_families[i], "", metrics->conns);
	put_number(writer, "hark_connections_open", GAUGE, "", "Connections that hark follows now.",
		   counters[COUNTER_CONNECTIONS_OPENED] - counters[COUNTER_CONNECTIONS_CLOSED], 1);
	put_head(writer, "hark_exchanges_untimed", COUNTER, "",
		 "Exchanges that are in no histogram of durations: theirs is not known.");
	for (enum side side = 0; side < SIDES; side++)
		buffer_format(writer->text, "hark_exchanges_untimed_total{hark_role=\"%s\"} %llu\n",
			      side_names[side], (unsigned long long)metrics->untimed[side]);
	put_number(writer, "hark_exchanges_sideless", COUNTER, "",
		   "Exchanges that are in no histogram: it is not known which end was seen.",
		   metrics->sideless, 1);
	put_number(writer, "hark_series", GAUGE, "", "Label sets of requests that are kept, of both sides.",
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

static void put_counters(const struct writer *writer)
{
	struct buffer name = { .data = NULL }, help = { .data = NULL };

	for (enum counter i = 0; i < COUNTER_COUNT; i++) {
		size_t other = 0;

		while (other < COUNT_OF(no_counts) && no_counts[other].counter != i)
			other++;
		if (other < COUNT_OF(no_counts)) {
			put_number(writer, no_counts[other].name, GAUGE, no_counts[other].unit,
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
			put_number(writer, name.data, COUNTER, "", help.data, counters[i], 1);
	}
	buffer_fini(&name);
	buffer_fini(&help);
	put_number(writer, "hark_losses", COUNTER, "",
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

static void put_self(const struct writer *writer)
{
	const char *name = "hark_build_info";

	if (writer->open)
		buffer_string(writer->text,
			      "# TYPE hark_build info\n# HELP hark_build The hark that tells this.\n");
	else
		put_head(writer, name, GAUGE, "", "The hark that tells this.");
	buffer_format(writer->text, "%s{version=\"%s\"} 1\n", name, HARK_VERSION);
	put_number(writer, "process_cpu_seconds", COUNTER, "seconds", "Processor time of hark.", cpu_ns(),
		   1000000000);
	put_number(writer, "process_resident_memory_bytes", GAUGE, "bytes", "Resident memory of hark.",
		   resident_bytes(), 1);
	put_number(writer, "process_start_time_seconds", GAUGE, "seconds",
		   "When hark began to serve, since the epoch.", writer->metrics->began_wall_ns, 1000000000);
}

/* --- all of it ---------------------------------------------------------------------------------- */

/* The quality of a media range (RFC 9110, 12.4.2) in thousandths; its parameters follow it. */
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

enum metrics_format metrics_format_of(const char *accept)
{
	static const char *const types[] = {
		[METRICS_PROMETHEUS] = "text/plain",
		[METRICS_OPENMETRICS] = "application/openmetrics-text",
	};
	unsigned int best[2] = { 0 };

	while (*accept) {
		size_t len;

		accept += strspn(accept, ", \t");
		len = strcspn(accept, ",");
		for (size_t i = 0; i < COUNT_OF(types); i++) {
			unsigned int quality = strncasecmp(accept, types[i], strlen(types[i])) == 0
						       ? quality_of(accept, len)
						       : 0;

			best[i] = quality > best[i] ? quality : best[i];
		}
		accept += len;
	}
	return best[METRICS_OPENMETRICS] > best[METRICS_PROMETHEUS] ? METRICS_OPENMETRICS
								    : METRICS_PROMETHEUS;
}

const char *metrics_format_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
					     : "text/plain; version=0.0.4; charset=utf-8";
}

void metrics_put(struct metrics *metrics, enum metrics_format format, struct buffer *text)
{
	struct writer writer = { .metrics = metrics, .text = text, .open = format == METRICS_OPENMETRICS };

	put_requests(&writer);
	put_counters(&writer);
	put_self(&writer);
	if (writer.open)
		buffer_string(text, "# EOF\n");
}
