/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three layers, each with lengths that nobody vouches for: records, handshake
 * messages that may be split over records, and the fields of a hello.
 *
 * Only the first message of a direction is read; one that is damaged anywhere
 * tells nothing at all, for half of a name would be another name. Records are
 * followed further by their headers, to see application data begin.
 *
 * Invariants: message_len <= 4 + TLS_HELLO_LIMIT_BYTES; `message` is allocated
 * only while the hello is awaited.
 */
#include "tls_hello.h"

#include <stdlib.h>
#include <string.h>

#define RECORD_HEADER_BYTES  5
#define RECORD_LIMIT_BYTES   (16384 + 2048) /* RFC 5246, 6.2.3 */
#define MESSAGE_HEADER_BYTES 4
#define RANDOM_BYTES	     32
#define HOST_NAME	     0 /* RFC 6066, 3 */

enum content_type { /* RFC 8446, 5.1 */
	CONTENT_CHANGE_CIPHER_SPEC = 20,
	CONTENT_ALERT = 21,
	CONTENT_HANDSHAKE = 22,
	CONTENT_APPLICATION = 23,
};

enum handshake_type { /* RFC 8446, 4 */
	HANDSHAKE_CLIENT_HELLO = 1,
	HANDSHAKE_SERVER_HELLO = 2,
};

enum extension_type { /* RFC 8446, 4.2 */
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_ALPN = 16,
	EXTENSION_SUPPORTED_VERSIONS = 43,
};

/* --- fields ------------------------------------------------------------------- */

static bool take_bytes(struct slice *from, size_t n, struct slice *out)
{
	if (from->len < n)
		return false;
	*out = slice_take(*from, n);
	*from = slice_drop(*from, n);
	return true;
}

/* A number of `width` bytes in network order. */
static bool take_number(struct slice *from, size_t width, size_t *out)
{
	struct slice bytes;

	if (!take_bytes(from, width, &bytes))
		return false;
	*out = 0;
	for (size_t i = 0; i < width; i++)
		*out = *out << 8 | bytes.data[i];
	return true;
}

/* A vector: its length in `width` bytes, then so many bytes. */
static bool take_vector(struct slice *from, size_t width, struct slice *out)
{
	size_t len;

	return take_number(from, width, &len) && take_bytes(from, len, out);
}

/* Grease (RFC 8701) and whatever could be taken for more than one name are not shown. */
static bool name_is_plain(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == ',')
			return false;
	return name.len > 0;
}

/* --- extensions ---------------------------------------------------------------- */

static bool read_server_name(struct slice data, struct tls_hello *out)
{
	struct slice list, name;
	size_t type;

	if (!data.len) /* a server's acknowledgement */
		return true;
	if (!take_vector(&data, 2, &list))
		return false;
	while (list.len) {
		if (!take_number(&list, 1, &type) || !take_vector(&list, 2, &name))
			return false;
		if (type != HOST_NAME || !name_is_plain(name) || name.len >= sizeof(out->server_name))
			continue;
		memcpy(out->server_name, name.data, name.len);
		out->server_name[name.len] = '\0';
	}
	return true;
}

/* A name that does not fit ends the list: the names are in the order of the client's preference. */
static bool read_alpn(struct slice data, struct tls_hello *out)
{
	struct slice list, name;
	bool full = false;
	size_t used = 0;

	if (!take_vector(&data, 2, &list))
		return false;
	while (list.len) {
		if (!take_vector(&list, 1, &name))
			return false;
		full = full || used + (used > 0) + name.len >= sizeof(out->alpn);
		if (full || !name_is_plain(name))
			continue;
		if (used)
			out->alpn[used++] = ',';
		memcpy(out->alpn + used, name.data, name.len);
		used += name.len;
		out->alpn[used] = '\0';
	}
	return true;
}

/* 0x0a0a, 0x1a1a, … (RFC 8701) */
static bool version_is_grease(size_t version)
{
	return (version & 0x0f0f) == 0x0a0a && version >> 8 == (version & 0xff);
}

