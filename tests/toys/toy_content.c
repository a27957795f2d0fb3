/* SPDX-License-Identifier: Apache-2.0 */
/* A content that exists in tests only: what a new one needs is this file and its row in
 * protocols/content/contents.h. */
#include "content/contents.h"

/* Calls end with what their answer's length says. */
static int toy_outcome(const struct message *response)
{
	return (int)response->body_bytes;
}

const struct content toy_content = {
	.name = "toy",
	.types = { SLICE("text/pla*") },
	.look = CONTENT_BINARY,
	.outcome = toy_outcome,
};
