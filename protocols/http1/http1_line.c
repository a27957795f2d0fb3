/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An observer must read a line as the programs read it that talk here, so
 * this is lenient where all of them agree (any method, LF alone, no reason
 * phrase) and refuses where they differ (bare CR, a blank before the colon):
 * there any reading could be the wrong one.
 */
#include "http1_line.h"

#include "ascii.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LINE_KEEP_BYTES	   4096 /* idle connections are many: only small buffers stay */
#define METHOD_LIMIT_BYTES 64
#define VERSION_BYTES	   8 /* "HTTP/1.x" */

/* RFC 9110, 5.6.2: tchar. */
static const bool is_token_byte[256] = {
	['!'] = true,	      ['#' ... '\''] = true, ['*'] = true,	   ['+'] = true,
	['-'] = true,	      ['.'] = true,	     ['0' ... '9'] = true, ['A' ... 'Z'] = true,
	['^' ... 'z'] = true, ['|'] = true,	     ['~'] = true,
};

static inline size_t token_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_token_byte[s.data[n]])
		n++;
	return n;
}

#ifdef __SSE2__
#define SCAN_BYTES 16

/* A bit for each of the 16 bytes that is below `low`. */
static inline unsigned int bits_below(const uint8_t *at, uint8_t low)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)at), last = _mm_set1_epi8((char)(low - 1));

	return (unsigned int)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes));
}

/* A bit for each of the 16 bytes that is no letter, digit or hyphen. */
static inline unsigned int bits_unusual(const uint8_t *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)at);
	__m128i letter = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
	__m128i digit = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
	__m128i usual = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8('z' - 'a')), letter);

	usual = _mm_or_si128(usual, _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit));
	usual = _mm_or_si128(usual, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
	return ~(unsigned int)_mm_movemask_epi8(usual) & 0xffff;
}
/*
 * A field line as nearly each is: a name of few letters, one space, a value without blanks around, CR and LF.
 * What is behind it; NULL: another one.
 */
static inline const uint8_t *plain_field_read(const uint8_t *at, const uint8_t *end, struct header *field)
{
	const uint8_t *name = at, *value;
	unsigned int found;

	if (end - at <= 2 * SCAN_BYTES)
		return NULL;
	found = bits_unusual(at);
	if (!found)
		found = bits_unusual(at += SCAN_BYTES);
	if (!found)
		return NULL;
	at += __builtin_ctz(found);
	if (at == name || memcmp(at, ": ", 2) != 0)
		return NULL;
	value = at + 2;
	for (at = value; end - at >= SCAN_BYTES; at += SCAN_BYTES) {
		found = bits_below(at, '\r' + 1);
		if (found)
			break;
	}
	/* The last bytes of all are looked at together with some that have been. */
	if (end - at < SCAN_BYTES)
		found = bits_below(end - SCAN_BYTES, '\r' + 1) >> (SCAN_BYTES - (end - at));
	if (!found)
		return NULL;
	at += __builtin_ctz(found);
	if (at == value || *value <= ' ' || at[-1] <= ' ' || end - at < 2 || memcmp(at, "\r\n", 2) != 0)
		return NULL;
	*field = (struct header){ .name = slice_of(name, (size_t)(value - 2 - name)),
				  .value = slice_of(value, (size_t)(at - value)) };
	return at + 2;
}
#else
static inline const uint8_t *plain_field_read(const uint8_t *at, const uint8_t *end, struct header *field)
{
	(void)at, (void)end, (void)field;
	return NULL;
}
#endif

/* The first byte below `low` (at most 128), or the end; looked for many at a time. */
static inline const uint8_t *find_below(const uint8_t *at, const uint8_t *end, uint8_t low)
{
	const uint64_t ones = 0x0101010101010101;

#ifdef __SSE2__
	for (; end - at >= SCAN_BYTES; at += SCAN_BYTES) {
		unsigned int below = bits_below(at, low);

		if (below)
			return at + __builtin_ctz(below);
	}
#endif
	for (; end - at >= 8; at += 8) {
		uint64_t bytes, found;

		memcpy(&bytes, at, 8);
		if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
			bytes = __builtin_bswap64(bytes);
		found = (bytes - ones * low) & ~bytes & (ones << 7);
		if (found)
			return at + __builtin_ctzll(found) / 8;
	}
	while (at < end && *at >= low)
		at++;
	return at;
}

