/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each connection is a readable script. It runs whole, byte by byte and split
 * at every offset, which must give the same messages; joined late before each
 * frame and with a hole at every offset, which must give right messages or
 * marked ones. The whole run, whose text the row shows, is the truth that the
 * damaged runs are held against.
 */
#include "protocol.h"

#include "http2_build.h"
#include "message_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TRUTH_MAX 512

struct row {
	const char *name;
	const char *script;
	const char *expected;
	struct protocol_config config; /* zeroes stand for the usual values */
	enum protocol_end end;
	uint64_t notes[NOTE_COUNT]; /* of the whole run */
};

#define START	"> preface\n> settings\n< settings\n> settings ack\n< settings ack\n"
#define GET(id) "> headers " #id " end :method=GET :scheme=http :authority=h :path=/" #id "\n"
#define OK(id)	"< headers " #id " :status=200 a=" #id "\n< data " #id " end hello\n"
#define G(id)	"request " #id " GET http://h /" #id " 2.0 {} 0\n"
#define O(id)	"response " #id " 200 2.0 {a: " #id "} 5\n"

/* clang-format off */
#define ROW(n, s, e, ...) { .name = n, .script = s, .expected = e, __VA_ARGS__ }
/* clang-format on */

static const struct row rows[] = {
	ROW("one exchange", START GET(1) OK(1), G(1) O(1)),
	ROW("interleaved", START GET(1) GET(3) "< headers 3 :status=404 x=1\n" OK(1) "< data 3 end \n",
	    G(1) G(3) O(1) "response 3 404 2.0 {x: 1} 0\n"),
	ROW("post with trailers",
	    START "> headers 1 :method=POST :scheme=https :authority=h :path=/p te=trailers\n> data 1 abc\n"
		  "> data 1 defg\n> headers 1 end t=1 u=2\n< headers 1 :status=200 b=c\n< data 1 xy\n"
		  "< headers 1 end grpc-status=0\n",
	    "request 1 POST https://h /p 2.0 {te: trailers} 7 trailers {t: 1; u: 2}\n"
	    "response 1 200 2.0 {b: c} 2 trailers {grpc-status: 0}\n"),
	ROW("continuation, padding, priority",
	    START
	    "> headers 1 end split padded priority :method=GET :scheme=http :authority=h :path=/long a=b\n"
	    "> priority 3\n> window 0\n> ping\n< ping ack\n> window 1\n"
	    "< headers 1 split padded :status=200 server=x date=today\n< data 1 padded hi\n< data 1 end "
	    "padded "
	    "\n",
	    "request 1 GET http://h /long 2.0 {a: b} 0\n"
	    "response 1 200 2.0 {server: x; date: today} 2\n"),
	ROW("unknown frames",
	    START "< raw 000003f0ff80000001aabbcc\n" GET(1) "< raw 0000000a0000000000\n" OK(1), G(1) O(1)),
	ROW("interim responses",
	    START GET(1) "< headers 1 :status=103 link=a\n< headers 1 :status=103 link=b\n" OK(1),
	    G(1) "interim 103 {link: a}\ninterim 103 {link: b}\n" O(1), .notes = { [NOTE_INTERIM] = 2 }),
	ROW("push",
	    START GET(1) "< promise 1 2 split padded :method=GET :scheme=http :authority=h :path=/2\n" OK(1)
		    OK(2),
	    G(1) "request 2 GET http://h /2 2.0 {} 0 [pushed]\n" O(1) O(2)),
	ROW("never indexed, cookie crumbs",
	    START
	    "> headers 1 end never :method=GET :scheme=http :authority=h :path=/1 cookie=a=1 cookie=b=2\n",
	    "request 1 GET http://h /1 2.0 {cookie: a=1!; cookie: b=2!} 0\n"),
	ROW("reset by the server",
	    START GET(1) "< headers 1 :status=200\n< data 1 abc\n< rst 1 2\n" GET(3) "< rst 3 7\n",
	    G(1) "response 1 200 2.0 {} 3 [reset]\nreset 1 2\n" G(3) "reset 3 7\n"),
	ROW("early response, then NO_ERROR",
	    START
	    "> headers 1 :method=POST :scheme=http :authority=h :path=/1\n> data 1 abc\n" OK(1) "< rst 1 0\n",
	    O(1) "request 1 POST http://h /1 2.0 {} 3~\n"),
	ROW("late frames of a reset stream",
	    START GET(1) "> rst 1 8\n< headers 1 :status=200 n=1\n< data 1 x\n" GET(3) OK(3),
	    G(1) "reset 1 8\n" G(3) O(3)),
	ROW("goaway", START GET(1) GET(3) "< goaway 1 0\n" OK(1) GET(5),
	    G(1) G(3) "reset 3 0\n" O(1) G(5) "reset 5 0\n"),
	ROW("closed under way",
	    START "> headers 1 :method=POST :scheme=http :authority=h :path=/1\n> data 1 ab\n" GET(
		    3) "< headers 3 :status=200\n",
	    G(3) "request 1 POST http://h /1 2.0 {} 2 [closed]\nresponse 3 200 2.0 {} 0 [closed]\n"),
	ROW("reset by TCP", START GET(1) "< headers 1 :status=200\n",
	    G(1) "response 1 200 2.0 {} 0 [reset,closed]\n", .end = END_RESET),
	ROW("hark ends", START GET(1) "< headers 1 :status=200\n",
	    G(1) "response 1 200 2.0 {} 0 [in-flight]\n", .end = END_IN_FLIGHT),
	ROW("bodies", START GET(1) OK(1), G(1) "response 1 200 2.0 {a: 1} \"hello\"\n",
	    .config = { .want_bodies = true, .body_limit_bytes = 100 }),
	ROW("few fields",
	    START
	    "> headers 1 :method=POST :scheme=http :authority=h :path=/1 user-agent=u content-type=a/b\n"
	    "> headers 1 end x=y grpc-status=0\n"
	    "< headers 1 :status=200 server=s grpc-status=5\n< headers 1 end grpc-status=7 z=1\n",
	    "request 1 POST http://h /1 2.0 {content-type: a/b} 0 trailers {grpc-status: 0}\n"
	    "response 1 200 2.0 {grpc-status: 5} 0 trailers {grpc-status: 7}\n",
	    .config = { .few_fields = true }),
	ROW("few fields, Host says something else",
	    START "> headers 1 end :method=GET :scheme=http :authority=a :path=/1 b=c host=b\n",
	    "request 1 GET http://a /1 2.0 {host: b} 0 [malformed]\n", .config = { .few_fields = true }),
	ROW("body cut", START GET(1) OK(1), G(1) "response 1 200 2.0 {a: 1} \"hel\" [truncated]\n",
	    .config = { .want_bodies = true, .body_limit_bytes = 3 }),
	ROW("header limit",
	    START "> headers 1 end :method=GET :path=/x a=0123456789012345678901234567890123456789\n",
	    "request 1 GET ? 2.0 {} 0 [truncated]\n", .config = { .message_limit_bytes = 16 },
	    .notes = { [NOTE_HEADER_LIMIT] = 1 }),
	ROW("stream limit", START GET(1) GET(3) GET(5) OK(1) OK(5) OK(3) GET(7) OK(7),
	    G(1) G(3) O(1) O(3) G(7) O(7), .config = { .stream_limit = 2 },
	    .notes = { [NOTE_STREAM_LIMIT] = 1 }),
	ROW("upgraded", "> preface\n> settings\n< settings\n" OK(1) GET(3) OK(3), O(1) G(3) O(3),
	    .config = { .after_upgrade = true,
			.upgrade_settings = { (const uint8_t *)"AAMAAABkAAUAAP__", 16 } }),
	ROW("response first", "< settings\n" OK(1) "> preface\n> settings\n" GET(1), O(1) G(1)),
	ROW("connect",
	    START "> headers 1 :method=CONNECT :authority=h:1\n> data 1 raw\n< headers 1 :status=200\n"
		  "< data 1 end back\n> data 1 end \n",
	    "response 1 200 2.0 {} 4\nrequest 1 CONNECT h:1 ? 2.0 {} 3\n"),
	ROW("two of a pseudo-field: the first, and malformed",
	    START "> headers 1 end :method=GET :scheme=http :authority=a :authority=b :path=/1\n"
		  "< headers 1 end :status=404 :status=200 a=1\n",
	    "request 1 GET http://a /1 2.0 {:authority: b} 0 [malformed]\n"
	    "response 1 404 2.0 {:status: 200; a: 1} 0 [malformed]\n"),
	ROW("a status of four digits is none", START GET(1) "< headers 1 end :status=2000\n",
	    G(1) "response 1 0 2.0 {:status: 2000} 0 [malformed]\n"),
	ROW("Host says something else than :authority",
	    START "> headers 1 end :method=GET :scheme=http :authority=a :path=/1 host=A\n"
		  "> headers 3 end :method=GET :scheme=http :authority=a :path=/3 host=b\n"
		  "> headers 5 end :method=GET :scheme=http :path=/5 host=a host=a\n",
	    "request 1 GET http://a /1 2.0 {host: A} 0\n"
	    "request 3 GET http://a /3 2.0 {host: b} 0 [malformed]\n"
	    "request 5 GET http:///5 2.0 {host: a; host: a} 0 [malformed]\n"),
	ROW("switching protocols is refused", START GET(1) "< headers 1 :status=101\n" OK(1), G(1) O(1),
	    .notes = { [NOTE_MESSAGE_REFUSED] = 1 }),
	ROW("response on the client's side is refused", START "> headers 1 end :status=200\n" GET(3), G(3),
	    .notes = { [NOTE_MESSAGE_REFUSED] = 1 }),
	ROW("many fields of one table",
	    START GET(1) GET(3) GET(5)
		    GET(7) "> headers 9 end :method=GET :scheme=http :authority=h :path=/1\n" OK(1) OK(3)
			    OK(5) OK(7) "< headers 9 :status=302 location=/1 a=3\n< data 9 end zz\n",
	    G(1) G(3) G(5) G(7) "request 9 GET http://h /1 2.0 {} 0\n" O(1) O(3) O(5)
		    O(7) "response 9 302 2.0 {location: /1; a: 3} 2\n"),
};

