/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that hark knows (secret_name.c), and those that --redact adds: a
 * short list, searched from front to back. A field whose name could not be
 * decoded may be any of them, so it counts as a secret.
 *
 * The same names come with every exchange: what was found out of one is kept
 * beside all of its bytes, until another takes its place.
 */
#include "redact.h"

#include "ascii.h"

#include <errno.h>
#include <stdlib.h>

#define KEPT_NAMES    256 /* a power of 2 */
#define KEPT_NAME_MAX 29

struct kept_name {
	uint8_t len; /* 0: none */
	uint8_t kind;
	bool secret;
	uint8_t bytes[KEPT_NAME_MAX];
};

struct redact {
	bool show_secrets;
	struct slice *names; /* each owns its bytes */
	size_t count;
	struct kept_name *kept; /* KEPT_NAMES of them */
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
	memset(redact->kept, 0, KEPT_NAMES * sizeof(*redact->kept));
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
	redact->kept = calloc(KEPT_NAMES, sizeof(*redact->kept));
	if (redact->kept)
		return redact;
	free(redact);
	return NULL;
}

void redact_free(struct redact *redact)
{
	if (!redact)
		return;
	for (size_t i = 0; i < redact->count; i++)
		free((void *)redact->names[i].data);
	free(redact->names);
	free(redact->kept);
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

static bool name_is_secret(const struct redact *redact, enum name_kind kind, struct slice name)
{
	uint8_t bytes[SECRET_NAME_MAX];

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

/* Where a name is kept: by its length and both of its ends. */
static struct kept_name *kept_place(const struct redact *redact, enum name_kind kind, struct slice name)
{
	uint64_t front = 0, back = 0;

	if (name.len >= sizeof(front)) {
		memcpy(&front, name.data, sizeof(front));
		memcpy(&back, name.data + name.len - sizeof(back), sizeof(back));
	} else {
		for (size_t i = 0; i < name.len; i++)
			front = front << 8 | name.data[i];
	}
	front = (front ^ back << 7 ^ name.len << 3 ^ kind) * UINT64_C(0x9e3779b97f4a7c15);
	return &redact->kept[front >> 32 & (KEPT_NAMES - 1)];
}

bool redact_name(const struct redact *redact, enum name_kind kind, struct slice name)
{
	struct kept_name *kept;

	if (redact->show_secrets)
		return false;
	if (!name.len || name.len > KEPT_NAME_MAX)
		return name_is_secret(redact, kind, name);
	kept = kept_place(redact, kind, name);
	if (kept->len == name.len && kept->kind == kind && memcmp(kept->bytes, name.data, name.len) == 0)
		return kept->secret;
	kept->secret = name_is_secret(redact, kind, name);
	kept->len = (uint8_t)name.len;
	kept->kind = (uint8_t)kind;
	memcpy(kept->bytes, name.data, name.len);
	return kept->secret;
}

bool redact_is_off(const struct redact *redact)
{
	return redact->show_secrets;
}
