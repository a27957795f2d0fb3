/* SPDX-License-Identifier: Apache-2.0 */
#include "message_text.h"

#include "alloc_fail.h"

#include "../../../protocols/arena.c"
#include "../../../protocols/message.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void test_new_knows_nothing(void **state)
{
	struct message *message = message_new(MESSAGE_RESPONSE, 0);

	(void)state;
	assert_int_equal(message->kind, MESSAGE_RESPONSE);
	assert_int_equal(message->status, 0);
	assert_null(message->method.data);
	message_free(message);
	message_free(NULL);
}

static void test_headers_in_order(void **state)
{
	struct message *message = message_new(MESSAGE_REQUEST, 0);
	struct slice name = SLICE("n"), value;
	char number[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		value = slice_of(number, (size_t)snprintf(number, sizeof(number), "%d", i));
		assert_int_equal(message_add_header(message, &message->headers, name, value, 0), 0);
	}
	assert_int_equal(message->headers.count, 100);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(strtol((const char *)message->headers.items[i].value.data, NULL, 10), i);
	message_free(message);
}

static void test_header_found(void **state)
{
	struct message *message = message_new(MESSAGE_REQUEST, 0);
	struct slice unknown = { 0 };

	(void)state;
	message_add_header(message, &message->headers, SLICE("a"), unknown, HEADER_VALUE_UNKNOWN);
	message_add_header(message, &message->headers, unknown, SLICE("x"), HEADER_NAME_UNKNOWN);
	message_add_header(message, &message->headers, SLICE("A"), SLICE("1"), 0);
	message_add_header(message, &message->headers, SLICE("a"), SLICE("2"), 0);
	message_add_header(message, &message->headers, SLICE("empty"), SLICE(""), 0);
	message_add_header(message, &message->trailers, SLICE("t"), SLICE("3"), 0);
	assert_true(slice_equal(message_header(message, SLICE("a")), SLICE("1")));
	assert_non_null(message_header(message, SLICE("Empty")).data);
	assert_null(message_header(message, SLICE("t")).data);
	assert_null(message_header(message, SLICE("")).data);
	message_free(message);
}

static void test_known_found(void **state)
{
	struct message *message = message_new(MESSAGE_REQUEST, 0), *copy;
	struct slice unknown = { 0 };

	(void)state;
	message_add_header(message, &message->headers, SLICE("host"), unknown, HEADER_VALUE_UNKNOWN);
	message_add_header(message, &message->headers, unknown, SLICE("x"), HEADER_NAME_UNKNOWN);
	message_add_header(message, &message->headers, SLICE("HOST"), SLICE("1"), 0);
	message_add_header(message, &message->headers, SLICE("Host"), SLICE("2"), 0);
	message_add_header(message, &message->headers, SLICE("upgrade"), SLICE(""), 0);
	message_add_header(message, &message->trailers, SLICE("b3"), SLICE("3"), 0);
	copy = message_copy(message, 4096);
	for (const struct message *one = message; one; one = one == message ? copy : NULL) {
		assert_true(slice_equal(message_known(one, HEADER_HOST), SLICE("1")));
		assert_true(slice_equal(message_header(one, SLICE("host")), SLICE("1")));
		assert_non_null(message_known(one, HEADER_UPGRADE).data);
		assert_null(message_known(one, HEADER_B3).data);
		assert_null(message_known(one, HEADER_CONTENT_TYPE).data);
	}
	message_free(copy);
	message_free(message);
}