static bool read_versions(struct slice data, bool client, struct tls_hello *out)
{
	struct slice list = data;
	size_t version, highest = 0;

	if (client && !take_vector(&data, 1, &list))
		return false;
	if (!client && list.len != 2)
		return false;
	while (list.len) {
		if (!take_number(&list, 2, &version))
			return false;
		if (version > highest && !version_is_grease(version))
			highest = version;
	}
	if (highest)
		out->version = (uint16_t)highest;
	return true;
}

static bool read_extension(size_t type, struct slice data, bool client, struct tls_hello *out)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		return read_server_name(data, out);
	case EXTENSION_ALPN:
		return read_alpn(data, out);
	case EXTENSION_SUPPORTED_VERSIONS:
		return read_versions(data, client, out);
	}
	return true;
}

/* --- hellos -------------------------------------------------------------------- */

/* RFC 8446, 4.1.2 and 4.1.3. Before TLS 1.2 the extensions may be missing altogether. */
static bool read_hello(struct slice body, bool client, struct tls_hello *out)
{
	struct slice random, ignored, extensions, data;
	size_t version, number, type;

	if (!take_number(&body, 2, &version) || !take_bytes(&body, RANDOM_BYTES, &random) ||
	    !take_vector(&body, 1, &ignored))
		return false;
	out->version = (uint16_t)version;
	memcpy(&out->hello_id, random.data + TLS_HELLO_ID_AT, sizeof(out->hello_id));
	if (client ? !take_vector(&body, 2, &ignored) || !take_vector(&body, 1, &ignored)
		   : !take_number(&body, 2, &number) || !take_number(&body, 1, &number))
		return false;
	if (!body.len)
		return true;
	if (!take_vector(&body, 2, &extensions) || body.len)
		return false;
	while (extensions.len) {
		if (!take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &data) ||
		    !read_extension(type, data, client, out))
			return false;
	}
	return true;
}

/* A server's wish for another hello has the random of RFC 8446, 4.1.3, and its own hello is still to come. */
static bool is_retry(struct slice body)
{
	static const uint8_t random[RANDOM_BYTES] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
		0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
		0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};

	return body.len >= 2 + sizeof(random) && memcmp(body.data + 2, random, sizeof(random)) == 0;
}

/* --- messages ------------------------------------------------------------------ */

static void decide(struct tls_hello_reader *reader, enum tls_hello_kind kind)
{
	if (kind == TLS_HELLO_MORE)
		return;
	reader->kind = kind;
	reader->message_len = 0;
	if (kind == TLS_HELLO_RETRY)
		return;
	free(reader->message);
	reader->message = NULL;
}

