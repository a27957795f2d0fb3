/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are written by hand: printf would take most of the time of a JSON line. */
#include "buffer.h"

#include "counters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define BUFFER_FIRST 4096 /* most lines fit, so that there is one allocation a sink */

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ 0 };
}

bool buffer_grow(struct buffer *buffer, size_t n)
{
	size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST;
	char *data;

	if (n > SIZE_MAX / 4 - buffer->len) {
		buffer->failed = true;
		return false;
	}
	while (capacity - buffer->len < n)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data) {
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

int buffer_write(struct buffer *buffer, FILE *out)
{
	size_t len = buffer->len;
	bool failed = buffer->failed;

	buffer_clear(buffer);
	if (failed) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return -ENOMEM;
	}
	if (len == 0 || fwrite(buffer->data, 1, len, out) == len)
		return 0;
	counter_add(COUNTER_OUTPUT_ERRORS, 1);
	return errno ? -errno : -EIO;
}

/* Two digits at a time: a line of JSON has many numbers, and the division takes longest. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
			    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

void buffer_u64(struct buffer *buffer, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	for (; value >= 100; value /= 100)
		memcpy(digits + (at -= 2), pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(digits + (at -= 2), pairs + value * 2, 2);
	else
		digits[--at] = '0' + (char)value;
	buffer_put(buffer, digits + at, sizeof(digits) - at);
}

void buffer_digits(struct buffer *buffer, uint64_t value, unsigned int digits)
{
	char *end;

	if (!buffer_room(buffer, digits))
		return;
	buffer->len += digits;
	end = buffer->data + buffer->len;
	for (; digits >= 2; digits -= 2, value /= 100)
		memcpy(end -= 2, pairs + value % 100 * 2, 2);
	if (digits)
		end[-1] = '0' + (char)(value % 10);
}

void buffer_ms(struct buffer *buffer, uint64_t ns)
{
	buffer_u64(buffer, ns / 1000000);
	buffer_char(buffer, '.');
	buffer_digits(buffer, ns % 1000000, 6);
}

void buffer_format(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int n;

	if (!buffer_room(buffer, 64))
		return;
	va_start(args, format);
	n = vsnprintf(buffer->data + buffer->len, buffer->capacity - buffer->len, format, args);
	va_end(args);
	if (n < 0 || !buffer_room(buffer, (size_t)n + 1)) {
		buffer->failed = true;
		return;
	}
	va_start(args, format);
	buffer->len += (size_t)vsnprintf(buffer->data + buffer->len, (size_t)n + 1, format, args);
	va_end(args);
}
