/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS of processes as it is told by what they mapped, also when they are gone. */
#include "library/tls_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE 0x7fffffffu /* no process has this number */

static void test_seen(void **state)
{
	struct tls_seen *seen = tls_seen_new();

	(void)state;
	assert_non_null(seen);
	assert_null(tls_seen_why(seen, GONE));
	tls_seen_mapped(seen, GONE, "/usr/bin/wget");
	tls_seen_mapped(seen, GONE, "/lib/ld-linux-x86-64.so.2");
	tls_seen_mapped(seen, GONE, "/usr/lib/libtls.so.28");
	assert_string_equal(tls_seen_why(seen, GONE), "LibreSSL's libtls, which hark does not follow");
	assert_null(tls_seen_why(seen, GONE - 1));

	/* Beside OpenSSL others are mostly a library's library. */
	tls_seen_mapped(seen, GONE, "/usr/lib/libssl.so.3");
	assert_string_equal(tls_seen_why(seen, GONE),
			    "its OpenSSL is followed, but no call of it was seen for this connection");

	/* Another program in the same process. */
	tls_seen_mapped(seen, GONE, "/lib/ld-linux-x86-64.so.2");
	assert_null(tls_seen_why(seen, GONE));
	tls_seen_free(seen);
	tls_seen_free(NULL);
}

/* Looked at and nothing found is something else than nobody looked. */
static void test_gone(void **state)
{
	struct tls_seen *seen = tls_seen_new();
	siginfo_t ended;
	pid_t child;

	(void)state;
	assert_non_null(seen);
	assert_string_equal(tls_seen_why(seen, (uint32_t)getpid()),
			    "no TLS library that hark knows was seen in this process");
	child = fork();
	if (child == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	assert_null(tls_seen_why(seen, (uint32_t)child)); /* a zombie maps nothing */
	waitpid(child, NULL, 0);
	assert_null(tls_seen_why(seen, (uint32_t)child));
	tls_seen_free(seen);
}

/* The oldest make room. */
static void test_bound(void **state)
{
	struct tls_seen *seen = tls_seen_new();

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		tls_seen_mapped(seen, GONE - i, "/usr/lib/libgnutls.so.30");
	assert_null(tls_seen_why(seen, GONE));
	assert_non_null(tls_seen_why(seen, GONE - 4999));
	tls_seen_free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
