/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are written by hand: printf would take most of the time of a JSON line. */
#include "buffer.h"

#include "counters.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#define BUFFER_FIRST 4096 /* most lines fit, so that there is one allocation a sink */
#define U64_DIGITS   20

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
	if (len == 0 || fwrite_unlocked(buffer->data, 1, len, out) == len)
		return 0;
	counter_add(COUNTER_OUTPUT_ERRORS, 1);
	return errno ? -errno : -EIO;
}

/* Two digits at a time: a line of JSON has many numbers, and the division takes longest. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
			    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
			    "8081828384858687888990919293949596979899";

static void put_pair(char *out, uint64_t two)
{
	memcpy(out, pairs + two * 2, 2);
}

/* Four digits of a small number. */
static void put_quad(char *out, uint32_t four)
{
	uint32_t front = four / 100;

	put_pair(out, front);
	put_pair(out + 2, four - front * 100);
}

static void digits_before(char *end, uint64_t value, unsigned int digits)
{
	for (; digits >= 4; digits -= 4, value /= 10000)
		put_quad(end -= 4, (uint32_t)(value % 10000));
	for (; digits >= 2; digits -= 2, value /= 100)
		put_pair(end -= 2, value % 100);
	if (digits)
		end[-1] = (char)('0' + value % 10);
}

/* Where room for all digits is. Returns the end. */
static inline char *put_number(char *out, uint64_t value)
{
	unsigned int digits = 5;

	if (value < 100) { /* most are: a pair, or its second half */
		memcpy(out, pairs + value * 2 + (value < 10), 2);
		return out + 2 - (value < 10);
	}
	if (value < 10000) {
		uint32_t front = (uint32_t)value / 100;

		memcpy(out, pairs + front * 2 + (front < 10), 2);
		out += 2 - (front < 10);
		put_pair(out, (uint32_t)value - front * 100);
		return out + 2;
	}
	for (uint64_t limit = 100000; digits < U64_DIGITS && value >= limit; limit *= 10)
		digits++;
	digits_before(out + digits, value, digits);
	return out + digits;
}

void buffer_u64(struct buffer *buffer, uint64_t value)
{
	if (buffer_room(buffer, U64_DIGITS))
		buffer->len = (size_t)(put_number(buffer->data + buffer->len, value) - buffer->data);
}

void buffer_digits(struct buffer *buffer, uint64_t value, unsigned int digits)
{
	if (!buffer_room(buffer, digits))
		return;
	buffer->len += digits;
	digits_before(buffer->data + buffer->len, value, digits);
}

void buffer_ms(struct buffer *buffer, uint64_t ns)
{
	uint64_t whole = ns / 1000000;
	uint32_t fraction = (uint32_t)(ns - whole * 1000000), front = fraction / 10000;
	char *out;

	if (!buffer_room(buffer, U64_DIGITS + 7))
		return;
	out = put_number(buffer->data + buffer->len, whole);
	out[0] = '.';
	put_pair(out + 1, front);
	put_quad(out + 3, fraction - front * 10000);
	buffer->len = (size_t)(out + 7 - buffer->data);
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
