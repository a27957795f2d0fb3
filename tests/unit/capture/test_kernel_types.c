/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/capture/kernel_types.c: types written by hand, cut everywhere, and of a kind that nobody
 * knows. */
#include "capture/kernel_types.h"

#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#define INFO(kind, count) ((uint32_t)(kind) << 24 | (count))

static const char strings[] = "\0trace_one\0kinds\0FIRST\0SECOND\0info\0size\0call";
enum {
	TRACE = 1,
	KINDS = 11,
	FIRST = 17,
	SECOND = 23,
	STRUCT = 30,
	SIZE = 35,
	CALL = 40
};

static const uint32_t types[] = {
	0,
	INFO(BTF_KIND_INT, 0),
	4,
	32, /* a number */
	TRACE,
	INFO(BTF_KIND_TYPEDEF, 0),
	1,
	KINDS,
	INFO(BTF_KIND_ENUM, 2),
	4,
	FIRST,
	0,
	SECOND,
	1,
	0,
	INFO(BTF_KIND_ARRAY, 0),
	0,
	1,
	1,
	7,
	0,
	INFO(BTF_KIND_FUNC_PROTO, 1),
	0,
	SIZE,
	1,
	CALL,
	INFO(BTF_KIND_FUNC, 1),
	5, /* the kernel's linkage stands where others have a count */
	0,
	INFO(BTF_KIND_DATASEC, 1),
	4,
	1,
	0,
	4,
	0,
	INFO(19, 1),
	8,
	FIRST,
	0,
	0,
	STRUCT,
	INFO(BTF_KIND_STRUCT, 1),
	4,
	SIZE,
	1,
	0,
};

#define IMAGE_BYTES (sizeof(struct btf_header) + sizeof(types) + sizeof(strings))

static void image_fill(uint8_t out[IMAGE_BYTES])
{
	const struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = 1,
		.hdr_len = sizeof(header),
		.type_len = sizeof(types),
		.str_off = sizeof(types),
		.str_len = sizeof(strings),
	};

	memcpy(out, &header, sizeof(header));
	memcpy(out + sizeof(header), types, sizeof(types));
	memcpy(out + sizeof(header) + sizeof(types), strings, sizeof(strings));
}

/* The answers as letters. */
static const char *asked(struct slice btf, bool *whole)
{
	static char text[16];
	struct kernel_type wanted[] = {
		{ .name = "trace_one", .kind = BTF_KIND_TYPEDEF },
		{ .name = "trace_one", .kind = BTF_KIND_FUNC }, /* the name of something else */
		{ .name = "trace_on", .kind = BTF_KIND_TYPEDEF },
		{ .name = "kinds", .member = "SECOND", .kind = BTF_KIND_ENUM },
		{ .name = "kinds", .member = "THIRD", .kind = BTF_KIND_ENUM },
		{ .name = "call", .kind = BTF_KIND_FUNC },
		{ .name = "info", .member = "size", .kind = BTF_KIND_STRUCT, .found = true },
		{ .name = "info", .member = "call", .kind = BTF_KIND_STRUCT, .found = true },
	};
	size_t count = sizeof(wanted) / sizeof(wanted[0]);

	*whole = kernel_types_find(btf, wanted, count);
	for (size_t i = 0; i < count; i++)
		text[i] = wanted[i].found ? 'y' : '-';
	text[count] = '\0';
	return text;
}

static void test_names_and_members(void **state)
{
	uint8_t image[IMAGE_BYTES];
	bool whole;

	(void)state;
	image_fill(image);
	assert_string_equal(asked(slice_of(image, sizeof(image)), &whole), "y--y-yy-");
	assert_true(whole);
}

/* What is cut has no strings any more: nothing is found, and no byte behind the end is read. */
static void test_cut_everywhere(void **state)
{
	uint8_t image[IMAGE_BYTES];
	bool whole;

	(void)state;
	image_fill(image);
	for (size_t len = 0; len + sizeof(strings) <= sizeof(image); len++) {
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, image, len);
		assert_string_equal(asked(slice_of(copy, len), &whole), "--------");
		assert_false(whole);
		free(copy);
	}
}

static void test_unknown_kind_and_wrong_numbers(void **state)
{
	const size_t header = sizeof(struct btf_header);
	static const struct {
		size_t word; /* of the types */
		uint32_t value;
		const char *found;
	} rows[] = {
		{ 5, INFO(BTF_KIND_TYPEDEF, 0) | 1u << 31, "y--y-yy-" }, /* a flag */
		{ 5, INFO(31, 0), "--------" },
		{ 8, INFO(BTF_KIND_ENUM, 0xffff), "y-------" }, /* more than there are */
		{ 4, 0xffffffff, "---y-yy-" },			/* a name behind all names */
	};
	uint8_t image[IMAGE_BYTES];
	bool whole;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		image_fill(image);
		memcpy(image + header + 4 * rows[i].word, &rows[i].value, 4);
		assert_string_equal(asked(slice_of(image, sizeof(image)), &whole), rows[i].found);
		assert_int_equal(whole, i == 0 || i == 3);
	}
	image_fill(image);
	image[0] ^= 1; /* the other byte order, or no types at all */
	asked(slice_of(image, sizeof(image)), &whole);
	assert_false(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_members),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_unknown_kind_and_wrong_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
