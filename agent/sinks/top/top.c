/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sink of `hark top`. The screen is taken when the first picture is due,
 * so that what goes wrong before is said as ever. Pictures are made by the wall
 * clock, their numbers by event time: a recording that is replayed as fast as
 * it goes is drawn no more often than one that is watched live.
 */
#include "top.h"

#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/loop.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <unistd.h>

#define INTERVAL_NS UINT64_C(1000000000)
#define LOOK_NS	    UINT64_C(50000000)	 /* the size of the terminal is asked for no more often */
#define STILL_NS    UINT64_C(2000000000) /* a picture that nothing calls for is drawn again after that */

/* --- the screen -------------------------------------------------------------------------- */

/* Lines of the log: the last one is shown, all that are kept come out when the screen is gone. */
static void message_take(void *ctx, const char *line)
{
	struct sink *sink = ctx;

	snprintf(sink->messages[sink->message_count++ % TOP_MESSAGES], TOP_MESSAGE_MAX, "%s", line);
	sink->message_ns = clock_ns();
}

static bool screen_up(struct sink *sink)
{
	const char *missing;

	if (sink->screen.terminal)
		return true;
	if (sink->failed)
		return false;
	missing = top_screen_missing(sink->config.out);
	if (!missing && top_screen_open(&sink->screen, sink->config.out, sink->config.color) < 0)
		missing = "the terminal cannot be taken";
	if (missing) {
		sink->failed = true;
		log_error("top cannot draw: %s; hark stat prints the same numbers", missing);
		return false;
	}
	/* A file that stderr goes to gets its lines as ever. */
	if (isatty(STDERR_FILENO))
		log_divert(message_take, sink);
	return true;
}

static void screen_down(struct sink *sink)
{
	uint64_t first = sink->message_count > TOP_MESSAGES ? sink->message_count - TOP_MESSAGES : 0;

	if (!sink->screen.terminal)
		return;
	top_screen_close(&sink->screen);
	log_divert(NULL, NULL);
	top_copy_end(sink);
	for (uint64_t i = first; i < sink->message_count; i++)
		log_error("%s",
			  sink->messages[i % TOP_MESSAGES]); /* also with -q: what came was let through */
}

static void open_forget(struct sink *sink)
{
	while (sink->open_count)
		top_record_drop(&sink->kept, sink->open[--sink->open_count]);
}

static void top_fini(struct sink *sink)
{
	screen_down(sink);
	loop_remove(sink->config.loop, STDIN_FILENO);
	loop_remove(sink->config.loop, sink->timer);
	open_forget(sink);
	top_pages_fini(sink);
	top_record_drop(&sink->kept, sink->record);
	top_record_drop(&sink->kept, sink->taken);
	sink_free(&watch_har_sink, sink->exporter);
	body_reader_fini(&sink->bodies);
	curl_text_fini(&sink->curl);
	buffer_fini(&sink->command);
	top_conn_drop(sink->conn);
	top_numbers_fini(sink);
	top_kept_fini(&sink->kept);
	top_lines_fini(&sink->lines);
	line_style_fini(&sink->style);
	buffer_fini(&sink->text);
}

static void picture(struct sink *sink)
{
	if (!screen_up(sink))
		return;
	top_screen_resized(&sink->screen);
	if (!sink->paused)
		top_page_make(sink);
	top_draw(sink);
	sink->drawn_ns = clock_ns();
}

/* --- what comes from the pipeline ---------------------------------------------------------- */

static void top_conn_opened(struct sink *sink, const struct result *result)
{
	if (!top_conn_get(&sink->kept, result->conn, result->conn->seen_ns))
		counter_add(COUNTER_LIMIT_MEMORY, 1);
}

static void top_conn_closed(struct sink *sink, const struct result *result)
{
	const struct conn_facts *facts = result->conn;
	struct top_conn *conn = top_conn_get(&sink->kept, facts, facts->closed_ns);

	if (!conn)
		return;
	conn->facts = *facts;
	conn->closed = facts->closed_ns != 0;
}

static void collecting_begin(struct sink *sink)
{
	struct top_conn *conn;

	open_forget(sink);
	sink->collecting = true;
	sink->in_flight = 0;
	for (conn = sink->kept.conn_list; conn; conn = conn->next)
		conn->in_flight = 0;
	top_numbers_in_flight_begin(sink);
}

