/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head is read here, the body counted in http1_body.c.
 *
 *	START -> START_LINE -> HEAD -> BODY_LENGTH -----------------> START
 *	                            -> BODY_DOUBT -> any body, or START_LINE
 *	                            -> BODY_CLOSE (until finish)
 *	                            -> CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -+
 *	                                  ^-------------------------------- --+
 *	                                  +-> TRAILER ------------------> START
 *	any, when framing is lost -> SEARCH -> HEAD
 *
 * A found start line counts only together with the line behind it, a field or
 * the empty one: bodies may hold text that looks like a start line.
 *
 * Invariants: `message` is set in HEAD to TRAILER and nowhere else; a message
 * goes to hooks.done() exactly once; a field line is kept back until the next
 * byte shows that it does not go on (RFC 9112, 5.2, obs-fold).
 */
#include "http1_parser.h"

#include "ascii.h"
#include "http1_body.h"

#include <errno.h>
#include <stdlib.h>

#define BEGINNING_BYTES 128 /* of a line, in which a method ends */

/* --- the course of a message ------------------------------------------------ */

static void message_reset(struct http1_parser *parser)
{
	parser->message = NULL;
	parser->framing = (struct http1_framing){ 0 };
	parser->unmeasured = false;
	parser->head_done = parser->header_cut = parser->body_cut = false;
	parser->field_refused = false;
	parser->reading = HTTP1_READS_FIELD;
	parser->body_capacity = 0;
}

static void message_finish(struct http1_parser *parser, uint64_t time_ns)
{
	struct message *message = parser->message;

	message->last_byte_ns = time_ns;
	message_reset(parser);
	http1_line_clear(&parser->line);
	parser->state = HTTP1_START;
	parser->hooks->done(parser->hooks->ctx, parser, message, false);
}

static void message_cut(struct http1_parser *parser, unsigned int flags)
{
	struct message *message = parser->message;

	if (!message)
		return;
	if (!parser->head_done)
		flags |= FLAG_PARTIAL_HEADERS;
	message->flags |= flags;
	message->body_known = false;
	parser->hooks->done(parser->hooks->ctx, parser, message, true);
	message_reset(parser);
}

/* The buffered bytes will never be a message. */
static void lines_discard(struct http1_parser *parser)
{
	if (!parser->message)
		protocol_count(parser->handler, NOTE_BYTES_UNPARSED,
			       parser->line.size + parser->candidate.size);
	http1_line_clear(&parser->line);
	http1_line_clear(&parser->candidate);
	parser->reading = HTTP1_READS_FIELD;
	parser->embedded = false;
}

enum http1_place http1_parser_place(const struct http1_parser *parser)
{
	if (parser->message)
		return HTTP1_IN_MESSAGE;
	if (parser->state == HTTP1_START || parser->state == HTTP1_START_LINE)
		return parser->line.size ? HTTP1_IN_LINE : HTTP1_AT_BORDER;
	return HTTP1_ELSEWHERE;
}

void http1_parser_lose(struct http1_parser *parser)
{
	if (parser->state == HTTP1_ENDED || parser->state == HTTP1_LEFT)
		return;
	lines_discard(parser);
	message_cut(parser, FLAG_GAP);
	parser->state = HTTP1_SEARCH;
	parser->edge = true;
	parser->late = false;
	parser->passed = HTTP1_PASSED_NOTHING;
	if (parser->trust != HTTP1_TRUST_REFUTED)
		parser->trust = HTTP1_TRUST_SEARCH;
	protocol_count(parser->handler, NOTE_RESYNC, 1);
	parser->hooks->lost(parser->hooks->ctx, parser);
}

void http1_parser_realign(struct http1_parser *parser)
{
	if (parser->state != HTTP1_SEARCH || parser->candidate.kept.len)
		return;
	if (parser->passed != HTTP1_PASSED_NOTHING || http1_line_text(&parser->line).len)
		parser->passed = HTTP1_PASSED_BEFORE;
	lines_discard(parser);
	parser->edge = true;
}