/* --- running ----------------------------------------------------------------- */

static struct protocol_config config_of(const struct row *row)
{
	struct protocol_config config = row->config;

	config.role = config.role ? config.role : ROLE_CLIENT;
	config.from_start[0] = config.from_start[1] = true;
	config.message_limit_bytes = config.message_limit_bytes ? config.message_limit_bytes : 65536;
	config.stream_limit = config.stream_limit ? config.stream_limit : 1000;
	config.table_limit_bytes = 65536;
	return config;
}

struct run {
	struct protocol *protocol;
	struct message_text out;
	struct protocol_handler handler;
	uint64_t now_ns;
};

static void run_begin(struct run *run, const struct protocol_config *config)
{
	*run = (struct run){ 0 };
	run->handler = message_text_handler(&run->out);
	run->protocol = http2_protocol.create(config, &run->handler);
	assert_non_null(run->protocol);
}

static void run_feed(struct run *run, int direction, const uint8_t *bytes, size_t len)
{
	uint8_t *copy;

	if (len == 0)
		return;
	/* A copy of its own: reading past the end shows under the address sanitizer. */
	copy = malloc(len);
	memcpy(copy, bytes, len);
	assert_int_equal(http2_protocol.feed(run->protocol, (enum event_direction)direction,
					     slice_of(copy, len), ++run->now_ns),
			 len);
	free(copy);
}

