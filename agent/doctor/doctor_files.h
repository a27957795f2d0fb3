/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS libraries that `hark doctor` found, with the probe sites that capturing would choose. */
#ifndef HARK_DOCTOR_FILES_H
#define HARK_DOCTOR_FILES_H

#include "library/file_identity.h"
#include "library/probe_site.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DOCTOR_LIBRARIES_MAX 64

struct doctor_sockets;
struct library_search;

struct doctor_library {
	struct file_identity identity;
	const struct library_row *row;
	char *path, version[40];
	char source[LOCATIONS_SOURCE_MAX]; /* who says where its functions stand; empty: its symbols do */
	const char *how;		   /* its functions were found, inside an executable; static */
	struct probe_site sites[PROBE_SITES_MAX];
	int site_count;		 /* less than 0: -errno */
	unsigned int processes;	 /* that map it */
	uint64_t secrets_at;	 /* where --keylog takes its secrets; 0: nowhere, or nobody looked */
	const char *secrets_why; /* it cannot; static, NULL: it can, or nobody looked */
};

struct doctor_files {
	struct doctor_library libraries[DOCTOR_LIBRARIES_MAX];
	size_t count, dropped;
	bool detail; /* to be set before the search: what is shown with detail alone is looked for as well */
	struct doctor_sockets *sockets; /* of the processes that were looked at */
	struct library_search *search; /* the search, the same that capturing does; each scan adds to these */
};

/* NULL: out of memory. */
struct doctor_files *doctor_files_new(void);
/* NULL is legal. */
void doctor_files_free(struct doctor_files *files);

/* The library with this identity, or -1. */
int doctor_files_find(const struct doctor_files *files, const struct file_identity *identity);

/* One line a library; detail adds a line a site. */
void doctor_files_print(const struct doctor_files *files, FILE *out, bool detail);
/* "OpenSSL 3.0.17" to people, or its row's title. */
void doctor_library_name(const struct doctor_library *library, char *out, size_t size);
void doctor_library_print(const struct doctor_library *library, FILE *out, bool detail);

/* Observed text, escaped. */
void doctor_text(FILE *out, const char *text);

#endif
