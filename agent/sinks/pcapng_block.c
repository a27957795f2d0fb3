/* SPDX-License-Identifier: Apache-2.0 */
#include "pcapng_block.h"

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_SECRETS = 10,
	ORDER_MAGIC = 0x1a2b3c4d,
	SECRETS_TLS = 0x544c534b,
	OPTION_MAX = 0xfffc, /* what 16 bits hold, in whole words */
};

static void put_u16(struct buffer *out, uint16_t value)
{
	buffer_put(out, &value, sizeof(value));
}

static void put_u32(struct buffer *out, uint32_t value)
{
	buffer_put(out, &value, sizeof(value));
}

static void set_u32(struct buffer *out, size_t at, uint32_t value)
{
	if (!out->failed)
		memcpy(out->data + at, &value, sizeof(value));
}

/* Blocks stand at multiples of four, as all in them. */
static void pad(struct buffer *out, size_t len)
{
	buffer_put(out, "\0\0\0", -len & 3);
}

static size_t block_begin(struct buffer *out, uint32_t type)
{
	size_t start = out->len;

	put_u32(out, type);
	put_u32(out, 0);
	return start;
}

static void block_end(struct buffer *out, size_t start)
{
	uint32_t len = (uint32_t)(out->len - start) + 4;

	put_u32(out, len);
	set_u32(out, start + 4, len);
}

static void put_option(struct buffer *out, uint16_t code, struct slice value)
{
	value = slice_take(value, OPTION_MAX);
	if (!value.len)
		return;
	put_u16(out, code);
	put_u16(out, (uint16_t)value.len);
	buffer_put(out, value.data, value.len);
	pad(out, value.len);
}

void pcapng_put_section(struct buffer *out, struct slice hardware, struct slice os, struct slice application)
{
	static const int64_t length_unknown = -1;
	size_t start = block_begin(out, BLOCK_SECTION);

	put_u32(out, ORDER_MAGIC);
	put_u16(out, 1);
	put_u16(out, 0);
	buffer_put(out, &length_unknown, sizeof(length_unknown));
	put_option(out, PCAPNG_OPT_HARDWARE, hardware);
	put_option(out, PCAPNG_OPT_OS, os);
	put_option(out, PCAPNG_OPT_APPLICATION, application);
	put_u32(out, 0);
	block_end(out, start);
}

void pcapng_put_interface(struct buffer *out, enum pcapng_link link, const char *name,
			  const char *description)
{
	size_t start = block_begin(out, BLOCK_INTERFACE);

	put_u16(out, (uint16_t)link);
	put_u16(out, 0);
	put_u32(out, 0); /* packets of any length */
	put_option(out, PCAPNG_OPT_IF_NAME, slice_of_string(name));
	put_option(out, PCAPNG_OPT_IF_DESCRIPTION, slice_of_string(description));
	put_option(out, PCAPNG_OPT_IF_TIME_RESOLUTION, SLICE("\x09"));
	put_u32(out, 0);
	block_end(out, start);
}

struct pcapng_packet pcapng_packet_begin(struct buffer *out, uint32_t interface, uint64_t time_ns)
{
	struct pcapng_packet packet = { .start = block_begin(out, BLOCK_PACKET) };

	put_u32(out, interface);
	put_u32(out, (uint32_t)(time_ns >> 32));
	put_u32(out, (uint32_t)time_ns);
	put_u32(out, 0);
	put_u32(out, 0);
	packet.bytes = out->len;
	return packet;
}

void pcapng_packet_end(struct buffer *out, const struct pcapng_packet *packet, enum pcapng_way way,
		       struct slice comment)
{
	uint32_t len = (uint32_t)(out->len - packet->bytes), flags = way;

	set_u32(out, packet->bytes - 8, len);
	set_u32(out, packet->bytes - 4, len);
	pad(out, len);
	put_option(out, PCAPNG_OPT_COMMENT, comment);
	put_option(out, PCAPNG_OPT_PACKET_FLAGS, slice_of(&flags, sizeof(flags)));
	put_u32(out, 0);
	block_end(out, packet->start);
}

void pcapng_put_key_log(struct buffer *out, struct slice lines)
{
	size_t start = block_begin(out, BLOCK_SECRETS);

	put_u32(out, SECRETS_TLS);
	put_u32(out, (uint32_t)lines.len);
	buffer_put(out, lines.data, lines.len);
	pad(out, lines.len);
	block_end(out, start);
}
