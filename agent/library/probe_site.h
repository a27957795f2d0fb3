/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a TLS library the probes go. The kernel emulates `push`, `nop`,
 * `call rel32` and jumps, and single-steps all else at twenty times the cost
 * (docs/design.md, D3), so the site is chosen by decoding instructions (Capstone).
 */
#ifndef HARK_PROBE_SITE_H
#define HARK_PROBE_SITE_H

#include "elf_file.h"

#include <stdbool.h>
#include <stdint.h>

/* What a probed call looks like; the kernel side has one entry program for each. */
enum probe_call {
	CALL_READ,    /* int f(ssl, buf, int num): returns the bytes */
	CALL_READ_EX, /* int f(ssl, buf, size_t num, size_t *done) */
	CALL_WRITE,
	CALL_WRITE_EX,
	CALL_WRITE_EX2, /* int f(ssl, buf, size_t num, uint64_t flags, size_t *done): OpenSSL 3.3 and later */
	CALL_PEEK,	/* bytes are seen, not counted; only what is nested matters */
	CALL_HANDSHAKE, /* int f(ssl): only what is nested matters */
	CALL_SENDFILE, /* ssize_t f(ssl, int fd, off_t offset, size_t size, int flags): a hole of the returned
			  size */
	CALL_FREE,     /* void f(ssl): entry only */
	CALL_SET_FD,   /* int f(ssl, int fd): entry only, a hint */
	CALL_WRITE_EARLY, /* as CALL_WRITE_EX, of a client before the server answered */
	CALL_COUNT,
};

enum probe_reason {
	REASON_ENTRY_EMULATED, /* the public entry starts with an emulated instruction */
	REASON_PAST_ENDBR,     /* the instruction after endbr64 is emulated */
	REASON_COMMON_CALLEE,  /* both public functions lead to one internal function that starts with one */
	REASON_ENTRY_STEPPED,  /* the public entry, single-stepped: nothing better was found */
};

struct probe_site {
	enum probe_call call;
	enum probe_reason reason;
	uint64_t file_offset;
	uint64_t address;
	const char *function; /* static: the public name that it stands for */
	char instruction[48]; /* the first instruction, as text, for doctor */
};

#define PROBE_SITES_MAX 16

/*
 * Chooses the sites of an OpenSSL in this file (a libssl, or an executable that
 * exports SSL_read and SSL_write). Returns how many were put into sites, 0 when
 * this is no such file, or -errno.
 */
int probe_sites_openssl(const struct elf_file *elf, struct probe_site sites[PROBE_SITES_MAX]);

/* In words, for doctor. Static strings. */
const char *probe_reason_text(enum probe_reason reason);
const char *probe_call_name(enum probe_call call);

#endif
