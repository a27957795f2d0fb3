/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hellos, written down as: hex digits; 'text'; R for 32 bytes of randomness; N( … ) for what stands behind
 * its own length in N bytes; *N for N zero bytes. Each one is read whole, byte by byte, and split at every
 * offset.
 */
#include "tls_hello.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define BYTES_MAX 40000

/* A client's hello up to its extensions, and a server's. */
#define CLIENT	     "0303 R 1(0102) 2(1301 1302) 1(00) "
#define SERVER	     "0303 R 1() 1301 00 "
#define IN_RECORD(x) "16 0301 2(" x ")"
#define HELLO_C(x)   IN_RECORD("01 3(" CLIENT "2(" x "))")
#define HELLO_S(x)   IN_RECORD("02 3(" SERVER "2(" x "))")
#define WISH                                                                 \
	"02 3(0303 cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2" \
	"c8a8339c 1() 1301 00 2(" CHOICE("0304") "0033 2(0017)))"
#define RETRY	     IN_RECORD(WISH)
#define SNI(name)    "0000 2(2(00 2('" name "')))"
#define ALPN(list)   "0010 2(2(" list "))"
#define OFFERS(list) "002b 2(1(" list "))"
#define CHOICE(v)    "002b 2(" v ")"

struct row {
	const char *name, *bytes, *expected; /* kind, server name, ALPN, version, application records */
};

