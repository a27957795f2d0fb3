/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NSS's table of what a connection with TLS does (struct sslSocketOps, ssl_secure_ops), through which each
 * read and write of it passes, whatever layers a program has put above and below. The functions have no
 * symbols, but they are called through that table, so no build can do without it or inline them there.
 */
#ifndef HARK_NSS_TABLE_H
#define HARK_NSS_TABLE_H

#include "disasm.h"
#include "elf_file.h"

#include <stdint.h>

/* The places in it (looked at: NSS 3.87, and the one that Firefox 153 brings along). */
enum nss_method {
	NSS_CONNECT,
	NSS_ACCEPT, /* always NULL */
	NSS_BIND,
	NSS_LISTEN,
	NSS_SHUTDOWN,
	NSS_CLOSE,
	NSS_RECV,
	NSS_SEND,
	NSS_READ,
	NSS_WRITE,
	NSS_PEER_NAME,
	NSS_OWN_NAME,
	NSS_METHODS,
};

/* The addresses of the functions. 0; -EILSEQ: there is no such table, or more than one; or -ENOMEM. */
int nss_table_find(const struct elf_file *elf, struct disasm *disasm, uint64_t methods[NSS_METHODS]);

#endif
