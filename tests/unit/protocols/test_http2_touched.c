/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hole or a late join marks what it touches, and nothing else. Rows are conversations of which some lines
 * are lost; then every call of long conversations, whose blocks nghttp2's deflater writes, is lost in turn,
 * and each is a place to join at.
 *
 * A line that begins with `!` is lost; all before a line `join` was missed; a line `poll` is a poll.
 */
#include "protocol.h"

#include "http2_build.h"
#include "message_text.h"

#include <nghttp2/nghttp2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define POLL_NS	     UINT64_C(10000000)
#define CALL_NS	     UINT64_C(1000000)
#define MARKED_LINES 64
#define START	     "> preface\n> settings\n< settings\n> settings ack\n< settings ack\n"
#define FIELDS	     " :method=GET :scheme=http :authority=h :path="
#define GET(id)	     "> headers " #id " end" FIELDS "/" #id "\n"
#define OK(id)	     "< headers " #id " :status=200 a=" #id "\n< data " #id " end hello\n"
#define G(id)	     "request " #id " GET http://h /" #id " 2.0 {} 0\n"
#define O(id)	     "response " #id " 200 2.0 {a: " #id "} 5\n"
#define POST(id)     "> headers " #id " :method=POST :scheme=http :authority=h :path=/" #id "\n"

struct run {
	struct protocol *protocol;
	struct message_text out;
	struct protocol_handler handler;
	uint64_t now_ns;
};

static void run_begin(struct run *run, bool late)
{
	const struct protocol_config config = {
		.role = ROLE_CLIENT,
		.from_start = { !late, !late },
		.message_limit_bytes = 65536,
		.stream_limit = 1000,
		.table_limit_bytes = 65536,
	};

	*run = (struct run){ .now_ns = POLL_NS };
	run->handler = message_text_handler(&run->out);
	run->protocol = http2_protocol.create(&config, &run->handler);
	assert_non_null(run->protocol);
}

static void run_call(struct run *run, const struct build_chunk *chunk, bool lost)
{
	enum event_direction direction = (enum event_direction)chunk->direction;

	run->now_ns += CALL_NS;
	if (lost)
		http2_protocol.hole(run->protocol, direction, chunk->len, run->now_ns);
	else
		http2_protocol.feed(run->protocol, direction, slice_of(chunk->bytes, chunk->len),
				    run->now_ns);
}

static void run_end(struct run *run)
{
	http2_protocol.end(run->protocol, END_CLOSED, run->now_ns);
	assert_true(http2_protocol.idle(run->protocol));
	http2_protocol.destroy(run->protocol);
}

/* --- rows -------------------------------------------------------------------- */

struct row {
	const char *name, *script, *expected;
	uint64_t notes[NOTE_COUNT];
};

/* clang-format off */
#define ROW(n, s, e, ...) { .name = n, .script = s, .expected = e, __VA_ARGS__ }
/* clang-format on */

