/* SPDX-License-Identifier: Apache-2.0 */
#include "base/redact.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
	const char *name;
	const char *add; /* NULL: the defaults alone */
	bool show_secrets;
	const char *header; /* NULL: its name is not known */
	bool secret;
} rows[] = {
	{ "default", NULL, false, "authorization", true },
	{ "default, case", NULL, false, "Set-Cookie", true },
	{ "default", NULL, false, "Proxy-Authorization", true },
	{ "default", NULL, false, "COOKIE", true },
	{ "harmless", NULL, false, "accept", false },
	{ "RFC 2965", NULL, false, "cookie2", true },
	{ "shorter name", NULL, false, "cooki", false },
	{ "unknown name may be any", NULL, false, NULL, true },
	{ "shown on demand", NULL, true, "cookie", false },
	{ "unknown name, on demand", NULL, true, NULL, false },
	{ "added", "X-Api-Key,x-token", false, "x-api-key", true },
	{ "added second", "X-Api-Key,x-token", false, "X-Token", true },
	{ "defaults stay", "x-token", false, "cookie", true },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct redact *redact = redact_new(rows[i].show_secrets);

		assert_non_null(redact);
		if (rows[i].add)
			assert_int_equal(redact_add(redact, rows[i].add), 0);
		if (redact_name(redact, NAME_FIELD, slice_of_string(rows[i].header)) != rows[i].secret)
			fail_msg("%s: %s", rows[i].name, rows[i].header);
		redact_free(redact);
	}
}

static void test_bad_names(void **state)
{
	static const char *const bad[] = { "", ",", "a,", ",a", "a b", "a:b", "caf\xc3\xa9", "a,,b" };
	struct redact *redact = redact_new(false);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(redact_add(redact, bad[i]), -EINVAL);
	redact_free(redact);
	redact_free(NULL);
}

static const struct {
	const char *name, *in, *out;
} targets[] = {
	{ "no query", "/a/b", "/a/b" },
	{ "harmless", "/a?x=1&y=2", "/a?x=1&y=2" },
	{ "one", "/a?token=abc", "/a?token=[redacted]" },
	{ "in the middle", "/a?x=1&api_key=abc&y=2", "/a?x=1&api_key=[redacted]&y=2" },
	{ "two", "/?password=p&code=q", "/?password=[redacted]&code=[redacted]" },
	{ "semicolons", "/?a=1;secret=q;b=2", "/?a=1;secret=[redacted];b=2" },
	{ "case", "/?Access_Token=a", "/?Access_Token=[redacted]" },
	{ "percent-encoded name", "/?%74oken=abc", "/?%74oken=[redacted]" },
	{ "cut encoding", "/?toke%6=abc&x%", "/?toke%6=abc&x%" },
	{ "within brackets", "/?user[password]=x", "/?user[password]=[redacted]" },
	{ "encoded brackets", "/?user%5Bpassword%5D=x", "/?user%5Bpassword%5D=[redacted]" },
	{ "a longer name", "/?tokens=abc&keyboard=b", "/?tokens=abc&keyboard=b" },
	{ "in the path", "/token=abc", "/token=abc" },
	{ "empty value", "/?token=&x=1", "/?token=&x=1" },
	{ "equals signs in the value", "/?token=a==&x=1", "/?token=[redacted]&x=1" },
	{ "question mark in the value", "/?token=a?b&x=1", "/?token=[redacted]&x=1" },
	{ "fragment", "/cb#access_token=abc&state=1", "/cb#access_token=[redacted]&state=1" },
	{ "a URL in a value", "/?next=http://h/?token=abc", "/?next=http://h/?token=[redacted]" },
	{ "without its question mark", "signature=abc&x=1", "signature=[redacted]&x=1" },
	{ "a link", "<http://h/?sig=abc>; rel=next", "<http://h/?sig=[redacted]>; rel=next" },
	{ "added", "/?mine=abc", "/?mine=[redacted]" },
	{ "empty", "", "" },
	{ "only signs", "?&=;#==&", "?&=;#==&" },
};

