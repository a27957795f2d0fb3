/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is read back block by block, each packet a line: its ends, flags, numbers, length, and whether both
 * checksums hold. Rows are calls and what they become; then what is hostile, large, closed, forgotten, and
 * without memory.
 */
#include "alloc_fail.h"

#include "base/buffer.c"
#include "sinks/pcapng.c"
#include "sinks/pcapng_conns.c"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	ORDER_MAGIC = 0x1a2b3c4d,
};

struct reader {
	const uint8_t *at;
	size_t left;
	int interfaces;
	uint16_t links[2];
	char comment[256];
	char text[8192];
	size_t len;
};

static void say(struct reader *reader, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	reader->len += (size_t)vsnprintf(reader->text + reader->len, sizeof(reader->text) - reader->len,
					 format, arguments);
	va_end(arguments);
	assert_true(reader->len < sizeof(reader->text));
}

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t net16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t net32(const uint8_t *at)
{
	return net16(at) << 16 | net16(at + 2);
}

/* RFC 1071, as slow and plain as that has it. */
static uint32_t ones_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void read_tcp(struct reader *reader, const uint8_t *addresses, size_t each, const uint8_t *tcp,
		     size_t len)
{
	static const struct {
		unsigned int flag;
		char name;
	} flags[] = {
		{ TCP_SYN, 'S' }, { TCP_FIN, 'F' }, { TCP_RST, 'R' }, { TCP_PSH, 'P' }, { TCP_ACK, 'A' }
	};
	char text[2][INET6_ADDRSTRLEN];
	uint32_t sum = ones_sum(IPPROTO_TCP + (uint32_t)len, addresses, 2 * each);

	for (int i = 0; i < 2; i++)
		inet_ntop(each == 4 ? AF_INET : AF_INET6, addresses + each * (size_t)i, text[i],
			  sizeof(text[i]));
	assert_int_equal(ones_sum(sum, tcp, len), 0xffff);
	assert_int_equal(tcp[12], 5 << 4);
	say(reader, "%s.%u>%s.%u ", text[0], net16(tcp), text[1], net16(tcp + 2));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (tcp[13] & flags[i].flag)
			say(reader, "%c", flags[i].name);
	say(reader, " %u %u", net32(tcp + 4), net32(tcp + 8));
	if (len > 200)
		say(reader, " %zu", len - 20);
	else if (len > 20)
		say(reader, " '%.*s'", (int)len - 20, (const char *)tcp + 20);
	say(reader, "\n");
}

static void read_packet(struct reader *reader, const uint8_t *bytes, size_t len)
{
	size_t header = bytes[0] >> 4 == 4 ? 20 : 40;

	assert_true(len >= header + 20);
	if (header == 20) {
		assert_int_equal(net16(bytes + 2), len);
		assert_int_equal(ones_sum(0, bytes, 20), 0xffff);
		read_tcp(reader, bytes + 12, 4, bytes + 20, len - 20);
	} else {
		assert_int_equal(net16(bytes + 4), len - 40);
		read_tcp(reader, bytes + 8, 16, bytes + 40, len - 40);
	}
}

/* The tags that make a hint: "hint http_tcp 'bytes'". */
static void read_hint(struct reader *reader, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (net16(bytes + at)) {
		if (net16(bytes + at) == PDU_HEURISTIC)
			say(reader, "hint %.*s", (int)net16(bytes + at + 2), (const char *)bytes + at + 4);
		at += 4 + net16(bytes + at + 2);
		assert_true(at + 4 <= len);
	}
	say(reader, "\n");
}

static void read_options(struct reader *reader, const uint8_t *at, const uint8_t *end)
{
	reader->comment[0] = '\0';
	while (at < end && (at[0] || at[1])) {
		uint32_t head = word(at), len = head >> 16;

		if ((head & 0xffff) == PCAPNG_OPT_COMMENT)
			snprintf(reader->comment, sizeof(reader->comment), "%.*s", (int)len,
				 (const char *)at + 4);
		at += 4 + (len + 3) / 4 * 4;
	}
	assert_int_equal(at + 4 - end, 0);
}

