/* SPDX-License-Identifier: Apache-2.0 */
#include "otlp_ids.h"

#include "ascii.h"
#include "base/hash.h"
#include "model/trace.h"

#include <errno.h>
#include <sys/random.h>

#define FLAG_SAMPLED	  0x01
#define FLAG_REMOTE_KNOWN 0x100 /* SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK */
#define FLAG_REMOTE	  0x200 /* SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK */

int otlp_ids_init(struct otlp_id_source *source)
{
	return getrandom(&source->state, sizeof(source->state), 0) == sizeof(source->state) ? 0 : -errno;
}

/* Not 0, which is no id. They need to differ, no more: who knows one may guess the next. */
static void id_make(struct otlp_id_source *source, uint8_t *id, size_t len)
{
	for (size_t i = 0; i < len; i += sizeof(uint64_t)) {
		uint64_t word;

		do
			word = hash_word(HASH_START, source->state += UINT64_C(0x9e3779b97f4a7c15));
		while (!word);
		memcpy(id + i, &word, sizeof(word));
	}
}

/* To the right: a trace of 64 bits has zeros in front. */
static void id_read(uint8_t *id, size_t len, struct slice hex)
{
	memset(id, 0, len);
	for (size_t i = 0; i < hex.len; i++) {
		size_t at = len * 2 - hex.len + i;

		id[at / 2] = (uint8_t)(id[at / 2] << 4 | ascii_hex_value(hex.data[i]));
	}
}

static struct otlp_ids ids_new(struct otlp_id_source *source, const struct exchange *exchange)
{
	struct otlp_ids ids = { .flags = FLAG_SAMPLED | FLAG_REMOTE_KNOWN };
	struct trace trace;

	id_make(source, ids.span, sizeof(ids.span));
	if (!trace_of(exchange->request, &trace) || !trace.id.data) {
		id_make(source, ids.trace, sizeof(ids.trace));
		return ids;
	}
	id_read(ids.trace, sizeof(ids.trace), trace.id);
	if (trace.flags.data)
		ids.flags = (uint32_t)(ascii_hex_value(trace.flags.data[0]) << 4 |
				       ascii_hex_value(trace.flags.data[1])) |
			    FLAG_REMOTE_KNOWN;
	ids.has_parent = trace.span.data;
	if (ids.has_parent) {
		id_read(ids.parent, sizeof(ids.parent), trace.span);
		ids.flags |= FLAG_REMOTE;
	}
	return ids;
}

static void link_to(struct otlp_ids *ids, const struct otlp_ids *other)
{
	memcpy(ids->link, other->span, sizeof(ids->link));
	ids->has_link = true;
}

static void parent_is(struct otlp_ids *ids, const struct otlp_ids *other)
{
	memcpy(ids->parent, other->span, sizeof(ids->parent));
	ids->has_parent = true;
	ids->flags |= FLAG_REMOTE;
}

struct otlp_ids otlp_ids_of(struct otlp_id_source *source, const struct exchange *exchange)
{
	struct otlp_ids ids, *second = &source->second;
	bool awaited = source->first && exchange->join == JOIN_SECOND && exchange->other == source->first;

	source->first = NULL;
	if (awaited)
		return *second;
	ids = ids_new(source, exchange);
	if (exchange->join != JOIN_FIRST || !exchange->other)
		return ids;
	source->first = exchange;
	*second = ids;
	id_make(source, second->span, sizeof(second->span));
	if (ids.has_parent) {
		link_to(&ids, second);
		link_to(second, &ids);
	} else if (exchange->conn->role == ROLE_CLIENT) {
		parent_is(second, &ids);
	} else {
		parent_is(&ids, second);
	}
	return ids;
}
