/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/library_claim.c: words that are claims and words that are none, and what files say
 * to them. */
#include "elf_build.h"
#include "library/libraries.h"
#include "library/library_claim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

static const struct {
	const char *text;
	const char *expected; /* "path row function@offset…", or a part of why it is wrong */
} words[] = {
	{ "/a=openssl", "/a openssl" },
	{ "/a=boringssl,SSL_read@0x10,SSL_write@32", "/a boringssl SSL_read@16 SSL_write@32" },
	{ "/a=b=gnutls,gnutls_record_recv@010", "/a=b gnutls gnutls_record_recv@8" },
	{ "", "'' is no PATH=NAME" },
	{ "/a", "'/a' is no PATH=NAME" },
	{ "=openssl", "is no PATH=NAME" },
	{ "/a=", "is no PATH=NAME" },
	{ "/a=ssl",
	  "'ssl' is no TLS library that can be named; there are boringssl, libressl, openssl, gnutls" },
	{ "/a=go", "'go' is no TLS library" },
	{ "/a=rustls", "'rustls' is no TLS library" },
	{ "/a=openssl,", "'' is no FUNCTION@OFFSET" },
	{ "/a=openssl,SSL_read", "'SSL_read' is no FUNCTION@OFFSET" },
	{ "/a=openssl,SSL_read@", "'SSL_read@' is no FUNCTION@OFFSET" },
	{ "/a=openssl,@1", "'@1' is no FUNCTION@OFFSET" },
	{ "/a=openssl,SSL_rad@1",
	  "openssl has no function 'SSL_rad' that hark knows; it has SSL_read, SSL_read_ex" },
	{ "/a=openssl,SSL_read@1x", "SSL_read: '1x' is no offset in a file" },
	{ "/a=openssl,SSL_read@-1", "SSL_read: '-1' is no offset in a file" },
	{ "/a=openssl,SSL_read@99999999999999999999", "is no offset in a file" },
	{ "/a=openssl,SSL_read@1,SSL_read@2", "SSL_read is given twice" },
};

static void test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct library_claim claim;
		char out[2 * CLAIM_PATH_MAX], why[CLAIM_WHY_MAX];
		size_t at;

		if (library_claim_parse(words[i].text, &claim, why)) {
			if (!strstr(why, words[i].expected))
				fail_msg("'%s': '%s', expected '%s'", words[i].text, why, words[i].expected);
			continue;
		}
		at = (size_t)snprintf(out, sizeof(out), "%s %s", claim.path, claim.row->name);
		for (size_t j = 0; j < claim.locations.count; j++)
			at += (size_t)snprintf(out + at, sizeof(out) - at, " %s@%llu",
					       claim.locations.at[j].function,
					       (unsigned long long)claim.offsets[j]);
		assert_string_equal(out, words[i].expected);
	}
}

static void test_long_words(void **state)
{
	char text[2 * CLAIM_PATH_MAX], why[CLAIM_WHY_MAX];
	struct library_claim claim;

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + CLAIM_PATH_MAX, "=openssl");
	assert_int_equal(library_claim_parse(text, &claim, why), -EINVAL);
	assert_string_equal(why, "it is too long");
	strcpy(text + CLAIM_PATH_MAX - 1, "=openssl");
	assert_int_equal(library_claim_parse(text, &claim, why), 0);
	assert_int_equal(library_claim_check(&claim, why), -EINVAL);
	strcpy(text, "/a=openssl");
	for (size_t i = 0; i < 2000; i++)
		text[strlen("/a=openssl") + i] = ',';
	text[strlen("/a=openssl") + 2000] = '\0';
	assert_int_equal(library_claim_parse(text, &claim, why), -EINVAL);
}

#define BODY "55 48 89 e5 c3"

static const struct {
	const char *name, *claim; /* behind the file's path */
	struct build_function functions[BUILD_SLOTS + 1];
	const char *expected; /* a part of why it is wrong; NULL: it is right */
} files[] = {
	{ "two that have no symbol",
	  "openssl,SSL_read@0x1100,SSL_write@0x1200",
	  { { "", BODY }, { "", BODY }, { "", BODY } },
	  NULL },
	{ "symbols say the rest", "openssl,SSL_read@0x1100", { { "SSL_write", BODY }, { "", BODY } }, NULL },
	{ "symbols say all", "openssl", { { "SSL_write", BODY }, { "SSL_read", BODY } }, NULL },
	{ "behind endbr64 none begins, at it one does",
	  "openssl,SSL_read@0x1101,SSL_write@0x1200",
	  { { "", BODY }, { "", "90 f3 0f 1e fa c3" }, { "", BODY } },
	  NULL },
	{ "no writing",
	  "openssl,SSL_read@0x1100",
	  { { "", BODY }, { "", BODY } },
	  "has no symbol SSL_write: say where it stands (SSL_write@OFFSET)" },
	{ "no reading",
	  "gnutls,gnutls_record_send@0x1000",
	  { { "", BODY } },
	  "has no symbol gnutls_record_recv: say" },
	{ "outside of the code",
	  "openssl,SSL_read@0x900,SSL_write@0x1000",
	  { { "", BODY } },
	  "SSL_read@0x900: no code stands at that offset" },
	{ "behind the file",
	  "openssl,SSL_read@0x99999999,SSL_write@0x1000",
	  { { "", BODY } },
	  "no code stands at that offset" },
	{ "inside of a function",
	  "openssl,SSL_read@0x1001,SSL_write@0x1100",
	  { { "", BODY }, { "", BODY } },
	  "SSL_read@0x1001: no function begins there" },
	{ "no instruction",
	  "openssl,SSL_read@0x1000,SSL_write@0x1100",
	  { { "", "06 06 06" }, { "", BODY } },
	  "SSL_read@0x1000: no function begins there" },
};

static void test_files(void **state)
{
	char path[] = "/tmp/hark-library-claim-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char text[256], why[CLAIM_WHY_MAX] = "";
		struct library_claim claim;
		struct build_image image;
		int err;

		build_fill(&image, EM_X86_64, files[i].functions);
		assert_int_equal(pwrite(fd, image.bytes, sizeof(image.bytes), 0), sizeof(image.bytes));
		snprintf(text, sizeof(text), "%s=%s", path, files[i].claim);
		assert_int_equal(library_claim_parse(text, &claim, why), 0);
		err = library_claim_check(&claim, why);
		if (err != (files[i].expected ? -EINVAL : 0) ||
		    !strstr(why, files[i].expected ? files[i].expected : ""))
			fail_msg("%s: %d '%s'", files[i].name, err, why);
		for (size_t j = 0; !err && j < claim.locations.count; j++)
			assert_int_equal(claim.locations.at[j].address,
					 BUILD_ADDRESS - BUILD_OFFSET + claim.offsets[j]);
	}
	assert_int_equal(ftruncate(fd, 100), 0);
	close(fd);
	unlink(path);
}

static void test_no_library(void **state)
{
	static const char *const rows[][2] = {
		{ "/no/such/file=openssl", "/no/such/file cannot be read: No such file" },
		{ "/dev/null=openssl", "/dev/null is no executable or library" },
		{ "/etc/passwd=openssl", "/etc/passwd is no executable or library" },
		{ "/tmp=openssl", "/tmp is no executable or library" },
	};
	struct library_claim claim;
	char why[CLAIM_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(library_claim_parse(rows[i][0], &claim, why), 0);
		assert_int_equal(library_claim_check(&claim, why), -EINVAL);
		assert_non_null(strstr(why, rows[i][1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_long_words),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
