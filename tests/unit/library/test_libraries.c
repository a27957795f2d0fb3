/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of agent/library/libraries.c: the rows agree with each other, and files are told apart. */
#include "elf_build.h"
#include "library/elf_file.h"
#include "library/libraries.h"
#include "library/probe_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define EACH_ROW(row, i) (size_t i = 0; (row = libraries_row(i)); i++)

/* A number in a recording must never come to mean another library. */
static void test_numbers(void **state)
{
	static const struct {
		unsigned int number;
		const char *name;
	} numbers[] = { { 3, "openssl" }, { 4, "boringssl" }, { 5, "libressl" }, { 6, "go" },
			{ 7, "gnutls" },  { 8, "mbedtls" },   { 9, "wolfssl" },	 { 10, "nss" },
			{ 11, "rustls" }, { 12, "s2n" },      { 16, "nghttp3" } };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_non_null(libraries_find_number(numbers[i].number));
		assert_string_equal(libraries_find_number(numbers[i].number)->name, numbers[i].name);
	}
	for (unsigned int number = TLS_TRIAL_FIRST; number <= UINT8_MAX;
	     number++) /* files' own, in the kernel */
		assert_null(libraries_find_number(number));
	assert_null(libraries_find_number(SOURCE_UNKNOWN));
	assert_null(libraries_find_number(SOURCE_SOCKET));
	assert_null(libraries_find_number(SOURCE_SYSCALL));
	assert_null(libraries_find_number(255));
}

/* What is read or written is an argument, or lies where the object says; the result is always one of two
 * words. */
static void rust_function_check(const struct library_function *function)
{
	const struct tls_function *call = &function->call;
	bool moves = call->kind <= TLS_SENDFILE;

	assert_non_null(function->symbols);
	assert_int_equal(call->session, 1 | TLS_ARGUMENT_RUST);
	assert_true(call->done <= RUST_SENDABLE);
	assert_int_equal(moves, call->buffer && call->size && call->result == TLS_RETURNS_PAIR);
	assert_int_equal(call->fd, 0);
}

/* Where Go's and nghttp3's arguments are is no matter of the row. */
static void function_check(const struct library_row *row, const struct library_function *function)
{
	const struct tls_function *call = &function->call;
	bool moves = call->kind <= TLS_SENDFILE;
	bool copies = moves && call->kind != TLS_SENDFILE && call->kind != TLS_READ_APART;

	if (row->calls == LIBRARY_CALLS_GO) {
		assert_true(!call->session && !call->buffer && !call->size && !call->done && !call->fd);
		assert_true(call->kind == TLS_FREE || call->result != TLS_RETURNS_INT);
		return;
	}
	if (row->calls == LIBRARY_CALLS_STREAMS) {
		assert_true(!call->session && !call->buffer && !call->size && !call->done && !call->fd);
		assert_true(call->kind == TLS_FREE || call->kind == TLS_STREAM_NEW ||
			    call->kind == TLS_STREAM_OFFER || call->kind > TLS_WRITE_UNMEASURED);
		return;
	}
	if (row->calls == LIBRARY_CALLS_RUST) {
		rust_function_check(function);
		return;
	}
	assert_in_range(call->session & ~TLS_ARGUMENT_LAYER, 1, TLS_ARGUMENTS_MAX);
	assert_true(call->kind < TLS_CALL_KINDS);
	assert_int_equal(call->library, 0);
	assert_int_equal(copies, call->buffer && call->kind != TLS_PEEK);
	assert_true(!copies || (call->size & ~TLS_ARGUMENT_INT));
	assert_int_equal(call->kind == TLS_SET_FD, call->fd != 0);
	assert_int_equal((call->result >= TLS_STORES_IF_POSITIVE && call->kind != TLS_HANDSHAKE) ||
				 call->kind == TLS_READ_OR_PEEK || call->kind == TLS_WRITEV_OFFSET,
			 call->done != 0 && call->kind != TLS_SET_FD);
}

