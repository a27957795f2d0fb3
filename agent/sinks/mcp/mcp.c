/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines in from stdin, lines out to stdout, beside the capture. Nothing here waits: an answer goes out as the
 * other end takes it (a pipe that poll(2) calls writable takes PIPE_BUF bytes), and while too much of that
 * waits no further line is read. The end of stdin is the end of the run, once all answers are out.
 *
 * Questions wait until hark captures, and those about a recording until all of it was read, unless it comes
 * at its own pace.
 */
#include "mcp.h"

#include "base/budget.h"
#include "base/clock.h"
#include "base/counters.h"
#include "base/log.h"
#include "base/loop.h"
#include "mcp_json.h"
#include "mcp_rpc.h"
#include "sinks/sinks.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX (1u << 20) /* of a message */
#define READ_BYTES     (64u << 10)
#define WAITING_MAX    (1u << 20)	  /* bytes of answers, before the next line is read */
#define LOOK_NS	       UINT64_C(20000000) /* while stdin or stdout cannot be waited for */
#define TURN_NS	       UINT64_C(20000000) /* for lines, before others get their turn */
#define EXCHANGES_MAX  20000
#define EXCHANGE_BYTES (128u << 20)
#define BODY_BYTES     (64u << 10)

struct sink {
	struct sink_config config;
	struct mcp_view view;
	struct buffer in;  /* lines that were not taken yet */
	struct buffer out; /* answers, of which so many bytes are out: */
	size_t out_done;
	int fd;		 /* for answers */
	int timer;	 /* of the loop; -1: none */
	bool registered; /* stdin, with the loop */
	bool ended;	 /* stdin is */
	bool skipping;	 /* the rest of a line that is too long */
	bool waits;	 /* the next line, until what it asks for is complete */
	bool complete;
	uint64_t turn_ends_ns; /* of clock_ns() */
	size_t charged_bytes;
};

static void mcp_turn(void *ctx, bool closed);

/* --- stdin -------------------------------------------------------------------------------------------- */

/* Takes what is there and fits, once. False: there is nothing now. */
static bool input_read(struct sink *sink)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t n;

	if (sink->ended || poll(&poll_fd, 1, 0) <= 0 || !buffer_room(&sink->in, READ_BYTES))
		return false;
	n = read(STDIN_FILENO, sink->in.data + sink->in.len, READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (n > 0)
		sink->in.len += (size_t)n;
	else
		sink->ended = true;
	return true;
}

/* What ends without a line feed is a line as well. */
static bool line_next(const struct sink *sink, struct slice *line, size_t *taken)
{
	struct slice all = slice_of(sink->in.data, sink->in.len);
	const uint8_t *end = all.len ? memchr(all.data, '\n', all.len) : NULL;

	if (!end && !(sink->ended && all.len))
		return false;
	*line = end ? slice_take(all, (size_t)(end - all.data)) : all;
	*taken = line->len + (end ? 1 : 0);
	while (line->len && (line->data[line->len - 1] == '\r' || line->data[line->len - 1] == ' '))
		line->len--;
	return true;
}

static bool has_line(const struct sink *sink)
{
	struct slice line;
	size_t taken;

	return line_next(sink, &line, &taken);
}

static void input_drop(struct sink *sink, size_t n)
{
	sink->in.len -= n;
	memmove(sink->in.data, sink->in.data + n, sink->in.len);
}

/* A line that does not end within what is read is told of once, and passed over. */
static void long_line_drop(struct sink *sink)
{
	if (sink->in.len <= LINE_BYTES_MAX)
		return;
	if (!sink->skipping)
		mcp_rpc_too_long(&sink->out, LINE_BYTES_MAX);
	sink->skipping = true;
	sink->in.len = 0;
}

static bool has_room(const struct sink *sink)
{
	return sink->out.len - sink->out_done < WAITING_MAX;
}

/* The capture gets its turn, however much is asked. */
static bool is_over(const struct sink *sink)
{
	return clock_ns() >= sink->turn_ends_ns;
}

static void lines_take(struct sink *sink)
{
	struct slice line;
	size_t taken;

	while (has_room(sink) && !sink->waits && !is_over(sink)) {
		if (!line_next(sink, &line, &taken)) {
			long_line_drop(sink);
			return;
		}
		if (!sink->skipping && line.len > LINE_BYTES_MAX)
			mcp_rpc_too_long(&sink->out, LINE_BYTES_MAX);
		else if (!sink->skipping && line.len)
			sink->waits = !mcp_rpc_line(&sink->view, line, sink->complete, &sink->out);
		if (sink->waits)
			return;
		sink->skipping = false;
		input_drop(sink, taken);
	}
}

/* --- stdout ------------------------------------------------------------------------------------------- */

/* Nobody reads: there is nothing left to do. */
static void output_fail(struct sink *sink, int error)
{
	if (error != EPIPE) {
		counter_add(COUNTER_OUTPUT_ERRORS, 1);
		log_error("cannot answer: %s", strerror(error));
	}
	sink->ended = true;
	sink->in.len = 0;
	buffer_clear(&sink->out);
	sink->out_done = 0;
}

static void output_write(struct sink *sink)
{
	struct pollfd poll_fd = { .fd = sink->fd, .events = POLLOUT };

	if (sink->out.failed) { /* half an answer would be taken for one */
		output_fail(sink, ENOMEM);
		return;
	}
	while (sink->out_done < sink->out.len && poll(&poll_fd, 1, 0) > 0) {
		size_t left = sink->out.len - sink->out_done;
		ssize_t n =
			write(sink->fd, sink->out.data + sink->out_done, left < PIPE_BUF ? left : PIPE_BUF);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			break;
		if (n < 0) {
			output_fail(sink, errno);
			return;
		}
		sink->out_done += (size_t)n;
	}
	if (sink->out_done < sink->out.len)
		return;
	buffer_clear(&sink->out);
	sink->out_done = 0;
}