/* What is in front of the first NUL, CR or LF. */
static inline const uint8_t *text_end(const uint8_t *at, const uint8_t *end)
{
	at = find_below(at, end, '\r' + 1);
	while (at < end && *at && *at != '\r' && *at != '\n')
		at = find_below(at + 1, end, '\r' + 1);
	return at;
}

/* A client may send what RFC 9112 forbids, and a server answers it: whatever cannot end the target. */
static inline size_t target_len(struct slice s)
{
	const uint8_t *end, *at;

	if (!s.len)
		return 0;
	end = s.data + s.len;
	at = find_below(s.data, end, ' ' + 1);
	while (at < end && *at && *at != ' ' && *at != '\r' && *at != '\n')
		at = find_below(at + 1, end, ' ' + 1);
	return (size_t)(at - s.data);
}

struct slice http1_line_first(struct slice bytes)
{
	const uint8_t *lf = bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;

	return slice_take(bytes, lf ? (size_t)(lf - bytes.data) + 1 : 0);
}

/* The line goes on with these bytes, which are not kept. */
static void line_overflow(struct http1_line *line, struct slice bytes)
{
	size_t keep = sizeof(line->tail);

	if (!line->overflow)
		memcpy(line->tail, line->kept.data + line->kept.len - keep, keep);
	line->overflow = true;
	if (bytes.len < keep) {
		memmove(line->tail, line->tail + bytes.len, keep - bytes.len);
		memcpy(line->tail + keep - bytes.len, bytes.data, bytes.len);
		return;
	}
	memcpy(line->tail, bytes.data + bytes.len - keep, keep);
}

size_t http1_line_add(struct http1_line *line, struct slice bytes, uint64_t time_ns, bool *whole)
{
	const uint8_t *lf = memchr(bytes.data, '\n', bytes.len);
	size_t n = lf ? (size_t)(lf - bytes.data) + 1 : bytes.len;
	size_t room = HTTP1_LINE_LIMIT_BYTES - line->kept.len;

	*whole = lf != NULL;
	bytes = slice_take(bytes, n);
	if (!line->size)
		line->first_ns = time_ns;
	if (bytes_append(&line->kept, slice_take(bytes, room), HTTP1_LINE_LIMIT_BYTES) < 0)
		return 0;
	if (n > room)
		line_overflow(line, slice_drop(bytes, room));
	line->size += n;
	return n;
}

void http1_line_clear(struct http1_line *line)
{
	if (line->kept.capacity > LINE_KEEP_BYTES)
		bytes_fini(&line->kept);
	line->kept.len = 0;
	line->size = 0;
	line->overflow = line->answered = false;
}

static enum http_version version_parse(struct slice s)
{
	if (slice_equal(s, SLICE("HTTP/1.1")))
		return HTTP_1_1;
	return slice_equal(s, SLICE("HTTP/1.0")) ? HTTP_1_0 : HTTP_VERSION_UNKNOWN;
}

/*
 * Cuts the method and the target off a request line; *rest is what comes behind the target. False: no method
 * and a blank are there.
 */
static inline bool request_split(struct slice line, struct slice *method, struct slice *target,
				 struct slice *rest)
{
	*method = slice_take(line, token_len(line));
	*rest = slice_drop(line, method->len + 1);
	*target = slice_take(*rest, target_len(*rest));
	*rest = slice_drop(*rest, target->len);
	return method->len && method->len <= METHOD_LIMIT_BYTES && method->len < line.len &&
	       line.data[method->len] == ' ';
}

static bool request_line_parse(struct slice line, struct http1_start_line *out)
{
	struct slice method, target, rest;

	if (!request_split(line, &method, &target, &rest) || !target.len || !rest.len || rest.data[0] != ' ')
		return false;
	*out = (struct http1_start_line){
		.kind = MESSAGE_REQUEST,
		.version = version_parse(slice_drop(rest, 1)),
		.method = method,
		.target = target,
	};
	return out->version != HTTP_VERSION_UNKNOWN;
}

static bool reason_is_clean(struct slice reason)
{
	for (size_t i = 0; i < reason.len; i++)
		if ((reason.data[i] < ' ' && reason.data[i] != '\t') || reason.data[i] == 0x7f)
			return false;
	return true;
}

