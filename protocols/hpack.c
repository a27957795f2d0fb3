/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp2's inflater, made fit for an observer who may have missed blocks.
 *
 * The idea. An index counts from the newest entry on. So an inflater that
 * begins late is right about every entry that was added since, provided that
 * it holds at least as many older ones as the encoder does. It is primed: its
 * table is filled with placeholders of the least possible size (32 bytes, an
 * empty name and value). The encoder's unknown entries are never more, for
 * each takes 32 bytes or more; new entries push out placeholders first, and a
 * new one that the encoder still holds is still held here.
 *
 *	index     62     63     64   ...
 *	encoder | new2 | new1 | old8 | old7 |
 *	here    | new2 | new1 |  ?   |  ?   |  ?   |  ?   | ...
 *
 * An empty name never occurs in a legal block, so a field with an empty name
 * came from a placeholder: a name that we do not know. A literal may borrow a
 * placeholder's name: then only the value is known, and the entry that it adds
 * keeps being one with an unknown name. Such an entry counts for less here than
 * in the encoder, which leaves more in this table, never less.
 *
 * Invariants. The largest size that the encoder may announce is table_limit
 * from the first block on: SETTINGS may have been missed, and a peer that
 * announces too much is refused by its peer anyway. Nothing is ever lowered
 * from outside, the encoder announces that itself. An error is final for
 * nghttp2's inflater: it is replaced by one that is primed with the largest
 * table, since a larger one than ours, announced unseen, is the likely reason.
 */
#include "hpack.h"

#include "counted.h"
#include "message.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

#define DEFAULT_TABLE_BYTES  4096 /* RFC 9113, 6.5.2 */
#define ENTRY_OVERHEAD_BYTES 32	  /* RFC 7541, 4.1 */
#define CREDIT_BYTES	     65536
#define STATIC_REQUEST_LAST  7 /* RFC 7541, appendix A: 1 to 7 are a request's pseudo-header fields */

struct hpack {
	nghttp2_hd_inflater *inflater; /* NULL: memory was out; the next block tries again */
	nghttp2_mem memory;	       /* the inflater's; counts what it takes */
	size_t held_bytes;
	size_t table_limit_bytes;
	size_t table_bytes; /* of the table that priming fills */
	/* Placeholders that may be put in. A block of four bytes may make us fill a table of 32,768, so they
	 * are paid for with bytes of blocks: the work stays in proportion to what came. */
	size_t credit;
	bool primed;
};

static const uint8_t placeholder[] = { 0x40, 0x00, 0x00 }; /* literal, indexed, name and value empty */

/* Feeds one block; sink NULL: fields are dropped. 0 or -EBADMSG, -ENOMEM. */
static int block_inflate(nghttp2_hd_inflater *inflater, struct slice block, bool whole,
			 const struct hpack_sink *sink);

static nghttp2_hd_inflater *inflater_new(struct hpack *hpack)
{
	size_t table_limit_bytes = hpack->table_limit_bytes;
	nghttp2_hd_inflater *inflater;

	if (nghttp2_hd_inflate_new2(&inflater, &hpack->memory) != 0)
		return NULL;
	if (table_limit_bytes > DEFAULT_TABLE_BYTES &&
	    nghttp2_hd_inflate_change_table_size(inflater, table_limit_bytes) != 0) {
		nghttp2_hd_inflate_del(inflater);
		return NULL;
	}
	return inflater;
}

/* RFC 7541, 6.3: a size update to `bytes`, as an integer with a 5-bit prefix (5.1). */
static size_t size_update_encode(uint8_t *out, size_t bytes)
{
	size_t n = 0;

	if (bytes < 31) {
		out[n++] = (uint8_t)(0x20 | bytes);
		return n;
	}
	out[n++] = 0x3f;
	for (bytes -= 31; bytes >= 128; bytes >>= 7)
		out[n++] = (uint8_t)(bytes | 0x80);
	out[n++] = (uint8_t)bytes;
	return n;
}

static int table_fill(nghttp2_hd_inflater *inflater, size_t table_bytes)
{
	uint8_t first[16];
	size_t len = 0;
	int err = 0;

	if (table_bytes != DEFAULT_TABLE_BYTES)
		len = size_update_encode(first, table_bytes);
	memcpy(first + len, placeholder, sizeof(placeholder));
	err = block_inflate(inflater, slice_of(first, len + sizeof(placeholder)), true, NULL);
	for (size_t n = 1; !err && n < table_bytes / ENTRY_OVERHEAD_BYTES; n++)
		err = block_inflate(inflater, slice_of(placeholder, sizeof(placeholder)), true, NULL);
	return err;
}

static void inflater_drop(struct hpack *hpack)
{
	if (hpack->inflater)
		nghttp2_hd_inflate_del(hpack->inflater);
	hpack->inflater = NULL;
	hpack->primed = true;
}

struct hpack *hpack_new(size_t table_limit_bytes)
{
	struct hpack *hpack = calloc(1, sizeof(*hpack));

	if (!hpack)
		return NULL;
	if (table_limit_bytes < DEFAULT_TABLE_BYTES)
		table_limit_bytes = DEFAULT_TABLE_BYTES;
	hpack->table_limit_bytes = table_limit_bytes;
	hpack->table_bytes = DEFAULT_TABLE_BYTES;
	hpack->credit = CREDIT_BYTES;
	hpack->memory = (nghttp2_mem){ &hpack->held_bytes, counted_malloc, counted_free, counted_calloc,
				       counted_realloc };
	hpack->inflater = inflater_new(hpack);
	if (!hpack->inflater) {
		free(hpack);
		return NULL;
	}
	return hpack;
}

