/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a datagram; and, since no key opens what a fuzzer makes up, as the frames of a packet that was
 * opened. What comes out must be plain text, and packets must lie inside of their datagram.
 */
#include "../../protocols/quic_initial.c"

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

static void as_datagram(struct slice rest)
{
	const uint8_t *end = rest.data + rest.len;
	struct quic_initial *initial = NULL;
	struct tls_hello said = { .version = 0 };
	struct quic_packet packet;

	while (quic_initial_next(&rest, &packet)) {
		must(packet.bytes.data + packet.bytes.len <= end && packet.number_offset <= packet.bytes.len);
		must(packet.id.len <= QUIC_ID_MAX_BYTES && packet.source.len <= QUIC_ID_MAX_BYTES);
		if (!initial)
			initial = quic_initial_new(&packet);
		if (initial)
			quic_initial_feed(initial, &packet, &said);
	}
	quic_initial_free(initial);
	must_be_plain(said.server_name, sizeof(said.server_name));
}

static void as_frames(struct slice rest)
{
	struct quic_initial initial = { .kind = TLS_HELLO_MORE };
	struct tls_hello said = { .version = 0 };

	while (rest.len && frame_take(&initial, &rest, &said))
		must(!initial.crypto || initial.kind == TLS_HELLO_MORE);
	must_be_plain(said.server_name, sizeof(said.server_name));
	must_be_plain(said.alpn, sizeof(said.alpn));
	free(initial.crypto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_datagram(slice_of(data, size));
	as_frames(slice_of(data, size));
	return 0;
}