static const struct row rows[] = {
	/* Each exchange behind a lost one had gap and partial-headers. */
	ROW("a lost request",
	    START GET(1) OK(1) "!" GET(3) OK(3) GET(5) OK(5) "> headers 7 end" FIELDS "/5\n" OK(7),
	    G(1) O(1) "response 3 200 2.0 {a: 3} 5 [gap]\n"
		      "request 5 GET http:///5 2.0 {?: ?} 0 [partial-headers]\n" O(
			      5) "request 7 GET http:///5 2.0 {?: ?} 0 [partial-headers]\n" O(7),
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("fields that are sent again are known again",
	    START GET(1) "!" GET(3)
		    OK(1) "> headers 5 end :method=GET :scheme=http :authority=i :path=/5\n" OK(
			    5) "> headers 7 end :method=GET :scheme=http :authority=i :path=/5\n" OK(7),
	    G(1) O(1) "request 5 GET http://i /5 2.0 {} 0\n" O(5) "request 7 GET http://i /5 2.0 {} 0\n" O(7),
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("a lost WINDOW_UPDATE costs nothing",
	    START GET(1) OK(1) "!> window 0\n" GET(3) OK(3) "!> ping\n" GET(5) OK(5),
	    G(1) O(1) G(3) O(3) G(5) O(5), .notes = { [NOTE_RESYNC] = 2 }),
	ROW("a lost part of a body is its message's alone",
	    START POST(1) GET(3) "> data 1 abc\n!> data 1 defg\n> data 1 end xy\n" OK(1) OK(3),
	    G(3) "request 1 POST http://h /1 2.0 {} 5~ [gap]\n" O(1) O(3), .notes = { [NOTE_RESYNC] = 1 }),
	ROW("a lost head of an answer",
	    START GET(1) "!< headers 1 :status=200 a=1\n< data 1 end hello\n" GET(3) OK(3)
		    GET(5) "< headers 5 :status=200 b=1\n< data 5 end hello\n",
	    G(1) "response 1 0 2.0 {} 5~ [gap,partial-headers]\n" G(
		    3) "response 3 200 2.0 {?: 3} 5 [partial-headers]\n" G(5) "response 5 200 2.0 {b: 1} 5\n",
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("a lost answer", START GET(1) GET(3) "!< headers 1 end :status=204\n" OK(3), G(1) G(3) O(3),
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("the request behind a lost one, before its answer", START "!" GET(1) GET(3) OK(1) OK(3),
	    "response 1 200 2.0 {a: 1} 5 [gap]\n"
	    "request 3 GET http:///3 2.0 {?: ?} 0 [partial-headers]\n" O(3),
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("lost trailers of a request whose head was lost before",
	    START GET(1) OK(1) "!" POST(3) GET(5) OK(5) GET(7)
		    OK(7) "!> headers 3 end t=1\n> headers 9 end" FIELDS "/7\n" OK(9),
	    G(1) O(1) "request 5 GET http:///5 2.0 {?: ?} 0 [partial-headers]\n" O(
		    5) "request 7 GET http:///7 2.0 {?: ?} 0 [partial-headers]\n" O(7) "request 9 GET "
										       "http://? 2.0 {?: ?; "
										       "?: ?} 0 "
										       "[partial-headers]"
										       "\n" O(9),
	    .notes = { [NOTE_RESYNC] = 2 }),
	ROW("trailers are no head",
	    START POST(1) "< headers 1 :status=200 a=1\njoin\n< data 1 xx\n< data 1 yy\n< data 1 zz\n"
			  "< headers 1 end t=1\n",
	    "", .notes = { [NOTE_MESSAGE_REFUSED] = 1, [NOTE_RESYNC] = 1 }),
	ROW("trailers of a lost head",
	    START GET(1) "!< headers 1 :status=200 a=1\n< headers 1 end a=1\n" GET(3) OK(3),
	    G(1) "response 1 0 2.0 {} 0~ [gap,partial-headers]\n" G(
		    3) "response 3 200 2.0 {?: 3} 5 [partial-headers]\n",
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("joined: what begins then is whole",
	    START GET(1) OK(1) "join\n> window 0\n> ping\n> ping\n< ping\n< ping\n< ping\n"
			       "> headers 3 end never" FIELDS "/3\n"
			       "< headers 3 :status=200 b=3\n< data 3 end hello\n",
	    G(3) "response 3 200 2.0 {b: 3} 5\n", .notes = { [NOTE_RESYNC] = 2 }),
	ROW("joined before the first stream: the table is known",
	    START "join\n> window 0\n> ping\n> ping\n" GET(1) GET(3) OK(1) OK(3), G(1) G(3) O(1) O(3),
	    .notes = { [NOTE_RESYNC] = 2 }),
	ROW("a GOAWAY with an error names itself", START GET(1) GET(3) OK(1) "< goaway 3 11\n",
	    G(1) G(3) O(1) "reset 3 11\n"),
	ROW("a GOAWAY without one does not", START GET(1) GET(3) OK(1) "< goaway 3 0\n", G(1) G(3) O(1)),
	ROW("a block that never ends", START "> raw 000006010100000001828684410168\n",
	    "request 1 GET http://h / 2.0 {} 0 [partial-headers,closed]\n",
	    .notes = { [NOTE_HEADER_BLOCK_LOST] = 1 }),
	ROW("a block that the end cuts", START "> raw 00001001050000000182868441016844\n",
	    "request 1 GET http://h / 2.0 {} 0 [partial-headers,closed]\n",
	    .notes = { [NOTE_HEADER_BLOCK_LOST] = 1 }),
	ROW("a frame that the end cuts", START GET(1) OK(1) "> raw 00000806000000\n", G(1) O(1),
	    .notes = { [NOTE_BYTES_UNPARSED] = 7 }),
	ROW("a stream that is used again", START GET(1) OK(1) GET(1) OK(1), G(1) O(1),
	    .notes = { [NOTE_MESSAGE_REFUSED] = 3 }),
	ROW("DATA on an idle stream", START GET(1) "> data 3 end abc\n" OK(1) "< data 5 end x\n", G(1) O(1),
	    .notes = { [NOTE_MESSAGE_REFUSED] = 2 }),
	ROW("NO_ERROR after the answer", START POST(1) "> data 1 abc\n" OK(1) "< rst 1 0\n" GET(3) OK(3),
	    O(1) "request 1 POST http://h /1 2.0 {} 3~\n" G(3) O(3)),
	ROW("the answer overtakes a head of which no field came",
	    START "> raw 000006010400000001\n< headers 1 :status=200 a=1\npoll\npoll\n"
		  "> raw 838684410168\n> data 1 end abc\n< data 1 end hello\n",
	    "request 1 ? ? 2.0 {} 3~ [gap,partial-headers]\n" O(1),
	    .notes = { [NOTE_HEADER_BLOCK_LOST] = 2 }),
	ROW("the answer overtakes a part of a head",
	    START "> raw 0000060104000000018386\n< headers 1 :status=200 a=1\npoll\npoll\n"
		  "> raw 84410168\n> data 1 end abc\n< data 1 end hello\n",
	    "request 1 POST http://? 2.0 {} 3~ [gap,partial-headers]\n" O(1),
	    .notes = { [NOTE_HEADER_BLOCK_LOST] = 2 }),
	ROW("zeros behind a hole are no frame",
	    START "!> ping\n> raw 000000000003000000\npoll\npoll\n> raw 64\n> ping\n> ping\n" GET(1) OK(1),
	    G(1) O(1), .notes = { [NOTE_RESYNC] = 1, [NOTE_BYTES_UNPARSED] = 10 }),
	ROW("frames behind a hole that were none",
	    START "!> ping\n> window 0\n> window 0\n> window 0\n> raw 640000000401000000\n" GET(1) GET(3)
		    OK(1) OK(3),
	    G(1) G(3) O(1) O(3), .notes = { [NOTE_RESYNC] = 2, [NOTE_BYTES_UNPARSED] = 9 }),
	ROW("a direction that begins with no frame",
	    "> preface\n> settings\n< raw 0d0a\n< settings\n< ping\n< ping\n" GET(1) OK(1), G(1) O(1),
	    .notes = { [NOTE_RESYNC] = 1, [NOTE_BYTES_UNPARSED] = 2 }),
	ROW("an empty frame behind a hole shows no body",
	    START GET(1) "< headers 1 :status=299 a=1\n< data 1 end hello\n" GET(
		    3) "!< ping\n< raw 000000000000000003\n< ping\n< ping\n< ping\n< headers 3 :status=299 "
		       "a=3\n"
		       "< data 3 end hello\n",
	    G(1) "response 1 299 2.0 {a: 1} 5\n" G(3) "response 3 0 2.0 {?: ?; ?: 3} 5 [partial-headers]\n",
	    .notes = { [NOTE_RESYNC] = 1 }),
	ROW("frames of streams far ahead of all requests are none",
	    START GET(1) OK(1) "!< ping\n< raw 0000040000000012c901020304\n"
			       "< raw 0000040000000012c901020304\n< ping\n" GET(3) OK(3),
	    G(1) O(1) G(3) "response 3 200 2.0 {?: 3} 5 [partial-headers]\n",
	    .notes = { [NOTE_RESYNC] = 1, [NOTE_BYTES_UNPARSED] = 26 }),
	ROW("DATA behind a hole that nobody knows",
	    START "!" POST(1) "> data 1 abc\n> data 1 abc\n> data 1 abc\n" GET(3) OK(3),
	    "request 3 GET http:///3 2.0 {?: ?} 0 [partial-headers]\n" O(3),
	    .notes = { [NOTE_RESYNC] = 1, [NOTE_BYTES_UNPARSED] = 9 }),
	ROW("NO_ERROR before the answer", START POST(1) "> data 1 abc\n< rst 1 0\n",
	    "request 1 POST http://h /1 2.0 {} 3~ [reset]\nreset 1 0\n"),
};

/* The lines without their marks. */
struct marks {
	char *plain; /* owned */
	size_t join; /* the first line that is seen */
	bool lost[MARKED_LINES];
	unsigned int polls[MARKED_LINES]; /* in front of a line */
};

static struct marks marks_take(const char *script)
{
	struct marks marks = { .plain = calloc(1, strlen(script) + 1) };
	size_t line = 0, len = 0;

	while (*script) {
		size_t n = strcspn(script, "\n") + 1;
		bool is_join = strncmp(script, "join\n", n) == 0, is_poll = strncmp(script, "poll\n", n) == 0;

		if (is_join)
			marks.join = line;
		marks.polls[line] += is_poll;
		if (is_join || is_poll) {
			script += n;
			continue;
		}
		if (*script == '!') {
			marks.lost[line] = true;
			script++;
			n--;
		}
		memcpy(marks.plain + len, script, n);
		len += n;
		script += n;
		line++;
		assert_true(line < MARKED_LINES);
	}
	return marks;
}

static void row_run(const struct row *row)
{
	struct marks marks = marks_take(row->script);
	struct build *build = build_new(marks.plain);
	struct run run;

	run_begin(&run, marks.join > 0);
	for (size_t i = marks.join; i < build->count; i++) {
		for (unsigned int n = 0; n < marks.polls[i]; n++)
			http2_protocol.tick(run.protocol, run.now_ns);
		run_call(&run, &build->chunks[i], marks.lost[i]);
	}
	run_end(&run);
	if (strcmp(message_text_get(&run.out), row->expected) != 0)
		print_error("%s:\n", row->name);
	assert_string_equal(message_text_get(&run.out), row->expected);
	for (int note = 0; note < NOTE_COUNT; note++)
		if (run.out.notes[note] != row->notes[note])
			fail_msg("%s: note %d is %llu", row->name, note,
				 (unsigned long long)run.out.notes[note]);
	message_text_fini(&run.out);
	build_free(build);
	free(marks.plain);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		row_run(&rows[i]);
}
/* --- every call lost in turn, every call joined at ------------------------------- */

#define EXCHANGES 60
#define CALLS_MAX 400

struct call {
	struct build_chunk chunk;
	int first, last; /* exchanges that have a frame in it; first > last: none */
	bool head;	 /* a block is in it */
};

struct talk {
	struct call calls[CALLS_MAX];
	size_t count, width;
	nghttp2_hd_deflater *deflater[2];
	size_t begins[EXCHANGES][2], ends[EXCHANGES][2]; /* calls, by direction */
};

static struct build_chunk *talk_call(struct talk *talk, int direction, int exchange, bool head)
{
	struct call *call = &talk->calls[talk->count++];

	assert_true(talk->count <= CALLS_MAX);
	*call = (struct call){ .first = exchange, .last = exchange, .head = head };
	call->chunk = (struct build_chunk){ .direction = direction, .bytes = malloc(BUILD_CHUNK_SIZE) };
	if (exchange < 0)
		call->last = exchange - 1;
	return &call->chunk;
}

static nghttp2_nv nv_of(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0 };
}

static void talk_block(struct talk *talk, struct build_chunk *chunk, int exchange, unsigned int flags,
		       nghttp2_nv *fields, size_t count)
{
	uint8_t block[4096];
	ssize_t len =
		nghttp2_hd_deflate_hd(talk->deflater[chunk->direction], block, sizeof(block), fields, count);

	assert_true(len > 0);
	build_frame(chunk, FRAME_HEADERS, FRAME_FLAG_END_HEADERS | flags, (uint32_t)(2 * exchange + 1), block,
		    (size_t)len);
}

static const char *path_of(int exchange)
{
	static char path[32];

	/* Some paths come again, as an index. */
	snprintf(path, sizeof(path), "/p%d", exchange % 3 ? exchange : exchange % 7);
	return path;
}

static void talk_request(struct talk *talk, int exchange)
{
	char number[16];
	struct build_chunk *chunk = talk_call(talk, 0, exchange, true);

	snprintf(number, sizeof(number), "%d", exchange);
	talk->begins[exchange][0] = talk->ends[exchange][0] = talk->count - 1;
	talk_block(talk, chunk, exchange, FRAME_FLAG_END_STREAM,
		   (nghttp2_nv[]){ nv_of(":method", exchange % 2 ? "GET" : "PUT"), nv_of(":scheme", "https"),
				   nv_of(":authority", "host.example"), nv_of(":path", path_of(exchange)),
				   nv_of("user-agent", "tester/1.0"), nv_of("x-id", number) },
		   6);
}

static void talk_response(struct talk *talk, int exchange)
{
	char number[16];
	struct build_chunk *chunk = talk_call(talk, 1, exchange, true);

	snprintf(number, sizeof(number), "%d", exchange);
	talk->begins[exchange][1] = talk->count - 1;
	talk_block(talk, chunk, exchange, 0,
		   (nghttp2_nv[]){ nv_of(":status", exchange % 5 ? "200" : "299"), nv_of("server", "tester"),
				   nv_of("content-type", "text/plain"), nv_of("x-id", number) },
		   4);
	chunk = talk_call(talk, 1, exchange, false);
	build_frame(chunk, FRAME_DATA, FRAME_FLAG_END_STREAM, (uint32_t)(2 * exchange + 1), "hello", 5);
	talk->ends[exchange][1] = talk->count - 1;
}

static void talk_make(struct talk *talk, int width)
{
	struct build_chunk *chunk;

	*talk = (struct talk){ .width = (size_t)width };
	for (int i = 0; i < 2; i++)
		assert_int_equal(nghttp2_hd_deflate_new(&talk->deflater[i], 4096), 0);
	chunk = talk_call(talk, 0, -1, false);
	build_add(chunk, http2_preface, HTTP2_PREFACE_BYTES);
	build_frame(chunk, FRAME_SETTINGS, 0, 0, NULL, 0);
	build_frame(talk_call(talk, 1, -1, false), FRAME_SETTINGS, 0, 0, NULL, 0);
	for (int i = 0; i < EXCHANGES + width - 1; i++) {
		if (i < EXCHANGES)
			talk_request(talk, i);
		if (i >= width - 1)
			talk_response(talk, i - width + 1);
		if (i % 4 == 3)
			build_frame(talk_call(talk, 0, -1, false), FRAME_WINDOW_UPDATE, 0, 0, "\0\0\1\0", 4);
	}
	for (int i = 0; i < 2; i++)
		nghttp2_hd_deflate_del(talk->deflater[i]);
}

static void talk_fini(struct talk *talk)
{
	for (size_t i = 0; i < talk->count; i++)
		free(talk->calls[i].chunk.bytes);
}

struct watch {
	const struct talk *talk;
	size_t hole;		     /* the call that is lost */
	bool late;		     /* or the first that is seen */
	size_t shown, marked, whole; /* messages: all, gap or late-joined, without a flag */
	size_t partial;
};

static bool is_touched(const struct watch *watch, int exchange, int direction)
{
	const struct talk *talk = watch->talk;

	if (watch->late)
		return talk->begins[exchange][direction] < watch->hole;
	return talk->calls[watch->hole].chunk.direction == direction &&
	       talk->begins[exchange][direction] <= watch->hole &&
	       watch->hole <= talk->ends[exchange][direction];
}

static void check_fields(const struct message *message, int exchange)
{
	struct slice id = message_header(message, SLICE("x-id"));
	char number[16];

	snprintf(number, sizeof(number), "%d", exchange);
	if (id.data && !slice_equal(id, slice_of_string(number)))
		fail_msg("stream %u has id %.*s", message->key, (int)id.len, id.data);
	if (message->target.data && !slice_equal(message->target, slice_of_string(path_of(exchange))))
		fail_msg("stream %u has path %.*s", message->key, (int)message->target.len,
			 message->target.data);
	if (message->status && message->status != (exchange % 5 ? 200 : 299))
		fail_msg("stream %u has status %d", message->key, message->status);
	if (message->kind == MESSAGE_RESPONSE && message->body_known && message->body_bytes != 5)
		fail_msg("stream %u has %d bytes", message->key, (int)message->body_bytes);
}

static bool is_complete(const struct message *message)
{
	bool is_request = message->kind == MESSAGE_REQUEST;

	for (size_t i = 0; i < message->headers.count; i++)
		if (message->headers.items[i].flags & (HEADER_NAME_UNKNOWN | HEADER_VALUE_UNKNOWN))
			return false;
	if (message->headers.count != (is_request ? 2 : 3))
		return false;
	return is_request ? message->method.data && message->scheme.data && message->authority.data &&
				    message->target.data
			  : message->status != 0;
}

static void watch_message(void *ctx, const struct message *message)
{
	struct watch *watch = ctx;
	int exchange = (int)(message->key / 2), direction = message->kind == MESSAGE_RESPONSE;
	bool is_marked = message->flags & (FLAG_GAP | FLAG_LATE_JOINED);
	/* A response says why its request is missing. */
	bool touched = is_touched(watch, exchange, direction) || is_touched(watch, exchange, 0);

	assert_in_range(exchange, 0, EXCHANGES - 1);
	check_fields(message, exchange);
	watch->shown++;
	watch->marked += is_marked;
	watch->whole += message->flags == 0;
	watch->partial += (message->flags & FLAG_PARTIAL_HEADERS) != 0;
	if (is_marked && !touched)
		fail_msg("call %zu: stream %u is marked (%x) and was not touched", watch->hole, message->key,
			 message->flags);
	if (((message->flags & FLAG_PARTIAL_HEADERS) == 0) != is_complete(message))
		fail_msg("call %zu: stream %u, flags %x", watch->hole, message->key, message->flags);
}

static struct watch talk_run(const struct talk *talk, size_t hole, bool late)
{
	struct watch watch = { .talk = talk, .hole = hole, .late = late };
	struct run run;

	run_begin(&run, late);
	run.out.watch = watch_message;
	run.out.watch_ctx = &watch;
	for (size_t i = late ? hole : 0; i < talk->count; i++) {
		run_call(&run, &talk->calls[i].chunk, !late && i == hole);
		http2_protocol.tick(run.protocol, run.now_ns);
	}
	run_end(&run);
	message_text_fini(&run.out);
	return watch;
}

static void test_each_call_lost(void **state)
{
	(void)state;
	for (int width = 1; width <= 8; width += 7) {
		static struct talk talk;

		talk_make(&talk, width);
		for (size_t hole = 2; hole < talk.count; hole++) {
			const struct call *call = &talk.calls[hole];
			struct watch watch = talk_run(&talk, hole, false);

			/* Nothing but a message whose head is lost is missing. */
			assert_in_range(watch.shown, 2 * EXCHANGES - 1, 2 * EXCHANGES);
			/* The exchanges under way in its direction, and the one whose request it was. */
			assert_true(watch.marked <= (size_t)width + 1);
			if (call->first > call->last)
				assert_int_equal(watch.whole, 2 * EXCHANGES);
		}
		talk_fini(&talk);
	}
}

static void test_each_call_joined_at(void **state)
{
	(void)state;
	for (int width = 1; width <= 8; width += 7) {
		static struct talk talk;
		size_t whole = 0;

		talk_make(&talk, width);
		for (size_t first = 1; first < talk.count; first++) {
			struct watch watch = talk_run(&talk, first, true);

			assert_true(watch.marked <= (size_t)(2 * width + 1));
			whole += watch.whole;
		}
		assert_true(whole > 100);
		talk_fini(&talk);
	}
}

/*
 * The answer overtakes the request's last byte, twice in a row: no
 * block pays for the wait of the one before.
 */
static void test_each_block_waits_for_itself(void **state)
{
	enum {
		REQUESTS = 5,
		LINES_AN_EXCHANGE = 3
	}; /* behind START: head, answer's head, its body */
	struct build *build = build_new(START GET(1) OK(1) GET(3) OK(3));
	struct run run;

	(void)state;
	run_begin(&run, false);
	for (size_t i = 0; i < REQUESTS; i++)
		run_call(&run, &build->chunks[i], false);
	for (size_t i = REQUESTS; i < build->count; i += LINES_AN_EXCHANGE) {
		struct build_chunk first = build->chunks[i], last = first;

		first.len--;
		last.bytes += first.len;
		last.len = 1;
		run_call(&run, &first, false);
		run_call(&run, &build->chunks[i + 1], false);
		run_call(&run, &build->chunks[i + 2], false);
		http2_protocol.tick(run.protocol, run.now_ns);
		run_call(&run, &last, false);
	}
	assert_string_equal(message_text_get(&run.out), O(1) G(1) O(3) G(3));
	run_end(&run);
	build_free(build);
}

static unsigned int losses[2];

static void on_lost(void *ctx, enum message_kind kind, uint32_t key, unsigned int flags)
{
	(void)ctx;
	losses[kind] += key && flags & (FLAG_GAP | FLAG_LATE_JOINED);
}

/* An answer that does not tell which side it came from is dropped; its request is found later. */
static void test_answer_before_the_role(void **state)
{
	struct build *build = build_new(START GET(1) "< headers 1 end :status=299\n" GET(
		3) "< ping\n< ping\n< ping\n" GET(5) "< headers 5 end :status=299\n");
	struct build_chunk last, *answer = &build->chunks[build->count - 1], *request = answer - 1;
	struct run run;

	(void)state;
	losses[MESSAGE_RESPONSE] = 0;
	last = (struct build_chunk){ .bytes = request->bytes + --request->len, .len = 1 };
	run_begin(&run, true);
	http2_protocol.destroy(run.protocol);
	run.handler.lost = on_lost;
	run.protocol = http2_protocol.create(
		&(struct protocol_config){ .message_limit_bytes = 65536, .stream_limit = 9 }, &run.handler);
	assert_non_null(run.protocol);
	for (size_t i = 7; i < build->count; i++)
		run_call(&run, &build->chunks[i], false);
	run_call(&run, &last, false);
	run_end(&run);
	assert_string_equal(message_text_get(&run.out),
			    "request 3 GET http:///3 2.0 {?: ?} 0 [partial-headers]\n"
			    "request 5 GET http:///5 2.0 {?: ?} 0 [partial-headers]\n");
	assert_int_equal(run.out.notes[NOTE_MESSAGE_REFUSED], 1);
	assert_int_equal(losses[MESSAGE_RESPONSE], 2);
	message_text_fini(&run.out);
	build_free(build);
}

/* The rest of a request behind a hole comes after the answer, which was given away without it. */
static void test_request_behind_its_answer(void **state)
{
	enum {
		HOLE = 5,
		REQUEST
	}; /* behind START */
	struct build *build =
		build_new(START "> ping\n" GET(1) "< headers 1 end :status=204\n> ping\n> ping\n");
	struct build_chunk *request = &build->chunks[REQUEST], last;
	struct run run;

	(void)state;
	losses[MESSAGE_RESPONSE] = 0;
	last = (struct build_chunk){ .bytes = request->bytes + --request->len, .len = 1 };
	run_begin(&run, false);
	http2_protocol.destroy(run.protocol);
	run.handler.lost = on_lost;
	run.protocol = http2_protocol.create(&(struct protocol_config){ .role = ROLE_CLIENT,
									.from_start = { true, true },
									.message_limit_bytes = 65536,
									.stream_limit = 9 },
					     &run.handler);
	assert_non_null(run.protocol);
	for (size_t i = 0; i < build->count; i++) {
		if (i == REQUEST + 2)
			run_call(&run, &last, false);
		run_call(&run, &build->chunks[i], i == HOLE);
	}
	run_end(&run);
	assert_string_equal(message_text_get(&run.out), "response 1 204 2.0 {} 0 [gap]\n" G(1));
	assert_int_equal(losses[MESSAGE_RESPONSE], 1);
	message_text_fini(&run.out);
	build_free(build);
}

/* A border that was searched for was none: the frame that seems to begin there has the answer inside. */
static void test_answer_inside_no_frame(void **state)
{
	struct build *build =
		build_new("< ping\n< ping\n< raw 003e80070000000000\n"
			  "> preface\n> settings\n> ping\n" GET(1) "< headers 1 end :status=204\n");
	struct run run;

	(void)state;
	losses[MESSAGE_RESPONSE] = 0;
	run_begin(&run, false);
	http2_protocol.destroy(run.protocol);
	run.handler.lost = on_lost;
	run.protocol = http2_protocol.create(&(struct protocol_config){ .role = ROLE_CLIENT,
									.from_start = { true, false },
									.message_limit_bytes = 65536,
									.stream_limit = 9 },
					     &run.handler);
	assert_non_null(run.protocol);
	for (size_t i = 0; i < build->count; i++)
		run_call(&run, &build->chunks[i], false);
	run_end(&run);
	assert_string_equal(message_text_get(&run.out), G(1));
	assert_int_equal(losses[MESSAGE_RESPONSE], 1);
	message_text_fini(&run.out);
	build_free(build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_inside_no_frame),
		cmocka_unit_test(test_answer_before_the_role),
		cmocka_unit_test(test_request_behind_its_answer),
		cmocka_unit_test(test_each_block_waits_for_itself),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_each_call_lost),
		cmocka_unit_test(test_each_call_joined_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