static void read_block(struct reader *reader, uint32_t type, const uint8_t *body, size_t len)
{
	uint32_t size;

	switch (type) {
	case BLOCK_SECTION:
		assert_int_equal(word(body), ORDER_MAGIC);
		return read_options(reader, body + 16, body + len);
	case BLOCK_INTERFACE:
		reader->links[reader->interfaces++] = (uint16_t)word(body);
		return read_options(reader, body + 8, body + len);
	case BLOCK_PACKET:
		size = word(body + 12);
		assert_int_equal(size, word(body + 16));
		assert_true(word(body) < (uint32_t)reader->interfaces);
		if (reader->links[word(body)] == PCAPNG_LINK_RAW)
			read_packet(reader, body + 20, size);
		else
			read_hint(reader, body + 20, size);
		return read_options(reader, body + 20 + (size + 3) / 4 * 4, body + len);
	default:
		fail();
	}
}

/* Every block is whole, and says its length at both ends. */
static void read_all(struct reader *reader, const char *text, size_t left)
{
	const uint8_t *at = (const uint8_t *)text;

	*reader = (struct reader){ .interfaces = 0 };
	while (left) {
		uint32_t len = word(at + 4);

		assert_true(len % 4 == 0 && len >= 12 && len <= left);
		assert_int_equal(word(at + len - 4), len);
		read_block(reader, word(at), at + 8, len - 12);
		at += len;
		left -= len;
	}
}

#define C DIRECTION_SENT
#define S DIRECTION_RECEIVED

struct said {
	enum event_direction direction;
	const char *bytes;
	uint64_t position;
	uint64_t more; /* bytes that were not copied */
	uint64_t lost;
	bool end, reset, tls, numbered;
	const char *protocol;
};

static void show(const struct sink_ops *ops, struct sink *sink, const struct conn_facts *conn,
		 const struct said *said, const struct conn_facts *peer)
{
	struct slice bytes = slice_of_string(said->bytes);
	struct call call = {
		.conn = conn,
		.mover = conn->owner,
		.direction = said->direction,
		.time_ns = SAMPLE_START_NS,
		.position = said->position,
		.numbered = said->numbered,
		.len = bytes.len + said->more,
		.bytes = bytes,
		.lost_bytes = said->lost,
		.end = said->end,
		.reset = said->reset,
		.tls = said->tls,
		.protocol = said->protocol,
		.peer = peer,
	};

	ops->show[RESULT_CALL](
		sink,
		&(struct result){ .kind = RESULT_CALL, .conn = conn, .mover = &call.mover, .call = &call });
}

static void plain(struct conn_facts *conn)
{
	conn->opened_ns = conn->closed_ns = 0;
}

static void opened(struct conn_facts *conn)
{
	conn->closed_ns = 0;
}

static void server(struct conn_facts *conn)
{
	opened(conn);
	conn->role = ROLE_SERVER;
}

static void closed(struct conn_facts *conn)
{
	conn->opened_ns = 0;
}

static void reset(struct conn_facts *conn)
{
	closed(conn);
	conn->flags |= FLAG_RESET;
}

static void known(struct conn_facts *conn)
{
	plain(conn);
	conn->origin = (struct conn_origin){ .number = { 5000, 9000 }, .known = { true, true } };
}

static void ipv6(struct conn_facts *conn)
{
	plain(conn);
	conn->sock.family = AF_INET6;
	inet_pton(AF_INET6, "2001:db8::1", conn->sock.local);
	inet_pton(AF_INET6, "2001:db8::2", conn->sock.peer);
}

static void mapped(struct conn_facts *conn)
{
	ipv6(conn);
	inet_pton(AF_INET6, "::ffff:10.0.0.1", conn->sock.local);
	inet_pton(AF_INET6, "::ffff:10.0.0.2", conn->sock.peer);
}

static void unix_socket(struct conn_facts *conn)
{
	plain(conn);
	conn->sock.family = AF_UNIX;
	conn->id = 0x1234500000abc;
}

static void odd_family(struct conn_facts *conn)
{
	unix_socket(conn);
	conn->sock.family = 0xffff;
	conn->role = ROLE_SERVER;
}

static void quic(struct conn_facts *conn)
{
	plain(conn);
	conn->sock.protocol = IPPROTO_UDP;
}

