/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nghttp3's decoder, made fit for an observer who may have missed insertions.
 *
 * Other than HPACK's, an index into the dynamic table counts from the number of all insertions ever made (RFC
 * 9204, 3.2.4), which nobody can learn late. So where the table is lost a section is written anew before it
 * is read: what stands in the static table or in the section itself is copied, and what refers to the dynamic
 * table becomes a literal with an empty name, which no legal section has: a field of unknown name. The value
 * of a literal that borrows only its name stays.
 *
 * Invariant: a section changes no table, so what is wrong with one does no harm to the next.
 */
#include "qpack.h"

#include "bytes.h"
#include "counted.h"
#include "message.h"

#include <errno.h>
#include <nghttp3/nghttp3.h>
#include <stdlib.h>

#define INSTRUCTIONS_MAX_BYTES 64 /* that one section makes the decoder send, with room to spare */

enum qpack_table {
	TABLE_UNUSED,	/* no entry was inserted so far */
	TABLE_FOLLOWED, /* every entry is known */
	TABLE_LOST,
};

/* Before each allocation of the decoder's. */
struct owned {
	struct owned *prev, *next;
};

struct qpack {
	nghttp3_qpack_decoder *decoder; /* NULL: memory was out */
	nghttp3_mem memory;		/* the decoder's; counts what it takes */
	struct owned all;		/* a ring of what it has */
	size_t held_bytes;
	enum qpack_table table;
};

/* --- memory ---------------------------------------------------------------- */

static void owned_link(struct qpack *qpack, struct owned *owned)
{
	*owned = (struct owned){ &qpack->all, qpack->all.next };
	owned->prev->next = owned->next->prev = owned;
}

static void owned_unlink(struct owned *owned)
{
	owned->prev->next = owned->next;
	owned->next->prev = owned->prev;
}

static void *owned_realloc(void *bytes, size_t size, void *ctx)
{
	struct owned *old = bytes ? (struct owned *)bytes - 1 : NULL, *owned = NULL;
	struct qpack *qpack = ctx;

	if (old)
		owned_unlink(old);
	if (size <= SIZE_MAX / 2)
		owned = counted_realloc(old, sizeof(*owned) + size, &qpack->held_bytes);
	if (owned || old)
		owned_link(qpack, owned ? owned : old);
	return owned ? owned + 1 : NULL;
}

static void *owned_malloc(size_t size, void *qpack)
{
	return owned_realloc(NULL, size, qpack);
}

static void *owned_calloc(size_t count, size_t size, void *qpack)
{
	void *bytes = size && count > SIZE_MAX / size ? NULL : owned_malloc(count * size, qpack);

	if (bytes)
		memset(bytes, 0, count * size);
	return bytes;
}

static void owned_free(void *bytes, void *ctx)
{
	struct qpack *qpack = ctx;

	if (!bytes)
		return;
	owned_unlink((struct owned *)bytes - 1);
	counted_free((struct owned *)bytes - 1, &qpack->held_bytes);
}

/*
 * All that the decoder has is freed without its help: nghttp3 0.8 gives an entry back twice after an
 * insertion for which there was no memory.
 */
static void decoder_drop(struct qpack *qpack)
{
	while (qpack->all.next != &qpack->all)
		owned_free(qpack->all.next + 1, qpack);
	qpack->decoder = NULL;
}

/* --- the table ------------------------------------------------------------- */

static int decoder_make(struct qpack *qpack, size_t capacity_bytes)
{
	decoder_drop(qpack);
	if (nghttp3_qpack_decoder_new(&qpack->decoder, capacity_bytes, 0, &qpack->memory) == 0)
		return 0;
	decoder_drop(qpack);
	return -ENOMEM;
}

/* The table is lost, and whatever state the decoder was in. Out of memory shows at the next section. */
static void decoder_break(struct qpack *qpack)
{
	qpack->table = TABLE_LOST;
	decoder_make(qpack, 0);
}

struct qpack *qpack_new(void)
{
	struct qpack *qpack = calloc(1, sizeof(*qpack));

	if (!qpack)
		return NULL;
	qpack->all = (struct owned){ &qpack->all, &qpack->all };
	qpack->memory = (nghttp3_mem){ qpack, owned_malloc, owned_free, owned_calloc, owned_realloc };
	if (decoder_make(qpack, 0) == 0)
		return qpack;
	qpack_free(qpack);
	return NULL;
}

void qpack_free(struct qpack *qpack)
{
	if (!qpack)
		return;
	decoder_drop(qpack);
	free(qpack);
}

