/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter once it is parsed: what it lets through, what of that the kernel
 * can decide, and how it reads. A node is a term or a group; negation is a
 * mark on either, so that a group of one is no node of its own.
 */
#include "filter.h"

#include "base/buffer.h"
#include "filter_keys.h"
#include "filter_term.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void filter_node_free(struct filter_node *node)
{
	struct filter_node *next;

	if (!node)
		return;
	for (struct filter_node *child = node->first; child; child = next) {
		next = child->next;
		filter_node_free(child);
	}
	for (size_t i = 0; i < node->value_count; i++) {
		filter_pattern_fini(&node->values[i].pattern);
		free(node->values[i].text);
	}
	free(node->values);
	free(node);
}

void filter_node_append(struct filter_node *group, struct filter_node *child)
{
	child->next = NULL;
	if (group->last)
		group->last->next = child;
	else
		group->first = child;
	group->last = child;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	filter_node_free(filter->root);
	free(filter->pids);
	free(filter->ports);
	free(filter);
}

/* The root as a group of which all must hold. NULL: out of memory. */
static struct filter_node *root_group(struct filter *filter)
{
	struct filter_node *group = filter->root;

	if (group && group->kind == NODE_ALL && !group->negated)
		return group;
	group = calloc(1, sizeof(*group));
	if (!group)
		return NULL;
	group->kind = NODE_ALL;
	if (filter->root)
		filter_node_append(group, filter->root);
	filter->root = group;
	return group;
}

/* All that is in one group to the end of another. */
static void group_move(struct filter_node *to, struct filter_node *from)
{
	struct filter_node *next;

	for (struct filter_node *child = from->first; child; child = next) {
		next = child->next;
		filter_node_append(to, child);
	}
	from->first = from->last = NULL;
}

int filter_add(struct filter *filter, struct filter *more)
{
	struct filter_node *group;
	int error = 0;

	if (!filter->root || !more->root) {
		if (more->root)
			filter->root = more->root;
		more->root = NULL;
		goto out;
	}
	group = root_group(filter);
	if (!group) {
		error = -ENOMEM;
		goto out;
	}
	if (more->root->kind == NODE_ALL && !more->root->negated) {
		group_move(group, more->root);
	} else {
		filter_node_append(group, more->root);
		more->root = NULL;
	}
out:
	filter_free(more);
	filter_sets_make(filter);
	return error;
}

/* --- matching -------------------------------------------------------------------- */

static enum filter_answer answer_not(enum filter_answer answer)
{
	switch (answer) {
	case FILTER_NO:
		return FILTER_YES;
	case FILTER_YES:
		return FILTER_NO;
	case FILTER_UNKNOWN:
		break;
	}
	return FILTER_UNKNOWN;
}

/* NO before UNKNOWN before YES. */
static enum filter_answer answer_least(enum filter_answer a, enum filter_answer b)
{
	if (a == FILTER_NO || b == FILTER_NO)
		return FILTER_NO;
	return a == FILTER_YES ? b : a;
}

static enum filter_answer answer_most(enum filter_answer a, enum filter_answer b)
{
	return answer_not(answer_least(answer_not(a), answer_not(b)));
}

static bool is_about_address(const struct filter_key *key)
{
	return key->match == match_port || key->match == match_peer;
}

static enum filter_answer term_answer(const struct filter_node *node, struct filter_subject *subject)
{
	enum filter_answer best = FILTER_NO;

	for (size_t i = 0; i < node->value_count && best != FILTER_YES; i++) {
		enum filter_answer one = node->key->match(&node->values[i], subject);

		best = answer_most(best, one);
	}
	if (best != FILTER_UNKNOWN || (subject->any_address && is_about_address(node->key)))
		return best;
	/* More of an exchange than it has will not become known. */
	return subject->exchange ? FILTER_NO : best;
}

static enum filter_answer node_answer(const struct filter_node *node, struct filter_subject *subject)
{
	enum filter_answer all = FILTER_YES, any = FILTER_NO, result = FILTER_NO;

	for (const struct filter_node *child = node->first; child; child = child->next) {
		enum filter_answer one = node_answer(child, subject);

		all = answer_least(all, one);
		any = answer_most(any, one);
		if ((node->kind == NODE_ALL ? all : answer_not(any)) == FILTER_NO)
			break;
	}
	switch (node->kind) {
	case NODE_TERM:
		result = term_answer(node, subject);
		break;
	case NODE_ALL:
		result = all;
		break;
	case NODE_ANY:
		result = any;
		break;
	}
	return node->negated ? answer_not(result) : result;
}

bool filter_exchange(const struct filter *filter, const struct exchange *exchange)
{
	struct filter_subject subject = { .exchange = exchange,
					  .conn = exchange->conn,
					  .mover = &exchange->mover };

	return !filter || !filter->root || node_answer(filter->root, &subject) == FILTER_YES;
}

enum filter_answer filter_conn_answer(const struct filter *filter, const struct conn_facts *conn,
				      const struct mover *mover)
{
	struct filter_subject subject = { .conn = conn, .mover = mover };

	return !filter || !filter->root ? FILTER_YES : node_answer(filter->root, &subject);
}

bool filter_conn(const struct filter *filter, const struct conn_facts *conn, const struct mover *mover)
{
	return filter_conn_answer(filter, conn, mover) != FILTER_NO;
}

bool filter_container(const struct filter *filter, const char *container)
{
	const struct mover somebody = { .container = container };

	return filter_conn(filter, NULL, &somebody);
}

/* --- what it is about --------------------------------------------------------------- */

static bool node_about_exchanges(const struct filter_node *node)
{
	if (node->kind == NODE_TERM)
		return node->key->about_exchange;
	for (const struct filter_node *child = node->first; child; child = child->next)
		if (node_about_exchanges(child))
			return true;
	return false;
}

bool filter_about_exchanges(const struct filter *filter)
{
	return filter && filter->root && node_about_exchanges(filter->root);
}

static bool node_uses(const struct filter_node *node, const struct filter_key *key)
{
	if (node->kind == NODE_TERM)
		return node->key == key;
	for (const struct filter_node *child = node->first; child; child = child->next)
		if (node_uses(child, key))
			return true;
	return false;
}

bool filter_uses(const struct filter *filter, const struct filter_key *key)
{
	return filter && filter->root && node_uses(filter->root, key);
}

bool filter_lacks_address(const struct filter *filter, const struct exchange *exchange)
{
	struct filter_subject subject = {
		.exchange = exchange, .conn = exchange->conn, .mover = &exchange->mover, .any_address = true
	};

	return !exchange->conn->sock.family && filter && filter->root &&
	       node_answer(filter->root, &subject) == FILTER_UNKNOWN;
}

bool filter_about_containers(const struct filter *filter)
{
	for (size_t i = 0; i < filter_key_count; i++)
		if (filter_keys[i].match == match_container)
			return filter_uses(filter, &filter_keys[i]);
	return false;
}

void filter_kernel(const struct filter *filter, struct filter_kernel *kernel)
{
	*kernel = (struct filter_kernel){ .pids = NULL };
	if (!filter)
		return;
	*kernel = (struct filter_kernel){ .pids = filter->pids,
					  .pid_count = filter->pid_count,
					  .ports = filter->ports,
					  .port_count = filter->port_count };
}

/* --- as text ---------------------------------------------------------------------------- */

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

char *filter_text(const struct filter *filter)
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
