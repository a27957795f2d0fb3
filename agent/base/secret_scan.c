/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scanner holds the last name that it met. Behind "=", or behind ":" where
 * JSON, YAML or GraphQL would have one, that name decides whether what follows
 * is a secret; how the value begins decides where it ends. Coding is undone
 * only to find signs: a value that began behind a plain "=" is not ended by
 * %26, one that began behind %3D is.
 *
 * One value too many is hidden rather than one too few. JSON libraries want the
 * whole text, or stop at the first wrong byte; here it comes in pieces, cut,
 * and in other formats, and stays where it is.
 */
#include "secret_scan.h"

#include "ascii.h"

#include <string.h>

#define AUTHORITY_MAX 512 /* of a longer one the rest is hidden */
#define DEPTH_MAX     64

static bool is_one_of(uint8_t c, const char *set)
{
	return c && strchr(set, c);
}

const uint8_t secret_scan_words[256] = {
	['0' ... '9'] = SECRET_WORD,
	['A' ... 'Z'] = SECRET_WORD,
	['a' ... 'z'] = SECRET_WORD,
	['_'] = SECRET_WORD,
	['.'] = SECRET_WORD,
	['-'] = SECRET_WORD_DASH,
	[0x80 ... 0xff] = SECRET_WORD_OTHER,
};

/* --- coded characters ------------------------------------------------------------------ */

static enum coded_step coded_byte(struct secret_scan *scan, uint8_t c)
{
	struct scan_coded *coded = &scan->coded;
	int digit;

	if (!coded->kind) {
		if (c != '%' && !(c == 'u' && scan->backslashes))
			return CODED_PLAIN;
		*coded = (struct scan_coded){ .kind = c,
					      .digits = c == '%' ? 2 : 4,
					      .level = c == '%',
					      .known = true,
					      .name_len = scan->name_len };
		if (c == 'u' && coded->name_len && scan->name[coded->name_len - 1] == '\\')
			coded->name_len--;
		return CODED_WITHIN;
	}
	digit = ascii_hex_value(c);
	if (digit < 0) {
		coded->kind = 0;
		return c == '%' ? coded_byte(scan, c) : CODED_PLAIN;
	}
	coded->known = coded->known && coded->value < 16; /* \u2026 is none of ours */
	coded->value = (uint8_t)(coded->value << 4 | digit);
	if (--coded->digits)
		return CODED_WITHIN;
	if (coded->kind == '%' && coded->value == '%' && coded->level < 4) {
		/* %25 may begin another one. */
		coded->digits = 2;
		coded->level++;
		coded->value = 0;
		return CODED_WITHIN;
	}
	coded->kind = 0;
	return coded->known ? CODED_DONE : CODED_WITHIN;
}

/* --- names ------------------------------------------------------------------------------ */

static void name_clear(struct secret_scan *scan)
{
	scan->name_len = 0;
	scan->name_end = NAME_OPEN;
	scan->in_path = false;
	scan->name_later = scan->line_begun;
}

/* Of a name that is too long the end stays. */
static void name_add(struct secret_scan *scan, uint8_t c)
{
	if (scan->name_end != NAME_OPEN)
		name_clear(scan);
	if (scan->name_len == SECRET_NAME_MAX) {
		memmove(scan->name, scan->name + SECRET_NAME_MAX / 2, SECRET_NAME_MAX / 2);
		scan->name_len = SECRET_NAME_MAX / 2;
		scan->coded.name_len = scan->coded.name_len > SECRET_NAME_MAX / 2
					       ? scan->coded.name_len - SECRET_NAME_MAX / 2
					       : 0;
	}
	scan->name[scan->name_len++] = c;
}

static bool name_is_secret(const struct secret_scan *scan, const struct redact *redact, enum name_kind kind)
{
	return scan->name_len && redact_name(redact, kind, slice_of(scan->name, scan->name_len));
}

