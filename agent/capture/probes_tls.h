/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TLS files that are probed, and their links. A part of probes.c: only it
 * includes this.
 */
#ifndef HARK_PROBES_TLS_H
#define HARK_PROBES_TLS_H

#include "probes.h"

struct hark_bpf;
struct bpf_link;
struct probes_tls;

/* Before the load: which of the TLS programs this kernel takes. */
void probes_tls_choose(struct hark_bpf *skeleton, bool loop, bool session);

/* After the load; skeleton is borrowed. NULL: out of memory. */
struct probes_tls *probes_tls_new(struct hark_bpf *skeleton);
void probes_tls_free(struct probes_tls *tls);

/* See probes_add_file(), probes_files(), probes_protect(). */
void probes_tls_remove(struct probes_tls *tls, const struct file_identity *identity);
int probes_tls_add(struct probes_tls *tls, const struct library_row *row, int fd, const char *path);
const struct probed_file *probes_tls_files(const struct probes_tls *tls);
void probes_tls_protect(struct probes_tls *tls, uint32_t pid);

#endif
