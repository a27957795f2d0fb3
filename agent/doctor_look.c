/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is enough to recognise a library that is not followed, for it only
 * makes a line for people, never a probe. What is linked into an executable is
 * recognised by what no build leaves out: Go's table of functions, and the
 * source file names that BoringSSL and rustls carry for their error messages.
 */
#include "doctor_look.h"

#include "container.h"
#include "doctor_files.h"
#include "elf_file.h"
#include "proc_maps.h"
#include "processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMED(library) .name = (library), .unread = library ", which hark does not follow"

/* By the base name of a mapped file, or else by what the executable holds. */
static const struct {
	const char *prefix, *name, *unread, *section;
	const char *text; /* its first letter stands apart, or hark's own executable would hold it */
	char first;
} others[] = {
	{ .prefix = "libgnutls.so", NAMED("GnuTLS") },
	{ .prefix = "libssl3.so", NAMED("NSS") },
	{ .prefix = "libmbedtls.so", NAMED("Mbed TLS") },
	{ .prefix = "libwolfssl.so", NAMED("wolfSSL") },
	{ .prefix = "libs2n.so", NAMED("s2n") },
	{ .prefix = "librustls", NAMED("rustls") },
	{ .prefix = "libtls.so", NAMED("LibreSSL's libtls") },
	{ .prefix = "libjvm.so", NAMED("Java's own TLS") },
	{ .section = ".gopclntab", NAMED("Go's crypto/tls") },
	{ .section = ".go.buildinfo", NAMED("Go's crypto/tls") },
	{ .first = 's', .text = "sl/ssl_lib.cc", NAMED("BoringSSL inside") },
	{ .first = '/', .text = "rustls-0.", NAMED("rustls inside") },
};

#define OTHER_COUNT (sizeof(others) / sizeof(others[0]))

static_assert(OTHER_COUNT <= DOCTOR_OTHERS_MAX, "a bit for each");

const char *doctor_other_name(unsigned int index)
{
	return index < OTHER_COUNT ? others[index].name : NULL;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

struct mapping_look {
	struct doctor_look *look;
	const struct doctor_files *files;
	bool loader; /* the dynamic loader is mapped */
};

static bool mapping_look(void *ctx, const struct mapping *mapping)
{
	struct mapping_look *at = ctx;
	const char *base = strrchr(mapping->path, '/') + 1;
	struct file_identity identity;
	struct stat st;
	int fd, library;

	at->look->has_files = true;
	at->loader |= begins(base, "ld-") || begins(base, "ld64.so") || begins(base, "ld.so");
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (others[i].prefix && begins(base, others[i].prefix))
			at->look->others |= 1u << i;
	fd = mapping_open(at->look->pid, mapping, &st);
	if (fd < 0)
		return true;
	identity = file_identity_of(fd, &st);
	close(fd);
	library = doctor_files_find(at->files, &identity);
	if (library >= 0)
		at->look->libraries |= 1ull << library;
	return true;
}

static bool executable_has(const struct elf_file *elf, size_t other)
{
	char text[32];

	if (others[other].section)
		return elf_has_section(elf, others[other].section);
	if (!others[other].text)
		return false;
	snprintf(text, sizeof(text), "%c%s", others[other].first, others[other].text);
	return elf_has_text(elf, text);
}

static void executable_look(struct doctor_look *look)
{
	unsigned char start[5];
	struct elf_file *elf;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/exe", look->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return;
	look->is_32bit = pread(fd, start, sizeof(start), 0) == (ssize_t)sizeof(start) &&
			 memcmp(start, "\177ELF\1", sizeof(start)) == 0;
	elf = elf_file_open_fd(fd);
	for (size_t i = 0; elf && i < OTHER_COUNT; i++)
		if (executable_has(elf, i))
			look->others |= 1u << i;
	elf_file_close(elf);
	close(fd);
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

static unsigned int rings_count(uint32_t pid)
{
	char folder[32], path[sizeof(folder) + NAME_MAX + 2], target[64];
	const struct dirent *entry;
	unsigned int count = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "/proc/%u/fd", pid);
	dir = opendir(folder);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		ssize_t len;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		count += strstr(target, "[io_uring]") != NULL;
	}
	closedir(dir);
	return count;
}

static void container_look(struct doctor_look *look)
{
	struct event_cgroup cgroup;
	struct slice container;

	if (cgroup_of_process(look->pid, &cgroup) < 0)
		return;
	container = container_of_cgroup(slice_of_string(cgroup.path));
	snprintf(look->container, sizeof(look->container), "%.*s", (int)container.len,
		 container.data ? (const char *)container.data : "");
}

/* Two signs of one kind are one kind; OpenSSL in the executable itself explains its own texts. */
static void others_settle(struct doctor_look *look)
{
	for (size_t i = 1; i < OTHER_COUNT; i++)
		if ((look->others >> i & 1) && (look->others >> (i - 1) & 1) &&
		    strcmp(others[i].name, others[i - 1].name) == 0)
			look->others &= ~(1u << i);
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (others[i].text && look->libraries)
			look->others &= ~(1u << i);
}

int doctor_look(struct doctor_look *look, const struct doctor_files *files, uint32_t pid)
{
	struct mapping_look at = { .look = look, .files = files };
	int err;

	*look = (struct doctor_look){ .pid = pid };
	err = process_facts(pid, &look->facts);
	if (!err)
		err = proc_maps_each(pid, mapping_look, &at);
	if (err)
		return err;
	if (!look->has_files)
		return 0;
	look->is_static = !at.loader;
	executable_look(look);
	others_settle(look);
	look->rings = rings_count(pid);
	look->other_mounts = namespace_differs(pid, "mnt");
	look->other_network = namespace_differs(pid, "net");
	container_look(look);
	return 0;
}

void tls_kinds_of_name(struct tls_kinds *kinds, const char *base)
{
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (others[i].prefix && begins(base, others[i].prefix))
			kinds->others |= 1u << i;
	kinds->openssl |= begins(base, "libssl.so");
}

const char *tls_kinds_why(const struct tls_kinds *kinds)
{
	if (kinds->openssl) /* others often come along unused, as libraries of libraries */
		return "its OpenSSL is followed, but no call of it was seen for this connection";
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (kinds->others >> i & 1)
			return others[i].unread;
	return NULL;
}

static bool mapping_tells(void *ctx, const struct mapping *mapping)
{
	tls_kinds_of_name(ctx, strrchr(mapping->path, '/') + 1);
	return true;
}

const char *tls_unread_why(uint32_t pid)
{
	struct doctor_look look = { .pid = pid };
	struct tls_kinds kinds = { .others = 0 };

	if (proc_maps_each(pid, mapping_tells, &kinds) < 0)
		return NULL;
	if (!kinds.others && !kinds.openssl) {
		executable_look(&look); /* reads it whole */
		kinds.others = look.others;
	}
	return tls_kinds_why(&kinds);
}
