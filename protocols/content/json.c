/* SPDX-License-Identifier: Apache-2.0 */
/* One JSON value (RFC 8259). */
#include "contents.h"

const struct content json_content = {
	.name = "json",
	.types = { SLICE("application/json"), SLICE("*+json"), SLICE("text/json") },
	.look = CONTENT_JSON,
	.secrets = CONTENT_WORDS,
	.readers = { &genai_reader, &json_rpc_reader, &graphql_reader },
	.posted = true,
};
