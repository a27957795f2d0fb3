/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is enough to recognise a library that is not followed, for it only
 * makes a line for people, never a probe. What is linked into an executable is
 * recognised by what no build leaves out: Go's table of functions, and the
 * source file names that BoringSSL and rustls carry for their error messages.
 */
#include "tls_kinds.h"

#include "elf_file.h"
#include "proc_maps.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
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

static_assert(OTHER_COUNT <= TLS_KINDS_MAX, "a bit for each");

const char *tls_kinds_name(unsigned int index)
{
	return index < OTHER_COUNT ? others[index].name : NULL;
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

void tls_kinds_of_name(struct tls_kinds *kinds, const char *base)
{
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (others[i].prefix && begins(base, others[i].prefix))
			kinds->others |= 1u << i;
	kinds->openssl |= begins(base, "libssl.so");
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

uint32_t tls_kinds_of_executable(int fd)
{
	struct elf_file *elf = elf_file_open_fd(fd);
	uint32_t found = 0;

	for (size_t i = 0; elf && i < OTHER_COUNT; i++)
		if (executable_has(elf, i))
			found |= 1u << i;
	elf_file_close(elf);
	return found;
}

void tls_kinds_settle(struct tls_kinds *kinds)
{
	for (size_t i = 1; i < OTHER_COUNT; i++)
		if ((kinds->others >> i & 1) && (kinds->others >> (i - 1) & 1) &&
		    strcmp(others[i].name, others[i - 1].name) == 0)
			kinds->others &= ~(1u << i);
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (others[i].text && kinds->openssl)
			kinds->others &= ~(1u << i);
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

const char *tls_kinds_why_of(uint32_t pid)
{
	struct tls_kinds kinds = { .others = 0 };
	char path[32];
	int fd;

	if (proc_maps_each(pid, mapping_tells, &kinds) < 0)
		return NULL;
	if (!kinds.others && !kinds.openssl) {
		snprintf(path, sizeof(path), "/proc/%u/exe", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		kinds.others = fd < 0 ? 0 : tls_kinds_of_executable(fd); /* reads it whole */
		if (fd >= 0)
			close(fd);
	}
	return tls_kinds_why(&kinds);
}
