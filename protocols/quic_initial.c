/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long headers, the keys of Initial packets, and the frames that a client's
 * may hold (RFC 9000, 12.4). The ciphers are libcrypto's.
 *
 * The hello's bytes come in CRYPTO frames in any order, doubly, with gaps and
 * in as many pieces as the client likes (browsers shuffle them on purpose): a
 * bit a byte says what is there. Of two that say different things the first
 * counts, so that nothing that was read can be rewritten.
 *
 * Invariants: `crypto` is allocated only while kind is TLS_HELLO_MORE; all of
 * its first `whole` bytes are there.
 */
#include "quic_initial.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <stdlib.h>

#define HEADER_LONG	   0x80
#define HEADER_FIXED	   0x40
#define HEADER_TYPE	   0x30
#define HEADER_PROTECTED   0x0f /* of a long header (RFC 9001, 5.4.1) */
#define HEADER_NUMBER_LEN  0x03
#define NUMBER_MAX_BYTES   4
#define SAMPLE_BYTES	   16
#define TAG_BYTES	   16
#define KEY_BYTES	   16
#define IV_BYTES	   12
#define SECRET_BYTES	   32
#define PACKET_LIMIT_BYTES 65535
#define FIRST_ID_MIN_BYTES 8 /* RFC 9000, 7.2 */
#define CRYPTO_LIMIT_BYTES (4 + TLS_HELLO_LIMIT_BYTES)

enum packet_type {
	PACKET_INITIAL,
	PACKET_ZERO_RTT,
	PACKET_HANDSHAKE,
	PACKET_RETRY,
};

enum frame_type { /* RFC 9000, 19; others may not stand in Initial packets */
	FRAME_PADDING = 0x00,
	FRAME_PING = 0x01,
	FRAME_ACK = 0x02,
	FRAME_ACK_ECN = 0x03,
	FRAME_CRYPTO = 0x06,
	FRAME_CLOSE = 0x1c,
};

/* The differences between the versions (RFC 9001, 5.2; RFC 9369, 3). */
static const struct version {
	uint32_t number;
	uint8_t types[4]; /* by the two bits of the first byte */
	uint8_t salt[20];
	const char *key, *iv, *header;
} versions[] = {
	{
		.number = QUIC_VERSION_1,
		.types = { PACKET_INITIAL, PACKET_ZERO_RTT, PACKET_HANDSHAKE, PACKET_RETRY },
		.salt = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
			  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
		.key = "quic key",
		.iv = "quic iv",
		.header = "quic hp",
	},
	{
		.number = QUIC_VERSION_2,
		.types = { PACKET_RETRY, PACKET_INITIAL, PACKET_ZERO_RTT, PACKET_HANDSHAKE },
		.salt = { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
			  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
		.key = "quicv2 key",
		.iv = "quicv2 iv",
		.header = "quicv2 hp",
	},
};

struct crypto {
	uint8_t bytes[CRYPTO_LIMIT_BYTES];
	uint8_t there[(CRYPTO_LIMIT_BYTES + 7) / 8];
	size_t whole; /* from the first on */
};

struct quic_initial {
	uint32_t version;
	uint8_t id[QUIC_ID_MAX_BYTES];
	size_t id_len;
	uint8_t key[KEY_BYTES], iv[IV_BYTES], header[KEY_BYTES];
	enum tls_hello_kind kind;
	struct crypto *crypto;
};

static const struct version *version_find(uint32_t number)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].number == number)
			return &versions[i];
	return NULL;
}

/* --- fields ------------------------------------------------------------------- */

static bool take_bytes(struct slice *from, uint64_t n, struct slice *out)
{
	if (from->len < n)
		return false;
	*out = slice_take(*from, (size_t)n);
	*from = slice_drop(*from, (size_t)n);
	return true;
}

static bool take_byte(struct slice *from, uint8_t *out)
{
	struct slice byte;

	if (!take_bytes(from, 1, &byte))
		return false;
	*out = byte.data[0];
	return true;
}

/* A number of 1, 2, 4 or 8 bytes (RFC 9000, 16). */
static bool take_number(struct slice *from, uint64_t *out)
{
	struct slice bytes;
	uint8_t first;

	if (!take_byte(from, &first) || !take_bytes(from, (UINT64_C(1) << (first >> 6)) - 1, &bytes))
		return false;
	*out = first & 0x3f;
	for (size_t i = 0; i < bytes.len; i++)
		*out = *out << 8 | bytes.data[i];
	return true;
}

