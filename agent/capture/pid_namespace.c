/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc shows the numbers of the namespace that it was mounted in, which need not be hark's: a process that
 * came there by unshare(1) without --mount-proc still has the old one. Its own status then lists a number for
 * each namespace from /proc's down to hark's.
 */
#include "pid_namespace.h"

#include "base/log.h"
#include "base/small_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define INITIAL 0xeffffffcu /* of the kernel's include/linux/proc_ns.h */

unsigned int pid_namespaces_of_status(struct slice status)
{
	static const char key[] = "\nNSpid:";
	const uint8_t *at = memmem(status.data, status.len, key, sizeof(key) - 1);
	struct slice line;
	unsigned int count = 0;

	if (!at)
		return 0;
	line = slice_drop(status, (size_t)(at - status.data) + sizeof(key) - 1);
	for (size_t i = 0; i < line.len && line.data[i] != '\n'; i++)
		count += line.data[i] == '\t';
	return count;
}

int pid_namespace_find(uint32_t *found)
{
	char status[4096];
	struct stat st;
	ssize_t len;

	*found = 0;
	len = small_file_read("/proc/self/status", status, sizeof(status));
	if (len < 0 || stat("/proc/self/ns/pid", &st) < 0) {
		log_error("cannot read /proc/self: %s; mount the proc file system of this pid namespace on "
			  "/proc",
			  strerror(len < 0 ? (int)-len : errno));
		return -ENOENT;
	}
	if (pid_namespaces_of_status(slice_of(status, (size_t)len)) > 1) {
		log_error(
			"/proc is that of another pid namespace than hark's own: processes cannot be looked "
			"up; mount it anew (unshare --mount-proc), or run hark outside");
		return -EXDEV;
	}
	if (st.st_ino != INITIAL)
		*found = (uint32_t)st.st_ino;
	return 0;
}
