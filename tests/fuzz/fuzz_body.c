/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body of any bytes under any of the codings and types. The first byte
 * chooses; what comes out is bounded and, when it is called text, text.
 */
#include "base/escape.h"
#include "sinks/body.h"
#include "sinks/json_indent.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const encodings[] = { "",	 "gzip",     "deflate",	     "br",
					 "zstd", "gzip, br", "zstd,deflate", "x, gzip" };
static const char *const types[] = { "text/plain",
				     "application/json",
				     "text/html; charset=utf-16",
				     "application/x-www-form-urlencoded",
				     "text/x; charset=shift_jis",
				     "text/plain; charset=\"",
				     "application/grpc",
				     "text/plain; charset=latin1" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redact *redact;
	struct message *message = message_new(MESSAGE_RESPONSE, 0);
	struct body_reader reader = { 0 };
	struct buffer indented = { 0 };
	uint8_t choice = size ? data[0] : 0;
	struct body body;

	if (!redact)
		redact = redact_new(false);
	message_add_header(message, &message->headers, SLICE("content-encoding"),
			   slice_of_string(encodings[choice & 7]), 0);
	message_add_header(message, &message->headers, SLICE("content-type"),
			   slice_of_string(types[choice >> 3 & 7]), 0);
	message->body = slice_drop(slice_of(data, size), 1);
	message->body_known = choice & 64;
	message->body_bytes = message->body.len + (choice >> 7);
	if (message->body.len) {
		body = body_read(&reader, message, redact);
		if (body.look != CONTENT_BINARY && !escape_utf8_is_text(body.bytes))
			abort();
		if (reader.decoded[0].len > BODY_DECODED_MAX || reader.decoded[1].len > BODY_DECODED_MAX)
			abort();
		json_indent(slice_take(body.bytes, 4096), &indented);
	}
	buffer_fini(&indented);
	body_reader_fini(&reader);
	message_free(message);
	return 0;
}