static void parser_starve(struct http1_parser *parser)
{
	parser->no_memory = true;
	http1_parser_lose(parser);
}

/* The bytes that follow in this turn may be anything. */
static void parser_refute(struct http1_parser *parser)
{
	parser->trust = HTTP1_TRUST_REFUTED;
	parser->guesses = 0;
	http1_parser_lose(parser);
}

static void parser_refuse(struct http1_parser *parser)
{
	protocol_count(parser->handler, NOTE_MESSAGE_REFUSED, 1);
	parser_refute(parser);
}

static void body_step(struct http1_parser *parser, enum http1_body_verdict verdict, uint64_t time_ns)
{
	switch (verdict) {
	case HTTP1_BODY_MORE:
		break;
	case HTTP1_BODY_DONE:
		message_finish(parser, time_ns);
		break;
	case HTTP1_BODY_REFUSED:
		parser_refuse(parser);
		break;
	case HTTP1_BODY_LOST:
		http1_parser_lose(parser);
		break;
	}
}

/* --- the head --------------------------------------------------------------- */

/* An absolute-form target (RFC 9112, 3.2.2) names scheme and authority; CONNECT's target is an authority. */
static void target_split(struct message *message, bool connect)
{
	struct slice target = message->target;
	size_t scheme = 0, end;

	if (connect) {
		message->authority = target;
		return;
	}
	while (scheme < target.len && target.data[scheme] != ':' && target.data[scheme] != '/')
		scheme++;
	if (!scheme || !slice_has_prefix(slice_drop(target, scheme), SLICE("://")))
		return;
	for (end = scheme + 3; end < target.len; end++)
		if (strchr("/?#", target.data[end]))
			break;
	message->scheme = slice_take(target, scheme);
	message->authority = slice_of(target.data + scheme + 3, end - scheme - 3);
}

static void header_limit(struct http1_parser *parser)
{
	if (!parser->header_cut)
		protocol_count(parser->handler, NOTE_HEADER_LIMIT, 1);
	parser->header_cut = true;
	parser->message->flags |= FLAG_TRUNCATED;
}

/* This line is the start line of a message. */
static void message_begin(struct http1_parser *parser, const struct http1_line *read,
			  const struct http1_start_line *line)
{
	struct message *message;

	if (parser->trust != HTTP1_TRUST_PROVEN && parser->guesses == HTTP1_GUESSES_MAX) {
		parser_refute(parser);
		return;
	}
	message = message_new_of(parser->config->rooms, line->kind, parser->config->message_limit_bytes);
	if (!message) {
		parser_starve(parser);
		return;
	}
	message->version = line->version;
	message->status = line->status;
	message->direction = parser->direction;
	message->body_known = true;
	message->first_byte_ns = message->last_byte_ns = read->first_ns;
	parser->message = message;
	parser->message_first = read->turn;
	parser->searched = read == &parser->candidate;
	parser->embedded &= !parser->message_first;
	message->flags |= parser->embedded ? FLAG_GUESS : 0;
	if (line->kind == MESSAGE_REQUEST) {
		if (arena_copy(&message->arena, line->method, &message->method) < 0 ||
		    arena_copy(&message->arena, line->target, &message->target) < 0)
			header_limit(parser);
		target_split(message, slice_equal(line->method, SLICE("CONNECT")));
	}
	parser->method = line->method;
	parser->head_size = parser->candidate.size + parser->line.size;
	parser->state = HTTP1_HEAD;
	if (parser->hooks->begin(parser->hooks->ctx, parser) < 0) {
		message_free(message);
		message_reset(parser);
		parser_starve(parser);
	}
}

/* The line under way is the start line of a message, at a border. */
static void message_begin_here(struct http1_parser *parser, const struct http1_start_line *line,
			       unsigned int flags)
{
	message_begin(parser, &parser->line, line);
	if (parser->message)
		parser->message->flags |= flags;
	http1_line_clear(&parser->line);
}

