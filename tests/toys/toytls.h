/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS library that hark does not know: neither its names nor the order of its arguments are anybody's. */
#ifndef TOYTLS_H
#define TOYTLS_H

#include <stddef.h>

struct toy;

struct toy *toy_new(void);
void toy_attach(int fd, struct toy *toy);
void toy_free(struct toy *toy);

/* How many bytes were sent; less than 0: none. */
int toy_send(const void *bytes, unsigned int len, struct toy *toy);

/* 0 and how many were received, 0 at the end; less than 0: none. */
int toy_receive(size_t *moved, struct toy *toy, void *bytes, size_t size);

#endif
