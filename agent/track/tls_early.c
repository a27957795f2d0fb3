/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_early.h"

#include "base/counters.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#define EARLY_MAX_BYTES (64 * 1024) /* OpenSSL's servers take 16 KiB unless told otherwise */

struct tls_early_record {
	struct tls_early_record *prev, *next;
	struct mover mover;
	struct event_data event; /* with its payload */
};

bool tls_early_hold(struct tls_early *early, const struct event_data *event, const struct mover *mover)
{
	struct tls_early_record *record;

	if (early->bytes + event->copied > EARLY_MAX_BYTES) {
		counter_add(COUNTER_LIMIT_HELD, event->copied);
		return false;
	}
	record = malloc(sizeof(*record) + event->copied);
	if (!record) {
		counter_add(COUNTER_LIMIT_MEMORY, 1);
		return false;
	}
	record->mover = *mover;
	memcpy(&record->event, event, sizeof(*event) + event->copied);
	early->bytes += event->copied;
	DL_APPEND(early->records, record);
	return true;
}

void tls_early_release(struct tls_early *early,
		       void (*fn)(void *ctx, const struct event_data *event, const struct mover *mover),
		       void *ctx)
{
	struct tls_early_record *record;

	while ((record = early->records)) {
		if (fn)
			fn(ctx, &record->event, &record->mover);
		DL_DELETE(early->records, record);
		free(record);
	}
	early->bytes = 0;
}
