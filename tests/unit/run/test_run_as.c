/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/run/run_as.c: who is found, from -u and from what sudo leaves, and the environment made for
 * them. */
#include "run/run_as.h"

#include "base/log.h"
#include "base/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void sudo_set(const char *uid, const char *gid, const char *name)
{
	static const char *const names[] = { "SUDO_UID", "SUDO_GID", "SUDO_USER" };
	const char *const values[] = { uid, gid, name };

	for (size_t i = 0; i < 3; i++) {
		if (values[i])
			setenv(names[i], values[i], 1);
		else
			unsetenv(names[i]);
	}
}

/* Uid 0 is root and 1 is daemon on every Debian; nobody has the number 4242421. */
static const struct {
	const char *name, *user, *uid, *gid, *sudo_user;
	uid_t self;
	const char *expected;
} cases[] = {
	{ "plain", NULL, NULL, NULL, NULL, 0, "0 same" },
	{ "not root", NULL, NULL, NULL, NULL, 1000, "0 same" },
	{ "not root, sudo's variables are only words", NULL, "1", "1", "daemon", 1000, "0 same" },
	{ "sudo", NULL, "1", "1", "daemon", 0, "0 1:1 daemon /usr/sbin" },
	{ "sudo, another group", NULL, "1", "7", "daemon", 0, "0 1:7 daemon /usr/sbin" },
	{ "sudo, no group", NULL, "1", NULL, "daemon", 0, "0 1:1 daemon /usr/sbin" },
	{ "sudo, the name is not the number's", NULL, "1", "1", "root", 0, "0 1:1 daemon /usr/sbin" },
	{ "sudo by root", NULL, "0", "0", "root", 0, "0 0:0 root /root" },
	{ "sudo, unknown to the system", NULL, "4242421", "7", "gone", 0, "0 4242421:7 - -" },
	{ "sudo, unknown, no group", NULL, "4242421", NULL, NULL, 0, "-2" },
	{ "sudo, no number", NULL, "1x", "1", "daemon", 0, "-22" },
	{ "sudo, empty", NULL, "", "1", "daemon", 0, "-22" },
	{ "sudo, negative", NULL, "-1", "1", "daemon", 0, "-22" },
	{ "sudo, the number that means none", NULL, "4294967295", "1", "daemon", 0, "-22" },
	{ "sudo, a group that is no number", NULL, "1", "staff", "daemon", 0, "-22" },
	{ "-u name", "daemon", NULL, NULL, NULL, 0, "0 1:1 daemon /usr/sbin" },
	{ "-u number", "1", NULL, NULL, NULL, 0, "0 1:1 daemon /usr/sbin" },
	{ "-u before sudo", "daemon", "0", "0", "root", 0, "0 1:1 daemon /usr/sbin" },
	{ "-u unknown", "no-such-user", NULL, NULL, NULL, 0, "-2" },
	{ "-u unknown number", "4242421", NULL, NULL, NULL, 0, "-2" },
	{ "-u another, not root", "daemon", NULL, NULL, NULL, 1000, "-1" },
	{ "-u oneself, not root", "daemon", NULL, NULL, NULL, 1, "0 same" },
};

static void describe(char *out, size_t size, int err, const struct run_as *who)
{
	if (err)
		snprintf(out, size, "%d", err);
	else if (!who->change)
		snprintf(out, size, "0 same");
	else
		snprintf(out, size, "0 %u:%u %s %s", who->uid, who->gid, who->name ? who->name : "-",
			 who->home ? who->home : "-");
}

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run_as who;
		char text[256];

		sudo_set(cases[i].uid, cases[i].gid, cases[i].sudo_user);
		describe(text, sizeof(text), run_as_find(&who, cases[i].user, cases[i].self), &who);
		if (strcmp(text, cases[i].expected) != 0)
			fail_msg("%s: %s, not %s", cases[i].name, text, cases[i].expected);
		run_as_fini(&who);
	}
}

static void test_known(void **state)
{
	(void)state;
	assert_non_null(user_find("root"));
	assert_non_null(user_find("0"));
	assert_null(user_find("no-such-user"));
	assert_null(user_find("4242421"));
	assert_null(user_find(""));
}

static void test_environment(void **state)
{
	char path[] = "/a:/b";
	struct run_as who;

	(void)state;
	sudo_set("1", "1", "daemon");
	setenv("SUDO_COMMAND", "hark", 1);
	setenv("SUDO_", "odd", 1);
	setenv("PATH", path, 1);
	setenv("HOME", "/root", 1);
	setenv("KEPT", "yes", 1);
	assert_int_equal(run_as_find(&who, NULL, 0), 0);
	assert_int_equal(run_as_environment(&who), 0);
	for (char **at = environ; *at; at++)
		assert_int_not_equal(strncmp(*at, "SUDO_", 5), 0);
	assert_string_equal(getenv("USER"), "daemon");
	assert_string_equal(getenv("LOGNAME"), "daemon");
	assert_string_equal(getenv("HOME"), "/usr/sbin");
	assert_string_equal(getenv("SHELL"), "/usr/sbin/nologin");
	assert_string_equal(getenv("MAIL"), "/var/mail/daemon");
	assert_string_equal(getenv("PATH"), path);
	assert_string_equal(getenv("KEPT"), "yes");
	run_as_fini(&who);
}

/* Without a change nothing happens, whoever runs this. */
static void test_no_change(void **state)
{
	const struct run_as same = { 0 };

	(void)state;
	sudo_set("1", "1", "daemon");
	assert_int_equal(run_as_become(&same), 0);
	assert_string_equal(getenv("SUDO_USER"), "daemon");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_no_change),
	};

	log_level = LOG_QUIET;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
