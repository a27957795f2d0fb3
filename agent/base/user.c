/* SPDX-License-Identifier: Apache-2.0 */
#include "user.h"

#include "slice.h"

bool user_id_parse(const char *text, unsigned int *id)
{
	struct slice digits = slice_of_string(text);
	uint64_t value;

	if (digits.len > 10 || !slice_number(digits, &value) || value >= (uid_t)-1)
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