/* Each row says what its readers ask of it; each function fits into the kernel side. */
static void test_rows(void **state)
{
	const struct library_row *row;
	size_t functions = 0;

	(void)state;
	for
		EACH_ROW(row, i)
		{
			assert_true(row->name && row->title && row->unread);
			assert_true(libraries_has_name(row->name));
			assert_true(row->used_by || (!row->number && !row->untried)); /* for README's table */
			assert_true(row->number || row->limit);
			assert_true(strlen(row->limit ? row->limit : "") <= 80);
			assert_int_equal(row->text || row->sections[0], libraries_inside() >> i & 1);
			assert_int_equal(row->number != 0, row->functions != NULL);
			assert_int_equal(row->number != 0, row->signs[0] != NULL);
			assert_int_equal(row->number != 0, libraries_followed() >> i & 1);
			if (row->number)
				assert_ptr_equal(libraries_find_number(row->number), row);
			else
				assert_true(row->file || row->sections[0] || row->text);
			for (const struct library_function *at = row->functions; at && at->name;
			     at++, functions++)
				function_check(row, at);
		}
	assert_true(functions <= TLS_SLOTS);
	assert_false(libraries_has_name("yes"));
	assert_false(libraries_has_name(""));
}

/* Relatives have the same functions, and one of their own. */
#define SINK "_ZN1_$LT$rustls..conn..ConnectionCommon$LT$T$GT$$u20$as$u20$rustls..conn..PlaintextSink$GT$"