/* line: the one under way, read; NULL: as a start line it reads as none. */
static void start_line_take(struct http1_parser *parser, const struct http1_start_line *line)
{
	if (line && line->kind == parser->kind) {
		message_begin_here(parser, line, parser->line.overflow ? FLAG_TRUNCATED : 0);
		return;
	}
	protocol_count(parser->handler, NOTE_MESSAGE_REFUSED, 1);
	/* Behind a message that is certain the next line may be one's again; behind a guess this was not
	 * HTTP. */
	if (parser->trust == HTTP1_TRUST_PROVEN)
		http1_parser_lose(parser);
	else
		parser_refute(parser);
	parser->edge = false; /* the line was whole: the next one begins at a line start */
}

void http1_parser_cut_line(struct http1_parser *parser)
{
	struct http1_start_line line;

	if (parser->state != HTTP1_START_LINE || parser->kind != MESSAGE_REQUEST ||
	    !http1_request_line_begins(bytes_slice(&parser->line.kept), &line))
		return;
	message_begin_here(parser, &line, FLAG_TRUNCATED | FLAG_PARTIAL_HEADERS);
	if (parser->message)
		parser->reading = HTTP1_READS_NOTHING;
}

static void field_take(struct http1_parser *parser)
{
	struct message *message = parser->message;
	struct slice name, value, text = http1_line_text(&parser->line);
	bool head = parser->state == HTTP1_HEAD;

	if (parser->line.overflow) {
		header_limit(parser);
		parser->framing.refused |= head && http1_field_may_frame(slice_take(text, 64));
	} else if (!http1_field_parse(text, &name, &value)) {
		/* Its message is still right unless the line might frame the body. */
		message->flags |= FLAG_PARTIAL_HEADERS;
		parser->field_refused = true;
		parser->framing.refused |= head && http1_field_may_frame(text);
	} else {
		enum header_name known = message_name(name);

		if (head)
			http1_framing_add(&parser->framing, known, value);
		if (!parser->header_cut && (!parser->config->few_fields || message_asks(known)) &&
		    message_add_known(message, head ? &message->headers : &message->trailers, known, name,
				      value, 0) < 0)
			header_limit(parser);
	}
	http1_line_clear(&parser->line);
}

/* Nobody knows whether there is a body: the bytes behind the head tell, if they begin like another head. */
static void body_doubt(struct http1_parser *parser)
{
	/* Nor whether it is one: behind the answer to a CONNECT something else begins. */
	if (parser->state == HTTP1_BODY_CLOSE && parser->message->status / 100 == 2) {
		parser->unmeasured = true;
		parser->message->body_known = false;
		parser->message->flags |= FLAG_GAP;
	}
	parser->doubted = parser->state;
	parser->state = HTTP1_BODY_DOUBT;
	parser->doubt_len = 0;
}

static void head_end(struct http1_parser *parser, uint64_t time_ns)
{
	enum http1_body body;

	http1_line_clear(&parser->line);
	if (http1_framing_malformed(&parser->framing, parser->kind, parser->message->version))
		parser->message->flags |= FLAG_MALFORMED;
	parser->message->head_ns = parser->message->last_byte_ns = time_ns;
	parser->head_done = true;
	body = parser->hooks->head(parser->hooks->ctx, parser);
	body_step(parser, body == HTTP1_BODY_NONE ? HTTP1_BODY_DONE : http1_body_begin(parser), time_ns);
	parser->doubt_turn = body == HTTP1_BODY_TURN;
	if ((body == HTTP1_BODY_UNSURE || body == HTTP1_BODY_TURN) && parser->message)
		body_doubt(parser);
}

/* Reads on in the line under way; *whole: to its end. Without memory the bytes are lost, and framing with
 * them. */
static size_t line_read(struct http1_parser *parser, struct slice bytes, uint64_t time_ns, bool *whole)
{
	size_t taken;

	if (!parser->line.size)
		parser->line.turn = parser->turn;
	taken = http1_line_add(&parser->line, bytes, time_ns, whole);
	if (taken)
		return taken;
	*whole = false;
	parser_starve(parser);
	return bytes.len;
}

