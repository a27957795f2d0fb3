/* SPDX-License-Identifier: Apache-2.0 */
#include "sql_text.h"

#include "ascii.h"

struct sanitiser {
	const uint8_t *in;
	size_t len, at;
	uint8_t *out;
	size_t out_len;
	unsigned int dialect;
	bool blank;   /* white space or a comment came since the last byte that was written */
	bool in_code; /* of MySQL: within a comment that holds code */
};

static bool is_word(uint8_t c)
{
	return ascii_is_letter(c) || ascii_is_digit(c) || c == '_' || c == '$' || c >= 0x80;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The byte that stands so far behind the next one; 0: none does. */
static uint8_t peek(const struct sanitiser *s, size_t ahead)
{
	return s->at + ahead < s->len ? s->in[s->at + ahead] : 0;
}

static bool is_mysql(const struct sanitiser *s)
{
	return s->dialect & SQL_MYSQL;
}

static void put(struct sanitiser *s, const uint8_t *bytes, size_t len)
{
	if (s->blank && s->out_len)
		s->out[s->out_len++] = ' ';
	s->blank = false;
	memcpy(s->out + s->out_len, bytes, len);
	s->out_len += len;
}

static void put_next(struct sanitiser *s, size_t len)
{
	put(s, s->in + s->at, len);
	s->at += len;
}

/* A literal went by; a list of them is one. */
static void put_literal(struct sanitiser *s)
{
	size_t end = s->out_len;

	if (end && s->out[end - 1] == ',') {
		end--;
		end -= end && s->out[end - 1] == ' ';
		if (end && s->out[end - 1] == '?') {
			s->out_len = end;
			s->blank = false;
			return;
		}
	}
	put(s, (const uint8_t *)"?", 1);
}

/* Behind the quote that ends it, which stands for itself when it is doubled. */
static void pass_quoted(struct sanitiser *s, bool backslashes)
{
	uint8_t quote = s->in[s->at++];

	while (s->at < s->len) {
		uint8_t c = s->in[s->at++];

		if ((backslashes && c == '\\' && s->at < s->len) || (c == quote && peek(s, 0) == quote))
			s->at++;
		else if (c == quote)
			return;
	}
}

/* The letter in front of a string says how it is read, and belongs to it. */
static bool take_prefix(struct sanitiser *s)
{
	uint8_t letter, before;

	if (s->blank || !s->out_len)
		return false;
	letter = ascii_lower(s->out[s->out_len - 1]);
	before = s->out_len > 1 ? s->out[s->out_len - 2] : ' ';
	if (is_word(before) || !strchr("enxb", letter))
		return false;
	s->out_len--;
	return letter == 'e';
}

static size_t line_end(const struct sanitiser *s, size_t at)
{
	while (at < s->len && s->in[at] != '\n' && s->in[at] != '\r')
		at++;
	return at;
}

/*
 * PostgreSQL's strings go on, escapes and all, with a quote that has nothing but white space, with a line
 * feed in it, and comments of a line between.
 */
static bool pass_to_continuation(struct sanitiser *s)
{
	size_t at = s->at;
	bool lines = false;

	while (at < s->len) {
		bool comment = s->len - at > 1 && s->in[at] == '-' && s->in[at + 1] == '-';

		if (!comment && !is_blank(s->in[at]))
			break;
		lines |= s->in[at] == '\n' || s->in[at] == '\r';
		at = comment ? line_end(s, at) : at + 1;
	}
	if (!lines || at == s->len || s->in[at] != '\'')
		return false;
	s->at = at;
	return true;
}

static void take_string(struct sanitiser *s)
{
	bool escapes = take_prefix(s) || s->dialect & SQL_BACKSLASHES;

	do
		pass_quoted(s, escapes);
	while (!is_mysql(s) && pass_to_continuation(s));
	/* A blank was written before the prefix. */
	if (s->out_len && s->out[s->out_len - 1] == ' ') {
		s->out_len--;
		s->blank = true;
	}
	put_literal(s);
}

static void take_name(struct sanitiser *s)
{
	size_t start = s->at, len;

	pass_quoted(s, false);
	len = s->at - start;
	s->at = start;
	put_next(s, len);
}

/* $1 is no literal; $$…$$ and $tag$…$tag$ are one. */
static void take_dollar(struct sanitiser *s)
{
	size_t tag = 1, at;

	if (ascii_is_digit(peek(s, tag)) && !is_mysql(s)) {
		while (ascii_is_digit(peek(s, tag)))
			tag++;
		put_next(s, tag);
		return;
	}
	while (is_word(peek(s, tag)) && peek(s, tag) != '$')
		tag++;
	if (is_mysql(s) || peek(s, tag) != '$') {
		put_next(s, 1);
		return;
	}
	tag++;
	for (at = s->at + tag; at < s->len; at++)
		if (s->in[at] == '$' && s->len - at >= tag && memcmp(s->in + at, s->in + s->at, tag) == 0)
			break;
	s->at = at < s->len ? at + tag : s->len;
	put_literal(s);
}

/* Of rows of literals alone one is kept: (?), (?) is (?). */
static void take_row_end(struct sanitiser *s)
{
	static const char *const rows[] = { "(?),(?", "(?), (?" };

	put_next(s, 1);
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(rows[i]);

		if (s->out_len > len && memcmp(s->out + s->out_len - 1 - len, rows[i], len) == 0)
			s->out_len -= len - 2;
	}
}

