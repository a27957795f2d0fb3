/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask: hosts, origins and tokens that are right, and those that are not. */
#include "sinks/serve/serve_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *text;
	bool right, loopback;
	const char *again; /* as it is written then; NULL: as it was given */
} addresses[] = {
	{ "127.0.0.1:9464", true, true, NULL },
	{ "127.9.9.9:0", true, true, NULL },
	{ "localhost:80", true, true, "127.0.0.1:80" },
	{ "[::1]:65535", true, true, NULL },
	{ "0.0.0.0:9464", true, false, NULL },
	{ "10.0.0.1:1", true, false, NULL },
	{ "[::]:9464", true, false, NULL },
	{ "[2001:db8::1]:9464", true, false, NULL },
	{ "128.0.0.1:1", true, false, NULL },
	{ "", false, false, NULL },
	{ ":9464", false, false, NULL },
	{ "9464", false, false, NULL },
	{ "127.0.0.1", false, false, NULL },
	{ "127.0.0.1:", false, false, NULL },
	{ "127.0.0.1:65536", false, false, NULL },
	{ "127.0.0.1:-1", false, false, NULL },
	{ "127.0.0.1:1x", false, false, NULL },
	{ "::1:9464", false, false, NULL },
	{ "[::1:9464", false, false, NULL },
	{ "[127.0.0.1]:9464", false, false, NULL },
	{ "example.com:80", false, false, NULL },
	{ "1111111111111111111111111111111111111111111111111111111111111111:1", false, false, NULL },
};

static void test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct buffer text = { .data = NULL };
		struct serve_address address;
		const char *again = addresses[i].again ? addresses[i].again : addresses[i].text;

		assert_int_equal(serve_address_parse(addresses[i].text, &address) == 0, addresses[i].right);
		if (!addresses[i].right)
			continue;
		assert_int_equal(serve_address_is_loopback(&address), addresses[i].loopback);
		serve_address_put(&text, &address);
		buffer_char(&text, '\0');
		assert_string_equal(text.data, again);
		buffer_fini(&text);
	}
}

static const struct {
	const char *bound, *host;
	bool right;
} hosts[] = {
	{ "127.0.0.1:9464", "127.0.0.1:9464", true },
	{ "127.0.0.1:9464", "127.0.0.1", true },
	{ "127.0.0.1:9464", "localhost:9464", true },
	{ "127.0.0.1:9464", "LocalHost", true },
	{ "127.0.0.1:9464", "[::1]:9464", true },
	{ "127.0.0.1:9464", "localhost:18080", true }, /* a tunnel's other end */
	{ "10.1.2.3:9464", "10.1.2.3:9464", true },
	{ "[2001:db8::1]:9464", "[2001:db8:0::1]:9464", true },
	{ "127.0.0.1:9464", "10.1.2.3:9464", false },
	{ "127.0.0.1:9464", "evil.example:9464", false },
	{ "127.0.0.1:9464", "localhost.evil.example", false },
	{ "127.0.0.1:9464", "evil.example.localhost", false },
	{ "127.0.0.1:9464", "127.0.0.1.evil.example", false },
	{ "127.0.0.1:9464", "localhost:9464@evil.example", false },
	{ "127.0.0.1:9464", "localhost:", true },
	{ "127.0.0.1:9464", "localhost:x", false },
	{ "127.0.0.1:9464", "[::1", false },
	{ "127.0.0.1:9464", "[::1]x", false },
	{ "127.0.0.1:9464", "", false },
	{ "127.0.0.1:9464", NULL, false },
};

static void test_hosts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct serve_rules rules = { .tls = false };

		assert_int_equal(serve_address_parse(hosts[i].bound, &rules.bound), 0);
		if (serve_rules_host(&rules, slice_of_string(hosts[i].host)) != hosts[i].right)
			fail_msg("host %s", hosts[i].host);
		strcpy(rules.token, "0123456789abcdef"); /* who knows it comes by any name */
		assert_true(serve_rules_host(&rules, slice_of_string(hosts[i].host)));
	}
}

static const struct {
	const char *origin, *host;
	bool tls, right;
} origins[] = {
	{ NULL, "localhost:9464", false, true },
	{ "http://localhost:9464", "localhost:9464", false, true },
	{ "http://LOCALHOST:9464", "localhost:9464", false, true },
	{ "https://localhost:9464", "localhost:9464", true, true },
	{ "http://localhost:9464", "localhost:9464", true, false },
	{ "https://localhost:9464", "localhost:9464", false, false },
	{ "http://localhost:9465", "localhost:9464", false, false },
	{ "http://localhost", "localhost:9464", false, false },
	{ "http://evil.example", "localhost:9464", false, false },
	{ "null", "localhost:9464", false, false },
	{ "", "localhost:9464", false, false },
};

static void test_origins(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		struct serve_rules rules = { .tls = origins[i].tls };

		if (serve_rules_origin(&rules, slice_of_string(origins[i].origin),
				       slice_of_string(origins[i].host)) != origins[i].right)
			fail_msg("origin %s", origins[i].origin);
	}
}

static void test_tokens(void **state)
{
	static const struct {
		const char *value;
		bool right;
	} rows[] = {
		{ "Bearer 0123456789abcdef", true },
		{ "bearer  0123456789abcdef", true },
		{ "Bearer 0123456789abcdeF", false },
		{ "Bearer 0123456789abcde", false },
		{ "Bearer 0123456789abcdef0", false },
		{ "Bearer ", false },
		{ "Bearer", false },
		{ "Basic 0123456789abcdef", false },
		{ "0123456789abcdef", false },
		{ "", false },
		{ NULL, false },
	};
	struct serve_rules rules = { .token = "0123456789abcdef" }, open = { .tls = false };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(serve_rules_token(&rules, slice_of_string(rows[i].value)), rows[i].right);
		assert_true(serve_rules_token(&open, slice_of_string(rows[i].value)));
	}
}

static void test_token_files(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int error;
		const char *token;
	} rows[] = {
		{ "0123456789abcdef\n", 0600, 0, "0123456789abcdef" },
		{ "0123456789abcdef", 0400, 0, "0123456789abcdef" },
		{ "0123456789abcdef\n", 0660, -EACCES, "" },
		{ "0123456789abcdef\n", 0604, -EACCES, "" },
		{ "0123456789abcde\n", 0600, -EINVAL, "" },
		{ "", 0600, -EINVAL, "" },
		{ "0123456789abcdef two\n", 0600, -EINVAL, "" },
		{ "0123456789abcdef\nmore\n", 0600, -EINVAL, "" },
	};
	char path[] = "/tmp/hark-token-XXXXXX";
	int fd = mkstemp(path);
	struct serve_rules rules = { .tls = false };

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, len, 0), len);
		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		assert_int_equal(serve_rules_read_token(&rules, path), rows[i].error);
		assert_string_equal(rules.token, rows[i].token);
	}
	assert_int_equal(ftruncate(fd, SERVE_TOKEN_MAX + 1), 0);
	assert_int_equal(serve_rules_read_token(&rules, path), -EINVAL);
	assert_int_equal(serve_rules_read_token(&rules, "/"), -EINVAL);
	assert_int_equal(serve_rules_read_token(&rules, "/nonexistent"), -ENOENT);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),   cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_origins),	    cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
