/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accessToken, access_token, ACCESS-TOKEN and user[access.token] are the words
 * "access" and "token"; what the last word is decides, with the one before it.
 * Names without a sign between their words (accesstoken) are taken by their end.
 */
#include "secret_name.h"

#include "ascii.h"

#include <string.h>
#include <strings.h>

#define WORDS_MAX	16
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct words {
	char text[2 * SECRET_NAME_MAX + 1]; /* each word ends with NUL, and may be one letter */
	const char *word[WORDS_MAX];	    /* the last ones, when there are more */
	size_t count;
	char glued[SECRET_NAME_MAX + 1];
};

/* --- decoding ---------------------------------------------------------------------------- */

/* The number that `digits` hex digits from `at` on are, or -1. */
static int hex_number(struct slice s, size_t at, size_t digits)
{
	int value = 0;

	if (at + digits > s.len)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		int digit = ascii_hex_value(s.data[at + i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* One pass: %XX (RFC 3986, 2.1) and \uXXXX (RFC 8259, 7). */
static size_t decode_once(struct slice name, uint8_t *out)
{
	size_t len = 0;

	for (size_t i = 0; i < name.len; i++) {
		int value = -1;
		size_t took = 0;

		if (name.data[i] == '%') {
			value = hex_number(name, i + 1, 2);
			took = 2;
		} else if (name.data[i] == '\\' && i + 1 < name.len && name.data[i + 1] == 'u') {
			value = hex_number(name, i + 2, 4);
			took = 5;
		}
		out[len++] = value < 0 ? name.data[i] : value > 0xff ? '?' : (uint8_t)value;
		if (value >= 0)
			i += took;
	}
	return len;
}

size_t secret_name_decode(struct slice name, uint8_t out[SECRET_NAME_MAX])
{
	size_t len;

	if (name.len > SECRET_NAME_MAX)
		name = slice_drop(name, name.len - SECRET_NAME_MAX);
	len = decode_once(name, out);
	return decode_once(slice_of(out, len), out); /* %2570 */
}

/* --- words ------------------------------------------------------------------------------- */

/* accessToken: before the T; APIKey: before the K. */
static bool begins_word(const uint8_t *bytes, size_t len, size_t at)
{
	if (!ascii_is_upper(bytes[at]) || at == 0)
		return false;
	if (!ascii_is_upper(bytes[at - 1]))
		return true;
	return at + 1 < len && ascii_is_letter(bytes[at + 1]) && !ascii_is_upper(bytes[at + 1]);
}

static void words_add(struct words *words, const char *word)
{
	if (words->count == WORDS_MAX) {
		memmove(words->word, words->word + 1, (WORDS_MAX - 1) * sizeof(words->word[0]));
		words->count--;
	}
	words->word[words->count++] = word;
}

/* Digits are no words, and end none: password2. */
static void words_split(struct words *words, const uint8_t *bytes, size_t len)
{
	size_t at = 0, glued = 0;
	bool open = false;

	words->count = 0;
	for (size_t i = 0; i < len; i++) {
		if (!ascii_is_letter(bytes[i])) {
			open = open && ascii_is_digit(bytes[i]) && i + 1 < len &&
			       ascii_is_letter(bytes[i + 1]) &&
			       !ascii_is_upper(bytes[i + 1]); /* oauth2token */
			continue;
		}
		if (!open || begins_word(bytes, len, i)) {
			if (at)
				words->text[at++] = '\0';
			words_add(words, words->text + at);
		}
		open = true;
		words->text[at++] = (char)(bytes[i] | 32);
		words->glued[glued++] = (char)(bytes[i] | 32);
	}
	words->text[at] = words->glued[glued] = '\0';
}

/* The n-th word from the end, or "". */
static const char *word_back(const struct words *words, size_t n)
{
	return n < words->count ? words->word[words->count - 1 - n] : "";
}

/* Every parameter and field of every exchange comes here: most words differ from a list's in one letter
 * already. */
static bool is_one_of(const char *word, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (word[0] == list[i][0] && strcmp(word, list[i]) == 0)
			return true;
	return false;
}

#define IS_ONE_OF(word, list) is_one_of(word, list, COUNT_OF(list))

static bool ends_with_one_of(const char *word, const char *const *list, size_t count)
{
	size_t len = strlen(word);

	for (size_t i = 0; i < count; i++) {
		size_t end_len = strlen(list[i]);

		if (len >= end_len && word[len - 1] == list[i][end_len - 1] &&
		    memcmp(word + len - end_len, list[i], end_len) == 0)
			return true;
	}
	return false;
}

/* --- the lists ---------------------------------------------------------------------------- */

/* Secrets as the last word of any name. */
static const char *const last_words[] = {
	"assertion", "authorization", "cookie",	 "cookies", "credential", "credentials",
	"csrf",	     "cvc",	      "cvv",	 "jwt",	    "otp",	  "passcode",
	"pw",	     "pwd",	      "secrets", "totp",    "xsrf",
};

/* The same as the end of the last word: accesstoken. */
static const char *const last_ends[] = {
	"apikey",    "accesskey", "encryptionkey", "masterkey",	 "privatekey",	    "secret",
	"secretkey", "sessid",	  "sessionid",	   "signingkey", "subscriptionkey", "token",
};

/* Positions in a list are no secrets, though many call them tokens. */
static const char *const cursors[] = {
	"cancellation", "continuation", "continue", "cursor", "next",  "page", "pagination",
	"prev",		"previous",	"resume",   "skip",   "start", "sync",
};

/* A password's rules, not itself. */
static const char *const about_passwords[] = {
	"at",	  "changed", "count", "enabled", "expired", "expires",	"expiry",   "field", "hint",
	"length", "max",     "min",   "policy",	 "reset",   "required", "strength", "uri",   "url",
};

/* Of a field whose name ends with "key". */
static const char *const open_keys[] = {
	"cache",   "dedup",   "deduplication", "group",	       "hash",	    "idempotency",
	"message", "object",  "partition",     "partitionkey", "primary",   "public",
	"range",   "routing", "row",	       "sort",	       "surrogate", "socket",
};

/* Of another name that ends with "key"; most such keys are of tables. */
static const char *const secret_keys[] = {
	"access",    "account", "admin",    "aes",	    "api",	 "app",	       "application",
	"auth",	     "client",	"consumer", "decryption",   "deploy",	 "encryption", "function",
	"functions", "hmac",	"host",	    "license",	    "master",	 "private",    "root",
	"rsa",	     "secret",	"server",   "service",	    "session",	 "shared",     "signature",
	"signing",   "ssh",	"storage",  "subscription", "symmetric", "webhook",
};

/* Whole names, glued. The last are none of JSON: {"code": 404}. */
static const char *const whole_names[] = { "auth", "pass", "session", "sid", "sig", "signature" };
static const char *const whole_parameters[] = { "code", "key" };

/* Challenges and reports, which go to everybody. */
static const char *const open_fields[] = { "www-authenticate", "proxy-authenticate",
					   "authentication-results" };

/* --- the rules ---------------------------------------------------------------------------- */

static bool is_password(const struct words *words)
{
	if (!strstr(words->glued, "password") && !strstr(words->glued, "passwd") &&
	    !strstr(words->glued, "passphrase"))
		return false;
	return !IS_ONE_OF(word_back(words, 0), about_passwords);
}

static bool is_cursor(const struct words *words)
{
	char last[SECRET_NAME_MAX + 8];

	if (IS_ONE_OF(word_back(words, 1), cursors))
		return true;
	for (size_t i = 0; i < COUNT_OF(cursors); i++) {
		size_t len = strlen(cursors[i]);

		memcpy(last, cursors[i], len);
		memcpy(last + len, "token", sizeof("token"));
		if (strcmp(word_back(words, 0), last) == 0)
			return true;
	}
	return false;
}

static bool is_secret_key(enum name_kind kind, const struct words *words)
{
	if (strcmp(word_back(words, 0), "key") != 0 || words->count < 2)
		return false;
	if (kind == NAME_FIELD)
		return !IS_ONE_OF(word_back(words, 1), open_keys);
	return IS_ONE_OF(word_back(words, 1), secret_keys);
}

/* Not author and authority. */
static bool is_auth_field(const struct words *words)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *auth = strstr(words->word[i], "auth");

		if (auth && (strncmp(auth, "author", 6) != 0 || strncmp(auth, "authori", 7) == 0) &&
		    strncmp(auth, "authorit", 8) != 0)
			return true;
	}
	return false;
}

static bool is_open_field(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(open_fields); i++)
		if (slice_equal_nocase(slice_of_string(open_fields[i]), name))
			return true;
	return false;
}

bool secret_name(enum name_kind kind, struct slice name)
{
	uint8_t bytes[SECRET_NAME_MAX];
	size_t len = secret_name_decode(name, bytes);
	struct words words;
	const char *last;

	words_split(&words, bytes, len);
	last = word_back(&words, 0);
	if (is_password(&words) || IS_ONE_OF(last, last_words) || is_secret_key(kind, &words))
		return true;
	if (ends_with_one_of(last, last_ends, COUNT_OF(last_ends)) && !is_cursor(&words))
		return true;
	if (strcmp(last, "id") == 0 && strcmp(word_back(&words, 1), "session") == 0)
		return true;
	if (kind == NAME_FIELD)
		return (is_auth_field(&words) && !is_open_field(name)) || strcmp(last, "session") == 0;
	if (strcmp(last, "auth") == 0 || strcmp(last, "signature") == 0)
		return true;
	return IS_ONE_OF(words.glued, whole_names) ||
	       (kind == NAME_PARAMETER && IS_ONE_OF(words.glued, whole_parameters));
}
