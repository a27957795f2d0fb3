/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No secret leaves the stage, however the bytes come and whatever is missing;
 * what is no secret leaves it as it came, in its place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/budget.h"
#include "base/counters.h"
#include "http2_build.h"
#include "quic_build.h"
#include "quic_vectors.h"
#include "record/scrub.h"
#include "record/scrub_block.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define SECRET	"S3cr3tV4lu3"
#define HIDDEN	"xxxxxxxxxxx"
#define OUT_MAX 65536

/* The bytes that came out, by direction, with '\0' where bytes are missing. */
struct out {
	uint8_t bytes[2][OUT_MAX];
	size_t len[2];
	size_t kept;
	uint64_t polls;
};

static int take(void *ctx, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;
	struct out *out = ctx;

	assert_true(event_valid(event, event->size));
	out->polls += event->type == EVENT_POLL;
	if (event->type == EVENT_DATAGRAM)
		out->kept += data->copied;
	if (event->type != EVENT_TLS_DATA)
		return 0;
	assert_true(data->pos + data->len <= OUT_MAX);
	memcpy(out->bytes[data->direction] + data->pos, data->payload, data->copied);
	memset(out->bytes[data->direction] + data->pos + data->copied, 0, data->len - data->copied);
	if (out->len[data->direction] < data->pos + data->len)
		out->len[data->direction] = data->pos + data->len;
	out->kept += data->copied;
	return 0;
}

struct stage {
	struct redact *redact;
	struct scrub *scrub;
	struct out *out;
	uint64_t pos[2], now_ns, ssl;
};

static struct budget budget;

static void stage_open(struct stage *stage, bool keep_other)
{
	static struct out out;
	struct scrub_config config = { .budget = &budget, .keep_other = keep_other, .fn = take, .ctx = &out };

	memset(&out, 0, sizeof(out));
	*stage = (struct stage){ .redact = redact_new(false), .out = &out };
	config.redact = stage->redact;
	assert_int_equal(redact_add(stage->redact, "x-mine"), 0);
	stage->scrub = scrub_new(&config);
	assert_non_null(stage->scrub);
}

static void stage_close(struct stage *stage)
{
	assert_int_equal(scrub_end(stage->scrub), 0);
	scrub_free(stage->scrub);
	assert_int_equal(budget.held_bytes, 0);
	redact_free(stage->redact);
}

/* len bytes at this position, of which `copied` are there. */
static void put_at(struct stage *stage, int direction, uint64_t pos, const uint8_t *bytes, size_t copied,
		   size_t len)
{
	static union {
		struct event_data data;
		uint8_t bytes[sizeof(struct event_data) + EVENT_PAYLOAD_MAX];
	} event;

	event.data = (struct event_data){
		.h = { .size = (uint32_t)(sizeof(struct event_data) + copied),
		       .type = EVENT_TLS_DATA,
		       .flags = EVENT_FROM_START | EVENT_PID_VALID,
		       .time_ns = ++stage->now_ns,
		       .pid = 7 },
		.ssl = 9 + stage->ssl,
		.pos = pos,
		.len = (uint32_t)len,
		.copied = (uint32_t)copied,
		.direction = (uint8_t)direction,
		.hole = copied < len ? HOLE_SNAPLEN : HOLE_NONE,
	};
	if (copied)
		memcpy(event.data.payload, bytes, copied);
	assert_int_equal(scrub_event(stage->scrub, &event.data.h), 0);
}

static void datagram_put(struct stage *stage, const uint8_t *bytes, size_t len)
{
	struct event_data *event = calloc(1, sizeof(*event) + len);

	event->h.size = (uint32_t)(sizeof(*event) + len);
	event->h.type = EVENT_DATAGRAM;
	event->len = event->copied = (uint32_t)len;
	memcpy(event->payload, bytes, len);
	assert_int_equal(scrub_event(stage->scrub, &event->h), 0);
	free(event);
}

static void put(struct stage *stage, int direction, struct slice bytes)
{
	put_at(stage, direction, stage->pos[direction], bytes.data, bytes.len, bytes.len);
	stage->pos[direction] += bytes.len;
}

static void poll(struct stage *stage, uint64_t passed_ns)
{
	struct event_header event = { .size = sizeof(event),
				      .type = EVENT_POLL,
				      .time_ns = stage->now_ns += passed_ns };

	assert_int_equal(scrub_event(stage->scrub, &event), 0);
}

