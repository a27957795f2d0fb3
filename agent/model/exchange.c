/* SPDX-License-Identifier: Apache-2.0 */
/* Names and small facts of an exchange; how it comes to be is pair.c's matter. */
#include "exchange.h"

#include "content/content.h"
#include "fact.h"

#include <errno.h>
#include <stdio.h>

bool exchange_take(struct exchange_own *own, struct exchange *exchange)
{
	if (!exchange->keepable)
		return false;
	own->exchange = *exchange;
	own->conn = *exchange->conn;
	own->exchange.conn = &own->conn;
	exchange->request = NULL;
	exchange->response = NULL;
	exchange->interim_count = 0;
	return true;
}

int exchange_copy(struct exchange *copy, const struct exchange *exchange, size_t head_limit_bytes,
		  size_t body_limit_bytes)
{
	bool whole;

	*copy = *exchange;
	copy->request = copy->response = NULL;
	copy->interim_count = 0;
	copy->other = NULL;
	copy->peer = NULL;
	if (exchange->request)
		copy->request = message_copy_whole(exchange->request, head_limit_bytes, body_limit_bytes);
	if (exchange->response)
		copy->response = message_copy_whole(exchange->response, head_limit_bytes, body_limit_bytes);
	whole = !copy->request == !exchange->request && !copy->response == !exchange->response;
	for (size_t i = 0; whole && i < exchange->interim_count; i++) {
		copy->interims[i] = message_copy_whole(exchange->interims[i], head_limit_bytes, 0);
		whole = copy->interims[i] != NULL;
		copy->interim_count += whole;
	}
	if (!whole) {
		exchange_fini(copy);
		return -ENOMEM;
	}
	copy->flags |= (copy->request ? copy->request->flags : 0) & FLAG_TRUNCATED;
	copy->flags |= (copy->response ? copy->response->flags : 0) & FLAG_TRUNCATED;
	return 0;
}

size_t exchange_memory(const struct exchange *exchange)
{
	size_t bytes = message_memory(exchange->request) + message_memory(exchange->response);

	for (size_t i = 0; i < exchange->interim_count; i++)
		bytes += message_memory(exchange->interims[i]);
	return bytes;
}

void exchange_fini(struct exchange *exchange)
{
	message_free(exchange->request);
	message_free(exchange->response);
	for (size_t i = 0; i < exchange->interim_count; i++)
		message_free(exchange->interims[i]);
}

bool exchange_counts(const struct exchange *exchange)
{
	bool pair = exchange->request && exchange->response && exchange->response->status;

	if (exchange->split_answer)
		return false;
	return !(exchange->flags & FLAG_GUESS) || (pair && exchange->flags & (FLAG_GAP | FLAG_LATE_JOINED));
}

const char *exchange_h2_error_name(uint32_t error)
{
	static const char *const names[] = {
		"NO_ERROR",
		"PROTOCOL_ERROR",
		"INTERNAL_ERROR",
		"FLOW_CONTROL_ERROR",
		"SETTINGS_TIMEOUT",
		"STREAM_CLOSED",
		"FRAME_SIZE_ERROR",
		"REFUSED_STREAM",
		"CANCEL",
		"COMPRESSION_ERROR",
		"CONNECT_ERROR",
		"ENHANCE_YOUR_CALM",
		"INADEQUATE_SECURITY",
		"HTTP_1_1_REQUIRED",
	};

	return error < sizeof(names) / sizeof(names[0]) ? names[error] : NULL;
}

#define H3_FIRST    0x100
#define QPACK_FIRST 0x200

