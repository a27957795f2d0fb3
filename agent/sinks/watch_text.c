/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line an exchange; with -v the header fields under it, with -vv the first
 * bytes of the bodies. ">" goes to the server, "<" comes from it, "+" marks trailers and "|" bodies.
 *
 * Of traffic that is not read a line says so once a program and reason; with -v once a process and peer too.
 */
#include "sinks.h"

#include "body_text.h"
#include "line_text.h"
#include "message_text.h"
#include "opaque_text.h"

#include <errno.h>

struct sink {
	struct buffer text;
	struct opaque_told told;
	struct style style;
	FILE *out;
	int verbose;
	size_t body_max_bytes;
	bool both_ends;
	struct body_reader bodies;
	struct sink *summary; /* of stat_text_sink; NULL: not wanted */
};

static int watch_text_init(struct sink *sink, const struct sink_config *config)
{
	sink->out = config->out;
	sink->verbose = config->verbose;
	sink->body_max_bytes = config->body_max_bytes;
	sink->both_ends = config->both_ends;
	line_style_init(&sink->style, config);
	if (!config->summary)
		return 0;
	sink->summary = sink_new(&stat_text_sink, config);
	return sink->summary ? 0 : -ENOMEM;
}

static void watch_text_fini(struct sink *sink)
{
	sink_free(&stat_text_sink, sink->summary);
	buffer_fini(&sink->text);
	line_style_fini(&sink->style);
	body_reader_fini(&sink->bodies);
}

static void put_fields(struct sink *sink, const char *mark, const struct header_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		line_put_field(&sink->text, &sink->style, mark, &list->items[i]);
}

/* 1xx responses, before the one that ends the exchange (RFC 9110, 15.2). */
static void put_interims(struct sink *sink, const struct exchange *exchange)
{
	for (size_t i = 0; i < exchange->interim_count; i++) {
		buffer_format(&sink->text, "    <1 %d\n", exchange->interims[i]->status);
		put_fields(sink, "<1 ", &exchange->interims[i]->headers);
	}
}

/* The first line of a message, as HTTP/1 has it and curl -v shows it of each version. */
static void put_start(struct sink *sink, const struct message *message, const char *mark)
{
	const char *version = message_version_name(message->version);
	struct buffer *text = &sink->text;
	struct style *style = &sink->style;

	buffer_string(text, "    ");
	line_put_styled(text, style, STYLE_DIM, mark);
	if (message->kind == MESSAGE_REQUEST) {
		line_put_or_unknown(text, style, message->method);
		buffer_char(text, ' ');
		line_put_or_unknown(text, style,
				    redact_target(style->redact, message->target, &style->scratch));
		buffer_char(text, ' ');
	}
	if (message->version == FASTCGI_1)
		buffer_string(text, "FastCGI/1.0");
	else
		buffer_format(text, "HTTP/%s", version ? version : "?");
	if (message->kind == MESSAGE_RESPONSE && message->status)
		buffer_format(text, " %d", message->status);
	else if (message->kind == MESSAGE_RESPONSE)
		buffer_string(text, " ?");
	buffer_char(text, '\n');
}

static void put_times(struct sink *sink, const struct exchange *exchange)
{
	size_t start = sink->text.len;

	if (sink->verbose == 0)
		return;
	buffer_string(&sink->text, "    ");
	line_put_styled(&sink->text, &sink->style, STYLE_DIM, "* ");
	if (line_put_times(&sink->text, exchange))
		buffer_char(&sink->text, '\n');
	else
		sink->text.len = start;
}

/* Start line, header fields, body and trailers, as far as they are wanted. */
static void put_message(struct sink *sink, const struct message *message, const char *const marks[3])
{
	if (sink->verbose == 0 || !message)
		return;
	if (!version_is_query(message->version)) /* which has no such line */
		put_start(sink, message, marks[0]);
	put_fields(sink, marks[0], &message->headers);
	if (sink->verbose > 1)
		body_text_put(&sink->text, &sink->style, &sink->bodies, marks[1], message,
			      sink->body_max_bytes);
	put_fields(sink, marks[2], &message->trailers);
	message_text_facts(&sink->text, &sink->style, message->facts);
}

static void watch_text_exchange(struct sink *sink, const struct result *result)
{
	struct exchange exchange = *result->exchange;

	if (sink->summary)
		stat_text_sink.show[RESULT_EXCHANGE](sink->summary, result);
	if (sink->both_ends)
		exchange.other = NULL;
	else if (exchange.other && exchange.join == JOIN_SECOND)
		return; /* it stands in the line of the other */
	line_text_put(&sink->text, &sink->style, &exchange);
	buffer_char(&sink->text, '\n');
	put_times(sink, &exchange);
	put_message(sink, exchange.request, (const char *const[]){ "> ", "    >| ", ">+ " });
	if (sink->verbose > 0)
		put_interims(sink, &exchange);
	put_message(sink, exchange.response, (const char *const[]){ "< ", "    <| ", "<+ " });
	buffer_write(&sink->text, sink->out);
}

static void watch_text_opened(struct sink *sink, const struct result *result)
{
	if (sink->summary)
		stat_text_sink.show[RESULT_CONN_OPENED](sink->summary, result);
}

/* The message comes before its exchange's line, while that goes on. */
static void watch_text_message(struct sink *sink, const struct result *result)
{
	message_text_put(&sink->text, &sink->style, result, sink->verbose > 1, sink->body_max_bytes);
	buffer_write(&sink->text, sink->out);
}

static void watch_text_pending(struct sink *sink, const struct result *result)
{
	line_text_put(&sink->text, &sink->style, result->exchange);
	buffer_char(&sink->text, '\n');
	buffer_write(&sink->text, sink->out);
}

static void watch_text_unread(struct sink *sink, const struct result *result)
{
	if (!opaque_told_first(&sink->told, &sink->style, result, sink->verbose > 0))
		return;
	if (result->kind == RESULT_OPAQUE)
		opaque_text_put(&sink->text, &sink->style, result->conn);
	else
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
	.fields = SINK_FIELDS_VERBOSE,
	.bodies = true,
	.reads = { READER_OUTCOME, READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES,
		   READER_FACTS | READER_OPERATION | READER_OUTCOME | READER_MESSAGES | READER_BODIES },
	.size = sizeof(struct sink),
	.init = watch_text_init,
	.show = {
		[RESULT_EXCHANGE] = watch_text_exchange,
		[RESULT_PENDING] = watch_text_pending,
		[RESULT_CONN_OPENED] = watch_text_opened,
		[RESULT_MESSAGE] = watch_text_message,
		[RESULT_OPAQUE] = watch_text_unread,
		[RESULT_UNSEEN] = watch_text_unread,
	},
	.tick = watch_text_tick,
	.draw = watch_text_draw,
	.fini = watch_text_fini,
};
