/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's target taken apart (RFC 9112, 3.2; RFC 9113, 8.3.1), without
 * changing a byte: nothing is decoded or normalised. User names and passwords
 * in an authority are left out (RFC 9110, 4.2.4).
 */
#ifndef HARK_URL_H
#define HARK_URL_H

#include "message.h"
#include "slice.h"

#include <stdbool.h>
#include <stdint.h>

struct url {			/* slices are borrowed from the message; data NULL: not known or not there */
	struct slice authority; /* host[:port] */
	struct slice host;	/* IPv6 literals without their brackets */
	bool port_known;
	uint16_t port;
	struct slice path;   /* without query */
	struct slice query;  /* without '?' */
	bool authority_form; /* CONNECT: there is no path */
};

/* Whose authority counts: an absolute target's, else :authority, else Host (RFC 9112, 3.2.2). */
void url_of_request(const struct message *request, struct url *url);

/*
 * The path without parameters of its last segment (RFC 3986, 3.3): names of endpoints do without, and
 * ";jsessionid=" is a secret.
 */
struct slice url_path_plain(struct slice path);

#endif
