/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies made readable: codings, charsets, JSON; whole, cut anywhere, damaged, and made to burst. */
#include "sinks/body.h"
#include "base/content_coding.h"
#include "sinks/json_indent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define PLAIN "the same words again, the same words again, the same words again, and then others\n"

/* PLAIN by brotli -q 11. */
static const uint8_t brotli_bytes[] = {
	0x1b, 0x51, 0x00, 0x20, 0xa4, 0x15, 0x40, 0xdc, 0xe8, 0xc0, 0xc6, 0xd8, 0xf8,
	0x43, 0x30, 0x68, 0x77, 0x77, 0xb0, 0x31, 0x76, 0x9e, 0x08, 0x8d, 0x6e, 0x50,
	0xba, 0x88, 0xc7, 0x91, 0x88, 0xd7, 0xc0, 0x4d, 0xca, 0x32, 0x66, 0x01,
};

static struct slice zlib_code(int window, struct slice in)
{
	static uint8_t out[4096];
	z_stream z = { .next_in = (Bytef *)in.data,
		       .avail_in = (uInt)in.len,
		       .next_out = out,
		       .avail_out = sizeof(out) };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return slice_of(out, z.total_out);
}

static struct slice code(const char *name, struct slice in)
{
	static uint8_t out[4096];

	if (strcmp(name, "gzip") == 0)
		return zlib_code(15 + 16, in);
	if (strcmp(name, "deflate") == 0)
		return zlib_code(15, in);
	if (strcmp(name, "raw deflate") == 0)
		return zlib_code(-15, in);
	if (strcmp(name, "zstd") == 0)
		return slice_of(out, ZSTD_compress(out, sizeof(out), in.data, in.len, 3));
	assert_string_equal(name, "br");
	return slice_of(brotli_bytes, sizeof(brotli_bytes));
}

static const struct {
	const char *coder, *name;
} codings[] = { { "gzip", "gzip" },	      { "gzip", "X-Gzip" }, { "deflate", "deflate" },
		{ "raw deflate", "deflate" }, { "zstd", "zstd" },   { "br", "br" } };

#define CODING_COUNT (sizeof(codings) / sizeof(codings[0]))

static void test_codings(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODING_COUNT; i++) {
		struct slice coded = code(codings[i].coder, SLICE(PLAIN)),
			     name = slice_of_string(codings[i].name);
		struct buffer out = { 0 };

		assert_int_equal(content_coding_decode(name, coded, &out, 4096), CODING_WHOLE);
		assert_true(slice_equal(slice_of(out.data, out.len), SLICE(PLAIN)));
		for (size_t cut = 1; cut < coded.len; cut++) {
			enum coding_result result;

			buffer_clear(&out);
			result = content_coding_decode(name, slice_take(coded, cut), &out, 4096);
			assert_true(result == CODING_MORE || (result == CODING_WRONG && cut < 3));
			assert_true(out.len <= sizeof(PLAIN) - 1 &&
				    memcmp(out.data ? out.data : "", PLAIN, out.len) == 0);
		}
		buffer_fini(&out);
	}
}

static void test_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < CODING_COUNT; i++) {
		struct slice coded = code(codings[i].coder, SLICE(PLAIN));
		struct buffer out = { 0 };

		buffer_string(&out, "before");
		assert_int_equal(content_coding_decode(slice_of_string(codings[i].name), coded, &out, 10),
				 CODING_LIMIT);
		assert_int_equal(out.len, 16);
		assert_memory_equal(out.data, "beforethe same w", 16);
		buffer_fini(&out);
	}
}

static void test_garbage(void **state)
{
	static const char *const names[] = { "gzip", "deflate", "br", "zstd" };
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct slice in = SLICE("\xff\xfe not what it claims to be \xff\xff\xff\xff");

		assert_int_equal(content_coding_decode(slice_of_string(names[i]), in, &out, 4096),
				 CODING_WRONG);
		buffer_clear(&out);
	}
	assert_int_equal(content_coding_decode(SLICE("exi"), SLICE("x"), &out, 4096), CODING_UNKNOWN);
	assert_int_equal(content_coding_decode(SLICE("identity"), SLICE("x"), &out, 4096), CODING_WHOLE);
	buffer_fini(&out);
}

