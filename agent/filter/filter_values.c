/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of filters: ranges, bounds, addresses, patterns. The patterns are
 * the user's own, the text that they are tried on is hostile: a glob goes back
 * to its last star only, a regex has no back-references (they take exponential
 * time), a bounded size, and sees only the first bytes.
 */
#include "filter_term.h"

#include "ascii.h"
#include "model/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REGEX_LEN_MAX	  256
#define REGEX_SIZE_MAX	  1000 /* letters, when all that repeats is written out */
#define REGEX_REPEATS_MAX 4    /* repetitions within one another */
#define REGEX_TRIED_BYTES 8192
#define REGEX_DEPTH_MAX	  16
#define REGEX_SUBJECT_MAX 4096 /* bytes that it is tried on */

/* --- numbers ------------------------------------------------------------------ */

static int number_parse(const char *text, size_t len, uint64_t *number)
{
	*number = 0;
	if (len == 0 || len > 18)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		*number = *number * 10 + (uint64_t)(text[i] - '0');
	}
	return 0;
}

int filter_range_parse(const char *text, uint64_t min, uint64_t max, struct filter_value *value)
{
	size_t len = strcspn(text, "-");

	if (number_parse(text, len, &value->low) < 0)
		return -EINVAL;
	value->high = value->low;
	if (text[len] && number_parse(text + len + 1, strlen(text + len + 1), &value->high) < 0)
		return -EINVAL;
	return value->low < min || value->high > max || value->low > value->high ? -EINVAL : 0;
}

bool filter_in_range(const struct filter_value *value, uint64_t number)
{
	return number >= value->low && number <= value->high;
}

const char *filter_sign(const char *text)
{
	static const char *const signs[] = { ">=", "<=", ">", "<", "=" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(text, signs[i], strlen(signs[i])) == 0)
			return signs[i];
	return NULL;
}

void filter_bound_set(struct filter_value *value, const char *sign)
{
	bool equal = sign[1] == '=';
	uint64_t low = value->low, high = value->high;

	if (*sign == '=')
		return;
	value->low = 0;
	value->high = UINT64_MAX;
	if (*sign == '>')
		value->low = equal ? low : high + 1;
	else if (low || equal)
		value->high = equal ? high : low - 1;
	else
		value->low = 1, value->high = 0; /* below nothing */
}

/* The numbers that units give are below 2^63: a step up or down from one stays a number. */
int filter_bound_parse(struct filter_value *value, int (*unit)(const char *text, uint64_t *number))
{
	const char *dash = strchr(value->text, '-'), *sign = filter_sign(value->text);
	char low[64];

	if (sign) {
		if (unit(value->text + strlen(sign), &value->low) < 0 || value->low > INT64_MAX)
			return -EINVAL;
		value->high = value->low;
		filter_bound_set(value, sign);
		return 0;
	}
	if (!dash || (size_t)(dash - value->text) >= sizeof(low))
		return -EINVAL;
	memcpy(low, value->text, (size_t)(dash - value->text));
	low[dash - value->text] = '\0';
	if (unit(low, &value->low) < 0 || unit(dash + 1, &value->high) < 0)
		return -EINVAL;
	return value->low > value->high ? -EINVAL : 0;
}

static int whole_number(const char *text, uint64_t *number)
{
	return number_parse(text, strlen(text), number);
}

int filter_number_parse(const char *text, uint64_t min, uint64_t max, struct filter_value *value)
{
	uint64_t number;

	if (!strchr("<>=", *text))
		return filter_range_parse(text, min, max, value);
	if (filter_bound_parse(value, whole_number) < 0 ||
	    whole_number(text + strspn(text, "<>="), &number) < 0 || number < min || number > max)
		return -EINVAL;
	value->low = value->low < min ? min : value->low;
	value->high = value->high > max ? max : value->high;
	return 0;
}

/* --- addresses ---------------------------------------------------------------- */

static int address_parse(const char *text, struct filter_peer *peer)
{
	uint8_t ipv4[4];

	peer->ipv6 = inet_pton(AF_INET6, text, peer->bytes) == 1;
	if (peer->ipv6)
		return 0;
	if (inet_pton(AF_INET, text, ipv4) != 1)
		return -EINVAL;
	address_widen(peer->bytes, AF_INET, ipv4);
	return 0;
}

static int port_parse(const char *text, struct filter_peer *peer)
{
	struct filter_value value;

	if (strchr(text, '-') || filter_range_parse(text, 0, UINT16_MAX, &value) < 0)
		return -EINVAL;
	peer->port_known = true;
	peer->port = (uint16_t)value.low;
	return 0;
}

