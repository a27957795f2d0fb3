/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FastCGI by conversations: whole, byte by byte, split everywhere, and with a hole everywhere, which gives
 * right messages or marked ones.
 */
#include "fastcgi_build.h"
#include "fastcgi/fastcgi_record.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define PARAMS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SIMPLE                                                                    \
	PARAMS("REQUEST_METHOD=GET", "REQUEST_URI=/a?b=1", "HTTP_HOST=x.example", \
	       "SERVER_PROTOCOL=HTTP/1.1", "CONTENT_TYPE=", "CONTENT_LENGTH=")
#define SIMPLE_TEXT                                                                             \
	"GET x.example /a?b=1 0.1 {REQUEST_METHOD: GET; REQUEST_URI: /a?b=1; host: x.example; " \
	"SERVER_PROTOCOL: HTTP/1.1} 0\n"

/* Two directions: what the web server sends, and what the application does, by turns. */
struct talk {
	struct fastcgi_bytes turns[8]; /* of the web server, then of the application, … */
	size_t count;
};

static struct fastcgi_bytes *turn(struct talk *talk)
{
	return &talk->turns[talk->count++];
}

static void ask(struct talk *talk, uint16_t id, uint8_t flags, const char *const *params, const char *body)
{
	struct fastcgi_bytes *out = turn(talk);

	put_begin(out, id, flags);
	put_params(out, id, params);
	if (*body)
		put_text(out, 5, id, body);
	put_record(out, 5, id, "", 0, 0);
}

static void answer(struct talk *talk, uint16_t id, const char *text)
{
	struct fastcgi_bytes *out = turn(talk);

	put_text(out, 6, id, text);
	put_record(out, 6, id, "", 0, 0);
	put_end(out, id, 0, 0);
}

static void one(struct talk *talk)
{
	ask(talk, 1, 0, SIMPLE, "");
	answer(talk, 1, "Status: 404 Not Found\r\nContent-type: text/html\r\n\r\nno\n");
}

static void implied(struct talk *talk)
{
	ask(talk, 1, 1,
	    PARAMS("REQUEST_METHOD=POST", "SCRIPT_NAME=/s.php", "PATH_INFO=/p", "QUERY_STRING=q", "HTTPS=on",
		   "SERVER_NAME=name"),
	    "body");
	answer(talk, 1, "X: y\n\nhi");
	ask(talk, 1, 1, SIMPLE, "");
	answer(talk, 1, "Location: http://other/\r\n\r\n");
	ask(talk, 1, 1, SIMPLE, "");
	answer(talk, 1, "Location: /here\r\n\r\n");
}

static void with_errors(struct talk *talk)
{
	struct fastcgi_bytes *out;

	ask(talk, 1, 0, SIMPLE, "");
	out = turn(talk);
	put_text(out, 7, 1, "PHP Warning");
	put_text(out, 6, 1, "Status: 500\r\n\r\n");
	put_end(out, 1, 9, 0);
}

static void overloaded(struct talk *talk)
{
	ask(talk, 1, 0, SIMPLE, "");
	put_end(turn(talk), 1, 0, 2);
}

static void aborted(struct talk *talk)
{
	struct fastcgi_bytes *out;

	ask(talk, 1, 0, SIMPLE, "");
	out = turn(talk);
	put_text(out, 6, 1, "Status: 200\r\n\r\nsome");
	put_record(turn(talk), 2, 1, "", 0, 0);
	put_end(turn(talk), 1, 0, 0);
}

static void multiplexed(struct talk *talk)
{
	struct fastcgi_bytes *out = turn(talk);

	put_record(out, 9, 0, "\x0e\0FCGI_MAX_CONNS", 16, 0);
	put_begin(out, 1, 1);
	put_begin(out, 0x203, 1);
	put_params(out, 0x203, PARAMS("REQUEST_METHOD=GET", "REQUEST_URI=/two"));
	put_params(out, 1, PARAMS("REQUEST_METHOD=GET", "REQUEST_URI=/one"));
	put_record(out, 5, 1, "", 0, 0);
	put_record(out, 5, 0x203, "", 0, 0);
	out = turn(talk);
	put_text(out, 6, 0x203, "Status: 202\r\n\r\nt");
	put_text(out, 6, 1, "Status: 201\r\n\r\no");
	put_text(out, 6, 0x203, "wo");
	put_end(out, 0x203, 0, 0);
	put_text(out, 6, 1, "ne");
	put_end(out, 1, 0, 0);
}

