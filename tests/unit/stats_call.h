/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange in one line of a test, for what counts exchanges. */
#ifndef HARK_TESTS_STATS_CALL_H
#define HARK_TESTS_STATS_CALL_H

#include "model/container.h"
#include "sample.h"

#include <string.h>
#include <sys/socket.h>

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

struct call_text {
	const char *host, *method, *target; /* NULL: not known; all three: no request */
	int status;			    /* 0: no response */
	uint64_t start_ns, duration_ns;	    /* duration 0: not known */
	unsigned int flags;
	const char *exe, *comm, *container, *name, *pod, *namespace, *unit;
	uint32_t pid;
	uint64_t conn_id;
	uint8_t peer; /* last byte of 10.0.0.0/24 */
	uint16_t peer_port;
	enum protocol_role role;
	uint64_t in_bytes, out_bytes;
	const char *grpc_status; /* makes it a gRPC call */
	uint64_t peer_connection;
	const char *traceparent, *request_id;
};

struct one_call {
	struct conn_facts conn;
	struct container container;
	struct exchange exchange;
};

static inline struct message *call_request(const struct call_text *text)
{
	struct message *request = message_new(MESSAGE_REQUEST, 0);

	request->version = HTTP_1_1;
	request->method = slice_of_string(text->method);
	request->target = slice_of_string(text->target);
	request->body_bytes = text->in_bytes;
	request->body_known = true;
	if (text->host)
		sample_header(request, &request->headers, "host", text->host);
	if (text->traceparent)
		sample_header(request, &request->headers, "traceparent", text->traceparent);
	if (text->request_id)
		sample_header(request, &request->headers, "x-request-id", text->request_id);
	if (text->grpc_status)
		sample_header(request, &request->headers, "content-type", "application/grpc");
	return request;
}

static inline struct message *call_response(const struct call_text *text)
{
	struct message *response = message_new(MESSAGE_RESPONSE, 0);

	response->version = HTTP_1_1;
	response->status = text->status;
	response->body_bytes = text->out_bytes;
	response->body_known = true;
	if (text->grpc_status)
		sample_header(response, &response->trailers, "grpc-status", text->grpc_status);
	return response;
}

static inline void call_init(struct one_call *call, const struct call_text *text)
{
	memset(call, 0, sizeof(*call));
	call->conn = (struct conn_facts){
		.id = text->conn_id ? text->conn_id : 1,
		.role = text->role,
		.sock = { .family = AF_INET,
			  .fd = -1,
			  .local_port = 80,
			  .peer_port = text->peer_port,
			  .local = { 10, 0, 0, 1 },
			  .peer = { 10, 0, 0, text->peer } },
	};
	call->container = (struct container){
		.names = { [CONTAINER_ID] = slice_of_string(text->container),
			   [CONTAINER_NAME] = slice_of_string(text->name),
			   [CONTAINER_POD] = slice_of_string(text->pod),
			   [CONTAINER_NAMESPACE] = slice_of_string(text->namespace),
			   [CONTAINER_UNIT] = slice_of_string(text->unit) },
	};
	call->exchange = (struct exchange){
		.conn = &call->conn,
		.start_ns = text->start_ns,
		.duration_ns = text->duration_ns,
		.duration_known = text->duration_ns != 0,
		.ttfb_ns = text->duration_ns / 2,
		.ttfb_known = text->duration_ns != 0,
		.flags = text->flags,
		.peer_connection = text->peer_connection,
		.mover = { .pid = text->pid, .fd = -1, .container = &call->container },
	};
	if (text->exe)
		strcpy(call->exchange.mover.exe, text->exe);
	if (text->comm)
		strcpy(call->exchange.mover.comm, text->comm);
	if (text->host || text->method || text->target)
		call->exchange.request = call_request(text);
	if (text->status)
		call->exchange.response = call_response(text);
}

static inline void call_fini(struct one_call *call)
{
	message_free(call->exchange.request);
	message_free(call->exchange.response);
}

static inline struct stats_row *call_count(struct stats *stats, const struct call_text *text)
{
	struct stats_row *row;
	struct one_call call;

	call_init(&call, text);
	row = stats_exchange(stats, &call.exchange);
	call_fini(&call);
	return row;
}

#endif