static void run_end(struct run *run, enum protocol_end reason)
{
	http2_protocol.end(run->protocol, reason, ++run->now_ns);
	assert_true(http2_protocol.idle(run->protocol));
	http2_protocol.destroy(run->protocol);
	assert_false(run->out.failed);
}

static void expect_text(struct run *run, const struct row *row, const char *how, size_t at)
{
	if (strcmp(message_text_get(&run->out), row->expected) != 0) {
		print_error("%s, %s %zu:\n", row->name, how, at);
		assert_string_equal(message_text_get(&run->out), row->expected);
	}
	message_text_fini(&run->out);
}

static void run_whole(const struct row *row, size_t step, const char *how)
{
	struct protocol_config config = config_of(row);
	struct build *build = build_new(row->script);
	struct run run;

	run_begin(&run, &config);
	for (size_t i = 0; i < build->count; i++) {
		const struct build_chunk *chunk = &build->chunks[i];

		for (size_t at = 0; at < chunk->len; at += step)
			run_feed(&run, chunk->direction, chunk->bytes + at,
				 chunk->len - at < step ? chunk->len - at : step);
	}
	run_end(&run, row->end);
	for (int note = 0; note < NOTE_COUNT; note++) {
		if (run.out.notes[note] != row->notes[note])
			fail_msg("%s: note %d is %llu", row->name, note,
				 (unsigned long long)run.out.notes[note]);
	}
	expect_text(&run, row, how, step);
	build_free(build);
}