static void take_number(struct sanitiser *s)
{
	uint8_t last = 0;

	while (s->at < s->len) {
		uint8_t c = s->in[s->at];

		if (!is_word(c) && c != '.' && !((c == '+' || c == '-') && last == 'e'))
			break;
		/* 0xe-1 is a difference, but nobody is told less by that. */
		last = ascii_lower(c);
		s->at++;
	}
	put_literal(s);
}

static void pass_line(struct sanitiser *s)
{
	while (s->at < s->len && s->in[s->at] != '\n')
		s->at++;
	s->blank = true;
}

/* PostgreSQL's comments nest; those of MySQL that begin with an exclamation mark, in MariaDB also with M!,
 * hold code. */
static void take_comment(struct sanitiser *s)
{
	size_t depth = 0, mark = peek(s, 2) == '!' ? 3 : peek(s, 2) == 'M' && peek(s, 3) == '!' ? 4 : 0;

	s->blank = true;
	if (is_mysql(s) && mark) {
		s->in_code = true;
		s->at += mark;
		while (ascii_is_digit(peek(s, 0)))
			s->at++;
		return;
	}
	while (s->at < s->len) {
		if (peek(s, 0) == '/' && peek(s, 1) == '*' && (!depth || !is_mysql(s))) {
			depth++;
			s->at += 2;
		} else if (peek(s, 0) == '*' && peek(s, 1) == '/') {
			s->at += 2;
			if (--depth == 0)
				return;
		} else {
			s->at++;
		}
	}
}

static bool is_line_comment(const struct sanitiser *s)
{
	uint8_t c = peek(s, 0);

	if (c == '#')
		return is_mysql(s);
	if (c != '-' || peek(s, 1) != '-')
		return false;
	return !is_mysql(s) || s->at + 2 == s->len || peek(s, 2) <= ' ';
}

static void take_word(struct sanitiser *s)
{
	size_t len = 1;

	while (is_word(peek(s, len)))
		len++;
	put_next(s, len);
}

static void take(struct sanitiser *s)
{
	uint8_t c = s->in[s->at];

	if (is_blank(c)) {
		s->blank = true;
		s->at++;
	} else if (is_line_comment(s)) {
		pass_line(s);
	} else if (c == '/' && peek(s, 1) == '*') {
		take_comment(s);
	} else if (c == '*' && peek(s, 1) == '/' && s->in_code) {
		s->at += 2;
		s->in_code = false;
		s->blank = true;
	} else if (c == '\'' || (c == '"' && is_mysql(s))) {
		take_string(s);
	} else if (c == '?' && is_mysql(s)) {
		s->at++;
		put_literal(s);
	} else if (c == '"' || (c == '`' && is_mysql(s))) {
		take_name(s);
	} else if (c == '$') {
		take_dollar(s);
	} else if (ascii_is_digit(c) || (c == '.' && ascii_is_digit(peek(s, 1)))) {
		take_number(s);
	} else if (c == ')') {
		take_row_end(s);
	} else if (is_word(c)) {
		take_word(s);
	} else {
		put_next(s, 1);
	}
}

size_t sql_sanitise(struct slice text, unsigned int dialect, uint8_t *out)
{
	struct sanitiser s = { .in = text.data, .len = text.len, .out = out, .dialect = dialect };

	while (s.at < s.len)
		take(&s);
	return s.out_len;
}

/* --- the summary ------------------------------------------------------------------------------------ */

#define DEPTH_MAX 32 /* of parentheses; deeper ones are taken for one */

/* What a word does to the summary. */
enum word_part {
	WORD_OTHER,
	WORD_ACTION, /* an operation wherever it stands */
	WORD_CHANGE, /* an operation where a statement may begin */
	WORD_FROM,   /* the next name is a table, where something is read or deleted */
	WORD_JOIN,
	WORD_INTO, /* the next name is a table */
	WORD_PASS, /* may stand between such a word and the name */
};

