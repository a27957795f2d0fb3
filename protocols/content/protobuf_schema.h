/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema of Protocol Buffers: the types and methods of a FileDescriptorSet, as protoc --descriptor_set_out
 * writes it.
 *
 * It is read here and not by a library: protobuf-c knows no descriptors at run time, upb in Debian is a
 * snapshot of 2020 and gone since, libprotobuf would bring C++ for a format of which this needs four
 * messages.
 */
#ifndef HARK_PROTOBUF_SCHEMA_H
#define HARK_PROTOBUF_SCHEMA_H

#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct protobuf_schema;
struct protobuf_message; /* a type: a message, or an enum, whose values stand as members */

/* FieldDescriptorProto.Type */
enum protobuf_type {
	TYPE_UNKNOWN = 0,
	TYPE_DOUBLE = 1,
	TYPE_FLOAT = 2,
	TYPE_INT64 = 3,
	TYPE_UINT64 = 4,
	TYPE_INT32 = 5,
	TYPE_FIXED64 = 6,
	TYPE_FIXED32 = 7,
	TYPE_BOOL = 8,
	TYPE_STRING = 9,
	TYPE_GROUP = 10,
	TYPE_MESSAGE = 11,
	TYPE_BYTES = 12,
	TYPE_UINT32 = 13,
	TYPE_ENUM = 14,
	TYPE_SFIXED32 = 15,
	TYPE_SFIXED64 = 16,
	TYPE_SINT32 = 17,
	TYPE_SINT64 = 18,
};

/* A field of a message, or a value of an enum. */
struct protobuf_member {
	uint32_t number;
	enum protobuf_type type;
	struct slice name, type_name;
	const struct protobuf_message *message; /* of a message: its type; NULL: not in the set */
	const struct protobuf_message *values;	/* of an enum: its names, as fields */
};

/* A copy of what the bytes of a FileDescriptorSet say. NULL: they are none (errno EINVAL), or memory is out.
 */
struct protobuf_schema *protobuf_schema_new(struct slice bytes);
void protobuf_schema_free(struct protobuf_schema *schema); /* NULL is legal */

/* The types of a method, "pkg.Service" and "Method": of what is asked (response false), or answered. NULL:
 * not known; schema NULL is legal. */
const struct protobuf_message *protobuf_method(const struct protobuf_schema *schema, struct slice service,
					       struct slice method, bool response);

/* The member of this number; NULL: none. type NULL is legal. */
const struct protobuf_member *protobuf_member_find(const struct protobuf_message *type, uint32_t number);

#endif