static bool status_line_parse(struct slice line, struct http1_start_line *out)
{
	enum http_version version = version_parse(slice_take(line, VERSION_BYTES));
	struct slice rest = slice_drop(line, VERSION_BYTES);

	if (version == HTTP_VERSION_UNKNOWN || rest.len < 4 || rest.data[0] != ' ')
		return false;
	if (rest.data[1] < '1' || !ascii_is_digit(rest.data[1]) || !ascii_is_digit(rest.data[2]) ||
	    !ascii_is_digit(rest.data[3]))
		return false;
	if (rest.len > 4 && (rest.data[4] != ' ' || !reason_is_clean(slice_drop(rest, 5))))
		return false;
	*out = (struct http1_start_line){
		.kind = MESSAGE_RESPONSE,
		.version = version,
		.status = (rest.data[1] - '0') * 100 + (rest.data[2] - '0') * 10 + (rest.data[3] - '0'),
	};
	return true;
}

bool http1_start_line_parse(struct slice line, struct http1_start_line *out)
{
	return status_line_parse(line, out) || request_line_parse(line, out);
}

/* May the bytes, at the end of a line, grow to be a version? */
static bool version_begins(struct slice s)
{
	return slice_has_prefix(SLICE("HTTP/1.0"), s) || slice_has_prefix(SLICE("HTTP/1.1"), s);
}

/* May the bytes, without a line end so far, grow to be a request line? */
static bool request_line_prefix(struct slice bytes)
{
	struct slice method, target, rest;
	bool begins = request_split(bytes, &method, &target, &rest);

	if (method.len == bytes.len)
		return method.len <= METHOD_LIMIT_BYTES;
	if (!begins || !rest.len)
		return begins;
	if (!target.len || rest.data[0] != ' ')
		return false;
	rest = slice_drop(rest, 1);
	if (rest.len && rest.data[rest.len - 1] == '\r')
		rest.len--;
	return version_begins(rest);
}

static bool status_line_prefix(struct slice bytes)
{
	struct http1_start_line ignored;

	if (bytes.len <= VERSION_BYTES)
		return version_begins(bytes);
	if (bytes.data[bytes.len - 1] == '\r')
		bytes.len--;
	if (bytes.len >= VERSION_BYTES + 4)
		return status_line_parse(bytes, &ignored);
	if (version_parse(slice_take(bytes, VERSION_BYTES)) == HTTP_VERSION_UNKNOWN)
		return false;
	if (bytes.data[VERSION_BYTES] != ' ' ||
	    (bytes.len > VERSION_BYTES + 1 && bytes.data[VERSION_BYTES + 1] == '0'))
		return false;
	for (size_t i = VERSION_BYTES + 1; i < bytes.len; i++)
		if (!ascii_is_digit(bytes.data[i]))
			return false;
	return true;
}

/* The beginning of a request line, all of it method and target. */
bool http1_request_line_begins(struct slice first, struct http1_start_line *out)
{
	struct slice method, target, rest;

	if (!request_split(first, &method, &target, &rest) || !http1_method_registered(method) ||
	    !target.len || rest.len)
		return false;
	*out = (struct http1_start_line){ .kind = MESSAGE_REQUEST, .method = method, .target = target };
	return true;
}

bool http1_line_start(const struct http1_line *line, struct http1_start_line *out)
{
	struct slice end;

	if (!line->overflow)
		return http1_start_line_parse(http1_line_text(line), out);
	if (!http1_request_line_begins(bytes_slice(&line->kept), out))
		return false;
	end = http1_line_strip(slice_of(line->tail, sizeof(line->tail)));
	end = slice_drop(end, end.len - VERSION_BYTES - 1);
	out->version = version_parse(slice_drop(end, 1));
	return end.data[0] == ' ' && out->version != HTTP_VERSION_UNKNOWN;
}

enum http1_line_verdict http1_start_line_judge(struct slice bytes)
{
	struct slice first = http1_line_first(bytes);
	struct http1_start_line line;

