/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind a key: values between commas, with what quotes and backslashes do to them. */
#include "filter_parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One byte of a value to out; a backslash takes the meaning of what has one. */
static void byte_take(struct parser *parser, bool quoted, char *out, size_t *len)
{
	const char *special = quoted ? "\"\\" : "\"\\ ,()";
	const char *text = rest(parser);
	bool escaped = text[0] == '\\' && text[1] && strchr(special, text[1]);

	out[(*len)++] = text[escaped];
	parser->here.at += 1 + escaped;
}

/*
 * The text of a value up to its end, into out. Parentheses that come in pairs belong to it, so that
 * a regex needs no quotes for them. False: it was complained about.
 */
static bool value_read(struct parser *parser, char *out, size_t *len)
{
	struct place quote = parser->here, open = parser->here, start = parser->here;
	size_t parens = 0;
	bool quoted = false;

	for (*len = 0;;) {
		char c = *rest(parser);

		if (!c || (!quoted && (is_space(c) || c == ',' || (c == ')' && !parens))))
			break;
		if (c == '"') {
			quoted = !quoted;
			quote = parser->here;
			parser->here.at++;
			continue;
		}
		if (*len == FILTER_VALUE_LEN_MAX) {
			parser_complain(parser, start, parser->here.at - start.at,
					"a value is longer than %d bytes", FILTER_VALUE_LEN_MAX);
			return false;
		}
		if (!quoted && c == '(' && !parens++)
			open = parser->here;
		if (!quoted && c == ')')
			parens--;
		byte_take(parser, quoted, out, len);
	}
	out[*len] = '\0';
	if (quoted)
		parser_complain(parser, quote, 1, "this quote is not closed");
	else if (parens)
		parser_complain(parser, open, 1,
				"this parenthesis is not closed; one that belongs to a value alone "
				"stands in quotes");
	return !quoted && !parens;
}

static struct filter_value *value_add(struct filter_node *node)
{
	size_t capacity = node->value_capacity ? node->value_capacity * 2 : 1;
	struct filter_value *values = node->values;

	if (node->value_count == node->value_capacity) {
		values = reallocarray(values, capacity, sizeof(*values));
		if (!values)
			return NULL;
		node->values = values;
		node->value_capacity = capacity;
	}
	values[node->value_count] = (struct filter_value){ .text = NULL };
	return &values[node->value_count++];
}

static bool value_parse(struct parser *parser, struct filter_node *node)
{
	struct place start = parser->here;
	char text[FILTER_VALUE_LEN_MAX + 1], why[200] = ""; /* the names of all flags */
	struct filter_value *value;
	size_t len;
	int error;

	if (!value_read(parser, text, &len))
		return false;
	if (++parser->values > FILTER_VALUES_MAX)
		return parser_complain(parser, start, 1, "more than %d values", FILTER_VALUES_MAX);
	value = value_add(node);
	if (value)
		value->text = strdup(text);
	if (!value || !value->text)
		return parser_no_memory(parser);
	value->len = len;
	error = node->key->parse(value, why, sizeof(why));
	if (error == -ENOMEM)
		return parser_no_memory(parser);
	if (error < 0)
		return parser_complain(parser, start, parser->here.at - start.at, "'%s:%.*s' is wrong: %s",
				       node->key->name, (int)(len > 40 ? 40 : len), text, why);
	return true;
}

/* Nothing at all behind the colon, or between commas; quotes with nothing between them are something. */
static bool value_missing(const struct parser *parser)
{
	char c = peek(parser);

	return is_space(c) || c == ',' || c == ')';
}

bool parse_values(struct parser *parser, struct filter_node *node, struct place start)
{
	const char *shell = strchr(node->key->form, '>')
				    ? "; the shell takes > and < for itself unless they stand in quotes"
				    : "";

	for (bool first = true;; first = false) {
		if (value_missing(parser))
			return parser_complain(parser, start, parser->here.at - start.at,
					       first ? "'%s:' has no value%s" : "a value of '%s:' is empty%s",
					       node->key->name, first ? shell : "");
		if (!value_parse(parser, node))
			return false;
		if (peek(parser) != ',')
			return true;
		parser->here.at++;
	}
}