static void test_files(void **state)
{
	static const struct {
		const char *expected;
		struct build_function functions[BUILD_SLOTS + 1];
	} files[] = {
		{ "openssl", { { "SSL_read", "55 c3" }, { "SSL_write", "55 c3" } } },
		{ "openssl",
		  { { "SSL_read", "55 c3" },
		    { "SSL_write", "55 c3" },
		    { "SSL_read_ex", "55 c3" },
		    { "SSL_CTX_set_tmp_dh_callback", "c3" } } },
		{ "boringssl",
		  { { "SSL_read", "55 c3" },
		    { "SSL_write", "55 c3" },
		    { "SSL_CTX_set_select_certificate_cb", "c3" } } },
		{ "libressl",
		  { { "SSL_read", "55 c3" },
		    { "SSL_write", "55 c3" },
		    { "SSL_CTX_load_verify_mem", "c3" } } },
		{ "", { { "SSL_read", "55 c3" } } },
		{ "", { { "SSL_write", "55 c3" }, { "SSL_CTX_load_verify_mem", "c3" } } },
		{ "gnutls", { { "gnutls_record_send", "55 c3" }, { "gnutls_record_recv", "55 c3" } } },
		{ "mbedtls", { { "mbedtls_ssl_read", "55 c3" }, { "mbedtls_ssl_write", "55 c3" } } },
		{ "wolfssl", { { "wolfSSL_read", "55 c3" }, { "wolfSSL_write", "55 c3" } } },
		{ "s2n", { { "s2n_recv", "55 c3" }, { "s2n_send", "55 c3" } } },
		{ "", { { "s2n_send", "55 c3" } } },
		{ "nghttp3",
		  { { "nghttp3_conn_read_stream", "55 c3" }, { "nghttp3_conn_writev_stream", "55 c3" } } },
		{ "", { { "gnutls_record_recv", "55 c3" } } },
		{ "rustls",
		  { { SINK "5write17h0E", "55 c3" },
		    { "_ZN6rustls6vecbuf14ChunkVecBuffer8write_to17h0E", "55 c3" },
		    { "_ZN1_$LT$rustls..conn..Reader$u20$as$u20$std..io..Read$GT$4read17h0E", "55 c3" },
		    { "_ZN6rustls4conn11CommonState16current_io_state17h0E",
		      "48 8b 56 40 48 8b 56 48 48 8b 56 50 48 8b 56 58 "
		      "48 8b 56 10 48 8b 56 18 48 8b 56 20 48 8b 56 28 c3" },
		    { "_ZN6rustls6vecbuf14ChunkVecBuffer7is_full17h0E",
		      "48 8b 57 10 48 8b 57 18 48 8b 57 20 48 8b 57 28 c3" } } },
		{ "", /* what reads was inlined */
		  { { SINK "5write17h0E", "55 c3" },
		    { "_ZN6rustls6vecbuf14ChunkVecBuffer8write_to17h0E", "55 c3" },
		    { "_ZN6rustls4conn11CommonState16current_io_state17h0E", "c3" },
		    { "_ZN6rustls6vecbuf14ChunkVecBuffer7is_full17h0E", "c3" } } },
		{ "", { { "", "c3" } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct probe_site sites[PROBE_SITES_MAX];
		const struct library_row *row;
		struct build_image image;
		struct elf_file *elf;
		int fd, count;

		build_fill(&image, EM_X86_64, files[i].functions);
		fd = build_file(image.bytes, sizeof(image.bytes));
		elf = elf_file_open_fd(fd);
		close(fd);
		row = libraries_find_file(elf);
		assert_string_equal(row ? row->name : "", files[i].expected);
		count = row ? probe_sites_choose(elf, &(struct library_found){ .row = row }, sites) : 0;
		assert_int_equal(count >= 2, row != NULL);
		for (int j = 0; j < count; j++)
			assert_int_equal(sites[j].call.library, row->number);
		elf_file_close(elf);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *first, *second, *why;
	} cases[] = {
		{ "libc.so.6", "", NULL },
		{ "libgnutls.so.30", "",
		  "its GnuTLS is followed, but no call of it was seen for this connection" },
		{ "libssl3.so", "", "its NSS is followed, but no call of it was seen for this connection" },
		{ "libtls.so.28", "", "LibreSSL's libtls, which hark does not follow" },
		{ "libssl.so.3", "",
		  "its OpenSSL is followed, but no call of it was seen for this connection" },
		/* Java takes it out of a jar each time, by another name, and removes it. */
		{ "libconscrypt_openjdk_jni-linux-x86_641.so (deleted)", "libjvm.so",
		  "Conscrypt's BoringSSL, without symbols: no call of it was seen (--tls-library can say "
		  "where its functions stand)" },
		/* Beside OpenSSL others are mostly a library's library. */
		{ "libssl3.so", "libssl.so.3",
		  "its OpenSSL is followed, but no call of it was seen for this connection" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t rows = libraries_of_name(cases[i].first) | libraries_of_name(cases[i].second);
		const char *why = libraries_why(rows, 0);

		assert_string_equal(why ? why : "", cases[i].why ? cases[i].why : "");
		assert_int_equal(libraries_why_followed(why), why && strncmp(why, "its ", 4) == 0);
		assert_int_equal(libraries_without_texts(rows), rows);
	}
}

/* What an executable holds is what it was linked with; what it maps often came along. */
static void test_inside(void **state)
{
	static const char boringssl[] = "BoringSSL inside";
	uint32_t gnutls = libraries_of_name("libgnutls.so.30"), inside = 0;
	const struct library_row *row;

	(void)state;
	for
		EACH_ROW(row, i)
		{
			if (strcmp(row->title, boringssl) == 0)
				inside = 1u << i;
		}
	assert_true(inside & libraries_inside());
	assert_memory_equal(libraries_why(gnutls, inside), boringssl, strlen(boringssl));
	assert_memory_equal(libraries_why(0, inside), boringssl, strlen(boringssl));
	assert_string_equal(libraries_why(inside, gnutls),
			    "its GnuTLS is followed, but no call of it was seen for this connection");
	assert_null(libraries_why(0, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_rows),   cmocka_unit_test(test_files),
		cmocka_unit_test(test_names),	cmocka_unit_test(test_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
