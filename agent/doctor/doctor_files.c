/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same search that capturing does, over the same files, but what it finds is
 * collected and explained instead of probed.
 */
#include "doctor_files.h"

#include "base/buffer.h"
#include "base/escape.h"
#include "base/path.h"
#include "doctor_ports.h"
#include "library/elf_file.h"
#include "library/key_site.h"
#include "library/library_search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void doctor_text(FILE *out, const char *text)
{
	struct buffer escaped = { 0 };

	escape_text(&escaped, slice_of_string(text), true);
	(void)buffer_write(&escaped, out);
	buffer_fini(&escaped);
}

static void version_of_fd(struct doctor_library *library, int fd)
{
	struct elf_file *elf = elf_file_open_fd(fd);

	if (elf)
		(void)elf_find_version(elf, library->row->version, library->version,
				       sizeof(library->version));
	elf_file_close(elf);
}

/* The version stands in the file itself (OpenSSL inside an executable) or in the one beside a libssl. */
static void version_find(struct doctor_library *library, int fd, uint32_t pid)
{
	char path[PATH_MAX], root[32] = "";
	const char *name = strstr(path_base(library->path), "libssl");
	int beside;

	if (!library->row->version)
		return;
	version_of_fd(library, fd);
	if (library->version[0] || !name || !library->row->version_beside)
		return;
	if (pid)
		snprintf(root, sizeof(root), "/proc/%u/root", pid);
	if ((size_t)snprintf(path, sizeof(path), "%s%.*s%s%s", root, (int)(name - library->path),
			     library->path, library->row->version_beside,
			     name + strlen("libssl")) >= sizeof(path))
		return;
	beside = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (beside < 0)
		return;
	version_of_fd(library, beside);
	close(beside);
}

static const char *how_found(const struct elf_file *elf, const struct library_row *row)
{
	struct elf_symbol first;

	return elf_find_function(elf, row->signs[0], &first) == 0 && first.table == ELF_GO ? "Go's table"
											   : "symbols";
}

static void secrets_find(struct doctor_library *library, const struct elf_file *elf,
			 const struct library_found *found)
{
	struct key_site site;

	if (found->row->calls == LIBRARY_CALLS_STREAMS)
		return; /* the library below it has them */
	if (key_site_find(elf, found, &site, &library->secrets_why))
		return;
	library->secrets_at = site.file_offset;
	library->secrets_why = NULL;
}

static void library_take(void *ctx, const struct library_found *found, int fd, const char *path, uint32_t pid)
{
	struct doctor_files *files = ctx;
	struct doctor_library *library = &files->libraries[files->count];
	struct elf_file *elf;
	struct stat st;

	if (files->count == DOCTOR_LIBRARIES_MAX || fstat(fd, &st)) {
		files->dropped++;
		return;
	}
	*library = (struct doctor_library){
		.identity = file_identity_of(fd, &st),
		.row = found->row,
		.path = strdup(path),
	};
	if (found->locations)
		snprintf(library->source, sizeof(library->source), "%s", found->locations->source);
	if (!library->path)
		return;
	files->count++;
	elf = elf_file_open_fd(fd);
	library->site_count = elf ? probe_sites_choose(elf, found, library->sites) : -errno;
	if (elf && files->detail)
		secrets_find(library, elf, found);
	library->how = elf ? how_found(elf, found->row) : "symbols";
	elf_file_close(elf);
	version_find(library, fd, pid);
}

struct doctor_files *doctor_files_new(void)
{
	struct doctor_files *files = calloc(1, sizeof(*files));

	if (!files)
		return NULL;
	files->search = library_search_new(library_take, files);
	files->sockets = doctor_sockets_new();
	if (files->search && files->sockets)
		return files;
	doctor_files_free(files);
	return NULL;
}

void doctor_files_free(struct doctor_files *files)
{
	if (!files)
		return;
	library_search_free(files->search);
	doctor_sockets_free(files->sockets);
	for (size_t i = 0; i < files->count; i++)
		free(files->libraries[i].path);
	free(files);
}