static void value_begin(struct secret_scan *scan, bool key, uint8_t level)
{
	scan->state = SCAN_VALUE;
	scan->key = key;
	scan->spaced = key || scan->name_end == NAME_SPACED;
	scan->level = level;
}

/* --- outside of secrets ------------------------------------------------------------------ */

static void free_colon(struct secret_scan *scan, const struct redact *redact, uint8_t level)
{
	bool quoted = scan->name_end == NAME_QUOTED;
	bool secret = !scan->in_path && name_is_secret(scan, redact, NAME_KEY);

	if (secret && quoted) {
		value_begin(scan, true, level);
	} else if (secret) {
		scan->state = SCAN_COLON;
		scan->key = !scan->name_later; /* YAML: up to the line's end */
		scan->spaced = false;
		scan->level = level;
	}
	name_clear(scan);
}

/* The name of an element ends here. */
static void tag_named(struct secret_scan *scan, const struct redact *redact)
{
	if (scan->tag != TAG_NAME)
		return;
	scan->tag = TAG_REST;
	scan->tag_secret = name_is_secret(scan, redact, NAME_KEY);
}

static void free_tag_end(struct secret_scan *scan, const struct redact *redact)
{
	tag_named(scan, redact);
	if (scan->tag == TAG_REST && scan->tag_secret && !scan->tag_slash)
		scan->state = SCAN_ELEMENT;
	scan->tag = TAG_NONE;
	name_clear(scan);
}

static void free_slash(struct secret_scan *scan, const struct redact *redact)
{
	if (scan->tag == TAG_NAME && !scan->name_len)
		scan->tag = TAG_NONE; /* a closing tag */
	tag_named(scan, redact);
	scan->tag_slash = true;
	scan->in_path = true;
}

static void free_space(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	tag_named(scan, redact);
	if (c == '\n') {
		scan->line_begun = false;
		if (scan->name_end != NAME_QUOTED)
			name_clear(scan);
	} else if (scan->name_len && scan->name_end == NAME_OPEN) {
		scan->name_end = NAME_SPACED;
	}
	scan->in_path = false;
}

/* A sign, plain or coded. False: a part of a name like any other. */
static bool free_sign(struct secret_scan *scan, const struct redact *redact, uint8_t c, uint8_t level)
{
	switch (c) {
	case '"':
	case '\'':
		if (scan->name_len && scan->name_end == NAME_OPEN)
			scan->name_end = NAME_QUOTED;
		else
			name_clear(scan);
		return true;
	case ':':
		if (scan->tag == TAG_NAME)
			name_clear(scan); /* a prefix */
		else
			free_colon(scan, redact, level);
		return true;
	case '=':
		if (!scan->in_path && name_is_secret(scan, redact, NAME_PARAMETER))
			value_begin(scan, false, level);
		name_clear(scan);
		return true;
	case '<':
		name_clear(scan);
		scan->tag = TAG_NAME;
		scan->tag_secret = scan->tag_slash = false;
		return true;
	case '>':
		free_tag_end(scan, redact);
		return true;
	case '/':
		free_slash(scan, redact);
		return true;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		free_space(scan, redact, c);
		return true;
	case '[':
	case ']':
		if (scan->name_len && scan->name_end == NAME_OPEN)
			return false; /* user[password] */
		name_clear(scan);
		return true;
	case '&':
	case '?':
	case '#':
	case ';':
	case ',':
	case '{':
	case '}':
	case '(':
	case ')':
	case '|':
	case '`':
	case '^':
	case 0:
		name_clear(scan);
		return true;
	}
	return false;
}

static void free_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '-';

	if (scan->step == CODED_PLAIN && free_sign(scan, redact, c, 0)) {
		scan->line_begun = scan->line_begun || !blank;
		if (c != '/')
			scan->tag_slash = false;
		return;
	}
	if (scan->step == CODED_DONE) {
		size_t len = scan->name_len;

		scan->name_len = scan->coded.name_len;
		if (free_sign(scan, redact, scan->coded.value, scan->coded.level)) {
			scan->line_begun = true;
			return;
		}
		scan->name_len = len;
	}
	/* A byte that may belong to a coded colon does not begin another name. */
	if (scan->step != CODED_WITHIN || scan->name_end == NAME_OPEN)
		name_add(scan, c);
	scan->tag_slash = false;
	scan->line_begun = scan->line_begun || !blank;
}

