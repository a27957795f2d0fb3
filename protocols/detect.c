/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each protocol has a judge that says no, perhaps, or yes to bytes at one
 * place. At a stream's start a single yes decides, and "other" only when all
 * say no. In mid-stream every offset is tried, so each sign must be one that
 * chance does not make: a start line with what must follow it, two TLS record
 * headers or three HTTP/2 frames that chain, a FastCGI request with its first parameters.
 *
 * Known weakness: a body that holds a whole HTTP/1 head as text.
 */
#include "detect.h"

#include "fastcgi/fastcgi_record.h"
#include "http1/http1_line.h"
#include "http2/http2_frame.h"
#include "mysql/mysql_evidence.h"
#include "postgresql/pg_evidence.h"

#define TLS_HEADER_BYTES      5
#define TLS_RECORD_LIMIT      (16384 + 2048) /* RFC 5246, 6.2.3 */
#define TLS_HANDSHAKE	      22
#define TLS_TYPE_FIRST	      20
#define TLS_TYPE_LAST	      23
#define PROXY_V1_LIMIT_BYTES  107 /* PROXY protocol, 2.1 */
#define PROXY_V2_HEADER_BYTES 16
#define EMPTY_LINES_LIMIT     4
#define FRAMES_FIRST	      2
#define FRAMES_LATE	      3

enum judgement {
	JUDGE_NO,
	JUDGE_MORE,
	JUDGE_YES,
};

/* --- judges of a stream's start --------------------------------------------- */

static enum judgement judge_prefix(struct slice bytes, struct slice wanted)
{
	if (bytes.len < wanted.len)
		return slice_has_prefix(wanted, bytes) ? JUDGE_MORE : JUDGE_NO;
	return slice_has_prefix(bytes, wanted) ? JUDGE_YES : JUDGE_NO;
}

static enum judgement judge_proxy_v1(struct slice bytes, size_t *preface_bytes)
{
	enum judgement prefix = judge_prefix(bytes, SLICE("PROXY "));
	struct slice line = http1_line_first(slice_take(bytes, PROXY_V1_LIMIT_BYTES)), words;

	if (prefix != JUDGE_YES)
		return prefix;
	if (!line.len)
		return bytes.len < PROXY_V1_LIMIT_BYTES ? JUDGE_MORE : JUDGE_NO;
	*preface_bytes = line.len;
	words = slice_drop(line, strlen("PROXY "));
	return line.data[line.len - 2] == '\r' && (slice_has_prefix(words, SLICE("TCP4 ")) ||
						   slice_has_prefix(words, SLICE("TCP6 ")) ||
						   slice_has_prefix(words, SLICE("UNKNOWN")))
		       ? JUDGE_YES
		       : JUDGE_NO;
}

static enum judgement judge_proxy_v2(struct slice bytes, size_t *preface_bytes)
{
	enum judgement prefix = judge_prefix(bytes, SLICE("\r\n\r\n\0\r\nQUIT\n"));

	if (prefix != JUDGE_YES)
		return prefix;
	/* Version 2, command LOCAL or PROXY. */
	if (bytes.len > 12 && bytes.data[12] != 0x20 && bytes.data[12] != 0x21)
		return JUDGE_NO;
	if (bytes.len < PROXY_V2_HEADER_BYTES)
		return JUDGE_MORE;
	*preface_bytes = PROXY_V2_HEADER_BYTES + (size_t)bytes.data[14] * 256 + bytes.data[15];
	return bytes.len < *preface_bytes ? JUDGE_MORE : JUDGE_YES;
}

static enum judgement judge_tls_hello(struct slice bytes)
{
	static const uint8_t low[] = { TLS_HANDSHAKE, 3, 0, 0, 0, 1 };
	static const uint8_t high[] = { TLS_HANDSHAKE, 3, 4, TLS_RECORD_LIMIT >> 8, 255, 2 };
	size_t length;

