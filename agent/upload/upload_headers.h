/* SPDX-License-Identifier: Apache-2.0 */
/* Header fields that the user's receiver asks for: most often a secret, so that they come from files, too. */
#ifndef HARK_UPLOAD_HEADERS_H
#define HARK_UPLOAD_HEADERS_H

#include "upload.h"

#define HEADERS_WHY_MAX 160

struct upload_headers {			 /* all zero: none */
	char *lines[UPLOAD_HEADERS_MAX]; /* "Name: value"; owned */
	size_t count;
};

/*
 * Adds "Name: value", or those of a file ("@FILE"), one a line. 0, or -errno with the reason in `why`, in
 * which no value stands.
 */
int upload_headers_add(struct upload_headers *headers, const char *text, char why[HEADERS_WHY_MAX]);

/*
 * Adds those of OTEL_EXPORTER_OTLP_HEADERS: "name=value,name=value", values percent-encoded. As above.
 */
int upload_headers_add_pairs(struct upload_headers *headers, const char *pairs, char why[HEADERS_WHY_MAX]);

void upload_headers_fini(struct upload_headers *headers);

#endif
