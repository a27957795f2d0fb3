/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of bytes and the verdict. For detect_first every proper prefix of a
 * positive row must say "more": a verdict that comes too early, or turns, would
 * mute a connection that speaks HTTP.
 */
#include "detect.h"

#include "http1/http1_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PREFACE	       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS       "\0\0\0\4\0\0\0\0\0"
#define ACK	       "\0\0\0\4\1\0\0\0\0"
#define PING	       "\0\0\10\6\0\0\0\0\0abcdefgh"
#define FASTCGI	       "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0"
#define FASTCGI_PARAMS "\1\4\0\1"
#define FASTCGI_VALUES "\1\11\0\0\0\2\6\0ab\0\0\0\0\0\0"
#define BYTES(s)       s, sizeof(s) - 1

struct row {
	const char *name;
	const char *bytes;
	size_t len;
	const char *expected; /* kind and offset */
	size_t sure_at;	      /* detect_first: with fewer bytes the verdict is "more"; 0: only with all */
};

static const char *const kinds[] = {
	[DETECT_MORE] = "more",
	[DETECT_HTTP1_REQUEST] = "request",
	[DETECT_HTTP1_RESPONSE] = "response",
	[DETECT_HTTP2_PREFACE] = "preface",
	[DETECT_HTTP2_FRAMES] = "frames",
	[DETECT_FASTCGI] = "fastcgi",
	[DETECT_TLS] = "tls",
	[DETECT_PROXY] = "proxy",
	[DETECT_OTHER] = "other",
};

static const struct row first_rows[] = {
	{ "request", BYTES("GET / HTTP/1.1\r\n"), "request 0", 0 },
	{ "request, LF", BYTES("GET /\xc3\xa9 HTTP/1.0\n"), "request 0", 0 },
	{ "any method", BYTES("x-y!z * HTTP/1.1\r\n"), "request 0", 0 },
	{ "empty lines first", BYTES("\r\n\r\nGET / HTTP/1.1\r\n"), "request 4", 0 },
	{ "response", BYTES("HTTP/1.1 200 OK\r\n"), "response 0", 0 },
	{ "no reason", BYTES("HTTP/1.0 999\r\n"), "response 0", 0 },
	{ "client's preface", BYTES(PREFACE), "preface 0", 0 },
	{ "server's frames", BYTES(SETTINGS ACK), "frames 0", 0 },
	{ "FastCGI", BYTES(FASTCGI), "fastcgi 0", 0 },
	{ "FastCGI, what can you do", BYTES(FASTCGI_VALUES FASTCGI), "fastcgi 0", 0 },
	{ "FastCGI, what an application can do", BYTES("\1\12\0\0\0\2\6\0ab\0\0\0\0\0\0\1\6\0\1"), "more 0",
	  0 },
	{ "FastCGI of no role", BYTES("\1\1\0\1\0\10\0\0\0\4\1\0\0\0\0\0"), "other 0", 10 },
	{ "FastCGI's answer", BYTES("\1\6\0\1\0\10\0\0"), "other 0", 2 },
	{ "client hello", BYTES("\x16\x03\x01\x02\x00\x01"), "tls 0", 0 },
	{ "server hello", BYTES("\x16\x03\x03\x00\x7a\x02\x00"), "tls 0", 6 },
	{ "proxy v1", BYTES("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET"), "proxy 32", 32 },
	{ "proxy v1, unknown", BYTES("PROXY UNKNOWN\r\n"), "proxy 15", 0 },
	{ "proxy v2", BYTES("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\4abcdGET"), "proxy 20", 20 },
	{ "proxy v2, local", BYTES("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), "proxy 16", 0 },
	{ "nothing", BYTES(""), "more 0", 0 },
	{ "one frame alone", BYTES(SETTINGS), "more 0", 0 },
	{ "ssh", BYTES("SSH-2.0-OpenSSH_9\r\n"), "other 0", 18 },
	{ "smtp", BYTES("EHLO host\r\n"), "other 0", 10 },
	{ "http/0.9", BYTES("GET /\r\n"), "other 0", 6 },
	{ "two spaces", BYTES("GET  / HTTP/1.1\r\n"), "other 0", 5 },
	{ "control in the target", BYTES("GET /\x01 HTTP/1.1\r\n"), "request 0", 0 },
	{ "carriage return in the target", BYTES("GET /\ra HTTP/1.1\r\n"), "other 0", 6 },
	{ "version 1.2", BYTES("GET / HTTP/1.2\r\n"), "other 0", 14 },
	{ "icap", BYTES("OPTIONS icap://x ICAP/1.0\r\n"), "other 0", 18 },
	{ "status 099", BYTES("HTTP/1.1 099 x\r\n"), "other 0", 10 },
	{ "status with letters", BYTES("HTTP/1.1 20x\r\n"), "other 0", 12 },
	{ "tls alert first", BYTES("\x15\x03\x01\0\2\2\x28"), "other 0", 1 },
	{ "tls record too long", BYTES("\x16\x03\x01\xff\xff\x01"), "other 0", 4 },
	{ "tls certificate first", BYTES("\x16\x03\x03\x00\x7a\x0b"), "other 0", 0 },
	{ "an acknowledgement first", BYTES(ACK SETTINGS), "other 0", 5 },
	{ "settings, then nonsense", BYTES(SETTINGS "nonsense!"), "other 0", 0 },
};

static const struct row late_rows[] = {
	{ "request at once", BYTES("GET / HTTP/1.1\r\nHost: x\r\n"), "request 0", 0 },
	{ "request without its next line", BYTES("GET / HTTP/1.1\r\n"), "more 0", 0 },
	{ "request in the tail of another", BYTES("x: y\r\n\r\nPUT /a HTTP/1.1\r\n\r\n"), "request 8", 0 },
	{ "response behind a body", BYTES("}\nHTTP/1.1 200 OK\r\nA: b\r\n"), "response 2", 0 },
	{ "a start line in text", BYTES("see\nGET / HTTP/1.1\nfor more\n"), "more 0", 0 },
	{ "a start line in a line", BYTES("see GET / HTTP/1.1\r\n\r\n"), "more 0", 0 },
	{ "the end of a method", BYTES("LOCK / HTTP/1.1\r\nHost: x\r\n"), "more 0", 0 },
	{ "an unknown method behind a line end", BYTES("\nLOCK / HTTP/1.1\r\nHost: x\r\n"), "request 1", 0 },
	{ "preface anywhere", BYTES("abc" PREFACE), "preface 3", 0 },
	{ "two tls records", BYTES("zz\x17\x03\x03\0\3abc\x17\x03\x03\x01\0"), "tls 2", 0 },
	{ "one tls record", BYTES("\x17\x03\x03\0\3abc"), "more 0", 0 },
	{ "tls records of two versions", BYTES("\x17\x03\x03\0\3abc\x17\x03\x01\x01\0"), "more 0", 0 },
	{ "three frames", BYTES("zzz" PING ACK PING), "frames 3", 0 },
	{ "two frames", BYTES(PING PING), "more 0", 0 },
	{ "zeros", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	  "more 0", 0 },
	{ "FastCGI in mid-stream", BYTES("zz" FASTCGI FASTCGI_PARAMS), "fastcgi 2", 0 },
	{ "FastCGI without parameters", BYTES("zz" FASTCGI FASTCGI), "more 0", 0 },
	{ "the earlier sign wins", BYTES(PING PING PING "\nGET / HTTP/1.1\r\n\r\n"), "frames 0", 0 },
};

static struct detect_result judge(struct detect_result (*detect)(struct slice), const char *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct detect_result result;

	memcpy(copy, bytes, len);
	result = detect(slice_of(copy, len));
	free(copy);
	return result;
}

static void check(const struct row *row, struct detect_result got)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %zu", kinds[got.kind], got.offset);
	if (strcmp(text, row->expected))
		fail_msg("%s: got %s, not %s", row->name, text, row->expected);
}

static void test_first(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(first_rows) / sizeof(*first_rows); i++) {
		const struct row *row = &first_rows[i];
		size_t sure_at = row->sure_at ? row->sure_at : row->len;

		for (size_t len = 0; len < row->len; len++) {
			enum detect_kind kind = judge(detect_first, row->bytes, len).kind;

			if (len < sure_at ? kind != DETECT_MORE : kind == DETECT_MORE)
				fail_msg("%s: %s after %zu bytes", row->name, kinds[kind], len);
		}
		check(row, judge(detect_first, row->bytes, row->len));
	}
}

