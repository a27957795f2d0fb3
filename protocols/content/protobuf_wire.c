/* SPDX-License-Identifier: Apache-2.0 */
#include "protobuf_wire.h"

/* False: none, or longer than 64 bits. */
static bool varint_take(struct slice *bytes, uint64_t *value)
{
	*value = 0;
	for (unsigned int i = 0; i < 10 && i < bytes->len; i++) {
		uint8_t byte = bytes->data[i];

		if (i == 9 && byte > 1)
			return false;
		*value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte & 0x80)
			continue;
		*bytes = slice_drop(*bytes, i + 1);
		return true;
	}
	return false;
}

static bool fixed_take(struct slice *bytes, size_t size, uint64_t *value)
{
	if (bytes->len < size)
		return false;
	*value = 0;
	for (size_t i = size; i; i--)
		*value = *value << 8 | bytes->data[i - 1];
	*bytes = slice_drop(*bytes, size);
	return true;
}

bool protobuf_value(struct slice *bytes, struct protobuf_field *field)
{
	switch (field->wire) {
	case PROTOBUF_VARINT:
		return varint_take(bytes, &field->value);
	case PROTOBUF_I64:
		return fixed_take(bytes, 8, &field->value);
	case PROTOBUF_I32:
		return fixed_take(bytes, 4, &field->value);
	case PROTOBUF_LEN:
		if (!varint_take(bytes, &field->value) || field->value > bytes->len)
			return false;
		field->bytes = slice_take(*bytes, (size_t)field->value);
		*bytes = slice_drop(*bytes, field->bytes.len);
		return true;
	case PROTOBUF_GROUP:
	case PROTOBUF_GROUP_END:
		return true;
	}
	return false;
}

int protobuf_next(struct slice *bytes, struct protobuf_field *field)
{
	uint64_t tag;

	if (!bytes->len)
		return 0;
	if (!varint_take(bytes, &tag) || tag >> 3 == 0 || tag >> 32 || (tag & 7) > PROTOBUF_I32)
		return -1;
	*field = (struct protobuf_field){ .number = (uint32_t)(tag >> 3),
					  .wire = (enum protobuf_wire)(tag & 7) };
	return protobuf_value(bytes, field) ? 1 : -1;
}
