/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of JSON-RPC 2.0 and of the protocol, in the revisions of 2024-11-05 to 2026-07-28: those that
 * begin with a handshake (initialize), and the one in which each request says of itself what it speaks.
 */
#ifndef HARK_MCP_RPC_H
#define HARK_MCP_RPC_H

#include "mcp.h"
#include "slice.h"

/*
 * Appends the answer to the line, if it gets one, and a line feed. ready: what tools look at is complete.
 * False: the line asks for a tool, which must wait until it is; it is to be given again.
 */
bool mcp_rpc_line(const struct mcp_view *view, struct slice line, bool ready, struct buffer *out);

/* The answer to a line that was longer than is read. */
void mcp_rpc_too_long(struct buffer *out, size_t max);

#endif
