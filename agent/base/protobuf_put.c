/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Own code, not protobuf-c or nanopb: what is exported has a dozen small messages, of
 * which one a span is written from a table of facts, and both libraries want it as
 * a tree of structs first, an allocation or a slot each attribute. The readers of
 * tests/e2e are those that the format's own compiler makes.
 */
#include "protobuf_put.h"

#include <endian.h>

#define VARINT_MAX 10

enum wire {
	WIRE_VARINT = 0,
	WIRE_I64 = 1,
	WIRE_LEN = 2,
	WIRE_I32 = 5,
};

/* How many bytes. */
static size_t varint_write(uint8_t out[VARINT_MAX], uint64_t value)
{
	size_t len = 0;

	do {
		out[len++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return len;
}

static void put_varint(struct buffer *buffer, uint64_t value)
{
	uint8_t bytes[VARINT_MAX];

	buffer_put(buffer, bytes, varint_write(bytes, value));
}

static void put_tag(struct buffer *buffer, uint32_t field, enum wire wire)
{
	put_varint(buffer, (uint64_t)field << 3 | wire);
}

void protobuf_put_number(struct buffer *buffer, uint32_t field, uint64_t value)
{
	put_tag(buffer, field, WIRE_VARINT);
	put_varint(buffer, value);
}

void protobuf_put_fixed32(struct buffer *buffer, uint32_t field, uint32_t value)
{
	uint32_t bytes = htole32(value);

	put_tag(buffer, field, WIRE_I32);
	buffer_put(buffer, &bytes, sizeof(bytes));
}

void protobuf_put_fixed64(struct buffer *buffer, uint32_t field, uint64_t value)
{
	uint64_t bytes = htole64(value);

	put_tag(buffer, field, WIRE_I64);
	buffer_put(buffer, &bytes, sizeof(bytes));
}

void protobuf_put_double(struct buffer *buffer, uint32_t field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	protobuf_put_fixed64(buffer, field, bits);
}

void protobuf_put_bytes(struct buffer *buffer, uint32_t field, struct slice bytes)
{
	put_tag(buffer, field, WIRE_LEN);
	put_varint(buffer, bytes.len);
	buffer_put(buffer, bytes.data, bytes.len);
}

/* Room for the length of a short one, which most are. */
size_t protobuf_begin(struct buffer *buffer, uint32_t field)
{
	put_tag(buffer, field, WIRE_LEN);
	buffer_char(buffer, 0);
	return buffer->len;
}

void protobuf_end(struct buffer *buffer, size_t begin)
{
	uint8_t bytes[VARINT_MAX];
	size_t len, body;

	if (buffer->failed)
		return;
	body = buffer->len - begin;
	len = varint_write(bytes, body);
	if (!buffer_room(buffer, len))
		return;
	memmove(buffer->data + begin - 1 + len, buffer->data + begin, body);
	memcpy(buffer->data + begin - 1, bytes, len);
	buffer->len += len - 1;
}