	if (!first.len && bytes.len >= HTTP1_LINE_LIMIT_BYTES &&
	    http1_request_line_begins(slice_take(bytes, HTTP1_LINE_LIMIT_BYTES), &line))
		return HTTP1_LINE_REQUEST;
	if (!first.len && bytes.len > HTTP1_LINE_LIMIT_BYTES)
		return HTTP1_LINE_NONE;
	if (!first.len)
		return request_line_prefix(bytes) || status_line_prefix(bytes) ? HTTP1_LINE_MORE
									       : HTTP1_LINE_NONE;
	if (!http1_start_line_parse(http1_line_strip(first), &line))
		return HTTP1_LINE_NONE;
	if (first.len > HTTP1_LINE_LIMIT_BYTES &&
	    !http1_request_line_begins(slice_take(first, HTTP1_LINE_LIMIT_BYTES), &line))
		return HTTP1_LINE_NONE;
	return line.kind == MESSAGE_REQUEST ? HTTP1_LINE_REQUEST : HTTP1_LINE_RESPONSE;
}

/*
 * IANA's registry of methods (RFC 9110, 16.1), and what is used without being there. First those that people
 * use and that are no end of another one.
 */
#define METHODS_KNOWN 10
/* clang-format off */
static const char *const methods[] = {
	"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND",
	"ACL", "BASELINE-CONTROL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE",
	"MKACTIVITY", "MKCALENDAR", "MKCOL", "MKREDIRECTREF", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPPATCH",
	"QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE",
	"UPDATEREDIRECTREF", "VERSION-CONTROL", "BAN", "M-SEARCH", "NOTIFY", "PURGE", "SUBSCRIBE", "UNSUBSCRIBE",
};
/* clang-format on */
#define METHODS (sizeof(methods) / sizeof(*methods))

/* Is this one of the first `count` methods, or (whole: false) the beginning of one? */
static bool method_is_among(struct slice bytes, size_t count, bool whole)
{
	for (size_t i = 0; i < count; i++) {
		struct slice method = slice_of_string(methods[i]);

		if (slice_has_prefix(method, bytes) && (!whole || method.len == bytes.len))
			return true;
	}
	return false;
}

bool http1_method_registered(struct slice method)
{
	return method_is_among(method, METHODS, true);
}

bool http1_start_line_counts(const struct http1_start_line *line, bool edge)
{
	return line->kind == MESSAGE_RESPONSE ||
	       method_is_among(line->method, edge ? METHODS_KNOWN : METHODS, true);
}

bool http1_start_line_may_be(struct slice bytes)
{
	size_t n = token_len(bytes);

	if (status_line_prefix(bytes))
		return true;
	if (n == bytes.len)
		return method_is_among(bytes, METHODS, false);
	return http1_method_registered(slice_take(bytes, n)) && request_line_prefix(bytes);
}

bool http1_field_parse(struct slice line, struct slice *name, struct slice *value)
{
	size_t n = token_len(line);

	if (!n || n == line.len || line.data[n] != ':')
		return false;
	*name = slice_take(line, n);
	*value = slice_trim(slice_drop(line, n + 1));
	return !value->len || (!memchr(value->data, '\r', value->len) && !memchr(value->data, 0, value->len));
}

static inline bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* One field line that does not go on behind its end, which is a byte before `end`. What is behind it; NULL:
 * else. */
static inline const uint8_t *field_read(const uint8_t *at, const uint8_t *end, struct header *field)
{
	const uint8_t *name = at, *value, *value_end;

	while (at < end && is_token_byte[*at])
		at++;
	if (at == name || at == end || *at != ':')
		return NULL;
	field->name = slice_of(name, (size_t)(at - name));
	for (value = at + 1; value < end && is_blank(*value);)
		value++;
	at = value_end = text_end(value, end);
	while (value_end > value && is_blank(value_end[-1]))
		value_end--;
	field->value = slice_of(value, (size_t)(value_end - value));
	field->flags = 0;
	field->known = HEADER_OTHER;
	at += at < end && *at == '\r';
	return end - at >= 2 && *at == '\n' && !is_blank(at[1]) ? at + 1 : NULL;
}

