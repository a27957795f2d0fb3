/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <errno.h>
#include <stdlib.h>

struct sink *sink_new(const struct sink_ops *ops, const struct sink_config *config)
{
	struct sink *sink = calloc(1, ops->size);

	int error = sink ? ops->init(sink, config) : -ENOMEM;

	if (!error)
		return sink;
	sink_free(ops, sink);
	errno = -error;
	return NULL;
}

void sink_free(const struct sink_ops *ops, struct sink *sink)
{
	if (!sink)
		return;
	ops->fini(sink);
	free(sink);
}