static const struct {
	const char *name, *in, *out; /* ~: left out */
} rows[] = {
	{ "nothing to hide", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n",
	  "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n" },
	{ "fields",
	  "GET / HTTP/1.1\r\nAuthorization: Bearer " SECRET "\r\nA: b\r\nCOOKIE:  " SECRET "\r\n\r\n",
	  "GET / HTTP/1.1\r\nAuthorization: xxxxxx " HIDDEN "\r\nA: b\r\nCOOKIE:  " HIDDEN "\r\n\r\n" },
	{ "added", "GET / HTTP/1.1\r\nX-Mine:" SECRET "\r\n\r\n",
	  "GET / HTTP/1.1\r\nX-Mine:" HIDDEN "\r\n\r\n" },
	{ "obs-fold", "GET / HTTP/1.1\r\nCookie: a\r\n\t" SECRET "\r\nB: c\r\n\r\n",
	  "GET / HTTP/1.1\r\nCookie: x\r\n\t" HIDDEN "\r\nB: c\r\n\r\n" },
	{ "URL", "GET /?x=1&token=" SECRET "&y=2 HTTP/1.1\r\nReferer: http://h/?api_key=" SECRET "\r\n\r\n",
	  "GET /?x=1&token=" HIDDEN "&y=2 HTTP/1.1\r\nReferer: http://h/?api_key=" HIDDEN "\r\n\r\n" },
	{ "form", "POST / HTTP/1.1\r\nContent-Length: 32\r\n\r\nuser=me&password=" SECRET "&z=1",
	  "POST / HTTP/1.1\r\nContent-Length: 32\r\n\r\nuser=me&password=" HIDDEN "&z=1" },
	{ "form from its first name on", "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\npassword=" SECRET,
	  "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\npassword=" HIDDEN },
	{ "response", "HTTP/1.1 200 OK\r\nSet-Cookie: " SECRET "\r\nLocation: /?code=" SECRET "\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nSet-Cookie: " HIDDEN "\r\nLocation: /?code=" HIDDEN "\r\n\r\n" },
	{ "space before the colon", "GET / HTTP/1.1\r\nAuthorization : Bearer " SECRET "\r\n\r\n",
	  "GET / HTTP/1.1\r\nAuthorization : xxxxxx " HIDDEN "\r\n\r\n" },
	{ "X-Api-Key and its kin",
	  "GET / HTTP/1.1\r\nX-Api-Key: " SECRET "\r\nSec-WebSocket-Key: abcdef==\r\n\r\n",
	  "GET / HTTP/1.1\r\nX-Api-Key: " HIDDEN "\r\nSec-WebSocket-Key: abcdef==\r\n\r\n" },
	{ "user and password in a URL",
	  "GET http://u:" SECRET "@h.example/ HTTP/1.1\r\nHost: " SECRET "@h.example\r\n\r\n",
	  "GET http://xx" HIDDEN "@h.example/ HTTP/1.1\r\nHost: " HIDDEN "@h.example\r\n\r\n" },
	{ "CONNECT", "CONNECT u:" SECRET "@h.example:443 HTTP/1.1\r\nHost: h\r\n\r\n",
	  "CONNECT xx" HIDDEN "@h.example:443 HTTP/1.1\r\nHost: h\r\n\r\n" },
	{ "JSON",
	  "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 39\r\n\r\n"
	  "{\"a\":\"b\",\"passw\\u006frd\":\"" SECRET "\"}GET /next HTTP/1.1\r\n\r\n",
	  "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 39\r\n\r\n"
	  "{\"a\":\"b\",\"passw\\u006frd\":\"" HIDDEN "\"}GET /next HTTP/1.1\r\n\r\n" },
	{ "chunks in a name and in a value",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"pass\r\nb\r\nword\":\"S3cr\r\n"
	  "9;x=y\r\n3tV4lu3\"}\r\n0\r\nX-Secret: " SECRET "\r\n\r\nGET /next HTTP/1.1\r\n\r\n",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{\"pass\r\nb\r\nword\":\"xxxx\r\n"
	  "9;x=y\r\nxxxxxxx\"}\r\n0\r\nX-Secret: " HIDDEN "\r\n\r\nGET /next HTTP/1.1\r\n\r\n" },
	{ "signatures of chunks",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;chunk-signature=" SECRET
	  "\r\nab\r\n0;x\r\n\r\n",
	  "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;chunk-signature=" HIDDEN
	  "\r\nab\r\n0;x\r\n\r\n" },
	{ "form with spaces",
	  "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\n\r\n"
	  "password=a#b " SECRET "&z=GET / HTTP/1.1\r\n\r\n",
	  "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\n\r\n"
	  "password=xxxx" HIDDEN "&z=GET / HTTP/1.1\r\n\r\n" },
	{ "multipart",
	  "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 72\r\n\r\n"
	  "--b\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\n" SECRET
	  "\r\n--b--GET / HTTP/1.1\r\n\r\n",
	  "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 72\r\n\r\n"
	  "--b\r\nContent-Disposition: form-data; name=\"secret\"\r\n\r\n" HIDDEN
	  "\r\n--b--GET / HTTP/1.1\r\n\r\n" },
	{ "multipart of several lines",
	  "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 110\r\n\r\n"
	  "--b\r\nContent-Disposition: form-data;\r\n\tname=\"secret\"\r\nA: b\r\n\r\na\r\n\r\n" SECRET
	  "\r\n" SECRET "\r\n--b--\r\n0123456789",
	  "POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 110\r\n\r\n"
	  "--b\r\nContent-Disposition: form-data;\r\n\tname=\"secret\"\r\nA: b\r\n\r\nx\r\n\r\n" HIDDEN
	  "\r\n" HIDDEN "\r\n--b--\r\n0123456789" },
	{ "JSON of several lines",
	  "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 55\r\n\r\n"
	  "{\"token\":\n [\n\"" SECRET "\",\n\"" SECRET "\"\n],\n \"a\": \"b\"}",
	  "POST / HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 55\r\n\r\n"
	  "{\"token\":\n [\n\"" HIDDEN "\",\n\"" HIDDEN "\"\n],\n \"a\": \"b\"}" },
	{ "lines of a head without a colon",
	  "GET / HTTP/1.1\r\nA: b\r\nBearer " SECRET "\r\n" SECRET "\r\n (" SECRET ")\r\nB: c\r\n\r\n",
	  "GET / HTTP/1.1\r\nA: b\r\nxxxxxxx" HIDDEN "\r\n" HIDDEN "\r\n x" HIDDEN "x\r\nB: c\r\n\r\n" },
	{ "HEAD's length is no body's",
	  "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: " SECRET "\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: " HIDDEN "\r\n\r\n" },
	{ "a compressed body is left out",
	  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcdeHTTP/1.1 204 "
	  "No\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n~~~~~HTTP/1.1 204 "
	  "No\r\n\r\n" },
	{ "binary chunks are left out",
	  "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n3\r\n~~~\r\n2\r\n~~\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n" },
	{ "what stands behind an upgrade is left out",
	  "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n{\"token\":\"" SECRET
	  "\"}",
	  "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: "
	  "upgrade\r\n\r\n~~~~~~~~~~~~~~~~~~~~~~~" },
	{ "PROXY preface", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\nCookie: " SECRET "\r\n\r\n",
	  "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nGET / HTTP/1.1\r\nCookie: " HIDDEN "\r\n\r\n" },
};

static void test_rows_in_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice in = slice_of_string(rows[i].in);

		for (size_t piece = 1; piece <= in.len; piece++) {
			struct slice rest = in;
			struct stage stage;

			stage_open(&stage, false);
			while (rest.len) {
				put(&stage, 0, slice_take(rest, piece));
				rest = slice_drop(rest, piece);
			}
			stage_close(&stage);
			assert_int_equal(stage.out->len[0], in.len);
			for (size_t at = 0; at < in.len; at++)
				if (!stage.out->bytes[0][at])
					stage.out->bytes[0][at] = '~';
			if (memcmp(stage.out->bytes[0], rows[i].out, in.len) != 0)
				fail_msg("%s in pieces of %zu: %.*s", rows[i].name, piece, (int)in.len,
					 stage.out->bytes[0]);
		}
	}
}

