/* SPDX-License-Identifier: Apache-2.0 */
/* Names and small facts of an exchange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/exchange.h"

#include <stdlib.h>

static void name_add(void *ctx, const char *name)
{
	strcat(ctx, name);
	strcat(ctx, " ");
}

static void test_flags(void **state)
{
	char text[256] = "";

	(void)state;
	exchange_flags_each((1u << 15) - 1, name_add, text);
	assert_string_equal(text, "late-joined gap truncated partial-headers reset closed timeout in-flight "
				  "unanswered no-request pushed upgraded malformed guess relayed ");
	text[0] = '\0';
	exchange_flags_each(0, name_add, text);
	assert_string_equal(text, "");
	exchange_flags_each(FLAG_UNANSWERED | FLAG_GAP, name_add, text);
	assert_string_equal(text, "gap unanswered ");
}

/* The same numbers mean something else in HTTP/3, and nothing in HTTP/2. */
static void test_errors_by_version(void **state)
{
	static const struct {
		enum http_version version;
		uint32_t error;
		const char *name;
	} rows[] = {
		{ HTTP_2, 8, "CANCEL" },
		{ HTTP_2, 0x102, NULL },
		{ HTTP_3, 8, NULL },
		{ HTTP_3, 0xff, NULL },
		{ HTTP_3, 0x100, "H3_NO_ERROR" },
		{ HTTP_3, 0x10c, "H3_REQUEST_CANCELLED" },
		{ HTTP_3, 0x110, "H3_VERSION_FALLBACK" },
		{ HTTP_3, 0x111, NULL },
		{ HTTP_3, 0x202, "QPACK_DECODER_STREAM_ERROR" },
		{ HTTP_3, 0x203, NULL },
		{ HTTP_3, UINT32_MAX, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct message request = { .version = rows[i].version };
		struct exchange exchange = { .request = &request, .error = rows[i].error };

		assert_null(exchange_error_name(&exchange));
		exchange.error_known = true;
		if (rows[i].name)
			assert_string_equal(exchange_error_name(&exchange), rows[i].name);
		else
			assert_null(exchange_error_name(&exchange));
	}
}

static void test_errors(void **state)
{
	(void)state;
	assert_string_equal(exchange_h2_error_name(0), "NO_ERROR");
	assert_string_equal(exchange_h2_error_name(8), "CANCEL");
	assert_string_equal(exchange_h2_error_name(13), "HTTP_1_1_REQUIRED");
	assert_null(exchange_h2_error_name(14));
	assert_null(exchange_h2_error_name(0x100));
	assert_null(exchange_h2_error_name(UINT32_MAX));
}

static void test_scheme(void **state)
{
	static const struct {
		const char *scheme, *expected;
		bool tls, unknown;
		enum http_version version;
		const char *method;
	} rows[] = {
		{ "https", "https", false, false, HTTP_2, "GET" },
		{ "HTTP", "HTTP", true, false, HTTP_1_1, "GET" },
		{ "ws", "ws", true, false, HTTP_2, "GET" },
		{ NULL, "https", true, false, HTTP_1_1, "GET" },
		{ NULL, "http", false, false, HTTP_1_0, "GET" },
		{ NULL, NULL, false, true, HTTP_1_1, "GET" },
		{ NULL, NULL, true, false, HTTP_2, "GET" },
		{ NULL, NULL, false, false, HTTP_1_1, "CONNECT" },
		{ NULL, NULL, false, false, HTTP_VERSION_UNKNOWN, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct conn_facts facts = { .tls = rows[i].tls, .tls_unknown = rows[i].unknown };
		struct message *request = message_new(MESSAGE_REQUEST, 0);
		struct exchange exchange = { .request = request, .conn = &facts };
		struct slice scheme;

		request->scheme = slice_of_string(rows[i].scheme);
		request->version = rows[i].version;
		request->method = slice_of_string(rows[i].method);
		scheme = exchange_scheme(&exchange);
		if (rows[i].expected)
			assert_true(slice_equal(scheme, slice_of_string(rows[i].expected)));
		else
			assert_null(scheme.data);
		message_free(request);
	}
}

static void test_freeing(void **state)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	(void)state;
	exchange->request = message_new(MESSAGE_REQUEST, 0);
	exchange->response = message_new(MESSAGE_RESPONSE, 0);
	exchange_fini(exchange);
	free(exchange);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_errors_by_version),
		cmocka_unit_test(test_scheme),
		cmocka_unit_test(test_freeing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
