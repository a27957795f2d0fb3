/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Libraries and processes, as `hark doctor` shows them.
 *
 * First the same search that capturing does collects the files it would
 * probe. Then each process's mappings are held against them, and against the
 * names of TLS libraries that hark does not follow. A name is enough there: it
 * only makes a line for people, never a probe.
 */
#include "doctor_files.h"
#include "buffer.h"
#include "elf_file.h"
#include "escape.h"
#include "file_identity.h"
#include "probe_site.h"
#include "proc_maps.h"
#include "processes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARIES_MAX 64
#define PIDS_SHOWN    6 /* of each kind that is not covered */

struct library {
	struct file_identity identity;
	char *path, version[40];
	struct probe_site sites[PROBE_SITES_MAX];
	int site_count;
	unsigned int processes; /* that map it */
};

/* TLS that is not followed, by the base name of a mapped file; the last is recognised by its executable. */
static const struct {
	const char *prefix, *name;
} others[] = {
	{ "libgnutls.so", "GnuTLS" },
	{ "libssl3.so", "NSS" },
	{ "libmbedtls.so", "Mbed TLS" },
	{ "libwolfssl.so", "wolfSSL" },
	{ "libs2n.so", "s2n" },
	{ "librustls", "rustls" },
	{ "libtls.so", "LibreSSL's libtls" },
	{ "", "Go (crypto/tls, if it uses TLS)" },
};

#define OTHER_COUNT (sizeof(others) / sizeof(others[0]))
#define OTHER_GO    (OTHER_COUNT - 1)

struct doctor_files {
	struct library libraries[LIBRARIES_MAX];
	size_t count, dropped;
	bool per_process; /* print each process as it is looked at */
	struct buffer uncovered[OTHER_COUNT];
	unsigned int uncovered_count[OTHER_COUNT];
};

/* One process while it is looked at. */
struct process_look {
	struct doctor_files *files;
	uint32_t pid;
	bool maps[LIBRARIES_MAX];
	bool other[OTHER_COUNT];
	bool first_seen; /* the executable's own mapping was looked at */
};

static void path_print(const char *path)
{
	struct buffer text = { 0 };

	escape_text(&text, slice_of_string(path), true);
	(void)buffer_write(&text, stdout);
	buffer_fini(&text);
}

static void version_of_fd(int fd, char *out, size_t size)
{
	struct elf_file *elf = elf_open_fd(fd);

	if (elf)
		(void)elf_find_version(elf, "OpenSSL ", out, size);
	elf_close(elf);
}

/* The version stands in the file itself (OpenSSL inside an executable) or in the libcrypto beside it. */
static void version_find(struct library *library, int fd, uint32_t pid)
{
	char path[PATH_MAX], root[32] = "";
	const char *base = strrchr(library->path, '/');
	const char *name = base ? strstr(base, "libssl") : NULL;
	int crypto;

	version_of_fd(fd, library->version, sizeof(library->version));
	if (library->version[0] || !name)
		return;
	if (pid)
		snprintf(root, sizeof(root), "/proc/%u/root", pid);
	if ((size_t)snprintf(path, sizeof(path), "%s%.*slibcrypto%s", root, (int)(name - library->path),
			     library->path, name + strlen("libssl")) >= sizeof(path))
		return;
	crypto = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (crypto < 0)
		return;
	version_of_fd(crypto, library->version, sizeof(library->version));
	close(crypto);
}

static void library_take(void *ctx, int fd, const char *path, uint32_t pid)
{
	struct doctor_files *files = ctx;
	struct library *library = &files->libraries[files->count];
	struct elf_file *elf;
	struct stat st;

	if (files->count == LIBRARIES_MAX || fstat(fd, &st)) {
		files->dropped++;
		return;
	}
	*library = (struct library){ .identity = file_identity_of(fd, &st), .path = strdup(path) };
	if (!library->path)
		return;
	files->count++;
	elf = elf_open_fd(fd);
	library->site_count = elf ? probe_sites_openssl(elf, library->sites) : -errno;
	elf_close(elf);
	version_find(library, fd, pid);
}

static bool is_go(uint32_t pid, const struct mapping *mapping)
{
	struct stat st;
	struct elf_file *elf;
	int fd = mapping_open(pid, mapping, &st);
	bool go;

	if (fd < 0)
		return false;
	elf = elf_open_fd(fd);
	go = elf && (elf_has_section(elf, ".gopclntab") || elf_has_section(elf, ".go.buildinfo"));
	elf_close(elf);
	close(fd);
	return go;
}

static bool look_at_mapping(void *ctx, const struct mapping *mapping)
{
	struct process_look *look = ctx;
	const char *base = strrchr(mapping->path, '/') + 1;
	struct file_identity identity;
	struct stat st;
	int fd;

	/* The executable lies at the lowest address but for odd cases, which are not Go's. */
	if (!look->first_seen)
		look->other[OTHER_GO] = is_go(look->pid, mapping);
	look->first_seen = true;
	for (size_t i = 0; i < OTHER_GO; i++)
		if (strncmp(base, others[i].prefix, strlen(others[i].prefix)) == 0)
			look->other[i] = true;
	fd = mapping_open(look->pid, mapping, &st);
	if (fd < 0)
		return true;
	identity = file_identity_of(fd, &st);
	close(fd);
	for (size_t i = 0; i < look->files->count; i++)
		if (file_identity_same(&look->files->libraries[i].identity, &identity))
			look->maps[i] = true;
	return true;
}

