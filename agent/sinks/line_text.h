/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange as one line for people, in columns; watch shows it alone, conns under its connection. */
#ifndef HARK_LINE_TEXT_H
#define HARK_LINE_TEXT_H

#include "base/buffer.h"
#include "base/wall_clock.h"
#include "model/address.h"
#include "model/exchange.h"
#include "sink.h"

#include <stdbool.h>

enum style_color {
	STYLE_DIM,
	STYLE_BOLD,
	STYLE_RED,
	STYLE_GREEN,
	STYLE_YELLOW,
	STYLE_CYAN,
};

/* The columns of a connection as they were written, and all that they tell. */
struct line_kept {
	uint64_t id;
	uint8_t peer[16];
	uint16_t family, protocol, peer_port;
	uint8_t role;
	uint8_t len; /* 0: nothing is kept */
	char text[48];
};

#define LINE_KEPT 64 /* connections; a power of 2 */

struct style {
	bool color;
	bool utf8;	/* of the locale: else arrows and foreign letters are written in ASCII */
	size_t columns; /* of the terminal; 0: as many as it takes */
	struct wall_clock clock;
	const struct redact *redact;
	struct buffer scratch; /* what redaction rewrote */
	struct content_memo last_type;
	struct line_kept kept[LINE_KEPT];
};

void line_style_init(struct style *style, const struct sink_config *config);
void line_style_fini(struct style *style);

/* Colour on and off, or around a string; nothing without colour. */
void line_style_on(struct buffer *buffer, const struct style *style, enum style_color color);
void line_style_off(struct buffer *buffer, const struct style *style);
void line_put_styled(struct buffer *buffer, const struct style *style, enum style_color color,
		     const char *string);

/* Fills up with spaces so that what was written since `start` has at least `width` columns, and one more.
 * Returns where the next column starts. */
size_t line_column_end(struct buffer *buffer, size_t start, size_t width);

/* "curl[1234]"; "?" for what is not known. */
void line_put_program(struct buffer *buffer, const struct style *style, const struct mover *mover);
/* "h1.1"; when the version is not known, its other name, or "?". */
void line_put_protocol(struct buffer *buffer, enum http_version version, const char *name);
/* "0", "9999", "12.3K", "4.5M", in units of 1024. */
void line_put_size(struct buffer *buffer, uint64_t bytes);
/* "connect 0.03 ms, send 0.01 ms, wait 2.1 ms": where the time went, as far as it is known; of both ends for
 * the client, who waited for all of it. False: nothing is known. */
bool line_put_times(struct buffer *buffer, const struct exchange *exchange);
/* "0.034 ms", "0.34 ms", "12 ms", "1.2 s". */
void line_put_latency(struct buffer *buffer, uint64_t ns);
/* "[gap,reset CANCEL]", or nothing. error: NULL or a name. */
void line_put_flags(struct buffer *buffer, const struct style *style, unsigned int flags, const char *error);

/* The columns that a line begins with: time and program; number of its connection, then role and peer too. */
void line_put_when_and_program(struct buffer *buffer, struct style *style, uint64_t time_ns,
			       const struct mover *mover);
/* "#12": its number in this run. */
void line_put_number(struct buffer *buffer, const struct conn_facts *conn);
void line_put_connection_id(struct buffer *buffer, const struct conn_facts *conn);
void line_put_connection(struct buffer *buffer, const struct style *style, const struct conn_facts *conn);

/* Host and target of a request (NULL: not known), without user names, redacted; "?" for what is not known. */
void line_put_url(struct buffer *buffer, struct style *style, const struct message *request);

/* Observed bytes, escaped; "?" when they are not known (data NULL). */
void line_put_or_unknown(struct buffer *buffer, const struct style *style, struct slice bytes);
/* Its lines, each behind `mark`; ends: with their line feeds, escaped. */
void line_put_lines(struct buffer *buffer, const struct style *style, const char *mark, struct slice bytes,
		    bool ends);

/* A header field as a line of its own, redacted, behind `mark`; "?" for what could not be decoded. */
void line_put_field(struct buffer *buffer, struct style *style, const char *mark,
		    const struct header *header);
/* Offsets, bytes and their ASCII, HEX_LINE_BYTES a line; each line begins with `mark`. */
#define HEX_LINE_BYTES 16
void line_put_hex(struct buffer *buffer, const char *mark, struct slice bytes);

/* An exchange's whole line without its newline. */
void line_text_put(struct buffer *buffer, struct style *style, const struct exchange *exchange);

#endif
