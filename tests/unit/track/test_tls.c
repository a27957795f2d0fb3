/* SPDX-License-Identifier: Apache-2.0 */
/* Plaintext of one TLS session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/counters.h"
#include "event_builder.h"
#include "model/event_check.h"
#include "track/tls.h"

#define GET  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_3 "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
#define H2   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\3\1\5\0\0\0\1\x82\x84\x86"
#define H2OK "\0\0\0\4\0\0\0\0\0\0\0\1\1\5\0\0\0\1\x88"

struct fixture {
	struct bench bench;
	struct pipeline pipeline;
	struct conn_facts facts;
	struct tls_session *session;
	struct peer peer;
	bool from_start;
};

static void begin(struct fixture *fixture, bool from_start)
{
	memset(counters, 0, sizeof(counters));
	*fixture = (struct fixture){ .facts = { .id = 1 }, .from_start = from_start };
	bench_init(&fixture->bench);
	fixture->pipeline.config = fixture->bench.config;
	fixture->pipeline.handler = (struct pipeline_handler){ .ctx = &fixture->bench,
							       .exchange = bench_exchange,
							       .mark = bench_mark };
	fixture->peer = (struct peer){ .pid = 7, .fd = -1, .ssl = 5 };
	fixture->session = tls_session_new(&fixture->pipeline, (struct tls_key){ .ssl = 5, .pid = 7 });
	flow_move(&fixture->session->flow, &fixture->facts);
}

static void finish(struct fixture *fixture)
{
	flow_end(&fixture->session->flow, END_CLOSED);
	tls_session_free(fixture->session);
}

static void put_bytes(struct fixture *fixture, enum event_direction direction, const char *bytes, size_t len)
{
	static const struct mover mover = { .pid = 7 };
	struct event_data *event = data_make(&fixture->bench, &fixture->peer, direction,
					     fixture->peer.offset[direction], bytes, len, len);

	if (fixture->from_start)
		event->h.flags |= EVENT_FROM_START;
	fixture->peer.offset[direction] += len;
	fixture->pipeline.now_ns = event->h.time_ns;
	tls_session_record(fixture->session, event, &mover);
	free(event);
}

#define PUT(fixture, direction, literal) put_bytes(fixture, direction, literal, sizeof(literal) - 1)

/* Seen from the handshake or only from some point on, whole or in any two pieces. */
static void test_every_split(void **state)
{
	static const struct {
		const char *name, *request, *response, *expected;
		size_t request_len, response_len;
	} rows[] = {
		{ "http/1", GET, OK_3, "1:GET /a 200 3\n", sizeof(GET) - 1, sizeof(OK_3) - 1 },
		{ "http/2", H2, H2OK, "1:GET / 200 0\n", sizeof(H2) - 1, sizeof(H2OK) - 1 },
	};

	(void)state;
	for (int start = 0; start < 2; start++) {
		for (size_t i = 0; i < 2; i++) {
			for (size_t cut = 0; cut < rows[i].request_len; cut++) {
				struct fixture f;

				begin(&f, start);
				put_bytes(&f, DIRECTION_SENT, rows[i].request, cut);
				put_bytes(&f, DIRECTION_SENT, rows[i].request + cut,
					  rows[i].request_len - cut);
				put_bytes(&f, DIRECTION_RECEIVED, rows[i].response, rows[i].response_len);
				finish(&f);
				if (strcmp(f.bench.log, rows[i].expected))
					fail_msg("%s cut at %zu, start %d: %s", rows[i].name, cut, start,
						 f.bench.log);
			}
		}
	}
}

/* Not HTTP: nothing comes out, and the kernel side is not told to mute a socket that carries ciphertext. */
static void test_not_http(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, true);
	PUT(&f, DIRECTION_RECEIVED, "220 mail ready\r\n");
	PUT(&f, DIRECTION_SENT, "EHLO x\r\n");
	assert_string_equal(f.bench.log, "");
	assert_string_equal(f.session->flow.muted, "not HTTP");
	finish(&f);
}

static void test_other_session(void **state)
{
	struct event_data *event;
	struct fixture f;

	(void)state;
	begin(&f, true);
	PUT(&f, DIRECTION_SENT, GET);
	event = data_make(&f.bench, &f.peer, DIRECTION_SENT, 0, GET, strlen(GET), strlen(GET));
	assert_false(tls_session_is_other(f.session, event));
	event->h.flags |= EVENT_FROM_START;
	assert_true(tls_session_is_other(f.session, event));
	event->h.flags = 0;
	event->sock.id = 9;
	assert_false(tls_session_is_other(f.session, event));
	f.session->socket_id = 8;
	assert_true(tls_session_is_other(f.session, event));
	free(event);
	finish(&f);
}

static void test_library(void **state)
{
	struct event_data event = { .source = SOURCE_OPENSSL };

	(void)state;
	assert_string_equal(tls_library(&event), "openssl");
	event.source = 4;
	assert_string_equal(tls_library(&event), "boringssl");
	event.source = 5;
	assert_string_equal(tls_library(&event), "libressl");
	event.source = SOURCE_KERNEL_TLS;
	assert_string_equal(tls_library(&event), "kernel");
	event.source = 255; /* of a later version */
	assert_null(tls_library(&event));
	event.source = SOURCE_SYSCALL;
	assert_null(tls_library(&event));
	event.source = SOURCE_UNKNOWN;
	assert_null(tls_library(&event));
}

/* A write begins when it was entered; nothing else does, nor does one that claims to begin after its end. */
static void test_began(void **state)
{
	struct event_data event = {
		.h = { .type = EVENT_TLS_DATA, .flags = EVENT_CALL_TIME, .time_ns = 500 },
		.offset = 200,
		.direction = DIRECTION_SENT,
	};

	(void)state;
	assert_int_equal(event_began_ns(&event), 200);
	event.direction = DIRECTION_RECEIVED;
	assert_int_equal(event_began_ns(&event), 500);
	event.direction = DIRECTION_SENT;
	event.offset = 501;
	assert_int_equal(event_began_ns(&event), 500);
	event.offset = 200;
	event.h.flags = 0;
	assert_int_equal(event_began_ns(&event), 500);
	event.h.flags = EVENT_CALL_TIME;
	event.h.type = EVENT_SOCKET_DATA;
	assert_int_equal(event_began_ns(&event), 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),   cmocka_unit_test(test_not_http),
		cmocka_unit_test(test_other_session), cmocka_unit_test(test_library),
		cmocka_unit_test(test_began),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
