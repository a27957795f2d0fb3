/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of an HTTP/1 head: how they come in pieces, start lines, field lines, and the fields that frame a
 * body. What judges a line takes it without its line end.
 */
#ifndef HARK_HTTP1_LINE_H
#define HARK_HTTP1_LINE_H

#include "bytes.h"
#include "message.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No line is longer than this: a request line beyond it is cut, another one refused, a field is cut out. */
#define HTTP1_LINE_LIMIT_BYTES 65536

/* A line that comes in pieces. At most HTTP1_LINE_LIMIT_BYTES of it are kept; the rest is counted. */
#define HTTP1_LINE_TAIL_BYTES 16 /* a version and a line end lie in it */

struct http1_line {
	struct bytes kept;
	bool turn;     /* its first byte is the first of a turn; the reader's to set */
	bool answered; /* of a request line under way: an answer to it may have passed; the owner's to set */
	bool overflow; /* beyond the limit: what is kept is the first part */
	uint8_t tail[HTTP1_LINE_TAIL_BYTES]; /* the last bytes, with overflow */
	uint64_t first_ns;		     /* when its first byte came */
	uint64_t size;			     /* with what overflowed */
};

/*
 * Appends up to the first LF; *whole: it was there. Returns how many bytes were
 * taken, all of them of this line; 0: out of memory.
 */
size_t http1_line_add(struct http1_line *line, struct slice bytes, uint64_t time_ns, bool *whole);

/* Empties the line; a large buffer is given back. */
void http1_line_clear(struct http1_line *line);

struct http1_start_line {
	enum message_kind kind;
	enum http_version version;
	struct slice method, target; /* request; borrowed from the line */
	int status;		     /* response */
};

/* The bytes up to and with the first LF; empty: there is none. */
struct slice http1_line_first(struct slice bytes);

/* The line without "\r\n" or "\n" at its end. */
static inline struct slice http1_line_strip(struct slice line)
{
	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* The kept bytes without the line end, borrowed. */
static inline struct slice http1_line_text(const struct http1_line *line)
{
	return http1_line_strip(bytes_slice(&line->kept));
}

/*
 * Reads a request line (RFC 9112, 3) or a status line (RFC 9112, 4): any token
 * as method, a target without blanks and controls, HTTP/1.0 or HTTP/1.1. The
 * reason phrase may be absent with its space. False: neither.
 */
bool http1_start_line_parse(struct slice line, struct http1_start_line *out);

/*
 * The same for a whole line that was read. Of a request line that is longer than the limit the target is cut;
 * its method must be a registered one.
 */
bool http1_line_start(const struct http1_line *line, struct http1_start_line *out);

/* The same for the first bytes of a request line of which no end is there; the version is not known. */
bool http1_request_line_begins(struct slice first, struct http1_start_line *out);

enum http1_line_verdict {
	HTTP1_LINE_NONE,
	HTTP1_LINE_MORE, /* the bytes end inside what may be a start line */
	HTTP1_LINE_REQUEST,
	HTTP1_LINE_RESPONSE,
};

/*
 * Judges the bytes from their first on; only a whole line, ended by LF, is a start line, or what is longer
 * than the limit and may be nothing but a request line.
 */
enum http1_line_verdict http1_start_line_judge(struct slice bytes);

/* True for the methods of IANA's registry and a few that caches and UPnP use. */
bool http1_method_registered(struct slice method);

/*
 * Is a start line that was searched for one? Text has words in front of " / HTTP/1.1" that nobody uses as
 * methods, so only registered ones count. At an edge, right behind a hole, the first bytes of a method may be
 * missing ("LOCK" of "UNLOCK"): there only those that people use and that are no end of another one.
 */
bool http1_start_line_counts(const struct http1_start_line *line, bool edge);

/*
 * May the bytes, without a line end so far, grow to be a status
 * line, or a request line with such a method?
 */
bool http1_start_line_may_be(struct slice bytes);

/*
 * Splits a field line (RFC 9112, 5) into its name and its value without blanks
 * around, both borrowed. False for a line that programs read differently: no
 * token before the colon, a blank before it, CR or NUL in the value.
 */
bool http1_field_parse(struct slice line, struct slice *name, struct slice *value);

/* True when a line that is no field may all the same be taken by a program for one that frames the body. */
bool http1_field_may_frame(struct slice line);

/* True when a comma-separated list holds the token, case ignored. */
bool http1_list_has(struct slice list, struct slice token);

/* The Transfer-Encoding fields. */
enum http1_coding {
	HTTP1_CODING_ABSENT, /* there is none */
	HTTP1_CODING_EMPTY,  /* one, which names no coding */
	HTTP1_CODING_OTHER,  /* the last one named is not chunked */
	HTTP1_CODING_CHUNKED,
};

/* The body's length as the head tells it (RFC 9112, 6.3). */
struct http1_framing {
	bool refused; /* contradictory or unreadable: nobody knows where the body ends */
	bool has_length;
	enum http1_coding coding;
	unsigned int chunked; /* how often that was named */
	unsigned int hosts;   /* Host fields (RFC 9112, 3.2: one) */
	uint64_t length;      /* with has_length */
};

/* Takes one of the three fields into account. */
void http1_framing_take(struct http1_framing *framing, enum header_name name, struct slice value);

/* The same for any field; others are ignored. */
static inline void http1_framing_add(struct http1_framing *framing, enum header_name name, struct slice value)
{
	if (name >= HEADER_HOST && name <= HEADER_TRANSFER_ENCODING)
		http1_framing_take(framing, name, value);
}

#define HTTP1_FIELDS_AT_ONCE 64 /* a head of more is read line by line */

struct http1_fields {
	bool few; /* only those that message_asks() wants are kept */
	size_t count;
	struct http1_framing framing; /* by all of them */
	struct header items[HTTP1_FIELDS_AT_ONCE];
};

/*
 * http1_field_parse() for all the field lines of a head that is there whole, and of which none goes on in the
 * next line. count and framing are zero before. Returns how long it is with its empty line; 0: it is another
 * one.
 */
size_t http1_fields_read(struct slice bytes, struct http1_fields *fields);

/*
 * True when programs read such a head in different ways (RFC 9112, 3.2, 6.1, 6.3 and 7). Of two Host fields,
 * a coding named beside a length, chunked named twice, and a coding in HTTP/1.0 hark takes one reading: the
 * first Host, the coding, one layer of chunks. Where the end of the body is a guess it takes none.
 */
bool http1_framing_malformed(const struct http1_framing *framing, enum message_kind kind,
			     enum http_version version);

#endif