static void top_in_flight(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	bool passes = filter_exchange(sink->filter, exchange);
	struct top_record *record;

	if (!sink->collecting)
		collecting_begin(sink);
	sink->in_flight += passes;
	top_numbers_in_flight(sink, exchange, passes);
	if (sink->open_count == TOP_OPEN_MAX)
		return;
	record = top_record_new(&sink->kept, exchange, false);
	if (!record)
		return;
	/* The same one in each picture, and none that ended. */
	record->serial = UINT64_C(1) << 63 | (exchange->start_ns ^ exchange->conn->id << 20 ^ exchange->key);
	record->conn->in_flight++;
	sink->open[sink->open_count++] = record;
}

static bool top_tick(struct sink *sink, uint64_t now_ns)
{
	uint64_t wall = clock_ns();

	if (now_ns > sink->now_ns)
		sink->now_ns = now_ns;
	if (wall - sink->told_ns < sink->interval_ns || sink->paused)
		return false;
	top_numbers_tick(sink);
	return true;
}

static uint64_t top_due_ns(const struct sink *sink)
{
	return sink->paused ? UINT64_MAX : sink->told_ns + sink->interval_ns;
}

static void top_draw_op(struct sink *sink, bool last)
{
	if (!sink->collecting)
		collecting_begin(sink); /* none is open */
	sink->collecting = false;
	sink->ended |= last;
	sink->told_ns = clock_ns();
	picture(sink);
}

static void top_keys_take(void *ctx, bool closed)
{
	struct sink *sink = ctx;
	bool left = closed || sink->failed, keys = false;
	uint32_t key;

	while (sink->screen.terminal && !left && (key = top_screen_key()) != TOP_KEY_NONE) {
		left = top_key(sink, key);
		keys = true;
	}
	if (left)
		loop_stop(sink->config.loop);
	else if (keys)
		picture(sink);
}

/* Draws what does not wait for the next picture of the numbers: another size; while paused, messages. */
static void top_time_take(void *ctx, bool closed)
{
	struct sink *sink = ctx;

	(void)closed;
	if (sink->failed)
		loop_stop(sink->config.loop);
	else if (sink->screen.terminal &&
		 (top_screen_resized(&sink->screen) || clock_ns() - sink->drawn_ns >= STILL_NS))
		picture(sink);
}

static int top_init(struct sink *sink, const struct sink_config *config)
{
	sink->config = *config;
	sink->timer = -1;
	sink->keys = top_keys;
	sink->key_count = top_key_count;
	line_style_init(&sink->style, config);
	sink->style.color = false;
	sink->kept.body_max = config->verbose >= 2 ? TOP_BODY_MAX : 0;
	sink->interval_ns =
		config->stats && config->stats->interval_ns ? config->stats->interval_ns : INTERVAL_NS;
	if (config->stats && config->stats->by == BY_CONNECTION)
		sink->pages[0] = PAGE_CONNECTIONS;
	else if (config->stats && config->stats->by == BY_PROCESS)
		sink->pages[0] = PAGE_PROCESSES;
	top_pages_init(sink);
	if (top_numbers_init(sink, &sink->numbers[0]) < 0 || top_export_init(sink) < 0)
		return -ENOMEM;
	sink->timer = loop_add_timer(config->loop, LOOK_NS, top_time_take, sink);
	return sink->timer < 0 ? sink->timer : loop_add(config->loop, STDIN_FILENO, top_keys_take, sink);
}

const struct sink_ops top_sink = {
	.format = "text",
	.view = VIEW_TOP,
	.fields = SINK_FIELDS_ALWAYS,
	.bodies = true,
	.stays = true,
	.reads = { READER_OUTCOME | READER_OPERATION, READER_OUTCOME | READER_OPERATION,
		   READER_OUTCOME | READER_OPERATION },
	.size = sizeof(struct sink),
	.init = top_init,
	.show = {
		[RESULT_EXCHANGE] = top_numbers_exchange,
		[RESULT_CONN_OPENED] = top_conn_opened,
		[RESULT_CONN_CLOSED] = top_conn_closed,
		[RESULT_IN_FLIGHT] = top_in_flight,
	},
	.tick = top_tick,
	.due_ns = top_due_ns,
	.draw = top_draw_op,
	.fini = top_fini,
};