/* Not one other byte in a name makes it the same one, but for a letter's case. */
static void test_names_exactly(void **state)
{
	static const char *const names[HEADER_NAMES] = {
		[HEADER_HOST] = "host",
		[HEADER_CONTENT_LENGTH] = "content-length",
		[HEADER_TRANSFER_ENCODING] = "transfer-encoding",
		[HEADER_CONTENT_TYPE] = "content-type",
		[HEADER_CONTENT_ENCODING] = "content-encoding",
		[HEADER_CONNECTION] = "connection",
		[HEADER_UPGRADE] = "upgrade",
		[HEADER_HTTP2_SETTINGS] = "http2-settings",
		[HEADER_GRPC_STATUS] = "grpc-status",
		[HEADER_GRPC_TIMEOUT] = "grpc-timeout",
		[HEADER_GRPC_MESSAGE] = "grpc-message",
		[HEADER_GRPC_ENCODING] = "grpc-encoding",
		[HEADER_MCP_SESSION_ID] = "mcp-session-id",
		[HEADER_MCP_PROTOCOL_VERSION] = "mcp-protocol-version",
		[HEADER_TRACEPARENT] = "traceparent",
		[HEADER_B3] = "b3",
		[HEADER_B3_TRACE_ID] = "x-b3-traceid",
		[HEADER_B3_SPAN_ID] = "x-b3-spanid",
		[HEADER_B3_PARENT_SPAN_ID] = "x-b3-parentspanid",
		[HEADER_REQUEST_ID] = "x-request-id",
	};

	(void)state;
	for (size_t i = HEADER_OTHER + 1; i < HEADER_NAMES; i++) {
		size_t len = strlen(names[i]);
		uint8_t *name = malloc(len); /* so that a sanitizer sees a read behind it */

		assert_true(message_name_may_be(slice_of(name, len)));
		for (size_t at = 0; at < len * 256; at++) {
			memcpy(name, names[i], len);
			name[at / 256] = (uint8_t)at;
			assert_int_equal(message_name(slice_of(name, len)),
					 ascii_lower((uint8_t)at) == names[i][at / 256] ? i : HEADER_OTHER);
		}
		for (size_t less = 0; less < len; less++)
			assert_int_equal(message_name(slice_of(names[i], less)), HEADER_OTHER);
		free(name);
	}
}

static void test_fields_asked_for(void **state)
{
	static const struct {
		const char *name;
		bool asked;
	} rows[] = {
		{ "host", true },
		{ "Upgrade", true },
		{ "CONNECTION", true },
		{ "grpc-status", true },
		{ "Content-Type", true },
		{ "HTTP2-Settings", true },
		{ "hosts", false },
		{ "content-encoding", true },
		{ "content-length", false },
		{ "user-agent", false },
		{ "traceparent", true },
		{ "X-Request-ID", true },
		{ "b3", true },
		{ "x-b3-traceid", true },
		{ "x-b3-spanid", true },
		{ "X-B3-ParentSpanId", true },
		{ "x-b3-sampled", false },
		{ "tracestate", false },
		{ "b4", false },
		{ "upgrada", false },
		{ "npgrade", false },
		{ "connectiom", false },
		{ "xontent-type", false },
		{ "content-typf", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct slice name = slice_of_string(rows[i].name);

		if (message_asks(message_name(name)) != rows[i].asked)
			fail_msg("%s", rows[i].name);
		assert_true(!rows[i].asked || message_name_may_be(name));
	}
	assert_false(message_asks(message_name(slice_of(NULL, 0))));
}

/* The list is as before when a field finds no room. */
static void test_limit(void **state)
{
	struct message *message = message_new(MESSAGE_REQUEST, 2048);
	size_t count = 0;

	(void)state;
	while (!message_add_header(message, &message->headers, SLICE("name"), SLICE("value"), 0))
		count++;
	assert_true(count > 0);
	assert_int_equal(message->headers.count, count);
	assert_true(slice_equal(message->headers.items[count - 1].value, SLICE("value")));
	message_free(message);
}

/* What does not fit in the message's own memory. */
static void test_no_memory(void **state)
{
	static const uint8_t large[ROOM_BYTES];
	struct slice value = slice_of(large, sizeof(large));
	struct message *message;

	(void)state;
	alloc_fail_countdown = 1;
	assert_null(message_new(MESSAGE_REQUEST, 0));
	message = message_new(MESSAGE_REQUEST, 0);
	assert_int_equal(message_memory(message), ROOM_BYTES);
	alloc_fail_countdown = 1;
	assert_int_equal(message_add_header(message, &message->headers, SLICE("a"), value, 0), -ENOMEM);
	assert_int_equal(message->headers.count, 0);
	assert_int_equal(message_add_header(message, &message->headers, SLICE("a"), SLICE("b"), 0), 0);
	assert_int_equal(message_memory(message), ROOM_BYTES);
	assert_int_equal(message_add_header(message, &message->headers, SLICE("a"), value, 0), 0);
	assert_true(message_memory(message) > 2 * ROOM_BYTES);
	assert_int_equal(message->headers.count, 2);
	message_free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_knows_nothing), cmocka_unit_test(test_headers_in_order),
		cmocka_unit_test(test_known_found),	  cmocka_unit_test(test_names_exactly),
		cmocka_unit_test(test_header_found),	  cmocka_unit_test(test_limit),
		cmocka_unit_test(test_no_memory),	  cmocka_unit_test(test_fields_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