static const char *h3_error_name(uint32_t error)
{
	static const char *const names[] = {
		"H3_NO_ERROR",
		"H3_GENERAL_PROTOCOL_ERROR",
		"H3_INTERNAL_ERROR",
		"H3_STREAM_CREATION_ERROR",
		"H3_CLOSED_CRITICAL_STREAM",
		"H3_FRAME_UNEXPECTED",
		"H3_FRAME_ERROR",
		"H3_EXCESSIVE_LOAD",
		"H3_ID_ERROR",
		"H3_SETTINGS_ERROR",
		"H3_MISSING_SETTINGS",
		"H3_REQUEST_REJECTED",
		"H3_REQUEST_CANCELLED",
		"H3_REQUEST_INCOMPLETE",
		"H3_MESSAGE_ERROR",
		"H3_CONNECT_ERROR",
		"H3_VERSION_FALLBACK",
	};
	static const char *const qpack[] = { "QPACK_DECOMPRESSION_FAILED", "QPACK_ENCODER_STREAM_ERROR",
					     "QPACK_DECODER_STREAM_ERROR" };

	if (error >= QPACK_FIRST)
		return error - QPACK_FIRST < sizeof(qpack) / sizeof(qpack[0]) ? qpack[error - QPACK_FIRST]
									      : NULL;
	return error >= H3_FIRST && error - H3_FIRST < sizeof(names) / sizeof(names[0])
		       ? names[error - H3_FIRST]
		       : NULL;
}

/* The protocol status of END_REQUEST (FastCGI, 5.5). */
static const char *fastcgi_error_name(uint32_t error)
{
	static const char *const names[] = { "REQUEST_COMPLETE", "CANT_MPX_CONN", "OVERLOADED",
					     "UNKNOWN_ROLE" };

	return error < sizeof(names) / sizeof(names[0]) ? names[error] : NULL;
}

const char *exchange_error_name(const struct exchange *exchange)
{
	if (!exchange->error_known)
		return NULL;
	if (exchange_version(exchange) == FASTCGI_1)
		return fastcgi_error_name(exchange->error);
	return exchange_version(exchange) == HTTP_3 ? h3_error_name(exchange->error)
						    : exchange_h2_error_name(exchange->error);
}

static const struct {
	enum message_flag flag;
	const char *name;
} flag_names[] = {
	{ FLAG_LATE_JOINED, "late-joined" },
	{ FLAG_GAP, "gap" },
	{ FLAG_TRUNCATED, "truncated" },
	{ FLAG_PARTIAL_HEADERS, "partial-headers" },
	{ FLAG_RESET, "reset" },
	{ FLAG_CLOSED, "closed" },
	{ FLAG_TIMEOUT, "timeout" },
	{ FLAG_IN_FLIGHT, "in-flight" },
	{ FLAG_UNANSWERED, "unanswered" },
	{ FLAG_NO_REQUEST, "no-request" },
	{ FLAG_PUSHED, "pushed" },
	{ FLAG_UPGRADED, "upgraded" },
	{ FLAG_MALFORMED, "malformed" },
	{ FLAG_GUESS, "guess" },
	{ FLAG_RELAYED, "relayed" },
};

void exchange_flags_each(unsigned int flags, void (*fn)(void *ctx, const char *name), void *ctx)
{
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (flags & flag_names[i].flag)
			fn(ctx, flag_names[i].name);
	}
}

unsigned int exchange_flag_find(const char *name)
{
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (strcmp(flag_names[i].name, name) == 0)
			return flag_names[i].flag;
	}
	return 0;
}

struct slice exchange_scheme(const struct exchange *exchange)
{
	const struct message *request = exchange->request;
	static const struct slice unknown = { 0 };

	if (!request || request->scheme.data || request->version == FASTCGI_1)
		return request ? request->scheme : unknown;
	/* HTTP/2 says its scheme itself (RFC 9113, 8.3.1); a CONNECT has none (RFC 9110, 7.1). */
	if (request->version >= HTTP_2 || !request->method.data ||
	    slice_equal(request->method, SLICE("CONNECT")))
		return unknown;
	if (!exchange->conn || exchange->conn->tls_unknown)
		return unknown;
	return exchange->conn->tls ? SLICE("https") : SLICE("http");
}

/* data NULL: neither message has one. */
static struct slice content_type(const struct exchange *exchange)
{
	struct slice type = { 0 };

	if (exchange->request)
		type = message_known(exchange->request, HEADER_CONTENT_TYPE);
	if (!type.data && exchange->response)
		type = message_known(exchange->response, HEADER_CONTENT_TYPE);
	return type;
}

const struct content *exchange_content(const struct exchange *exchange)
{
	return content_of_type(content_type(exchange));
}