/* HEAD and TRAILER: one step is the end of a kept-back field, or the rest of a line. */
static size_t fields_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	size_t taken;
	bool whole;

	if (parser->reading == HTTP1_KEEPS_FIELD) {
		bool continues = bytes.data[0] == ' ' || bytes.data[0] == '\t';

		if (!continues)
			field_take(parser);
		else if (!parser->line.overflow)
			parser->line.kept.len = http1_line_text(&parser->line).len;
		parser->reading = HTTP1_READS_FIELD;
	}
	taken = line_read(parser, bytes, time_ns, &whole);
	parser->head_size += taken;
	if (!whole)
		return taken;
	if (parser->reading == HTTP1_READS_NOTHING) {
		parser->reading = HTTP1_READS_FIELD;
		http1_line_clear(&parser->line);
	} else if (parser->line.overflow || http1_line_text(&parser->line).len)
		parser->reading = HTTP1_KEEPS_FIELD;
	else if (parser->state == HTTP1_HEAD)
		head_end(parser, time_ns);
	else
		message_finish(parser, time_ns);
	return taken;
}

/* Fields of a whole head become those of the message. False: out of memory. */
static bool fields_add(struct message *message, const struct header *fields, size_t count)
{
	struct header *items = arena_alloc(&message->arena, count * sizeof(*items));

	if (!items)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct slice name = fields[i].name, value = fields[i].value, copy;
		size_t before = (size_t)(value.data - name.data);

		if (arena_copy(&message->arena, slice_of(name.data, before + value.len), &copy) < 0)
			return false;
		items[i] = (struct header){ .name = slice_of(copy.data, name.len),
					    .value = slice_of(copy.data + before, value.len),
					    .known = fields[i].known };
		message->names |= 1u << fields[i].known;
	}
	message->headers = (struct header_list){ .items = items, .count = count, .capacity = count };
	return true;
}

/* Does the message have room for a head of so many bytes and fields, however they are kept? */
static bool head_fits(const struct arena *arena, size_t bytes, size_t count)
{
	size_t most = bytes + count * 256 + 512; /* alignment, and a list that grows by doubling */

	return !arena->limit_bytes || most <= arena->limit_bytes - arena->used_bytes;
}

/* A head that is there whole is that of the message. */
static bool head_take(struct http1_parser *parser, size_t bytes, const struct header *fields, size_t count,
		      const struct http1_framing *framing, uint64_t time_ns)
{
	if (!head_fits(&parser->message->arena, bytes, count) || !fields_add(parser->message, fields, count))
		return false;
	parser->framing = *framing;
	parser->head_size += bytes;
	head_end(parser, time_ns);
	return true;
}

/*
 * The rest of a head that is there whole, has nothing to refuse and comes close to no limit: most are so, and
 * need not be kept line by line. Returns how long it is; 0: it is another one, and nothing happened.
 */
static size_t head_read(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	struct http1_known *known = &parser->known;
	struct http1_fields read;
	size_t taken;

	if (http1_known_is(known, bytes)) {
		taken = known->head.len;
		known->misses = 0;
		return head_take(parser, taken, known->fields, known->count, &known->framing, time_ns) ? taken
												       : 0;
	}
	read.few = parser->config->few_fields;
	read.count = 0;
	read.framing = (struct http1_framing){ 0 };
	taken = http1_fields_read(bytes, &read);
	if (!taken || taken > HTTP1_LINE_LIMIT_BYTES)
		return 0;
	http1_known_keep(known, slice_take(bytes, taken), &read);
	return head_take(parser, taken, read.items, read.count, &read.framing, time_ns) ? taken : 0;
}

/* --- single lines ----------------------------------------------------------- */