static void test_targets(void **state)
{
	struct redact *redact = redact_new(false), *open = redact_new(true);
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(redact_add(redact, "mine"), 0);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct slice in = slice_of_string(targets[i].in), got = redact_target(redact, in, &out);

		if (!slice_equal(got, slice_of_string(targets[i].out)))
			fail_msg("%s: %.*s", targets[i].name, (int)got.len, (const char *)got.data);
		assert_ptr_equal(redact_target(open, in, &out).data, in.data);
	}
	buffer_fini(&out);
	redact_free(redact);
	redact_free(open);
}

static const char *const pieces[] = { "token", "a",    "page", "session", "mine", "code", "Id", "=",  "=",
				      "&",     "&",    "?",    ";",	  "#",	  ",",	  "/",	"//", "[",
				      "]",     "\"",   " ",    "\n",	  "{",	  "(",	  "\\", "u",  "-",
				      "_",     "\xc3", "|",    "user",	  "12",	  "'",	  ">",	"^",  "1" };

/* What is seen at a glance and what the scanner sees are the same: ":&" in front makes it look. */
static void test_glance(void **state)
{
	struct redact *redact = redact_new(false);
	struct buffer out = { 0 }, text = { 0 };
	uint32_t random = 1;
	int hidden = 0;

	(void)state;
	assert_int_equal(redact_add(redact, "mine"), 0);
	for (int round = 0; round < 200000; round++) {
		struct slice got;
		char glance[256];
		size_t len;

		buffer_clear(&text);
		buffer_string(&text, ":&");
		for (int i = 0; i < 1 + round % 9; i++) {
			random = random * 1664525 + 1013904223;
			buffer_string(
				&text,
				pieces[(random >> 16) % (round % 2 ? 13 : sizeof(pieces) / sizeof(*pieces))]);
		}
		got = redact_target(redact, slice_of(text.data + 2, text.len - 2), &out);
		len = got.len;
		assert_true(len < sizeof(glance));
		memcpy(glance, got.data, len);
		hidden += got.data != (const uint8_t *)text.data + 2;
		got = redact_target(redact, slice_of(text.data, text.len), &out);
		if (!slice_equal(slice_drop(got, 2), slice_of(glance, len)))
			fail_msg("%.*s: %.*s", (int)text.len, text.data, (int)len, glance);
	}
	assert_in_range(hidden, 5000, 190000);
	buffer_fini(&out);
	buffer_fini(&text);
	redact_free(redact);
}

/* What was found out of a name holds for that name, that kind and these rules. */
static void test_names_come_again(void **state)
{
	struct redact *redact = redact_new(false);
	char name[32];

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 2000; i++) { /* more than are kept */
			int len = snprintf(name, sizeof(name), i % 2 ? "%dtoken" : "token%dfor", i);

			assert_int_equal(redact_name(redact, NAME_PARAMETER, slice_of(name, (size_t)len)),
					 i % 2);
		}
		assert_true(redact_name(redact, NAME_PARAMETER, SLICE("code")));
		assert_false(redact_name(redact, NAME_KEY, SLICE("code")));
		assert_false(redact_name(redact, NAME_FIELD, SLICE("code")));
		assert_false(redact_name(redact, NAME_PARAMETER, SLICE("")));
	}
	assert_false(redact_name(redact, NAME_KEY, SLICE("mine")));
	assert_int_equal(redact_add(redact, "mine"), 0);
	assert_true(redact_name(redact, NAME_KEY, SLICE("mine")));
	redact_free(redact);
}

static void test_forms(void **state)
{
	static const char *const forms[][2] = {
		{ "user=a&password=b c&x=1", "user=a&password=[redacted]&x=1" },
		{ "password=a#b", "password=[redacted]" },
		{ "x=1\r\npassword=2\r\n", "x=1\r\npassword=[redacted]\r\n" },
		{ "no form at all", "no form at all" },
	};
	struct redact *redact = redact_new(false);
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct slice got = redact_body(redact, slice_of_string(forms[i][0]), true, &out);

		if (!slice_equal(got, slice_of_string(forms[i][1])))
			fail_msg("%s: %.*s", forms[i][0], (int)got.len, (const char *)got.data);
	}
	buffer_fini(&out);
	redact_free(redact);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_targets), cmocka_unit_test(test_forms),
		cmocka_unit_test(test_glance),	cmocka_unit_test(test_names_come_again)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