static void malformed(struct talk *talk)
{
	struct fastcgi_bytes *out;

	out = turn(talk);
	put_begin(out, 1, 0);
	put_record(out, 4, 1, "\x09\x7fREQUEST", 9, 0);
	put_record(out, 4, 1, "", 0, 0);
	put_record(out, 5, 1, "", 0, 0);
	answer(talk, 1, "Status: 2x0\r\nno field\r\n\r\n");
}

static const struct {
	const char *name;
	void (*make)(struct talk *talk);
	const char *expected;
} cases[] = {
	{ "one", one,
	  "request 65537 " SIMPLE_TEXT
	  "response 65537 404 0.1 {Status: 404 Not Found; Content-type: text/html} \"no\\x0a\"\n" },
	{ "what CGI implies, one after the other", implied,
	  "request 65537 POST https://name /s.php/p?q 0.1 {REQUEST_METHOD: POST; SCRIPT_NAME: /s.php; "
	  "PATH_INFO: /p; "
	  "QUERY_STRING: q; HTTPS: on; SERVER_NAME: name} \"body\"\n"
	  "response 65537 200 0.1 {X: y} \"hi\"\n"
	  "request 131073 " SIMPLE_TEXT "response 131073 302 0.1 {Location: http://other/} 0\n"
	  "request 196609 " SIMPLE_TEXT "response 196609 0 0.1 {Location: /here} 0\n" },
	{ "error stream and status of the application", with_errors,
	  "request 65537 " SIMPLE_TEXT
	  "response 65537 500 0.1 {Status: 500} 0 trailers {FCGI_STDERR: PHP Warning; "
	  "FCGI_STDERR_BYTES: 11; FCGI_APP_STATUS: 9}\n" },
	{ "not taken", overloaded,
	  "request 65537 " SIMPLE_TEXT "response 65537 0 0.1 {} 0 [reset]\nreset 65537 2\n" },
	{ "aborted", aborted,
	  "request 65537 " SIMPLE_TEXT "response 65537 200 0.1 {Status: 200} \"some\" [reset]\n"
	  "reset 65537 4294967295\n" },
	{ "multiplexed", multiplexed,
	  "request 65537 GET /one 0.1 {REQUEST_METHOD: GET; REQUEST_URI: /one} 0\n"
	  "request 131587 GET /two 0.1 {REQUEST_METHOD: GET; REQUEST_URI: /two} 0\n"
	  "response 131587 202 0.1 {Status: 202} \"two\"\n"
	  "response 65537 201 0.1 {Status: 201} \"one\"\n" },
	{ "malformed", malformed,
	  "request 65537 ? ? 0.1 {} 0 [partial-headers,malformed]\n"
	  "response 65537 0 0.1 {Status: 2x0} 0 [malformed]\n" },
};

struct run {
	struct message_text text;
	struct protocol *protocol;
};

static void run_begin(struct run *run, bool from_start)
{
	struct protocol_config config = {
		.from_start = { from_start, from_start },
		.want_bodies = true,
		.body_limit_bytes = 1000,
		.message_limit_bytes = 65536,
	};
	struct protocol_handler handler;

	*run = (struct run){ .protocol = NULL };
	handler = message_text_handler(&run->text);
	run->protocol = fastcgi_protocol.create(&config, &handler);
	assert_non_null(run->protocol);
}

static void run_feed(struct run *run, size_t turn_number, struct slice bytes)
{
	assert_int_equal(fastcgi_protocol.feed(run->protocol,
					       turn_number % 2 ? DIRECTION_RECEIVED : DIRECTION_SENT, bytes,
					       turn_number + 1),
			 bytes.len);
}

static void run_end(struct run *run)
{
	fastcgi_protocol.end(run->protocol, END_CLOSED, 99);
	assert_true(fastcgi_protocol.idle(run->protocol));
	fastcgi_protocol.destroy(run->protocol);
}

