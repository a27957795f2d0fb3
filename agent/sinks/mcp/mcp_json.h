/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an assistant's program sends, read by jansson: it checks what it reads, UTF-8 and depth included, and
 * is loaded by the runs that need it.
 */
#ifndef HARK_MCP_JSON_H
#define HARK_MCP_JSON_H

#include "slice.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MCP_JSON_WHY 200 /* bytes of what is wrong with a text */

/* Loads the library. 0 or -ENOENT, which was reported. */
int mcp_json_load(void);

/* The value of the text; NULL: it is none, and why (MCP_JSON_WHY bytes) says what is wrong where. */
json_t *mcp_json_parse(struct slice text, char *why);
void mcp_json_free(json_t *value); /* NULL is legal */

/* The member of an object; NULL: the value is NULL, or no object, or has none. */
const json_t *mcp_json_member(const json_t *value, const char *name);
/* The text of a string, of *len bytes, UTF-8 without NUL; NULL: it is none. */
const char *mcp_json_text(const json_t *value);
/* False: it is no integer. */
bool mcp_json_integer(const json_t *value, int64_t *number);
/* The elements of an array; 0: it is none, or empty. */
size_t mcp_json_count(const json_t *value);
const json_t *mcp_json_at(const json_t *value, size_t i);
/* The name of a member that `known` says no to; NULL: there is none, or it is no object. */
const char *mcp_json_other(const json_t *value, bool (*known)(const void *ctx, const char *name),
			   const void *ctx);

#endif
