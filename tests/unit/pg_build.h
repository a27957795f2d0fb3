/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of PostgreSQL's protocol for tests. */
#ifndef HARK_TESTS_PG_BUILD_H
#define HARK_TESTS_PG_BUILD_H

#include "slice.h"

#include <stdint.h>
#include <string.h>

struct pg_bytes {
	uint8_t data[4096];
	size_t len;
};

static inline void pg_put(struct pg_bytes *out, const void *bytes, size_t len)
{
	memcpy(out->data + out->len, bytes, len);
	out->len += len;
}

static inline void pg_put_word(struct pg_bytes *out, uint32_t word)
{
	const uint8_t bytes[] = { (uint8_t)(word >> 24), (uint8_t)(word >> 16), (uint8_t)(word >> 8),
				  (uint8_t)word };

	pg_put(out, bytes, 4);
}

/* The content may hold NULs. */
static inline void pg_put_message(struct pg_bytes *out, char type, const void *content, size_t len)
{
	if (type)
		pg_put(out, &type, 1);
	pg_put_word(out, (uint32_t)len + 4);
	pg_put(out, content, len);
}

#define PG(out, type, content) pg_put_message(out, type, "" content, sizeof(content) - 1)

static inline void pg_startup(struct pg_bytes *out)
{
	PG(out, 0, "\0\3\0\0user\0me\0database\0base\0\0");
}

static inline void pg_welcome(struct pg_bytes *out)
{
	PG(out, 'R', "\0\0\0\0");
	PG(out, 'S', "standard_conforming_strings\0on\0");
	PG(out, 'K', "\0\0\0\1\0\0\0\2");
	PG(out, 'Z', "I");
}

/* A row of one column. */
static inline void pg_row(struct pg_bytes *out)
{
	PG(out, 'D', "\0\1\0\0\0\1x");
}

static inline void pg_columns(struct pg_bytes *out)
{
	PG(out, 'T', "\0\1a\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0");
}

#endif