static size_t start_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	/* RFC 9112, 2.2: empty lines before a start line are passed over. */
	if (bytes.data[0] == '\r' || bytes.data[0] == '\n')
		return 1;
	if (!parser->hooks->ready(parser->hooks->ctx, parser, time_ns))
		return 0;
	parser->state = HTTP1_START_LINE;
	return 0;
}

/* A start line that is there whole, and the head behind it if that is, too. 0: it is to be kept first. */
static size_t start_line_read(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	struct slice first = http1_line_first(bytes);
	struct http1_start_line line;
	bool found;

	if (!first.len || first.len > HTTP1_LINE_LIMIT_BYTES)
		return 0;
	parser->line.turn = parser->turn;
	parser->line.first_ns = time_ns;
	parser->line.size = first.len;
	found = http1_start_line_parse(http1_line_strip(first), &line);
	start_line_take(parser, found ? &line : NULL);
	if (parser->state != HTTP1_HEAD)
		return first.len;
	return first.len + head_read(parser, slice_drop(bytes, first.len), time_ns);
}

/*
 * The other side moved since the line began, and only a guess says that this is where a line begins: it may
 * be the rest of a body, to which the next request, that begins with the turn, is no end.
 */
static bool line_is_broken(const struct http1_parser *parser)
{
	return parser->turn && parser->line.size && parser->kind == MESSAGE_REQUEST &&
	       parser->trust == HTTP1_TRUST_GUESS;
}

static size_t line_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	struct http1_start_line line;
	size_t taken;
	bool whole;

	if (parser->state == HTTP1_START_LINE && !parser->line.size) {
		taken = start_line_read(parser, bytes, time_ns);
		if (taken)
			return taken;
	}

	if (parser->state == HTTP1_START_LINE && line_is_broken(parser)) {
		parser_refute(parser);
		return 0;
	}
	taken = line_read(parser, bytes, time_ns, &whole);
	if (!whole)
		return taken;
	if (parser->state == HTTP1_START_LINE) {
		start_line_take(parser, http1_line_start(&parser->line, &line) ? &line : NULL);
		return taken;
	}
	if (parser->line.overflow) {
		parser_refuse(parser);
		return taken;
	}
	body_step(parser, http1_body_chunk_size(parser, http1_line_text(&parser->line)), time_ns);
	http1_line_clear(&parser->line);
	return taken;
}

static size_t chunk_end_step(struct http1_parser *parser, struct slice bytes)
{
	if (bytes.data[0] == '\n') {
		parser->state = HTTP1_CHUNK_SIZE;
	} else if (bytes.data[0] == '\r' && parser->state == HTTP1_CHUNK_END) {
		parser->state = HTTP1_CHUNK_LF;
	} else {
		parser_refuse(parser);
	}
	return 1;
}

static size_t body_bytes_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	enum http1_body_verdict verdict;
	size_t taken;

	parser->message->last_byte_ns = time_ns;
	verdict = http1_body_feed(parser, bytes, &taken);
	body_step(parser, verdict, time_ns);
	return taken;
}

/* The doubted bytes are the body's. */
static void doubt_settle(struct http1_parser *parser)
{
	struct slice bytes = slice_of(parser->doubt, parser->doubt_len);

	parser->state = parser->doubted;
	parser->doubt_len = 0;
	bytes = slice_drop(bytes, http1_parser_feed(parser, bytes, parser->doubt_ns));
	if (!bytes.len)
		return;
	protocol_count(parser->handler, NOTE_BYTES_UNPARSED, bytes.len);
	http1_parser_lose(parser);
}

static bool doubt_fits(size_t at, uint8_t byte)
{
	static const char pattern[HTTP1_DOUBT_BYTES + 1] = "HTTP/1.v ddd";

	if (pattern[at] == 'v')
		return byte == '0' || byte == '1';
	return pattern[at] == 'd' ? ascii_is_digit(byte) : byte == (uint8_t)pattern[at];
}