/* A connection id behind its length. */
static bool take_id(struct slice *from, struct slice *out)
{
	uint8_t len;

	return take_byte(from, &len) && len <= QUIC_ID_MAX_BYTES && take_bytes(from, len, out);
}

/* --- packets ------------------------------------------------------------------ */

/* RFC 9000, 17.2. True: *out is a packet of this type and the datagram goes on behind it. */
static bool packet_take(struct slice *datagram, struct quic_packet *out, enum packet_type *type)
{
	struct slice rest = *datagram, number, ignored;
	const struct version *version;
	uint64_t len;
	uint8_t first;

	if (!take_byte(&rest, &first) ||
	    (first & (HEADER_LONG | HEADER_FIXED)) != (HEADER_LONG | HEADER_FIXED))
		return false;
	if (!take_bytes(&rest, 4, &number))
		return false;
	out->version = (uint32_t)number.data[0] << 24 | (uint32_t)number.data[1] << 16 |
		       (uint32_t)number.data[2] << 8 | number.data[3];
	version = version_find(out->version);
	if (!version || !take_id(&rest, &out->id) || !take_id(&rest, &out->source))
		return false;
	*type = version->types[(first & HEADER_TYPE) >> 4];
	if (*type == PACKET_RETRY) /* fills its datagram */
		return false;
	if (*type == PACKET_INITIAL && (!take_number(&rest, &len) || !take_bytes(&rest, len, &out->token)))
		return false;
	if (!take_number(&rest, &len))
		return false;
	out->number_offset = datagram->len - rest.len;
	if (!take_bytes(&rest, len, &ignored))
		return false;
	out->bytes = slice_take(*datagram, datagram->len - rest.len);
	*datagram = rest;
	return true;
}

bool quic_initial_next(struct slice *datagram, struct quic_packet *out)
{
	enum packet_type type;

	while (packet_take(datagram, out, &type))
		if (type == PACKET_INITIAL)
			return true;
	*datagram = slice_of(NULL, 0);
	return false;
}

/* --- keys --------------------------------------------------------------------- */

/* HKDF of SHA-256 (RFC 5869), one of its two steps. */
static bool hkdf(int mode, struct slice key, struct slice salt_or_info, uint8_t *out, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	bool done = ctx && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_CTX_set_hkdf_mode(ctx, mode) > 0 &&
		    EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
		    EVP_PKEY_CTX_set1_hkdf_key(ctx, key.data, (int)key.len) > 0;

	if (mode == EVP_PKEY_HKDEF_MODE_EXTRACT_ONLY)
		done = done && EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt_or_info.data, (int)salt_or_info.len) > 0;
	else
		done = done && EVP_PKEY_CTX_add1_hkdf_info(ctx, salt_or_info.data, (int)salt_or_info.len) > 0;
	done = done && EVP_PKEY_derive(ctx, out, &len) > 0;
	EVP_PKEY_CTX_free(ctx);
	return done;
}

/* HKDF-Expand-Label without a context (RFC 8446, 7.1). */
static bool expand_label(const uint8_t secret[SECRET_BYTES], const char *label, uint8_t *out, size_t len)
{
	size_t label_len = strlen(label);
	uint8_t info[32] = { 0, (uint8_t)len, (uint8_t)(6 + label_len), 't', 'l', 's', '1', '3', ' ' };

	for (size_t i = 0; i < label_len; i++)
		info[9 + i] = (uint8_t)label[i];
	return hkdf(EVP_PKEY_HKDEF_MODE_EXPAND_ONLY, slice_of(secret, SECRET_BYTES),
		    slice_of(info, 9 + label_len + 1), out, len);
}

static bool keys_derive(struct quic_initial *initial, const struct version *version)
{
	uint8_t first[SECRET_BYTES], client[SECRET_BYTES];

	return hkdf(EVP_PKEY_HKDEF_MODE_EXTRACT_ONLY, slice_of(initial->id, initial->id_len),
		    slice_of(version->salt, sizeof(version->salt)), first, sizeof(first)) &&
	       expand_label(first, "client in", client, sizeof(client)) &&
	       expand_label(client, version->key, initial->key, sizeof(initial->key)) &&
	       expand_label(client, version->iv, initial->iv, sizeof(initial->iv)) &&
	       expand_label(client, version->header, initial->header, sizeof(initial->header));
}

