/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where functions of a TLS library stand in a file that has no symbols for them: by a signature
 * (signature.h) or by what the user says (library_claim.h). Both are guesses until plaintext proves them.
 */
#ifndef HARK_LOCATIONS_H
#define HARK_LOCATIONS_H

#include "maps_abi.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCATIONS_MAX	     16
#define LOCATIONS_SOURCE_MAX 48

struct library_row;

struct locations {
	char source[LOCATIONS_SOURCE_MAX]; /* who says so, to people: "signature bun-1.2", "--tls-library" */
	struct {
		const char *function; /* of the row; static */
		uint64_t address;     /* virtual, in the file's own numbering */
	} at[LOCATIONS_MAX];
	size_t count;
	bool has_layout;
	struct tls_layout layout;
};

/* A file that is, or holds, a library of this row. */
struct library_found {
	const struct library_row *row;
	const struct locations *locations; /* NULL: its functions have symbols, which are no guess */
};

#endif
