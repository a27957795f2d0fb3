/* SPDX-License-Identifier: Apache-2.0 */
#include "http2/http2_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct row {
	const char *text; /* HTTP2-Settings */
	uint32_t max_frame;
};

static const struct row rows[] = {
	{ "", 0 },
	{ "AAMAAABkAAQAoAAAAAIAAAAA", 0 }, /* curl's */
	{ "AAUAAP__", 65535 },
	{ "AAMAAABkAAUAAP__", 65535 },
	{ "AAUAAP__AAUAAEAA", 16384 }, /* the last one counts */
	{ "AAUAAP", 0 },	       /* cut */
	{ "AAUAAP//", 0 },	       /* not the alphabet of URLs */
};

static void test_base64(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(http2_settings_max_frame_base64(slice_of_string(rows[i].text)),
				 rows[i].max_frame);
}

static void test_payload(void **state)
{
	(void)state;
	assert_int_equal(http2_settings_max_frame(SLICE("\0\3\0\0\0\x64\0\5\0\1\0\0")), 65536);
	assert_int_equal(http2_settings_max_frame(SLICE("\0\5\0\1\0")), 0);
	assert_int_equal(http2_settings_max_frame(slice_of(NULL, 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