/* Each turn whole, in pieces of `step` bytes, or in two at `at`. */
static void check(size_t i, size_t step, size_t at)
{
	struct talk talk = { .count = 0 };
	struct run run;

	cases[i].make(&talk);
	run_begin(&run, true);
	for (size_t n = 0; n < talk.count; n++) {
		struct slice bytes = slice_of(talk.turns[n].data, talk.turns[n].len);

		if (at)
			run_feed(&run, n, slice_take(bytes, at));
		bytes = slice_drop(bytes, at);
		while (bytes.len) {
			run_feed(&run, n, slice_take(bytes, step));
			bytes = slice_drop(bytes, step);
		}
	}
	run_end(&run);
	assert_string_equal(message_text_get(&run.text), cases[i].expected);
	assert_int_equal(run.text.notes[NOTE_BYTES_UNPARSED], 0);
	message_text_fini(&run.text);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		check(i, 8192, 0);
		check(i, 1, 0);
		for (size_t at = 1; at < 300; at++)
			check(i, 8192, at);
	}
}

/* Is each line that was written one of the expected ones, or one with a mark? */
static void assert_right_or_marked(const char *text, const char *expected, const char *what)
{
	while (*text) {
		const char *end = strchr(text, '\n');
		size_t len = (size_t)(end - text) + 1;
		char line[512];
		const char *mark;

		assert_true(len < sizeof(line));
		memcpy(line, text, len);
		line[len] = '\0';
		mark = strstr(line, " [");
		/* Behind its key: the numbers in front of ids count what was seen. */
		if (!strstr(expected, strchr(strchr(line, ' ') + 1, ' ')) && !mark && !strchr(line, '~'))
			fail_msg("%s: %s", what, line);
		text += len;
	}
}

/* `size` bytes are missing at each place. */
static void holes(size_t i, size_t size)
{
	struct talk talk = { .count = 0 };

	cases[i].make(&talk);
	for (size_t t = 0; t < talk.count; t++) {
		for (size_t at = 0; at + size <= talk.turns[t].len; at++) {
			struct run run;
			char what[64];

			snprintf(what, sizeof(what), "%s, turn %zu, at %zu", cases[i].name, t, at);
			run_begin(&run, true);
			for (size_t n = 0; n < talk.count; n++) {
				struct slice bytes = slice_of(talk.turns[n].data, talk.turns[n].len);

				if (n == t) {
					run_feed(&run, n, slice_take(bytes, at));
					fastcgi_protocol.hole(run.protocol,
							      n % 2 ? DIRECTION_RECEIVED : DIRECTION_SENT,
							      size, n + 1);
					bytes = slice_drop(bytes, at + size);
				}
				run_feed(&run, n, bytes);
			}
			run_end(&run);
			assert_right_or_marked(message_text_get(&run.text), cases[i].expected, what);
			message_text_fini(&run.text);
		}
	}
}

static void test_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].make == malformed)
			continue;
		holes(i, 1);
		holes(i, 17);
	}
}

/* After a hole of unknown size the next request is found, and its answer is its own. */
static void test_next_after_hole(void **state)
{
	struct talk talk = { .count = 0 };
	struct run run;

	(void)state;
	one(&talk);
	one(&talk);
	for (int direction = 0; direction < 2; direction++) {
		run_begin(&run, true);
		run_feed(&run, 0, slice_of(talk.turns[0].data, talk.turns[0].len));
		run_feed(&run, 1, slice_of(talk.turns[1].data, 9));
		fastcgi_protocol.hole(run.protocol, direction, HOLE_UNKNOWN_SIZE, 5);
		if (direction == DIRECTION_SENT)
			run_feed(&run, 1, slice_of(talk.turns[1].data + 9, talk.turns[1].len - 9));
		run_feed(&run, 2, slice_of(talk.turns[2].data, talk.turns[2].len));
		run_feed(&run, 3, slice_of(talk.turns[3].data, talk.turns[3].len));
		run_end(&run);
		assert_non_null(
			strstr(message_text_get(&run.text),
			       "request 131073 " SIMPLE_TEXT
			       "response 131073 404 0.1 {Status: 404 Not Found; Content-type: text/html} "
			       "\"no\\x0a\"\n"));
		message_text_fini(&run.text);
	}
}