	for (size_t i = 0; i < bytes.len && i < sizeof(low); i++)
		if (bytes.data[i] < low[i] || bytes.data[i] > high[i])
			return JUDGE_NO;
	if (bytes.len < sizeof(low))
		return JUDGE_MORE;
	length = (size_t)bytes.data[3] * 256 + bytes.data[4];
	return length >= 4 && length <= TLS_RECORD_LIMIT ? JUDGE_YES : JUDGE_NO;
}

/* A server begins with SETTINGS (RFC 9113, 3.4), not an acknowledgement; another frame must follow. */
static enum judgement judge_server_frames(struct slice bytes)
{
	static const enum judgement judgements[] = {
		[CHAIN_NONE] = JUDGE_NO,
		[CHAIN_MORE] = JUDGE_MORE,
		[CHAIN_FOUND] = JUDGE_YES,
	};
	static const uint8_t settings[] = { 0, 0, 0, FRAME_SETTINGS, 0, 0, 0, 0, 0 };

	for (size_t i = 0; i < bytes.len && i < sizeof(settings); i++)
		if (i != 1 && i != 2 && bytes.data[i] != settings[i])
			return JUDGE_NO;
	if (bytes.len < sizeof(settings))
		return JUDGE_MORE;
	return judgements[http2_chain_judge(bytes, HTTP2_DEFAULT_MAX_FRAME, FRAMES_FIRST, NULL).verdict];
}

/*
 * A web server may ask what the application can do before it asks for anything (FastCGI, 4.1); of the answer
 * to that, what the web server says then tells.
 */
static enum judgement judge_fastcgi(struct slice bytes)
{
	static const enum judgement judgements[] = {
		[FASTCGI_NONE] = JUDGE_NO,
		[FASTCGI_MORE] = JUDGE_MORE,
		[FASTCGI_FOUND] = JUDGE_YES,
	};
	static const uint8_t none[] = { 0, 0 }; /* the id */
	struct fastcgi_record record;

	if (bytes.len < 2 || (bytes.data[1] != FASTCGI_GET_VALUES && bytes.data[1] != FASTCGI_VALUES))
		return judgements[fastcgi_begins(bytes, false)];
	if (bytes.data[0] != 1 || !slice_has_prefix(slice_of(none, 2), slice_take(slice_drop(bytes, 2), 2)))
		return JUDGE_NO;
	if (bytes.len < FASTCGI_HEADER_BYTES || !fastcgi_record_read(bytes.data, &record) ||
	    record.type == FASTCGI_VALUES)
		return JUDGE_MORE;
	return judgements[fastcgi_begins(
		slice_drop(bytes, FASTCGI_HEADER_BYTES + (size_t)record.content + record.padding), false)];
}

static struct detect_result detect_start_line(struct slice bytes)
{
	static const enum detect_kind kinds[] = {
		[HTTP1_LINE_NONE] = DETECT_OTHER,
		[HTTP1_LINE_MORE] = DETECT_MORE,
		[HTTP1_LINE_REQUEST] = DETECT_HTTP1_REQUEST,
		[HTTP1_LINE_RESPONSE] = DETECT_HTTP1_RESPONSE,
	};
	struct detect_result result = { DETECT_MORE, 0 };

	/* RFC 9112, 2.2: a receiver passes over empty lines before a request line. */
	while (bytes.len && result.offset < EMPTY_LINES_LIMIT &&
	       (bytes.data[0] == '\r' || bytes.data[0] == '\n')) {
		bytes = slice_drop(bytes, 1);
		result.offset++;
	}
	result.kind = kinds[http1_start_line_judge(bytes)];
	return result;
}

struct detect_result detect_first(struct slice bytes)
{
	size_t v1_bytes = 0, v2_bytes = 0;
	enum judgement v1 = judge_proxy_v1(bytes, &v1_bytes), v2 = judge_proxy_v2(bytes, &v2_bytes);
	const struct {
		enum judgement judgement;
		struct detect_result result;
	} judged[] = {
		{ v1, { DETECT_PROXY, v1_bytes } },
		{ v2, { DETECT_PROXY, v2_bytes } },
		{ judge_prefix(bytes, slice_of(http2_preface, HTTP2_PREFACE_BYTES)),
		  { DETECT_HTTP2_PREFACE, 0 } },
		{ judge_tls_hello(bytes), { DETECT_TLS, 0 } },
		{ judge_server_frames(bytes), { DETECT_HTTP2_FRAMES, 0 } },
		{ judge_fastcgi(bytes), { DETECT_FASTCGI, 0 } },
	};
	bool more = false;
	struct detect_result line;

