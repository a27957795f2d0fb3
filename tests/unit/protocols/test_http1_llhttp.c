/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llhttp, the parser of Node.js, as a referee: the same conversations are given to hark's decoder and to it,
 * and for each message method and target or status, version, fields, trailers, the body's bytes and where the
 * message ends are compared. The conversations: generated ones (fixed seed), those of http1_cases.h, and what
 * the fuzzer's corpus and the recordings hold. Where the two are meant to differ a row says how and why.
 * Versions 8.1 (Debian 12) and 9.2 (Debian 13) of it.
 */
#include "record/source_file.h"

#include "event.h"

#include "http1_cases.h"
#include "message_text.h"

#include <llhttp.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define NEW		 (LLHTTP_VERSION_MAJOR >= 9)
#define CONVERSATIONS	 1500
#define SPLIT_EVERYWHERE 40 /* of them: at each offset; the others at random ones */
#define RANDOM_CUTS	 4
#define TURNS		 64
#define BYTES		 32768
#define SEED		 UINT64_C(0x9e3779b97f4a7c15)
#define BODY_LIMIT_BYTES 65536
#define PIPELINE	 32
#define NO_END		 SIZE_MAX
#define SIDES		 2
#define SIDE(kind)	 ((kind) == MESSAGE_REQUEST ? 0 : 1)

/* --- what was told, a line a message ------------------------------------------ */

struct told {
	struct message_text lines[SIDES];
	size_t fed[SIDES];
	bool ends;  /* the bytes come one by one: where a message ends is told */
	bool marks; /* hark's flags are told */
	unsigned int flags;
};

static struct slice text_slice(const struct message_text *text)
{
	return slice_of(text->text ? text->text : "", text->len);
}

static void told_fini(struct told *told)
{
	for (int side = 0; side < SIDES; side++)
		message_text_fini(&told->lines[side]);
}

static void told_message(struct told *told, const struct message *message, struct slice body)
{
	int side = SIDE(message->kind);
	struct message_text *out = &told->lines[side];

	if (message->kind == MESSAGE_REQUEST) {
		message_text_slice(out, message->method);
		message_text_add(out, " ", 1);
		message_text_slice(out, message->target);
	} else {
		message_text_printf(out, "%d", message->status);
	}
	message_text_printf(out, " %d ", message->version);
	message_text_headers(out, &message->headers);
	message_text_add(out, " \"", 2);
	message_text_slice(out, body);
	message_text_add(out, "\" ", 2);
	message_text_headers(out, &message->trailers);
	if (told->ends)
		message_text_printf(out, " ends at %zu", told->fed[side]);
	if (told->marks)
		message_text_flags(out, message->flags);
	message_text_add(out, "\n", 1);
	told->flags |= message->flags;
}

/* --- hark ----------------------------------------------------------------------- */

struct hark {
	struct told told;
	struct message_text bodies[SIDES];
	struct protocol *http1;
	uint64_t now_ns;
	bool left;
};

static void hark_head(void *ctx, struct message *message)
{
	(void)ctx, (void)message;
}

static void hark_body(void *ctx, struct message *message, struct slice bytes)
{
	struct hark *hark = ctx;

	message_text_add(&hark->bodies[SIDE(message->kind)], (const char *)bytes.data, bytes.len);
}

/* A message that was cut is told with its flags, and is none that the referee could tell. */
static void hark_done(void *ctx, struct message *message)
{
	struct hark *hark = ctx;
	struct message_text *body = &hark->bodies[SIDE(message->kind)];
	struct slice bytes = text_slice(body);

	assert_int_equal(message->body_bytes, bytes.len);
	assert_true(slice_equal(message->body, bytes));
	told_message(&hark->told, message, bytes);
	body->len = 0;
	message_free(message);
}

static void hark_interim(void *ctx, const struct message *message)
{
	told_message(&((struct hark *)ctx)->told, message, SLICE(""));
}

static void hark_upgrade(void *ctx, struct slice to, const struct message *request)
{
	(void)to, (void)request;
	((struct hark *)ctx)->left = true;
}

static void hark_note(void *ctx, enum protocol_note note, uint64_t n)
{
	struct hark *hark = ctx;

	if (note == NOTE_MESSAGE_REFUSED && n)
		hark->told.flags |= FLAG_GAP;
}

static void hark_open(struct hark *hark, bool ends)
{
	const struct protocol_config config = {
		.role = ROLE_CLIENT,
		.from_start = { true, true },
		.want_bodies = true,
		.body_limit_bytes = BODY_LIMIT_BYTES,
		.message_limit_bytes = 4 * BODY_LIMIT_BYTES,
		.pipeline_limit = PIPELINE,
	};
	const struct protocol_handler handler = {
		.ctx = hark,
		.head = hark_head,
		.body = hark_body,
		.done = hark_done,
		.interim = hark_interim,
		.upgrade = hark_upgrade,
		.note = hark_note,
	};

	*hark = (struct hark){ .told.ends = ends };
	hark->http1 = http1_protocol.create(&config, &handler);
	assert_non_null(hark->http1);
}

static enum event_direction side_direction(int side)
{
	return side ? DIRECTION_RECEIVED : DIRECTION_SENT;
}

static void hark_feed(void *ctx, int side, struct slice bytes)
{
	struct hark *hark = ctx;

	if (hark->left)
		return;
	hark->told.fed[side] += bytes.len;
	http1_protocol.feed(hark->http1, side_direction(side), bytes, ++hark->now_ns);
}

static void hark_end(struct hark *hark)
{
	http1_protocol.finish(hark->http1, DIRECTION_RECEIVED, ++hark->now_ns);
	http1_protocol.end(hark->http1, END_CLOSED, ++hark->now_ns);
	http1_protocol.destroy(hark->http1);
	for (int side = 0; side < SIDES; side++)
		message_text_fini(&hark->bodies[side]);
}

