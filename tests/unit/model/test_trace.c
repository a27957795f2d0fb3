/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says of its trace; what breaks the rules of its form says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/trace.h"

#include <stdio.h>

#define ID   "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define PAR  "05e3ac9a4f6e3b90"

static const struct {
	const char *name;
	const char *fields[8]; /* name, value, … */
	const char *expected;  /* "id span parent flags request-id"; "": nothing is known */
} cases[] = {
	{ "none", { "host", "a" }, "" },
	{ "W3C", { "traceparent", "00-" ID "-" SPAN "-01" }, ID " " SPAN " - 01 -" },
	{ "W3C, any case of its name, blanks",
	  { "TraceParent", " \t00-" ID "-" SPAN "-00 " },
	  ID " " SPAN " - 00 -" },
	{ "a later version", { "traceparent", "cc-" ID "-" SPAN "-01-what-comes" }, ID " " SPAN " - 01 -" },
	{ "a later version, short", { "traceparent", "cc-" ID "-" SPAN "-01" }, ID " " SPAN " - 01 -" },
	{ "a later version that does not go on so", { "traceparent", "cc-" ID "-" SPAN "-01.x" }, "" },
	{ "version 00 does not go on", { "traceparent", "00-" ID "-" SPAN "-01-x" }, "" },
	{ "version ff", { "traceparent", "ff-" ID "-" SPAN "-01" }, "" },
	{ "version of letters", { "traceparent", "0x-" ID "-" SPAN "-01" }, "" },
	{ "no trace", { "traceparent", "00-00000000000000000000000000000000-" SPAN "-01" }, "" },
	{ "no span", { "traceparent", "00-" ID "-0000000000000000-01" }, "" },
	{ "capitals", { "traceparent", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01" }, "" },
	{ "short", { "traceparent", "00-" ID "-" SPAN "-0" }, "" },
	{ "no hyphen", { "traceparent", "00_" ID "-" SPAN "-01" }, "" },
	{ "flags of letters", { "traceparent", "00-" ID "-" SPAN "-zz" }, "" },
	{ "empty", { "traceparent", "" }, "" },
	{ "not known", { "traceparent", NULL }, "" },
	{ "twice the same",
	  { "traceparent", "00-" ID "-" SPAN "-01", "traceparent", "00-" ID "-" SPAN "-01" },
	  ID " " SPAN " - 01 -" },
	{ "two meanings",
	  { "traceparent", "00-" ID "-" SPAN "-01", "traceparent", "00-" ID "-" PAR "-01" },
	  "" },
	{ "b3", { "b3", ID "-" SPAN }, ID " " SPAN " - - -" },
	{ "b3 whole", { "b3", ID "-" SPAN "-1-" PAR }, ID " " SPAN " " PAR " - -" },
	{ "b3 short, debug", { "B3", SPAN "-" PAR "-d" }, SPAN " " PAR " - - -" },
	{ "b3 sampling alone", { "b3", "0" }, "" },
	{ "b3 wrong sampling", { "b3", ID "-" SPAN "-2" }, "" },
	{ "b3 wrong parent", { "b3", ID "-" SPAN "-1-0" }, "" },
	{ "b3 goes on", { "b3", ID "-" SPAN "-1-" PAR "-1" }, "" },
	{ "b3 of 24 digits", { "b3", "4bf92f3577b34da6a3ce929d-" SPAN }, "" },
	{ "X-B3",
	  { "X-B3-TraceId", ID, "X-B3-SpanId", SPAN, "X-B3-ParentSpanId", PAR },
	  ID " " SPAN " " PAR " - -" },
	{ "X-B3 without a trace", { "X-B3-SpanId", SPAN, "X-B3-ParentSpanId", PAR }, "" },
	{ "X-B3 with a wrong span", { "X-B3-TraceId", ID, "X-B3-SpanId", "x" }, ID " - - - -" },
	{ "W3C before B3",
	  { "b3", PAR "-" PAR, "traceparent", "00-" ID "-" SPAN "-01" },
	  ID " " SPAN " - 01 -" },
	{ "B3 where W3C is wrong", { "traceparent", "x", "b3", ID "-" SPAN }, ID " " SPAN " - - -" },
	{ "request id", { "X-Request-Id", "req/1:a" }, "- - - - req/1:a" },
	{ "request id with a blank", { "x-request-id", "a b" }, "" },
	{ "request id of control bytes", { "x-request-id", "a\x1b[m" }, "" },
	{ "both", { "x-request-id", "r1", "traceparent", "00-" ID "-" SPAN "-01" }, ID " " SPAN " - 01 r1" },
};

static void put(char *text, struct slice part, const char *behind)
{
	size_t len = strlen(text);

	snprintf(text + len, 256 - len, "%.*s%s", part.data ? (int)part.len : 1,
		 part.data ? (const char *)part.data : "-", behind);
}

static void check(size_t i)
{
	struct message *request = message_new(MESSAGE_REQUEST, 0);
	char text[256] = "";
	struct trace trace;

	for (size_t n = 0; n < 8 && cases[i].fields[n]; n += 2)
		assert_int_equal(message_add_header(request, &request->headers,
						    slice_of_string(cases[i].fields[n]),
						    slice_of_string(cases[i].fields[n + 1]), 0),
				 0);
	if (trace_of(request, &trace)) {
		put(text, trace.id, " ");
		put(text, trace.span, " ");
		put(text, trace.parent, " ");
		put(text, trace.flags, " ");
		put(text, trace.request_id, "");
	}
	assert_string_equal(text, cases[i].expected);
	message_free(request);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		check(i);
	}
}

/* Where nobody wants all fields, these are kept. */
static void test_asked(void **state)
{
	static const char *const names[] = { "traceparent",  "b3",	    "B3",
					     "X-B3-TraceId", "x-b3-spanid", "x-b3-parentspanid",
					     "X-Request-ID" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_true(message_asks(message_name(slice_of_string(names[i]))));
		assert_true(message_name_may_be(slice_of_string(names[i])));
	}
	assert_false(message_asks(message_name(SLICE("b4"))));
	assert_false(message_asks(message_name(SLICE("x-b3-sampled"))));
}

/* An id that is longer than any that is made names nothing; without a request nothing is known. */
static void test_bounds(void **state)
{
	struct message *request = message_new(MESSAGE_REQUEST, 0);
	char id[TRACE_REQUEST_ID_MAX + 1];
	struct trace trace;

	(void)state;
	memset(id, 'a', sizeof(id));
	assert_false(trace_of(NULL, &trace));
	message_add_header(request, &request->headers, SLICE("x-request-id"), slice_of(id, sizeof(id)), 0);
	assert_false(trace_of(request, &trace));
	request->headers.items[0].value.len--;
	assert_true(trace_of(request, &trace));
	assert_int_equal(trace_name(&trace).len, TRACE_REQUEST_ID_MAX);
	message_free(request);
}

/* Each byte of the value is what its place wants, or there is no trace. */
static void test_digits_exactly(void **state)
{
	static const char hex[] = "0123456789abcdef";
	struct message *request = message_new(MESSAGE_REQUEST, 0);
	const char *right = "00-" ID "-" SPAN "-01";
	char value[sizeof("00-" ID "-" SPAN "-01")];
	struct trace trace;

	(void)state;
	message_add_header(request, &request->headers, SLICE("traceparent"), slice_of_string(right), 0);
	request->headers.items[0].value = slice_of(value, strlen(right));
	for (size_t i = 0; i < strlen(right) * 256; i++) {
		size_t at = i / 256;
		char byte = (char)i;

		memcpy(value, right, sizeof(value));
		value[at] = byte;
		assert_int_equal(trace_of(request, &trace),
				 right[at] == '-' ? byte == '-' : byte && strchr(hex, byte) != NULL);
	}
	message_free(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_asked),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_digits_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