static const struct {
	const char *word;
	enum word_part part;
} words[] = {
	{ "SELECT", WORD_ACTION }, { "INSERT", WORD_CHANGE },	  { "UPDATE", WORD_CHANGE },
	{ "DELETE", WORD_CHANGE }, { "MERGE", WORD_CHANGE },	  { "FROM", WORD_FROM },
	{ "JOIN", WORD_JOIN },	   { "INTO", WORD_INTO },	  { "ONLY", WORD_PASS },
	{ "IF", WORD_PASS },	   { "NOT", WORD_PASS },	  { "EXISTS", WORD_PASS },
	{ "LATERAL", WORD_PASS },  { "IGNORE", WORD_PASS },	  { "LOW_PRIORITY", WORD_PASS },
	{ "QUICK", WORD_PASS },	   { "CONCURRENTLY", WORD_PASS }, { "STRAIGHT_JOIN", WORD_JOIN },
};

/* Operations that begin a statement and have a table, or what they are about, behind them. */
static const char *const with_name[] = { "UPDATE",  "TRUNCATE",	  "COPY",  "LOCK", "ANALYZE",
					 "VACUUM",  "CALL",	  "TABLE", "USE",  "EXECUTE",
					 "PREPARE", "DEALLOCATE", NULL };
/* Those that name a kind of thing first, and what may stand before the kind. */
static const char *const with_kind[] = { "CREATE", "ALTER", "DROP", NULL };
static const char *const before_kind[] = { "OR",      "REPLACE",      "TEMP",	   "TEMPORARY",
					   "GLOBAL",  "LOCAL",	      "UNIQUE",	   "UNLOGGED",
					   "FOREIGN", "MATERIALIZED", "RECURSIVE", NULL };

struct summary {
	struct slice text; /* what is left */
	struct sql_names *names;
	bool first;	      /* the next word begins a statement */
	bool wants_name;      /* the next name is a table's */
	bool calls;	      /* but not if it is called as a function */
	bool wants_kind;      /* the next word is the kind of what is made or dropped */
	bool many;	      /* more than one table */
	bool with;	      /* the statement begins with common table expressions */
	bool opens;	      /* a statement may begin within this one: behind (, ), AS */
	bool distinct;	      /* the word before was DISTINCT */
	bool operation_later; /* of WITH: the first one outside of parentheses */
	size_t depth;
	bool reads[DEPTH_MAX]; /* SELECT or DELETE stood at this depth */
};

static bool word_is(struct slice word, const char *upper)
{
	return slice_equal_nocase(word, slice_of_string(upper));
}

static bool word_in(struct slice word, const char *const *list)
{
	while (*list && !word_is(word, *list))
		list++;
	return *list;
}

static enum word_part part_of(struct slice word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (word_is(word, words[i].word))
			return words[i].part;
	return WORD_OTHER;
}

static void keep(uint8_t *to, size_t *len, size_t room, struct slice word, bool upper)
{
	*len = word.len < room ? word.len : room;
	for (size_t i = 0; i < *len; i++)
		to[i] = upper && ascii_is_lower(word.data[i]) ? word.data[i] ^ 32 : word.data[i];
}

/* What has no room is left out, whole. */
static void add(struct summary *s, struct slice word, bool upper)
{
	struct sql_names *names = s->names;
	size_t blank = names->summary_len ? 1 : 0, len;

	if (word.len + blank > SQL_SUMMARY_MAX - names->summary_len)
		return;
	if (blank)
		names->summary[names->summary_len++] = ' ';
	keep(names->summary + names->summary_len, &len, word.len, word, upper);
	names->summary_len += len;
}

static void add_operation(struct summary *s, struct slice word)
{
	struct sql_names *names = s->names;

	add(s, word, true);
	if (names->operation_len && !(s->operation_later && s->depth == 0))
		return;
	s->operation_later = false;
	keep(names->operation, &names->operation_len, SQL_NAME_MAX, word, true);
}

static void add_name(struct summary *s, struct slice name)
{
	struct sql_names *names = s->names;

	s->wants_name = false;
	add(s, name, false);
	if (s->many || !name.len)
		return;
	if (!names->collection_len) {
		keep(names->collection, &names->collection_len, SQL_NAME_MAX, name, false);
	} else if (!slice_equal(slice_of(names->collection, names->collection_len),
				slice_take(name, SQL_NAME_MAX))) {
		s->many = true;
		names->collection_len = 0;
	}
}

static bool *reads_at(struct summary *s)
{
	return &s->reads[s->depth < DEPTH_MAX ? s->depth : DEPTH_MAX - 1];
}

