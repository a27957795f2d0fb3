/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as text, with a schema and without; schemas that are cut, wrong or without memory. */
#include "alloc_fail.h"

#include "../../../protocols/content/protobuf.c"
#include "../../../protocols/content/protobuf_schema.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

/*
 * Of: package shop; message Item { string sku = 1; int32 count = 2; double price = 3; enum Kind { PLAIN = 0;
 * FRAGILE = 1; } Kind kind = 4; } message Cart { repeated Item items = 1; string password = 2; repeated
 * sint64 sums = 3; bytes raw = 4; bool paid = 5; float ratio = 6; } service Shop { rpc Buy(Cart) returns
 * (Item); }
 */
static const struct slice set = SLICE(
	"\x0a\xa0\x02\x0a\x0a\x73\x68\x6f\x70\x2e\x70\x72\x6f\x74\x6f\x12\x04\x73\x68\x6f\x70\x22\x70\x0a\x04"
	"\x49\x74\x65\x6d\x12\x0b\x0a\x03\x73\x6b\x75\x18\x01\x20\x01\x28\x09\x12\x0d\x0a\x05\x63\x6f\x75\x6e"
	"\x74\x18\x02\x20\x01\x28\x05\x12\x0d\x0a\x05\x70\x72\x69\x63\x65\x18\x03\x20\x01\x28\x01\x12\x1d\x0a"
	"\x04\x6b\x69\x6e\x64\x18\x04\x20\x01\x28\x0e\x32\x0f\x2e\x73\x68\x6f\x70\x2e\x49\x74\x65\x6d\x2e\x4b"
	"\x69\x6e\x64\x22\x1e\x0a\x04\x4b\x69\x6e\x64\x12\x09\x0a\x05\x50\x4c\x41\x49\x4e\x10\x00\x12\x0b\x0a"
	"\x07\x46\x52\x41\x47\x49\x4c\x45\x10\x01\x22\x6b\x0a\x04\x43\x61\x72\x74\x12\x19\x0a\x05\x69\x74\x65"
	"\x6d\x73\x18\x01\x20\x03\x28\x0b\x32\x0a\x2e\x73\x68\x6f\x70\x2e\x49\x74\x65\x6d\x12\x10\x0a\x08\x70"
	"\x61\x73\x73\x77\x6f\x72\x64\x18\x02\x20\x01\x28\x09\x12\x0c\x0a\x04\x73\x75\x6d\x73\x18\x03\x20\x03"
	"\x28\x12\x12\x0b\x0a\x03\x72\x61\x77\x18\x04\x20\x01\x28\x0c\x12\x0c\x0a\x04\x70\x61\x69\x64\x18\x05"
	"\x20\x01\x28\x08\x12\x0d\x0a\x05\x72\x61\x74\x69\x6f\x18\x06\x20\x01\x28\x02\x32\x25\x0a\x04\x53\x68"
	"\x6f\x70\x12\x1d\x0a\x03\x42\x75\x79\x12\x0a\x2e\x73\x68\x6f\x70\x2e\x43\x61\x72\x74\x1a\x0a\x2e\x73"
	"\x68\x6f\x70\x2e\x49\x74\x65\x6d\x62\x06\x70\x72\x6f\x74\x6f\x33");

static const struct slice cart = SLICE(
	"\x0a\x1b\x0a\x03\x61\x22\x62\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x19\x7b\x14\xae\x47\xe1\xfa"
	"\x23\x40\x20\x01\x0a\x05\x0a\x01\x63\x20\x07\x12\x07\x68\x75\x6e\x74\x65\x72\x32\x1a\x04\x02\x03\xd8"
	"\x04\x22\x02\x00\xff\x28\x01\x35\x00\x00\x00\x3f");

static const char *text_of_message(struct bytes *out, const struct protobuf_message *type, struct slice bytes)
{
	bool whole = protobuf_text(out, type, bytes, 4096);

	bytes_append(out, whole ? SLICE("\0") : SLICE("?\0"), 8192);
	bytes_append(out, SLICE("\0"), 8192);
	return (const char *)out->data;
}

static void test_schema(void **state)
{
	struct protobuf_schema *schema = protobuf_schema_new(set);
	const struct protobuf_message *type =
		protobuf_method(schema, SLICE("shop.Shop"), SLICE("Buy"), false);
	struct bytes out = { .data = NULL };

	(void)state;
	assert_non_null(type);
	assert_string_equal(
		text_of_message(&out, type, cart),
		"items {\n  sku: \"a\\\"b\"\n  count: -1\n  price: 9.9900000000000002\n  kind: FRAGILE\n}\n"
		"items {\n  sku: \"c\"\n  kind: 7\n}\n"
		"password: \"hunter2\"\nsums: [1, -2, 300]\nraw: <00ff>\npaid: true\nratio: 0.5\n");
	bytes_fini(&out);
	assert_ptr_not_equal(protobuf_method(schema, SLICE("shop.Shop"), SLICE("Buy"), true), type);
	assert_null(protobuf_method(schema, SLICE("shop.Shop"), SLICE("Sell"), true));
	assert_null(protobuf_method(schema, SLICE("Shop"), SLICE("Buy"), true));
	assert_null(protobuf_method(NULL, SLICE("shop.Shop"), SLICE("Buy"), true));
	protobuf_schema_free(schema);
}