/* Feeds neighbouring chunks of one direction in one piece, but for a border at `split` bytes. */
static void run_split(const struct row *row, const struct build *build, size_t split)
{
	static uint8_t piece[BUILD_CHUNKS * 64];
	struct protocol_config config = config_of(row);
	size_t fed = 0, len = 0;
	struct run run;

	run_begin(&run, &config);
	for (size_t i = 0; i < build->count; i++) {
		const struct build_chunk *chunk = &build->chunks[i];

		for (size_t at = 0; at < chunk->len; at++, fed++) {
			if (fed == split && len) {
				run_feed(&run, chunk->direction, piece, len);
				len = 0;
			}
			piece[len++] = chunk->bytes[at];
		}
		if (i + 1 < build->count && build->chunks[i + 1].direction == chunk->direction)
			continue;
		run_feed(&run, chunk->direction, piece, len);
		len = 0;
	}
	run_end(&run, row->end);
	expect_text(&run, row, "split at", split);
}

static size_t build_bytes(const struct build *build)
{
	size_t total = 0;

	for (size_t i = 0; i < build->count; i++)
		total += build->chunks[i].len;
	return total;
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct build *build = build_new(rows[i].script);

		run_whole(&rows[i], BUILD_CHUNK_SIZE, "a frame a call");
		run_whole(&rows[i], 1, "byte by byte");
		for (size_t split = 0; split < build_bytes(build); split++)
			run_split(&rows[i], build, split);
		build_free(build);
	}
}

/* --- truth ------------------------------------------------------------------- */

/* One message as the whole run told it. */
struct truth {
	struct message *messages[TRUTH_MAX];
	char *lines[TRUTH_MAX];
	size_t count;
};

struct truth_check {
	const struct truth *truth;
	const char *name;
	size_t shown, unmarked;
};

static char *line_of(const struct message *message)
{
	struct message_text out = { 0 };

	message_text_write(&out, message);
	return out.text;
}

static void list_copy(struct message *to, struct header_list *list, const struct header_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		message_add_header(to, list, from->items[i].name, from->items[i].value, from->items[i].flags);
}

static void slot_copy(struct message *to, struct slice *slot, struct slice from)
{
	if (from.data)
		arena_copy(&to->arena, from, slot);
}

static void truth_add(void *ctx, const struct message *message)
{
	struct truth *truth = ctx;
	struct message *copy = message_new(message->kind, 0);

	assert_true(truth->count < TRUTH_MAX);
	copy->key = message->key;
	copy->status = message->status;
	copy->body_bytes = message->body_bytes;
	slot_copy(copy, &copy->method, message->method);
	slot_copy(copy, &copy->target, message->target);
	slot_copy(copy, &copy->scheme, message->scheme);
	slot_copy(copy, &copy->authority, message->authority);
	list_copy(copy, &copy->headers, &message->headers);
	list_copy(copy, &copy->trailers, &message->trailers);
	truth->messages[truth->count] = copy;
	truth->lines[truth->count++] = line_of(message);
}

static void truth_fini(struct truth *truth)
{
	for (size_t i = 0; i < truth->count; i++) {
		message_free(truth->messages[i]);
		free(truth->lines[i]);
	}
}

static void truth_learn(struct truth *truth, const struct row *row)
{
	struct protocol_config config = config_of(row);
	struct build *build = build_new(row->script);
	struct run run;

	*truth = (struct truth){ 0 };
	run_begin(&run, &config);
	run.out.watch = truth_add;
	run.out.watch_ctx = truth;
	for (size_t i = 0; i < build->count; i++)
		run_feed(&run, build->chunks[i].direction, build->chunks[i].bytes, build->chunks[i].len);
	run_end(&run, row->end);
	message_text_fini(&run.out);
	build_free(build);
}

static void check_slot(const struct truth_check *check, const struct message *message, struct slice shown,
		       struct slice is)
{
	if (shown.data && !(is.data && slice_equal(shown, is)))
		fail_msg("%s: stream %u shows %.*s", check->name, message->key, (int)shown.len, shown.data);
}

