/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange as its content tells of it beside HTTP. */
#include "content/contents.h"
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *name, *request_type, *response_type, *header, *trailer;
	bool grpc;
	int status;
} rows[] = {
	{ "ok", "application/grpc", NULL, NULL, "0", true, 0 },
	{ "fails", "application/grpc+proto", NULL, NULL, "5", true, 5 },
	{ "case", "Application/gRPC", NULL, NULL, "16", true, 16 },
	{ "trailers only", "application/grpc", NULL, "14", NULL, true, 14 },
	{ "the trailer counts", "application/grpc", NULL, "14", "3", true, 3 },
	{ "not known", "application/grpc", NULL, NULL, NULL, true, -1 },
	{ "no gRPC", "application/json", NULL, "5", "5", false, -1 },
	{ "no type", NULL, NULL, "5", "5", false, -1 },
	{ "only the response says so", NULL, "application/grpc", NULL, "7", true, 7 },
	{ "too large", "application/grpc", NULL, NULL, "17", true, -1 },
	{ "too long", "application/grpc", NULL, NULL, "005", true, -1 },
	{ "negative", "application/grpc", NULL, NULL, "-1", true, -1 },
	{ "empty", "application/grpc", NULL, NULL, "", true, -1 },
	{ "words", "application/grpc", NULL, NULL, "OK", true, -1 },
	{ "longer than the memo",
	  "application/grpc; a=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, NULL, "1",
	  true, 1 },
};

static void test_rows(void **state)
{
	struct content_memo memo = { .len = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sample sample;
		struct message *request, *response;
		const struct content *content;

		sample_init(&sample);
		request = sample.exchange.request;
		response = sample.exchange.response;
		if (rows[i].request_type)
			sample_header(request, &request->headers, "content-type", rows[i].request_type);
		if (rows[i].response_type)
			sample_header(response, &response->headers, "content-type", rows[i].response_type);
		if (rows[i].header)
			sample_header(response, &response->headers, "grpc-status", rows[i].header);
		if (rows[i].trailer)
			sample_header(response, &response->trailers, "grpc-status", rows[i].trailer);
		print_message("%s\n", rows[i].name);
		content = exchange_content(&sample.exchange);
		assert_int_equal(content == &grpc_content, rows[i].grpc);
		assert_int_equal(content && content->path_is_name, rows[i].grpc);
		for (int again = 0; again < 2; again++)
			assert_ptr_equal(exchange_content_again(&memo, &sample.exchange), content);
		assert_int_equal(exchange_outcome_of(&sample.exchange, content), rows[i].status);
		assert_int_equal(exchange_outcome(&sample.exchange, NULL), rows[i].status);
		assert_int_equal(exchange_outcome(&sample.exchange, &grpc_content), rows[i].status);
		assert_int_equal(exchange_outcome(&sample.exchange, &json_content), -1);
		sample_fini(&sample);
	}
}

static void test_parts_missing(void **state)
{
	struct sample sample;
	struct exchange exchange;

	(void)state;
	sample_init(&sample);
	sample_header(sample.exchange.request, &sample.exchange.request->headers, "content-type",
		      "application/grpc");
	exchange = sample.exchange;
	exchange.response = NULL;
	assert_ptr_equal(exchange_content(&exchange), &grpc_content);
	assert_int_equal(exchange_outcome(&exchange, NULL), -1);
	exchange.request = NULL;
	assert_null(exchange_content(&exchange));
	assert_int_equal(exchange_outcome(&exchange, NULL), -1);
	sample_fini(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_parts_missing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