/* Any four bytes of the secret in a row. */
static bool leaks(const struct out *out)
{
	for (int direction = 0; direction < 2; direction++)
		for (size_t i = 0; i + 4 <= sizeof(SECRET) - 1; i++)
			if (memmem(out->bytes[direction], out->len[direction], SECRET + i, 4))
				return true;
	return false;
}

static void assert_hidden(const struct stage *stage, const char *name, bool keep, size_t at, size_t size)
{
	if (!leaks(stage->out))
		return;
	for (size_t byte = 0; byte < stage->out->len[0]; byte++)
		if (!stage->out->bytes[0][byte])
			stage->out->bytes[0][byte] = '~';
	fail_msg("%s%s: %zu at %zu: %.*s", name, keep ? ", shown" : "", size, at, (int)stage->out->len[0],
		 stage->out->bytes[0]);
}

/* Some bytes are missing, at each place: told by a record, or lost for good. */
static void row_with_hole(const char *name, struct slice in, size_t at, size_t size, bool lost, bool keep)
{
	struct slice rest = slice_drop(in, at + size);
	struct stage stage;

	stage_open(&stage, keep);
	if (at || !lost)
		put_at(&stage, 0, 0, in.data, at, lost ? at : at + size);
	if (rest.len)
		put_at(&stage, 0, at + size, rest.data, rest.len, rest.len);
	for (int polls = 0; polls < 4; polls++)
		poll(&stage, 10);
	stage_close(&stage);
	assert_hidden(&stage, name, keep, at, size);
}

