/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The packets of the RFCs, and sealed ones of the tests' own: the hello in every two pieces, in both orders,
 * with a hole at every offset; each byte changed; each length cut.
 */
#include "alloc_fail.h"

#include "../../../protocols/quic_initial.c" /* first: its allocations are made to fail */

#include "quic_build.h"
#include "quic_vectors.h"

static uint8_t hello[QUIC_HELLO_BYTES];

/* All of a datagram, with the keys of its first Initial packet: "more", "none", "no connection", or the
 * names. */
static const char *read_on(struct quic_initial **initial, const uint8_t *bytes, size_t len)
{
	static char text[512];
	struct tls_hello said = { .version = 0 };
	uint8_t *copy = (malloc)(len ? len : 1); /* so that reading beyond it shows under a sanitizer */
	struct slice rest = slice_of(copy, len);
	struct quic_packet packet;

	memcpy(copy, bytes, len);
	while (quic_initial_next(&rest, &packet)) {
		if (!*initial)
			*initial = quic_initial_new(&packet);
		if (*initial)
			quic_initial_feed(*initial, &packet, &said);
	}
	assert_int_equal(rest.len, 0);
	free(copy);
	if (!*initial)
		return "no connection";
	if (said.version) {
		assert_int_equal(quic_initial_kind(*initial), TLS_HELLO_CLIENT);
		snprintf(text, sizeof(text), "%s %s %04x", said.server_name, said.alpn, said.version);
		return text;
	}
	return quic_initial_kind(*initial) == TLS_HELLO_MORE   ? "more"
	       : quic_initial_kind(*initial) == TLS_HELLO_NONE ? "none"
							       : "read before";
}

static const char *read_once(const uint8_t *bytes, size_t len)
{
	struct quic_initial *initial = NULL;
	const char *text = read_on(&initial, bytes, len);

	quic_initial_free(initial);
	return text;
}

#define ALL "example.com alpn 0304"

static const char *const vectors[] = { QUIC_RFC9001_A2, QUIC_RFC9369_A2 };

static void test_vectors(void **state)
{
	uint8_t bytes[2048];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(quic_hex(vectors[i], bytes), 1200);
		assert_string_equal(read_once(bytes, 1200), ALL);
	}
}

/* No bit of a packet may differ. */
static void test_changed(void **state)
{
	uint8_t bytes[2048];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t len = quic_hex(vectors[i], bytes);

		for (size_t bit = 0; bit < 8 * len; bit += 5) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_string_equal(read_once(bytes, len), "no connection");
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 0; cut < len; cut += 3)
			assert_string_equal(read_once(bytes, cut), "no connection");
		memset(bytes + len, 0, 100); /* padding behind the packet */
		assert_string_equal(read_once(bytes, len + 100), ALL);
	}
}

/* A packet with the hello's bytes [from, to). */
static size_t put_piece(uint8_t *out, size_t version, uint8_t number, size_t from, size_t to)
{
	uint8_t frames[512];

	return quic_seal(out, &quic_keys[version], QUIC_FIRST_IDS "\0", sizeof(QUIC_FIRST_IDS), number,
			 frames, quic_crypto(frames, from, hello + from, to - from));
}

static void test_pieces(void **state)
{
	uint8_t one[1024], two[1024], both[2048];

	(void)state;
	for (size_t split = 1; split < QUIC_HELLO_BYTES; split++) {
		size_t version = split % 2, a = put_piece(one, version, 0, 0, split);
		size_t b = put_piece(two, version, 1, split, QUIC_HELLO_BYTES);
		struct quic_initial *initial = NULL;

		assert_string_equal(read_on(&initial, one, a), "more");
		assert_string_equal(read_on(&initial, one, a), "more"); /* again, as after a loss */
		assert_string_equal(read_on(&initial, two, b), ALL);
		assert_string_equal(read_on(&initial, two, b), "read before");
		quic_initial_free(initial);
		initial = NULL;
		assert_string_equal(read_on(&initial, two, b), "more");
		assert_string_equal(read_on(&initial, one, a), ALL);
		quic_initial_free(initial);
		memcpy(both, two, b);
		memcpy(both + b, one, a);
		assert_string_equal(read_once(both, a + b), ALL);
	}
}