const struct content *content_memo_find(struct content_memo *memo, struct slice type)
{
	if (!type.len)
		return NULL;
	if (slice_equal(type, slice_of(memo->bytes, memo->len)))
		return memo->content;
	if (type.len > sizeof(memo->bytes))
		return content_of_type(type);
	memcpy(memo->bytes, type.data, type.len);
	memo->len = type.len;
	memo->content = content_of_type(type);
	return memo->content;
}

/* False: it has no Content-Type. */
static bool content_of_message(struct content_memo *memo, const struct message *message,
			       const struct content **content)
{
	struct slice type;

	if (!message || message->type_state == MESSAGE_TYPE_NONE)
		return false;
	*content = message->content;
	if (message->type_state == MESSAGE_TYPE_SEEN)
		return true;
	type = message_known(message, HEADER_CONTENT_TYPE);
	*content = content_memo_find(memo, type);
	return type.data;
}

const struct content *exchange_content_again(struct content_memo *memo, const struct exchange *exchange)
{
	const struct content *content = NULL;

	if (!content_of_message(memo, exchange->request, &content))
		content_of_message(memo, exchange->response, &content);
	return content;
}

int exchange_outcome_of(const struct exchange *exchange, const struct content *content)
{
	return exchange->response && content && content->outcome ? content->outcome(exchange->response) : -1;
}

int exchange_outcome(const struct exchange *exchange, const struct content *only)
{
	const struct content *content = exchange->response ? exchange_content(exchange) : NULL;

	return only && content != only ? -1 : exchange_outcome_of(exchange, content);
}

struct slice exchange_error_code(const struct exchange *exchange)
{
	const struct message *response = exchange->response;
	const struct fact *fact = NULL;

	if (response && version_is_query(response->version))
		fact = fact_find(response->facts, SLICE("db.response.status_code"));
	return fact ? fact->text : slice_of(NULL, 0);
}
/* What hark itself lost, or did not see from begin to end. */
#define OWN_LOSSES (FLAG_GAP | FLAG_LATE_JOINED | FLAG_IN_FLIGHT | FLAG_TRUNCATED)

bool exchange_failed(struct content_memo *memo, const struct exchange *exchange)
{
	const unsigned int ends = FLAG_RESET | FLAG_CLOSED | FLAG_TIMEOUT | FLAG_UNANSWERED;

	if (exchange->response && exchange->response->status >= 400)
		return true;
	if (exchange_error_code(exchange).data)
		return true;
	/* Such a call ends in trailers, or it has no body: of all others nobody looks at the type. */
	if (exchange->response && (exchange->response->trailers.count || !exchange->response->body_bytes) &&
	    exchange_outcome_of(exchange, exchange_content_again(memo, exchange)) > 0)
		return true;
	return (exchange->flags & ends) && !(exchange->flags & OWN_LOSSES);
}

bool exchange_was_under_way(const struct exchange *exchange)
{
	return !exchange->request && (exchange->flags & FLAG_LATE_JOINED);
}

enum http_version exchange_version(const struct exchange *exchange)
{
	if (exchange->request && exchange->request->version != HTTP_VERSION_UNKNOWN)
		return exchange->request->version;
	return exchange->response ? exchange->response->version : HTTP_VERSION_UNKNOWN;
}

const char *exchange_error_type(const struct exchange *exchange, const struct content *content,
				char text[EXCHANGE_ERROR_MAX])
{
	int status = exchange->response ? exchange->response->status : 0;
	int outcome = content && content->outcome ? exchange_outcome_of(exchange, content) : -1;
	const char *name;

	if (status >= 500 || (status >= 400 && exchange->conn->role == ROLE_CLIENT)) {
		snprintf(text, EXCHANGE_ERROR_MAX, "%d", status);
		return text;
	}
	if (outcome > 0) {
		snprintf(text, EXCHANGE_ERROR_MAX, "%s:%d", content->name, outcome);
		return text;
	}
	if (exchange->flags & OWN_LOSSES)
		return NULL;
	if (exchange->flags & FLAG_TIMEOUT)
		return "timeout";
	if (exchange->flags & FLAG_RESET) {
		name = exchange->error_known ? exchange_error_name(exchange) : NULL;
		return name ? name : "reset";
	}
	if (exchange->flags & FLAG_CLOSED)
		return "closed";
	return exchange->flags & FLAG_UNANSWERED ? "unanswered" : NULL;
}
