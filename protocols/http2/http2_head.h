/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of one header block as a message, with what they tell about the
 * block's kind: pseudo-header fields come first (RFC 9113, 8.3).
 */
#ifndef HARK_HTTP2_HEAD_H
#define HARK_HTTP2_HEAD_H

#include "hpack.h"
#include "http2_assembly.h"
#include "message.h"
#include "protocol.h"

#include <stdbool.h>

enum http2_first {  /* the first field of a block */
	FIRST_NONE, /* there are no fields */
	FIRST_PSEUDO,
	FIRST_REGULAR, /* so the block is trailers */
	FIRST_UNKNOWN,
};

struct http2_head {
	struct message
		*message; /* owned until somebody takes it; never NULL after a read that gave 0 or -EBADMSG */
	enum http2_first first;
	struct header_list *fields; /* when wanted: every field in wire order, in the message's arena */
	bool few;		  /* of the others only those stay in the message that message_asks() wants */
	struct spares *rooms;	  /* that the message is of; NULL: the system */
	bool has_request_field;	  /* :method, :scheme, :path or :authority, by name */
	bool has_status;	  /* by name */
	unsigned int pseudo_seen; /* a bit for each of the four request fields, by name */
	bool unknown;		  /* some name or value is */
	bool cut;		  /* fields are missing: the limit was met */
};

/*
 * `fields` of the head may be set to a list that is to be filled, `few` and `rooms`; all else is
 * set anew. Inflates a block, or what there is of it, into a new message of
 * limit_bytes. hpack NULL: the block was lost; all is unknown.
 * 0; -EBADMSG: the block is wrong: with an empty message, all unknown; -ENOMEM: no message.
 */
int http2_head_read(struct http2_head *head, struct hpack *hpack, const struct http2_block *block,
		    size_t limit_bytes);

/*
 * The same field by field, for fields that come another way (HTTP/3 has the same ones: RFC 9114, 4.3): begins
 * with an empty message, takes each in order (a hpack_sink's `field`, ctx is the head), and compares in the
 * end. 0 or -ENOMEM: no message.
 */
int http2_head_begin(struct http2_head *head, size_t limit_bytes);
void http2_head_field(void *ctx, const struct hpack_field *field);
void http2_head_end(struct http2_head *head);

void http2_head_fini(struct http2_head *head);

/*
 * How many bytes one more head may take on a connection that holds so many. One byte of a block may stand for
 * a whole entry of the table, so what all heads take has a limit too (config->memory_limit_bytes).
 */
size_t http2_head_limit_bytes(const struct protocol_config *config, size_t held_bytes);

#endif
