/* SPDX-License-Identifier: Apache-2.0 */
#include "json_indent.h"

#include <string.h>

#define INDENT_MAX 64

struct indenter {
	struct buffer *out;
	size_t depth;
	bool string, escaped, fresh; /* fresh: right behind an opening bracket */
	bool blank;		     /* white space was passed since the last token */
};

static void indent_line(struct indenter *in)
{
	size_t depth = in->depth < INDENT_MAX ? in->depth : INDENT_MAX;

	buffer_char(in->out, '\n');
	for (size_t i = 0; i < depth; i++)
		buffer_string(in->out, "  ");
}

static void indent_string_byte(struct indenter *in, char c)
{
	buffer_char(in->out, c);
	if (in->escaped)
		in->escaped = false;
	else if (c == '\\')
		in->escaped = true;
	else if (c == '"')
		in->string = false;
}

/* A byte of a number, a word, or a string's begin. Two tokens without a sign between them stay two. */
static void indent_token_byte(struct indenter *in, char c)
{
	char last = in->out->len ? in->out->data[in->out->len - 1] : '\n';

	if (in->fresh)
		indent_line(in);
	else if (in->blank && !strchr(" \n", last))
		buffer_char(in->out, ' ');
	in->fresh = in->blank = false;
	in->string = c == '"';
	buffer_char(in->out, c);
}

static void indent_byte(struct indenter *in, char c)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		in->blank = true;
		return;
	case '{':
	case '[':
		indent_token_byte(in, c);
		in->depth++;
		in->fresh = true;
		return;
	case '}':
	case ']':
		in->depth -= in->depth > 0;
		if (!in->fresh)
			indent_line(in);
		in->fresh = in->blank = false;
		buffer_char(in->out, c);
		return;
	case ',':
		buffer_char(in->out, c);
		indent_line(in);
		in->blank = false;
		return;
	case ':':
		buffer_string(in->out, ": ");
		in->blank = false;
		return;
	}
	indent_token_byte(in, c);
}

void json_indent(struct slice json, struct buffer *out)
{
	struct indenter in = { .out = out };

	for (size_t i = 0; i < json.len; i++) {
		if (in.string)
			indent_string_byte(&in, (char)json.data[i]);
		else
			indent_byte(&in, (char)json.data[i]);
	}
}