static const struct row rows[] = {
	{ "a browser's hello",
	  HELLO_C("0a0a 2() " SNI("example.org") ALPN("1('h2') 1('http/1.1')") OFFERS("1a1a 0304 0303")),
	  "client example.org h2,http/1.1 0304 0" },
	{ "a server's answer in TLS 1.3", HELLO_S(CHOICE("0304") "0033 2(001d 2(*32))"),
	  "server - - 0304 0" },
	{ "a server's answer in TLS 1.2", HELLO_S("0000 2() " ALPN("1('h2')")), "server - h2 0303 0" },
	{ "no extensions at all", IN_RECORD("01 3(0301 R 1() 2(002f) 1(00))"), "client - - 0301 0" },
	{ "a server without extensions", IN_RECORD("02 3(0302 R 1(*32) 002f 00)"), "server - - 0302 0" },
	{ "split over three records",
	  "16 0301 2(01) 16 0301 2(000036 0303 R 1(0102)) 16 0301 2(2(1301 1302) 1(00) 2(002b 0003 02 0304))",
	  "client - - 0304 0" },
	{ "two messages in a record", IN_RECORD("02 3(" SERVER ") 0b 3('certificate')"),
	  "server - - 0303 0" },
	{ "a warning before the answer", "15 0303 2(0170)" HELLO_S(CHOICE("0304")), "server - - 0304 0" },
	{ "what follows is counted",
	  HELLO_C("") "14 0303 2(01) 17 0303 2('finished') 17 0303 2('request') 17 0303 2()",
	  "client - - 0303 3" },
	{ "a name among unknown kinds", HELLO_C("0000 2(2(07 2('x') 00 2('host')))"),
	  "client host - 0303 0" },
	{ "grease among the protocols", HELLO_C(ALPN("1(8a8a) 1('h2')")), "client - h2 0303 0" },
	{ "a comma in a protocol", HELLO_C(ALPN("1('h2,h3') 1('http/1.1')")), "client - http/1.1 0303 0" },
	{ "a NUL in the name", HELLO_C("0000 2(2(00 2('good' 00 'bad')))"), "client - - 0303 0" },
	{ "a control character in the name", HELLO_C("0000 2(2(00 2('a' 1b '[2J')))"), "client - - 0303 0" },
	{ "an empty name", HELLO_C(SNI("")), "client - - 0303 0" },
	{ "a name of 256 bytes", HELLO_C("0000 2(2(00 2(#256)))"), "client - - 0303 0" },
	{ "more protocols than fit", HELLO_C(ALPN("1(#30) 1(#30) 1('h2')")),
	  "client - xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx 0303 0" },
	{ "the list ends where one does not fit", HELLO_C(ALPN("1('h2') 1(#70) 1('h3')")),
	  "client - h2 0303 0" },
	{ "a long hello", HELLO_C(SNI("a.b") "0015 2(*12000)"), "client a.b - 0303 0" },
	{ "the longest hello",
	  "16 0301 2(01 004000 " CLIENT "3fd1 0000 2(2(00 2('host'))) 0015 3fc0 *9000) 16 0301 2(*7320)",
	  "client host - 0303 0" },

	{ "nothing", "", "more - - 0000 0" },
	{ "half a record header", "16 03", "more - - 0000 0" },
	{ "half a hello", "16 0301 0040 01 000030 0303", "more - - 0000 0" },
	{ "a message that is too long", "16 0301 2(01 004001 *100)", "none - - 0000 0" },
	{ "a record that is too long", "16 0301 ffff 01", "none - - 0000 0" },
	{ "an empty handshake record", "16 0301 2()", "none - - 0000 0" },
	{ "another message first", IN_RECORD("0b 3('certificate')"), "none - - 0000 0" },
	{ "another record type first", "18 0301 2('heartbeat')", "none - - 0000 0" },
	{ "application data first", "17 0303 2('late')", "none - - 0000 1" },
	{ "a wish for another hello, then the server's own", RETRY "14 0303 2(01) " HELLO_S(CHOICE("0304")),
	  "server - - 0304 0" },
	{ "a wish for another hello, and no more", RETRY, "retry - - 0304 0" },
	{ "more behind it in its record", IN_RECORD(WISH "0b 3('certificate')") HELLO_S(CHOICE("0304")),
	  "server - - 0304 0" },
	{ "something between the parts", "16 0301 2(01 0000) 15 0301 2(0170)", "none - - 0000 0" },
	{ "not TLS", "'GET / HTTP/1.1' 0d0a", "none - - 0000 0" },
	{ "an empty message", IN_RECORD("01 3()"), "none - - 0000 0" },
	{ "a session id beyond the end", IN_RECORD("01 3(0303 R 20 00)"), "none - - 0000 0" },
	{ "ciphers beyond the end", IN_RECORD("01 3(0303 R 1() ffff 1301)"), "none - - 0000 0" },
	{ "compressions beyond the end", IN_RECORD("01 3(0303 R 1() 2(1301) ff 00)"), "none - - 0000 0" },
	{ "extensions beyond the end", IN_RECORD("01 3(" CLIENT "00ff 0000)"), "none - - 0000 0" },
	{ "bytes behind the extensions", IN_RECORD("01 3(" CLIENT "2() 00)"), "none - - 0000 0" },
	{ "an extension beyond the end", HELLO_C("0000 ffff 00"), "none - - 0000 0" },
	{ "half an extension", HELLO_C("0000 00"), "none - - 0000 0" },
	{ "a name beyond its list", HELLO_C("0000 2(2(00 00ff 'host'))"), "none - - 0000 0" },
	{ "a name list beyond its extension", HELLO_C("0000 2(00ff 00)"), "none - - 0000 0" },
	{ "a protocol beyond its list", HELLO_C(ALPN("ff 'h2'")), "none - - 0000 0" },
	{ "an odd list of versions", HELLO_C(OFFERS("0304 03")), "none - - 0000 0" },
	{ "a server's choice of three bytes", HELLO_S(CHOICE("030403")), "none - - 0000 0" },
	{ "half a server's hello", IN_RECORD("02 3(0303 R 1() 13)"), "none - - 0000 0" },
};

static size_t build(const char *text, uint8_t *out);

/* Puts what stands in parentheses behind its length; *text is behind the opening one, then behind the
 * closing. */
static size_t build_vector(const char **text, size_t width, uint8_t *out)
{
	char inside[4096];
	size_t depth = 1, n = 0, len;

	for (; depth; (*text)++) {
		depth += **text == '(';
		depth -= **text == ')';
		if (depth)
			inside[n++] = **text;
	}
	inside[n] = '\0';
	len = build(inside, out + width);
	for (size_t i = 0; i < width; i++)
		out[i] = (uint8_t)(len >> 8 * (width - 1 - i));
	return width + len;
}

static size_t build_run(const char **text, uint8_t value, uint8_t *out)
{
	char *end;
	size_t n = strtoul(*text, &end, 10);

	*text = end;
	memset(out, value, n);
	return n;
}

static size_t build_byte(const char **text, uint8_t *out)
{
	char digits[3] = { (*text)[0], (*text)[1], '\0' };

	assert_true(isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1]));
	*out = (uint8_t)strtoul(digits, NULL, 16);
	*text += 2;
	return 1;
}