static void test_rows_with_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice in = slice_of_string(rows[i].in);

		for (size_t at = 0; at < in.len; at++)
			for (size_t size = 1; size < 12 && at + size <= in.len; size += 5)
				for (int how = 0; how < 4; how++)
					row_with_hole(rows[i].name, in, at, size, how & 1, how & 2);
	}
}

/* From each byte on, in records of each size; some wait in vain for the next one. */
static void test_rows_joined_late(void **state)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 8, 13, 21, 34, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice in = slice_of_string(rows[i].in);

		for (size_t at = 1; at < in.len; at++) {
			for (size_t way = 0; way < 4 * sizeof(pieces) / sizeof(pieces[0]); way++) {
				struct slice rest = slice_drop(in, at);
				struct stage stage;

				stage_open(&stage, way & 1);
				for (stage.pos[0] = 1000 + at; rest.len;
				     rest = slice_drop(rest, pieces[way / 4])) {
					put(&stage, 0, slice_take(rest, pieces[way / 4]));
					if (way & 2)
						poll(&stage, 2000000000);
				}
				stage_close(&stage);
				assert_hidden(&stage, rows[i].name, way & 1, at, pieces[way / 4]);
			}
		}
	}
}

/* A record ends at each byte, and the next one comes when nobody waits for it any more. */
static void test_rows_that_stall(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice in = slice_of_string(rows[i].in);

		for (size_t at = 1; at < in.len; at++) {
			for (int keep = 0; keep < 2; keep++) {
				struct stage stage;

				stage_open(&stage, keep);
				put(&stage, 0, slice_take(in, at));
				poll(&stage, 2000000000);
				put(&stage, 0, slice_drop(in, at));
				stage_close(&stage);
				assert_hidden(&stage, rows[i].name, keep, at, 0);
			}
		}
	}
}

static void test_late_records_are_put_in_order(void **state)
{
	struct slice in = slice_of_string(rows[1].in);
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	put_at(&stage, 0, 0, in.data, 20, 20);
	put_at(&stage, 0, 45, in.data + 45, in.len - 45, in.len - 45);
	poll(&stage, 10);
	put_at(&stage, 0, 20, in.data + 20, 25, 25);
	assert_int_equal(stage.out->len[0], in.len);
	stage_close(&stage);
	assert_memory_equal(stage.out->bytes[0], rows[1].out, in.len);
	assert_int_equal(stage.out->polls, 1);
}

/* What nobody measured ended the field and began Authorization: no byte behind it is the field's. */
static void test_an_unmeasured_call_stands_behind_what_waits(void **state)
{
	static const char first[] = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
			  late[] = "GET /b HTTP/1.1\r\nHost: x\r\nX-Text: plain", rest[] = SECRET "\r\n\r\n";
	size_t at = sizeof(first) - 1 + 7; /* so many bytes are lost */
	struct event_data refused = {
		.h = { .size = sizeof(refused),
		       .type = EVENT_TLS_REFUSED,
		       .flags = EVENT_PID_VALID,
		       .pid = 7 },
		.ssl = 9,
	};
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	put_at(&stage, 0, 0, (const uint8_t *)first, sizeof(first) - 1, sizeof(first) - 1);
	put_at(&stage, 0, at, (const uint8_t *)late, sizeof(late) - 1, sizeof(late) - 1);
	assert_int_equal(scrub_event(stage.scrub, &refused.h), 0);
	at += sizeof(late) - 1;
	put_at(&stage, 0, at, (const uint8_t *)rest, sizeof(rest) - 1, sizeof(rest) - 1);
	for (int i = 0; i < 4; i++)
		poll(&stage, 1000000);
	stage_close(&stage);
	assert_non_null(memmem(stage.out->bytes[0], OUT_MAX, "GET /a", 6));
	assert_null(memmem(stage.out->bytes[0], OUT_MAX, SECRET, strlen(SECRET)));
}

static void test_what_is_no_http(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct stage stage;

		stage_open(&stage, keep);
		put(&stage, 0, SLICE("*2\r\n$4\r\nAUTH\r\n$11\r\n" SECRET "\r\n"));
		stage_close(&stage);
		assert_int_equal(stage.out->kept > 0, keep);
	}
}