/* --- protection ----------------------------------------------------------------- */

/* AES in one block (RFC 9001, 5.4.3). */
static bool mask_make(const struct quic_initial *initial, const uint8_t *sample, uint8_t mask[SAMPLE_BYTES])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool done = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, initial->header, NULL) > 0 &&
		    EVP_CIPHER_CTX_set_padding(ctx, 0) > 0 &&
		    EVP_EncryptUpdate(ctx, mask, &len, sample, SAMPLE_BYTES) > 0 && len == SAMPLE_BYTES;

	EVP_CIPHER_CTX_free(ctx);
	return done;
}

/* The last TAG_BYTES of `sealed` are the tag; as many fewer go to `out`. */
static bool open_sealed(const struct quic_initial *initial, uint64_t number, struct slice header,
			struct slice sealed, uint8_t *out)
{
	size_t text_len = sealed.len - TAG_BYTES;
	uint8_t nonce[IV_BYTES], tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len;
	bool done;

	memcpy(nonce, initial->iv, sizeof(nonce));
	for (size_t i = 0; i < NUMBER_MAX_BYTES; i++)
		nonce[IV_BYTES - 1 - i] ^= (uint8_t)(number >> 8 * i);
	memcpy(tag, sealed.data + text_len, sizeof(tag));
	done = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, initial->key, nonce) > 0 &&
	       EVP_DecryptUpdate(ctx, NULL, &len, header.data, (int)header.len) > 0 &&
	       EVP_DecryptUpdate(ctx, out, &len, sealed.data, (int)text_len) > 0 &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) > 0 &&
	       EVP_DecryptFinal_ex(ctx, out + len, &len) > 0;
	EVP_CIPHER_CTX_free(ctx);
	return done;
}

/*
 * The packet's frames, in memory for free(). NULL: it does not open, or memory is out. The number is taken as
 * it stands: those of a first flight are too small to be cut (RFC 9000, 17.1).
 */
static uint8_t *packet_open(const struct quic_initial *initial, const struct quic_packet *packet,
			    size_t *frames)
{
	size_t at = packet->number_offset, header_len;
	uint8_t mask[SAMPLE_BYTES], *copy;
	uint64_t number = 0;
	bool opened;

	if (packet->bytes.len > PACKET_LIMIT_BYTES ||
	    packet->bytes.len < at + NUMBER_MAX_BYTES + SAMPLE_BYTES)
		return NULL;
	if (!mask_make(initial, packet->bytes.data + at + NUMBER_MAX_BYTES, mask))
		return NULL;
	copy = malloc(2 * packet->bytes.len); /* with its header in the clear, and then the frames */
	if (!copy)
		return NULL;
	memcpy(copy, packet->bytes.data, packet->bytes.len);
	copy[0] ^= mask[0] & HEADER_PROTECTED;
	header_len = at + (copy[0] & HEADER_NUMBER_LEN) + 1;
	for (size_t i = at; i < header_len; i++) {
		copy[i] ^= mask[1 + i - at];
		number = number << 8 | copy[i];
	}
	*frames = packet->bytes.len - header_len - TAG_BYTES;
	opened = open_sealed(initial, number, slice_of(copy, header_len),
			     slice_of(copy + header_len, packet->bytes.len - header_len),
			     copy + packet->bytes.len);
	if (opened) {
		memmove(copy, copy + packet->bytes.len, *frames);
		return copy;
	}
	free(copy);
	return NULL;
}

/* --- frames ------------------------------------------------------------------- */

static void decide(struct quic_initial *initial, enum tls_hello_kind kind)
{
	if (kind == TLS_HELLO_MORE)
		return;
	initial->kind = kind == TLS_HELLO_CLIENT ? kind : TLS_HELLO_NONE;
	free(initial->crypto);
	initial->crypto = NULL;
}

static bool crypto_there(const struct crypto *crypto, size_t at)
{
	return crypto->there[at / 8] >> at % 8 & 1;
}

static void crypto_put(struct quic_initial *initial, uint64_t offset, struct slice data,
		       struct tls_hello *out)
{
	struct crypto *crypto = initial->crypto;

