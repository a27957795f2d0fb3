/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short lists of names, searched from front to back. A field whose name could
 * not be decoded may be any of them, so it counts as a secret.
 *
 * A parameter is looked for after any of ? & ; # and at the beginning, whatever
 * the bytes are: one too many is hidden rather than one too few. Its value ends
 * at & ; # or where a URL ends.
 */
#include "redact.h"

#include <errno.h>
#include <stdlib.h>

struct redact {
	bool show_secrets;
	struct slice *names; /* each owns its bytes */
	size_t count;
};

#define PARAMETER_NAME_MAX 128 /* longer ones are no names that anybody would list */

static const char defaults[] = "authorization,proxy-authorization,cookie,set-cookie";

/* The man page lists them (SECRETS). */
static const char *const parameters[] = {
	"access_token",
	"api_key",
	"api-key",
	"apikey",
	"assertion",
	"auth",
	"auth_token",
	"client_assertion",
	"client_secret",
	"code",
	"credential",
	"id_token",
	"jwt",
	"key",
	"passphrase",
	"passwd",
	"password",
	"private_key",
	"pwd",
	"refresh_token",
	"secret",
	"session",
	"session_id",
	"sessionid",
	"sig",
	"signature",
	"token",
	"x-amz-credential",
	"x-amz-security-token",
	"x-amz-signature",
	"x-goog-credential",
	"x-goog-signature",
};

/* RFC 9110, 5.6.2: tchar. */
static bool is_token(struct slice name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];
		bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');

		if (!alnum && (c == 0 || !strchr(others, c)))
			return false;
	}
	return name.len > 0;
}

static int redact_add_one(struct redact *redact, struct slice name)
{
	struct slice *names;
	uint8_t *copy;

	if (!is_token(name))
		return -EINVAL;
	names = reallocarray(redact->names, redact->count + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	redact->names = names;
	copy = malloc(name.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, name.data, name.len);
	names[redact->count++] = slice_of(copy, name.len);
	return 0;
}

int redact_add(struct redact *redact, const char *names)
{
	for (;;) {
		size_t len = strcspn(names, ",");
		int err = redact_add_one(redact, slice_of(names, len));

		if (err < 0)
			return err;
		if (names[len] == '\0')
			return 0;
		names += len + 1;
	}
}

struct redact *redact_new(bool show_secrets)
{
	struct redact *redact = calloc(1, sizeof(*redact));

	if (!redact)
		return NULL;
	redact->show_secrets = show_secrets;
	if (redact_add(redact, defaults) == 0)
		return redact;
	redact_free(redact);
	return NULL;
}

void redact_free(struct redact *redact)
{
	if (!redact)
		return;
	for (size_t i = 0; i < redact->count; i++)
		free((void *)redact->names[i].data);
	free(redact->names);
	free(redact);
}

static bool is_added(const struct redact *redact, struct slice name)
{
	for (size_t i = 0; i < redact->count; i++)
		if (slice_equal_nocase(redact->names[i], name))
			return true;
	return false;
}

bool redact_header(const struct redact *redact, struct slice name)
{
	if (redact->show_secrets)
		return false;
	return !name.data || is_added(redact, name);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986, 2.1. False: too long. */
static bool percent_decode(struct slice name, uint8_t out[PARAMETER_NAME_MAX], size_t *len)
{
	*len = 0;
	for (size_t i = 0; i < name.len; i++) {
		bool coded = name.data[i] == '%' && i + 2 < name.len && hex_digit(name.data[i + 1]) >= 0 &&
			     hex_digit(name.data[i + 2]) >= 0;

		if (*len == PARAMETER_NAME_MAX)
			return false;
		out[(*len)++] =
			coded ? (uint8_t)(hex_digit(name.data[i + 1]) << 4 | hex_digit(name.data[i + 2]))
			      : name.data[i];
		if (coded)
			i += 2;
	}
	return true;
}

/* "user[password]" is a password. */
static struct slice innermost(struct slice name)
{
	size_t start = name.len;

	if (!name.len || name.data[name.len - 1] != ']')
		return name;
	while (start && name.data[start - 1] != '[')
		start--;
	return start ? slice_of(name.data + start, name.len - start - 1) : name;
}

bool redact_parameter(const struct redact *redact, struct slice name)
{
	uint8_t bytes[PARAMETER_NAME_MAX];
	struct slice decoded;
	size_t len;

	if (redact->show_secrets || !percent_decode(name, bytes, &len))
		return false;
	decoded = innermost(slice_of(bytes, len));
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (slice_equal_nocase(slice_of_string(parameters[i]), decoded))
			return true;
	return is_added(redact, decoded);
}

static size_t span_until(struct slice bytes, size_t from, const char *stops)
{
	while (from < bytes.len && (!bytes.data[from] || !strchr(stops, bytes.data[from])))
		from++;
	return from;
}

static struct slice redact_parameters(const struct redact *redact, struct slice bytes, const char *starts,
				      const char *ends, struct buffer *out)
{
	size_t done = 0; /* so much is in `out` */

	buffer_clear(out);
	for (size_t at = 0; at < bytes.len;) {
		size_t stop = span_until(bytes, at, starts), value, end;

		if (stop == bytes.len || bytes.data[stop] != '=') {
			at = stop + 1;
			continue;
		}
		value = stop + 1;
		end = span_until(bytes, value, ends);
		if (end > value && redact_parameter(redact, slice_of(bytes.data + at, stop - at))) {
			buffer_put(out, bytes.data + done, value - done);
			buffer_string(out, REDACTED);
			done = end;
			at = end;
		} else {
			at = span_until(bytes, value, starts);
		}
		/* A value may hold a URL with parameters of its own. */
		while (at < bytes.len && bytes.data[at] == '=')
			at = span_until(bytes, at + 1, starts);
		at += at < bytes.len;
	}
	if (!done)
		return bytes;
	buffer_put(out, bytes.data + done, bytes.len - done);
	return out->failed ? SLICE(REDACTED) : slice_of(out->data, out->len);
}

struct slice redact_target(const struct redact *redact, struct slice target, struct buffer *out)
{
	return redact_parameters(redact, target, "=?&;#", "&;# \t<>\"", out);
}

struct slice redact_value(const struct redact *redact, struct slice name, struct slice value,
			  struct buffer *out)
{
	if (!value.data)
		return value;
	if (redact_header(redact, name))
		return SLICE(REDACTED);
	if (value.len && (memchr(value.data, '?', value.len) || memchr(value.data, '#', value.len)))
		return redact_target(redact, value, out);
	return value;
}

struct slice redact_form(const struct redact *redact, struct slice body, struct buffer *out)
{
	return redact_parameters(redact, body, "=&;?\r\n", "&;\r\n", out);
}
