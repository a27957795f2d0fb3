/* SPDX-License-Identifier: Apache-2.0 */
#include "small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t small_file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	size_t len = 0;

	while (n > 0 && len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		n = -errno;
		len = 0;
	}
	if (fd >= 0)
		close(fd);
	if (n >= 0 && len && len < size - 1 && text[len - 1] == '\n')
		len--;
	text[len] = '\0';
	return n < 0 ? n : (ssize_t)len;
}

const char *small_file_field(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *end = strchr(text, '\n'); end; end = strchr(end + 1, '\n'))
		if (strncmp(end + 1, name, len) == 0 && end[len + 1] == ':')
			return end + len + 2;
	return "";
}
