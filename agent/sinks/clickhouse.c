/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows for ClickHouse, by HTTP: the objects of -o json, an exchange and end each, whose keys have an
 * underscore where JSON's have a dot, for in SQL a dot is an operator. The table decides which of them are
 * kept: a key that is no column is passed over (docs/into-clickhouse.md has a table).
 */
#include "sinks.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/escape.h"
#include "exchange_json.h"
#include "export_url.h"
#include "upload/upload_headers.h"
#include "upload/uploader.h"

#include <errno.h>
#include <sys/utsname.h>

#define CHUNK_BYTES 65536
#define CHUNK_NS    UINT64_C(1000000000)
#define INSERT	    "query=INSERT%20INTO%20exchanges%20FORMAT%20JSONEachRow"
#define SETTINGS    "input_format_skip_unknown_fields=1&date_time_input_format=best_effort"

struct sink {
	struct uploader *uploader;
	struct exchange_json json;
	int verbose;
	struct buffer line; /* an object */
	struct buffer host; /* the machine's, as a member of an object with its comma */
	struct buffer chunk;
	uint32_t rows;	   /* in the chunk */
	uint64_t begun_ns; /* of it; clock_ns() */
};

/* Where chunks go: the query's own INSERT counts, if it has one. */
static void url_put(struct buffer *text, const struct export_url *url)
{
	bool inserts = slice_has_prefix(url->query, SLICE("query=")) ||
		       memmem(url->query.data, url->query.len, "&query=", strlen("&query="));

	buffer_put(text, url->base.data, url->base.len);
	buffer_char(text, '/');
	if (url->path.len)
		buffer_put(text, url->path.data + 1, url->path.len - 1);
	buffer_string(text, "?" SETTINGS);
	if (!inserts)
		buffer_string(text, "&" INSERT);
	if (url->query.len)
		buffer_char(text, '&');
	buffer_put(text, url->query.data, url->query.len);
	buffer_char(text, '\0');
}

static int uploader_begin(struct sink *sink, const struct sink_config *config)
{
	const struct upload_headers *headers = config->export_headers;
	struct buffer text = { .data = NULL };
	struct export_url url;
	int error = export_url_parse(&url, "clickhouse", config->place) < 0 ? -EIO : 0;

	if (error)
		return error;
	url_put(&text, &url);
	if (!text.failed)
		sink->uploader = uploader_new(&(struct uploader_options){
			.upload = {
				.name = "clickhouse",
				.endpoints = { { text.data, "application/x-ndjson" } },
				.headers = headers ? (const char *const *)headers->lines : NULL,
				.header_count = headers ? headers->count : 0,
			},
			.items = "rows",
			.waits = !config->live,
			.loop = config->loop,
		});
	error = text.failed ? -ENOMEM : sink->uploader ? 0 : -errno;
	buffer_fini(&text);
	return error;
}

static void host_put(struct buffer *host)
{
	struct utsname names;

	if (uname(&names) < 0)
		return;
	buffer_string(host, "\"host_name\":");
	escape_json(host, slice_of_string(names.nodename));
	buffer_char(host, ',');
}

static int clickhouse_init(struct sink *sink, const struct sink_config *config)
{
	int error = exchange_json_init(&sink->json, config);

	sink->verbose = config->verbose;
	host_put(&sink->host);
	return error ? error : uploader_begin(sink, config);
}

static void chunk_send(struct sink *sink)
{
	if (sink->rows)
		uploader_send(sink->uploader, 0, sink->rows, slice_of(sink->chunk.data, sink->chunk.len));
	buffer_clear(&sink->chunk);
	sink->rows = 0;
}

static void clickhouse_draw(struct sink *sink, bool last)
{
	if (!last)
		return;
	chunk_send(sink);
	uploader_end(sink->uploader);
}

static void clickhouse_fini(struct sink *sink)
{
	uploader_free(sink->uploader);
	exchange_json_fini(&sink->json);
	buffer_fini(&sink->line);
	buffer_fini(&sink->host);
	buffer_fini(&sink->chunk);
}

/* Behind the quote that ends a string of JSON, which begins at `at`. */
static size_t string_end(struct slice line, size_t at)
{
	for (at++; at < line.len && line.data[at] != '"'; at++)
		at += line.data[at] == '\\';
	return at < line.len ? at + 1 : line.len;
}

/* The object with the keys of columns; what stands in the values stays. */
static void row_put(struct buffer *out, struct slice line, const struct buffer *host)
{
	size_t start, depth = 1;
	bool key = true;

	buffer_char(out, '{');
	buffer_put(out, host->data, host->len);
	line = slice_drop(line, 1);
	start = out->len;
	buffer_put(out, line.data, line.len);
	buffer_char(out, '\n');
	if (out->failed)
		return;
	for (size_t at = 0; at < line.len;) {
		uint8_t c = line.data[at];
		size_t end = c == '"' ? string_end(line, at) : at + 1;

		if (c == '"' && key)
			for (size_t i = at; i < end; i++)
				if (line.data[i] == '.')
					out->data[start + i] = '_';
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		key = depth == 1 && (c == '{' || c == ',');
		at = end;
	}
}

static void clickhouse_exchange(struct sink *sink, const struct result *result)
{
	if (uploader_is_own(sink->uploader, result->exchange->request))
		return;
	exchange_json_put(&sink->json, result->exchange, sink->verbose);
	json_take(&sink->json.writer, &sink->line);
	if (!sink->rows)
		sink->begun_ns = clock_ns();
	if (sink->chunk.len && sink->chunk.len + sink->line.len > CHUNK_BYTES)
		chunk_send(sink);
	row_put(&sink->chunk, slice_of(sink->line.data, sink->line.len), &sink->host);
	sink->rows++;
	if (sink->line.failed || sink->chunk.failed) {
		counter_add(COUNTER_EXPORT_LOST, sink->rows);
		sink->rows = 0;
	}
	buffer_clear(&sink->line);
	if (sink->chunk.len >= CHUNK_BYTES || !sink->rows)
		chunk_send(sink);
}

static bool clickhouse_tick(struct sink *sink, uint64_t now_ns)
{
	(void)now_ns; /* the chunk waits by the clock, also in a replay */
	if (sink->rows && clock_ns() - sink->begun_ns >= CHUNK_NS)
		chunk_send(sink);
	return false;
}

static uint64_t clickhouse_due_ns(const struct sink *sink)
{
	return sink->rows ? sink->begun_ns + CHUNK_NS : UINT64_MAX;
}

static pid_t clickhouse_process(const struct sink *sink)
{
	return uploader_pid(sink->uploader);
}

static bool clickhouse_failed(const struct sink *sink)
{
	return uploader_failed(sink->uploader);
}

const struct sink_ops clickhouse_sink = {
	.format = "clickhouse",
	.view = VIEW_WATCH,
	.opens_place = true,
	.fields = SINK_FIELDS_VERBOSE,
	.bodies = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME },
	.size = sizeof(struct sink),
	.init = clickhouse_init,
	.show = { [RESULT_EXCHANGE] = clickhouse_exchange },
	.tick = clickhouse_tick,
	.due_ns = clickhouse_due_ns,
	.draw = clickhouse_draw,
	.process = clickhouse_process,
	.failed = clickhouse_failed,
	.fini = clickhouse_fini,
};
