/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes to a hello reader, whole and in pieces whose sizes the first byte
 * gives: both must say the same, and what they say must be plain text.
 */
#include "tls_hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void must_be_plain(const char *text, size_t size)
{
	must(memchr(text, '\0', size) != NULL);
	for (; *text; text++)
		must(*text > ' ' && *text < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_hello_reader whole, pieces;
	struct tls_hello said = { .version = 0 }, said_again = { .version = 0 };
	size_t step;

	if (!size)
		return 0;
	step = data[0] % 64 + 1;
	data++;
	size--;
	tls_hello_init(&whole);
	tls_hello_init(&pieces);
	tls_hello_feed(&whole, slice_of(data, size), &said);
	for (size_t at = 0; at < size; at += step)
		tls_hello_feed(&pieces, slice_of(data + at, size - at < step ? size - at : step),
			       &said_again);
	must(whole.kind == pieces.kind && whole.application == pieces.application);
	must(memcmp(&said, &said_again, sizeof(said)) == 0);
	must_be_plain(said.server_name, sizeof(said.server_name));
	must_be_plain(said.alpn, sizeof(said.alpn));
	tls_hello_fini(&whole);
	tls_hello_fini(&pieces);
	return 0;
}
