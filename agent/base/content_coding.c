/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each decoder fills the buffer piece by piece, so that an input that expands
 * a thousandfold stops at the bound and costs no more than that.
 */
#include "content_coding.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE_BYTES  16384
#define ZSTD_WINDOW  23 /* 8 MiB: RFC 9659, 3 */
#define GZIP_OR_ZLIB (15 + 32)
#define DEFLATE_RAW  (-15)
#define CODINGS_MAX  4 /* on one body; more are no real sender's */

/* Room for the next piece within the bound; 0: none, or out of memory. */
static size_t piece_room(struct buffer *out, size_t end)
{
	size_t left = end > out->len ? end - out->len : 0;
	size_t room = left < PIECE_BYTES ? left : PIECE_BYTES;

	return room && buffer_room(out, room) ? room : 0;
}

/* Several members one after the other are one body (RFC 1952, 2.2). */
static enum coding_result zlib_decode(struct slice in, int window, struct buffer *out, size_t end)
{
	z_stream z = { .next_in = (Bytef *)in.data, .avail_in = (uInt)in.len };
	int status = Z_OK;

	if (inflateInit2(&z, window) != Z_OK)
		return CODING_WRONG;
	while (status == Z_OK && z.avail_in) {
		size_t room = piece_room(out, end);

		if (!room) {
			inflateEnd(&z);
			return CODING_LIMIT;
		}
		z.next_out = (Bytef *)out->data + out->len;
		z.avail_out = (uInt)room;
		status = inflate(&z, Z_SYNC_FLUSH);
		out->len += room - z.avail_out;
		if (status == Z_STREAM_END && z.avail_in && window == GZIP_OR_ZLIB && *z.next_in == 0x1f)
			status = inflateReset(&z);
		if (status == Z_BUF_ERROR && !z.avail_out)
			status = Z_OK;
		else if (status == Z_OK && !z.avail_in && !z.avail_out)
			z.avail_in = 0; /* what is left inside comes only with input: none is there */
	}
	inflateEnd(&z);
	if (status == Z_STREAM_END)
		return CODING_WHOLE;
	return status == Z_OK || status == Z_BUF_ERROR ? CODING_MORE : CODING_WRONG;
}

/* RFC 9110, 8.4.1.2: zlib's format; some senders leave its frame away. */
static enum coding_result deflate_decode(struct slice in, struct buffer *out, size_t end)
{
	size_t start = out->len;
	enum coding_result result = zlib_decode(in, GZIP_OR_ZLIB, out, end);

	if (result != CODING_WRONG || out->len != start)
		return result;
	return zlib_decode(in, DEFLATE_RAW, out, end);
}

static enum coding_result brotli_decode(struct slice in, struct buffer *out, size_t end)
{
	static const enum coding_result results[] = {
		[BROTLI_DECODER_RESULT_ERROR] = CODING_WRONG,
		[BROTLI_DECODER_RESULT_SUCCESS] = CODING_WHOLE,
		[BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT] = CODING_MORE,
		[BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT] = CODING_LIMIT,
	};
	BrotliDecoderState *state = BrotliDecoderCreateInstance(NULL, NULL, NULL);
	BrotliDecoderResult result = BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT;
	const uint8_t *next_in = in.data;
	size_t avail_in = in.len;

	if (!state)
		return CODING_WRONG;
	while (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) {
		size_t room = piece_room(out, end), avail_out = room;
		uint8_t *next_out = room ? (uint8_t *)out->data + out->len : NULL;

		if (!room)
			break;
		result = BrotliDecoderDecompressStream(state, &avail_in, &next_in, &avail_out, &next_out,
						       NULL);
		out->len += room - avail_out;
	}
	BrotliDecoderDestroyInstance(state);
	return results[result];
}

static enum coding_result zstd_decode(struct slice in, struct buffer *out, size_t end)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer input = { .src = in.data, .size = in.len };
	enum coding_result result = CODING_MORE;

	if (!context || ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, ZSTD_WINDOW)))
		result = CODING_WRONG;
	while (result == CODING_MORE) {
		size_t room = piece_room(out, end), status;
		ZSTD_outBuffer output = { .dst = room ? out->data + out->len : NULL, .size = room };

		if (!room) {
			result = CODING_LIMIT;
			break;
		}
		status = ZSTD_decompressStream(context, &output, &input);
		out->len += output.pos;
		if (ZSTD_isError(status))
			result = CODING_WRONG;
		else if (status == 0 && input.pos == input.size)
			result = CODING_WHOLE;
		else if (input.pos == input.size && output.pos < output.size)
			break;
	}
	ZSTD_freeDCtx(context);
	return result;
}

enum coding_result content_coding_decode(struct slice name, struct slice in, struct buffer *out,
					 size_t limit_bytes)
{
	size_t end = out->len + limit_bytes;

	if (!name.len || slice_equal_nocase(name, SLICE("identity"))) {
		buffer_put(out, in.data, slice_take(in, limit_bytes).len);
		return in.len > limit_bytes ? CODING_LIMIT : CODING_WHOLE;
	}
	if (slice_equal_nocase(name, SLICE("gzip")) || slice_equal_nocase(name, SLICE("x-gzip")))
		return zlib_decode(in, GZIP_OR_ZLIB, out, end);
	if (slice_equal_nocase(name, SLICE("deflate")))
		return deflate_decode(in, out, end);
	if (slice_equal_nocase(name, SLICE("br")))
		return brotli_decode(in, out, end);
	if (slice_equal_nocase(name, SLICE("zstd")))
		return zstd_decode(in, out, end);
	return CODING_UNKNOWN;
}

/* The last item of a comma-separated list is taken off. */
static struct slice list_take_last(struct slice *list)
{
	size_t start = list->len;
	struct slice last;

	while (start && list->data[start - 1] != ',')
		start--;
	last = slice_trim(slice_drop(*list, start));
	list->len = start ? start - 1 : 0;
	return last;
}

struct content_coding_undone content_coding_undo(struct slice list, struct slice in, bool part,
						 struct buffer work[2], size_t limit_bytes)
{
	struct content_coding_undone undone = { .bytes = in };
	struct slice rest = slice_trim(list);

	for (int i = 0; rest.len && i < CODINGS_MAX; i++) {
		struct buffer *out = &work[i % 2];
		struct slice name = list_take_last(&rest);

		buffer_clear(out);
		switch (content_coding_decode(name, undone.bytes, out, limit_bytes)) {
		case CODING_WHOLE:
			break;
		case CODING_MORE:
			undone.wrong = undone.wrong || !part;
			break;
		case CODING_LIMIT:
			undone.expands = true;
			break;
		case CODING_WRONG:
			undone.wrong = true;
			break;
		case CODING_UNKNOWN:
			undone.unknown = true;
			return undone;
		}
		if (undone.wrong && !out->len)
			return undone; /* not even a begin: as it was sent */
		undone.codings = list;
		undone.bytes = slice_of(out->data, out->len);
	}
	undone.unknown = undone.unknown || rest.len;
	return undone;
}