size_t qpack_memory(const struct qpack *qpack)
{
	return sizeof(*qpack) + qpack->held_bytes;
}

bool qpack_is_lost(const struct qpack *qpack)
{
	return qpack->table == TABLE_LOST;
}

void qpack_lose(struct qpack *qpack)
{
	if (qpack->table != TABLE_LOST)
		decoder_break(qpack);
}

int qpack_allow(struct qpack *qpack, uint64_t capacity_bytes)
{
	int err = 0;

	if (qpack->table == TABLE_LOST)
		return 0;
	if (qpack->table == TABLE_UNUSED && capacity_bytes <= SIZE_MAX)
		err = decoder_make(qpack, (size_t)capacity_bytes);
	if (err || qpack->table != TABLE_UNUSED)
		qpack_lose(qpack);
	return err;
}

/* What a decoder would send to its encoder is of no use here, and must not pile up. */
static void decoder_drain(nghttp3_qpack_decoder *decoder)
{
	uint8_t bytes[INSTRUCTIONS_MAX_BYTES];
	nghttp3_buf buf = { bytes, bytes + sizeof(bytes), bytes, bytes };

	if (nghttp3_qpack_decoder_get_decoder_streamlen(decoder) <= sizeof(bytes))
		nghttp3_qpack_decoder_write_decoder(decoder, &buf);
}

int qpack_insert(struct qpack *qpack, struct slice instructions)
{
	nghttp3_ssize used;

	if (qpack->table == TABLE_LOST || instructions.len == 0)
		return 0;
	qpack->table = TABLE_FOLLOWED;
	used = nghttp3_qpack_decoder_read_encoder(qpack->decoder, instructions.data, instructions.len);
	if (used == (nghttp3_ssize)instructions.len) {
		decoder_drain(qpack->decoder);
		return 0;
	}
	qpack_lose(qpack);
	return used == NGHTTP3_ERR_NOMEM ? -ENOMEM : -EBADMSG;
}

uint64_t qpack_inserts(const struct qpack *qpack)
{
	return qpack->decoder ? nghttp3_qpack_decoder_get_icnt(qpack->decoder) : 0;
}

/* --- sections written anew ------------------------------------------------- */

/*
 * How many bytes an integer with a prefix of so many bits takes, and its value (RFC 7541, 5.1). 0: the bytes
 * end before, or it has more than 62 bits.
 */
static size_t integer_read(struct slice bytes, unsigned int prefix, uint64_t *value)
{
	uint8_t max = (uint8_t)((1u << prefix) - 1);
	unsigned int shift = 0;

	if (bytes.len == 0)
		return 0;
	*value = bytes.data[0] & max;
	if (*value < max)
		return 1;
	for (size_t at = 1; at < bytes.len && shift <= 56; at++, shift += 7) {
		*value += (uint64_t)(bytes.data[at] & 0x7f) << shift;
		if (!(bytes.data[at] & 0x80))
			return at + 1;
	}
	return 0;
}

/* How many bytes a string takes whose length has a prefix of so many bits. 0: they are not there. */
static size_t string_size(struct slice bytes, unsigned int prefix)
{
	uint64_t len = 0;
	size_t size = integer_read(bytes, prefix, &len);

	return size && len <= bytes.len - size ? size + (size_t)len : 0;
}

/* The representations of field lines (RFC 9204, 4.5.2 to 4.5.6), the first that agrees. */
static const struct line_form {
	uint8_t mask, bits;
	uint8_t static_bit;   /* set: the index is the static table's; 0: there is none */
	unsigned char prefix; /* of the index, or of the length of a literal name */
	bool named;	      /* the name is a literal */
	bool valued;	      /* the value is */
	uint8_t secret_bit;   /* never to be indexed */
} line_forms[] = {
	{ 0x80, 0x80, 0x40, 6, false, false, 0 }, { 0xc0, 0x40, 0x10, 4, false, true, 0x20 },
	{ 0xe0, 0x20, 0, 3, true, true, 0x10 },	  { 0xf0, 0x10, 0, 4, false, false, 0 },
	{ 0xf0, 0x00, 0, 3, false, true, 0x08 },
};

#define LITERAL_NAME	    0x20 /* of no bytes */
#define LITERAL_NAME_SECRET 0x10
#define EMPTY_STRING	    0x00

