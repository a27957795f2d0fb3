/* SPDX-License-Identifier: Apache-2.0 */
#include "process_event.h"

#include "base/path.h"
#include "base/small_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void name_fill(struct event_process *out, uint32_t pid)
{
	char link[32], target[PATH_MAX];
	char *deleted;
	const char *base;
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	len = readlink(link, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	deleted = strstr(target, " (deleted)");
	if (deleted && deleted[strlen(" (deleted)")] == '\0')
		*deleted = '\0';
	base = path_base(target);
	memcpy(out->name, base, strnlen(base, sizeof(out->name) - 1));
}

int process_event_read(uint32_t pid, struct event_process *out)
{
	char name[32], status[1024];
	char *effective;

	snprintf(name, sizeof(name), "/proc/%u/status", pid);
	if (small_file_read(name, status, sizeof(status)) < 0)
		return -ESRCH;
	*out = (struct event_process){
		.h = {
			.size = sizeof(*out),
			.type = EVENT_EXEC,
			.flags = EVENT_PID_VALID | EVENT_SYNTHETIC,
			.pid = pid,
			.tid = pid,
		},
		.parent = (uint32_t)strtoul(small_file_field(status, "PPid"), NULL, 10),
	};
	(void)strtoul(small_file_field(status, "Uid"), &effective, 10); /* real; then effective */
	out->h.uid = (uint32_t)strtoul(effective, NULL, 10);
	snprintf(name, sizeof(name), "/proc/%u/comm", pid);
	small_file_read(name, out->h.comm, sizeof(out->h.comm));
	out->h.comm[strcspn(out->h.comm, "\n")] = '\0';
	name_fill(out, pid);
	return 0;
}
