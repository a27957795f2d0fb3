/* SPDX-License-Identifier: Apache-2.0 */
/* Records of FastCGI for tests: bytes of a conversation, put together by what they mean. */
#ifndef HARK_TESTS_FASTCGI_BUILD_H
#define HARK_TESTS_FASTCGI_BUILD_H

#include "slice.h"

#include <stdint.h>
#include <string.h>

struct fastcgi_bytes {
	uint8_t data[8192];
	size_t len;
};

static inline void put_bytes(struct fastcgi_bytes *out, const void *bytes, size_t len)
{
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

static inline void put_record(struct fastcgi_bytes *out, uint8_t type, uint16_t id, const void *content,
			      size_t len, uint8_t padding)
{
	const uint8_t header[] = {
		1, type, (uint8_t)(id >> 8), (uint8_t)id, (uint8_t)(len >> 8), (uint8_t)len, padding, 0
	};
	static const uint8_t zeros[256];

	put_bytes(out, header, sizeof(header));
	put_bytes(out, content, len);
	put_bytes(out, zeros, padding);
}

static inline void put_begin(struct fastcgi_bytes *out, uint16_t id, uint8_t flags)
{
	const uint8_t body[8] = { 0, 1, flags };

	put_record(out, 1, id, body, sizeof(body), 0);
}

static inline void put_end(struct fastcgi_bytes *out, uint16_t id, uint8_t app_status, uint8_t status)
{
	const uint8_t body[8] = { 0, 0, 0, app_status, status };

	put_record(out, 3, id, body, sizeof(body), 0);
}

/* "NAME=value" as a pair; names and values of up to 127 bytes. */
static inline void put_pair(struct fastcgi_bytes *out, const char *text)
{
	const char *sign = strchr(text, '=');
	uint8_t lengths[] = { (uint8_t)(sign - text), (uint8_t)strlen(sign + 1) };

	put_bytes(out, lengths, 2);
	put_bytes(out, text, lengths[0]);
	put_bytes(out, sign + 1, lengths[1]);
}

/* One record of the pairs, which end with NULL, and the empty one behind it. */
static inline void put_params(struct fastcgi_bytes *out, uint16_t id, const char *const *pairs)
{
	struct fastcgi_bytes content = { .len = 0 };

	for (; *pairs; pairs++)
		put_pair(&content, *pairs);
	if (content.len)
		put_record(out, 4, id, content.data, content.len, (uint8_t)(-content.len & 7));
	put_record(out, 4, id, "", 0, 0);
}

static inline void put_text(struct fastcgi_bytes *out, uint8_t type, uint16_t id, const char *text)
{
	put_record(out, type, id, text, strlen(text), (uint8_t)(-strlen(text) & 7));
}

#endif