static size_t build(const char *text, uint8_t *out)
{
	size_t len = 0;

	while (*text) {
		if (*text == ' ') {
			text++;
		} else if (*text == '\'') {
			for (text++; *text != '\''; text++)
				out[len++] = (uint8_t)*text;
			text++;
		} else if (*text == 'R') {
			memset(out + len, 0x5a, 32);
			len += 32;
			text++;
		} else if (*text == '*' || *text == '#') {
			uint8_t value = *text++ == '*' ? 0 : 'x';

			len += build_run(&text, value, out + len);
		} else if (text[1] == '(') {
			size_t width = (size_t)(*text - '0');

			text += 2;
			len += build_vector(&text, width, out + len);
		} else {
			len += build_byte(&text, out + len);
		}
	}
	assert_true(len < BYTES_MAX);
	return len;
}

static const char *describe(const struct tls_hello_reader *reader, const struct tls_hello *hello)
{
	static const char *const kinds[] = { "more", "retry", "client", "server", "none" };
	static char text[512];

	snprintf(text, sizeof(text), "%s %s %s %04x %llu", kinds[reader->kind],
		 hello->server_name[0] ? hello->server_name : "-", hello->alpn[0] ? hello->alpn : "-",
		 hello->version, (unsigned long long)reader->application);
	return text;
}

/* The pieces stand in memory of their own, so that reading beyond one shows under a sanitizer. */
static void feed(struct tls_hello_reader *reader, const uint8_t *bytes, size_t len, struct tls_hello *hello)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, bytes, len);
	tls_hello_feed(reader, slice_of(copy, len), hello);
	free(copy);
}

/* The first piece has `first` bytes, each further one `step`. */
static void check(const struct row *row, const uint8_t *bytes, size_t len, size_t first, size_t step)
{
	struct tls_hello hello = { .version = 0 };
	struct tls_hello_reader reader;

	tls_hello_init(&reader);
	for (size_t at = 0; at < len;) {
		size_t n = at ? step : first;

		n = n < len - at ? n : len - at;
		feed(&reader, bytes + at, n, &hello);
		at += n;
	}
	if (strcmp(describe(&reader, &hello), row->expected))
		fail_msg("%s, %zu then %zu of %zu: got %s, not %s", row->name, first, step, len,
			 describe(&reader, &hello), row->expected);
	tls_hello_fini(&reader);
}

static void test_rows(void **state)
{
	static uint8_t bytes[BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t len = build(rows[i].bytes, bytes);
		size_t step = len > 1000 ? 97 : 1;

		check(&rows[i], bytes, len, len ? len : 1, 1);
		check(&rows[i], bytes, len, 1, 1);
		for (size_t split = 1; split < len; split += step)
			check(&rows[i], bytes, len, split, len);
	}
}

/* A hello with each of its bytes changed says something else or nothing; no length of it leads outside. */
static void test_damaged(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	static uint8_t bytes[BYTES_MAX];
	size_t len = build(rows[0].bytes, bytes);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		uint8_t before = bytes[i];

		for (size_t v = 0; v < sizeof(values); v++) {
			struct tls_hello hello = { .version = 0 };
			struct tls_hello_reader reader;

			bytes[i] = values[v];
			tls_hello_init(&reader);
			feed(&reader, bytes, len, &hello);
			if (reader.kind != TLS_HELLO_CLIENT && reader.kind != TLS_HELLO_SERVER)
				assert_true(!hello.server_name[0] && !hello.alpn[0] && !hello.version);
			tls_hello_fini(&reader);
		}
		bytes[i] = before;
	}
}

static void test_hole(void **state)
{
	static uint8_t bytes[BYTES_MAX];
	size_t len = build(rows[0].bytes, bytes);

	(void)state;
	for (size_t at = 0; at < len; at++) {
		struct tls_hello hello = { .version = 0 };
		struct tls_hello_reader reader;

		tls_hello_init(&reader);
		feed(&reader, bytes, at, &hello);
		tls_hello_hole(&reader);
		feed(&reader, bytes + at, len - at, &hello);
		assert_string_equal(describe(&reader, &hello), "none - - 0000 0");
		tls_hello_fini(&reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
