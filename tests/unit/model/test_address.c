/* SPDX-License-Identifier: Apache-2.0 */
#include "model/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
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

		address_put_endpoint(&b, &sock, endpoints[i].address, endpoints[i].port);
		assert_holds(&b, endpoints[i].expected);
	}
	buffer_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
