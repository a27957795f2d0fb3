/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short list of names, searched from front to back. A field whose name could
 * not be decoded may be any of them, so it counts as a secret.
 */
#include "redact.h"

#include <errno.h>
#include <stdlib.h>

struct redact {
	bool show_secrets;
	struct slice *names; /* each owns its bytes */
	size_t count;
};

static const char defaults[] = "authorization,proxy-authorization,cookie,set-cookie";

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

bool redact_header(const struct redact *redact, struct slice name)
{
	if (redact->show_secrets)
		return false;
	if (!name.data)
		return true;
	for (size_t i = 0; i < redact->count; i++)
		if (slice_equal_nocase(redact->names[i], name))
			return true;
	return false;
}
