/* SPDX-License-Identifier: Apache-2.0 */
#include "losses.h"

#include "buffer.h"

#include <inttypes.h>
#include <string.h>

bool loss_is(enum counter counter)
{
	static const enum counter losses[] = {
		COUNTER_EVENTS_LOST,	 COUNTER_BYTES_LOST,	   COUNTER_CONNECTIONS_EVICTED,
		COUNTER_RETURNS_REFUSED, COUNTER_PROGRAMS_SKIPPED, COUNTER_PROBES_DETACHED,
		COUNTER_OUTPUT_ERRORS,	 COUNTER_LIMIT_MAPS,	   COUNTER_LIMIT_CONNECTIONS,
		COUNTER_LIMIT_EXCHANGES, COUNTER_LIMIT_HELD,	   COUNTER_LIMIT_REORDER,
		COUNTER_LIMIT_HEADERS,	 COUNTER_LIMIT_STREAMS,	   COUNTER_LIMIT_PIPELINE,
		COUNTER_LIMIT_FILTER,	 COUNTER_LIMIT_MEMORY,	   COUNTER_EXPORT_REJECTED,
		COUNTER_EXPORT_LOST,	 COUNTER_HISTORY_LOST,
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (losses[i] == counter)
			return true;
	return false;
}

static bool is_limit(enum counter counter)
{
	return strncmp(counter_name(counter), "limit.", strlen("limit.")) == 0;
}

uint64_t losses_sum(void)
{
	uint64_t sum = 0;

	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		sum += loss_is(i) ? counters[i] : 0;
	return sum;
}

static void put(struct buffer *text, const char *before, enum counter counter)
{
	buffer_format(text, "%s%s %" PRIu64, before, counter_name(counter), counters[counter]);
}

void losses_put(struct buffer *text)
{
	size_t start = text->len;

	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		if (counters[i] && loss_is(i))
			put(text, text->len > start ? ", " : "", i);
}

void losses_put_limits_met(struct buffer *text)
{
	size_t start = text->len;

	for (enum counter i = 0; i < COUNTER_COUNT; i++)
		if (counters[i] && is_limit(i) && !loss_is(i))
			put(text, text->len > start ? ", " : "; limits met: ", i);
}