/* Missing bytes are never made up; each byte comes by itself, in an order that is none. */
static void test_holes(void **state)
{
	uint8_t one[1024], frames[4096];
	size_t len = 0;

	(void)state;
	for (size_t hole = 0; hole < QUIC_HELLO_BYTES; hole++) {
		struct quic_initial *initial = NULL;

		if (hole)
			assert_string_equal(read_on(&initial, one, put_piece(one, 0, 0, 0, hole)), "more");
		if (hole + 1 < QUIC_HELLO_BYTES)
			assert_string_equal(
				read_on(&initial, one, put_piece(one, 0, 1, hole + 1, QUIC_HELLO_BYTES)),
				"more");
		assert_string_equal(read_on(&initial, one, put_piece(one, 0, 2, hole, hole + 1)), ALL);
		quic_initial_free(initial);
	}
	for (size_t i = 0; i < QUIC_HELLO_BYTES; i++) {
		size_t at = i * 100 % QUIC_HELLO_BYTES; /* 241 is a prime */

		len += quic_crypto(frames + len, at, hello + at, 1);
		frames[len++] = (uint8_t)(i % 2); /* padding, ping */
	}
	{
		uint8_t whole[4096];

		assert_string_equal(read_once(whole, quic_seal(whole, &quic_keys[0], QUIC_FIRST_IDS "\0",
							       sizeof(QUIC_FIRST_IDS), 0, frames, len)),
				    ALL);
	}
}

/* Frames in hex; H stands for the whole hello in a CRYPTO frame. */
static const struct {
	const char *name, *before, *expected;
	bool hello; /* behind them */
} frame_rows[] = {
	{ "nothing but padding", "00", "more", false },
	{ "an acknowledgement", "02 05 40ff 02 01 00 01 02 03", ALL, true },
	{ "one with counts", "03 05 00 00 01 01 02 03", ALL, true },
	{ "an empty piece", "06 00 00", ALL, true },
	{ "a piece behind the hello", "06 4200 02 aaaa", ALL, true },
	{ "a close", "1c 00 00 00", "more", true },
	{ "a frame that may not stand there", "08 00", "more", true },
	{ "a type of two bytes", "4001", ALL, true },
	{ "more ranges than there are", "02 05 00 ffffffffffffffff 00 00 00", "more", false },
	{ "a piece beyond the packet", "06 00 7fff aa", "more", false },
	{ "a piece of all numbers", "06 ffffffffffffffff ffffffffffffffff", "more", false },
	{ "a piece beyond what is read", "06 8000ffff 01 aa", "none", true },
	{ "the last byte that is read", "06 8000 4003 01 aa", ALL, true },
	{ "the first that is not", "06 8000 4004 01 aa", "none", true },
	{ "no hello", "06 00 04 0b000000", "none", true },
	{ "a server's hello", "06 00 04 02000000", "none", true },
	{ "a hello that is too long", "06 00 04 01004001", "none", true },
	{ "the first of two counts", "06 00 04 010000ed", ALL, true },
};

static void test_frames(void **state)
{
	uint8_t frames[512], packet[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(frame_rows) / sizeof(*frame_rows); i++) {
		size_t len = quic_hex(frame_rows[i].before, frames);
		const char *said;

		if (frame_rows[i].hello)
			len += quic_crypto(frames + len, 0, hello, sizeof(hello));
		said = read_once(packet, quic_seal(packet, &quic_keys[1], QUIC_FIRST_IDS "\0",
						   sizeof(QUIC_FIRST_IDS), 7, frames, len));
		if (strcmp(said, frame_rows[i].expected))
			fail_msg("%s: got %s, not %s", frame_rows[i].name, said, frame_rows[i].expected);
	}
}

