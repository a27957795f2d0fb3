/* SPDX-License-Identifier: Apache-2.0 */
/* Marks: what user space tells the kernel side of a socket. */
#ifndef HARK_MARK_H
#define HARK_MARK_H

enum mark {
	MARK_MUTED,	 /* not HTTP: count its bytes, copy none */
	MARK_MUTED_SENT, /* the same for one direction; the other one is copied */
	MARK_MUTED_RECEIVED,
	MARK_HEARD,	 /* no longer muted: another look is taken */
	MARK_CIPHERTEXT, /* TLS: count the socket's bytes as ciphertext, copy none */
};

#endif