/* --- within them --------------------------------------------------------------------------- */

static enum secret_verdict value_end(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	scan->state = SCAN_FREE;
	name_clear(scan);
	free_byte(scan, redact, c);
	return SECRET_NO;
}

static void string_begin(struct secret_scan *scan, uint8_t quote)
{
	scan->quote = quote;
	scan->quote_backslashes = scan->backslashes;
	scan->unicode = 0;
}

/*
 * Behind \" a string ends at \", and \\\" is a quote within it;
 * behind " it ends at any with an even number.
 */
static bool string_ends(const struct secret_scan *scan, uint8_t c)
{
	unsigned int base = scan->quote_backslashes;

	if (c != scan->quote)
		return false;
	return scan->backslashes < base || scan->backslashes % (2 * (base + 1)) == base;
}

/* Backslashes and the letter of an escape stay, so that the string stays one. */
static enum secret_verdict string_byte(struct secret_scan *scan, uint8_t c)
{
	if (c == '\\' || c == '\n' || c == '\r')
		return SECRET_NO;
	if (scan->unicode) {
		scan->unicode--;
		if (ascii_hex_value(c) >= 0)
			return SECRET_DIGIT;
		scan->unicode = 0;
	}
	if (scan->backslashes % 2 == 0)
		return SECRET_YES;
	if (c == 'u')
		scan->unicode = 4;
	return is_one_of(c, "\"'/bfnrtu") ? SECRET_NO : SECRET_YES;
}

/* The character that this byte is or completes, if its coding is not deeper than the value's; 0: none. */
static uint8_t sign_here(const struct secret_scan *scan)
{
	return scan->sign_level <= scan->level ? scan->sign : 0;
}

static enum secret_verdict quoted_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	uint8_t sign = scan->level ? sign_here(scan) : c; /* \u0022 ends no string */

	/* JSON in a query ends with the query at the latest, a parameter with its line. */
	if (scan->step == CODED_PLAIN &&
	    ((scan->level && is_one_of(c, "& \r\n\"")) || (!scan->key && c == '\n')))
		return value_end(scan, redact, c);
	if (string_ends(scan, sign)) {
		scan->state = SCAN_FREE;
		name_clear(scan);
		return SECRET_NO;
	}
	return string_byte(scan, c);
}

static enum secret_verdict bare_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	uint8_t sign = sign_here(scan);

	if ((scan->key && is_one_of(sign, ",}])")) ||
	    is_one_of(sign, scan->form ? "&;\r\n" : "&;# \t\r\n\"<>")) {
		if (scan->step == CODED_PLAIN)
			return value_end(scan, redact, c);
		scan->state = SCAN_FREE;
		name_clear(scan);
		return SECRET_NO;
	}
	if (c == '\\' || (scan->backslashes % 2 && is_one_of(c, "/u")))
		return SECRET_NO;
	return SECRET_YES;
}

/* A number, true, false, null, as far as this byte goes. Any other word is a secret without quotes. */
static void literal_begin(struct secret_scan *scan, uint8_t c)
{
	static const char *const words[] = { "true", "false", "null", "-" };

	scan->literal = ascii_is_digit(c) ? "" : NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (c == (uint8_t)words[i][0])
			scan->literal = words[i];
}

static bool literal_is_number(const struct secret_scan *scan)
{
	return scan->literal && (!*scan->literal || *scan->literal == '-');
}

bool secret_scan_in_number(const struct secret_scan *scan)
{
	bool word = scan->state == SCAN_CONTAINER && !scan->in_string && scan->in_word;

	return (word || scan->state == SCAN_LITERAL) && literal_is_number(scan);
}

