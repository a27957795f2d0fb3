/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of Protocol Buffers as text: by a schema's names, or without one by field numbers and what the
 * bytes allow.
 */
#ifndef HARK_PROTOBUF_H
#define HARK_PROTOBUF_H

#include "bytes.h"
#include "protobuf_schema.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Appends the message as text: a line a field, `name: value`, messages in braces, indented. type NULL:
 * numbers for names, and of bytes whatever they may be: a message, else text, else hex. At most limit_bytes
 * come out. False: the bytes do not follow the format; what came before is there.
 */
bool protobuf_text(struct bytes *out, const struct protobuf_message *type, struct slice bytes,
		   size_t limit_bytes);

#endif
