/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include <stdlib.h>
#include <string.h>

bool user_id_parse(const char *text, unsigned int *id)
{
	size_t len = text ? strlen(text) : 0;
	unsigned long long value;

	if (len == 0 || len > 10 || strspn(text, "0123456789") != len)
		return false;
	value = strtoull(text, NULL, 10);
	if (value >= (uid_t)-1)
		return false;
	*id = (unsigned int)value;
	return true;
}

/* As for chown. */
const struct passwd *user_find(const char *user)
{
	const struct passwd *entry = getpwnam(user);
	uid_t uid;

	if (entry)
		return entry;
	return user_id_parse(user, &uid) ? getpwuid(uid) : NULL;
}

bool user_is_known(const char *user)
{
	return user_find(user) != NULL;
}