/* Joined in the middle: nothing is shown of what began before; what begins then is whole. */
static void test_late(void **state)
{
	struct talk talk = { .count = 0 };

	(void)state;
	one(&talk);
	one(&talk);
	for (size_t at = 1; at < talk.turns[0].len; at++) {
		struct run run;

		run_begin(&run, false);
		run_feed(&run, 0, slice_of(talk.turns[0].data + at, talk.turns[0].len - at));
		for (size_t n = 1; n < 4; n++)
			run_feed(&run, n, slice_of(talk.turns[n].data, talk.turns[n].len));
		run_end(&run);
		assert_string_equal(message_text_get(&run.text),
				    "request 65537 " SIMPLE_TEXT
				    "response 65537 404 0.1 {Status: 404 Not Found; Content-type: text/html} "
				    "\"no\\x0a\"\n");
		message_text_fini(&run.text);
	}
}

/* Requests beyond the limit are counted, and their answers belong to nobody. */
static void test_many(void **state)
{
	struct fastcgi_bytes out = { .len = 0 };
	struct run run;

	(void)state;
	run_begin(&run, true);
	for (uint16_t id = 1; id <= 300; id++) {
		out.len = 0;
		put_begin(&out, id, 1);
		run_feed(&run, 0, slice_of(out.data, out.len));
	}
	assert_int_equal(run.text.notes[NOTE_STREAM_LIMIT], 44);
	out.len = 0;
	put_text(&out, 6, 299, "Status: 200\r\n\r\n");
	put_end(&out, 299, 0, 0);
	run_feed(&run, 1, slice_of(out.data, out.len));
	assert_string_equal(message_text_get(&run.text), "");
	assert_true(fastcgi_protocol.memory(run.protocol) < 256 * 2000);
	run_end(&run);
	message_text_fini(&run.text);
}

/* Lengths of four bytes, and one that leads nowhere. */
static void test_long_values(void **state)
{
	struct fastcgi_bytes out = { .len = 0 }, content = { .len = 0 };
	const uint8_t lengths[] = { 14, 0x80, 0, 1, 0 };
	char value[256];
	struct run run;

	(void)state;
	memset(value, 'v', sizeof(value));
	put_bytes(&content, lengths, sizeof(lengths));
	put_bytes(&content, "REQUEST_METHOD", 14);
	put_bytes(&content, value, sizeof(value));
	put_begin(&out, 1, 0);
	put_record(&out, 4, 1, content.data, 100, 3);
	put_record(&out, 4, 1, content.data + 100, content.len - 100, 0);
	put_record(&out, 4, 1, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 0);
	put_record(&out, 4, 1, "", 0, 0);
	put_record(&out, 5, 1, "", 0, 0);
	run_begin(&run, true);
	run_feed(&run, 0, slice_of(out.data, out.len));
	run_end(&run);
	assert_non_null(strstr(message_text_get(&run.text), "vvvv} 0 [partial-headers,malformed]\n"));
	message_text_fini(&run.text);
}

/* What is recognised, from the first byte on, and by nothing less in mid-stream. */
static void test_beginning(void **state)
{
	struct talk talk = { .count = 0 };
	struct slice bytes;

	(void)state;
	one(&talk);
	bytes = slice_of(talk.turns[0].data, talk.turns[0].len);
	for (size_t len = 1; len < 16; len++)
		assert_int_equal(fastcgi_begins(slice_take(bytes, len), false), FASTCGI_MORE);
	assert_int_equal(fastcgi_begins(slice_take(bytes, 16), false), FASTCGI_FOUND);
	assert_int_equal(fastcgi_begins(slice_take(bytes, 16), true), FASTCGI_MORE);
	assert_int_equal(fastcgi_begins(bytes, true), FASTCGI_FOUND);
	for (size_t at = 0; at < 20; at++) {
		talk.turns[0].data[at] ^= 0x80;
		assert_int_equal(fastcgi_begins(bytes, true), FASTCGI_NONE);
		talk.turns[0].data[at] ^= 0x80;
	}
	talk.turns[0].data[3] = 0;
	assert_int_equal(fastcgi_begins(bytes, false), FASTCGI_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_next_after_hole),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