static size_t doubt_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	bool whole, first;

	if (!doubt_fits(parser->doubt_len, bytes.data[0])) {
		doubt_settle(parser);
		return 0;
	}
	if (!parser->doubt_len) {
		parser->doubt_ns = time_ns;
		parser->line.turn = parser->turn;
	}
	first = parser->line.turn;
	parser->doubt[parser->doubt_len++] = bytes.data[0];
	if (parser->doubt_len < HTTP1_DOUBT_BYTES)
		return 1;
	parser->message->body_known = false;
	parser->message->flags |= FLAG_GAP;
	/* The body of a client that waits, and that is like a head; of another one, the head. */
	if (parser->doubt_turn && !first) {
		parser->unmeasured = true;
		doubt_settle(parser);
		return 1;
	}
	message_finish(parser, parser->message->last_byte_ns);
	parser->state = HTTP1_START_LINE;
	parser->embedded = !first;
	line_read(parser, slice_of(parser->doubt, HTTP1_DOUBT_BYTES), parser->doubt_ns, &whole);
	parser->line.turn = first;
	return 1;
}

/* --- searching -------------------------------------------------------------- */

/* The candidate is proved by the line behind it, which is already there. */
static void search_found(struct http1_parser *parser, uint64_t time_ns)
{
	struct http1_start_line line;

	parser->late = false;
	http1_start_line_parse(http1_line_text(&parser->candidate), &line);
	if (line.kind != parser->kind) {
		parser_refute(parser);
		return;
	}
	message_begin(parser, &parser->candidate, &line);
	http1_line_clear(&parser->candidate);
	if (parser->state != HTTP1_HEAD)
		return;
	if (http1_line_text(&parser->line).len)
		parser->reading = HTTP1_KEEPS_FIELD;
	else
		head_end(parser, time_ns);
}

static void search_pass(struct http1_parser *parser, struct http1_line *line)
{
	if (parser->late && line->size)
		protocol_count(parser->handler, NOTE_RESYNC, 1);
	parser->late &= !line->size;
	if (http1_line_text(line).len)
		parser->passed = HTTP1_PASSED_SOME;
	protocol_count(parser->handler, NOTE_BYTES_UNPARSED, line->size);
	http1_line_clear(line);
}

/* Far enough in, the method has been read, and was right. */
static bool line_may_begin(const struct http1_line *line)
{
	return line->size > BEGINNING_BYTES || http1_start_line_may_be(bytes_slice(&line->kept));
}

/*
 * A line that goes on in another call: not behind another's turn, and not one that no start line is, unless
 * it is to prove the candidate before it.
 */
static void search_break(struct http1_parser *parser)
{
	if (parser->turn)
		search_pass(parser, &parser->candidate);
	if (parser->line.size &&
	    (parser->turn || (!parser->candidate.kept.len && !line_may_begin(&parser->line)))) {
		search_pass(parser, &parser->line);
		parser->edge = !parser->turn;
	}
}

static size_t search_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	struct http1_start_line line;
	struct slice text, name, value;
	bool whole, counts;
	size_t taken;

	if (parser->fresh)
		search_break(parser);
	taken = line_read(parser, bytes, time_ns, &whole);
	if (!whole)
		return taken;
	text = http1_line_text(&parser->line);
	if (parser->candidate.kept.len && !parser->line.overflow &&
	    (!text.len || http1_field_parse(text, &name, &value))) {
		search_found(parser, time_ns);
		return taken;
	}
	search_pass(parser, &parser->candidate);
	counts = !parser->line.overflow && http1_start_line_parse(text, &line) &&
		 (parser->trust != HTTP1_TRUST_REFUTED || parser->line.turn) &&
		 http1_start_line_counts(&line, parser->edge);
	if (counts) {
		struct http1_line swap = parser->candidate;

		parser->candidate = parser->line;
		parser->line = swap;
	} else {
		search_pass(parser, &parser->line);
	}
	parser->edge = false;
	return taken;
}

/* --- the public face -------------------------------------------------------- */