	for (size_t i = 0; i < sizeof(judged) / sizeof(*judged); i++) {
		if (judged[i].judgement == JUDGE_YES)
			return judged[i].result;
		more = more || judged[i].judgement == JUDGE_MORE;
	}
	line = detect_start_line(bytes);
	if (line.kind != DETECT_OTHER && line.kind != DETECT_MORE)
		return line;
	return (struct detect_result){ more ? DETECT_MORE : line.kind, 0 };
}

/* --- judges of any offset ----------------------------------------------------- */

static bool tls_header(struct slice bytes, size_t *record_bytes)
{
	size_t length;

	if (bytes.len < TLS_HEADER_BYTES || bytes.data[0] < TLS_TYPE_FIRST || bytes.data[0] > TLS_TYPE_LAST)
		return false;
	if (bytes.data[1] != 3 || bytes.data[2] > 4)
		return false;
	length = (size_t)bytes.data[3] * 256 + bytes.data[4];
	*record_bytes = TLS_HEADER_BYTES + length;
	return length >= 1 && length <= TLS_RECORD_LIMIT;
}

static bool late_tls(struct slice bytes)
{
	size_t record_bytes, next_bytes;

	return tls_header(bytes, &record_bytes) && tls_header(slice_drop(bytes, record_bytes), &next_bytes) &&
	       bytes.data[2] == bytes.data[record_bytes + 2];
}

static bool late_frames(struct slice bytes)
{
	/* A DATA frame without payload proves nothing; a chain behind it is found at its own offset. */
	if (bytes.len < HTTP2_FRAME_HEADER_BYTES ||
	    (!bytes.data[0] && !bytes.data[1] && !bytes.data[2] && bytes.data[3] == FRAME_DATA))
		return false;
	return http2_chain_judge(bytes, HTTP2_DEFAULT_MAX_FRAME, FRAMES_LATE, NULL).verdict == CHAIN_FOUND;
}

/* The line behind a start line proves it: a field, or the empty line. */
static bool line_proves(struct slice rest)
{
	struct slice first = http1_line_first(rest), line = http1_line_strip(first), name, value;

	return first.len && (!line.len || http1_field_parse(line, &name, &value));
}

size_t detect_find_start_line(struct slice bytes, struct http1_start_line *out)
{
	size_t offset = 0;

	for (;;) {
		struct slice rest = slice_drop(bytes, offset), line = http1_line_first(rest);

		if (!line.len)
			return bytes.len;
		if (line.len <= HTTP1_LINE_LIMIT_BYTES &&
		    http1_start_line_parse(http1_line_strip(line), out) &&
		    http1_start_line_counts(out, offset == 0) && line_proves(slice_drop(rest, line.len)))
			return offset;
		offset += line.len;
	}
}

/* Signs that no line shows, up to `end`. */
static struct detect_result late_binary(struct slice bytes, size_t end)
{
	struct slice preface = slice_of(http2_preface, HTTP2_PREFACE_BYTES);

	for (size_t i = 0; i < end; i++) {
		struct slice rest = slice_drop(bytes, i);

		if (slice_has_prefix(rest, preface))
			return (struct detect_result){ DETECT_HTTP2_PREFACE, i };
		if (rest.data[0] == 1 && fastcgi_begins(rest, true) == FASTCGI_FOUND)
			return (struct detect_result){ DETECT_FASTCGI, i };
		if (late_tls(rest))
			return (struct detect_result){ DETECT_TLS, i };
		if (late_frames(rest))
			return (struct detect_result){ DETECT_HTTP2_FRAMES, i };
	}
	return (struct detect_result){ DETECT_MORE, 0 };
}

