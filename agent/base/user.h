/* SPDX-License-Identifier: Apache-2.0 */
/* The users that the system knows. */
#ifndef HARK_USER_H
#define HARK_USER_H

#include <pwd.h>
#include <stdbool.h>

/* By a name or a number; a name that is a number is a name first. Borrowed until the next call; NULL: there
 * is none. */
const struct passwd *user_find(const char *user);

/* A decimal number that is an id; (uid_t)-1 means "no change" to the kernel and is none. */
bool user_id_parse(const char *text, unsigned int *id);

#endif
