/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

void pipeline_config_init(struct pipeline_config *config)
{
	*config = (struct pipeline_config){
		.timeout_ns = PIPELINE_TIMEOUT_NS,
		.body_limit_bytes = 64 * 1024,
		.message_limit_bytes = 512 * 1024,
		.connection_limit = 65536,
		.exchange_limit = 4096,
		.held_limit_bytes = 256 * 1024,
		.reorder_limit_bytes = 4 * 1024 * 1024,
		.stream_limit = 2048,
		.pipeline_limit = 1024,
		.table_limit_bytes = 1024 * 1024,
		.undetermined_limit_bytes = 1024 * 1024,
	};
}

void pipeline_tell(const struct pipeline *pipeline, const struct result *result)
{
	if (pipeline->handler.result)
		pipeline->handler.result(pipeline->handler.ctx, result);
}
