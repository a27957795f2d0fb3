/* SPDX-License-Identifier: Apache-2.0 */
/* What a user says of a file: that it is, or holds, a TLS library, and where functions stand that have no
 * symbol. */
#ifndef HARK_LIBRARY_CLAIM_H
#define HARK_LIBRARY_CLAIM_H

#include "file_identity.h"
#include "locations.h"

#include <stddef.h>
#include <stdint.h>

#define CLAIM_PATH_MAX 4096
#define CLAIM_WHY_MAX  512

struct library_claim {
	char path[CLAIM_PATH_MAX];
	const struct library_row *row;
	uint64_t offsets[LOCATIONS_MAX]; /* in the file, of locations.at[] */
	struct locations locations;	 /* once it is checked with addresses */
	struct file_identity identity;
};

/*
 * Reads PATH=NAME[,FUNCTION@OFFSET...] (offsets as C writes numbers, hexadecimal or decimal). 0, or -EINVAL
 * and the reason with the remedy in why.
 */
int library_claim_parse(const char *text, struct library_claim *out, char why[CLAIM_WHY_MAX]);

/*
 * Looks at the file: whether it is there, each offset lies in its code where a function begins, as far as can
 * be told, and something reads and something writes. Fills identity and addresses. 0, or -EINVAL and the
 * reason with the remedy in why.
 */
int library_claim_check(struct library_claim *claim, char why[CLAIM_WHY_MAX]);

#endif