#define UP	"10.0.0.1.40000>10.0.0.2.8443 "
#define DOWN	"10.0.0.2.8443>10.0.0.1.40000 "
#define H1	.protocol = "http/1"
#define H2	.protocol = "http2"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static const struct row {
	const char *name;
	bool raw;
	void (*change)(struct conn_facts *conn);
	struct said said[5];
	const char *expected;
} rows[] = {
	{ "a request and its answer",
	  false,
	  plain,
	  { { C, "ask", .position = 0, .tls = true, H1 },
	    { S, "answer", .tls = true, H1 },
	    { C, "again", 3, .tls = true, H1 } },
	  UP "PA 1 1 'ask'\n" DOWN "PA 1 4 'answer'\n" UP "PA 4 7 'again'\n" },
	{ "opened here",
	  false,
	  opened,
	  { { C, "ask", .tls = true } },
	  UP "S 0 0\n" DOWN "SA 0 1\n" UP "A 1 1\n" UP "PA 1 1 'ask'\n" },
	{ "opened there",
	  false,
	  server,
	  { { S, "ask", .tls = true } },
	  DOWN "S 0 0\n" UP "SA 0 1\n" DOWN "A 1 1\n" DOWN "PA 1 1 'ask'\n" },
	{ "neither HTTP nor TLS", false, opened, { { C, "PING", .position = 0 } }, "" },
	{ "the same in raw", true, plain, { { C, "PING", .position = 0 } }, UP "PA 1 1 'PING'\n" },
	{ "behind an upgrade",
	  false,
	  plain,
	  { { C, "ask", H1 }, { C, "frame", .position = 3 } },
	  UP "PA 1 1 'ask'\n" UP "PA 4 1 'frame'\n" },
	{ "not all was copied",
	  false,
	  plain,
	  { { C, "ask", .more = 100, H1 }, { C, "next", 103, H1 }, { S, "ok", H1 } },
	  UP "PA 1 1 'ask'\n" UP "PA 104 1 'next'\n" DOWN "PA 1 108 'ok'\n" },
	{ "more than any connection has",
	  false,
	  plain,
	  { { C, "ask", .more = UINT64_MAX - 3, H1 }, { C, "next", UINT64_MAX, H1 } },
	  UP "PA 1 1 'ask'\n" UP "PA 0 1 'next'\n" },
	{ "nothing was copied",
	  false,
	  plain,
	  { { C, "", .more = 1000, H1 }, { C, "next", 1000, H1 } },
	  UP "PA 1001 1 'next'\n" },
	{ "lost, nobody knows how much",
	  false,
	  plain,
	  { { C, "ask", H1 }, { C, "", 3, .lost = HOLE_UNKNOWN_SIZE, H1 }, { C, "next", 3, H1 } },
	  UP "PA 1 1 'ask'\n" UP "PA 5 1 'next'\n" },
	{ "TCP's numbers, beginning known",
	  false,
	  known,
	  { { C, "ask", 5000, .numbered = true, H1 }, { S, "late", 9100, .numbered = true, H1 } },
	  UP "PA 1 1 'ask'\n" DOWN "PA 101 4 'late'\n" },
	{ "TCP's numbers, with the SYN's",
	  false,
	  known,
	  { { C, "ask", 5001, .numbered = true, H1 } },
	  UP "PA 1 1 'ask'\n" },
	{ "TCP's numbers, late",
	  false,
	  plain,
	  { { C, "ask", 4294967290, .numbered = true, H1 }, { C, "ing", 1, .numbered = true, H1 } },
	  UP "PA 1 1 'ask'\n" UP "PA 8 1 'ing'\n" },
	{ "TLS in what was clear",
	  false,
	  plain,
	  { { C, "CONNECT", 700, .numbered = true, H1 },
	    { C, "inner", .tls = true, H1 },
	    { C, "more", 5, .tls = true, H1 } },
	  UP "PA 1 1 'CONNECT'\n" UP "PA 8 1 'inner'\n" UP "PA 13 1 'more'\n" },
	{ "a second session",
	  false,
	  plain,
	  { { C, "first", .tls = true, H1 }, { C, "second", .tls = true, H1 } },
	  UP "PA 1 1 'first'\n" UP "PA 6 1 'second'\n" },
	{ "ends",
	  false,
	  plain,
	  { { C, "ask", H1 }, { S, "", .end = true }, { S, "", .end = true } },
	  UP "PA 1 1 'ask'\n" DOWN "FA 1 4\n" },
	{ "closed by the peer",
	  false,
	  closed,
	  { { C, "ask", H1 } },
	  UP "PA 1 1 'ask'\n" DOWN "FA 1 4\n" UP "FA 4 2\n" },
	{ "reset by the peer",
	  false,
	  reset,
	  { { C, "ask", H1 }, { C, "", .reset = true } },
	  UP "PA 1 1 'ask'\n" DOWN "RA 1 4\n" },
	{ "IPv6", false, ipv6, { { C, "ask", H1 } }, "2001:db8::1.40000>2001:db8::2.8443 PA 1 1 'ask'\n" },
	{ "IPv4 in IPv6", false, mapped, { { C, "ask", H1 } }, UP "PA 1 1 'ask'\n" },
	{ "Unix",
	  false,
	  unix_socket,
	  { { C, "ask", H1 } },
	  "100::1:1:2345:0:abc.1024>100::2:1:2345:0:abc.80 PA 1 1 'ask'\n" },
	{ "no family that anybody knows",
	  false,
	  odd_family,
	  { { C, "answer", H1 } },
	  "100::1:1:2345:0:abc.80>100::2:1:2345:0:abc.1024 PA 1 1 'answer'\n" },
	{ "HTTP/3", false, quic, { { C, "ask", H1 } }, "" },
	{ "HTTP/2 from its beginning",
	  false,
	  plain,
	  { { C, PREFACE, .tls = true, H2 } },
	  "hint http_tcp\n" UP "PA 1 1 '" PREFACE "'\n" },
	{ "HTTP/2, nobody knows yet",
	  false,
	  plain,
	  { { C, PREFACE, .tls = true } },
	  "hint http_tcp\n" UP "PA 1 1 '" PREFACE "'\n" },
	{ "HTTP/2 late, found by and by",
	  false,
	  plain,
	  { { C, "head", .tls = true }, { C, "data", 4, .tls = true, H2 } },
	  UP "PA 1 1 'head'\n"
	     "hint http_tcp\n"
	     "hint http2_tcp\n" UP "PA 5 1 'data'\n" },
	{ "HTTP/2 in raw", true, plain, { { C, "head", .tls = true, H2 } }, UP "PA 1 1 'head'\n" },
};

