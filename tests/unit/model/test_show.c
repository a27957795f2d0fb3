/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, times and names as every sink writes them; then the columns of text lines. */
#include "model/show.h"

#include "sinks/line_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>

static void assert_holds(struct buffer *buffer, const char *expected)
{
	buffer_char(buffer, '\0');
	assert_string_equal(buffer->data, expected);
	buffer_clear(buffer);
}

static const struct {
	int family;
	uint8_t address[16];
	uint16_t port;
	const char *expected;
} endpoints[] = {
	{ AF_INET, { 127, 0, 0, 1 }, 80, "127.0.0.1:80" },
	{ AF_INET, { 255, 255, 255, 255 }, 65535, "255.255.255.255:65535" },
	{ AF_INET6, { [15] = 1 }, 80, "[::1]:80" },
	{ AF_INET6, { 0x20, 1, 0xd, 0xb8, [15] = 9 }, 1, "[2001:db8::9]:1" },
	{ AF_INET6, { [10] = 0xff, 0xff, 10, 0, 0, 7 }, 443, "10.0.0.7:443" },
	{ AF_UNIX, { 0 }, 0, "unix" },
	{ 0, { 1, 2, 3, 4 }, 5, "-" },
	{ 77, { 1, 2, 3, 4 }, 5, "-" },
};

static void test_endpoints(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		struct event_socket sock = { .family = (uint16_t)endpoints[i].family };

		show_endpoint(&b, &sock, endpoints[i].address, endpoints[i].port);
		assert_holds(&b, endpoints[i].expected);
	}
	buffer_fini(&b);
}

static const struct {
	int64_t offset;
	uint64_t event_ns;
	const char *utc, *local; /* local time is three and a half hours ahead */
} times[] = {
	{ 0, 0, "1970-01-01T00:00:00.000000000Z", "03:30:00.000" },
	{ 0, 999999999, "1970-01-01T00:00:00.999999999Z", "03:30:00.999" },
	{ -1, 0, "1969-12-31T23:59:59.999999999Z", "03:29:59.999" },
	{ 1767323045000000000, 6000000, "2026-01-02T03:04:05.006000000Z", "06:34:05.006" },
	{ -1000000000, 1000000000, "1970-01-01T00:00:00.000000000Z", "03:30:00.000" },
	{ 0, 951782400000000000, "2000-02-29T00:00:00.000000000Z", "03:30:00.000" },
};

static void test_times(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	setenv("TZ", "XYZ-03:30", 1);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct show_clock utc = { .wall_offset_ns = times[i].offset };
		struct show_clock local = utc;

		for (int again = 0; again < 2; again++) { /* the second comes from the cache */
			show_utc(&b, &utc, times[i].event_ns);
			assert_holds(&b, times[i].utc);
			show_local(&b, &local, times[i].event_ns);
			assert_holds(&b, times[i].local);
		}
	}
	buffer_fini(&b);
}

static void test_programs(void **state)
{
	struct mover mover = { .comm = "worker", .exe = "nginx" };

	(void)state;
	assert_true(slice_equal(show_program(&mover), SLICE("nginx")));
	mover.exe[0] = '\0';
	assert_true(slice_equal(show_program(&mover), SLICE("worker")));
	mover.comm[0] = '\0';
	assert_null(show_program(&mover).data);
	memset(mover.exe, 'x', sizeof(mover.exe));
	assert_int_equal(show_program(&mover).len, sizeof(mover.exe));
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
		put_size(&b, values[i].value);
		assert_holds(&b, values[i].size);
		put_latency(&b, values[i].value);
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
	column_end(&b, 0, 4);
	assert_holds(&b, "\033[31mab\033[0m   ");
	buffer_string(&b, "\xe2\x86\x92");
	column_end(&b, 0, 2);
	assert_holds(&b, "\xe2\x86\x92  ");
	buffer_string(&b, "long");
	column_end(&b, 0, 2);
	assert_holds(&b, "long ");
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints), cmocka_unit_test(test_times),
		cmocka_unit_test(test_programs),  cmocka_unit_test(test_sizes_and_latencies),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
