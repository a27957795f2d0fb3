/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `hark mcp`: an assistant asks what was observed, by the Model Context Protocol over stdin and stdout, one
 * JSON-RPC 2.0 message a line. It reads and changes nothing; what it gets is redacted, and bounded. Three
 * layers: lines in and out (mcp.c), messages (mcp_rpc.c), tools (mcp_tools.c), each of which knows the next
 * one only.
 *
 * What was observed may be written for the assistant, by anybody: it goes out as values in JSON, and each
 * answer says what it is.
 */
#ifndef HARK_MCP_H
#define HARK_MCP_H

#include "sinks/recent.h"
#include "sinks/sink.h"
#include "stats/stats.h"

#include <stdbool.h>

/* What the tools look at; all borrowed. */
struct mcp_view {
	const struct sink_config *config;
	struct recent *recent;
	struct stats *stats; /* by endpoint, of the whole run */
};

#endif
