/* SPDX-License-Identifier: Apache-2.0 */
/* Kept free of floating point, so that "0.1s" is exactly 100,000,000 ns. */
#include "number.h"

#include "ascii.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define FRACTION_DIGITS_MAX 9

/* Reads digits; *text moves behind them. -EINVAL when there is none. */
static int parse_digits(const char **text, uint64_t *value, unsigned int *count)
{
	const char *p = *text;

	*value = 0;
	for (; ascii_is_digit((uint8_t)*p); p++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return -ERANGE;
	}
	*count = (unsigned int)(p - *text);
	*text = p;
	return *count ? 0 : -EINVAL;
}

int number_parse_size(const char *text, size_t *bytes)
{
	static const struct {
		const char *suffix;
		unsigned int shift;
	} units[] = {
		{ "", 0 }, { "K", 10 }, { "k", 10 }, { "M", 20 }, { "m", 20 }, { "G", 30 }, { "g", 30 }
	};
	unsigned int count;
	uint64_t value;
	int err = parse_digits(&text, &value, &count);

	if (err < 0)
		return err;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].suffix) != 0)
			continue;
		if (value > SIZE_MAX >> units[i].shift)
			return -ERANGE;
		*bytes = (size_t)value << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

/* A time unit in ns; 0: the suffix is none. */
static uint64_t unit_ns(const char *suffix)
{
	static const struct {
		const char *suffix;
		uint64_t ns;
	} units[] = {
		{ "", 1000000000 },   { "s", 1000000000 },    { "ms", 1000000 },       { "us", 1000 },
		{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(suffix, units[i].suffix) == 0)
			return units[i].ns;
	return 0;
}

int number_parse_duration(const char *text, uint64_t *ns)
{
	uint64_t whole, fraction = 0, scale = 1, unit;
	unsigned int count;
	unsigned __int128 total;
	int err = parse_digits(&text, &whole, &count);

	if (err < 0)
		return err;
	if (*text == '.') {
		text++;
		err = parse_digits(&text, &fraction, &count);
		if (err < 0)
			return err;
		if (count > FRACTION_DIGITS_MAX)
			return -EINVAL;
		while (count-- > 0)
			scale *= 10;
	}
	unit = unit_ns(text);
	if (unit == 0)
		return -EINVAL;
	total = (unsigned __int128)fraction * unit / scale;
	total += (unsigned __int128)whole * unit;
	if (total > INT64_MAX)
		return -ERANGE;
	*ns = (uint64_t)total;
	return 0;
}
