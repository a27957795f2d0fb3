/* SPDX-License-Identifier: Apache-2.0 */
/* A parsed filter as text, so that tests can say what it shall be. */
#ifndef HARK_FILTER_TEXT_H
#define HARK_FILTER_TEXT_H

#include "base/buffer.h"
#include "filter/filter_term.h"

static void value_put(struct buffer *out, const struct filter_value *value)
{
	if (value->len && strcspn(value->text, " \t\n\r,()\"\\") == value->len) {
		buffer_string(out, value->text);
		return;
	}
	buffer_char(out, '"');
	for (const char *p = value->text; *p; p++) {
		if (*p == '"' || *p == '\\')
			buffer_char(out, '\\');
		buffer_char(out, *p);
	}
	buffer_char(out, '"');
}

static void node_put(struct buffer *out, const struct filter_node *node, bool inside)
{
	bool group = node->kind != NODE_TERM && (inside || node->negated);

	if (node->negated)
		buffer_char(out, '!');
	if (group)
		buffer_char(out, '(');
	if (node->kind == NODE_TERM) {
		buffer_string(out, node->key->name);
		for (size_t i = 0; i < node->value_count; i++) {
			buffer_char(out, i ? ',' : ':');
			value_put(out, &node->values[i]);
		}
	}
	for (const struct filter_node *child = node->first; child; child = child->next) {
		if (child != node->first)
			buffer_string(out, node->kind == NODE_ANY ? " or " : " ");
		node_put(out, child, true);
	}
	if (group)
		buffer_char(out, ')');
}

/* The filter as it was understood, in one canonical line, which parses to the same filter. Freed by the
 * caller; NULL: out of memory. */
static char *filter_text(const struct filter *filter)
{
	struct buffer out = { .data = NULL };

	if (filter && filter->root)
		node_put(&out, filter->root, false);
	buffer_char(&out, '\0');
	if (out.failed) {
		buffer_fini(&out);
		return NULL;
	}
	return out.data;
}

#endif
