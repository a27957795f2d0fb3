/* SPDX-License-Identifier: Apache-2.0 */
#include "coding.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE_BYTES    8192
#define ZSTD_WINDOW    23 /* 8 MiB: RFC 9659, 3 */
#define BROTLI_MEMORY  (8u << 20)
#define GZIP_OR_ZLIB   (15 + 32)
#define DEFLATE_RAW    (-15)
#define INFLATE_MEMORY 44000 /* zlib's technical notes: the window and its tables */

enum coding_kind {
	CODING_COPY,
	CODING_GZIP,
	CODING_DEFLATE, /* zlib's format, or raw: its first two bytes tell */
	CODING_RAW,	/* deflate that need not end */
	CODING_BROTLI,
	CODING_ZSTD,
};

struct coding {
	enum coding_kind kind;
	bool begun; /* z is there */
	bool ended;
	uint8_t first[2]; /* of CODING_DEFLATE, until it has begun */
	size_t first_len;
	size_t memory;
	z_stream z;
	BrotliDecoderState *brotli;
	ZSTD_DCtx *zstd;
};

static const struct {
	struct slice name;
	enum coding_kind kind;
} codings[] = {
	{ SLICE(""), CODING_COPY },	      { SLICE("identity"), CODING_COPY },
	{ SLICE("gzip"), CODING_GZIP },	      { SLICE("x-gzip"), CODING_GZIP },
	{ SLICE("deflate"), CODING_DEFLATE }, { SLICE("br"), CODING_BROTLI },
	{ SLICE("zstd"), CODING_ZSTD },
};
#define CODINGS (sizeof(codings) / sizeof(codings[0]))

static size_t coding_find(struct slice name)
{
	size_t i = 0;

	while (i < CODINGS && !slice_equal_nocase(name, codings[i].name))
		i++;
	return i;
}

bool coding_is_known(struct slice name)
{
	return coding_find(name) < CODINGS;
}

/* Bounded, for a brotli stream says itself how much it wants. Each block knows its size. */
static void *brotli_alloc(void *opaque, size_t size)
{
	struct coding *coding = opaque;
	size_t *block;

	if (size > BROTLI_MEMORY || coding->memory > BROTLI_MEMORY - size)
		return NULL;
	block = malloc(size + 16);
	if (!block)
		return NULL;
	*block = size;
	coding->memory += size;
	return (char *)block + 16;
}

static void brotli_free(void *opaque, void *address)
{
	struct coding *coding = opaque;
	size_t *block = address ? (size_t *)((char *)address - 16) : NULL;

	if (!block)
		return;
	coding->memory -= *block;
	free(block);
}

static int inflate_begin(struct coding *coding, int window)
{
	if (inflateInit2(&coding->z, window) != Z_OK)
		return -1;
	coding->begun = true;
	coding->memory += INFLATE_MEMORY;
	return 0;
}

static int coding_begin(struct coding *coding)
{
	switch (coding->kind) {
	case CODING_COPY:
	case CODING_DEFLATE:
	case CODING_RAW:
		return 0;
	case CODING_GZIP:
		return inflate_begin(coding, GZIP_OR_ZLIB);
	case CODING_BROTLI:
		coding->brotli = BrotliDecoderCreateInstance(brotli_alloc, brotli_free, coding);
		return coding->brotli ? 0 : -1;
	case CODING_ZSTD:
		coding->zstd = ZSTD_createDCtx();
		if (!coding->zstd ||
		    ZSTD_isError(ZSTD_DCtx_setParameter(coding->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW)))
			return -1;
		return 0;
	}
	return -1;
}

struct coding *coding_new(struct slice name)
{
	size_t row = coding_find(name);
	struct coding *coding = row < CODINGS ? calloc(1, sizeof(*coding)) : NULL;

	if (!coding)
		return NULL;
	coding->kind = codings[row].kind;
	coding->memory = sizeof(*coding);
	if (coding_begin(coding) == 0)
		return coding;
	coding_free(coding);
	return NULL;
}

struct coding *coding_new_deflate(int bits)
{
	struct coding *coding = calloc(1, sizeof(*coding));

	if (!coding)
		return NULL;
	coding->kind = CODING_RAW;
	coding->memory = sizeof(*coding);
	if (inflate_begin(coding, -bits) == 0)
		return coding;
	coding_free(coding);
	return NULL;
}

void coding_free(struct coding *coding)
{
	if (!coding)
		return;
	if (coding->begun)
		inflateEnd(&coding->z);
	if (coding->brotli)
		BrotliDecoderDestroyInstance(coding->brotli);
	ZSTD_freeDCtx(coding->zstd);
	free(coding);
}

size_t coding_memory(const struct coding *coding)
{
	return coding->memory + (coding->zstd ? ZSTD_sizeof_DCtx(coding->zstd) : 0);
}