	if (initial->kind != TLS_HELLO_MORE)
		return;
	if (offset > CRYPTO_LIMIT_BYTES || data.len > CRYPTO_LIMIT_BYTES - offset) {
		decide(initial, TLS_HELLO_NONE);
		return;
	}
	if (!crypto)
		crypto = initial->crypto = calloc(1, sizeof(*crypto));
	if (!crypto) {
		decide(initial, TLS_HELLO_NONE);
		return;
	}
	for (size_t i = 0; i < data.len; i++) {
		size_t at = (size_t)offset + i;

		if (crypto_there(crypto, at))
			continue;
		crypto->bytes[at] = data.data[i];
		crypto->there[at / 8] |= (uint8_t)(1 << at % 8);
	}
	while (crypto->whole < CRYPTO_LIMIT_BYTES && crypto_there(crypto, crypto->whole))
		crypto->whole++;
	decide(initial, tls_hello_read(slice_of(crypto->bytes, crypto->whole), out));
}

static bool skip_numbers(struct slice *frames, uint64_t count)
{
	uint64_t ignored;

	for (; count; count--)
		if (!take_number(frames, &ignored))
			return false;
	return true;
}

/* RFC 9000, 19.3: nothing of it is wanted. */
static bool take_ack(struct slice *frames, bool ecn)
{
	uint64_t ranges;

	return skip_numbers(frames, 2) && take_number(frames, &ranges) && skip_numbers(frames, 1) &&
	       skip_numbers(frames, ranges) && skip_numbers(frames, ranges) &&
	       skip_numbers(frames, ecn ? 3 : 0);
}

/* False: no further frame can be found. */
static bool frame_take(struct quic_initial *initial, struct slice *frames, struct tls_hello *out)
{
	uint64_t type, offset, len;
	struct slice data;

	if (!take_number(frames, &type))
		return false;
	switch (type) {
	case FRAME_PADDING:
	case FRAME_PING:
		return true;
	case FRAME_ACK:
	case FRAME_ACK_ECN:
		return take_ack(frames, type == FRAME_ACK_ECN);
	case FRAME_CRYPTO:
		if (!take_number(frames, &offset) || !take_number(frames, &len) ||
		    !take_bytes(frames, len, &data))
			return false;
		crypto_put(initial, offset, data, out);
		return true;
	}
	return false; /* FRAME_CLOSE: the end of it; or what must not stand here */
}

/* --- connections ---------------------------------------------------------------- */

/*
 * Nothing that the environment or a configuration file says shall be loaded into a program that runs as root.
 */
static bool libcrypto_ready(void)
{
	return OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, NULL) > 0;
}

struct quic_initial *quic_initial_new(const struct quic_packet *first)
{
	const struct version *version = version_find(first->version);
	struct quic_initial *initial;
	uint8_t *frames;
	size_t len;

	if (!version || first->id.len < FIRST_ID_MIN_BYTES || first->id.len > QUIC_ID_MAX_BYTES ||
	    !libcrypto_ready())
		return NULL;
	initial = calloc(1, sizeof(*initial));
	if (!initial)
		return NULL;
	initial->version = first->version;
	initial->id_len = first->id.len;
	memcpy(initial->id, first->id.data, first->id.len);
	frames = keys_derive(initial, version) ? packet_open(initial, first, &len) : NULL;
	if (!frames) {
		free(initial);
		return NULL;
	}
	free(frames);
	return initial;
}

void quic_initial_free(struct quic_initial *initial)
{
	if (!initial)
		return;
	free(initial->crypto);
	free(initial);
}

size_t quic_initial_memory(const struct quic_initial *initial)
{
	return sizeof(*initial) + (initial->crypto ? sizeof(*initial->crypto) : 0);
}

bool quic_initial_is(const struct quic_initial *initial, const struct quic_packet *packet)
{
	return initial->version == packet->version &&
	       slice_equal(slice_of(initial->id, initial->id_len), packet->id);
}

bool quic_initial_feed(struct quic_initial *initial, const struct quic_packet *packet, struct tls_hello *out)
{
	size_t len;
	uint8_t *frames = packet_open(initial, packet, &len);
	struct slice rest = slice_of(frames, frames ? len : 0);

	if (!frames)
		return false;
	while (rest.len && frame_take(initial, &rest, out))
		;
	free(frames);
	return true;
}

enum tls_hello_kind quic_initial_kind(const struct quic_initial *initial)
{
	return initial->kind;
}