/* Every field shown with name and value is one of the true message, in order. */
static void check_list(const struct truth_check *check, const struct message *message,
		       const struct header_list *shown, const struct header_list *is)
{
	size_t at = 0;

	for (size_t i = 0; i < shown->count; i++) {
		const struct header *header = &shown->items[i];

		if (!header->name.data || !header->value.data)
			continue;
		while (at < is->count && !(slice_equal(is->items[at].name, header->name) &&
					   slice_equal(is->items[at].value, header->value)))
			at++;
		if (at++ == is->count)
			fail_msg("%s: stream %u shows %.*s: %.*s", check->name, message->key,
				 (int)header->name.len, header->name.data, (int)header->value.len,
				 header->value.data);
	}
}

static void check_unmarked(const struct truth_check *check, const struct message *message, const char *line)
{
	char *shown = line_of(message);

	if (strcmp(shown, line) != 0) {
		print_error("%s: unmarked and wrong\n", check->name);
		assert_string_equal(shown, line);
	}
	free(shown);
}

static void truth_hold(void *ctx, const struct message *message)
{
	struct truth_check *check = ctx;
	const struct message *is = NULL;
	size_t i;

	for (i = 0; i < check->truth->count && !is; i++) {
		if (check->truth->messages[i]->key == message->key &&
		    check->truth->messages[i]->kind == message->kind)
			is = check->truth->messages[i];
	}
	if (!is)
		fail_msg("%s: a message on stream %u that was never sent", check->name, message->key);
	check->shown++;
	check_slot(check, message, message->method, is->method);
	check_slot(check, message, message->target, is->target);
	check_slot(check, message, message->scheme, is->scheme);
	check_slot(check, message, message->authority, is->authority);
	if (message->status && message->status != is->status)
		fail_msg("%s: stream %u shows %d", check->name, message->key, message->status);
	check_list(check, message, &message->headers, &is->headers);
	check_list(check, message, &message->trailers, &is->trailers);
	if (message->body_bytes > is->body_bytes ||
	    (message->body_known && !(message->flags & ~FLAG_PARTIAL_HEADERS) &&
	     message->body_bytes != is->body_bytes))
		fail_msg("%s: stream %u shows %llu body bytes", check->name, message->key,
			 (unsigned long long)message->body_bytes);
	if (!(message->flags & ~(unsigned int)FLAG_PUSHED)) {
		check->unmarked++;
		check_unmarked(check, message, check->truth->lines[i - 1]);
	}
}

/*
 * Runs of the truth's script that end early or fail on purpose have
 * other marks; these rows are held to it.
 */
static bool is_whole_story(const struct row *row)
{
	return !strstr(row->name, "late frames") && !strstr(row->expected, "closed") &&
	       !strstr(row->expected, "in-flight") && !row->config.stream_limit &&
	       !row->config.message_limit_bytes && !row->config.after_upgrade &&
	       !row->notes[NOTE_MESSAGE_REFUSED];
}

static void run_hole(const struct row *row, const struct build *build, const struct truth *truth,
		     int direction, size_t begin, size_t size, bool sized, size_t step)
{
	struct protocol_config config = config_of(row);
	struct truth_check check = { .truth = truth, .name = row->name };
	size_t at[2] = { 0, 0 };
	struct run run;

	run_begin(&run, &config);
	run.out.watch = truth_hold;
	run.out.watch_ctx = &check;
	for (size_t i = 0; i < build->count; i++) {
		const struct build_chunk *chunk = &build->chunks[i];
		size_t end = at[chunk->direction] + chunk->len, offset = 0;

		for (; offset < chunk->len; at[chunk->direction] = end - chunk->len + offset) {
			size_t here = end - chunk->len + offset,
			       n = chunk->len - offset < step ? chunk->len - offset : step;

			if (chunk->direction == direction && here >= begin && here < begin + size) {
				n = begin + size - here < n ? begin + size - here : n;
				if (sized)
					http2_protocol.hole(run.protocol, chunk->direction, n, ++run.now_ns);
				else if (here == begin)
					http2_protocol.hole(run.protocol, chunk->direction, HOLE_UNKNOWN_SIZE,
							    ++run.now_ns);
			} else {
				if (chunk->direction == direction && here < begin && here + n > begin)
					n = begin - here;
				run_feed(&run, chunk->direction, chunk->bytes + offset, n);
			}
			offset += n;
		}
		at[chunk->direction] = end;
	}
	run_end(&run, END_CLOSED);
	message_text_fini(&run.out);
}

