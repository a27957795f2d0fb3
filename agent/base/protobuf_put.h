/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes Protocol Buffers' wire format (protobuf.dev, "Encoding"), field by field, into a buffer; what is
 * missing for want of memory marks it as failed. protocols/content/protobuf_wire.h reads it.
 */
#ifndef HARK_PROTOBUF_PUT_H
#define HARK_PROTOBUF_PUT_H

#include "buffer.h"

void protobuf_put_number(struct buffer *buffer, uint32_t field,
			 uint64_t value); /* int64, uint64, bool, enum */
void protobuf_put_fixed32(struct buffer *buffer, uint32_t field, uint32_t value);
void protobuf_put_fixed64(struct buffer *buffer, uint32_t field, uint64_t value);
void protobuf_put_double(struct buffer *buffer, uint32_t field, double value);
/* bytes, and string: then the text is UTF-8, or readers refuse all of it. */
void protobuf_put_bytes(struct buffer *buffer, uint32_t field, struct slice bytes);

/* A message within: what is written up to its end, which is told where it began. */
size_t protobuf_begin(struct buffer *buffer, uint32_t field);
void protobuf_end(struct buffer *buffer, size_t begin);

#endif
