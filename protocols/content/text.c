/* SPDX-License-Identifier: Apache-2.0 */
/* Text that people read as it is. */
#include "contents.h"

const struct content text_content = {
	.name = "text",
	.types = {
		SLICE("text/*"),
		SLICE("*+xml"),
		SLICE("*+yaml"),
		SLICE("application/xml"),
		SLICE("application/javascript"),
		SLICE("application/x-javascript"),
		SLICE("application/json-seq"),
		SLICE("application/graphql"),
		SLICE("application/yaml"),
		SLICE("application/x-yaml"),
		SLICE("application/toml"),
		SLICE("application/jwt"),
		SLICE("application/sparql-query"),
		SLICE("application/sql"),
		SLICE("application/x-sh"),
		SLICE("application/http"),
		SLICE("message/http"),
		SLICE("multipart/form-data"),
		SLICE("multipart/mixed"),
		SLICE("multipart/related"),
	},
	.look = CONTENT_TEXT,
	.secrets = CONTENT_WORDS,
};