/* Whatever is kept of others: cookies and passwords are in its parameters. */
static void test_fastcgi(void **state)
{
	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		struct stage stage;

		stage_open(&stage, keep);
		put(&stage, 0,
		    SLICE("\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\1\0\44\0\0\13\27HTTP_COOKIEid=" SECRET
			  "=========="));
		put(&stage, 1, SLICE("\1\6\0\1\0\100\0\0Status: 200\r\nSet-Cookie: id=" SECRET "\r\n\r\n"));
		stage_close(&stage);
		assert_int_equal(stage.out->kept, 0);
		assert_false(leaks(stage.out));
	}
}

/* Joined in the middle: nothing is kept of what may be the middle of a value. */
static void test_joined_late(void **state)
{
	struct slice in = SLICE("cr3tV4lu3 " SECRET "\r\nA: b\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n");
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	put_at(&stage, 0, 1000, in.data, in.len, in.len);
	stage_close(&stage);
	assert_false(leaks(stage.out));
	assert_non_null(memmem(stage.out->bytes[0], stage.out->len[0], "GET /next", 9));
}

/* TLS in a tunnel is nobody's secret; what else stands in one is not judged. */
static void test_tunnels(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool kept;
	} cases[] = {
		{ "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\n" SECRET, 22, true },
		{ "\x01\x02" SECRET, 13, false },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct slice head = SLICE("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n");
		struct slice answer = SLICE("HTTP/1.1 200 Connection established\r\n\r\n");
		struct slice bytes = slice_of(cases[i].bytes, cases[i].len);
		struct stage stage;

		stage_open(&stage, false);
		put(&stage, 0, head);
		put(&stage, 1, answer);
		put(&stage, 0, bytes);
		if (cases[i].kept)
			put(&stage, 1, bytes);
		stage_close(&stage);
		assert_int_equal(stage.out->kept,
				 head.len + answer.len + (cases[i].kept ? 2 * bytes.len : 0));
	}
}

static void test_undetermined_for_a_second(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	put_at(&stage, 0, 1000, (const uint8_t *)SECRET, 11, 11);
	poll(&stage, 10);
	assert_int_equal(stage.out->len[0], 0);
	poll(&stage, 2000000000);
	assert_int_equal(stage.out->len[0], 1011);
	assert_int_equal(stage.out->kept, 0);
	stage_close(&stage);
}

/* --- HTTP/2 ------------------------------------------------------------------------ */

static const char script[] =
	"> preface\n"
	"> settings\n"
	"> headers 1 :method=POST :path=/?token=" SECRET "&x=1 authorization=" SECRET " a=b\n"
	"> data 1 end password=" SECRET "&z=1\n"
	"> headers 3 split end :method=GET :path=/plain authorization=" SECRET " cookie=" SECRET " a=b\n"
	"> headers 5 end padded priority :method=GET :path=/last x-mine=" SECRET " a=b\n"
	"> headers 7 :method=POST :path=/lists a=b\n"
	"> data 7 {\"token\":[\n"
	"> data 7 \"a\",\n"
	"> data 7 \"" SECRET "\",\n"
	"> data 7 \"" SECRET "\"\n"
	"> data 7 end ]}\n"
	"< settings\n"
	"< headers 1 :status=200 set-cookie=" SECRET " a=b\n"
	"< data 1 end hello\n"
	"< headers 3 end :status=204 location=/?code=" SECRET "\n";

static void feed(struct stage *stage, const struct build *build, size_t piece)
{
	for (size_t i = 0; i < build->count; i++) {
		struct slice rest = slice_of(build->chunks[i].bytes, build->chunks[i].len);

		for (; rest.len; rest = slice_drop(rest, piece))
			put(stage, build->chunks[i].direction, slice_take(rest, piece));
	}
}

static void test_http2_in_pieces(void **state)
{
	struct build *build = build_new(script);
	static uint8_t whole[2][OUT_MAX];

	(void)state;
	for (size_t piece = 4000; piece; piece = piece > 60 ? 60 : piece - 1) {
		struct stage stage;

		stage_open(&stage, false);
		feed(&stage, build, piece);
		stage_close(&stage);
		assert_false(leaks(stage.out));
		assert_int_equal(stage.out->len[0], stage.pos[0]);
		assert_int_equal(stage.out->kept, stage.pos[0] + stage.pos[1]);
		for (int direction = 0; direction < 2; direction++) {
			if (piece == 4000)
				memcpy(whole[direction], stage.out->bytes[direction], OUT_MAX);
			else
				assert_memory_equal(whole[direction], stage.out->bytes[direction],
						    stage.pos[direction]);
		}
		assert_non_null(memmem(stage.out->bytes[0], stage.out->len[0], "/?token=" HIDDEN "&x=1", 23));
		assert_non_null(
			memmem(stage.out->bytes[0], stage.out->len[0], "password=" HIDDEN "&z=1", 24));
		assert_non_null(memmem(stage.out->bytes[0], stage.out->len[0], "/last", 5));
	}
	build_free(build);
}