/* Packets that stand before the client's in its datagram. */
static const struct {
	const char *name, *before, *expected;
} packet_rows[] = {
	{ "nothing", "", ALL },
	{ "0-RTT", "d0 00000001 01aa 00 03 010203", ALL },
	{ "a handshake packet", "e0 00000001 01aa 01bb 4003 010203", ALL },
	{ "0-RTT of version 2", "e0 6b3343cf 01aa 00 00", ALL },
	{ "an Initial with a token that opens with no key", "c0 00000001 01aa 00 02 ffff 03 010203", ALL },
	{ "a Retry", "f0 00000001 01aa 00 010203", "no connection" },
	{ "a Retry of version 2", "c0 6b3343cf 01aa 00 010203", "no connection" },
	{ "a short header", "40 01020304", "no connection" },
	{ "no fixed bit", "80 00000001 00 00 00 00", "no connection" },
	{ "another version", "c0 00000002 00 00 00 00", "no connection" },
	{ "version negotiation", "c0 00000000 00 00", "no connection" },
	{ "an id of 21 bytes", "e0 00000001 15 010203040506070809101112131415161718192021 00 00",
	  "no connection" },
	{ "a length beyond the end", "e0 00000001 00 00 ffffffffffffffff", "no connection" },
	{ "a token beyond the end", "c0 00000001 00 00 ffffffffffffffff 00", "no connection" },
};

static void test_packets(void **state)
{
	uint8_t bytes[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(packet_rows) / sizeof(*packet_rows); i++) {
		size_t len = quic_hex(packet_rows[i].before, bytes);
		const char *said;

		len += put_piece(bytes + len, 0, 0, 0, QUIC_HELLO_BYTES);
		said = read_once(bytes, len);
		if (strcmp(said, packet_rows[i].expected))
			fail_msg("%s: got %s, not %s", packet_rows[i].name, said, packet_rows[i].expected);
	}
}

/* After the first answer a client's packets carry the server's id, and keep the keys. */
static void test_changed_id(void **state)
{
	uint8_t frames[512], packet[1024];
	struct quic_initial *initial = NULL;
	size_t len = put_piece(packet, 0, 0, 0, 100);
	struct quic_packet split;
	struct slice rest;

	(void)state;
	assert_string_equal(read_on(&initial, packet, len), "more");
	len = quic_crypto(frames, 100, hello + 100, QUIC_HELLO_BYTES - 100);
	len = quic_seal(packet, &quic_keys[0], "\4help\2me\0", 9, 1, frames, len);
	rest = slice_of(packet, len);
	assert_true(quic_initial_next(&rest, &split));
	assert_true(slice_equal(split.id, SLICE("help")) && slice_equal(split.source, SLICE("me")));
	assert_false(quic_initial_is(initial, &split));
	assert_null(quic_initial_new(&split));
	assert_string_equal(read_on(&initial, packet, len), ALL);
	quic_initial_free(initial);
}

/* Without memory nothing is read; nothing wrong, and nothing is left behind. */
static void test_no_memory(void **state)
{
	static const char *const expected[] = { ALL, "no connection", "no connection", "more", "none", ALL };
	uint8_t bytes[2048];
	size_t len = quic_hex(QUIC_RFC9001_A2, bytes);

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		alloc_fail_countdown = (long)i;
		assert_string_equal(read_once(bytes, len), expected[i]);
	}
	alloc_fail_countdown = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),	   cmocka_unit_test(test_changed),
		cmocka_unit_test(test_pieces),	   cmocka_unit_test(test_holes),
		cmocka_unit_test(test_frames),	   cmocka_unit_test(test_packets),
		cmocka_unit_test(test_changed_id), cmocka_unit_test(test_no_memory),
	};

	quic_hex(QUIC_HELLO, hello);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