static void run_row(const struct row *row, struct reader *reader)
{
	const struct sink_ops *ops = row->raw ? &raw_pcap_sink : &watch_pcap_sink;
	struct sample_sink s;
	struct sample sample;

	sample_init(&sample);
	row->change(&sample.conn);
	sample_sink_open(&s, ops, 0, false, false);
	for (size_t i = 0; i < 5 && row->said[i].bytes; i++)
		show(ops, s.sink, &sample.conn, &row->said[i], NULL);
	sample_show_conn(ops, s.sink, RESULT_CONN_CLOSED, &sample.conn);
	assert_null(s.sink->conns.table);
	sink_free(ops, s.sink);
	s.sink = NULL;
	sample_sink_text(&s);
	read_all(reader, s.text, s.len);
	sample_sink_close(&s);
	sample_fini(&sample);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct reader reader;

		run_row(&rows[i], &reader);
		if (strcmp(reader.text, rows[i].expected) != 0)
			fail_msg("%s:\n%swanted:\n%s", rows[i].name, reader.text, rows[i].expected);
	}
}

/* The end that moved first is shown; the other one only if that is gone. */
static void test_one_end_of_two(void **state)
{
	static const struct said ask = { C, "ask", .tls = true }, asked = { S, "ask", .tls = true };
	struct conn_facts ends[2];
	struct sample_sink s;
	struct sample sample;
	struct reader reader;

	(void)state;
	sample_init(&sample);
	plain(&sample.conn);
	ends[0] = ends[1] = sample.conn;
	ends[1].id = 13;
	ends[1].role = ROLE_SERVER;
	sample_sink_open(&s, &watch_pcap_sink, 0, false, false);
	show(s.ops, s.sink, &ends[0], &ask, NULL);
	show(s.ops, s.sink, &ends[1], &asked, &ends[0]);
	sample_show_conn(s.ops, s.sink, RESULT_CONN_CLOSED, &ends[0]);
	show(s.ops, s.sink, &ends[1], &asked, NULL);
	sink_free(s.ops, s.sink);
	s.sink = NULL;
	sample_sink_text(&s);
	read_all(&reader, s.text, s.len);
	assert_string_equal(reader.text, UP "PA 1 1 'ask'\n");
	assert_int_equal(counters[COUNTER_PCAPNG_OTHER_ENDS], 1);
	sample_sink_close(&s);
	sample_fini(&sample);
}