/*
 * Several members one after the other are one body. In what has no frame a final block ends nothing: what
 * follows may still point at what came before it (RFC 7692, 7.2.3.4).
 */
static bool member_follows(struct coding *coding)
{
	z_stream *z = &coding->z;

	if (!z->avail_in)
		return false;
	if (coding->kind == CODING_RAW)
		return inflateResetKeep(z) == Z_OK;
	return coding->kind == CODING_GZIP && *z->next_in == 0x1f && inflateReset(z) == Z_OK;
}

static enum coding_result inflate_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx)
{
	uint8_t piece[PIECE_BYTES];
	z_stream *z = &coding->z;

	z->next_in = (Bytef *)in.data;
	z->avail_in = (uInt)in.len;
	if (coding->ended) {
		if (!member_follows(coding))
			return CODING_WHOLE;
		coding->ended = false;
	}
	for (;;) {
		int status;

		z->next_out = piece;
		z->avail_out = sizeof(piece);
		status = inflate(z, Z_SYNC_FLUSH);
		if (z->avail_out < sizeof(piece) && !out(ctx, slice_of(piece, sizeof(piece) - z->avail_out)))
			return CODING_LIMIT;
		if (status == Z_STREAM_END && !member_follows(coding)) {
			coding->ended = true;
			return CODING_WHOLE;
		}
		if (status == Z_BUF_ERROR || (status == Z_OK && !z->avail_in && z->avail_out))
			return CODING_MORE;
		if (status != Z_OK && status != Z_STREAM_END)
			return CODING_WRONG;
	}
}

/* RFC 9110, 8.4.1.2: zlib's format; some senders leave its frame away. gzip's is taken, too. */
static enum coding_result deflate_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx)
{
	enum coding_result result = CODING_MORE;
	const uint8_t *first = coding->first;
	bool framed;

	while (coding->first_len < 2 && in.len) {
		coding->first[coding->first_len++] = in.data[0];
		in = slice_drop(in, 1);
	}
	if (coding->first_len < 2)
		return CODING_MORE;
	if (!coding->begun) {
		framed = ((first[0] & 0x0f) == 8 && (first[0] << 8 | first[1]) % 31 == 0) ||
			 (first[0] == 0x1f && first[1] == 0x8b);
		if (inflate_begin(coding, framed ? GZIP_OR_ZLIB : DEFLATE_RAW))
			return CODING_WRONG;
		result = inflate_feed(coding, slice_of(first, 2), out, ctx);
	}
	return result == CODING_MORE && in.len ? inflate_feed(coding, in, out, ctx) : result;
}

static enum coding_result brotli_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx)
{
	uint8_t piece[PIECE_BYTES];
	const uint8_t *next_in = in.data;
	size_t avail_in = in.len;

	for (;;) {
		uint8_t *next_out = piece;
		size_t avail_out = sizeof(piece);
		BrotliDecoderResult result = BrotliDecoderDecompressStream(
			coding->brotli, &avail_in, &next_in, &avail_out, &next_out, NULL);

		if (avail_out < sizeof(piece) && !out(ctx, slice_of(piece, sizeof(piece) - avail_out)))
			return CODING_LIMIT;
		switch (result) {
		case BROTLI_DECODER_RESULT_ERROR:
			return CODING_WRONG;
		case BROTLI_DECODER_RESULT_SUCCESS:
			coding->ended = true;
			return CODING_WHOLE;
		case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT:
			return CODING_MORE;
		case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT:
			break;
		}
	}
}

static enum coding_result zstd_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx)
{
	uint8_t piece[PIECE_BYTES];
	ZSTD_inBuffer input = { .src = in.data, .size = in.len };

	for (;;) {
		ZSTD_outBuffer output = { .dst = piece, .size = sizeof(piece) };
		size_t status = ZSTD_decompressStream(coding->zstd, &output, &input);

		if (output.pos && !out(ctx, slice_of(piece, output.pos)))
			return CODING_LIMIT;
		if (ZSTD_isError(status))
			return CODING_WRONG;
		if (input.pos == input.size && (status == 0 || output.pos < output.size))
			return status == 0 ? CODING_WHOLE : CODING_MORE;
	}
}

enum coding_result coding_feed(struct coding *coding, struct slice in, coding_fn *out, void *ctx)
{
	if (!in.len)
		return coding->ended ? CODING_WHOLE : CODING_MORE;
	switch (coding->kind) {
	case CODING_COPY:
		return out(ctx, in) ? CODING_WHOLE : CODING_LIMIT;
	case CODING_GZIP:
	case CODING_RAW:
		return inflate_feed(coding, in, out, ctx);
	case CODING_DEFLATE:
		return deflate_feed(coding, in, out, ctx);
	case CODING_BROTLI:
		return coding->ended ? CODING_WHOLE : brotli_feed(coding, in, out, ctx);
	case CODING_ZSTD:
		return zstd_feed(coding, in, out, ctx);
	}
	return CODING_UNKNOWN;
}