/* --- the referee ------------------------------------------------------------------ */

struct reader {
	llhttp_t parser;
	struct referee *referee;
	struct message *message; /* under way */
	struct message_text target, name, value, body;
	bool behind_head, refused;
};

struct referee {
	struct told told;
	struct reader readers[SIDES];
	uint8_t asked[1024]; /* methods that wait for their responses */
	size_t asked_first, asked_last;
	bool tells_bodiless; /* that no body is behind 204 and 304; without it 8.1 reads one that fields
				announce */
	bool doubts;	     /* of requests that were refused nobody knows the answers */
	bool left;
};

static int reader_begin(llhttp_t *parser)
{
	struct reader *reader = parser->data;
	bool request = reader == &reader->referee->readers[0];

	reader->message = message_new(request ? MESSAGE_REQUEST : MESSAGE_RESPONSE, 4 * BODY_LIMIT_BYTES);
	assert_non_null(reader->message);
	reader->behind_head = false;
	reader->target.len = reader->name.len = reader->value.len = reader->body.len = 0;
	return 0;
}

static int reader_target(llhttp_t *parser, const char *at, size_t len)
{
	message_text_add(&((struct reader *)parser->data)->target, at, len);
	return 0;
}

static int reader_name(llhttp_t *parser, const char *at, size_t len)
{
	message_text_add(&((struct reader *)parser->data)->name, at, len);
	return 0;
}

static int reader_value(llhttp_t *parser, const char *at, size_t len)
{
	message_text_add(&((struct reader *)parser->data)->value, at, len);
	return 0;
}

/* Blanks behind a value are none of it (RFC 9112, 5.1); llhttp leaves them to its user. */
static int reader_field(llhttp_t *parser)
{
	struct reader *reader = parser->data;
	struct message *message = reader->message;

	assert_int_equal(
		message_add_header(message, reader->behind_head ? &message->trailers : &message->headers,
				   text_slice(&reader->name), slice_trim(text_slice(&reader->value)), 0),
		0);
	reader->name.len = reader->value.len = 0;
	return 0;
}

/* What a client tells llhttp: 0, or 1: no body, or 2: nor HTTP/1 behind it. */
static int response_body(struct referee *referee, int status)
{
	uint8_t method = HTTP_GET;

	if (status / 100 == 1 && status != 101)
		return 0;
	if (referee->asked_first < referee->asked_last)
		method = referee->asked[referee->asked_first++];
	if (method == HTTP_CONNECT && status / 100 == 2)
		return 2;
	return method == HTTP_HEAD || (referee->tells_bodiless && (status == 204 || status == 304)) ? 1 : 0;
}

static int reader_head(llhttp_t *parser)
{
	struct reader *reader = parser->data;
	struct referee *referee = reader->referee;
	struct message *message = reader->message;

	reader->behind_head = true;
	message->version =
		(enum http_version)(llhttp_get_http_major(parser) * 10 + llhttp_get_http_minor(parser));
	if (message->kind == MESSAGE_RESPONSE) {
		message->status = llhttp_get_status_code(parser);
		return response_body(referee, message->status);
	}
	message->method = slice_of_string(llhttp_method_name((llhttp_method_t)llhttp_get_method(parser)));
	message->target = text_slice(&reader->target);
	assert_true(referee->asked_last < sizeof(referee->asked));
	referee->asked[referee->asked_last++] = llhttp_get_method(parser);
	return 0;
}

static int reader_body(llhttp_t *parser, const char *at, size_t len)
{
	message_text_add(&((struct reader *)parser->data)->body, at, len);
	return 0;
}

static int reader_done(llhttp_t *parser)
{
	struct reader *reader = parser->data;

	told_message(&reader->referee->told, reader->message, text_slice(&reader->body));
	message_free(reader->message);
	reader->message = NULL;
	/* Behind HTTP/1.0 without its body llhttp would append the next length's digits to this one. */
	parser->content_length = 0;
	return 0;
}

static llhttp_settings_t settings;

