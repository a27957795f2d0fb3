/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server-sent events, as a stream of bytes taken apart (WHATWG HTML, 9.2.6): for the reader in sse.c and for
 * others whose messages come as events.
 */
#ifndef HARK_SSE_H
#define HARK_SSE_H

#include "bytes.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

#define SSE_LINE_MAX 65536 /* of a line, and of an event's data, so many bytes are kept */
#define SSE_ID_MAX   256

/* All slices are borrowed for the call. */
typedef void sse_data_fn(void *ctx, struct slice data);

struct sse_event {
	struct slice name;   /* its `event` field; data NULL: it has none, which means "message" */
	struct slice id;     /* the last id that was set, by this event or before; data NULL: none is known */
	struct slice data;   /* what is kept of it; with on_data nothing */
	uint64_t data_bytes; /* all of it */
	bool name_cut;	     /* there was more of the name than is kept */
};

struct sse_parser {	      /* all zero but for this: at the beginning of a stream */
	sse_data_fn *on_data; /* takes data of any size as it comes, before its event; NULL: events have it */
	struct bytes line, data, name, id, next_id;
	uint64_t line_bytes, data_bytes;
	bool begun; /* behind a byte order mark, or where it would be */
	bool has_data, has_name, name_cut, has_id;
	bool has_next_id, next_id_cut; /* it becomes the last one where its event ends */
	bool id_unknown;	       /* one may have been set in a hole, or is too long */
	bool after_cr;
	bool in_data;	/* the line is one of data, and what of it came is given */
	bool no_memory; /* some of what is kept is missing: as a hole, which is to be told */
	enum {
		SSE_READS,
		SSE_LOST_LINE, /* in the rest of a line */
		SSE_LOST,      /* until an empty line ends the event that it is in */
	} state;
};

typedef void sse_fn(void *ctx, const struct sse_event *event);

/* The next bytes. An event is given at the empty line that ends it; without data it is none. */
void sse_feed(struct sse_parser *parser, struct slice bytes, sse_fn *fn, void *ctx);
/* Bytes are missing: the event that they are in is passed over, and what follows up to its end. */
void sse_hole(struct sse_parser *parser);
void sse_fini(struct sse_parser *parser);
size_t sse_memory(const struct sse_parser *parser);

#endif