/* Takes one field line, and writes it without the dynamic table. 0, -EBADMSG or -ENOMEM. */
static int line_rewrite(struct slice *section, struct bytes *out)
{
	const struct line_form *form = line_forms;
	uint8_t first = section->data[0], unknown[2] = { LITERAL_NAME, EMPTY_STRING };
	size_t name, value = 0;
	uint64_t index;
	bool known;

	while ((first & form->mask) != form->bits)
		form++;
	name = form->named ? string_size(*section, form->prefix)
			   : integer_read(*section, form->prefix, &index);
	if (form->valued && name)
		value = string_size(slice_drop(*section, name), 7);
	if (!name || (form->valued && !value))
		return -EBADMSG;
	known = form->named || first & form->static_bit;
	if (first & form->secret_bit)
		unknown[0] |= LITERAL_NAME_SECRET;
	if (bytes_append(out, known ? slice_take(*section, name) : slice_of(unknown, form->valued ? 1 : 2),
			 SIZE_MAX) < 0 ||
	    bytes_append(out, slice_take(slice_drop(*section, name), value), SIZE_MAX) < 0)
		return -ENOMEM;
	*section = slice_drop(*section, name + value);
	return 0;
}

static int section_rewrite(struct slice section, struct bytes *out)
{
	static const uint8_t no_table[] = { 0, 0 };
	uint64_t ignored = 0;
	size_t size = integer_read(section, 8, &ignored), base;
	int err = 0;

	base = size ? integer_read(slice_drop(section, size), 7, &ignored) : 0;
	if (!base)
		return -EBADMSG;
	section = slice_drop(section, size + base);
	if (bytes_append(out, slice_of(no_table, sizeof(no_table)), SIZE_MAX) < 0)
		return -ENOMEM;
	while (section.len && !err)
		err = line_rewrite(&section, out);
	return err;
}

/* --- reading --------------------------------------------------------------- */

static void field_give(const nghttp3_qpack_nv *nv, const struct hpack_sink *sink)
{
	nghttp3_vec name = nghttp3_rcbuf_get_buf(nv->name), value = nghttp3_rcbuf_get_buf(nv->value);
	struct hpack_field field = {
		.name = slice_of(name.base, name.len),
		.value = slice_of(value.base, value.len),
		.flags = nv->flags & NGHTTP3_NV_FLAG_NEVER_INDEX ? HEADER_NEVER_INDEXED : 0,
	};

	if (name.len == 0) {
		field.name = slice_of(NULL, 0);
		field.flags |= HEADER_NAME_UNKNOWN;
		if (value.len == 0) {
			field.value = slice_of(NULL, 0);
			field.flags |= HEADER_VALUE_UNKNOWN;
		}
	}
	sink->field(sink->ctx, &field);
}

static int section_read(struct qpack *qpack, nghttp3_qpack_stream_context *context, struct slice section,
			const struct hpack_sink *sink)
{
	uint8_t flags = 0;

	while (!(flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL)) {
		nghttp3_qpack_nv nv;
		nghttp3_ssize used = nghttp3_qpack_decoder_read_request(qpack->decoder, context, &nv, &flags,
									section.data, section.len, 1);

		if (used < 0)
			return used == NGHTTP3_ERR_NOMEM ? -ENOMEM : -EBADMSG;
		if (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED)
			return -EAGAIN;
		section = slice_drop(section, (size_t)used);
		if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
			field_give(&nv, sink);
			nghttp3_rcbuf_decref(nv.name);
			nghttp3_rcbuf_decref(nv.value);
		} else if (!(flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) && section.len == 0) {
			return -EBADMSG;
		}
	}
	return 0;
}

int qpack_read(struct qpack *qpack, uint64_t stream, struct slice section, bool without_table,
	       const struct hpack_sink *sink)
{
	bool anew = without_table || qpack->table == TABLE_LOST;
	nghttp3_qpack_stream_context *context;
	struct bytes rewritten = { 0 };
	int err = 0;

	if (!qpack->decoder && decoder_make(qpack, 0) < 0)
		return -ENOMEM;
	if (anew) {
		err = section_rewrite(section, &rewritten);
		section = bytes_slice(&rewritten);
	}
	if (!err)
		err = nghttp3_qpack_stream_context_new(&context, (int64_t)stream, &qpack->memory) ? -ENOMEM
												  : 0;
	if (!err) {
		err = section_read(qpack, context, section, sink);
		if (err != -ENOMEM) {
			nghttp3_qpack_stream_context_del(context);
			decoder_drain(qpack->decoder);
		}
	}
	if (err == -ENOMEM)
		decoder_break(qpack);
	bytes_fini(&rewritten);
	return err;
}