static enum secret_verdict literal_step(struct secret_scan *scan, uint8_t c)
{
	bool number = literal_is_number(scan);

	if (number && ascii_is_digit(c)) {
		scan->literal = "";
		return SECRET_DIGIT;
	}
	if (number && is_one_of(c, "+-.eE"))
		return SECRET_NO;
	if (!number && scan->literal && c == (uint8_t)*scan->literal) {
		scan->literal = scan->literal[1] ? scan->literal + 1 : " ";
		return SECRET_NO;
	}
	scan->literal = NULL;
	return SECRET_YES;
}

static enum secret_verdict literal_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	if (is_one_of(c, ",}])& \t\r\n\"'<;"))
		return value_end(scan, redact, c);
	if (literal_step(scan, c) != SECRET_YES)
		return ascii_is_digit(c) ? SECRET_DIGIT : SECRET_NO;
	scan->state = SCAN_BARE;
	return SECRET_YES;
}

static void container_begin(struct secret_scan *scan, uint8_t c)
{
	scan->state = SCAN_CONTAINER;
	scan->depth = 1;
	scan->lists = c == '[';
	scan->expects_key = c == '{';
	scan->in_string = scan->in_word = false;
	scan->deeper = 0;
	scan->quote = 0;
}

static enum secret_verdict value_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	uint8_t sign = sign_here(scan);

	if (!sign && scan->step == CODED_WITHIN && scan->key && scan->level)
		return SECRET_NO; /* of a quote, most likely */
	/* Space and signs that may stand in front of a value. */
	if (sign == '\\' || is_one_of(sign, scan->key ? "\r\n" : "=>") ||
	    (scan->spaced && is_one_of(sign, " \t")))
		return SECRET_NO;
	if (is_one_of(sign, "\"'") && !(scan->form && scan->step == CODED_PLAIN)) {
		scan->state = SCAN_STRING;
		string_begin(scan, sign);
		return SECRET_NO;
	}
	if (is_one_of(sign, "{[") && scan->key) {
		container_begin(scan, sign);
		return SECRET_NO;
	}
	if (scan->key && is_one_of(sign, "0123456789-tfn")) {
		scan->state = SCAN_LITERAL;
		literal_begin(scan, sign);
		return literal_byte(scan, redact, c);
	}
	scan->state = SCAN_BARE;
	return bare_byte(scan, redact, c);
}

/* "token: abc" in prose is none; "token: \"abc\"" is, and a line of YAML that begins with it. */
static enum secret_verdict colon_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	if (is_one_of(c, " \t\\")) {
		scan->spaced = true;
		return SECRET_NO;
	}
	if (is_one_of(c, "\"'")) {
		scan->state = SCAN_STRING;
		string_begin(scan, c);
		return SECRET_NO;
	}
	if (!scan->key || !scan->spaced || is_one_of(c, "\r\n"))
		return value_end(scan, redact, c);
	if (is_one_of(c, "{[")) {
		container_begin(scan, c);
		return SECRET_NO;
	}
	scan->state = SCAN_LINE;
	return SECRET_YES;
}

/* --- objects and lists ---------------------------------------------------------------------- */

static void container_open(struct secret_scan *scan, bool list)
{
	if (scan->depth == DEPTH_MAX) { /* deeper ones: all strings are values */
		scan->lists = UINT64_MAX;
		scan->deeper++;
		return;
	}
	scan->depth++;
	scan->lists = scan->lists << 1 | list;
	scan->expects_key = !list;
}

static void container_close(struct secret_scan *scan)
{
	scan->expects_key = false;
	if (scan->deeper) {
		scan->deeper--;
		return;
	}
	scan->lists >>= 1;
	if (--scan->depth)
		return;
	scan->state = SCAN_FREE;
	name_clear(scan);
}

