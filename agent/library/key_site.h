/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a TLS library takes the secrets of its sessions for a key log. It calls one function of its own with
 * each of them, which returns at once when nobody asked for a log: that function is probed for --keylog.
 */
#ifndef HARK_KEY_SITE_H
#define HARK_KEY_SITE_H

#include "elf_file.h"
#include "locations.h"

#include <stdint.h>

struct key_site {
	uint64_t file_offset, address;
	struct tls_layout layout; /* the client's random; not of Go, which is given it */
};

/* 0, or -ENOENT with the reason in words (static). */
int key_site_find(const struct elf_file *elf, const struct library_found *found, struct key_site *out,
		  const char **why);

#endif
