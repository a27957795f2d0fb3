/* SPDX-License-Identifier: Apache-2.0 */
/* What is handed over counts, and what cannot be is counted as lost at once. */
#include "upload/uploader.h"

#include "base/counters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

/* A message that the other end has no room for would be cut there, without a word. */
static void test_a_chunk_that_is_too_large(void **state)
{
	static const size_t sizes[] = { UPLOAD_CHUNK_BYTES + 1, UPLOAD_CHUNK_BYTES * 2 };
	struct uploader *uploader = uploader_new(&(struct uploader_options){
		.upload = { .name = "test", .endpoints = { { "http://127.0.0.1:1/", "text/plain" } } },
		.items = "rows",
	});
	char *bytes = calloc(1, sizes[1]);

	(void)state;
	assert_non_null(uploader);
	assert_non_null(bytes);
	for (size_t i = 0; i < 2; i++) {
		uploader_send(uploader, 0, 3, slice_of(bytes, sizes[i]));
		assert_int_equal(counters[COUNTER_EXPORT_LOST], 3 * (i + 1));
	}
	uploader_free(uploader);
	assert_int_equal(counters[COUNTER_EXPORT_LOST], 6);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_a_chunk_that_is_too_large) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
