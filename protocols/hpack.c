/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An inflater for an observer who may have missed blocks.
 *
 * The idea. An index counts from the newest entry on. So an inflater that
 * begins late is right about every entry that was added since, provided that
 * it holds at least as many older ones as the encoder does. It is primed: its
 * table is full of unknown entries of the least possible size (32 bytes, an
 * empty name and value). The encoder's unknown entries are never more, for
 * each takes 32 bytes or more; new entries push out unknown ones first, and a
 * new one that the encoder still holds is still held here.
 *
 *	index     62     63     64   ...
 *	encoder | new2 | new1 | old8 | old7 |
 *	here    | new2 | new1 |  ?   |  ?   |  ?   |  ?   | ...
 *
 * An empty name never occurs in a legal block, so it stands for one that is
 * not known. A literal may borrow the name of an unknown entry: then only the
 * value is known, and the entry that it adds keeps being one with an unknown
 * name. Such an entry counts for less here than in the encoder, which leaves
 * more in this table, never less.
 *
 * Invariants. The largest size that the encoder may announce is table_limit
 * from the first block on: SETTINGS may have been missed, and a peer that
 * announces too much is refused by its peer anyway. Nothing is ever lowered
 * from outside, the encoder announces that itself. After an error the table is
 * primed as the largest one, since a larger one than ours, announced unseen, is
 * the likely reason.
 *
 * Why not nghttp2's: servers add most fields of each response to the table and
 * never point to them (nginx does), for which it takes and gives back three
 * pieces of memory a field; with its Huffman decoder that was half of all that
 * hark spent on HTTP/2. The tests hold this one against its encoder.
 */
#include "hpack.h"

#include "hpack_table.h"
#include "huffman_memo.h"
#include "message.h"

#include <errno.h>
#include <stdlib.h>

#define DEFAULT_TABLE_BYTES 4096 /* RFC 9113, 6.5.2 */
#define STATIC_FIELDS	    61
#define STATIC_REQUEST_LAST 7 /* RFC 7541, appendix A: 1 to 7 are a request's pseudo-header fields */

struct hpack {
	struct hpack_table table;
	size_t table_limit_bytes;
	size_t table_bytes; /* of the table that priming fills */
	bool primed;
	struct huffman_memo *memo; /* NULL: none was needed so far, or no memory */
};

/* RFC 7541, appendix A. */
static const struct {
	struct slice name, value;
} static_fields[STATIC_FIELDS] = {
	{ SLICE(":authority"), SLICE("") },
	{ SLICE(":method"), SLICE("GET") },
	{ SLICE(":method"), SLICE("POST") },
	{ SLICE(":path"), SLICE("/") },
	{ SLICE(":path"), SLICE("/index.html") },
	{ SLICE(":scheme"), SLICE("http") },
	{ SLICE(":scheme"), SLICE("https") },
	{ SLICE(":status"), SLICE("200") },
	{ SLICE(":status"), SLICE("204") },
	{ SLICE(":status"), SLICE("206") },
	{ SLICE(":status"), SLICE("304") },
	{ SLICE(":status"), SLICE("400") },
	{ SLICE(":status"), SLICE("404") },
	{ SLICE(":status"), SLICE("500") },
	{ SLICE("accept-charset"), SLICE("") },
	{ SLICE("accept-encoding"), SLICE("gzip, deflate") },
	{ SLICE("accept-language"), SLICE("") },
	{ SLICE("accept-ranges"), SLICE("") },
	{ SLICE("accept"), SLICE("") },
	{ SLICE("access-control-allow-origin"), SLICE("") },
	{ SLICE("age"), SLICE("") },
	{ SLICE("allow"), SLICE("") },
	{ SLICE("authorization"), SLICE("") },
	{ SLICE("cache-control"), SLICE("") },
	{ SLICE("content-disposition"), SLICE("") },
	{ SLICE("content-encoding"), SLICE("") },
	{ SLICE("content-language"), SLICE("") },
	{ SLICE("content-length"), SLICE("") },
	{ SLICE("content-location"), SLICE("") },
	{ SLICE("content-range"), SLICE("") },
	{ SLICE("content-type"), SLICE("") },
	{ SLICE("cookie"), SLICE("") },
	{ SLICE("date"), SLICE("") },
	{ SLICE("etag"), SLICE("") },
	{ SLICE("expect"), SLICE("") },
	{ SLICE("expires"), SLICE("") },
	{ SLICE("from"), SLICE("") },
	{ SLICE("host"), SLICE("") },
	{ SLICE("if-match"), SLICE("") },
	{ SLICE("if-modified-since"), SLICE("") },
	{ SLICE("if-none-match"), SLICE("") },
	{ SLICE("if-range"), SLICE("") },
	{ SLICE("if-unmodified-since"), SLICE("") },
	{ SLICE("last-modified"), SLICE("") },
	{ SLICE("link"), SLICE("") },
	{ SLICE("location"), SLICE("") },
	{ SLICE("max-forwards"), SLICE("") },
	{ SLICE("proxy-authenticate"), SLICE("") },
	{ SLICE("proxy-authorization"), SLICE("") },
	{ SLICE("range"), SLICE("") },
	{ SLICE("referer"), SLICE("") },
	{ SLICE("refresh"), SLICE("") },
	{ SLICE("retry-after"), SLICE("") },
	{ SLICE("server"), SLICE("") },
	{ SLICE("set-cookie"), SLICE("") },
	{ SLICE("strict-transport-security"), SLICE("") },
	{ SLICE("transfer-encoding"), SLICE("") },
	{ SLICE("user-agent"), SLICE("") },
	{ SLICE("vary"), SLICE("") },
	{ SLICE("via"), SLICE("") },
	{ SLICE("www-authenticate"), SLICE("") },
};

