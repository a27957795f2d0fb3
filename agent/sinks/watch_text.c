/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an exchange; with -v the header fields under it, with -vv the first
 * bytes of the bodies. ">" goes to the server, "<" comes from it, "+" marks trailers and "|" bodies.
 */
#include "sinks.h"

#include "body_text.h"
#include "line_text.h"
#include "opaque_text.h"

#include <stdlib.h>

struct sink {
	struct buffer text;
	struct style style;
	FILE *out;
	int verbose;
	size_t body_max_bytes;
	bool both_ends;
	struct body_reader bodies;
	struct sink *summary; /* of stat_text_sink; NULL: not wanted */
};

static void watch_text_destroy(struct sink *sink)
{
	if (!sink)
		return;
	fflush(sink->out);
	stat_text_sink.destroy(sink->summary);
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
	body_reader_fini(&sink->bodies);
	free(sink);
}

static struct sink *watch_text_create(const struct sink_config *config)
{
	struct sink *sink = calloc(1, sizeof(*sink));

	if (!sink)
		return NULL;
	sink->out = config->out;
	sink->verbose = config->verbose;
	sink->body_max_bytes = config->body_max_bytes;
	sink->both_ends = config->both_ends;
	line_style_init(&sink->style, config);
	sink->summary = config->summary ? stat_text_sink.create(config) : NULL;
	if (sink->summary || !config->summary)
		return sink;
	watch_text_destroy(sink);
	return NULL;
}

static void put_fields(struct sink *sink, const char *mark, const struct header_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		line_put_field(&sink->text, &sink->style, mark, &list->items[i]);
}

static void put_body(struct sink *sink, const char *mark, const struct message *message)
{
	body_text_put(&sink->text, &sink->style, &sink->bodies, mark, message, sink->body_max_bytes);
}

/* 1xx responses, before the one that ends the exchange (RFC 9110, 15.2). */
static void put_interims(struct sink *sink, const struct exchange *exchange)
{
	for (size_t i = 0; i < exchange->interim_count; i++) {
		buffer_format(&sink->text, "    <1 %d\n", exchange->interims[i]->status);
		put_fields(sink, "<1 ", &exchange->interims[i]->headers);
	}
}

static void watch_text_exchange(struct sink *sink, const struct result *result)
{
	const struct exchange *exchange = result->exchange;
	const struct message *request = exchange->request, *response = exchange->response;
	struct exchange one_end = *exchange;

	if (sink->summary)
		stat_text_sink.show[RESULT_EXCHANGE](sink->summary, result);
	if (sink->both_ends) {
		one_end.other = NULL;
		exchange = &one_end;
	} else if (exchange->other && exchange->join == JOIN_SECOND) {
		return; /* it stands in the line of the other */
	}
	line_text_put(&sink->text, &sink->style, exchange);
	buffer_char(&sink->text, '\n');
	if (sink->verbose > 0 && request)
		put_fields(sink, "> ", &request->headers);
	if (sink->verbose > 1 && request)
		put_body(sink, "    >| ", request);
	if (sink->verbose > 0 && request)
		put_fields(sink, ">+ ", &request->trailers);
	if (sink->verbose > 0)
		put_interims(sink, exchange);
	if (sink->verbose > 0 && response)
		put_fields(sink, "< ", &response->headers);
	if (sink->verbose > 1 && response)
		put_body(sink, "    <| ", response);
	if (sink->verbose > 0 && response)
		put_fields(sink, "<+ ", &response->trailers);
	buffer_write(&sink->text, sink->out);
}

static void watch_text_pending(struct sink *sink, const struct result *result)
{
	line_text_put(&sink->text, &sink->style, result->exchange);
	buffer_char(&sink->text, '\n');
	buffer_write(&sink->text, sink->out);
}

static void watch_text_opaque(struct sink *sink, const struct result *result)
{
	opaque_text_put(&sink->text, &sink->style, result->conn);
	buffer_char(&sink->text, '\n');
	buffer_write(&sink->text, sink->out);
}

static void watch_text_unseen(struct sink *sink, const struct result *result)
{
	opaque_text_put_unseen(&sink->text, &sink->style, result->unseen, result->mover);
	buffer_char(&sink->text, '\n');
	buffer_write(&sink->text, sink->out);
}

static bool watch_text_tick(struct sink *sink, uint64_t now_ns)
{
	if (sink->summary)
		stat_text_sink.tick(sink->summary, now_ns);
	return false;
}

static void watch_text_draw(struct sink *sink, bool last)
{
	if (!last || !sink->summary)
		return;
	fputc('\n', sink->out);
	stat_text_sink.draw(sink->summary, last);
}

const struct sink_ops watch_text_sink = {
	.format = "text",
	.view = VIEW_WATCH,
	.bodies = true,
	.create = watch_text_create,
	.show = {
		[RESULT_EXCHANGE] = watch_text_exchange,
		[RESULT_PENDING] = watch_text_pending,
		[RESULT_OPAQUE] = watch_text_opaque,
		[RESULT_UNSEEN] = watch_text_unseen,
	},
	.tick = watch_text_tick,
	.draw = watch_text_draw,
	.destroy = watch_text_destroy,
};
