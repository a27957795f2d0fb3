/* SPDX-License-Identifier: Apache-2.0 */
/* Which TLS a process has, as far as names and the texts in its executable tell. */
#ifndef HARK_TLS_KINDS_H
#define HARK_TLS_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#define TLS_KINDS_MAX 16

/* The name of a kind of TLS that hark does not follow. Static; NULL past the end. */
const char *tls_kinds_name(unsigned int index);

struct tls_kinds {
	uint32_t others; /* a bit for each kind that is not followed */
	bool openssl;
};

/* Adds what a mapped file of this base name says. */
void tls_kinds_of_name(struct tls_kinds *kinds, const char *base);
/* What an executable holds in itself, a bit for each kind; fd is borrowed and read whole. */
uint32_t tls_kinds_of_executable(int fd);
/* Two signs of one kind are one kind; OpenSSL in the executable itself explains its own texts. */
void tls_kinds_settle(struct tls_kinds *kinds);

/* Why this TLS is not read: the library. Static; NULL: none that hark knows. */
const char *tls_kinds_why(const struct tls_kinds *kinds);
/* The same of a process that runs. */
const char *tls_kinds_why_of(uint32_t pid);

#endif