bool detect_asks(struct slice bytes)
{
	const uint8_t *blank = bytes.len ? memchr(bytes.data, ' ', bytes.len) : NULL;

	return blank && http1_method_registered(slice_of(bytes.data, (size_t)(blank - bytes.data)));
}

struct detect_result detect_late_binary(struct slice bytes)
{
	return late_binary(bytes, bytes.len);
}

/* --- databases: nobody pays for them who does not ask for them ------------------ */

static const enum judgement pg_judgements[] = {
	[PG_NONE] = JUDGE_NO,
	[PG_MORE] = JUDGE_MORE,
	[PG_FOUND] = JUDGE_YES,
};

struct detect_result detect_query_first(struct slice bytes)
{
	enum judgement client = pg_judgements[pg_begins(bytes)], server = pg_judgements[pg_answers(bytes)];

	enum mysql_evidence greets = mysql_greets(bytes), logs_in = mysql_logs_in(bytes);

	if (client == JUDGE_YES)
		return (struct detect_result){ DETECT_POSTGRESQL, 0 };
	if (greets == MYSQL_FOUND || logs_in == MYSQL_FOUND)
		return (struct detect_result){ DETECT_MYSQL, 0 };
	if (greets == MYSQL_MORE || logs_in == MYSQL_MORE)
		return (struct detect_result){ DETECT_MORE, 0 };
	return (struct detect_result){ client == JUDGE_MORE || server == JUDGE_MORE ? DETECT_MORE
										    : DETECT_OTHER,
				       0 };
}

struct detect_result detect_query_turn(struct slice bytes)
{
	static const enum detect_kind kinds[] = {
		[MYSQL_NONE] = DETECT_OTHER,
		[MYSQL_MORE] = DETECT_MORE,
		[MYSQL_FOUND] = DETECT_MYSQL_LATE,
	};

	return (struct detect_result){ kinds[mysql_asks(bytes)], 0 };
}

struct detect_result detect_late_query(struct slice bytes)
{
	struct detect_result result = detect_late_binary(bytes);
	size_t end = result.kind == DETECT_MORE ? bytes.len : result.offset;

	for (size_t i = 0; i < end; i++)
		if (bytes.data[i] == 'C' && pg_ready(slice_drop(bytes, i)) == PG_FOUND)
			return (struct detect_result){ DETECT_POSTGRESQL_LATE, i };
	return result;
}

struct detect_result detect_turn(struct slice bytes, bool edge)
{
	static const struct detect_result other = { DETECT_OTHER, 0 }, more = { DETECT_MORE, 0 };
	struct slice first = http1_line_first(bytes), rest = slice_drop(bytes, first.len);
	struct http1_start_line line;

	if (!first.len)
		return bytes.len <= HTTP1_LINE_LIMIT_BYTES && http1_start_line_may_be(bytes) ? more : other;
	if (first.len > HTTP1_LINE_LIMIT_BYTES || !http1_start_line_parse(http1_line_strip(first), &line) ||
	    !http1_start_line_counts(&line, edge))
		return other;
	if (!http1_line_first(rest).len)
		return rest.len <= HTTP1_LINE_LIMIT_BYTES ? more : other;
	if (!line_proves(rest))
		return other;
	return (struct detect_result){
		.kind = line.kind == MESSAGE_REQUEST ? DETECT_HTTP1_REQUEST : DETECT_HTTP1_RESPONSE,
	};
}

struct detect_result detect_late(struct slice bytes)
{
	struct http1_start_line line;
	size_t offset = detect_find_start_line(bytes, &line);
	struct detect_result binary = late_binary(bytes, offset);

	if (binary.kind != DETECT_MORE || offset == bytes.len)
		return binary;
	return (struct detect_result){
		.kind = line.kind == MESSAGE_REQUEST ? DETECT_HTTP1_REQUEST : DETECT_HTTP1_RESPONSE,
		.offset = offset,
	};
}
