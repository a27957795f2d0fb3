/* SPDX-License-Identifier: Apache-2.0 */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Emptied last: a reader who had it open sees nothing of ours, and nothing is destroyed on a refusal. */
static int make_private(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_uid != geteuid())
		return -EPERM;
	if (fchmod(fd, 0600) < 0 || ftruncate(fd, 0) < 0)
		return -errno;
	return 0;
}

int private_file_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = make_private(fd);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

const char *private_file_error(int error)
{
	int code = error < 0 ? -error : error;

	if (code == ELOOP)
		return "it is a symbolic link, which hark does not follow; name the file itself";
	if (code == EPERM)
		return "it belongs to another user or is protected; remove it or name another file";
	return strerror(code);
}