static size_t direction_bytes(const struct build *build, int direction)
{
	size_t total = 0;

	for (size_t i = 0; i < build->count; i++)
		total += build->chunks[i].direction == direction ? build->chunks[i].len : 0;
	return total;
}

static void test_holes(void **state)
{
	static const size_t sizes[] = { 1, 7, 40 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct build *build = build_new(rows[i].script);
		struct truth truth;

		truth_learn(&truth, &rows[i]);
		for (int d = 0; d < 2 && is_whole_story(&rows[i]); d++) {
			for (size_t at = 0; at < direction_bytes(build, d); at++) {
				for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
					run_hole(&rows[i], build, &truth, d, at, sizes[s], true,
						 BUILD_CHUNK_SIZE);
					run_hole(&rows[i], build, &truth, d, at, sizes[s], false,
						 BUILD_CHUNK_SIZE);
					run_hole(&rows[i], build, &truth, d, at, sizes[s], true, 13);
				}
			}
		}
		truth_fini(&truth);
		build_free(build);
	}
}

/* --- joining late ------------------------------------------------------------ */

/* Forty exchanges with few paths, so that :path is mostly an index, on streams that overlap by `width`. */
static char *long_script(unsigned int count, unsigned int width)
{
	char *script = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&script, &len);

	fputs(START, out);
	for (unsigned int i = 0; i < count + width; i++) {
		if (i < count)
			fprintf(out,
				"> headers %u end :method=GET :scheme=http :authority=h :path=/p%u x-n=%u "
				"agent=tester\n",
				2 * i + 1, i * 7 % 5, i % 3);
		if (i >= width)
			fprintf(out, "< headers %u :status=%u server=s age=%u\n< data %u end body%u\n",
				2 * (i - width) + 1, i % 3 ? 200 : 302, i % 4, 2 * (i - width) + 1, i);
	}
	fclose(out);
	return script;
}

/*
 * Joined inside chunk `first`, `missed` bytes of which are not seen. merge: all neighbouring frames of a
 * direction come in one call. Returns how many messages were shown.
 */
static size_t run_late(const struct row *row, const struct build *build, const struct truth *truth,
		       size_t first, size_t missed, enum protocol_role role, bool merge, size_t *unmarked)
{
	static uint8_t piece[BUILD_CHUNKS * 64];
	struct protocol_config config = config_of(row);
	struct truth_check check = { .truth = truth, .name = "late" };
	size_t len = 0;
	struct run run;

	config.role = role;
	config.from_start[0] = config.from_start[1] = false;
	run_begin(&run, &config);
	run.out.watch = truth_hold;
	run.out.watch_ctx = &check;
	for (size_t i = first; i < build->count; i++) {
		const struct build_chunk *chunk = &build->chunks[i];

		size_t from = i == first ? missed : 0;

		memcpy(piece + len, chunk->bytes + from, chunk->len - from);
		len += chunk->len - from;
		if (merge && i + 1 < build->count && build->chunks[i + 1].direction == chunk->direction)
			continue;
		run_feed(&run, chunk->direction, piece, len);
		len = 0;
	}
	run_end(&run, END_CLOSED);
	/* A primed table has every index. */
	assert_int_equal(run.out.notes[NOTE_INFLATE_ERROR], 0);
	message_text_fini(&run.out);
	*unmarked += check.unmarked;
	return check.shown;
}

static void test_late_join(void **state)
{
	static const unsigned int widths[] = { 1, 10, 30 };
	const enum protocol_role roles[] = { ROLE_CLIENT, ROLE_UNKNOWN };

	(void)state;
	for (size_t w = 0; w < 3; w++) {
		char *script = long_script(40, widths[w]);
		struct row row = ROW("late", script, "");
		struct build *build = build_new(script);
		struct truth truth;
		size_t unmarked = 0;

		truth_learn(&truth, &row);
		assert_int_equal(truth.count, 80);
		for (size_t first = 0; first < build->count; first++) {
			for (int variant = 0; variant < 4; variant++) {
				size_t shown = run_late(&row, build, &truth, first, 0, roles[variant & 1],
							variant & 2, &unmarked);

				/* All that begins after the join and a few frames for the search is there. */
				if (first + 3 * widths[w] + 9 < build->count &&
				    shown < (build->count - first) * 2 / 4 - widths[w])
					fail_msg("width %u, joined before frame %zu of %zu: %zu shown",
						 widths[w], first, build->count, shown);
			}
		}
		assert_true(unmarked > 1000);
		truth_fini(&truth);
		build_free(build);
		free(script);
	}
}