size_t http1_fields_read(struct slice bytes, struct http1_fields *fields)
{
	const uint8_t *at = bytes.data, *end = at + bytes.len, *behind;

	for (; at < end && fields->count < HTTP1_FIELDS_AT_ONCE; at = behind) {
		struct header *field = &fields->items[fields->count];

		behind = plain_field_read(at, end, field);
		if (!behind && (*at == '\r' || *at == '\n'))
			break;
		if (!behind)
			behind = field_read(at, end, field);
		if (!behind)
			return 0;
		if (message_name_may_be(field->name)) {
			field->known = message_name(field->name);
			http1_framing_add(&fields->framing, field->known, field->value);
		}
		fields->count += !fields->few || message_asks(field->known);
	}
	at += at < end && *at == '\r';
	return at < end && *at == '\n' ? (size_t)(at + 1 - bytes.data) : 0;
}

static bool contains_nocase(struct slice s, struct slice word)
{
	for (; s.len >= word.len; s = slice_drop(s, 1))
		if (slice_equal_nocase(slice_take(s, word.len), word))
			return true;
	return false;
}

bool http1_field_may_frame(struct slice line)
{
	return contains_nocase(line, SLICE("content-length")) ||
	       contains_nocase(line, SLICE("transfer-encoding"));
}

/* Cuts the first member off a comma-separated list; false at its end. */
static bool list_next(struct slice *list, struct slice *member)
{
	const uint8_t *comma;
	size_t n;

	if (!list->data)
		return false;
	comma = list->len ? memchr(list->data, ',', list->len) : NULL;
	n = comma ? (size_t)(comma - list->data) : list->len;
	*member = slice_trim(slice_take(*list, n));
	*list = comma ? slice_drop(*list, n + 1) : (struct slice){ 0 };
	return true;
}

bool http1_list_has(struct slice list, struct slice token)
{
	struct slice member;

	while (list_next(&list, &member))
		if (slice_equal_nocase(member, token))
			return true;
	return false;
}

/* Repeats of the same number are one (RFC 9110, 8.6); anything else that is no number leaves no certain end.
 */
static void framing_add_length(struct http1_framing *framing, struct slice value)
{
	struct slice member;
	uint64_t length;

	/* Nearly each. */
	if (!framing->has_length && slice_number(value, &framing->length)) {
		framing->has_length = true;
		return;
	}
	while (list_next(&value, &member)) {
		if (!slice_number(member, &length) || (framing->has_length && length != framing->length)) {
			framing->refused = true;
			return;
		}
		framing->length = length;
		framing->has_length = true;
	}
}

static void framing_add_codings(struct http1_framing *framing, struct slice value)
{
	struct slice coding, parameters;

	if (framing->coding == HTTP1_CODING_ABSENT)
		framing->coding = HTTP1_CODING_EMPTY;
	while (list_next(&value, &coding)) {
		/* RFC 2616, 3.6: identity means no coding at all; some old servers still say so. */
		if (!coding.len || slice_equal_nocase(coding, SLICE("identity")))
			continue;
		/* Nobody uses parameters (RFC 9112, 7). */
		parameters = slice_trim(slice_drop(coding, token_len(coding)));
		if (!token_len(coding) || (parameters.len && parameters.data[0] != ';'))
			framing->refused = true;
		framing->coding = slice_equal_nocase(coding, SLICE("chunked")) ? HTTP1_CODING_CHUNKED
									       : HTTP1_CODING_OTHER;
		framing->chunked += framing->coding == HTTP1_CODING_CHUNKED;
	}
}

void http1_framing_take(struct http1_framing *framing, enum header_name name, struct slice value)
{
	if (name == HEADER_HOST)
		framing->hosts++;
	else if (name == HEADER_CONTENT_LENGTH)
		framing_add_length(framing, value);
	else if (name == HEADER_TRANSFER_ENCODING)
		framing_add_codings(framing, value);
}

bool http1_framing_malformed(const struct http1_framing *framing, enum message_kind kind,
			     enum http_version version)
{
	/* Without a coding that ends the body a response ends with the connection, and a request is wrong. */
	bool coded = framing->coding != HTTP1_CODING_ABSENT;
	bool endless = kind == MESSAGE_REQUEST && coded && framing->coding != HTTP1_CODING_CHUNKED;

	return framing->refused || endless || (kind == MESSAGE_REQUEST && framing->hosts > 1) ||
	       framing->chunked > 1 || (coded && framing->has_length) ||
	       (framing->coding >= HTTP1_CODING_OTHER && version == HTTP_1_0);
}
