/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed Initial packets of a client whose first connection id is that of RFC 9001, A.1, with the keys that
 * stand there and in RFC 9369, A.1: nothing is derived here.
 */
#ifndef HARK_TESTS_QUIC_BUILD_H
#define HARK_TESTS_QUIC_BUILD_H

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define QUIC_V1 UINT32_C(1)
#define QUIC_V2 UINT32_C(0x6b3343cf)

static const struct quic_keys {
	uint32_t version;
	uint8_t first; /* byte, with a packet number of one byte */
	uint8_t key[16], iv[12], header[16];
} quic_keys[] = {
	{ QUIC_V1,
	  0xc0,
	  { 0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46, 0x77, 0x30, 0xef, 0xcb, 0xe3, 0xb1, 0xa2, 0x2d },
	  { 0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c },
	  { 0x9f, 0x50, 0x44, 0x9e, 0x04, 0xa0, 0xe8, 0x10, 0x28, 0x3a, 0x1e, 0x99, 0x33, 0xad, 0xed,
	    0xd2 } },
	{ QUIC_V2,
	  0xd0,
	  { 0x8b, 0x1a, 0x0b, 0xc1, 0x21, 0x28, 0x42, 0x90, 0xa2, 0x9e, 0x09, 0x71, 0xb5, 0xcd, 0x04, 0x5d },
	  { 0x91, 0xf7, 0x3e, 0x23, 0x51, 0xd8, 0xfa, 0x91, 0x66, 0x0e, 0x90, 0x9f },
	  { 0x45, 0xb9, 0x5e, 0x15, 0x23, 0x5d, 0x6f, 0x45, 0xa6, 0xb1, 0x9c, 0xbc, 0xb0, 0x29, 0x4b,
	    0xa9 } },
};

/* Both connection ids behind their lengths; the client's own is empty. */
#define QUIC_FIRST_IDS "\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x00"

static inline size_t quic_hex(const char *text, uint8_t *out)
{
	size_t len = 0;
	unsigned int byte;

	for (; sscanf(text, " %2x", &byte) == 1; len++) {
		out[len] = (uint8_t)byte;
		text += strspn(text, " ") + 2;
	}
	return len;
}

/*
 * One packet of the version's keys, with these connection ids (both behind their lengths) and no
 * token. Frames that are too few for a sample are followed by padding. Returns its length.
 */
static inline size_t quic_seal(uint8_t *out, const struct quic_keys *keys, const void *ids, size_t ids_len,
			       uint8_t number, const uint8_t *frames, size_t len)
{
	uint8_t text[4096] = { 0 }, nonce[12], mask[32], *at = out;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	size_t text_len = len < 16 ? 16 : len, payload = 1 + text_len + 16;
	int done;

	memcpy(text, frames, len);
	*at++ = keys->first;
	for (int i = 3; i >= 0; i--)
		*at++ = (uint8_t)(keys->version >> 8 * i);
	memcpy(at, ids, ids_len);
	at += ids_len;
	*at++ = (uint8_t)(0x40 | payload >> 8);
	*at++ = (uint8_t)payload;
	*at++ = number;
	memcpy(nonce, keys->iv, sizeof(nonce));
	nonce[11] ^= number;
	assert_true(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, keys->key, nonce) > 0);
	assert_true(EVP_EncryptUpdate(ctx, NULL, &done, out, (int)(at - out)) > 0);
	assert_true(EVP_EncryptUpdate(ctx, at, &done, text, (int)text_len) > 0);
	assert_true(EVP_EncryptFinal_ex(ctx, at + done, &done) > 0);
	assert_true(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, at + text_len) > 0);
	assert_true(EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), NULL, keys->header, NULL) > 0);
	assert_true(EVP_EncryptUpdate(ctx, mask, &done, at + 3, 16) > 0);
	EVP_CIPHER_CTX_free(ctx);
	out[0] ^= mask[0] & 0x0f;
	at[-1] ^= mask[1];
	return (size_t)(at - out) + text_len + 16;
}

/* A CRYPTO frame. Returns its length. */
static inline size_t quic_crypto(uint8_t *out, size_t offset, const uint8_t *data, size_t len)
{
	out[0] = 0x06;
	out[1] = (uint8_t)(0x40 | offset >> 8);
	out[2] = (uint8_t)offset;
	out[3] = (uint8_t)(0x40 | len >> 8);
	out[4] = (uint8_t)len;
	memcpy(out + 5, data, len);
	return 5 + len;
}

/* The hello of RFC 9001, A.2. */
#define QUIC_HELLO                                                                                         \
	"010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000" \
	"c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c70" \
	"6e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994" \
	"ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c000240010039003204" \
	"08ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ff" \
	"ff"
#define QUIC_HELLO_BYTES 241

#endif
