/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of agent/library/probe_site.c: libraries of a few hand-assembled functions in
 * the shapes that compilers gave real ones, and the system's own libssl.
 */
#include "elf_build.h"
#include "library/library_cache.h"
#include "library/probe_site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

/* Bodies. Slots: 0 SSL_read, 1 SSL_read_ex, 2 SSL_write, 3 SSL_write_ex, then what a row needs. */
#define PLAIN(slot)	"48 83 ec 18 48 89 e1 48 63 d2 e8 @" #slot " 48 83 c4 18 c3"
#define PLAIN_LEA(slot) "48 83 ec 18 48 8d 4c 24 08 48 63 d2 e8 @" #slot " 48 83 c4 18 c3"
#define PLAIN_R8(slot)	"48 83 ec 18 31 c9 48 63 d2 49 89 e0 e8 @" #slot " 48 83 c4 18 c3"
#define EX(slot)	"48 83 ec 08 e8 @" #slot " 48 83 c4 08 c3"
#define EX_STUB(slot)	"49 89 c8 31 c9 e9 @" #slot
#define CALLEE		"41 55 41 54 c3"
#define CALLEE_ENDBR	"f3 0f 1e fa 41 55 c3"
#define CALLEE_SUB	"48 83 ec 18 c3"
#define STUB		"ff 25 00 10 00 00"
#define STUB_ENDBR	"f3 0f 1e fa f2 ff 25 00 10 00 00"
#define INLINED		"55 48 89 e5 c3"
#define GO_LOOK		"49 3b 66 10 0f 86 00 00 00 00 "
#define GO_DEFER	"48 8b 54 24 50 48 8b 02 ff d0 "
#define GO_RESULTS	"48 8b 44 24 20 48 8b 5c 24 30 48 83 c4 58 5d "
#define GO_LOOK_LEA	"4c 8d 64 24 b8 4d 3b 66 10 0f 86 00 00 00 00 "

struct row {
	const char *name;
	struct build_function functions[BUILD_SLOTS + 1];
	const char *expected; /* call@slot+offset, and how: c callee, e entry, p past endbr64, s stepped, f
			       * behind a stepped one, b behind a refused one, j, k at and past Go's look at
			       * the stack, r a return, d what it defers */
};