/* Takes the port off the end of text: of "[::1]:443", "10.0.0.1:80", not of "::1". */
static int peer_port_split(char *text, struct filter_peer *peer)
{
	char *close = strchr(text, ']'), *colon = strchr(text, ':');

	if (*text == '[') {
		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		if (close[1] && port_parse(close + 2, peer) < 0)
			return -EINVAL;
		*close = '\0';
		memmove(text, text + 1, strlen(text + 1) + 1);
		return strchr(text, ':') ? 0 : -EINVAL;
	}
	if (!colon || strchr(colon + 1, ':'))
		return 0;
	*colon = '\0';
	return port_parse(colon + 1, peer);
}

int filter_peer_parse(const char *given, struct filter_peer *peer)
{
	struct filter_value bits = { .high = 128 };
	char text[128], *slash;
	unsigned int most;

	*peer = (struct filter_peer){ .unix_socket = strcmp(given, "unix") == 0 };
	if (peer->unix_socket)
		return 0;
	if (strlen(given) >= sizeof(text))
		return -EINVAL;
	memcpy(text, given, strlen(given) + 1);
	if (peer_port_split(text, peer) < 0)
		return -EINVAL;
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (address_parse(text, peer) < 0)
		return -EINVAL;
	most = peer->ipv6 ? 128 : 32;
	if (slash && (strchr(slash, '-') || filter_range_parse(slash, 0, most, &bits) < 0))
		return -EINVAL;
	peer->bits = 128 - most + (slash ? (unsigned int)bits.low : most);
	return 0;
}

/* --- patterns ----------------------------------------------------------------- */

/* Behind a bracket expression, whose [ stands before p; at its end or at that of the text. */
static const char *bracket_skip(const char *p)
{
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	for (; *p && *p != ']'; p++) {
		char kind = p[0] == '[' ? p[1] : '\0';

		if (!kind || !strchr(":.=", kind))
			continue;
		for (p += 2; *p && !(p[0] == kind && p[1] == ']'); p++)
			;
		if (!*p)
			return p;
		p++;
	}
	return p;
}

/* The largest number of {n}, {n,}, {n,m}; *end: at its brace, or where it does not go on as one. */
static uint64_t repeat_parse(const char *p, const char **end)
{
	uint64_t most = 1, number = 0;

	for (; ascii_is_digit((uint8_t)*p) || *p == ','; p++) {
		number = *p == ',' ? 0 : number * 10 + (uint64_t)(*p - '0');
		number = number > REGEX_SIZE_MAX ? REGEX_SIZE_MAX + 1 : number;
		most = number >= most ? number + 1 : most;
	}
	*end = p;
	return most;
}

struct regex_level {		    /* of parentheses */
	size_t before, last;	    /* size of what stands before the last atom, and of that */
	unsigned int deepest, deep; /* repetitions within one another: before it, and of it */
};

static void level_atom(struct regex_level *level, size_t size, unsigned int deep)
{
	level->before += level->last;
	level->last = size;
	if (level->deep > level->deepest)
		level->deepest = level->deep;
	level->deep = deep;
}

/*
 * How large the C library's automaton gets: + and {} copy what they stand behind, * and ? add a way around
 * it, so nested ones multiply, in memory or in time; behind an anchor seven of them take ten seconds. Above
 * REGEX_SIZE_MAX: too large; 0: it has a back-reference.
 */
static size_t regex_size(const char *regex)
{
	struct regex_level levels[REGEX_DEPTH_MAX] = { { .before = 1 } }, *level = levels;

	for (const char *p = regex; *p; p++) {
		const char *end = p;

		if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
			return 0;
		if (*p == '(') {
			if (++level == levels + REGEX_DEPTH_MAX)
				return REGEX_SIZE_MAX + 1;
			*level = (struct regex_level){ .before = 1 };
		} else if (*p == ')' && level > levels) {
			level--;
			level_atom(level, level[1].before + level[1].last,
				   level[1].deep > level[1].deepest ? level[1].deep : level[1].deepest);
		} else if (strchr("*+?", *p)) {
			level->last *= 2;
			level->deep++;
		} else if (*p == '{') {
			level->last *= repeat_parse(p + 1, &end);
			level->deep++;
			p = *end == '}' ? end : end - 1;
		} else {
			p = *p == '[' ? bracket_skip(p + 1) : p + (*p == '\\' && p[1]);
			level_atom(level, 1, 0);
		}
		if (level->before + level->last > REGEX_SIZE_MAX || level->deep > REGEX_REPEATS_MAX)
			return REGEX_SIZE_MAX + 1;
		if (!*p)
			break;
	}
	return level->before + level->last;
}

/*
 * The C library keeps each state that a text took its automaton to, forever, and who sends the texts may know
 * how to make it many: now and then it begins anew.
 */
struct filter_regex {
	regex_t compiled;
	int flags;
	bool ready;
	size_t tried_bytes; /* since it began */
};

