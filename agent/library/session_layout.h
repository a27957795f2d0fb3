/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a TLS object keeps the randoms of its hellos. They are on the wire too, and no two sessions have the
 * same, so they tell whose plaintext it is where the library never touches the socket (docs/design.md, D4c).
 */
#ifndef HARK_SESSION_LAYOUT_H
#define HARK_SESSION_LAYOUT_H

#include "elf_file.h"
#include "libraries.h"
#include "locations.h"

#include <stdbool.h>

/*
 * By the signature that found the library, else read out of the file's own accessors (of rustls: what tells
 * its objects apart, rust_layout.h). False: it has none, or they are not clear; *out is untouched.
 */
bool session_layout_find(const struct elf_file *elf, const struct library_found *found,
			 struct tls_layout *out);

/*
 * The same of the randoms alone, for every library that has an accessor of them (library_row.keys): pointer,
 * client_random and server_random.
 */
bool session_layout_randoms(const struct elf_file *elf, const struct library_found *found,
			    struct tls_layout *out);

#endif