void hpack_free(struct hpack *hpack)
{
	if (!hpack)
		return;
	if (hpack->inflater)
		nghttp2_hd_inflate_del(hpack->inflater);
	free(hpack);
}

void hpack_prime(struct hpack *hpack)
{
	/* The table may be as large as it was last announced, or as it is by default; larger shows as an
	 * error. */
	if (hpack->inflater) {
		size_t bytes = nghttp2_hd_inflate_get_max_dynamic_table_size(hpack->inflater);

		if (bytes > hpack->table_bytes)
			hpack->table_bytes = bytes;
	}
	inflater_drop(hpack);
}

size_t hpack_memory(const struct hpack *hpack)
{
	return sizeof(*hpack) + hpack->held_bytes;
}

bool hpack_is_primed(const struct hpack *hpack)
{
	return hpack->primed;
}

static struct hpack_field field_of(const nghttp2_nv *nv)
{
	struct hpack_field field = {
		.name = slice_of(nv->name, nv->namelen),
		.value = slice_of(nv->value, nv->valuelen),
		.flags = (nv->flags & NGHTTP2_NV_FLAG_NO_INDEX) ? HEADER_NEVER_INDEXED : 0,
	};

	if (field.name.len > 0)
		return field;
	field.name = slice_of(NULL, 0);
	field.flags |= HEADER_NAME_UNKNOWN;
	if (field.value.len == 0) {
		field.value = slice_of(NULL, 0);
		field.flags |= HEADER_VALUE_UNKNOWN;
	}
	return field;
}

static int block_inflate(nghttp2_hd_inflater *inflater, struct slice block, bool whole,
			 const struct hpack_sink *sink)
{
	int flags = 0;

	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		nghttp2_nv nv;
		ssize_t used;

		flags = 0;
		used = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, block.data, block.len, whole);
		if (used == NGHTTP2_ERR_NOMEM)
			return -ENOMEM;
		if (used < 0)
			return -EBADMSG;
		block = slice_drop(block, (size_t)used);
		if (flags & NGHTTP2_HD_INFLATE_EMIT) {
			struct hpack_field field = field_of(&nv);

			if (sink)
				sink->field(sink->ctx, &field);
		} else if (!(flags & NGHTTP2_HD_INFLATE_FINAL) && block.len == 0) {
			return whole ? -EBADMSG : 0;
		}
	}
	nghttp2_hd_inflate_end_headers(inflater);
	return 0;
}

static int table_make(struct hpack *hpack)
{
	size_t placeholders = hpack->table_bytes / ENTRY_OVERHEAD_BYTES;

	if (hpack->inflater)
		return 0;
	if (hpack->credit < placeholders)
		return -EAGAIN;
	hpack->inflater = inflater_new(hpack);
	if (!hpack->inflater)
		return -ENOMEM;
	if (table_fill(hpack->inflater, hpack->table_bytes) < 0) {
		inflater_drop(hpack);
		return -ENOMEM;
	}
	hpack->credit -= placeholders;
	return 0;
}

int hpack_inflate(struct hpack *hpack, struct slice block, bool whole, const struct hpack_sink *sink)
{
	int err;

	hpack->credit += hpack->credit < SIZE_MAX / 2 ? block.len : 0;
	err = table_make(hpack);
	if (err < 0)
		return err;
	err = block_inflate(hpack->inflater, block, whole, sink);
	if (err == -EBADMSG)
		hpack->table_bytes = hpack->table_limit_bytes;
	if (err < 0 || !whole)
		inflater_drop(hpack);
	return err;
}

/* RFC 7541, 5.1: takes an integer with a prefix of so many bits. Too large ones give SIZE_MAX. */
static size_t integer_take(struct slice *block, unsigned int prefix)
{
	size_t max = (1u << prefix) - 1, value = block->data[0] & max;
	unsigned int shift = 0;
	uint8_t byte = 0x80;

	*block = slice_drop(*block, 1);
	if (value < max)
		return value;
	while (block->len > 0 && byte & 0x80) {
		byte = block->data[0];
		*block = slice_drop(*block, 1);
		if (shift > 28)
			return SIZE_MAX;
		value += (size_t)(byte & 0x7f) << shift;
		shift += 7;
	}
	return value;
}

static void string_skip(struct slice *block)
{
	size_t len = block->len > 0 ? integer_take(block, 7) : 0;

	*block = slice_drop(*block, len < block->len ? len : block->len);
}

/* Takes one representation (RFC 7541, 6); the index of its name, 0: none. */
static size_t name_index_take(struct slice *block)
{
	uint8_t first = block->data[0];
	size_t index;

	if (first & 0x80)
		return integer_take(block, 7);
	if ((first & 0xe0) == 0x20) {
		integer_take(block, 5);
		return 0;
	}
	index = integer_take(block, first & 0x40 ? 6 : 4);
	if (index == 0)
		string_skip(block);
	string_skip(block);
	return index;
}

bool hpack_names_request(struct slice block)
{
	while (block.len > 0) {
		size_t index = name_index_take(&block);

		if (index >= 1 && index <= STATIC_REQUEST_LAST)
			return true;
	}
	return false;
}
