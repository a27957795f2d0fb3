/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that hark knows (secret_name.c), and those that --redact adds: a
 * short list, searched from front to back. A field whose name could not be
 * decoded may be any of them, so it counts as a secret.
 */
#include "redact.h"

#include "ascii.h"

#include <errno.h>
#include <stdlib.h>

struct redact {
	bool show_secrets;
	struct slice *names; /* each owns its bytes */
	size_t count;
};

static int redact_add_one(struct redact *redact, struct slice name)
{
	struct slice *names;
	uint8_t *copy;

	for (size_t i = 0; i < name.len; i++)
		if (!ascii_is_token(name.data[i]))
			return -EINVAL;
	if (!name.len)
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
	return redact;
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

/* The name itself, in whatever it stands: user[NAME]=, \\"NAME\\": */
static struct slice innermost(struct slice name)
{
	size_t start;

	while (name.len && !ascii_is_token(name.data[name.len - 1]))
		name.len--;
	for (start = name.len; start && ascii_is_token(name.data[start - 1]); start--)
		;
	return slice_drop(name, start);
}

bool redact_name(const struct redact *redact, enum name_kind kind, struct slice name)
{
	uint8_t bytes[SECRET_NAME_MAX];

	if (redact->show_secrets)
		return false;
	if (kind == NAME_FIELD)
		name = slice_trim(name); /* "Authorization :" */
	if ((kind == NAME_FIELD && !name.data) || secret_name(kind, name))
		return true;
	if (!redact->count)
		return false;
	if (kind != NAME_FIELD)
		name = innermost(slice_of(bytes, secret_name_decode(name, bytes)));
	return is_added(redact, name);
}

bool redact_is_off(const struct redact *redact)
{
	return redact->show_secrets;
}