/* --- both ----------------------------------------------------------------------------------------------- */

/* stdin is waited for when a line may be read, and looked at by the timer when it cannot be waited for. */
static void input_register(struct sink *sink)
{
	bool wanted = !sink->ended && !sink->waits && has_room(sink);

	if (wanted && !sink->registered)
		sink->registered = loop_add(sink->config.loop, STDIN_FILENO, mcp_turn, sink) == 0;
	else if (!wanted && sink->registered) {
		loop_remove(sink->config.loop, STDIN_FILENO);
		sink->registered = false;
	}
}

static void timer_register(struct sink *sink)
{
	bool unread = !sink->waits && (!sink->registered ? !sink->ended || sink->in.len : has_line(sink));
	bool wanted = sink->out_done < sink->out.len || unread;

	if (wanted && sink->timer < 0)
		sink->timer = loop_add_timer(sink->config.loop, LOOK_NS, mcp_turn, sink);
	else if (!wanted && sink->timer >= 0) {
		loop_remove(sink->config.loop, sink->timer);
		sink->timer = -1;
	}
}

static void mcp_turn(void *ctx, bool closed)
{
	struct sink *sink = ctx;

	(void)closed; /* what was sent before it is read first */
	sink->turn_ends_ns = clock_ns() + TURN_NS;
	do {
		lines_take(sink);
		output_write(sink);
	} while (has_room(sink) && !sink->waits && !is_over(sink) && input_read(sink));
	lines_take(sink);
	output_write(sink);
	budget_set(sink->config.stats ? sink->config.stats->budget : NULL, &sink->charged_bytes,
		   sink->in.capacity + sink->out.capacity);
	input_register(sink);
	timer_register(sink);
	if (sink->ended && !sink->waits && !sink->in.len && sink->out_done == sink->out.len)
		loop_stop(sink->config.loop);
}

static int mcp_init(struct sink *sink, const struct sink_config *config)
{
	struct stats_config stats = { .by = BY_ENDPOINT, .no_windows = true };

	sink->config = *config;
	sink->timer = -1;
	sink->fd = fileno(config->out);
	sink->complete = config->paced;
	if (mcp_json_load() < 0)
		return -EIO;
	if (config->stats) {
		stats.budget = config->stats->budget;
		stats.routes = config->stats->routes;
	}
	sink->view.config = &sink->config;
	sink->view.stats = stats_new(&stats);
	sink->view.recent = recent_new(&(struct recent_config){
		.sink = config,
		.count_max = EXCHANGES_MAX,
		.bytes_max = EXCHANGE_BYTES,
		.redacted = true,
		.body_max = config->verbose >= 2 ? BODY_BYTES : 0,
	});
	if (!sink->view.stats || !sink->view.recent)
		return -ENOMEM;
	if (isatty(STDIN_FILENO))
		log_info("mcp is started by an assistant's program, which asks on stdin; "
			 "docs/for-assistants.md has the setting");
	mcp_turn(sink, false);
	return 0;
}

static void mcp_fini(struct sink *sink)
{
	if (sink->registered)
		loop_remove(sink->config.loop, STDIN_FILENO);
	if (sink->timer >= 0)
		loop_remove(sink->config.loop, sink->timer);
	recent_free(sink->view.recent);
	stats_free(sink->view.stats);
	buffer_fini(&sink->in);
	buffer_fini(&sink->out);
	budget_set(sink->config.stats ? sink->config.stats->budget : NULL, &sink->charged_bytes, 0);
}

/* --- what comes from the pipeline -------------------------------------------------------------------------
 */

static void mcp_exchange(struct sink *sink, const struct result *result)
{
	if (exchange_counts(result->exchange))
		stats_exchange(sink->view.stats, result->exchange);
	recent_exchange(sink->view.recent, result->exchange);
}

static void mcp_opened(struct sink *sink, const struct result *result)
{
	recent_conn_opened(sink->view.recent, result->conn);
}

static void mcp_closed(struct sink *sink, const struct result *result)
{
	recent_conn_closed(sink->view.recent, result->conn);
}

/* Questions may be answered. */
static void complete(struct sink *sink)
{
	sink->complete = true;
	sink->waits = false;
	mcp_turn(sink, false);
}

static bool mcp_tick(struct sink *sink, uint64_t now_ns)
{
	stats_tick(sink->view.stats, now_ns);
	if (sink->config.live && !sink->complete && counters[COUNTER_READY_US])
		complete(sink); /* as of now */
	return false;
}

/* All was seen that there is. */
static void mcp_draw(struct sink *sink, bool last)
{
	if (last)
		complete(sink);
}

const struct sink_ops mcp_sink = {
	.format = "text",
	.view = VIEW_MCP,
	.fields = SINK_FIELDS_ALWAYS,
	.bodies = true,
	.stays = true,
	.reads = { READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_BODIES },
	.size = sizeof(struct sink),
	.init = mcp_init,
	.show = {
		[RESULT_EXCHANGE] = mcp_exchange,
		[RESULT_CONN_OPENED] = mcp_opened,
		[RESULT_CONN_CLOSED] = mcp_closed,
	},
	.tick = mcp_tick,
	.draw = mcp_draw,
	.fini = mcp_fini,
};