static size_t body_size(const uint8_t *header)
{
	return (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
}

enum tls_hello_kind tls_hello_read(struct slice message, struct tls_hello *out)
{
	struct tls_hello hello = { .version = 0 };
	struct slice body = slice_drop(message, MESSAGE_HEADER_BYTES);
	bool client;
	size_t size;

	if (!message.len)
		return TLS_HELLO_MORE;
	client = message.data[0] == HANDSHAKE_CLIENT_HELLO;
	if (!client && message.data[0] != HANDSHAKE_SERVER_HELLO)
		return TLS_HELLO_NONE;
	if (message.len < MESSAGE_HEADER_BYTES)
		return TLS_HELLO_MORE;
	size = body_size(message.data);
	if (size > TLS_HELLO_LIMIT_BYTES)
		return TLS_HELLO_NONE;
	if (body.len < size)
		return TLS_HELLO_MORE;
	if (!read_hello(slice_take(body, size), client, &hello))
		return TLS_HELLO_NONE;
	*out = hello;
	if (!client && is_retry(slice_take(body, size)))
		return TLS_HELLO_RETRY;
	return client ? TLS_HELLO_CLIENT : TLS_HELLO_SERVER;
}

/* Appends up to `wanted` bytes in all; how many were taken. */
static size_t message_fill(struct tls_hello_reader *reader, struct slice bytes, size_t wanted)
{
	bytes = slice_take(bytes, wanted - reader->message_len);
	memcpy(reader->message + reader->message_len, bytes.data, bytes.len);
	reader->message_len += bytes.len;
	return bytes.len;
}

/* Bytes of a handshake record, not empty; what follows the first message is not looked at. */
static enum tls_hello_kind message_feed(struct tls_hello_reader *reader, struct slice bytes,
					struct tls_hello *out)
{
	size_t size;

	if (!reader->message)
		reader->message = malloc(MESSAGE_HEADER_BYTES + TLS_HELLO_LIMIT_BYTES);
	if (!reader->message)
		return TLS_HELLO_NONE;
	if (reader->message_len < MESSAGE_HEADER_BYTES)
		bytes = slice_drop(bytes, message_fill(reader, bytes, MESSAGE_HEADER_BYTES));
	size = reader->message_len < MESSAGE_HEADER_BYTES ? 0 : body_size(reader->message);
	if (size <= TLS_HELLO_LIMIT_BYTES)
		message_fill(reader, bytes, MESSAGE_HEADER_BYTES + size);
	return tls_hello_read(slice_of(reader->message, reader->message_len), out);
}

/* --- records ------------------------------------------------------------------- */

static void lose(struct tls_hello_reader *reader)
{
	reader->lost = true;
	if (tls_hello_awaited(reader->kind))
		decide(reader, TLS_HELLO_NONE);
}

/* A whole record header: may this record stand here? */
static void record_begin(struct tls_hello_reader *reader)
{
	const uint8_t *header = reader->header;
	bool within = reader->message_len > 0; /* nothing may come between the parts of a message */

	reader->record_left = (size_t)header[3] << 8 | header[4];
	if (header[1] != 3 || reader->record_left > RECORD_LIMIT_BYTES) {
		lose(reader);
		return;
	}
	switch (header[0]) {
	case CONTENT_HANDSHAKE:
		if (!reader->record_left)
			lose(reader);
		return;
	case CONTENT_CHANGE_CIPHER_SPEC:
	case CONTENT_ALERT:
		if (within)
			lose(reader);
		return;
	case CONTENT_APPLICATION:
		reader->application++;
		if (tls_hello_awaited(reader->kind))
			lose(reader);
		return;
	}
	lose(reader);
}

void tls_hello_init(struct tls_hello_reader *reader)
{
	*reader = (struct tls_hello_reader){ .kind = TLS_HELLO_MORE };
}

size_t tls_hello_memory(const struct tls_hello_reader *reader)
{
	return reader->message ? MESSAGE_HEADER_BYTES + TLS_HELLO_LIMIT_BYTES : 0;
}

void tls_hello_fini(struct tls_hello_reader *reader)
{
	free(reader->message);
	tls_hello_init(reader);
}

enum tls_hello_kind tls_hello_feed(struct tls_hello_reader *reader, struct slice bytes, struct tls_hello *out)
{
	enum tls_hello_kind kind;
	struct slice part;

	while (bytes.len && !reader->lost) {
		if (reader->header_len < RECORD_HEADER_BYTES) {
			reader->header[reader->header_len++] = bytes.data[0];
			bytes = slice_drop(bytes, 1);
			if (reader->header_len == RECORD_HEADER_BYTES)
				record_begin(reader);
		} else {
			part = slice_take(bytes, reader->record_left);
			bytes = slice_drop(bytes, part.len);
			reader->record_left -= part.len;
			if (reader->header[0] == CONTENT_HANDSHAKE && tls_hello_awaited(reader->kind) &&
			    !reader->behind) {
				kind = message_feed(reader, part, out);
				decide(reader, kind);
				reader->behind = kind == TLS_HELLO_RETRY;
			}
		}
		if (reader->header_len == RECORD_HEADER_BYTES && !reader->record_left) {
			reader->header_len = 0;
			reader->behind = false;
		}
	}
	return reader->kind;
}

void tls_hello_hole(struct tls_hello_reader *reader)
{
	lose(reader);
}