static void container_sign(struct secret_scan *scan, uint8_t c)
{
	switch (c) {
	case '{':
	case '[':
		container_open(scan, c == '[');
		break;
	case '}':
	case ']':
		container_close(scan);
		break;
	case ',':
		scan->expects_key = !(scan->lists & 1);
		break;
	case ':':
		scan->expects_key = false;
		break;
	case '"':
	case '\'':
		scan->in_string = true;
		scan->string_is_key = scan->expects_key;
		string_begin(scan, c);
		break;
	}
}

/* Outside of strings: YAML and JavaScript have words without quotes. */
static enum secret_verdict container_plain(struct secret_scan *scan, uint8_t c)
{
	if (!c || scan->expects_key || is_one_of(c, "{}[],:\"'\\ \t\r\n")) {
		scan->in_word = false;
		container_sign(scan, c);
		return SECRET_NO;
	}
	if (!scan->in_word)
		literal_begin(scan, c);
	scan->in_word = true;
	return literal_step(scan, c);
}

static enum secret_verdict container_byte(struct secret_scan *scan, uint8_t c)
{
	uint8_t sign = scan->level ? sign_here(scan) : c;

	if (scan->level && !sign)
		return scan->in_string && !scan->string_is_key ? SECRET_YES : SECRET_NO;
	if (!scan->in_string)
		return container_plain(scan, sign);
	if (string_ends(scan, sign)) {
		scan->in_string = false;
		return SECRET_NO;
	}
	return scan->string_is_key ? SECRET_NO : string_byte(scan, c);
}

/* --- XML ------------------------------------------------------------------------------------- */

static enum secret_verdict element_byte(struct secret_scan *scan, uint8_t c)
{
	if (c == '<') {
		scan->state = SCAN_MARKUP;
		return SECRET_NO;
	}
	return is_one_of(c, " \t\r\n") ? SECRET_NO : SECRET_YES;
}

/* <![CDATA[ goes on; a tag ends the element's own text. */
static enum secret_verdict markup_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	if (c == '!') {
		scan->state = SCAN_ELEMENT;
		return SECRET_NO;
	}
	scan->state = SCAN_FREE;
	free_sign(scan, redact, '<', 0);
	free_byte(scan, redact, c);
	return SECRET_NO;
}

/* --- user name and password in a URL (RFC 3986, 3.2.1) --------------------------------------- */

static void authority_end(struct secret_scan *scan)
{
	scan->authority = scan->authority_hidden = false;
	if (scan->maybe)
		scan->settled = SETTLED_NO;
	scan->maybe = 0;
	scan->slashes = 0;
}

static enum secret_verdict authority_byte(struct secret_scan *scan, uint8_t sign, uint8_t level)
{
	bool within = level > scan->authority_level || !sign;

	if (scan->authority_fresh && is_one_of(sign, " \t"))
		return SECRET_NO; /* "Host: " */
	scan->authority_fresh = false;
	if (!within && is_one_of(sign, "/?# \t\r\n\"<>\\`{}|^")) {
		authority_end(scan);
		scan->slashes = sign == '/';
		return SECRET_NO;
	}
	if (!within && sign == '@') {
		if (scan->maybe)
			scan->settled = SETTLED_YES;
		scan->maybe = 0;
		scan->authority_hidden = false;
		return SECRET_NO;
	}
	if (scan->authority_hidden)
		return SECRET_YES;
	if (++scan->maybe <= AUTHORITY_MAX)
		return SECRET_MAYBE;
	scan->settled = SETTLED_YES;
	scan->maybe = 0;
	scan->authority_hidden = true;
	return SECRET_YES;
}

void secret_scan_authority(struct secret_scan *scan)
{
	scan->authority = scan->authority_fresh = true;
	scan->authority_hidden = false;
	scan->authority_level = 0;
	scan->maybe = 0;
}

void secret_scan_overflow(struct secret_scan *scan)
{
	scan->maybe = 0;
	scan->authority_hidden = scan->authority;
}

