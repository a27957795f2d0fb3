/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/doctor/doctor_ports.c on this process's own sockets, and of its lists. */
#include "doctor/doctor_ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *ports_text(const struct doctor_ports *ports)
{
	static char text[256];
	struct buffer buffer = { 0 };

	doctor_ports_put(&buffer, ports);
	assert_true(buffer.len < sizeof(text));
	memcpy(text, buffer.data, buffer.len);
	text[buffer.len] = '\0';
	buffer_fini(&buffer);
	return text;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 address; /* of either family the port stands at the same place */
	socklen_t len = sizeof(address);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	return ntohs(address.sin6_port);
}

static void test_both_ends(void **state)
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct {
		const void *address;
		socklen_t len;
	} families[] = { { &v4, sizeof(v4) }, { &v6, sizeof(v6) } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int family = i ? AF_INET6 : AF_INET;
		int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0),
		    accepted;
		struct doctor_ports ports[3] = { 0 };
		struct doctor_sockets *sockets;
		struct sockaddr_storage address;
		socklen_t len = sizeof(address);
		char expected[64];

		if (family == AF_INET6 && listener < 0) {
			print_message("no IPv6 here: that half is left out\n");
			break;
		}
		assert_int_equal(bind(listener, families[i].address, families[i].len), 0);
		assert_int_equal(listen(listener, 1), 0);
		assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
		assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
		accepted = accept(listener, NULL, NULL);
		assert_true(accepted >= 0);

		sockets = doctor_sockets_new();
		assert_int_equal(doctor_sockets_read(sockets, (uint32_t)getpid()), 0);
		doctor_ports_add(&ports[0], sockets, inode_of(listener));
		doctor_ports_add(&ports[1], sockets, inode_of(accepted));
		doctor_ports_add(&ports[2], sockets, inode_of(client));
		doctor_ports_add(&ports[2], sockets, 1); /* no socket's */
		snprintf(expected, sizeof(expected), "on %u", port_of(listener));
		assert_string_equal(ports_text(&ports[0]), expected);
		assert_string_equal(ports_text(&ports[1]), expected);
		snprintf(expected, sizeof(expected), "to %u", port_of(listener));
		assert_string_equal(ports_text(&ports[2]), expected);
		doctor_ports_merge(&ports[2], &ports[0]);
		doctor_ports_merge(&ports[2], &ports[1]); /* known already */
		snprintf(expected, sizeof(expected), "on %u to %u", port_of(listener), port_of(listener));
		assert_string_equal(ports_text(&ports[2]), expected);
		doctor_sockets_free(sockets);
		close(accepted);
		close(client);
		close(listener);
	}
}

static void test_unknown(void **state)
{
	struct doctor_sockets *sockets = doctor_sockets_new();
	struct doctor_ports none = { 0 }, unknown = { .unknown = true };

	(void)state;
	assert_true(doctor_sockets_read(sockets, INT32_MAX) < 0);
	assert_string_equal(ports_text(&none), "-");
	assert_string_equal(ports_text(&unknown), "?");
	unknown.to = (struct port_list){ .ports = { 443 }, .count = 1 };
	assert_string_equal(ports_text(&unknown), "to 443 ?");
	doctor_sockets_free(sockets);
	doctor_sockets_free(NULL);
}

/* In order, each once, and no more than fit. */
static void test_list(void **state)
{
	static const uint16_t added[] = { 443, 80, 8080, 80, 443, 1, 65535, 9, 10, 11 };
	struct doctor_ports ports = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++) {
		const struct doctor_ports one = { .on = { .ports = { added[i] }, .count = 1 } };

		doctor_ports_merge(&ports, &one);
	}
	assert_string_equal(ports_text(&ports), "on 1,9,10,11,80,443,8080,65535");
	doctor_ports_merge(&ports, &(struct doctor_ports){ .on = { .ports = { 7 }, .count = 1 } });
	assert_string_equal(ports_text(&ports), "on 1,9,10,11,80,443,8080,65535,...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