static void test_http2_with_holes(void **state)
{
	struct build *build = build_new(script);

	(void)state;
	for (size_t hole = 0; hole < build->count; hole++) {
		size_t len = build->chunks[hole].len;

		for (size_t at = 0; at < 2 * len; at++) {
			struct stage stage;

			stage_open(&stage, at >= len);
			for (size_t i = 0; i < build->count; i++) {
				struct build_chunk *chunk = &build->chunks[i];

				put_at(&stage, chunk->direction, stage.pos[chunk->direction], chunk->bytes,
				       i == hole ? at % len : chunk->len, chunk->len);
				stage.pos[chunk->direction] += chunk->len;
			}
			stage_close(&stage);
			if (leaks(stage.out))
				fail_msg("chunk %zu cut at %zu", hole, at);
		}
	}
	build_free(build);
}

/* A body that is not copied takes no header block with it. */
static void test_http2_block_behind_a_hole(void **state)
{
	struct build *build = build_new("> settings\n"
					"< settings\n"
					"< headers 1 :status=200 a=b\n"
					"< data 1 hello there\n"
					"< headers 1 end grpc-status=0 left=open\n");
	const struct build_chunk *last = &build->chunks[build->count - 1];
	struct stage stage;

	(void)state;
	stage_open(&stage, false);
	for (size_t i = 0; i < build->count; i++) {
		struct build_chunk *chunk = &build->chunks[i];

		put_at(&stage, chunk->direction, stage.pos[chunk->direction], chunk->bytes,
		       i + 2 == build->count ? 12 : chunk->len, chunk->len);
		stage.pos[chunk->direction] += chunk->len;
	}
	stage_close(&stage);
	assert_memory_equal(stage.out->bytes[1] + stage.pos[1] - last->len, last->bytes, last->len);
	build_free(build);
}

/* From each byte of what the client sends on, a frame or a few bytes a record. */
static void test_http2_joined_late(void **state)
{
	static const size_t pieces[] = { 4000, 9, 5 };
	struct build *build = build_new(script);

	(void)state;
	for (size_t first = 0; first < build->count; first++) {
		for (size_t at = 0; at < build->chunks[first].len; at++) {
			for (size_t way = 0; way < 12; way++) {
				struct stage stage;

				stage_open(&stage, way & 1);
				stage.pos[0] = stage.pos[1] = 1000;
				for (size_t i = first; i < build->count; i++) {
					struct slice rest =
						slice_of(build->chunks[i].bytes, build->chunks[i].len);

					rest = slice_drop(rest, i == first ? at : 0);
					for (; rest.len; rest = slice_drop(rest, pieces[way / 4]))
						put(&stage, build->chunks[i].direction,
						    slice_take(rest, pieces[way / 4]));
					if (way & 2)
						poll(&stage, 2000000000);
				}
				stage_close(&stage);
				if (leaks(stage.out))
					fail_msg("joined at byte %zu of chunk %zu, way %zu", at, first, way);
			}
		}
	}
	build_free(build);
}

/* The same, and a chunk or the begin of one is lost before the verdict; the next one is told of by a record.
 */
static void test_http2_joined_late_with_a_loss(void **state)
{
	struct build *build = build_new(script);

	(void)state;
	for (size_t first = 0; first < build->count; first++) {
		for (size_t lost = first + 1; lost < build->count; lost++) {
			for (size_t way = 0; way < 8; way++) {
				struct stage stage;

				stage_open(&stage, way & 1);
				stage.pos[0] = stage.pos[1] = 1000;
				for (size_t i = first; i < build->count; i++) {
					struct build_chunk *chunk = &build->chunks[i];
					size_t copied = i != lost ? chunk->len : way & 2 ? 9 : 0;

					if (copied)
						put_at(&stage, chunk->direction, stage.pos[chunk->direction],
						       chunk->bytes, copied, way & 4 ? copied : chunk->len);
					stage.pos[chunk->direction] += chunk->len;
					poll(&stage, 10);
				}
				stage_close(&stage);
				if (leaks(stage.out))
					fail_msg("joined at chunk %zu without %zu, way %zu", first, lost,
						 way);
			}
		}
	}
	build_free(build);
}

/*
 * Bytes of no HTTP are shown again, joined late, once the other side has spoken; HTTP from a start line on.
 */