static struct message *make(const char *type, const char *coding, struct slice bytes)
{
	struct message *message = message_new(MESSAGE_RESPONSE, 0);

	if (type)
		message_add_header(message, &message->headers, SLICE("content-type"), slice_of_string(type),
				   0);
	if (coding)
		message_add_header(message, &message->headers, SLICE("content-encoding"),
				   slice_of_string(coding), 0);
	message->body = bytes;
	message->body_bytes = bytes.len;
	message->body_known = true;
	return message;
}

static const struct {
	const char *name, *type;
	struct slice in;
	enum content_look look;
	const char *out;
} kinds[] = {
	{ "text", "text/plain", SLICE("caf\xc3\xa9"), CONTENT_TEXT, "caf\xc3\xa9" },
	{ "no type", NULL, SLICE("hello"), CONTENT_TEXT, "hello" },
	{ "not UTF-8", "text/plain", SLICE("caf\xe9"), CONTENT_BINARY, "caf\xe9" },
	{ "latin1", "text/html; charset=ISO-8859-1", SLICE("caf\xe9"), CONTENT_TEXT, "caf\xc3\xa9" },
	{ "quoted, behind others", "text/html; a=b; charset=\"latin1\"; c=d", SLICE("caf\xe9"), CONTENT_TEXT,
	  "caf\xc3\xa9" },
	{ "UTF-16 by the header", "text/plain;charset=utf-16le", SLICE("h\0i\0"), CONTENT_TEXT, "hi" },
	{ "UTF-16 by its mark", "text/plain", SLICE("\xfe\xff\0h\0i"), CONTENT_TEXT, "hi" },
	{ "UTF-8 mark", "text/plain", SLICE("\xef\xbb\xbfhi"), CONTENT_TEXT, "hi" },
	{ "no such charset", "text/plain; charset=klingon", SLICE("hi"), CONTENT_BINARY, "hi" },
	{ "NUL", "text/plain", SLICE("a\0b"), CONTENT_BINARY, "a" },
	{ "JSON", "application/json", SLICE("{}"), CONTENT_JSON, "{}" },
	{ "JSON of a kind", "application/problem+json; charset=utf-8", SLICE("{}"), CONTENT_JSON, "{}" },
	{ "gRPC", "application/grpc+proto", SLICE("text"), CONTENT_BINARY, "text" },
	{ "form", "application/x-www-form-urlencoded", SLICE("a=b&password=c"), CONTENT_TEXT,
	  "a=b&password=[redacted]" },
};

static void test_kinds(void **state)
{
	struct redact *redact = redact_new(false);
	struct body_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct message *message = make(kinds[i].type, NULL, kinds[i].in);
		struct body body = body_read(&reader, message, redact);

		if (body.look != kinds[i].look ||
		    strncmp((const char *)body.bytes.data, kinds[i].out, strlen(kinds[i].out)) != 0)
			fail_msg("%s: look %d, %.*s", kinds[i].name, body.look, (int)body.bytes.len,
				 body.bytes.data);
		assert_true(body_is_whole(&body));
		message_free(message);
	}
	body_reader_fini(&reader);
	redact_free(redact);
}

static void test_several_codings(void **state)
{
	struct redact *redact = redact_new(false);
	struct body_reader reader = { 0 };
	struct slice inner = zlib_code(15 + 16, SLICE(PLAIN));
	struct message *message = make("text/plain", "gzip, zstd", code("zstd", inner));
	struct body body = body_read(&reader, message, redact);

	(void)state;
	assert_true(slice_equal(body.bytes, SLICE(PLAIN)) && body_is_whole(&body));
	message->body_bytes++; /* kept in part */
	body = body_read(&reader, message, redact);
	assert_true(body.kept_part && !body_is_whole(&body));
	message_free(message);
	message = make("text/plain", "gzip", SLICE("no gzip"));
	body = body_read(&reader, message, redact);
	assert_true(body.wrong && body.look == CONTENT_BINARY && slice_equal(body.bytes, SLICE("no gzip")));
	message_free(message);
	message = make("text/plain", "exi, gzip", zlib_code(15 + 16, SLICE(PLAIN)));
	body = body_read(&reader, message, redact);
	assert_true(body.unknown_coding && body.look == CONTENT_BINARY);
	message_free(message);
	body_reader_fini(&reader);
	redact_free(redact);
}

