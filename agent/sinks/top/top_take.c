/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the user takes along of the exchange that is chosen: its bodies to read, the command that sends its
 * request again, the exchange itself for other tools. On the row of an endpoint or a process it is the
 * slowest one, for the export all of its slowest.
 */
#include "top.h"

#include "base/escape.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <inttypes.h>

static struct top_record *slowest_of(const struct top_drill *drill)
{
	struct top_record *slowest = NULL;

	for (size_t i = 0; drill && i < drill->slowest.count; i++)
		if (!slowest || drill->slowest.items[i]->exchange.duration_ns > slowest->exchange.duration_ns)
			slowest = drill->slowest.items[i];
	return slowest;
}

/* The exchange that is chosen; NULL: none, which was said. */
static struct top_record *record_chosen(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);
	const struct top_row *row = table ? top_table_selected(table) : NULL;
	struct top_record *record = sink->record; /* of PAGE_EXCHANGE */

	if (row)
		record = row->record ? row->record : slowest_of(top_drill_of(sink, row));
	else if (top_page(sink) == PAGE_BODY || top_page(sink) == PAGE_COPY)
		record = sink->taken;
	else if (top_page(sink) != PAGE_EXCHANGE)
		record = NULL;
	if (!record)
		top_say(sink, "no exchange is chosen: Enter leads to them");
	return record;
}

void top_body(struct sink *sink)
{
	struct top_record *record = record_chosen(sink);

	if (record)
		top_taken_show(sink, PAGE_BODY, record);
}

/* --- the command ------------------------------------------------------------------------------ */

/* The command stands behind what it does not repeat, which are comments. */
static struct slice command_of(struct slice text)
{
	const uint8_t *end;

	while (text.len && text.data[0] == '#' && (end = memchr(text.data, '\n', text.len)))
		text = slice_drop(text, (size_t)(end - text.data) + 1);
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	return text;
}

void top_copy(struct sink *sink)
{
	struct top_record *record = record_chosen(sink);
	struct slice command;

	if (!record)
		return;
	buffer_clear(&sink->command);
	sink->curl.redact = sink->config.redact;
	curl_text_put(&sink->command, &sink->curl, &record->exchange);
	command = command_of(slice_of(sink->command.data, sink->command.len));
	sink->copied = !sink->command.failed && command.len && top_screen_copy(&sink->screen, command);
	top_taken_show(sink, PAGE_COPY, record);
}

void top_copy_end(struct sink *sink)
{
	if (!sink->command.len || sink->command.failed)
		return;
	fwrite(sink->command.data, 1, sink->command.len, sink->config.out);
	fflush(sink->config.out);
}

/* --- the export ---------------------------------------------------------------------------------- */

int top_export_init(struct sink *sink)
{
	struct sink_config config = sink->config;

	if (!config.exported)
		return 0;
	config.out = config.exported;
	sink->exporter = sink_new(&watch_har_sink, &config);
	return sink->exporter ? 0 : -ENOMEM;
}

static void export_one(struct sink *sink, const struct top_record *record)
{
	struct result result = result_of_exchange(RESULT_EXCHANGE, &record->exchange);

	if (record->exchange.pending)
		return;
	watch_har_sink.show[RESULT_EXCHANGE](sink->exporter, &result);
	sink->exported++;
}

void top_export(struct sink *sink)
{
	struct top_table *table = top_table_shown(sink);
	const struct top_row *row = table ? top_table_selected(table) : NULL;
	const struct top_drill *drill = row && !row->record ? top_drill_of(sink, row) : NULL;
	struct top_conn *conn = NULL;
	uint64_t before = sink->exported;

	if (top_page(sink) == PAGE_CONNECTION)
		conn = sink->conn;
	else if (row && top_page(sink) == PAGE_CONNECTIONS)
		HASH_FIND(hh, sink->kept.conns, &row->id, sizeof(row->id), conn);
	if (!sink->exporter) {
		top_say(sink, "no file to write to: hark top --export FILE.har");
		return;
	}
	if (conn) {
		for (size_t i = 0; i < sink->kept.live_count; i++)
			if (top_live_at(&sink->kept, i)->conn == conn)
				export_one(sink, top_live_at(&sink->kept, i));
	} else if (drill) {
		for (size_t i = 0; i < drill->slowest.count; i++)
			export_one(sink, drill->slowest.items[i]);
	} else {
		const struct top_record *record = record_chosen(sink);

		if (!record)
			return;
		export_one(sink, record);
	}
	watch_har_sink.tick(sink->exporter, sink->now_ns); /* the file is whole after each key */
	if (fflush(sink->config.exported) != 0)
		top_say(sink, "the export cannot be written: %m");
	else
		top_say(sink, "%" PRIu64 " exchanges exported, %" PRIu64 " in the file",
			sink->exported - before, sink->exported);
}