static void test_turns(void **state)
{
	static const struct {
		const char *other;
		bool shown;
	} cases[] = { { "+OK\r\n", true },
		      { "\x01\0", false },
		      { "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", false } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct stage stage;

		stage_open(&stage, true);
		stage.pos[0] = stage.pos[1] = 1000;
		put(&stage, 0, SLICE("middle\r\nlines\r\n"));
		put(&stage, 1, slice_of(cases[i].other, i == 1 ? 2 : strlen(cases[i].other)));
		put(&stage, 0, SLICE("hello password=" SECRET "\r\n"));
		poll(&stage, 2000000000);
		put(&stage, 0, SLICE("again\r\n"));
		stage_close(&stage);
		assert_false(leaks(stage.out));
		assert_null(memmem(stage.out->bytes[0], stage.out->len[0], "lines", 5));
		assert_int_equal(!!memmem(stage.out->bytes[0], stage.out->len[0], "hello password=xxx", 18),
				 cases[i].shown);
		assert_int_equal(!!memmem(stage.out->bytes[0], stage.out->len[0], "again", 5),
				 cases[i].shown);
	}
}

/* Behind a hole in a body nobody knows whether a secret goes on; what is shown knows it no better. */
static void test_bodies_with_holes_as_shown(void **state)
{
	static const char *const bodies[] = {
		"x=1&password=" SECRET "&z=1",
		"{\"a\":1,\"password\":\"" SECRET "\"}",
		"--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" SECRET "\r\n--b--\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		char text[512];
		struct slice in;

		snprintf(text, sizeof(text),
			 "POST / HTTP/1.1\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
			 i == 2 ? "multipart/form-data; boundary=b" : "text/plain", strlen(bodies[i]),
			 bodies[i]);
		in = slice_of_string(text);
		for (size_t at = in.len - strlen(bodies[i]); at < in.len; at++) {
			struct slice rest = slice_drop(in, at + 1);
			struct stage stage;

			stage_open(&stage, true);
			put_at(&stage, 0, 0, in.data, at, at + 1);
			if (rest.len)
				put_at(&stage, 0, at + 1, rest.data, rest.len, rest.len);
			stage_close(&stage);
			if (leaks(stage.out))
				fail_msg("body %zu without byte %zu", i, at);
		}
	}
}

