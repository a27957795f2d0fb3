/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From words to a filter, by recursive descent. The words are read as one
 * text with a space between them, but that a word which is a filter by itself
 * is a group: whoever quotes "a or b" means it. The place of whatever is wrong
 * is kept as word and offset. Depth, terms, values and the length of a value
 * are bounded.
 */
#include "filter_term.h"

#include "base/array.h"
#include "filter_guess.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPACES " \t\n\r"

struct place {
	size_t word, at;
};

struct parser {
	const char *const *words;
	size_t count;
	struct place here;
	size_t depth, terms, values;
	size_t grouped; /* words up to here have been looked at as groups */
	struct filter_error *error;
};

static bool at_end(const struct parser *parser)
{
	return parser->here.word >= parser->count;
}

/* The byte here; a space between words and behind the last. */
static char peek(const struct parser *parser)
{
	char c = at_end(parser) ? '\0' : parser->words[parser->here.word][parser->here.at];

	return c ? c : ' ';
}

static const char *rest(const struct parser *parser)
{
	return parser->words[parser->here.word] + parser->here.at;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_spaces(struct parser *parser)
{
	while (!at_end(parser) && is_space(peek(parser))) {
		if (*rest(parser))
			parser->here.at++;
		else
			parser->here = (struct place){ .word = parser->here.word + 1 };
	}
}

/* Fills in the error and returns NULL. len: of what is wrong, from there on. */
__attribute__((format(printf, 4, 5))) static void *parser_complain(struct parser *parser, struct place from,
								   size_t len, const char *format, ...)
{
	va_list args;

	*parser->error = (struct filter_error){ .word = from.word, .at = from.at, .len = len ? len : 1 };
	va_start(args, format);
	vsnprintf(parser->error->message, sizeof(parser->error->message), format, args);
	va_end(args);
	return NULL;
}

static void *parser_no_memory(struct parser *parser)
{
	return parser_complain(parser, parser->here, 1, "out of memory");
}

/* Length of the run that could be a key. */
static size_t key_length(const struct parser *parser)
{
	return strcspn(rest(parser), " \t\n\r:(),!\"");
}

static bool at_word(const struct parser *parser, const char *word)
{
	size_t len = key_length(parser);

	return len == strlen(word) && strncmp(rest(parser), word, len) == 0 && rest(parser)[len] != ':';
}

/* --- keys ------------------------------------------------------------------------- */

static void *complain_bare(struct parser *parser, size_t len)
{
	const char *text = rest(parser), *hint = filter_guess_hint(text, len);

	if (hint)
		return parser_complain(parser, parser->here, len, "'%.*s' is no filter: %s", (int)len, text,
				       hint);
	if (len == 0)
		return parser_complain(parser, parser->here, 1, "a filter cannot begin with '%c'",
				       peek(parser));
	if (parser->here.at == 0 && !text[len]) {
		parser_complain(parser, parser->here, len, "'%.*s' is no filter: one is key:value",
				(int)(len > 64 ? 64 : len), text);
		parser->error->bare = true;
		filter_guess_word(text, parser->error->guess, sizeof(parser->error->guess));
		return NULL;
	}
	return parser_complain(parser, parser->here, len,
			       "'%.*s' is no filter: one is key:value; a value with a space stands in quotes",
			       (int)(len > 64 ? 64 : len), text);
}

static const struct filter_key *key_parse(struct parser *parser)
{
	size_t len = key_length(parser), at = 0;
	const char *text = rest(parser), *near;
	char known[160] = "", guess[FILTER_GUESS_MAX];

	if (text[len] != ':')
		return complain_bare(parser, len);
	for (size_t i = 0; i < filter_key_count; i++)
		if (strlen(filter_keys[i].name) == len && strncmp(text, filter_keys[i].name, len) == 0)
			return &filter_keys[i];
	if (filter_guess_word(text, guess, sizeof(guess)))
		return parser_complain(parser, parser->here, strcspn(text, SPACES),
				       "there is no filter '%.*s:'; did you mean '%s'?",
				       (int)(len > 64 ? 64 : len), text, guess);
	near = filter_guess_key(text, len);
	if (near)
		return parser_complain(parser, parser->here, len,
				       "there is no filter '%.*s:'; did you mean %s:?",
				       (int)(len > 64 ? 64 : len), text, near);
	for (size_t i = 0; i < filter_key_count; i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? " " : "",
				       filter_keys[i].name);
	return parser_complain(parser, parser->here, len, "there is no filter '%.*s:' (known: %s)",
			       (int)(len > 16 ? 16 : len), text, known);
}

/* --- values ------------------------------------------------------------------------- */

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
	struct filter_value *values =
		array_room(node->values, node->value_count, &node->value_capacity, sizeof(*values));

	if (!values)
		return NULL;
	node->values = values;
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

/* The values of a term, whose key began at start. False: it was complained about. */
static bool parse_values(struct parser *parser, struct filter_node *node, struct place start)
{
	const char *shell = strchr(node->key->form, '>')
				    ? "; the shell takes > and < for itself unless they stand in quotes"
				    : "";

	for (bool first = true;; first = false) {
		char c = peek(parser);

		/* Quotes with nothing between them are something. */
		if (is_space(c) || c == ',' || c == ')')
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

/* --- terms and groups ----------------------------------------------------------------- */

static struct filter_node *parse_any(struct parser *parser);

static struct filter_node *node_new(struct parser *parser, int kind)
{
	struct filter_node *node = calloc(1, sizeof(*node));

	if (!node)
		return parser_no_memory(parser);
	node->kind = kind;
	return node;
}

static struct filter_node *parse_key_term(struct parser *parser)
{
	struct place start = parser->here;
	const struct filter_key *key = key_parse(parser);
	struct filter_node *node;

	if (!key)
		return NULL;
	if (++parser->terms > FILTER_TERMS_MAX)
		return parser_complain(parser, start, strlen(key->name), "more than %d filters",
				       FILTER_TERMS_MAX);
	node = node_new(parser, NODE_TERM);
	if (!node)
		return NULL;
	node->key = key;
	parser->here.at += strlen(key->name) + 1;
	if (parse_values(parser, node, start))
		return node;
	filter_node_free(node);
	return NULL;
}

static struct filter_node *parse_group(struct parser *parser)
{
	struct place open = parser->here;
	struct filter_node *node;

	if (++parser->depth > FILTER_DEPTH_MAX)
		return parser_complain(parser, open, 1, "more than %d parentheses within each other",
				       FILTER_DEPTH_MAX);
	parser->here.at++;
	skip_spaces(parser);
	if (at_end(parser))
		return parser_complain(parser, open, 1, "this parenthesis is not closed");
	if (peek(parser) == ')')
		return parser_complain(parser, open,
				       open.word == parser->here.word ? parser->here.at + 1 - open.at : 1,
				       "nothing stands between these parentheses");
	node = parse_any(parser);
	if (!node)
		return NULL;
	skip_spaces(parser);
	if (peek(parser) != ')') {
		filter_node_free(node);
		return parser_complain(parser, open, 1, "this parenthesis is not closed");
	}
	parser->here.at++;
	parser->depth--;
	return node;
}

/* Reports when no term follows here. before: the place that asks for one. */
static bool term_follows(struct parser *parser, struct place before, size_t len)
{
	skip_spaces(parser);
	if (!at_end(parser) && peek(parser) != ')' && !at_word(parser, "or"))
		return true;
	parser_complain(parser, before, len, "a filter must follow here");
	return false;
}

/* Is it a filter by itself, of several terms? */
static bool word_is_group(const char *word)
{
	size_t depth = 0, spaces = 0;
	bool quoted = false;

	for (const char *p = word; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == '(')
			depth++;
		else if (!quoted && *p == ')' && depth-- == 0)
			return false;
		spaces += !quoted && is_space(*p);
	}
	return depth == 0 && !quoted && spaces > 0;
}

/* Does the word of the shell that begins here stand for itself, as if in parentheses? */
static bool at_word_group(const struct parser *parser)
{
	const char *word = parser->words[parser->here.word], *end = word + strlen(word);
	size_t spaces = strspn(word, " \t\n\r");

	if (parser->here.word < parser->grouped || parser->here.at != spaces)
		return false;
	while (end > word && is_space(end[-1]))
		end--;
	if (end - word >= 3 && strncmp(end - 2, "or", 2) == 0 && is_space(end[-3]))
		return false; /* its other side is in the next word */
	return word_is_group(word);
}

static struct filter_node *parse_word_group(struct parser *parser)
{
	size_t count = parser->count;
	struct filter_node *node;

	parser->grouped = parser->count = parser->here.word + 1;
	node = parse_any(parser);
	if (node && !at_end(parser)) {
		filter_node_free(node);
		node = parser_complain(parser, parser->here, 1, "this parenthesis was never opened");
	}
	parser->count = count;
	return node;
}

static struct filter_node *parse_term(struct parser *parser)
{
	struct filter_node *node;
	bool negated = false;

	if (at_word_group(parser))
		return parse_word_group(parser);
	for (; peek(parser) == '!'; negated = !negated) {
		struct place sign = parser->here;

		parser->here.at++;
		if (!term_follows(parser, sign, 1))
			return NULL;
	}
	if (at_word_group(parser))
		node = parse_word_group(parser);
	else
		node = peek(parser) == '(' ? parse_group(parser) : parse_key_term(parser);
	if (node)
		node->negated ^= negated;
	return node;
}

/* A group of one is that one. */
static struct filter_node *group_end(struct filter_node *group)
{
	struct filter_node *only = group->first;

	if (only != group->last)
		return group;
	group->first = group->last = NULL;
	filter_node_free(group);
	return only;
}

static struct filter_node *parse_all(struct parser *parser)
{
	struct filter_node *group = node_new(parser, NODE_ALL);

	if (!group)
		return NULL;
	do {
		struct filter_node *child = parse_term(parser);

		if (!child) {
			filter_node_free(group);
			return NULL;
		}
		filter_node_append(group, child);
		skip_spaces(parser);
	} while (!at_end(parser) && peek(parser) != ')' && !at_word(parser, "or"));
	return group_end(group);
}

static struct filter_node *parse_any(struct parser *parser)
{
	struct filter_node *group = node_new(parser, NODE_ANY);

	if (!group)
		return NULL;
	if (!term_follows(parser, parser->here, 2))
		goto out;
	for (;;) {
		struct filter_node *child = parse_all(parser);
		struct place or ;

		if (!child)
			goto out;
		filter_node_append(group, child);
		if (at_end(parser) || peek(parser) == ')')
			return group_end(group);
		or = parser->here;
		parser->here.at += 2;
		if (!term_follows(parser, or, 2))
			goto out;
	}
out:
	filter_node_free(group);
	return NULL;
}

struct filter *filter_parse(const char *const *words, size_t count, struct filter_error *error)
{
	struct parser parser = { .words = words, .count = count, .error = error };
	struct filter *filter = calloc(1, sizeof(*filter));

	*error = (struct filter_error){ .len = 0 };
	if (!filter)
		return parser_no_memory(&parser);
	skip_spaces(&parser);
	if (at_end(&parser))
		return filter;
	if (peek(&parser) == ')') {
		filter_free(filter);
		return parser_complain(&parser, parser.here, 1, "this parenthesis was never opened");
	}
	filter->root = parse_any(&parser);
	if (filter->root && !at_end(&parser)) {
		parser_complain(&parser, parser.here, 1, "this parenthesis was never opened");
		filter_node_free(filter->root);
		filter->root = NULL;
	}
	if (!filter->root) {
		filter_free(filter);
		return NULL;
	}
	filter_sets_make(filter);
	return filter;
}
