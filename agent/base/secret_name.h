/* SPDX-License-Identifier: Apache-2.0 */
/* Names that say of their value that it is a secret; docs/security.md has the list. */
#ifndef HARK_SECRET_NAME_H
#define HARK_SECRET_NAME_H

#include "slice.h"

#include <stdbool.h>

#define SECRET_NAME_MAX 128 /* of a longer name its end counts */

enum name_kind {
	NAME_FIELD,	/* of HTTP */
	NAME_PARAMETER, /* of a URL or a form */
	NAME_KEY,	/* of JSON, XML, YAML, GraphQL */
};

/*
 * Words are told apart by signs and by case, case itself is ignored; percent-encoding and JSON's \uXXXX are
 * undone.
 */
bool secret_name(enum name_kind kind, struct slice name);

/* The name without percent-encoding and \uXXXX. How many bytes of `out` it took. */
size_t secret_name_decode(struct slice name, uint8_t out[SECRET_NAME_MAX]);

#endif