void http1_parser_init(struct http1_parser *parser, enum event_direction direction,
		       const struct protocol_config *config, const struct protocol_handler *handler,
		       const struct http1_hooks *hooks)
{
	bool late = !config->from_start[direction];

	*parser = (struct http1_parser){
		.state = late ? HTTP1_SEARCH : HTTP1_START,
		.direction = direction,
		.config = config,
		.handler = handler,
		.hooks = hooks,
		.edge = late,
		.late = late,
		.trust = late ? HTTP1_TRUST_SEARCH : HTTP1_TRUST_PROVEN,
	};
}

void http1_parser_fini(struct http1_parser *parser)
{
	bytes_fini(&parser->line.kept);
	bytes_fini(&parser->candidate.kept);
	http1_known_fini(&parser->known);
	message_free(parser->message);
}

/* One step; 0 when only the state changed, or when the owner is not ready. */
static size_t parser_step(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	switch (parser->state) {
	case HTTP1_START:
		return start_step(parser, bytes, time_ns);
	case HTTP1_START_LINE:
	case HTTP1_CHUNK_SIZE:
		return line_step(parser, bytes, time_ns);
	case HTTP1_HEAD:
	case HTTP1_TRAILER:
		return fields_step(parser, bytes, time_ns);
	case HTTP1_BODY_DOUBT:
		return doubt_step(parser, bytes, time_ns);
	case HTTP1_BODY_LENGTH:
	case HTTP1_BODY_CLOSE:
	case HTTP1_CHUNK_DATA:
		return body_bytes_step(parser, bytes, time_ns);
	case HTTP1_CHUNK_END:
	case HTTP1_CHUNK_LF:
		return chunk_end_step(parser, bytes);
	case HTTP1_SEARCH:
		return search_step(parser, bytes, time_ns);
	case HTTP1_ENDED:
		protocol_count(parser->handler, NOTE_BYTES_UNPARSED, bytes.len);
		return bytes.len;
	case HTTP1_LEFT:
		break;
	}
	return 0;
}

size_t http1_parser_feed(struct http1_parser *parser, struct slice bytes, uint64_t time_ns)
{
	size_t total = bytes.len;

	parser->fresh = true;
	while (bytes.len) {
		enum http1_state before = parser->state;
		size_t taken = parser_step(parser, bytes, time_ns);

		if (!taken && parser->state == before)
			break;
		/* RFC 9112, 2.2: empty lines before a message are none of it. */
		if (taken && before != HTTP1_START)
			parser->fresh = parser->turn = false;
		bytes = slice_drop(bytes, taken);
	}
	return total - bytes.len;
}

void http1_parser_hole(struct http1_parser *parser, uint64_t size, uint64_t time_ns)
{
	enum http1_body_verdict verdict;

	if (parser->state == HTTP1_BODY_LENGTH || parser->state == HTTP1_BODY_CLOSE ||
	    parser->state == HTTP1_CHUNK_DATA) {
		parser->message->last_byte_ns = time_ns;
		verdict = http1_body_hole(parser, &size);
		body_step(parser, verdict, time_ns);
		if (verdict == HTTP1_BODY_DONE && size)
			http1_parser_lose(parser);
		return;
	}
	if (parser->line.kept.len == HTTP1_LINE_LIMIT_BYTES) /* too long anyhow */
		http1_parser_cut_line(parser);
	http1_parser_lose(parser);
}

void http1_parser_finish(struct http1_parser *parser, uint64_t time_ns)
{
	if (parser->state == HTTP1_BODY_DOUBT)
		doubt_settle(parser);
	if (parser->state == HTTP1_BODY_CLOSE)
		message_finish(parser, time_ns);
	http1_parser_end(parser, FLAG_CLOSED);
}

void http1_parser_end(struct http1_parser *parser, unsigned int flags)
{
	if (parser->state == HTTP1_ENDED || parser->state == HTTP1_LEFT)
		return;
	lines_discard(parser);
	message_cut(parser, flags);
	parser->state = HTTP1_ENDED;
}
