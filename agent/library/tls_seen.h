/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TLS library each process mapped lately: many a client is gone before
 * its connection is told of, and then /proc says nothing.
 */
#ifndef HARK_TLS_SEEN_H
#define HARK_TLS_SEEN_H

#include <stdint.h>

struct tls_seen;

/* NULL: out of memory. */
struct tls_seen *tls_seen_new(void);
/* NULL is legal. */
void tls_seen_free(struct tls_seen *seen);

/* A process mapped a file for execution. */
void tls_seen_mapped(struct tls_seen *seen, uint32_t pid, const char *path);

/*
 * Why its TLS is not read, in words, static; NULL: the process is gone, and nothing was seen of it before.
 * Reads an executable that it has not read lately.
 */
const char *tls_seen_why(struct tls_seen *seen, uint32_t pid);

#endif