static const struct {
	struct slice bytes;
	const char *text;
} rows[] = {
	{ SLICE(""), "" },
	{ SLICE("\x08\x96\x01"), "1: 150\n" },
	{ SLICE("\x12\x07testing"), "2: \"testing\"\n" },
	{ SLICE("\x1a\x03\x08\x96\x01"), "3 {\n  1: 150\n}\n" },
	{ SLICE("\x22\x03\x00\x01\xff"), "4: <0001ff>\n" },
	{ SLICE("\x2d\x00\x00\x80\x3f"), "5: 0x3f800000\n" },
	{ SLICE("\x31\x01\x00\x00\x00\x00\x00\x00\x00"), "6: 0x1\n" },
	{ SLICE("\x3b\x08\x01\x3c\x08\x02"), "7 {\n  1: 1\n}\n1: 2\n" },
	{ SLICE("\x42\x00"), "8: \"\"\n" },
	{ SLICE("\x0a\x04xxxx"), "1: \"xxxx\"\n" },		    /* which would be a message, too */
	{ SLICE("\x0a\x05\x0a\x03tea"), "1 {\n  1: \"tea\"\n}\n" }, /* which is none of text */
	{ SLICE("\x0a\x03\xc3\xa9\n"), "1: \"\xc3\xa9\\n\"\n" },
	{ SLICE("\x0a\x02\xed\xa0"), "1: <eda0>\n" },
	{ SLICE("\x08"), "?" },						/* cut */
	{ SLICE("\x12\x07test"), "?" },					/* cut */
	{ SLICE("\x0f"), "?" },						/* no such wire type */
	{ SLICE("\x00\x01"), "?" },					/* no such number */
	{ SLICE("\x0c"), "?" },						/* an end without a begin */
	{ SLICE("\x08\x01\x0f"), "1: 1\n?" },				/* what came before is there */
	{ SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "?" }, /* more than 64 bits */
	{ SLICE("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "1: 18446744073709551615\n" },
};

static void test_without_schema(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes out = { .data = NULL };

		assert_string_equal(text_of_message(&out, NULL, rows[i].bytes), rows[i].text);
		bytes_fini(&out);
	}
}

/* A thousand messages within each other, and groups; text beyond the bound. */
static void test_bounds(void **state)
{
	static uint8_t deep[4000], wide[20000];
	struct bytes out = { .data = NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(deep); i++)
		deep[i] = 0x0b;
	assert_false(protobuf_text(&out, NULL, slice_of(deep, sizeof(deep)), 65536));
	assert_true(out.len < 65536);
	bytes_fini(&out);
	for (size_t i = 0; i < sizeof(wide); i += 2)
		memcpy(wide + i, "\x08\x01", 2);
	assert_true(protobuf_text(&out, NULL, slice_of(wide, sizeof(wide)), 4096));
	assert_true(out.len <= 4096 && out.len > 4000);
	bytes_fini(&out);
}

static void test_wrong_schema(void **state)
{
	(void)state;
	for (size_t len = 0; len < set.len; len++) {
		struct protobuf_schema *schema = protobuf_schema_new(slice_take(set, len));

		assert_true(!schema && errno == EINVAL);
	}
	for (size_t i = 0; i < set.len; i++) {
		struct bytes copy = { .data = NULL }, out = { .data = NULL };
		struct protobuf_schema *schema;

		bytes_append(&copy, set, set.len);
		copy.data[i] ^= 0x55;
		schema = protobuf_schema_new(bytes_slice(&copy));
		protobuf_text(&out, protobuf_method(schema, SLICE("shop.Shop"), SLICE("Buy"), false), cart,
			      4096);
		protobuf_schema_free(schema);
		bytes_fini(&copy);
		bytes_fini(&out);
	}
}

static void test_no_memory(void **state)
{
	struct protobuf_schema *schema = NULL;
	long n;

	(void)state;
	for (n = 1; !schema; n++) {
		alloc_fail_countdown = n;
		schema = protobuf_schema_new(set);
		alloc_fail_countdown = 0;
		assert_true(schema || n == 1 || errno == ENOMEM);
	}
	assert_true(n > 10);
	protobuf_schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema),	  cmocka_unit_test(test_without_schema),
		cmocka_unit_test(test_bounds),	  cmocka_unit_test(test_wrong_schema),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