static void begin_statement(struct summary *s, struct slice word)
{
	s->first = false;
	s->with = s->operation_later = word_is(word, "WITH");
	if (s->with)
		return;
	add_operation(s, word);
	*reads_at(s) = word_is(word, "SELECT") || word_is(word, "DELETE");
	s->wants_name = word_in(word, with_name);
	s->wants_kind = word_in(word, with_kind);
	s->calls = false;
	/* EXPLAIN SELECT … */
	s->opens = word_is(word, "EXPLAIN") || word_is(word, "ANALYZE");
}

/* A word that is no name. True: it said something. */
static bool take_keyword(struct summary *s, struct slice word)
{
	enum word_part part = part_of(word);

	switch (part) {
	case WORD_ACTION:
	case WORD_CHANGE:
		if (part == WORD_CHANGE && !s->opens && !(s->with && s->depth == 0 && s->operation_later))
			return false;
		add_operation(s, word);
		*reads_at(s) = part == WORD_ACTION || word_is(word, "DELETE");
		s->wants_name = word_is(word, "UPDATE");
		s->calls = false;
		return true;
	case WORD_FROM:
		if (!*reads_at(s) || s->distinct)
			return true;
		s->wants_name = s->calls = true;
		return true;
	case WORD_JOIN:
		s->wants_name = s->calls = true;
		return true;
	case WORD_INTO:
		s->wants_name = true;
		s->calls = false;
		return true;
	case WORD_PASS:
		return true;
	case WORD_OTHER:
		return false;
	}
	return false;
}

/* A name with its dots, without the quotes of a part that has them. Returns how many bytes of it there are.
 */
static size_t name_take(struct slice text, uint8_t *name, size_t *len)
{
	size_t at = 0;

	*len = 0;
	while (at < text.len) {
		uint8_t c = text.data[at];
		bool quoted = c == '"' || c == '`';
		size_t start = at;

		at++;
		if (quoted) {
			while (at < text.len && text.data[at] != c)
				at++;
			for (size_t i = start + 1; i < at && *len < SQL_NAME_MAX; i++)
				name[(*len)++] = text.data[i];
			at += at < text.len;
		} else {
			while (at < text.len && is_word(text.data[at]))
				at++;
			for (size_t i = start; i < at && *len < SQL_NAME_MAX; i++)
				name[(*len)++] = text.data[i];
		}
		if (at + 1 >= text.len || text.data[at] != '.' ||
		    !(is_word(text.data[at + 1]) || text.data[at + 1] == '"' || text.data[at + 1] == '`'))
			break;
		if (*len < SQL_NAME_MAX)
			name[(*len)++] = '.';
		at++;
	}
	return at;
}

static size_t word_take(struct summary *s)
{
	struct slice text = s->text;
	uint8_t name[SQL_NAME_MAX];
	size_t len, taken = name_take(text, name, &len), behind = taken;
	bool quoted = !is_word(text.data[0]);
	struct slice word = slice_take(text, taken);

	if (!quoted && s->first) {
		begin_statement(s, word);
		return taken;
	}
	if (s->wants_kind && !quoted) {
		if (word_in(word, before_kind))
			return taken;
		s->wants_kind = false;
		add(s, word, true);
		s->wants_name = word_is(word, "TABLE") || word_is(word, "VIEW") || word_is(word, "INDEX");
		s->calls = false;
		return taken;
	}
	if (quoted || !take_keyword(s, word)) {
		if (s->wants_name && (quoted || !word_is(word, "TABLE"))) {
			while (behind < text.len && text.data[behind] == ' ')
				behind++;
			if (s->calls && behind < text.len && text.data[behind] == '(')
				s->wants_name = false;
			else
				add_name(s, slice_of(name, len));
		}
		s->opens = !quoted && word_is(word, "AS");
	} else {
		s->opens = false;
	}
	s->distinct = !quoted && word_is(word, "DISTINCT");
	return taken;
}

static void sign_take(struct summary *s, uint8_t c)
{
	s->distinct = false;
	if (c == ' ')
		return;
	s->opens = c == '(' || c == ')';
	if (c == '(') {
		s->depth++;
		*reads_at(s) = false;
	} else if (c == ')' && s->depth) {
		s->depth--;
	} else if (c == ';') {
		s->first = true;
		s->depth = 0;
	}
	s->wants_name = s->wants_kind = false;
}

void sql_summarise(struct slice text, struct sql_names *names)
{
	struct summary s = { .text = text, .names = names, .first = true };

	names->summary_len = names->operation_len = names->collection_len = 0;
	while (s.text.len) {
		uint8_t c = s.text.data[0];
		size_t taken = 1;

		if ((is_word(c) && !ascii_is_digit(c) && c != '$') || c == '"' || c == '`')
			taken = word_take(&s);
		else if (c != ' ')
			sign_take(&s, c);
		s.text = slice_drop(s.text, taken);
	}
}
