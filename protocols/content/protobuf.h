/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protocol Buffers' wire format (protobuf.dev, "Encoding") as text: by a schema's names, or without one by
 * field numbers and what the bytes allow. A schema is a FileDescriptorSet, as protoc --descriptor_set_out
 * writes it.
 *
 * It is read here and not by a library: protobuf-c knows no descriptors at run time, upb in Debian is a
 * snapshot of 2020 and gone since, libprotobuf would bring C++ for a format of which this needs four
 * messages.
 */
#ifndef HARK_PROTOBUF_H
#define HARK_PROTOBUF_H

#include "bytes.h"
#include "slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum protobuf_wire {
	PROTOBUF_VARINT = 0,
	PROTOBUF_I64 = 1,
	PROTOBUF_LEN = 2,
	PROTOBUF_GROUP = 3,
	PROTOBUF_GROUP_END = 4,
	PROTOBUF_I32 = 5,
};

struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value;	    /* of numbers */
	struct slice bytes; /* of PROTOBUF_LEN */
};

/* Takes the next field off. 1: there is one; 0: none is left; -1: this is no such format, or it is cut. */
int protobuf_next(struct slice *bytes, struct protobuf_field *field);

struct protobuf_schema;
struct protobuf_message; /* a type of a schema */

/* A copy of what the bytes of a FileDescriptorSet say. NULL: they are none (errno EINVAL), or memory is out.
 */
struct protobuf_schema *protobuf_schema_new(struct slice bytes);
void protobuf_schema_free(struct protobuf_schema *schema); /* NULL is legal */

/* The types of a method, "pkg.Service" and "Method": of what is asked (response false), or answered. NULL:
 * not known; schema NULL is legal. */
const struct protobuf_message *protobuf_method(const struct protobuf_schema *schema, struct slice service,
					       struct slice method, bool response);

/*
 * Appends the message as text: a line a field, `name: value`, messages in braces, indented. type NULL:
 * numbers for names, and of bytes whatever they may be: a message, else text, else hex. At most limit_bytes
 * come out. False: the bytes do not follow the format; what came before is there.
 */
bool protobuf_text(struct bytes *out, const struct protobuf_message *type, struct slice bytes,
		   size_t limit_bytes);

#endif