struct string {
	struct slice bytes;
	bool coded; /* by Huffman's code */
};

/* RFC 7541, 6. */
struct representation {
	enum {
		REPRESENTS_FIELD, /* the one at the index */
		REPRESENTS_SIZE,
		REPRESENTS_LITERAL,
	} kind;
	size_t index;	    /* 0: the name is a string */
	size_t table_bytes; /* the new size */
	struct string name, value;
	bool added, never_indexed;
};

struct hpack *hpack_new(size_t table_limit_bytes)
{
	struct hpack *hpack = calloc(1, sizeof(*hpack));

	if (!hpack)
		return NULL;
	if (table_limit_bytes < DEFAULT_TABLE_BYTES)
		table_limit_bytes = DEFAULT_TABLE_BYTES;
	hpack->table_limit_bytes = table_limit_bytes;
	hpack->table_bytes = DEFAULT_TABLE_BYTES;
	hpack_table_init(&hpack->table, DEFAULT_TABLE_BYTES);
	return hpack;
}

void hpack_free(struct hpack *hpack)
{
	if (!hpack)
		return;
	hpack_table_fini(&hpack->table);
	free(hpack->memo);
	free(hpack);
}

void hpack_prime(struct hpack *hpack)
{
	/* The table may be as large as it was last announced, or as it is by default; larger shows as an
	 * error. */
	if (hpack->table.max_bytes > hpack->table_bytes)
		hpack->table_bytes = hpack->table.max_bytes;
	hpack_table_forget(&hpack->table, hpack->table_bytes);
	hpack->primed = true;
}

size_t hpack_memory(const struct hpack *hpack)
{
	return sizeof(*hpack) + hpack_table_memory(&hpack->table) + (hpack->memo ? sizeof(*hpack->memo) : 0);
}

bool hpack_is_primed(const struct hpack *hpack)
{
	return hpack->primed;
}

/*
 * RFC 7541, 5.1: takes an integer with a prefix of so many bits. 1; 0: the block ends in it; -EBADMSG: it
 * takes more than 32 bits.
 */
static int integer_take(struct slice *block, unsigned int prefix, size_t *value)
{
	uint32_t max = (1u << prefix) - 1, sum;
	unsigned int shift = 0;
	uint8_t byte;

	if (block->len == 0)
		return 0;
	sum = block->data[0] & max;
	*block = slice_drop(*block, 1);
	for (byte = sum == max ? 0x80 : 0; byte & 0x80; shift += 7) {
		if (block->len == 0)
			return 0;
		byte = block->data[0];
		*block = slice_drop(*block, 1);
		if (shift > 28 || (uint32_t)(byte & 0x7f) > UINT32_MAX >> shift ||
		    __builtin_add_overflow(sum, (uint32_t)(byte & 0x7f) << shift, &sum))
			return -EBADMSG;
	}
	*value = sum;
	return 1;
}

/* RFC 7541, 5.2. */
static int string_take(struct slice *block, struct string *string)
{
	bool coded = block->len > 0 && block->data[0] & 0x80;
	size_t len;
	int taken = integer_take(block, 7, &len);

	if (taken <= 0)
		return taken;
	if (len > block->len)
		return 0;
	*string = (struct string){ slice_take(*block, len), coded };
	*block = slice_drop(*block, len);
	return 1;
}

/* Takes one from a block that is not empty. 1; 0: the block ends in it; -EBADMSG. */
static int representation_take(struct slice *block, struct representation *representation)
{
	uint8_t first = block->data[0];
	int taken;

	*representation = (struct representation){ .kind = REPRESENTS_FIELD };
	if (first & 0x80)
		return integer_take(block, 7, &representation->index);
	if ((first & 0xe0) == 0x20) {
		representation->kind = REPRESENTS_SIZE;
		return integer_take(block, 5, &representation->table_bytes);
	}
	representation->kind = REPRESENTS_LITERAL;
	representation->added = first & 0x40;
	representation->never_indexed = (first & 0xf0) == 0x10;
	taken = integer_take(block, first & 0x40 ? 6 : 4, &representation->index);
	if (taken > 0 && representation->index == 0)
		taken = string_take(block, &representation->name);
	return taken > 0 ? string_take(block, &representation->value) : taken;
}

