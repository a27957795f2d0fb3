/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <stdlib.h>

struct sink *sink_new(const struct sink_ops *ops, const struct sink_config *config)
{
	struct sink *sink = calloc(1, ops->size);

	if (sink && ops->init(sink, config) == 0)
		return sink;
	sink_free(ops, sink);
	return NULL;
}

void sink_free(const struct sink_ops *ops, struct sink *sink)
{
	if (!sink)
		return;
	ops->fini(sink);
	free(sink);
}