static const struct row rows[] = {
	{ "wrappers around common callees",
	  { { "SSL_read", PLAIN(4) },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN_LEA(5) },
	    { "SSL_write_ex", EX(5) },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read_ex@4+0c write_ex@5+0c" },
	{ "callees with endbr64",
	  { { "SSL_read", PLAIN(4) },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN(5) },
	    { "SSL_write_ex", EX(5) },
	    { "", CALLEE_ENDBR },
	    { "", CALLEE_ENDBR } },
	  "read_ex@4+4c write_ex@5+4c" },
	{ "write with flags, write_ex through a stub to write_ex2",
	  { { "SSL_read", PLAIN(4) },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN_R8(5) },
	    { "SSL_write_ex", EX_STUB(7) },
	    { "", CALLEE },
	    { "", CALLEE },
	    { "SSL_write_ex2", EX(5) },
	    { "", STUB_ENDBR } },
	  "read_ex@4+0c write_ex2@5+0c" },
	{ "the same with a callee that is stepped: the tail call is probed once",
	  { { "SSL_read", INLINED },
	    { "SSL_read_ex", INLINED },
	    { "SSL_write", PLAIN_R8(5) },
	    { "SSL_write_ex", EX_STUB(7) },
	    { "", CALLEE },
	    { "", CALLEE_SUB },
	    { "SSL_write_ex2", EX(5) },
	    { "", STUB } },
	  "read@0+0e read_ex@1+0e write@2+0s write_ex2@6+0s" },
	{ "a direct tail call is probed once, too",
	  { { "SSL_read", INLINED },
	    { "SSL_read_ex", INLINED },
	    { "SSL_write", INLINED },
	    { "SSL_write_ex", EX_STUB(6) },
	    { "", "" },
	    { "", "" },
	    { "SSL_write_ex2", INLINED } },
	  "read@0+0e read_ex@1+0e write@2+0e write_ex2@6+0e" },
	{ "all inlined: both are probed, each with its signature",
	  { { "SSL_read", INLINED },
	    { "SSL_read_ex", INLINED },
	    { "SSL_write", INLINED },
	    { "SSL_write_ex", INLINED },
	    { "", "" },
	    { "", "" },
	    { "SSL_write_ex2", INLINED } },
	  "read@0+0e read_ex@1+0e write@2+0e write_ex2@6+0e write_ex@3+0e" },
	{ "different callees",
	  { { "SSL_read", PLAIN(4) },
	    { "SSL_read_ex", EX(5) },
	    { "SSL_write", PLAIN(5) },
	    { "SSL_write_ex", EX(4) },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read@0+0s read_ex@1+0s write@2+0s write_ex@3+0s" },
	{ "shared helpers without the address of a local (static executables)",
	  { { "SSL_read", "55 e8 @4 5d c3" },
	    { "SSL_read_ex", "55 e8 @4 5d c3" },
	    { "SSL_write", "55 48 89 e1 e8 @5 e8 @4 5d c3" },
	    { "SSL_write_ex", "55 e8 @4 5d c3" },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read@0+0e read_ex@1+0e write@2+0e write_ex@3+0e" },
	{ "two calls with the address of a local: not clear",
	  { { "SSL_read", "48 89 e1 e8 @4 48 89 e1 e8 @5 c3" },
	    { "SSL_read_ex", "48 83 ec 08 e8 @4 e8 @5 c3" },
	    { "SSL_write", PLAIN(5) },
	    { "SSL_write_ex", EX(5) },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read@0+0s read_ex@1+0s write_ex@5+0c" },
	{ "the address is overwritten before the call",
	  { { "SSL_read", "48 89 e1 31 c9 e8 @4 c3" },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN(5) },
	    { "SSL_write_ex", EX(5) },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read@0+0s read_ex@1+0s write_ex@5+0c" },
	{ "a read has no fifth argument",
	  { { "SSL_read", PLAIN_R8(4) },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN(5) },
	    { "SSL_write_ex", EX(5) },
	    { "", CALLEE },
	    { "", CALLEE } },
	  "read@0+0s read_ex@1+0s write_ex@5+0c" },
	{ "the callee is a stub, or outside the code",
	  { { "SSL_read", PLAIN(4) },
	    { "SSL_read_ex", EX(4) },
	    { "SSL_write", PLAIN(999) },
	    { "SSL_write_ex", EX(999) },
	    { "", STUB } },
	  "read@0+0s read_ex@1+0s write@2+0s write_ex@3+0s" },
	{ "no _ex (BoringSSL, OpenSSL 1.1.0), entries past endbr64, and the rest",
	  { { "SSL_read", "f3 0f 1e fa 55 c3" },
	    { "SSL_free", "48 85 ff c3" },
	    { "SSL_write", "f3 0f 1e fa 41 57 c3" },
	    { "SSL_do_handshake", "53 c3" },
	    { "SSL_set_fd", "55 c3" },
	    { "SSL_peek", "90 c3" },
	    { "SSL_sendfile", "41 56 c3" } },
	  "read@0+4p write@2+4p peek@5+0e handshake@3+0e sendfile@6+0e free@1+0s set_fd@4+0e" },
	{ "GnuTLS: the jump to send2 is probed once",
	  { { "gnutls_record_send", "45 31 c0 31 c9 e9 @7" },
	    { "gnutls_record_send2", CALLEE },
	    { "gnutls_record_recv", "48 83 ec 08 e9 @6" },
	    { "gnutls_record_recv_seq", "49 89 c8 e9 @6" },
	    { "gnutls_record_uncork", CALLEE },
	    { "gnutls_transport_set_int2", "48 63 d2 c3" },
	    { "", CALLEE },
	    { "", STUB } },
	  "read@2+0s read@3+0s write@1+0e flush@4+0e set_fd_two@5+0s" },
	{ "GnuTLS: two functions, each a whole one",
	  { { "gnutls_record_send", INLINED },
	    { "gnutls_record_send2", INLINED },
	    { "gnutls_record_recv", INLINED } },
	  "read@2+0e write@0+0e write@1+0e" },
	{ "GnuTLS before 3.6.3",
	  { { "gnutls_record_send", INLINED }, { "gnutls_record_recv", INLINED } },
	  "read@1+0e write@0+0e" },
	{ "s2n: nothing is padded",
	  { { "s2n_recv", INLINED },
	    { "s2n_send", CALLEE_SUB },
	    { "s2n_sendv_with_offset", INLINED },
	    { "s2n_recv_impl", INLINED },
	    { "s2n_connection_free", INLINED } },
	  "read@0+0e write@1+0s writev_offset@2+0e free@4+0e" },
	{ "s2n: first instructions that the kernel refuses, and what is behind them",
	  { { "s2n_recv", "2e 2e 2e 2e 41 54 " INLINED },
	    { "s2n_send", CALLEE_SUB },
	    { "s2n_sendv_with_offset", "2e 2e 41 54 2e 2e 53 48 83 ec 08 c3" },
	    { "s2n_recv_impl", INLINED },
	    { "s2n_connection_free", "2e 53 " CALLEE },
	    { "s2n_connection_wipe", "36 53 3e 41 54 90 c3" } },
	  "read@3+0b write@1+0s write_unmeasured@2+7b free@4+2b free@5+5b" },
	{ "s2n: what is behind is refused, too: nothing is probed",
	  { { "s2n_recv", "2e 53 c3" }, { "s2n_send", INLINED }, { "s2n_recv_impl", "26 53 c3" } },
	  "unknown form" },
	{ "s2n: nothing is known to be behind",
	  { { "s2n_recv", "2e 53 c3" }, { "s2n_send", INLINED } },
	  "unknown form" },
	{ "s2n: the arguments are gone",
	  { { "s2n_recv", INLINED }, { "s2n_send", INLINED }, { "s2n_connection_free", "2e 89 c7 c3" } },
	  "unknown form" },
	{ "segments of threads and other prefixes are taken",
	  { { "s2n_recv", "64 48 8b 04 25 28 00 00 00 c3" }, { "s2n_send", "66 90 c3" } },
	  "read@0+0s write@1+0e" },
	{ "behind what is stepped and changes nothing that is looked at",
	  { { "SSL_read", "48 85 ff 74 02 53 c3 c3" },
	    { "SSL_write", "31 c0 48 8b 47 30 55 c3" },
	    { "SSL_free", "f3 0f 1e fa 48 85 ff 74 01 c3 c3" } },
	  "read@0+3f write@1+6f free@2+7f" },
	{ "an argument is changed, a local is made, a call's buffer may be written to",
	  { { "SSL_read", "48 89 d6 53 c3" },
	    { "SSL_write", "48 83 ec 08 53 c3" },
	    { "SSL_peek", "c6 06 00 53 c3" } },
	  "read@0+0s write@1+0s peek@2+0s" },
	{ "the function comes back there: to the site, to before it; perhaps, from outside; by a computed "
	  "jump",
	  { { "SSL_read", "48 85 ff 74 02 eb fc c3" },
	    { "SSL_write", "48 85 ff 53 75 fa c3" },
	    { "SSL_peek", "48 85 ff 0f 84 00 10 00 00 c3" },
	    { "SSL_free", "48 85 ff 74 01 c3 ff e0" } },
	  "read@0+0s write@1+0s peek@2+0s free@3+0s" },
	{ "what is stored for the return to see",
	  { { "nghttp3_conn_read_stream", "53 c3" },
	    { "nghttp3_conn_writev_stream", "48 c7 06 ff ff ff ff 4d 85 c0 74 01 c3 c3" } },
	  "stream_read@0+0e stream_offer@1+10f" },
	{ "only one of the two", { { "SSL_read", INLINED } }, "" },
	{ "neither", { { "SSL_readx", INLINED }, { "SSL_writex", INLINED } }, "" },
	{ "Go: behind the look at the stack, and each return",
	  { { "crypto/tls.(*Conn).Read", GO_LOOK "55 48 89 e5 5d c3 90 5d c3 cc" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK_LEA "55 5d c3" },
	    { "crypto/tls.(*Conn).clientHandshake", GO_LOOK "55 5d c3" },
	    { "crypto/tls.(*Conn).Close", GO_LOOK "55 5d c3" } },
	  "read@0+10k read@0+15r read@0+18r write@1+15k write@1+17r handshake@2+10k handshake@2+12r "
	  "free@3+10k" },
	{ "Go before 1.21: the jump of that look",
	  { { "crypto/tls.(*Conn).Read", GO_LOOK "48 83 ec 58 c3" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK_LEA "48 83 ec 58 c3" } },
	  "read@0+4j read@0+14r write@1+9j write@1+19r" },
	{ "Go before 1.17: arguments on the stack",
	  { { "crypto/tls.(*Conn).Read", "64 48 8b 0c 25 f8 ff ff ff 48 3b 61 10 76 00 48 83 ec 58 c3" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK "55 5d c3" } },
	  "" },
	{ "Go: what is deferred, instead of the returns behind it",
	  { { "crypto/tls.(*Conn).Read",
	      GO_LOOK "55 48 8d 0d @2 " GO_RESULTS "c3 " GO_DEFER "c6 44 24 1f 00 " GO_RESULTS
		      "c3 " GO_DEFER GO_RESULTS "0f 1f 00 c3" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK "55 48 8d 0d @4 " GO_DEFER GO_RESULTS "c3 " GO_DEFER
						  "c6 44 24 1f 00 " GO_DEFER GO_RESULTS "c3" },
	    { "crypto/tls.(*Conn).Read.deferwrap1", GO_LOOK "55 48 89 e5 5d c3" },
	    { "crypto/tls.(*Conn).Write.func1", "48 8b 42 08 c3" },
	    { "crypto/tls.(*Conn).Write.func2", "4d 8b 66 20 75 00 48 8b 42 08 c3" } },
	  "read@0+10k read@0+33r read_20@2+4d write@1+10k write@1+43r write_20@4+4d" },
	{ "Go: what is deferred, where results stand in two places, and one that takes no such function",
	  { { "crypto/tls.(*Conn).Read", GO_LOOK "55 48 8d 0d @2 " GO_DEFER GO_RESULTS "c3 " GO_DEFER
						 "48 8b 44 24 28 48 83 c4 58 5d c3" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK "55 " GO_DEFER GO_RESULTS "c3" },
	    { "crypto/tls.(*Conn).Read.deferwrap1", GO_LOOK "55 48 89 e5 5d c3" },
	    { "crypto/tls.(*Conn).Write.deferwrap1", GO_LOOK "55 48 89 e5 5d c3" } },
	  "read@0+10k read@0+64r read_20@2+4d write@1+10k write@1+36r" },
	{ "Go: one of two cannot be decoded",
	  { { "crypto/tls.(*Conn).Read", GO_LOOK "55 5d c3" },
	    { "crypto/tls.(*Conn).Write", GO_LOOK "55 06 c3" } },
	  "" },
	{ "code that cannot be decoded",
	  { { "SSL_read", "06 06" },
	    { "SSL_read_ex", "06" },
	    { "SSL_write", "48 83 ec 18 48 89 e1 e8 @4 06" },
	    { "SSL_write_ex", EX(4) },
	    { "", CALLEE } },
	  "read@0+0s read_ex@1+0s write@2+0s write_ex@3+0s" },
};

static char reason_letter(enum probe_reason reason)
{
	switch (reason) {
	case REASON_ENTRY_EMULATED:
		return 'e';
	case REASON_PAST_ENDBR:
		return 'p';
	case REASON_COMMON_CALLEE:
		return 'c';
	case REASON_PAST_REFUSED:
		return 'b';
	case REASON_PAST_STEPPED:
		return 'f';
	case REASON_STACK_CHECK:
		return 'j';
	case REASON_PAST_STACK_CHECK:
		return 'k';
	case REASON_RETURN:
		return 'r';
	case REASON_DEFERRED:
		return 'd';
	case REASON_ENTRY_STEPPED:
		return 's';
	}
	return '?';
}

/* By where the number of moved bytes goes. */
static const char *form_name(const struct tls_function *call)
{
	if (call->kind == TLS_SET_FD)
		return call->done ? "_two" : "";
	if (call->done && call->library == 6)
		return call->done == 1 + 0x20 / 8 ? "_20" : "_?";
	if (call->kind == TLS_WRITEV_OFFSET)
		return "_offset";
	if (call->done)
		assert_int_equal(call->result, TLS_STORES_IF_POSITIVE);
	return call->done == 4 ? "_ex" : call->done == 5 ? "_ex2" : "";
}

static void sites_print(char *out, size_t size, unsigned int machine, const struct build_function *functions)
{
	struct probe_site sites[PROBE_SITES_MAX];
	struct build_image image;
	const struct library_row *library;
	struct elf_file *elf;
	int fd, count;
	size_t at = 0;

	build_fill(&image, machine, functions);
	fd = build_file(image.bytes, sizeof(image.bytes));
	elf = elf_file_open_fd(fd);
	close(fd);
	assert_non_null(elf);
	library = libraries_find_file(elf);
	count = library ? probe_sites_choose(elf, &(struct library_found){ .row = library }, sites) : 0;
	if (library && library->calls == LIBRARY_CALLS_GO && count == -EILSEQ)
		count = 0;
	if (count == -EILSEQ) {
		elf_file_close(elf);
		snprintf(out, size, "unknown form");
		return;
	}
	assert_true(count >= 0 && count <= PROBE_SITES_MAX);
	elf_file_close(elf);
	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		uint64_t from = sites[i].file_offset - BUILD_OFFSET;

		assert_int_equal(sites[i].address - BUILD_ADDRESS, from);
		at += (size_t)snprintf(out + at, size - at, "%s%s%s@%u+%u%c", i ? " " : "",
				       probe_call_name(sites[i].call.kind), form_name(&sites[i].call),
				       (unsigned)(from / BUILD_SLOT_SIZE), (unsigned)(from % BUILD_SLOT_SIZE),
				       reason_letter(sites[i].reason));
		assert_true(at < size);
	}
}

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[512];

		sites_print(got, sizeof(got), EM_X86_64, rows[i].functions);
		if (strcmp(got, rows[i].expected) != 0)
			fail_msg("%s:\n got      %s\n expected %s", rows[i].name, got, rows[i].expected);
	}
}

/* Nothing is decoded there, so nothing is claimed about instructions. */
static void test_aarch64_takes_the_entries(void **state)
{
	char got[512];

	(void)state;
	sites_print(got, sizeof(got), EM_AARCH64, rows[0].functions);
	assert_string_equal(got, "read@0+0s read_ex@1+0s write@2+0s write_ex@3+0s");
}

/* The first of the machine's that defines a function of this name. */
struct system_library {
	const char *function;
	struct elf_file *elf;
};

static void system_take(void *ctx, const char *path)
{
	struct system_library *found = ctx;
	struct elf_symbol symbol;
	struct elf_file *elf;
	int fd;

	if (found->elf)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	elf = fd < 0 ? NULL : elf_file_open_fd(fd);
	if (fd >= 0)
		close(fd);
	if (elf && !elf_find_function(elf, found->function, &symbol))
		found->elf = elf;
	else
		elf_file_close(elf);
}

static bool is_libssl(const char *name)
{
	return strncmp(name, "libssl.so", strlen("libssl.so")) == 0;
}

/* Of the machine's own OpenSSL: one cheap site for reads and one for writes, none of them twice. */
static void test_system_libssl(void **state)
{
	struct system_library found = { .function = "SSL_read_ex" };
	struct probe_site sites[PROBE_SITES_MAX];
	unsigned int calls[TLS_CALL_KINDS] = { 0 };
	int count;

	(void)state;
	library_cache_each(is_libssl, system_take, &found);
	assert_non_null(found.elf);
	assert_non_null(libraries_find_file(found.elf));
	count = probe_sites_choose(found.elf,
				   &(struct library_found){ .row = libraries_find_file(found.elf) }, sites);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		calls[sites[i].call.kind]++;
		assert_int_equal(sites[i].call.library, SOURCE_OPENSSL);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(sites[i].file_offset, sites[j].file_offset);
	}
	assert_int_equal(calls[TLS_HANDSHAKE], 1);
	assert_int_equal(calls[TLS_FREE], 1);
	assert_int_equal(calls[TLS_SET_FD], 3);
	if (elf_is_x86_64(found.elf)) {
		assert_int_equal(calls[TLS_READ], 1);
		assert_int_equal(calls[TLS_WRITE], 1);
		assert_int_equal(sites[0].call.done, 4);
		assert_int_equal(sites[0].reason, REASON_COMMON_CALLEE);
		assert_memory_equal(sites[0].instruction, "push r", 6);
	}
	elf_file_close(found.elf);
}

static bool is_libcrypto(const char *name)
{
	return strncmp(name, "libcrypto.so", strlen("libcrypto.so")) == 0;
}

/* Ciphertext is in the same arguments at each site. */
static void test_system_libcrypto(void **state)
{
	struct system_library found = { .function = "BIO_write_ex" };
	struct probe_site sites[PROBE_SITES_MAX];
	int count;

	(void)state;
	library_cache_each(is_libcrypto, system_take, &found);
	assert_non_null(found.elf);
	assert_null(libraries_find_file(found.elf));
	count = probe_sites_choose(found.elf, &(struct library_found){ .row = &libraries_libcrypto }, sites);
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		assert_int_equal(sites[i].call.buffer, 2);
		assert_int_equal(sites[i].call.size & ~TLS_ARGUMENT_INT, 3);
	}
	elf_file_close(found.elf);
}

static void test_words(void **state)
{
	(void)state;
	for (int kind = 0; kind < TLS_CALL_KINDS; kind++)
		assert_true(probe_call_name(kind)[0] != '\0');
	for (int reason = REASON_ENTRY_EMULATED; reason <= REASON_RETURN; reason++)
		assert_true(probe_reason_text(reason, false)[0] && probe_reason_text(reason, true)[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	      cmocka_unit_test(test_aarch64_takes_the_entries),
		cmocka_unit_test(test_system_libssl), cmocka_unit_test(test_system_libcrypto),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