static int regex_compile(struct filter_regex *regex, const char *text)
{
	int error = regcomp(&regex->compiled, text, regex->flags);

	regex->ready = error == 0;
	regex->tried_bytes = 0;
	return error;
}

static int regex_parse(struct filter_pattern *pattern, char *why, size_t size)
{
	const char *text = (const char *)pattern->text.data;
	size_t length = regex_size(text);
	int error;

	if (strlen(text) > REGEX_LEN_MAX || length == 0 || length > REGEX_SIZE_MAX) {
		snprintf(why, size, "%s",
			 length == 0 ? "back-references such as \\1 are not taken"
				     : "the expression is too long, or repeats too much");
		return -EINVAL;
	}
	pattern->regex = calloc(1, sizeof(*pattern->regex));
	if (!pattern->regex)
		return -ENOMEM;
	pattern->kind = PATTERN_REGEX;
	pattern->regex->flags = REG_EXTENDED | REG_NOSUB | (pattern->nocase ? REG_ICASE : 0);
	error = regex_compile(pattern->regex, text);
	if (error && error != REG_ESPACE)
		regerror(error, &pattern->regex->compiled, why, size);
	return !error ? 0 : error == REG_ESPACE ? -ENOMEM : -EINVAL;
}

int filter_pattern_parse(struct filter_pattern *pattern, struct slice text, bool regex, char *why,
			 size_t size)
{
	pattern->kind = PATTERN_EXACT;
	pattern->text = text;
	if (regex && text.len && text.data[0] == '~') {
		pattern->text = slice_drop(text, 1);
		return regex_parse(pattern, why, size);
	}
	for (size_t i = 0; i < text.len; i++)
		if (strchr("*?\\", text.data[i]))
			pattern->kind = PATTERN_GLOB;
	return 0;
}

void filter_pattern_fini(struct filter_pattern *pattern)
{
	if (pattern->regex && pattern->regex->ready)
		regfree(&pattern->regex->compiled);
	free(pattern->regex);
	pattern->regex = NULL;
}

/* Does the pattern's element at `at` stand for this byte? *next: behind it. */
static bool glob_one(const struct filter_pattern *pattern, size_t at, uint8_t byte, size_t *next)
{
	struct slice text = pattern->text;

	if (at >= text.len)
		return false;
	*next = at + 1;
	if (text.data[at] == '?')
		return true;
	if (text.data[at] == '\\' && at + 1 < text.len)
		*next = ++at + 1;
	return text.data[at] == byte || (pattern->nocase && ascii_lower(text.data[at]) == ascii_lower(byte));
}

/* A later star takes over from the one before: what that one stood for need not change any more. */
static bool glob_match(const struct filter_pattern *pattern, struct slice s)
{
	struct slice text = pattern->text;
	size_t p = 0, i = 0, star = pattern->within ? 0 : SIZE_MAX, from = 0, next;

	while (i < s.len && !(pattern->within && p == text.len)) {
		if (p < text.len && text.data[p] == '*') {
			star = ++p;
			from = i;
		} else if (glob_one(pattern, p, s.data[i], &next)) {
			p = next;
			i++;
		} else if (star != SIZE_MAX) {
			p = star;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < text.len && text.data[p] == '*')
		p++;
	return p == text.len;
}

/* The copy ends in a NUL, which regexec() does not ask for here but those who watch it do. */
static bool regex_match(const struct filter_pattern *pattern, struct slice s)
{
	struct filter_regex *regex = pattern->regex;
	char text[REGEX_SUBJECT_MAX + 1];
	size_t len = s.len < REGEX_SUBJECT_MAX ? s.len : REGEX_SUBJECT_MAX;
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)len };

	if (regex->ready && regex->tried_bytes > REGEX_TRIED_BYTES) {
		regfree(&regex->compiled);
		regex->ready = false;
	}
	if (!regex->ready && regex_compile(regex, (const char *)pattern->text.data) != 0)
		return false; /* out of memory */
	regex->tried_bytes += len;
	if (len)
		memcpy(text, s.data, len);
	text[len] = '\0';
	return regexec(&regex->compiled, text, 1, &range, REG_STARTEND | (len < s.len ? REG_NOTEOL : 0)) == 0;
}

bool filter_pattern_match(const struct filter_pattern *pattern, struct slice subject)
{
	switch (pattern->kind) {
	case PATTERN_EXACT:
		if (pattern->within)
			return subject.len &&
			       memmem(subject.data, subject.len, pattern->text.data, pattern->text.len);
		return pattern->nocase ? slice_equal_nocase(pattern->text, subject)
				       : slice_equal(pattern->text, subject);
	case PATTERN_GLOB:
		return glob_match(pattern, subject);
	case PATTERN_REGEX:
		return regex_match(pattern, subject);
	}
	return false;
}
