/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes with a limit: whatever waits for more of itself. A zeroed struct is empty. */
#ifndef HARK_BYTES_H
#define HARK_BYTES_H

#include "slice.h"

struct bytes {
	uint8_t *data;
	size_t len, capacity;
};

/* Makes room for so many more. 0; -EMSGSIZE: they would pass limit_bytes; -ENOMEM. */
int bytes_reserve(struct bytes *bytes, size_t more, size_t limit_bytes);

/* 0 or an error as bytes_reserve(), after which nothing has changed. */
static inline int bytes_append(struct bytes *bytes, struct slice more, size_t limit_bytes)
{
	int err = 0;

	if (more.len == 0)
		return 0;
	if (more.len > bytes->capacity - bytes->len || bytes->len + more.len > limit_bytes)
		err = bytes_reserve(bytes, more.len, limit_bytes);
	if (err < 0)
		return err;
	memcpy(bytes->data + bytes->len, more.data, more.len);
	bytes->len += more.len;
	return 0;
}

/* Drops the first n bytes; n <= len. */
void bytes_drop(struct bytes *bytes, size_t n);

/* Frees the memory; empty and usable afterwards. */
void bytes_fini(struct bytes *bytes);

/* Borrowed until the next change. */
static inline struct slice bytes_slice(const struct bytes *bytes)
{
	return slice_of(bytes->data, bytes->len);
}

#endif
