/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_key.h"

#include <stddef.h>

struct tls_key tls_key_of(const struct event_data *event)
{
	struct tls_key key = { .ssl = event->ssl, .pid = event->h.pid };

	for (size_t i = EVENT_GENERATION_LEN; i--;)
		key.generation = key.generation << 8 | event->generation[i];
	return key;
}
