/* SPDX-License-Identifier: Apache-2.0 */
/* Where the parser of filters is, for its two files. */
#ifndef HARK_FILTER_PARSER_H
#define HARK_FILTER_PARSER_H

#include "filter_term.h"

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

/* Fills in the error and returns NULL. len: of what is wrong, from there on. */
void *parser_complain(struct parser *parser, struct place from, size_t len, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void *parser_no_memory(struct parser *parser);

/* The values of a term, whose key began at start. False: it was complained about. */
bool parse_values(struct parser *parser, struct filter_node *node, struct place start);

static inline bool at_end(const struct parser *parser)
{
	return parser->here.word >= parser->count;
}

/* The byte here; a space between words and behind the last. */
static inline char peek(const struct parser *parser)
{
	char c = at_end(parser) ? '\0' : parser->words[parser->here.word][parser->here.at];

	return c ? c : ' ';
}

static inline const char *rest(const struct parser *parser)
{
	return parser->words[parser->here.word] + parser->here.at;
}

static inline bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline void skip_spaces(struct parser *parser)
{
	while (!at_end(parser) && is_space(peek(parser))) {
		if (*rest(parser))
			parser->here.at++;
		else
			parser->here = (struct place){ .word = parser->here.word + 1 };
	}
}

#endif
