/* SPDX-License-Identifier: Apache-2.0 */
#include "protobuf.h"

#include "protobuf_wire.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX   32 /* messages within each other that are looked into */
#define FIELD_BYTES 64 /* of a hex dump */

struct writing {
	struct bytes *out;
	size_t limit;
	bool full; /* no more is written */
};

static void put(struct writing *writing, struct slice text)
{
	writing->full = writing->full || bytes_append(writing->out, text, writing->limit) < 0;
}

static void put_u64(struct writing *writing, uint64_t number)
{
	uint8_t digits[SLICE_DIGITS_MAX];

	put(writing, slice_of_number(number, digits));
}

static void put_i64(struct writing *writing, int64_t number)
{
	if (number < 0)
		put(writing, SLICE("-"));
	put_u64(writing, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

/* Hex of at least `least` digits. */
static void put_hex(struct writing *writing, uint64_t number, unsigned int least)
{
	unsigned int digits = 1;

	while (digits < least || (digits < 16 && number >> (4 * digits)))
		digits++;
	while (digits--)
		put(writing,
		    slice_take(slice_drop(SLICE("0123456789abcdef"), number >> (4 * digits) & 15), 1));
}

static void put_real(struct writing *writing, double number, int digits)
{
	char text[40];

	put(writing, slice_of_string(gcvt(number, digits, text)));
}

static void put_indent(struct writing *writing, int depth)
{
	for (int i = 0; i < depth; i++)
		put(writing, SLICE("  "));
}

/* Bytes of the UTF-8 character at the front (RFC 3629); 0: there is none. */
static size_t utf8_len(struct slice bytes)
{
	uint8_t first = bytes.data[0];
	size_t len = first < 0x80   ? 1
		     : first < 0xc2 ? 0
		     : first < 0xe0 ? 2
		     : first < 0xf0 ? 3
		     : first < 0xf5 ? 4
				    : 0;

	if (len > bytes.len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((bytes.data[i] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && bytes.data[1] < 0xa0) || (first == 0xed && bytes.data[1] >= 0xa0) ||
	    (first == 0xf0 && bytes.data[1] < 0x90) || (first == 0xf4 && bytes.data[1] >= 0x90))
		return 0;
	return len;
}

enum text_kind {
	TEXT_NONE,
	TEXT_LINES, /* with line ends or tabs, which are tags of fields, too */
	TEXT_PLAIN,
};

static enum text_kind text_kind_of(struct slice bytes)
{
	enum text_kind kind = TEXT_PLAIN;

	while (bytes.len) {
		size_t len = utf8_len(bytes);

		if (!len || bytes.data[0] == 0x7f)
			return TEXT_NONE;
		if (bytes.data[0] < ' ') {
			if (bytes.data[0] != '\n' && bytes.data[0] != '\t' && bytes.data[0] != '\r')
				return TEXT_NONE;
			kind = TEXT_LINES;
		}
		bytes = slice_drop(bytes, len);
	}
	return kind;
}

static void put_byte(struct writing *writing, uint8_t byte)
{
	put(writing, SLICE("\\x"));
	put_hex(writing, byte, 2);
}

/* A string as protobuf's text format has it; what is beyond ASCII goes as it is, where all is UTF-8, or by
 * its bytes. */
static void put_string(struct writing *writing, struct slice bytes)
{
	bool as_text = text_kind_of(bytes) != TEXT_NONE;

	put(writing, SLICE("\""));
	for (size_t i = 0; i < bytes.len && !writing->full; i++) {
		uint8_t byte = bytes.data[i];

		if (byte == '"')
			put(writing, SLICE("\\\""));
		else if (byte == '\\')
			put(writing, SLICE("\\\\"));
		else if (byte == '\n')
			put(writing, SLICE("\\n"));
		else if (byte >= ' ' && byte != 0x7f && (byte < 0x80 || as_text))
			put(writing, slice_take(slice_drop(bytes, i), 1));
		else
			put_byte(writing, byte);
	}
	put(writing, SLICE("\""));
}

static void put_dump(struct writing *writing, struct slice bytes)
{
	put(writing, SLICE("<"));
	for (size_t i = 0; i < bytes.len && i < FIELD_BYTES; i++)
		put_hex(writing, bytes.data[i], 2);
	if (bytes.len > FIELD_BYTES) {
		put(writing, SLICE("... "));
		put_u64(writing, bytes.len);
		put(writing, SLICE(" bytes"));
	}
	put(writing, SLICE(">"));
}

static int64_t zigzag(uint64_t value)
{
	return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

static void put_double(struct writing *writing, uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	put_real(writing, number, 17);
}

static void put_float(struct writing *writing, uint32_t bits)
{
	float number;

	memcpy(&number, &bits, sizeof(number));
	put_real(writing, (double)number, 9);
}

static void put_enum(struct writing *writing, const struct protobuf_member *field, uint64_t value)
{
	const struct protobuf_member *name = protobuf_member_find(field->values, (uint32_t)value);

	if (name)
		put(writing, name->name);
	else
		put_i64(writing, (int32_t)value);
}

/* A number of a type, or of an unknown one: a varint as it is, a fixed one in hex. */
static void put_number(struct writing *writing, const struct protobuf_member *field,
		       const struct protobuf_field *one)
{
	switch (field ? field->type : TYPE_UNKNOWN) {
	case TYPE_DOUBLE:
		put_double(writing, one->value);
		return;
	case TYPE_FLOAT:
		put_float(writing, (uint32_t)one->value);
		return;
	case TYPE_INT32:
	case TYPE_SFIXED32:
		put_i64(writing, (int32_t)one->value);
		return;
	case TYPE_INT64:
	case TYPE_SFIXED64:
		put_i64(writing, (int64_t)one->value);
		return;
	case TYPE_SINT32:
	case TYPE_SINT64:
		put_i64(writing, zigzag(one->value));
		return;
	case TYPE_BOOL:
		put(writing, one->value ? SLICE("true") : SLICE("false"));
		return;
	case TYPE_ENUM:
		put_enum(writing, field, one->value);
		return;
	case TYPE_UINT64:
	case TYPE_UINT32:
	case TYPE_FIXED64:
	case TYPE_FIXED32:
		put_u64(writing, one->value);
		return;
	case TYPE_UNKNOWN:
	case TYPE_STRING:
	case TYPE_GROUP:
	case TYPE_MESSAGE:
	case TYPE_BYTES:
		if (one->wire == PROTOBUF_VARINT) {
			put_u64(writing, one->value);
			return;
		}
		put(writing, SLICE("0x"));
		put_hex(writing, one->value, 1);
		return;
	}
}

/* Does it follow the format from one end to the other? Groups are not entered: a text may look like one. */
static bool may_be_message(struct slice bytes)
{
	struct protobuf_field field;
	int more;

	while ((more = protobuf_next(&bytes, &field)) > 0)
		if (field.wire == PROTOBUF_GROUP || field.wire == PROTOBUF_GROUP_END || field.number > 100000)
			return false;
	return more == 0;
}

static bool put_fields(struct writing *writing, const struct protobuf_message *type, struct slice *bytes,
		       int depth);

static void put_message(struct writing *writing, const struct protobuf_message *type, struct slice bytes,
			int depth)
{
	put(writing, SLICE(" {\n"));
	if (!put_fields(writing, type, &bytes, depth + 1)) {
		put_indent(writing, depth + 1);
		put(writing, SLICE("?\n"));
	}
	put_indent(writing, depth);
	put(writing, SLICE("}"));
}

/* Packed numbers of a known type (proto3's default for them). */
static void put_packed(struct writing *writing, const struct protobuf_member *field, struct slice bytes)
{
	enum protobuf_type type = field->type;
	struct protobuf_field one = { .wire = PROTOBUF_VARINT };

	if (type == TYPE_DOUBLE || type == TYPE_FIXED64 || type == TYPE_SFIXED64)
		one.wire = PROTOBUF_I64;
	else if (type == TYPE_FLOAT || type == TYPE_FIXED32 || type == TYPE_SFIXED32)
		one.wire = PROTOBUF_I32;
	put(writing, SLICE("["));
	for (bool first = true; bytes.len && !writing->full; first = false) {
		put(writing, first ? SLICE("") : SLICE(", "));
		if (!protobuf_value(&bytes, &one)) {
			put(writing, SLICE("?"));
			break;
		}
		put_number(writing, field, &one);
	}
	put(writing, SLICE("]"));
}

/* Are bytes of no known type a message? Most messages have bytes that no text has, and texts none. */
static bool looks_like_message(struct slice bytes, int depth)
{
	return bytes.len && depth < DEPTH_MAX && text_kind_of(bytes) != TEXT_PLAIN && may_be_message(bytes);
}

/* What stands behind a length. */
static void put_bytes(struct writing *writing, const struct protobuf_member *field, struct slice bytes,
		      int depth)
{
	enum protobuf_type type = field ? field->type : TYPE_UNKNOWN;

	if (type == TYPE_MESSAGE || (type == TYPE_UNKNOWN && looks_like_message(bytes, depth))) {
		if (depth < DEPTH_MAX)
			put_message(writing, field ? field->message : NULL, bytes, depth);
		else
			put(writing, SLICE(" { ... }"));
		return;
	}
	put(writing, SLICE(": "));
	if (type == TYPE_STRING || (type == TYPE_UNKNOWN && text_kind_of(bytes) != TEXT_NONE))
		put_string(writing, bytes);
	else if (type == TYPE_BYTES || type == TYPE_UNKNOWN)
		put_dump(writing, bytes);
	else
		put_packed(writing, field, bytes);
}

/* Fields up to the end of the bytes, or of their group. False: they do not follow the format. */
static bool put_fields(struct writing *writing, const struct protobuf_message *type, struct slice *bytes,
		       int depth)
{
	struct protobuf_field one;
	int more = 0;

	while (!writing->full && (more = protobuf_next(bytes, &one)) > 0) {
		const struct protobuf_member *field = protobuf_member_find(type, one.number);
		bool whole = true;

		if (one.wire == PROTOBUF_GROUP_END)
			return depth > 0;
		put_indent(writing, depth);
		if (field)
			put(writing, field->name);
		else
			put_u64(writing, one.number);
		if (one.wire == PROTOBUF_LEN) {
			put_bytes(writing, field, one.bytes, depth);
		} else if (one.wire == PROTOBUF_GROUP) {
			put(writing, SLICE(" {\n"));
			whole = depth < DEPTH_MAX &&
				put_fields(writing, field ? field->message : NULL, bytes, depth + 1);
			put_indent(writing, depth);
			put(writing, SLICE("}"));
		} else {
			put(writing, SLICE(": "));
			put_number(writing, field, &one);
		}
		put(writing, SLICE("\n"));
		if (!whole)
			return false;
	}
	return writing->full || more == 0;
}

bool protobuf_text(struct bytes *out, const struct protobuf_message *type, struct slice bytes,
		   size_t limit_bytes)
{
	struct writing writing = { .out = out, .limit = limit_bytes };

	return put_fields(&writing, type, &bytes, 0);
}