int doctor_files_find(const struct doctor_files *files, const struct file_identity *identity)
{
	for (size_t i = 0; i < files->count; i++)
		if (file_identity_same(&files->libraries[i].identity, identity))
			return (int)i;
	return -1;
}

/* The kinds of calls that carry data; a library's is the first of them that it has. */
#define DATA_KINDS 3
static const enum tls_call_kind reading[DATA_KINDS] = { TLS_READ, TLS_TAKE, TLS_STREAM_READ },
				writing[DATA_KINDS] = { TLS_WRITE, TLS_WRITEV, TLS_STREAM_OFFER };

static const struct probe_site *site_of(const struct doctor_library *library,
					const enum tls_call_kind kinds[DATA_KINDS])
{
	for (size_t kind = 0; kind < DATA_KINDS; kind++)
		for (int i = 0; i < library->site_count; i++)
			if (maps_tls_kind_plain(library->sites[i].call.kind) == kinds[kind])
				return &library->sites[i];
	return NULL;
}

/* The calls that carry data decide what hark sees and costs; the rest is a number. */
static void sites_summary(const struct doctor_library *library, FILE *out)
{
	const struct probe_site *read = site_of(library, reading), *write = site_of(library, writing);

	if (library->site_count < 0) {
		fprintf(out, "cannot be read: %s\n",
			library->site_count == -EILSEQ ? "its form is not known"
						       : strerror(-library->site_count));
		return;
	}
	if (!read || !write)
		fprintf(out, "%d sites, none for reading or writing\n", library->site_count);
	else if (read->reason == write->reason)
		fprintf(out, "%s, %s %s\n", read->function, write->function,
			probe_reason_text(read->reason, true));
	else
		fprintf(out, "%s %s, %s %s\n", read->function, probe_reason_text(read->reason, true),
			write->function, probe_reason_text(write->reason, true));
}

/* "OpenSSL 3.0.17" of "OpenSSL 3.0.17 1 Jul 2025". */
static int version_brief(const char *version)
{
	size_t name = strcspn(version, " ");

	return (int)(version[name] ? name + 1 + strcspn(version + name + 1, " ") : name);
}

void doctor_library_name(const struct doctor_library *library, char *out, size_t size)
{
	if (library->version[0])
		snprintf(out, size, "%.*s", version_brief(library->version), library->version);
	else
		snprintf(out, size, "%s", library->row->title);
}

void doctor_library_print(const struct doctor_library *library, FILE *out, bool detail)
{
	char name[64];
	int returns = 0;

	doctor_text(out, library->path);
	doctor_library_name(library, name, sizeof(name));
	fprintf(out, "  %s", name);
	if (library->source[0])
		fprintf(out, " (by %s: until it moves HTTP, a guess)", library->source);
	fprintf(out, ", %u process%s  ", library->processes, library->processes == 1 ? "" : "es");
	if (detail && library->site_count > 0)
		fputc('\n', out);
	else
		sites_summary(library, out);
	for (int i = 0; detail && i < library->site_count; i++) {
		const struct probe_site *site = &library->sites[i];

		if (site->leaves) { /* a function of Go has some ten of them */
			returns++;
			continue;
		}
		fprintf(out, "    %-16s %-9s +%#-8lx %-14s %s\n", site->function,
			probe_call_name(site->call.kind), (unsigned long)site->file_offset, site->instruction,
			probe_reason_text(site->reason, false));
	}
	if (detail && library->secrets_at)
		fprintf(out, "    %-16s %-9s +%#lx\n", "--keylog", "secrets",
			(unsigned long)library->secrets_at);
	else if (detail && library->secrets_why)
		fprintf(out, "    %-16s none: %s\n", "--keylog", library->secrets_why);
	if (returns)
		fprintf(out, "    %d sites where they return, single-stepped\n", returns);
}

void doctor_files_print(const struct doctor_files *files, FILE *out, bool detail)
{
	for (size_t i = 0; i < files->count; i++) {
		fprintf(out, "  ");
		doctor_library_print(&files->libraries[i], out, detail);
	}
	if (!files->count)
		fprintf(out, "  none is installed or mapped\n");
	if (files->dropped)
		fprintf(out, "  and %zu more\n", files->dropped);
}
