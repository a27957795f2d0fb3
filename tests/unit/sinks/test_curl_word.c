/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of bytes and the word that stands for them; and every shell that is there gives the very bytes back.
 */
#include "sinks/curl_word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS	  400
#define WORD_MAX  24
#define MARK	  '\x01' /* between words: in none of them */
#define TEXT_MAX  (WORDS * (WORD_MAX + 2))
#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *bytes, *word;
} rows[] = {
	{ "", "''" },
	{ "a", "a" },
	{ "http://a.example:80/b,c@d%20+e-f_g", "http://a.example:80/b,c@d%20+e-f_g" },
	{ "a b", "'a b'" },
	{ "=ls", "'=ls'" },
	{ "~", "'~'" },
	{ "it's", "'it'\\''s'" },
	{ "'", "''\\'''" },
	{ "$(id)`id`\\", "'$(id)`id`\\'" },
	{ "caf\xc3\xa9", "'caf\xc3\xa9'" },
	{ "caf\xe9", "\"$(printf 'caf\\351')\"" },
	{ "\x1b[31m'%\\", "\"$(printf '\\033[31m\\047%%\\134')\"" },
	{ "a\nb", "\"$(printf 'a\\nb')\"" },
	{ "a\xe2\x80\xae", "\"$(printf 'a\\342\\200\\256')\"" },       /* right to left override */
	{ "\x1b!$ 'id'", "\"$(printf '\\033\\041$ \\047id\\047')\"" }, /* no history */
	{ "-e\t", "\"$(printf '\\055e\\011')\"" },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct buffer out = { .data = NULL };

		curl_word_put(&out, slice_of_string(rows[i].bytes), SLICE(""));
		buffer_char(&out, '\0');
		assert_string_equal(out.data, rows[i].word);
		buffer_fini(&out);
	}
}

static void test_possible(void **state)
{
	(void)state;
	assert_true(curl_word_possible(SLICE("")));
	assert_true(curl_word_possible(SLICE("\na")));
	assert_false(curl_word_possible(SLICE("a\n")));
	assert_false(curl_word_possible(SLICE("a\0b")));
}

/* Bytes that shells care for come often, and each other one now and then. */
static size_t make_word(uint8_t *bytes, unsigned int *seed)
{
	static const char sharp[] = "'\"\\$`!*?[]{}()<>|&;#~=%- \t\n\r\x1b\x7f\x80\xc3\xa9\xff"
				    "0an@:/";
	size_t len;

	do {
		len = (size_t)rand_r(seed) % (WORD_MAX + 1);
		for (size_t i = 0; i < len; i++) {
			uint8_t c = rand_r(seed) % 4
					    ? (uint8_t)sharp[(size_t)rand_r(seed) % (sizeof(sharp) - 1)]
					    : (uint8_t)(2 + rand_r(seed) % 254);

			bytes[i] = c;
		}
	} while (!curl_word_possible(slice_of(bytes, len)));
	return len;
}

static void run_shell(const char *shell, const char *script, char *out, size_t *len)
{
	char command[64], path[] = "/tmp/hark-test-curl-XXXXXX";
	int fd = mkstemp(path);
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, script, strlen(script)), strlen(script));
	close(fd);
	snprintf(command, sizeof(command), "%s -n %s", shell, path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s %s", shell, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	*len = fread(out, 1, TEXT_MAX, pipe);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
}

static void compare(const char *shell, bool formats)
{
	static char wanted[TEXT_MAX], got[TEXT_MAX];
	struct buffer script = { .data = NULL };
	unsigned int seed = 7;
	size_t wanted_len = 0, got_len;

	buffer_string(&script, "curl() { for word; do printf '%s\\001' \"$word\"; done; }\n");
	for (int i = 0; i < WORDS; i++) {
		uint8_t bytes[WORD_MAX];
		size_t len = make_word(bytes, &seed), cut = len ? (size_t)rand_r(&seed) % len : 0;

		memcpy(wanted + wanted_len, bytes, len);
		wanted_len += len;
		wanted[wanted_len++] = MARK;
		buffer_string(&script, formats ? "printf " : "curl ");
		if (formats)
			curl_word_put_format(&script, slice_of(bytes, len));
		else
			curl_word_put(&script, slice_of(bytes, cut), slice_of(bytes + cut, len - cut));
		buffer_string(&script, formats ? "; printf '\\001'\n" : "\n");
	}
	buffer_char(&script, '\0');
	run_shell(shell, script.data, got, &got_len);
	assert_int_equal(got_len, wanted_len);
	assert_memory_equal(got, wanted, wanted_len);
	buffer_fini(&script);
}

static void test_shells(void **state)
{
	static const char *const shells[] = { "/bin/sh", "/bin/bash", "/bin/zsh", "/bin/busybox sh" };

	(void)state;
	for (size_t i = 0; i < LENGTH(shells); i++) {
		char path[32];

		snprintf(path, sizeof(path), "%.*s", (int)strcspn(shells[i], " "), shells[i]);
		if (access(path, X_OK) < 0)
			continue;
		compare(shells[i], false);
		compare(shells[i], true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_shells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
