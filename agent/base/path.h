/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HARK_PATH_H
#define HARK_PATH_H

#include <string.h>

/* The text behind the last slash. */
static inline const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#endif