/* Text of the sender's; and frames that hark does not know, which are shown but not recorded. */
static void test_http2_other_frames(void **state)
{
	static const char goaway[] = "\0\0\x19\7\0\0\0\0\0\0\0\0\0\0\0\0\0token=" SECRET;
	static const char unknown[] = "\0\0\x11\xaa\0\0\0\0\1token=" SECRET "\0\0\0\4\0\0\0\0\0";

	(void)state;
	for (int keep = 0; keep < 2; keep++) {
		for (size_t piece = 1; piece < 60; piece++) {
			struct slice rest = slice_of(goaway, sizeof(goaway) - 1);
			struct stage stage;

			stage_open(&stage, keep);
			put(&stage, 0, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"));
			for (; rest.len; rest = slice_drop(rest, piece))
				put(&stage, 0, slice_take(rest, piece));
			rest = slice_of(unknown, sizeof(unknown) - 1);
			for (; rest.len; rest = slice_drop(rest, piece))
				put(&stage, 0, slice_take(rest, piece));
			stage_close(&stage);
			assert_false(leaks(stage.out));
			assert_int_equal(stage.out->kept, stage.pos[0] - (keep ? 0 : 17));
		}
	}
}

struct decoded {
	char text[1024];
	size_t len;
};

static void decode_field(void *ctx, const struct hpack_field *field)
{
	struct decoded *decoded = ctx;

	decoded->len += (size_t)snprintf(decoded->text + decoded->len, sizeof(decoded->text) - decoded->len,
					 "%.*s=%.*s\n", (int)field->name.len, field->name.data,
					 (int)field->value.len, field->value.data);
}

/* Real blocks, Huffman-coded and indexed: lengths stay, later references agree. */
static void test_blocks_of_a_real_encoder(void **state)
{
	static const char *const fields[][2] = {
		{ ":method", "GET" },
		{ ":path", "/a?token=" SECRET "&next=1" },
		{ "authorization", "Bearer " SECRET },
		{ "x-harmless", "plain" },
		{ "cookie", "a=" SECRET "; b=\x01\xff" },
		{ "x-mine", SECRET },
	};
	struct redact *redact = redact_new(false);
	struct hpack *hpack = hpack_new(65536), *reader = hpack_new(65536), *plain = hpack_new(65536);
	nghttp2_hd_deflater *deflater;
	nghttp2_nv nv[6];

	(void)state;
	assert_int_equal(redact_add(redact, "x-mine"), 0);
	assert_int_equal(nghttp2_hd_deflate_new(&deflater, 4096), 0);
	for (int i = 0; i < 6; i++)
		nv[i] = (nghttp2_nv){ (uint8_t *)fields[i][0], (uint8_t *)fields[i][1], strlen(fields[i][0]),
				      strlen(fields[i][1]), NGHTTP2_NV_FLAG_NONE };
	for (int round = 0; round < 5; round++) {
		uint8_t block[1024], before[1024];
		struct scrub_facts facts = { .body = CONTENT_WORDS };
		ssize_t len = nghttp2_hd_deflate_hd(deflater, block, sizeof(block), nv, 6);
		struct decoded decoded = { .len = 0 }, original = { .len = 0 };
		const struct hpack_sink sink = { &decoded, decode_field },
					plain_sink = { &original, decode_field };

		assert_true(len > 0);
		memcpy(before, block, (size_t)len);
		assert_int_equal(hpack_inflate(plain, slice_of(before, (size_t)len), true, &plain_sink), 0);
		assert_true(scrub_block(hpack, redact, block, (size_t)len, &facts) >= (round ? 0 : 3));
		assert_int_equal(hpack_inflate(reader, slice_of(block, (size_t)len), true, &sink), 0);
		assert_null(strstr(decoded.text, "S3cr"));
		assert_non_null(strstr(original.text, SECRET));
		assert_int_equal(strlen(decoded.text), strlen(original.text));
		assert_non_null(strstr(decoded.text, ":path=/a?token="));
		assert_non_null(strstr(decoded.text, "&next=1\n"));
		assert_non_null(strstr(decoded.text, "x-harmless=plain\n"));
	}
	nghttp2_hd_deflate_del(deflater);
	hpack_free(hpack);
	hpack_free(reader);
	hpack_free(plain);
	redact_free(redact);
}

/* A table of HPACK's for each of many layers: the longest unused go, what waits of them is handed on. */
static void test_budget(void **state)
{
	static const char begin[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	/* GET / with a field of 300 bytes that goes into the table. */
	uint8_t bytes[sizeof(begin) - 1 + 9 + 3 + 3 + 3 + 300], *head = bytes + sizeof(begin) - 1;
	struct stage stage;

	(void)state;
	budget.limit_bytes = 8 << 20;
	counters[COUNTER_LIMIT_MEMORY] = 0;
	memcpy(bytes, begin, sizeof(begin) - 1);
	memcpy(head, "\0\x1\x35\1\4\0\0\0\1\x82\x84\x86\x40\x1x\x7f\xad\x1", 18);
	memset(head + 18, 'v', 300);
	stage_open(&stage, false);
	for (unsigned int i = 0; i < 500; i++) {
		stage.ssl = i;
		stage.pos[0] = 0;
		put(&stage, 0, slice_of(bytes, sizeof(bytes)));
		put(&stage, 0, SLICE("\0\0\x9\1\0\0\0\0\3\x82"));
		assert_in_range(budget.held_bytes, 1, 1 << 20);
	}
	assert_in_range(counters[COUNTER_LIMIT_MEMORY], 1, 499);
	stage_close(&stage);
	budget.limit_bytes = 0;
}

/* An opening that everybody sends is kept; one that only looks like it may be anything. */
static void test_datagrams(void **state)
{
	uint8_t bytes[1300] = { 0 };
	struct stage stage;
	size_t len = quic_hex(QUIC_RFC9001_A2, bytes);

	(void)state;
	stage_open(&stage, false);
	datagram_put(&stage, bytes, len);
	assert_int_equal(stage.out->kept, 1200);
	memcpy(bytes + len, "secret", 6);
	datagram_put(&stage, bytes, len + 6);
	assert_int_equal(stage.out->kept, 2400);
	bytes[700] ^= 1;
	datagram_put(&stage, bytes, len);
	datagram_put(&stage, (const uint8_t *)"secret", 6);
	assert_int_equal(stage.out->kept, 2400);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_rows_in_pieces),
		cmocka_unit_test(test_rows_with_holes),
		cmocka_unit_test(test_rows_joined_late),
		cmocka_unit_test(test_rows_that_stall),
		cmocka_unit_test(test_late_records_are_put_in_order),
		cmocka_unit_test(test_an_unmeasured_call_stands_behind_what_waits),
		cmocka_unit_test(test_what_is_no_http),
		cmocka_unit_test(test_fastcgi),
		cmocka_unit_test(test_joined_late),
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_undetermined_for_a_second),
		cmocka_unit_test(test_http2_in_pieces),
		cmocka_unit_test(test_http2_with_holes),
		cmocka_unit_test(test_http2_block_behind_a_hole),
		cmocka_unit_test(test_http2_joined_late),
		cmocka_unit_test(test_http2_joined_late_with_a_loss),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_bodies_with_holes_as_shown),
		cmocka_unit_test(test_http2_other_frames),
		cmocka_unit_test(test_blocks_of_a_real_encoder),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
