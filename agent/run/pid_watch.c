/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pidfd (Linux 5.3) polls readable when its process and all threads of it
 * have ended, and never stands for a later process of the same number. Names
 * are read at the start: when a process has ended nobody knows its name.
 */
#include "pid_watch.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/small_file.h"
#include "library/process_event.h"
#include "slice.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHILDREN_SAID 8 /* of one process */

struct watched {
	uint32_t pid;
	int fd;		    /* -1: it has ended */
	struct buffer name; /* escaped */
	uint32_t last_told; /* of the children, the newest that was said */
};

struct pid_watch {
	int epoll;
	size_t count, left;
	struct watched *items;
};

static int pid_check(uint32_t pid)
{
	char path[32], status[1024];
	uint32_t group; /* of threads, that the number belongs to; 0: there is no such process or thread */

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	small_file_read(path, status, sizeof(status));
	group = (uint32_t)strtoul(small_file_field(status, "Tgid"), NULL, 10);
	if (group == pid)
		return 0;
	if (!group) {
		log_error("there is no process %u (-p)", pid);
		return -ESRCH;
	}
	log_error("%u is a thread of process %u: hark follows whole processes, use -p %u", pid, group, group);
	return -EINVAL;
}

static int watched_open(struct pid_watch *watch, struct watched *item)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = item };
	struct event_process facts;
	int error;

	if (process_event_read(item->pid, &facts) == 0)
		escape_text(&item->name, slice_of_string(facts.name[0] ? facts.name : facts.h.comm), true);
	item->fd = (int)syscall(SYS_pidfd_open, item->pid, 0);
	if (item->fd >= 0 && epoll_ctl(watch->epoll, EPOLL_CTL_ADD, item->fd, &event) == 0)
		return 0;
	error = -errno;
	if (error == -ESRCH)
		log_error("there is no process %u (-p)", item->pid);
	else
		log_error("cannot watch process %u (-p): %s", item->pid, strerror(-error));
	return error;
}

static bool is_known(const struct pid_watch *watch, uint32_t pid)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->items[i].pid == pid)
			return true;
	return false;
}

static int pid_add(struct pid_watch *watch, uint32_t pid)
{
	struct watched *item = &watch->items[watch->count];
	int error;

	if (is_known(watch, pid))
		return 0;
	error = pid_check(pid);
	if (error)
		return error;
	*item = (struct watched){ .pid = pid, .fd = -1 };
	watch->count++;
	watch->left++;
	return watched_open(watch, item);
}

struct pid_watch *pid_watch_new(const uint32_t *pids, size_t count)
{
	struct pid_watch *watch = calloc(1, sizeof(*watch));
	int error = -ENOMEM;

	if (!watch) {
		log_error("out of memory");
		return NULL;
	}
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch->items = calloc(count ? count : 1, sizeof(*watch->items));
	if (watch->epoll < 0 || !watch->items) {
		log_error("cannot watch processes: %s", strerror(errno));
		goto out;
	}
	error = 0;
	for (size_t i = 0; i < count && !error; i++)
		error = pid_add(watch, pids[i]);
	if (!error)
		return watch;
out:
	pid_watch_free(watch);
	errno = -error;
	return NULL;
}

/* Those of one thread (CONFIG_PROC_CHILDREN), as " 812 813"; how many. */
static size_t children_of(const struct pid_watch *watch, const struct watched *item, const char *tid,
			  struct buffer *list, uint32_t *newest)
{
	size_t count = 0;
	uint32_t pid;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/task/%.20s/children", item->pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fscanf(file, "%" SCNu32, &pid) == 1) {
		if (is_known(watch, pid) || pid <= item->last_told)
			continue;
		*newest = pid > *newest ? pid : *newest;
		if (count++ < CHILDREN_SAID)
			buffer_format(list, " %" PRIu32, pid);
	}
	fclose(file);
	return count;
}

static size_t item_tell_children(const struct pid_watch *watch, struct watched *item)
{
	struct buffer list = { .data = NULL };
	uint32_t newest = item->last_told;
	size_t count = 0;
	struct dirent *entry;
	char path[32];
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%u/task", item->pid);
	tasks = item->fd < 0 ? NULL : opendir(path);
	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			count += children_of(watch, item, entry->d_name, &list, &newest);
	if (tasks)
		closedir(tasks);
	item->last_told = newest;
	if (count)
		log_info("%.*s (process %u) has %zu child process%s that -p leaves out:%.*s%s",
			 (int)item->name.len, item->name.data ? (const char *)item->name.data : "", item->pid,
			 count, count == 1 ? "" : "es", (int)list.len,
			 list.data ? (const char *)list.data : "", count > CHILDREN_SAID ? " ..." : "");
	buffer_fini(&list);
	return count;
}

size_t pid_watch_tell_children(struct pid_watch *watch)
{
	size_t count = 0;

	for (size_t i = 0; i < watch->count; i++)
		count += item_tell_children(watch, &watch->items[i]);
	return count;
}

void pid_watch_free(struct pid_watch *watch)
{
	if (!watch)
		return;
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->items[i].fd >= 0)
			close(watch->items[i].fd);
		buffer_fini(&watch->items[i].name);
	}
	if (watch->epoll >= 0)
		close(watch->epoll);
	free(watch->items);
	free(watch);
}

int pid_watch_fd(const struct pid_watch *watch)
{
	return watch->epoll;
}

bool pid_watch_read(struct pid_watch *watch)
{
	struct epoll_event events[16];
	int count;

	while (watch->left && (count = epoll_wait(watch->epoll, events, 16, 0)) > 0) {
		for (int i = 0; i < count; i++) {
			struct watched *item = events[i].data.ptr;

			(void)epoll_ctl(watch->epoll, EPOLL_CTL_DEL, item->fd, NULL);
			close(item->fd);
			item->fd = -1;
			watch->left--;
			log_info("process %u (%.*s) ended%s", item->pid, (int)item->name.len,
				 item->name.data ? (const char *)item->name.data : "",
				 watch->left == 0 && watch->count > 1 ? ", the last of those given" : "");
		}
	}
	return watch->left == 0;
}
