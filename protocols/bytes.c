/* SPDX-License-Identifier: Apache-2.0 */
/* Grows by doubling, so that appending byte by byte costs no more than appending at once. */
#include "bytes.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

int bytes_reserve(struct bytes *bytes, size_t more, size_t limit_bytes)
{
	size_t capacity = bytes->capacity ? bytes->capacity : FIRST_CAPACITY;
	uint8_t *data;

	if (bytes->len > limit_bytes || more > limit_bytes - bytes->len)
		return -EMSGSIZE;
	while (capacity - bytes->len < more)
		capacity *= 2;
	data = realloc(bytes->data, capacity);
	if (!data)
		return -ENOMEM;
	bytes->data = data;
	bytes->capacity = capacity;
	return 0;
}

void bytes_drop(struct bytes *bytes, size_t n)
{
	if (n == 0)
		return;
	memmove(bytes->data, bytes->data + n, bytes->len - n);
	bytes->len -= n;
}

void bytes_fini(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}