/* Joined at any byte of a frame. */
static void test_late_join_inside(void **state)
{
	char *script = long_script(12, 3);
	struct row row = ROW("late", script, "");
	struct build *build = build_new(script);
	struct truth truth;
	size_t unmarked = 0, shown = 0;

	(void)state;
	truth_learn(&truth, &row);
	for (size_t first = 0; first < build->count; first++) {
		for (size_t missed = 1; missed < build->chunks[first].len; missed++) {
			shown += run_late(&row, build, &truth, first, missed, ROLE_CLIENT, false, &unmarked);
			shown += run_late(&row, build, &truth, first, missed, ROLE_UNKNOWN, true, &unmarked);
		}
	}
	assert_true(shown > 1000);
	truth_fini(&truth);
	build_free(build);
	free(script);
}

/* A hundred streams and more under way at once. */
static void test_many_streams(void **state)
{
	char *script = long_script(150, 120);
	struct row row = ROW("many", script, "");
	struct truth truth;

	(void)state;
	truth_learn(&truth, &row);
	assert_int_equal(truth.count, 300);
	for (size_t i = 0; i < truth.count; i++)
		assert_null(strchr(truth.lines[i], '['));
	truth_fini(&truth);
	free(script);
}

/* A body's hole is counted and keeps the framing; body_left tells where it may be. */
static void test_body_hole(void **state)
{
	struct row row = { .script = START GET(1) "< headers 1 :status=200\n" };
	struct protocol_config config = config_of(&row);
	struct build *build = build_new(row.script);
	struct run run;

	(void)state;
	run_begin(&run, &config);
	for (size_t i = 0; i < build->count; i++)
		run_feed(&run, build->chunks[i].direction, build->chunks[i].bytes, build->chunks[i].len);
	run_feed(&run, 1, (const uint8_t *)"\0\x40\0\0\1\0\0\0\1abc", 12);
	assert_int_equal(http2_protocol.body_left(run.protocol, 1), 16384 - 3);
	assert_int_equal(http2_protocol.body_left(run.protocol, 0), 0);
	assert_false(http2_protocol.idle(run.protocol));
	http2_protocol.hole(run.protocol, 1, 16380, ++run.now_ns);
	assert_int_equal(http2_protocol.body_left(run.protocol, 1), 1);
	run_feed(&run, 1, (const uint8_t *)"z", 1);
	run_end(&run, END_CLOSED);
	assert_string_equal(message_text_get(&run.out), G(1) "response 1 200 2.0 {} 16384\n");
	message_text_fini(&run.out);
	build_free(build);
}

/* A quiet connection, a frame a call: two ends at a border are proof, one is not. */
static void test_quiet_join(void **state)
{
	struct row row = { .script = GET(1) GET(3) };
	struct protocol_config config = config_of(&row);
	struct build *build = build_new(row.script);
	struct run run;

	(void)state;
	config.from_start[0] = config.from_start[1] = false;
	for (size_t calls = 1; calls <= 2; calls++) {
		run_begin(&run, &config);
		for (size_t i = 0; i < calls; i++)
			run_feed(&run, 0, build->chunks[i].bytes, build->chunks[i].len);
		run_end(&run, END_CLOSED);
		assert_string_equal(message_text_get(&run.out), calls == 1 ? "" : G(1) G(3));
		assert_int_equal(run.out.notes[NOTE_RESYNC], calls - 1);
		assert_int_equal(run.out.notes[NOTE_BYTES_UNPARSED], calls == 1 ? build->chunks[0].len : 0);
		message_text_fini(&run.out);
	}
	build_free(build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	     cmocka_unit_test(test_holes),
		cmocka_unit_test(test_late_join),    cmocka_unit_test(test_late_join_inside),
		cmocka_unit_test(test_many_streams), cmocka_unit_test(test_body_hole),
		cmocka_unit_test(test_quiet_join),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
