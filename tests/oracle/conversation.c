/* SPDX-License-Identifier: Apache-2.0 */
#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64 */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t random_below(struct random *random, size_t n)
{
	return n ? (size_t)(random_next(random) % n) : 0;
}

bool random_chance(struct random *random, unsigned int percent)
{
	return random_below(random, 100) < percent;
}

const char *family_name(enum family family)
{
	static const char *const names[] = {
		[FAMILY_HTTP1] = "http1",
		[FAMILY_HTTP1_PIPED] = "http1-piped",
		[FAMILY_HTTP1_LEFT] = "http1-left",
		[FAMILY_HTTP1_TRAPS] = "http1-traps",
		[FAMILY_HTTP2] = "http2",
		[FAMILY_HTTP2_RESET] = "http2-reset",
		[FAMILY_HTTP2_H2C] = "http2-upgrade",
	};

	return names[family];
}

static void *grown(void *old, size_t size)
{
	void *bigger = realloc(old, size);

	if (!bigger)
		abort();
	return bigger;
}

void conversation_write(struct conversation *conversation, int direction, size_t owner, const void *bytes,
			size_t len)
{
	struct true_direction *to = &conversation->direction[direction];

	if (!len)
		return;
	if (to->len + len > to->capacity) {
		to->capacity = 2 * (to->len + len);
		to->bytes = grown(to->bytes, to->capacity);
		to->owner = grown(to->owner, to->capacity);
	}
	memcpy(to->bytes + to->len, bytes, len);
	memset(to->owner + to->len, (int)owner, len);
	if (conversation->step_count == conversation->step_capacity) {
		conversation->step_capacity = 2 * conversation->step_capacity + 64;
		conversation->steps = grown(conversation->steps,
					    conversation->step_capacity * sizeof(*conversation->steps));
	}
	conversation->steps[conversation->step_count++] =
		(struct step){ .direction = direction, .begin = to->len, .end = to->len + len };
	to->len += len;
}

void conversation_fini(struct conversation *conversation)
{
	for (int i = 0; i < 2; i++) {
		free(conversation->direction[i].bytes);
		free(conversation->direction[i].owner);
	}
	free(conversation->steps);
}

void fields_add(struct true_fields *fields, const char *name, const char *value)
{
	struct true_field *field = &fields->items[fields->count];

	if (fields->count++ == FIELDS_MAX)
		abort();
	snprintf(field->name, sizeof(field->name), "%s", name);
	snprintf(field->value, sizeof(field->value), "%s", value);
}

void conversation_make(struct conversation *conversation, enum family family, uint64_t seed, size_t count)
{
	struct random random = { .state = seed };

	*conversation = (struct conversation){ .family = family };
	if (family >= FAMILY_HTTP2)
		make_http2(conversation, &random, count);
	else
		make_http1(conversation, &random, count);
}
