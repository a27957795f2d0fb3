/* SPDX-License-Identifier: Apache-2.0 */
#include "mcp_json.h"

#include "base/shared_library.h"

#include <stdio.h>

/* No inline function of the header is called: some call others, which are not linked. */
#define JANSSON_FUNCTIONS(X)     \
	X(json_loadb)            \
	X(json_delete)           \
	X(json_object_get)       \
	X(json_object_iter)      \
	X(json_object_iter_next) \
	X(json_object_iter_key)  \
	X(json_string_value)     \
	X(json_integer_value)    \
	X(json_array_size)       \
	X(json_array_get)

static struct {
	JANSSON_FUNCTIONS(SHARED_LIBRARY_POINTER)
} jansson;

#define JANSSON_SYMBOL(name) { #name, &jansson.name },
static const struct shared_symbol symbols[] = { JANSSON_FUNCTIONS(JANSSON_SYMBOL) };

int mcp_json_load(void)
{
	return shared_library_load("libjansson.so.4", "libjansson4", "mcp", symbols,
				   sizeof(symbols) / sizeof(symbols[0]));
}

json_t *mcp_json_parse(struct slice text, char *why)
{
	json_error_t error;
	json_t *value = jansson.json_loadb((const char *)text.data, text.len,
					   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

	if (!value)
		snprintf(why, MCP_JSON_WHY, "%.150s (at byte %d)", error.text, error.position);
	return value;
}

/* Nobody but its owner has a reference. */
void mcp_json_free(json_t *value)
{
	if (value)
		jansson.json_delete(value);
}

const json_t *mcp_json_member(const json_t *value, const char *name)
{
	return json_is_object(value) ? jansson.json_object_get(value, name) : NULL;
}

const char *mcp_json_text(const json_t *value)
{
	return json_is_string(value) ? jansson.json_string_value(value) : NULL;
}

bool mcp_json_integer(const json_t *value, int64_t *number)
{
	if (!json_is_integer(value))
		return false;
	*number = jansson.json_integer_value(value);
	return true;
}

size_t mcp_json_count(const json_t *value)
{
	return json_is_array(value) ? jansson.json_array_size(value) : 0;
}

const json_t *mcp_json_at(const json_t *value, size_t i)
{
	return jansson.json_array_get(value, i);
}

const char *mcp_json_other(const json_t *value, bool (*known)(const void *ctx, const char *name),
			   const void *ctx)
{
	json_t *object = (json_t *)value; /* iteration asks for one that may change */

	if (!json_is_object(value))
		return NULL;
	for (void *at = jansson.json_object_iter(object); at; at = jansson.json_object_iter_next(object, at))
		if (!known(ctx, jansson.json_object_iter_key(at)))
			return jansson.json_object_iter_key(at);
	return NULL;
}
