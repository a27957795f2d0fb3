/* SPDX-License-Identifier: Apache-2.0 */
/* Every content, a row each; the first that has a type is it. Adding one is its file in this folder and its
 * row. */
#ifndef HARK_CONTENTS_H
#define HARK_CONTENTS_H

#include "content.h"
#include "reader.h"

#define CONTENTS(X)       \
	X(grpc_content)   \
	X(sse_content)    \
	X(json_content)   \
	X(ndjson_content) \
	X(form_content)   \
	X(text_content)   \
	X(websocket_content)

#define CONTENT_DECLARE(name) extern const struct content name;
CONTENTS(CONTENT_DECLARE)

extern const struct content_reader grpc_reader;
extern const struct content_reader grpc_web_reader;
extern const struct content_reader sse_reader;
extern const struct content_reader genai_reader;
extern const struct content_reader graphql_reader;
extern const struct content_reader json_rpc_reader;
extern const struct content_reader websocket_reader;

#endif
