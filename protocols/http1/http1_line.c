/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An observer must read a line as the programs read it that talk here, so
 * this is lenient where all of them agree (any method, LF alone, no reason
 * phrase) and refuses where they differ (bare CR, a blank before the colon):
 * there any reading could be the wrong one.
 */
#include "http1_line.h"

#include "ascii.h"

#define LINE_KEEP_BYTES	   4096 /* idle connections are many: only small buffers stay */
#define METHOD_LIMIT_BYTES 64
#define VERSION_BYTES	   8 /* "HTTP/1.x" */

static bool is_token_byte(uint8_t c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || ascii_is_digit(c) ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_token_byte(s.data[n]))
		n++;
	return n;
}

/* A client may send what RFC 9112 forbids, and a server answers it: whatever cannot end the target. */
static size_t target_len(struct slice s)
{
	const uint8_t *c = s.data;
	size_t n = 0;

	while (n < s.len && (c[n] > ' ' || (c[n] && c[n] != ' ' && c[n] != '\r' && c[n] != '\n')))
		n++;
	return n;
}

struct slice http1_line_first(struct slice bytes)
{
	const uint8_t *lf = bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;

	return slice_take(bytes, lf ? (size_t)(lf - bytes.data) + 1 : 0);
}

struct slice http1_line_strip(struct slice line)
{
	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
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

struct slice http1_line_text(const struct http1_line *line)
{
	return http1_line_strip(bytes_slice(&line->kept));
}

void http1_line_clear(struct http1_line *line)
{
	if (line->kept.capacity > LINE_KEEP_BYTES)
		bytes_fini(&line->kept);
	line->kept.len = 0;
	line->size = 0;
	line->overflow = false;
}

static enum http_version version_parse(struct slice s)
{
	if (s.len != VERSION_BYTES)
		return HTTP_VERSION_UNKNOWN;
	if (slice_equal(s, SLICE("HTTP/1.1")))
		return HTTP_1_1;
	if (slice_equal(s, SLICE("HTTP/1.0")))
		return HTTP_1_0;
	return HTTP_VERSION_UNKNOWN;
}

static bool request_line_parse(struct slice line, struct http1_start_line *out)
{
	struct slice method = slice_take(line, token_len(line));
	struct slice rest = slice_drop(line, method.len + 1);
	struct slice target = slice_take(rest, target_len(rest));

	if (!method.len || method.len > METHOD_LIMIT_BYTES || !target.len)
		return false;
	if (line.data[method.len] != ' ' || rest.len <= target.len || rest.data[target.len] != ' ')
		return false;
	*out = (struct http1_start_line){
		.kind = MESSAGE_REQUEST,
		.version = version_parse(slice_drop(rest, target.len + 1)),
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

/* May the bytes, without a line end so far, grow to be a request line? */
static bool request_line_prefix(struct slice bytes)
{
	size_t method = token_len(bytes);
	struct slice rest = slice_drop(bytes, method + 1);
	size_t target = target_len(rest);
	struct slice tail = slice_drop(rest, target + 1);

	if (method == bytes.len)
		return method <= METHOD_LIMIT_BYTES;
	if (!method || method > METHOD_LIMIT_BYTES || bytes.data[method] != ' ')
		return false;
	if (target == rest.len)
		return true;
	if (!target || rest.data[target] != ' ')
		return false;
	if (tail.len && tail.data[tail.len - 1] == '\r')
		tail.len--;
	return slice_has_prefix(SLICE("HTTP/1.0"), tail) || slice_has_prefix(SLICE("HTTP/1.1"), tail);
}

static bool status_line_prefix(struct slice bytes)
{
	struct http1_start_line ignored;

	if (bytes.len <= VERSION_BYTES)
		return slice_has_prefix(SLICE("HTTP/1.0"), bytes) ||
		       slice_has_prefix(SLICE("HTTP/1.1"), bytes);
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
	struct slice method = slice_take(first, token_len(first));
	struct slice target = slice_drop(first, method.len + 1);

	if (!http1_method_registered(method) || !target.len || first.data[method.len] != ' ' ||
	    target_len(target) < target.len)
		return false;
	*out = (struct http1_start_line){ .kind = MESSAGE_REQUEST, .method = method, .target = target };
	return true;
}

bool http1_long_line_parse(struct slice first, struct slice last, struct http1_start_line *out)
{
	struct slice line = http1_line_strip(last);

	if (line.len <= VERSION_BYTES || !http1_request_line_begins(first, out))
		return false;
	line = slice_drop(line, line.len - VERSION_BYTES - 1);
	out->version = version_parse(slice_drop(line, 1));
	return line.data[0] == ' ' && out->version != HTTP_VERSION_UNKNOWN;
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

/* IANA's registry of methods (RFC 9110, 16.1), then what is used without being there. */
static const char *const methods[] = { "ACL",
				       "BASELINE-CONTROL",
				       "BIND",
				       "CHECKIN",
				       "CHECKOUT",
				       "CONNECT",
				       "COPY",
				       "DELETE",
				       "GET",
				       "HEAD",
				       "LABEL",
				       "LINK",
				       "LOCK",
				       "MERGE",
				       "MKACTIVITY",
				       "MKCALENDAR",
				       "MKCOL",
				       "MKREDIRECTREF",
				       "MKWORKSPACE",
				       "MOVE",
				       "OPTIONS",
				       "ORDERPATCH",
				       "PATCH",
				       "POST",
				       "PROPFIND",
				       "PROPPATCH",
				       "PUT",
				       "QUERY",
				       "REBIND",
				       "REPORT",
				       "SEARCH",
				       "TRACE",
				       "UNBIND",
				       "UNCHECKOUT",
				       "UNLINK",
				       "UNLOCK",
				       "UPDATE",
				       "UPDATEREDIRECTREF",
				       "VERSION-CONTROL",
				       "BAN",
				       "M-SEARCH",
				       "NOTIFY",
				       "PURGE",
				       "SUBSCRIBE",
				       "UNSUBSCRIBE" };

bool http1_method_registered(struct slice method)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (slice_equal(method, slice_of_string(methods[i])))
			return true;
	return false;
}

bool http1_start_line_counts(const struct http1_start_line *line, bool edge)
{
	static const char *const known[] = { "GET",   "HEAD",	 "POST",  "PUT",     "DELETE",
					     "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND" };

	if (line->kind == MESSAGE_RESPONSE)
		return true;
	if (!edge)
		return http1_method_registered(line->method);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (slice_equal(line->method, slice_of_string(known[i])))
			return true;
	return false;
}

static bool method_may_be(struct slice bytes)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (slice_has_prefix(slice_of_string(methods[i]), bytes))
			return true;
	return false;
}

bool http1_start_line_may_be(struct slice bytes)
{
	size_t n = token_len(bytes);

	if (status_line_prefix(bytes))
		return true;
	if (n == bytes.len)
		return method_may_be(bytes);
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

static bool is_length(struct slice digits)
{
	uint64_t value = 0;

	for (size_t i = 0; i < digits.len; i++) {
		uint64_t digit = (uint64_t)digits.data[i] - '0';

		if (!ascii_is_digit(digits.data[i]) || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	return digits.len > 0;
}

/*
 * Repeats of the same number are one (RFC 9110, 8.6); anything else
 * that is no number leaves no certain end.
 */
static void framing_add_length(struct http1_framing *framing, struct slice value)
{
	struct slice member;

	while (list_next(&value, &member)) {
		framing->refused |= !is_length(member);
		while (member.len > 1 && member.data[0] == '0')
			member = slice_drop(member, 1);
		if (framing->has_length && !slice_equal(member, slice_of_string(framing->length)))
			framing->refused = true;
		if (framing->refused)
			return;
		memcpy(framing->length, member.data, member.len);
		framing->length[member.len] = 0;
		framing->has_length = true;
	}
}

static void framing_add_codings(struct http1_framing *framing, struct slice value)
{
	struct slice coding, parameters;

	framing->has_codings = true;
	while (list_next(&value, &coding)) {
		/* RFC 2616, 3.6: identity means no coding at all; some old servers still say so. */
		if (!coding.len || slice_equal_nocase(coding, SLICE("identity")))
			continue;
		/* Nobody uses parameters (RFC 9112, 7). */
		parameters = slice_trim(slice_drop(coding, token_len(coding)));
		if (!token_len(coding) || (parameters.len && parameters.data[0] != ';'))
			framing->refused = true;
		framing->coded = true;
		framing->chunked_last = slice_equal_nocase(coding, SLICE("chunked"));
		framing->chunked += framing->chunked_last;
	}
}

void http1_framing_add(struct http1_framing *framing, struct slice name, struct slice value)
{
	if (slice_equal_nocase(name, SLICE("content-length")))
		framing_add_length(framing, value);
	else if (slice_equal_nocase(name, SLICE("transfer-encoding")))
		framing_add_codings(framing, value);
	else if (slice_equal_nocase(name, SLICE("host")))
		framing->hosts++;
}

bool http1_framing_malformed(const struct http1_framing *framing, enum message_kind kind,
			     enum http_version version)
{
	/* Without a coding that ends the body a response ends with the connection, and a request is wrong. */
	bool endless = kind == MESSAGE_REQUEST && framing->has_codings && !framing->chunked_last;

	return framing->refused || endless || (kind == MESSAGE_REQUEST && framing->hosts > 1) ||
	       framing->chunked > 1 || (framing->has_codings && framing->has_length) ||
	       (framing->coded && version == HTTP_1_0);
}
