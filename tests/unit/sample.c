/* SPDX-License-Identifier: Apache-2.0 */
#include "sample.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

static const struct conn_facts sample_conn = {
	.id = 12,
	.sock = { .id = 7,
		  .fd = 5,
		  .family = AF_INET,
		  .local_port = 40000,
		  .peer_port = 8443,
		  .local = { 10, 0, 0, 1 },
		  .peer = { 10, 0, 0, 2 } },
	.owner = { .pid = 1234, .tid = 1235, .uid = 1000, .fd = 5, .comm = "curl-thread", .exe = "curl" },
	.role = ROLE_CLIENT,
	.protocol = "http",
	.version = HTTP_1_1,
	.opened_ns = 1000000000,
	.closed_ns = 3500000000,
	.connect_ns = 250000,
	.closed_by = CLOSED_PEER,
	.exchanges = 1,
	.moved_bytes = 800,
	.copied_bytes = 700,
	.skipped_bytes = 100,
};

void sample_header(struct message *message, struct header_list *list, const char *name, const char *value)
{
	unsigned int flags = (name ? 0 : HEADER_NAME_UNKNOWN) | (value ? 0 : HEADER_VALUE_UNKNOWN);
	int err = message_add_header(message, list, slice_of_string(name), slice_of_string(value), flags);

	assert(err == 0);
	(void)err;
}

void sample_init(struct sample *sample)
{
	struct message *request = message_new(MESSAGE_REQUEST, 0);
	struct message *response = message_new(MESSAGE_RESPONSE, 0);

	assert(request && response);
	sample->conn = sample_conn;
	request->version = response->version = HTTP_1_1;
	request->method = SLICE("GET");
	request->target = SLICE("/a?b=1");
	request->body_known = response->body_known = true;
	response->status = 200;
	response->body_bytes = 612;
	sample_header(request, &request->headers, "Host", "example.com");
	sample_header(request, &request->headers, "Cookie", "id=7");
	sample_header(response, &response->headers, "Server", "nginx");
	sample->exchange = (struct exchange){
		.request = request,
		.response = response,
		.conn = &sample->conn,
		.mover = sample_conn.owner,
		.start_ns = SAMPLE_START_NS,
		.duration_known = true,
		.duration_ns = 12345678,
		.ttfb_known = true,
		.ttfb_ns = 340000,
	};
}

void sample_fini(struct sample *sample)
{
	message_free(sample->exchange.request);
	message_free(sample->exchange.response);
}

void sample_sink_open(struct sample_sink *s, const struct sink_ops *ops, int verbose, bool color,
		      bool show_secrets)
{
	struct sink_config config = { .verbose = verbose,
				      .color = color,
				      .body_max_bytes = 2048,
				      .wall_offset_ns = SAMPLE_WALL_OFFSET_NS };

	setenv("TZ", "UTC", 1);
	*s = (struct sample_sink){ .ops = ops, .redact = redact_new(show_secrets) };
	assert(s->redact);
	s->out = open_memstream(&s->text, &s->len);
	config.out = s->out;
	config.redact = s->redact;
	s->sink = sink_new(ops, &config);
	assert(s->out && s->sink);
}

void sample_show(const struct sink_ops *ops, struct sink *sink, enum result_kind kind,
		 const struct exchange *exchange)
{
	struct result result = result_of_exchange(kind, exchange);

	ops->show[kind](sink, &result);
}

void sample_show_conn(const struct sink_ops *ops, struct sink *sink, enum result_kind kind,
		      const struct conn_facts *conn)
{
	struct result result = result_of_conn(kind, conn);

	ops->show[kind](sink, &result);
}

void sample_show_frame(const struct sink_ops *ops, struct sink *sink, const struct sample *sample,
		       const struct frame *frame)
{
	ops->show[RESULT_FRAME](sink, &(struct result){
					      .kind = RESULT_FRAME,
					      .conn = &sample->conn,
					      .mover = &sample->exchange.mover,
					      .frame = frame,
				      });
}

const char *sample_sink_text(struct sample_sink *s)
{
	fflush(s->out);
	return s->text;
}

void sample_sink_close(struct sample_sink *s)
{
	sink_free(s->ops, s->sink);
	fclose(s->out);
	free(s->text);
	redact_free(s->redact);
}
