/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, times and the columns of text lines. */
#include "sinks/line_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void assert_holds(struct buffer *buffer, const char *expected)
{
	buffer_char(buffer, '\0');
	assert_string_equal(buffer->data, expected);
	buffer_clear(buffer);
}

static const struct {
	uint64_t value;
	const char *size, *latency; /* of as many bytes, of as many ns */
} values[] = {
	{ 0, "0", "0.000 ms" },		 { 9999, "9999", "0.009 ms" },
	{ 10000, "9.7K", "0.010 ms" },	 { 34567, "33.7K", "0.034 ms" },
	{ 340000, "332.0K", "0.34 ms" }, { 1048575, "1023.9K", "1.04 ms" },
	{ 1048576, "1.0M", "1.04 ms" },	 { 9999999, "9.5M", "9.99 ms" },
	{ 12345678, "11.7M", "12 ms" },	 { 999999999, "953.6M", "999 ms" },
	{ 1234567890, "1.1G", "1.2 s" }, { UINT64_MAX, "15.9E", "18446744073.7 s" },
};

static void test_sizes_and_latencies(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		line_put_size(&b, values[i].value);
		assert_holds(&b, values[i].size);
		line_put_latency(&b, values[i].value);
		assert_holds(&b, values[i].latency);
	}
	buffer_fini(&b);
}

/* Colour codes and the further bytes of a character take no column. */
static void test_columns(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_string(&b, "\033[31mab\033[0m");
	line_column_end(&b, 0, 4);
	assert_holds(&b, "\033[31mab\033[0m   ");
	buffer_string(&b, "\xe2\x86\x92");
	line_column_end(&b, 0, 2);
	assert_holds(&b, "\xe2\x86\x92  ");
	buffer_string(&b, "long");
	line_column_end(&b, 0, 2);
	assert_holds(&b, "long ");
	buffer_fini(&b);
}

/* One connection after the other, some of them in one place: each line tells its own facts. */
static void test_connections_again(void **state)
{
	static const struct {
		uint64_t id;
		uint8_t last; /* of its peer's address */
		enum protocol_role role;
		uint16_t port, family;
		const char *columns;
	} rows[] = {
		{ 7, 1, ROLE_CLIENT, 80, 2, "#7      -> 10.0.0.1:80     " },
		{ 7, 1, ROLE_CLIENT, 80, 2, "#7      -> 10.0.0.1:80     " },
		{ 7, 2, ROLE_CLIENT, 80, 2, "#7      -> 10.0.0.2:80     " },
		{ 7, 2, ROLE_SERVER, 80, 2, "#7      <- 10.0.0.2:80     " },
		{ 7, 2, ROLE_SERVER, 81, 2, "#7      <- 10.0.0.2:81     " },
		{ 7, 2, ROLE_SERVER, 81, 1, "#7      <- unix            " },
		{ 7 + LINE_KEPT, 2, ROLE_SERVER, 81, 1, "#71     <- unix            " },
		{ 7, 2, ROLE_SERVER, 81, 1, "#7      <- unix            " },
		{ 7, 2, ROLE_UNKNOWN, 81, 0, "#7      ?  -               " },
	};
	struct style style = { .color = false };
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct conn_facts conn = {
			.id = rows[i].id,
			.role = rows[i].role,
			.sock = { .family = rows[i].family,
				  .protocol = 6,
				  .peer = { 10, 0, 0, rows[i].last },
				  .peer_port = rows[i].port },
		};
		const struct exchange exchange = { .conn = &conn };

		line_text_put(&b, &style, &exchange);
		buffer_char(&b, '\0');
		assert_non_null(strstr(b.data, rows[i].columns));
		buffer_clear(&b);
	}
	line_style_fini(&style);
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_and_latencies),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_connections_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