static bool index_find(const struct hpack *hpack, size_t index, struct slice *name, struct slice *value)
{
	if (index == 0)
		return false;
	if (index > STATIC_FIELDS)
		return hpack_table_find(&hpack->table, index - STATIC_FIELDS, name, value);
	*name = static_fields[index - 1].name;
	*value = static_fields[index - 1].value;
	return true;
}

/* The most bytes that it may stand for: no code is shorter than five bits. */
static size_t string_most(const struct string *string)
{
	return string->coded ? string->bytes.len * 8 / 5 : string->bytes.len;
}

/* Its length, or -1: it is coded wrong. */
static long string_write(struct hpack *hpack, const struct string *string, uint8_t *out)
{
	if (string->coded) {
		if (!hpack->memo)
			hpack->memo = calloc(1, sizeof(*hpack->memo));
		return huffman_memo_decode(hpack->memo, string->bytes, out, string_most(string));
	}
	if (string->bytes.len)
		memcpy(out, string->bytes.data, string->bytes.len);
	return (long)string->bytes.len;
}

static void field_show(const struct hpack_sink *sink, struct slice name, struct slice value,
		       unsigned int flags)
{
	struct hpack_field field = { .name = name, .value = value, .flags = flags };

	if (!sink)
		return;
	if (name.len == 0) {
		field.name = slice_of(NULL, 0);
		field.flags |= HEADER_NAME_UNKNOWN;
	}
	if (name.len == 0 && value.len == 0) {
		field.value = slice_of(NULL, 0);
		field.flags |= HEADER_VALUE_UNKNOWN;
	}
	sink->field(sink->ctx, &field);
}

/* Name and value are written where the entry will be, whether or not there will be one. */
static int literal_apply(struct hpack *hpack, const struct representation *literal,
			 const struct hpack_sink *sink)
{
	struct slice name, value;
	size_t most = string_most(&literal->name) + string_most(&literal->value);
	long name_len, value_len;
	uint8_t *room;

	if (literal->index && !index_find(hpack, literal->index, &name, &value))
		return -EBADMSG;
	room = hpack_table_room(&hpack->table, most + (literal->index ? name.len : 0));
	if (!room)
		return -ENOMEM;
	if (literal->index) {
		index_find(hpack, literal->index, &name, &value); /* it may have moved */
		memcpy(room, name.data, name.len);
		name_len = (long)name.len;
	} else {
		name_len = string_write(hpack, &literal->name, room);
	}
	if (name_len < 0)
		return -EBADMSG;
	value_len = string_write(hpack, &literal->value, room + name_len);
	if (value_len < 0)
		return -EBADMSG;
	if (literal->added && hpack_table_add(&hpack->table, (size_t)name_len, (size_t)value_len) < 0)
		return -ENOMEM;
	field_show(sink, slice_of(room, (size_t)name_len), slice_of(room + name_len, (size_t)value_len),
		   literal->never_indexed ? HEADER_NEVER_INDEXED : 0);
	return 0;
}

static int field_apply(struct hpack *hpack, size_t index, const struct hpack_sink *sink)
{
	struct slice name, value;

	if (!index_find(hpack, index, &name, &value))
		return -EBADMSG;
	field_show(sink, name, value, 0);
	return 0;
}

/* RFC 7541, 4.2: only a block's first representations change the size. */
static int size_apply(struct hpack *hpack, size_t bytes, bool fields_seen)
{
	if (fields_seen || bytes > hpack->table_limit_bytes)
		return -EBADMSG;
	hpack_table_resize(&hpack->table, bytes);
	return 0;
}

static int block_inflate(struct hpack *hpack, struct slice block, bool whole, const struct hpack_sink *sink)
{
	struct representation representation;
	bool fields_seen = false;
	int err = 0;

	while (block.len > 0 && !err) {
		err = representation_take(&block, &representation);
		if (err == 0)
			return whole ? -EBADMSG : 0;
		if (err < 0)
			return err;
		switch (representation.kind) {
		case REPRESENTS_FIELD:
			err = field_apply(hpack, representation.index, sink);
			break;
		case REPRESENTS_SIZE:
			err = size_apply(hpack, representation.table_bytes, fields_seen);
			break;
		case REPRESENTS_LITERAL:
			err = literal_apply(hpack, &representation, sink);
			break;
		}
		fields_seen |= representation.kind != REPRESENTS_SIZE;
	}
	return err;
}

int hpack_inflate(struct hpack *hpack, struct slice block, bool whole, const struct hpack_sink *sink)
{
	int err = block_inflate(hpack, block, whole, sink);

	if (err == -EBADMSG)
		hpack->table_bytes = hpack->table_limit_bytes;
	if (err < 0 || !whole)
		hpack_prime(hpack);
	hpack_table_tidy(&hpack->table);
	return err;
}

bool hpack_names_request(struct slice block)
{
	struct representation representation;
	int taken = 1;

	while (block.len > 0 && taken > 0) {
		taken = representation_take(&block, &representation);
		if (representation.index >= 1 && representation.index <= STATIC_REQUEST_LAST)
			return true;
	}
	return false;
}