static enum secret_verdict url_byte(struct secret_scan *scan)
{
	if (scan->authority)
		return authority_byte(scan, scan->sign, scan->sign_level);
	if (scan->sign == '/')
		scan->slashes++;
	else if (scan->sign && scan->sign != '\\')
		scan->slashes = 0;
	if (scan->slashes < 2)
		return SECRET_NO;
	secret_scan_authority(scan);
	scan->authority_fresh = false;
	scan->authority_level = scan->sign_level;
	scan->slashes = 0;
	return SECRET_NO;
}

/* --- one byte ---------------------------------------------------------------------------------- */

static enum secret_verdict state_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	switch (scan->state) {
	case SCAN_FREE:
		free_byte(scan, redact, c);
		return SECRET_NO;
	case SCAN_COLON:
		return colon_byte(scan, redact, c);
	case SCAN_VALUE:
		return value_byte(scan, redact, c);
	case SCAN_BARE:
		return bare_byte(scan, redact, c);
	case SCAN_LINE:
		if (c == '\n')
			return value_end(scan, redact, c);
		return is_one_of(c, " \t\r") ? SECRET_NO : SECRET_YES;
	case SCAN_LITERAL:
		return literal_byte(scan, redact, c);
	case SCAN_STRING:
		return quoted_byte(scan, redact, c);
	case SCAN_CONTAINER:
		return container_byte(scan, c);
	case SCAN_ELEMENT:
		return element_byte(scan, c);
	case SCAN_MARKUP:
		return markup_byte(scan, redact, c);
	}
	return SECRET_NO;
}

/* Most bytes go on with a name: all that the steps below would do for each of them, at once. How many did. */
static size_t name_goes_on(struct secret_scan *scan, struct slice bytes, uint8_t parts)
{
	uint8_t seen = 0;
	size_t n = 0;

	if (scan->state != SCAN_FREE || scan->coded.kind || scan->backslashes || scan->authority ||
	    scan->name_end != NAME_OPEN)
		return 0;
	bytes = slice_take(bytes, SECRET_NAME_MAX - scan->name_len);
	for (; n < bytes.len && secret_scan_words[bytes.data[n]] & parts; n++) {
		seen |= secret_scan_words[bytes.data[n]];
		scan->name[scan->name_len++] = bytes.data[n];
	}
	if (!n)
		return 0;
	scan->step = CODED_PLAIN;
	scan->sign = bytes.data[n - 1];
	scan->sign_level = 0;
	scan->tag_slash = false;
	scan->line_begun |= (seen & ~SECRET_WORD_DASH) != 0;
	scan->slashes = 0;
	return n;
}

size_t secret_scan_word(struct secret_scan *scan, const struct redact *redact, struct slice bytes, bool ascii)
{
	scan->settled = SETTLED_NOTHING;
	if (redact_is_off(redact))
		return 0;
	return name_goes_on(scan, bytes, ascii ? SECRET_WORD | SECRET_WORD_DASH : UINT8_MAX);
}

enum secret_verdict secret_scan_byte(struct secret_scan *scan, const struct redact *redact, uint8_t c)
{
	enum secret_verdict verdict, url;

	scan->settled = SETTLED_NOTHING;
	if (redact_is_off(redact))
		return SECRET_NO;
	if (secret_scan_words[c] && name_goes_on(scan, slice_of(&c, 1), UINT8_MAX))
		return SECRET_NO;
	scan->step = coded_byte(scan, c);
	scan->sign = scan->step == CODED_PLAIN ? c : scan->step == CODED_DONE ? scan->coded.value : 0;
	scan->sign_level = scan->step == CODED_DONE ? scan->coded.level : 0;
	verdict = state_byte(scan, redact, c);
	url = url_byte(scan);
	if (scan->sign == '\\')
		scan->backslashes += scan->backslashes < 254 ? 1 : -1;
	else if (scan->step != CODED_WITHIN)
		scan->backslashes = 0;
	return verdict == SECRET_NO ? url : verdict;
}