/* A call is cut into segments that IP has room for; with a comment longer than an option may be. */
static void test_large(void **state)
{
	static const struct container container = { .names = {
							    [CONTAINER_ID] =
								    SLICE("0123456789abcdef0123456789abcdef"
									  "0123456789abcdef0123456789abcdef"),
							    [CONTAINER_NAME] = SLICE("web"),
							    [CONTAINER_POD] = SLICE("web-1"),
							    [CONTAINER_NAMESPACE] = SLICE("shop"),
							    [CONTAINER_UNIT] = SLICE("a\033.service"),
						    } };
	char *bytes = malloc(200001);
	struct said said = { C, bytes, .tls = true };
	struct sample_sink s;
	struct sample sample;
	struct reader reader;

	(void)state;
	memset(bytes, 'x', 200000);
	bytes[200000] = '\0';
	sample_init(&sample);
	plain(&sample.conn);
	sample.conn.owner.container = &container;
	sample.conn.tls_library = "openssl";
	sample_sink_open(&s, &watch_pcap_sink, 0, false, false);
	show(s.ops, s.sink, &sample.conn, &said, NULL);
	sink_free(s.ops, s.sink);
	s.sink = NULL;
	sample_sink_text(&s);
	read_all(&reader, s.text, s.len);
	assert_string_equal(reader.text, UP "A 1 1 61440\n" UP "A 61441 1 61440\n" UP "A 122881 1 61440\n" UP
					    "PA 184321 1 15680\n");
	assert_string_equal(
		reader.comment,
		"curl[1234], container web, pod web-1, namespace shop, unit a\\x1b.service, TLS by openssl");
	sample_sink_close(&s);
	sample_fini(&sample);
	free(bytes);
}

static void test_text_longer_than_an_option(void **state)
{
	struct buffer out = { 0 };
	char *text = calloc(1, 100000);
	struct pcapng_packet packet;
	struct reader reader;

	(void)state;
	pcapng_put_section(&out, slice_of(text, 100000), SLICE(""), SLICE("x"));
	pcapng_put_interface(&out, PCAPNG_LINK_PDU, "if", "");
	packet = pcapng_packet_begin(&out, 0, 1);
	buffer_put(&out, "\0\0\0\0", 4);
	pcapng_packet_end(&out, &packet, PCAPNG_INBOUND, slice_of(text, 100000));
	read_all(&reader, out.data, out.len);
	buffer_fini(&out);
	free(text);
}

/* So many at once are known; one that was forgotten goes on with the numbers that TCP gives it. */
static void test_connections_are_bounded(void **state)
{
	static const struct said ask = { C, "ask", .protocol = "http/1" };
	struct sample_sink s;
	struct sample sample;

	(void)state;
	sample_init(&sample);
	plain(&sample.conn);
	sample_sink_open(&s, &watch_pcap_sink, 0, false, false);
	for (uint64_t id = 1; id <= PCAPNG_CONNS_MAX + 100; id++) {
		sample.conn.id = id;
		show(s.ops, s.sink, &sample.conn, &ask, NULL);
	}
	assert_int_equal(HASH_COUNT(s.sink->conns.table), PCAPNG_CONNS_MAX);
	assert_null(pcapng_conns_find(&s.sink->conns, 100));
	assert_non_null(pcapng_conns_find(&s.sink->conns, 101));
	sample_sink_close(&s);
	sample_fini(&sample);
}

/* Whatever fails, what is written is whole blocks. */
static void test_without_memory(void **state)
{
	(void)state;
	for (long n = 1; n < 40; n++) {
		struct sample_sink s;
		struct sample sample;
		struct reader reader;

		sample_init(&sample);
		sample_sink_open(&s, &watch_pcap_sink, 0, false, false);
		alloc_fail_countdown = n;
		for (int i = 0; i < 3; i++) {
			struct said said = { i & 1 ? S : C, PREFACE, .position = 0, .tls = true,
					     .protocol = "http2" };

			sample.conn.id = (uint64_t)i;
			show(s.ops, s.sink, &sample.conn, &said, NULL);
			s.ops->tick(s.sink, 0);
		}
		alloc_fail_countdown = 0;
		sink_free(s.ops, s.sink);
		s.sink = NULL;
		sample_sink_text(&s);
		read_all(&reader, s.text, s.len);
		sample_sink_close(&s);
		sample_fini(&sample);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_one_end_of_two),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_text_longer_than_an_option),
		cmocka_unit_test(test_connections_are_bounded),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}