static void look_count(struct process_look *look, const struct event_process *facts)
{
	struct doctor_files *files = look->files;

	for (size_t i = 0; i < files->count; i++)
		files->libraries[i].processes += look->maps[i];
	for (size_t i = 0; i < OTHER_COUNT; i++) {
		struct buffer *text = &files->uncovered[i];

		if (!look->other[i] || files->uncovered_count[i]++ >= PIDS_SHOWN)
			continue;
		buffer_string(text, text->len ? ", " : "");
		escape_text(text, slice_of_string(facts->name), true);
		buffer_format(text, " %u", look->pid);
	}
}

static void look_print(const struct process_look *look, const struct event_process *facts)
{
	const struct doctor_files *files = look->files;
	bool any = false;

	printf("process %u ", look->pid);
	path_print(facts->name);
	printf("\n");
	for (size_t i = 0; i < files->count; i++) {
		if (!look->maps[i])
			continue;
		any = true;
		printf("  covered      ");
		path_print(files->libraries[i].path);
		printf("\n");
	}
	for (size_t i = 0; i < OTHER_COUNT; i++) {
		if (!look->other[i])
			continue;
		any = true;
		printf("  not covered  %s: hark follows OpenSSL only\n", others[i].name);
	}
	if (!any)
		printf("  no TLS library is mapped (what it sends in the clear is seen)\n");
}

static int process_examine(struct doctor_files *files, uint32_t pid)
{
	struct process_look look = { .files = files, .pid = pid };
	struct event_process facts;
	int err = process_facts(pid, &facts);

	if (!err)
		err = proc_maps_each(pid, look_at_mapping, &look);
	if (err)
		return err;
	look_count(&look, &facts);
	if (files->per_process)
		look_print(&look, &facts);
	return 0;
}

static bool process_each(void *ctx, uint32_t pid)
{
	(void)process_examine(ctx, pid); /* gone, or not ours to look at */
	return true;
}

static void library_print(const struct library *library)
{
	printf("\n");
	path_print(library->path);
	printf("\n  %s, device %#lx inode %lu, mapped by %u process%s\n",
	       library->version[0] ? library->version : "version unknown",
	       (unsigned long)library->identity.device, (unsigned long)library->identity.inode,
	       library->processes, library->processes == 1 ? "" : "es");
	if (library->site_count < 0)
		printf("  cannot be read: %s\n", strerror(-library->site_count));
	for (int i = 0; i < library->site_count; i++) {
		const struct probe_site *site = &library->sites[i];

		printf("  %-16s %-9s +%#-8lx %-14s %s\n", site->function, probe_call_name(site->call),
		       (unsigned long)site->file_offset, site->instruction, probe_reason_text(site->reason));
	}
}

static void uncovered_print(struct doctor_files *files)
{
	bool any = false;

	for (size_t i = 0; i < OTHER_COUNT; i++) {
		if (!files->uncovered_count[i])
			continue;
		printf("%s%s: ", any ? "" : "\nTLS that is not covered\n", others[i].name);
		any = true;
		(void)buffer_write(&files->uncovered[i], stdout);
		if (files->uncovered_count[i] > PIDS_SHOWN)
			printf(" and %u more", files->uncovered_count[i] - PIDS_SHOWN);
		printf("\n");
	}
}

/* The given processes, one by one. -ESRCH if any is not there. */
static int chosen_examine(struct doctor_files *files, struct processes *processes, const uint32_t *pids,
			  size_t pid_count)
{
	int result = 0;

	files->per_process = true;
	for (size_t i = 0; i < pid_count; i++) {
		int err = processes_scan_pid(processes, pids[i]);

		if (!err)
			err = process_examine(files, pids[i]);
		if (!err)
			continue;
		result = err;
		printf("process %u: %s\n", pids[i], err == -ESRCH ? "there is none" : strerror(-err));
	}
	return result;
}

int doctor_files(const uint32_t *pids, size_t pid_count)
{
	struct doctor_files *files = calloc(1, sizeof(*files));
	struct processes *processes = files ? processes_new(library_take, files) : NULL;
	int err = -ENOMEM;

	if (!processes)
		goto out;
	if (pid_count) {
		printf("\n");
		err = chosen_examine(files, processes, pids, pid_count);
	} else {
		err = processes_scan(processes);
		if (!err)
			err = proc_each(process_each, files);
		if (!err && !files->count)
			printf("no OpenSSL is installed or mapped\n");
	}
	for (size_t i = 0; i < files->count; i++)
		library_print(&files->libraries[i]);
	if (files->dropped)
		printf("and %zu more libraries\n", files->dropped);
	if (!pid_count)
		uncovered_print(files);
out:
	processes_free(processes);
	for (size_t i = 0; files && i < files->count; i++)
		free(files->libraries[i].path);
	for (size_t i = 0; files && i < OTHER_COUNT; i++)
		buffer_fini(&files->uncovered[i]);
	free(files);
	return err;
}