static void test_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(late_rows) / sizeof(*late_rows); i++) {
		check(&late_rows[i], judge(detect_late, late_rows[i].bytes, late_rows[i].len));
		for (size_t len = 0; len < late_rows[i].len; len++) {
			struct detect_result prefix = judge(detect_late, late_rows[i].bytes, len);

			if (prefix.kind != DETECT_MORE)
				check(&late_rows[i], prefix);
		}
	}
}

/* A start line without an end is "more" up to the limit, beyond it a request that is too long, or none. */
static void test_line_limit(void **state)
{
	size_t len = HTTP1_LINE_LIMIT_BYTES + 1;
	char *line = malloc(len);

	(void)state;
	memset(line, 'a', len);
	memcpy(line, "GET /", 5);
	assert_int_equal(judge(detect_first, line, len - 2).kind, DETECT_MORE);
	assert_int_equal(judge(detect_first, line, len - 1).kind, DETECT_HTTP1_REQUEST);
	assert_int_equal(judge(detect_first, line, len).kind, DETECT_HTTP1_REQUEST);
	memcpy(line, "GOT /", 5);
	assert_int_equal(judge(detect_first, line, len).kind, DETECT_OTHER);
	memcpy(line, "GET /", 5);
	memcpy(line + len - 10, " HTTP/1.1", 9); /* its end may be the next byte */
	assert_int_equal(judge(detect_first, line, len - 1).kind, DETECT_MORE);
	memset(line + len - 10, 'a', 9);
	line[len - 2] = ' ';
	assert_int_equal(judge(detect_first, line, len).kind, DETECT_OTHER);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_line_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
