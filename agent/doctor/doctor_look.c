/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor_look.h"

#include "base/path.h"
#include "doctor_files.h"
#include "library/libraries.h"
#include "library/proc_maps.h"
#include "library/process_event.h"
#include "model/container.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mapping_look {
	struct doctor_look *look;
	const struct doctor_files *files;
	bool loader; /* the dynamic loader is mapped */
};

static bool mapping_look(void *ctx, uint32_t pid, const struct mapping *mapping)
{
	struct mapping_look *at = ctx;
	const char *base = path_base(mapping->path);
	struct file_identity identity;
	struct stat st;
	int fd, library = -1;

	at->look->has_files = true;
	at->loader |= strncmp(base, "ld-", 3) == 0 || strncmp(base, "ld64.so", 7) == 0 ||
		      strncmp(base, "ld.so", 5) == 0;
	fd = proc_mapping_open(pid, mapping, &st);
	if (fd >= 0) {
		identity = file_identity_of(fd, &st);
		close(fd);
		library = doctor_files_find(at->files, &identity);
	}
	if (library < 0) { /* its name may say what it is */
		at->look->others |= libraries_of_name(base) & ~libraries_followed();
		return true;
	}
	if (at->files->libraries[library].site_count >= 0) {
		at->look->libraries |= 1ull << library;
	} else {
		at->look->unknown |= 1ull << library;
		at->look->others |= libraries_of_row(at->files->libraries[library].row);
	}
	return true;
}

/* A followed library in the executable explains the texts in it. */
static void executable_look(struct doctor_look *look, const struct doctor_files *files)
{
	struct file_identity identity;
	unsigned char start[5];
	uint32_t inside;
	char path[32];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", look->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return;
	look->is_32bit = pread(fd, start, sizeof(start), 0) == (ssize_t)sizeof(start) &&
			 memcmp(start, "\177ELF\1", sizeof(start)) == 0;
	inside = libraries_of_executable(fd) & ~libraries_followed();
	if (fstat(fd, &st) == 0) {
		identity = file_identity_of(fd, &st);
		look->executable = doctor_files_find(files, &identity);
	}
	close(fd);
	look->others |= look->executable < 0 ? inside : libraries_without_texts(inside);
}

/* Are the two ends of /proc/PID/ns/NAME and ours different? Unknown counts as the same. */
static bool namespace_differs(uint32_t pid, const char *name)
{
	struct stat own, its;
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	if (stat(path, &own) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%u/ns/%s", pid, name);
	return stat(path, &its) == 0 && its.st_ino != own.st_ino;
}

/* Rings and TCP ports. */
static void descriptors_look(struct doctor_look *look, const struct doctor_sockets *sockets)
{
	char folder[32], path[sizeof(folder) + NAME_MAX + 2], target[64];
	const struct dirent *entry;
	uint64_t inode;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%u/fd", look->pid);
	dir = opendir(folder);
	if (!dir) {
		look->ports.unknown = true;
		return;
	}
	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		look->rings += strstr(target, "[io_uring]") != NULL;
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1)
			doctor_ports_add(&look->ports, sockets, inode);
	}
	closedir(dir);
}

static void container_look(struct doctor_look *look)
{
	struct event_cgroup cgroup;
	struct slice container;

	if (container_cgroup_of_process(look->pid, &cgroup) < 0)
		return;
	container = container_of_cgroup(slice_of_string(cgroup.path));
	snprintf(look->container, sizeof(look->container), "%.*s", (int)container.len,
		 container.data ? (const char *)container.data : "");
}

int doctor_look(struct doctor_look *look, const struct doctor_files *files, uint32_t pid)
{
	struct mapping_look at = { .look = look, .files = files };
	int err;

	*look = (struct doctor_look){ .pid = pid, .executable = -1 };
	err = process_event_read(pid, &look->facts);
	if (!err)
		err = proc_maps_each(pid, mapping_look, &at);
	if (err)
		return err;
	if (!look->has_files)
		return 0;
	look->is_static = !at.loader;
	executable_look(look, files);
	look->ports.unknown = doctor_sockets_read(files->sockets, pid) < 0;
	descriptors_look(look, files->sockets);
	look->other_mounts = namespace_differs(pid, "mnt");
	look->other_network = namespace_differs(pid, "net");
	container_look(look);
	return 0;
}
