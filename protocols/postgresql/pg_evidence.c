/* SPDX-License-Identifier: Apache-2.0 */
#include "pg_evidence.h"

#include "ascii.h"

#define HEADER_BYTES 5
#define TAG_MAX	     63 /* bytes of a command's tag */
#define READY_BYTES  6

uint32_t pg_word(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool pg_is_request(uint8_t type)
{
	return type && strchr("QPBEDCSHFXdcfp", type);
}

bool pg_is_answer(uint8_t type)
{
	return type && strchr("RKvSNAEZTDCI123tnsGHWVdc", type);
}

/* Names and values, each with its NUL; an empty name ends them. *named: `user` is among them. */
static bool parameters(struct slice bytes, bool *named)
{
	*named = false;
	while (bytes.len > 1) {
		size_t name = slice_find(bytes, 0);
		struct slice rest = slice_drop(bytes, name + 1);
		size_t value = slice_find(rest, 0);

		if (!name || name == bytes.len || value == rest.len)
			return false;
		for (size_t i = 0; i < name; i++)
			if (bytes.data[i] <= ' ' || bytes.data[i] >= 0x7f)
				return false;
		*named |= slice_equal(slice_take(bytes, name), SLICE("user"));
		bytes = slice_drop(rest, value + 1);
	}
	return bytes.len == 1 && !bytes.data[0];
}

static enum pg_evidence startup(struct slice bytes, uint32_t len)
{
	bool named;

	if (len < 9 || len > PG_STARTUP_MAX)
		return PG_NONE;
	if (bytes.len < len)
		return PG_MORE;
	return parameters(slice_drop(slice_take(bytes, len), 8), &named) && named ? PG_FOUND : PG_NONE;
}

enum pg_evidence pg_begins(struct slice bytes)
{
	static const uint8_t low[] = { 0, 0, 0, 8, 0, 3, 0, 0 };
	static const uint8_t high[] = { 0, 0, PG_STARTUP_MAX >> 8, 255, 4, 210, 22, 48 };
	uint32_t len;

	for (size_t i = 0; i < bytes.len && i < sizeof(low); i++)
		if (i != 3 && (bytes.data[i] < low[i] || bytes.data[i] > high[i]))
			return PG_NONE;
	if (bytes.len < sizeof(low))
		return PG_MORE;
	len = pg_word(bytes.data);
	switch (pg_word(bytes.data + 4)) {
	case PG_VERSION_3_0:
	case PG_VERSION_3_2:
		return startup(bytes, len);
	case PG_SSL:
	case PG_GSS:
		return len == 8 ? PG_FOUND : PG_NONE;
	case PG_CANCEL:
		return len == 16 ? PG_FOUND : PG_NONE;
	}
	return PG_NONE;
}

enum pg_evidence pg_answers(struct slice bytes)
{
	uint32_t len;

	if (!bytes.len || !bytes.data[0] || !strchr("RSNGEv", bytes.data[0]))
		return PG_NONE;
	if (bytes.len < HEADER_BYTES)
		return PG_MORE;
	len = pg_word(bytes.data + 1);
	return len >= 4 && len <= PG_STARTUP_MAX ? PG_MORE : PG_NONE;
}

/* "SELECT 1", "INSERT 0 1", "CREATE TABLE" */
static bool is_tag(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!ascii_is_upper(text.data[i]) &&
		    (i < 2 || (!ascii_is_digit(text.data[i]) && text.data[i] != ' ')))
			return false;
	return true;
}

enum pg_evidence pg_ready(struct slice bytes)
{
	static const uint8_t ready[] = { 'Z', 0, 0, 0, 5 };
	struct slice tag, behind;
	uint32_t len;

	if (!bytes.len || bytes.data[0] != 'C')
		return PG_NONE;
	for (size_t i = 1; i < 4 && i < bytes.len; i++)
		if (bytes.data[i])
			return PG_NONE;
	if (bytes.len < HEADER_BYTES)
		return PG_MORE;
	len = bytes.data[4];
	if (len < 4 + 3 || len > 4 + TAG_MAX + 1)
		return PG_NONE;
	tag = slice_take(slice_drop(bytes, HEADER_BYTES), len - 5);
	if (!is_tag(tag))
		return PG_NONE;
	behind = slice_drop(bytes, len);
	if (behind.len && behind.data[0])
		return PG_NONE;
	behind = slice_drop(behind, 1);
	if (!slice_equal(slice_take(behind, sizeof(ready)),
			 slice_take(slice_of(ready, sizeof(ready)), behind.len)))
		return PG_NONE;
	if (behind.len < READY_BYTES)
		return PG_MORE;
	return strchr("ITE", behind.data[5]) && behind.data[5] ? PG_FOUND : PG_NONE;
}

/* How many strings, each with its NUL, stand at the beginning of a message of this type. */
static size_t strings_of(uint8_t type)
{
	return type == 'P' || type == 'B' ? 2 : strchr("QEDC", type) ? 1 : 0;
}

static bool is_content(uint8_t type, struct slice content, bool whole)
{
	bool target = type == 'D' || type == 'C'; /* a statement, or a portal */

	if (target && content.len && content.data[0] != 'S' && content.data[0] != 'P')
		return false;
	content = slice_drop(content, target);
	for (size_t i = strings_of(type); i > 0; i--) {
		size_t len = slice_find(content, 0);

		if (len == content.len)
			return !whole;
		content = slice_drop(content, len + 1);
	}
	switch (type) {
	case 'Q':
	case 'D':
	case 'C':
	case 'S':
	case 'H':
	case 'X':
		return !content.len;
	case 'E':
		return content.len <= 4 && (!whole || content.len == 4);
	default:
		return true;
	}
}

bool pg_asks(struct slice bytes)
{
	if (!bytes.len)
		return false;
	while (bytes.len) {
		uint8_t type = bytes.data[0];
		struct slice content = slice_drop(bytes, HEADER_BYTES);
		uint32_t len;

		/* Data of COPY and passwords are no beginning that proves anything. */
		if (!type || !strchr("QPBEDCSHFX", type) || bytes.len < HEADER_BYTES)
			return false;
		len = pg_word(bytes.data + 1);
		if (len < 4 || len > PG_LENGTH_MAX)
			return false;
		if (!is_content(type, slice_take(content, len - 4), content.len >= len - 4))
			return false;
		bytes = slice_drop(content, len - 4);
	}
	return true;
}