static void test_bomb(void **state)
{
	struct redact *redact = redact_new(false);
	struct body_reader reader = { 0 };
	size_t size = 40 * 1024 * 1024;
	uint8_t *zeros = calloc(1, size), *out = malloc(65536);
	struct message *message;
	struct body body;

	(void)state;
	memset(zeros, 'a', size);
	message = make("text/plain", "zstd", slice_of(out, ZSTD_compress(out, 65536, zeros, size, 19)));
	body = body_read(&reader, message, redact);
	assert_true(body.expands && body.bytes.len == BODY_DECODED_MAX && body.look == CONTENT_TEXT);
	message_free(message);
	body_reader_fini(&reader);
	redact_free(redact);
	free(zeros);
	free(out);
}

static const struct {
	const char *in, *out;
} json[] = {
	{ "{}", "{}" },
	{ "{\"a\":1,\"b\":[1,2,{}],\"c\":[]}",
	  "{\n  \"a\": 1,\n  \"b\": [\n    1,\n    2,\n    {}\n  ],\n  \"c\": []\n}" },
	{ " { \"a b\" : \"c , } \\\" \" } ", "{\n  \"a b\": \"c , } \\\" \"\n}" },
	{ "[1.50e+3,true]", "[\n  1.50e+3,\n  true\n]" },
	{ "{\"cut\": \"here", "{\n  \"cut\": \"here" },
	{ "not JSON at all", "not JSON at all" },
	{ "]]", "\n]\n]" },
	{ "", "" },
	{ "1 2", "1 2" },
};

static void test_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
		struct buffer out = { 0 };

		json_indent(slice_of_string(json[i].in), &out);
		if (!slice_equal(slice_of(out.data, out.len), slice_of_string(json[i].out)))
			fail_msg("%s: %.*s", json[i].in, (int)out.len, out.data);
		buffer_fini(&out);
	}
}

/* Whatever it is, only white space comes and goes. */
static void test_json_keeps_its_bytes(void **state)
{
	static const char text[] =
		"{\"a\": [1, -2.5e9, \"x\\\\\\\"y\\n\", null], \"\\u00e9\" : {\"b\":{}}, \"c\":\ttrue }";

	(void)state;
	for (size_t cut = 0; cut <= sizeof(text) - 1; cut++) {
		char before[128], after[128];
		size_t n = 0, m = 0;
		struct buffer out = { 0 };

		json_indent(slice_of(text, cut), &out);
		for (size_t i = 0; i < cut; i++)
			if (!strchr(" \t\n", text[i]))
				before[n++] = text[i];
		for (size_t i = 0; i < out.len; i++)
			if (!strchr(" \t\n", out.data[i]))
				after[m++] = out.data[i];
		assert_int_equal(n, m);
		assert_memory_equal(before, after, n);
		buffer_fini(&out);
	}
}

/* A statement's text has literals, and the server's words about an error repeat them. */
static void test_statements(void **state)
{
	static const enum http_version versions[] = { POSTGRESQL_3, MYSQL_41 };
	struct redact *redacts[] = { redact_new(false), redact_new(true) };
	struct slice text = SLICE("select 'hunter2'");
	struct body_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct message *message = make(NULL, NULL, text);
		struct body body;

		message->version = versions[i / 2];
		message->body_bytes += 6; /* of the frame around it */
		body = body_read(&reader, message, redacts[i % 2]);
		assert_int_equal(body.look, CONTENT_TEXT);
		assert_true(body_is_whole(&body));
		assert_true(slice_equal(body.bytes, i % 2 ? text : SLICE(REDACTED)));
		message_free(message);
	}
	body_reader_fini(&reader);
	redact_free(redacts[0]);
	redact_free(redacts[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codings),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_several_codings),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_keeps_its_bytes),
		cmocka_unit_test(test_statements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