static void referee_open(struct referee *referee, bool ends, bool strict)
{
	*referee = (struct referee){ .told.ends = ends, .tells_bodiless = !strict };
	llhttp_settings_init(&settings);
	settings.on_message_begin = reader_begin;
	settings.on_url = reader_target;
	settings.on_header_field = reader_name;
	settings.on_header_value = reader_value;
	settings.on_header_value_complete = reader_field;
	settings.on_headers_complete = reader_head;
	settings.on_body = reader_body;
	settings.on_message_complete = reader_done;
	for (int side = 0; side < SIDES; side++) {
		struct reader *reader = &referee->readers[side];

		llhttp_init(&reader->parser, side ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
		reader->parser.data = reader;
		reader->referee = referee;
		/* "Connection: close" is a word, and whoever goes on behind it is heard. */
		llhttp_set_lenient_keep_alive(&reader->parser, !strict);
		llhttp_set_lenient_chunked_length(&reader->parser, !strict);
	}
}

static void reader_refuse(struct reader *reader, llhttp_errno_t why)
{
	struct referee *referee = reader->referee;

	message_text_printf(&referee->told.lines[reader != &referee->readers[0]], "%s\n",
			    llhttp_errno_name(why));
	reader->refused = true;
	referee->left |= referee->doubts;
}

static void referee_feed(void *ctx, int side, struct slice bytes)
{
	struct referee *referee = ctx;
	struct reader *reader = &referee->readers[side];

	if (referee->left)
		return;
	referee->told.fed[side] += bytes.len;
	while (bytes.len && !reader->refused && !referee->left) {
		llhttp_errno_t err = llhttp_execute(&reader->parser, (const char *)bytes.data, bytes.len);

		if (err == HPE_OK)
			return;
		if (err != HPE_PAUSED_UPGRADE) {
			reader_refuse(reader, err);
			return;
		}
		/* A request that asks may be refused; the answer tells. */
		referee->left = side == 1;
		bytes = slice_drop(
			bytes, (size_t)((const uint8_t *)llhttp_get_error_pos(&reader->parser) - bytes.data));
		llhttp_resume_after_upgrade(&reader->parser);
	}
}

static void referee_end(struct referee *referee)
{
	for (int side = 0; side < SIDES; side++) {
		struct reader *reader = &referee->readers[side];

		llhttp_errno_t err = HPE_OK;

		if (side == 1 && !reader->refused && !referee->left)
			err = llhttp_finish(&reader->parser);
		if (err != HPE_OK)
			reader_refuse(reader, err);
		message_free(reader->message);
		message_text_fini(&reader->target);
		message_text_fini(&reader->name);
		message_text_fini(&reader->value);
		message_text_fini(&reader->body);
	}
}

/* --- conversations ------------------------------------------------------------------ */

struct conversation {
	struct {
		int side;
		size_t start, len;
	} turns[TURNS];
	size_t count, len;
	uint8_t bytes[BYTES];
};

static void conversation_add(struct conversation *talk, int side, const void *bytes, size_t len)
{
	assert_true(talk->len + len <= BYTES);
	if (!talk->count || talk->turns[talk->count - 1].side != side) {
		assert_true(talk->count < TURNS);
		talk->turns[talk->count].side = side;
		talk->turns[talk->count].start = talk->len;
		talk->turns[talk->count++].len = 0;
	}
	memcpy(talk->bytes + talk->len, bytes, len);
	talk->len += len;
	talk->turns[talk->count - 1].len += len;
}

static uint32_t random_below(uint64_t *state, uint32_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (uint32_t)((*state >> 32) % n);
}

/* Where the bytes are cut, beside where the turns end: every so many, once, or at random. */
struct cuts {
	size_t every, once;
	uint64_t random;
};

static size_t cut_next(struct cuts *cuts, size_t at, size_t end)
{
	size_t next = end;

	if (cuts->every)
		next = at + cuts->every;
	else if (cuts->once > at)
		next = cuts->once;
	else if (cuts->random)
		next = at + 1 + random_below(&cuts->random, random_below(&cuts->random, 4) ? 8 : 200);
	return next < end ? next : end;
}

/* Copies of exact size: the sanitizer sees every byte that is read too far. */
static void conversation_play(const struct conversation *talk, struct cuts cuts,
			      void (*feed)(void *ctx, int side, struct slice bytes), void *ctx)
{
	for (size_t i = 0; i < talk->count; i++) {
		size_t at = talk->turns[i].start, end = at + talk->turns[i].len;

		while (at < end) {
			size_t next = cut_next(&cuts, at, end);
			uint8_t *copy = malloc(next - at);

			assert_non_null(copy);
			memcpy(copy, talk->bytes + at, next - at);
			feed(ctx, talk->turns[i].side, slice_of(copy, next - at));
			free(copy);
			at = next;
		}
	}
}

static void hark_play(struct hark *hark, const struct conversation *talk, struct cuts cuts)
{
	hark_open(hark, cuts.every == 1);
	conversation_play(talk, cuts, hark_feed, hark);
	hark_end(hark);
}

static void referee_play(struct referee *referee, const struct conversation *talk, struct cuts cuts,
			 bool strict)
{
	referee_open(referee, cuts.every == 1, strict);
	conversation_play(talk, cuts, referee_feed, referee);
	referee_end(referee);
}

static size_t line_len(const char *text)
{
	const char *end = strchr(text, '\n');

	return end ? (size_t)(end + 1 - text) : strlen(text);
}

/* Else the first message that differs is printed. */
static void told_compare(const struct told *ours, const struct told *theirs, const char *name)
{
	for (int side = 0; side < SIDES; side++) {
		const char *our = message_text_get(&ours->lines[side]);
		const char *their = message_text_get(&theirs->lines[side]);

		if (!strcmp(our, their))
			continue;
		for (; line_len(our) == line_len(their) && !strncmp(our, their, line_len(our));
		     their += line_len(their))
			our += line_len(our);
		print_error("%s\nhark:   %.*sllhttp: %.*s", name, (int)line_len(our), our,
			    (int)line_len(their), their);
		fail();
	}
}

/* Both tell the same, however the bytes come. `allowed`: flags that hark may set. */
static void both_agree(const struct conversation *talk, struct cuts cuts, unsigned int allowed,
		       const char *name)
{
	struct referee referee;
	struct hark hark;

	hark_play(&hark, talk, cuts);
	referee_play(&referee, talk, cuts, false);
	told_compare(&hark.told, &referee.told, name);
	if (hark.told.flags & ~allowed)
		fail_msg("%s: flags %x\n%s", name, hark.told.flags, message_text_get(&hark.told.lines[0]));
	told_fini(&hark.told);
	told_fini(&referee.told);
}

/* --- generated ones ------------------------------------------------------------------- */

struct maker {
	struct conversation *talk;
	uint64_t random;
	int side;
};

static uint32_t below(struct maker *maker, uint32_t n)
{
	return random_below(&maker->random, n);
}

static void put(struct maker *maker, const char *text)
{
	conversation_add(maker->talk, maker->side, text, strlen(text));
}

static void put_byte(struct maker *maker, unsigned int byte)
{
	uint8_t one = (uint8_t)byte;

	conversation_add(maker->talk, maker->side, &one, 1);
}

static void put_some(struct maker *maker, const char *of, uint32_t most)
{
	for (uint32_t n = below(maker, most + 1); n; n--)
		put_byte(maker, (uint8_t)of[below(maker, (uint32_t)strlen(of))]);
}

static void put_any_case(struct maker *maker, const char *text)
{
	uint32_t how = below(maker, 4);

	for (; *text; text++) {
		bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
		bool swap = letter && (how == 1 || (how == 2 && below(maker, 2)));

		put_byte(maker, (uint8_t)(swap ? *text ^ 0x20 : *text));
	}
}

static void put_name(struct maker *maker)
{
	static const char token[] = "abcxyzABCXYZ0189-_.!#$%&'*+^`|~";

	put(maker, below(maker, 2) ? "X-" : "c");
	put_some(maker, token, 24);
}

/* Visible text with blanks inside, bytes above 126 among it. */
static void put_value(struct maker *maker)
{
	static const char text[] = "abcXYZ0189 \t,;:=\"'()<>@[]{}\\/?~\x80\xc3\xa9\xff";

	if (below(maker, 8))
		put_byte(maker, 'v');
	put_some(maker, text, below(maker, 4) ? 20 : 120);
}

static void put_blanks(struct maker *maker)
{
	static const char *const blanks[] = { " ", " ", " ", "", "  ", "\t", " \t " };

	put(maker, blanks[below(maker, 7)]);
}

static void put_fields(struct maker *maker, uint32_t most)
{
	for (uint32_t n = below(maker, most + 1); n; n--) {
		put_name(maker);
		put(maker, ":");
		put_blanks(maker);
		put_value(maker);
		if (!below(maker, 6))
			put_blanks(maker);
		put(maker, "\r\n");
	}
}

static void put_body(struct maker *maker, size_t len)
{
	static const char decoy[] =
		"\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nGET / HTTP/1.1\r\n\r\n";
	bool decoys = below(maker, 2);

	for (size_t i = 0; i < len; i++)
		put_byte(maker, decoys ? (uint8_t)decoy[i % (sizeof(decoy) - 1)] : below(maker, 256));
}

static size_t any_length(struct maker *maker)
{
	static const uint32_t most[] = { 1, 2, 17, 40, 300 };

	return below(maker, most[below(maker, 5)]);
}

static void put_number(struct maker *maker, size_t number, bool hex)
{
	char text[32];

	snprintf(text, sizeof(text), hex ? (below(maker, 2) ? "%zx" : "%zX") : "%zu", number);
	if (!below(maker, 4))
		put_some(maker, "0", 12);
	put(maker, text);
}

static void put_length(struct maker *maker, size_t len)
{
	put_any_case(maker, "Content-Length");
	put(maker, ":");
	put_blanks(maker);
	put_number(maker, len, false);
	put(maker, below(maker, 8) ? "\r\n" : "  \r\n");
}

static void put_coding(struct maker *maker)
{
	static const char *const codings[] = { "chunked", "gzip, chunked", "gzip,chunked",
					       "deflate , chunked" };

	put_any_case(maker, "Transfer-Encoding");
	put(maker, ":");
	put_blanks(maker);
	put_any_case(maker, codings[below(maker, 4)]);
	put(maker, "\r\n");
}

static void put_extensions(struct maker *maker)
{
	static const char *const extensions[] = { "", "", ";a", ";a=b", ";a=\"b c;d\"" };

	put(maker, extensions[below(maker, 5)]);
}

static void put_chunks(struct maker *maker)
{
	for (uint32_t n = below(maker, 5); n; n--) {
		size_t len = 1 + any_length(maker);

		put_number(maker, len, true);
		put_extensions(maker);
		put(maker, "\r\n");
		put_body(maker, len);
		put(maker, "\r\n");
	}
	put_number(maker, 0, true);
	put_extensions(maker);
	put(maker, "\r\n");
	if (!below(maker, 3))
		put_fields(maker, 3);
	put(maker, "\r\n");
}

enum framing {
	FRAMED_NOT,
	FRAMED_LENGTH,
	FRAMED_CHUNKS,
	FRAMED_BOTH,
	FRAMINGS
};

/* Fields around those that frame, the empty line, and the body if there is one. */
static void put_rest(struct maker *maker, enum framing framing, bool body, bool interim)
{
	size_t len = any_length(maker);

	put_fields(maker, 3);
	if (framing == FRAMED_BOTH && below(maker, 2))
		put_length(maker, len);
	if (framing >= FRAMED_CHUNKS)
		put_coding(maker);
	if (framing == FRAMED_LENGTH)
		put_length(maker, len);
	put_fields(maker, 3);
	put(maker, "\r\n");
	if (interim) {
		maker->side = 1;
		put(maker, "HTTP/1.1 100 Continue\r\n\r\n");
		maker->side = 0;
	}
	if (body && framing >= FRAMED_CHUNKS)
		put_chunks(maker);
	else if (body && framing == FRAMED_LENGTH)
		put_body(maker, len);
}

/* Returns whether it was HEAD. */
static bool put_request(struct maker *maker, bool interim)
{
	static const char *const methods[] = { "GET",	   "GET",     "HEAD",	"POST",	      "PUT",
					       "DELETE",   "OPTIONS", "PATCH",	"TRACE",      "PROPFIND",
					       "MOVE",	   "LOCK",    "UNLOCK", "REPORT",     "SEARCH",
					       "M-SEARCH", "LINK",    "UNLINK", "MKACTIVITY", "SUBSCRIBE",
					       "PURGE" };
	static const char *const targets[] = {
		"/", "/a", "*", "http://h:8/x?q", "/%20/..", "/?", "/a/b/c.html?x=1&y=[2]"
	};
	const char *method = methods[below(maker, sizeof(methods) / sizeof(*methods))];

	maker->side = 0;
	if (!below(maker, 8))
		put(maker, "\r\n");
	put(maker, method);
	put(maker, " ");
	put(maker, targets[below(maker, 7)]);
	put(maker, below(maker, 5) ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	put(maker, below(maker, 3) ? "Host: h\r\n" : "");
	put_rest(maker, below(maker, FRAMINGS), true, interim);
	return strcmp(method, "HEAD") == 0;
}

static void put_interims(struct maker *maker)
{
	static const char *const lines[] = { "HTTP/1.1 100 Continue\r\n", "HTTP/1.1 102 Processing\r\n",
					     "HTTP/1.1 103 Early Hints\r\n" };

	while (!below(maker, 8)) {
		put(maker, lines[below(maker, 3)]);
		put_fields(maker, 2);
		put(maker, "\r\n");
	}
}

static void put_response(struct maker *maker, bool head, bool last)
{
	static const char *const statuses[] = { "200 OK",      "200",	   "200 ",	"201 Made \xc3\xa9",
						"206 Partial", "299 x",	   "301 Moved", "404 Not Found",
						"418 I'm",     "500 No",   "599 ?",	"204 None",
						"304 Same",    "205 Reset" };
	const char *status = statuses[below(maker, sizeof(statuses) / sizeof(*statuses))];
	bool none = head || !strncmp(status, "204", 3) || !strncmp(status, "304", 3);
	enum framing framing = below(maker, FRAMINGS);

	maker->side = 1;
	put_interims(maker);
	/* Without a length a body lasts until the end. */
	if (!none && !last && framing == FRAMED_NOT)
		framing = FRAMED_LENGTH;
	put(maker, below(maker, 5) ? "HTTP/1.1 " : "HTTP/1.0 ");
	put(maker, status);
	put(maker, "\r\n");
	put_rest(maker, framing, !none, false);
	if (!none && framing == FRAMED_NOT)
		put_body(maker, any_length(maker));
}

static void conversation_make(struct conversation *talk, uint64_t seed)
{
	struct maker maker = { .talk = talk, .random = seed };
	uint32_t exchanges = 1 + below(&maker, 6);
	bool pipelined = !below(&maker, 3), heads[8];

	talk->count = talk->len = 0;
	for (uint32_t i = 0; i < exchanges; i++) {
		heads[i] = put_request(&maker, !pipelined && !below(&maker, 8));
		if (!pipelined)
			put_response(&maker, heads[i], i + 1 == exchanges);
	}
	for (uint32_t i = 0; pipelined && i < exchanges; i++)
		put_response(&maker, heads[i], i + 1 == exchanges);
}

static void test_generated(void **state)
{
	static struct conversation talk;
	uint64_t seeds = SEED;

	(void)state;
	for (unsigned int i = 0; i < CONVERSATIONS; i++) {
		char name[64];

		random_below(&seeds, 2);
		snprintf(name, sizeof(name), "conversation %u", i);
		conversation_make(&talk, seeds);
		both_agree(&talk, (struct cuts){ .every = 1 }, FLAG_MALFORMED, name);
		both_agree(&talk, (struct cuts){ 0 }, FLAG_MALFORMED, name);
		for (size_t at = 1; i < SPLIT_EVERYWHERE && at < talk.len; at++)
			both_agree(&talk, (struct cuts){ .once = at }, FLAG_MALFORMED, name);
		for (int n = 0; n < RANDOM_CUTS; n++)
			both_agree(&talk, (struct cuts){ .random = seeds + (uint64_t)n + 1 }, FLAG_MALFORMED,
				   name);
	}
}

/* --- where the two differ ------------------------------------------------------------ */

/* Of requests, then of responses, a line a message as told_message() writes it; "HPE_…" is llhttp's refusal.
 */
struct difference {
	const char *name, *why;
	const char *requests, *responses;
	const char *hark, *old, *new; /* hark's with its flags; new NULL: as old */
};

static const struct difference differences[] = {
	{ "another method", "llhttp has a list of methods, anybody may use another",
	  "REPLY /a HTTP/1.1\r\n\r\n", NULL, "REPLY /a 11 {} \"\" {}\n", "HPE_INVALID_METHOD\n", NULL },
	{ "QUERY", "a method that 9.2 has learnt", "QUERY /a HTTP/1.1\r\n\r\n", NULL,
	  "QUERY /a 11 {} \"\" {}\n", "HPE_INVALID_METHOD\n", "QUERY /a 11 {} \"\" {}\n" },
	{ "a byte above 126 in a target", "clients send them and servers answer; 9.2 is built strict",
	  "GET /\xc3\xa9 HTTP/1.1\r\n\r\n", NULL, "GET /\\xc3\\xa9 11 {} \"\" {}\n",
	  "GET /\\xc3\\xa9 11 {} \"\" {}\n", "HPE_INVALID_URL\n" },
	{ "DEL in a target", "the same of a control byte that ends no line", "GET /\x7f HTTP/1.1\r\n\r\n",
	  NULL, "GET /\\x7f 11 {} \"\" {}\n", "HPE_INVALID_URL\n", NULL },
	{ "a target without a slash", "the same", "GET a HTTP/1.1\r\n\r\n", NULL, "GET a 11 {} \"\" {}\n",
	  "HPE_INVALID_URL\n", NULL },
	{ "HTTP/0.9", "a line without a version is text to hark", "GET /a\r\n\r\n", NULL, "",
	  "GET /a 9 {} \"\" {}\n", NULL },
	{ "HTTP/2.0", "no program talks HTTP/1 under this name", "GET /a HTTP/2.0\r\n\r\n", NULL, "",
	  "GET /a 20 {} \"\" {}\n", NULL },
	{ "another protocol", "hark reads HTTP", "GET /a RTSP/1.0\r\n\r\n", NULL, "",
	  "GET /a 10 {} \"\" {}\n", NULL },
	{ "two spaces", "programs differ about what is the target", "GET  /a HTTP/1.1\r\n\r\n", NULL, "",
	  "GET /a 11 {} \"\" {}\n", NULL },
	{ "bare LF", "all programs that serve take it, llhttp refuses it", "GET /a HTTP/1.1\nA: b\n\n", NULL,
	  "GET /a 11 {A: b} \"\" {}\n", "HPE_INVALID_HEADER_TOKEN\n", "HPE_INVALID_VERSION\n" },
	{ "a blank before the colon",
	  "programs that read such a field differ about its name: hark knows none",
	  "GET /a HTTP/1.1\r\nA : b\r\nC: d\r\n\r\n", NULL, "GET /a 11 {C: d} \"\" {} [partial-headers]\n",
	  "GET /a 11 {A : b; C: d} \"\" {}\n", "HPE_INVALID_HEADER_TOKEN\n" },
	{ "a blank before the colon of a length", "hark refuses what others may frame by",
	  "POST /a HTTP/1.1\r\nContent-Length : 2\r\n\r\nxyGET /b HTTP/1.1\r\n\r\n", NULL,
	  "POST /a 11 {} \"\" {} [gap,partial-headers,malformed]\n", "HPE_INVALID_HEADER_TOKEN\n", NULL },
	{ "a line without a colon", "servers pass it over; hark leaves it out and says so",
	  "GET /a HTTP/1.1\r\nno colon\r\nC: d\r\n\r\n", NULL, "GET /a 11 {C: d} \"\" {} [partial-headers]\n",
	  "HPE_INVALID_HEADER_TOKEN\n", NULL },
	{ "a control byte in a value", "the same", "GET /a HTTP/1.1\r\nA: b\x01\r\n\r\n", NULL,
	  "GET /a 11 {A: b\\x01} \"\" {}\n", "HPE_INVALID_HEADER_TOKEN\n", NULL },
	{ "a CR inside a value", "where the line ends is a matter of taste",
	  "GET /a HTTP/1.1\r\nA: b\rC: d\r\n\r\n", NULL, "GET /a 11 {} \"\" {} [partial-headers]\n",
	  "HPE_LF_EXPECTED\n", NULL },
	{ "a CR behind an empty value", "CVE-2023-30589: to 8.1 a CR and any one byte end the line",
	  "POST /a HTTP/1.1\r\nA:\rContent-Length: 2\r\n\r\nxyGET /b HTTP/1.1\r\n\r\n", NULL,
	  "POST /a 11 {} \"\" {} [gap,partial-headers,malformed]\n",
	  "POST /a 11 {A: ; ontent-Length: 2} \"\" {}\nHPE_INVALID_METHOD\n", "HPE_STRICT\n" },
	{ "a blank before the first field", "it goes on with nothing; neither frames by it",
	  "POST /a HTTP/1.1\r\n Content-Length: 2\r\n\r\nxyGET /b HTTP/1.1\r\n\r\n", NULL,
	  "POST /a 11 {} \"\" {} [gap,partial-headers,malformed]\n", "HPE_UNEXPECTED_SPACE\n", NULL },
	{ "a field that goes on", "RFC 9112, 5.2: obs-fold, which 9.2 refuses",
	  "GET /a HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", NULL, "GET /a 11 {A: b\\x09c} \"\" {}\n",
	  "GET /a 11 {A: b\\x09c} \"\" {}\n", "HPE_INVALID_HEADER_TOKEN\n" },
	{ "a coding in the line behind",
	  "CVE-2022-32215: as hark reads it, so does 8.1, which is mended; 9.2 refuses",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n",
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n", "HPE_INVALID_HEADER_TOKEN\n" },
	{ "the same length twice", "RFC 9110, 8.6: it is one",
	  "POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nxy", NULL,
	  "POST /a 11 {Content-Length: 2; Content-Length: 2} \"xy\" {}\n", "HPE_UNEXPECTED_CONTENT_LENGTH\n",
	  NULL },
	{ "a list of the same length", "the same", "POST /a HTTP/1.1\r\nContent-Length: 2, 2\r\n\r\nxy", NULL,
	  "POST /a 11 {Content-Length: 2, 2} \"xy\" {}\n", "HPE_INVALID_CONTENT_LENGTH\n", NULL },
	{ "two lengths", "neither takes one: the body has no certain end",
	  "POST /a HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nxyz", NULL,
	  "POST /a 11 {Content-Length: 2; Content-Length: 3} \"\" {} [gap,malformed]\n",
	  "HPE_UNEXPECTED_CONTENT_LENGTH\n", NULL },
	{ "a tab behind a length", "a blank as good as a space",
	  "POST /a HTTP/1.1\r\nContent-Length: 2\t\r\n\r\nxy", NULL,
	  "POST /a 11 {Content-Length: 2} \"xy\" {}\n", "HPE_INVALID_CONTENT_LENGTH\n", NULL },
	{ "an empty length", "it is said nowhere",
	  "POST /a HTTP/1.1\r\nContent-Length:\r\n\r\nGET /b HTTP/1.1\r\n\r\n", NULL,
	  "POST /a 11 {Content-Length: } \"\" {} [gap,malformed]\n", "HPE_INVALID_CONTENT_LENGTH\n", NULL },
	{ "a length with a sign", "neither takes it", "POST /a HTTP/1.1\r\nContent-Length: +2\r\n\r\nxy",
	  NULL, "POST /a 11 {Content-Length: +2} \"\" {} [gap,malformed]\n", "HPE_INVALID_CONTENT_LENGTH\n",
	  NULL },
	{ "a length beyond 64 bits", "neither takes it",
	  "POST /a HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\nxy", NULL,
	  "POST /a 11 {Content-Length: 18446744073709551616} \"\" {} [gap,malformed]\n",
	  "HPE_INVALID_CONTENT_LENGTH\n", NULL },
	{ "a coding and a length",
	  "RFC 9112, 6.3: the coding wins, and the message is malformed; llhttp needs a word to do so",
	  "POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
	  NULL, "POST /a 11 {Content-Length: 3; Transfer-Encoding: chunked} \"x\" {} [malformed]\n",
	  "HPE_UNEXPECTED_CONTENT_LENGTH\n", "HPE_INVALID_TRANSFER_ENCODING\n" },
	{ "identity",
	  "RFC 2616, 3.6: no coding at all; llhttp knows no such name, and refuses a length beside a coding",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nxy", NULL,
	  "POST /a 11 {Transfer-Encoding: identity; Content-Length: 2} \"xy\" {} [malformed]\n",
	  "HPE_UNEXPECTED_CONTENT_LENGTH\n", "HPE_INVALID_CONTENT_LENGTH\n" },
	{ "chunked is not the last", "RFC 9112, 6.3: nobody knows where such a request ends",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n1\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked, gzip} \"\" {} [gap,malformed]\n",
	  "HPE_INVALID_TRANSFER_ENCODING\n", NULL },
	{ "another coding alone", "the same; a head is all that is known",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nx", NULL,
	  "POST /a 11 {Transfer-Encoding: gzip} \"\" {} [gap,malformed]\n", "HPE_INVALID_TRANSFER_ENCODING\n",
	  NULL },
	{ "chunked twice", "one layer of chunks, and malformed",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked, chunked} \"x\" {} [malformed]\n",
	  "HPE_INVALID_TRANSFER_ENCODING\n", NULL },
	{ "a parameter of chunked", "RFC 9112, 7: nobody uses them, and neither reads them",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked;q=1\r\n\r\n1\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked;q=1} \"\" {} [gap,malformed]\n",
	  "HPE_INVALID_TRANSFER_ENCODING\n", NULL },
	{ "two chunk extensions", "8.1 knows one",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b;c=d\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n", "HPE_INVALID_CHUNK_SIZE\n",
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n" },
	{ "a quote in a chunk extension", "8.1 knows no escape",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"\\\"\"\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n", "HPE_STRICT\n",
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n" },
	{ "a blank behind a chunk size", "RFC 9112, 7.1.1: BWS, which is there to be read",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1 ;a\r\nx\r\n0  \r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n", "HPE_INVALID_CHUNK_SIZE\n", NULL },
	{ "LF behind a chunk size", "as in heads",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {}\n", "HPE_INVALID_CHUNK_SIZE\n",
	  "HPE_CR_EXPECTED\n" },
	{ "a CR in a chunk extension", "where the line ends is a matter of taste",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\nx\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"\" {} [gap]\n", "HPE_INVALID_CHUNK_SIZE\n",
	  "HPE_STRICT\n" },
	{ "more than the chunk", "neither goes on",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"x\" {} [gap]\n", "HPE_INVALID_CHUNK_SIZE\n",
	  "HPE_STRICT\n" },
	{ "a chunk size beyond 64 bits", "neither takes it",
	  "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nx", NULL,
	  "POST /a 11 {Transfer-Encoding: chunked} \"\" {} [gap]\n", "HPE_INVALID_CHUNK_SIZE\n", NULL },
	{ "behind Connection: close", "whoever goes on is heard; llhttp ends there, as servers do",
	  "GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n", NULL,
	  "GET /a 11 {Connection: close} \"\" {}\nGET /b 11 {} \"\" {}\n",
	  "GET /a 11 {Connection: close} \"\" {}\n",
	  "GET /a 11 {Connection: close} \"\" {}\nHPE_CLOSED_CONNECTION\n" },
	{ "a body behind 304", "RFC 9112, 6.3: none; 8.1 waits for the chunks that are announced",
	  "GET /b HTTP/1.1\r\n\r\n", "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\n\r\n",
	  "GET /b 11 {} \"\" {}\n304 11 {Transfer-Encoding: chunked} \"\" {}\n",
	  "GET /b 11 {} \"\" {}\nHPE_INVALID_EOF_STATE\n",
	  "GET /b 11 {} \"\" {}\n304 11 {Transfer-Encoding: chunked} \"\" {}\n" },
	{ "a status below 100", "no program sends it", "GET /b HTTP/1.1\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n",
	  "GET /b 11 {} \"\" {}\n0 0 {} \"\" {} [gap,unanswered]\n",
	  "GET /b 11 {} \"\" {}\n99 11 {} \"\" {}\n", NULL },
};

static void test_differences(void **state)
{
	static struct conversation talk;

	(void)state;
	for (size_t i = 0; i < sizeof(differences) / sizeof(*differences); i++) {
		const struct difference *row = &differences[i];
		struct referee referee;
		struct hark hark;
		char ours[512], theirs[512];

		talk.count = talk.len = 0;
		conversation_add(&talk, 0, row->requests, strlen(row->requests));
		if (row->responses)
			conversation_add(&talk, 1, row->responses, strlen(row->responses));
		hark_open(&hark, false);
		hark.told.marks = true;
		conversation_play(&talk, (struct cuts){ 0 }, hark_feed, &hark);
		hark_end(&hark);
		referee_play(&referee, &talk, (struct cuts){ 0 }, true);
		snprintf(ours, sizeof(ours), "%s%s", message_text_get(&hark.told.lines[0]),
			 message_text_get(&hark.told.lines[1]));
		snprintf(theirs, sizeof(theirs), "%s%s", message_text_get(&referee.told.lines[0]),
			 message_text_get(&referee.told.lines[1]));
		if (strcmp(ours, row->hark) != 0 ||
		    strcmp(theirs, NEW && row->new ? row->new : row->old) != 0) {
			print_error("%s\nhark:\n%sllhttp:\n%s", row->name, ours, theirs);
			fail();
		}
		told_fini(&hark.told);
		told_fini(&referee.told);
	}
}

/* --- conversations that are there ------------------------------------------------------- */

/* The messages that both told, line by line, up to the first that one of them marks or refuses. */
static size_t beginnings_compare(const struct conversation *talk, struct cuts cuts, const char *name)
{
	struct referee referee;
	struct hark hark;
	size_t count = 0;

	hark_open(&hark, cuts.every == 1);
	hark.told.marks = true;
	conversation_play(talk, cuts, hark_feed, &hark);
	hark_end(&hark);
	referee_open(&referee, cuts.every == 1, false);
	referee.doubts = true;
	conversation_play(talk, cuts, referee_feed, &referee);
	referee_end(&referee);
	for (int side = 0; side < SIDES; side++) {
		const char *our = message_text_get(&hark.told.lines[side]);
		const char *their = message_text_get(&referee.told.lines[side]);

		for (; *our && *their && strncmp(their, "HPE_", 4) != 0 && our[line_len(our) - 2] != ']';
		     count++) {
			if (line_len(our) != line_len(their) || strncmp(our, their, line_len(our)) != 0) {
				print_error("%s\nhark:   %.*sllhttp: %.*s", name, (int)line_len(our), our,
					    (int)line_len(their), their);
				fail();
			}
			our += line_len(our);
			their += line_len(their);
		}
		/* What only llhttp tells hark refused, aloud. */
		if (!*our && *their && strncmp(their, "HPE_", 4) != 0 && !hark.told.flags && !hark.left)
			fail_msg("%s: hark is silent about %s", name, their);
	}
	told_fini(&hark.told);
	told_fini(&referee.told);
	return count;
}

static void test_cases(void **state)
{
	static struct conversation talk;
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(http1_cases) / sizeof(*http1_cases); i++) {
		talk.count = talk.len = 0;
		for (const struct http1_turn *turn = http1_cases[i].turns; turn->side; turn++)
			conversation_add(&talk, turn->side == TURN_RESPONSE, turn->bytes, turn->len);
		count += beginnings_compare(&talk, (struct cuts){ .every = 1 }, http1_cases[i].name);
		for (size_t at = 0; at < talk.len; at++)
			beginnings_compare(&talk, (struct cuts){ .once = at }, http1_cases[i].name);
	}
	assert_true(count > 30);
}

/* An input of fuzz_http1.c up to its first hole or end. False: the role is not known. */
static bool fuzzed_read(struct conversation *talk, const uint8_t *data, size_t size)
{
	enum protocol_role role = size ? data[0] % 3 : ROLE_UNKNOWN;

	talk->count = talk->len = 0;
	for (size_t i = 1, len; i + 3 <= size && (data[i] & 7) < 4 && talk->count < TURNS; i += 3 + len) {
		bool sent = !(data[i] & 8);

		len = data[i + 1] | (size_t)data[i + 2] << 8;
		if (len > size - i - 3)
			len = size - i - 3;
		if (talk->len + len > BYTES)
			break;
		conversation_add(talk, sent != (role == ROLE_CLIENT), data + i + 3, len);
	}
	return role != ROLE_UNKNOWN;
}

static void test_fuzzed(void **state)
{
	static const char folder[] = "testdata/fuzz/http1";
	static struct conversation talk;
	static uint8_t data[BYTES];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir = opendir(folder);

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		char path[512];
		size_t size;
		FILE *in;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		in = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (!in)
			continue;
		size = fread(data, 1, sizeof(data), in);
		fclose(in);
		if (!fuzzed_read(&talk, data, size))
			continue;
		count += beginnings_compare(&talk, (struct cuts){ .every = 1 }, path);
		beginnings_compare(&talk, (struct cuts){ 0 }, path);
	}
	closedir(dir);
	print_message("%zu messages of the fuzzer's corpus\n", count);
	assert_true(count > 40);
}

/* Both ways of one stream, in the order in which its bytes moved, as far as they are there whole. */
struct recorded {
	uint64_t socket, ssl;
	uint32_t pid;
	bool broken;
	struct conversation talk;
};

static struct recorded recorded[64];
static size_t recorded_count;

static int recorded_add(void *ctx, const struct event_header *event)
{
	const struct event_data *data = (const struct event_data *)event;
	struct recorded *found = recorded, *end = recorded + recorded_count;

	(void)ctx;
	if (event->type != EVENT_SOCKET_DATA && event->type != EVENT_TLS_DATA)
		return 0;
	while (found < end &&
	       (found->socket != data->sock.id || found->ssl != data->ssl || found->pid != event->pid))
		found++;
	if (found == end) {
		if (recorded_count == sizeof(recorded) / sizeof(*recorded))
			return 0;
		recorded_count++;
		*found = (struct recorded){ .socket = data->sock.id, .ssl = data->ssl, .pid = event->pid };
	}
	found->broken |= data->copied != data->len || found->talk.len + data->copied > BYTES ||
			 found->talk.count == TURNS;
	if (!found->broken && data->copied)
		conversation_add(&found->talk, data->direction, data->payload, data->copied);
	return 0;
}

/* By who speaks first, which is the client. */
static size_t recorded_compare(struct recorded *one, const char *path)
{
	struct conversation *talk = &one->talk;
	int first = talk->turns[0].side;

	if (!talk->count || talk->len < 8 || !memcmp(talk->bytes, "HTTP/", 5) ||
	    !memcmp(talk->bytes, "PRI ", 4))
		return 0;
	for (size_t i = 0; i < talk->count; i++)
		talk->turns[i].side = talk->turns[i].side != first;
	return beginnings_compare(talk, (struct cuts){ 0 }, path) +
	       beginnings_compare(talk, (struct cuts){ .every = 1 }, path);
}

static void test_recorded(void **state)
{
	static const char *const paths[] = { "testdata/recordings/mixed.rec", "testdata/cases/framings.rec",
					     "testdata/cases/head-size.rec",
					     "testdata/cases/fake-head-in-body.rec",
					     "testdata/cases/glued-method.rec" };
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		const char *error = NULL;
		struct source_file *source = source_file_open(paths[i], &error);

		assert_non_null(source);
		recorded_count = 0;
		assert_int_equal(source_file_run(source, recorded_add, NULL, &error), 0);
		source_file_close(source);
		for (size_t n = 0; n < recorded_count; n++)
			count += recorded_compare(&recorded[n], paths[i]);
	}
	print_message("%zu messages of recordings, whole and byte by byte\n", count);
	assert_true(count > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generated), cmocka_unit_test(test_differences),
		cmocka_unit_test(test_cases),	  cmocka_unit_test(test_fuzzed),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
